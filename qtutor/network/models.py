"""Networks for the 8×8 digits, with float layers and with Brevitas's, as a user of Brevitas writes them.

A width of 1 bit is special. Its weights and activations are −1 and +1 times a scale: there is no 0. So a 1-bit tensor
has nothing to pad with, and a convolution that takes one must not pad; and a ReLU, which needs a 0, becomes a sign.
"""

from collections.abc import Sequence

import torch
from brevitas.core.function_wrapper import TensorClamp
from brevitas.core.restrict_val import RestrictValueType
from brevitas.core.scaling import ScalingImplType
from brevitas.core.stats import StatsOp
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear, QuantReLU
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8ActPerTensorFloat,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFixedPoint,
    Int8WeightPerTensorFloat,
    Int32Bias,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    Uint8ActPerTensorFixedPoint,
    Uint8ActPerTensorFloat,
)
from brevitas.quant.fixed_point import Int8WeightPerChannelFixedPoint
from torch import nn

Widths = int | Sequence[int]

HIDDEN = 64  # neurons in each hidden layer of the MLP
CHANNELS, MORE_CHANNELS = 16, 32  # of the CNN: before its first pooling, and after
SETTLING = 100  # batches in which an activation's scale follows what it sees; after them it is learned


class PixelQuant(Uint8ActPerTensorFloat):  # type: ignore[misc]
    """Grey levels 0 … 1 in sixteenths: 5 unsigned bits with the scale 1/16 and nothing to learn, so no pixel is rounded."""

    scaling_impl_type = ScalingImplType.CONST
    min_val, max_val = 0.0, 31 / 16  # real numbers of the integers 0 and 31
    bit_width = 5


class SignWeight(SignedBinaryWeightPerTensorConst):  # type: ignore[misc]
    """1-bit weights: −1 and +1 times the mean absolute weight, of the whole tensor."""

    scaling_impl_type = ScalingImplType.STATS
    scaling_stats_op = StatsOp.AVE
    tensor_clamp_impl = TensorClamp  # the class above also clips the stored float weights, and so its own scale


class SignWeightPerChannel(SignWeight):
    """The same with a scale for each output channel."""

    scaling_per_output_channel = True


class PowerOfTwoSignWeight(SignWeight):
    """The same with the nearest power of two as scale."""

    restrict_scaling_type = RestrictValueType.POWER_OF_TWO


class PowerOfTwoSignWeightPerChannel(PowerOfTwoSignWeight):
    """The same with a scale for each output channel."""

    scaling_per_output_channel = True


class PowerOfTwoSignAct(SignedBinaryActPerTensorConst):  # type: ignore[misc]
    """1-bit activations, −1/8 and +1/8."""

    scaling_const = 0.125


class DigitsMLP(nn.Module):
    """64 pixels → 64 → 64 → 10 digits; batch normalization and a quantized ReLU after each hidden layer.

    weight_bits       1, 2, 3, 4 … 8, for all layers or a sequence of three: fc1, fc2, fc3
    activation_bits   the same for what leaves the hidden layers: one width, or two: relu1, relu2
    per_channel       a weight scale for each neuron instead of one for each layer
    power_of_two      scales are powers of two, so that float32 holds every product and every sum of them exactly
    input, output     float [n, 1, 8, 8] (or [n, 64]), 0 … 1 in sixteenths -> IntQuantTensor [n, 10], accumulators
    raises            ValueError for a width outside 1 … 8, or a wrong number of them

    >>> model = DigitsMLP(4, 4)
    >>> model.eval()(torch.zeros(2, 1, 8, 8)).value.shape
    torch.Size([2, 10])
    """

    def __init__(
        self, weight_bits: Widths, activation_bits: Widths, per_channel: bool = False, power_of_two: bool = False
    ) -> None:
        super().__init__()
        weights, activations = widths("weight_bits", weight_bits, 3), widths("activation_bits", activation_bits, 2)
        self.flatten = nn.Flatten()
        self.pixels = QuantIdentity(act_quant=PixelQuant, return_quant_tensor=True)
        self.fc1 = quant_linear(64, HIDDEN, weights[0], per_channel, power_of_two)
        self.norm1 = nn.BatchNorm1d(HIDDEN)
        self.relu1 = quant_relu(activations[0], power_of_two)
        self.fc2 = quant_linear(HIDDEN, HIDDEN, weights[1], per_channel, power_of_two)
        self.norm2 = nn.BatchNorm1d(HIDDEN)
        self.relu2 = quant_relu(activations[1], power_of_two)
        self.fc3 = quant_linear(HIDDEN, 10, weights[2], per_channel, power_of_two, bias=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pixels(self.flatten(x))
        x = self.relu1(self.norm1(self.fc1(x)))
        x = self.relu2(self.norm2(self.fc2(x)))
        x = self.fc3(x)
        return x  # noqa: RET504 (chapter 7 prints the four lines above)


class DigitsCNN(nn.Module):
    """Three 3×3 convolutions, one of them with a residual add, two max pools, one linear layer.

    weight_bits       1 … 8, for all layers or a sequence of four: conv1, conv2, conv3, fc
    activation_bits   the same for relu1, join, relu2, relu3
    per_channel       a weight scale for each output channel instead of one for each layer
    power_of_two      as in DigitsMLP
    input, output     float [n, 1, 8, 8], 0 … 1 in sixteenths -> IntQuantTensor [n, 10], accumulators
    raises            ValueError for a width outside 1 … 8, or a wrong number of them
    source            a residual add as in He et al., Deep residual learning, CVPR 2016. A convolution whose input has 1 bit
                      does not pad (there is no 0): conv2 is then 1×1, so that the residual's two sides keep one size, and
                      conv3 takes off the border that a second pool would

    >>> model = DigitsCNN(4, 4)
    >>> model.eval()(torch.zeros(2, 1, 8, 8)).value.shape
    torch.Size([2, 10])
    """

    def __init__(
        self, weight_bits: Widths, activation_bits: Widths, per_channel: bool = False, power_of_two: bool = False
    ) -> None:
        super().__init__()
        weights, activations = widths("weight_bits", weight_bits, 4), widths("activation_bits", activation_bits, 4)
        has_zero1, has_zero2 = activations[0] > 1, activations[2] > 1  # of what conv2 and conv3 take
        self.pixels = QuantIdentity(act_quant=PixelQuant, return_quant_tensor=True)
        self.conv1 = quant_conv(1, CHANNELS, weights[0], per_channel, power_of_two, 3, True)  # pixels have a 0
        self.norm1 = nn.BatchNorm2d(CHANNELS)
        self.relu1 = quant_relu(activations[0], power_of_two)
        self.conv2 = quant_conv(
            CHANNELS, CHANNELS, weights[1], per_channel, power_of_two, 3 if has_zero1 else 1, has_zero1
        )
        self.norm2 = nn.BatchNorm2d(CHANNELS)
        # one for both sides of the sum, so that they have one scale
        self.join = quant_identity(activations[1], power_of_two)
        self.relu2 = quant_relu(activations[2], power_of_two)
        self.pool1 = nn.MaxPool2d(2)
        self.conv3 = quant_conv(CHANNELS, MORE_CHANNELS, weights[2], per_channel, power_of_two, 3, has_zero2)
        self.norm3 = nn.BatchNorm2d(MORE_CHANNELS)
        self.relu3 = quant_relu(activations[3], power_of_two)
        self.pool2 = nn.MaxPool2d(2) if has_zero2 else nn.Identity()
        self.flatten = nn.Flatten()
        self.fc = quant_linear(MORE_CHANNELS * 4, 10, weights[3], per_channel, power_of_two, bias=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu1(self.norm1(self.conv1(self.pixels(x))))
        x = self.join(x) + self.join(self.norm2(self.conv2(x)))
        x = self.pool1(self.relu2(x))
        x = self.pool2(self.relu3(self.norm3(self.conv3(x))))
        return self.fc(self.flatten(x))  # type: ignore[no-any-return]


class FloatMLP(nn.Module):
    """DigitsMLP with plain float layers of the same names: what post-training quantization starts from.

    >>> FloatMLP().eval()(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.fc1, self.norm1 = nn.Linear(64, HIDDEN, bias=False), nn.BatchNorm1d(HIDDEN)
        self.fc2, self.norm2 = nn.Linear(HIDDEN, HIDDEN, bias=False), nn.BatchNorm1d(HIDDEN)
        self.fc3 = nn.Linear(HIDDEN, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm1(self.fc1(self.flatten(x))).relu()
        x = self.norm2(self.fc2(x)).relu()
        return self.fc3(x)  # type: ignore[no-any-return]


class FloatCNN(nn.Module):
    """DigitsCNN of 2 bits and more, with plain float layers of the same names.

    >>> FloatCNN().eval()(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(1, CHANNELS, 3, padding=1, bias=False), nn.BatchNorm2d(CHANNELS)
        self.conv2, self.norm2 = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False), nn.BatchNorm2d(CHANNELS)
        self.conv3 = nn.Conv2d(CHANNELS, MORE_CHANNELS, 3, padding=1, bias=False)
        self.norm3, self.pool, self.flatten = nn.BatchNorm2d(MORE_CHANNELS), nn.MaxPool2d(2), nn.Flatten()
        self.fc = nn.Linear(MORE_CHANNELS * 4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm1(self.conv1(x)).relu()
        x = self.pool((x + self.norm2(self.conv2(x))).relu())
        x = self.pool(self.norm3(self.conv3(x)).relu())
        return self.fc(self.flatten(x))  # type: ignore[no-any-return]


def widths(name: str, bits: Widths, layers: int) -> tuple[int, ...]:
    """Return a width for each layer.

    >>> widths("weight_bits", 4, 3), widths("weight_bits", (8, 2, 8), 3)
    ((4, 4, 4), (8, 2, 8))
    """
    given = tuple(bits) if isinstance(bits, Sequence) else (bits,) * layers
    if len(given) != layers:
        raise ValueError(f"{name} has {len(given)} widths for {layers} layers: give one number, or one for each layer.")
    for width in given:
        if type(width) is not int or width not in range(1, 9):
            raise ValueError(
                f"{name} holds {width!r}, and these models have widths of 1 to 8 bits: use 4, for example."
            )
    return given


def quant_linear(
    inputs: int, outputs: int, bits: int, per_channel: bool, power_of_two: bool, bias: bool = False
) -> QuantLinear:
    """Return a linear layer; its bias, where it has one, is integers in units of the accumulators."""
    quantizer, width = weight_quantizer(bits, per_channel, power_of_two)
    return QuantLinear(
        inputs,
        outputs,
        bias=bias,
        weight_quant=quantizer,
        weight_bit_width=width,
        bias_quant=Int32Bias if bias else None,
        return_quant_tensor=True,
    )


def quant_conv(
    inputs: int, outputs: int, bits: int, per_channel: bool, power_of_two: bool, size: int, pads: bool
) -> QuantConv2d:
    """Return a convolution without a bias that pads with real zeros to keep the size, or does not pad."""
    quantizer, width = weight_quantizer(bits, per_channel, power_of_two)
    return QuantConv2d(
        inputs,
        outputs,
        size,
        padding=size // 2 if pads else 0,
        bias=False,
        weight_quant=quantizer,
        weight_bit_width=width,
        return_quant_tensor=True,
    )


def weight_quantizer(bits: int, per_channel: bool, power_of_two: bool) -> tuple[type, int]:
    """Return the class that quantizes weights, and its width."""
    if bits == 1 and power_of_two:
        return (PowerOfTwoSignWeightPerChannel if per_channel else PowerOfTwoSignWeight), 1
    if bits == 1:
        return (SignWeightPerChannel if per_channel else SignWeight), 1
    if power_of_two:
        return (Int8WeightPerChannelFixedPoint if per_channel else Int8WeightPerTensorFixedPoint), bits
    return (Int8WeightPerChannelFloat if per_channel else Int8WeightPerTensorFloat), bits


def quant_relu(bits: int, power_of_two: bool) -> QuantReLU | QuantIdentity:
    """Return a ReLU with unsigned integers, or at 1 bit a sign: −1 below 0, else +1."""
    if bits == 1:
        return quant_identity(1, power_of_two)
    quantizer = Uint8ActPerTensorFixedPoint if power_of_two else Uint8ActPerTensorFloat
    return QuantReLU(act_quant=quantizer, bit_width=bits, collect_stats_steps=SETTLING, return_quant_tensor=True)


def quant_identity(bits: int, power_of_two: bool) -> QuantIdentity:
    """Return a quantizer of signed values."""
    if bits == 1:
        sign = PowerOfTwoSignAct if power_of_two else SignedBinaryActPerTensorConst
        return QuantIdentity(act_quant=sign, return_quant_tensor=True)
    quantizer = Int8ActPerTensorFixedPoint if power_of_two else Int8ActPerTensorFloat
    return QuantIdentity(act_quant=quantizer, bit_width=bits, collect_stats_steps=SETTLING, return_quant_tensor=True)
