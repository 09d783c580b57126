"""Verdicts as text, and no state left from one test to the next."""

import pytest

from qtutor.exercises import check, hints


@pytest.fixture
def verdict(capsys):
    """Return a function that calls check and returns what it printed: one line."""

    def of(name, function):
        assert check(name, function) is None
        printed = capsys.readouterr()
        assert printed.err == ""
        assert printed.out.count("\n") == 1
        return printed.out.rstrip("\n")

    return of


@pytest.fixture(autouse=True)
def no_hints_given():
    """Begin and end as a fresh kernel does."""
    hints.shown.clear()
    yield
    hints.shown.clear()
