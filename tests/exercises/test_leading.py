"""The question under a counterexample points at the mistake that was made, not at another that looks alike there."""

import pytest
import torch

from qtutor.exercises.catalogue import EXERCISES


def half(bit_width):
    return 2 ** (bit_width - 1)


def low(bit_width, signed):
    return -half(bit_width) if signed else 0


def right(name):
    return EXERCISES[name].reference


Q_IN_ITS_TYPE = "Does this q fit into the type that you chose?"
IN_FLOAT32 = (
    "Half a step decides here: do you divide by scale and add zero_point as Brevitas does, each once, in float32?"
)
CLAMPED_AT = "Nothing is clamped here: which step of yours, or which type, ends at "
FLOAT32 = "How many whole numbers in a row can a float32 tell apart?"
SIZES = "How large a number do your steps pass through, and does the type of each of them hold it exactly?"
NARROWER = "It holds both ends. Is there a narrower one? Can a sum here be negative?"

BREVITAS = next(wrong.function for wrong in EXERCISES["3.A"].wrong if wrong.function.__name__ == "log_of_the_width")


def in_steps(products, shift, zero, bits, signed):
    """The end of 5.B with a mask for the rest; past int32 where the products are int32 and the shift is 32."""
    floor, rest, half_a_step = products >> shift, products & ((1 << shift) - 1), (1 << shift) >> 1
    up = (rest > half_a_step) | ((rest == half_a_step) & (floor % 2 == 1) & (shift > 0))
    return (floor + up + zero).clamp(low(bits, signed), low(bits, signed) + 2**bits - 1)


TIE = "x is half way between two integers: to which of them is it rounded, and is that one in the format?"


def masked(inside):
    """7.A with a gradient where a mask says so."""

    def fake_quantize(x, scale, bits):
        mask = inside(x / scale, -half(bits), half(bits) - 1).float()
        return x * mask + (right("7.A")(x, scale, bits) - x * mask).detach()

    return fake_quantize


ASKED = {
    # 1.A
    "q in int8": ("1.A", lambda q, scale, zero: scale * (q.to(torch.int8) - zero), Q_IN_ITS_TYPE),
    "q in int16": ("1.A", lambda q, scale, zero: scale * (q.short() - zero), Q_IN_ITS_TYPE),
    "rounded": (
        "1.A",
        lambda q, scale, zero: (scale * (q.int() - zero)).round(),
        "May a real number have a fraction, and which of your steps took it away?",
    ),
    "no zero point": ("1.A", lambda q, scale, zero: scale * q.int(), "Where does your code look at zero_point?"),
    "one step too far": ("1.A", lambda q, scale, zero: scale * (q.int() - zero + 1), EXERCISES["1.A"].question),
    # 1.B
    "clamped to unsigned bits": ("1.B", lambda *given: right("1.B")(*given).clamp(0, 255), CLAMPED_AT + "0?"),
    "clamped to 4 bits": ("1.B", lambda *given: right("1.B")(*given).clamp(0, 15), CLAMPED_AT + "0?"),
    "clamped to signed bits": ("1.B", lambda *given: right("1.B")(*given).clamp(-128, 127), CLAMPED_AT + "127?"),
    "uint8": (
        "1.B",
        lambda *given: right("1.B")(*given).to(torch.uint8),
        "Which type holds a negative integer?",
    ),
    "int8": (
        "1.B",
        lambda *given: right("1.B")(*given).to(torch.int8),
        "Does 128 fit into the type that you chose?",
    ),
    "float64": ("1.B", lambda v, scale, zero: (v.double() / scale + zero).round().int(), IN_FLOAT32),
    "reciprocal": ("1.B", lambda v, scale, zero: (v * (1 / scale) + zero).round().int(), IN_FLOAT32),
    "float64 with Brevitas's scale": (
        "1.B",
        lambda v, scale, zero: (v.double() / torch.tensor(scale).double() + zero).round().int(),
        IN_FLOAT32,
    ),
    "zero point added in float64": (
        "1.B",
        lambda v, scale, zero: ((v / scale).double() + zero).round().int(),
        IN_FLOAT32,
    ),
    "no scale": ("1.B", lambda v, scale, zero: (v + zero).round().int(), "Where does your code look at scale?"),
    "rounded up": ("1.B", lambda v, scale, zero: (v / scale + zero).ceil().int(), EXERCISES["1.B"].question),
    "half to odd": (
        "1.B",
        lambda v, scale, zero: torch.where(
            (v / scale + zero) % 1 == 0.5,
            2 * torch.floor((v / scale + zero) / 2) + 1,
            torch.round(v / scale + zero),
        ).int(),
        "This value lies half way between two integers: does torch round away from zero?",
    ),
    "1 becomes 0": (
        "1.B",
        lambda *given: right("1.B")(*given) * (right("1.B")(*given) != 1),
        EXERCISES["1.B"].question,
    ),
    # 2.A
    "high one too high where signed": (
        "2.A",
        lambda x, bits, signed: x.clamp(low(bits, signed), half(bits) if signed else 2**bits - 1),
        "If a range begins at low and has 2**bit_width numbers, which is its last?",
    ),
    "low one too low where signed": (
        "2.A",
        lambda x, bits, signed: x.clamp(low(bits, signed) - signed, low(bits, signed) + 2**bits - 1),
        "Which is the smallest of 2**bit_width numbers, half of them negative?",
    ),
    "saturated in float32": (
        "2.A",
        lambda x, bits, signed: right("2.A")(x.float(), bits, signed).int(),
        FLOAT32,
    ),
    "saturated in int16": ("2.A", lambda x, bits, signed: right("2.A")(x.short(), bits, signed), SIZES),
    "past int32 on the way": (
        "2.A",
        lambda x, bits, signed: x - torch.relu(x - 2 ** (bits - signed) + 1) + torch.relu(low(bits, signed) - x),
        SIZES,
    ),
    "nothing done": ("2.A", lambda x, bits, signed: x.clone(), "Where does your code look at bit_width and signed?"),
    "one less where unsigned": (
        "2.A",
        lambda x, bits, signed: right("2.A")(x, bits, signed) - int(not signed),
        "0 is in the range of this format. What did your code do to it?",
    ),
    "right on all small inputs": (
        "2.A",
        lambda x, bits, signed: torch.where((x < -300) & (not signed), x, right("2.A")(x, bits, signed)),
        EXERCISES["2.A"].question,
    ),
    "unsigned from -1": (
        "2.A",
        lambda x, bits, signed: x.clamp(low(bits, signed) - int(not signed), low(bits, signed) + 2**bits - 1),
        EXERCISES["2.A"].question,
    ),
    # 2.B
    "turns in float32": (
        "2.B",
        lambda x, bits, signed: (x - 2**bits * torch.floor((x - low(bits, signed)) / 2**bits)).int(),
        FLOAT32,
    ),
    "signed for both": (
        "2.B",
        lambda x, bits, signed: (x + half(bits)) % 2**bits - half(bits),
        "Where does your code look at signed?",
    ),
    "always 4 bits": (
        "2.B",
        lambda x, bits, signed: (x - low(4, signed)) % 16 + low(4, signed),
        "Where does your code look at bit_width?",
    ),
    "always 8 bits": (
        "2.B",
        lambda x, bits, signed: x.to(torch.int8 if signed else torch.uint8).int(),
        "Where does your code look at bit_width?",
    ),
    "low not added": (
        "2.B",
        lambda x, bits, signed: (x - low(bits, signed)) % 2**bits,
        "0 is in the range of this format. What did your code do to it?",
    ),
    # 3.A
    "two bits more": ("3.A", lambda a, s, b, t: (max(a, b) + 2, s or t), NARROWER),
    "signed without need": ("3.A", lambda a, s, b, t: (right("3.A")(a, s, b, t)[0] + (not (s or t)), True), NARROWER),
    "wide enough for all": ("3.A", lambda a, s, b, t: (10**9 + a + b, s or t), NARROWER),
    "signed without a bit for it": (
        "3.A",
        lambda *formats: (right("3.A")(*formats)[0], True),
        EXERCISES["3.A"].question,
    ),
    "unsigned, a bit wider": (
        "3.A",
        lambda *formats: (right("3.A")(*formats)[0] + right("3.A")(*formats)[1], False),
        EXERCISES["3.A"].question,
    ),
    "Brevitas's width, but for two unsigned": (
        "3.A",
        lambda a, s, b, t: BREVITAS(a, s, b, t) if s or t else right("3.A")(a, s, b, t),
        "How many different sums are there from the smallest to the largest, both ends counted?",
    ),
    "a negative width": ("3.A", lambda a, s, b, t: (-max(a, b), s or t), EXERCISES["3.A"].question),
    # 3.B
    "uint8 at the end": (
        "3.B",
        lambda *given: right("3.B")(*given).to(torch.uint8),
        "Does -2 fit into the type that you chose?",
    ),
    "int8 at the end": (
        "3.B",
        lambda *given: right("3.B")(*given).to(torch.int8),
        "Does -200 fit into the type that you chose?",
    ),
    # 3.C
    "no zero points": (
        "3.C",
        lambda a, a_zero, b, b_zero: (a.int() + b.int(), 0),
        "Where does your code look at a_zero_point and b_zero_point?",
    ),
    # 4.A
    "widened after the subtraction": (
        "4.A",
        lambda x, w, x_zero, w_zero: int(((x - x_zero).long() * (w - w_zero).long()).sum()),
        "Can the type in which x comes hold x minus its zero point?",
    ),
    "x in int8": (
        "4.A",
        lambda x, w, x_zero, w_zero: int(((x.to(torch.int8) - x_zero).long() * (w.long() - w_zero)).sum()),
        "x reaches 255 here, and w −128: which type of yours holds them, their steps, the products and the sum?",
    ),
    "summed in int16": (
        "4.A",
        lambda *given: int(torch.tensor(right("4.A")(*given)).short()),
        "x reaches 255 here, and w −128: which type of yours holds them, their steps, the products and the sum?",
    ),
    "no w": (
        "4.A",
        lambda x, w, x_zero, w_zero: int((x.long() - x_zero).sum()),
        "Where does your code look at w and w_zero_point?",
    ),
    # 4.B
    "twice as wide as needed": (
        "4.B",
        lambda *given: 2 * right("4.B")(*given),
        "Your width holds every sum. Does one bit less hold them too?",
    ),
    "no weights": (
        "4.B",
        lambda k, x_ends, w_ends: right("4.B")(k, x_ends, (0, 1)),
        "Where does your code look at w_ends?",
    ),
    # 5.A
    "mantissas up to 7 of 8": (
        "5.A",
        lambda real, bits: right("5.A")(real, bits - 1),
        "A multiplier is above 0: which bit of your mantissa is never used?",
    ),
    "one shift too few": (
        "5.A",
        lambda real, bits: (right("5.A")(real, bits)[0], right("5.A")(real, bits)[1] - 1),
        EXERCISES["5.A"].question,
    ),
    # 5.B
    "an int32 product": (
        "5.B",
        lambda a, m, s, z, bits, signed: in_steps(a * m, s, z, bits, signed),
        "How many bits has the product of two 32-bit integers, and how many has yours?",
    ),
    "a ReLU besides": (
        "5.B",
        lambda *given: right("5.B")(*given).clamp_min(given[3]),
        "Your code goes no lower than the zero point, as a ReLU does: which is the lower end of this format?",
    ),
    "8 bits, whatever is asked": (
        "5.B",
        lambda *given: right("5.B")(*given[:4], 8, given[5]),
        "Where does your code look at bit_width?",
    ),
    "kept in int8": (
        "5.B",
        lambda *given: right("5.B")(*given).to(torch.int8),
        "Does 128 fit into the type that you chose?",
    ),
    "a float64 quotient": (
        "5.B",
        lambda a, m, s, z, bits, signed: (
            torch.round(a.double() * m / 2**s).long().add(z).clamp(low(bits, signed), low(bits, signed) + 2**bits - 1)
        ),
        "How many bits can the product have, and how many of them does a float64 keep?",
    ),
    # 6.A
    "never widened, always unsigned": (
        "6.A",
        lambda low, high, bits, signed: (
            (high - low) / (2**bits - 1),
            round(-low / ((high - low) / (2**bits - 1))),
        ),
        "Is your zero point one of the format's integers, and so does real 0.0 have one?",
    ),
    # 7.A
    "a mask with ties of both ends": (
        "7.A",
        masked(lambda steps, low, high: (steps >= low - 0.5) & (steps <= high + 0.5)),
        TIE,
    ),
    "a mask without them": ("7.A", masked(lambda steps, low, high: (steps > low - 0.5) & (steps <= high + 0.5)), TIE),
    "a gradient of 1/scale everywhere": (
        "7.A",
        lambda x, scale, bits: x / scale + (right("7.A")(x, scale, bits) - x / scale).detach(),
        "Your gradient is 1/scale: in which units is the part of your sum that autograd sees?",
    ),
    # 8.A
    "stopped above alone": (
        "8.A",
        lambda x, w, m, o, shift, low, high: right("8.A")(x, w, m, o, shift, -(2**31), high),
        "Where does your code look at low?",
    ),
    "kept in int8, and then stopped": (
        "8.A",
        lambda x, w, m, o, shift, low, high: (
            right("8.A")(x, w, m, o, shift, -(2**31), 2**31).to(torch.int8).clamp(low, high)
        ),
        EXERCISES["8.A"].question,
    ),
    # 8.B
    "the last threshold twice": (
        "8.B",
        lambda *given: [*right("8.B")(*given), right("8.B")(*given)[-1]],
        "How many integers lie above low, up to high, and how many thresholds did you give?",
    ),
    "no shift": (
        "8.B",
        lambda mantissa, offset, shift, low, high: right("8.B")(mantissa, offset, 0, low, high),
        "Where does your code look at shift?",
    ),
}


@pytest.mark.parametrize(("name", "function", "question"), ASKED.values(), ids=ASKED)
def test_the_question_points_at_the_mistake(name, function, question, verdict):
    said = verdict(name, function)
    assert said.startswith(f"✗ {name}  first differs at ")
    assert said.endswith(f". {question}")


def test_one_counterexample_leads_to_different_questions(verdict):
    alike = ("zero_point_forgotten", "zero_point_scaled_too", "rounded_after_the_zero_point")
    said = [verdict("3.B", wrong.function) for wrong in EXERCISES["3.B"].wrong if wrong.function.__name__ in alike]
    assert len({line.partition(". ")[0] for line in said}) == 1
    assert len(set(said)) == 3


def test_a_mistake_that_nobody_foresaw_gets_the_exercises_own_question(verdict):
    def one_where_it_does_not_fit(x, bit_width, signed):
        return torch.where(x == right("2.A")(x, bit_width, signed), x, 1)

    assert verdict("2.A", one_where_it_does_not_fit) == (
        "✗ 2.A  first differs at x=-1, bit_width=2, signed=False: expected 0 (00), yours 1 (01)."
        f" {EXERCISES['2.A'].question}"
    )
