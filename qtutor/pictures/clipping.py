"""Clipping error against rounding error: where a format stops, and what each of the two then costs."""

import math
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from torch import Tensor

from qtutor.pictures.axes import BLUE, GREY, INK, ORANGE, describe
from qtutor.pictures.words import counted, format_name, number
from qtutor.qparams import QParams, float32, int_range
from qtutor.quantization import dequantize, quantize, require_finite_floats

PERCENTS = tuple(range(1, 101))  # of the largest size: the clipping points that are tried, as method "mse" tries them
BARS = 60
# the sentence that the picture and its explorer share
CLIPPING_SENTENCE = (
    "{format}, clipped at {point}: step {step}, {clipped} of {count} clipped. "
    "Squared error {total}: {clipping} by clipping, {rounding} by rounding. SQNR {sqnr} dB."
)


@dataclass(frozen=True)
class Sizes:
    """The different sizes |x| of a tensor, smallest first, and how often each occurs; signed where some x is negative."""

    values: Tensor
    counts: Tensor
    signed: bool

    @property
    def power(self) -> float:
        """The sum of x squared."""
        return float((self.values.double().square() * self.counts).sum())


@dataclass(frozen=True)
class Clipped:
    """What clipping at each of n points leads to: float64 [n]; clipped counts the values beyond the point."""

    point: Tensor
    step: Tensor
    clipped: Tensor
    clipping: Tensor
    rounding: Tensor

    @property
    def total(self) -> Tensor:
        """The whole squared error."""
        return self.clipping + self.rounding


def sizes(x: Tensor) -> Sizes:
    """Return the sizes of a tensor's values.

    raises   as `quantize` for what is no finite float32; ValueError where every value is 0, or there is none

    >>> sizes(torch.tensor([1.0, -2.0, 1.0]))
    Sizes(values=tensor([1., 2.]), counts=tensor([2, 1]), signed=True)
    """
    real = require_finite_floats(x)
    if not real.any():
        raise ValueError(
            f"x holds {counted(real.numel(), 'value')} and none but 0, so no range can be cut: give others."
        )
    values, counts = torch.unique(real.abs(), return_counts=True)
    return Sizes(values, counts, bool((real < 0).any()))


def clip(of: Sizes, bit_width: int, percents: tuple[int, ...] = PERCENTS) -> Clipped:
    """Return both errors of a format with zero point 0 that reaches to each of these percents of the largest size.

    of          the sizes; where they are signed the format is, and it reaches as far down as up
    bit_width   2 … 8
    raises      ValueError for another width, or percents outside 1 … 100

    >>> facts = clip(sizes(torch.tensor([1.0] * 7 + [6.0])), 2, (100, 75, 50))
    >>> facts.clipping.tolist(), facts.rounding.tolist()
    ([0.0, 2.25, 9.0], [7.0, 1.75, 0.0])
    """
    _require_setting(bit_width, percents)
    top = int_range(bit_width, of.signed)[1]
    points = [float(of.values[-1]) * percent / 100 for percent in percents]
    qparams = QParams(tuple(float32(point / top) for point in points), 0, bit_width, of.signed, axis=0)
    given = of.values.expand(len(points), -1)
    squared = (dequantize(quantize(given, qparams), qparams).double() - given).square() * of.counts
    beyond = given > dequantize(torch.full((len(points), 1), top), qparams)
    double = torch.float64
    return Clipped(
        torch.tensor(points, dtype=double),
        torch.tensor(qparams.scale, dtype=double),
        (beyond * of.counts).sum(1).to(double),
        (squared * beyond).sum(1),
        (squared * ~beyond).sum(1),
    )


def _require_setting(bit_width: int, percents: tuple[int, ...]) -> None:
    if bit_width not in range(2, 9):
        raise ValueError(f"bit_width {bit_width} is outside 2 … 8, what this picture shows: use 4, for example.")
    for percent in percents:
        if not 1 <= percent <= 100:
            raise ValueError(
                f"percent {percent} is outside 1 … 100, a share of the largest size: use 100 to clip nothing."
            )


def draw_clipping(ax: Axes, x: Tensor, bit_width: int, percent: int = 100) -> Axes:
    """Draw how large the values of x are, and the squared error of clipping, of rounding and of both at each point.

    ax          axes to draw on, about 7 by 4 inches
    x           float32 tensor, any shape; where some value is negative, the format is signed and symmetric
    bit_width   2 … 8
    percent     where the marked format stops, in percent of the largest size: 1 … 100
    returns     ax; ax.alt holds its words (`clipping_text`)
    raises      as `quantize`; ValueError for another width or percent, and where every value is 0

    >>> from qtutor.pictures import new_axes
    >>> draw_clipping(new_axes(7, 4), torch.tensor([1.0] * 7 + [6.0]), 2, 75).alt.split(": ")[0]
    '2 bits unsigned, clipped at 4.5'
    """
    of = sizes(x)
    curves = clip(of, bit_width)
    here, least_seen = int(percent) - 1, float(curves.total[-1])
    words = clipping_text(x, bit_width, percent)
    ax.plot(curves.point, curves.clipping, color=ORANGE, linestyle="--", label="by clipping")
    ax.plot(curves.point, curves.rounding, color=BLUE, linestyle=":", linewidth=2.2, label="by rounding")
    ax.plot(curves.point, curves.total, color=INK, label="together")
    ax.axvline(float(curves.point[here]), color=INK, linewidth=1)
    ax.plot(
        [float(curves.point[here])], [float(curves.total[here])], "o", color=INK, markersize=9, label="marked format"
    )
    ax.set(
        xlabel="clipping point, size of a value (real units)", ylabel="squared error", xlim=(0, float(of.values[-1]))
    )
    ax.set(ylim=(0, 2 * max(least_seen, float(curves.total[here]) / 1.9)))
    ax.set_title(f"{format_name(bit_width, of.signed)}: bars say how many values have which size")
    _draw_bars(ax, of)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncol=4, frameon=False)
    return describe(ax, words)


def _draw_bars(ax: Axes, of: Sizes) -> None:
    heights, width = bars(of), float(of.values[-1]) / BARS
    behind = ax.twinx()
    behind.bar([width * (i + 0.5) for i in range(BARS)], heights, width=width, color="#D6D6D6", edgecolor=GREY, lw=0.4)
    behind.set_ylabel("values (0 left out)")
    ax.set_zorder(behind.get_zorder() + 1)
    ax.patch.set_visible(False)


def bars(of: Sizes) -> list[int]:
    """Return how many values lie in each of 60 equal parts from 0 to the largest size; zeros are left out.

    >>> heights = bars(sizes(torch.tensor([0.0, 0.1, 6.0])))
    >>> heights[1], heights[59], sum(heights)
    (1, 1, 2)
    """
    part = (of.values.double() * BARS / float(of.values[-1])).ceil().long() - 1
    seen = part >= 0
    return torch.zeros(BARS, dtype=torch.int64).index_add(0, part[seen], of.counts[seen]).tolist()


def clipping_text(x: Tensor, bit_width: int, percent: int = 100) -> str:
    """Return the words of the picture: where the format stops, how many values it clips, and what the error is made of.

    >>> for sentence in clipping_text(torch.tensor([1.0] * 7 + [6.0]), 2, 75).split(". "): print(sentence)
    2 bits unsigned, clipped at 4.5: step 1.5, 1 of 8 values clipped
    Squared error 4: 2.25 by clipping, 1.75 by rounding
    SQNR 10.3 dB.
    """
    of = sizes(x)
    facts = clip(of, bit_width, (percent,))
    clipping, rounding = float(facts.clipping), float(facts.rounding)
    return CLIPPING_SENTENCE.format(
        format=format_name(bit_width, of.signed),
        point=short(float(facts.point)),
        step=short(float(facts.step)),
        clipped=f"{int(facts.clipped):,}",
        count=counted(int(of.counts.sum()), "value"),
        total=amount(clipping + rounding),
        clipping=amount(clipping),
        rounding=amount(rounding),
        sqnr=decibels(of.power, clipping + rounding),
    )


def short(value: float) -> str:
    """Return a number in three digits.

    >>> short(3.99471), short(0.5)
    ('3.99', '0.5')
    """
    return number(float(f"{value:.3g}"))


def amount(value: float) -> str:
    """Return a squared error: whole from 100 on, three digits below.

    >>> amount(2145.3), amount(0.8471), amount(0)
    ('2,145', '0.847', '0')
    """
    return f"{value:,.0f}" if value >= 100 else short(value)


def decibels(signal: float, noise: float) -> str:
    """Return the signal-to-quantization-noise ratio, 10 log10 of the two powers' ratio.

    >>> decibels(400, 4), decibels(1, 0)
    ('20.0', '∞')
    """
    return f"{10 * math.log10(signal / noise):.1f}".replace("-", "−") if noise else "∞"
