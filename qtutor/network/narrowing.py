"""One part of a trained MLP in fewer bits: its integers chosen anew, and all after it computed as before, in integers."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from qtutor.kernels import accumulator_range
from qtutor.network.integer_layers import IntegerLinear, IntegerRequantize
from qtutor.network.integer_network import IntegerNetwork, Meaning
from qtutor.network.rescaling import Floats, fixed_point, in_steps
from qtutor.qparams import QParams
from qtutor.quantization import choose_qparams, quantize

WEIGHTS = {"fc1": "weights of fc1", "fc2": "weights of fc2", "fc3": "weights of fc3"}
NORMS = {"relu1": "norm1", "relu2": "norm2"}
PARTS = ("fc1", "relu1", "fc2", "relu2", "fc3")  # in the order in which a scan meets them
FULL = 8  # bits of every part that is not narrowed


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer, and what the integers mean that it gives; of sums, low and high are what the weights allow."""

    layer: IntegerLinear | IntegerRequantize
    meaning: Meaning


def narrowed(model: Any, net: IntegerNetwork, part: str, bits: int) -> tuple[Stage, ...]:
    """Return the five layers of a DigitsMLP(8, 8) after its pixels, with one part in fewer bits.

    model     a trained DigitsMLP(8, 8) with a weight scale for each layer; its real weights are rounded anew
    net       the same, lowered
    part      fc1, fc2, fc3: that layer's weights; relu1, relu2: the integers that it gives, fewer levels of the same range
    bits      1 … 8; weights of 1 bit are −1 and +1 times their mean size, and 8 changes nothing
    raises    ValueError for another part or width, or a scale for each channel

    >>> from qtutor.network import load_checkpoint, lower
    >>> model = load_checkpoint("mlp_w8a8")
    >>> [int(stage.layer.weight.abs().max()) for stage in narrowed(model, lower(model), "fc2", 3)[::2]]
    [127, 3, 127]
    """
    if part not in PARTS or bits not in range(1, FULL + 1):
        raise ValueError(f"{part!r} in {bits} bits is no narrowing: use one of {', '.join(PARTS)} in 1 … {FULL} bits.")
    stages: list[Stage] = []
    given = net.meaning("pixels")
    for before, name in zip(("pixels", *PARTS), PARTS, strict=False):
        width = bits if name == part else FULL
        if width == FULL and given == net.meaning(before):
            stages.append(lowered(name, net))
        elif name in WEIGHTS:
            stages.append(sums(name, model, given, width))
        else:
            stages.append(levels(name, model, net, given, width))
        given = stages[-1].meaning
    return tuple(stages)


def lowered(name: str, net: IntegerNetwork) -> Stage:
    """Return a layer as the network has it: neither it nor what it is given is narrowed."""
    layer = net.layer(name)
    assert isinstance(layer, IntegerLinear | IntegerRequantize)
    return Stage(layer, net.meaning(name))


def sums(name: str, model: Any, given: Meaning, bits: int) -> Stage:
    """Return a linear layer whose weights have so many bits; a bias in units of its sums."""
    module = getattr(model, name)
    weight, step = integer_weights(module.weight.detach(), bits)
    scale = step * step_of(given)
    bias = None if module.bias is None else torch.round(module.bias.detach().double() / scale).to(torch.int32)
    low, high = accumulator_range(weight, QParams(1.0, bit_width=given.bit_width, signed=False), bias)
    return Stage(IntegerLinear(name, weight, bias), Meaning(scale, 0, low, high))


def integer_weights(real: Tensor, bits: int) -> tuple[Tensor, float]:
    """Return (integers, scale): symmetric, the largest weight at the end of the range; 1 bit is the sign.

    >>> integer_weights(torch.tensor([0.5, -1.0, 0.0]), 1), integer_weights(torch.tensor([0.5, -1.0, 0.0]), 2)
    ((tensor([ 1, -1,  1], dtype=torch.int8), 0.5), (tensor([ 0, -1,  0], dtype=torch.int8), 1.0))
    """
    if bits == 1:
        return torch.where(real >= 0, 1, -1).to(torch.int8), float(real.abs().mean())
    qparams = choose_qparams(real, bits, True, symmetric=True, narrow_range=True)
    return quantize(real, qparams), float(qparams.scale)  # type: ignore[arg-type]


def levels(name: str, model: Any, net: IntegerNetwork, given: Meaning, bits: int) -> Stage:
    """Return the requantizer whose integers have so many bits: by its multipliers alone, it has no thresholds.

    Batch normalization, the change of units and the ReLU are one multiplication, one rounding and one clipping.
    """
    layer, high = net.layer(name), 2**bits - 1
    assert isinstance(layer, IntegerRequantize)
    out = Meaning(step_of(net.meaning(name)) * (layer.high / high), 0, 0, high)
    gain, offset = in_steps(given, Floats(affines=(getattr(model, NORMS[name]),)), out)
    mantissa, plus, shift = fixed_point(gain, offset, name)
    reach = max(-given.low, given.high) * int(mantissa.abs().max()) + int(plus.abs().max())
    narrow = replace(layer, mantissa=mantissa, offset=plus, shift=shift, high=high, reach=reach)
    return Stage(replace(narrow, thresholds=layer.thresholds[:, :0]), out)


def step_of(meaning: Meaning) -> float:
    """Return the one scale of a whole tensor; raise ValueError where each channel has its own."""
    if isinstance(meaning.scale, tuple):
        raise ValueError("this network has a scale for each channel: narrow one with a scale for each layer.")
    return meaning.scale
