"""A learner's function that does not come back, or leaves, in an explorer: the last picture stays, and the notebook goes on."""

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from qtutor.explorers import own, requantize_explorer, saturation_explorer, two_sums_explorer

TAKEN = [
    (requantize_explorer, "requantize"),
    (saturation_explorer, "wrap"),
    (saturation_explorer, "saturate"),
    (two_sums_explorer, "own_rounding"),
]


def loops(*given: Any) -> None:
    end = time.monotonic() + 20  # endless for the explorer
    while time.monotonic() < end:
        pass


@pytest.mark.parametrize(("explorer", "trait"), TAKEN)
def test_a_function_without_end_is_stopped(
    explorer: Callable[[], Any], trait: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "SECONDS", 0.5)
    widget, threads = explorer(), threading.active_count()
    before = widget.readout
    setattr(widget, trait, loops)
    assert widget.message == (
        "Your function was still running after 0.5 s and was stopped: is a loop endless, or does it take small steps?"
        " Until then the last picture stays."
    )
    assert (widget.readout, widget.busy, threading.active_count()) == (before, False, threads)


@pytest.mark.parametrize(("explorer", "trait"), TAKEN)
def test_a_function_that_exits_is_named(explorer: Callable[[], Any], trait: str) -> None:
    widget = explorer()
    setattr(widget, trait, lambda *given: sys.exit())
    assert widget.message.endswith(" raised SystemExit. Until then the last picture stays.")
