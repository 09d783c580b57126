"""Chapter 6, choose the scale: its exercises, predictions and quiz."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math
from itertools import product

import torch

from qtutor.exercises.answers import pair, tensor_alone, whole, words
from qtutor.exercises.exercise import Answer, Case, Exercise, Unreadable, WrongAnswer, in_order
from qtutor.exercises.questions import Prediction, QuizQuestion
from qtutor.exercises.runtimes import brevitas_channel_scales, onnx_dynamic_format

# --- what is accepted: a scale within a millionth of the right one, so that nobody fails by a division's last bit ------

NEAR = 1e-6


def as_compared(value, right):
    """Return a scale as it is compared: seven digits, which tell a millionth apart, of the right one if near it, or its own."""
    return float(f"{right if math.isclose(value, right, rel_tol=NEAR) else value:.7g}")


def read_scale_and_zero(result, case):
    """Return (scale, zero_point): a real number, as a float, a tensor of one number or what else float takes; an int."""
    scale, zero_point = pair(result, "(scale, zero_point)")
    try:
        if isinstance(scale, (str, bytes)):  # float would read the digits
            raise TypeError
        found = as_compared(float(scale), choose_scale(*case.arguments)[0])
    except (TypeError, ValueError, RuntimeError):
        raise Unreadable(f"{words(scale)} as scale, which is a number: which step makes it one?") from None
    return Answer(((found, whole(zero_point, "zero_point")),))


def write_scale_and_zero(value, case):
    """Return a pair in words."""
    return f"scale {value[0]:g} with zero point {value[1]}"


def read_channel_scales(result, case):
    """Return one scale for each row, from a float tensor [rows]; together they are one answer."""
    result = tensor_alone(result)
    rows = case.tensors[0].shape[0]
    if result.shape != (rows,):
        raise Unreadable(
            f"the shape {tuple(result.shape)} for a weight of {rows} rows: give one scale for each row, shape ({rows},)."
        )
    if not result.is_floating_point():
        raise Unreadable(
            f"a tensor of {words(result.dtype)}, and a scale is a real number: which step lost its fraction?"
        )
    right = channel_scales(*case.arguments).tolist()
    return Answer((tuple(as_compared(*scales) for scales in zip(result.tolist(), right, strict=True)),))


def write_channel_scales(value, case):
    """Return the scales in a row."""
    return "[" + ", ".join(f"{scale:g}" for scale in value) + "]"


# --- 6.A -------------------------------------------------------------------------------------------------------------


def choose_scale(low, high, bit_width, signed):
    """Return (scale, zero_point) of the format whose window is as wide as low … high, widened where it must be to hold 0.

    low and high are Python floats, low < high; signed is True or False. zero_point is the integer nearest to where 0.0 lies.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    int_min = -(2 ** (bit_width - 1)) if signed else 0
    scale = (high - low) / (2**bit_width - 1)
    return scale, int_min - round(low / scale)


def zero_left_out(low, high, bit_width, signed):
    """Span the values alone, and clamp the zero point that this gives."""
    int_min = -(2 ** (bit_width - 1)) if signed else 0
    scale = (high - low) / (2**bit_width - 1)
    return scale, min(max(int_min - round(low / scale), int_min), int_min + 2**bit_width - 1)


def zero_point_outside(low, high, bit_width, signed):
    """Span the values alone, and take the zero point that comes, inside the range or not."""
    int_min = -(2 ** (bit_width - 1)) if signed else 0
    scale = (high - low) / (2**bit_width - 1)
    return scale, int_min - round(low / scale)


def zero_point_outside_and_unsigned(low, high, bit_width, signed):
    """Span the values alone, and count from 0 whatever the sign."""
    scale = (high - low) / (2**bit_width - 1)
    return scale, round(-low / scale)


def one_step_too_many(low, high, bit_width, signed):
    """Divide by the number of integers, which is one more than the steps between them."""
    low, high = min(low, 0.0), max(high, 0.0)
    int_min = -(2 ** (bit_width - 1)) if signed else 0
    scale = (high - low) / 2**bit_width
    return scale, min(int_min - round(low / scale), int_min + 2**bit_width - 1)


def zero_point_cut_off(low, high, bit_width, signed):
    """Cut the fraction of the zero point off instead of rounding it."""
    low, high = min(low, 0.0), max(high, 0.0)
    int_min = -(2 ** (bit_width - 1)) if signed else 0
    scale = (high - low) / (2**bit_width - 1)
    return scale, int_min + int(-low / scale)


def range_begins_at_zero(low, high, bit_width, signed):
    """Forget that a signed range begins below 0."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (2**bit_width - 1)
    return scale, -round(low / scale)


def wrong_way(low, high, bit_width, signed):
    """Move the zero point the wrong way, and clamp what comes."""
    low, high = min(low, 0.0), max(high, 0.0)
    int_min = -(2 ** (bit_width - 1)) if signed else 0
    scale = (high - low) / (2**bit_width - 1)
    return scale, max(int_min + round(low / scale), int_min)


def symmetric(low, high, bit_width, signed):
    """Reach as far down as up, with zero point 0."""
    int_max = 2 ** (bit_width - 1) - 1 if signed else 2**bit_width - 1
    return max(-low, high) / int_max, 0


def low_end_forgotten(low, high, bit_width, signed):
    """Give the top to high, and let what is negative saturate."""
    int_min = -(2 ** (bit_width - 1)) if signed else 0
    return (max(high, 0.0) or 1.0) / (2**bit_width - 1), int_min


def always_8_bits(low, high, bit_width, signed):
    """Take 255 steps whatever the width."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255
    return scale, (-128 if signed else 0) - round(low / scale)


def is_half_way(low, high, bit_width):
    """Say whether real 0.0 lies half way between two integers, so that both are right."""
    low, high = min(low, 0.0), max(high, 0.0)
    return -low * (2**bit_width - 1) * 2 % (2 * (high - low)) == high - low  # exact: halves and small whole numbers


def span_cases(bit_widths, reach, signs=(False, True)):
    """Return every low < high in halves up to reach, but those where two zero points are right."""
    halves = [n / 2 for n in range(-2 * reach, 2 * reach + 1)]
    return in_order(
        Case((low, high, bit_width, signed), (low, high), bit_width, signed)
        for bit_width in bit_widths
        for signed in signs
        for low, high in product(halves, repeat=2)
        if low < high and not is_half_way(low, high, bit_width)
    )


def choose_scale_small():
    """Every range in halves from −3 to 3, at 2 to 5 bits, unsigned and signed."""
    return span_cases((2, 3, 4, 5), 3)


def choose_scale_wide():
    """Ranges to ±4, at 6 to 16 bits."""
    return span_cases((6, 8, 12, 16), 4)


def choose_scale_runtime_cases():
    """8 bits unsigned, which the operator has, to ±5."""
    return span_cases((8,), 5, signs=(False,))


EXERCISE_A = Exercise(
    name="6.A",
    reference=choose_scale,
    read=read_scale_and_zero,
    write=write_scale_and_zero,
    small=choose_scale_small,
    wide=choose_scale_wide,
    runtime=onnx_dynamic_format,
    runtime_name="ONNX Runtime's DynamicQuantizeLinear",
    runtime_cases=choose_scale_runtime_cases,
    hints=(
        "Real 0.0 must have an integer. So which range must the format span where all values lie above 0?",
        "How many steps lie between the lowest of 2**bit_width integers and the highest?",
        "scale = (high - low) / (2**bit_width - 1). low gets the smallest integer, and 0.0 lies round(-low / scale)"
        " steps above it.",
    ),
    reason="The range is widened to 0 first, so that 0.0 gets an integer. n integers in a row have n − 1 steps between"
    " them. The smallest integer is for low; 0.0 lies −low / scale steps above it, rounded, for a zero point is an"
    " integer, and because 0 lies between low and high it is always in the range. The rounding moves the window by half"
    " a step at most.",
    question="Which real numbers do the smallest and the largest integer stand for in your format, and in the one asked for?",
    wrong=(
        WrongAnswer(
            zero_left_out,
            "Which integer stands for real 0.0 in your format, and which real number does it read back as?",
            "low=0.5, high=1, bit_width=2, signed=False: expected scale 0.333333 with zero point 0,"
            " yours scale 0.166667 with zero point 0",
        ),
        WrongAnswer(
            zero_point_outside,
            "Is your zero point one of the format's integers, and so does real 0.0 have one?",
            "low=0.5, high=1, bit_width=2, signed=False: expected scale 0.333333 with zero point 0,"
            " yours scale 0.166667 with zero point -3",
        ),
        WrongAnswer(
            zero_point_outside_and_unsigned,
            "Is your zero point one of the format's integers, and so does real 0.0 have one?",
            "low=0.5, high=1, bit_width=2, signed=False: expected scale 0.333333 with zero point 0,"
            " yours scale 0.166667 with zero point -3",
        ),
        WrongAnswer(
            one_step_too_many,
            "How many steps lie between the first and the last of 2**bit_width integers?",
            "low=0, high=0.5, bit_width=2, signed=False: expected scale 0.166667 with zero point 0,"
            " yours scale 0.125 with zero point 0",
        ),
        WrongAnswer(
            zero_point_cut_off,
            "Which integer is nearest to the place of 0.0, and which did yours take?",
            "low=-0.5, high=1.5, bit_width=2, signed=False: expected scale 0.666667 with zero point 1,"
            " yours scale 0.666667 with zero point 0",
        ),
        WrongAnswer(
            range_begins_at_zero,
            "Which is the smallest integer of a signed format, and which real number does it stand for in yours?",
            "low=0, high=0.5, bit_width=2, signed=True: expected scale 0.166667 with zero point -2,"
            " yours scale 0.166667 with zero point 0",
        ),
        WrongAnswer(
            wrong_way,
            "Does 0.0 lie above low or below it, and so on which side of the smallest integer?",
            "low=-0.5, high=0, bit_width=2, signed=False: expected scale 0.166667 with zero point 3,"
            " yours scale 0.166667 with zero point 0",
        ),
        WrongAnswer(
            symmetric,
            "How many of the integers of your format are used by no value between low and high?",
            "low=-0.5, high=0, bit_width=2, signed=False: expected scale 0.166667 with zero point 3,"
            " yours scale 0.166667 with zero point 0",
        ),
        WrongAnswer(
            low_end_forgotten,
            "Which real number does the smallest integer of your format stand for, and what becomes of low?",
            "low=-0.5, high=0, bit_width=2, signed=False: expected scale 0.166667 with zero point 3,"
            " yours scale 0.333333 with zero point 0",
        ),
        WrongAnswer(
            always_8_bits,
            "Where does your code look at bit_width?",
            "low=0, high=0.5, bit_width=2, signed=False: expected scale 0.166667 with zero point 0,"
            " yours scale 0.00196078 with zero point 0",
        ),
    ),
)

# --- 6.B -------------------------------------------------------------------------------------------------------------


def channel_scales(weight, bit_width):
    """Return one scale for each row of weight, zero point 0: the largest absolute value gets the largest signed integer.

    weight is a float32 tensor [rows, columns] in which no row is all 0, bit_width 2 or more; the result a float tensor [rows].
    """
    return weight.abs().amax(dim=1) / (2 ** (bit_width - 1) - 1)


def along_the_wrong_axis(weight, bit_width):
    """Take the largest of each column."""
    return weight.abs().amax(dim=0) / (2 ** (bit_width - 1) - 1)


def sign_forgotten(weight, bit_width):
    """Take the largest value of a row instead of the largest absolute value."""
    return weight.amax(dim=1) / (2 ** (bit_width - 1) - 1)


def unsigned_steps(weight, bit_width):
    """Take the steps of an unsigned format."""
    return weight.abs().amax(dim=1) / (2**bit_width - 1)


def half_of_all(weight, bit_width):
    """Take half of 2**bits for the largest integer."""
    return weight.abs().amax(dim=1) / 2 ** (bit_width - 1)


def one_for_all(weight, bit_width):
    """Give every row the scale that the largest of all weights needs."""
    return (weight.abs().amax() / (2 ** (bit_width - 1) - 1)).expand(len(weight))


def from_end_to_end(weight, bit_width):
    """Span each row from its smallest value to its largest, as a format with a zero point would."""
    low, high = weight.amin(dim=1).clamp(max=0), weight.amax(dim=1).clamp(min=0)
    return (high - low) / (2**bit_width - 1)


def from_lowest_to_highest(weight, bit_width):
    """Span the values of each row alone, 0 inside or not."""
    return (weight.amax(dim=1) - weight.amin(dim=1)) / (2**bit_width - 1)


def mean_size(weight, bit_width):
    """Give the largest integer to the mean absolute value."""
    return weight.abs().mean(dim=1) / (2 ** (bit_width - 1) - 1)


def rows_that_are_not_zero(values, columns):
    """Return every row of so many values, but the one that is all 0."""
    return [row for row in product(values, repeat=columns) if any(row)]


def matrix(rows):
    """Return a float32 tensor of rows."""
    return torch.tensor(rows, dtype=torch.float32)


def channel_scales_small():
    """Every matrix of two rows and two columns with entries −2 … 2 and no row of zeros, at 2 to 4 bits."""
    return in_order(
        Case((matrix(rows), bit_width), (*rows[0], *rows[1]), bit_width, signed=True, whole=True)
        for bit_width in (2, 3, 4)
        for rows in product(rows_that_are_not_zero((-2.0, -1.0, 0.0, 1.0, 2.0), 2), repeat=2)
    )


def channel_scales_wide():
    """Matrices that are not square, one row, one column, 2 to 16 bits."""
    generator = torch.Generator().manual_seed(6)
    shapes = ((3, 2), (2, 3), (1, 5), (5, 1), (32, 64))
    return in_order(
        Case((torch.randn(shape, generator=generator, dtype=torch.float32), bit_width), (), bit_width, True, whole=True)
        for bit_width in (2, 3, 5, 8, 16)
        for shape in shapes
    )


def channel_scales_runtime_cases():
    """Weights whose rows differ in size, at 2 to 8 bits."""
    rows = matrix([[0.5, -0.25, 0.125], [-3.0, 1.0, 2.0], [0.0, 0.0, -0.75]])
    return [Case((rows, bit_width), (), bit_width, signed=True, whole=True) for bit_width in range(2, 9)]


EXERCISE_B = Exercise(
    name="6.B",
    reference=channel_scales,
    read=read_channel_scales,
    write=write_channel_scales,
    small=channel_scales_small,
    wide=channel_scales_wide,
    runtime=brevitas_channel_scales,
    runtime_name="Brevitas's Int8WeightPerChannelFloat",
    runtime_cases=channel_scales_runtime_cases,
    hints=(
        "A scale is chosen by the largest absolute value in its row. Of −3 and 2, which has it?",
        "weight[row, column]: for the largest of each row, which dimension has to disappear?",
        "weight.abs().amax(dim=1) has one entry for each row. Which integer should it get in signed bits?",
    ),
    reason="Zero point 0 and weights of both signs: what counts is the absolute value, so abs comes first. Dimension 1 runs along"
    " a row, and amax takes it away. The largest signed integer is 2**(bit_width − 1) − 1; the smallest, one further"
    " from 0, stays unused, which is the narrow range of chapter 2.",
    question="Which is the largest absolute value in each row, and which integer does it get with your scales?",
    wrong=(
        WrongAnswer(
            along_the_wrong_axis,
            "Which numbers stand in one row, and over which did your code run?",
            "weight=[[0, 1], [0, 1]], bit_width=2: expected [1, 1], yours [0, 1]",
        ),
        WrongAnswer(
            sign_forgotten,
            "Which has the larger absolute value, the largest or the smallest value of the row?",
            "weight=[[0, 1], [0, -1]], bit_width=2: expected [1, 1], yours [1, 0]",
        ),
        WrongAnswer(
            unsigned_steps,
            "Which is the largest integer of signed bits, and which one did yours take?",
            "weight=[[0, 1], [0, 1]], bit_width=2: expected [1, 1], yours [0.333333, 0.333333]",
        ),
        WrongAnswer(
            half_of_all,
            "The largest absolute value gets an integer: is that one in the signed range?",
            "weight=[[0, 1], [0, 1]], bit_width=2: expected [1, 1], yours [0.5, 0.5]",
        ),
        WrongAnswer(
            one_for_all,
            "Which row does your scale fit, and how many integers does the other one use?",
            "weight=[[0, 1], [0, 2]], bit_width=2: expected [1, 2], yours [2, 2]",
        ),
        WrongAnswer(
            from_end_to_end,
            "With zero point 0 the format is symmetric: which real numbers do the largest integer and its opposite stand for?",
            "weight=[[0, 1], [0, 1]], bit_width=2: expected [1, 1], yours [0.333333, 0.333333]",
        ),
        WrongAnswer(
            from_lowest_to_highest,
            "With zero point 0 the format is symmetric: how far does yours reach up, and how far down?",
            "weight=[[0, 1], [0, 1]], bit_width=2: expected [1, 1], yours [0.333333, 0.333333]",
        ),
        WrongAnswer(
            mean_size,
            "What becomes of the largest weight of a row with your scale?",
            "weight=[[0, 1], [0, 1]], bit_width=2: expected [1, 1], yours [0.5, 0.5]",
        ),
    ),
)

EXERCISES = (EXERCISE_A, EXERCISE_B)

PREDICTIONS = (
    Prediction(
        "6.1",
        right="4.5",
        reasons={
            "6: nothing is clipped": "Then the step is 2, and each of the seven ones is off by 1: 7 in all.",
            "4.5": "The ones are off by ½ each, 1.75 in all, and the 6.0 by 1.5, squared 2.25: together 4.",
            "3: the seven ones are exact": "They are, and the 6.0 is stored as 3: an error of 3, squared 9.",
        },
    ),
    Prediction(
        "6.2",
        right="0: real 0.0 needs an integer",
        reasons={
            "5: the smallest value": "Then 0.0 would have no integer, and zero padding would be wrong.",
            "0: real 0.0 needs an integer": "The range is widened to 0 … 8 before it is divided into 15 steps.",
            "4.9: half a step below 5": "Half a step below the end would still round to 5; but the window must reach 0.",
        },
    ),
    Prediction(
        "6.3",
        right="about 600: one in a hundred",
        reasons={
            "none": "That is min–max: its squared error is about twice the least.",
            "about 60: one in a thousand": "That is the 99.9 % percentile. It halves the error nearly, and more can be"
            " had.",
            "about 600: one in a hundred": "580. Each clipped value costs something, but the step becomes 0.57 instead"
            " of 0.91 for all the others.",
            "about 6,000: one in ten": "So many would cost more by clipping than finer steps save.",
        },
    ),
    Prediction(
        "6.4",
        right="by 1 dB",
        reasons={
            "by 6 dB": "That is the rule where all error is rounding. Here most of it is clipping by now, and no bit"
            " makes that smaller.",
            "by 3 dB": "So it is, nearly, from 6 bits to 7. By now there is less rounding left to save.",
            "by 1 dB": "The 58 clipped values cost the same at every width, and by now they are most of the error.",
            "not at all": "Nearly: what is left of the rounding error still falls to a quarter.",
        },
    ),
    Prediction(
        "6.5",
        right="23",
        reasons={
            "0": "Each neuron has a weight of 1.31 or more, but the step is 4.83: below 2.41 all rounds to 0.",
            "3": "Three have a weight that is nearly a whole step; six more have one above half a step, and keep it too.",
            "23": "So many have no weight above 2.41, half the step, and all they have rounds to 0.",
            "32": "The neuron with the largest weight of all keeps at least that one.",
        },
    ),
)

QUIZ = (
    QuizQuestion(
        "The clipping point is lowered a little. What happens to the two errors?",
        right="rounding error falls, clipping error rises",
        reasons={
            "both fall": "Values beyond the point are cut off further from where they are.",
            "rounding error falls, clipping error rises": "The step shrinks for all, and more values lie beyond it.",
            "rounding error rises, clipping error falls": "That is what raising it does.",
            "only the clipping error changes": "The same number of integers now covers less: the step shrinks too.",
        },
    ),
    QuizQuestion(
        "Values from 2 to 6 in 8 unsigned bits, min–max. Which scale?",
        right="6/255",
        reasons={
            "4/255": "The range is widened to 0 first, or real 0.0 would have no integer.",
            "6/256": "256 integers in a row have 255 steps between them.",
            "6/255": "From 0 to 6, in 255 steps. The integers below 85 stay unused.",
            "4/256": "Both slips at once: 0 is left out, and the steps are counted as integers.",
        },
    ),
    QuizQuestion(
        "One bit more at the same clipping point, and the SQNR rises by 1 dB instead of 6. What is the likeliest reason?",
        right="most of the error is clipping",
        reasons={
            "most of the error is clipping": "More bits make steps finer, and clipping does not look at steps.",
            "the scale is no power of two": "The rule needs no power of two: halving the step is enough.",
            "the values are too small": "Their size cancels: signal and step are in the same units.",
            "the rounding is half to even": "Ties are rare, and the tie rule hardly moves a sum of squares.",
        },
    ),
    QuizQuestion(
        "A linear layer's weight is [outputs, inputs]. Along which dimension may the scales differ, with one integer"
        " accumulator for each output?",
        right="the outputs",
        reasons={
            "the inputs": "Products with different units would meet in one sum, and their scales cannot be taken out.",
            "the outputs": "Each accumulator then has one unit, and a multiplier of its own when it is requantized.",
            "both": "A scale for each weight would need a multiplication for each product: the sum is no longer one of"
            " integers.",
            "neither": "One for all works too, but the small channels lose most of their integers.",
        },
    ),
    QuizQuestion(
        "Rounding the scale up to a power of two: by what factor does the step grow at most?",
        right="less than 2",
        reasons={
            "1: it stays": "Only where the scale was a power of two already.",
            "less than 2": "A scale just above a power of two is nearly doubled. Where the rule of 6 dB holds, that"
            " costs about one bit.",
            "less than 4": "The squared error can grow that much, where all of it is rounding. The step is its root.",
            "there is no limit": "Between a scale and its double there is always a power of two.",
        },
    ),
    QuizQuestion(
        "Why does a good clipping point matter more at 3 bits than at 8?",
        right="with large steps there is more rounding error to save",
        reasons={
            "8 bits clip nothing": "They clip whatever lies beyond the point, like any other width.",
            "with large steps there is more rounding error to save": "What clipping costs is the same at any width; what"
            " it saves is a share of the rounding error, more than 1,000 times larger at 3 bits.",
            "3 bits have fewer large values": "The values are the same: only the format differs.",
            "the clipping error is larger at 3 bits": "At the same point it is the same: value minus end.",
        },
    ),
)
