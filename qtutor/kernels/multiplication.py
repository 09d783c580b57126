"""Multiplying stored integers element by element, with one rounding at the end."""

from fractions import Fraction
from functools import lru_cache

from torch import Tensor

from qtutor.kernels.checks import require_in_range, require_same_shape
from qtutor.kernels.fixed_point import FixedPointMultiplier
from qtutor.kernels.pieces import in_pieces
from qtutor.kernels.requantization import per_tensor_zero_point, reach, register_for, rescaled, scaling_factors
from qtutor.kernels.tables import by_table
from qtutor.qparams import QParams


def multiply(a: Tensor, a_qparams: QParams, b: Tensor, b_qparams: QParams, out: QParams) -> Tensor:
    """Return the integers of a * b on the grid of out: rounded once, half to even, then + zero_point, then saturated.

    a, b      integer tensors of one shape (or shapes that broadcast), in their formats' ranges
    out       the format of the product; all three formats per-tensor
    returns   the broadcast shape, dtype out.dtype. Fixed point with a 31-bit mantissa: equal to the exact result where
              the scales' ratio is a power of two, elsewhere at most one step from it
    raises    TypeError for floats; ValueError for shapes that do not match, integers outside their format, per-channel
              formats, scales whose ratio no mantissa and right shift reach, operands or results too wide for a 31-bit
              mantissa and a 64-bit intermediate
    source    (qa - za)(qb - zb) * s_a * s_b / s_out; ONNX Runtime's QLinearMul adds the zero point before it rounds

    >>> import torch
    >>> half = QParams(scale=0.5, bit_width=8)
    >>> multiply(torch.tensor([3, 100]), half, torch.tensor([5, 100]), half, out=half)
    tensor([  8, 127], dtype=torch.int8)
    """
    for name, qparams in (("a_qparams", a_qparams), ("b_qparams", b_qparams), ("out", out)):
        per_tensor_zero_point(qparams, name)
    require_in_range(a, a_qparams, "a")
    require_in_range(b, b_qparams, "b")
    require_same_shape(a, b)
    return by_table(_rescaled_product, a, a_qparams, b, b_qparams, out)


def _rescaled_product(a: Tensor, a_qparams: QParams, b: Tensor, b_qparams: QParams, out: QParams) -> Tensor:
    z_a, z_b = per_tensor_zero_point(a_qparams, "a_qparams"), per_tensor_zero_point(b_qparams, "b_qparams")
    multiplier = _fitting_multiplier(a_qparams, b_qparams, out)
    factors = scaling_factors(multiplier, out, a)

    def product(piece: Tensor, wide_a: Tensor, wide_b: Tensor, a: Tensor, b: Tensor) -> None:
        steps = wide_a.copy_(a).sub_(z_a).mul_(wide_b.copy_(b).sub_(z_b))
        piece.copy_(rescaled(steps, out, "half_even", *factors))

    return in_pieces(product, out.dtype, [register_for(multiplier, out)] * 2, a, b)


@lru_cache  # a network multiplies in the same formats again and again
def _fitting_multiplier(a_qparams: QParams, b_qparams: QParams, out: QParams) -> FixedPointMultiplier:
    ratio = _ratio(a_qparams, b_qparams, out)
    if not Fraction(1, 2**63) < ratio < 2**30:
        raise ValueError(
            f"scales {a_qparams.scale:g} and {b_qparams.scale:g} on a grid of {out.scale:g}: one step times one step is "
            f"{float(ratio):g} steps, outside 2**-63 … 2**30, what a mantissa and a right shift reach: "
            f"choose a scale for out that lies nearer to {float(ratio * Fraction(out.scale)):g}."  # type: ignore[arg-type]
        )
    multiplier = _shortest(FixedPointMultiplier.from_real(ratio))
    _require_fits(multiplier, ratio, a_qparams, b_qparams, out)
    return multiplier


def _ratio(a_qparams: QParams, b_qparams: QParams, out: QParams) -> Fraction:
    s_a, s_b, s_out = (Fraction(p.scale) for p in (a_qparams, b_qparams, out))  # type: ignore[arg-type]  # per-tensor
    return s_a * s_b / s_out


def _shortest(multiplier: FixedPointMultiplier) -> FixedPointMultiplier:
    """Return the same number without common factors of two: a power of two becomes a mantissa of 1, wide operands fit."""
    mantissa, shift = multiplier.mantissa, multiplier.shift
    while isinstance(mantissa, int) and isinstance(shift, int) and shift and mantissa % 2 == 0:
        mantissa, shift = mantissa // 2, shift - 1
    return FixedPointMultiplier(mantissa, shift)


def _require_fits(multiplier: FixedPointMultiplier, ratio: Fraction, a: QParams, b: QParams, out: QParams) -> None:
    mantissa, shift = multiplier.mantissa, multiplier.shift
    largest = reach(a) * reach(b)
    seen = min(largest * ratio, Fraction(reach(out) + 1))  # beyond, the result is saturated
    missed = seen * abs(1 - Fraction(mantissa, 2**shift) / ratio)  # type: ignore[arg-type,operator]  # per-tensor
    if missed >= 1 or largest * mantissa >= 2**63:  # type: ignore[operator]
        raise ValueError(
            f"operands of {a.bit_width} and {b.bit_width} bits for a result of {out.bit_width} need more than a 31-bit "
            "mantissa and a 64-bit register: use operands of up to 16 bits and a narrower result, "
            "or scales whose ratio is a power of two."
        )
