"""Welcome: two predictions and two questions, to try how the course works."""

from qtutor.exercises.exercise import Exercise
from qtutor.exercises.questions import Prediction, QuizQuestion

EXERCISES: tuple[Exercise, ...] = ()

PREDICTIONS = (
    Prediction(
        "0.1",
        right="yes, exactly",
        reasons={
            "yes, exactly": "1 + 2 is 3, and 3 is the integer of 0.3: a sum of integers has no error.",
            "no, for the same reason as in floats": "A float has to round each of the three numbers. Counted in steps"
            " of 0.1 they are whole, 1, 2 and 3, and an integer sum rounds nothing.",
            "only after rounding the sum": "There is nothing left to round: both terms are integers already.",
        },
    ),
    Prediction(
        "0.2",
        right="0 1 1",
        reasons={
            "0 1 1": "0.4, 0.8 and 1.2 steps: the nearest integers are 0, 1 and 1.",
            "1 2 3": "Those are the integers at scale 0.1; a step is ¼ now, and 0.3 is little more than one of them.",
            "0 0 1": "0.2 is 0.8 steps of ¼: nearer to 1 than to 0.",
            "1 1 2": "That rounds up; 0.1 is 0.4 steps and 0.3 is 1.2, both nearer to the integer below.",
        },
    ),
)

QUIZ = (
    QuizQuestion(
        "Scale 0.5; the stored integer is 3. Which real number does it stand for?",
        right="1.5",
        reasons={
            "3": "3 is the number of steps; a step is 0.5 here.",
            "6": "That divides by the scale, which is the way from the real number to its integer.",
            "1.5": "3 steps of 0.5.",
            "3.5": "The scale is the size of each step, not something added.",
        },
    ),
    QuizQuestion(
        "Scale ¼. 0.1 + 0.1 gives the integer 0 + 0 = 0, although 0.2 itself is 1. Where did the error come in?",
        right="when each 0.1 was rounded to 0",
        reasons={
            "in the sum": "0 + 0 is 0 without any error: integers add exactly.",
            "when each 0.1 was rounded to 0": "Each lost 0.4 steps before the sum, and nothing brings them back.",
            "when 0 was read back": "Reading 0 gives 0.0, exactly what the integer stands for.",
        },
    ),
    QuizQuestion(
        "check prints ✗ and an input. What do you know about that input?",
        right="no smaller input of those tried fails",
        reasons={
            "it is one of many, found at random": "Nothing is random here: every small input is tried in one order.",
            "no smaller input of those tried fails": "The inputs are tried from the smallest up, so the first that"
            " fails is the smallest.",
            "it is the only one that fails": "It is the first in the order; others usually fail for the same reason.",
        },
    ),
)
