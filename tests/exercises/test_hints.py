"""hint helps a little more each time; solution prints what check compares with."""

import pytest

from qtutor.exercises import hint, solution
from qtutor.exercises.catalogue import EXERCISES


@pytest.fixture
def printed(capsys):
    def of(function, *arguments):
        assert function(*arguments) is None
        return capsys.readouterr().out.splitlines()

    return of


@pytest.mark.parametrize("name", EXERCISES)
def test_three_hints_grow_and_then_the_solution_is_named(name, printed):
    numbered = [f"Hint {n} of 3 for {name}: {text}" for n, text in enumerate(EXERCISES[name].hints, start=1)]
    assert printed(hint, name) == numbered[:1]
    assert printed(hint, name) == numbered[:2]
    assert printed(hint, name) == numbered
    for _ in range(2):
        assert printed(hint, name) == [
            *numbered,
            f'There are no more hints: solution("{name}") shows one answer and its reason.',
        ]


def test_each_exercise_counts_its_own_hints(printed):
    printed(hint, "2.A")
    assert printed(hint, "2.B")[0].startswith("Hint 1 of 3 for 2.B")
    assert len(printed(hint, "2.a")) == 2


@pytest.mark.parametrize("name", EXERCISES)
def test_a_hint_is_not_the_solution(name):
    exercise = EXERCISES[name]
    last_line = exercise.source.strip().splitlines()[-1].strip()
    assert not any(last_line in text for text in exercise.hints)


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_is_the_reference_and_its_reason(name, printed):
    exercise = EXERCISES[name]
    said = "\n".join(printed(solution, name))
    assert said == f"{exercise.source}\nWhy: {exercise.reason}"
    made = {"torch": __import__("torch")}
    exec(said.partition("\nWhy: ")[0], made)  # it runs with the import that every chapter has
    case = exercise.small()[0]
    assert exercise.read(made[exercise.function_name](*case.copies()), case) == exercise.read(
        exercise.reference(*case.copies()), case
    )


@pytest.mark.parametrize("function", [hint, solution])
@pytest.mark.parametrize(("name", "words"), [("2.Z", "'2.Z'"), (None, "None"), (["2.A"], "of type list")])
def test_an_unknown_name_is_told_which_there_are(function, name, words, printed):
    assert printed(function, name) == [f"There is no exercise {words}: there are {', '.join(EXERCISES)}."]
