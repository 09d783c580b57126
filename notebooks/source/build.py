"""Make notebooks/NN_name.ipynb, outputs included, from notebooks/source/NN_name.py: `python3 run.py build [name ...]`.

People review the .py file (jupytext's py:percent); learners open the .ipynb file. Two runs give the same bytes, but for PNGs
that another version of a font or library draws.
"""

import hashlib
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

SOURCE = Path(__file__).resolve().parent
NOTEBOOKS = SOURCE.parent
VARIES = ("application/vnd.jupyter.widget-view+json",)  # a random model id; the committed notebook keeps the words


def sources(names: list[str]) -> list[Path]:
    """Return the chapters' sources, in order; with names, those whose file name starts with one of them."""
    chapters = sorted(SOURCE.glob("[0-9][0-9]_*.py"))
    chosen = [path for path in chapters if not names or any(path.stem.startswith(name) for name in names)]
    if not chosen:
        raise SystemExit(f"No chapter starts with {', '.join(names)}: there are {', '.join(p.stem for p in chapters)}.")
    return chosen


def notebook_of(path: Path) -> NotebookNode:
    """Return the notebook that a source describes: not run, with cell ids that depend on the cells' text alone."""
    notebook = jupytext.read(path, fmt="py:percent")
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
    return notebook


def run(notebook: NotebookNode, allow_errors: bool = False) -> NotebookNode:
    """Run the cells from top to bottom as nbval does, in the notebooks' folder; keep what is the same on every run.

    allow_errors  go on after a cell that fails or warns, as in a learner's own notebook; a chapter must not
    """
    client = NotebookClient(
        notebook,
        timeout=120,
        allow_errors=allow_errors,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=40"],  # errors; its warning about encryption is no reader's business
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
    )
    client.execute()
    notebook.metadata["language_info"] = {"name": "python"}  # the run adds this Python's version
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [cleaned(output) for output in cell.outputs]
            if not allow_errors:
                require_no_warning(cell)
    return notebook


def cleaned(output: NotebookNode) -> NotebookNode:
    """Return an output without what differs between runs or machines."""
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]  # the frames name folders of one machine
    for kind in VARIES:
        output.get("data", {}).pop(kind, None)
    return output


def require_no_warning(cell: NotebookNode) -> None:
    """End where a cell wrote to stderr: a learner should not meet a warning that the chapter does not explain."""
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stderr":
            raise SystemExit(f"A cell writes to stderr: {output.text}")


def main(names: list[str]) -> None:
    for path in sources(names):
        print(f"{path.stem} …", end=" ", flush=True)
        target = NOTEBOOKS / f"{path.stem}.ipynb"
        nbformat.write(run(notebook_of(path)), target)
        print(f"{target.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
