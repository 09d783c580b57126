"""The two sums explorer: round each operand and add, or add and round once. Where do they part?"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import traitlets

from qtutor.explorers.base import Explorer, Setting
from qtutor.explorers.own import finished, raised
from qtutor.explorers.table import Control, Fact, Table, numbers, words
from qtutor.kernels import rounding_right_shift
from qtutor.pictures.two_sums_map import OPERANDS, TWO_SUMS_SENTENCE, differ_text, rounding_text
from qtutor.pictures.words import number

STEPS = tuple(n / 8 for n in OPERANDS.tolist())  # −2 … 2 in eighths of a step
ZERO_POINTS = tuple(n / 2 for n in range(6))  # 0 … 2½ in halves: four eighths each
ROUNDINGS = ("half_even", "half_up", "floor")
OWN = "own"
LOWEST = -16  # the smallest operand, zero point included, in eighths
SIDES = 33 + 4 * 5  # operands with their zero points, in eighths: −2 … 4½ steps
TOTALS = 2 * SIDES - 1

Rounding = Callable[[float], int]


@dataclass(frozen=True)
class TwoSumsSettings:
    """Where the explorer starts."""

    a: float = 0.25
    b: float = 0.5
    zero_point_a: float = 0.0
    zero_point_b: float = 0.0
    rounding: str = "half_even"


def two_sums_explorer(own_rounding: Rounding | None = None) -> "TwoSumsExplorer":
    """Return a widget that adds two numbers in steps of a grid: rounded and then added, and added and then rounded.

    own_rounding   None, or a function of your own from a number to an integer: a fourth rounding, named "own"
    returns        an ipywidget with the traits a, b (−2 … 2 in eighths), zero_point_a, zero_point_b (0 … 2.5 in
                   halves), rounding, own_rounding, and readout, challenge and message, all to read, set and observe
    raises         nothing for a value off its list, or for a function that fails: the last picture stays, and
                   `message` says why
    source         every number in it is qtutor's rounding_right_shift on exact eighths, computed before the first move

    >>> explorer = two_sums_explorer()
    >>> explorer.a = 1
    >>> for sentence in explorer.readout.split(". "): print(sentence)
    Rounding half to even, zero points 0 and 0: the two sums differ at 264 of 1,089 pairs
    At a = 1, b = 0.5: round then add gives 1, add then round gives 2.
    """
    return TwoSumsExplorer(own_rounding)


class TwoSumsExplorer(Explorer):
    """Sliders for two operands and their zero points, both sums, and the map of where they differ."""

    a = Setting().tag(sync=True)
    b = Setting().tag(sync=True)
    zero_point_a = Setting().tag(sync=True)
    zero_point_b = Setting().tag(sync=True)
    rounding = Setting().tag(sync=True)
    own_rounding = traitlets.Any()

    def __init__(self, own_rounding: Rounding | None = None) -> None:
        super().__init__(standard_table())
        self.observe(self._take_rounding, names=["own_rounding"])
        self.own_rounding = own_rounding

    @traitlets.validate("a", "b", "zero_point_a", "zero_point_b", "rounding")
    def _listed(self, proposal: Any) -> Any:
        return self._on_list(proposal)

    def _take_rounding(self, change: Any) -> None:
        own = change["new"]
        self._rebuild(
            standard_table if own is None else lambda: finished(lambda: two_sums_table({OWN: rounded_by(own)}))
        )


def rounded_by(own: Rounding) -> list[int]:
    """Return a learner's rounding of every number in eighths that a sum can be; raise a sentence where it fails.

    >>> rounded_by(round)[:3]     # −4, −3 7/8, −3 3/4
    [-4, -4, -4]
    """
    kept = []
    for eighths in range(2 * LOWEST, 2 * LOWEST + TOTALS):
        try:
            result = own(eighths / 8)
        except BaseException as error:  # the learner's code may raise anything, SystemExit too
            raise ValueError(f"your rounding of {eighths / 8} {raised(error)}") from error
        if not isinstance(result, int | float) or result != result // 1 or abs(result) > 1000:
            raise ValueError(f"your rounding of {eighths / 8} is {result!r}: return a whole number near it.")
        kept.append(int(result))
    return kept


@cache
def standard_table() -> Table:
    """Return the table of the three roundings."""
    return two_sums_table({})


def two_sums_table(own: dict[str, list[int]]) -> Table:
    """Return both sums at every setting. Operand and zero point act only through their total: that is the place.

    own   name -> the rounded integer of every total from −4 to 9 steps, in eighths
    """
    eighths = torch.arange(2 * LOWEST, 2 * LOWEST + TOTALS)
    rounded = {name: rounding_right_shift(eighths, 3, name).tolist() for name in ROUNDINGS} | own
    whole = np.array(list(rounded.values()))  # [rounding, total]
    alone = whole[:, -LOWEST : -LOWEST + SIDES]  # of one operand
    first = alone[:, :, None] + alone[:, None, :]
    second = whole[:, np.arange(SIDES)[:, None] + np.arange(SIDES)]
    order = np.sign(second - first)
    return Table(
        picture="map",
        title="Two sums explorer",
        controls=controls(tuple(rounded)),
        facts={**sum_facts(alone, first, second, order), **setting_facts(order, tuple(rounded))},
        readout=TWO_SUMS_SENTENCE,
        lines=(
            "round then add: {side_a} → {alone_a}, {side_b} → {alone_b}, sum {first}",
            "add then round: {side_a} + {side_b} = {total} → {second}",
        ),
        tasks=TASKS,
        view={"texts": [number(n) for n in range(-2, 3)], "places": [0, 8, 16, 24, 32], "steps": len(STEPS)},
    )


TASKS = (
    "Challenge: whole zero points, a on the grid, and still two different sums. Find them.",
    "✓ Met: one operand on the grid is not enough. Next: leave all and switch the rounding to half up.",
    "✓ Both met: half up does not ask whether the whole part is even, so a whole number may pass through it.",
)


def controls(roundings: tuple[str, ...]) -> tuple[Control, ...]:
    """Return the five controls."""
    start = TwoSumsSettings()
    return (
        Control("a", "a (steps)", (STEPS,), start.a, spoken="a is {a} steps, {alone_a} when rounded"),
        Control("b", "b (steps)", (STEPS,), start.b, spoken="b is {b} steps, {alone_b} when rounded"),
        Control(
            "zero_point_a",
            "zero point of a",
            (ZERO_POINTS,),
            start.zero_point_a,
            spoken="zero point {zero_point_a}, {differ}",
        ),
        Control(
            "zero_point_b",
            "zero point of b",
            (ZERO_POINTS,),
            start.zero_point_b,
            spoken="zero point {zero_point_b}, {differ}",
        ),
        Control("rounding", "rounding", (roundings,), start.rounding, kind="choice", text=rounding_text),
    )


def sum_facts(alone: Any, first: Any, second: Any, order: Any) -> dict[str, Fact]:
    """Return what is rounded and added: by the operands' totals with their zero points."""
    by_a, by_b = {"rounding": SIDES, "a": 1, "zero_point_a": 4}, {"rounding": SIDES, "b": 1, "zero_point_b": 4}
    pair = {"rounding": SIDES * SIDES, "a": SIDES, "zero_point_a": 4 * SIDES, "b": 1, "zero_point_b": 4}
    sides = [number((LOWEST + i) / 8) for i in range(SIDES)]
    return {
        "side_a": words(sides, {"a": 1, "zero_point_a": 4}),
        "side_b": words(sides, {"b": 1, "zero_point_b": 4}),
        "alone_a": words(map(number, alone.flatten().tolist()), by_a),
        "alone_b": words(map(number, alone.flatten().tolist()), by_b),
        "total": words(
            (number((2 * LOWEST + i) / 8) for i in range(TOTALS)),
            {"a": 1, "b": 1, "zero_point_a": 4, "zero_point_b": 4},
        ),
        "first": words(map(number, first.flatten().tolist()), pair),
        "second": words(map(number, second.flatten().tolist()), pair),
        "order": numbers(order, pair),
    }


def setting_facts(order: Any, roundings: tuple[str, ...]) -> dict[str, Fact]:
    """Return at how many pairs the sums differ, and which settings meet the challenge."""
    shape = (len(roundings), 6, 6, 33, 33)
    counts, met = np.zeros(shape[:3], dtype=int), np.zeros(shape, dtype=np.uint8)
    for za in range(6):
        for zb in range(6):
            differ = order[:, 4 * za : 4 * za + 33, 4 * zb : 4 * zb + 33] != 0
            counts[:, za, zb] = differ.sum((1, 2))
            if ZERO_POINTS[za].is_integer() and ZERO_POINTS[zb].is_integer():
                met[:, za, zb, ::8] = differ[:, ::8]
                met[1, za, zb, ::8] |= (differ[0, ::8] & ~differ[1, ::8]) * np.uint8(2)
    by = {"rounding": 36, "zero_point_a": 6, "zero_point_b": 1}
    return {
        "differ": words((differ_text(n, 33 * 33) for n in counts.flatten().tolist()), by),
        "met": numbers(met, {"rounding": 36 * 1089, "zero_point_a": 6 * 1089, "zero_point_b": 1089, "a": 33, "b": 1}),
    }
