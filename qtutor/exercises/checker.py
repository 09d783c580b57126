"""check: one verdict for whatever a learner wrote, with the smallest input that breaks it."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from torch import Tensor

from qtutor.exercises import runner
from qtutor.exercises.answers import tensor_alone, words
from qtutor.exercises.catalogue import EXERCISES, find, no_such
from qtutor.exercises.exercise import Answer, Case, Difference, Exercise
from qtutor.exercises.leading import leading_question
from qtutor.exercises.numerals import both_values, describe_value
from qtutor.exercises.runner import Outcome, Run, run
from qtutor.exercises.session import kept


def check(name: str, function: Any = ...) -> None:
    """Print one line: what your function gets right (✓), the smallest input it fails on (✗), or that it is empty (○).

    name       an exercise, "2.A"
    function   your function itself, not its name in quotes and not a call of it
    prints     the verdict; for ✗ the input, what was expected, what came, the bits of both and a question
    raises     nothing, whatever the function does: errors, endless loops and prints become words of the verdict
    order      tensors of length 1, bit width, unsigned first, sum of |inputs| in steps, larger scale, smaller zero
               point, non-negative first (qtutor.exercises.exercise.order_key)

    >>> check("2.A", lambda x, bit_width, signed: x)
    ✗ 2.A  first differs at x=-1, bit_width=2, signed=False: expected 0 (00), yours -1 (does not fit). Where does your code look at bit_width and signed?
    """  # noqa: E501
    try:
        print(verdict(name, function))
    except KeyboardInterrupt:
        print(f"○ {name}  stopped by you before the check was done: run the cell again when you like.")


def verdict(name: Any, function: Any) -> str:
    """Return the line that `check` prints."""
    if callable(name) and find(function):
        name, function = function, name
    exercise = find(name)
    if exercise is None:
        return no_such("exercise", name, EXERCISES)
    kind = wrong_kind(exercise, function)
    if kind:
        return f"✗ {exercise.name}  {kind}"
    if is_empty(function):
        return f"○ {exercise.name}  not attempted yet"
    with kept():  # our own answers must not move the session's random numbers either
        return judge(exercise, function)


# --- before any call -------------------------------------------------------------------------------------------------


def wrong_kind(exercise: Exercise, function: Any) -> str:
    """Return what is wrong with the thing that was given, or "" where it can be called as the exercise needs."""
    right_way = f'write check("{exercise.name}", {exercise.function_name})'
    if function is ...:
        return f"was given no function: {right_way}."
    if isinstance(function, str):
        return f"was given the text {function[:40]!r}, and it needs the function itself: {right_way}, without quotes."
    if not callable(function):
        return f"was given {words(function)}, and it needs the function itself: {right_way}, without calling it."
    try:
        signature = inspect.signature(function)
    except Exception:  # some built-in functions do not tell their parameters: the call will
        return ""
    try:
        signature.bind(*exercise.parameters)
    except TypeError:
        wanted = f"{exercise.function_name}({', '.join(exercise.parameters)})"
        return f"cannot call your function as {wanted}: give it these {len(exercise.parameters)} parameters."
    return ""


def is_empty(function: Any) -> bool:
    """Say whether a function does nothing yet: only a docstring, `...`, `pass`, or a return of nothing."""
    if not inspect.isroutine(function):  # an object with a call of its own is more than a stub
        return False
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    nothing = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "CACHE", "POP_TOP", "COPY_FREE_VARS"}
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("RESUME", "NOP", "CACHE")]
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return all(step.opname in nothing for step in steps) and all(c is None or c is Ellipsis for c in constants)


# --- the stages ------------------------------------------------------------------------------------------------------


def judge(exercise: Exercise, function: Any) -> str:
    """Try the small inputs, the larger ones, then a runtime's; return the verdict."""
    small, wide = small_cases(exercise), wide_cases(exercise)
    runtime, asked = ask_runtime(exercise)
    read, runs = reader(exercise), []
    for stage in (small, wide, runtime):
        runs.append(run(function, [case for case, _ in stage], read))
        found = failure(exercise, function, stage, runs[-1], runs[0])
        if found:
            return found + ("" if found.startswith("○") else print_note(runs))
    larger = exercise.wide_words([case for case, _ in wide])
    agrees = f"agrees on all {len(small):,} {domain_words(small)}, on {larger}, and {asked}."
    return f"✓ {exercise.name}  {agrees}{print_note(runs)}"


def reader(exercise: Exercise) -> Callable[[Any, Case], Answer]:
    """Return how the exercise reads an answer; where it needs a tensor, anything else is named here, alike for all."""
    first = small_cases(exercise)[0][0]
    if not isinstance(exercise.reference(*first.copies()), Tensor):
        return exercise.read
    return lambda result, case: exercise.read(tensor_alone(result), case)


def ask_runtime(exercise: Exercise) -> tuple[Expected, str]:
    """Return the runtime's answers, and how the verdict names it; none where the runtime does not work here."""
    try:
        return runtime_cases(exercise), f"with {exercise.runtime_name}"
    except Exception as problem:
        return [], f"could not ask {exercise.runtime_name} ({type(problem).__name__}): call check_env()"


Expected = Sequence[tuple[Case, Answer]]


@cache
def small_cases(exercise: Exercise) -> Expected:
    """Return every small case with the reference's answer."""
    return [(case, exercise.read(exercise.reference(*case.copies()), case)) for case in exercise.small()]


@cache
def wide_cases(exercise: Exercise) -> Expected:
    """Return the larger cases with the reference's answer."""
    return [(case, exercise.read(exercise.reference(*case.copies()), case)) for case in exercise.wide()]


@cache
def runtime_cases(exercise: Exercise) -> Expected:
    """Return the runtime's cases with the runtime's answer."""
    return [(case, exercise.read(exercise.runtime(*case.copies()), case)) for case in exercise.runtime_cases()]


def domain_words(cases: Expected) -> str:
    """Return which small inputs there were: 'inputs of 2 to 6 bits'."""
    widths = {case.bit_width for case, _ in cases}
    return f"inputs of {min(widths)} to {max(widths)} bits" if max(widths) else "small inputs"


def print_note(runs: Sequence[Run]) -> str:
    """Return a sentence about what the function printed, or nothing."""
    printed = "".join(text for tried in runs for text in tried.printed).strip()
    first = printed.split("\n")[0][:60]
    return f" It also printed {first!r}, which was held back: print in a cell of its own." if printed else ""


# --- what failed first -----------------------------------------------------------------------------------------------


def failure(exercise: Exercise, function: Any, stage: Expected, tried: Run, small: Run) -> str:
    """Return the verdict for the first case of a stage that is not as expected, or "" where all are."""
    if tried.ended == "interrupted":
        raise KeyboardInterrupt
    for (case, expected), outcome in zip(stage, tried.outcomes, strict=False):
        if outcome.empty and case is small_cases(exercise)[0][0]:
            return f"○ {exercise.name}  not attempted yet"
        if outcome.complaint:
            return complaint(exercise, case, outcome)
        if outcome.answer != expected:
            return difference(exercise, function, case, expected, outcome, small)
    return late(exercise, stage[len(tried.outcomes)][0], tried) if tried.ended else ""


def complaint(exercise: Exercise, case: Case, outcome: Outcome) -> str:
    """Return the verdict for an answer that is of the wrong kind, or an error."""
    sentence = f"at {describe(exercise, case)} your function {outcome.complaint}"
    alone = (
        " Tensors of length 1 were all right." if any(t.numel() != 1 for t in case.tensors) and not case.whole else ""
    )
    return f"✗ {exercise.name}  {ended(sentence)}{alone}"


def ended(sentence: str) -> str:
    """Return a sentence with its full stop, where it has no sign of its own."""
    return sentence if sentence[-1] in ".?!)…" else f"{sentence}."


def late(exercise: Exercise, case: Case, tried: Run) -> str:
    """Return the verdict for a call that does not come back, or a function that takes too long."""
    if tried.ended == "slow":
        done, total = len(tried.outcomes), runner.SECONDS_IN_ALL
        return f"✗ {exercise.name}  only {done:,} inputs in {total:g} s: which of your steps takes so long?"
    where, question = describe(exercise, case), ENDLESS
    if any(tensor.numel() > 1 for tensor in case.tensors):
        question += " Can it take all of them at once?"
        if not case.whole:
            index = max(range(case.tensors[0].numel()), key=lambda i: element_key(case, i)[0])
            where = describe_element(exercise, case, index, "the largest element") + ","
    after = f"was still running after {runner.patience(case):g} s and"
    end = f"could not be stopped: {STUCK}" if tried.stuck else f"was stopped: {question}"
    return f"✗ {exercise.name}  at {where} your function {after} {end}"


ENDLESS = "is a loop endless, or does it take one small step per pass?"
STUCK = (
    "does it wait, build something very large, or catch every exception?"
    " If the notebook stays busy, restart the kernel (menu Kernel)."
)


def difference(exercise: Exercise, function: Any, case: Case, expected: Answer, outcome: Outcome, small: Run) -> str:
    """Return the verdict for a wrong value: the smallest element that shows it, and a question."""
    found = outcome.answer or Answer(())
    wrong = [i for i, pair in enumerate(zip(expected.values, found.values, strict=True)) if pair[0] != pair[1]]
    index = 0 if case.whole else min(wrong, key=lambda i: element_key(case, i))
    shown = Difference(case.element(index), expected.values[index], found.values[index])
    alone = shown_alone(exercise, function, shown) if len(expected.values) > 1 else shown
    if isinstance(alone, Difference):
        shown, where = alone, describe(exercise, alone.case)
        question = leading_question(exercise, shown, answers(exercise, small))
    else:
        where, question = describe_element(exercise, case, index, f"element {index}"), alone
    return f"✗ {exercise.name}  first differs at {where}{both_values(exercise, shown)}. {question}"


def shown_alone(exercise: Exercise, function: Any, shown: Difference) -> Difference | str:
    """Return the difference that the element alone shows, which is the smaller input; else what happens to it alone."""
    again = run(function, [shown.case], reader(exercise)).outcomes
    if not again:
        return "Alone, this element gets no answer in time."
    if again[0].answer is None:
        return ended(f"Alone with this element, your function {again[0].complaint}")
    found = again[0].answer.values[0]
    return replace(shown, found=found) if found != shown.expected else NEIGHBOURS


NEIGHBOURS = "Alone, this element comes out right: which of your steps asks the whole tensor at once?"


def answers(exercise: Exercise, small: Run) -> list[tuple[Case, Answer, Answer]]:
    """Return the small cases to which the learner's function gave an answer: case, expected, found."""
    pairs = zip(small_cases(exercise), small.outcomes, strict=False)
    return [(case, expected, outcome.answer) for (case, expected), outcome in pairs if outcome.answer]


def element_key(case: Case, index: int) -> tuple[Any, ...]:
    """Return the order of the elements of a tensor: the smallest first, non-negative first."""
    values = [tensor.reshape(-1)[index].item() for tensor in case.tensors]
    return sum(abs(value) for value in values), [value < 0 for value in values]


def describe_element(exercise: Exercise, case: Case, index: int, called: str) -> str:
    """Return the inputs of one element, and which one it is: 'x=7, bit_width=1, …, element 3 of a tensor of shape (9,)'."""
    return f"{describe(exercise, case.element(index))}, {called} of a tensor of shape {tuple(case.tensors[0].shape)}"


def describe(exercise: Exercise, case: Case) -> str:
    """Return the inputs of a case as a learner would write them: 'x=-1, bit_width=2, signed=False'."""
    pairs = zip(exercise.parameters, case.arguments, strict=True)
    return ", ".join(f"{name}={describe_value(value, has_kinds(exercise), case.whole)}" for name, value in pairs)


@cache
def has_kinds(exercise: Exercise) -> bool:
    """Say whether an exercise is tried with tensors of more than one type, so that the type must be named."""
    return len({tensor.dtype for case, _ in small_cases(exercise) for tensor in case.tensors}) > 1
