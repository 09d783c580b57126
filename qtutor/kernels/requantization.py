"""From accumulators to the next layer's integers: multiply, shift, round once, add the zero point, saturate."""

from typing import Any

import torch
from torch import Tensor

from qtutor.kernels.checks import channels, pair, require_integers, require_qparams
from qtutor.kernels.fixed_point import FixedPointMultiplier, as_tuple
from qtutor.kernels.overflow import stored
from qtutor.kernels.pieces import in_pieces
from qtutor.kernels.rounding import require_rounding, round_floats, rounded_quotient, rounding_right_shift
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
    require_integers(accumulators, "accumulators")
    per_tensor_zero_point(out_qparams)
    require_rounding(rounding)
    if not isinstance(multiplier, FixedPointMultiplier):
        raise TypeError(f"multiplier is a {type(multiplier).__name__}: FixedPointMultiplier.from_real(real) makes one.")
    factors = scaling_factors(multiplier, out_qparams, accumulators)
    _require_products_fit(accumulators, multiplier)
    return in_pieces(
        lambda piece, wide, part, *factors: piece.copy_(rescaled(wide.copy_(part), out_qparams, rounding, *factors)),
        out_qparams.dtype,
        [register_for(multiplier, out_qparams)],
        accumulators,
        *factors,
    )


def rescaled(wide: Tensor, out: QParams, rounding: str, factor: Any, shift: Any = None) -> Tensor:
    """Return wide * factor / 2**shift, rounded once, as integers of out: what `scaling_factors` gave, applied.

    wide is a register, as `register_for` has it, and is overwritten.

    >>> rescaled(torch.tensor([-3, 5, 99], dtype=torch.float64), QParams(1.0, bit_width=4), "half_even", 0.5).tolist()
    [-2.0, 2.0, 7.0]
    """
    product = wide.mul_(factor)
    steps = round_floats(product, rounding) if shift is None else rounding_right_shift(product, shift, rounding)
    return stored(steps, per_tensor_zero_point(out), out)


def scaling_factors(multiplier: FixedPointMultiplier, out: QParams, accumulators: Tensor) -> list[Any]:
    """Return what accumulators are scaled by: one float64 where that is exact, else mantissa and shift.

    They are numbers, or tensors along the accumulators' channels.

    >>> scaling_factors(FixedPointMultiplier(3, 2), QParams(1.0), torch.tensor([7]))
    [0.75]
    """
    mantissas, shifts = as_tuple(multiplier.mantissa), as_tuple(multiplier.shift)
    factors: list[tuple[tuple[float, ...], torch.dtype]] = [(mantissas, torch.int64), (shifts, torch.int64)]
    if register_for(multiplier, out) == torch.float64:
        factors = [(tuple(m / 2**s for m, s in zip(mantissas, shifts, strict=True)), torch.float64)]
    if multiplier.axis is None:
        return [values[0] for values, _ in factors]
    return [channels(values, multiplier.axis, accumulators, dtype, "accumulators") for values, dtype in factors]


def register_for(multiplier: FixedPointMultiplier, out: QParams) -> torch.dtype:
    """Return float64 where it gives the same stored integers as a 64-bit register, several times faster; else int64.

    A product of accumulator and mantissa up to 2**53 is exact there, and so is its division by 2**shift. A larger one
    is rounded, and stays at least 2**53: divided, it is then beyond both ends of the range, and saturates as it would.

    >>> register_for(FixedPointMultiplier(3, 45), QParams(1.0)), register_for(FixedPointMultiplier(3, 46), QParams(1.0))
    (torch.float64, torch.int64)
    """
    return torch.float64 if (reach(out) + 1) << max(as_tuple(multiplier.shift)) <= 2**53 else torch.int64


def reach(qparams: QParams) -> int:
    """Return how many steps the farther end of a per-tensor format lies from its zero point.

    >>> reach(QParams(1.0, zero_point=3, bit_width=4))
    11
    """
    zero_point = per_tensor_zero_point(qparams)
    return max(qparams.int_max - zero_point, zero_point - qparams.int_min)


def _require_products_fit(accumulators: Tensor, multiplier: FixedPointMultiplier) -> None:
    parts = (accumulators,) if multiplier.axis is None else accumulators.unbind(multiplier.axis)
    for part, mantissa in zip(parts, as_tuple(multiplier.mantissa), strict=True):
        require_product_fits(part, mantissa)


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
    low, high = (int(end) for end in torch.aminmax(q))
    if low * count < -(2**63) or high * count >= 2**63:
        largest = max(-low, high)
        raise ValueError(f"{count} values of up to {largest:.1e} can sum to more than int64 holds: use narrower ones.")
