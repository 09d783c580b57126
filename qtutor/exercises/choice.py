"""predict and quiz: questions with radio buttons, and a reason for every option."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

import anywidget
import traitlets

from qtutor.exercises.catalogue import PREDICTIONS, QUIZZES, no_such
from qtutor.exercises.questions import Prediction, QuizQuestion
from qtutor.pictures import embedded

FOLDER = pathlib.Path(__file__).parent
NONE = -1  # the index of an option that was not chosen yet


class Questions(anywidget.AnyWidget):
    """Questions with options. `items` holds all that can be shown; the browser and `feedback` look it up alike."""

    _esm = FOLDER / "choice.js"
    _css = FOLDER / "choice.css"
    items = traitlets.List(traitlets.Dict()).tag(sync=True)
    counts: Any = traitlets.List().tag(sync=True)
    chosen = traitlets.List(traitlets.Int()).tag(sync=True)
    wait_for_reveal = traitlets.Bool(False).tag(sync=True)
    revealed = traitlets.Bool(False).tag(sync=True)

    def __init__(self, items: list[dict[str, Any]], heading: str, closing: str, wait_for_reveal: bool = False) -> None:
        super().__init__(
            items=items, counts=count_words(len(items)), chosen=[NONE] * len(items), wait_for_reveal=wait_for_reveal
        )
        self.heading, self.closing = heading, closing

    @property
    def feedback(self) -> str:
        """What stands under the questions now, a line for each that was answered, and a quiz's count."""
        shown = self.revealed or not self.wait_for_reveal
        texts = [
            item["reasons" if shown else "noted"][index]
            for item, index in zip(self.items, self.chosen, strict=True)
            if index != NONE
        ]
        if texts and not self.wait_for_reveal:
            right = sum(item["right"] == index for item, index in zip(self.items, self.chosen, strict=True))
            texts.append(self.counts[len(texts)][right])
        return "\n".join(texts)

    def reveal(self) -> None:
        """Show whether the prediction held, as the button does."""
        self.revealed = True

    def choose(self, number: int, option: Any) -> None:
        """Choose an option of question `number` (1 for the first), as a click does."""
        if type(number) is not int:
            raise TypeError(f"{number!r} is no number of a question: give an int, 1 for the first.")
        if not 1 <= number <= len(self.items):
            raise ValueError(f"There is no question {number}: there {numbered(len(self.items))}.")
        options = self.items[number - 1]["options"]
        if option_text(option) not in options:
            raise ValueError(f"{option!r} is none of the options {', '.join(options)}: choose one of them.")
        index = options.index(option_text(option))
        self.chosen = [index if n == number - 1 else old for n, old in enumerate(self.chosen)]

    @property
    def words(self) -> str:
        """The questions and options as plain text: what a page without widgets shows."""
        lines = [self.heading] if self.heading else []
        for item in self.items:
            lines += [item["question"], *(f"  ( ) {option}" for option in item["options"])]
        return "\n".join([*lines, self.closing])

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        data = {**data, "text/plain": self.words}
        if embedded.wanted():
            data["text/html"] = embedded.html(self, FOLDER / "choice.js", FOLDER / "choice.css", self.words)
        return data, metadata


class PredictionQuestion(Questions):
    """One question before a cell is run; the reason is kept back until the learner has seen for themselves."""

    @property
    def choice(self) -> str | None:
        """The chosen option as text, None before there is one. Setting it is as good as a click."""
        return None if self.chosen[0] == NONE else str(self.items[0]["options"][self.chosen[0]])

    @choice.setter
    def choice(self, option: Any) -> None:
        self.choose(1, option)


def predict(id: str, question: str, options: Sequence[Any]) -> PredictionQuestion:
    """Return a question to be decided before the next cell is run.

    id         names the prediction in its chapter's list, "2.1": there stand the answer and a reason for each option.
               One that is not in the list notes the choice and says no more
    question   what is asked
    options    what there is to choose from; each is shown as its str(), a negative number with a true minus
    returns    a widget. `.choice` is the chosen option's text, settable; `.feedback` what it says; `.reveal()` tells
               whether the prediction held
    raises     ValueError where the options are no choice: fewer than two, a single text, one twice; TypeError where
               they are no list, or id no text

    >>> guess = predict("demo", "7 + 1 in 4 signed bits", [8, 7, -8])
    >>> guess.choice = -8
    >>> guess.feedback
    'Noted: −8. The next cell shows it.'
    """
    if not isinstance(id, str):
        raise TypeError(f"the id of a prediction is a text such as '2.1', not {id!r}.")
    texts = option_texts(id, options)
    known = PREDICTIONS.get(id)
    item = {
        "question": str(question),
        "options": texts,
        "right": texts.index(known.right) if known and known.right in texts else NONE,
        "known": known is not None,
        "noted": [f"Noted: {text}. The next cell shows it." for text in texts],
        "reasons": [prediction_reason(known, text) for text in texts],
    }
    return PredictionQuestion([item], f"Predict {id}", "Decide before you run the next cell.", wait_for_reveal=True)


def option_texts(id: str, options: Sequence[Any]) -> list[str]:
    """Return each option as text; raise where they are no choice."""
    which = f"options of predict({id!r})"
    if isinstance(options, str):
        raise ValueError(f"{which} is the text {options!r}: give a list of answers, for example ['yes', 'no'].")
    if not isinstance(options, Iterable):
        raise TypeError(f"{which} is {options!r}: give a list of answers, for example ['yes', 'no'].")
    texts = [option_text(option) for option in options]
    if len(texts) < 2:
        raise ValueError(
            f"{which} is {f'only {texts[0]}' if texts else 'empty'}: give at least two answers to choose from."
        )
    twice = [text for text in texts if texts.count(text) > 1]
    if twice:
        raise ValueError(f"{which} names {twice[0]} more than once: give each answer once.")
    return texts


def option_text(option: Any) -> str:
    """Return an option as it is shown: a negative number has a true minus, as in all text of the course.

    >>> option_text(-8), option_text("-0.5"), option_text("8-bit"), option_text("-x")
    ('−8', '−0.5', '8-bit', '-x')
    """
    return re.sub(r"^-(?=[\d.]+$)", "−", str(option))


def prediction_reason(known: Prediction | None, text: str) -> str:
    """Return what is said of a choice after the reveal."""
    if known is None:
        return f"Noted: {text}. The next cell shows it."
    why = f" {known.reasons[text]}" if text in known.reasons else ""
    if text == known.right:
        return f"✓ Your prediction held: {text}.{why}"
    return f"✗ You noted: {text}. What came: {known.right}.{why}"


def quiz(chapter: str) -> Questions:
    """Return a chapter's closing questions; each choice shows its reason, the wrong ones too.

    chapter   "1", "2", …
    returns   a widget: `.choose(number, option)` is as good as a click, `.feedback` what it says
    raises    ValueError for a chapter without a quiz

    >>> questions = quiz("0")
    >>> questions.choose(1, "6")
    >>> print(questions.feedback)
    ✗ No. That divides by the scale, which is the way from the real number to its integer.
    0 of 1 right so far, 2 to go.
    """
    text = str(chapter).strip()
    number = str(int(text)) if text.isdecimal() else text
    if number not in QUIZZES:
        raise ValueError(no_such("quiz", chapter, QUIZZES))
    items = [quiz_item(n, question) for n, question in enumerate(QUIZZES[number], start=1)]
    return Questions(items, "", "Choose: each option shows its reason when this notebook runs.")


def quiz_item(number: int, question: QuizQuestion) -> dict[str, Any]:
    """Return a question as the browser needs it."""
    options = list(question.reasons)
    marks = {option: "✓ Right." if option == question.right else "✗ No." for option in options}
    return {
        "question": f"{number}. {question.question}",
        "options": options,
        "right": options.index(question.right),
        "known": True,
        "noted": [],
        "reasons": [f"{marks[option]} {reason}" for option, reason in question.reasons.items()],
    }


def numbered(questions: int) -> str:
    """Return which numbers questions have.

    >>> numbered(1), numbered(6)
    ('is only question 1', 'are questions 1 to 6')
    """
    return "is only question 1" if questions == 1 else f"are questions 1 to {questions}"


def count_words(questions: int) -> list[list[str]]:
    """Return the sentence for every number of answers and of right ones.

    >>> count_words(4)[3][2]
    '2 of 3 right so far, 1 to go.'
    """
    return [
        [
            f"{right} of {answered} right so far, {questions - answered} to go."
            if answered < questions
            else f"{right} of {answered} right."
            for right in range(answered + 1)
        ]
        for answered in range(questions + 1)
    ]
