"""A learner's code cannot take the notebook with it: a thread that does not come back is stopped, and exit() ends no kernel."""

import ctypes
import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class OutOfTime(BaseException):
    """Set in the thread whose function does not come back; `except Exception` does not catch it."""


def stop(thread: threading.Thread) -> bool:
    """Set OutOfTime in the thread, a few times in case it is caught; say whether the thread has ended."""
    thread.join(0.05)  # a thread that the stop button caught at its start has no number yet
    for _ in range(8):
        if not thread.is_alive():
            return True
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(OutOfTime))
        thread.join(0.25)
    return not thread.is_alive()


@contextmanager
def alive() -> Iterator[None]:
    """Make exit() and quit() raise SystemExit and no more: IPython's stop the kernel, Python's own close stdin first."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    stdin, sys.stdin = sys.stdin, io.StringIO()
    before = getattr(shell, "keepkernel_on_exit", None)
    if shell:
        shell.ask_exit = leave
    try:
        yield
    finally:
        sys.stdin = stdin
        if shell:
            del shell.ask_exit
            shell.keepkernel_on_exit = before


def leave() -> NoReturn:
    """Raise what the caller has words for."""
    raise SystemExit
