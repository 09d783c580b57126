"""Make the web site of the course in build/site: `python3 run.py site`. Works offline; its explorers need no kernel.

The chapters are run once more, with the explorers' tables written into the page (QTUTOR_EMBED); the committed notebooks
hold only the words.
"""

import os
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import nbformat
from export import chapters_builder, noted
from nbformat import NotebookNode
from sphinx.cmd.build import main as sphinx

ROOT = Path(__file__).resolve().parent.parent
PAGES, SITE = ROOT / "build" / "pages", ROOT / "build" / "site"


def write_chapters(builder: ModuleType) -> list[str]:
    """Run every chapter with its explorers embedded; return the names, in order."""
    os.environ["QTUTOR_EMBED"] = "1"
    (PAGES / "chapters").mkdir()
    for path in builder.sources([]):
        print(f"{path.stem} …", flush=True)
        notebook = noted(described(linked(builder.run(builder.notebook_of(path)))))
        nbformat.write(notebook, PAGES / "chapters" / f"{path.stem}.ipynb")
    return [path.stem for path in builder.sources([])]


def linked(notebook: NotebookNode) -> NotebookNode:
    """Return a chapter whose links to docs/ lead to the pages of the site, which stand one folder above the chapters.

    >>> cell = nbformat.v4.new_markdown_cell("[recipe](../docs/recipe.md)")
    >>> linked(nbformat.v4.new_notebook(cells=[cell])).cells[0].source
    '[recipe](../recipe.md)'
    """
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("](../docs/", "](../")
    return notebook


def described(notebook: NotebookNode) -> NotebookNode:
    """Give each cell the words of its picture as MyST-NB takes them, from the output's metadata.

    >>> output = nbformat.v4.new_output("display_data", {"image/png": ""}, metadata={"image/png": {"alt": "A line"}})
    >>> described(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])])).cells[0].metadata
    {'mystnb': {'image': {'alt': 'A line'}}}
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if alt := output.get("metadata", {}).get("image/png", {}).get("alt"):
                cell.metadata["mystnb"] = {"image": {"alt": alt}}
    return notebook


def public_groups(stub: str) -> list[tuple[str, list[str]]]:
    """Return [(heading, names)] from qtutor/__init__.pyi, whose comments group the public names.

    >>> public_groups("# Formats\\nfrom .q import A as A\\n\\n# Kernels\\nfrom .k import b as b")
    [('Formats', ['A']), ('Kernels', ['b'])]
    """
    groups: list[tuple[str, list[str]]] = []
    for line in stub.splitlines():
        if line.startswith("# "):
            groups.append((line[2:], []))
        elif found := re.match(r"from \S+ import (\w+) as", line):
            groups[-1][1].append(found[1])
    return [(heading, names) for heading, names in groups if names]


def write_api() -> None:
    """Write the page of public names, a section a group, from their docstrings."""
    lines = ["# Public names", "", "All of these are imported from `qtutor`.", ""]
    for heading, names in public_groups((ROOT / "qtutor" / "__init__.pyi").read_text(encoding="utf-8")):
        lines += [f"## {heading}", ""]
        for name in names:
            kind = "autoclass" if name[0].isupper() else "autofunction"
            lines += [
                "```{eval-rst}",
                f".. {kind}:: qtutor.{name}",
                *(["   :members: from_real"] if name[0] == "F" else []),
                "```",
                "",
            ]
    (PAGES / "api.md").write_text("\n".join(lines), encoding="utf-8")


def main() -> int:
    for folder in (PAGES, SITE):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", PAGES, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copy(ROOT / "docs" / "conf.py", PAGES)
    write_chapters(chapters_builder())
    write_api()
    failed = sphinx(["-W", "--keep-going", "-q", "-b", "html", str(PAGES), str(SITE)])
    print("" if failed else f"The site stands in {SITE.relative_to(ROOT)}: open index.html.")
    return failed


if __name__ == "__main__":
    sys.exit(main())
