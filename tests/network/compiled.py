"""A C header of ours under the machine's own C compiler: integers in, integers out, as files of raw bytes."""

import shutil
import subprocess
from pathlib import Path

import numpy
import pytest
import torch
from torch import Tensor

COMPILER = next((name for name in ("gcc", "clang", "cc") if shutil.which(name)), "")
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1"]
needs_compiler = pytest.mark.skipif(not COMPILER, reason="no C compiler: gcc, clang and cc are not on the PATH")

MAIN = """
#include <stdio.h>
#include "network.h"
int main(void) {{
  static {x} x[{inputs}];
  static {y} y[{outputs}];
  while (fread(x, sizeof *x, {inputs}, stdin) == {inputs}) {{
    {function}(x, y);
    fwrite(y, sizeof *y, {outputs}, stdout);
  }}
  return 0;
}}
"""


def run(command: list[str], folder: Path) -> str:
    """Return what a command prints; fail with its complaint."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_compiled(header: Path, function: str, x: Tensor, like: Tensor, *flags: str) -> Tensor:
    """Return what a function of the header makes of each of x [N, ...], with the dtype and shape that `like` has."""
    types = [f"{str(t.dtype).removeprefix('torch.')}_t" for t in (x, like)]
    source = MAIN.format(
        x=types[0], y=types[1], inputs=x[0].numel(), outputs=like[0].numel(), function=function
    ).replace("network.h", header.name)
    (header.parent / "main.c").write_text(source)
    program = header.parent / "program"
    run([COMPILER, *STRICT, *flags, "main.c", "-o", str(program)], header.parent)
    raw = subprocess.run([str(program)], input=x.contiguous().numpy().tobytes(), capture_output=True, check=True).stdout
    found = numpy.frombuffer(raw, str(like.dtype).removeprefix("torch.")).copy()
    return torch.from_numpy(found).reshape(len(x), *like.shape[1:])
