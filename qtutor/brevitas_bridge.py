"""Brevitas's IntQuantTensor carries floats; here are its integers, and the reference tutorial's three functions mended."""

import math
from typing import Any

import torch
from brevitas.function.ops_ste import round_ste
from brevitas.quant_tensor import IntQuantTensor
from brevitas.quant_tensor.base_quant_tensor import TOLERANCE
from torch import Tensor

from qtutor.kernels.checks import format_range, require_in_range
from qtutor.qparams import QParams, checked_scale, int_range, sum_format, whole_number
from qtutor.quantization import dequantize


def from_brevitas(t: IntQuantTensor) -> tuple[Tensor, QParams]:
    """Return (integers, QParams): the integers that t's floats stand for, as hardware holds them.

    t         IntQuantTensor, per-tensor or per-channel
    returns   integer tensor of t's shape, in the format's container dtype, and its format. Signed 1 bit, Brevitas's
              binary weight, is bipolar: -1 and +1, given as 2 bits with narrow_range
    raises    TypeError where t is no IntQuantTensor; ValueError where an integer is outside the range, a value is off
              the grid by Brevitas's own tolerance (0.2 step in float32), or a zero point is fractional or outside the range
    source    brevitas 0.13.4, quant_tensor/base_quant_tensor.py, class IntMixin

    >>> t = IntQuantTensor(torch.tensor([0.0, 1.0]), scale=0.5, zero_point=3.0, bit_width=4, signed=False, training=False)
    >>> from_brevitas(t)
    (tensor([3, 5], dtype=torch.uint8), QParams(scale=0.5, zero_point=3, bit_width=4, signed=False, narrow_range=False, axis=None))
    """
    require_quant_tensor(t, "t")
    _require_whole_zero_points(t)
    _require_on_grid(t)
    stored = torch.round(t._pre_round_int_value.detach()).to(torch.float64)
    bipolar = _bit_width(t) == 1 and t.signed and bool((stored != 0).all())
    if bipolar and bool((stored.abs() == 1).all()):
        qparams = _qparams(t, bit_width=2, narrow_range=True)
    else:
        qparams = _qparams(t, bit_width=_bit_width(t), narrow_range=False)
    _require_in_format(stored, qparams, bipolar)
    return stored.to(torch.int64).to(qparams.dtype), qparams


def to_brevitas(q: Tensor, qparams: QParams) -> IntQuantTensor:
    """Return the IntQuantTensor whose integers are q: value = scale * (q - zero_point), in evaluation mode.

    q         integer tensor inside the format's range; with axis, channels along it
    returns   IntQuantTensor. Brevitas stores no narrow_range: `from_brevitas` gives the format back without it
    raises    TypeError for floats; ValueError for integers outside the range, and where a float32 value cannot hold
              an integer (beyond about 24 bits)
    source    brevitas 0.13.4, quant_tensor/int_quant_tensor.py

    >>> to_brevitas(torch.tensor([3, 5]), QParams(0.5, zero_point=3, bit_width=4, signed=False)).value
    tensor([0., 1.])
    """
    wide = require_in_range(q, qparams)
    value = dequantize(q, qparams)
    t = IntQuantTensor(
        value=value,
        scale=_along_axis(qparams.scale, qparams, value),
        zero_point=_along_axis(qparams.zero_point, qparams, value),
        bit_width=float(qparams.bit_width),
        signed=qparams.signed,
        training=False,
    )
    lost = torch.round(t._pre_round_int_value).to(torch.float64) != wide
    if lost.any():
        raise ValueError(
            f"q holds {int(wide[lost][0])}, which a float32 value does not give back: Brevitas holds about 24 bits."
        )
    return t


def quant_tensor(raw_in: IntQuantTensor, quant_type: bool = False, keep_scale: bool = False) -> Tensor | IntQuantTensor:
    """Return raw_in's integers, rounded and then saturated to its bit width: what hardware would store.

    raw_in      IntQuantTensor, fractional and out-of-range zero points included
    quant_type  False: the integers in a float tensor. True: an IntQuantTensor of them with scale 1 and zero point 0
    keep_scale  True: an IntQuantTensor of the real numbers that the integers stand for, scale and zero point kept
    returns     as quant_type and keep_scale say (keep_scale implies quant_type); raw_in's shape
    raises      TypeError where raw_in is no IntQuantTensor; ValueError for a bit width that is none
    source      the reference tutorial for brevitas 0.11; mended: unsigned integers also stop at 0, and rounding is
                straight-through before the clamp, so that the gradient is 1 on everything that fits and 0 elsewhere

    >>> t = IntQuantTensor(torch.arange(10.0), scale=0.5, zero_point=1.5, bit_width=4, signed=False, training=False)
    >>> quant_tensor(t)
    tensor([ 2.,  4.,  6.,  8., 10., 12., 14., 15., 15., 15.])
    """
    require_quant_tensor(raw_in, "raw_in")
    stored = _stored(raw_in)
    if not (quant_type or keep_scale):
        return stored
    return _typed(
        stored, raw_in.scale, raw_in.zero_point, (_bit_width(raw_in), raw_in.signed), raw_in.training, keep_scale
    )


def quant_transform(
    tensor_in: IntQuantTensor, new_scale: float | Tensor, bit_width: int | None = None
) -> IntQuantTensor:
    """Return the tensor on another scale, from its stored integers q; zero point z and sign stay.

    q' = saturate(round_half_even((q - z) * scale / new_scale + (z - floor(z))) + floor(z)), and value = new_scale * (q' - z)

    tensor_in  IntQuantTensor; its integers are those of `quant_tensor`
    new_scale  one step of the result, a Python float > 0 (rounded to float32)
    bit_width  of the result, 1 … 32; None keeps tensor_in's
    returns    IntQuantTensor, same shape; the error against the stored numbers is at most new_scale / 2 where nothing saturates
    raises     TypeError, ValueError for a scale or bit width that is none
    source     named and left empty in the reference tutorial

    >>> a = IntQuantTensor(torch.tensor([1.0, 2.0, 3.0, 4.0]), 0.2, 2.5, bit_width=6, signed=False, training=False)
    >>> quant_tensor(quant_transform(a, 0.5))
    tensor([ 5.,  6.,  9., 10.])
    """
    require_quant_tensor(tensor_in, "tensor_in")
    scale = checked_scale(new_scale.item() if isinstance(new_scale, Tensor) and new_scale.numel() == 1 else new_scale)
    bits = _bit_width(tensor_in) if bit_width is None else whole_number(bit_width, "bit_width")
    low, high = int_range(bits, tensor_in.signed)
    z = tensor_in.zero_point.to(torch.float64)  # in float64 the product and, for a whole z, the tie are exact
    steps = (_stored(tensor_in).to(torch.float64) - z) * tensor_in.scale.to(torch.float64) / scale
    stored = torch.clamp(round_ste(steps + (z - z.floor())) + z.floor(), low, high)
    value = (stored - z).to(tensor_in.value.dtype) * scale
    return IntQuantTensor(
        value,
        torch.full_like(tensor_in.scale, scale),
        tensor_in.zero_point,
        float(bits),
        tensor_in.signed,
        tensor_in.training,
    )


def quant_add(
    t0: IntQuantTensor, t1: IntQuantTensor, quant_type: bool = False, keep_scale: bool = False
) -> Tensor | IntQuantTensor:
    """Return the sum of the stored integers of two tensors of one scale: what the hardware's adder gives.

    t0, t1      IntQuantTensors whose scales are equal, zero points of any kind
    quant_type  False: the sums in a float tensor. True: an IntQuantTensor of them with scale 1 and zero point 0,
                in the format that `sum_format` gives
    keep_scale  True: scale kept, zero point z0 + z1, value scale * (q0 + q1 - z0 - z1)
    returns     as quant_type and keep_scale say (keep_scale implies quant_type)
    raises      TypeError for other types; ValueError for different scales, or shapes that do not match
    source      the reference tutorial for brevitas 0.11; mended: it adds scales .2 and .5 without a word, and its sum
                of u4 and s4 has one bit too few

    >>> a = IntQuantTensor(torch.tensor([1.0, 2.0, 3.0, 4.0]), 0.2, 2.5, bit_width=6, signed=False, training=False)
    >>> b = IntQuantTensor(torch.tensor([2.0, 3.0, 4.0, 5.0]), 0.2, 3.5, bit_width=8, signed=False, training=False)
    >>> quant_add(a, b), (a + b).int()
    (tensor([22., 30., 42., 50.]), tensor([21, 31, 41, 51], dtype=torch.int32))
    """
    require_quant_tensor(t0, "t0")
    require_quant_tensor(t1, "t1")
    _require_equal_scales(t0.scale, t1.scale)
    if _broadcast_shape(t0.shape, t1.shape) is None:
        raise ValueError(
            f"shapes {tuple(t0.shape)} and {tuple(t1.shape)} do not match: reshape one to the other's shape."
        )
    total = _stored(t0) + _stored(t1)
    if not (quant_type or keep_scale):
        return total
    total_format = sum_format(_bit_width(t0), t0.signed, _bit_width(t1), t1.signed)
    return _typed(total, t0.scale, t0.zero_point + t1.zero_point, total_format, t0.training or t1.training, keep_scale)


def require_quant_tensor(t: Any, name: str) -> None:
    """Raise TypeError where t is no IntQuantTensor."""
    if not isinstance(t, IntQuantTensor):
        raise TypeError(f"{name} is a {type(t).__name__}, not an IntQuantTensor: to_brevitas(q, qparams) makes one.")


def _stored(t: IntQuantTensor) -> Tensor:
    low, high = int_range(_bit_width(t), t.signed)
    return torch.clamp(round_ste(t._pre_round_int_value), low, high)


def _typed(
    stored: Tensor, scale: Tensor, zero_point: Tensor, form: tuple[int, bool], training: bool, keep_scale: bool
) -> IntQuantTensor:
    bits, signed = float(form[0]), form[1]
    if keep_scale:
        return IntQuantTensor(scale * (stored - zero_point), scale, zero_point, bits, signed, training)
    return IntQuantTensor(stored, 1.0, 0.0, bits, signed, training)


def _bit_width(t: IntQuantTensor) -> int:
    return whole_number(t.bit_width.item(), "bit_width")


def _require_equal_scales(s0: Tensor, s1: Tensor) -> None:
    if _broadcast_shape(s0.shape, s1.shape) is None or not bool((s0 == s1).all()):
        raise ValueError(
            f"scales {_words(s0)} and {_words(s1)} differ, so one step of t0 is not one step of t1: "
            "bring one to the other's scale with quant_transform(t, new_scale)."
        )


def _words(numbers: Tensor) -> str:
    listed = ", ".join(f"{n:.9g}" for n in numbers.flatten().tolist()[:4])
    return listed if numbers.numel() == 1 else f"({listed}{', …' if numbers.numel() > 4 else ''})"


def _broadcast_shape(a: torch.Size, b: torch.Size) -> torch.Size | None:
    try:
        shape: torch.Size = torch.broadcast_shapes(a, b)  # type: ignore[no-untyped-call]
        return shape
    except RuntimeError:
        return None


def _require_on_grid(t: IntQuantTensor) -> None:
    steps = t._pre_round_int_value.detach()
    if not torch.isfinite(steps).all():
        raise ValueError("t holds a value that is no finite number, for which no integer stands: remove it first.")
    distance = (steps - torch.round(steps)).abs()
    if steps.numel() and distance.max() >= TOLERANCE[t.value.dtype]:
        worst = distance.argmax()
        raise ValueError(
            f"value {t.value.detach().flatten()[worst].item():.6g} is {steps.flatten()[worst].item():.6g} steps, no integer by "
            f"Brevitas's tolerance of {TOLERANCE[t.value.dtype]}: quant_tensor(t, keep_scale=True) puts it on the grid."
        )


def _qparams(t: IntQuantTensor, bit_width: int, narrow_range: bool) -> QParams:
    scale, zero_point = t.scale.detach(), t.zero_point.detach()
    axis = _channel_axis(scale, zero_point, t.value)
    if axis is None:
        return QParams(scale.item(), int(zero_point.item()), bit_width, t.signed, narrow_range)
    count = t.value.shape[axis]
    scales = tuple(scale.flatten().expand(count).tolist())
    points = zero_point.flatten().to(torch.int64).tolist()
    return QParams(scales, tuple(points) if len(points) > 1 else points[0], bit_width, t.signed, narrow_range, axis)


def _channel_axis(scale: Tensor, zero_point: Tensor, value: Tensor) -> int | None:
    axes = set()
    for parameter in (scale, zero_point):
        if parameter.dim() > value.dim():
            parameter = (
                parameter.reshape(parameter.shape[parameter.dim() - value.dim() :])
                if parameter.numel() == 1
                else parameter
            )
        offset = value.dim() - parameter.dim()
        axes |= {offset + i for i, size in enumerate(parameter.shape) if size > 1}
    if len(axes) > 1 or any(axis < 0 for axis in axes):
        raise ValueError(
            f"scale of shape {tuple(scale.shape)} and zero point of shape {tuple(zero_point.shape)} vary along more than one dimension: "
            "per-tensor and per-channel are what QParams holds."
        )
    return axes.pop() if axes else None


def _require_whole_zero_points(t: IntQuantTensor) -> None:
    scale, zero_point, bit_width = t.scale.detach(), t.zero_point.detach(), _bit_width(t)
    low, high = int_range(bit_width, t.signed)
    nearest = torch.round(zero_point).clamp(low, high)
    shift = (nearest - zero_point) * scale  # real = scale * (q - z): a larger z lowers every real number
    if (nearest == zero_point).all():
        return
    worst = int((nearest - zero_point).abs().flatten().argmax())
    z, n = zero_point.flatten()[worst].item(), int(nearest.flatten()[worst])
    moved = shift.flatten()[shift.abs().flatten().argmax()].item()
    fault = f"is outside {format_range(bit_width, t.signed)}" if z == math.floor(z) else "is no integer"
    raise ValueError(
        f"zero_point {z:g} {fault}; moving it to {n} would shift every real number by {-moved:+.6g}: "
        "quant_tensor reads such tensors; for hardware, choose a whole zero point inside the range."
    )


def _require_in_format(stored: Tensor, qparams: QParams, bipolar: bool) -> None:
    outside = stored[(stored < qparams.int_min) | (stored > qparams.int_max)]
    if outside.numel():
        held = (
            "-1 and +1, what signed 1 bit holds in Brevitas"
            if bipolar
            else format_range(qparams.bit_width, qparams.signed)
        )
        raise ValueError(
            f"{outside.numel()} of {stored.numel()} integers are outside {held}, the first is {int(outside[0])}: "
            "quant_tensor(t, keep_scale=True) saturates them."
        )


def _along_axis(parameter: float | tuple[float, ...] | tuple[int, ...], qparams: QParams, value: Tensor) -> Tensor:
    numbers = torch.tensor(parameter, dtype=torch.float32)
    if not isinstance(parameter, tuple) or qparams.axis is None:
        return numbers
    shape = [1] * value.dim()
    shape[qparams.axis] = -1
    return numbers.reshape(shape)
