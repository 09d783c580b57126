"""The benchmarks can be asked for by name, and say which there are; what they measure is no matter for a test."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_a_benchmark_that_does_not_exist_is_named_with_those_that_do():
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "nothing"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 1
    assert done.stderr == "There is no benchmark 'nothing': choose from startup, kernels, explorers.\n"
