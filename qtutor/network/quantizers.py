"""What Brevitas's quantizers hold, as integers and Python numbers: weights, biases, and the formats of activations."""

from dataclasses import dataclass
from typing import Any

import torch
from brevitas.core.quant.binary import BinaryQuant, ClampedBinaryQuant
from brevitas.core.quant.int import RescalingIntQuant
from brevitas.core.scaling import ParameterFromRuntimeStatsScaling, RuntimeStatsScaling
from brevitas.proxy.groupwise_int_runtime_quant import GroupwiseActQuantProxyFromInjector
from brevitas.proxy.runtime_quant import DynamicActQuantProxyFromInjector
from brevitas.quant_tensor import IntQuantTensor
from torch import Tensor, nn

from qtutor.brevitas_bridge import from_brevitas
from qtutor.network.integer_network import Meaning
from qtutor.qparams import int_range

ROUNDINGS = {"RoundSte": "half_even", "FloorSte": "floor", "CeilSte": "ceil", "RoundToZeroSte": "toward_zero"}
WIDEST = 8


@dataclass(frozen=True)
class Activation:
    """An activation quantizer: what its integers mean, how it rounds, whether real values below 0 become 0 before."""

    meaning: Meaning
    rounding: str
    relu: bool


def activation(proxy: Any, name: str) -> Activation:
    """Return what the activation quantizer `proxy` of the layer `name` does.

    raises   ValueError for a kind, width, scale or zero point that a register of 1 … 8 bits cannot have, and where the
             quantizer has seen no data
    """
    if isinstance(proxy, DynamicActQuantProxyFromInjector):
        raise ValueError(
            f"{name} takes its scale from each input anew, and integer layers have one: use Int8ActPerTensorFloat."
        )
    if isinstance(proxy, GroupwiseActQuantProxyFromInjector):
        raise ValueError(f"{name} has a scale for each group of inputs, and integer layers have one: use one a tensor.")
    fused = proxy.fused_activation_quant_proxy
    kind, acts = fused.tensor_quant, fused.activation_impl
    if not isinstance(kind, (RescalingIntQuant, BinaryQuant, ClampedBinaryQuant)):
        raise ValueError(
            f"{name} quantizes by {type(kind).__name__}, which gives no plain integers: use an integer or a binary quantizer."
        )
    if not isinstance(acts, (nn.Identity, nn.ReLU)):
        raise ValueError(
            f"{name} is a {type(acts).__name__}, which has no integer layer here: use QuantReLU or QuantIdentity."
        )
    _require_calibrated(kind, name)
    scale, zero_point, bits = (float_of(value(), name) for value in (proxy.scale, proxy.zero_point, proxy.bit_width))
    if isinstance(kind, (BinaryQuant, ClampedBinaryQuant)):
        return Activation(Meaning(scale, 0, -1, 1, bipolar=True), "half_even", isinstance(acts, nn.ReLU))
    low, high = _format(bits, proxy.is_signed, bool(proxy.is_narrow_range), name)
    rounding = ROUNDINGS.get(type(kind.int_quant.float_to_int_impl).__name__)
    if rounding is None:
        raise ValueError(
            f"{name} rounds by {type(kind.int_quant.float_to_int_impl).__name__}: use one of {', '.join(ROUNDINGS)}."
        )
    if zero_point != int(zero_point) or not low <= zero_point <= high:
        raise ValueError(
            f"{name} has zero_point {zero_point:g}; hardware holds an integer from {low} to {high}: "
            "quantize the zero point, or use a quantizer without one."
        )
    return Activation(Meaning(scale, int(zero_point), low, high), rounding, isinstance(acts, nn.ReLU))


def _format(bits: float, signed: bool, narrow: bool, name: str) -> tuple[int, int]:
    if bits != int(bits) or not 1 <= bits <= WIDEST:
        raise ValueError(
            f"{name} has bit_width {bits:g}, and integer layers take 1 … {WIDEST} bits: train it narrower."
        )
    return int_range(int(bits), signed, narrow)


def _require_calibrated(kind: nn.Module, name: str) -> None:
    for part in kind.modules():
        if isinstance(part, ParameterFromRuntimeStatsScaling) and part.counter == 0:
            raise ValueError(
                f"{name} has seen no data, so its scale is only a start: train the model, or calibrate it, first."
            )
        if isinstance(part, RuntimeStatsScaling):
            stats = getattr(part, "runtime_stats", None)
            if getattr(stats, "first_batch", False):
                raise ValueError(
                    f"{name} has seen no data, so its scale is only a start: train the model, or calibrate it, first."
                )


def float_of(value: Any, name: str) -> float:
    """Return a quantizer's scale, zero point or width as a Python number; raise where it is one for each channel."""
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError(
            f"{name} has {value.numel()} scales, one a channel, and the next layer sums over channels: use one scale a tensor."
        )
    return float(value.detach() if isinstance(value, Tensor) else value)


@dataclass(frozen=True, eq=False)
class Weights:
    """A layer's weights: integers, their zero point, and the real step of each, float64 [] or [out]."""

    integers: Tensor
    zero_point: int
    scale: Tensor
    low: int
    high: int


def weights(layer: Any, name: str) -> Weights:
    """Return the integers that the layer's weights are.

    raises   ValueError for float weights, more than 8 bits, channels along another dimension than the first, zero
             points that are no integers or not the same for all, weights that depend on the input or are no numbers
    """
    if getattr(layer.weight_quant, "requires_quant_input", False):
        raise ValueError(
            f"{name} has accumulator-aware weights, which depend on its input's format: use Int8WeightPerTensorFloat."
        )
    with torch.no_grad():
        quantized = layer.quant_weight()
    if not isinstance(quantized, IntQuantTensor) and layer.weight_quant.is_quant_enabled:
        raise ValueError(
            f"{name} has weights that are {type(quantized).__name__}, no plain integers: use Int8WeightPerTensorFloat."
        )
    if not isinstance(quantized, IntQuantTensor):
        raise ValueError(f"{name} has float weights: give it a weight quantizer, weight_bit_width=4 for example.")
    if float(quantized.bit_width) > WIDEST:
        raise ValueError(
            f"{name} has weights of {float(quantized.bit_width):g} bits, and integer layers take 1 … {WIDEST}: train it narrower."
        )
    _require_finite_weights(layer, quantized, name)
    try:
        integers, qparams = from_brevitas(quantized)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    zero_points = qparams.zero_point if isinstance(qparams.zero_point, tuple) else (qparams.zero_point,)
    if qparams.axis not in (None, 0) or len(set(zero_points)) != 1:
        raise ValueError(
            f"{name} has weight scales along dimension {qparams.axis} or several zero points: "
            "use one scale a tensor or an output channel, and one zero point."
        )
    scale = torch.tensor(qparams.scale, dtype=torch.float64)
    return Weights(integers, zero_points[0], scale, qparams.int_min, qparams.int_max)


def _require_finite_weights(layer: Any, quantized: IntQuantTensor, name: str) -> None:
    if not bool(layer.weight.isfinite().all()):
        raise ValueError(f"{name} has a weight that is NaN or infinite: train it again.")
    if not bool(quantized.value.isfinite().all()):
        raise ValueError(
            f"{name} has integer weights of {float(quantized.bit_width):g} bit, a range of 0 alone where it is narrow: "
            "use SignedBinaryWeightPerTensorConst, or 2 bits."
        )


def bias(layer: Any, name: str, scale: Tensor, quantized_input: Any) -> tuple[Tensor | None, Tensor | None]:
    """Return (integers, floats) of the layer's bias: the first where it is whole in accumulator units, else the second.

    scale            of the accumulators, float64 [] or [out]
    quantized_input  an IntQuantTensor as the layer gets it: a quantized bias may take its scale from it
    """
    if layer.bias is None:
        return None, None
    if not bool(layer.bias.isfinite().all()):
        raise ValueError(f"{name} has a bias that is NaN or infinite: train it again.")
    if not layer.bias_quant.is_quant_enabled:
        return None, layer.bias.detach()
    with torch.no_grad():
        value = layer.bias_quant(layer.bias, quantized_input, layer.quant_weight())
    value = (value.value if isinstance(value, IntQuantTensor) else value).detach()
    steps = value.to(torch.float64) / scale
    whole = torch.round(steps)
    if bool(((steps - whole).abs() > 1e-3 + 1e-6 * whole.abs()).any()) or bool((whole.abs() >= 2**31).any()):
        return None, value  # on a scale of its own: hardware adds it with the multiplier
    return whole.to(torch.int64).to(torch.int32), None
