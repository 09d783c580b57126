"""predict and quiz: what a click leads to, in Python and in the module that the browser runs."""

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from colours import contrast, themes

from qtutor.exercises import predict, quiz
from qtutor.exercises.catalogue import PREDICTIONS, QUIZZES
from qtutor.exercises.choice import option_text
from qtutor.exercises.questions import Prediction

NODE = shutil.which("node")
MODULE = Path(__file__).resolve().parents[2] / "qtutor" / "exercises" / "choice.js"


@pytest.fixture
def overflow():
    return predict("2.2", "7 + 1 in 4 signed bits", options=[8, 7, -8])


def test_a_guess_is_noted_and_nothing_is_given_away(overflow):
    assert (overflow.choice, overflow.feedback) == (None, "")
    overflow.choice = 7
    assert (overflow.choice, overflow.feedback) == ("7", "Noted: 7. The next cell shows it.")


def test_after_the_reveal_a_wrong_guess_is_told_why_it_was_tempting(overflow):
    overflow.choice = 7
    overflow.reveal()
    assert overflow.feedback == f"✗ You noted: 7. What came: −8. {PREDICTIONS['2.2'].reasons['7']}"


@pytest.mark.parametrize("minus_eight", [-8, "-8", "−8"])
def test_after_the_reveal_a_right_guess_is_told_that_it_held(overflow, minus_eight):
    overflow.choice = minus_eight
    overflow.reveal()
    assert overflow.choice == "−8"
    assert overflow.feedback == f"✓ Your prediction held: −8. {PREDICTIONS['2.2'].reasons['−8']}"


def test_a_prediction_that_is_in_no_list_is_noted_and_no_more():
    own = predict("my own", "heads or tails", ["heads", "tails"])
    own.choice = "heads"
    own.reveal()
    assert own.feedback == "Noted: heads. The next cell shows it."


def test_an_option_that_has_no_reason_is_still_told_what_came():
    guess = predict("2.2", "7 + 1 in 4 signed bits", [0, -8])
    guess.choice = 0
    guess.reveal()
    assert guess.feedback == "✗ You noted: 0. What came: −8."


def test_the_same_prediction_shown_twice_is_two_guesses(overflow):
    other = predict("2.2", "7 + 1 in 4 signed bits", options=[8, 7, -8])
    overflow.choice = 7
    assert other.choice is None


@pytest.mark.parametrize("option", [6, None, "seven", 1.5])
def test_an_option_that_is_not_offered_is_refused_in_a_sentence(overflow, option):
    with pytest.raises(ValueError, match=re.escape(f"{option!r} is none of the options 8, 7, −8: choose one of them.")):
        overflow.choice = option


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "options of predict('2.2') is empty: give at least two answers to choose from."),
        ("yes", "options of predict('2.2') is the text 'yes': give a list of answers, for example ['yes', 'no']."),
        ([8, "8"], "options of predict('2.2') names 8 more than once: give each answer once."),
        ([-8, "−8"], "options of predict('2.2') names −8 more than once: give each answer once."),
    ],
)
def test_options_that_are_no_choice_are_refused_in_a_sentence(options, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        predict("2.2", "7 + 1", options)


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (("2.2", "q", 5), TypeError, "options of predict('2.2') is 5: give a list of answers"),
        (("2.2", "q", None), TypeError, "options of predict('2.2') is None: give a list of answers"),
        ((["2.2"], "q", ["a", "b"]), TypeError, "the id of a prediction is a text such as '2.1', not ['2.2']."),
        (("2.2", "q", ["a"]), ValueError, "options of predict('2.2') is only a: give at least two answers"),
    ],
)
def test_what_is_no_prediction_is_refused_in_a_sentence(given, kind, words):
    with pytest.raises(kind, match=re.escape(words)):
        predict(*given)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (0, ValueError, "There is no question 0: there are questions 1 to 6."),
        (-1, ValueError, "There is no question -1"),
        (7, ValueError, "There is no question 7"),
        *(
            (number, TypeError, f"{number!r} is no number of a question: give an int")
            for number in ("1", 1.0, None, True)
        ),
    ],
)
def test_a_question_that_is_not_there_is_refused_in_a_sentence(number, kind, words):
    questions = quiz("2")
    with pytest.raises(kind, match=re.escape(words)):
        questions.choose(number, QUIZZES["2"][-1].right)
    assert questions.feedback == ""


def test_a_prediction_has_one_question(overflow):
    with pytest.raises(ValueError, match=re.escape("There is no question 0: there is only question 1.")):
        overflow.choose(0, 7)


def test_a_quiz_shows_the_reason_of_each_choice_and_counts_in_words():
    questions, asked = quiz("2"), QUIZZES["2"]
    questions.choose(1, "−7 … 7")
    questions.choose(2, asked[1].right)
    assert questions.feedback.splitlines() == [
        f"✗ No. {asked[0].reasons['−7 … 7']}",
        f"✓ Right. {asked[1].reasons[asked[1].right]}",
        "1 of 2 right so far, 4 to go.",
    ]
    for number, question in enumerate(asked, start=1):
        questions.choose(number, question.right)
    assert questions.feedback.splitlines()[-1] == "6 of 6 right."


@pytest.mark.parametrize("name", ["2", 2, "02"])
def test_a_quiz_may_be_named_carelessly(name):
    assert quiz(name).items == quiz("2").items


@pytest.mark.parametrize("name", ["12", "", None, "2.A"])
def test_an_unknown_quiz_is_refused_in_a_sentence(name):
    there_are = ", ".join(QUIZZES)
    with pytest.raises(ValueError, match=re.escape(f"There is no quiz {name!r}: there are {there_are}.")):
        quiz(name)


def test_a_page_without_widgets_shows_questions_and_options_as_words(overflow, monkeypatch):
    monkeypatch.delenv("QTUTOR_EMBED", raising=False)
    data = overflow._repr_mimebundle_()[0]
    assert set(data) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    assert data["text/plain"].splitlines() == [
        "Predict 2.2",
        "7 + 1 in 4 signed bits",
        "  ( ) 8",
        "  ( ) 7",
        "  ( ) −8",
        "Decide before you run the next cell.",
    ]
    overflow.choice = 7
    assert overflow._repr_mimebundle_()[0]["text/plain"] == data["text/plain"]  # the same on every run
    assert quiz("1")._repr_mimebundle_()[0]["text/plain"] == quiz("1")._repr_mimebundle_()[0]["text/plain"]


@pytest.mark.parametrize(
    "made", [lambda: predict("2.2", "7 + 1", [8, 7, -8]), lambda: quiz("2")], ids=["predict", "quiz"]
)
def test_on_the_web_site_a_question_is_written_into_the_page(made, monkeypatch):
    monkeypatch.setenv("QTUTOR_EMBED", "1")
    questions = made()
    page = questions._repr_mimebundle_()[0]["text/html"]
    assert json.loads(re.search(r"^const state = (.*);$", page, re.MULTILINE)[1]) == state(questions)
    assert base64.b64decode(re.search(r"base64,([\w+/=]+)", page)[1]) == MODULE.read_bytes()
    assert MODULE.with_suffix(".css").read_text("utf-8") in page
    assert all(line in page for line in questions.words.splitlines())


# --- what the lists hold ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [q for quiz in QUIZZES.values() for q in quiz], ids=lambda q: q.question[:40])
def test_a_quiz_question_has_one_right_option_and_a_reason_for_each(question):
    assert question.right in question.reasons
    assert len(question.reasons) >= 3
    assert all(reason.endswith(".") for reason in question.reasons.values())


@pytest.mark.parametrize("known", PREDICTIONS.values(), ids=PREDICTIONS)
def test_a_prediction_has_one_right_option_and_a_reason_for_each(known):
    assert known.right in known.reasons
    assert len(known.reasons) >= 3
    assert all(reason.endswith(".") for reason in known.reasons.values())


def options_with_a_hyphen(known):
    """Options that no choice would find, because choices are shown with a true minus."""
    return [option for option in (known.right, *known.reasons) if option_text(option) != option]


def test_the_options_of_predictions_are_written_as_they_are_shown():
    assert [known.id for known in PREDICTIONS.values() if options_with_a_hyphen(known)] == []
    assert options_with_a_hyphen(Prediction("2.9", "-8", {"-8": "Why.", "an 8-bit sum": "Why."})) == ["-8", "-8"]


def test_the_right_option_of_a_quiz_does_not_always_stand_in_the_same_place():
    for questions in QUIZZES.values():
        assert len({list(question.reasons).index(question.right) for question in questions}) > 1


# --- the browser's side ----------------------------------------------------------------------------------------------

ASK = """
import { said } from "./choice.mjs";
import { readFileSync } from "node:fs";
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(said)));
"""


@pytest.fixture
def ask(tmp_path):
    """Return a function that asks choice.js what it shows for each of some states."""
    if NODE is None and "CI" not in os.environ:
        pytest.skip("node is not installed, so choice.js cannot be run outside a browser")
    assert NODE is not None, "CI must have node to run choice.js"
    shutil.copy(MODULE, tmp_path / "choice.mjs")
    (tmp_path / "ask.mjs").write_text(ASK, "utf-8")

    def run(states):
        command, text = [NODE, "ask.mjs"], json.dumps(states)
        return json.loads(
            subprocess.run(command, cwd=tmp_path, input=text, capture_output=True, encoding="utf-8", check=True).stdout
        )

    return run


def state(widget):
    """What the browser is given."""
    return {name: getattr(widget, name) for name in ("items", "counts", "chosen", "revealed", "wait_for_reveal")}


def lines(answer):
    return "\n".join(line for line in [*answer["under"], answer["below"]] if line)


def test_the_browser_shows_what_python_says_of_every_guess(ask, overflow):
    states, feedback = [], []
    for chosen, revealed in itertools.product((-1, 0, 1, 2), (False, True)):
        overflow.chosen, overflow.revealed = [chosen], revealed
        states.append(state(overflow))
        feedback.append(overflow.feedback)
    answers = ask(states)
    assert [lines(answer) for answer in answers] == feedback
    assert [answer["offer"] for answer in answers] == [False, False, *[True, False] * 3]


def test_the_browser_shows_what_python_says_of_every_set_of_answers(ask):
    questions, states, feedback = quiz("1"), [], []
    for chosen in itertools.product(range(-1, 4), repeat=4):
        questions.chosen = list(chosen)
        states.append(state(questions))
        feedback.append(questions.feedback)
    answers = ask(states)
    assert [lines(answer) for answer in answers] == feedback
    assert not any(answer["offer"] for answer in answers)


def test_a_prediction_without_an_answer_offers_no_reveal(ask):
    own = predict("my own", "heads or tails", ["heads", "tails"])
    own.choice = "tails"
    (answer,) = ask([state(own)])
    assert not answer["offer"]


# --- colours ---------------------------------------------------------------------------------------------------------


def too_faint(style):
    """The pairs of colours that stand out too little, in the light or in the dark theme."""
    needed = {("ink", "back"): 4.5, ("ink", "field"): 4.5, ("line", "back"): 3, ("blue", "back"): 3}
    both = themes(style, "c")
    return [pair for theme in both for pair, ratio in needed.items() if contrast(*(theme[c] for c in pair)) < ratio]


def test_questions_stand_out_in_both_themes_whatever_the_page_has():
    style = MODULE.with_suffix(".css").read_text("utf-8")
    assert too_faint(style) == []
    assert too_faint(style.replace("#1a1a1a", "#777777")) == [("ink", "back"), ("ink", "field")]
    assert too_faint(style.replace("#8c8c8c", "#555555")) == [("line", "back")]
    named = re.findall(r"(?:color|background|border|outline)[^:;{]*:\s*([^;]*);", style.partition("--c-field")[2])
    assert [value for value in named if "jp-" in value or "Text" in value] == []  # nothing is left to the page


def test_the_theme_that_a_page_names_decides_in_lab_and_on_the_web_site():
    style = MODULE.with_suffix(".css").read_text("utf-8")
    plain, _, automatic = style.partition("@media (prefers-color-scheme: dark) {")
    assert re.findall(r"(\[[^]]+\]) \.qtutor-choice", plain) == ['[data-jp-theme-light="false"]', '[data-theme="dark"]']
    assert '[data-theme="auto"] .qtutor-choice { color-scheme: dark; }' in automatic
