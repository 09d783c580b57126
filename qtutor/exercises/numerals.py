"""Numbers in a verdict: an input as it was tried, to the last digit, and two values so that one sees how they differ."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from qtutor.exercises.exercise import Case, Difference, Exercise

READABLE = 8  # numbers in a row; of more, only the first that differs is shown


def describe_value(value: Any, with_kind: bool, whole: bool = False) -> str:
    """Return one argument as text; a tensor of length 1 as its number, with its type where that matters.

    whole   a tensor of up to 8 numbers is written out: [[0, 1], [0.5, 0]]

    >>> describe_value(torch.tensor([[0.0, 1.0], [0.65, 0.0]]), False, whole=True)
    '[[0, 1], [0.65, 0]]'
    """
    if not isinstance(value, Tensor):
        return numeral(value)
    kind = f" ({str(value.dtype).removeprefix('torch.')})" if with_kind else ""
    if whole and 0 < value.numel() <= READABLE:
        return numeral(value.tolist(), value.dtype) + kind
    if value.numel() == 1:
        return numeral(value.item(), value.dtype) + kind
    return f"a tensor of shape {tuple(value.shape)}{kind}" if value.numel() else f"an empty tensor{kind}"


def numeral(value: Any, dtype: torch.dtype = torch.float64) -> str:
    """Return a number, or a list of them, in as few digits (6 at least) as give the very same number when typed.

    >>> numeral(0.65), numeral(0.6500000357627869, torch.float32), numeral([2.0, 1 / 3])
    ('0.65', '0.65000004', '[2, 0.3333333333333333]')
    """
    if isinstance(value, list):
        return f"[{', '.join(numeral(part, dtype) for part in value)}]"
    if not isinstance(value, float):
        return str(value)
    texts = (f"{value:.{digits}g}" for digits in range(6, 18))
    return next((text for text in texts if torch.tensor(float(text), dtype=dtype).item() == value), str(value))


def both_values(exercise: Exercise, shown: Difference) -> str:
    """Return what was expected and what came, for a long answer at the first place where they differ."""
    path = first_difference(shown.expected, shown.found)
    if path and numbers_in(shown.expected) > READABLE:
        expected, found = at(shown.expected, path), at(shown.found, path)
        place = f", in place {index_text(exercise, shown.case, path)} of the answer"
        return f"{place}: expected {told_apart(expected, found)}"
    expected, found = (exercise.write(value, shown.case) for value in (shown.expected, shown.found))
    return (
        f": expected {f'{expected}, yours {found}' if expected != found else told_apart(shown.expected, shown.found)}"
    )


def told_apart(expected: Any, found: Any) -> str:
    """Return two values in as many digits as show that they differ.

    >>> told_apart(1.0, 1.00000001), told_apart(0.25, 0.5)
    ('1, yours 1.00000001', '0.25, yours 0.5')
    """
    if isinstance(expected, float) and isinstance(found, float):
        texts = ((f"{expected:.{digits}g}", f"{found:.{digits}g}") for digits in range(6, 18))
        return ", yours ".join(next((pair for pair in texts if pair[0] != pair[1]), (str(expected), str(found))))
    return f"{expected}, yours {found}"


def numbers_in(value: Any) -> int:
    """Return how many numbers a nested tuple holds."""
    return sum(map(numbers_in, value)) if isinstance(value, tuple) else 1


def first_difference(expected: Any, found: Any) -> tuple[int, ...]:
    """Return the indices of the first number that differs in two nested tuples; none where their sizes do.

    >>> first_difference(((1, 2), (3, 4)), ((1, 2), (3, 5))), first_difference((1, 2), (1,))
    ((1, 1), ())
    """
    if not isinstance(expected, tuple) or not isinstance(found, tuple) or len(expected) != len(found):
        return ()
    pairs = zip(expected, found, strict=True)
    place = next(i for i, (a, b) in enumerate(pairs) if a is not b and a != b)
    return (place, *first_difference(expected[place], found[place]))


def at(value: Any, path: tuple[int, ...]) -> Any:
    """Return what a nested tuple holds at a place."""
    for index in path:
        value = value[index]
    return value


def index_text(exercise: Exercise, case: Case, path: tuple[int, ...]) -> str:
    """Return a place as Python indexes it; of a tuple of tensors, whose numbers were read in a row, by part: [0][3, 5]."""
    right = exercise.reference(*case.copies())
    if not isinstance(right, tuple):
        return str(list(path))
    inside = torch.unravel_index(torch.tensor(path[1]), right[path[0]].shape)
    return f"[{path[0]}]{[int(index) for index in inside]}"
