"""The accumulator explorer: one dot product, product after product. Where does the register overflow, and does it matter?"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import traitlets

from qtutor.explorers.base import Explorer, Setting
from qtutor.explorers.table import Control, Fact, Table, numbers, words
from qtutor.kernels import accumulator_range
from qtutor.pictures.accumulator import (
    ACCUMULATOR_SENTENCE,
    KEEP,
    Run,
    example_product,
    partial_sums,
    range_text,
    story,
    total_text,
)
from qtutor.pictures.words import counted, format_name, number
from qtutor.qparams import QParams, accumulator_bits, int_range, narrowest_format

WIDTHS = tuple(range(3, 15))  # of the accumulator: 14 bits hold the largest sum that can be chosen
OVERFLOWS = tuple(KEEP)
OPERANDS = tuple(range(2, 7))  # bits of an input, and of a weight
TERMS = 16


@dataclass(frozen=True)
class AccumulatorSettings:
    """Where the explorer starts."""

    accumulator_bits: int = 8
    overflow: str = "wrap"
    weight_bits: int = 3
    x_bits: int = 3


def accumulator_explorer() -> "AccumulatorExplorer":
    """Return a widget that adds 16 products, of two rows of a digit and an edge filter, in a register of your width.

    returns   an ipywidget with the traits accumulator_bits (3 … 14), overflow ("wrap", "saturate"), weight_bits and
              x_bits (2 … 6), and readout, challenge and message, all to read, set and observe
    raises    nothing for a value off its list: the last picture stays, and `message` says why
    source    every number in it is qtutor's wrap, saturate, accumulator_bits and accumulator_range, computed before
              the first move

    >>> explorer = accumulator_explorer()
    >>> explorer.accumulator_bits, explorer.overflow = 7, "saturate"
    >>> for sentence in explorer.readout.split(": "): print(sentence)
    Exact sum 24. 7 bits signed hold −64 … 63
    5 of 16 partial sums lie outside, first after product 6, and saturating ends at 8, error −16.
    """
    return AccumulatorExplorer(accumulator_table())


class AccumulatorExplorer(Explorer):
    """Sliders for the widths of accumulator, weights and inputs, and the choice between wrapping and saturating."""

    accumulator_bits = Setting().tag(sync=True)
    overflow = Setting().tag(sync=True)
    weight_bits = Setting().tag(sync=True)
    x_bits = Setting().tag(sync=True)

    @traitlets.validate("accumulator_bits", "overflow", "weight_bits", "x_bits")
    def _listed(self, proposal: Any) -> Any:
        return self._on_list(proposal)


@cache
def accumulator_table() -> Table:
    """Return every partial sum at every setting, as the kernels keep it."""
    operands = [example_product(x_bits, weight_bits) for weight_bits in OPERANDS for x_bits in OPERANDS]
    products = torch.stack([x.to(torch.int64) * weight for x, weight in operands])
    exact = partial_sums(products, 32, "wrap")
    kept = torch.stack([torch.stack([partial_sums(products, w, o) for o in OVERFLOWS]) for w in WIDTHS])
    by_kept = {"accumulator_bits": 50, "overflow": 25, "weight_bits": 5, "x_bits": 1}
    by_exact = {"weight_bits": 5, "x_bits": 1}
    ranges = [int_range(bits, True) for bits in WIDTHS]
    runs = all_runs(exact.tolist(), kept.tolist())
    return Table(
        picture="sums",
        title="Accumulator explorer",
        controls=controls(),
        facts={
            "exact": numbers(exact, by_exact, width=TERMS + 1),
            "limit": numbers(exact.abs().amax(1), by_exact),
            "kept": numbers(kept, by_kept, width=TERMS + 1),
            "ends": numbers(ranges, {"accumulator_bits": 1}, width=2),
            "met": numbers(met(exact, kept), by_kept),
            "total": words((total_text(run) for run in runs[:25]), by_exact),
            "format": words((format_name(bits, True) for bits in WIDTHS), {"accumulator_bits": 1}),
            "range": words((range_text(run) for run in runs[::50]), {"accumulator_bits": 1}),
            "story": words((story(run, o) for run, o in zip(runs, overflows(), strict=True)), by_kept),
            **need_facts(operands, exact, by_exact),
        },
        readout=ACCUMULATOR_SENTENCE,
        lines=(
            "any {x_bits}-bit inputs, any {weight_bits}-bit weights: {worst}",
            "any {x_bits}-bit inputs, these weights: {tight}",
            "these inputs, these weights: {met_here}",
        ),
        tasks=TASKS,
        view={"places": [0, 4, 8, 12, 16], "terms": TERMS},
    )


TASKS = (
    "Challenge: wrap. Find the narrowest accumulator that still ends exact.",
    "✓ Met: the final sum fits, so the turns on the way cancel. Next: leave all and switch to saturate.",
    "✓ Both met: what is cut off on the way is gone, although the final sum fits.",
)


def overflows() -> Iterator[str]:
    """Return the overflow of every run, in the order of the facts."""
    return (overflow for _ in WIDTHS for overflow in OVERFLOWS for _ in range(25))


def all_runs(exact: list[list[int]], kept: list[list[list[list[int]]]]) -> list[Run]:
    """Return the run of every setting: [accumulator bits, overflow, weight bits and input bits]."""
    return [
        Run(exact[place], sums, *int_range(bits, True))
        for bits, both in zip(WIDTHS, kept, strict=True)
        for of_one in both
        for place, sums in enumerate(of_one)
    ]


def controls() -> tuple[Control, ...]:
    """Return the four controls."""
    start = AccumulatorSettings()
    return (
        Control(
            "accumulator_bits",
            "accumulator bits",
            (WIDTHS,),
            start.accumulator_bits,
            spoken="{format}, {range}: {story}",
        ),
        Control("overflow", "overflow", (OVERFLOWS,), start.overflow, kind="choice", text=str),
        Control("weight_bits", "weight bits", (OPERANDS,), start.weight_bits, spoken="{weight_bits} bits: {story}"),
        Control("x_bits", "input bits", (OPERANDS,), start.x_bits, spoken="{x_bits} bits: {story}"),
    )


def need_facts(operands: list[Any], exact: torch.Tensor, by: dict[str, int]) -> dict[str, Fact]:
    """Return how many bits are needed: by the formats alone, by these weights, and by these inputs."""
    worst, tight, here = [], [], []
    for (_, weight), sums, place in zip(operands, exact.tolist(), range(25), strict=True):
        x_format = QParams(1.0, bit_width=OPERANDS[place % 5], signed=False)
        weight_format = QParams(1.0, bit_width=OPERANDS[place // 5])
        worst.append(counted(accumulator_bits(TERMS, x_format, weight_format), "bit"))
        tight.append(span_text(*accumulator_range(weight[None], x_format)))
        here.append(f"{span_text(min(sums), max(sums))}; the final sum alone, {span_text(sums[-1], sums[-1])}")
    return {"worst": words(worst, by), "tight": words(tight, by), "met_here": words(here, by)}


def span_text(low: int, high: int) -> str:
    """Return a span of sums and the two's complement bits that hold it.

    >>> span_text(-70, 70), span_text(24, 24)
    ('−70 … 70, 8 bits', '24, 6 bits')
    """
    bits = counted(narrowest_format(min(low, -1), high)[0], "bit")
    return f"{number(low)}, {bits}" if low == high else f"{number(low)} … {number(high)}, {bits}"


def met(exact: torch.Tensor, kept: torch.Tensor) -> Any:
    """Return the challenge's bits: the narrowest accumulator that holds the final sum, wrapping (1) and saturating (2)."""
    total = exact[:, -1].tolist()
    narrowest = torch.tensor([WIDTHS.index(narrowest_format(min(t, -1), t)[0]) for t in total])
    here = torch.arange(len(WIDTHS))[:, None] == narrowest  # [accumulator bits, weight and input bits]
    right = kept[..., -1] == exact[:, -1]  # [accumulator bits, overflow, weight and input bits]
    return np.stack([(here & right[:, 0]).numpy() * 1, (here & ~right[:, 1]).numpy() * 2], axis=1)
