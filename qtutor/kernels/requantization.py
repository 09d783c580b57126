"""From accumulators to the next layer's integers: multiply, shift, round once, add the zero point, saturate."""

import torch
from torch import Tensor

from qtutor.kernels.checks import channels, pair, require_integers, require_qparams
from qtutor.kernels.fixed_point import FixedPointMultiplier, as_tuple
from qtutor.kernels.overflow import stored
from qtutor.kernels.rounding import rounded_quotient, rounding_right_shift
from qtutor.qparams import QParams


def requantize(
    accumulators: Tensor, multiplier: FixedPointMultiplier, out_qparams: QParams, rounding: str = "half_even"
) -> Tensor:
    """Scale accumulators by mantissa / 2**shift, round once, add the zero point, saturate.

    accumulators  integer tensor (int32 or int64 as `linear` and `conv2d` give them), in units of s_x * s_w
    multiplier    the real number s_x * s_w / out_qparams.scale; per-channel along its axis
    out_qparams   the format of the result, per-tensor
    rounding      half_even, half_up, half_away, floor, ceil, toward_zero
    returns       same shape, dtype out_qparams.dtype, in units of out_qparams.scale
    raises        TypeError for floats; ValueError where accumulator * mantissa would leave 63 bits, for channels that
                  do not match, a per-channel out_qparams, an unknown rounding
    source        Jacob et al., CVPR 2018, section 2.2; gemmlowp rounds twice

    >>> requantize(torch.tensor([-3, 5, 99]), FixedPointMultiplier.from_real(0.5), QParams(1.0, bit_width=4))
    tensor([-2,  2,  7], dtype=torch.int8)
    """
    wide = require_integers(accumulators, "accumulators").to(torch.int64)
    zero_point = per_tensor_zero_point(out_qparams)
    if not isinstance(multiplier, FixedPointMultiplier):
        raise TypeError(f"multiplier is a {type(multiplier).__name__}: FixedPointMultiplier.from_real(real) makes one.")
    if isinstance(multiplier.mantissa, int) and isinstance(multiplier.shift, int):
        require_product_fits(accumulators, multiplier.mantissa)
        scaled = rounding_right_shift(wide * multiplier.mantissa, multiplier.shift, rounding)
    else:
        scaled = _scaled_per_channel(accumulators, multiplier, rounding)
    return stored(scaled, zero_point, out_qparams)


def _scaled_per_channel(accumulators: Tensor, multiplier: FixedPointMultiplier, rounding: str) -> Tensor:
    mantissas, shifts, axis = as_tuple(multiplier.mantissa), as_tuple(multiplier.shift), multiplier.axis
    assert axis is not None  # FixedPointMultiplier has seen to it
    factors = channels(mantissas, axis, accumulators, torch.int64, "accumulators")
    for mantissa, channel in zip(mantissas, accumulators.unbind(axis), strict=True):
        require_product_fits(channel, mantissa)
    product = accumulators.to(torch.int64) * factors
    return rounding_right_shift(product, channels(shifts, axis, product, torch.int64, "accumulators"), rounding)


def require_product_fits(accumulators: Tensor, mantissa: int) -> None:
    """Raise where an int64 accumulator times mantissa leaves 63 bits; an int32 one never does."""
    if accumulators.dtype != torch.int64 or not accumulators.numel():
        return
    low, high = (int(end) for end in torch.aminmax(accumulators))
    if max(-low, high) * mantissa >= 2**63:
        raise ValueError(
            f"accumulator {low if -low > high else high} times mantissa {mantissa} leaves 63 bits: "
            "use a multiplier of fewer bits, FixedPointMultiplier.from_real(real, bits=16) for example."
        )


def per_tensor_zero_point(qparams: QParams, name: str = "out_qparams") -> int:
    """Return the zero point of a per-tensor format; raise for a per-channel one.

    >>> per_tensor_zero_point(QParams(0.5, zero_point=3))
    3
    """
    zero_point = require_qparams(qparams, name).zero_point
    if isinstance(zero_point, tuple) or qparams.axis is not None:
        raise ValueError(f"{name} has axis {qparams.axis}, and is per-tensor here: give it one scale and zero point.")
    return zero_point


def avg_pool2d(
    q: Tensor,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    rounding: str = "half_even",
) -> Tensor:
    """Return round(mean(q)) over windows: the average keeps scale and zero point, so integers are all it needs.

    q            integer tensor [N, C, H, W] or [C, H, W]
    kernel_size  of the window, one number or (height, width)
    stride       None: the kernel_size; no padding
    rounding     as in `rounding_right_shift`
    returns      the input's dtype, [..., (H - kernel) // stride + 1, ...]
    raises       TypeError for floats; ValueError for windows that do not fit, sums beyond int64, an unknown rounding
    source       torch.nn.functional.avg_pool2d, on the stored integers

    >>> avg_pool2d(torch.tensor([[[1, 2], [3, 4]]]), 2)
    tensor([[[2]]])
    """
    require_integers(q, "q")
    height, width = pair(kernel_size, "kernel_size", least=1)
    steps = (height, width) if stride is None else pair(stride, "stride", least=1)
    if q.dim() not in (3, 4) or q.shape[-2] < height or q.shape[-1] < width:
        raise ValueError(
            f"q has shape {tuple(q.shape)}; a window of {height} × {width} needs [N, C, H, W] or [C, H, W] at least that large."
        )
    _require_sum_fits(q, height * width)
    windows = q.to(torch.int64).unfold(-2, height, steps[0]).unfold(-2, width, steps[1])
    return rounded_quotient(windows.sum((-2, -1)), height * width, rounding).to(q.dtype)


def _require_sum_fits(q: Tensor, count: int) -> None:
    if q.dtype != torch.int64 or not q.numel():
        return
    largest = max(abs(int(end)) for end in torch.aminmax(q))
    if largest * count >= 2**63:
        raise ValueError(f"{count} values of up to {largest:.1e} can sum to more than int64 holds: use narrower ones.")
