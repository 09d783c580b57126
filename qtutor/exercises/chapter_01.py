"""Chapter 1, tensor basics: its exercises, predictions and quiz."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import torch

from qtutor.exercises.answers import read_integers, read_reals, write_integer, write_real
from qtutor.exercises.exercise import Answer, Case, Exercise, Rule, WrongAnswer, in_order, tensor
from qtutor.exercises.leading import held_at_an_end, whole_turns_of_a_byte
from qtutor.exercises.questions import Prediction, QuizQuestion
from qtutor.exercises.runtimes import brevitas_integers, onnx_dequantize

# --- 1.A -------------------------------------------------------------------------------------------------------------


def to_real(q, scale, zero_point):
    """Return the real numbers for which the stored integers q stand: a float tensor in the shape of q.

    q is a tensor of uint8 or int32, scale a Python float, zero_point a Python int.
    """
    return scale * (q.to(torch.int64) - zero_point)


def brackets_forgotten(q, scale, zero_point):
    """Subtract the zero point from the product."""
    return scale * q.to(torch.int32) - zero_point


def zero_point_added(q, scale, zero_point):
    """Add the zero point where it is subtracted."""
    return scale * (q.to(torch.int32) + zero_point)


def divided_by_scale(q, scale, zero_point):
    """Divide by the scale, which is the way to the integers."""
    return (q.to(torch.int32) - zero_point) / scale


def subtracted_in_uint8(q, scale, zero_point):
    """Subtract in the container's type, where 0 - 1 is 255."""
    return scale * (q - zero_point)


def rounded_too(q, scale, zero_point):
    """Round the real number, as if it were an integer again."""
    return torch.round(scale * (q.to(torch.int32) - zero_point))


def zero_point_without_its_sign(q, scale, zero_point):
    """Take the zero point for positive."""
    return scale * (q.to(torch.int32) - abs(zero_point))


def scale_as_a_power_of_two(q, scale, zero_point):
    """Round the scale to a power of two, so that a shift would do."""
    return 2.0 ** round(torch.tensor(scale).log2().item()) * (q.to(torch.int32) - zero_point)


def read_near_reals(result, case):
    """Return real numbers, those that are a few roundings of float32 away from the exact ones as these.

    scale * (q - zero_point), scale * q - scale * zero_point, float32, float64: every order is right. Float32 rounds the scale,
    each product and the difference, which is less than 2**-22 of the products together.
    """
    found, (q, scale, zero_point) = read_reals(result, case), case.arguments
    pairs = zip(found.values, q.reshape(-1).tolist(), strict=True)
    return Answer(
        tuple(
            scale * (number - zero_point)
            if abs(value - scale * (number - zero_point)) <= 2**-22 * scale * (abs(number) + abs(zero_point))
            else value
            for value, number in pairs
        ),
        found.shape,
    )


def q_has_lost_its_upper_bits(differences):
    """Say whether every answer is off by a multiple of 256 steps."""
    return all((d.found - d.expected) / d.case.arguments[1] % 256 == 0 for d in differences)


def to_real_small():
    """q 0 … 3 as int32 and as uint8, at three scales and four zero points."""
    return in_order(
        Case((tensor(q, dtype), scale, zero_point), (q, zero_point), scale=scale, zero_point=zero_point)
        for dtype in (torch.int32, torch.uint8)
        for scale in (1.0, 0.5, 0.25)
        for zero_point in range(4)
        for q in range(4)
    )


def to_real_wide():
    """Whole tensors: every uint8, large int32, two dimensions, empty ones; zero points below 0 where q is signed."""
    whole = (
        tensor(range(256), torch.uint8),
        tensor([-(2**20), -1000, -1, 0, 1, 1000, 2**20]),
        tensor(range(12)).reshape(3, 4),
        tensor([], torch.uint8),
    )
    return in_order(
        Case((q, scale, zero_point), scale=scale, zero_point=zero_point)
        for q in whole
        for scale in (4.0, 0.125, 2.0**-7, 0.1)
        for zero_point in ((-3, 0, 3, 128, 255) if q.dtype == torch.int32 else (0, 3, 128, 255))
    )


def to_real_runtime_cases():
    """Every uint8 at every zero point."""
    every = tensor(range(256), torch.uint8)
    return [Case((every, 0.125, zero_point), zero_point=zero_point) for zero_point in range(0, 256, 15)]


EXERCISE_A = Exercise(
    name="1.A",
    reference=to_real,
    read=read_near_reals,
    write=write_real,
    small=to_real_small,
    wide=to_real_wide,
    runtime=onnx_dequantize,
    runtime_name="ONNX Runtime's DequantizeLinear",
    runtime_cases=to_real_runtime_cases,
    hints=(
        "Which q stands for real 0.0? Begin with how far q is from it.",
        "real = scale * (q - zero_point): the brackets are part of the formula.",
        "A uint8 tensor cannot hold a negative difference: give q a wider type before you subtract.",
    ),
    reason="q is a number of steps counted from an offset: take the offset away in a type that can go below 0, and"
    " only then give each step its size. The zero point itself comes back as exactly 0.0.",
    question="How many steps is q from the zero point, and how large is one step?",
    wrong=(
        WrongAnswer(
            brackets_forgotten,
            "What is real 0.0 here: which q stands for it?",
            "q=0 (int32), scale=0.5, zero_point=1: expected -0.5, yours -1",
        ),
        WrongAnswer(
            zero_point_added,
            "What is real 0.0 here: which q stands for it, and which real number does yours give for that q?",
            "q=0 (int32), scale=1, zero_point=1: expected -1, yours 1",
        ),
        WrongAnswer(
            divided_by_scale,
            "How far apart are the real numbers of q = 0 and q = 1, and how far apart are yours?",
            "q=1 (int32), scale=0.5, zero_point=0: expected 0.5, yours 2",
        ),
        WrongAnswer(
            subtracted_in_uint8,
            "Which type was the subtraction done in, and what is the smallest number of that type?",
            "q=0 (uint8), scale=1, zero_point=1: expected -1, yours 255",
        ),
        WrongAnswer(
            rounded_too,
            "May a real number have a fraction, and which of your steps took it away?",
            "q=1 (int32), scale=0.5, zero_point=0: expected 0.5, yours 0",
        ),
        WrongAnswer(
            zero_point_without_its_sign,
            "How far is q from this zero point, and on which side of it?",
            "q=0 (int32), scale=0.125, zero_point=-3: expected 0.375, yours -0.375",
        ),
        WrongAnswer(
            scale_as_a_power_of_two,
            "How far apart are the real numbers of q = 0 and q = 1, and how far apart are yours?",
            "q=0 (int32), scale=0.1, zero_point=-3: expected 0.3, yours 0.375",
        ),
    ),
    rules=(Rule(q_has_lost_its_upper_bits, "Does this q fit into the type that you chose?"),),
)

# --- 1.B -------------------------------------------------------------------------------------------------------------


def to_integers(value, scale, zero_point):
    """Return the integers of value as Brevitas computes them: a tensor of an integer type in the shape of value.

    value is a float32 tensor, scale a Python float, zero_point a Python int. Nothing is clamped,
    and int32 holds every integer.
    """
    return torch.round(value / scale + zero_point).to(torch.int32)


def truncated(value, scale, zero_point):
    """Cut the fraction off."""
    return (value / scale + zero_point).int()


def floored(value, scale, zero_point):
    """Round down."""
    return torch.floor(value / scale + zero_point).to(torch.int32)


def half_up(value, scale, zero_point):
    """Round halves up."""
    return torch.floor(value / scale + zero_point + 0.5).to(torch.int32)


def half_away(value, scale, zero_point):
    """Round halves away from zero, as at school."""
    scaled = value / scale + zero_point
    return (torch.sign(scaled) * torch.floor(torch.abs(scaled) + 0.5)).to(torch.int32)


def rounded_first(value, scale, zero_point):
    """Round before the zero point is added, as ONNX does."""
    return torch.round(value / scale).to(torch.int32) + zero_point


def zero_point_subtracted(value, scale, zero_point):
    """Subtract the zero point, which is the way back to the reals."""
    return torch.round(value / scale - zero_point).to(torch.int32)


def zero_point_scaled(value, scale, zero_point):
    """Add the zero point in real units."""
    return torch.round((value + zero_point) / scale).to(torch.int32)


def multiplied_by_scale(value, scale, zero_point):
    """Multiply by the scale, which is the way back to the reals."""
    return torch.round(value * scale + zero_point).to(torch.int32)


def kept_in_uint8(value, scale, zero_point):
    """Choose a type that has no negative integers."""
    return torch.round(value / scale + zero_point).to(torch.int32).to(torch.uint8)


def clamped_to_8_bits(value, scale, zero_point):
    """Clamp to the range of 8 unsigned bits."""
    return torch.clamp(torch.round(value / scale + zero_point), 0, 255).to(torch.int32)


def kept_in_int16(value, scale, zero_point):
    """Choose a type of 16 bits, where 40,000 wraps."""
    return torch.round(value / scale + zero_point).to(torch.int32).to(torch.int16)


def divided_in_float64(value, scale, zero_point):
    """Divide more exactly than Brevitas does."""
    return torch.round(value.double() / scale + zero_point).to(torch.int32)


def multiplied_by_the_reciprocal(value, scale, zero_point):
    """Multiply by 1 / scale, which rounds twice."""
    return torch.round(value * (1 / scale) + zero_point).to(torch.int32)


def half_a_step_decides(differences):
    """Say whether all small inputs are right, and the value that is shown lies all but half way between two integers."""
    value, scale, zero_point = differences[0].case.arguments
    return len(differences) == 1 and abs((value.item() / scale + zero_point) % 1 - 0.5) < 0.001


IN_FLOAT32 = (
    "Half a step decides here: do you divide by scale and add zero_point as Brevitas does, each once, in float32?"
)


def to_integers_small():
    """Values in eighths of a step from -3 to 3 steps, two scales, four zero points."""
    return in_order(
        Case(
            (tensor(eighths / 8 * scale, torch.float32), scale, zero_point),
            (eighths / 8, zero_point),
            scale=scale,
            zero_point=zero_point,
        )
        for scale in (1.0, 0.5)
        for zero_point in range(4)
        for eighths in range(-24, 25)
    )


def to_integers_wide():
    """Whole tensors at scales that are no power of two as well: the division is float32's, as in every quantizer."""
    whole = (
        torch.arange(-1024, 1025, dtype=torch.float32) / 8,
        torch.arange(-6, 6, dtype=torch.float32).reshape(3, 4) / 4,
        torch.arange(-4000, 4001, 500, dtype=torch.float32),  # at scale 0.1 the ends need more than 16 bits
        tensor([], torch.float32),
    )
    return in_order(
        Case((value, scale, zero_point), scale=scale, zero_point=zero_point)
        for value in whole
        for scale in (2.0, 0.25, 0.1)
        for zero_point in (-3, 0, 1, 128)
    )


def to_integers_runtime_cases():
    """Brevitas itself, on eighths and on half steps, which at scales 0.1 and 0.3 are ties only as float32 divides."""
    eighths = torch.arange(-1024, 1025, dtype=torch.float32) / 8
    halves = torch.arange(-511.5, 512, dtype=torch.float32)
    return [
        Case((torch.cat((eighths, halves * scale)), scale, zero_point))
        for scale in (1.0, 0.5, 0.1, 0.3)
        for zero_point in (0, 1, 2, 3)
    ]


EXERCISE_B = Exercise(
    name="1.B",
    reference=to_integers,
    read=read_integers,
    write=write_integer,
    small=to_integers_small,
    wide=to_integers_wide,
    runtime=brevitas_integers,
    runtime_name="Brevitas's own integers",
    runtime_cases=to_integers_runtime_cases,
    hints=(
        "Write the formula real = scale * (q - zero_point) backwards: which step comes first?",
        "Which of the two acts first in Brevitas, + zero_point or the rounding? Try ½ with zero point 1.",
        "torch.round is half to even; the last step is a type.",
    ),
    reason="The formula of 1.A backwards, in Brevitas's order: divide, add the zero point, and only then round, halves"
    " to the even neighbour. What comes out of torch.round is still float32: the integer type is a step of its own.",
    question="What is value / scale here, and on which side of it is your integer?",
    wrong=(
        WrongAnswer(
            truncated,
            "Which integer is nearest to value / scale + zero_point, and what does .int() do with a fraction?",
            "value=0.625, scale=1, zero_point=0: expected 1 (0001), yours 0 (0000)",
        ),
        WrongAnswer(
            floored,
            "Which integer is nearest to value / scale + zero_point, and in which direction did yours go?",
            "value=-0.125, scale=1, zero_point=0: expected 0 (0000), yours -1 (1111)",
        ),
        WrongAnswer(
            half_up,
            "This value lies half way between two integers: which of the two does half to even take?",
            "value=0.5, scale=1, zero_point=0: expected 0 (0000), yours 1 (0001)",
        ),
        WrongAnswer(
            half_away,
            "This value lies half way between two integers: does torch round away from zero?",
            "value=0.5, scale=1, zero_point=0: expected 0 (0000), yours 1 (0001)",
        ),
        WrongAnswer(
            rounded_first,
            "Your integers are ONNX Runtime's: which acts first in Brevitas, + zero_point or the rounding?",
            "value=0.5, scale=1, zero_point=1: expected 2 (0010), yours 1 (0001)",
        ),
        WrongAnswer(
            zero_point_subtracted,
            "Which integer stands for real 0.0, and which one did yours give it?",
            "value=0, scale=1, zero_point=1: expected 1 (0001), yours -1 (1111)",
        ),
        WrongAnswer(
            zero_point_scaled,
            "Which integer stands for real 0.0, whatever the scale: is the zero point in real units or in steps?",
            "value=0, scale=0.5, zero_point=1: expected 1 (0001), yours 2 (0010)",
        ),
        WrongAnswer(
            multiplied_by_scale,
            "How many steps of this scale fit into this value?",
            "value=0.3125, scale=0.5, zero_point=0: expected 1 (0001), yours 0 (0000)",
        ),
        WrongAnswer(
            kept_in_uint8,
            "Which type holds a negative integer?",
            "value=-0.625, scale=1, zero_point=0: expected -1 (1111), yours 255 (11111111)",
        ),
        WrongAnswer(
            clamped_to_8_bits,
            "Nothing is clamped here: which step of yours, or which type, ends at 0?",
            "value=-0.625, scale=1, zero_point=0: expected -1 (1111), yours 0 (0000)",
        ),
        WrongAnswer(
            kept_in_int16,
            "Which type holds an integer beyond 32767?",
            "value=3500, scale=0.1, zero_point=-3: expected 34997 (1000100010110101), yours -30539 (1000100010110101)",
        ),
        WrongAnswer(
            divided_in_float64,
            IN_FLOAT32,
            "value=0.05, scale=0.1, zero_point=0: expected 0 (0000), yours 1 (0001)",
        ),
        WrongAnswer(
            multiplied_by_the_reciprocal,
            IN_FLOAT32,
            "value=2.25, scale=0.3, zero_point=0: expected 7 (0111), yours 8 (1000)",
        ),
    ),
    rules=(
        Rule(half_a_step_decides, IN_FLOAT32),
        Rule(whole_turns_of_a_byte, "Does {expected} fit into the type that you chose?"),
        Rule(held_at_an_end, "Nothing is clamped here: which step of yours, or which type, ends at {found}?"),
    ),
)

EXERCISES = (EXERCISE_A, EXERCISE_B)

PREDICTIONS = (
    Prediction(
        "1.1",
        right="ten float32: 0.0, 1.0, …, 9.0",
        reasons={
            "ten uint8: 1, 11, …, 91": "Those are the right integers, and nobody has computed them yet: each call of"
            " int() does.",
            "ten float32: 0.0, 1.0, …, 9.0": "value is kept as it came. Scale, zero point and bit width stand beside"
            " it, and int() computes integers from them at each call.",
            "ten float32: 1.0, 11.0, …, 91.0": "Those numbers arise inside int(), before it rounds, and are not kept.",
        },
    ),
    Prediction(
        "1.2",
        right="0 2 2 4",
        reasons={
            "1 2 3 4": "That is the rule of school, halves up. torch.round takes a half to its even neighbour.",
            "0 1 2 3": "That cuts the fraction off. torch.round goes to the nearest, and here two are equally near.",
            "0 2 2 4": "All four are ties, and each goes to the even integer beside it.",
            "1 1 3 3": "Those are the odd neighbours; ties go to the even ones.",
        },
    ),
    Prediction(
        "1.3",
        right="2 2 4 4",
        reasons={
            "1 3 3 5": "One more each, and just what ONNX Runtime gives, for it rounds first and adds the zero point"
            " after. Brevitas adds it first, and then every tie falls the other way.",
            "2 2 4 4": "Brevitas adds the zero point before it rounds: 1.5 2.5 3.5 4.5, each to its even neighbour.",
            "2 3 4 5": "That is halves up of 1.5 2.5 3.5 4.5; torch.round takes 2.5 and 4.5 down, to the even ones.",
            "1 2 3 4": "That cuts the fraction off after the zero point was added; torch.round takes 1.5 to 2.",
        },
    ),
    Prediction(
        "1.4",
        right="it gives 4",
        reasons={
            "it gives 4": "3.9 lies 0.1 from an integer, and for float32 Brevitas tolerates less than 0.2.",
            "it gives 3": "It is accepted, but rounded to the nearest, not cut off.",
            "it refuses: 3.9 is no integer": "Strictly it is none; but for float32 Brevitas tolerates a distance of"
            " less than 0.2 from an integer.",
        },
    ),
)

QUIZ = (
    QuizQuestion(
        "What does an IntQuantTensor with bit_width=4 occupy in memory, per element?",
        right="32 bits",
        reasons={
            "4 bits": "bit_width says which integers the element may stand for; it is no storage format.",
            "8 bits": "8 bits would be torch's smallest container for 4 bits, but what is kept is a float.",
            "32 bits": "The value is a float32. Its integer is computed when int() is called.",
            "36 bits": "The integer is not kept beside the value: int() computes it anew each time.",
        },
    ),
    QuizQuestion(
        "Value 1.5, scale 1, zero point 1: which integer do Brevitas and ONNX Runtime give?",
        right="Brevitas 2, ONNX Runtime 3",
        reasons={
            "Brevitas 3, ONNX Runtime 2": "That swaps the two: it is Brevitas that adds the zero point first.",
            "Brevitas 2, ONNX Runtime 3": "1.5 + 1 = 2.5 goes to its even neighbour 2; 1.5 goes to 2, and 2 + 1 = 3.",
            "both 2": "Brevitas does: 1.5 + 1 = 2.5 goes to 2. ONNX Runtime rounds first, 1.5 to 2, and then adds 1.",
            "both 3": "ONNX Runtime does: 1.5 goes to 2, and 2 + 1 = 3. Brevitas adds first, and 2.5 goes to 2.",
        },
    ),
    QuizQuestion(
        "Scale 0.1, zero point 1; the stored integer is 8. Which real number is it?",
        right="0.7",
        reasons={
            "0.9": "Here the zero point was added: 0.1 · (8 + 1). On the way back it is subtracted.",
            "0.8": "Here the zero point was forgotten: 0.1 · 8.",
            "7.9": "8 - 0.1 swaps the two: it is scale · (q - zero_point).",
            "0.7": "0.1 · (8 - 1).",
        },
    ),
    QuizQuestion(
        "You raise bit_width from 4 to 8 and keep the scale. What happens to the errors?",
        right="rounding errors stay, fewer values saturate",
        reasons={
            "rounding errors are 16 times smaller": "For that the step would have to be 16 times smaller; the step is"
            " the scale, which you kept.",
            "rounding errors halve": "Half the step would halve them; the step is the scale, which you kept.",
            "they vanish": "Between two grid points there is still one whole step to be rounded over.",
            "rounding errors stay, fewer values saturate": "The step is the scale, and it decides the rounding"
            " error; the width makes the window longer.",
        },
    ),
)
