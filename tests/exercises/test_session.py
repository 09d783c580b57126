"""The session outlives every check: its state is what it was, and neither exit nor a flood of output nor hunger for memory ends it."""

import os
import random
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
import torch

from qtutor.exercises import check, runner, session
from qtutor.exercises.catalogue import EXERCISES

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process may take")


def saturate(*given):
    return EXERCISES["2.A"].reference(*given)


CHANGES = {
    "torch's type": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "torch's seed": (lambda: torch.manual_seed(7), lambda: torch.get_rng_state().tolist()),
    "torch's numbers": (lambda: torch.rand(3), lambda: torch.get_rng_state().tolist()),
    "Python's seed": (lambda: random.seed(7), random.getstate),
    "NumPy's seed": (lambda: np.random.seed(7), lambda: str(np.random.get_state())),
    "deterministic": (lambda: torch.use_deterministic_algorithms(True, warn_only=True), session.deterministic),
    "printing": (lambda: torch.set_printoptions(precision=2, sci_mode=True), lambda: repr(torch.tensor([1 / 3]))),
    "recursion": (lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 500), sys.getrecursionlimit),
    "folder": (lambda: os.chdir(os.path.dirname(os.getcwd())), os.getcwd),
    "warnings": (lambda: warnings.simplefilter("ignore"), lambda: list(warnings.filters)),
}


@pytest.mark.parametrize(("change", "look"), CHANGES.values(), ids=CHANGES)
def test_what_a_function_changes_for_the_whole_session_is_put_back(change, look, verdict):
    before = look()
    changed = []

    def function(x, bit_width, signed):
        change()
        changed.append(look() != before)
        return saturate(x, bit_width, signed)

    assert verdict("2.A", function).startswith("✓ 2.A")
    assert any(changed)
    assert look() == before


def test_a_folder_that_is_gone_is_no_reason_to_fail(verdict, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert verdict("2.A", saturate).startswith("✓ 2.A")


def test_a_session_in_float64_gets_the_same_verdict_and_stays_so(verdict):
    torch.set_default_dtype(torch.float64)
    try:
        assert verdict("1.B", EXERCISES["1.B"].reference).startswith("✓ 1.B")
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", EXERCISES)
def test_the_checkers_own_answers_leave_the_random_numbers_alone(name):
    code = f"""
import torch
from qtutor.exercises import check
from qtutor.exercises.catalogue import EXERCISES
torch.manual_seed(1)
before = torch.get_rng_state()
check("{name}", EXERCISES["{name}"].reference)
assert torch.equal(torch.get_rng_state(), before)
"""
    if name in ("6.B", "7.A"):  # what a fresh process alone shows, where Brevitas or autograd are at work
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    else:
        exec(code)


@LINUX
@pytest.mark.parametrize(
    "table",
    [
        lambda bits: torch.arange(-(2 ** (bits - 1)), 2 ** (bits - 1)),
        lambda bits: list(range(2**bits)),
        lambda bits: np.zeros(2**bits),
    ],
)
def test_a_table_of_all_integers_is_refused_before_it_fills_the_memory(table, verdict):
    def function(x, bit_width, signed):
        if bit_width == 30:
            table(bit_width)
        return saturate(x, bit_width, signed)

    assert verdict("2.A", function) == (
        "✗ 2.A  at x=a tensor of shape (18,), bit_width=30, signed=False your function needs too much memory: does it build"
        " something very large, a table of all integers? Tensors of length 1 were all right."
    )


def test_pythons_own_exit_leaves_stdin_open(verdict):
    assert "calls exit, which would end the notebook's kernel: return instead." in verdict("2.A", lambda *x: exit())
    assert not sys.stdin.closed


def test_printing_without_end_does_not_reach_the_notebook(capsys, monkeypatch):
    monkeypatch.setattr(runner, "SECONDS_A_CALL", 0.3)

    def prints(x, bit_width, signed):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            print("spam")

    check("2.A", prints)
    (said,) = capsys.readouterr().out.splitlines()
    assert said.endswith(" It also printed 'spam', which was held back: print in a cell of its own.")


def test_a_large_tensor_gets_more_time(monkeypatch, verdict):
    small, large = EXERCISES["4.A"].small()[0], max(EXERCISES["4.A"].wide(), key=lambda case: case.tensors[0].numel())
    assert runner.patience(small) == runner.SECONDS_A_CALL
    assert runner.patience(large) > runner.SECONDS_A_CALL + 3
