"""Two sums that differ: where "round, then add" and "add, then round" give another integer."""

from fractions import Fraction

import torch
from matplotlib.axes import Axes
from torch import Tensor

from qtutor.kernels import rounding_right_shift
from qtutor.pictures.axes import BLUE, GREY, INK, ORANGE, describe
from qtutor.pictures.words import counted, number

OPERANDS = torch.arange(-16, 17)  # −2 … 2 steps, counted in eighths of a step: 33 values, all exact
# the sentence that the picture and its explorer share
TWO_SUMS_SENTENCE = (
    "Rounding {rounding}, zero points {zero_point_a} and {zero_point_b}: the two sums {differ}. "
    "At a = {a}, b = {b}: round then add gives {first}, add then round gives {second}."
)
ROUNDING_NAMES = {"half_even": "half to even", "half_up": "half up", "floor": "down (floor)"}


def draw_two_sums_map(
    ax: Axes, zero_points: tuple[float, float], rounding: str = "half_even", point: tuple[float, float] = (1.0, 0.5)
) -> Axes:
    """Draw, for every a and b in eighths of a step from −2 to 2, where the two sums of their integers differ.

    ax            axes to draw on, about 5 by 5 inches
    zero_points   of a and of b, in eighths at the finest; whole ones are the usual, halves the chapter's
    rounding      half_even, half_up or floor (any of qtutor.kernels.ROUNDINGS)
    point         the pair (a, b) that is marked, in steps
    returns       ax; ax.alt holds its words (`two_sums_text`)
    raises        ValueError for numbers that are not whole eighths, or a point outside −2 … 2

    >>> from qtutor.pictures import new_axes
    >>> draw_two_sums_map(new_axes(5, 5), (0, 0)).alt.split(". ")[0]
    'Rounding half to even, zero points 0 and 0: the two sums differ at 264 of 1,089 pairs'
    """
    words = two_sums_text(zero_points, rounding, point)
    first, second = two_sums(zero_points, rounding)
    more, less = (1, ORANGE, "^", "add then round gives more"), (-1, BLUE, "v", "add then round gives less")
    for sign, color, marker, label in (more, less):
        row, column = torch.nonzero(torch.sign(second - first) == sign, as_tuple=True)
        ax.scatter(OPERANDS[row] / 8, OPERANDS[column] / 8, s=22, marker=marker, color=color, label=label)
    ax.scatter([point[0]], [point[1]], s=170, facecolors="none", edgecolors=INK, linewidth=2, label="marked pair")
    ax.set(xlabel="a (steps)", ylabel="b (steps)", xlim=(-2.15, 2.15), ylim=(-2.15, 2.15))
    ax.set(xticks=range(-2, 3), yticks=range(-2, 3))
    ax.set_title(f"{rounding_text(rounding)}, zero points {number(zero_points[0])} and {number(zero_points[1])}")
    ax.set_aspect("equal")
    ax.grid(color=GREY, alpha=0.3, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=2, frameon=False, fontsize=9)
    return describe(ax, words)


def two_sums(zero_points: tuple[float, float], rounding: str) -> tuple[Tensor, Tensor]:
    """Return both sums for all 33 x 33 pairs: integers rounded then added, and added then rounded.

    >>> [int(s[24, 20]) for s in two_sums((0, 0), "half_even")]     # a = 1, b = 1/2
    [1, 2]
    """
    a = OPERANDS + eighths(zero_points[0], "zero point")
    b = OPERANDS + eighths(zero_points[1], "zero point")
    alone = [rounding_right_shift(side, 3, rounding) for side in (a, b)]
    return alone[0][:, None] + alone[1], rounding_right_shift(a[:, None] + b, 3, rounding)


def eighths(value: float, name: str) -> int:
    """Return value in eighths, exactly; raise ValueError where it lies between two of them.

    >>> eighths(2.5, "zero point")
    20
    """
    exact = Fraction(value) * 8
    if exact.denominator != 1:
        raise ValueError(f"{name} {value} is no whole number of eighths: use for example {round(exact) / 8}.")
    return int(exact)


def two_sums_text(zero_points: tuple[float, float], rounding: str, point: tuple[float, float]) -> str:
    """Return the words of the map: at how many pairs the sums differ, and both sums at the marked pair.

    >>> for sentence in two_sums_text((0, 0), "half_even", (1, 0.5)).split(". "): print(sentence)
    Rounding half to even, zero points 0 and 0: the two sums differ at 264 of 1,089 pairs
    At a = 1, b = 0.5: round then add gives 1, add then round gives 2.
    """
    first, second = two_sums(zero_points, rounding)
    row, column = (_operand(value, name) for value, name in zip(point, "ab", strict=True))
    return TWO_SUMS_SENTENCE.format(
        rounding=rounding_text(rounding),
        zero_point_a=number(zero_points[0]),
        zero_point_b=number(zero_points[1]),
        differ=differ_text(int((first != second).sum()), first.numel()),
        a=number(point[0]),
        b=number(point[1]),
        first=number(int(first[row, column])),
        second=number(int(second[row, column])),
    )


def differ_text(count: int, of: int) -> str:
    """Return at how many pairs the two sums differ.

    >>> differ_text(264, 1089)
    'differ at 264 of 1,089 pairs'
    """
    return f"differ at {count:,} of {counted(of, 'pair')}"


def _operand(value: float, name: str) -> int:
    place = eighths(value, name) + 16
    if not 0 <= place <= 32:
        raise ValueError(
            f"{name} = {value} is outside −2 … 2, what the map shows: use for example {min(max(value, -2), 2)}."
        )
    return place


def rounding_text(rounding: str) -> str:
    """Return a rounding's name in words.

    >>> rounding_text("half_even"), rounding_text("toward_zero")
    ('half to even', 'toward zero')
    """
    return ROUNDING_NAMES.get(rounding, rounding.replace("_", " "))
