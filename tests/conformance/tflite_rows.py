"""gemmlowp's and TFLite's arithmetic, and an instruction's, in plain Python integers after their published descriptions.

Neither library is run here: these few functions are the oracle, and say so in the table.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import floor

import numpy
import torch

from tests.conformance.domains import EVERY, SCALES, seeded, zero_points
from tests.conformance.engines import engine
from tests.conformance.row import Batch, Row

DOUBLING_ROUNDED = (7984, 1583594044, -9)  # accumulator, mantissa, shift: once 11, twice 12
MANTISSAS = (2**30, 2**30 + 1, 1518500250, 1583594044, 1932735283, 2**31 - 1)
SHIFTS = (0, -1, -2, -5, -9, -15, -31)
ACCUMULATORS = sorted(
    {a + d for a in (0, *(s * 2**e for e in range(4, 31) for s in (1, -1))) for d in range(-40, 41)}
    | {DOUBLING_ROUNDED[0], 2**31 - 1, -(2**31)} | set(range(-9000, 9001, 7))
)  # fmt: skip


def saturating_rounding_doubling_high_mul(a: int, b: int) -> int:
    """The high 32 bits of 2ab, rounded: a nudge of half a unit with the product's sign, then truncation."""
    if a == b == -(2**31):
        return 2**31 - 1
    nudged = a * b + (2**30 if a * b >= 0 else 1 - 2**30)
    return nudged // 2**31 if nudged >= 0 else -(-nudged // 2**31)


def rounding_divide_by_power_of_two(x: int, exponent: int) -> int:
    """x / 2**exponent, to the nearest; ties away from zero."""
    mask = 2**exponent - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + ((x & mask) > threshold)


def multiply_twice(x: int, mantissa: int, shift: int) -> int:
    """MultiplyByQuantizedMultiplier, its default: the product is rounded, then the shift."""
    return rounding_divide_by_power_of_two(saturating_rounding_doubling_high_mul(x, mantissa), -shift)


def multiply_once(x: int, mantissa: int, shift: int) -> int:
    """The same built with TFLITE_SINGLE_ROUNDING: half a unit is added, and one shift floors."""
    total = 31 - shift
    return (x * mantissa + 2 ** (total - 1)) >> total


def half_away(x: Fraction) -> int:
    """The nearest integer, ties away from zero: C's round."""
    return floor(abs(x) + Fraction(1, 2)) * (1 if x >= 0 else -1)


def clamped(x: int, low: int, high: int) -> int:
    return min(max(x, low), high)


def shift_batches() -> Iterator[Batch]:
    for shift in range(32):
        x = torch.tensor(ACCUMULATORS, dtype=torch.int64)
        yield {"x": x, "shift": shift, "theirs": [rounding_divide_by_power_of_two(a, shift) for a in ACCUMULATORS]}


def product_batches() -> Iterator[Batch]:
    for mantissa in MANTISSAS:
        theirs = [saturating_rounding_doubling_high_mul(a, mantissa) for a in ACCUMULATORS]
        yield {"x": torch.tensor(ACCUMULATORS), "mantissa": mantissa, "theirs": theirs}


def multiplier_batches(rule: Callable[[int, int, int], int]) -> Iterator[Batch]:
    for mantissa in MANTISSAS:
        for shift in SHIFTS:
            theirs = [rule(a, mantissa, shift) for a in ACCUMULATORS]
            yield {"x": torch.tensor(ACCUMULATORS), "mantissa": mantissa, "shift": shift, "theirs": theirs}


FEW = EVERY[(EVERY.abs() < 2**10) & (EVERY.abs() >= 2**-6)][::5]  # a fifth: fractions are slow


def quantizer_batches(before: bool) -> Iterator[Batch]:
    for scale in SCALES:
        single = torch.tensor(scale, dtype=torch.float32)
        quotients = FEW.numpy() / numpy.float32(scale)
        for zero in zero_points(0, 255)[::2]:
            sums = (quotients + numpy.float32(zero)) if before else quotients
            whole = [half_away(Fraction(float(v))) + (0 if before else zero) for v in sums]
            theirs = [clamped(q, 0, 255) for q in whole]
            yield {"x": FEW, "scale": single, "step": scale, "zero_point": zero, "theirs": theirs}


def saturated_pairs(x: list[int], w: list[int]) -> int:
    """A dot product as VPMADDUBSW forms it: neighbours are added in int16 and stop at its ends."""
    pairs = (x[i] * w[i] + x[i + 1] * w[i + 1] for i in range(0, len(x), 2))
    return sum(clamped(pair, -(2**15), 2**15 - 1) for pair in pairs)


def pair_batches(seven_bits: bool) -> Iterator[Batch]:
    x, w = seeded((64, 64), "uint8", 5), seeded((16, 64), "int8", 6)
    w = w // 2 if seven_bits else w
    theirs = [[saturated_pairs(a, b) for b in w.tolist()] for a in x.tolist()]
    yield {"x": x, "weight": w, "theirs": theirs}


def row(name: str, operator: str, domain: str, ours: str, batches: Callable, exact: bool = True, note: str = "") -> Row:
    """A row whose oracle is Python."""
    scale = "float32" if "scales" in domain else "integer mantissa and shift" if "mantissa" in domain else "none"
    return Row(name, name.split(".")[0], operator, engine("Python"), scale, domain, ours, batches, exact, note)


INT32 = f"{len(ACCUMULATORS):,} accumulators of int32: around every power of two, the ends, a grid"
MULTIPLIERS = f"{INT32}; {len(MANTISSAS)} mantissas of 31 bits; shifts 0 … −31"
ONCE = 'requantize(x, FixedPointMultiplier(mantissa, 31 - shift), QParams(1.0, 0, 32), "{}")'
PRODUCTS = "uint8 × int8, seeded, extremes among them; 64 rows of 64 inputs, 16 outputs"
REALS = f"{len(FEW):,} float16 values of magnitude 2**-6 … 2**10; 10 scales; uint8; zero points"
ROWS = [
    row("gemmlowp.RoundingDivideByPOT", "RoundingDivideByPOT", f"{INT32}; shifts 0 … 31",
        'rounding_right_shift(x, shift, "half_away")', shift_batches),
    row("gemmlowp.SaturatingRoundingDoublingHighMul", "SaturatingRoundingDoublingHighMul",
        f"{INT32}; {len(MANTISSAS)} mantissas of 31 bits", 'rounding_right_shift(x * mantissa, 31, "half_up")', product_batches,
        note="truncation after a nudge of the product's sign: ties go up"),
    row("gemmlowp.quantize", "quantize, its example", REALS, 'quantize(x / scale + zero_point, QParams(1.0, 0, 8, False), "half_away")',
        lambda: quantizer_batches(before=True), note="half away from zero, after the zero point is added"),
    row("TFLite.AffineQuantize", "AffineQuantize", REALS, 'quantize(x, QParams(float(scale), zero_point, 8, False), "half_away")',
        lambda: quantizer_batches(before=False), note="half away from zero, before the zero point is added"),
    row("TFLite.MultiplyByQuantizedMultiplier", "MultiplyByQuantizedMultiplier", MULTIPLIERS,
        'rounding_right_shift(rounding_right_shift(x * mantissa, 31, "half_up"), -shift, "half_away")',
        lambda: multiplier_batches(multiply_twice), note="two roundings, the default"),
    row("TFLite.MultiplyByQuantizedMultiplier.single", "MultiplyByQuantizedMultiplier, built with TFLITE_SINGLE_ROUNDING",
        MULTIPLIERS, ONCE.format("half_up"), lambda: multiplier_batches(multiply_once), note="one rounding"),
    row("TFLite.MultiplyByQuantizedMultiplier.against_once", "MultiplyByQuantizedMultiplier", MULTIPLIERS, ONCE.format("half_away"),
        lambda: multiplier_batches(multiply_twice), exact=False, note="no single rounding gives what two give"),
    row("x86.VPMADDUBSW", "a dot product on a CPU without VNNI", PRODUCTS,
        "saturate((x[:, None].long() * weight).unflatten(-1, (-1, 2)).sum(-1), 16, True).sum(-1)",
        lambda: pair_batches(seven_bits=False), note="pairs of products saturate at int16"),
    row("x86.VPMADDUBSW.against_exact", "a dot product on a CPU without VNNI", PRODUCTS, "linear(x, weight)",
        lambda: pair_batches(seven_bits=False), exact=False, note="how much of a layer the saturation inside spoils"),
    row("x86.VPMADDUBSW.weights_of_7_bits", "a dot product on a CPU without VNNI", PRODUCTS.replace("int8,", "7 bits signed,"),
        "linear(x, weight)", lambda: pair_batches(seven_bits=True), note="the cure: 2 · 255 · 64 fits int16"),
]  # fmt: skip
