"""The one place where accumulators change their unit: multiplier and offset, or thresholds, for what Brevitas does in floats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from qtutor.network.integer_layers import IntegerRequantize, IntegerScores, container
from qtutor.network.integer_network import Meaning

MANTISSA_BITS, LARGEST_SHIFT = 31, 62


@dataclass(frozen=True, eq=False)
class Floats:
    """What Brevitas does to a layer's sums in floats until the next quantizer.

    bias     float32 [channels], where it is not among the accumulators
    affines  batch normalizations, in order
    relu     whether what is below 0 becomes 0 afterwards
    """

    bias: Tensor | None = None
    affines: tuple[nn.Module, ...] = ()
    relu: bool = False

    @property
    def any(self) -> bool:
        """Whether it does anything."""
        return self.bias is not None or bool(self.affines) or self.relu

    def then(self, module: nn.Module) -> Floats:
        """Return this with one more batch normalization."""
        return replace(self, affines=(*self.affines, module))

    def gains(self) -> Tensor:
        """Return what sums are multiplied by, float64 [channels] or [1]."""
        return self.line()[0]

    def line(self) -> tuple[Tensor, Tensor]:
        """Return (gain, offset), float64 [channels] or [1]: real numbers in, gain * real + offset out."""
        gain, offset = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
        if self.bias is not None:
            offset = self.bias.double()
        for module in self.affines:
            times, plus = batch_norm_line(module)
            gain, offset = gain * times, offset * times + plus
        return gain, offset

    def run(self, reals: Tensor) -> Tensor:
        """Return what Brevitas's own float32 modules make of sums [N, channels]."""
        y = reals if self.bias is None else reals + self.bias
        for module in self.affines:
            y = module(y[..., None, None])[..., 0, 0] if isinstance(module, nn.BatchNorm2d) else module(y)
        return y.relu() if self.relu else y


def batch_norm_line(module: Any) -> tuple[Tensor, Tensor]:
    """Return (gain, offset) of a batch normalization in eval mode, float64 [channels]: gain * y + offset.

    source   Ioffe and Szegedy, ICML 2015, algorithm 2

    >>> norm = nn.BatchNorm1d(1, eps=0.0).eval()
    >>> batch_norm_line(norm)
    (tensor([1.], dtype=torch.float64), tensor([0.], dtype=torch.float64))
    """
    mean, variance = module.running_mean.double(), module.running_var.double()
    gamma = torch.ones_like(mean) if module.weight is None else module.weight.detach().double()
    beta = torch.zeros_like(mean) if module.bias is None else module.bias.detach().double()
    gain = gamma / (variance + module.eps).sqrt()
    return gain, beta - mean * gain


def requantizer(
    name: str, given: Meaning, floats: Floats, out: Meaning, rounding: str, proxy: Any
) -> IntegerRequantize:
    """Return the layer that takes accumulators to the integers of out, both routes in it.

    given     what the accumulators mean, their range too
    floats    what Brevitas does between them and its quantizer `proxy`
    raises    ValueError where the multiplier is out of reach of 31 bits and a shift
    """
    gain, offset = in_steps(given, floats, out)
    mantissa, plus, shift = fixed_point(gain, offset, name)
    reach = max(abs(given.low), abs(given.high)) * int(mantissa.abs().max()) + int(plus.abs().max())
    if reach >= 2**63:
        raise ValueError(
            f"{name}: accumulators up to {given.high} times {int(mantissa.abs().max())} leave 63 bits: use fewer bits."
        )
    thresholds, direction = thresholds_of(brevitas_integers(given, floats, proxy), given, out, len(mantissa))
    return IntegerRequantize(
        name, mantissa, plus, shift, out.low, out.high, thresholds, direction, reach,
        container(out.low, out.high), rounding, out.bipolar,
    )  # fmt: skip


def in_steps(given: Meaning, floats: Floats, out: Meaning) -> tuple[Tensor, Tensor]:
    """Return (gain, offset): accumulators in, steps of out above its integer 0 out, before they are rounded."""
    gain, offset = floats.line()
    gain = gain * torch.tensor(given.scale, dtype=torch.float64)
    offset = offset - gain * given.zero_point
    if out.bipolar:
        return gain, offset  # only the sign counts
    step = float(out.scale)  # type: ignore[arg-type]
    return gain / step, offset / step + out.zero_point


def fixed_point(gain: Tensor, offset: Tensor, name: str) -> tuple[Tensor, Tensor, int]:
    """Return (mantissas, offsets, shift), whole numbers: gain = mantissa / 2**shift, offset likewise, nearest.

    gain, offset  float64 [channels] or [1], of either sign
    returns       int64 twice, one shift for all: the largest mantissa has 31 bits, and is short only where the shift
                  would pass 62 or an offset would leave 62 bits
    raises        ValueError where a number is no number or a gain is 2**30 and more

    >>> fixed_point(torch.tensor([0.375], dtype=torch.float64), torch.tensor([0.5], dtype=torch.float64), "relu1")
    (tensor([1610612736]), tensor([2147483648]), 32)
    """
    largest, farthest = float(gain.abs().max()), float(offset.abs().max())
    if not largest < 2 ** (MANTISSA_BITS - 1) or not farthest < 2**60:
        raise ValueError(
            f"{name} multiplies by {largest:g} and adds {farthest:g}, which 31 bits and a shift do not hold: "
            "calibrate its scale again, or look at the bias and the batch normalization before it."
        )
    shift = min(MANTISSA_BITS - _exponent(largest), 61 - max(_exponent(farthest), 0), LARGEST_SHIFT)
    channels = max(len(gain), len(offset))
    mantissa, plus = (
        [round(Fraction(value) * 2**shift) for value in values.expand(channels).tolist()] for values in (gain, offset)
    )
    if any(abs(m) >= 2**MANTISSA_BITS for m in mantissa):
        shift, mantissa, plus = (
            shift - 1,
            [round(Fraction(m, 2)) for m in mantissa],
            [round(Fraction(p, 2)) for p in plus],
        )
    return torch.tensor(mantissa), torch.tensor(plus), shift


def _exponent(value: float) -> int:
    return torch.frexp(torch.tensor(value, dtype=torch.float64))[1].item() if value else -LARGEST_SHIFT  # type: ignore[return-value]


Quantizing = Callable[[Tensor], Tensor]


def brevitas_integers(given: Meaning, floats: Floats, proxy: Any) -> Quantizing:
    """Return Brevitas's own function from accumulators int64 [N, channels] to integers, in its own float32.

    An accumulator becomes the float32 nearest to its real value; from there on every module is Brevitas's or torch's.
    """
    scale = torch.tensor(given.scale, dtype=torch.float64)

    def integers(accumulators: Tensor) -> Tensor:
        reals = ((accumulators - given.zero_point) * scale).to(torch.float32)
        t = proxy(floats.run(reals))
        steps: Tensor = torch.round(t.value.double() / t.scale.double() + t.zero_point.double()).to(torch.int64)
        return steps

    return integers


def thresholds_of(integers: Quantizing, given: Meaning, out: Meaning, channels: int) -> tuple[Tensor, Tensor]:
    """Return (thresholds [channels, levels - 1], direction [channels]) of a function that rises or falls with the accumulator.

    A threshold is the lowest accumulator, turned around where direction is -1, that reaches its level; one more than
    the highest where none does. Found by halving the range, all at once.
    """
    ends = integers(torch.tensor([[given.low], [given.high]]).expand(2, channels))
    direction = torch.where(ends[1] >= ends[0], 1, -1)
    levels = torch.tensor([1] if out.bipolar else range(out.low + 1, out.high + 1))[:, None]
    low = torch.minimum(given.low * direction, given.high * direction).expand(len(levels), channels).clone()
    high = torch.maximum(given.low * direction, given.high * direction).expand(len(levels), channels) + 1
    while bool((low < high).any()):
        middle = (low + high).div(2, rounding_mode="floor")
        reached = integers(torch.minimum(middle, high - 1) * direction) >= levels
        open_ = low < high
        high = torch.where(open_ & reached, middle, high)
        low = torch.where(open_ & ~reached, middle + 1, low)
    return low.t().contiguous(), direction


def scores(name: str, given: Meaning, floats: Floats) -> tuple[IntegerScores, Meaning]:
    """Return the layer that brings the channels of the last sums to one unit, and what its integers mean."""
    gain, offset = floats.line()
    gain = gain * torch.tensor(given.scale, dtype=torch.float64)
    mantissa, plus, shift = fixed_point(gain, offset - gain * given.zero_point, name)
    ends = [m * a + p for m, p in zip(mantissa.tolist(), plus.tolist(), strict=True) for a in (given.low, given.high)]
    if max(map(abs, ends)) >= 2**63:
        raise ValueError(
            f"{name}: sums up to {given.high} times {int(mantissa.abs().max())} leave 63 bits: use fewer bits."
        )
    return IntegerScores(name, mantissa, plus), Meaning(2.0**-shift, 0, min(ends), max(ends))
