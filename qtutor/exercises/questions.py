"""A prediction and a quiz question: options, which of them is right, and a reason for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """What a chapter's next cell shows, and what to say to each guess. The question itself stands in the notebook.

    id        "2.1": chapter and number
    right     the option that comes true, as it is shown: a negative number has a true minus
    reasons   for each option why it comes true, or why it is tempting and does not; the right one among them
    """

    id: str
    right: str
    reasons: Mapping[str, str]


@dataclass(frozen=True)
class QuizQuestion:
    """A question, its right option, and a reason for each option, in the order in which they are shown."""

    question: str
    right: str
    reasons: Mapping[str, str]
