"""Exact arithmetic as the oracle of the kernels: Python ints, fractions and loops. No tensor, no shift, no code of qtutor."""

import math
from fractions import Fraction
from itertools import product


def rounded(value: Fraction, rounding: str) -> int:
    """The whole number that a rounding gives: the nearest, on a tie the one that the name says; or always one side."""
    below, above = math.floor(value), math.ceil(value)
    if rounding in ("floor", "ceil", "toward_zero"):
        return {"floor": below, "ceil": above, "toward_zero": min(below, above, key=abs)}[rounding]
    if value - below != above - value:
        return min(below, above, key=lambda whole: abs(whole - value))
    ways = {
        "half_even": lambda whole: whole % 2,
        "half_up": lambda whole: -whole,
        "half_away": lambda whole: -abs(whole),
    }
    return min(below, above, key=ways[rounding])


def stored(value: Fraction, out, rounding: str = "half_even") -> int:
    """What a register of the format `out` holds for a value in its steps: rounded, then + zero point, then clipped."""
    return min(max(rounded(value, rounding) + out.zero_point, out.int_min), out.int_max)


def dot(xs: list[int], ws: list[int], x_zero_point: int = 0, weight_zero_point: int = 0) -> int:
    """Sum of (x - zx)(w - zw)."""
    return sum((x - x_zero_point) * (w - weight_zero_point) for x, w in zip(xs, ws, strict=True))


def convolution(x, weight, bias=None, stride=(1, 1), padding=(0, 0), groups=1, x_zero_point=0, weight_zero_point=0):
    """A convolution of nested lists [N][C][H][W] by loops; what lies outside the picture is real zero, so it adds 0."""
    if not x:
        return []
    inputs, outputs = len(weight[0]), len(weight) // groups  # of one group
    height, width = (
        (size + 2 * pad - window) // step + 1
        for size, pad, window, step in zip(
            (len(x[0][0]), len(x[0][0][0])), padding, (len(weight[0][0]), len(weight[0][0][0])), stride, strict=True
        )
    )

    def one(image, o: int, i: int, j: int) -> int:
        total = 0 if bias is None else bias[o]
        taps = product(range(inputs), range(len(weight[0][0])), range(len(weight[0][0][0])))
        for c, di, dj in taps:
            row, column = i * stride[0] + di - padding[0], j * stride[1] + dj - padding[1]
            plane = image[o // outputs * inputs + c]
            if 0 <= row < len(plane) and 0 <= column < len(plane[0]):
                total += (plane[row][column] - x_zero_point) * (weight[o][c][di][dj] - weight_zero_point)
        return total

    return [
        [[[one(image, o, i, j) for j in range(width)] for i in range(height)] for o in range(len(weight))]
        for image in x
    ]
