"""A learner's own function in an explorer: whatever it does, the notebook goes on."""

import threading
import time
from collections.abc import Callable

from qtutor.explorers.table import Table
from qtutor.stopping import alive, stop

SECONDS = 5.0  # for a table, which asks the function for every setting

LATE = "Your function was still running after {seconds:g} s and was stopped: is a loop endless, or does it take small steps?"


def finished(compute: Callable[[], Table]) -> Table:
    """Return what compute returns or raise what it raises; raise ValueError where it takes too long.

    It runs in a thread of its own, because that is what can be stopped on every platform.
    """
    results: list[Table | BaseException] = []
    thread = threading.Thread(target=keep, args=(compute, results), daemon=True)
    with alive():
        thread.start()
        end = time.monotonic() + SECONDS
        try:
            while thread.is_alive() and time.monotonic() < end:
                thread.join(0.05)  # Windows cannot interrupt a long wait
            late = thread.is_alive()
        finally:
            stop(thread)
    if late:
        raise ValueError(LATE.format(seconds=SECONDS))
    if isinstance(results[0], BaseException):
        raise results[0]
    return results[0]


def keep(compute: Callable[[], Table], results: list[Table | BaseException]) -> None:
    """Append what compute returns or raises."""
    try:
        results.append(compute())
    except BaseException as error:
        results.append(error)


def raised(error: BaseException) -> str:
    """Return the end of a sentence about an error of the learner's function.

    >>> raised(ValueError("too wide")), raised(SystemExit())
    ('raised ValueError: too wide.', 'raised SystemExit.')
    """
    return f"raised {type(error).__name__}{f': {error}' if str(error) else ''}."
