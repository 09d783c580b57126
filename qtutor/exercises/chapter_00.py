"""Welcome: two predictions and two questions, to try how the course works."""

from qtutor.exercises.exercise import Exercise
from qtutor.exercises.questions import Prediction, QuizQuestion

EXERCISES: tuple[Exercise, ...] = ()

PREDICTIONS = (
    Prediction(
        "0.1",
        "Scale 0.1, 4 unsigned bits. Is the integer of 0.1, plus the integer of 0.2, the integer of 0.3?",
        ("yes, exactly", "no, for the same reason as in floats", "no, the sum needs a fifth bit"),
        "yes, exactly",
        (
            "The integers are 1, 2 and 3, and integers add without an error.",
            "Floats fail because the sum of two rounded numbers is rounded again. The integers 1 and 2 are rounded once,"
            " when they are made, and their sum not at all.",
            "1 + 2 is 3, and 4 bits reach to 15. A sum can need one bit more, but this one does not.",
        ),
    ),
    Prediction(
        "0.2",
        "Scale ¼. Which integers stand for 0.1, 0.2 and 0.3?",
        ("1 1 2", "0 1 1", "0 0 1", "1 2 3"),
        "0 1 1",
        (
            "That rounds every number up. 0.1 is only 0.4 steps of ¼, nearer to 0 than to 1.",
            "0.1, 0.2 and 0.3 are 0.4, 0.8 and 1.2 steps, and each goes to the nearest integer.",
            "That cuts the fraction off: 0.2 is 0.8 steps, nearer to 1 than to 0.",
            "Those are the integers at scale 0.1. Here one step is worth more, so fewer of them are needed.",
        ),
    ),
)

QUIZ = (
    QuizQuestion(
        "At scale ¼ the number 0.3 is stored as 1. What comes back when it is read?",
        ("0.3", "0.25", "1"),
        "0.25",
        (
            "Nothing beside the integer remembers that it was 0.3: 1 step of ¼ is 0.25.",
            "1 step of ¼. The difference of 0.05 was lost when 0.3 was rounded.",
            "1 is the integer. As a real number it stands for 1 step, and a step is worth ¼.",
        ),
    ),
    QuizQuestion(
        "check shows ✗ and one input. What do you know of that input?",
        ("it is one of the inputs that fail, chosen at random", "it is the smallest that fails", "it is the only one"),
        "it is the smallest that fails",
        (
            "Nothing is random: the inputs are tried in one fixed order, and the first that fails is shown.",
            "Every small input is tried, from the smallest on, and the first that fails is shown.",
            "Others may fail as well; the check stops at the first.",
        ),
    ),
)
