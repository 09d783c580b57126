"""The benchmarks: `python3 run.py bench [name ...]` prints their tables and writes them to docs/benchmarks.md.

Every figure is measured in this one run, on this one machine: compare the columns of a row, not rows of two runs.
"""

import platform
import sys
from collections.abc import Callable
from pathlib import Path

import explorers
import kernels
import startup

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
BENCHMARKS: dict[str, tuple[str, Callable[[], str]]] = {  # a new one is one more line
    "startup": ("Import and Run All", startup.main),
    "kernels": ("Kernels, beside ONNX Runtime, torch and Brevitas", kernels.main),
    "explorers": ("Explorers, from a slider's event to the changed picture", explorers.main),
}


def processor() -> str:
    """The CPU's name, as far as the system tells."""
    try:
        names = [
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ]
        return f"{names[0]}, {len(names)} cores"
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise SystemExit(f"There is no benchmark {unknown[0]!r}: choose from {', '.join(BENCHMARKS)}.")
    sections = {}
    for name in names or BENCHMARKS:
        title, measure = BENCHMARKS[name]
        print(f"\n## {title}\n", flush=True)
        sections[title] = measure()
    if names:
        print("\nOnly part of the page was measured, so docs/benchmarks.md stays as it is.")
        return
    text = f"# Benchmarks\n\nMeasured by `python3 run.py bench` on {processor()}, Python {platform.python_version()}, one thread.\n"
    PAGE.write_text(text + "".join(f"\n## {title}\n\n{table}\n" for title, table in sections.items()), encoding="utf-8")
    print(f"\nWritten to {PAGE.relative_to(PAGE.parent.parent)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
