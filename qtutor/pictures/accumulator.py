"""One dot product in an accumulator, step by step: where its partial sums leave the range, and what is left at the end."""

from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from torch import Tensor

from qtutor.kernels import saturate, wrap
from qtutor.pictures.axes import BLUE, GREY, INK, ORANGE, describe
from qtutor.pictures.words import format_name, integers, number, signed_number
from qtutor.qparams import QParams, int_range
from qtutor.quantization import quantize

# the sentence that the picture and its explorer share
ACCUMULATOR_SENTENCE = "{total} {format} hold {range}: {story}."
KEEP = {"wrap": wrap, "saturate": saturate}

# two rows of the first digit, in sixteenths of black, and a filter that takes the lower from the upper, in quarters
PIXELS = (0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0)
FILTER = (1, 2, 3, 4, 4, 3, 2, 1, -1, -2, -3, -4, -4, -3, -2, -1)


@dataclass(frozen=True)
class Run:
    """The sums after 0, 1, 2 … products: exact, and as the accumulator keeps them after every step."""

    exact: list[int]
    kept: list[int]
    low: int
    high: int


def example_product(x_bits: int, weight_bits: int) -> tuple[Tensor, Tensor]:
    """Return two rows of the first digit in x_bits unsigned, and an edge filter in weight_bits signed: 16 integers each.

    >>> x, weight = example_product(4, 4)
    >>> x.tolist()[:6], weight.tolist()[:6]
    ([0, 0, 13, 15, 10, 15], [2, 4, 6, 7, 7, 6])
    """
    shades, taps = torch.tensor(PIXELS, dtype=torch.float32) / 16, torch.tensor(FILTER, dtype=torch.float32) / 4
    return (
        quantize(shades, QParams(2.0**-x_bits, bit_width=x_bits, signed=False)),
        quantize(taps, QParams(2.0 ** (1 - weight_bits), bit_width=weight_bits)),
    )


def partial_sums(products: Tensor, bit_width: int, overflow: str) -> Tensor:
    """Return the sums after 0, 1, 2 … products along the last dimension, in a signed register that wraps or saturates.

    >>> partial_sums(torch.tensor([6, 6, -6]), 4, "wrap"), partial_sums(torch.tensor([6, 6, -6]), 4, "saturate")
    (tensor([ 0,  6, -4,  6]), tensor([0, 6, 7, 1]))
    """
    if overflow not in KEEP:
        raise ValueError(f"overflow {overflow!r} is unknown: use wrap or saturate.")
    kept = [torch.zeros_like(products[..., 0])]
    for product in products.unbind(-1):
        kept.append(KEEP[overflow](kept[-1] + product, bit_width, True).to(products.dtype))
    return torch.stack(kept, -1)


def accumulate(x: Tensor, weight: Tensor, bit_width: int, overflow: str) -> Run:
    """Return the sums of x * weight, one product after another, in an accumulator that wraps or saturates at each step.

    >>> accumulate(torch.tensor([3, 3, 2]), torch.tensor([2, 2, -3]), 4, "wrap")
    Run(exact=[0, 6, 12, 6], kept=[0, 6, -4, 6], low=-8, high=7)
    """
    factors = torch.tensor(integers(x)), torch.tensor(integers(weight))
    if len(factors[0]) != len(factors[1]) or not len(factors[0]):
        raise ValueError(
            f"{len(factors[0])} inputs and {len(factors[1])} weights: give as many of one as of the other."
        )
    products = factors[0] * factors[1]
    exact = [0, *products.cumsum(0).tolist()]
    return Run(exact, partial_sums(products, bit_width, overflow).tolist(), *int_range(bit_width, True))


def draw_accumulator(ax: Axes, x: Tensor, weight: Tensor, bit_width: int, overflow: str = "wrap") -> Axes:
    """Draw the partial sums of x * weight, exact and as a signed accumulator keeps them, on the range of the accumulator.

    ax         axes to draw on, about 7 by 4 inches
    x, weight  integer tensors of as many values, at least one
    bit_width  of the accumulator, 1 … 32, signed
    overflow   what it does after each product that leads it out of its range: wrap or saturate
    returns    ax; ax.alt holds its words (`accumulator_text`)
    raises     TypeError for floats; ValueError for different lengths and for another overflow

    >>> from qtutor.pictures import new_axes
    >>> draw_accumulator(new_axes(), torch.tensor([3, 3, 2]), torch.tensor([2, 2, -3]), 4).alt
    'Exact sum 6. 4 bits signed hold −8 … 7: 1 of 3 partial sums lies outside, first after product 2, and wrapping still ends at 6, exact.'
    """  # noqa: E501
    run = accumulate(x, weight, bit_width, overflow)
    steps = range(len(run.exact))
    limit = 1.15 * (max(abs(value) for value in run.exact) or 1)
    ax.axhspan(max(run.low, -limit), min(run.high, limit), color=GREY, alpha=0.18, label=f"range of {bit_width} bits")
    ax.plot(steps, run.exact, color=INK, linewidth=1.6, marker="o", markerfacecolor="none", markersize=8, label="exact")
    for wrong, color, marker, label in ((False, BLUE, "o", "kept, exact"), (True, ORANGE, "^", "kept, wrong")):
        places = [k for k in steps if (run.kept[k] != run.exact[k]) == wrong]
        ax.scatter(places, [run.kept[k] for k in places], s=34, color=color, marker=marker, zorder=3, label=label)
    ax.set(xlabel="products added so far", ylabel="sum", ylim=(-limit, limit))
    ax.set_title(f"{format_name(bit_width, True)}, {overflow}")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncol=4, frameon=False, fontsize=9)
    return describe(ax, accumulator_text(x, weight, bit_width, overflow))


def accumulator_text(x: Tensor, weight: Tensor, bit_width: int, overflow: str) -> str:
    """Return the words of the picture: the exact sum, the range, how many partial sums leave it, what is left at the end.

    >>> accumulator_text(torch.tensor([3, 3, 2]), torch.tensor([2, 2, -3]), 5, "saturate")
    'Exact sum 6. 5 bits signed hold −16 … 15: every partial sum fits, and 6 is kept.'
    """
    run = accumulate(x, weight, bit_width, overflow)
    return ACCUMULATOR_SENTENCE.format(
        total=total_text(run), format=format_name(bit_width, True), range=range_text(run), story=story(run, overflow)
    )


def total_text(run: Run) -> str:
    """Return the exact sum as the sentence begins.

    >>> total_text(Run([0, -6], [0, -6], -8, 7))
    'Exact sum −6.'
    """
    return f"Exact sum {number(run.exact[-1])}."


def range_text(run: Run) -> str:
    """Return the ends of the accumulator, without thousands separators, as integers are written here.

    >>> range_text(Run([0], [0], -8, 7))
    '−8 … 7'
    """
    return f"{run.low} … {run.high}".replace("-", "−")


def outside(run: Run) -> list[int]:
    """Return after which products the exact sum lies outside the range.

    >>> outside(Run([0, 6, 12, 6], [0, 6, -4, 6], -8, 7))
    [2]
    """
    return [k for k, value in enumerate(run.exact) if not run.low <= value <= run.high]


def story(run: Run, overflow: str) -> str:
    """Return what happened on the way, and what the accumulator holds at the end.

    >>> story(Run([0, 6, 12, 6], [0, 6, 7, 1], -8, 7), "saturate")
    '1 of 3 partial sums lies outside, first after product 2, and saturating ends at 1, error −5'
    """
    left, (total, kept) = outside(run), (run.exact[-1], run.kept[-1])
    if not left:
        return f"every partial sum fits, and {number(total)} is kept"
    verb = "lies" if len(left) == 1 else "lie"
    way = f"{len(left)} of {len(run.exact) - 1} partial sums {verb} outside, first after product {left[0]}"
    ending = "wrapping" if overflow == "wrap" else "saturating"
    if kept == total:
        return f"{way}, and {ending} still ends at {number(kept)}, exact"
    return f"{way}, and {ending} ends at {number(kept)}, error {signed_number(kept - total)}"
