"""Every wrong answer is refused with the smallest input that shows it: found here by brute force, without the checker.

Domains, order and right answers are written a second time, in plain Python numbers and fractions; only the wrong
answers themselves are the exercises' own.
"""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch

from qtutor.exercises.catalogue import EXERCISES
from qtutor.exercises.checker import describe

WRONG = [(name, wrong) for name, exercise in EXERCISES.items() for wrong in exercise.wrong]
WRONG_IDS = [f"{name} {wrong.function.__name__}" for name, wrong in WRONG]


def ends(bits, signed):
    """The lowest and the highest integer."""
    return (-(2**bits) // 2, 2**bits // 2 - 1) if signed else (0, 2**bits - 1)


def integers(bits, signed):
    return range(ends(bits, signed)[0], ends(bits, signed)[1] + 1)


def bits_of(value, width):
    return "".join(str(value // 2**i % 2) for i in reversed(range(width)))


# Per exercise: the inputs as plain numbers, the place of one in the order, the right answer, the call, and the words.


class ToReal:
    domain = list(product(range(4), (1.0, 0.5, 0.25), range(4), (torch.int32, torch.uint8)))

    def key(self, q, scale, zero_point, dtype):
        return q + zero_point, -scale, zero_point, dtype == torch.uint8

    def right(self, q, scale, zero_point, dtype):
        return float(Fraction(scale) * (q - zero_point))

    def call(self, function, q, scale, zero_point, dtype):
        return function(torch.tensor([q], dtype=dtype), scale, zero_point).item()

    def words(self, q, scale, zero_point, dtype):
        return f"q={q} ({'uint8' if dtype == torch.uint8 else 'int32'}), scale={scale:g}, zero_point={zero_point}"

    def write(self, value, *inputs):
        return f"{value:g}"


class ToRealBeyond(ToReal):
    """Zero points below 0, and the scale 0.1, at which real numbers are right to six digits, as they are tried."""

    domain = [
        (q, scale, zero_point, torch.int32)
        for scale in (0.125, 0.1)
        for zero_point in (-3, 0, 3, 128, 255)
        for q in (0, 1, -1, 1000, -1000)
    ]

    def right(self, *inputs):
        return self.near(super().right(*inputs))

    def call(self, function, *inputs):
        return self.near(super().call(function, *inputs))

    def near(self, value):
        return float(f"{value:.6g}")


class ToIntegers:
    domain = list(product([Fraction(n, 8) for n in range(-24, 25)], (1.0, 0.5), range(4)))

    def key(self, steps, scale, zero_point):
        return abs(steps) + zero_point, -scale, zero_point, steps < 0

    def right(self, steps, scale, zero_point):
        return round(steps + zero_point)

    def call(self, function, steps, scale, zero_point):
        return function(torch.tensor([float(steps) * scale]), scale, zero_point).item()

    def words(self, steps, scale, zero_point):
        return f"value={float(steps) * scale:g}, scale={scale:g}, zero_point={zero_point}"

    def write(self, value, *inputs):
        width = next(width for width in (4, 8, 16) if -(2 ** (width - 1)) <= value < 2**width)
        return f"{value} ({bits_of(value, width)})"


class ToIntegersInFloat32(ToIntegers):
    """What Brevitas is asked, in that order: eighths, and half steps, which at 0.1 and 0.3 only float32 can decide."""

    domain = [
        (value, scale, zero_point)
        for scale in (1.0, 0.5, 0.1, 0.3)
        for zero_point in range(4)
        for value in sorted(
            {np.float32(n / 8) for n in range(-1024, 1025)}
            | {np.float32(n + 0.5) * np.float32(scale) for n in range(-512, 512)},
            key=lambda value: (abs(value), value < 0),
        )
    ]

    def right(self, value, scale, zero_point):
        return int(np.rint(value / np.float32(scale) + np.float32(zero_point)))

    def call(self, function, value, scale, zero_point):
        return function(torch.tensor([value]), scale, zero_point).item()

    def words(self, value, scale, zero_point):
        return f"value={str(value).removesuffix('.0')}, scale={scale:g}, zero_point={zero_point}"


class ToIntegersBeyond(ToIntegersInFloat32):
    """Integers beyond 16 bits, as they are tried; then what Brevitas is asked."""

    domain = [
        (np.float32(value), 0.1, -3) for value in (0, 500, -500, 1000, 1500, 2000, 2500, 3000, -3000, 3500, -3500, 4000)
    ] + ToIntegersInFloat32.domain


class Overflow:
    domain = [
        (x, bits, signed)
        for bits in (2, 3, 4, 5, 6)
        for signed in (False, True)
        for x in range(-4 * 2**bits, 4 * 2**bits + 1)
    ]

    def key(self, x, bits, signed):
        return bits, signed, abs(x), x < 0

    def call(self, function, x, bits, signed):
        return function(torch.tensor([x], dtype=torch.int32), bits, signed).item()

    def words(self, x, bits, signed):
        return f"x={x}, bit_width={bits}, signed={signed}"

    def write(self, value, x, bits, signed):
        return f"{value} ({bits_of(value, bits) if value in integers(bits, signed) else 'does not fit'})"


class Saturate(Overflow):
    def right(self, x, bits, signed):
        return sorted((ends(bits, signed)[0], x, ends(bits, signed)[1]))[1]


class Wrap(Overflow):
    def right(self, x, bits, signed):
        (fitting,) = [held for held in integers(bits, signed) if (held - x) % 2**bits == 0]
        return fitting


LARGE = [
    (sign * size, bits, signed)
    for bits in (1, 3, 8, 12, 16, 30)
    for signed in (False, True)
    for size in (32767, 32768, 32769, 65535, 65536, 1048576, 16777217, 16777219, 2147483647)
    for sign in (1, -1)
]


class SaturateLarge(Saturate):
    domain = LARGE


class WrapLarge(Wrap):
    domain = LARGE

    def right(self, x, bits, signed):
        kept = int(bits_of(x, bits), 2)
        return kept - 2**bits if kept > ends(bits, signed)[1] else kept


class SumFormat:
    domain = list(product(range(1, 9), (False, True), range(1, 9), (False, True)))

    def key(self, bits_a, signed_a, bits_b, signed_b):
        return (
            max(bits_a, bits_b),
            signed_a or signed_b,
            bits_a + bits_b,
            (bits_a, signed_a, bits_b, signed_b),
        )

    def right(self, bits_a, signed_a, bits_b, signed_b):
        (low_a, high_a), (low_b, high_b) = ends(bits_a, signed_a), ends(bits_b, signed_b)
        signed = low_a + low_b < 0
        fits = (
            n for n in range(1, 12) if ends(n, signed)[0] <= low_a + low_b and high_a + high_b <= ends(n, signed)[1]
        )
        return next(fits), signed

    def call(self, function, *formats):
        return function(*formats)

    def words(self, bits_a, signed_a, bits_b, signed_b):
        return f"bits_a={bits_a}, signed_a={signed_a}, bits_b={bits_b}, signed_b={signed_b}"

    def write(self, value, *inputs):
        return str(value)


class Transform:
    domain = [
        (q, zero_point, ratio, bits, signed)
        for bits in (2, 3, 4)
        for signed in (False, True)
        for zero_point in range(4)
        for ratio in (0.5, 2.0, 0.25, 1.5, 2.5)
        for q in integers(bits, signed)
        if zero_point <= ends(bits, signed)[1]
    ]

    def key(self, q, zero_point, ratio, bits, signed):
        return bits, signed, abs(q) + zero_point, abs(ratio - 1), -ratio, zero_point, q < 0

    def right(self, q, zero_point, ratio, bits, signed):
        moved = round((q - zero_point) * Fraction(ratio)) + zero_point
        return sorted((ends(bits, signed)[0], moved, ends(bits, signed)[1]))[1]

    def call(self, function, q, *rest):
        return function(torch.tensor([q], dtype=torch.int32), *rest).item()

    def words(self, q, zero_point, ratio, bits, signed):
        return f"q={q}, zero_point={zero_point}, ratio={ratio:g}, bit_width={bits}, signed={signed}"

    def write(self, value, q, zero_point, ratio, bits, signed):
        return Overflow().write(value, q, bits, signed)


class TransformBeyond(Transform):
    """8 bits, the ratio nearest 1 first: a zero point below 0, and ratios past 3 and between the eighths."""

    domain = [
        (q, zero_point, ratio, 8, signed)
        for signed in (False, True)
        for ratio in (1.25, 0.5, 0.4, 0.375, 3.0, 5.0)
        for zero_point in ((-5, 0, 5, 100) if signed else (0, 5, 100))
        for q in range(12)
    ]


class Add:
    """The small inputs, and all pairs of 8-bit integers with zero points 0 for what shows only there."""

    domain = [
        (a, a_zero, b, b_zero, bits, signed)
        for bits in (2, 3)
        for signed in (False, True)
        for a, b in product(integers(bits, signed), repeat=2)
        for a_zero, b_zero in product((0, 1), repeat=2)
    ]

    def key(self, a, a_zero, b, b_zero, bits, signed):
        return bits, signed, abs(a) + abs(b) + a_zero + b_zero, a < 0, b < 0, (a, b, a_zero, b_zero)

    def right(self, a, a_zero, b, b_zero, bits, signed):
        return a + b, a_zero + b_zero

    def call(self, function, a, a_zero, b, b_zero, bits, signed):
        kind = torch.int8 if signed else torch.uint8
        total, zero_point = function(torch.tensor([a], dtype=kind), a_zero, torch.tensor([b], dtype=kind), b_zero)
        return total.item(), zero_point

    def words(self, a, a_zero, b, b_zero, bits, signed):
        kind = "int8" if signed else "uint8"
        return f"a={a} ({kind}), a_zero_point={a_zero}, b={b} ({kind}), b_zero_point={b_zero}"

    def write(self, value, a, a_zero, b, b_zero, bits, signed):
        total, zero_point = value
        shown = bits_of(total, bits + 1) if total in integers(bits + 1, signed) else "does not fit"
        return f"{total} ({shown}) with zero point {zero_point}"


class AddBeyond(Add):
    """Zero points whose sum leaves the byte."""

    domain = [(0, 200, 6, 100, 8, False), (0, -3, 6, -128, 8, True)]


class Dot:
    """One product of 3 bits, or the sum of two of 2 bits."""

    domain = [
        (x, w, x_zero, w_zero)
        for bits, terms in ((3, 1), (2, 2))
        for x in product(integers(bits, False), repeat=terms)
        for w in product(integers(bits, True), repeat=terms)
        for x_zero in (0, 1, 2)
        for w_zero in (0, 1, -1)
    ]

    def key(self, x, w, x_zero, w_zero):
        return len(x), sum(map(abs, (*x, *w, x_zero, w_zero))), x_zero, [n < 0 for n in (*x, *w, x_zero, w_zero)]

    def right(self, x, w, x_zero, w_zero):
        return sum((a - x_zero) * (b - w_zero) for a, b in zip(x, w, strict=True))

    def call(self, function, x, w, x_zero, w_zero):
        return function(torch.tensor(x, dtype=torch.uint8), torch.tensor(w, dtype=torch.int8), x_zero, w_zero)

    def words(self, x, w, x_zero, w_zero):
        shown = (list(x), list(w)) if len(x) <= 8 else [f"a tensor of shape ({len(x)},)"] * 2
        return f"x={shown[0]} (uint8), w={shown[1]} (int8), x_zero_point={x_zero}, w_zero_point={w_zero}"

    def write(self, value, *inputs):
        width = next(width for width in (4, 8, 16, 32, 64) if -(2 ** (width - 1)) <= value < 2**width)
        return f"{value} ({bits_of(value, width)})"


class LongDot(Dot):
    """Sums beyond 2**24 with one odd product, and beyond 32 bits."""

    domain = [
        ([255] * 1023 + [1], [-128] * 1023 + [1], 0, 0),
        ([255] * 33026, [-128] * 33026, 0, 127),
    ]


ZERO_POINTS_TAKEN_OFF = [(-z, 2**bits - 1 - z) for bits in (2, 3) for z in range(2**bits)]


class AccumulatorBits:
    domain = list(product((1, 2, 3, 4, 5, 8), ZERO_POINTS_TAKEN_OFF, ZERO_POINTS_TAKEN_OFF))

    def key(self, k, x_ends, w_ends):
        width = max(high - low for low, high in (x_ends, w_ends)).bit_length()
        return width, k + sum(map(abs, (*x_ends, *w_ends))), [n < 0 for n in (*x_ends, *w_ends)]

    def right(self, k, x_ends, w_ends):
        sums = [k * x * w for x in range(x_ends[0], x_ends[1] + 1) for w in range(w_ends[0], w_ends[1] + 1)]
        return next(n for n in range(1, 40) if ends(n, True)[0] <= min(sums) and max(sums) <= ends(n, True)[1])

    def call(self, function, k, x_ends, w_ends):
        return function(k, x_ends, w_ends)

    def words(self, k, x_ends, w_ends):
        return f"k={k}, x_ends={x_ends}, w_ends={w_ends}"

    def write(self, value, *inputs):
        return f"{value} bit{'s' * (value != 1)}"


class ToFixedPoint:
    """Every sixty-fourth to 3; the right pair is the nearest of all pairs, the even mantissa where two are as near."""

    domain = list(product([n / 64 for n in range(1, 193)], (2, 3, 4, 5)))

    def key(self, real, bits):
        return bits, real

    def right(self, real, bits):
        pairs = [(m, s) for s in range(12) for m in range(2 ** (bits - 1), 2**bits)]
        return min(pairs, key=lambda pair: (abs(Fraction(pair[0], 2 ** pair[1]) - Fraction(real)), pair[0] % 2))

    def call(self, function, real, bits):
        return function(real, bits)

    def words(self, real, bits):
        return f"real={str(real).removesuffix('.0')}, bits={bits}"

    def write(self, value, *inputs):
        return f"{value[0]} / 2**{value[1]}"


class Requantize:
    domain = [
        (accumulator, mantissa, shift, zero_point, bits, signed)
        for bits in (2, 3, 4)
        for signed in (False, True)
        for mantissa, shift in ((1, 0), (3, 2), (5, 2), (1, 1), (3, 3), (1, 2))
        for zero_point in range(4)
        for accumulator in range(-12, 13)
        if zero_point in integers(bits, signed)
    ]

    def key(self, accumulator, mantissa, shift, zero_point, bits, signed):
        real = Fraction(mantissa, 2**shift)
        return bits, signed, abs(accumulator) + zero_point, abs(1 - real), -real, zero_point, accumulator < 0

    def right(self, accumulator, mantissa, shift, zero_point, bits, signed):
        moved = round(Fraction(accumulator * mantissa, 2**shift)) + zero_point
        return sorted((ends(bits, signed)[0], moved, ends(bits, signed)[1]))[1]

    def call(self, function, accumulator, *rest):
        return function(torch.tensor([accumulator], dtype=torch.int32), *rest).item()

    def words(self, accumulator, mantissa, shift, zero_point, bits, signed):
        pair = f"mantissa={mantissa}, shift={shift}, zero_point={zero_point}"
        return f"accumulators={accumulator}, {pair}, bit_width={bits}, signed={signed}"

    def write(self, value, accumulator, mantissa, shift, zero_point, bits, signed):
        return Overflow().write(value, accumulator, bits, signed)


class RequantizeLayers(Requantize):
    """Larger multipliers first, unsigned, at zero point 0; last, a product 12 below a tie that float64 cannot tell."""

    domain = [
        (accumulator, mantissa, shift, 0, 8, False)
        for mantissa, shift in ((11141, 15), (1288490189, 32))
        for accumulator in sorted(range(-400, 400), key=lambda a: (abs(a), a < 0))
    ] + [(2**31 - 4, 3 * 2**29 + 3, 61, 0, 8, False)]


class ChooseScale:
    """The zero point by looking at all integers: the one whose distance from real 0.0 is least."""

    domain = []  # filled below: two right zero points are not asked for

    def span(self, low, high, bits):
        low, high = min(Fraction(low), Fraction(0)), max(Fraction(high), Fraction(0))
        return low, (high - low) / (2**bits - 1)

    def nearest(self, low, high, bits, signed):
        bottom, step = self.span(low, high, bits)
        away = {q: abs(bottom + step * (q - ends(bits, signed)[0])) for q in integers(bits, signed)}
        return [q for q, distance in away.items() if distance == min(away.values())]

    def key(self, low, high, bits, signed):
        return bits, signed, abs(low) + abs(high), (low < 0, high < 0), (low, high)

    def right(self, low, high, bits, signed):
        (zero_point,) = self.nearest(low, high, bits, signed)
        return f"{float(self.span(low, high, bits)[1]):g}", zero_point

    def call(self, function, *inputs):
        scale, zero_point = function(*inputs)
        return f"{scale:g}", zero_point

    def words(self, low, high, bits, signed):
        return f"low={low:g}, high={high:g}, bit_width={bits}, signed={signed}"

    def write(self, value, *inputs):
        return f"scale {value[0]} with zero point {value[1]}"


HALVES = [n / 2 for n in range(-6, 7)]
ChooseScale.domain = [
    inputs
    for inputs in product(HALVES, HALVES, (2, 3, 4, 5), (False, True))
    if inputs[0] < inputs[1] and len(ChooseScale().nearest(*inputs)) == 1
]


class ChannelScales:
    rows = [row for row in product(range(-2, 3), repeat=2) if row != (0, 0)]
    domain = list(product(rows, rows, (2, 3, 4)))

    def key(self, first, second, bits):
        numbers = (*first, *second)
        return bits, sum(map(abs, numbers)), [n < 0 for n in numbers], numbers

    def right(self, first, second, bits):
        return [f"{float(Fraction(max(map(abs, row)), ends(bits, True)[1])):g}" for row in (first, second)]

    def call(self, function, first, second, bits):
        return [f"{scale:g}" for scale in function(torch.tensor([first, second], dtype=torch.float32), bits).tolist()]

    def words(self, first, second, bits):
        return f"weight=[{list(first)}, {list(second)}], bit_width={bits}"

    def write(self, value, *inputs):
        return f"[{', '.join(value)}]"


class FakeQuantize:
    """Value and gradient by asking every integer of the format which is nearest, and whether x lies beyond them all."""

    domain = list(product([Fraction(n, 4) for n in range(-40, 41)], (1.0, 0.5), (2, 3, 4)))

    def key(self, steps, scale, bits):
        return bits, abs(steps), -scale, steps < 0

    def right(self, steps, scale, bits):
        low, high = ends(bits, True)
        inside = low <= round(steps) <= high
        return float(sorted((low, round(steps), high))[1] * Fraction(scale)), float(inside)

    def call(self, function, steps, scale, bits):
        x = torch.tensor([float(steps) * scale], requires_grad=True)
        value = function(x, scale, bits)
        value.sum().backward()
        return value.item(), x.grad.item()

    def words(self, steps, scale, bits):
        return f"x={float(steps) * scale:g}, scale={scale:g}, bit_width={bits}"

    def write(self, value, *inputs):
        return f"{value[0] + 0.0:g} with gradient {value[1]:g}"


class FoldBatchNorm:
    """The folded layer by asking the two layers what they give for 0 and for each unit input."""

    single = [
        ([[w]], [b], [gamma], [beta], [mean], [variance])
        for w, b, gamma, beta, mean, variance in product((1, 2, -1), (0, 1), (1, 2, -1), (0, 1), (0, 1, 2), (0, 3, 8))
    ]
    vectors = ([0, 0], [1, 2]), ([1, 2], [2, 1])
    double = list(product([[[1, 0], [0, 1]], [[1, 2], [2, 1]]], *vectors, *vectors, ([0, 3], [3, 0])))
    domain = single + double

    def key(self, weight, *vectors):
        numbers = [n for row in weight for n in row] + [n for vector in vectors for n in vector]
        return len(weight), sum(map(abs, numbers)), [n < 0 for n in numbers]

    def normalized(self, row, b, gamma, beta, mean, variance, x):
        y = sum(w * n for w, n in zip(row, x, strict=True)) + b
        return gamma * (y - mean) / (variance + 1) ** 0.5 + beta

    def right(self, weight, *vectors):
        rows = []
        for row, *numbers in zip(weight, *vectors, strict=True):
            units = [[int(i == j) for j in range(len(row))] for i in range(len(row))]
            bias = self.normalized(row, *numbers, [0] * len(row))
            rows.append(([self.normalized(row, *numbers, unit) - bias for unit in units], bias))
        return self.rounded([w for row, _ in rows for w in row], [bias for _, bias in rows])

    def rounded(self, weight, bias):
        return [[f"{float(f'{n:.6g}') + 0.0:g}" for n in part] for part in (weight, bias)]

    def call(self, function, *parts):
        weight, bias = function(*(torch.tensor(part, dtype=torch.float32) for part in parts), 1.0)
        return self.rounded(weight.reshape(-1).tolist(), bias.tolist())

    def words(self, *parts):
        names = ("weight", "bias", "gamma", "beta", "mean", "variance")
        return ", ".join(f"{name}={part}" for name, part in zip(names, parts, strict=True)) + ", eps=1"

    def write(self, value, *inputs):
        weight, bias = value
        columns = len(weight) // len(bias)
        rows = [f"[{', '.join(weight[i : i + columns])}]" for i in range(0, len(weight), columns)]
        return f"weight [{', '.join(rows)}] with bias [{', '.join(bias)}]"


class IntegerLayer:
    """Nested lists: one input and one output, then two of both."""

    domain = [
        ([[x]], [[w]], [mantissa], [offset], shift, low, high)
        for low, high in ((0, 1), (0, 3), (-2, 1))
        for mantissa, shift in ((1, 0), (3, 2), (1, 1), (1, 2), (-1, 1))
        for x, w, offset in product(range(4), range(-2, 3), range(-2, 3))
    ] + [
        ([[x, y]], [[a, b], [c, d]], mantissa, offset, 1, 0, 3)
        for mantissa, offset in (([2, 2], [0, 0]), ([2, 1], [0, 1]))
        for x, y in product(range(3), repeat=2)
        for a, b, c, d in product((-1, 0, 1), repeat=4)
    ]
    domain += [
        ([[a, b], [c, d]], weight, [2, 1], [0, 1], 1, 0, 3)
        for weight in ([[1, 0], [0, 1]], [[1, -1], [0, 1]], [[0, 1], [1, 0]])
        for a, b, c, d in product(range(2), repeat=4)
    ]

    def key(self, x, weight, mantissa, offset, shift, low, high):
        numbers, real = [n for row in (*x, *weight, offset) for n in row], mantissa[0] / 2**shift
        size = sum(map(abs, numbers))
        return len(weight), high - low, low < 0, size, abs(1 - real), -real, [n < 0 for n in numbers]

    def right(self, x, weight, mantissa, offset, shift, low, high):
        def output(scan, row, times, plus):
            total = sum(a * b for a, b in zip(scan, row, strict=True))
            return sorted((low, round(Fraction(total * times + plus, 2**shift)), high))[1]

        return [[output(scan, *of_one) for of_one in zip(weight, mantissa, offset, strict=True)] for scan in x]

    def call(self, function, x, weight, mantissa, offset, *rest):
        return function(*(torch.tensor(values) for values in (x, weight, mantissa, offset)), *rest).tolist()

    def words(self, x, weight, mantissa, offset, shift, low, high):
        return f"x={x}, weight={weight}, mantissa={mantissa}, offset={offset}, shift={shift}, low={low}, high={high}"

    def write(self, value, *inputs):
        return str(value)


class LayerAtTies(IntegerLayer):
    """Inputs of 8 and 16 bits; a mantissa of 31, and the offset that brings the sum to 4.5 steps, one unit below and above;
    two scans in uint8 and int8; as they are tried."""

    domain = [
        ([[x]], [[w]], [1299450748], [9 * 2 ** (shift - 1) - x * w * 1299450748 + nearby], shift, 0, 15)
        for shift, xs in ((34, (1, 200)), (58, (1,)))
        for x, w, nearby in product(xs, (1, 100, -100), (0, -1, 1))
    ]
    domain.sort(key=lambda inputs: inputs[0][0][0] + abs(inputs[1][0][0]) + abs(inputs[3][0]))
    domain = [([[200]], [[1]], [1], [0], 4, 0, 15), ([[40000]], [[1]], [1], [0], 12, 0, 15), *domain]
    domain += [
        (
            *([[200, 3], [0, 255]], [[100, -128], [-7, 127]]),
            *([1299450748, 1500000000], [15 * 2**42, 13 * 2**42 + 5], 43, 0, 15),
        )
    ]

    def call(self, function, x, weight, mantissa, offset, *rest):
        in_bytes = (torch.uint8, torch.int8) if len(x) > 1 else (torch.int64, torch.int64)
        operands = (torch.tensor(values).to(kind) for values, kind in zip((x, weight), in_bytes, strict=True))
        return function(*operands, torch.tensor(mantissa), torch.tensor(offset), *rest).tolist()


class Thresholds:
    domain = [
        (mantissa, offset, shift, low, high)
        for low, high in ((0, 1), (0, 3), (-2, 1))
        for mantissa, shift, offset in product(range(1, 6), range(4), range(-4, 5))
    ]

    def key(self, mantissa, offset, shift, low, high):
        real = mantissa / 2**shift
        return high - low, low < 0, abs(offset), abs(1 - real), -real, offset < 0

    def right(self, mantissa, offset, shift, low, high):
        """By asking every accumulator from -40 to 40 which integer it becomes."""
        became = {a: round(Fraction(a * mantissa + offset, 2**shift)) for a in range(-40, 41)}
        return [min(a for a, integer in became.items() if integer >= level) for level in range(low + 1, high + 1)]

    def call(self, function, *inputs):
        return function(*inputs)

    def words(self, mantissa, offset, shift, low, high):
        return f"mantissa={mantissa}, offset={offset}, shift={shift}, low={low}, high={high}"

    def write(self, value, *inputs):
        return str(value)


class ThresholdsAtTies(Thresholds):
    """Borders of 58 bits on an accumulator, and one unit beside it, as they are tried."""

    domain = [
        (1299450748, (2 * level - 1) * 2**57 - 3 * 1299450748 + nearby, 58, level - 1, level)
        for level, nearby in product((1, 0), (0, -1, 1))
    ]
    domain.sort(key=lambda inputs: (-inputs[3], abs(inputs[1])))

    def right(self, mantissa, offset, shift, low, high):
        """By looking about the border, found in fractions: an even level is reached on it, an odd one beyond it."""
        borders = [(Fraction(2 * level - 1, 2) * 2**shift - offset) / mantissa for level in range(low + 1, high + 1)]
        near = [range(int(border) - 2, int(border) + 3) for border in borders]
        return [
            min(a for a in found if round(Fraction(a * mantissa + offset, 2**shift)) > level)
            for level, found in enumerate(near, low)
        ]


TASKS = {
    "1.A": ToReal(),
    "1.B": ToIntegers(),
    "2.A": Saturate(),
    "2.B": Wrap(),
    "3.A": SumFormat(),
    "3.B": Transform(),
    "3.C": Add(),
    "4.A": Dot(),
    "4.B": AccumulatorBits(),
    "5.A": ToFixedPoint(),
    "5.B": Requantize(),
    "6.A": ChooseScale(),
    "6.B": ChannelScales(),
    "7.A": FakeQuantize(),
    "7.B": FoldBatchNorm(),
    "8.A": IntegerLayer(),
    "8.B": Thresholds(),
}


# Where the small inputs show nothing: larger ones, in the order in which they are tried.
BEYOND = {
    "1.A": ToRealBeyond(),
    "1.B": ToIntegersBeyond(),
    "2.A": SaturateLarge(),
    "2.B": WrapLarge(),
    "3.B": TransformBeyond(),
    "3.C": AddBeyond(),
    "4.A": LongDot(),
    "5.B": RequantizeLayers(),
    "8.A": LayerAtTies(),
    "8.B": ThresholdsAtTies(),
}


def failing(task, function, domain):
    """The inputs on which a function is wrong."""
    return [inputs for inputs in domain if task.call(function, *inputs) != task.right(*inputs)]


def smallest(name, function):
    """The first input in the order on which a wrong answer is wrong, by looking at all of them; and whose words fit it."""
    task = TASKS[name]
    wrong = failing(task, function, task.domain)
    if not wrong and name == "3.C":  # right on small inputs: all pairs of 8-bit integers, at once
        a, b = torch.arange(256).repeat_interleave(256), torch.arange(256).repeat(256)
        total, _ = function(a.to(torch.uint8), 0, b.to(torch.uint8), 0)
        wrong = [(int(a[i]), 0, int(b[i]), 0, 8, False) for i in (total != a + b).nonzero().reshape(-1).tolist()]
    if wrong:
        return task, min(wrong, key=lambda inputs: task.key(*inputs))
    task = BEYOND[name]
    return task, next(inputs for inputs in task.domain if task.call(function, *inputs) != task.right(*inputs))


def solution_lines(exercise):
    """The lines of the solution below its docstring."""
    body = exercise.source.split('"""')[2].splitlines()
    return [line.strip().removeprefix("return ") for line in body if line.strip()]


@pytest.mark.parametrize(("name", "wrong"), WRONG, ids=WRONG_IDS)
def test_a_wrong_answer_is_shown_the_smallest_input_that_breaks_it(name, wrong, verdict):
    task, inputs = smallest(name, wrong.function)
    expected = task.write(task.right(*inputs), *inputs)
    yours = task.write(task.call(wrong.function, *inputs), *inputs)
    shown = f"{task.words(*inputs)}: expected {expected}, yours {yours}"
    said = verdict(name, wrong.function)
    assert said == f"✗ {name}  first differs at {shown}. {wrong.question}"
    assert not any(line in said for line in solution_lines(EXERCISES[name]))
    assert wrong.shown == shown  # what the exercise's file says beside the mistake


NO_TICK = {
    "a scale in float16": ("1.A", lambda q, s, z: torch.tensor(s, dtype=torch.float16).item() * (q.int() - z)),
    "1.B held in 16 bits": ("1.B", lambda *given: EXERCISES["1.B"].reference(*given).clamp(-(2**15), 2**15 - 1)),
    "zero points that end at -128": (
        "3.C",
        lambda a, a_zero, b, b_zero: (a.int() + b.int(), max(a_zero + b_zero, -128)),
    ),
    "a scale two millionths too large": (
        "6.A",
        lambda *given: (EXERCISES["6.A"].reference(*given)[0] * 1.000002, EXERCISES["6.A"].reference(*given)[1]),
    ),
    "a scale as text": (
        "6.A",
        lambda *given: (str(EXERCISES["6.A"].reference(*given)[0]), EXERCISES["6.A"].reference(*given)[1]),
    ),
    "two millionths, in rows": ("6.B", lambda *given: EXERCISES["6.B"].reference(*given) * 1.000002),
}


@pytest.mark.parametrize(("name", "function"), NO_TICK.values(), ids=NO_TICK)
def test_what_is_nearly_right_gets_no_tick(name, function, verdict):
    assert verdict(name, function).startswith(f"✗ {name}  ")


TICK = {
    "1.A in another order": ("1.A", lambda q, s, z: q.float() * s - s * z),
    "1.A in float64": ("1.A", lambda q, s, z: (q.double() - z) * s),
    "4.A in a loop": ("4.A", lambda x, w, a, b: sum((int(p) - a) * (int(q) - b) for p, q in zip(x, w, strict=True))),
    "6.A in float32": (
        "6.A",
        lambda *given: (torch.tensor(EXERCISES["6.A"].reference(*given)[0]), EXERCISES["6.A"].reference(*given)[1]),
    ),
}


@pytest.mark.parametrize(("name", "function"), TICK.values(), ids=TICK)
def test_what_is_right_in_another_way_gets_its_tick(name, function, verdict):
    assert verdict(name, function).startswith(f"✓ {name}  ")


@pytest.mark.parametrize(
    ("name", "inputs", "right"),
    [
        ("1.A", ([2**31 - 1, -(2**31)], 1.0, -(2**10)), [2**31 + 2**10, -(2**31) + 2**10]),  # as float32 holds it
        ("3.B", ([200, 0], 0, 2.0**24, 8, False), [255, 0]),
        ("3.B", ([2**16 - 1, 1], 0, 2.0**15, 16, False), [2**16 - 1, 2**15]),
        ("3.B", ([-(2**15), 2**15 - 1], 2**15 - 1, 0.5, 16, True), [-1, 2**15 - 1]),
        ("2.A", ([2**31 - 1, -(2**31)], 30, True), [2**29 - 1, -(2**29)]),
        ("2.B", ([2**31 - 1, -(2**31)], 30, True), [-1, 0]),
        ("2.B", ([2**31 - 1, -(2**31)], 30, False), [2**30 - 1, 0]),
    ],
)
def test_a_solution_is_right_at_the_ends_that_its_task_names(name, inputs, right):
    values, *rest = inputs
    assert EXERCISES[name].reference(torch.tensor(values, dtype=torch.int32), *rest).tolist() == right


@pytest.fixture
def float64_by_default():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", EXERCISES)
def test_the_inputs_are_float32_whatever_the_session_made_the_default(name, float64_by_default):
    exercise = EXERCISES[name]
    cases = (*exercise.small(), *exercise.wide(), *exercise.runtime_cases())
    types = {tensor.dtype for case in cases for tensor in case.tensors}
    assert torch.float64 not in types


@pytest.mark.parametrize("name", EXERCISES)
def test_asking_a_runtime_leaves_the_sessions_random_numbers_alone(name):
    exercise, before = EXERCISES[name], torch.random.get_rng_state()
    case = exercise.runtime_cases()[0]
    exercise.runtime(*case.copies())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_every_exercise_has_a_second_description_here():
    assert set(TASKS) == set(EXERCISES)


@pytest.mark.parametrize("name", EXERCISES)
def test_the_reference_agrees_with_plain_python_on_every_input(name):
    for task in (TASKS[name], BEYOND.get(name)):
        assert task is None or failing(task, EXERCISES[name].reference, task.domain) == []


@pytest.mark.parametrize("name", EXERCISES)
def test_the_checker_tries_the_same_inputs_in_the_same_order(name):
    task = TASKS[name]
    in_order = [task.words(*inputs) for inputs in sorted(task.domain, key=lambda inputs: task.key(*inputs))]
    tried = [describe(EXERCISES[name], case) for case in EXERCISES[name].small()]
    assert tried == in_order


@pytest.mark.parametrize(
    ("name", "function", "count"),
    [
        ("1.B", "truncated", 164),
        ("1.B", "floored", 168),
        ("1.B", "half_up", 24),
        ("1.B", "half_away", 28),
        ("1.B", "rounded_first", 24),
        ("1.B", "zero_point_subtracted", 294),
        ("1.B", "zero_point_scaled", 144),
        ("1.B", "multiplied_by_scale", 164),
        ("2.B", "half_counted_as_positive", 40),
        ("3.A", "wider_plus_one", 56),
        ("3.A", "log_of_the_width", 116),
        ("3.A", "log_of_the_count", 56),
        ("3.A", "bits_added", 182),
        ("3.A", "signed_only_if_both", 128),
        ("3.A", "no_growth", 256),
    ],
)
def test_the_chapters_say_how_often_a_mistake_shows(name, function, count):
    (wrong,) = [wrong.function for wrong in EXERCISES[name].wrong if wrong.function.__name__ == function]
    assert len(failing(TASKS[name], wrong, TASKS[name].domain)) == count


@pytest.mark.parametrize("pair", [(1, False, 1, False), (4, False, 4, True), (8, False, 1, True)])
def test_the_published_rule_is_what_brevitas_does(pair):
    from brevitas.quant_tensor import IntQuantTensor

    (rule,) = [w.function for w in EXERCISES["3.A"].wrong if w.function.__name__ == "log_of_the_width"]
    a, b = (
        IntQuantTensor(torch.zeros(1), scale=1.0, zero_point=0.0, bit_width=float(bits), signed=signed, training=False)
        for bits, signed in (pair[:2], pair[2:])
    )
    assert rule(*pair)[0] == int((a + b).bit_width)
