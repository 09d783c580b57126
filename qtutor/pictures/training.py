"""Training in pictures: the slope that the straight-through estimator lends a staircase, the loss, right answers by width."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from IPython import get_ipython
from IPython.display import display
from matplotlib.axes import Axes

from qtutor.pictures.axes import BLUE, GREY, INK, ORANGE, Picture, caption_html, describe, new_axes
from qtutor.pictures.stored import format_title, one_scale, reach
from qtutor.pictures.words import number
from qtutor.qparams import QParams
from qtutor.quantization import dequantize, quantize

MARKERS = ("o", "s", "^", "D", "v", "P")
LIVE_WORDS = (
    "The mean loss of each epoch, drawn while the model trains."  # the same at every epoch: outputs are compared
)


# ---- the straight-through estimator ----------------------------------------------------------------------------------


def draw_straight_through(ax: Axes, qparams: QParams) -> Axes:
    """Draw what is stored for each x, and the slope that training takes in place of the staircase's own.

    ax        axes to draw on, about 6 by 4 inches
    qparams   per-tensor format, zero point 0, of a few bits
    returns   ax; ax.alt holds its words (`straight_through_text`)
    raises    ValueError for per-channel parameters

    >>> from qtutor.pictures import new_axes
    >>> draw_straight_through(new_axes(6, 4), QParams(scale=1.0, bit_width=2)).alt.split(": ")[0]
    '2 bits signed, scale 1, zero point 0'
    """
    scale, (low, high) = one_scale(qparams)[0], reach(qparams)
    x = torch.linspace(low - 2 * scale, high + 2 * scale, 801)
    ax.plot(
        x, dequantize(quantize(x, qparams), qparams), color=BLUE, drawstyle="steps-mid", label="forward: what is stored"
    )
    left, right = low - scale / 2, high + scale / 2
    ax.plot([left, right], [left, right], color=ORANGE, linestyle="--", label="backward: slope 1 inside")
    ax.plot(
        [float(x[0]), left], [left, left], color=ORANGE, linestyle=":", linewidth=2.2, label="backward: slope 0 outside"
    )
    ax.plot([right, float(x[-1])], [right, right], color=ORANGE, linestyle=":", linewidth=2.2)
    ax.set(xlabel="given (real units)", ylabel="stored (real units)", title=format_title(qparams))
    ax.legend(loc="upper left", frameon=True, framealpha=1)
    return describe(ax, straight_through_text(qparams))


def straight_through_text(qparams: QParams) -> str:
    """Return the words of the picture: the staircase, and where the slope is 1.

    >>> straight_through_text(QParams(scale=1.0, bit_width=2))
    '2 bits signed, scale 1, zero point 0: a staircase from −2 to 1. Its own slope is 0 on every step; training takes slope 1 from −2.5 to 1.5, where x rounds to an integer of the format, and 0 outside.'
    """  # noqa: E501
    scale, (low, high) = one_scale(qparams)[0], reach(qparams)
    return (
        f"{format_title(qparams)}: a staircase from {number(low)} to {number(high)}. Its own slope is 0 on every step;"
        f" training takes slope 1 from {number(low - scale / 2)} to {number(high + scale / 2)}, where x rounds to an"
        " integer of the format, and 0 outside."
    )


# ---- the loss, while it falls ----------------------------------------------------------------------------------------


def draw_losses(ax: Axes, losses: Sequence[float], epochs: int) -> Axes:
    """Draw the mean loss of each epoch so far, and a bar that says how far training is.

    ax        axes to draw on, about 7 by 2.5 inches
    losses    of the epochs that are done, one or more
    epochs    how many there will be
    returns   ax; ax.alt holds its words (`losses_text`)
    raises    ValueError where there is no loss, or more than epochs

    >>> from qtutor.pictures import new_axes
    >>> draw_losses(new_axes(), [1.5, 0.9], 4).alt
    '2 of 4 epochs done: the mean loss is lower than in the first.'
    """
    words = losses_text(losses, epochs)
    ax.plot(range(1, len(losses) + 1), losses, color=BLUE, marker=".")
    ax.set(xlabel="epoch", ylabel="mean loss", xlim=(0, epochs + 1), ylim=(0, 1.05 * max(losses)))
    for end, color in ((1.0, "#D6D6D6"), (len(losses) / epochs, ORANGE)):
        ax.plot((0, end), (1.06, 1.06), color=color, linewidth=7, transform=ax.transAxes, clip_on=False)
    ax.set_title(f"epoch {len(losses)} of {epochs}", pad=16)
    return describe(ax, words)


def losses_text(losses: Sequence[float], epochs: int) -> str:
    """Return the words of the picture; no figures, which would differ from machine to machine.

    >>> losses_text([1.5], 4)
    '1 of 4 epochs done.'
    """
    if not 1 <= len(losses) <= epochs:
        raise ValueError(f"{len(losses)} losses of {epochs} epochs cannot be drawn: give at least one, and no more.")
    said = f"{len(losses)} of {epochs} {'epoch' if epochs == 1 else 'epochs'} done"
    if len(losses) == 1:
        return f"{said}."
    return f"{said}: the mean loss is {'lower' if losses[-1] < losses[0] else 'not lower'} than in the first."


def loss_curve() -> Callable[[Sequence[float], int], None]:
    """Return a watcher for `train`: in a notebook it shows the loss as it falls, in one picture that is replaced.

    returns   a function of (losses so far, epochs), to be called after each epoch. The last call adds the words as a
              caption; outside a notebook they are printed, and nothing else is
    raises    nothing

    >>> watch = loss_curve()
    >>> watch([1.5], 2), watch([1.5, 0.9], 2)
    2 of 2 epochs done: the mean loss is lower than in the first.
    (None, None)
    """
    handle: Any = None

    def watch(losses: Sequence[float], epochs: int) -> None:
        nonlocal handle
        if get_ipython() is not None:
            picture = live_picture(losses, epochs)
            if handle is None:
                handle = display(picture, display_id=True)  # type: ignore[no-untyped-call]
            else:
                handle.update(picture)
        if len(losses) == epochs:
            say(losses_text(losses, epochs))

    return watch


def live_picture(losses: Sequence[float], epochs: int) -> Picture:
    """Return the picture after an epoch; its text form is the same for all."""
    return Picture(describe(draw_losses(new_axes(7, 2.6), losses, epochs), LIVE_WORDS))


def say(words: str) -> None:
    """Show a sentence as the caption of a picture; print it outside a notebook."""
    if get_ipython() is None:
        print(words)
    else:
        display({"text/html": caption_html(words)}, raw=True)  # type: ignore[no-untyped-call]


# ---- right answers by width ------------------------------------------------------------------------------------------


def draw_right_answers(ax: Axes, widths: Sequence[int], rows: Mapping[str, Sequence[int]], scans: int) -> Axes:
    """Draw how many scans are named rightly at each width, a line for each way to get there.

    ax        axes to draw on, about 7 by 4 inches
    widths    in bits, in the order in which they stand from left to right
    rows      right answers at each width, by the name of the way; six at most. Two that follow each other are a pair:
              one color, the first drawn through, the second dashed
    scans     how many there are to be named
    returns   ax; ax.alt holds its words (`right_answers_text`)
    raises    ValueError where there are more than six rows, or one has not one number for each width

    >>> from qtutor.pictures import new_axes
    >>> draw_right_answers(new_axes(7, 4), [2, 1], {"trained": [90, 80], "afterwards": [40, 10]}, 100).alt
    'Right answers of 100 at 2, 1 bits. trained: 90, 80; afterwards: 40, 10.'
    """
    words = right_answers_text(widths, rows, scans)
    for place, (name, right) in enumerate(rows.items()):
        color, line = (BLUE, ORANGE, INK)[place // 2], ("-", "--")[place % 2]
        ax.plot(range(len(widths)), right, marker=MARKERS[place], label=name, color=color, linestyle=line)
    ax.axhline(scans / 10, color=GREY, linestyle=":", label="guessing one of ten")
    ax.axhline(scans, color=INK, linewidth=0.8)
    ax.set(xticks=range(len(widths)), xticklabels=[str(width) for width in widths], ylim=(0, scans * 1.05))
    ax.set(xlabel="bits of weights and activations", ylabel=f"right answers of {scans}")
    ax.legend(loc="lower left", frameon=True, framealpha=1, fontsize=8.5, handlelength=4)  # dashes show
    return describe(ax, words)


def right_answers_text(widths: Sequence[int], rows: Mapping[str, Sequence[int]], scans: int) -> str:
    """Return the words of the picture: every number in it.

    >>> right_answers_text([4], {"trained": [97]}, 100)
    'Right answers of 100 at 4 bits. trained: 97.'
    """
    if len(rows) > len(MARKERS):
        raise ValueError(f"{len(rows)} rows are too many to be told apart: draw {len(MARKERS)} at most.")
    for name, right in rows.items():
        if len(right) != len(widths):
            raise ValueError(
                f"row {name!r} has {len(right)} numbers for {len(widths)} widths: give one for each width."
            )
    said = "; ".join(f"{name}: {', '.join(map(str, right))}" for name, right in rows.items())
    return f"Right answers of {scans} at {', '.join(map(str, widths))} bits. {said}."
