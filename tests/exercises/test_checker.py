"""check says one sentence about whatever it is given, and goes on."""

import _thread
import math
import sys
import threading
import time

import pytest
import torch

from qtutor.exercises import check, checker, runner
from qtutor.exercises.catalogue import EXERCISES

# --- right answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_is_right(name, verdict):
    exercise = EXERCISES[name]
    said = verdict(name, exercise.reference)
    assert said.startswith(f"✓ {name}  agrees on all {len(exercise.small()):,} ")
    larger = f"{len(exercise.wide())} larger ones" if name != "3.C" else EVERY_PAIR
    assert said.endswith(f", on {larger}, and with {exercise.runtime_name}.")


EVERY_PAIR = "all 65,536 pairs of uint8 and all 65,536 pairs of int8"


def test_the_verdict_counts_the_pairs_that_were_tried():
    exercise = EXERCISES["3.C"]
    assert exercise.wide_words(exercise.wide()) == EVERY_PAIR
    without_the_largest = [case for case in exercise.wide() if case.tensors[0].numel() < 2**16]
    assert exercise.wide_words(without_the_largest) == "6 pairs of uint8 and 6 pairs of int8"


def to_real_distributed(q, scale, zero_point):
    return q.double() * scale - scale * zero_point


def to_real_in_numpy(q, scale, zero_point):
    return torch.from_numpy((q.numpy().astype("float32") - zero_point) * scale)


def to_integers_in_int64(value, scale, zero_point):
    return (value.div(scale) + zero_point).round().long()


def to_integers_by_hand(value, scale, zero_point):
    numbers = [round((v / torch.tensor(scale) + zero_point).item()) for v in value.reshape(-1)]
    return torch.tensor(numbers, dtype=torch.int64).reshape(value.shape)


def saturate_by_where(x, bit_width, signed):
    low, high = (-(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1) if signed else (0, 2**bit_width - 1)
    return torch.where(x < low, low, torch.where(x > high, high, x))


def saturate_one_by_one(number, bits, has_sign):
    half = 1 << (bits - 1)
    low, high = (-half, half - 1) if has_sign else (0, 2 * half - 1)
    return torch.tensor([min(max(v, low), high) for v in number.reshape(-1).tolist()]).reshape(number.shape)


def saturate_in_numpy(x, bit_width, signed):
    import numpy as np

    low = -(2 ** (bit_width - 1)) if signed else 0
    return torch.from_numpy(np.clip(x.numpy(), low, low + 2**bit_width - 1))


def wrap_by_mask(x, bit_width, signed):
    kept = x & (2**bit_width - 1)
    return torch.where(kept >= 2 ** (bit_width - 1), kept - 2**bit_width, kept) if signed else kept


def wrap_by_xor(x, bit_width, signed):
    half = 2 ** (bit_width - 1) if signed else 0
    return ((x & (2**bit_width - 1)) ^ half) - half


def wrap_by_shifts(x, bit_width, signed):
    wide = x.long() << (64 - bit_width)
    return wide >> (64 - bit_width) if signed else x.long() & (2**bit_width - 1)


def sum_format_by_trying_all(bits_a, signed_a, bits_b, signed_b):
    values_a = range(-(2**bits_a) // 2, 2**bits_a // 2) if signed_a else range(2**bits_a)
    values_b = range(-(2**bits_b) // 2, 2**bits_b // 2) if signed_b else range(2**bits_b)
    sums = [a + b for a in values_a for b in values_b]
    n = 1
    while min(sums) < (-(2**n) // 2 if min(sums) < 0 else 0) or max(sums) >= (2**n // 2 if min(sums) < 0 else 2**n):
        n += 1
    return [n, min(sums) < 0]


def sum_format_by_bit_length(bits_a, signed_a, bits_b, signed_b):
    low = sum(-(2 ** (bits - 1)) for bits, signed in ((bits_a, signed_a), (bits_b, signed_b)) if signed)
    high = sum(2 ** (bits - signed) - 1 for bits, signed in ((bits_a, signed_a), (bits_b, signed_b)))
    return torch.tensor(max((~low).bit_length() if low else 0, high.bit_length()) + (low < 0)), int(low < 0)


def quant_transform_in_fractions(q, zero_point, ratio, bit_width, signed):
    from fractions import Fraction

    low = -(2 ** (bit_width - 1)) if signed else 0
    moved = [round((v - zero_point) * Fraction(ratio)) + zero_point for v in q.reshape(-1).tolist()]
    return torch.tensor([sorted((low, v, low + 2**bit_width - 1))[1] for v in moved]).reshape(q.shape)


def quant_transform_shifted_ends(q, zero_point, ratio, bit_width, signed):
    low = (-(2 ** (bit_width - 1)) if signed else 0) - zero_point
    steps = ((q - zero_point).double() * ratio).round()
    return (steps.clamp(low, low + 2**bit_width - 1) + zero_point).to(torch.int16)


def to_integers_by_division(value, scale, zero_point):
    return torch.from_numpy((value / torch.tensor(scale) + zero_point).numpy().round().astype("int64"))


def wrap_by_whole_turns(x, bit_width, signed):
    low = -(2 ** (bit_width - 1)) if signed else 0
    return x - (x - low) // 2**bit_width * 2**bit_width


def add_by_sum(a, a_zero_point, b, b_zero_point):
    return [torch.stack((a.short(), b.short())).sum(0), sum((a_zero_point, b_zero_point))]


def add_by_promotion(a, a_zero_point, b, b_zero_point):
    return a + b.to(torch.int64), torch.tensor(a_zero_point + b_zero_point)


def to_fixed_point_by_frexp(real, bits):
    fraction, exponent = math.frexp(real)
    mantissa, shift = round(fraction * 2**bits), bits - exponent
    return (mantissa // 2, shift - 1) if mantissa == 2**bits else [torch.tensor(mantissa), shift]


def requantize_by_masks(accumulators, mantissa, shift, zero_point, bit_width, signed):
    low = -(2 ** (bit_width - 1)) if signed else 0
    products = accumulators.long() * mantissa
    floor, rest, half = products >> shift, products & (2**shift - 1), 2**shift >> 1
    up = (rest > half) | ((rest == half) & (rest > 0) & (floor & 1).bool())
    return (floor + up + zero_point).clamp(low, low + 2**bit_width - 1)


def requantize_one_by_one(accumulators, mantissa, shift, zero_point, bit_width, signed):
    from fractions import Fraction

    low = -(2 ** (bit_width - 1)) if signed else 0
    moved = [round(Fraction(a * mantissa, 2**shift)) + zero_point for a in accumulators.reshape(-1).tolist()]
    kept = [sorted((low, q, low + 2**bit_width - 1))[1] for q in moved]
    return torch.tensor(kept, dtype=torch.int16).reshape(accumulators.shape)


class StraightThrough(torch.autograd.Function):
    """Rounding and clamping with a gradient written by hand."""

    @staticmethod
    def forward(ctx, steps, low, high):
        rounded = torch.round(steps)
        ctx.save_for_backward((rounded >= low) & (rounded <= high))
        return torch.clamp(rounded, low, high)

    @staticmethod
    def backward(ctx, gradient):
        (inside,) = ctx.saved_tensors
        return gradient * inside, None, None


def fake_quantize_by_hand(x, scale, bit_width):
    return StraightThrough.apply(x / scale, -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1) * scale


def fake_quantize_by_a_mask(x, scale, bit_width):
    q = torch.round(x.detach() / scale)
    low, high = -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1
    inside = ((q >= low) & (q <= high)).to(x.dtype)
    return x * inside + (q.clamp(low, high) * scale - x * inside).detach()


def fake_quantize_by_brevitas(x, scale, bit_width):
    from brevitas.function.ops_ste import round_ste

    return round_ste(x / scale).clamp(-(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1) * scale


def fold_batch_norm_row_by_row(weight, bias, gamma, beta, mean, variance, eps):
    factors = [g / math.sqrt(v + eps) for g, v in zip(gamma.tolist(), variance.tolist(), strict=True)]
    rows = torch.stack([row * factor for row, factor in zip(weight, factors, strict=True)])
    return [rows, beta.double() + (bias - mean) * torch.tensor(factors, dtype=torch.float64)]


def integer_layer_by_kernels(x, weight, mantissa, offset, shift, low, high):
    import qtutor

    sums = qtutor.linear(x.to(torch.int32), weight.to(torch.int16)).to(torch.int64)
    return qtutor.rounding_right_shift(sums * mantissa + offset, shift).clamp(low, high).to(torch.int16)


def integer_layer_one_by_one(x, weight, mantissa, offset, shift, low, high):
    from fractions import Fraction

    answers = torch.zeros(len(x), len(weight), dtype=torch.int32)
    for scan, row in enumerate(x.tolist()):
        for output, weights in enumerate(weight.tolist()):
            total = sum(a * b for a, b in zip(row, weights, strict=True))
            exact = Fraction(total * int(mantissa[output]) + int(offset[output]), 2**shift)
            answers[scan, output] = min(max(round(exact), low), high)
    return answers


def thresholds_by_halving(mantissa, offset, shift, low, high):
    from fractions import Fraction

    found = []
    for level in range(low + 1, high + 1):
        below, reached = -(2**62), 2**62
        while reached - below > 1:
            middle = (below + reached) // 2
            if round(Fraction(middle * mantissa + offset, 2**shift)) >= level:
                reached = middle
            else:
                below = middle
        found.append(reached)
    return torch.tensor(found)


OTHER_ANSWERS = [
    ("1.A", to_real_distributed),
    ("1.A", to_real_in_numpy),
    ("1.B", to_integers_in_int64),
    ("1.B", to_integers_by_hand),
    ("1.B", to_integers_by_division),
    ("2.A", saturate_by_where),
    ("2.A", saturate_one_by_one),
    ("2.A", saturate_in_numpy),
    ("2.B", wrap_by_mask),
    ("2.B", wrap_by_xor),
    ("2.B", wrap_by_shifts),
    ("2.B", wrap_by_whole_turns),
    ("3.A", sum_format_by_trying_all),
    ("3.A", sum_format_by_bit_length),
    ("3.B", quant_transform_in_fractions),
    ("3.B", quant_transform_shifted_ends),
    ("3.C", add_by_sum),
    ("3.C", add_by_promotion),
    ("5.A", to_fixed_point_by_frexp),
    ("5.B", requantize_by_masks),
    ("5.B", requantize_one_by_one),
    ("7.A", fake_quantize_by_hand),
    ("7.A", fake_quantize_by_a_mask),
    ("7.A", fake_quantize_by_brevitas),
    ("7.B", fold_batch_norm_row_by_row),
    ("8.A", integer_layer_by_kernels),
    ("8.A", integer_layer_one_by_one),
    ("8.B", thresholds_by_halving),
]


@pytest.mark.parametrize(("name", "function"), OTHER_ANSWERS, ids=[f.__name__ for _, f in OTHER_ANSWERS])
def test_an_answer_written_another_way_is_right_too(name, function, verdict):
    assert verdict(name, function).startswith(f"✓ {name}  agrees on all ")


def test_the_kernels_of_the_library_are_right_answers(verdict):
    import qtutor

    assert verdict("2.A", qtutor.saturate).startswith("✓ 2.A")
    assert verdict("2.B", qtutor.wrap).startswith("✓ 2.B")
    assert verdict("3.A", qtutor.sum_format).startswith("✓ 3.A")


def test_a_right_answer_that_prints_is_right_and_told_so(verdict):
    def noisy(x, bit_width, signed):
        print("x is", x)
        print("and a warning", file=sys.stderr)
        return EXERCISES["2.A"].reference(x, bit_width, signed)

    said = verdict("2.A", noisy)
    assert said.startswith("✓ 2.A")
    assert "It also printed 'x is tensor([0], dtype=torch.int32)'" in said


# --- stubs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXERCISES)
def test_the_stub_is_not_attempted_yet_and_holds_nothing_of_the_solution(name, verdict):
    exercise, made = EXERCISES[name], {}
    exec(exercise.stub, made)
    assert verdict(name, made[exercise.function_name]) == f"○ {name}  not attempted yet"
    body = exercise.source.split('"""')[2].strip().splitlines()
    assert not any(line.strip() in exercise.stub for line in body)


def only_passes(x, bit_width, signed):
    pass


def only_a_docstring(x, bit_width, signed):
    """Return x."""


def returns_an_ellipsis(x, bit_width, signed):
    return ...


def returns_not_implemented(x, bit_width, signed):
    return NotImplemented


def raises_not_implemented(x, bit_width, signed):
    raise NotImplementedError


STUBS = [only_passes, only_a_docstring, returns_an_ellipsis, returns_not_implemented, raises_not_implemented]


@pytest.mark.parametrize("function", [*STUBS, lambda x, bit_width, signed: ..., lambda x, bit_width, signed: None])
def test_an_empty_function_is_not_attempted_yet(function, verdict):
    assert verdict("2.A", function) == "○ 2.A  not attempted yet"


def test_a_function_that_is_half_done_is_no_stub(verdict):
    def half_done(x, bit_width, signed):
        if signed:
            raise NotImplementedError
        return torch.clamp(x, 0, 2**bit_width - 1)

    assert verdict("2.A", half_done) == (
        "✗ 2.A  at x=0, bit_width=2, signed=True your function has no answer yet: this input is still to be done."
    )


# --- the wrong kind of thing -----------------------------------------------------------------------------------------

FIRST = "✗ 2.A  at x=0, bit_width=2, signed=False your function "


def raises_a_long_error(x, bit_width, signed):
    raise ValueError("what went wrong\nand where, at length")


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError


def raises_the_unspeakable(x, bit_width, signed):
    raise Unspeakable


def multiplies_two_types(x, bit_width, signed):
    return torch.ones(1, 1) @ torch.ones(1, 1, dtype=torch.int64)


def calls_itself(x, bit_width, signed):
    return calls_itself(x, bit_width, signed)


def exits(x, bit_width, signed):
    sys.exit()


def interrupts(x, bit_width, signed):
    raise KeyboardInterrupt


def yields(x, bit_width, signed):
    yield x


async def is_async(x, bit_width, signed):
    return x


def left_a_gap(x, bit_width, signed):
    return torch.clamp(x, ..., 3)


def misspells(x, bit_width, signed):
    return x.clmap(0, 3)


def clamps_in_place(x, bit_width, signed):
    return x.clamp_(0, 2**bit_width - 1)


WORDS = [
    (raises_a_long_error, FIRST + "raises ValueError: what went wrong."),
    (raises_the_unspeakable, FIRST + "raises Unspeakable."),
    (
        multiplies_two_types,
        FIRST + "raises RuntimeError: expected m1 and m2 to have the same dtype, but got: float != long int."
        " The types differ: what holds both?",
    ),
    (calls_itself, FIRST + "calls itself too deep (RecursionError): where does it stop, or could a loop do it?"),
    (exits, FIRST + "calls exit, which would end the notebook's kernel: return instead."),
    (interrupts, FIRST + "raises KeyboardInterrupt."),
    (misspells, FIRST + "raises AttributeError: 'Tensor' object has no attribute 'clmap'."),
    (left_a_gap, FIRST + "still computes with `...`, the place that was left for your code."),
    (
        clamps_in_place,
        "✗ 2.A  at x=-1, bit_width=2, signed=False your function changes its input in place, which the caller still"
        " needs: work on a new tensor.",
    ),
    (
        yields,
        FIRST + "returns a generator where a torch.Tensor belongs: `yield` makes a generator, `return` hands a value"
        " back.",
    ),
    (
        is_async,
        FIRST + "returns a coroutine where a torch.Tensor belongs: `async` makes a coroutine, and a plain `def` is"
        " enough.",
    ),
    (
        lambda x, bit_width, signed: x.tolist(),
        FIRST + "returns a list where a torch.Tensor belongs: torch.tensor makes one of a list.",
    ),
    (
        lambda x, bit_width, signed: x.numpy(),
        FIRST + "returns an ndarray where a torch.Tensor belongs: torch.from_numpy makes one of an array.",
    ),
    (
        lambda x, bit_width, signed: x.max(dim=0),
        FIRST + "returns all that torch.max gives, .indices and .values: which of them is the answer?",
    ),
    (
        lambda x, bit_width, signed: (x,),
        FIRST
        + "returns a tuple where a torch.Tensor belongs: is there a comma too many, or is one of its parts the answer?",
    ),
    (
        lambda x, bit_width, signed: x.item(),
        FIRST + "returns the int 0 where a torch.Tensor belongs: which step leaves torch?",
    ),
    (
        lambda x, bit_width, signed: x.float(),
        FIRST + "returns a tensor of float32, and a stored integer has an integer type: which step gives the type?",
    ),
    (
        lambda x, bit_width, signed: x > 0,
        FIRST + "returns a tensor of bool, and a stored integer has an integer type: which step gives the type?",
    ),
    (
        lambda x, bit_width, signed: x.reshape(1, 1),
        FIRST + "returns the shape (1, 1) for an input of shape (1,): give one answer for each.",
    ),
    (
        lambda x, bit_width, signed: x.to("meta"),
        FIRST + "raises NotImplementedError: Cannot copy out of meta tensor; no data!",
    ),
    (
        print,
        FIRST + "returns None: where does its answer leave it? (`return` hands a value back, `print` does not.) It also"
        " printed 'tensor([0], dtype=torch.int32) 2 False', which was held back: print in a cell of its own.",
    ),
    (
        lambda x: x,
        "✗ 2.A  cannot call your function as saturate(x, bit_width, signed): give it these 3 parameters.",
    ),
    (
        "saturate",
        "✗ 2.A  was given the text 'saturate', and it needs the function itself: write check(\"2.A\", saturate),"
        " without quotes.",
    ),
    (
        torch.tensor([1]),
        '✗ 2.A  was given a Tensor, and it needs the function itself: write check("2.A", saturate), without calling'
        " it.",
    ),
    (
        None,
        '✗ 2.A  was given None, and it needs the function itself: write check("2.A", saturate), without calling it.',
    ),
    (
        7,
        '✗ 2.A  was given the int 7, and it needs the function itself: write check("2.A", saturate), without calling'
        " it.",
    ),
]


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
@pytest.mark.parametrize(("given", "words"), WORDS, ids=[w.split("  ")[1][-40:] for _, w in WORDS])
def test_the_wrong_kind_of_thing_gets_one_sentence(given, words, verdict):
    assert verdict("2.A", given) == words


def test_a_float_for_an_integer_is_refused_even_where_the_number_is_right(verdict):
    said = verdict("1.B", lambda value, scale, zero_point: torch.round(value / scale + zero_point))
    assert said == (
        "✗ 1.B  at value=0, scale=1, zero_point=0 your function returns a tensor of float32, and a stored integer has"
        " an integer type: which step gives the type?"
    )


@pytest.mark.parametrize(
    "lost",
    [
        lambda x, scale, bit_width: torch.round(x / scale).detach() * scale,
        lambda x, scale, bit_width: torch.tensor([round(v / scale) * scale for v in x.tolist()]),
        lambda x, scale, bit_width: x.data.clone().requires_grad_(),
    ],
)
def test_a_result_that_has_lost_its_gradient_is_told_so(lost, verdict):
    assert verdict("7.A", lost) == (
        "✗ 7.A  at x=0, scale=1, bit_width=2 your function returns a tensor from which no gradient finds back to x: which"
        " step cuts the way? (`detach`, `data`, `item`, `tolist` and `no_grad` do)"
    )


def test_integers_for_fake_quantization_are_refused(verdict):
    said = verdict("7.A", lambda x, scale, bit_width: torch.round(x / scale).int())
    assert said.endswith("a tensor of int32, and fake quantization gives real numbers: where is the scale?")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda weight, bias: weight, "a Tensor where a pair belongs: return (weight, bias)."),
        (lambda weight, bias: (weight, 0.0), "the float 0.0 as bias, which is a tensor: which step leaves torch?"),
        (lambda weight, bias: (weight, bias[:, None]), "a bias of shape (1, 1) where (1,) belongs: keep the shape."),
    ],
)
def test_a_folded_layer_of_the_wrong_kind_gets_one_sentence(answer, words, verdict):
    said = verdict("7.B", lambda weight, bias, gamma, beta, mean, variance, eps: answer(weight, bias))
    assert said.endswith(f"your function returns {words}")


def test_an_integer_for_a_real_number_is_refused(verdict):
    said = verdict("1.A", lambda q, scale, zero_point: q.int() - zero_point)
    assert said.endswith("a tensor of int32, and a real number needs a floating type: where did the scale go?")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (4, "the int 4 where a pair belongs: return (bit_width, signed)."),
        ((2, False, 0), "a tuple of 3 where a pair belongs: return (bit_width, signed)."),
        ((2.0, False), "the float 2.0 as bit_width, which is an int: convert it."),
        ((True, False), "the bool True as bit_width, which is an int: convert it."),
        ((2, "no"), "a str as signed, which is True or False: which is it?"),
        ((2, 3), "the int 3 as signed, which is True or False: which is it?"),
    ],
)
def test_a_pair_of_the_wrong_kind_gets_one_sentence(answer, words, verdict):
    where = "at bits_a=1, signed_a=False, bits_b=1, signed_b=False your function returns "
    assert verdict("3.A", lambda *formats: answer) == f"✗ 3.A  {where}{words}"


def test_a_function_for_single_numbers_is_shown_the_first_whole_tensor(verdict):
    def one_number(x, bit_width, signed):
        low = -(2 ** (bit_width - 1)) if signed else 0
        if x < low:
            return torch.tensor([low])
        return x.clone() if x < low + 2**bit_width else torch.tensor([low + 2**bit_width - 1])

    said = verdict("2.A", one_number)
    assert said.startswith("✗ 2.A  at x=a tensor of shape (18,), bit_width=1, signed=False your function raises")
    assert said.endswith("Tensors of length 1 were all right.")


def test_an_answer_that_depends_on_its_neighbours_is_shown_in_its_tensor(verdict):
    def by_the_largest(x, bit_width, signed):
        right = EXERCISES["2.A"].reference(x, bit_width, signed)
        return right if x.numel() < 2 else torch.where(x == x.max(), right + 1, right)

    said = verdict("2.A", by_the_largest)
    assert said == (
        "✗ 2.A  first differs at x=2147483647, bit_width=1, signed=False, element 16 of a tensor of shape (18,):"
        " expected 1 (1), yours 2 (does not fit)."
        " Alone, this element comes out right: which of your steps asks the whole tensor at once?"
    )


def test_a_type_too_narrow_is_found_among_the_wide_inputs_and_shown_alone(verdict):
    def in_int16(x, bit_width, signed):
        return EXERCISES["2.A"].reference(x.to(torch.int16), bit_width, signed)

    assert verdict("2.A", in_int16).startswith(
        "✗ 2.A  first differs at x=32768, bit_width=1, signed=False: expected 1 (1), yours 0 (0)."
    )


def test_an_element_that_alone_is_wrong_in_another_way_is_shown_with_what_it_gives_alone(verdict):
    def counts_itself(x, bit_width, signed):
        answer = right_2a(x, bit_width, signed)
        return torch.where(x == 2147483647, answer + x.numel(), answer)

    said = verdict("2.A", counts_itself)
    assert ": expected 1 (1), yours 2 (does not fit). " in said
    assert "x=2147483647, bit_width=1, signed=False:" in said


def test_an_element_on_which_the_function_fails_alone_is_not_called_right_alone(verdict):
    def needs_several(x, bit_width, signed):
        if x.numel() == 1 and x.item() == 2147483647:
            raise ValueError("too few")
        answer = right_2a(x, bit_width, signed)
        return torch.where(x == 2147483647, answer + 1, answer)

    assert verdict("2.A", needs_several).endswith(
        "element 16 of a tensor of shape (18,): expected 1 (1), yours 2 (does not fit)."
        " Alone with this element, your function raises ValueError: too few."
    )


def right_2a(x, bit_width, signed):
    return EXERCISES["2.A"].reference(x, bit_width, signed)


def test_a_wrong_answer_for_an_empty_tensor_is_shown(verdict):
    said = verdict("4.A", lambda *given: EXERCISES["4.A"].reference(*given) if len(given[0]) else 5)
    assert "at x=an empty tensor (uint8), w=an empty tensor (int8)" in said
    assert ": expected 0 (0000), yours 5 (0101). " in said


def test_a_cross_says_that_prints_were_held_back(verdict):
    def prints(x, bit_width, signed):
        print("dbg", bit_width)
        return x

    assert verdict("2.A", prints).endswith(
        "Where does your code look at bit_width and signed?"
        " It also printed 'dbg 2', which was held back: print in a cell of its own."
    )


class Secretive:
    """A callable thing that answers no question about itself."""

    def __call__(self, *given):
        return right_2a(*given)

    def __getattr__(self, name):
        raise RuntimeError


def test_a_callable_that_cannot_be_asked_is_called(verdict):
    assert verdict("2.A", Secretive()).startswith("✓ 2.A")


def test_a_check_without_a_function_says_what_to_write(capsys):
    check("2.A")
    assert capsys.readouterr().out == '✗ 2.A  was given no function: write check("2.A", saturate).\n'


@pytest.mark.parametrize(
    "wrong", [lambda w: w.abs().max(dim=1), lambda w: (1.0, 2.0), lambda w: w.abs().amax(1).numpy()]
)
def test_scales_of_the_wrong_kind_are_told_as_everywhere(wrong, verdict):
    said = [verdict("6.B", lambda weight, bit_width: wrong(weight)), verdict("2.A", lambda x, b, s: wrong(x[:, None]))]
    assert len({line.partition("your function ")[2] for line in said}) == 1
    assert "of a list" not in said[0]


def test_only_the_runtime_could_tell(verdict, monkeypatch):
    exercise = EXERCISES["2.A"]
    cases = [(case, answer) for case, answer in checker.runtime_cases(exercise)]
    wrong = [(case, type(answer)((99, *answer.values[1:]), answer.shape)) for case, answer in cases]
    monkeypatch.setattr(checker, "runtime_cases", lambda exercise: wrong)
    assert "x=-1024, bit_width=8, signed=False" in verdict("2.A", exercise.reference)


def test_a_runtime_that_does_not_work_here_is_named_and_nothing_else_is_lost(verdict, monkeypatch):
    def broken(exercise):
        raise ImportError("no such library")

    monkeypatch.setattr(checker, "runtime_cases", broken)
    assert verdict("2.A", EXERCISES["2.A"].reference).endswith(
        "larger ones, and could not ask ONNX Runtime's QuantizeLinear (ImportError): call check_env()."
    )


# --- no end ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def short_patience(monkeypatch):
    """Wait a moment only."""
    monkeypatch.setattr(runner, "SECONDS_A_CALL", 0.5)


def loops(x, bit_width, signed):
    end = time.monotonic() + 20  # endless for the checker; a thread that it cannot stop must not slow all later tests
    while time.monotonic() < end:
        pass


def loops_and_catches_everything(x, bit_width, signed):
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


def loops_where_signed(x, bit_width, signed):
    while signed:
        pass
    return torch.clamp(x, 0, 2**bit_width - 1)


def is_wrong_and_then_loops(x, bit_width, signed):
    while signed:
        pass
    return x.clone()


@pytest.mark.parametrize(
    ("function", "where"),
    [
        (loops, "x=0, bit_width=2, signed=False"),
        (loops_and_catches_everything, "x=0, bit_width=2, signed=False"),
        (loops_where_signed, "x=0, bit_width=2, signed=True"),
    ],
)
def test_a_loop_without_end_is_stopped(function, where, verdict, short_patience):
    before = threading.active_count()
    assert verdict("2.A", function) == (
        f"✗ 2.A  at {where} your function was still running after 0.5 s and was stopped: is a loop endless, or does it take"
        " one small step per pass?"
    )
    assert threading.active_count() == before


def test_a_wrong_answer_before_the_loop_is_shown_first(verdict, short_patience):
    assert verdict("2.A", is_wrong_and_then_loops).startswith("✗ 2.A  first differs at x=-1, bit_width=2, signed=False")


def test_what_cannot_be_stopped_is_named(verdict, short_patience, monkeypatch):
    awake = threading.Event()
    monkeypatch.setattr(runner, "stop", lambda thread: False)
    said = verdict("2.A", lambda x, bit_width, signed: awake.wait(20))
    awake.set()
    assert said == (
        "✗ 2.A  at x=0, bit_width=2, signed=False your function was still running after 0.5 s and could not be stopped:"
        " does it wait, build something very large, or catch every exception?"
        " If the notebook stays busy, restart the kernel (menu Kernel)."
    )


def test_one_turn_per_pass_is_shown_how_far_it_has_to_go(verdict, short_patience):
    def turns(x, bit_width, signed):
        low = -(2 ** (bit_width - 1)) if signed else 0
        while (x >= low + 2**bit_width).any():
            x = torch.where(x >= low + 2**bit_width, x - 2**bit_width, x)
        while (x < low).any():
            x = torch.where(x < low, x + 2**bit_width, x)
        return x

    assert verdict("2.B", turns) == (
        "✗ 2.B  at x=2147483647, bit_width=1, signed=False, the largest element of a tensor of shape (18,), your"
        " function was still running after 0.5 s and was stopped: is a loop endless, or does it take one small step per"
        " pass? Can it take all of them at once?"
    )


def test_a_slow_loop_over_a_whole_tensor_is_not_called_endless_only(verdict, short_patience, monkeypatch):
    monkeypatch.setattr(runner, "SECONDS_A_THOUSAND", 0.0)

    def slow(x, w, x_zero_point, w_zero_point):
        time.sleep(x.numel() / 1000)
        return EXERCISES["4.A"].reference(x, w, x_zero_point, w_zero_point)

    assert verdict("4.A", slow).endswith(
        ": is a loop endless, or does it take one small step per pass? Can it take all of them at once?"
    )


def test_a_function_that_is_too_slow_is_told_how_far_it_came(verdict, monkeypatch):
    monkeypatch.setattr(runner, "SECONDS_IN_ALL", 0.3)

    def slow(x, bit_width, signed):
        time.sleep(0.05)
        return EXERCISES["2.A"].reference(x, bit_width, signed)

    said = verdict("2.A", slow)
    assert said.startswith("✗ 2.A  only ")
    assert said.endswith(" inputs in 0.3 s: which of your steps takes so long?")


def test_the_stop_button_ends_the_check_kindly(verdict):
    threading.Timer(0.3, _thread.interrupt_main).start()
    assert verdict("2.A", loops) == (
        "○ 2.A  stopped by you before the check was done: run the cell again when you like."
    )


def test_check_works_outside_the_main_thread(capsys, short_patience):
    thread = threading.Thread(target=check, args=("2.A", loops))
    thread.start()
    thread.join(10)
    assert capsys.readouterr().out.startswith("✗ 2.A  at x=0, bit_width=2, signed=False your function was still")


def test_other_threads_may_print_during_a_check(capsys):
    begun, printed = threading.Event(), threading.Event()

    def waits(x, bit_width, signed):
        begun.set()
        printed.wait()
        return EXERCISES["2.A"].reference(x, bit_width, signed)

    def other():
        begun.wait()
        print("from elsewhere")
        printed.set()

    thread = threading.Thread(target=other)
    thread.start()
    check("2.A", waits)
    thread.join()
    first, second = capsys.readouterr().out.splitlines()
    assert first == "from elsewhere"
    assert second.startswith("✓ 2.A")
    assert "also printed" not in second


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["2.a", " 2.A "])
def test_a_name_may_be_written_carelessly(name, verdict):
    assert verdict(name, only_passes) == "○ 2.A  not attempted yet"


def test_a_list_in_the_place_of_the_name_is_no_accident_either(verdict):
    assert verdict(only_passes, ["2.A"]).startswith("There is no exercise of type function: there are ")


def test_name_and_function_may_change_places(verdict):
    assert verdict(only_passes, "2.A") == "○ 2.A  not attempted yet"


@pytest.mark.parametrize(
    ("name", "words"),
    [("2.Z", "'2.Z'"), (2, "2"), (None, "None"), (["2.A"], "of type list"), (only_passes, "of type")],
)
def test_an_unknown_name_is_told_which_there_are(name, words, verdict):
    said = verdict(name, only_passes)
    assert said.startswith(f"There is no exercise {words}")
    assert said.endswith(f": there are {', '.join(EXERCISES)}.")
