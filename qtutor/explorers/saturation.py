"""The saturation explorer: one sum in a register that is too small, wrapped and saturated side by side."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import traitlets
from torch import Tensor

from qtutor.explorers.base import Explorer, Setting
from qtutor.explorers.own import finished, raised
from qtutor.explorers.table import Control, Table, numbers, words
from qtutor.kernels import saturate, wrap
from qtutor.pictures.ring import RING_SENTENCE, answer, term
from qtutor.pictures.words import format_name, number
from qtutor.qparams import int_range

BIT_WIDTHS = tuple(range(2, 9))
SIGNS = (False, True)
SUMS = 2 * 2 ** BIT_WIDTHS[-1] - 1  # sums of two 8-bit numbers; narrower formats fill the first of them
INSIDE = 2 ** BIT_WIDTHS[-1]

Overflow = Callable[[Tensor, int, bool], Tensor]


@dataclass(frozen=True)
class SaturationSettings:
    """Where the explorer starts."""

    bit_width: int = 4
    signed: bool = True
    a: int = 5
    b: int = 2


def saturation_explorer(wrap: Overflow | None = None, saturate: Overflow | None = None) -> "SaturationExplorer":
    """Return a widget that adds two integers of 2 to 8 bits and keeps the sum twice: wrapped and saturated.

    wrap, saturate   None for qtutor's kernels, or a function of your own (x, bit_width, signed) -> integers
    returns          an ipywidget with the traits bit_width (2 … 8), signed, a, b, wrap, saturate, and readout,
                     challenge and message, all to read, set and observe
    raises           nothing for a value off its list, or for a function that fails: the last picture stays, and
                     `message` says why
    source           every number in it is qtutor's wrap and saturate (or yours), computed before the first move

    >>> explorer = saturation_explorer()
    >>> explorer.a, explorer.b = 7, 1
    >>> explorer.readout
    '4 bits signed: 7 + 1 = 8. Wrapped −8 (1000), error −16. Saturated 7 (0111), error −1.'
    """
    return SaturationExplorer(wrap, saturate)


class SaturationExplorer(Explorer):
    """Sliders for a format and two operands, the ring on which their sum turns, and the bar where it stops."""

    bit_width = Setting().tag(sync=True)
    signed = Setting().tag(sync=True)
    a = Setting().tag(sync=True)
    b = Setting().tag(sync=True)
    wrap = traitlets.Any()
    saturate = traitlets.Any()

    def __init__(self, wrap: Overflow | None = None, saturate: Overflow | None = None) -> None:
        super().__init__(standard_table())
        self.observe(self._take_functions, names=["wrap", "saturate"])
        with self.hold_trait_notifications():
            self.wrap, self.saturate = wrap, saturate

    @traitlets.validate("bit_width", "signed", "a", "b")
    def _listed(self, proposal: Any) -> Any:
        return self._on_list(proposal)

    def _take_functions(self, change: Any) -> None:
        self._rebuild(lambda: finished(lambda: saturation_table(self.wrap or wrap, self.saturate or saturate)))


@cache
def standard_table() -> Table:
    """Return the table of the kernels."""
    return saturation_table(wrap, saturate)


def saturation_table(wrap: Overflow, saturate: Overflow) -> Table:
    """Return what two functions make of every sum of two integers, at every format."""
    rows = [sums_of(wrap, saturate, bits, signed) for bits, signed in formats()]
    stack = {name: np.array([row[name] for row in rows]) for name in ("exact", "wrapped", "saturated")}
    by_sum, by_format = {"bit_width": 2 * SUMS, "signed": SUMS, "a": 1, "b": 1}, {"bit_width": 2, "signed": 1}
    met, tasks = challenge(stack)
    texts = {name: words((t for row in rows for t in row[f"{name}_text"]), by_sum) for name in ("wrapped", "saturated")}
    ranges = [int_range(bits, signed) for bits, signed in formats()]
    return Table(
        picture="ring",
        title="Saturation explorer",
        controls=controls(),
        facts={
            **texts,
            "exact": words(map(number, stack["exact"].flatten().tolist()), by_sum),
            "term": words(terms(), {"bit_width": 2 * INSIDE, "signed": INSIDE, "b": 1}),
            "exact_number": numbers(stack["exact"], by_sum),
            "wrapped_number": numbers(stack["wrapped"], by_sum),
            "saturated_number": numbers(stack["saturated"], by_sum),
            "ends": numbers(ranges, by_format, width=2),
            "levels": numbers([2**bits for bits in BIT_WIDTHS], {"bit_width": 1}),
            "format": words((format_name(bits, signed) for bits, signed in formats()), by_format),
            "integers": words((f"integers {number(low)} to {number(high)}" for low, high in ranges), by_format),
            "met": numbers(met, by_sum),
        },
        readout=RING_SENTENCE,
        lines=("wrapped: {wrapped}", "saturated: {saturated}"),
        tasks=tasks,
    )


def formats() -> Iterator[tuple[int, bool]]:
    """Return every (bit_width, signed), in the order of the facts."""
    return ((bits, signed) for bits in BIT_WIDTHS for signed in SIGNS)


def controls() -> tuple[Control, ...]:
    """Return the four controls; the operands depend on the format."""
    start, by = SaturationSettings(), {"bit_width": 2, "signed": 1}
    operands = tuple(tuple(range(low, high + 1)) for low, high in (int_range(*format_) for format_ in formats()))
    return (
        Control("bit_width", "bit width", (BIT_WIDTHS,), start.bit_width, spoken="{format}, {integers}"),
        Control("signed", "signed", (SIGNS,), start.signed, kind="switch", spoken="{format}", text=str),
        Control("a", "a", operands, start.a, by, spoken="a is {a}, a + b is {exact}"),
        Control("b", "b", operands, start.b, by, spoken="b is {b}, a + b is {exact}"),
    )


def terms() -> Iterator[str]:
    """Return b as the sum writes it: [bit width, sign, position]; positions out of reach repeat the last."""
    for low, high in (int_range(*format_) for format_ in formats()):
        yield from (term(min(low + i, high)) for i in range(INSIDE))


def sums_of(wrap: Overflow, saturate: Overflow, bit_width: int, signed: bool) -> dict[str, Any]:
    """Return every sum of two integers of a format, exact and as both functions keep it; the rest repeats the last."""
    low, high = int_range(bit_width, signed)
    exact = torch.arange(2 * low, 2 * low + SUMS).clamp(max=2 * high)
    facts: dict[str, Any] = {"exact": exact.tolist()}
    for name, function in (("wrapped", wrap), ("saturated", saturate)):
        kept = kept_integers(function, exact, bit_width, signed)
        facts[name] = kept
        facts[f"{name}_text"] = [
            answer(k, e, bit_width)
            if low <= k <= high
            else f"{number(k)}, which {format_name(bit_width, signed)} cannot hold"
            for k, e in zip(kept, facts["exact"], strict=True)
        ]
    return facts


def kept_integers(function: Overflow, exact: Tensor, bit_width: int, signed: bool) -> list[int]:
    """Return what a function keeps of each sum; raise a sentence where it gives no integers of that shape."""
    name = getattr(function, "__name__", "your function")
    call = f"{name}(x, {bit_width}, {signed})"
    try:
        kept = function(exact.clone(), bit_width, signed)
    except BaseException as error:  # the learner's code may raise anything, SystemExit too
        raise ValueError(f"{call} {raised(error)}") from error
    if not isinstance(kept, Tensor) or kept.is_floating_point() or kept.is_complex() or kept.dtype == torch.bool:
        kind = str(kept.dtype) if isinstance(kept, Tensor) else type(kept).__name__
        raise TypeError(f"{call} returned {kind}: return an integer tensor of x's shape.")
    if kept.shape != exact.shape:
        raise ValueError(
            f"{call} returned shape {tuple(kept.shape)} for {tuple(exact.shape)}: return one integer for each."
        )
    return [int(k) for k in kept.tolist()]


def challenge(stack: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """Return the met bits of every sum and the sentences: the widest gap in 4 signed bits, then the worst saturation."""
    four, reachable = list(formats()).index((4, True)), 2 * 2**4 - 1
    wrapped, saturated, exact = (stack[name][four, :reachable] for name in ("wrapped", "saturated", "exact"))
    gap, error = abs(wrapped - saturated), abs(saturated - exact)
    met = np.zeros(stack["exact"].shape, dtype=np.uint8)
    met[four, :reachable] = (gap == gap.max()) * 1 + (error == error.max()) * 2
    apart, lost = number(int(gap.max())), number(int(error.max()))
    return met, (
        "Challenge: 4 bits, signed. Make the two answers as far apart as they can be.",
        f"✓ Met: {apart} apart, the farthest. Next: make the error of the saturated answer as large as it can be.",
        f"✓ Both met: answers {apart} apart, and a saturated error of {lost}. A wrapped error is always a whole turn of 16.",
    )
