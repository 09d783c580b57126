"""Every public name says what it does, takes, returns and raises, and shows an example that runs."""

from collections.abc import Callable

import pytest

import qtutor


def lacking(thing: object) -> list[str]:
    """The parts that are missing from the docstring of a function or class."""
    words = (thing.__doc__ or "").lower()
    parts = {
        "a summary": words.strip().split("\n")[0].endswith((".", ":")),
        "an example": ">>>" in words,
        "what it returns or shows": isinstance(thing, type)
        or any(sign in words for sign in ("return", "show", "print")),
        "what it raises": "raise" in words,
    }
    return [part for part, is_there in parts.items() if not is_there]


@pytest.mark.parametrize("name", sorted(qtutor.__all__))
def test_a_public_name_is_documented(name: str) -> None:
    assert lacking(getattr(qtutor, name)) == []


def test_there_are_public_names() -> None:
    assert {"QParams", "quantize", "saturate", "wrap", "add", "check"} <= set(qtutor.__all__)


def no_words() -> None: ...


def no_example() -> None:
    """Give back x.

    returns   x
    raises    nothing
    """


@pytest.mark.parametrize(
    ("thing", "missing"),
    [
        (no_words, ["a summary", "an example", "what it returns or shows", "what it raises"]),
        (no_example, ["an example"]),
    ],
)
def test_a_docstring_that_lacks_a_part_is_refused(thing: Callable[[], None], missing: list[str]) -> None:
    assert lacking(thing) == missing
