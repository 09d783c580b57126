"""Chapter 3, addition pitfalls: its exercises, predictions and quiz."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

from fractions import Fraction
from itertools import product

import torch

from qtutor.exercises.answers import read_format, read_integers, read_sum, write_format, write_register, write_sum
from qtutor.exercises.exercise import Case, Exercise, Rule, WrongAnswer, in_order, tensor
from qtutor.exercises.leading import whole_turns_of_a_byte
from qtutor.exercises.questions import Prediction, QuizQuestion

FORMATS = [(bit_width, signed) for bit_width in range(1, 9) for signed in (False, True)]

# --- 3.A -------------------------------------------------------------------------------------------------------------


def sum_format(bits_a, signed_a, bits_b, signed_b):
    """Return (bit_width, signed) of the narrowest format that holds every sum of an integer of a and one of b.

    bits_a and bits_b are Python ints, signed_a and signed_b True or False. Unsigned where no sum is negative.
    """
    low = (-(2 ** (bits_a - 1)) if signed_a else 0) + (-(2 ** (bits_b - 1)) if signed_b else 0)
    high = (2 ** (bits_a - signed_a) - 1) + (2 ** (bits_b - signed_b) - 1)
    signed = low < 0
    bits = 1
    while (-(2 ** (bits - 1)) > low or 2 ** (bits - 1) - 1 < high) if signed else 2**bits - 1 < high:
        bits += 1
    return bits, signed


def wider_plus_one(bits_a, signed_a, bits_b, signed_b):
    """Take one bit more than the wider operand, as the reference tutorial does."""
    return max(bits_a, bits_b) + 1, signed_a or signed_b


def log_of_the_width(bits_a, signed_a, bits_b, signed_b):
    """Take ceil(log2(max - min)), as Brevitas does."""
    low = (-(2 ** (bits_a - 1)) if signed_a else 0) + (-(2 ** (bits_b - 1)) if signed_b else 0)
    high = (2 ** (bits_a - signed_a) - 1) + (2 ** (bits_b - signed_b) - 1)
    return max((high - low - 1).bit_length(), 1), signed_a or signed_b


def log_of_the_count(bits_a, signed_a, bits_b, signed_b):
    """Count the sums, ceil(log2(max - min + 1)), and forget where they lie."""
    low = (-(2 ** (bits_a - 1)) if signed_a else 0) + (-(2 ** (bits_b - 1)) if signed_b else 0)
    high = (2 ** (bits_a - signed_a) - 1) + (2 ** (bits_b - signed_b) - 1)
    return (high - low).bit_length(), signed_a or signed_b


def bits_added(bits_a, signed_a, bits_b, signed_b):
    """Add the widths, which is the rule for a product."""
    return bits_a + bits_b, signed_a or signed_b


def signed_only_if_both(bits_a, signed_a, bits_b, signed_b):
    """Call the sum signed only where both operands are."""
    low = (-(2 ** (bits_a - 1)) if signed_a else 0) + (-(2 ** (bits_b - 1)) if signed_b else 0)
    high = (2 ** (bits_a - signed_a) - 1) + (2 ** (bits_b - signed_b) - 1)
    bits = max((-low - 1).bit_length() if low < 0 else 0, high.bit_length()) + (low < 0)
    return max(bits, 1), signed_a and signed_b


def no_growth(bits_a, signed_a, bits_b, signed_b):
    """Keep the wider operand's width."""
    return max(bits_a, bits_b), signed_a or signed_b


def holds_both_ends(differences):
    """Say whether the format that is shown is one of the wider ones, which hold every sum too."""
    (bits, signed), (found_bits, found_signed) = differences[0].expected, differences[0].found
    return (found_signed or not signed) and found_bits >= bits + (found_signed - signed)


def sum_format_small():
    """All 256 pairs of formats to 8 bits; a pair is as wide as its wider format, and signed if one of them is."""
    return in_order(
        Case((bits_a, signed_a, bits_b, signed_b), (bits_a, bits_b), max(bits_a, bits_b), signed_a or signed_b)
        for (bits_a, signed_a), (bits_b, signed_b) in product(FORMATS, FORMATS)
    )


def sum_format_wide():
    """Formats to 12 bits, few enough values that a function may try them all."""
    return in_order(
        Case((bits_a, signed_a, bits_b, signed_b), (bits_a, bits_b), max(bits_a, bits_b), signed_a or signed_b)
        for bits_a, bits_b in ((9, 9), (10, 8), (3, 12), (12, 1))
        for signed_a in (False, True)
        for signed_b in (False, True)
    )


def every_sum_by_hand(bits_a, signed_a, bits_b, signed_b):
    """Return the format by adding every value of a to every value of b and trying one width after the other."""
    values_a = range(2**bits_a) if not signed_a else range(-(2**bits_a) // 2, 2**bits_a // 2)
    values_b = range(2**bits_b) if not signed_b else range(-(2**bits_b) // 2, 2**bits_b // 2)
    sums = {a + b for a in values_a for b in values_b}
    for bits in range(1, 20):
        for signed, held in ((False, range(2**bits)), (True, range(-(2**bits) // 2, 2**bits // 2))):
            if sums <= set(held):
                return bits, signed
    raise AssertionError("20 bits hold every sum of two 8-bit integers")


def sum_format_runtime_cases():
    """Formats to 5 bits, of which every sum can be made."""
    return [Case((*a, *b)) for a, b in product(FORMATS[:10], FORMATS[:10])]


EXERCISE_A = Exercise(
    name="3.A",
    reference=sum_format,
    read=read_format,
    write=write_format,
    small=sum_format_small,
    wide=sum_format_wide,
    runtime=every_sum_by_hand,
    runtime_name="every sum made one by one",
    runtime_cases=sum_format_runtime_cases,
    hints=(
        "Take u4 + s4: which is the smallest sum, and which the largest?",
        "A signed format of n bits holds -(2 ** (n - 1)) … 2 ** (n - 1) - 1. Which n holds your smallest sum, and which"
        " your largest?",
        "Add the low ends, add the high ends; signed if the low end is negative; then the first width that holds both.",
    ),
    reason="What must fit is two numbers, the smallest sum and the largest. Counting how many sums there are is not"
    " enough: a signed range lies evenly about 0, and the sums of a mixed pair do not.",
    question="Which are the smallest and the largest sum? Does your format hold both ends?",
    wrong=(
        WrongAnswer(
            wider_plus_one,
            "Which are the smallest and the largest sum? Does your format hold both ends?",
            "bits_a=2, signed_a=False, bits_b=2, signed_b=True: expected (4, True), yours (3, True)",
        ),
        WrongAnswer(
            log_of_the_width,
            "How many different sums are there from the smallest to the largest, both ends counted?",
            "bits_a=1, signed_a=False, bits_b=1, signed_b=False: expected (2, False), yours (1, False)",
        ),
        WrongAnswer(
            log_of_the_count,
            "Which are the smallest and the largest sum? Does your format hold both ends?",
            "bits_a=2, signed_a=False, bits_b=2, signed_b=True: expected (4, True), yours (3, True)",
        ),
        WrongAnswer(
            bits_added,
            "Which is the largest sum, and is there a narrower format that still holds both ends?",
            "bits_a=2, signed_a=False, bits_b=2, signed_b=False: expected (3, False), yours (4, False)",
        ),
        WrongAnswer(
            signed_only_if_both,
            "Which is the smallest sum, and does an unsigned format hold it?",
            "bits_a=1, signed_a=False, bits_b=1, signed_b=True: expected (2, True), yours (2, False)",
        ),
        WrongAnswer(
            no_growth,
            "Which is the largest sum, and does a format as wide as the operands hold it?",
            "bits_a=1, signed_a=False, bits_b=1, signed_b=False: expected (2, False), yours (1, False)",
        ),
    ),
    rules=(Rule(holds_both_ends, "It holds both ends. Is there a narrower one? Can a sum here be negative?"),),
)

# --- 3.B -------------------------------------------------------------------------------------------------------------


def quant_transform(q, zero_point, ratio, bit_width, signed):
    """Return the integers q on another scale, zero point and format kept; halves to even, saturated.

    q is an int32 tensor, zero_point a Python int, ratio (old scale / new scale) a Python float, bit_width 1 … 16.
    The result is a tensor of an integer type.
    """
    low = -(2 ** (bit_width - 1)) if signed else 0
    steps = torch.round((q - zero_point) * ratio)
    return torch.clamp(steps + zero_point, low, low + 2**bit_width - 1).to(torch.int32)


def zero_point_forgotten(q, zero_point, ratio, bit_width, signed):
    """Multiply q itself."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    return torch.clamp(torch.round(q * ratio).to(torch.int32), low, low + 2**bit_width - 1)


def zero_point_scaled_too(q, zero_point, ratio, bit_width, signed):
    """Move the zero point to the new scale as well."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    steps = torch.round((q - zero_point) * ratio).to(torch.int32)
    return torch.clamp(steps + round(zero_point * ratio), low, low + 2**bit_width - 1)


def rounded_after_the_zero_point(q, zero_point, ratio, bit_width, signed):
    """Add the zero point before rounding."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    moved = torch.round((q - zero_point) * ratio + zero_point).to(torch.int32)
    return torch.clamp(moved, low, low + 2**bit_width - 1)


def halves_away_from_zero(q, zero_point, ratio, bit_width, signed):
    """Round halves away from zero."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    scaled = (q - zero_point) * ratio
    steps = (torch.sign(scaled) * torch.floor(torch.abs(scaled) + 0.5)).to(torch.int32)
    return torch.clamp(steps + zero_point, low, low + 2**bit_width - 1)


def saturated_before_the_zero_point(q, zero_point, ratio, bit_width, signed):
    """Saturate the steps instead of the integers."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    steps = torch.round((q - zero_point) * ratio).to(torch.int32)
    return torch.clamp(steps, low, low + 2**bit_width - 1) + zero_point


def not_saturated(q, zero_point, ratio, bit_width, signed):
    """Leave out the saturation."""
    return torch.round((q - zero_point) * ratio).to(torch.int32) + zero_point


def wrapped(q, zero_point, ratio, bit_width, signed):
    """Wrap instead of saturating."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    moved = torch.round((q - zero_point) * ratio).to(torch.int32) + zero_point
    return (moved - low) % 2**bit_width + low


def shifted(q, zero_point, ratio, bit_width, signed):
    """Round down, as a plain shift does."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    steps = torch.floor((q - zero_point) * ratio).to(torch.int32)
    return torch.clamp(steps + zero_point, low, low + 2**bit_width - 1)


def ratio_upside_down(q, zero_point, ratio, bit_width, signed):
    """Divide by the ratio."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    steps = torch.round((q - zero_point) / ratio).to(torch.int32)
    return torch.clamp(steps + zero_point, low, low + 2**bit_width - 1)


def zero_point_without_its_sign(q, zero_point, ratio, bit_width, signed):
    """Take the zero point for positive."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    steps = torch.round((q - abs(zero_point)) * ratio).to(torch.int32)
    return torch.clamp(steps + abs(zero_point), low, low + 2**bit_width - 1)


def ratio_in_eighths(q, zero_point, ratio, bit_width, signed):
    """Round the ratio to eighths, so that a shift by 3 does the division."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    steps = torch.round((q - zero_point) * (round(8 * ratio) / 8)).to(torch.int32)
    return torch.clamp(steps + zero_point, low, low + 2**bit_width - 1)


def ratio_to_3_only(q, zero_point, ratio, bit_width, signed):
    """Hold the ratio in two bits before the point."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    steps = torch.round((q - zero_point) * min(ratio, 3.0)).to(torch.int32)
    return torch.clamp(steps + zero_point, low, low + 2**bit_width - 1)


def only_relabelled(q, zero_point, ratio, bit_width, signed):
    """Keep the integers and call the scale by a new name."""
    return q.clone()


def transform_small():
    """Every integer at 2 to 4 bits, zero points 0 … 3 where they fit, five ratios."""
    return in_order(
        Case((tensor(q), zero_point, ratio, bit_width, signed), (q, zero_point), bit_width, signed, ratio, zero_point)
        for bit_width in (2, 3, 4)
        for signed in (False, True)
        for ratio in (0.5, 2.0, 0.25, 1.5, 2.5)
        for zero_point in range(4)
        for q in register(bit_width, signed)
        if zero_point in register(bit_width, signed)
    )


def register(bit_width, signed):
    """Return the integers of a format as a range."""
    return range(-(2 ** (bit_width - 1)), 2 ** (bit_width - 1)) if signed else range(2**bit_width)


def transform_wide():
    """Whole tensors at 8 and 10 bits, two dimensions, empty ones; a zero point below 0 where signed.

    0.4 times a whole number is never near a tie, and float32 holds the other ratios: no float rounds to another integer.
    """
    return in_order(
        Case((q, zero_point, ratio, bit_width, signed), (), bit_width, signed, ratio, zero_point)
        for bit_width in (8, 10)
        for signed in (False, True)
        for ratio in (0.375, 0.4, 0.5, 1.25, 3.0, 5.0)
        for zero_point in ((-5, 0, 5, 100) if signed else (0, 5, 100))
        for q in (
            tensor(register(bit_width, signed)),
            tensor(range(12)).reshape(3, 4),
            tensor([]),
        )
    )


def exact_transform(q, zero_point, ratio, bit_width, signed):
    """Return the same in exact fractions: no tensor, no float; Python's round takes halves to even."""
    held = register(bit_width, signed)
    moved = (round((number - zero_point) * Fraction(ratio)) + zero_point for number in q.tolist())
    return torch.tensor([min(max(number, held[0]), held[-1]) for number in moved])


def transform_runtime_cases():
    """8 bits, every integer, at ratios with and without ties."""
    return [
        Case((tensor(register(8, signed)), zero_point, ratio, 8, signed), (), 8, signed)
        for signed in (False, True)
        for zero_point in (0, 3, 64)
        for ratio in (0.5, 0.75, 2.5)
    ]


EXERCISE_B = Exercise(
    name="3.B",
    reference=quant_transform,
    read=read_integers,
    write=write_register,
    small=transform_small,
    wide=transform_wide,
    runtime=exact_transform,
    runtime_name="exact fractions",
    runtime_cases=transform_runtime_cases,
    hints=(
        "q - zero_point is a number of old steps. How many new steps is that?",
        "What must stay the same is real 0.0: the zero point is taken away before the ratio acts, and comes back after"
        " the rounding.",
        "Five acts in a row: subtract, multiply, round half to even, add, saturate. The type must be an integer's again.",
    ),
    reason="Only differences from the zero point have a size in steps, so only they are multiplied. The zero point is a"
    " whole number: added after rounding it moves no tie. The range binds what the register holds, so saturation is"
    " last.",
    question="How many new steps are q - zero_point old ones, and which integer is that?",
    wrong=(
        WrongAnswer(
            zero_point_forgotten,
            "Which real number is q = 0 here, and which real number is your answer?",
            "q=0, zero_point=1, ratio=0.5, bit_width=2, signed=False: expected 1 (01), yours 0 (00)",
        ),
        WrongAnswer(
            zero_point_scaled_too,
            "Which q stands for real 0.0 on the new scale, if the zero point is to stay?",
            "q=0, zero_point=1, ratio=0.5, bit_width=2, signed=False: expected 1 (01), yours 0 (00)",
        ),
        WrongAnswer(
            rounded_after_the_zero_point,
            "What is -½ rounded half to even, and what is +½? Which of the two did your code round?",
            "q=0, zero_point=1, ratio=0.5, bit_width=2, signed=False: expected 1 (01), yours 0 (00)",
        ),
        WrongAnswer(
            halves_away_from_zero,
            "This lies half way between two integers: which of the two does half to even take?",
            "q=1, zero_point=0, ratio=0.5, bit_width=2, signed=False: expected 0 (00), yours 1 (01)",
        ),
        WrongAnswer(
            saturated_before_the_zero_point,
            "Which number must fit the register: the steps, or the steps with the zero point added?",
            "q=0, zero_point=1, ratio=1.5, bit_width=2, signed=False: expected 0 (00), yours 1 (01)",
        ),
        WrongAnswer(
            not_saturated,
            "Does your answer fit the register, and what did exercise 2.A do about that?",
            "q=0, zero_point=1, ratio=1.5, bit_width=2, signed=False: expected 0 (00), yours -1 (does not fit)",
        ),
        WrongAnswer(
            wrapped,
            "The integer is past one end of the range, and yours is at the other: which was asked for?",
            "q=0, zero_point=1, ratio=1.5, bit_width=2, signed=False: expected 0 (00), yours 3 (11)",
        ),
        WrongAnswer(
            shifted,
            "Which integer is nearest to (q - zero_point) * ratio, and in which direction did yours go?",
            "q=1, zero_point=0, ratio=1.5, bit_width=2, signed=False: expected 2 (10), yours 1 (01)",
        ),
        WrongAnswer(
            ratio_upside_down,
            "ratio is old scale / new scale: are there more new steps than old ones here, or fewer?",
            "q=1, zero_point=0, ratio=1.5, bit_width=2, signed=False: expected 2 (10), yours 1 (01)",
        ),
        WrongAnswer(
            only_relabelled,
            "Your integers are the old ones: which real numbers do they stand for on the new scale?",
            "q=1, zero_point=0, ratio=1.5, bit_width=2, signed=False: expected 2 (10), yours 1 (01)",
        ),
        WrongAnswer(
            zero_point_without_its_sign,
            "How many old steps is q from this zero point, and on which side of it?",
            "q=0, zero_point=-5, ratio=1.25, bit_width=8, signed=True: expected 1 (00000001), yours -1 (11111111)",
        ),
        WrongAnswer(
            ratio_in_eighths,
            "What is this q times the ratio itself, and which ratio did your code multiply by?",
            "q=9, zero_point=0, ratio=0.4, bit_width=8, signed=False: expected 4 (00000100), yours 3 (00000011)",
        ),
        WrongAnswer(
            ratio_to_3_only,
            "How many new steps is one old step here, and how many did your code make of it?",
            "q=1, zero_point=0, ratio=5, bit_width=8, signed=False: expected 5 (00000101), yours 3 (00000011)",
        ),
    ),
    rules=(Rule(whole_turns_of_a_byte, "Does {expected} fit into the type that you chose?"),),
)

# --- 3.C -------------------------------------------------------------------------------------------------------------


def add(a, a_zero_point, b, b_zero_point):
    """Return (the integers of the sum, its zero point) of two tensors on one scale, so that nothing is lost.

    a and b are both uint8 or both int8 tensors, the zero points Python ints.
    """
    return a.to(torch.int32) + b.to(torch.int32), a_zero_point + b_zero_point


def added_in_the_container(a, a_zero_point, b, b_zero_point):
    """Add in the 8-bit type, which wraps."""
    return a + b, a_zero_point + b_zero_point


def zero_point_of_a(a, a_zero_point, b, b_zero_point):
    """Keep the first operand's zero point."""
    return a.to(torch.int32) + b.to(torch.int32), a_zero_point


def zero_points_averaged(a, a_zero_point, b, b_zero_point):
    """Take the mean of the zero points."""
    return a.to(torch.int32) + b.to(torch.int32), (a_zero_point + b_zero_point) // 2


def zero_points_counted_twice(a, a_zero_point, b, b_zero_point):
    """Take the zero points away from the integers and still report them."""
    return (a.to(torch.int32) - a_zero_point) + (b.to(torch.int32) - b_zero_point), a_zero_point + b_zero_point


def zero_point_in_uint8(a, a_zero_point, b, b_zero_point):
    """Add the zero points in a byte of their own, which wraps."""
    return a.to(torch.int32) + b.to(torch.int32), (a_zero_point + b_zero_point) % 256


def zero_point_saturated(a, a_zero_point, b, b_zero_point):
    """Stop the zero point at the end of a byte."""
    return a.to(torch.int32) + b.to(torch.int32), min(a_zero_point + b_zero_point, 255)


def zero_points_without_their_signs(a, a_zero_point, b, b_zero_point):
    """Take the zero points for positive."""
    return a.to(torch.int32) + b.to(torch.int32), abs(a_zero_point) + abs(b_zero_point)


def saturated_to_8_bits(a, a_zero_point, b, b_zero_point):
    """Saturate the sum in the operands' own type."""
    ends = torch.iinfo(a.dtype)
    return torch.clamp(a.to(torch.int32) + b.to(torch.int32), ends.min, ends.max), a_zero_point + b_zero_point


def add_small():
    """Every pair of integers at 2 and 3 bits, zero points 0 and 1; all pairs of 8 bits are among the wide inputs."""
    return in_order(
        Case((tensor(a, kind), a_zero, tensor(b, kind), b_zero), (a, b, a_zero, b_zero), bit_width, signed)
        for bit_width in (2, 3)
        for signed, kind in ((False, torch.uint8), (True, torch.int8))
        for a, b in product(register(bit_width, signed), repeat=2)
        for a_zero, b_zero in product((0, 1), repeat=2)
    )


def add_wide():
    """All 65,536 pairs of 8-bit integers in one tensor for each sign, and two dimensions, empty ones.

    The sum of the zero points leaves the byte, too: 300, and -131.
    """
    return in_order(
        Case((a, a_zero, b, b_zero), (a_zero, b_zero), 8, signed)
        for signed, kind in ((False, torch.uint8), (True, torch.int8))
        for a, b in (
            every_pair(kind),
            (tensor(range(6), kind).reshape(2, 3), tensor(range(6, 12), kind).reshape(2, 3)),
            (tensor([], kind), tensor([], kind)),
        )
        for a_zero, b_zero in ((0, 0), (3, 5), (-3, -128) if signed else (200, 100))
    )


def every_pair(kind):
    """Return two tensors that together hold every pair of 8-bit integers."""
    values = torch.arange(torch.iinfo(kind).min, torch.iinfo(kind).max + 1).to(kind)
    return values.repeat_interleave(256), values.repeat(256)


def pairs_tried(cases):
    """Return how many pairs of each type the cases hold, counted, so that a verdict says no more than was tried."""
    pairs: dict[str, set[tuple[int, int]]] = {}
    for a, _, b, _ in (case.arguments for case in cases):
        kind = str(a.dtype).removeprefix("torch.")
        pairs.setdefault(kind, set()).update(zip(a.reshape(-1).tolist(), b.reshape(-1).tolist(), strict=True))
    counted = ((kind, len(found), "all " if len(found) == 2**16 else "") for kind, found in pairs.items())
    return " and ".join(f"{every}{count:,} pairs of {kind}" for kind, count, every in counted)


def add_in_numpy(a, a_zero_point, b, b_zero_point):
    """Return the same by NumPy, in 64 bits."""
    return torch.from_numpy(a.numpy().astype("int64") + b.numpy().astype("int64")), a_zero_point + b_zero_point


def add_runtime_cases():
    """All 65,536 pairs once more, for each sign."""
    return [Case((a, 1, b, 2), (), 8) for a, b in (every_pair(torch.uint8), every_pair(torch.int8))]


EXERCISE_C = Exercise(
    name="3.C",
    reference=add,
    read=read_sum,
    write=write_sum,
    small=add_small,
    wide=add_wide,
    runtime=add_in_numpy,
    runtime_name="NumPy in 64 bits",
    runtime_cases=add_runtime_cases,
    hints=(
        "scale * (a - a_zero_point) + scale * (b - b_zero_point): collect the integers, collect the zero points.",
        "What is 200 + 100 in uint8? Sums need a wider type than their operands.",
        "One line: both operands in int32, added; and the sum of the two zero points beside it.",
    ),
    reason="scale * (a - za) + scale * (b - zb) is scale * ((a + b) - (za + zb)): integers add, zero points add. The"
    " type must be widened before the addition, for afterwards the carry is gone.",
    question="Which real numbers are a and b at scale 1, and which one is your sum with your zero point?",
    wrong=(
        WrongAnswer(
            added_in_the_container,
            "Which type was the addition done in, and which is the largest integer of that type?",
            "a=1 (uint8), a_zero_point=0, b=255 (uint8), b_zero_point=0:"
            " expected 256 (100000000) with zero point 0, yours 0 (000000000) with zero point 0",
        ),
        WrongAnswer(
            zero_point_of_a,
            "Where did the other zero point go: which real number is your sum?",
            "a=0 (uint8), a_zero_point=0, b=0 (uint8), b_zero_point=1:"
            " expected 0 (000) with zero point 1, yours 0 (000) with zero point 0",
        ),
        WrongAnswer(
            zero_points_averaged,
            "scale * (a - za) + scale * (b - zb): what is left when you take scale out of both?",
            "a=0 (uint8), a_zero_point=0, b=0 (uint8), b_zero_point=1:"
            " expected 0 (000) with zero point 1, yours 0 (000) with zero point 0",
        ),
        WrongAnswer(
            zero_points_counted_twice,
            "The zero point is already gone from your integers: what happens to whoever subtracts it again?",
            "a=0 (uint8), a_zero_point=0, b=0 (uint8), b_zero_point=1:"
            " expected 0 (000) with zero point 1, yours -1 (does not fit) with zero point 1",
        ),
        WrongAnswer(
            saturated_to_8_bits,
            "The sum was cut off at the operands' largest integer: which format holds every sum (exercise 3.A)?",
            "a=1 (uint8), a_zero_point=0, b=255 (uint8), b_zero_point=0:"
            " expected 256 (100000000) with zero point 0, yours 255 (011111111) with zero point 0",
        ),
        WrongAnswer(
            zero_point_in_uint8,
            "200 + 100: does the type in which you add the zero points hold that?",
            "a=0 (uint8), a_zero_point=200, b=6 (uint8), b_zero_point=100:"
            " expected 6 (000000110) with zero point 300, yours 6 (000000110) with zero point 44",
        ),
        WrongAnswer(
            zero_point_saturated,
            "The sums have more than 8 bits: must their zero point end at 255?",
            "a=0 (uint8), a_zero_point=200, b=6 (uint8), b_zero_point=100:"
            " expected 6 (000000110) with zero point 300, yours 6 (000000110) with zero point 255",
        ),
        WrongAnswer(
            zero_points_without_their_signs,
            "Both zero points lie below 0 here: where must that of the sum lie?",
            "a=0 (int8), a_zero_point=-3, b=6 (int8), b_zero_point=-128:"
            " expected 6 (000000110) with zero point -131, yours 6 (000000110) with zero point 131",
        ),
    ),
    wide_words=pairs_tried,
)

EXERCISES = (EXERCISE_A, EXERCISE_B, EXERCISE_C)

PREDICTIONS = (
    Prediction(
        "3.1",
        right="5",
        reasons={
            "1": "(11 − 1) · ½ is 5: the offset of a is gone, that of b is still in.",
            "2.5": "The mean of 1 and 4 would be right for the mean of the integers; (11 − 2.5) · ½ is 4.25.",
            "4": "(11 − 4) · ½ is 3.5: the offset of b is gone, that of a is still in.",
            "5": "Each integer brings its own offset along, 1 and 4: (11 − 5) · ½ is 3.",
        },
    ),
    Prediction(
        "3.2",
        right="−56",
        reasons={
            "200": "The result has the operands' type, int8, and 200 does not fit.",
            "127": "torch does not saturate: int8 keeps the lowest 8 bits.",
            "−56": "200 − 256: torch wraps without a word.",
        },
    ),
    Prediction(
        "3.3",
        right="6",
        reasons={
            "5": "One more than the wider, which is Brevitas's answer too; but the sums run from −8 to 22, and signed"
            " 5 bits end at 15.",
            "6": "The sums run from −8 to 22. Signed 5 bits end at 15, signed 6 bits at 31.",
            "8": "Adding the widths is the rule for a product; these sums fit in fewer.",
        },
    ),
    Prediction(
        "3.4",
        right="one apart somewhere",
        reasons={
            "the same everywhere": "That holds where nothing is rounded. Here the zero points end in ½, so the values,"
            " whole multiples of the scale, are ties.",
            "one apart somewhere": "21 31 41 51 and 22 30 42 50: here it is everywhere, up and down by turns.",
            "further apart": "Three roundings, each by half a step at most, cannot make more than 1 between two"
            " integers.",
        },
    ),
)

QUIZ = (
    QuizQuestion(
        "Two tensors, scales 0.2 and 0.5, zero points 0. What does qa + qb mean?",
        right="nothing, until one is brought to the other's scale",
        reasons={
            "the sum at scale 0.35": "Take qa = 1, qb = 0: the real sum is 0.2, not 0.35. The mean of two scales is"
            " the scale of neither.",
            "nothing, until one is brought to the other's scale": "Integers count steps, and steps of two sizes cannot"
            " be counted together.",
            "the sum at scale 0.7": "Take qa = 1, qb = 0: the real sum is 0.2, not 0.7. Scales do not add.",
            "the sum at scale 0.5": "Take qa = 1, qb = 0: the real sum is 0.2, not 0.5. Only qb counts steps of 0.5.",
        },
    ),
    QuizQuestion(
        "Same scale, zero points 3 and 5. What is the zero point of qa + qb?",
        right="8",
        reasons={
            "4": "The mean would be right for the mean of the integers, not for their sum.",
            "5": "The larger one leaves 3 steps of offset in the sum.",
            "0": "Each integer brings its own offset along, and adding removes neither.",
            "8": "s(qa − 3) + s(qb − 5) = s(qa + qb − 8).",
        },
    ),
    QuizQuestion(
        "How many bits does u8 + s8 need, so that nothing is lost?",
        right="10, signed",
        reasons={
            "9, signed": "One more than the wider is right for s8 + s8. Here the highest sum is 255 + 127 = 382, and"
            " signed 9 bits end at 255.",
            "9, unsigned": "382 fits, but the lowest sum is 0 − 128, and no unsigned format holds it.",
            "10, signed": "The sums are −128 … 382; signed 9 bits end at 255, signed 10 bits hold −512 … 511.",
            "16, signed": "That is the rule for a product.",
        },
    ),
    QuizQuestion(
        "A stored tensor moves from scale 0.2 to scale 0.5, and nothing saturates. By how much can that change a number?",
        right="0.25",
        reasons={
            "0.25": "Half a step of the new scale: the nearest step is never further away.",
            "0.1": "Half a step of the old scale: that was the error of storing it, not of the move.",
            "0.5": "A whole step: rounding to the nearest never goes so far.",
            "0": "Only where the old scale is a whole multiple of the new one, and 0.2 / 0.5 = 0.4.",
        },
    ),
    QuizQuestion(
        "Two registers of one scale meet in an adder. The integers of the sum and the sum of the integers differ by 1."
        " Which of them comes out?",
        right="the sum of the integers",
        reasons={
            "the integers of the sum": "That is what a simulation in floats computes: an adder has no unrounded"
            " values to add.",
            "their mean": "Nobody computes both, so nobody can take their mean.",
            "the sum of the integers": "The registers hold integers, and an adder adds what they hold.",
            "whichever is nearer to the real sum": "The real sum is not known to it: it holds integers only.",
        },
    ),
)
