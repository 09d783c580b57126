"""The quantizer explorer: scale, zero point, bit width and sign, and what they make of values between −4 and 4."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import traitlets
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from qtutor.explorers.base import Explorer, Setting
from qtutor.explorers.table import Control, Fact, Table, numbers, words
from qtutor.pictures.staircase import EIGHTHS, STAIRCASE_SENTENCE, saturated_text
from qtutor.pictures.words import format_name, listed, number
from qtutor.qparams import QParams, int_range
from qtutor.quantization import dequantize, quantize

BIT_WIDTHS = tuple(range(1, 9))
SIGNS = (False, True)
SCALES = (1 / 16, 0.1, 1 / 8, 0.2, 1 / 4, 0.3, 1 / 2, 0.7, 1.0, 1.5, 2.0)
STOPS = 17  # at most this many zero points for each format
MOST_VALUES = 100  # more would make the table larger than half a megabyte
FARTHEST = 255  # the largest distance between an integer and a zero point of 8 bits


@dataclass(frozen=True)
class QuantizerSettings:
    """Where the explorer starts."""

    bit_width: int = 4
    signed: bool = True
    scale: float = 0.5
    zero_point: int = 0


def zero_points(bit_width: int, signed: bool) -> tuple[int, ...]:
    """Return the zero points of a format that the slider stops at: all to 4 bits, then 16 even steps and the top.

    >>> zero_points(2, True), zero_points(5, False)[-3:]
    ((-2, -1, 0, 1), (28, 30, 31))
    """
    low, high = int_range(bit_width, signed)
    stops = tuple(range(low, high + 1, max(1, 2 ** (bit_width - 4))))
    return stops if stops[-1] == high else (*stops, high)


def quantizer_explorer(values: Any = None) -> "QuantizerExplorer":
    """Return a widget that quantizes 65 values from −4 to 4, or yours, at every format of 1 to 8 bits.

    values    float32 tensor, or a list of numbers: 1 to 100 of them, in real units; None for the 65
    returns   an ipywidget with the traits bit_width (1 … 8), signed, scale (a list of 11), zero_point, values, and
              readout, challenge and message, all to read, set and observe
    raises    nothing for a value off its list: the last picture stays, and `message` says what is possible
    source    every number in it is qtutor's quantize and dequantize, computed before the first move

    >>> explorer = quantizer_explorer()
    >>> explorer.readout
    'step 0.5, window −4 … 3.5, 3 of 65 values saturate, largest error 0.5'
    >>> explorer.scale = 0.7
    >>> explorer.readout
    'step 0.7, window −5.6 … 4.9, 0 of 65 values saturate, largest error 0.35'
    """
    return QuantizerExplorer(values)


class QuantizerExplorer(Explorer):
    """Sliders for a format, the staircase that it makes, and what saturates."""

    bit_width = Setting().tag(sync=True)
    signed = Setting().tag(sync=True)
    scale = Setting().tag(sync=True)
    zero_point = Setting().tag(sync=True)
    values = traitlets.Any()

    def __init__(self, values: Any = None) -> None:
        super().__init__(standard_table())
        self.observe(self._take_values, names=["values"])
        if values is not None:
            self.values = values

    @traitlets.validate("bit_width", "signed", "scale", "zero_point")
    def _listed(self, proposal: Any) -> Any:
        return self._on_list(proposal)

    def _take_values(self, change: Any) -> None:
        given = change["new"]
        self._rebuild(standard_table if given is None else lambda: quantizer_table(checked_values(given)))


def checked_values(values: Any) -> Tensor:
    """Return the learner's values as a flat, sorted tensor; raise a sentence where they cannot be drawn.

    >>> checked_values([0.5, -1])
    tensor([-1.0000,  0.5000])
    """
    try:
        x = values if isinstance(values, Tensor) else torch.tensor(values, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(
            f"values is a {type(values).__name__} that is no list of numbers: give a float32 tensor."
        ) from None
    if not 1 <= x.numel() <= MOST_VALUES:
        raise ValueError(
            f"values holds {x.numel():,} numbers and the picture shows 1 to {MOST_VALUES}: give fewer, or some."
        )
    quantize(x, QParams(scale=1.0))  # raises its own sentence for NaN, infinities and integers
    return x.detach().flatten().to(torch.float32).sort().values


@cache
def standard_table() -> Table:
    """Return the table of the 65 values −4 … 4 in eighths."""
    return quantizer_table(EIGHTHS)


def quantizer_table(x: Tensor) -> Table:
    """Return what the kernels make of x at every setting.

    x         float32 tensor [n], sorted
    """
    facts, saturated = format_facts(x)
    met, tasks = challenge(saturated)
    by = strides(zero_point=len(SCALES), scale=1)
    return Table(
        picture="staircase",
        title="Quantizer explorer",
        controls=controls(),
        facts={**facts, "met": numbers(met, by)},
        readout=STAIRCASE_SENTENCE,
        lines=("{format}, scale {scale}, zero point {zero_point}: {integers}",),
        tasks=tasks,
        view=view(x, facts["real"]),
    )


def strides(**inner: int) -> dict[str, int]:
    """Return the strides of a fact for each format and, within it, for each zero point and scale."""
    size = STOPS * len(SCALES) if "scale" in inner else STOPS if "zero_point" in inner else 1
    return {"bit_width": len(SIGNS) * size, "signed": size, **inner}


def controls() -> tuple[Control, ...]:
    """Return the four controls; the zero points depend on the format."""
    start = QuantizerSettings()
    stops = tuple(zero_points(bits, signed) for bits in BIT_WIDTHS for signed in SIGNS)
    return (
        Control("bit_width", "bit width", (BIT_WIDTHS,), start.bit_width, spoken="{format}, {integers}"),
        Control("signed", "signed", (SIGNS,), start.signed, kind="switch", spoken="{format}", text=str),
        Control("scale", "scale", (SCALES,), start.scale, spoken="scale {scale}, {integers}"),
        Control(
            "zero_point",
            "zero point",
            stops,
            start.zero_point,
            strides(),
            spoken="zero point {zero_point}, window {low} … {high}",
        ),
    )


def format_facts(x: Tensor) -> tuple[dict[str, Fact], Any]:
    """Return the facts of every format, and how many values saturate: [bit width, sign, zero point, scale]."""
    every = [[facts_of(x, bits, signed) for signed in SIGNS] for bits in BIT_WIDTHS]
    stack = {name: np.array([[facts[name] for facts in row] for row in every]) for name in every[0][0]}
    setting, window = strides(zero_point=len(SCALES), scale=1), strides(zero_point=1)
    below, above = stack["below"], stack["above"]
    ranges = [int_range(bits, signed) for bits in BIT_WIDTHS for signed in SIGNS]
    return {
        "code": numbers(stack["code"], setting, width=len(x)),
        "below": numbers(below, setting),
        "above": numbers(above, setting),
        "saturated": words((saturated_text(n, len(x)) for n in (below + above).flatten().tolist()), setting),
        "error": words(map(number, stack["error"].flatten().tolist()), setting),
        "low": words(map(number, stack["low"].flatten().tolist()), setting),
        "high": words(map(number, stack["high"].flatten().tolist()), setting),
        "first": numbers(stack["first"], window),
        "levels": numbers([2**bits for bits in BIT_WIDTHS], {"bit_width": 1}),
        "format": words((format_name(bits, signed) for bits in BIT_WIDTHS for signed in SIGNS), strides()),
        "integers": words((f"integers {number(low)} to {number(high)}" for low, high in ranges), strides()),
        "step": words((number(scale) for scale in SCALES), {"scale": 1}),
        "real": numbers(real_numbers(), {"scale": 1}, width=2 * FARTHEST + 1),
    }, below + above


def facts_of(x: Tensor, bit_width: int, signed: bool) -> dict[str, Any]:
    """Return the facts of one format at every zero point and scale, by the kernels: one channel for each setting."""
    stops = zero_points(bit_width, signed)
    stops += (stops[-1],) * (STOPS - len(stops))  # so that every format has as many; these are out of reach
    qparams = QParams(SCALES * STOPS, tuple(z for z in stops for _ in SCALES), bit_width, signed, axis=0)
    wide = QParams(qparams.scale, qparams.zero_point, 32, True, axis=0)
    given = x.expand(len(SCALES) * STOPS, -1)
    q, unlimited = quantize(given, qparams).to(torch.int64), quantize(given, wide)
    ends = dequantize(torch.tensor([[qparams.int_min, qparams.int_max]]).expand(len(given), -1), qparams)
    return {
        "code": (q - qparams.int_min).numpy(),
        "below": (unlimited < qparams.int_min).sum(1).numpy(),
        "above": (unlimited > qparams.int_max).sum(1).numpy(),
        "error": (given.double() - dequantize(q, qparams).double()).abs().amax(1).numpy(),
        "low": ends[:, 0].numpy(),
        "high": ends[:, 1].numpy(),
        "first": np.array([qparams.int_min - z + FARTHEST for z in stops]),
    }


def real_numbers() -> Any:
    """Return the real number of every distance q − zero_point from −255 to 255: [scale, distance + 255]."""
    distances = torch.arange(-FARTHEST, FARTHEST + 1)
    return np.array([dequantize(distances, QParams(scale, bit_width=16)).numpy() for scale in SCALES])


def view(x: Tensor, real: Fact) -> dict[str, Any]:
    """Return the given values, and the ends and ticks of both axes: what is stored may overshoot by half a step."""
    low, high = float(x.min()), float(x.max())
    low, high = (low, high) if low < high else (low - 1, high + 1)
    margin = (high - low) / 8
    ticks = [float(t) for t in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= t <= high]
    return {
        "given": x.tolist(),
        "low": low - margin,
        "high": high + margin,
        "ticks": ticks,
        "tick_texts": [number(t) for t in ticks],
        "farthest": FARTHEST,
    }


def challenge(saturated: Any) -> tuple[Any, tuple[str, ...]]:
    """Return the met bits of every setting and the sentences, both from how many values saturate."""
    met = np.zeros(saturated.shape, dtype=np.uint8)
    four, zero = BIT_WIDTHS.index(4), zero_points(4, True).index(0)
    fits = np.flatnonzero(saturated[four, 1].reshape(STOPS, -1)[zero] == 0)
    if not len(fits):
        return met, ("Your values saturate at every scale on the list with 4 bits, signed and zero point 0.",)
    smallest = int(fits[0])
    met.reshape(len(BIT_WIDTHS), 2, STOPS, -1)[four, 1, zero, smallest] = 1
    inside = [i for i, _ in enumerate(zero_points(4, False)) if saturated[four, 0].reshape(STOPS, -1)[i, smallest] == 0]
    met.reshape(len(BIT_WIDTHS), 2, STOPS, -1)[four, 0, inside, smallest] = 2
    return met, challenge_sentences(
        number(SCALES[smallest]), listed([zero_points(4, False)[i] for i in inside]), bool(inside)
    )


def challenge_sentences(scale: str, inside: str, second: bool) -> tuple[str, ...]:
    """Return the sentences before and after each task."""
    first = "Challenge: 4 bits, signed, zero point 0. Find the smallest scale at which no value saturates."
    done = f"✓ Met: {scale} is the smallest scale at which no value saturates."
    if not second:
        return first, done
    ask = f"{done} Next: 4 bits, unsigned, scale {scale}. Find a zero point that keeps every value inside."
    return first, ask, f"✓ Both met: 4 bits unsigned at scale {scale} keep every value inside at zero point {inside}."
