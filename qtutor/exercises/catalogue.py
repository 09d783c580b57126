"""The one list of chapters. A new chapter is one new file here and one new name below."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType
from typing import Any

from qtutor.exercises import (
    chapter_00,
    chapter_01,
    chapter_02,
    chapter_03,
    chapter_04,
    chapter_05,
    chapter_06,
    chapter_07,
    chapter_08,
)
from qtutor.exercises.exercise import Exercise
from qtutor.exercises.questions import Prediction, QuizQuestion

CHAPTERS = {
    "0": chapter_00,
    "1": chapter_01,
    "2": chapter_02,
    "3": chapter_03,
    "4": chapter_04,
    "5": chapter_05,
    "6": chapter_06,
    "7": chapter_07,
    "8": chapter_08,
}

EXERCISES: dict[str, Exercise] = {e.name: e for chapter in CHAPTERS.values() for e in chapter.EXERCISES}
PREDICTIONS: dict[str, Prediction] = {p.id: p for chapter in CHAPTERS.values() for p in chapter.PREDICTIONS}
QUIZZES: dict[str, tuple[QuizQuestion, ...]] = {n: chapter.QUIZ for n, chapter in CHAPTERS.items() if chapter.QUIZ}


def find(name: Any) -> Exercise | None:
    """Return the exercise of a name, written in capitals or not; None where there is none."""
    return EXERCISES.get(name.strip().upper()) if isinstance(name, str) else None


def no_such(kind: str, name: Any, known: Iterable[str]) -> str:
    """Return a sentence that says which names there are.

    >>> no_such("exercise", "2.Z", ["2.A", "2.B"])
    "There is no exercise '2.Z': there are 2.A, 2.B."
    """
    given = repr(name) if isinstance(name, (str, int, float, NoneType)) else f"of type {type(name).__name__}"
    return f"There is no {kind} {given}: there are {', '.join(known)}."
