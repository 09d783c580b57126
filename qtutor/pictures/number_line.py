"""The number line: given values as crosses, each tied to the grid point that is stored for it."""

from matplotlib.axes import Axes
from torch import Tensor

from qtutor.pictures.axes import BLUE, GREY, INK, ORANGE, describe
from qtutor.pictures.stored import Stored, format_title, grid, reach, store
from qtutor.pictures.words import counted, listed, number
from qtutor.qparams import QParams

GIVEN_ROW, STORED_ROW, INTEGER_ROW = 1.0, 0.0, -0.42


def draw_number_line(ax: Axes, x: Tensor, qparams: QParams) -> Axes:
    """Draw x as crosses, tied to dots on the format's grid: the stored values. Squares are values that saturate.

    ax        axes to draw on, about 7 by 2.5 inches
    x         float32 tensor, any shape, in real units
    qparams   per-tensor format; its grid points are drawn to 9 bits, their integers written to 4 bits, the ends beyond
    returns   ax; ax.alt holds its words (`number_line_text`)
    raises    as `quantize`; ValueError for per-channel parameters

    >>> import torch
    >>> from qtutor.pictures import new_axes
    >>> draw_number_line(new_axes(), torch.tensor([0.4, 9.0]), QParams(scale=1.0, bit_width=3)).alt
    '2 values on the 8 grid points from −4 to 3, step 1: integers 0, 3. 1 value saturates. Largest error 6.'
    """
    facts = store(x, qparams)
    low, high = reach(qparams)
    points = grid(qparams, low, high)
    ax.hlines(STORED_ROW, low, high, color=GREY, linewidth=1)
    ax.scatter(
        points, [STORED_ROW] * len(points), marker="|", s=160, color=GREY, linewidth=1 if len(points) < 64 else 0.3
    )
    for g, r in zip(facts.given, facts.real, strict=True):
        ax.plot([g, r], [GIVEN_ROW, STORED_ROW], color=GREY, linewidth=0.8, zorder=1)
    ax.scatter(facts.given, [GIVEN_ROW] * len(facts.given), marker="x", s=60, color=INK, label="given")
    _mark(ax, facts, kept=True)
    _mark(ax, facts, kept=False)
    _write_integers(ax, points, qparams)
    ax.set(xlabel="real value", title=format_title(qparams), ylim=(-0.75, 1.35))
    ax.set_yticks([GIVEN_ROW, STORED_ROW, INTEGER_ROW], ["given", "stored", "integer"])
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "left", "right"]].set_visible(False)
    return describe(ax, number_line_text(x, qparams))


def _mark(ax: Axes, facts: Stored, kept: bool) -> None:
    real = [r for r, s in zip(facts.real, facts.saturated, strict=True) if s != kept]
    if kept:
        ax.scatter(real, [STORED_ROW] * len(real), marker="o", s=55, color=BLUE, zorder=3)
    elif real:
        ax.scatter(real, [STORED_ROW] * len(real), marker="s", s=70, color=ORANGE, zorder=3, label="saturated")
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, handletextpad=0.1)


def _write_integers(ax: Axes, points: list[float], qparams: QParams) -> None:
    every = 1 if len(points) <= 16 else len(points) - 1  # all of them, or the two ends
    for i in range(0, len(points), every):
        ax.text(points[i], INTEGER_ROW, number(qparams.int_min + i), ha="center", va="center", fontsize=9)


def number_line_text(x: Tensor, qparams: QParams) -> str:
    """Return the words of the number line: how many values, on which grid, their integers, what saturates, the error.

    >>> import torch
    >>> number_line_text(torch.tensor([0.25, -9.0]), QParams(scale=0.5, bit_width=4))
    '2 values on the 16 grid points from −4 to 3.5, step 0.5: integers 0, −8. 1 value saturates. Largest error 5.'
    """
    facts = store(x, qparams)
    low, high = (number(end) for end in reach(qparams))
    points = counted(qparams.int_max - qparams.int_min + 1, "grid point")
    return (
        f"{counted(len(facts.given), 'value')} on the {points} from {low} to {high}, "
        f"step {number(float(qparams.scale))}: integers {listed(facts.integer)}. "  # type: ignore[arg-type]
        f"{saturation_text(facts)}. Largest error {number(facts.largest_error)}."
    )


def saturation_text(facts: Stored) -> str:
    """Return how many values saturate.

    >>> import torch
    >>> saturation_text(store(torch.tensor([1.0]), QParams(scale=1.0)))
    '0 values saturate'
    """
    count = sum(facts.saturated)
    return f"{counted(count, 'value')} {'saturates' if count == 1 else 'saturate'}"
