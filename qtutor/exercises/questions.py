"""A prediction and a quiz question: options, which of them is right, and a reason for each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class QuizQuestion:
    """A question with one right option; options and reasons in the order in which they are shown."""

    question: str
    options: tuple[str, ...]
    right: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Prediction:
    """What happens in a chapter's next cell, and why the usual wrong guesses are tempting."""

    id: str
    question: str
    options: tuple[int | float | str, ...]
    right: int | float | str
    reasons: tuple[str, ...]
