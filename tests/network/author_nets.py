"""Brevitas models as other people write them: the published MLPs for 28×28 images in our own words, and single habits.

Nothing here comes from qtutor: these models are what its readers bring along.
"""

from __future__ import annotations

import torch
from brevitas import nn as qnn
from brevitas.core.restrict_val import RestrictValueType
from brevitas.core.scaling import ScalingImplType
from brevitas.inject import ExtendedInjector
from brevitas.inject.enum import BitWidthImplType, FloatToIntImplType, QuantType
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFixedPoint,
    Int8WeightPerTensorFloat,
    Int32Bias,
    ShiftedUint8ActPerTensorFloat,
    ShiftedUint8WeightPerTensorFloat,
    Uint8ActPerTensorFloat,
)
from brevitas.quant.solver import ActQuantSolver, WeightQuantSolver
from torch import Tensor, nn

DIGITS = 10


class ConstantScale(ExtendedInjector):
    """Integers of a narrow range with a scale that is never learned: the whole range is −1 … 1. 1 bit is a sign."""

    bit_width_impl_type = BitWidthImplType.CONST
    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP
    float_to_int_impl_type = FloatToIntImplType.ROUND
    scaling_per_output_channel = False
    narrow_range = True
    signed = True


def constant_scale(bits: int, solver: type) -> type:
    """Return a quantizer class of the family for a width: for weights or for activations."""
    from brevitas.core.zero_point import ZeroZeroPoint

    kind = QuantType.BINARY if bits == 1 else QuantType.INT
    ends = {"scaling_const": 1.0} if solver is WeightQuantSolver else {"min_val": -1.0, "max_val": 1.0}
    fields = {"quant_type": kind, "bit_width": bits, "zero_point_impl": ZeroZeroPoint} | ends
    return type("Quantizer", (ConstantScale, solver), fields)


class TensorNorm(nn.Module):
    """Batch normalization with one mean and one variance for the whole tensor, as it stands behind the last layer."""

    def __init__(self, eps: float = 1e-4) -> None:
        super().__init__()
        self.eps = eps
        self.weight, self.bias = nn.Parameter(torch.ones(1)), nn.Parameter(torch.zeros(1))
        self.register_buffer("running_mean", torch.zeros(1))
        self.register_buffer("running_var", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = self.running_mean, self.running_var
        if self.training:
            mean, variance = x.mean(), x.var(unbiased=False)
            self.running_mean = 0.9 * self.running_mean + 0.1 * mean.detach()
            self.running_var = 0.9 * self.running_var + 0.1 * variance.detach()
        return (x - mean) / (variance + self.eps) ** 0.5 * self.weight + self.bias


def spread(model: nn.Module) -> None:
    """Draw the weights from all that a constant scale of 1 can hold."""
    for layer in model.modules():
        if isinstance(layer, (qnn.QuantLinear, qnn.QuantConv2d)):
            nn.init.uniform_(layer.weight, -1, 1)


class FullyConnected(nn.Module):
    """Three hidden layers on 28×28 pixels, in a ModuleList: SFC has 256 neurons in each, TFC 64. No quantized tensors in between."""

    def __init__(self, neurons: int, weight_bits: int, activation_bits: int, input_bits: int) -> None:
        super().__init__()
        weights = constant_scale(weight_bits, WeightQuantSolver)
        self.features = nn.ModuleList(
            [qnn.QuantIdentity(act_quant=constant_scale(input_bits, ActQuantSolver)), nn.Dropout(0.2)]
        )
        inputs = 28 * 28
        for _ in range(3):
            self.features.append(qnn.QuantLinear(inputs, neurons, bias=False, weight_quant=weights))
            self.features.append(nn.BatchNorm1d(neurons))
            self.features.append(qnn.QuantIdentity(act_quant=constant_scale(activation_bits, ActQuantSolver)))
            self.features.append(nn.Dropout(0.2))
            inputs = neurons
        self.features.append(qnn.QuantLinear(inputs, DIGITS, bias=False, weight_quant=weights))
        self.features.append(TensorNorm())
        spread(self)

    def forward(self, x: Tensor) -> Tensor:
        x = x.view(x.shape[0], -1)
        x = 2.0 * x - torch.tensor([1.0], device=x.device)
        for layer in self.features:
            x = layer(x)
        return x


class Convolutional(nn.Module):
    """Convolutions with batch normalization and max pools on 28×28 pixels, in ModuleLists, then linear layers."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        weights, acts = constant_scale(bits, WeightQuantSolver), constant_scale(bits, ActQuantSolver)
        first = constant_scale(8, ActQuantSolver)
        self.conv_features = nn.ModuleList([qnn.QuantIdentity(act_quant=first, return_quant_tensor=True)])
        self.linear_features = nn.ModuleList()
        channels = 1
        for outputs, pools in ((8, False), (8, True), (16, False), (16, True)):
            self.conv_features.append(qnn.QuantConv2d(channels, outputs, 3, bias=False, weight_quant=weights))
            self.conv_features.append(nn.BatchNorm2d(outputs, eps=1e-4))
            self.conv_features.append(qnn.QuantIdentity(act_quant=acts))
            if pools:
                self.conv_features.append(nn.MaxPool2d(2))
            channels = outputs
        self.linear_features.append(qnn.QuantLinear(16 * 16, 32, bias=False, weight_quant=weights))
        self.linear_features.append(nn.BatchNorm1d(32, eps=1e-4))
        self.linear_features.append(qnn.QuantIdentity(act_quant=acts))
        self.linear_features.append(qnn.QuantLinear(32, DIGITS, bias=False, weight_quant=weights))
        self.linear_features.append(TensorNorm())
        spread(self)

    def forward(self, x: Tensor) -> Tensor:
        x = 2.0 * x - torch.tensor([1.0], device=x.device)
        for layer in self.conv_features:
            x = layer(x)
        x = x.view(x.shape[0], -1)
        for layer in self.linear_features:
            x = layer(x)
        return x


def relus() -> nn.Module:
    """Brevitas's defaults in a Sequential: float biases, ReLUs of 8 bits, plain tensors in between."""
    return nn.Sequential(
        nn.Flatten(),
        qnn.QuantIdentity(),
        qnn.QuantLinear(784, 32, bias=True),
        qnn.QuantReLU(),
        qnn.QuantLinear(32, 16, bias=True, weight_bit_width=4),
        qnn.QuantReLU(bit_width=4),
        qnn.QuantLinear(16, DIGITS, bias=True, weight_bit_width=4),
    )


def quantizers_inside() -> nn.Module:
    """Each linear layer quantizes its own input and its own output."""
    own = {"input_quant": Int8ActPerTensorFloat, "output_quant": Int8ActPerTensorFloat}
    return nn.Sequential(
        nn.Flatten(),
        qnn.QuantLinear(784, 32, bias=True, bias_quant=Int32Bias, weight_bit_width=5, **own),
        nn.ReLU(),
        qnn.QuantLinear(32, DIGITS, bias=True, bias_quant=Int32Bias, weight_bit_width=5, **own),
    )


class Residual(nn.Module):
    """QuantEltwiseAdd around a convolution, and an average pool that a quantizer follows."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels = qnn.QuantIdentity(bit_width=8, return_quant_tensor=True)
        self.conv1 = qnn.QuantConv2d(1, 6, 3, bias=False, weight_bit_width=4)
        self.norm1, self.relu1 = nn.BatchNorm2d(6), qnn.QuantReLU(bit_width=4, return_quant_tensor=True)
        self.conv2 = qnn.QuantConv2d(6, 6, 3, padding=1, groups=3, bias=True, weight_bit_width=4)
        self.norm2, self.relu2 = nn.BatchNorm2d(6), qnn.QuantReLU(bit_width=4, return_quant_tensor=True)
        self.add = qnn.QuantEltwiseAdd(
            input_quant=Int8ActPerTensorFloat, output_quant=Int8ActPerTensorFloat, return_quant_tensor=True
        )
        self.pool = nn.AvgPool2d(2)
        self.after = qnn.QuantIdentity(bit_width=6, return_quant_tensor=True)
        self.conv3 = qnn.QuantConv2d(6, 8, 3, stride=2, bias=False, weight_bit_width=3)
        self.norm3, self.relu3 = nn.BatchNorm2d(8), qnn.QuantReLU(bit_width=3, return_quant_tensor=True)
        self.whole = nn.AdaptiveAvgPool2d(1)
        self.means = qnn.QuantIdentity(bit_width=8, return_quant_tensor=True)
        self.classes = qnn.QuantLinear(
            8, DIGITS, bias=True, weight_quant=Int8WeightPerChannelFloat, bias_quant=Int32Bias
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.norm1(self.conv1(self.pixels(x))))
        x = self.add(x, self.relu2(self.norm2(self.conv2(x))))
        x = self.after(self.pool(x))
        x = self.relu3(self.norm3(self.conv3(x)))
        x = self.means(self.whole(x))
        return self.classes(torch.flatten(x, 1))


def zero_points() -> nn.Module:
    """Unsigned integers whose zero is not 0: activations, and weights too; convolutions that pad with it."""
    shifted = ShiftedUint8ActPerTensorFloat
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=shifted, return_quant_tensor=True),
        qnn.QuantConv2d(1, 6, 3, padding=1, bias=True, weight_quant=ShiftedUint8WeightPerTensorFloat),
        qnn.QuantIdentity(act_quant=shifted, return_quant_tensor=True),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(6, 6, 3, stride=2, bias=False),
        nn.BatchNorm2d(6),
        qnn.QuantIdentity(act_quant=shifted, bit_width=5, return_quant_tensor=True),
        nn.Flatten(),
        qnn.QuantLinear(216, DIGITS, bias=True, weight_quant=Int8WeightPerChannelFloat),
    )


class Functional(nn.Module):
    """Pools, ReLUs and flattening as functions, one layer used twice, submodules in a block, names like ours."""

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.conv = qnn.QuantConv2d(inputs, outputs, 3, bias=False, weight_bit_width=4)
            self.bn = nn.BatchNorm2d(outputs)
            self.quant = qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, bit_width=4, return_quant_tensor=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.quant(nn.functional.max_pool2d(nn.functional.relu(self.bn(self.conv(x))), 2))

    def __init__(self) -> None:
        super().__init__()
        self.quant_inp = qnn.QuantIdentity(bit_width=8, return_quant_tensor=True)
        self.block1, self.block2 = self.Block(1, 6), self.Block(6, 8)
        self.twice = qnn.QuantLinear(200, 200, bias=True, weight_quant=Int8WeightPerTensorFixedPoint)
        self.again = qnn.QuantReLU(bit_width=4, return_quant_tensor=True)
        self.logits = qnn.QuantLinear(200, DIGITS, bias=True, weight_quant=Int8WeightPerTensorFloat)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block2(self.block1(self.quant_inp(x))).reshape(x.shape[0], -1)
        x = self.again(self.twice(x))
        x = self.again(self.twice(x))
        return self.logits(x)


def settled(model: nn.Module, x: Tensor) -> nn.Module:
    """Return the model after some batches in training mode, so that statistics and scales have seen data; in eval mode."""
    model.train()
    with torch.no_grad():
        for _ in range(4):
            for batch in x.split(50):
                model(batch)
    return model.eval()
