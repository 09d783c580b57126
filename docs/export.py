"""Make one HTML file of a notebook, with explorers that work offline: `python3 run.py export notebooks/02_out_of_range.ipynb`.

The notebook is run once more, as it stands (with the learner's own code in it), and written to build/export. It is not
changed itself.
"""

import html
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "export"
NOTE = (
    "*Here explorers and questions work, and cells do not run: `python3 run.py lab` opens the chapter so that they do.*"
)
NO_WORDS = 'alt="No description has been provided for this image"'  # what nbconvert says of every picture
WRAPPED = "<style>.jp-InputArea-editor pre { white-space: pre-wrap; overflow-wrap: anywhere; }</style>"  # on paper, too
LINK = re.compile(r"(?<!!)\[([^]]+)\]\((?!\w+:|#)([^)#]+)(?:#[^)]*)?\)")  # to a file: no picture, web page or heading


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
    page = HTMLExporter(template_name="lab")
    page.mathjax_url = page.require_js_url = page.jquery_url = page.mermaid_js_url = ""
    return page


def noted(notebook: NotebookNode) -> NotebookNode:
    """Put a note under the title: what works in a page that has no kernel.

    >>> noted(nbformat.v4.new_notebook(cells=[new_markdown_cell("# A title")])).cells[1].source == NOTE
    True
    """
    notebook.cells.insert(1, new_markdown_cell(NOTE, id="no-kernel"))
    return notebook


def descriptions(notebook: NotebookNode) -> Iterator[str]:
    """Return the words of each picture, in order: they stand in the output's metadata."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                yield output.metadata.get("image/png", {}).get("alt", "")


def alone(notebook: NotebookNode, exported: set[str]) -> NotebookNode:
    """Return a notebook without what leads out of its page: the state of widgets, and links to files that are not there.

    exported  names of the chapters that stand beside it as HTML

    >>> cell = new_markdown_cell("[one](01_a.ipynb#top), [two](02_b.ipynb), [docs](../docs/recipe.md), ![p](p.png)")
    >>> notebook = alone(nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {}}), {"02_b"})
    >>> notebook.cells[0].source, notebook.metadata
    ('one, [two](02_b.html), docs, ![p](p.png)', {})
    """
    notebook.metadata.pop("widgets", None)  # JupyterLab saves it, and nbconvert would fetch a library for it
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(lambda link: beside(link, exported), cell.source)
    return notebook


def beside(link: re.Match[str], exported: set[str]) -> str:
    """Return a link to a file of the project as a link to a page beside this one, or as its text alone."""
    text, target = link.groups()
    return f"[{text}]({Path(target).stem}.html)" if Path(target).stem in exported else text


def export(path: Path, exported: set[str]) -> Path:
    """Run a notebook with its explorers written into it; return the path of its HTML."""
    os.environ["QTUTOR_EMBED"] = "1"
    notebook = chapters_builder().run(nbformat.read(path, as_version=4), allow_errors=True)
    notebook = noted(alone(notebook, exported))
    page, _ = exporter().from_notebook_node(notebook, {"metadata": {"name": path.stem}})
    for words in descriptions(notebook):
        page = page.replace(NO_WORDS, f'alt="{html.escape(words)}"', 1)
    TARGET.mkdir(parents=True, exist_ok=True)
    target = TARGET / f"{path.stem}.html"
    target.write_text(page.replace("</head>", f"{WRAPPED}</head>", 1), encoding="utf-8")
    return target


def main(names: list[str]) -> None:
    if not names:
        raise SystemExit("Name a notebook, for example notebooks/02_out_of_range.ipynb.")
    exported = {Path(name).stem for name in names} | {page.stem for page in TARGET.glob("*.html")}
    for name in names:
        path = Path(name)
        if not path.is_file():
            raise SystemExit(f"There is no file {name}: name a notebook, for example notebooks/02_out_of_range.ipynb.")
        print(f"{path.name} …", flush=True)
        print(f"{export(path, exported).relative_to(ROOT)}: open it in a browser; no network is needed.")


if __name__ == "__main__":
    main(sys.argv[1:])
