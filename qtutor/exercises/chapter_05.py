"""Chapter 5, requantize: its exercises, predictions and quiz."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math
import struct
from fractions import Fraction
from itertools import product

import torch

from qtutor.exercises.answers import read_integers, read_multiplier, write_multiplier, write_register
from qtutor.exercises.exercise import Case, Exercise, Rule, WrongAnswer, in_order, tensor
from qtutor.exercises.leading import whole_turns_of_a_byte
from qtutor.exercises.questions import Prediction, QuizQuestion

# --- 5.A -------------------------------------------------------------------------------------------------------------


def to_fixed_point(real, bits):
    """Return (mantissa, shift): mantissa / 2**shift is the number nearest to real, with a mantissa of exactly `bits` bits.

    real is a Python float above 0, of a size that gives a shift of 0 … 62; bits is a Python int.
    Both answers are Python ints; 2**(bits - 1) <= mantissa < 2**bits. A tie goes to the even mantissa.
    """
    shift = 0
    while round(real * 2 ** (shift + 1)) < 2**bits:
        shift += 1
    return round(real * 2**shift), shift


def cut_off(real, bits):
    """Cut the mantissa's fraction off."""
    shift = 0
    while int(real * 2 ** (shift + 1)) < 2**bits:
        shift += 1
    return int(real * 2**shift), shift


def half_up(real, bits):
    """Send ties of the mantissa up."""
    shift = 0
    while int(real * 2 ** (shift + 1) + 0.5) < 2**bits:
        shift += 1
    return int(real * 2**shift + 0.5), shift


def one_bit_too_many(real, bits):
    """Ask whether the number fits before it is rounded; rounded up it may not."""
    shift = 0
    while real * 2 ** (shift + 1) < 2**bits:
        shift += 1
    return round(real * 2**shift), shift


def held_at_the_largest(real, bits):
    """Keep the shift and take the largest mantissa where the rounded one needs a bit more."""
    shift = 0
    while real * 2 ** (shift + 1) < 2**bits:
        shift += 1
    return min(round(real * 2**shift), 2**bits - 1), shift


def shifted_by_the_bits(real, bits):
    """Take the number of bits for the shift."""
    return round(real * 2**bits), bits


def one_bit_for_a_sign(real, bits):
    """Keep the highest bit free for a sign."""
    shift = 0
    while round(real * 2 ** (shift + 1)) < 2 ** (bits - 1):
        shift += 1
    return round(real * 2**shift), shift


def reduced(real, bits):
    """Reduce the fraction."""
    shift = 0
    while round(real * 2 ** (shift + 1)) < 2**bits:
        shift += 1
    mantissa = round(real * 2**shift)
    while mantissa % 2 == 0 and shift > 0:
        mantissa, shift = mantissa // 2, shift - 1
    return mantissa, shift


def another_name_for_it(differences):
    """Say whether every answer stands for the right number, with a mantissa of other bits."""
    return all(
        Fraction(d.expected[0], 2 ** d.expected[1]) == Fraction(d.found[0]) / Fraction(2) ** d.found[1]
        for d in differences
    )


def multiplier_small():
    """Every sixty-fourth to 3 that needs no left shift, at 2 to 5 bits; sizes are counted in sixty-fourths."""
    return in_order(Case((n / 64, bits), (n,), bits) for bits in (2, 3, 4, 5) for n in range(1, 193))


def multiplier_wide():
    """Multipliers as layers have them, at 8 to 31 bits."""
    reals = (0.1, 0.3, 0.7, 1 / 3, 0.00144027, 2.0**-20, 5.999, 0.9999999999)
    return in_order(Case((real, bits), (real,), bits) for bits in (8, 16, 24, 31) for real in reals)


def float_as_stored(real, bits):
    """Return mantissa and shift of a float16 (11 bits) or float32 (24 bits) in its bytes: a float is such a pair."""
    kind = "<e" if bits == 11 else "<f"
    fraction, exponent = math.frexp(struct.unpack(kind, struct.pack(kind, real))[0])
    return int(fraction * 2**bits), bits - exponent


def multiplier_runtime_cases():
    """A hundred reals between 0.001 and 2, in float16 and in float32."""
    return [Case((0.001 * 1.079**n, bits), (), bits) for bits in (11, 24) for n in range(100)]


EXERCISE_A = Exercise(
    name="5.A",
    reference=to_fixed_point,
    read=read_multiplier,
    write=write_multiplier,
    small=multiplier_small,
    wide=multiplier_wide,
    runtime=float_as_stored,
    runtime_name="the mantissas of float16 and float32",
    runtime_cases=multiplier_runtime_cases,
    hints=(
        "Take 0.3 and 3 bits: double 0.3 until it lies between 4 and 8. How often did you double?",
        "Each doubling is one more shift. Go on as long as the *rounded* number still fits into the bits.",
        "A loop from shift 0: while round(real * 2 ** (shift + 1)) is below 2**bits, one more. Python's round takes ties"
        " to the even neighbour.",
    ),
    reason="The largest shift whose mantissa still fits uses every bit. It is the rounded mantissa that must fit: 0.97"
    " in 3 bits is 7.76 / 2**3, which rounds to 8, and 8 takes 4 bits, so it becomes 4 / 2**2.",
    question="Which whole number is nearest to real * 2**shift, and has it exactly `bits` bits?",
    wrong=(
        WrongAnswer(
            cut_off,
            "To which whole number does real * 2**shift round, a tie to the even one, and does that number fit the bits?",
            "real=0.109375, bits=2: expected 2 / 2**4, yours 3 / 2**5",
        ),
        WrongAnswer(
            half_up,
            "This lies half way between two mantissas: which of the two is even?",
            "real=0.078125, bits=2: expected 2 / 2**5, yours 3 / 2**5",
        ),
        WrongAnswer(
            one_bit_too_many,
            "How many bits does your mantissa have after it was rounded?",
            "real=0.109375, bits=2: expected 2 / 2**4, yours 4 / 2**5",
        ),
        WrongAnswer(
            held_at_the_largest,
            "The rounded mantissa takes one bit more here. Instead of the mantissa, could the shift give way?",
            "real=0.109375, bits=2: expected 2 / 2**4, yours 3 / 2**5",
        ),
        WrongAnswer(
            shifted_by_the_bits,
            "Does your mantissa use all of its bits, and what would one more doubling cost?",
            "real=0.015625, bits=2: expected 2 / 2**7, yours 0 / 2**2",
        ),
        WrongAnswer(
            one_bit_for_a_sign,
            "A multiplier is above 0: which bit of your mantissa is never used?",
            "real=0.015625, bits=2: expected 2 / 2**7, yours 1 / 2**6",
        ),
        WrongAnswer(
            reduced,
            "It is the right number. How many bits has its mantissa, and how many were asked for?",
            "real=0.015625, bits=2: expected 2 / 2**7, yours 1 / 2**6",
        ),
    ),
    rules=(
        Rule(
            another_name_for_it, "It is the right number. How many bits has its mantissa, and how many were asked for?"
        ),
    ),
)

# --- 5.B -------------------------------------------------------------------------------------------------------------


def requantize(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Return accumulators * mantissa / 2**shift, rounded once, half to even, then + zero_point, then saturated.

    accumulators is an int32 tensor; mantissa (1 … 2**31 - 1), shift (0 … 62), zero_point and bit_width (1 … 32) are Python
    ints, signed True or False. Integers only: no float on the way. The result is a tensor of an integer type.
    """
    low = -(2 ** (bit_width - 1)) if signed else 0
    products = accumulators.to(torch.int64) * mantissa
    floor = products >> shift
    twice_the_rest = 2 * (products - (floor << shift))
    up = (twice_the_rest > 2**shift) | ((twice_the_rest == 2**shift) & (floor % 2 == 1))
    return torch.clamp(floor + up + zero_point, low, low + 2**bit_width - 1)


def only_shifted(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Shift, which rounds down."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    scaled = (accumulators.to(torch.int64) * mantissa) >> shift
    return torch.clamp(scaled + zero_point, low, low + 2**bit_width - 1)


def halves_up(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Add half a step and shift, which sends ties up."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    scaled = (accumulators.to(torch.int64) * mantissa + (1 << shift) // 2) >> shift
    return torch.clamp(scaled + zero_point, low, low + 2**bit_width - 1)


def halves_away(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Send ties away from zero, as C's round does."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    products = accumulators.to(torch.int64) * mantissa
    scaled = torch.sign(products) * ((torch.abs(products) + (1 << shift) // 2) >> shift)
    return torch.clamp(scaled + zero_point, low, low + 2**bit_width - 1)


def a_tie_of_nothing(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Call it a tie where nothing was dropped and half of nothing is 0."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    products = accumulators.to(torch.int64) * mantissa
    floor, half = products >> shift, 2**shift // 2
    rest = products - (floor << shift)
    return torch.clamp(
        floor + ((rest > half) | ((rest == half) & (floor % 2 == 1))) + zero_point, low, low + 2**bit_width - 1
    )


def rounded_twice(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Round half to even to one bit more than asked for, and then again."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    scaled = accumulators.to(torch.int64) * mantissa
    for step in (shift - 1, 1) if shift > 1 else (shift,):
        floor = scaled >> step
        rest = 2 * (scaled - (floor << step))
        scaled = floor + ((rest > 2**step) | ((rest == 2**step) & (floor % 2 == 1)))
    return torch.clamp(scaled + zero_point, low, low + 2**bit_width - 1)


def zero_point_before_rounding(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Add the zero point to the product, before it is rounded."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    products = accumulators.to(torch.int64) * mantissa + (zero_point << shift)
    floor = products >> shift
    rest = 2 * (products - (floor << shift))
    return torch.clamp(
        floor + ((rest > 2**shift) | ((rest == 2**shift) & (floor % 2 == 1))), low, low + 2**bit_width - 1
    )


def saturated_before_the_zero_point(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Saturate, and add the zero point to what is left."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    scaled = torch.round(accumulators.double() * mantissa / 2**shift).to(torch.int64)
    return torch.clamp(scaled, low, low + 2**bit_width - 1) + zero_point


def zero_point_forgotten(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Leave the zero point out."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    scaled = torch.round(accumulators.double() * mantissa / 2**shift).to(torch.int64)
    return torch.clamp(scaled, low, low + 2**bit_width - 1)


def wrapped(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Keep the low bits instead of saturating."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    scaled = torch.round(accumulators.double() * mantissa / 2**shift).to(torch.int64)
    return (scaled + zero_point - low) % 2**bit_width + low


def in_float32(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Multiply in float32, as runtimes do that keep the multiplier as a float."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    scaled = torch.round(accumulators.to(torch.float32) * (mantissa / 2**shift))
    return torch.clamp(scaled.to(torch.int64) + zero_point, low, low + 2**bit_width - 1)


def in_float64(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Multiply in float64."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    scaled = torch.round(accumulators.to(torch.float64) * mantissa / 2**shift)
    return torch.clamp(scaled.to(torch.int64) + zero_point, low, low + 2**bit_width - 1)


def in_int32(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Multiply in the accumulator's own 32 bits, which wrap."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    products = accumulators * mantissa
    floor = products.to(torch.int64) >> shift
    rest = 2 * (products.to(torch.int64) - (floor << shift))
    scaled = floor + ((rest > 2**shift) | ((rest == 2**shift) & (floor % 2 == 1)))
    return torch.clamp(scaled + zero_point, low, low + 2**bit_width - 1)


MULTIPLIERS = ((1, 0), (3, 2), (5, 2), (1, 1), (3, 3), (1, 2))  # 1, 0.75, 1.25, 0.5, 0.375, 0.25


def requantize_small():
    """Accumulators to 12 either way, six multipliers, zero points 0 … 3 where they fit, at 2 to 4 bits."""
    return in_order(
        Case(
            (tensor(accumulator), mantissa, shift, zero_point, bit_width, signed),
            (accumulator, zero_point),
            bit_width,
            signed,
            mantissa / 2**shift,
            zero_point,
        )
        for bit_width in (2, 3, 4)
        for signed in (False, True)
        for mantissa, shift in MULTIPLIERS
        for zero_point in range(4)
        for accumulator in range(-12, 13)
        if zero_point < 2 ** (bit_width - signed)
    )


# 0.3, a small one, 0.34, 2**-31, and one that brings 2**31 - 4 to 12 / 2**61 below a tie: more bits than float64 has
LAYERS = ((1288490189, 32), (1583594044, 40), (11141, 15), (2**31 - 1, 62), (3 * 2**29 + 3, 61))


def requantize_wide():
    """Whole tensors at 8 bits: powers of two and their neighbours to the ends of int32; two dimensions, empty ones."""
    powers = [sign * (2**n + d) for n in range(3, 31) for d in (-1, 0, 1) for sign in (1, -1)]
    return in_order(
        Case((q, mantissa, shift, zero_point, 8, signed), (), 8, signed, mantissa / 2**shift, zero_point)
        for signed in (False, True)
        for mantissa, shift in LAYERS
        for zero_point in (0, 5, 100)
        for q in (
            tensor([*range(-400, 400), *powers, 2**31 - 4, 2**31 - 1, -(2**31)]),
            tensor(range(12)).reshape(3, 4),
            tensor([]),
        )
    )


def exact_requantize(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Return the same in exact fractions: no shift, no tensor; Python's round takes halves to even."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    scaled = (round(Fraction(number * mantissa, 2**shift)) + zero_point for number in accumulators.tolist())
    return torch.tensor([min(max(number, low), low + 2**bit_width - 1) for number in scaled])


def requantize_runtime_cases():
    """8 bits, accumulators about 0 and about 7984, where two roundings are not one, at multipliers of 8 to 31 bits."""
    near = tensor([*range(-700, 700), *range(7900, 8100)])
    return [
        Case((near, mantissa, shift, zero_point, 8, signed), (), 8, signed)
        for signed, zero_point in product((False, True), (0, 3, 64))
        for mantissa, shift in ((154, 9), (1583594044, 40), (1288490189, 32))
    ]


PRODUCT = "How many bits has the product of two 32-bit integers, and how many has yours?"


def wrong_from_a_shift_of_32(differences):
    """Say whether every small input is right and what is shown drops more bits than an int32 has."""
    return len(differences) == 1 and differences[0].case.arguments[2] >= 32


def held_at_the_zero_point(differences):
    """Say whether every wrong answer is the zero point where something below it was expected: a ReLU."""
    return all(d.expected < d.found == d.case.zero_point for d in differences)


EXERCISE_B = Exercise(
    name="5.B",
    reference=requantize,
    read=read_integers,
    write=write_register,
    small=requantize_small,
    wide=requantize_wide,
    runtime=exact_requantize,
    runtime_name="exact fractions",
    runtime_cases=requantize_runtime_cases,
    hints=(
        "The product needs more than 32 bits: widen first. `>>` on a tensor rounds down, whatever the sign.",
        "What `>>` drops is products - (floor << shift), from 0 to 2**shift - 1. When does the floor need one more? When"
        " twice of it is above 2**shift; and when it is equal, if the floor is odd.",
        "In this order: widen, multiply, floor by a shift, one more where it is due, add the zero point, clamp to the"
        " ends of the format. A comparison gives True or False, which add like 1 and 0.",
    ),
    reason="The shift keeps the floor; what it drops says whether one more is due, and only a tie asks whether the floor"
    " is odd. The zero point is a whole number: added after the rounding it moves no tie. What must fit the register is"
    " the sum with the zero point, so saturation comes last.",
    question="What are the exact product, what is left of it after the shift, and what did the shift drop?",
    wrong=(
        WrongAnswer(
            only_shifted,
            "Which integer is nearest to the exact quotient, and where does a bare shift go?",
            "accumulators=1, mantissa=3, shift=2, zero_point=0, bit_width=2, signed=False: expected 1 (01), yours 0 (00)",
        ),
        WrongAnswer(
            halves_up,
            "This lies half way between two integers: which of the two is even?",
            "accumulators=1, mantissa=1, shift=1, zero_point=0, bit_width=2, signed=False: expected 0 (00), yours 1 (01)",
        ),
        WrongAnswer(
            halves_away,
            "This lies half way between two integers: which of the two is even?",
            "accumulators=1, mantissa=1, shift=1, zero_point=0, bit_width=2, signed=False: expected 0 (00), yours 1 (01)",
        ),
        WrongAnswer(
            a_tie_of_nothing,
            "A shift of 0 drops nothing: can there be a tie?",
            "accumulators=1, mantissa=1, shift=0, zero_point=0, bit_width=2, signed=False: expected 1 (01), yours 2 (10)",
        ),
        WrongAnswer(
            rounded_twice,
            "How often does your code round, and was it a tie before the first time?",
            "accumulators=7, mantissa=3, shift=3, zero_point=0, bit_width=2, signed=False: expected 3 (11), yours 2 (10)",
        ),
        WrongAnswer(
            zero_point_before_rounding,
            "This is a tie: does an odd zero point, added before the rounding, change which neighbour is even?",
            "accumulators=1, mantissa=1, shift=1, zero_point=1, bit_width=2, signed=False: expected 1 (01), yours 2 (10)",
        ),
        WrongAnswer(
            saturated_before_the_zero_point,
            "Which number must fit the register: the rounded product, or the one with the zero point added?",
            "accumulators=-1, mantissa=1, shift=0, zero_point=1, bit_width=2, signed=False: expected 0 (00), yours 1 (01)",
        ),
        WrongAnswer(
            zero_point_forgotten,
            "Where does your code look at zero_point?",
            "accumulators=0, mantissa=1, shift=0, zero_point=1, bit_width=2, signed=False: expected 1 (01), yours 0 (00)",
        ),
        WrongAnswer(
            wrapped,
            "The integer is past one end of the range, and yours is at the other: which was asked for?",
            "accumulators=-1, mantissa=1, shift=0, zero_point=0, bit_width=2, signed=False: expected 0 (00), yours 3 (11)",
        ),
        WrongAnswer(
            in_float64,
            "How many bits can the product have, and how many of them does a float64 keep?",
            "accumulators=2147483644, mantissa=1610612739, shift=61, zero_point=0, bit_width=8, signed=False:"
            " expected 1 (00000001), yours 2 (00000010)",
        ),
        WrongAnswer(
            in_float32,
            "How many bits has the product, and how many of them does a float32 keep?",
            "accumulators=15, mantissa=1288490189, shift=32, zero_point=0, bit_width=8, signed=False:"
            " expected 5 (00000101), yours 4 (00000100)",
        ),
        WrongAnswer(
            in_int32,
            PRODUCT,
            "accumulators=2, mantissa=1288490189, shift=32, zero_point=0, bit_width=8, signed=False:"
            " expected 1 (00000001), yours 0 (00000000)",
        ),
    ),
    rules=(
        Rule(whole_turns_of_a_byte, "Does {expected} fit into the type that you chose?"),
        Rule(wrong_from_a_shift_of_32, PRODUCT),
        Rule(
            held_at_the_zero_point,
            "Your code goes no lower than the zero point, as a ReLU does: which is the lower end of this format?",
        ),
    ),
)

EXERCISES = (EXERCISE_A, EXERCISE_B)

PREDICTIONS = (
    Prediction(
        "5.1",
        right="5 / 16",
        reasons={
            "3 / 10": "It is 0.3 exactly, but a shift divides by powers of two only, and 10 is none.",
            "2 / 8": "0.25 is off by 0.05. One more doubling gives a finer grid, and 5 still fits 3 bits.",
            "5 / 16": "0.3125, off by 0.0125. The largest mantissa that fits has the finest grid.",
            "10 / 32": "It is 5 / 16 once more, and 10 takes 4 bits.",
        },
    ),
    Prediction(
        "5.2",
        right="−1",
        reasons={
            "0": "That is what C's -1 / 2 gives, and a rounding half to even. A shift keeps the floor of −½.",
            "−1": "The floor of −½ is −1. In bits: all are 1, and the sign bit is kept.",
            "127": "That would be a shift that puts a 0 in front: right for unsigned bytes, and torch shifts int8 as signed.",
        },
    ),
    Prediction(
        "5.3",
        right="1/4",
        reasons={
            "0": "For that the ties would have to go up as often as down.",
            "1/4": "Every other accumulator is a tie and goes ½ up; the rest is exact. The mean is ¼.",
            "1/2": "Only the ties are off by ½, and every other accumulator is even, so exact.",
        },
    ),
    Prediction(
        "5.4",
        right="2",
        reasons={
            "1": "11 / 8 is 1.375, and 1 would be right. But 11 / 4 = 2.75 becomes 3, and 3 / 2 is a tie.",
            "2": "2.75 becomes 3, and 1½ goes up to 2: a tie that 11 / 8 never was.",
            "3": "3 is what the first rounding leaves. The second halves it.",
        },
    ),
    Prediction(
        "5.5",
        right="3, 8, 17",
        reasons={
            "1, 8, 15": "That is right for saturating last. Saturated first, −2 is 0 before the 3 comes.",
            "3, 8, 17": "−2 became 0, and 14 fitted, so that 14 + 3 = 17 does not.",
            "3, 8, 15": "Nothing saturates after the addition here: 14 + 3 is 17.",
        },
    ),
)

QUIZ = (
    QuizQuestion(
        "0.7 with a mantissa of 4 bits (8 … 15). Which pair?",
        right="11 / 2^4",
        reasons={
            "7 / 2^3": "0.875 is far off, and 7 takes only three of the four bits.",
            "11 / 2^4": "0.7 · 16 = 11.2, and 11 has 4 bits: 0.6875.",
            "22 / 2^5": "0.6875 too, but 22 takes 5 bits.",
            "6 / 2^3": "0.75: 6 leaves the top bit of the four unused, and the grid is twice as coarse.",
        },
    ),
    QuizQuestion(
        "An 8-bit output is 200 before rounding. By how much can a mantissa of 16 bits have moved it, at most?",
        right="about 0.003 steps",
        reasons={
            "about 0.003 steps": "The relative error is 2^−16 at most, and 200 · 2^−16 = 0.00305.",
            "half a step": "That is the rounding's share. The multiplier's is 200 · 2^−16.",
            "nothing": "Only a multiplier that is a mantissa over a power of two has no error.",
            "about 0.8 steps": "That is 8 bits: 200 · 2^−8.",
        },
    ),
    QuizQuestion(
        "13 is shifted right by 2, once half up, once half to even. What comes?",
        right="3 and 3",
        reasons={
            "4 and 3": "13 / 4 is 3.25, which is no tie: the tie rule is not asked.",
            "3 and 3": "3.25 is nearer to 3, and no tie rule is asked.",
            "3 and 4": "13 / 4 is 3.25, which is no tie, and nearer to 3.",
            "4 and 4": "13 / 4 is 3.25: to 4 it is three quarters of a step.",
        },
    ),
    QuizQuestion(
        "A register is off by 0.7 of a step from the exact number, and nothing saturated. Which of these can be?",
        right="it was rounded twice",
        reasons={
            "half up": "Rounding to the nearest, by any tie rule, is never off by more than ½.",
            "it was rounded twice": "0.3 · 1 became 1 in section 3: each rounding moves by up to half of its own step.",
            "half to even": "Rounding to the nearest, by any tie rule, is never off by more than ½.",
            "the zero point was added late": "A whole zero point moves the integer and the exact number alike.",
        },
    ),
    QuizQuestion(
        "8 unsigned bits, zero point 10, rounded result −4. What does the register hold?",
        right="6",
        reasons={
            "0": "−4 alone would saturate at 0. With the zero point it is 6, which fits.",
            "6": "−4 + 10 = 6: the zero point first, then the saturation, which has nothing to do.",
            "10": "Saturated before the zero point: then −4 is lost.",
            "252": "Wrapped before the zero point: 256 − 4. Even so, adding 10 would end at 6 if 8 bits wrap.",
        },
    ),
    QuizQuestion(
        "For which of these rules is it the same whether an odd zero point is added before or after the rounding?",
        right="half up",
        reasons={
            "half to even": "It asks which neighbour is even, and an odd number swaps the answer.",
            "half away": "It asks on which side of zero a tie lies, and a zero point can move it to the other side.",
            "half up": "Up is up on both sides of zero and at odd and even numbers.",
            "toward zero": "It asks for the sign, and a zero point can change it.",
        },
    ),
)
