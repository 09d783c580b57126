"""What an integer network costs for one input: products, memory, bits moved, accumulators. Counted, not measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from qtutor.network.checks import require_batch, require_network
from qtutor.network.integer_layers import (
    IntegerAdd,
    IntegerConv2d,
    IntegerFlatten,
    IntegerLinear,
    IntegerRequantize,
    IntegerScores,
    IntegerSumPool2d,
)
from qtutor.network.integer_network import IntegerNetwork, Meaning
from qtutor.qparams import accumulator_bits, narrowest_format

SUMS = (IntegerLinear, IntegerConv2d, IntegerSumPool2d, IntegerAdd)
MANTISSA_BITS, OFFSET_BITS, BIAS_BITS = 32, 64, 32  # of the registers that hold a multiplier, an offset, a bias


@dataclass(frozen=True)
class BudgetRow:
    """One layer's share of one inference; 0 where it has none.

    name               of the layer
    kind               of the layer: IntegerLinear, …
    multiplications    products: of weights and inputs, the border's zeros too, or of accumulators and mantissas
    weight_width       bits that each weight needs: 1 where all are −1 and +1
    weight_bits        memory of the weights
    multiplier_bits    memory of the other constants by the route of multipliers: biases, mantissas, offsets
    threshold_bits     the same by the route of thresholds: biases, thresholds as wide as the accumulators they meet
    bits_in, bits_out  activations read and written. Sums that only wait for their requantizer stay where they are
    bit_operations     multiplications, each times the widths of its two factors
    worst, tight       two's complement bits of the accumulators: by the formats of inputs and weights, whatever the weights
                       are, without bias (0 where nothing is multiplied by weights); and of all that these weights can give
    """

    name: str
    kind: str
    multiplications: int = 0
    weight_width: int = 0
    weight_bits: int = 0
    multiplier_bits: int = 0
    threshold_bits: int = 0
    bits_in: int = 0
    bits_out: int = 0
    bit_operations: int = 0
    worst: int = 0
    tight: int = 0


def budget(network: IntegerNetwork, example: Tensor) -> list[BudgetRow]:
    """Return what each layer costs for one input. Flattening costs nothing and has no row.

    network  what `lower` returned
    example  its integers [N, ...], as `quantize_input` gives them: for the shapes alone
    returns  a row for each layer, in order; `table` prints them, `totals` adds them up
    raises   TypeError for what is no network or no tensor; ValueError where it holds no input; what the network refuses
    source   memory and bits moved by the formats; bit operations as in Baskin et al., UNIQ, 2018

    >>> from qtutor.network.checkpoints import load_checkpoint
    >>> from qtutor.network.lowering import lower
    >>> rows = budget(lower(load_checkpoint("mlp_w4a4")), torch.zeros(1, 64, dtype=torch.uint8))
    >>> rows[0].name, rows[0].multiplications, rows[0].weight_bits, rows[0].worst, rows[0].tight
    ('fc1', 4096, 16384, 15, 13)
    """
    values = require_network(network).values(require_batch(example)[:1])
    sizes = [value[0].numel() for value in values]
    kept = [_waits(network, place) for place in range(len(sizes))]
    bits = [
        0 if stays else size * meaning.bit_width
        for size, meaning, stays in zip(sizes, network.meanings, kept, strict=True)
    ]
    rows = [_row(network, place, sizes, bits) for place in range(1, len(sizes))]
    return [row for row in rows if row.kind != IntegerFlatten.__name__]


def _waits(network: IntegerNetwork, place: int) -> bool:
    """Return whether a value is sums that nothing but requantizers take: it never leaves its registers."""
    takers = [step.layer for step in network.steps if place in step.inputs]
    made = network.steps[place - 1].layer if place else None
    return (
        isinstance(made, SUMS)
        and bool(takers)
        and all(isinstance(t, (IntegerRequantize, IntegerScores)) for t in takers)
    )


def _row(network: IntegerNetwork, place: int, sizes: list[int], bits: list[int]) -> BudgetRow:
    step = network.steps[place - 1]
    layer, x, out = step.layer, network.meanings[step.inputs[0]], network.meanings[place]
    name, kind = layer.name, type(layer).__name__
    bits_in, bits_out, tight = sum(bits[i] for i in step.inputs), bits[place], signed_bits(out)
    if isinstance(layer, (IntegerLinear, IntegerConv2d)):
        products, width = sizes[place] * layer.weight[0].numel(), weight_width(layer)
        bias = 0 if layer.bias is None else layer.bias.numel() * BIAS_BITS
        return BudgetRow(
            name, kind, products, width, layer.weight.numel() * width, bias, bias, bits_in, bits_out,
            products * width * x.bit_width, worst_bits(layer, x), tight,
        )  # fmt: skip
    if isinstance(layer, (IntegerRequantize, IntegerScores)):
        constants = layer.mantissa.numel() * MANTISSA_BITS + layer.offset.numel() * OFFSET_BITS
        held = layer.thresholds.numel() * signed_bits(x) if isinstance(layer, IntegerRequantize) else constants
        return BudgetRow(
            name, kind, sizes[place], 0, 0, constants, held, bits_in, bits_out,
            sizes[place] * MANTISSA_BITS * signed_bits(x),
        )  # fmt: skip
    return BudgetRow(name, kind, bits_in=bits_in, bits_out=bits_out, tight=tight if isinstance(layer, SUMS) else 0)


def signed_bits(meaning: Meaning) -> int:
    """Return the two's complement bits of an accumulator with this range.

    >>> signed_bits(Meaning(1.0, 0, -30, 45)), signed_bits(Meaning(1.0, 0, 0, 3))
    (7, 3)
    """
    return narrowest_format(min(meaning.low, -1), meaning.high)[0]


def weight_width(layer: IntegerLinear | IntegerConv2d) -> int:
    """Return the bits that the weights at hand need: 1 where each is −1 or +1.

    >>> weight_width(IntegerLinear("fc", torch.tensor([[7, -1]], dtype=torch.int8), None))
    4
    """
    held = layer.weight
    if bool((held.to(torch.int16).abs() == 1).all()):
        return 1
    low, high = (int(end) for end in torch.aminmax(held))
    return narrowest_format(low, high)[0]


def worst_bits(layer: IntegerLinear | IntegerConv2d, x: Meaning) -> int:
    """Return the bits of the widest sum that the formats of inputs and weights allow.

    >>> layer = IntegerLinear("fc", torch.ones(1, 64, dtype=torch.int8), None)
    >>> worst_bits(layer, Meaning(1.0, 0, -1, 1, bipolar=True))
    8
    """
    width, low, high = weight_width(layer), int(layer.weight.min()), int(layer.weight.max())
    ends = (-1, 1) if width == 1 else (low, high)
    weights = Meaning(1.0, layer.weight_zero_point, *ends).format
    return accumulator_bits(layer.weight[0].numel(), x.format, weights)


def totals(rows: Iterable[BudgetRow]) -> BudgetRow:
    """Return all rows in one, called total: sums, and of the widths the largest.

    >>> totals([BudgetRow("a", "", 3, worst=9), BudgetRow("b", "", 4, worst=7)]).multiplications
    7
    """
    held = list(rows)
    widths = ("weight_width", "worst", "tight")
    numbers = [field.name for field in fields(BudgetRow)][2:]
    found = {n: [getattr(row, n) for row in held] for n in numbers}
    return BudgetRow(
        "total", "", **{n: max(held, default=0) if n in widths else sum(held) for n, held in found.items()}
    )


COLUMNS: dict[str, Callable[[BudgetRow], str]] = {
    "layer": lambda row: row.name,
    "products": lambda row: f"{row.multiplications:,}",
    "weight bits": lambda row: f"{row.weight_bits:,}",
    "each": lambda row: f"{row.weight_width}",
    "constants": lambda row: f"{row.multiplier_bits:,}",
    "or thresholds": lambda row: f"{row.threshold_bits:,}",
    "bits in": lambda row: f"{row.bits_in:,}",
    "bits out": lambda row: f"{row.bits_out:,}",
    "worst": lambda row: f"{row.worst}",
    "tight": lambda row: f"{row.tight}",
}


def table(rows: Iterable[BudgetRow]) -> str:
    """Return the rows and their total as text in columns, a dash where there is nothing.

    columns  products in one inference; bits of all weights, and of each; bits of the other constants by multipliers, or
             by thresholds; activation bits read and written; accumulator bits in the worst case, and with these weights

    >>> print(table([BudgetRow("fc1", "IntegerLinear", 4096, 4, 16384, 0, 0, 320, 0, 81920, 15, 13)]))
    layer  products  weight bits  each  constants  or thresholds  bits in  bits out  worst  tight
    fc1       4,096       16,384     4          -              -      320         -     15     13
    total     4,096       16,384     4          -              -      320         -     15     13
    """
    held = list(rows)
    lines = [[shown(row) if shown(row) != "0" else "-" for shown in COLUMNS.values()] for row in [*held, totals(held)]]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *lines, strict=True)]
    text = [
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))])
        for line in [list(COLUMNS), *lines]
    ]
    return "\n".join(text)
