"""What a learner's function may do to the whole session, and how it is kept from that."""

from __future__ import annotations

import os
import random
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

MEMORY = 2**31  # bytes that a check may take beyond what the session has: more than any right answer needs


@contextmanager
def kept() -> Iterator[None]:
    """Put back afterwards what STATE lists, and Python's warnings; meanwhile floats are float32, as the exercises are."""
    before = [(put, get()) for get, put in STATE]
    try:
        torch.set_default_dtype(torch.float32)
        with warnings.catch_warnings():
            yield
    finally:
        for put, value in before:
            put(value)


def deterministic() -> tuple[bool, bool]:
    """Return both parts of torch's setting."""
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def print_options() -> dict[str, Any]:
    """Return what torch.set_printoptions takes; torch has no public way to ask."""
    return dict(vars(torch._tensor_str.PRINT_OPTS))


def folder() -> str:
    """Return the working folder, "" where it was deleted."""
    with suppress(OSError):
        return os.getcwd()
    return ""


def go_to(place: str) -> None:
    """Make a folder the working folder, where it is still there."""
    with suppress(OSError):
        os.chdir(place)


def numpys() -> Any:
    """Return NumPy's state of random numbers, None where nobody has imported NumPy."""
    return sys.modules["numpy"].random.get_state() if "numpy" in sys.modules else None


def set_numpys(state: Any) -> None:
    """Set it."""
    if state is not None:
        sys.modules["numpy"].random.set_state(state)


STATE: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_rng_state, torch.set_rng_state),
    (random.getstate, random.setstate),
    (numpys, set_numpys),
    (deterministic, lambda both: torch.use_deterministic_algorithms(both[0], warn_only=both[1])),
    (print_options, lambda options: torch.set_printoptions(**options)),  # type: ignore[no-untyped-call]
    (folder, go_to),
)


@contextmanager
def little_memory() -> Iterator[None]:
    """Let the process grow by MEMORY at most: a list of all integers of 30 bits would take down the whole session.

    Only Linux can be told so; elsewhere nothing is limited.
    """
    try:
        import resource

        used = re.findall(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except (ImportError, OSError):
        used = []
    if not used or resource.getrlimit(resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY:
        yield
        return
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (int(used[0]) * 1024 + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, hard))
