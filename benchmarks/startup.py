"""How long a learner waits: for `import qtutor`, beside `import torch`, and for a chapter's Run All."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
RUNS = 5


def seconds(code: str) -> float:
    """Median time of a fresh interpreter that runs the code."""
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def run_all(path: Path) -> float:
    """Time of all cells of a notebook, from the moment its kernel is ready."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOKS)}}
    )
    with client.setup_kernel():
        begun = time.perf_counter()
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        return time.perf_counter() - begun


def main() -> str:
    """Return both tables as one."""
    lines = ["| what | seconds |", "|---|---|"]
    empty = seconds("pass")
    for code in ("import qtutor", "import torch", "from qtutor import quantize", "from qtutor import from_brevitas"):
        lines.append(f"| `{code}`, beyond Python itself | {seconds(code) - empty:.3f} |")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        lines.append(f"| Run All of {path.stem}, after the kernel has started | {run_all(path):.1f} |")
    print("\n".join(lines))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
