"""Chapter 2, saturate or wrap: its exercises, predictions and quiz."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import torch

from qtutor.exercises.answers import read_integers, write_register
from qtutor.exercises.exercise import Case, Exercise, Rule, WrongAnswer, in_order, tensor
from qtutor.exercises.questions import Prediction, QuizQuestion
from qtutor.exercises.runtimes import onnx_quantize

# --- the inputs of both exercises ------------------------------------------------------------------------------------


SIZES = (2**15 - 1, 2**15, 2**15 + 1, 2**16 - 1, 2**16, 2**20, 2**24 + 1, 2**24 + 3, 2**31 - 1)  # of large integers


def overflow_small():
    """Every integer to four times the range, at 2 to 6 bits, unsigned and signed."""
    return in_order(
        Case((tensor(x), bit_width, signed), (x,), bit_width, signed)
        for bit_width in range(2, 7)
        for signed in (False, True)
        for x in range(-4 * 2**bit_width, 4 * 2**bit_width + 1)
    )


def overflow_wide():
    """Whole tensors: 1 to 30 bits, two dimensions, empty ones, and integers that float32 cannot tell apart."""
    return in_order(
        Case((x, bit_width, signed), (), bit_width, signed)
        for bit_width in (1, 3, 8, 12, 16, 30)
        for signed in (False, True)
        for x in (
            tensor(range(-300, 301)),
            tensor([sign * size for size in SIZES for sign in (1, -1)]),
            tensor(range(-12, 8)).reshape(4, 5),
            tensor([]),
        )
    )


def overflow_runtime_cases():
    """8 bits, which every runtime has, in one tensor for each sign."""
    return [Case((tensor(range(-1024, 1025)), 8, signed), (), 8, signed) for signed in (False, True)]


def is_large(differences):
    """Say whether the x that is shown needs more than 16 bits."""
    return abs(differences[0].case.arguments[0].item()) >= 2**15


def fits_as_it_is(differences):
    """Say whether the x that is shown is in the format, so that it had to stay."""
    return differences[0].case.arguments[0].item() == differences[0].expected


RULES = (
    Rule(is_large, "How large a number do your steps pass through, and does the type of each of them hold it exactly?"),
    Rule(fits_as_it_is, "{expected} is in the range of this format. What did your code do to it?"),
)


# --- 2.A -------------------------------------------------------------------------------------------------------------


def saturate(x, bit_width, signed):
    """Return x with every integer that the format cannot hold replaced by the end of the range nearest to it.

    x is an int32 tensor, bit_width a Python int (1 … 30), signed True or False.
    """
    low = -(2 ** (bit_width - 1)) if signed else 0
    high = low + 2**bit_width - 1
    return torch.clamp(x, low, high)


def no_lower_end_when_unsigned(x, bit_width, signed):
    """Forget that an unsigned range ends at 0, as the reference tutorial does."""
    if signed:
        return torch.clamp(x, -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1)
    return torch.clamp(x, max=2**bit_width - 1)


def symmetric_ends(x, bit_width, signed):
    """Take -max … max for the signed range."""
    high = 2 ** (bit_width - 1) - 1 if signed else 2**bit_width - 1
    return torch.clamp(x, -high if signed else 0, high)


def upper_end_one_too_high(x, bit_width, signed):
    """Take 2**bits for the largest value."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    return torch.clamp(x, low, low + 2**bit_width)


def signed_upper_end_one_too_high(x, bit_width, signed):
    """Take half of 2**bits for the largest signed value."""
    half = 2 ** (bit_width - 1)
    return torch.clamp(x, -half, half) if signed else torch.clamp(x, 0, 2**bit_width - 1)


def lower_end_one_too_low(x, bit_width, signed):
    """Begin one below the smallest signed value."""
    half = 2 ** (bit_width - 1)
    return torch.clamp(x, -half - 1, half - 1) if signed else torch.clamp(x, 0, 2**bit_width - 1)


def unsigned_ends_for_signed(x, bit_width, signed):
    """Use the unsigned range whatever the sign."""
    return torch.clamp(x, 0, 2**bit_width - 1)


def signed_ends_for_unsigned(x, bit_width, signed):
    """Use the signed range whatever the sign."""
    return torch.clamp(x, -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1)


def always_8_bits(x, bit_width, signed):
    """Use the range of 8 bits whatever the width."""
    return torch.clamp(x, -128, 127) if signed else torch.clamp(x, 0, 255)


def wraps_instead(x, bit_width, signed):
    """Wrap where saturation was asked for."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    return (x - low) % 2**bit_width + low


def clamped_in_float32(x, bit_width, signed):
    """Clamp in float32, which cannot tell large neighbours apart."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    return torch.clamp(x.float(), low, low + 2**bit_width - 1).to(torch.int32)


def onnx_saturate(x, bit_width, signed):
    """Return ONNX Runtime's saturation to 8 bits: its quantizer at scale 1 and zero point 0."""
    return onnx_quantize(x, 1.0, 0, signed).to(torch.int32)


EXERCISE_A = Exercise(
    name="2.A",
    reference=saturate,
    read=read_integers,
    write=write_register,
    small=overflow_small,
    wide=overflow_wide,
    runtime=onnx_saturate,
    runtime_name="ONNX Runtime's QuantizeLinear",
    runtime_cases=overflow_runtime_cases,
    hints=(
        "Write down the smallest and the largest integer of 2 bits, once unsigned and once signed: four numbers.",
        "There are 2**bit_width patterns. Where does the range begin, and so where does it end?",
        "low is -(2 ** (bit_width - 1)) if signed, else 0; high is low + 2**bit_width - 1. torch.clamp does the rest.",
    ),
    reason="A format is 2**bit_width patterns in a row, so one end and the width give the other end. Both ends bind in"
    " both formats: an unsigned register has a lower end too, and it is 0.",
    question="Which are the smallest and the largest integer of this format?",
    wrong=(
        WrongAnswer(
            no_lower_end_when_unsigned,
            "Which end of the unsigned range did your code forget?",
            "x=-1, bit_width=2, signed=False: expected 0 (00), yours -1 (does not fit)",
        ),
        WrongAnswer(
            symmetric_ends,
            "How many patterns do these bits have, and how many of them does your range use?",
            "x=-2, bit_width=2, signed=True: expected -2 (10), yours -1 (11)",
        ),
        WrongAnswer(
            upper_end_one_too_high,
            "If a range begins at 0 and has 2**bit_width numbers, which is its last?",
            "x=4, bit_width=2, signed=False: expected 3 (11), yours 4 (does not fit)",
        ),
        WrongAnswer(
            signed_upper_end_one_too_high,
            "If a range begins at low and has 2**bit_width numbers, which is its last?",
            "x=2, bit_width=2, signed=True: expected 1 (01), yours 2 (does not fit)",
        ),
        WrongAnswer(
            lower_end_one_too_low,
            "Which is the smallest of 2**bit_width numbers, half of them negative?",
            "x=-3, bit_width=2, signed=True: expected -2 (10), yours -3 (does not fit)",
        ),
        WrongAnswer(
            unsigned_ends_for_signed,
            "Where does your code look at signed, and what is the smallest signed integer?",
            "x=-1, bit_width=2, signed=True: expected -1 (11), yours 0 (00)",
        ),
        WrongAnswer(
            signed_ends_for_unsigned,
            "Where does your code look at signed, and what is the smallest unsigned integer?",
            "x=-1, bit_width=2, signed=False: expected 0 (00), yours -1 (does not fit)",
        ),
        WrongAnswer(
            always_8_bits,
            "Where does your code look at bit_width?",
            "x=4, bit_width=2, signed=False: expected 3 (11), yours 4 (does not fit)",
        ),
        WrongAnswer(
            wraps_instead,
            "Which is nearer to this x, your answer or the end of the range that x went past?",
            "x=-1, bit_width=2, signed=False: expected 0 (00), yours 3 (11)",
        ),
        WrongAnswer(
            clamped_in_float32,
            "How many whole numbers in a row can a float32 tell apart?",
            "x=16777217, bit_width=30, signed=False: expected 16777217 (000001000000000000000000000001),"
            " yours 16777216 (000001000000000000000000000000)",
        ),
    ),
    rules=RULES,
)

# --- 2.B -------------------------------------------------------------------------------------------------------------


def wrap(x, bit_width, signed):
    """Return what a register of the format keeps of each integer in x: its lowest bit_width bits, read in the format.

    x is an int32 tensor, bit_width a Python int (1 … 30), signed True or False.
    """
    low = -(2 ** (bit_width - 1)) if signed else 0
    return (x - low) % 2**bit_width + low


def sign_forgotten(x, bit_width, signed):
    """Read the bits as unsigned whatever the sign."""
    return x % 2**bit_width


def half_counted_as_positive(x, bit_width, signed):
    """Turn back what is above half the range, and forget what is exactly half."""
    kept = x % 2**bit_width
    return torch.where(kept > 2 ** (bit_width - 1), kept - 2**bit_width, kept) if signed else kept


def one_turn_only(x, bit_width, signed):
    """Go round the ring once at most."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    high = low + 2**bit_width - 1
    return torch.where(x > high, x - 2**bit_width, torch.where(x < low, x + 2**bit_width, x))


def remainder_of_c(x, bit_width, signed):
    """Take the remainder that C takes, which has the sign of the dividend."""
    kept = torch.fmod(x, 2**bit_width)
    return torch.where(kept >= 2 ** (bit_width - 1), kept - 2**bit_width, kept) if signed else kept


def half_a_turn(x, bit_width, signed):
    """Turn back by half the ring."""
    kept = x % 2**bit_width
    return torch.where(kept >= 2 ** (bit_width - 1), kept - 2 ** (bit_width - 1), kept) if signed else kept


def saturates_instead(x, bit_width, signed):
    """Saturate where wrapping was asked for."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    return torch.clamp(x, low, low + 2**bit_width - 1)


def sign_and_magnitude(x, bit_width, signed):
    """Read the top bit as a minus sign and the rest as a magnitude."""
    kept, half = x % 2**bit_width, 2 ** (bit_width - 1)
    return torch.where(kept >= half, -(kept % half), kept) if signed else kept


def always_signed(x, bit_width, signed):
    """Read the bits as signed whatever the sign."""
    low = -(2 ** (bit_width - 1))
    return (x - low) % 2**bit_width + low


def always_4_bits(x, bit_width, signed):
    """Keep four bits whatever the width."""
    low = -8 if signed else 0
    return (x - low) % 16 + low


def low_not_added_again(x, bit_width, signed):
    """Count from the lowest integer, and forget to come back."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    return (x - low) % 2**bit_width


def turns_counted_in_float32(x, bit_width, signed):
    """Count the turns by a division, whose result is a float32."""
    low = -(2 ** (bit_width - 1)) if signed else 0
    turns = torch.floor((x - low) / 2**bit_width)
    return (x - turns * 2**bit_width).to(torch.int32)


def torch_cast(x, bit_width, signed):
    """Return torch's own cast of int32 to 8 bits, which drops the upper bits."""
    return x.to(torch.int8 if signed else torch.uint8)


EXERCISE_B = Exercise(
    name="2.B",
    reference=wrap,
    read=read_integers,
    write=write_register,
    small=overflow_small,
    wide=overflow_wide,
    runtime=torch_cast,
    runtime_name="torch's own cast to 8 bits",
    runtime_cases=overflow_runtime_cases,
    hints=(
        "Put the integers of 2 bits on a ring. One step up from the largest, where are you?",
        "x % 2**bit_width is where x stands on the ring, counted from 0. Which of those does a signed reader call"
        " negative?",
        "Count from the lowest integer instead of 0: how far is x above low, modulo 2**bit_width? Then add low again.",
    ),
    reason="A register keeps the lowest bits: x modulo 2**bit_width, which Python and torch take towards minus"
    " infinity. Counted from the lowest integer of the format, the same remainder serves both signs.",
    question="What are the lowest bits of this x, and which integer do they stand for in this format?",
    wrong=(
        WrongAnswer(
            sign_forgotten,
            "What does a signed reader call the pattern that your code kept?",
            "x=-1, bit_width=2, signed=True: expected -1 (11), yours 3 (does not fit)",
        ),
        WrongAnswer(
            half_counted_as_positive,
            "What is the top bit of exactly half of 2**bit_width, and so its sign?",
            "x=2, bit_width=2, signed=True: expected -2 (10), yours 2 (does not fit)",
        ),
        WrongAnswer(
            one_turn_only,
            "How many times round the ring is this x?",
            "x=-5, bit_width=2, signed=False: expected 3 (11), yours -1 (does not fit)",
        ),
        WrongAnswer(
            remainder_of_c,
            "Which sign has the remainder of a negative number here, and can this format hold it?",
            "x=-1, bit_width=2, signed=False: expected 3 (11), yours -1 (does not fit)",
        ),
        WrongAnswer(
            half_a_turn,
            "How many patterns are on the whole ring, and by how many did your code turn back?",
            "x=-1, bit_width=2, signed=True: expected -1 (11), yours 1 (01)",
        ),
        WrongAnswer(
            saturates_instead,
            "What are the lowest bits of this x? Your answer is the nearest integer instead.",
            "x=-1, bit_width=2, signed=False: expected 3 (11), yours 0 (00)",
        ),
        WrongAnswer(
            sign_and_magnitude,
            "In two's complement, is the top bit a minus sign, or is it worth -(2 ** (bit_width - 1))?",
            "x=2, bit_width=2, signed=True: expected -2 (10), yours 0 (00)",
        ),
        WrongAnswer(
            always_signed,
            "Where does your code look at signed?",
            "x=-1, bit_width=2, signed=False: expected 3 (11), yours -1 (does not fit)",
        ),
        WrongAnswer(
            always_4_bits,
            "Where does your code look at bit_width?",
            "x=-1, bit_width=2, signed=False: expected 3 (11), yours 15 (does not fit)",
        ),
        WrongAnswer(
            low_not_added_again,
            "0 is in the range of this format. What did your code do to it?",
            "x=0, bit_width=2, signed=True: expected 0 (00), yours 2 (does not fit)",
        ),
        WrongAnswer(
            turns_counted_in_float32,
            "How many whole numbers in a row can a float32 tell apart?",
            "x=16777217, bit_width=1, signed=False: expected 1 (1), yours 0 (0)",
        ),
    ),
    rules=RULES,
)

EXERCISES = (EXERCISE_A, EXERCISE_B)

PREDICTIONS = (
    Prediction(
        "2.1",
        right="91, an error, an error",
        reasons={
            "91, an error, 91.0": "A float could hold 91, but int() asks is_valid before it looks at the type that you"
            " want.",
            "91, 15, 15.0": "Nobody saturates it: making the tensor clamps nothing, and int() refuses.",
            "91, an error, an error": "The formula does not look at the range. int() does, whatever type you want, and"
            " refuses.",
            "15, 15, 15.0": "Nobody saturates it: making the tensor clamps nothing, and int() refuses. The value is"
            " 9.0 still.",
        },
    ),
    Prediction(
        "2.2",
        right="−8",
        reasons={
            "8": "8 needs a fifth bit: signed, 4 bits end at 7.",
            "7": "That is what a saturating adder gives; it needs overflow detection and a multiplexer more than a plain"
            " one.",
            "−8": "The sum is 1000, and a signed reader takes that pattern for −8.",
        },
    ),
    Prediction(
        "2.3",
        right="0, 13, −3",
        reasons={
            "0, 13, −3": "The line with torch.where looks at the upper end alone, so −3 passes.",
            "0, 13, 0": "It ought to be so: an unsigned range ends at 0 below. The line with torch.where forgot that end.",
            "0, 3, 0": "Wrapping keeps the lowest four bits of −3, 1101, which is 13: no minus sign is dropped.",
            "−3 cannot occur in an unsigned tensor": "It occurs as soon as a value lies below what the format reaches:"
            " the tensor holds floats and checks nothing.",
        },
    ),
    Prediction(
        "2.4",
        right="−0.8",
        reasons={
            "0.0": "It should; but 0.0 wants the integer 15, and these 4 bits end at 7.",
            "0.7": "7 is the integer that is kept; read back, the zero point is subtracted: (7 − 15) · 0.1.",
            "−0.8": "0.0 wants the integer 15 and gets 7, the largest there is: (7 − 15) · 0.1.",
            "−1.5": "That reads back the integer 0; but 0.0 is stored as the integer nearest to 15, which is 7.",
        },
    ),
)

QUIZ = (
    QuizQuestion(
        "Which integers do signed 4 bits hold?",
        right="−8 … 7",
        reasons={
            "−7 … 7": "That is narrow range: it leaves one of the 16 patterns unused.",
            "−8 … 8": "Those are 17 numbers, and 4 bits have 16 patterns.",
            "−8 … 7": "16 patterns, one of them for 0: so the negative side has one more.",
            "0 … 15": "Those are the unsigned ones.",
        },
    ),
    QuizQuestion(
        "−1 is stored in unsigned 4 bits by wrapping. Which integer is read?",
        right="15",
        reasons={
            "15": "The lowest four bits of −1 are 1111.",
            "0": "That is saturation: the nearest integer that fits.",
            "1": "That is the magnitude; two's complement keeps no separate sign to drop.",
            "none, it is an error": "A register raises nothing. It keeps the bits that fit.",
        },
    ),
    QuizQuestion(
        "−6 − 5 + 7 in 4 signed bits, step by step. What stands at the end in a wrapping adder, and in a saturating one?",
        right="−4 and −1",
        reasons={
            "both −4": "The end fits, and the wrapping adder reaches it. The saturating one stopped at −8 on the way to"
            " −11, and what it cut off is gone: −8 + 7 = −1.",
            "−4 and −1": "Whole turns of the ring cancel: −11 is 5 there, and 5 + 7 = 12 comes round to −4. The"
            " saturating adder goes on from −8.",
            "−1 and −4": "It is the other way round. To stop at −8 feels safer, but the 3 steps to −11 are lost, and"
            " nothing brings them back.",
            "5 and −8": "So they stand after −6 − 5. The 7 is still to come.",
        },
    ),
    QuizQuestion(
        "Why are weights often kept in narrow range, −7 … 7 in 4 bits?",
        right="negation stays in range, and 0 is the middle",
        reasons={
            "it saves a bit": "15 numbers still need 4 bits.",
            "it is faster to round": "Rounding does not look at the range.",
            "−8 cannot be stored": "It can: 1000 is −8. Narrow range chooses not to use it.",
            "negation stays in range, and 0 is the middle": "8, the negative of −8, has no place in 4 bits; 7 has, and"
            " the range is symmetric about 0.",
        },
    ),
    QuizQuestion(
        "4 signed bits, scale 0.5, zero point 15. A convolution frames this tensor with real zeros. What does the frame"
        " hold when it is read back?",
        right="−4.0",
        reasons={
            "0.0": "0.0 wants the integer 15, and these bits end at 7.",
            "3.5": "7 is the integer that is stored; read back, the zero point is subtracted: (7 − 15) · 0.5.",
            "−7.5": "That is what the integer 0 stands for. Real 0.0 wants 15, and gets 7.",
            "−4.0": "0.0 wants the integer 15 and gets 7, the nearest there is: (7 − 15) · 0.5.",
        },
    ),
    QuizQuestion(
        "4 unsigned bits; first clamp, then round_ste. Can training move −0.3 (in units of the step)?",
        right="no: it lies below 0 when it is clamped",
        reasons={
            "yes: it rounds to 0, which fits": "So it would be if the rounding came first. Here the clamp comes first"
            " and sees −0.3.",
            "no: it lies below 0 when it is clamped": "The clamp passes a 0 on, and what it has stopped no rounding"
            " behind it brings back. With 15.4 it is the same.",
            "yes: round_ste passes every gradient": "round_ste does, but the clamp before it has stopped this one.",
            "no: its integer is the end of the range": "The end of the range fits, and 0.0 itself can be moved."
            " −0.3 is stopped because the clamp sees it before it is rounded.",
        },
    ),
)
