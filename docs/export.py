"""Make one HTML file of a notebook, with explorers that work offline: `python3 run.py export notebooks/02_out_of_range.ipynb`.

The notebook is run once more, as it stands (with the learner's own answers in it), and written to build/export. It is
not changed itself.
"""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import nbformat
from nbconvert import HTMLExporter

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "export"


def chapters_builder() -> ModuleType:
    """Return notebooks/source/build.py as a module: it knows how a chapter is run."""
    spec = importlib.util.spec_from_file_location("chapters_builder", ROOT / "notebooks" / "source" / "build.py")
    if spec is None or spec.loader is None:
        raise SystemExit("notebooks/source/build.py is missing: fetch it again.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exporter() -> HTMLExporter:
    """Return nbconvert's HTML exporter without the libraries that it would load from elsewhere."""
    html = HTMLExporter(template_name="lab")
    html.mathjax_url = html.require_js_url = html.jquery_url = html.mermaid_js_url = ""
    return html


def export(path: Path) -> Path:
    """Run a notebook with its explorers written into it; return the path of its HTML."""
    os.environ["QTUTOR_EMBED"] = "1"
    notebook = chapters_builder().run(nbformat.read(path, as_version=4), allow_errors=True)
    page, _ = exporter().from_notebook_node(notebook, {"metadata": {"name": path.stem}})
    TARGET.mkdir(parents=True, exist_ok=True)
    target = TARGET / f"{path.stem}.html"
    target.write_text(page, encoding="utf-8")
    return target


def main(names: list[str]) -> None:
    if not names:
        raise SystemExit("Name a notebook, for example notebooks/02_out_of_range.ipynb.")
    for name in names:
        path = Path(name)
        if not path.is_file():
            raise SystemExit(f"There is no file {name}: name a notebook, for example notebooks/02_out_of_range.ipynb.")
        print(f"{path.name} …", flush=True)
        print(f"{export(path).relative_to(ROOT)}: open it in a browser; no network is needed.")


if __name__ == "__main__":
    main(sys.argv[1:])
