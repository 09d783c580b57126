"""What an exercise, a prediction and a quiz question consist of, and the one order in which inputs are tried."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

Function = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """One input of a learner's function, and the facts that give its place in the order.

    arguments   as they are passed, tensors of length 1 in the small cases
    steps       the inputs in units of the step, zero points among them
    scale       a scale, or the ratio of two
    whole       the answer is about a tensor as a whole, so that no element of it can be asked alone
    """

    arguments: tuple[Any, ...]
    steps: tuple[float, ...] = ()
    bit_width: int = 0
    signed: bool = False
    scale: float = 1.0
    zero_point: int = 0
    whole: bool = False

    @property
    def tensors(self) -> list[Tensor]:
        """The arguments that are tensors; all have one shape."""
        return [argument for argument in self.arguments if isinstance(argument, Tensor)]

    def copies(self) -> tuple[Any, ...]:
        """Return the arguments with every tensor copied, so that a learner's function may do what it likes."""
        return tuple(a.clone() if isinstance(a, Tensor) else a for a in self.arguments)

    def element(self, index: int) -> Case:
        """Return the case with element `index` alone in each tensor, as a tensor of length 1; a whole one as it is."""
        if self.whole:
            return self
        single = (a.reshape(-1)[index : index + 1] if isinstance(a, Tensor) else a for a in self.arguments)
        return replace(self, arguments=tuple(single))


def order_key(case: Case) -> tuple[Any, ...]:
    """Return the key by which cases are tried, so that the first that fails is the smallest.

    Tensors of length 1 first, empty ones last; then bit width; unsigned before signed; the sum of |inputs| in steps, zero points
    among them; the larger scale (for a ratio of scales: the one nearest 1, then the larger); the smaller zero
    point; non-negative before negative. What is still equal stays as the domain lists it.

    >>> [c.steps[0] for c in sorted([Case((), (step,)) for step in (2, -1, 0, 1)], key=order_key)]
    [0, 1, -1, 2]
    """
    length = max((tensor.numel() or sys.maxsize for tensor in case.tensors), default=1)
    size = sum(abs(step) for step in case.steps)
    negative = tuple(step < 0 for step in case.steps)
    return (
        length, case.bit_width, case.signed, size, abs(1 - case.scale), -case.scale, case.zero_point, negative,
    )  # fmt: skip


def in_order(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Return the cases, smallest first."""
    return tuple(sorted(cases, key=order_key))


class Unreadable(Exception):
    """What came cannot be an answer; the message is the rest of a sentence that begins 'your function returns'."""


@dataclass(frozen=True)
class Answer:
    """What a function returned, ready to be compared and shown: plain values in a shape."""

    values: tuple[Any, ...]
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class WrongAnswer:
    """A plausible mistake, as a function whose docstring names it, and the input that must be shown for it.

    shown      the smallest counterexample, in words as the verdict gives it: inputs, expected, yours
    question   leads on, without saying what to write
    """

    function: Function
    question: str
    shown: str


@dataclass(frozen=True)
class Difference:
    """One input on which a learner's function is wrong: the case, with tensors of length 1, and the two values."""

    case: Case
    expected: Any
    found: Any


@dataclass(frozen=True)
class Rule:
    """A question for mistakes that no known wrong answer makes exactly.

    fits       gets the difference that is shown and, after it, all those among the small inputs
    question   may name {expected} and {found}, the values that are shown
    """

    fits: Callable[[Sequence[Difference]], bool]
    question: str


def larger_ones(cases: Sequence[Case]) -> str:
    """Return how a verdict names the larger inputs where an exercise says nothing better."""
    return f"{len(cases)} larger ones"


@dataclass(frozen=True)
class Exercise:
    """A task and all that belongs to it.

    reference   the answer that `solution` prints; its docstring is the task, its parameters are the learner's
    read        turns what a function returned into an Answer, or raises Unreadable
    write       shows one value of an Answer for a case, with its bits
    small       every input of the first stage; wide: larger tensors; runtime_cases: what the runtime is asked
    runtime     the same function by code that is not ours, named in runtime_name
    question    leads on where no wrong answer and no rule below fits
    wide_words  how the verdict names the larger tensors
    """

    name: str
    reference: Function
    read: Callable[[Any, Case], Answer]
    write: Callable[[Any, Case], str]
    small: Callable[[], Iterable[Case]]
    wide: Callable[[], Iterable[Case]]
    runtime: Function
    runtime_name: str
    runtime_cases: Callable[[], Iterable[Case]]
    hints: tuple[str, str, str]
    reason: str
    question: str
    wrong: tuple[WrongAnswer, ...]
    rules: tuple[Rule, ...] = ()
    wide_words: Callable[[Sequence[Case]], str] = larger_ones

    @property
    def function_name(self) -> str:
        """The name of the function that the learner writes."""
        return self.reference.__name__

    @property
    def task(self) -> str:
        """The task: the reference's docstring."""
        return inspect.getdoc(self.reference) or ""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the function's parameters."""
        return tuple(inspect.signature(self.reference).parameters)

    @property
    def source(self) -> str:
        """The reference as text: what `solution` prints."""
        return inspect.getsource(self.reference)

    @property
    def stub(self) -> str:
        """What the learner's cell holds: the reference's first line and docstring, then `...`."""
        head, quote, rest = self.source.partition('"""')
        return head + quote + rest[: rest.index('"""')] + '"""\n    ...\n'


def tensor(values: Any, dtype: torch.dtype = torch.int32) -> Tensor:
    """Return the values as a tensor; a number becomes a tensor of length 1."""
    return torch.tensor(values if isinstance(values, (list, range)) else [values], dtype=dtype)
