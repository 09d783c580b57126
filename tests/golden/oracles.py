"""What each kernel should answer, in Python's integers and fractions: no tensor, no shift, no shared code."""

import itertools
from fractions import Fraction
from math import ceil, floor, trunc

import numpy

HALF = Fraction(1, 2)
ROUND = {
    "half_even": round,  # Python rounds fractions half to even
    "half_up": lambda x: floor(x + HALF),
    "half_away": lambda x: floor(x + HALF) if x >= 0 else ceil(x - HALF),
    "floor": floor,
    "ceil": ceil,
    "toward_zero": trunc,
}


def ends(bits: int, signed: int, narrow: int = 0) -> tuple[int, int]:
    """The lowest and the highest integer of a format."""
    return (-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1 - narrow)


def saturate(x: int, bits: int, signed: int, narrow: int = 0) -> int:
    low, high = ends(bits, signed, narrow)
    return low if x < low else high if x > high else x


def wrap(x: int, bits: int, signed: int) -> int:
    low, _ = ends(bits, signed)
    return low + (x - low) % 2**bits


def quantize(
    x: float, scale: float, zero: int, bits: int, signed: int, narrow: int, rounding: str, overflow: str
) -> int:
    quotient = numpy.float32(x) / numpy.float32(scale)  # the one float32 operation that the definition names
    q = ROUND[rounding](Fraction(float(quotient))) + zero
    return saturate(q, bits, signed, narrow) if overflow == "saturate" else wrap(q, bits, signed)


def rounding_right_shift(x: int, shift: int, rounding: str) -> int:
    return ROUND[rounding](Fraction(x, 2**shift))


def requantize(
    accumulator: int, mantissa: int, shift: int, zero: int, bits: int, signed: int, narrow: int, rounding: str
) -> int:
    return saturate(ROUND[rounding](Fraction(accumulator * mantissa, 2**shift)) + zero, bits, signed, narrow)


def add(
    signed: int, a_log2: int, a_zero: int, b_log2: int, b_zero: int, out_log2: int, out_zero: int, a: int, b: int
) -> int:
    total = (a - a_zero) * Fraction(2) ** a_log2 + (b - b_zero) * Fraction(2) ** b_log2
    return saturate(round(total / Fraction(2) ** out_log2) + out_zero, 8, signed)


def multiply(
    signed: int, a_log2: int, a_zero: int, b_log2: int, b_zero: int, out_log2: int, out_zero: int, a: int, b: int
) -> int:
    product = (a - a_zero) * (b - b_zero) * Fraction(2) ** (a_log2 + b_log2)
    return saturate(round(product / Fraction(2) ** out_log2) + out_zero, 8, signed)


def linear(x_zero: int, w_zero: int, bias: int, *words: int) -> int:
    half = len(words) // 2
    return bias + sum((x - x_zero) * (w - w_zero) for x, w in zip(words[:half], words[half:], strict=True))


IMAGE, WINDOW = (2, 4, 4), (2, 3, 3)  # channels, height, width: of conv2d's x and weight


def conv2d(stride: int, padding: int, row: int, column: int, x_zero: int, w_zero: int, bias: int, *words: int) -> int:
    channels, height, width = IMAGE
    places = list(itertools.product(*map(range, WINDOW)))
    total = bias
    for (channel, i, j), weight in zip(places, words[channels * height * width :], strict=True):
        y, x = row * stride + i - padding, column * stride + j - padding
        if 0 <= y < height and 0 <= x < width:  # elsewhere real zero: x - x_zero is 0
            total += (words[(channel * height + y) * width + x] - x_zero) * (weight - w_zero)
    return total


def avg_pool2d(height: int, width: int, rounding: str, *window: int) -> int:
    return ROUND[rounding](Fraction(sum(window[: height * width]), height * width))
