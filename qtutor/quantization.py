"""From real numbers to stored integers and back. The one place where a float is divided."""

import torch
from torch import Tensor

from qtutor.kernels import saturate, wrap
from qtutor.kernels.checks import channels, format_range, require_in_range, require_qparams
from qtutor.kernels.rounding import round_floats
from qtutor.qparams import QParams

FLOATS = (torch.float32, torch.float16, torch.bfloat16)
OVERFLOWS = ("saturate", "wrap", "error")


def quantize(x: Tensor, qparams: QParams, rounding: str = "half_even", overflow: str = "saturate") -> Tensor:
    """Return the integers that stand for x: divide by scale, round, add zero_point, then saturate (or wrap).

    x         float32 tensor in real units, any shape; float16 and bfloat16 are cast to it. The division is float32's
    qparams   the format; with axis, one scale a channel
    rounding  half_even, half_up, half_away, floor, ceil, toward_zero
    overflow  what becomes of integers outside the range: saturate, wrap, or error
    returns   integer tensor, same shape, dtype qparams.dtype
    raises    TypeError for integers and float64; ValueError for NaN, infinities, unknown names, shapes that do not
              match the channels, and with overflow="error" for integers outside the range
    source    ONNX QuantizeLinear: round, then add the zero point. Brevitas and torch.quantize_per_tensor add first

    >>> quantize(torch.tensor([0.5, 1.5, 2.5, 3.5]), QParams(scale=1.0, zero_point=1, bit_width=4, signed=False))
    tensor([1, 3, 3, 5], dtype=torch.uint8)
    """
    if overflow not in OVERFLOWS:
        raise ValueError(
            f"overflow {overflow!r} is no answer to a value outside the range: use one of {', '.join(OVERFLOWS)}."
        )
    require_qparams(qparams)
    quotient = require_finite_floats(x) / _scale(
        qparams, x
    )  # by a tensor: torch turns division by a number into a product on a GPU
    rounded = round_floats(quotient.reshape(x.shape), rounding)
    zero_point = _zero_point(qparams, x)
    if overflow == "wrap":
        if qparams.narrow_range:
            raise ValueError(
                "overflow 'wrap' keeps all low bits and so reaches the value that narrow_range drops: use saturate."
            )
        return wrap(_low_bits(rounded, qparams.bit_width) + zero_point, qparams.bit_width, qparams.signed)
    # Beyond 2**40 every format is left behind: stop there, where int64 still holds the float and the zero point.
    stored = rounded.to(torch.float64).clamp(-(2.0**40), 2.0**40).to(torch.int64) + zero_point
    if overflow == "error":
        _require_all_inside(stored, qparams)
    return saturate(stored, qparams.bit_width, qparams.signed, qparams.narrow_range)


def dequantize(q: Tensor, qparams: QParams) -> Tensor:
    """Return the real numbers that stored integers stand for: scale * (q - zero_point), in float32.

    q         integer tensor, any shape, every value inside the format's range
    returns   float32 tensor, same shape, in real units
    raises    TypeError for floats; ValueError for integers outside the range or channels that do not match
    source    ONNX DequantizeLinear

    >>> dequantize(torch.tensor([8]), QParams(scale=0.5, zero_point=1, bit_width=4, signed=False))
    tensor([3.5000])
    """
    steps = require_in_range(q, qparams) - _zero_point(qparams, q)
    return (steps.to(torch.float32) * _scale(qparams, q)).reshape(q.shape)


def require_finite_floats(x: Tensor) -> Tensor:
    """Return x as float32; raise a sentence for anything that is no finite float32.

    >>> require_finite_floats(torch.tensor([0.5]))
    tensor([0.5000])
    """
    if not isinstance(x, Tensor):
        raise TypeError(
            f"x is a {type(x).__name__}, quantize takes a float tensor: torch.tensor([0.5, 1.5]), for example."
        )
    if x.dtype == torch.float64:
        raise TypeError("x is torch.float64 and quantizers divide in float32: x.to(torch.float32) casts it.")
    if x.dtype not in FLOATS:
        raise TypeError(f"x is {x.dtype}, quantize takes real numbers as float32: x.to(torch.float32) casts it.")
    if not torch.isfinite(x).all():
        bad = x[~torch.isfinite(x)].flatten()[0].item()
        raise ValueError(
            f"x holds {bad}, for which no integer stands: remove it, or replace it with torch.nan_to_num(x)."
        )
    return x.to(torch.float32)


def _scale(qparams: QParams, x: Tensor) -> Tensor:
    if isinstance(qparams.scale, tuple) and qparams.axis is not None:
        return channels(qparams.scale, qparams.axis, x, torch.float32)
    return torch.tensor([qparams.scale], dtype=torch.float32, device=x.device)


def _zero_point(qparams: QParams, x: Tensor) -> Tensor | int:
    if isinstance(qparams.zero_point, tuple) and qparams.axis is not None:
        return channels(qparams.zero_point, qparams.axis, x, torch.int64)
    return qparams.zero_point  # type: ignore[return-value]


def _low_bits(rounded: Tensor, bit_width: int) -> Tensor:
    """Return whole floats modulo 2**bit_width as int64: float64 holds every float32, and its remainder is exact."""
    if not torch.isfinite(rounded).all():
        raise ValueError(
            "x / scale leaves float32, so its low bits are lost and cannot wrap: use a larger scale, or saturate."
        )
    return torch.remainder(rounded.to(torch.float64), 2.0**bit_width).to(torch.int64)


def _require_all_inside(stored: Tensor, qparams: QParams) -> None:
    outside = stored[(stored < qparams.int_min) | (stored > qparams.int_max)]
    if outside.numel():
        raise ValueError(
            f"{outside.numel()} of {stored.numel()} values are outside "
            f"{format_range(qparams.bit_width, qparams.signed, qparams.narrow_range)}, the first is {int(outside[0])}: "
            'use a larger scale, more bits, or overflow="saturate".'
        )
