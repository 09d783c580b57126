"""hint and solution: help that grows, and the answer with its reason for who asks for it."""

from __future__ import annotations

from qtutor.exercises.catalogue import EXERCISES, find, no_such

shown: dict[str, int] = {}  # how many hints each exercise has given in this kernel


def hint(name: str) -> None:
    """Print the hints so far and one more: each call helps further, three in all.

    name     an exercise, "2.A"
    prints   hints 1 … n at the n-th call in this kernel; after the third, that `solution` exists
    raises   nothing

    >>> hint("2.A")
    Hint 1 of 3 for 2.A: Write down the smallest and the largest integer of 2 bits, once unsigned and once signed: four numbers.
    """  # noqa: E501
    exercise = find(name)
    if exercise is None:
        print(no_such("exercise", name, EXERCISES))
        return
    asked = shown.get(exercise.name, 0)
    shown[exercise.name] = min(asked + 1, len(exercise.hints))
    for number, text in enumerate(exercise.hints[: shown[exercise.name]], start=1):
        print(f"Hint {number} of {len(exercise.hints)} for {exercise.name}: {text}")
    if asked == len(exercise.hints):
        print(f'There are no more hints: solution("{exercise.name}") shows one answer and its reason.')


def solution(name: str) -> None:
    """Print one right answer as source text, and why it is right.

    name     an exercise, "2.A"
    prints   the function that `check` compares with, so that the two cannot differ
    raises   nothing

    >>> solution("1.A")  # doctest: +ELLIPSIS
    def to_real(q, scale, zero_point):
    ...
        return scale * (q.to(torch.int64) - zero_point)
    ...
    Why: q is a number of steps counted from an offset: ...
    """
    exercise = find(name)
    if exercise is None:
        print(no_such("exercise", name, EXERCISES))
        return
    print(f"{exercise.source}\nWhy: {exercise.reason}")
