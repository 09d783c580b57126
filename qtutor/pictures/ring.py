"""One sum, two answers: the ring on which a wrapping adder turns, and the bar at whose end a saturating one stops."""

import math

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from qtutor.kernels import saturate, wrap
from qtutor.pictures.axes import BLUE, GREY, INK, ORANGE, describe
from qtutor.pictures.words import bit_pattern, format_name, number, signed_number
from qtutor.qparams import int_range

# the sentence that the picture and its explorer share
RING_SENTENCE = "{format}: {a} + {term} = {exact}. Wrapped {wrapped}. Saturated {saturated}."
BAR = 2.6  # where the bar stands, in radii of the ring


def draw_ring(ax: Axes, a: int, b: int, bit_width: int, signed: bool) -> Axes:
    """Draw a + b twice: wrapped, on a ring of 2**bit_width positions, and saturated, on a bar with two ends.

    ax          axes to draw on, about 7 by 4 inches
    a, b        integers of the format
    bit_width   1 … 8; the positions are written to 5 bits, every 16th beyond
    signed      two's complement or unsigned
    returns     ax; ax.alt holds its words (`ring_text`)
    raises      ValueError for a or b outside the format, and for more than 8 bits

    >>> from qtutor.pictures import new_axes
    >>> draw_ring(new_axes(7, 4), 7, 1, 4, True).alt
    '4 bits signed: 7 + 1 = 8. Wrapped −8 (1000), error −16. Saturated 7 (0111), error −1.'
    """
    words = ring_text(a, b, bit_width, signed)
    wrapped, saturated = two_answers(a, b, bit_width, signed)
    _draw_positions(ax, bit_width, signed)
    _draw_turn(ax, a, b, bit_width)
    _dot(ax, *_place(a, bit_width), INK, "o", f"a = {number(a)}")
    _dot(ax, *_place(wrapped, bit_width), ORANGE, "D", f"wrapped {number(wrapped)}")
    ax.text(
        0, 0, f"wrap\n{bit_pattern(wrapped, bit_width)}\n= {number(wrapped)}", ha="center", va="center", fontsize=12
    )
    _draw_bar(ax, a, b, bit_width, signed, saturated)
    ax.set(xlim=(-1.35, 5.2), ylim=(-1.45, 1.45), title=f"{format_name(bit_width, signed)}: {number(a)} + {term(b)}")
    ax.set_aspect("equal")
    ax.axis("off")
    ax.legend(loc="center right", frameon=False)
    return describe(ax, words)


def two_answers(a: int, b: int, bit_width: int, signed: bool) -> tuple[int, int]:
    """Return a + b as a wrapping and as a saturating register hold it.

    >>> two_answers(7, 1, 4, True)
    (-8, 7)
    """
    total = torch.tensor([a + b])
    return int(wrap(total, bit_width, signed)), int(saturate(total, bit_width, signed))


def _place(value: int, bit_width: int) -> tuple[float, float]:
    turn = 2 * math.pi * value / 2**bit_width  # 0 at the top, clockwise
    return math.sin(turn), math.cos(turn)


def _draw_positions(ax: Axes, bit_width: int, signed: bool) -> None:
    low, high = int_range(bit_width, signed)
    ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=GREY))
    every = max(1, 2 ** (bit_width - 4))
    for value in range(low, high + 1):
        x, y = _place(value, bit_width)
        ax.plot([x, 1.04 * x], [y, 1.04 * y], color=GREY, linewidth=1)
        if value % every == 0:
            ax.text(1.19 * x, 1.19 * y, number(value), ha="center", va="center", fontsize=9)
    x, y = _place(2 * high + 1, bit_width + 1)  # half a position after the highest: the seam
    ax.plot([0.8 * x, 1.08 * x], [0.8 * y, 1.08 * y], color=ORANGE, linewidth=2, linestyle=":", label="seam")


def _draw_turn(ax: Axes, a: int, b: int, bit_width: int) -> None:
    ends = [a + b * i / 96 for i in range(97)]
    places = [(math.sin(2 * math.pi * v / 2**bit_width), math.cos(2 * math.pi * v / 2**bit_width)) for v in ends]
    ax.plot([0.93 * x for x, _ in places], [0.93 * y for _, y in places], color=INK, linewidth=1.8)


def _dot(ax: Axes, x: float, y: float, color: str, marker: str, label: str) -> None:
    ax.scatter([x], [y], s=90, color=color, marker=marker, zorder=3, label=label)


def _draw_bar(ax: Axes, a: int, b: int, bit_width: int, signed: bool, saturated: int) -> None:
    low, high = int_range(bit_width, signed)

    def height(value: int) -> float:
        return 1.2 * (2 * (value - 2 * low) / (2 * high - 2 * low) - 1)  # every sum of two fits: 2 low … 2 high

    ax.plot([BAR, BAR], [height(2 * low), height(2 * high)], color=GREY, linewidth=1, linestyle=":")
    ax.plot([BAR, BAR], [height(low), height(high)], color=GREY, linewidth=6, alpha=0.5, solid_capstyle="butt")
    for end in (low, high):
        ax.text(BAR - 0.12, height(end), number(end), ha="right", va="center", fontsize=9)
    ax.plot([BAR, BAR], [height(a), height(a + b)], color=INK, linewidth=1.8)
    ax.scatter([BAR], [height(a)], s=90, color=INK, zorder=3)
    ax.scatter(
        [BAR], [height(a + b)], s=220, facecolors="none", edgecolors=INK, zorder=4, label=f"exact {number(a + b)}"
    )
    _dot(ax, BAR, height(saturated), BLUE, "s", f"saturated {number(saturated)}")
    bits = bit_pattern(saturated, bit_width)
    ax.text(BAR, -1.42, f"saturate {bits} = {number(saturated)}", ha="center", va="center", fontsize=12)


def term(b: int) -> str:
    """Return the second operand as a sum writes it.

    >>> term(1), term(-8)
    ('1', '(−8)')
    """
    return number(b) if b >= 0 else f"({number(b)})"


def ring_text(a: int, b: int, bit_width: int, signed: bool) -> str:
    """Return the words of the ring: the exact sum, both answers, their bits, their errors.

    >>> ring_text(-8, -8, 4, True)
    '4 bits signed: −8 + (−8) = −16. Wrapped 0 (0000), error +16. Saturated −8 (1000), error +8.'
    """
    _require_inside(a, b, bit_width, signed)
    wrapped, saturated = two_answers(a, b, bit_width, signed)
    return RING_SENTENCE.format(
        format=format_name(bit_width, signed),
        a=number(a),
        term=term(b),
        exact=number(a + b),
        wrapped=answer(wrapped, a + b, bit_width),
        saturated=answer(saturated, a + b, bit_width),
    )


def answer(value: int, exact: int, bit_width: int) -> str:
    """Return an answer with its bits and its error.

    >>> answer(-8, 8, 4), answer(3, 3, 4)
    ('−8 (1000), error −16', '3 (0011), exact')
    """
    error = f"error {signed_number(value - exact)}" if value != exact else "exact"
    return f"{number(value)} ({bit_pattern(value, bit_width)}), {error}"


def _require_inside(a: int, b: int, bit_width: int, signed: bool) -> None:
    if bit_width > 8:
        raise ValueError(f"bit_width {bit_width} puts {2**bit_width:,} positions on the ring: draw 1 … 8 bits.")
    low, high = int_range(bit_width, signed)
    for name, value in (("a", a), ("b", b)):
        if not low <= value <= high:
            nearest = min(max(value, low), high)
            raise ValueError(
                f"{name} = {value} is outside [{low}, {high}], {format_name(bit_width, signed)}: use {nearest}."
            )
