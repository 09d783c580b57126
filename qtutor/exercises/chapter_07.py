"""Chapter 7, train through rounding: its exercises, predictions and quiz."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math
from itertools import product

import torch

from qtutor.exercises.answers import pair, same_shape, words
from qtutor.exercises.exercise import Answer, Case, Exercise, Rule, Unreadable, WrongAnswer, in_order
from qtutor.exercises.questions import Prediction, QuizQuestion
from qtutor.exercises.runtimes import torch_fake_quantize, torch_folded

# --- what is accepted: a value and the gradient that comes back through it; a weight and a bias within a rounding ------

NEAR = 1e-5


def read_value_and_gradient(result, case):
    """Return the values, in the shape of the input, each with the gradient that its x gets from the sum of all."""
    found = same_shape(result, case)
    if not found.is_floating_point():
        raise Unreadable(
            f"a tensor of {words(found.dtype)}, and fake quantization gives real numbers: where is the scale?"
        )
    gradients = gradient_of(result, case.tensors[0])
    numbers = zip(found.reshape(-1).tolist(), gradients.reshape(-1).tolist(), strict=True)
    return Answer(tuple((value + 0.0, gradient + 0.0) for value, gradient in numbers), tuple(found.shape))


def gradient_of(result, x):
    """Return what autograd brings back from result to x."""
    gradient = torch.autograd.grad(result.sum(), x, allow_unused=True)[0] if result.requires_grad else None
    if gradient is None:
        raise Unreadable(
            "a tensor from which no gradient finds back to x:"
            " which step cuts the way? (`detach`, `data`, `item`, `tolist` and `no_grad` do)"
        )
    return gradient


def write_value_and_gradient(value, case):
    """Return both in words."""
    return f"{value[0]:g} with gradient {value[1]:g}"


def read_folded(result, case):
    """Return (weight, bias), each a float tensor in the shape of its input; together they are one answer."""
    parts = []
    for name, part, right in zip(
        ("weight", "bias"), pair(result, "(weight, bias)"), fold_batch_norm(*case.arguments), strict=True
    ):
        if not isinstance(part, torch.Tensor):
            raise Unreadable(f"{words(part)} as {name}, which is a tensor: which step leaves torch?")
        if part.shape != right.shape:
            raise Unreadable(
                f"a {name} of shape {tuple(part.shape)} where {tuple(right.shape)} belongs: keep the shape."
            )
        numbers = zip(flat(part), flat(right), strict=True)
        parts.append(tuple(as_compared(value, wanted) for value, wanted in numbers))
    return Answer((tuple(parts),))


def flat(tensor):
    """Return a tensor's numbers in a row."""
    return tensor.detach().reshape(-1).tolist()


def as_compared(value, right):
    """Return a number as it is compared and shown: six digits of the right one where it is near it, else of itself."""
    if math.isnan(value):
        return math.nan  # one object, which equals itself in a tuple: a division by 0 is recognized
    return float(f"{right if math.isclose(value, right, rel_tol=NEAR, abs_tol=NEAR) else value:.6g}") + 0.0


def write_folded(value, case):
    """Return weight and bias as a learner would write them."""
    weight, bias = ([f"{number:g}" for number in part] for part in value)
    columns = len(weight) // len(bias)
    rows = ("[" + ", ".join(weight[i : i + columns]) + "]" for i in range(0, len(weight), columns))
    return f"weight [{', '.join(rows)}] with bias [{', '.join(bias)}]"


# --- 7.A -------------------------------------------------------------------------------------------------------------


def fake_quantize(x, scale, bit_width):
    """Return x rounded to the signed integers of bit_width, clamped, and back in real units.

    x is a float32 tensor that autograd follows; ties go to even. A gradient comes back with
    slope 1 where the rounded integer is in the range, and with slope 0 where it had to be
    clamped.
    """
    steps = x / scale
    rounded = steps + (torch.round(steps) - steps).detach()
    return torch.clamp(rounded, -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1) * scale


def plain_round(x, scale, bit_width):
    """Round without a way around the rounding."""
    return torch.clamp(torch.round(x / scale), -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1) * scale


def never_clamped(x, scale, bit_width):
    """Forget the range."""
    return x + (torch.round(x / scale) * scale - x).detach()


def gradient_everywhere(x, scale, bit_width):
    """Go around the clamp as well."""
    whole = torch.clamp(torch.round(x / scale), -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1)
    return x + (whole * scale - x).detach()


def clamped_first(x, scale, bit_width):
    """Clamp before rounding: what rounds into the range from outside loses its gradient."""
    steps = torch.clamp(x / scale, -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1)
    return (steps + (torch.round(steps) - steps).detach()) * scale


def other_part_detached(x, scale, bit_width):
    """Show the given value, and let the gradient go through the rounding."""
    steps = x / scale
    rounded = torch.round(steps) + (steps - torch.round(steps)).detach()
    return torch.clamp(rounded, -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1) * scale


def difference_turned_round(x, scale, bit_width):
    """Add given minus rounded."""
    steps = x / scale
    rounded = steps + (steps - torch.round(steps)).detach()
    return torch.clamp(rounded, -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1) * scale


def left_in_steps(x, scale, bit_width):
    """Forget to come back from steps to real units."""
    steps = x / scale
    rounded = steps + (torch.round(steps) - steps).detach()
    return torch.clamp(rounded, -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1)


def detached_in_steps(x, scale, bit_width):
    """Come back to real units inside the part that autograd does not see."""
    steps = x / scale
    rounded = steps + (torch.round(steps) - steps).detach()
    whole = torch.clamp(rounded, -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1)
    return whole + (whole * scale - whole).detach()


def tie_at_the_top_inside(x, scale, bit_width):
    """Take as inside what is up to half a step beyond either end."""
    steps, low, high = x / scale, -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1
    inside = (steps >= low - 0.5) & (steps <= high + 0.5)
    value = torch.clamp(torch.round(steps), low, high) * scale
    return torch.where(inside, x + (value - x).detach(), value.detach())


def ties_up(x, scale, bit_width):
    """Add a half and floor."""
    steps = x / scale
    rounded = steps + (torch.floor(steps + 0.5) - steps).detach()
    return torch.clamp(rounded, -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1) * scale


def unsigned_range(x, scale, bit_width):
    """Clamp to the unsigned range."""
    steps = x / scale
    rounded = steps + (torch.round(steps) - steps).detach()
    return torch.clamp(rounded, 0, 2**bit_width - 1) * scale


def lowest_left_out(x, scale, bit_width):
    """Reach as far down as up."""
    steps, high = x / scale, 2 ** (bit_width - 1) - 1
    rounded = steps + (torch.round(steps) - steps).detach()
    return torch.clamp(rounded, -high, high) * scale


def followed(values):
    """Return a float32 tensor whose gradient autograd follows."""
    return torch.tensor(values, dtype=torch.float32, requires_grad=True)


def fake_quantize_small():
    """Every quarter of a step from −10 to 10, scales 1 and ½, at 2 to 4 bits."""
    return in_order(
        Case((followed([quarters / 4 * scale]), scale, bit_width), (quarters / 4,), bit_width, signed=True, scale=scale)
        for bit_width in (2, 3, 4)
        for scale in (1.0, 0.5)
        for quarters in range(-40, 41)
    )


def fake_quantize_wide():
    """Tensors of one, two and three dimensions, larger and smaller scales, at 2 to 8 bits."""
    shapes, sixteenths = ((641,), (5, 7), (3, 2, 4)), torch.arange(-320, 321, dtype=torch.float32) / 16
    return in_order(
        Case(
            (followed((sixteenths[: math.prod(shape)] * scale).reshape(shape).tolist()), scale, bit_width),
            (),
            bit_width,
            True,
        )
        for bit_width in (2, 3, 4, 5, 8)
        for scale in (4.0, 1.0, 0.125)
        for shape in shapes
    )


def fake_quantize_runtime_cases():
    """Every eighth of a step from −160 to 160, at 2 to 8 bits."""
    eighths = torch.arange(-1280, 1281, dtype=torch.float32) / 8
    return [
        Case((followed((eighths * 0.5).tolist()), 0.5, bit_width), (), bit_width, True) for bit_width in range(2, 9)
    ]


AT_A_TIE = "x is half way between two integers: to which of them is it rounded, and is that one in the format?"
IN_STEPS = "Your gradient is 1/scale: in which units is the part of your sum that autograd sees?"


def wrong_at_ties_alone(differences):
    """Say whether every value is right, and only gradients half way between two integers are not."""
    return all(d.found[0] == d.expected[0] and d.case.steps and d.case.steps[0] % 1 == 0.5 for d in differences)


def gradient_in_steps(differences):
    """Say whether the first difference is a right value whose gradient is 1/scale."""
    first = differences[0]
    return first.found == (first.expected[0], 1 / first.case.scale) and first.expected[1] == 1


EXERCISE_A = Exercise(
    name="7.A",
    reference=fake_quantize,
    read=read_value_and_gradient,
    write=write_value_and_gradient,
    small=fake_quantize_small,
    wide=fake_quantize_wide,
    runtime=torch_fake_quantize,
    runtime_name="PyTorch's fake_quantize_per_tensor_affine",
    runtime_cases=fake_quantize_runtime_cases,
    hints=(
        "Three steps: x in steps of the scale, then rounded, then clamped and back to real units. Which one of them must"
        " autograd not see?",
        "A tensor plus a difference that autograd does not follow (`detach`) has the gradient of the tensor alone. What"
        " difference turns x / scale into its rounded value?",
        "steps + (torch.round(steps) - steps).detach() has the value of the rounded steps and the slope of steps."
        " torch.clamp has slope 0 outside its ends by itself: which range does it get, and what is left to multiply?",
    ),
    reason="The difference is a constant to autograd, so the sum has the value torch.round(steps) and the slope 1 of"
    " steps. The clamp comes after the rounding: its slope is 1 from end to end, both included, and 0 outside. The"
    " division by scale and the multiplication by it cancel in the gradient.",
    question="What value is stored for this x, and does that value move when x moves far enough?",
    rules=(Rule(wrong_at_ties_alone, AT_A_TIE), Rule(gradient_in_steps, IN_STEPS)),
    wrong=(
        WrongAnswer(
            plain_round,
            "The value is right. Which of your steps has slope 0, so that x is never told to move?",
            "x=0, scale=1, bit_width=2: expected 0 with gradient 1, yours 0 with gradient 0",
        ),
        WrongAnswer(
            never_clamped,
            "Which integer does your value stand for, and is it one of the format's?",
            "x=1.5, scale=1, bit_width=2: expected 1 with gradient 0, yours 2 with gradient 1",
        ),
        WrongAnswer(
            gradient_everywhere,
            "This x was clamped: if it moves a little further out, does the stored value follow?",
            "x=1.5, scale=1, bit_width=2: expected 1 with gradient 0, yours 1 with gradient 1",
        ),
        WrongAnswer(
            clamped_first,
            "Which integer is this x rounded to, and is that one in the range? What does your code ask first?",
            "x=1.25, scale=1, bit_width=2: expected 1 with gradient 1, yours 1 with gradient 0",
        ),
        WrongAnswer(
            other_part_detached,
            "Which part of your sum gives the value, and which the gradient? Should it be so?",
            "x=0, scale=1, bit_width=2: expected 0 with gradient 1, yours 0 with gradient 0",
        ),
        WrongAnswer(
            difference_turned_round,
            "x / scale plus your difference: does the sum land on an integer?",
            "x=0.25, scale=1, bit_width=2: expected 0 with gradient 1, yours 0.5 with gradient 1",
        ),
        WrongAnswer(
            left_in_steps,
            "Is your value a real number, or a number of steps?",
            "x=0, scale=0.5, bit_width=2: expected 0 with gradient 1, yours 0 with gradient 2",
        ),
        WrongAnswer(
            detached_in_steps,
            IN_STEPS,
            "x=0, scale=0.5, bit_width=2: expected 0 with gradient 1, yours 0 with gradient 2",
        ),
        WrongAnswer(
            tie_at_the_top_inside,
            AT_A_TIE,
            "x=1.5, scale=1, bit_width=2: expected 1 with gradient 0, yours 1 with gradient 1",
        ),
        WrongAnswer(
            ties_up,
            "This x lies half way between two integers: which of them is even?",
            "x=0.5, scale=1, bit_width=2: expected 0 with gradient 1, yours 1 with gradient 1",
        ),
        WrongAnswer(
            unsigned_range,
            "Which is the lowest integer of a signed format, and which one is yours?",
            "x=-0.75, scale=1, bit_width=2: expected -1 with gradient 1, yours 0 with gradient 0",
        ),
        WrongAnswer(
            lowest_left_out,
            "Which is the lowest integer of a signed format, and which one is yours?",
            "x=-1.5, scale=1, bit_width=2: expected -2 with gradient 1, yours -1 with gradient 0",
        ),
    ),
)

# --- 7.B -------------------------------------------------------------------------------------------------------------


def fold_batch_norm(weight, bias, gamma, beta, mean, variance, eps):
    """Return (weight, bias) of the one layer that does what linear and then batch norm do.

    weight is [outputs, inputs]; bias and the four parameters are [outputs], eps is a Python
    float. Batch normalization makes gamma * (y - mean) / sqrt(variance + eps) + beta of each
    output y.
    """
    factor = gamma / torch.sqrt(variance + eps)
    return weight * factor[:, None], (bias - mean) * factor + beta


def bias_left_alone(weight, bias, gamma, beta, mean, variance, eps):
    """Multiply the weight and the mean, and not the layer's own bias."""
    factor = gamma / torch.sqrt(variance + eps)
    return weight * factor[:, None], bias - mean * factor + beta


def mean_left_alone(weight, bias, gamma, beta, mean, variance, eps):
    """Take the mean off after the multiplication."""
    factor = gamma / torch.sqrt(variance + eps)
    return weight * factor[:, None], bias * factor - mean + beta


def mean_forgotten(weight, bias, gamma, beta, mean, variance, eps):
    """Forget the mean."""
    factor = gamma / torch.sqrt(variance + eps)
    return weight * factor[:, None], bias * factor + beta


def mean_added(weight, bias, gamma, beta, mean, variance, eps):
    """Add the mean."""
    factor = gamma / torch.sqrt(variance + eps)
    return weight * factor[:, None], (bias + mean) * factor + beta


def beta_multiplied(weight, bias, gamma, beta, mean, variance, eps):
    """Multiply beta as well."""
    factor = gamma / torch.sqrt(variance + eps)
    return weight * factor[:, None], (bias - mean + beta) * factor


def divided_by_the_variance(weight, bias, gamma, beta, mean, variance, eps):
    """Forget the root."""
    factor = gamma / (variance + eps)
    return weight * factor[:, None], (bias - mean) * factor + beta


def eps_forgotten(weight, bias, gamma, beta, mean, variance, eps):
    """Forget eps."""
    factor = gamma / torch.sqrt(variance)
    return weight * factor[:, None], (bias - mean) * factor + beta


def eps_after_the_root(weight, bias, gamma, beta, mean, variance, eps):
    """Add eps to the root."""
    factor = gamma / (torch.sqrt(variance) + eps)
    return weight * factor[:, None], (bias - mean) * factor + beta


def gamma_forgotten(weight, bias, gamma, beta, mean, variance, eps):
    """Forget gamma."""
    factor = 1 / torch.sqrt(variance + eps)
    return weight * factor[:, None], (bias - mean) * factor + beta


def along_the_inputs(weight, bias, gamma, beta, mean, variance, eps):
    """Multiply the columns of the weight instead of its rows."""
    factor = gamma / torch.sqrt(variance + eps)
    return weight * factor, (bias - mean) * factor + beta


def weight_left_alone(weight, bias, gamma, beta, mean, variance, eps):
    """Fold into the bias alone."""
    factor = gamma / torch.sqrt(variance + eps)
    return weight.clone(), (bias - mean) * factor + beta


def fold_case(weight, *vectors):
    """Return a case of small whole numbers with eps 1, so that the roots are whole."""
    numbers = [number for row in weight for number in row] + [number for vector in vectors for number in vector]
    tensors = (torch.tensor(part, dtype=torch.float32) for part in (weight, *vectors))
    return Case((*tensors, 1.0), tuple(numbers), whole=True)


def fold_small():
    """One weight, every mix of small numbers; then two rows of two."""
    single = product((1, 2, -1), (0, 1), (1, 2, -1), (0, 1), (0, 1, 2), (0, 3, 8))
    double = product([[[1, 0], [0, 1]], [[1, 2], [2, 1]]], *[[[0, 0], [1, 2]], [[1, 2], [2, 1]]] * 2, [[0, 3], [3, 0]])
    cases = [fold_case([[w]], *([number] for number in rest)) for w, *rest in single]
    return in_order(cases + [fold_case(*parts) for parts in double])


def fold_wide():
    """Layers that are not square, gammas of both signs, the eps of PyTorch and a larger one."""
    generator, cases = torch.Generator().manual_seed(7), []
    for rows, columns in ((3, 2), (2, 3), (1, 5), (5, 1), (32, 64)):
        vectors = torch.randn(4, rows, generator=generator, dtype=torch.float32).unbind()
        variance = torch.rand(rows, generator=generator, dtype=torch.float32) + 0.1
        weight = torch.randn(rows, columns, generator=generator, dtype=torch.float32)
        cases += [Case((weight, *vectors, variance, eps), whole=True) for eps in (1e-5, 0.5)]
    return in_order(cases)


def fold_runtime_cases():
    """The small layers of two rows, and the larger ones."""
    return [case for case in (*fold_small(), *fold_wide()) if len(case.tensors[0]) > 1]


EXERCISE_B = Exercise(
    name="7.B",
    reference=fold_batch_norm,
    read=read_folded,
    write=write_folded,
    small=fold_small,
    wide=fold_wide,
    runtime=torch_folded,
    runtime_name="PyTorch's fuse_linear_bn_weights",
    runtime_cases=fold_runtime_cases,
    hints=(
        "Write y = weight · x + bias into the formula. What multiplies x in the end, and what stands alone?",
        "gamma / sqrt(variance + eps) is one number for each output. Which dimension of weight are the outputs?",
        "factor[:, None] has the shape [outputs, 1] and multiplies rows. In gamma · (y − mean) / root + beta: what else is"
        " multiplied by the factor, and what is not?",
    ),
    reason="factor · (weight · x + bias − mean) + beta is (factor · weight) · x + (bias − mean) · factor + beta. There is"
    " one factor for each output, so it multiplies a row of the weight; [:, None] makes a column of it. beta comes after"
    " the multiplication and stays as it is.",
    question="Put x = 0 into both: what does the layer with batch normalization give, and what does yours?",
    wrong=(
        WrongAnswer(
            bias_left_alone,
            "With x = 0 the layer gives its bias: what does batch normalization make of that?",
            "weight=[[1]], bias=[1], gamma=[-1], beta=[0], mean=[0], variance=[0], eps=1:"
            " expected weight [[-1]] with bias [-1],"
            " yours weight [[-1]] with bias [1]",
        ),
        WrongAnswer(
            mean_left_alone,
            "Is the mean taken off before the multiplication, or after it?",
            "weight=[[1]], bias=[0], gamma=[-1], beta=[0], mean=[1], variance=[0], eps=1:"
            " expected weight [[-1]] with bias [1],"
            " yours weight [[-1]] with bias [-1]",
        ),
        WrongAnswer(
            mean_forgotten,
            "An output that equals its mean becomes beta: what does yours make of it?",
            "weight=[[1]], bias=[0], gamma=[1], beta=[0], mean=[1], variance=[0], eps=1:"
            " expected weight [[1]] with bias [-1],"
            " yours weight [[1]] with bias [0]",
        ),
        WrongAnswer(
            mean_added,
            "An output that equals its mean becomes beta: what does yours make of it?",
            "weight=[[1]], bias=[0], gamma=[1], beta=[0], mean=[1], variance=[0], eps=1:"
            " expected weight [[1]] with bias [-1],"
            " yours weight [[1]] with bias [1]",
        ),
        WrongAnswer(
            beta_multiplied,
            "Is beta added before the multiplication, or after it?",
            "weight=[[1]], bias=[0], gamma=[-1], beta=[1], mean=[0], variance=[0], eps=1:"
            " expected weight [[-1]] with bias [1],"
            " yours weight [[-1]] with bias [-1]",
        ),
        WrongAnswer(
            divided_by_the_variance,
            "Outputs of a spread of 2 have a variance of 4: by which of the two are they divided?",
            "weight=[[1]], bias=[0], gamma=[1], beta=[0], mean=[0], variance=[3], eps=1:"
            " expected weight [[0.5]] with bias [0],"
            " yours weight [[0.25]] with bias [0]",
        ),
        WrongAnswer(
            eps_forgotten,
            "This variance is 0: what does your code divide by?",
            "weight=[[1]], bias=[0], gamma=[1], beta=[0], mean=[0], variance=[0], eps=1:"
            " expected weight [[1]] with bias [0],"
            " yours weight [[inf]] with bias [nan]",
        ),
        WrongAnswer(
            eps_after_the_root,
            "What stands under the root?",
            "weight=[[1]], bias=[0], gamma=[1], beta=[0], mean=[0], variance=[3], eps=1:"
            " expected weight [[0.5]] with bias [0],"
            " yours weight [[0.366025]] with bias [0]",
        ),
        WrongAnswer(
            gamma_forgotten,
            "Where does your code look at gamma?",
            "weight=[[1]], bias=[0], gamma=[-1], beta=[0], mean=[0], variance=[0], eps=1:"
            " expected weight [[-1]] with bias [0],"
            " yours weight [[1]] with bias [0]",
        ),
        WrongAnswer(
            along_the_inputs,
            "Which numbers of weight make output 0, and which factor belongs to output 0?",
            "weight=[[1, 2], [2, 1]], bias=[0, 0], gamma=[1, 2], beta=[0, 0], mean=[1, 2], variance=[3, 0], eps=1:"
            " expected weight [[0.5, 1], [4, 2]] with bias [-0.5, -4],"
            " yours weight [[0.5, 4], [1, 2]] with bias [-0.5, -4]",
        ),
        WrongAnswer(
            weight_left_alone,
            "If x doubles, by how much does the normalized output grow, and by how much yours?",
            "weight=[[1]], bias=[0], gamma=[-1], beta=[0], mean=[0], variance=[0], eps=1:"
            " expected weight [[-1]] with bias [0],"
            " yours weight [[1]] with bias [0]",
        ),
    ),
)

EXERCISES = (EXERCISE_A, EXERCISE_B)

PREDICTIONS = (
    Prediction(
        "7.1",
        right="0",
        reasons={
            "1": "That is the slope which training would like to have. You will write the function that pretends so.",
            "0": "Move w a little, and its rounded value stays where it is.",
            "none: it raises an error": "PyTorch has a gradient for round, and it is the true one: 0.",
        },
    ),
    Prediction(
        "7.2",
        right="nowhere: it wanders around 2.5",
        reasons={
            "at 2.625: the loss is 0 there": "The loss looks at the stored value, which is 2 or 3 and never 2.625.",
            "at 3: the nearest integer": "There the stored value is too high by 0.375, and the gradient pushes w down.",
            "nowhere: it wanders around 2.5": "Stored 2 is too low and 3 too high. Each pushes w towards the tie between.",
        },
    ),
    Prediction(
        "7.3",
        right="3, in steps of 1/32: 19",
        reasons={
            "0.1 stays a float: 16.1": "Without bias_quant it would. Here the layer was asked for an integer bias.",
            "1, in steps of 1/8: 17": "Those are the steps of x. What the bias is added to are sums of products.",
            "3, in steps of 1/32: 19": "1/8 · 1/4 is the unit of the accumulators. 0.1 · 32 = 3.2, and 16 + 3 = 19.",
        },
    ),
    Prediction(
        "7.4",
        right="the results of fc1 and relu1",
        reasons={
            "all three": "Batch normalization is a plain PyTorch layer, and divides by a float of its own for each neuron.",
            "the results of fc1 and relu1": "Accumulators are integers in units of scale of x · scale of w.",
            "that of relu1 only": "What are products of integers, and their sums? The units are smaller, but units they are.",
        },
    ),
    Prediction(
        "7.5",
        right="less than guessing would",
        reasons={
            "about 560": "So it is at 4 bits.",
            "about 280": "That takes a scale for each neuron, which comes further down.",
            "less than guessing would": "36, and guessing would get about 60. Most weights became 0.",
        },
    ),
    Prediction(
        "7.6",
        right="the odd ones from −9 to 9",
        reasons={
            "all from −9 to 9": "Turn one product from −1 to +1, and the sum changes by 2: an odd one stays odd.",
            "the odd ones from −9 to 9": "Nine odd numbers have an odd sum: 2 · agreeing − 9.",
            "−9 and 9 only": "Only where all nine agree, or none does.",
        },
    ),
    Prediction(
        "7.7",
        right="between 300 and 500",
        reasons={
            "562: folding is exact": "For floats it is, and for integers with a scale of its own for each neuron.",
            "between 300 and 500": "406. The rows differ in size now, and one scale must serve them all.",
            "about 60: guessing": "The factors of a layer differ too little for that: the largest is about twice the smallest.",
        },
    ),
    Prediction(
        "7.8",
        right="fc1, which takes the pixels",
        reasons={
            "fc1, which takes the pixels": "Its largest weight is farthest from the others, so more become 0: 97 %, against 92 and 78.",
            "fc3, which gives the answer": "Many say so. It is the one that suffers least here.",
            "all three alike": "Their weights are not spread alike, and one scale must do for each.",
        },
    ),
)

QUIZ = (
    QuizQuestion(
        "Where does the straight-through estimator of this chapter give slope 0?",
        right="where the rounded integer is outside the range",
        reasons={
            "nowhere": "Then values far outside would go on drifting, with no effect on what is stored.",
            "at ties": "A tie is a place like any other to it: slope 1.",
            "where the rounded integer is outside the range": "There x is clamped, and moving it changes nothing.",
            "everywhere but at ties": "That is the true slope of the rounding: 0 on every step.",
        },
    ),
    QuizQuestion(
        "What does the optimizer of a network with 2-bit weights move?",
        right="a float for each weight",
        reasons={
            "the integers": "They have no slope: autograd follows floats, and refuses integers.",
            "a float for each weight": "Its quantized value is computed anew in each forward pass.",
            "the scales only": "They are learned too, but they do not decide which weight is −1, which 0 and which 1.",
            "nothing: the weights are quantized afterwards": "That is post-training quantization.",
        },
    ),
    QuizQuestion(
        "An integer bias is added to accumulators. Which scale must it have?",
        right="input scale · weight scale",
        reasons={
            "the weight scale": "A product has the units of both factors.",
            "the output scale": "That comes later, when the sum is rescaled.",
            "any: it is 32 bits wide": "The width says how far it reaches, not how large a step is.",
            "input scale · weight scale": "Only numbers in the same units may be added as integers (chapter 3).",
        },
    ),
    QuizQuestion(
        "A trained float network must have weights of 2 bits, and nobody can train it again. What do you try first?",
        right="a clipping point of least squared error",
        reasons={
            "the largest weight as scale": "36 right answers here: nearly all weights become 0.",
            "the largest weight of each neuron as its scale": "284 here. The largest of 64 is still far from the others.",
            "a clipping point of least squared error": "496 here, and 558 once the normalization is measured again. Training gets 562.",
            "1 bit instead, which got more": "More than 2 bits with the worst scale: 89. A good scale is the better cure.",
        },
    ),
    QuizQuestion(
        "Why must a convolution not pad a bipolar 1-bit input with zeros?",
        right="no bit pattern stands for 0",
        reasons={
            "the image would grow": "Padding is there to keep its size.",
            "no bit pattern stands for 0": "0 and 1 stand for −1 and +1, and all patterns are used up.",
            "zeros have no gradient": "A constant needs none.",
            "it takes too many gates": "Zeros would cost nothing, if there were any.",
        },
    ),
    QuizQuestion(
        "Batch normalization is folded into weights with a scale for each channel. What happens to their integers?",
        right="they stay, up to the sign of a channel",
        reasons={
            "they stay, up to the sign of a channel": "The factor of a channel goes into the scale of that channel.",
            "the large channels saturate": "Each channel's scale grows along with it.",
            "they must be trained again": "That is so, at few bits, where one scale serves all channels.",
            "they become floats": "Integers times a scale they were, and so they are.",
        },
    ),
)
