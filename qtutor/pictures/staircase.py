"""The staircase: what is stored for every value of a range, step by step."""

import torch
from matplotlib.axes import Axes
from torch import Tensor

from qtutor.pictures.axes import BLUE, GREY, ORANGE, describe
from qtutor.pictures.stored import Stored, format_title, grid, one_scale, reach, store
from qtutor.pictures.words import counted, number
from qtutor.qparams import QParams

# the sentence that the picture and its explorer share
STAIRCASE_SENTENCE = "step {step}, window {low} … {high}, {saturated}, largest error {error}"
EIGHTHS = torch.arange(-32, 33) / 8  # −4 … 4 in eighths: 65 values, each an exact float32


def draw_staircase(ax: Axes, qparams: QParams, x: Tensor = EIGHTHS) -> Axes:
    """Draw what is stored for each x: dots, triangles where x saturates, on the lines of the format's grid.

    ax        axes to draw on, about 6 by 4 inches
    qparams   per-tensor format
    x         float32 tensor, in real units; −4 … 4 in eighths where none is given
    returns   ax; ax.alt holds its words (`staircase_text`)
    raises    as `quantize`; ValueError for per-channel parameters

    >>> from qtutor.pictures import new_axes
    >>> draw_staircase(new_axes(6, 4), QParams(scale=0.5, bit_width=4)).alt
    'step 0.5, window −4 … 3.5, 3 of 65 values saturate, largest error 0.5'
    """
    facts = store(x, qparams)
    low, high = min(facts.given + facts.real, default=0.0), max(facts.given + facts.real, default=0.0)
    for point in grid(qparams, low, high):
        ax.axhline(point, color=GREY, linewidth=0.5, alpha=0.5, zorder=0)
    ax.plot([low, high], [low, high], color=GREY, linestyle="--", linewidth=1.2, label="stored = given")
    _mark(ax, facts, saturated=False)
    _mark(ax, facts, saturated=True)
    ax.set(xlabel="given (real units)", ylabel="stored (real units)", title=format_title(qparams))
    ax.legend(loc="upper left", frameon=True, framealpha=1)
    return describe(ax, staircase_text(x, qparams))


def _mark(ax: Axes, facts: Stored, saturated: bool) -> None:
    shown = [(g, r) for g, r, s in zip(facts.given, facts.real, facts.saturated, strict=True) if s == saturated]
    marker, size, color, label = ("^", 42, ORANGE, "saturated") if saturated else ("o", 16, BLUE, "stored")
    if shown:
        given, real = zip(*shown, strict=True)
        ax.scatter(given, real, marker=marker, s=size, color=color, label=label, zorder=3)


def staircase_text(x: Tensor, qparams: QParams) -> str:
    """Return the words of the staircase: step, window, how many values saturate, the largest error.

    >>> staircase_text(EIGHTHS, QParams(scale=0.7, bit_width=4))
    'step 0.7, window −5.6 … 4.9, 0 of 65 values saturate, largest error 0.35'
    """
    facts, (scale, _) = store(x, qparams), one_scale(qparams)
    low, high = reach(qparams)
    return STAIRCASE_SENTENCE.format(
        step=number(scale),
        low=number(low),
        high=number(high),
        saturated=saturated_text(sum(facts.saturated), len(facts.given)),
        error=number(facts.largest_error),
    )


def saturated_text(count: int, of: int) -> str:
    """Return how many of the values saturate.

    >>> saturated_text(1, 65), saturated_text(0, 65)
    ('1 of 65 values saturates', '0 of 65 values saturate')
    """
    return f"{count:,} of {counted(of, 'value')} {'saturates' if 1 in (count, of) else 'saturate'}"
