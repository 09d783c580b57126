"""The layers of an integer-only network: frozen, and nothing in them but integers and shifts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from qtutor.kernels import conv2d, linear, rounding_right_shift
from qtutor.kernels.rounding import round_floats
from qtutor.qparams import container_dtype

ROUTES = ("multipliers", "thresholds")


@dataclass(frozen=True, eq=False)
class IntegerLinear:
    """Sums of products, weight [out, in]: accumulators."""

    name: str
    weight: Tensor
    bias: Tensor | None
    x_zero_point: int = 0
    weight_zero_point: int = 0

    def run(self, x: Tensor) -> Tensor:
        if x.dim() != 2:  # the channels of what follows are dimension 1
            raise ValueError(
                f"{called(self.name)} takes [N, features] and is given {list(x.shape)}: flatten(1) it before."
            )
        return linear(x, self.weight, self.bias, self.x_zero_point, self.weight_zero_point)


@dataclass(frozen=True, eq=False)
class IntegerConv2d:
    """Sums of products over windows, weight [out, in / groups, height, width]: accumulators."""

    name: str
    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, int]
    padding: tuple[int, int]
    groups: int
    x_zero_point: int = 0
    weight_zero_point: int = 0

    def run(self, x: Tensor) -> Tensor:
        return conv2d(
            x, self.weight, self.bias, self.stride, self.padding, self.groups, self.x_zero_point, self.weight_zero_point
        )


@dataclass(frozen=True, eq=False)
class IntegerSumPool2d:
    """The sum of each window: average pooling, whose division waits for the next multiplier. int32.

    whole   the window is all of the image, as AdaptiveAvgPool2d(1) has it
    """

    name: str
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    whole: bool = False

    def run(self, x: Tensor) -> Tensor:
        if self.whole and x.shape[-2:] != self.kernel_size:
            size, given = (" × ".join(map(str, sizes)) for sizes in (self.kernel_size, x.shape[-2:]))
            raise ValueError(
                f"{called(self.name)} averages images of {size} and is given {given}: lower the model with an example of that size."
            )
        return windows(x.to(torch.int32), self.kernel_size, self.stride).sum((-2, -1), dtype=torch.int32)


@dataclass(frozen=True, eq=False)
class IntegerMaxPool2d:
    """The largest of each window. Beyond the border there is `lowest`, which never is larger."""

    name: str
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    lowest: int

    def run(self, x: Tensor) -> Tensor:
        (top, left), padded = self.padding, x
        if top or left:
            padded = functional.pad(x, (left, left, top, top), value=self.lowest)
        return _largest(
            _largest(padded, self.kernel_size[0], self.stride[0], -2), self.kernel_size[1], self.stride[1], -1
        )


def _largest(x: Tensor, size: int, stride: int, dim: int) -> Tensor:
    """Return the largest of each `size` neighbours along one dimension: whole tensors are compared, one for each place."""
    length = (x.shape[dim] - size) // stride * stride + 1
    places = [x.narrow(dim, place, length) for place in range(size)]
    found = places[0]
    for other in places[1:]:
        found = torch.maximum(found, other)
    return found[..., ::stride] if dim == -1 else found[..., ::stride, :]


@dataclass(frozen=True, eq=False)
class IntegerAdd:
    """The sum of two tensors of one scale: int32."""

    name: str

    def run(self, a: Tensor, b: Tensor) -> Tensor:
        return a.to(torch.int32) + b  # torch widens b


@dataclass(frozen=True, eq=False)
class IntegerFlatten:
    """All dimensions after the first in one.

    features   how many these are, where the model says so; another number would mix the inputs of a batch
    """

    name: str
    features: int | None = None

    def run(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        if self.features not in (None, flat.shape[1]):
            raise ValueError(
                f"{called(self.name)} makes rows of {self.features}, and an input has {flat.shape[1]} here: use flatten(1)."
            )
        return flat


@dataclass(frozen=True, eq=False)
class IntegerRequantize:
    """From accumulators to the next layer's integers, by either route.

    multipliers  (accumulator * mantissa + offset) / 2**shift, rounded once, stopped at low and high. mantissa and
                 offset are int64 [channels] or [1]; the offset holds bias, batch normalization and zero point
    thresholds   low + how many of its channel's thresholds an accumulator has reached: int64 [channels or 1, high - low],
                 rising; direction [channels or 1] is -1 where batch normalization turns a channel around, else 1
    bipolar      the integers are -1 and +1: the sign of accumulator * mantissa + offset, and one threshold
    reach        the largest |accumulator * mantissa + offset| on the way, which decides the register
    """

    name: str
    mantissa: Tensor
    offset: Tensor
    shift: int
    low: int
    high: int
    thresholds: Tensor
    direction: Tensor
    reach: int
    dtype: torch.dtype
    rounding: str = "half_even"
    bipolar: bool = False

    def run(self, accumulators: Tensor, route: str = "multipliers") -> Tensor:
        return self.by_thresholds(accumulators) if route == "thresholds" else self.by_multipliers(accumulators)

    def by_multipliers(self, accumulators: Tensor) -> Tensor:
        # float64 holds every integer to 2**53, and a division by 2**shift loses nothing there: the same bits, sooner
        register = torch.float64 if self.reach <= 2**53 else torch.int64
        mantissa, offset = along_channels(self.mantissa, accumulators), along_channels(self.offset, accumulators)
        wide = accumulators.to(register).mul(mantissa).add_(offset)
        if self.bipolar:
            return (wide >= 0).to(self.dtype).mul_(2).sub_(1)
        if register == torch.float64:
            steps = round_floats(wide.mul_(2.0**-self.shift), self.rounding)
        else:
            steps = rounding_right_shift(wide, self.shift, self.rounding)
        return steps.clamp_(self.low, self.high).to(self.dtype)

    def by_thresholds(self, accumulators: Tensor) -> Tensor:
        turned = accumulators.to(torch.int64) * along_channels(self.direction, accumulators)
        if len(self.thresholds) == 1:
            reached = torch.searchsorted(self.thresholds[0], turned.contiguous(), right=True)
        else:
            rows = turned.transpose(0, 1).reshape(len(self.thresholds), -1)
            counts = torch.searchsorted(self.thresholds, rows.contiguous(), right=True)
            reached = counts.reshape(turned.transpose(0, 1).shape).transpose(0, 1)
        steps = 2 if self.bipolar else 1
        return (reached * steps + self.low).to(self.dtype).contiguous()


@dataclass(frozen=True, eq=False)
class IntegerScores:
    """accumulator * mantissa + offset, int64: the channels of a last layer in one unit, so that they can be compared."""

    name: str
    mantissa: Tensor
    offset: Tensor

    def run(self, accumulators: Tensor) -> Tensor:
        wide = accumulators.to(torch.int64) * along_channels(self.mantissa, accumulators)
        return wide + along_channels(self.offset, accumulators)


IntegerLayer = (
    IntegerLinear
    | IntegerConv2d
    | IntegerSumPool2d
    | IntegerMaxPool2d
    | IntegerAdd
    | IntegerFlatten
    | IntegerRequantize
    | IntegerScores
)


def along_channels(values: Tensor, x: Tensor) -> Tensor:
    """Return [channels] so that it broadcasts along dimension 1 of x: [N, channels] or [N, channels, H, W].

    >>> along_channels(torch.tensor([1, 2]), torch.zeros(1, 2, 4, 4)).shape
    torch.Size([2, 1, 1])
    """
    return values if x.dim() == 2 else values.reshape(-1, *[1] * (x.dim() - 2))


def windows(x: Tensor, kernel_size: tuple[int, int], stride: tuple[int, int]) -> Tensor:
    """Return the windows of [N, C, H, W] as [N, C, H', W', height, width].

    >>> windows(torch.arange(16).reshape(1, 1, 4, 4), (2, 2), (2, 2))[0, 0, 0, 0].tolist()
    [[0, 1], [4, 5]]
    """
    return x.unfold(-2, kernel_size[0], stride[0]).unfold(-2, kernel_size[1], stride[1])


def called(name: str) -> str:
    """Return how a sentence calls a layer: in a Sequential its name is only a number.

    >>> called("3"), called("fc1")
    ('layer 3', 'fc1')
    """
    return f"layer {name}" if name.isdigit() else name


def container(low: int, high: int) -> torch.dtype:
    """Return the smallest dtype that holds both ends.

    >>> container(0, 255), container(-1, 1)
    (torch.uint8, torch.int8)
    """
    signed = low < 0
    bits = max(high, -low - 1).bit_length() + signed
    return container_dtype(max(bits, 1), signed)
