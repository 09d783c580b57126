"""Per kernel: the columns of its file, the cases chosen by hand, and how further ones are drawn."""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from tests.golden import oracles

ROUNDINGS = tuple(oracles.ROUND)
CODES = {"rounding": ROUNDINGS, "overflow": ("saturate", "wrap")}  # a column of names, and their numbers in .mem
INT32 = (-(2**31), 2**31 - 1)
EDGES = (0, 1, -1, 2, 3, -3, 5, 7, -7, 8, -8, 9, 127, 128, -128, -129, 255, 256, *INT32)


@dataclass(frozen=True)
class Kernel:
    """What a golden file holds: `expected` is asked for the value of the last column."""

    name: str
    words: tuple[str, ...]  # the header of the readable file
    inputs: tuple[str, ...]  # the columns before `expected`
    chosen: tuple[tuple, ...]
    draw: Callable[[random.Random], tuple]
    expected: Callable[..., int]

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.inputs, "expected")


def one_of(rng: random.Random, values: tuple) -> object:
    """rng.choice, which is not promised to be the same in every Python."""
    return values[int(rng.random() * len(values))]


def integer(rng: random.Random, low: int, high: int) -> int:
    """A whole number, low and high included; random() is the one method whose sequence Python promises."""
    return low + int(rng.random() * (high - low + 1))


def word(rng: random.Random) -> int:
    """An int32 of any magnitude."""
    bits = integer(rng, 1, 32)
    return integer(rng, *oracles.ends(bits, 1))


def single(value: float) -> float:
    """The nearest float32, as a Python float."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def form(rng: random.Random, widest: int = 16) -> tuple[int, int, int]:
    """bit_width, signed, narrow."""
    bits, signed = integer(rng, 2, widest), integer(rng, 0, 1)
    return bits, signed, integer(rng, 0, 1)


# ---- saturate, wrap, shift -------------------------------------------------------------------------------------------


def draw_saturate(rng: random.Random) -> tuple:
    return (word(rng), *form(rng, 32))


def draw_wrap(rng: random.Random) -> tuple:
    return (word(rng), integer(rng, 1, 32), integer(rng, 0, 1))


def draw_shift(rng: random.Random) -> tuple:
    shift, odd = integer(rng, 0, 31), 2 * integer(rng, -(2**7), 2**7) + 1
    x = odd * 2 ** (shift - 1) if 0 < shift < 24 and rng.random() < 0.5 else integer(rng, *INT32)  # half of them ties
    return (x, shift, one_of(rng, ROUNDINGS))


# ---- quantize, requantize --------------------------------------------------------------------------------------------


def draw_quantize(rng: random.Random) -> tuple:
    bits, signed, narrow = form(rng)
    low, high = oracles.ends(bits, signed, narrow)
    scale = single(one_of(rng, (1.0, 0.5, 2.0**-7, 0.1, 0.3, 1 / 3, 3.7)))
    halves = integer(rng, 2 * low - 20, 2 * high + 20) / 2
    x = single(halves * scale) if rng.random() < 0.5 else single((rng.random() - 0.5) * 2.5 * (high - low) * scale)
    overflow = "saturate" if narrow else one_of(rng, ("saturate", "wrap"))
    return (x, scale, integer(rng, low, high), bits, signed, narrow, one_of(rng, ROUNDINGS), overflow)


def draw_requantize(rng: random.Random) -> tuple:
    bits, signed, narrow = form(rng, 8)
    mantissa = one_of(rng, (1, 3, 2**30, integer(rng, 1, 2**31 - 1), integer(rng, 2**30, 2**31 - 1)))
    accumulator, top = word(rng), 1 << bits
    shift = max(0, min((abs(accumulator) * mantissa // top).bit_length() + integer(rng, -2, 3), 62))
    zero = integer(rng, *oracles.ends(bits, signed, narrow))
    return (accumulator, mantissa, shift, zero, bits, signed, narrow, one_of(rng, ROUNDINGS))


# ---- add, multiply ---------------------------------------------------------------------------------------------------


def draw_pair(rng: random.Random, sums: bool) -> tuple:
    signed = integer(rng, 0, 1)
    low, high = oracles.ends(8, signed)
    a_log2, b_log2 = integer(rng, -6, 2), integer(rng, -6, 2)
    out_log2 = (max(a_log2, b_log2) + integer(rng, -1, 2)) if sums else a_log2 + b_log2 + integer(rng, 3, 9)
    formats = (
        (a_log2, integer(rng, low, high)),
        (b_log2, integer(rng, low, high)),
        (out_log2, integer(rng, low, high)),
    )
    return (signed, *(n for pair in formats for n in pair), integer(rng, low, high), integer(rng, low, high))


def draw_add(rng: random.Random) -> tuple:
    return draw_pair(rng, sums=True)


def draw_multiply(rng: random.Random) -> tuple:
    return draw_pair(rng, sums=False)


# ---- linear, conv2d, avg_pool2d --------------------------------------------------------------------------------------

TERMS = 8
IMAGE, TAPS = prod(oracles.IMAGE), prod(oracles.WINDOW)


def int8(rng: random.Random, count: int) -> tuple[int, ...]:
    """Words of int8, the ends among them more often."""
    return tuple(one_of(rng, (-128, 127)) if rng.random() < 0.2 else integer(rng, -128, 127) for _ in range(count))


def draw_linear(rng: random.Random) -> tuple:
    return (*int8(rng, 2), integer(rng, -(2**20), 2**20), *int8(rng, 2 * TERMS))


def draw_conv2d(rng: random.Random) -> tuple:
    stride, padding = integer(rng, 1, 2), integer(rng, 0, 2)
    last = (oracles.IMAGE[1] + 2 * padding - oracles.WINDOW[1]) // stride
    place = (integer(rng, 0, last), integer(rng, 0, last))
    return (stride, padding, *place, *int8(rng, 2), integer(rng, -(2**20), 2**20), *int8(rng, IMAGE + TAPS))


def draw_window(rng: random.Random) -> tuple:
    return (integer(rng, 1, 3), integer(rng, 1, 3), one_of(rng, ROUNDINGS), *int8(rng, 9))


def names(letter: str, count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{i}" for i in range(count))


FORM = ("bit_width", "signed", "narrow_range")
PAIR = ("signed", "a_log2_scale", "a_zero_point", "b_log2_scale", "b_zero_point", "out_log2_scale", "out_zero_point")
FLAGS = "signed (two's complement) and narrow_range are 0 or 1."
EIGHT = "All three formats have 8 bits and the same sign; each scale is 2**log2_scale, so the result is exact."
ONE_WAY = "Rounded half to even, then + out_zero_point, then saturated."

# ---- chosen by hand: ties, ends, and what a known mistake gets wrong ---------------------------------------------------

PITFALL = tuple((x, 1.0, 1, 8, 0, 0, mode, "saturate") for mode in ROUNDINGS for x in (0.5, 1.5, 2.5, -0.5))
NEARLY_TIES = (
    (0.75, single(0.1), 0, 8, 1, 0, "half_even", "saturate"),  # a tie of float32's quotient, not of the exact one
    (0.4999999701976776, 1.0, 0, 4, 1, 0, "half_up", "saturate"),  # x + 0.5 would be 1 in float32
)
SMALL_FORMATS = tuple((x, 4, signed, narrow) for x in EDGES for signed in (0, 1) for narrow in (0, 1))
WRAPPED = tuple((x, bits, signed) for x in EDGES for bits in (1, 4, 8) for signed in (0, 1))
TIES = tuple((x, 1, mode) for mode in ROUNDINGS for x in (1, 3, 5, -1, -3, -5))
LONG_SHIFTS = tuple((x, 31, mode) for mode in ROUNDINGS for x in INT32)
SUMS = ((1, -1, 0, -1, 0, -1, 0, 127, 127), (1, -1, 0, -2, 0, -1, 1, 0, 1), (0, -1, 3, -2, 5, -1, 4, 200, 100))
PRODUCTS = ((1, -1, 0, -1, 0, -1, 0, 3, 5), (1, 0, 0, 0, 0, 7, 0, -128, -128), (0, -1, 3, -2, 5, 0, 1, 4, 7))
ONE_ODD_PRODUCT = (*(-128,) * (TERMS - 1), 1)
DOTS = (
    (0, 0, 0, *(-128,) * TERMS, *(-128,) * TERMS),
    (127, -128, 0, *(-128,) * TERMS, *(127,) * TERMS),
    (0, 0, 7, *ONE_ODD_PRODUCT, *ONE_ODD_PRODUCT),
)
CORNERS = tuple(
    (1, 1, row, column, 3, 0, 0, *range(1, IMAGE + 1), *range(1, TAPS + 1))
    for row, column in ((0, 0), (0, 3), (3, 0), (2, 2))
)
HALVES = tuple((1, 2, mode, *pair, *(0,) * 7) for mode in ROUNDINGS for pair in ((0, 1), (1, 2), (-1, 0), (-2, -1)))
ROUNDED_TWICE = tuple((7984, 1583594044, 40, 0, 8, 1, 0, mode) for mode in ROUNDINGS)  # once 11, twice 12
LARGEST = tuple(
    (end, 2**31 - 1, shift, 0, 8, 1, 0, mode) for end in INT32 for shift in (31, 56, 62) for mode in ROUNDINGS
)

# ---- the files --------------------------------------------------------------------------------------------------------

KERNELS = (
    Kernel(
        "quantize",
        (
            "quantize(x, QParams(scale, zero_point, bit_width, signed, narrow_range), rounding, overflow)",
            FLAGS,
            "x and scale are float32, written with all their digits; in the .mem file they are their 32 bits.",
            "x / scale is divided in float32, rounded, zero_point is added, then it saturates or wraps.",
        ),
        ("x", "scale", "zero_point", *FORM, "rounding", "overflow"),
        PITFALL + NEARLY_TIES,
        draw_quantize,
        oracles.quantize,
    ),
    Kernel(
        "saturate",
        ("saturate(x, bit_width, signed, narrow_range)", FLAGS),
        ("x", *FORM),
        SMALL_FORMATS,
        draw_saturate,
        oracles.saturate,
    ),
    Kernel(
        "wrap",
        ("wrap(x, bit_width, signed): the low bit_width bits of x", "signed (two's complement) is 0 or 1."),
        ("x", "bit_width", "signed"),
        WRAPPED,
        draw_wrap,
        oracles.wrap,
    ),
    Kernel(
        "rounding_right_shift",
        ("rounding_right_shift(x, shift, rounding): x / 2**shift, rounded once",),
        ("x", "shift", "rounding"),
        TIES + LONG_SHIFTS,
        draw_shift,
        oracles.rounding_right_shift,
    ),
    Kernel(
        "add",
        ("add(a, QParams(2.0**a_log2_scale, a_zero_point, 8, signed), b, …, out=…)", EIGHT, ONE_WAY),
        (*PAIR, "a", "b"),
        SUMS,
        draw_add,
        oracles.add,
    ),
    Kernel(
        "multiply",
        ("multiply(a, QParams(2.0**a_log2_scale, a_zero_point, 8, signed), b, …, out)", EIGHT, ONE_WAY),
        (*PAIR, "a", "b"),
        PRODUCTS,
        draw_multiply,
        oracles.multiply,
    ),
    Kernel(
        "linear",
        (
            "linear(x, weight, bias, x_zero_point, weight_zero_point)",
            f"One output of {TERMS} inputs; x and weight are int8, bias and the result int32.",
        ),
        ("x_zero_point", "weight_zero_point", "bias", *names("x", TERMS), *names("w", TERMS)),
        DOTS,
        draw_linear,
        oracles.linear,
    ),
    Kernel(
        "conv2d",
        (
            "conv2d(x, weight, bias, stride, padding, 1, x_zero_point, weight_zero_point)[0, 0, row, column]",
            f"x is [1, {', '.join(map(str, oracles.IMAGE))}] and weight [1, {', '.join(map(str, oracles.WINDOW))}], "
            "row-major, int8; bias and the result are int32.",
            "The border is padded with x_zero_point, that is with real zero.",
        ),
        ("stride", "padding", "row", "column", "x_zero_point", "weight_zero_point", "bias")
        + (*names("x", IMAGE), *names("w", TAPS)),
        CORNERS,
        draw_conv2d,
        oracles.conv2d,
    ),
    Kernel(
        "avg_pool2d",
        (
            "avg_pool2d(q, (height, width), None, rounding): one window",
            "q is int8, row-major; only the first height * width of the nine words are the window.",
        ),
        ("height", "width", "rounding", *names("q", 9)),
        HALVES,
        draw_window,
        oracles.avg_pool2d,
    ),
    Kernel(
        "requantize",
        (
            "requantize(accumulator, FixedPointMultiplier(mantissa, shift), "
            "QParams(1.0, zero_point, bit_width, signed, narrow_range), rounding)",
            FLAGS,
            "accumulator is int32; the product has up to 63 bits and is rounded once.",
        ),
        ("accumulator", "mantissa", "shift", "zero_point", *FORM, "rounding"),
        ROUNDED_TWICE + LARGEST,
        draw_requantize,
        oracles.requantize,
    ),
)
