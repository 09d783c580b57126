"""Chapter 4, multiply and accumulate: its exercises, predictions and quiz."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

from itertools import product

import torch

from qtutor.exercises.answers import read_number, write_bit_width, write_integer
from qtutor.exercises.exercise import Case, Exercise, Rule, WrongAnswer, in_order, tensor
from qtutor.exercises.questions import Prediction, QuizQuestion
from qtutor.exercises.runtimes import onnx_dot

# --- 4.A -------------------------------------------------------------------------------------------------------------


def dot(x, w, x_zero_point, w_zero_point):
    """Return the sum of (x - x_zero_point) * (w - w_zero_point) over all elements, as one integer: exact, however long.

    x is a uint8 tensor, w an int8 tensor of the same length (or both int8), the zero points are Python ints.
    """
    steps = (x.to(torch.int64) - x_zero_point) * (w.to(torch.int64) - w_zero_point)
    return int(steps.sum())


def zero_points_forgotten(x, w, x_zero_point, w_zero_point):
    """Multiply the stored integers themselves."""
    return int((x.long() * w.long()).sum())


def zero_point_of_x_alone(x, w, x_zero_point, w_zero_point):
    """Take the weights for symmetric."""
    return int(((x.long() - x_zero_point) * w.long()).sum())


def zero_point_of_w_alone(x, w, x_zero_point, w_zero_point):
    """Take the inputs for symmetric."""
    return int((x.long() * (w.long() - w_zero_point)).sum())


def product_of_zero_points(x, w, x_zero_point, w_zero_point):
    """Take the product of the zero points from the sum."""
    return int((x.long() * w.long()).sum()) - x_zero_point * w_zero_point


def last_term_forgotten(x, w, x_zero_point, w_zero_point):
    """Take both mixed terms away, and forget the one that is given back."""
    x, w = x.long(), w.long()
    return int((x * w).sum() - x_zero_point * w.sum() - w_zero_point * x.sum())


def last_term_once(x, w, x_zero_point, w_zero_point):
    """Give the product of the zero points back once, and not once for each element."""
    x, w = x.long(), w.long()
    return int((x * w).sum() - x_zero_point * w.sum() - w_zero_point * x.sum()) + x_zero_point * w_zero_point


def zero_points_added(x, w, x_zero_point, w_zero_point):
    """Add the zero points."""
    return int(((x.long() + x_zero_point) * (w.long() + w_zero_point)).sum())


def not_widened(x, w, x_zero_point, w_zero_point):
    """Subtract in the bytes in which the operands come."""
    return int(((x - x_zero_point) * (w - w_zero_point)).sum())


def summed_in_float32(x, w, x_zero_point, w_zero_point):
    """Compute in float32, which holds whole numbers to 2**24."""
    return int((x.float() - x_zero_point) @ (w.float() - w_zero_point))


def summed_in_int32(x, w, x_zero_point, w_zero_point):
    """Sum in 32 bits, which 33,026 products can leave."""
    return int((x.int() - x_zero_point) @ (w.int() - w_zero_point))


def operands(x, w):
    """Return the inputs as a uint8 tensor and the weights as an int8 tensor."""
    return tensor(list(x), torch.uint8), tensor(list(w), torch.int8)


def dot_small():
    """Every single product of 3 bits, and every sum of two of 2 bits; zero points 0 … 2 and −1 … 1."""
    return in_order(
        Case((*operands(x, w), x_zero, w_zero), (*x, *w, x_zero, w_zero), bit_width, zero_point=x_zero, whole=True)
        for bit_width, terms in ((3, 1), (2, 2))
        for x in product(range(2**bit_width), repeat=terms)
        for w in product(range(-(2**bit_width) // 2, 2**bit_width // 2), repeat=terms)
        for x_zero in range(3)
        for w_zero in (0, 1, -1)
    )


def dot_wide():
    """Bytes to their ends, no elements at all, sums beyond 2**24 with one odd product, and the shortest beyond 32 bits."""
    grows, falls = [n * 37 % 256 for n in range(300)], [n * 91 % 256 - 128 for n in range(300)]
    odd = operands([255] * 1023 + [1], [-128] * 1023 + [1])
    return in_order(
        [
            *(
                Case((*operands(grows, falls), x_zero, w_zero), whole=True)
                for x_zero in (0, 128, 255)
                for w_zero in (0, -128, 127)
            ),
            Case((*operands([], []), 3, 1), whole=True),
            Case((*odd, 0, 0), whole=True),
            Case((*operands([255] * 33026, [-128] * 33026), 0, 127), whole=True),
        ]
    )


def dot_runtime_cases():
    """int8 by int8, which every runtime multiplies exactly on every CPU (uint8 by int8 it does not)."""
    rows = [n * 37 % 256 - 128 for n in range(300)], [n * 91 % 256 - 128 for n in range(300)]
    pair = tensor(rows[0], torch.int8), tensor(rows[1], torch.int8)
    return [Case((*pair, x_zero, w_zero), whole=True) for x_zero in (0, 5, -128, 127) for w_zero in (0, -3)]


def off_by_bytes(differences):
    """Say whether only inputs below their zero point fail: a byte has wrapped there."""
    return all(d.case.arguments[0].long().min() < d.case.arguments[2] for d in differences)


def is_long(differences):
    """Say whether what is shown is one of the larger inputs: whole bytes, many of them."""
    return differences[0].case.arguments[0].numel() > 8


def beyond_24_bits(differences):
    """Say whether the sum that is shown is one that float32 cannot hold, or that 32 bits cannot."""
    return abs(differences[0].expected) > 2**24


EXERCISE_A = Exercise(
    name="4.A",
    reference=dot,
    read=read_number,
    write=write_integer,
    small=dot_small,
    wide=dot_wide,
    runtime=onnx_dot,
    runtime_name="ONNX Runtime's MatMulInteger",
    runtime_cases=dot_runtime_cases,
    hints=(
        "Take one element: x = 0 in uint8, zero point 1. Which number should x minus its zero point be, and which one"
        " does torch give?",
        "Widen both tensors before anything is subtracted. Then subtract, multiply, add up, in this order.",
        "x.to(torch.int64) - x_zero_point is the first factor, w likewise; multiply them and take .sum(), which is a"
        " tensor with one number: int() makes it a Python int.",
    ),
    reason="Each factor is a number of steps, and a step counts from the zero point: so subtract first. A byte cannot"
    " hold 0 - 1, nor a sum of products, so widen before that.",
    question="Which two numbers of steps are multiplied here, and what is their product?",
    wrong=(
        WrongAnswer(
            zero_points_forgotten,
            "Which real number does an integer stand for that equals its zero point, and what is its product?",
            "x=[1] (uint8), w=[0] (int8), x_zero_point=0, w_zero_point=1: expected -1 (1111), yours 0 (0000)",
        ),
        WrongAnswer(
            zero_point_of_x_alone,
            "Where does your code look at w_zero_point?",
            "x=[1] (uint8), w=[0] (int8), x_zero_point=0, w_zero_point=1: expected -1 (1111), yours 0 (0000)",
        ),
        WrongAnswer(
            zero_point_of_w_alone,
            "Where does your code look at x_zero_point?",
            "x=[0] (uint8), w=[0] (int8), x_zero_point=1, w_zero_point=1: expected 1 (0001), yours 0 (0000)",
        ),
        WrongAnswer(
            product_of_zero_points,
            "Multiply (x - a)(w - b) out on paper: how many terms are there?",
            "x=[1] (uint8), w=[0] (int8), x_zero_point=0, w_zero_point=1: expected -1 (1111), yours 0 (0000)",
        ),
        WrongAnswer(
            last_term_forgotten,
            "Multiply (x - a)(w - b) out on paper: which term has neither x nor w in it?",
            "x=[0] (uint8), w=[0] (int8), x_zero_point=1, w_zero_point=1: expected 1 (0001), yours 0 (0000)",
        ),
        WrongAnswer(
            last_term_once,
            "Each element has a term of its own: how often does the product of the zero points occur?",
            "x=[0, 0] (uint8), w=[0, 0] (int8), x_zero_point=1, w_zero_point=1: expected 2 (0010), yours 1 (0001)",
        ),
        WrongAnswer(
            zero_points_added,
            "How many steps is an integer away from its zero point: is that a sum or a difference?",
            "x=[1] (uint8), w=[0] (int8), x_zero_point=0, w_zero_point=1: expected -1 (1111), yours 1 (0001)",
        ),
        WrongAnswer(
            not_widened,
            "Can the type in which x comes hold x minus its zero point?",
            "x=[0] (uint8), w=[0] (int8), x_zero_point=1, w_zero_point=1:"
            " expected 1 (0001), yours -255 (1111111100000001)",
        ),
        WrongAnswer(
            summed_in_float32,
            "1,023 times 255 · (−128), and once 1 · 1: how many whole numbers in a row can a float32 tell apart?",
            "x=a tensor of shape (1024,) (uint8), w=a tensor of shape (1024,) (int8), x_zero_point=0, w_zero_point=0:"
            " expected -33390719 (11111110000000100111111110000001),"
            " yours -33390720 (11111110000000100111111110000000)",
        ),
        WrongAnswer(
            summed_in_int32,
            "33,026 times 255 · (−255): how many bits does that need, and how many has the type in which you add up?",
            "x=a tensor of shape (33026,) (uint8), w=a tensor of shape (33026,) (int8), x_zero_point=0, w_zero_point=127:"
            " expected -2147515650 (1111111111111111111111111111111101111111111111111000001011111110),"
            " yours 2147451646 (01111111111111111000001011111110)",
        ),
    ),
    rules=(
        Rule(
            beyond_24_bits, "{expected}: how many bits is that, and does every type on your way to it hold it exactly?"
        ),
        Rule(
            is_long,
            "x reaches 255 here, and w −128: which type of yours holds them, their steps, the products and the sum?",
        ),
        Rule(off_by_bytes, "x is smaller than its zero point here: which type holds the difference?"),
    ),
)

# --- 4.B -------------------------------------------------------------------------------------------------------------


def accumulator_bits(k, x_ends, w_ends):
    """Return how many two's complement bits hold every sum of k products x * w: no bit fewer, no bit more.

    k is a Python int from 1 up. x_ends and w_ends are the pairs (lowest, highest) of x and of w, zero points taken off.
    """
    products = [x * w for x in x_ends for w in w_ends]
    low, high = k * min(products), k * max(products)
    needed = 1
    while not -(2 ** (needed - 1)) <= low <= high <= 2 ** (needed - 1) - 1:
        needed += 1
    return needed


def widths_and_logarithm(k, x_ends, w_ends):
    """Add the operands' widths and ceil(log2(k)), the usual rule."""
    return sum((high - low).bit_length() for low, high in (x_ends, w_ends)) + (k - 1).bit_length()


def widths_and_floor(k, x_ends, w_ends):
    """Add the operands' widths and the logarithm of k, cut off."""
    return sum((high - low).bit_length() for low, high in (x_ends, w_ends)) + k.bit_length() - 1


def k_forgotten(k, x_ends, w_ends):
    """Make room for one product."""
    products = [x * w for x in x_ends for w in w_ends]
    return 1 + max((p if p >= 0 else -p - 1).bit_length() for p in products)


def one_bit_a_product(k, x_ends, w_ends):
    """Add a bit for each product."""
    products = [x * w for x in x_ends for w in w_ends]
    return max((p if p >= 0 else -p - 1).bit_length() for p in products) + k


def one_product_and_logarithm(k, x_ends, w_ends):
    """Take the bits of one product, exactly, and add ceil(log2(k))."""
    products = [x * w for x in x_ends for w in w_ends]
    return 1 + max((p if p >= 0 else -p - 1).bit_length() for p in products) + (k - 1).bit_length()


def minus_times_minus_forgotten(k, x_ends, w_ends):
    """Take highest times highest for the largest product, and the mixed ones for the smallest."""
    mixed = k * min(x_ends[0] * w_ends[1], x_ends[1] * w_ends[0])
    return 1 + max((-mixed - 1 if mixed else 0).bit_length(), (k * x_ends[1] * w_ends[1]).bit_length())


def lowest_times_lowest(k, x_ends, w_ends):
    """Take lowest times lowest for the smallest product, and highest times highest for the largest."""
    return 1 + max((k * x * w).bit_length() for x, w in zip(x_ends, w_ends, strict=True))


def sign_bit_forgotten(k, x_ends, w_ends):
    """Count the bits of the largest magnitude."""
    return max((k * abs(x * w)).bit_length() for x in x_ends for w in w_ends)


def magnitude_and_sign(k, x_ends, w_ends):
    """Count the bits of the largest magnitude and one for the sign."""
    return max((k * abs(x * w)).bit_length() for x in x_ends for w in w_ends) + 1


def lowest_times_lowest_as_the_smallest(k, x_ends, w_ends):
    """Take lowest times lowest for the smallest sum, which is never negative, so that only the other one counts."""
    low, high, needed = k * x_ends[0] * w_ends[0], k * x_ends[1] * w_ends[1], 1
    while not (-(2 ** (needed - 1)) <= low and high <= 2 ** (needed - 1) - 1):
        needed += 1
    return needed


def unsigned_where_it_can_be(k, x_ends, w_ends):
    """Leave the sign bit away where no sum is negative, as the narrowest format does."""
    products = [x * w for x in x_ends for w in w_ends]
    bits = max((k * p if p >= 0 else -k * p - 1).bit_length() for p in products)
    return max(bits, 1) if min(products) >= 0 else bits + 1


def accumulator_small():
    """1 to 5 and 8 products of any two formats of 2 and 3 bits, with every zero point: a pair of ends each."""
    formats = [(-z, 2**bits - 1 - z) for bits in (2, 3) for z in range(2**bits)]
    return in_order(
        Case((k, x_ends, w_ends), (k, *x_ends, *w_ends), max(x_ends[1] - x_ends[0], w_ends[1] - w_ends[0]).bit_length())
        for k in (1, 2, 3, 4, 5, 8)
        for x_ends in formats
        for w_ends in formats
    )


def accumulator_wide():
    """The sums of real layers: 8 bits, signed, unsigned and in narrow range, to 65,794 products."""
    ends = ((0, 255), (-128, 127), (-127, 127), (-3, 252))
    return in_order(
        Case((k, x_ends, w_ends))
        for k in (9, 64, 127, 129, 576, 1024, 4608, 65793, 65794)
        for x_ends in ends
        for w_ends in ends[1:3]
    )


def every_sum_tried(k, x_ends, w_ends):
    """Return the bits by making every product, the farthest sums of k of them, and trying one width after the other."""
    products = {x * w for x in range(x_ends[0], x_ends[1] + 1) for w in range(w_ends[0], w_ends[1] + 1)}
    sums = {k * min(products), k * max(products)}
    return next(bits for bits in range(1, 64) if all(-(2**bits) <= 2 * s < 2**bits for s in sums))


def is_too_wide(differences):
    """Say whether the width that is shown holds every sum too."""
    return differences[0].found > differences[0].expected


def accumulator_runtime_cases():
    """Formats of 1 and 4 bits, of which every product can be made."""
    ends = [(0, 1), (-1, 0), *((-z, 15 - z) for z in (0, 1, 7, 8, 15))]
    return [Case((k, x, w)) for k in (1, 3, 16, 100) for x in ends for w in ends]


EXERCISE_B = Exercise(
    name="4.B",
    reference=accumulator_bits,
    read=read_number,
    write=write_bit_width,
    small=accumulator_small,
    wide=accumulator_wide,
    runtime=every_sum_tried,
    runtime_name="every product made one by one",
    runtime_cases=accumulator_runtime_cases,
    hints=(
        "Which is the largest product of an x and a w, and which the smallest? Each is made of two ends.",
        "There are four products of ends. The largest sum is k times the largest of them, the smallest likewise.",
        "n bits hold -(2 ** (n - 1)) … 2 ** (n - 1) - 1. Begin with 1 bit and add one until both sums fit.",
    ),
    reason="A sum of k products is largest where every product is, and a product is largest or smallest where both"
    " factors are at an end: four products to look at. The rest is which width holds two numbers.",
    question="Which are the smallest and the largest sum of k products? Does your width hold both, and does one bit less?",
    wrong=(
        WrongAnswer(
            widths_and_logarithm,
            "Are all the patterns of so many bits used: which are the smallest and the largest sum?",
            "k=1, x_ends=(0, 3), w_ends=(0, 3): expected 5 bits, yours 4 bits",
        ),
        WrongAnswer(
            widths_and_floor,
            "Are all the patterns of so many bits used? And is there room for k products where k is no power of two?",
            "k=1, x_ends=(0, 3), w_ends=(0, 3): expected 5 bits, yours 4 bits",
        ),
        WrongAnswer(
            k_forgotten,
            "Where does your code look at k?",
            "k=2, x_ends=(0, 3), w_ends=(0, 3): expected 6 bits, yours 5 bits",
        ),
        WrongAnswer(
            one_bit_a_product,
            "One bit more makes room for twice as much. How many products does each further bit make room for?",
            "k=3, x_ends=(0, 3), w_ends=(0, 3): expected 6 bits, yours 7 bits",
        ),
        WrongAnswer(
            one_product_and_logarithm,
            "The bits of one product are rounded up, and so is the logarithm: what are the two ends of the whole sum?",
            "k=3, x_ends=(0, 3), w_ends=(0, 3): expected 6 bits, yours 7 bits",
        ),
        WrongAnswer(
            minus_times_minus_forgotten,
            "What is the product of two negative numbers, and where does your code look at it?",
            "k=1, x_ends=(-2, 1), w_ends=(-2, 1): expected 4 bits, yours 2 bits",
        ),
        WrongAnswer(
            lowest_times_lowest,
            "A product has four corners, an end of x with an end of w: which corners did you ask?",
            "k=1, x_ends=(0, 3), w_ends=(-2, 1): expected 4 bits, yours 3 bits",
        ),
        WrongAnswer(
            lowest_times_lowest_as_the_smallest,
            "Is lowest · lowest the smallest of the four corners: which corners did you ask?",
            "k=1, x_ends=(0, 3), w_ends=(-2, 1): expected 4 bits, yours 3 bits",
        ),
        WrongAnswer(
            unsigned_where_it_can_be,
            "No sum is negative here, and the register is two's complement all the same: did you count its sign bit?",
            "k=1, x_ends=(0, 3), w_ends=(0, 3): expected 5 bits, yours 4 bits",
        ),
        WrongAnswer(
            sign_bit_forgotten,
            "Which bit of two's complement says that a number is negative, and did you count it?",
            "k=1, x_ends=(0, 3), w_ends=(0, 3): expected 5 bits, yours 4 bits",
        ),
        WrongAnswer(
            magnitude_and_sign,
            "A signed range has one negative number more: how many bits does its lowest need?",
            "k=1, x_ends=(-1, 2), w_ends=(-2, 1): expected 3 bits, yours 4 bits",
        ),
    ),
    rules=(Rule(is_too_wide, "Your width holds every sum. Does one bit less hold them too?"),),
)

EXERCISES = (EXERCISE_A, EXERCISE_B)

PREDICTIONS = (
    Prediction(
        "4.1",
        right="about 30",
        reasons={
            "about 820": "Each bit so far cost one scan at most. But what overflows is not lost a little: it comes in at"
            " the other end.",
            "about 600": "As if the scans whose scores wrap were lost and the rest stayed: nearly every scan has some"
            " digit with a score below −1024.",
            "about 90, as by guessing": "A guess does not know the digits. This network does, and a wrong digit just past"
            " the bottom comes in as the highest score.",
            "about 30": "26: the wrong digits have the lowest scores, and those come in at the top. Worse than a guess.",
        },
    ),
    Prediction(
        "4.2",
        right="the last two",
        reasons={
            "none": "Each term with qx in it waits for the input, but two have none.",
            "the last": "It is known, and so is zx · Σ qw: it is made of weights and a zero point.",
            "the last two": "They hold weights and zero points alone: a constant for each row, folded into the bias.",
            "all but the first": "zw · Σ qx needs the inputs: it is gone only where zw is 0.",
        },
    ),
    Prediction(
        "4.3",
        right="9",
        reasons={
            "7": "That holds one product of most pairs; but (−8) · (−8) alone is 64, and 7 bits end at 63.",
            "8": "It holds all sums but one: (−8)(−8) + (−8)(−8) = 128, and 8 bits end at 127.",
            "9": "One sum asks for it: (−8)(−8) + (−8)(−8) = 128, and 8 bits end at 127.",
            "10": "A bit for each product is too many: one more bit makes room for twice as many.",
        },
    ),
    Prediction(
        "4.4",
        right="6 or 1",
        reasons={
            "6": "So it is where the −6 comes before the second 6. After 6 + 6 the register holds 7, and 5 are gone.",
            "1": "So it is in the order 6, 6, −6. In the two others the register never leaves its range.",
            "6 or 1": "6, 6, −6 stops at 7 on the way and ends at 1; the other orders never leave the range and end at 6.",
            "7": "7 is held after 6 + 6, but the −6 still comes off.",
        },
    ),
    Prediction(
        "4.5",
        right="32767",
        reasons={
            "64770": "That is the exact sum, and what a processor with VNNI gives. A pair of 16 bits ends at 32767.",
            "32767": "The pair is kept in 16 signed bits, and this instruction saturates.",
            "−766": "That is 64770 wrapped to 16 bits. Had it wrapped, a later carry could have mended it; it saturates.",
        },
    ),
    Prediction(
        "4.6",
        right="−15",
        reasons={
            "0": "So it must be, and it would be with a frame of the integer 3, which stands for real zero.",
            "−3": "That is one place of the frame; in a corner there are five.",
            "−15": "The integer 0 lies 3 steps below the zero point, five times.",
            "−27": "All nine places; but four of them are image, and count 0.",
        },
    ),
)

QUIZ = (
    QuizQuestion(
        "Inputs with zero point 5, weights with zero point 0. What is left of the four terms when the network runs?",
        right="Σ qx·qw and a constant",
        reasons={
            "all four": "With zw = 0 the second and the fourth are 0 · something.",
            "Σ qx·qw and a constant": "−5 · Σ qw holds no input: it is folded into the bias.",
            "Σ qx·qw and a sum of the inputs": "The sum of the inputs belongs to zw, and zw is 0.",
            "Σ qx·qw alone": "The inputs still count from 5: −5 · Σ qw must be taken off, once, in the bias.",
        },
    ),
    QuizQuestion(
        "3 products of u2 (0 … 3) by s2 (−2 … 1). How many signed bits hold every sum?",
        right="6",
        reasons={
            "5": "The lowest sum is 3 · 3 · (−2) = −18, and 5 bits end at −16.",
            "6": "The sums are −18 … 9; 5 bits end at −16, 6 bits at −32.",
            "7": "A bit for each further product: 4 + 3. But −18 fits 6 bits.",
            "8": "4 bits hold each product, −6 … 3. Twice the bits are far more room than 3 products need: −18 fits 6.",
        },
    ),
    QuizQuestion(
        "All tests passed, and no accumulator went beyond 13 bits. How few bits are sure to be enough for these weights?",
        right="ask accumulator_range",
        reasons={
            "13": "So much these inputs needed. Another input may need more, and nobody is told when it wraps.",
            "14, for safety": "A bit of safety is a guess. The weights are known: ask them.",
            "ask accumulator_range": "It takes for each weight the input that drives the sum farthest: a proof for"
            " every input of the format.",
            "32, as usual": "32 hold the sums of nearly every layer, but the question was how few are enough: for the"
            " digits' weights it is 16.",
        },
    ),
    QuizQuestion(
        "The final sum fits 10 signed bits, partial sums reach 12. Which 10-bit accumulator is exact?",
        right="the one that wraps",
        reasons={
            "the one that wraps": "Turns lost on the way cancel where the final sum fits, in any order.",
            "the one that saturates": "What it cuts off on the way is gone: the end is off by that much.",
            "both": "The saturating one is exact only where no partial sum leaves its range.",
            "neither, it takes 12 bits": "12 bits are what a saturating register needs here. A wrapping one needs the"
            " final sum's.",
        },
    ),
    QuizQuestion(
        "A uint8 × int8 layer gives other integers on an old x86 server than on a phone. What is the likeliest cause?",
        right="pairs of products saturate at 16 bits",
        reasons={
            "float rounding": "There are no floats in an integer product.",
            "the order of the sum": "Exact integers, and wrapped ones, do not ask for the order. Saturation does, and"
            " it is where to look.",
            "pairs of products saturate at 16 bits": "The byte instruction before VNNI does so. Weights of 7 bits, or"
            " int8 × int8, avoid it.",
            "the phone pads differently": "What a layer pads with belongs to the network, which is the same on both; and only"
            " sums at the border would differ.",
        },
    ),
    QuizQuestion(
        "A layer pads, its inputs have zero point 10, and −zx · Σ qw is folded into the bias. What must the frame hold?",
        right="10",
        reasons={
            "0": "The constant takes 10 off at every place, at the frame too: integer 0 would count as −10.",
            "10": "Real zero is the integer 10, and the constant takes it off again.",
            "−10": "It would count as −20, and no unsigned format holds it.",
            "no matter": "It matters in each sum at the border: the window hangs over the frame.",
        },
    ),
)
