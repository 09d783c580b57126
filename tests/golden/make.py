"""Golden vectors: `python3 run.py golden` writes golden/*.csv and their $readmemh twins, golden/*.mem.

    python3 run.py golden               the committed files; two runs give the same bytes
    python3 run.py golden --more 1000   as many further cases a kernel, to build/golden

The expected integers come from Python's integers and fractions (oracles.py). No code is shared with qtutor or torch.
"""

import argparse
import itertools
import random
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.golden.kernels import CODES, KERNELS, Kernel

ROOT = Path(__file__).resolve().parents[2]
SEED = 20240607
CASES = 256
WIDTH = 32  # bits of a word in the .mem files


@dataclass(frozen=True)
class Golden:
    """A kernel's two files as texts."""

    csv: str
    mem: str


def made(kernel: Kernel, count: int, seed: int, first: bool = True) -> Golden:
    """Return both files with `count` cases: those chosen by hand first (where asked), the rest drawn with the seed."""
    rng = random.Random(f"{seed} {kernel.name}")
    drawn = (kernel.draw(rng) for _ in itertools.count())
    cases = list(itertools.islice(itertools.chain(kernel.chosen if first else (), drawn), count))
    lines = [[*case, kernel.expected(*case)] for case in cases]
    return Golden(csv_text(kernel, lines), mem_text(kernel, lines))


def csv_text(kernel: Kernel, lines: list[list]) -> str:
    """The readable file: a header of comments, the columns' names, a case a line."""
    head = [f"# {line}" for line in (*kernel.words, f"{len(lines)} cases; the last column is the expected integer.")]
    return "\n".join([*head, ",".join(kernel.columns), *(",".join(map(str, line)) for line in lines)]) + "\n"


def mem_text(kernel: Kernel, lines: list[list]) -> str:
    """The same for $readmemh: words of one width, a case a line, in the order of the columns."""
    count = len(kernel.columns)
    head = [
        f"{kernel.name}: {len(lines)} cases of {count} words of {WIDTH} bits, two's complement",
        f"reg [{WIDTH - 1}:0] golden [0:{len(lines) * count - 1}]; word j of case i is golden[i * {count} + j]",
        " ".join(kernel.columns),
        *(
            f"{column}: {', '.join(map(' '.join, numbered(names)))}"
            for column, names in CODES.items()
            if column in kernel.inputs
        ),
    ]
    rows = [" ".join(f"{word_of(value) % 2**WIDTH:0{WIDTH // 4}x}" for value in line) for line in lines]
    return "\n".join([*(f"// {line}" for line in head), *rows]) + "\n"


def numbered(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each name with its number."""
    return [(str(i), name) for i, name in enumerate(names)]


def word_of(value: int | float | str) -> int:
    """The integer that stands for a value in the .mem file: a float's float32 bits, a name's number."""
    if isinstance(value, float):
        return struct.unpack("<I", struct.pack("<f", value))[0]
    if isinstance(value, str):
        return next(names.index(value) for names in CODES.values() if value in names)
    return value


def write(folder: Path, count: int, seed: int, first: bool) -> None:
    """Write both files of every kernel."""
    folder.mkdir(parents=True, exist_ok=True)
    for kernel in KERNELS:
        golden = made(kernel, count, seed, first)
        for ending, text in (("csv", golden.csv), ("mem", golden.mem)):
            (folder / f"{kernel.name}.{ending}").write_text(text, encoding="utf-8", newline="\n")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="run.py golden", description="Write the golden vectors.")
    parser.add_argument("--more", type=int, metavar="N", help="write N further cases a kernel to build/golden")
    parser.add_argument("--seed", type=int, default=SEED + 1, help="what the further cases are drawn with")
    options = parser.parse_args(arguments)
    if options.more is not None and options.more < 1:
        parser.error(f"--more {options.more} is no number of cases: give 1 or more.")
    if options.more:
        write(ROOT / "build" / "golden", options.more, options.seed, first=False)
        print(f"{options.more} cases for each of {len(KERNELS)} kernels in build/golden.")
    else:
        write(ROOT / "golden", CASES, SEED, first=True)
        print(f"{CASES} cases for each of {len(KERNELS)} kernels in golden.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
