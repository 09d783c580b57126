"""The question that a counterexample ends in: which mistake would explain all that was seen?

In this order: a known wrong answer that gives the same as the learner's function everywhere; a parameter on which no
answer depends, where that can explain the input shown; a rule of the exercise; a known wrong answer that explains most
of what is wrong; the exercise's own question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from torch import Tensor

from qtutor.exercises.exercise import Answer, Case, Difference, Exercise, Rule, WrongAnswer

Seen = Sequence[tuple[Case, Answer, Answer]]  # the small cases, in order: case, what is expected, what was found


def leading_question(exercise: Exercise, shown: Difference, seen: Seen) -> str:
    """Return the question for the difference that is shown; `seen` are all small cases that were answered."""
    question = next(fitting_questions(exercise, shown, seen), exercise.question)
    return question.format(expected=shown.expected, found=shown.found)


def fitting_questions(exercise: Exercise, shown: Difference, seen: Seen) -> Iterator[str]:
    """Yield the questions that fit, the surest first."""
    known = known_mistakes(exercise, shown)
    agreeing = {mistake: agreements(exercise, mistake, seen) for mistake in known}
    wrong = [place for place, (_, expected, found) in enumerate(seen) if found != expected]
    yield from (mistake.question for mistake in known if all(agreeing[mistake]))
    unread = unread_parameters(exercise, seen)
    if len(unread) < len(exercise.parameters) and any(may_explain(exercise, n, shown.case, seen) for n in unread):
        yield f"Where does your code look at {' and '.join(unread)}?"
    differences = [shown, *(difference(*seen[place]) for place in wrong)]
    yield from (rule.question for rule in exercise.rules if fits(rule, differences))
    explains = {mistake: sum(agreeing[mistake][place] for place in wrong) for mistake in known}
    likeliest = max(known, key=lambda mistake: (explains[mistake], sum(agreeing[mistake])), default=None)
    if likeliest and wrong and 2 * explains[likeliest] >= len(wrong):
        yield likeliest.question


def difference(case: Case, expected: Answer, found: Answer) -> Difference:
    """Return a small case, whose answers hold one value each, as a Difference."""
    return Difference(case, expected.values[0], found.values[0])


def fits(rule: Rule, differences: Sequence[Difference]) -> bool:
    """Say whether a rule fits; one that cannot be asked does not (the smallest element of an empty tensor)."""
    try:
        return rule.fits(differences)
    except Exception:
        return False


# --- known wrong answers ---------------------------------------------------------------------------------------------


def known_mistakes(exercise: Exercise, shown: Difference) -> list[WrongAnswer]:
    """Return the known wrong answers that give what is shown."""
    found = []
    for wrong in exercise.wrong:
        try:
            here = exercise.read(wrong.function(*shown.case.copies()), shown.case)
        except Exception:  # a mistake may raise here
            continue
        if here.values == (shown.found,):
            found.append(wrong)
    return found


def agreements(exercise: Exercise, wrong: WrongAnswer, seen: Seen) -> list[bool]:
    """Return for each small case whether a known wrong answer gives what the learner's function gave."""
    theirs = small_answers(exercise, wrong)
    return [answer == found for answer, (_, _, found) in zip(theirs, seen, strict=False)]


@cache
def small_answers(exercise: Exercise, wrong: WrongAnswer) -> list[Answer]:
    """Return what a known wrong answer gives on every small case."""
    return [exercise.read(wrong.function(*case.copies()), case) for case in exercise.small()]


# --- parameters that are not looked at -------------------------------------------------------------------------------


def unread_parameters(exercise: Exercise, seen: Seen) -> list[str]:
    """Return the parameters on which what is expected depends and what was found does not."""
    return [name for place, name in enumerate(exercise.parameters) if is_unread(seen, place)]


def is_unread(seen: Seen, place: int) -> bool:
    """Say whether no answer changes where only the argument in one place does, although some should."""
    expected, found = defaultdict(set), defaultdict(set)
    for case, right, given in seen:
        others = tuple(plain(value) for number, value in enumerate(case.arguments) if number != place)
        expected[others].add(right.values)
        found[others].add(given.values)
    return any(len(values) > 1 for values in expected.values()) and all(len(values) == 1 for values in found.values())


def may_explain(exercise: Exercise, name: str, shown: Case, seen: Seen) -> bool:
    """Say whether not looking at a parameter may be why the shown case is wrong.

    It is not where the function is right most often at just the value that the parameter has there: that value is the
    one that it takes for granted.
    """
    place, hits = exercise.parameters.index(name), defaultdict(list)
    for case, right, found in seen:
        hits[plain(case.arguments[place])].append(right == found)
    share = {value: sum(right) / len(right) for value, right in hits.items()}
    here = share.pop(plain(shown.arguments[place]), 0)
    return here <= max(share.values(), default=0)


def plain(value: Any) -> Any:
    """Return an argument as something that can be compared; a tensor of another type is another value."""
    return (value.dtype, *value.reshape(-1).tolist()) if isinstance(value, Tensor) else value


# --- what several exercises' rules ask -------------------------------------------------------------------------------

ENDS = (-(2**15), -128, -8, 0, 7, 15, 127, 255, 2**15 - 1, 2**16 - 1)  # of 4, 8 and 16 bits


def whole_turns_of_a_byte(differences: Sequence[Difference]) -> bool:
    """Say whether every answer is off by a multiple of 256: the upper bits are gone."""
    return all((difference.found - difference.expected) % 256 == 0 for difference in differences)


def held_at_an_end(differences: Sequence[Difference]) -> bool:
    """Say whether every wrong answer is an end of a usual range, with what was expected beyond that end."""
    return all(d.found in ENDS and (d.found - d.expected) * (d.found - 0.5) < 0 for d in differences)
