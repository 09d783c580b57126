"""Welcome: one prediction, to try how the course works."""

from qtutor.exercises.exercise import Exercise
from qtutor.exercises.questions import Prediction, QuizQuestion

EXERCISES: tuple[Exercise, ...] = ()

PREDICTIONS = (
    Prediction(
        "0.1",
        "In steps of ¼, rounded to the nearest: which integers are 0.1, 0.2, and the sum of those two integers?",
        ("0, 1, 1", "0, 1, 2", "1, 1, 2"),
        "0, 1, 1",
        (
            "0.1 is 0.4 steps and becomes 0; 0.2 is 0.8 steps and becomes 1. Integers add without any error, so the sum"
            " is 1, which means 0.25.",
            "0 + 1 is 1 in integers as well: whatever was lost was lost when 0.1 and 0.2 were rounded, not in the sum.",
            "0.1 is only 0.4 steps of ¼, nearer to 0 than to 1.",
        ),
    ),
)

QUIZ: tuple[QuizQuestion, ...] = ()
