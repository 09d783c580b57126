"""Calling a learner's function: whatever it does, the notebook goes on.

The calls are made in a thread of their own, because that is what can be stopped on every platform and from every
thread: an exception is set in it where the function does not come back.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from qtutor.exercises.exercise import Answer, Case, Function, Unreadable
from qtutor.exercises.session import kept, little_memory
from qtutor.stopping import OutOfTime, alive, stop

SECONDS_A_CALL = 3.0  # without an answer, before a call counts as one that does not end
SECONDS_A_THOUSAND = 0.1  # more for each thousand elements: so long takes a right loop over them on a busy computer
SECONDS_IN_ALL = 30.0


UNFINISHED = "has no answer yet: this input is still to be done"


@dataclass(frozen=True)
class Outcome:
    """What one call led to: an answer, or what was wrong with it in words; empty where that is that nobody has begun."""

    answer: Answer | None = None
    complaint: str = ""
    empty: bool = False


@dataclass
class Run:
    """The outcomes in the order of the cases, and how the run ended: "" (all done), "endless", "slow"
    or "interrupted"."""

    outcomes: list[Outcome] = field(default_factory=list)
    ended: str = ""
    stuck: bool = False
    printed: list[str] = field(default_factory=list)


class HeldBack:
    """A stream that keeps what one thread writes and passes on what the others do."""

    def __init__(self, stream: Any, kept: list[str]) -> None:
        self.stream, self.kept, self.owner = stream, kept, 0

    def write(self, text: str) -> int:
        """Keep or pass on."""
        if threading.get_ident() != self.owner:
            return int(self.stream.write(text) or 0)
        if len(self.kept) < 20:
            self.kept.append(text[:200])
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def run(function: Function, cases: Sequence[Case], read: Callable[[Any, Case], Answer]) -> Run:
    """Return what function does with each case, in order; stop where it does not come back in time."""
    result = Run()
    held = HeldBack(sys.stdout, result.printed), HeldBack(sys.stderr, [])

    def work() -> None:
        held[0].owner = held[1].owner = threading.get_ident()
        call_all(function, cases, read, result.outcomes)

    thread = threading.Thread(target=work, daemon=True)
    with kept(), alive(), little_memory(), redirect_stdout(held[0]), redirect_stderr(held[1]):
        try:
            thread.start()
            result.ended = wait(thread, cases, result.outcomes)
        except KeyboardInterrupt:
            result.ended = "interrupted"
        result.stuck = bool(result.ended) and not stop(thread)  # before the streams are back, which it may flood
    return result


def call_all(
    function: Function, cases: Sequence[Case], read: Callable[[Any, Case], Answer], outcomes: list[Outcome]
) -> None:
    """Append the outcome of each case, up to the first that is no answer."""
    try:
        for case in cases:
            outcomes.append(call(function, case, read))
            if outcomes[-1].complaint:
                return
    except OutOfTime:
        return


def call(function: Function, case: Case, read: Callable[[Any, Case], Answer]) -> Outcome:
    """Return the outcome of one case. SystemExit and KeyboardInterrupt here are the function's own."""
    given = case.copies()
    try:
        result = function(*given)
        if result is Ellipsis or result is NotImplemented:
            return Outcome(complaint=UNFINISHED, empty=True)
        if changed(case, given):
            return Outcome(complaint="changes its input in place, which the caller still needs: work on a new tensor")
        return Outcome(answer=read(result, case))
    except Unreadable as reason:
        return Outcome(complaint=f"returns {reason}")
    except OutOfTime:
        raise
    except BaseException as error:
        return raised(error)


def raised(error: BaseException) -> Outcome:
    """Return the outcome of a call that raised: type and message in one sentence, no traceback."""
    if isinstance(error, NotImplementedError) and not error.args:
        return Outcome(complaint=UNFINISHED, empty=True)
    if isinstance(error, TypeError) and "ellipsis" in str(error):
        return Outcome(complaint="still computes with `...`, the place that was left for your code")
    if isinstance(error, SystemExit):
        return Outcome(complaint="calls exit, which would end the notebook's kernel: return instead")
    if isinstance(error, RecursionError):
        return Outcome(complaint="calls itself too deep (RecursionError): where does it stop, or could a loop do it?")
    if isinstance(error, MemoryError) or "allocate memory" in first_line(error):
        return Outcome(complaint="needs too much memory: does it build something very large, a table of all integers?")
    said = f"raises {type(error).__name__}{first_line(error)}"
    return Outcome(
        complaint=f"{said}. The types differ: what holds both?" if "to have the same dtype" in said else said
    )


def first_line(error: BaseException) -> str:
    """Return ': ' and the first line of an error's message, cut to a readable length; nothing where it has none."""
    try:
        line = str(error).strip().split("\n")[0]
    except Exception:
        return ""
    return f": {line[:150]}{'…' if len(line) > 150 else ''}" if line else ""


def changed(case: Case, given: tuple[Any, ...]) -> bool:
    """Say whether a tensor that was given differs from the case's own."""
    pairs = ((new, old) for new, old in zip(given, case.arguments, strict=True) if isinstance(old, Tensor))
    return any(new.shape != old.shape or new.tolist() != old.tolist() for new, old in pairs)


def patience(case: Case) -> float:
    """Return how many seconds a call may take: more for a large tensor, whose elements may be taken one by one."""
    elements = max((tensor.numel() for tensor in case.tensors), default=0)
    return SECONDS_A_CALL + SECONDS_A_THOUSAND * (elements // 1000)


def wait(thread: threading.Thread, cases: Sequence[Case], outcomes: list[Outcome]) -> str:
    """Wait for the thread in short steps (Windows cannot interrupt a long one); say how it ended."""
    start = last = time.monotonic()
    done = 0
    while thread.is_alive():
        thread.join(0.05)
        now = time.monotonic()
        if len(outcomes) != done:
            done, last = len(outcomes), now
        if done < len(cases) and now - last > patience(cases[done]) and thread.is_alive():
            return "endless"
        if now - start > SECONDS_IN_ALL and thread.is_alive():
            return "slow"
    return ""
