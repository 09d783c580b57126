"""The scale explorer: drag the clipping point over real activations, and see what clipping and rounding each cost."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import traitlets
from matplotlib.ticker import MaxNLocator

from qtutor.explorers.base import Explorer, Setting
from qtutor.explorers.table import Control, Fact, Table, numbers, words
from qtutor.network import hidden_activations
from qtutor.pictures.clipping import CLIPPING_SENTENCE, PERCENTS, Sizes, amount, bars, clip, decibels, short, sizes
from qtutor.pictures.words import counted, format_name, number

BIT_WIDTHS = tuple(range(2, 9))
ASKED = (3, 2)  # the widths of the challenge's two tasks
MOST_SIZES = 20_000  # different sizes of own values; more would take seconds


@dataclass(frozen=True)
class ScaleSettings:
    """Where the explorer starts: nothing is clipped."""

    bit_width: int = 3
    clip: int = 100


def scale_explorer(values: Any = None) -> "ScaleExplorer":
    """Return a widget that quantizes 57,504 activations of a trained network, or your values, clipped where you say.

    values    float32 tensor in real units, not all 0, or a list of numbers, with at most 20,000 different sizes; where
              some are negative the format is signed and reaches as far down as up. None for the activations
    returns   an ipywidget with the traits bit_width (2 … 8), clip (1 … 100, in percent of the largest value), values,
              and readout, challenge and message, all to read, set and observe
    raises    nothing for a value off its list: the last picture stays, and `message` says what is possible
    source    every number in it is qtutor's quantize and dequantize, computed before the first move

    >>> explorer = scale_explorer([1, 1, 1, 1, 1, 1, 1, 6])
    >>> explorer.bit_width, explorer.clip = 2, 75
    >>> for sentence in explorer.readout.split(". "): print(sentence)
    2 bits unsigned, clipped at 4.5: step 1.5, 1 of 8 values clipped
    Squared error 4: 2.25 by clipping, 1.75 by rounding
    SQNR 10.3 dB.
    """
    return ScaleExplorer(values)


class ScaleExplorer(Explorer):
    """Sliders for the width and the clipping point, the sizes of the values, and both errors."""

    bit_width = Setting().tag(sync=True)
    clip = Setting().tag(sync=True)
    values = traitlets.Any()

    def __init__(self, values: Any = None) -> None:
        super().__init__(standard_table())
        self.observe(self._take_values, names=["values"])
        if values is not None:
            self.values = values

    @traitlets.validate("bit_width", "clip")
    def _listed(self, proposal: Any) -> Any:
        return self._on_list(proposal)

    def _take_values(self, change: Any) -> None:
        given = change["new"]
        self._rebuild(standard_table if given is None else lambda: scale_table(checked_sizes(given)))


def checked_sizes(values: Any) -> Sizes:
    """Return the sizes of a learner's values; raise a sentence where they cannot be drawn.

    >>> checked_sizes([0.5, -1]).signed
    True
    """
    try:
        x = values if isinstance(values, torch.Tensor) else torch.tensor(values, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(
            f"values is a {type(values).__name__} that is no list of numbers: give a float32 tensor."
        ) from None
    of = sizes(x)
    if len(of.values) > MOST_SIZES:
        raise ValueError(
            f"values holds {len(of.values):,} different sizes and the table takes {MOST_SIZES:,}: give a part of them."
        )
    return of


@cache
def standard_table() -> Table:
    """Return the table of the network's activations."""
    return scale_table(sizes(hidden_activations()))


def scale_table(of: Sizes) -> Table:
    """Return both errors at every width and clipping point."""
    every = [clip(of, bits) for bits in BIT_WIDTHS]
    stack = {name: np.array([getattr(row, name).numpy() for row in every]) for name in SHOWN}
    met, tasks = challenge(stack["total"], stack["clipped"])
    by = {"bit_width": len(PERCENTS), "clip": 1}
    texts = {name: words(map(amount, stack[name].flatten().tolist()), by) for name in ("clipping", "rounding", "total")}
    noise = stack["total"].flatten().tolist()
    return Table(
        picture="clipping",
        title="Scale explorer",
        controls=controls(),
        facts={
            **texts,
            **curves(stack),
            "point": words(map(short, stack["point"][0].tolist()), {"clip": 1}),
            "step": words(map(short, stack["step"].flatten().tolist()), by),
            "clipped": words((f"{int(n):,}" for n in stack["clipped"].flatten().tolist()), by),
            "count": words([counted(int(of.counts.sum()), "value")], {}),
            "sqnr": words((decibels(of.power, total) for total in noise), by),
            "format": words((format_name(bits, of.signed) for bits in BIT_WIDTHS), {"bit_width": 1}),
            "met": numbers(met, by),
        },
        readout=CLIPPING_SENTENCE,
        tasks=tasks,
        view=view(of),
    )


SHOWN = ("point", "step", "clipped", "clipping", "rounding", "total")


def controls() -> tuple[Control, ...]:
    """Return the two controls."""
    start = ScaleSettings()
    said = "clipped at {clip} percent of the largest, {point}; squared error {total}"
    return (
        Control("bit_width", "bit width", (BIT_WIDTHS,), start.bit_width, spoken="{format}, squared error {total}"),
        Control("clip", "clip at (%)", (PERCENTS,), start.clip, spoken=said),
    )


def curves(stack: dict[str, Any]) -> dict[str, Fact]:
    """Return the three errors of every clipping point as heights: 1 is the top of the picture, more lies outside.

    The top is twice the error without clipping, or a little above the least error where that is more.
    """
    top = 2 * np.maximum(stack["total"][:, -1:], stack["total"].min(1, keepdims=True))
    top = np.where(top > 0, top, 1.0)
    heights = {name: np.minimum(stack[name] / top, 10).astype("f4") for name in ("clipping", "rounding", "total")}
    return {f"{name}_curve": numbers(h, {"bit_width": 1}, width=len(PERCENTS)) for name, h in heights.items()}


def view(of: Sizes) -> dict[str, Any]:
    """Return the bars as heights from 0 to 1, and the ticks as shares of the largest size."""
    heights, largest = bars(of), float(of.values[-1])
    ticks = [float(t) for t in MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(0, largest) if 0 <= t <= largest]
    return {
        "bars": [height / max(heights) for height in heights],
        "ticks": [tick / largest for tick in ticks],
        "tick_texts": [number(tick) for tick in ticks],
    }


def challenge(total: Any, clipped: Any) -> tuple[Any, tuple[str, ...]]:
    """Return the met bits of every setting and the sentences: the least squared error at 3 bits, then at 2."""
    met, found = np.zeros(total.shape, dtype=np.uint8), []
    for task, bits in enumerate(ASKED):
        row = BIT_WIDTHS.index(bits)
        least = total[row] == total[row].min()
        met[row] = least * (1 << task)
        place = int(np.flatnonzero(least)[-1])
        found.append(f"{PERCENTS[place]} % of the largest, {int(clipped[row, place]):,} clipped")
    return met, (
        "Challenge: 3 bits. Find the clipping point with the least squared error.",
        f"✓ Met: {found[0]}. Next: the same at 2 bits. Will it lie further left or further right?",
        f"✓ Both met: {found[0]} at 3 bits, and {found[1]} at 2 bits.",
    )
