"""Chapter 8, an integer-only network: its exercises, predictions and quiz."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

from itertools import product

import torch

from qtutor.exercises.answers import NOTHING, tensor_alone, whole, words
from qtutor.exercises.exercise import Answer, Case, Exercise, Rule, Unreadable, WrongAnswer, in_order
from qtutor.exercises.questions import Prediction, QuizQuestion
from qtutor.exercises.runtimes import onnx_integer_layer, onnx_thresholds

# --- what is accepted: the outputs of a layer as one answer; thresholds in any row of whole numbers ----------------------


def read_layer(result, case):
    """Return the integers of a layer's outputs, [N, outputs]; together they are one answer."""
    result = tensor_alone(result)
    x, weight = case.tensors[:2]
    if result.shape != (len(x), len(weight)):
        given = f"x of shape {tuple(x.shape)} and a weight of shape {tuple(weight.shape)}"
        raise Unreadable(f"the shape {tuple(result.shape)} for {given}: give [N, outputs], ({len(x)}, {len(weight)}).")
    if result.is_floating_point() or result.is_complex() or result.dtype == torch.bool:
        raise Unreadable(
            f"a tensor of {words(result.dtype)}, and a stored integer has an integer type: which step gives the type?"
        )
    return Answer((tuple(tuple(row) for row in result.tolist()),))


def write_layer(value, case):
    """Return a layer's outputs as a learner would write them; of many only how many there are."""
    count = sum(len(row) for row in value)
    return str([list(row) for row in value]) if count <= 8 else f"{count} integers"


def read_thresholds(result, case):
    """Return thresholds from a list, a tuple or a tensor of integers; together they are one answer."""
    if result is None:
        raise Unreadable(NOTHING)
    row = result.tolist() if hasattr(result, "tolist") else result
    if not isinstance(row, (list, tuple)):
        raise Unreadable(f"{words(result)} where a list belongs: one threshold for each level above the lowest.")
    return Answer((tuple(whole(threshold, "a threshold") for threshold in row),))


def write_thresholds(value, case):
    """Return thresholds as a list; of many only how many there are and the first of them.

    >>> write_thresholds((1, 3), Case(())), write_thresholds(tuple(range(15)), Case(()))
    ('[1, 3]', '15 thresholds from 0 to 14')
    """
    return str(list(value)) if len(value) <= 8 else f"{len(value)} thresholds from {value[0]} to {value[-1]}"


# --- 8.A -------------------------------------------------------------------------------------------------------------


def integer_layer(x, weight, mantissa, offset, shift, low, high):
    """Return a layer's outputs, integers [N, outputs], with nothing but integers on the way.

    x [N, inputs] and weight [outputs, inputs] are tensors of any integer types, the weights of 16 bits at most; int32 holds
    the sums of products. mantissa and offset are int64 [outputs]; shift (0 … 62), low and high are Python ints. To each output:
    its sum of products times its mantissa, plus its offset, and all of that divided by 2**shift, rounded once, half to even,
    and clamped to low … high.
    """
    sums = x.to(torch.int64) @ weight.to(torch.int64).T
    wide = sums * mantissa + offset
    floor = wide >> shift
    twice_the_rest = 2 * (wide - (floor << shift))
    up = (twice_the_rest > 2**shift) | ((twice_the_rest == 2**shift) & (floor % 2 == 1))
    return torch.clamp(floor + up, low, high)


def offset_after_the_shift(x, weight, mantissa, offset, shift, low, high):
    """Round the product and the offset each on its own, and add them."""
    sums = x.to(torch.int64) @ weight.to(torch.int64).T
    scaled = torch.round((sums * mantissa).double() / 2**shift) + torch.round(offset.double() / 2**shift)
    return torch.clamp(scaled.to(torch.int64), low, high)


def offset_as_a_zero_point(x, weight, mantissa, offset, shift, low, high):
    """Add the offset after the shift, as chapter 5 adds a zero point."""
    sums = x.to(torch.int64) @ weight.to(torch.int64).T
    scaled = torch.round((sums * mantissa).double() / 2**shift).to(torch.int64)
    return torch.clamp(scaled + offset, low, high)


def offset_forgotten(x, weight, mantissa, offset, shift, low, high):
    """Leave the offset out."""
    sums = x.to(torch.int64) @ weight.to(torch.int64).T
    return torch.clamp(torch.round((sums * mantissa).double() / 2**shift).to(torch.int64), low, high)


def offset_times_the_mantissa(x, weight, mantissa, offset, shift, low, high):
    """Add the offset to the accumulators, as an integer bias is."""
    wide = (x.to(torch.int64) @ weight.to(torch.int64).T + offset) * mantissa
    return torch.clamp(torch.round(wide.double() / 2**shift).to(torch.int64), low, high)


def only_shifted(x, weight, mantissa, offset, shift, low, high):
    """Shift, which rounds down."""
    sums = x.to(torch.int64) @ weight.to(torch.int64).T
    return torch.clamp((sums * mantissa + offset) >> shift, low, high)


def halves_up(x, weight, mantissa, offset, shift, low, high):
    """Add half a step and shift, which sends ties up."""
    sums = x.to(torch.int64) @ weight.to(torch.int64).T
    return torch.clamp((sums * mantissa + offset + (1 << shift) // 2) >> shift, low, high)


def never_clamped(x, weight, mantissa, offset, shift, low, high):
    """Forget the ends of the range."""
    sums = x.to(torch.int64) @ weight.to(torch.int64).T
    return torch.round((sums * mantissa + offset).double() / 2**shift).to(torch.int64)


def clamped_before_the_shift(x, weight, mantissa, offset, shift, low, high):
    """Clamp the product and the offset, and divide afterwards."""
    wide = (x.to(torch.int64) @ weight.to(torch.int64).T * mantissa + offset).clamp(low, high)
    return torch.round(wide.double() / 2**shift).to(torch.int64)


def clamped_before_a_bare_shift(x, weight, mantissa, offset, shift, low, high):
    """Clamp the product and the offset, and shift, which rounds down."""
    return (x.to(torch.int64) @ weight.to(torch.int64).T * mantissa + offset).clamp(low, high) >> shift


def clamped_sums(x, weight, mantissa, offset, shift, low, high):
    """Clamp the accumulators."""
    sums = (x.to(torch.int64) @ weight.to(torch.int64).T).clamp(low, high)
    return torch.round((sums * mantissa + offset).double() / 2**shift).to(torch.int64)


def relu_of_the_sums(x, weight, mantissa, offset, shift, low, high):
    """Apply a ReLU to the accumulators, before the offset."""
    sums = (x.to(torch.int64) @ weight.to(torch.int64).T).clamp(min=0)
    return torch.clamp(torch.round((sums * mantissa + offset).double() / 2**shift).to(torch.int64), low, high)


def weight_not_turned(x, weight, mantissa, offset, shift, low, high):
    """Multiply by the weight as it lies, [outputs, inputs]."""
    sums = x.to(torch.int64) @ weight.to(torch.int64)
    return torch.clamp(torch.round((sums * mantissa + offset).double() / 2**shift).to(torch.int64), low, high)


def one_mantissa_for_all(x, weight, mantissa, offset, shift, low, high):
    """Take the first output's mantissa and offset for every output."""
    wide = (x.to(torch.int64) @ weight.to(torch.int64).T) * mantissa[0] + offset[0]
    return torch.clamp(torch.round(wide.double() / 2**shift).to(torch.int64), low, high)


def inputs_in_int8(x, weight, mantissa, offset, shift, low, high):
    """Bring x to the type of the weight, where 128 and more wrap."""
    sums = x.to(torch.int8).to(torch.int64) @ weight.to(torch.int64).T
    return torch.clamp(torch.round((sums * mantissa + offset).double() / 2**shift).to(torch.int64), low, high)


def inputs_in_int16(x, weight, mantissa, offset, shift, low, high):
    """Bring both to 16 bits, where an input of 40,000 wraps."""
    sums = x.to(torch.int16).to(torch.int64) @ weight.to(torch.int16).to(torch.int64).T
    wide = sums * mantissa + offset
    floor = wide >> shift
    twice_the_rest = 2 * (wide - (floor << shift))
    return torch.clamp(floor + (twice_the_rest + floor % 2 > 2**shift), low, high)


def weight_in_the_type_of_x(x, weight, mantissa, offset, shift, low, high):
    """Bring the weight to the type of x, which may have no negative numbers."""
    wide = x.to(torch.int64) @ weight.to(x.dtype).to(torch.int64).T * mantissa + offset
    floor = wide >> shift
    twice_the_rest = 2 * (wide - (floor << shift))
    return torch.clamp(floor + (twice_the_rest + floor % 2 > 2**shift), low, high)


def first_scan_for_all(x, weight, mantissa, offset, shift, low, high):
    """Compute the first scan, and hand its outputs out to all."""
    sums = (x[:1].to(torch.int64) @ weight.to(torch.int64).T).expand(len(x), -1)
    return torch.clamp(torch.round((sums * mantissa + offset).double() / 2**shift).to(torch.int64), low, high)


def products_in_int32(x, weight, mantissa, offset, shift, low, high):
    """Multiply in 32 bits, which wrap."""
    sums = x.to(torch.int32) @ weight.to(torch.int32).T
    wide = (sums * mantissa.to(torch.int32) + offset.to(torch.int32)).to(torch.int64)
    return torch.clamp(torch.round(wide.double() / 2**shift).to(torch.int64), low, high)


def in_float32(x, weight, mantissa, offset, shift, low, high):
    """Compute in float32, as the trained layer does."""
    sums = x.float() @ weight.float().T
    return torch.clamp(torch.round((sums * mantissa + offset) / 2**shift).to(torch.int64), low, high)


def in_float64(x, weight, mantissa, offset, shift, low, high):
    """Compute in float64."""
    sums = x.double() @ weight.double().T
    return torch.clamp(torch.round((sums * mantissa + offset) / 2**shift).to(torch.int64), low, high)


def layer_case(x, weight, mantissa, offset, shift, low, high):
    """Return a case from nested lists, int64 throughout."""
    numbers = [n for row in (*x, *weight, offset) for n in row]
    arguments = (
        *(torch.tensor(values, dtype=torch.int64) for values in (x, weight, mantissa, offset)),
        shift,
        low,
        high,
    )
    bits = max(high, -low - 1).bit_length() + (low < 0)
    return Case(arguments, tuple(numbers), bits, low < 0, mantissa[0] / 2**shift, whole=True)


SMALL_MULTIPLIERS = ((1, 0), (3, 2), (1, 1), (1, 2), (-1, 1))  # mantissa, shift: 1, 0.75, 0.5, 0.25, -0.5


def layer_small():
    """One input and one output, unsigned and signed; then two of both, every weight -1, 0, 1, into 2 unsigned bits; two scans."""
    single = [
        layer_case([[x]], [[w]], [mantissa], [offset], shift, low, high)
        for low, high in ((0, 1), (0, 3), (-2, 1))
        for mantissa, shift in SMALL_MULTIPLIERS
        for x in range(4)
        for w in range(-2, 3)
        for offset in range(-2, 3)
    ]
    double = [
        layer_case([x], [w[:2], w[2:]], mantissa, offset, 1, 0, 3)
        for mantissa, offset in (([2, 2], [0, 0]), ([2, 1], [0, 1]))
        for x in product((0, 1, 2), repeat=2)
        for w in product((-1, 0, 1), repeat=4)
    ]
    scans = [
        layer_case([x[:2], x[2:]], weight, [2, 1], [0, 1], 1, 0, 3)
        for weight in ([[1, 0], [0, 1]], [[1, -1], [0, 1]], [[0, 1], [1, 0]])
        for x in product((0, 1), repeat=4)
    ]
    return in_order(single + double + scans)


# a trained layer's mantissa of 31 bits, with shifts of 34 and 58, and what brings sums to a tie, one below it, one above
# (of 58 bits float64 keeps 53, for whatever x)
LAYER_PAIRS = ((1299450748, 34, (1, 200)), (1299450748, 58, (1,)))


def offset_to_a_tie(total, mantissa, shift, nearby):
    """Return the offset that brings total * mantissa to 4.5 steps, or `nearby` units beside it."""
    return 9 * 2 ** (shift - 1) - total * mantissa + nearby


def layer_wide():
    """Inputs of 8 and 16 bits; multipliers of 31 bits at ties and beside them; scans in uint8 and int8, some of each output
    inside the range; wide and narrow layers, an empty one."""
    bits = [layer_case([[x]], [[1]], [1], [0], shift, 0, 15) for x, shift in ((200, 4), (40000, 12))]
    ties = [
        layer_case([[x]], [[w]], [mantissa], [offset_to_a_tie(x * w, mantissa, shift, nearby)], shift, 0, 15)
        for mantissa, shift, xs in LAYER_PAIRS
        for x in xs
        for w in (1, 100, -100)
        for nearby in (0, -1, 1)
    ]
    generator = torch.Generator().manual_seed(8)
    shapes = ((3, 5, 2), (4, 1, 3), (20, 16, 8), (0, 4, 3))  # few enough products for a loop over all of them
    return in_order([*bits, *ties, two_scans_in_bytes(), *(random_layer(*shape, generator) for shape in shapes)])


def two_scans_in_bytes():
    """Return a case of two scans, two inputs and two outputs in uint8 and int8, none of which is clamped."""
    x, weight = (
        torch.tensor([[200, 3], [0, 255]], dtype=torch.uint8),
        torch.tensor([[100, -128], [-7, 127]]).to(torch.int8),
    )
    mantissa, offset = torch.tensor([1299450748, 1500000000]), torch.tensor([15 * 2**42, 13 * 2**42 + 5])
    return Case((x, weight, mantissa, offset, 43, 0, 15), (), 4, whole=True)


def random_layer(scans, inputs, outputs, generator):
    """Return a case of a whole layer, 8 bits in and 4 out, in the types in which a network holds them: uint8 and int8."""
    x = torch.randint(0, 256, (scans, inputs), generator=generator, dtype=torch.uint8)
    weight = torch.randint(-128, 128, (outputs, inputs), generator=generator, dtype=torch.int8)
    mantissa = torch.randint(2**30, 2**31, (outputs,), generator=generator)
    offset = torch.randint(2**45, 3 * 2**45, (outputs,), generator=generator)  # 4 … 12 steps: the middle of the range
    return Case((x, weight, mantissa, offset, 43, 0, 15), (), 4, whole=True)


def layer_runtime_cases():
    """Layers of 8 bits with mantissas of 8 bits and offsets that are whole accumulators: float32 holds them exactly."""
    generator = torch.Generator().manual_seed(9)
    cases = []
    for shift in (6, 9, 12):
        x = torch.randint(0, 128, (20, 16), generator=generator, dtype=torch.int8)
        weight = torch.randint(-128, 128, (8, 16), generator=generator, dtype=torch.int8)
        mantissa = torch.randint(1, 64, (8,), generator=generator)
        offset = mantissa * torch.randint(-5000, 5000, (8,), generator=generator)
        cases.append(Case((x, weight, mantissa, offset, shift, -128, 127), (), 8, True, whole=True))
    return cases


PRODUCT = (
    "How many bits has the product of an accumulator and a mantissa of 31 bits, and how many of them does yours keep?"
)

EXERCISE_A = Exercise(
    name="8.A",
    reference=integer_layer,
    read=read_layer,
    write=write_layer,
    small=layer_small,
    wide=layer_wide,
    runtime=onnx_integer_layer,
    runtime_name="ONNX Runtime's QLinearConv",
    runtime_cases=layer_runtime_cases,
    hints=(
        "Four steps: sums of products (`@`; which way must the weight lie?), times mantissa plus offset, divided with one"
        " rounding, clamped. In which type does each of them fit?",
        "int64 holds everything here. A shift to the right keeps the floor; chapter 5 said when the floor needs one more.",
        "x.to(torch.int64) @ weight.to(torch.int64).T gives [N, outputs], and mantissa and offset, [outputs], fit to its"
        " last dimension. What `>>` drops is wide - (floor << shift): compare twice of it with 2**shift.",
    ),
    reason="The weight lies as [outputs, inputs], so it is turned. The offset is counted in the same small units as the product,"
    " 1 / 2**shift of a step, and seldom is a whole number of steps: so it is added before the shift, and the rounding"
    " sees both. The clamp comes last, and is the ReLU too where low is the integer of real 0.",
    question="What are the sum of products, the product with the mantissa plus the offset, and the integer nearest to the quotient?",
    wrong=(
        WrongAnswer(
            offset_after_the_shift,
            "How often does your code round, and what was lost the first time?",
            "x=[[1]], weight=[[1]], mantissa=[3], offset=[-1], shift=2, low=0, high=1: expected [[0]], yours [[1]]",
        ),
        WrongAnswer(
            offset_as_a_zero_point,
            "In which unit is the offset counted: in whole steps, or in the small ones of the product?",
            "x=[[0]], weight=[[0]], mantissa=[3], offset=[1], shift=2, low=0, high=1: expected [[0]], yours [[1]]",
        ),
        WrongAnswer(
            offset_forgotten,
            "Where does your code look at offset?",
            "x=[[0]], weight=[[0]], mantissa=[1], offset=[1], shift=0, low=0, high=1: expected [[1]], yours [[0]]",
        ),
        WrongAnswer(
            offset_times_the_mantissa,
            "Is the offset counted in steps of the accumulator, or in those of the product?",
            "x=[[0]], weight=[[0]], mantissa=[3], offset=[1], shift=2, low=0, high=1: expected [[0]], yours [[1]]",
        ),
        WrongAnswer(
            only_shifted,
            "Which integer is nearest to the exact quotient, and where does a bare shift go?",
            "x=[[1]], weight=[[1]], mantissa=[3], offset=[0], shift=2, low=0, high=1: expected [[1]], yours [[0]]",
        ),
        WrongAnswer(
            halves_up,
            "This lies half way between two integers: which of the two is even?",
            "x=[[0]], weight=[[0]], mantissa=[1], offset=[1], shift=1, low=0, high=1: expected [[0]], yours [[1]]",
        ),
        WrongAnswer(
            never_clamped,
            "Where does your code look at low and high?",
            "x=[[0]], weight=[[0]], mantissa=[1], offset=[-1], shift=0, low=0, high=1: expected [[0]], yours [[-1]]",
        ),
        WrongAnswer(
            clamped_before_the_shift,
            "When do you clamp: what are low and high counted in?",
            "x=[[1]], weight=[[1]], mantissa=[3], offset=[0], shift=2, low=0, high=1: expected [[1]], yours [[0]]",
        ),
        WrongAnswer(
            clamped_before_a_bare_shift,
            "When do you clamp: what are low and high counted in?",
            "x=[[1]], weight=[[1]], mantissa=[3], offset=[0], shift=2, low=0, high=1: expected [[1]], yours [[0]]",
        ),
        WrongAnswer(
            clamped_sums,
            "When do you clamp: what are low and high counted in?",
            "x=[[0]], weight=[[0]], mantissa=[1], offset=[-1], shift=0, low=0, high=1: expected [[0]], yours [[-1]]",
        ),
        WrongAnswer(
            relu_of_the_sums,
            "What does your code make of a sum below 0, and what should first be added to it?",
            "x=[[1]], weight=[[-1]], mantissa=[1], offset=[1], shift=0, low=0, high=1: expected [[0]], yours [[1]]",
        ),
        WrongAnswer(
            weight_not_turned,
            "weight is [outputs, inputs]: which of its numbers belong to the first output?",
            "x=[[0, 1]], weight=[[0, 0], [1, 0]], mantissa=[2, 2], offset=[0, 0], shift=1, low=0, high=3:"
            " expected [[0, 0]], yours [[1, 0]]",
        ),
        WrongAnswer(
            one_mantissa_for_all,
            "Whose mantissa and whose offset did the second output get?",
            "x=[[1, 2]], weight=[[0, 0], [1, 1]], mantissa=[2, 1], offset=[0, 1], shift=1, low=0, high=3:"
            " expected [[0, 2]], yours [[0, 3]]",
        ),
        WrongAnswer(
            in_float64,
            "How many bits has the product, and how many of them does a float64 keep?",
            "x=[[1]], weight=[[100]], mantissa=[1299450748], offset=[1297036562737628049], shift=58, low=0, high=15:"
            " expected [[5]], yours [[4]]",
        ),
        WrongAnswer(
            inputs_in_int8,
            "Which integers does the type hold into which you brought x?",
            "x=[[200]], weight=[[1]], mantissa=[1], offset=[0], shift=4, low=0, high=15: expected [[12]], yours [[0]]",
        ),
        WrongAnswer(
            inputs_in_int16,
            "Which integers does the type hold into which you brought x?",
            "x=[[40000]], weight=[[1]], mantissa=[1], offset=[0], shift=12, low=0, high=15: expected [[10]], yours [[0]]",
        ),
        WrongAnswer(
            weight_in_the_type_of_x,
            "x comes in uint8 here and weight in int8: which type holds the weights, and the inputs too?",
            "x=[[200, 3], [0, 255]], weight=[[100, -128], [-7, 127]], mantissa=[1299450748, 1500000000],"
            " offset=[65970697666560, 57174604644357], shift=43, low=0, high=15:"
            " expected [[10, 6], [3, 12]], yours [[11, 15], [12, 12]]",
        ),
        WrongAnswer(
            first_scan_for_all,
            "Which inputs belong to the second scan, and where does your code look at them?",
            "x=[[0, 0], [0, 1]], weight=[[1, 0], [0, 1]], mantissa=[2, 1], offset=[0, 1], shift=1, low=0, high=3:"
            " expected [[0, 0], [0, 1]], yours [[0, 0], [0, 0]]",
        ),
        WrongAnswer(
            products_in_int32,
            PRODUCT,
            "x=[[1]], weight=[[100]], mantissa=[1299450748], offset=[-52635663471], shift=34, low=0, high=15:"
            " expected [[5]], yours [[0]]",
        ),
        WrongAnswer(
            in_float32,
            "How many bits has the product, and how many of them does a float32 keep?",
            "x=[[1]], weight=[[100]], mantissa=[1299450748], offset=[-52635663471], shift=34, low=0, high=15:"
            " expected [[5]], yours [[4]]",
        ),
    ),
)

# --- 8.B -------------------------------------------------------------------------------------------------------------


def thresholds(mantissa, offset, shift, low, high):
    """Return the list of the lowest accumulators that reach each of the integers low + 1, low + 2 … high, as Python ints.

    An accumulator a becomes (a * mantissa + offset) / 2**shift, rounded half to even; it reaches an integer where it
    becomes that one or a higher one. All arguments are Python ints, mantissa and shift such that mantissa >= 1, shift >= 0.
    """
    borders = []
    for level in range(low + 1, high + 1):
        twice_the_distance = (2 * level - 1) * 2**shift - 2 * offset
        on_it = level % 2 == 0
        borders.append((twice_the_distance - on_it) // (2 * mantissa) + 1)
    return borders


def ties_reach(mantissa, offset, shift, low, high):
    """Let every tie reach the level above it."""
    distances = [(2 * level - 1) * 2**shift - 2 * offset for level in range(low + 1, high + 1)]
    return [-(-distance // (2 * mantissa)) for distance in distances]


def ties_never_reach(mantissa, offset, shift, low, high):
    """Let no tie reach the level above it."""
    distances = [(2 * level - 1) * 2**shift - 2 * offset for level in range(low + 1, high + 1)]
    return [distance // (2 * mantissa) + 1 for distance in distances]


def ties_to_the_odd_neighbour(mantissa, offset, shift, low, high):
    """Let a tie reach the odd levels, and the even ones not."""
    found = []
    for level in range(low + 1, high + 1):
        distance = (2 * level - 1) * 2**shift - 2 * offset
        found.append(-(-distance // (2 * mantissa)) if level % 2 == 1 else distance // (2 * mantissa) + 1)
    return found


def highest_level_first(mantissa, offset, shift, low, high):
    """Begin with the highest level."""
    found = []
    for level in range(high, low, -1):
        distance = (2 * level - 1) * 2**shift - 2 * offset
        found.append(-(-distance // (2 * mantissa)) if level % 2 == 0 else distance // (2 * mantissa) + 1)
    return found


def rounded_down(mantissa, offset, shift, low, high):
    """Cut the fraction of the border off."""
    return [((2 * level - 1) * 2**shift - 2 * offset) // (2 * mantissa) for level in range(low + 1, high + 1)]


def half_a_step_forgotten(mantissa, offset, shift, low, high):
    """Ask for the whole level, as a bare shift would."""
    return [-(-(level * 2**shift - offset) // mantissa) for level in range(low + 1, high + 1)]


def one_level_too_few(mantissa, offset, shift, low, high):
    """Stop before the highest level."""
    found = []
    for level in range(low + 1, high):
        distance = (2 * level - 1) * 2**shift - 2 * offset
        found.append(-(-distance // (2 * mantissa)) if level % 2 == 0 else distance // (2 * mantissa) + 1)
    return found


def from_the_lowest_level(mantissa, offset, shift, low, high):
    """Begin with the lowest integer, which needs no threshold."""
    found = []
    for level in range(low, high + 1):
        distance = (2 * level - 1) * 2**shift - 2 * offset
        found.append(-(-distance // (2 * mantissa)) if level % 2 == 0 else distance // (2 * mantissa) + 1)
    return found


def levels_from_zero(mantissa, offset, shift, low, high):
    """Begin at 1 whatever the lowest integer is."""
    found = []
    for level in range(1, high - low + 1):
        distance = (2 * level - 1) * 2**shift - 2 * offset
        found.append(-(-distance // (2 * mantissa)) if level % 2 == 0 else distance // (2 * mantissa) + 1)
    return found


def offset_added(mantissa, offset, shift, low, high):
    """Add the offset to the border instead of taking it off."""
    found = []
    for level in range(low + 1, high + 1):
        distance = (2 * level - 1) * 2**shift + 2 * offset
        found.append(-(-distance // (2 * mantissa)) if level % 2 == 0 else distance // (2 * mantissa) + 1)
    return found


def the_last_below(mantissa, offset, shift, low, high):
    """Take the highest accumulator that does not reach the level."""
    found = []
    for level in range(low + 1, high + 1):
        distance = (2 * level - 1) * 2**shift - 2 * offset
        found.append(-(-distance // (2 * mantissa)) - 1 if level % 2 == 0 else distance // (2 * mantissa))
    return found


def divided_in_floats(mantissa, offset, shift, low, high):
    """Divide in float64."""
    found = []
    for level in range(low + 1, high + 1):
        border = ((level - 0.5) * 2**shift - offset) / mantissa
        found.append(-int(-border // 1) if level % 2 == 0 else int(border // 1) + 1)
    return found


def threshold_case(mantissa, offset, shift, low, high):
    """Return a case of 8.B."""
    bits = max(high, -low - 1).bit_length() + (low < 0)
    return Case((mantissa, offset, shift, low, high), (offset,), bits, low < 0, mantissa / 2**shift, whole=True)


def thresholds_small():
    """Mantissas 1 to 5, shifts 0 to 3, offsets to 4 either way, into 1 and 2 unsigned bits and 2 signed ones."""
    return in_order(
        threshold_case(mantissa, offset, shift, low, high)
        for low, high in ((0, 1), (0, 3), (-2, 1))
        for mantissa in range(1, 6)
        for shift in range(4)
        for offset in range(-4, 5)
    )


def thresholds_wide():
    """A trained layer's constants, 1 to 8 bits; and borders that lie on accumulator 3 or next to it.

    Those are of one threshold, for a step of shift 58 is 2**28 accumulators: a search that goes from one to the next ends.
    """
    layer = [
        threshold_case(1299450748, -40974134135, 34, low, high) for low, high in ((0, 1), (0, 15), (-8, 7), (0, 255))
    ]
    mantissa, shift = 1299450748, 58
    near = [
        threshold_case(mantissa, (2 * level - 1) * 2 ** (shift - 1) - 3 * mantissa + nearby, shift, level - 1, level)
        for level in (1, 0)
        for nearby in (0, -1, 1)
    ]
    return in_order(layer + near)


def thresholds_runtime_cases():
    """Multipliers down to 1/64 into 4 bits: every accumulator to 500 either way is asked for."""
    return [
        threshold_case(mantissa, offset, shift, low, high)
        for low, high in ((0, 15), (-8, 7))
        for mantissa, shift in ((1, 0), (3, 3), (5, 6), (7, 4))
        for offset in (-13, 0, 8)
    ]


def another_number_of_levels(differences):
    """Say whether what is shown holds another number of thresholds than there are levels."""
    return len(differences[0].expected) != len(differences[0].found)


EXERCISE_B = Exercise(
    name="8.B",
    reference=thresholds,
    read=read_thresholds,
    write=write_thresholds,
    small=thresholds_small,
    wide=thresholds_wide,
    runtime=onnx_thresholds,
    runtime_name="ONNX Runtime's QuantizeLinear, accumulator by accumulator",
    runtime_cases=thresholds_runtime_cases,
    hints=(
        "Take mantissa 1, offset 0, shift 1: the accumulators 0, 1, 2, 3 are 0, ½, 1, 1½ steps. Which integers do they"
        " become, and so which is the first that becomes 1, and the first that becomes 2?",
        "Half a step below a level lies its border: a * mantissa + offset = (level - ½) * 2**shift. Twice of it is free of"
        " fractions. On the border itself there is a tie: for which levels does it go up?",
        "An even level is reached on its border: the smallest a with a * 2 * mantissa >= twice the distance d, which is"
        " (d - 1) // (2 * mantissa) + 1. An odd one is reached beyond it: d // (2 * mantissa) + 1.",
    ),
    reason="Half to even sends a tie to the even neighbour: up where the level above is even, down where it is odd. So"
    " an even level begins on its border, and an odd one at the first accumulator beyond it. d // m + 1 is the first"
    " whole number beyond d / m, and (d - 1) // m + 1 the first that is not below it: `//` rounds down for negative"
    " numbers too, and Python's integers have as many bits as they need.",
    question="Which integers do the accumulators next to each of your thresholds become?",
    wrong=(
        WrongAnswer(
            ties_reach,
            "This accumulator lies half a step below a level: which of the two neighbours is even?",
            "mantissa=1, offset=0, shift=1, low=0, high=1: expected [2], yours [1]",
        ),
        WrongAnswer(
            ties_never_reach,
            "This accumulator lies half a step below a level: which of the two neighbours is even?",
            "mantissa=3, offset=0, shift=2, low=0, high=3: expected [1, 2, 4], yours [1, 3, 4]",
        ),
        WrongAnswer(
            ties_to_the_odd_neighbour,
            "This accumulator lies half a step below a level: which of the two neighbours is even?",
            "mantissa=1, offset=0, shift=1, low=0, high=1: expected [2], yours [1]",
        ),
        WrongAnswer(
            highest_level_first,
            "In which order does the task ask for the thresholds?",
            "mantissa=1, offset=0, shift=0, low=0, high=3: expected [1, 2, 3], yours [3, 2, 1]",
        ),
        WrongAnswer(
            rounded_down,
            "Does the accumulator that you found reach the level, or is it the next one?",
            "mantissa=1, offset=0, shift=0, low=0, high=1: expected [1], yours [0]",
        ),
        WrongAnswer(
            half_a_step_forgotten,
            "Where does rounding to the nearest begin to give a level: at the level itself, or before it?",
            "mantissa=3, offset=0, shift=2, low=0, high=1: expected [1], yours [2]",
        ),
        WrongAnswer(
            one_level_too_few,
            "Which is the highest integer, and where is its threshold?",
            "mantissa=1, offset=0, shift=0, low=0, high=1: expected [1], yours []",
        ),
        WrongAnswer(
            from_the_lowest_level,
            "Does the lowest integer need a threshold?",
            "mantissa=1, offset=0, shift=0, low=0, high=1: expected [1], yours [0, 1]",
        ),
        WrongAnswer(
            levels_from_zero,
            "Which is the lowest integer, and which level comes after it?",
            "mantissa=1, offset=0, shift=0, low=-2, high=1: expected [-1, 0, 1], yours [1, 2, 3]",
        ),
        WrongAnswer(
            offset_added,
            "With a larger offset, does an accumulator have to be larger or smaller to reach a level?",
            "mantissa=1, offset=1, shift=0, low=0, high=1: expected [0], yours [2]",
        ),
        WrongAnswer(
            the_last_below,
            "Does the accumulator that you found reach the level?",
            "mantissa=1, offset=0, shift=0, low=0, high=1: expected [1], yours [0]",
        ),
        WrongAnswer(
            divided_in_floats,
            "How many bits has the border, and how many of them does a float64 keep?",
            "mantissa=1299450748, offset=144115184177503627, shift=58, low=0, high=1: expected [4], yours [3]",
        ),
    ),
    rules=(
        Rule(
            another_number_of_levels,
            "How many integers lie above low, up to high, and how many thresholds did you give?",
        ),
    ),
)

EXERCISES = (EXERCISE_A, EXERCISE_B)

PREDICTIONS = (
    Prediction(
        "8.1",
        right="3: 2.75 is rounded once",
        reasons={
            "2: 2.5 becomes 2, and ¼ is lost": "That is two roundings, one of them of the offset. Brevitas adds in floats,"
            " and rounds the sum.",
            "2.75": "That is the sum. What the next layer gets is a whole number of its steps.",
            "3: 2.75 is rounded once": "The sum of both is 2.75, and the nearest integer is 3.",
        },
    ),
    Prediction(
        "8.2",
        right="2",
        reasons={
            "4": "All four are constants, and together they only multiply and add: one number for each.",
            "2": "One to multiply by, and one to add: a mantissa and an offset.",
            "none: the layer multiplies already": "It does, to change its scale, and that mantissa takes the gain in. But"
            " these weights have one scale for all, so without batch normalization one mantissa would serve 64 neurons.",
        },
    ),
    Prediction(
        "8.3",
        right="none",
        reasons={
            "none": "Both round the same numbers to the nearest integer, and with 4 bits none of them lies so close to a"
            " tie that float32 could miss it.",
            "a few: floats and integers round differently": "They round alike. Only beside a tie could a float that is a"
            " little off fall to the other side; section 6 finds such ones, at 8 bits.",
            "about one in a thousand": "That would be a wrong rounding rule or a missing offset: float32 is off by a"
            " ten-millionth.",
        },
    ),
    Prediction(
        "8.4",
        right="15",
        reasons={
            "4": "That is the bits. Each integer but the lowest must be told from the one below it.",
            "15": "One for each integer above the lowest: 1 … 15.",
            "16": "The lowest, 0, needs none: it is what is left when no threshold is reached.",
        },
    ),
    Prediction(
        "8.5",
        right="where minus it is ≥ t",
        reasons={
            "where it is ≥ t, as before": "−100 is below every threshold of this neuron, and would become 0.",
            "where minus it is ≥ t": "The thresholds are the old ones; the accumulator is turned around first.",
            "never": "It does: it is a comparison the other way round.",
        },
    ),
    Prediction(
        "8.6",
        right="a quarter",
        reasons={
            "half": "That is the memory of the weights. Of a product both factors are narrower.",
            "a quarter": "8 · 8 = 64 for each product became 4 · 4 = 16.",
            "a sixteenth": "That would be 2 bits for both: 2 · 2 = 4 of 64.",
        },
    ),
)

QUIZ = (
    QuizQuestion(
        "Accumulator 7, mantissa 3, offset 2, shift 3, range 0 … 15. Which integer?",
        right="3",
        reasons={
            "2": "A bare shift: 7 · 3 + 2 = 23, and 23 / 8 = 2.875, which is nearer to 3.",
            "3": "7 · 3 + 2 = 23, and 23 / 8 = 2.875.",
            "5": "That adds the offset as two whole steps, behind the rounding. It counts eighths.",
            "23": "That is still to be divided by 2^3.",
        },
    ),
    QuizQuestion(
        "Brevitas trained a layer with a bias in floats and batch normalization behind it. Where is the bias in the integer layer?",
        right="in the offset, times the gain",
        reasons={
            "in the offset, times the gain": "It is added before batch normalization, so the gain multiplies it too.",
            "in the offset, as it is": "Batch normalization comes behind it, and multiplies it by the gain.",
            "in the weights": "A bias does not depend on the inputs, and weights are multiplied by them.",
            "in a float unit": "Nothing that is constant needs one: it is a number added before the one rounding.",
        },
    ),
    QuizQuestion(
        "For some accumulator (a · mantissa + offset) / 2^shift is exactly 6.5. Has it reached the threshold of 7?",
        right="no: the tie goes to 6",
        reasons={
            "no: the tie goes to 6": "6 is the even neighbour. The threshold of 7 lies above, that of 8 would lie on its tie.",
            "yes: the tie goes up": "Half up would do that, and Brevitas rounds half to even.",
            "that depends on the sign of a": "Half to even asks only which neighbour is even.",
        },
    ),
    QuizQuestion(
        "A neuron has a negative gain. What becomes wrong if its thresholds are compared without its direction?",
        right="large accumulators give large integers instead of small ones",
        reasons={
            "large accumulators give large integers instead of small ones": "Its staircase falls, and the comparison"
            " would let it rise.",
            "it is off by one at ties": "Ties are the least of it: the whole staircase is turned around.",
            "nothing: thresholds hold the gain": "They hold its size. On which side they are reached is the direction.",
        },
    ),
    QuizQuestion(
        "Two runs of an 8-bit network, in Brevitas and in integers, differ at 5 of a million places, all within a"
        " hundred-thousandth of a step of a tie. What does it tell you?",
        right="float32 sums were a last bit off",
        reasons={
            "float32 sums were a last bit off": "That is how close float32 can miss. It is no fault in the integers.",
            "a mantissa needs more bits": "31 bits are off by 2^−31 of the output, which is a thousand times less.",
            "the rounding rule is another": "Then ties themselves would differ, and there are hardly any; what differs"
            " lies beside them.",
            "a zero point is missing": "That would move every integer, ties or not.",
        },
    ),
    QuizQuestion(
        "Which file tells a chip designer, integer for integer, what must come out at every place, on any computer?",
        right="the integers, with MatMulInteger and a shift",
        reasons={
            "QCDQ": "It computes in floats between its quantizers. At 8 bits a last bit of a sum may decide.",
            "QONNX": "It says the widths, and computes in floats as QCDQ does.",
            "the integers, with MatMulInteger and a shift": "There is no float in it, so there is nothing to round differently.",
        },
    ),
    QuizQuestion(
        "An activation of 3 bits, 64 neurons, each with its own batch normalization. How many thresholds in all?",
        right="448",
        reasons={
            "192": "That is three each: bits, not integers.",
            "448": "2^3 − 1 = 7 for each of 64.",
            "512": "That is eight each, and the lowest integer needs none.",
            "7": "Seven would do if one gain and one offset served all 64.",
        },
    ),
)
