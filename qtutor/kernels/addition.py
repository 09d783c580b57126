"""Adding stored integers: on one grid, where nothing is lost, or moved to a third grid with one rounding."""

from fractions import Fraction
from functools import lru_cache

import torch
from torch import Tensor

from qtutor.kernels.checks import channels, require_in_range, require_qparams, require_same_shape
from qtutor.kernels.fixed_point import exponent_of
from qtutor.kernels.overflow import stored
from qtutor.kernels.pieces import in_pieces
from qtutor.kernels.rounding import round_floats, rounding_right_shift
from qtutor.kernels.tables import by_table
from qtutor.qparams import QParams, narrowest_format


def add(
    a: Tensor, a_qparams: QParams, b: Tensor, b_qparams: QParams, out: QParams | None = None
) -> tuple[Tensor, QParams] | Tensor:
    """Add two tensors of stored integers.

    a, b       integer tensors of one shape (or shapes that broadcast), in their formats' ranges
    out=None   scales must be equal: returns (integers, QParams) of the exact sum, in the narrowest format that
               holds every sum; its zero point is the sum of the zero points
    out        a per-tensor format: returns the integers of a + b on its grid, rounded once, half to even, then
               + zero_point, then saturated. Fixed point, mantissas on one common shift: equal to the exact result
               where both scale ratios are powers of two, elsewhere at most one step from it
    raises     TypeError for floats; ValueError for shapes that do not match, integers outside their format,
               different scales or channels without out, a sum beyond 32 bits, formats too wide for a 64-bit intermediate
    source     s(qa - za) + s(qb - zb) = s(qa + qb - (za + zb)); Jacob et al., CVPR 2018, appendix A.2

    >>> import torch
    >>> u8 = QParams(scale=0.5, zero_point=3, bit_width=8, signed=False)
    >>> add(torch.tensor([200]), u8, torch.tensor([100]), u8)
    (tensor([300], dtype=torch.int16), QParams(scale=0.5, zero_point=6, bit_width=9, signed=False, narrow_range=False, axis=None))
    >>> add(torch.tensor([200]), u8, torch.tensor([100]), u8, out=QParams(scale=1.0, bit_width=8))
    tensor([127], dtype=torch.int8)
    """
    require_in_range(a, a_qparams, "a")
    require_in_range(b, b_qparams, "b")
    require_same_shape(a, b)
    if out is not None:
        return by_table(_rescaled_sum, a, a_qparams, b, b_qparams, require_qparams(out, "out"))
    total = _sum_qparams(a_qparams, b_qparams, _shared_axis(a, a_qparams, b, b_qparams))
    return a.to(total.dtype) + b.to(total.dtype), total


def _shared_axis(a: Tensor, a_qparams: QParams, b: Tensor, b_qparams: QParams) -> int | None:
    """Return the dimension of the sum that both operands' channels run along; raise where there is no such one."""
    axes = [_axis_from_the_end(*operand) for operand in ((a, a_qparams, "a"), (b, b_qparams, "b"))]
    if axes[0] != axes[1] and None not in axes:
        raise ValueError(
            f"the channels of a run along axis {a_qparams.axis} of {a.dim()} dimensions and those of b along axis "
            f"{b_qparams.axis} of {b.dim()}: bring both along the same dimension, counted from the last."
        )
    longer = a_qparams if a.dim() >= b.dim() else b_qparams
    return longer.axis


def _axis_from_the_end(q: Tensor, qparams: QParams, name: str) -> int | None:
    if qparams.axis is None:
        return None
    channels(qparams.scale, qparams.axis, q, torch.float32, name)  # type: ignore[arg-type]  # a tuple comes with an axis
    return qparams.axis % q.dim() - q.dim()


def _sum_qparams(a: QParams, b: QParams, axis: int | None) -> QParams:
    if a.scale != b.scale:
        one, other = (scale if isinstance(scale, tuple) else (scale,) for scale in (a.scale, b.scale))
        differing = [pair for pair in zip(one, other, strict=False) if pair[0] != pair[1]]
        said = f"{len(one)} and {len(other)} scales"
        if len(one) == len(other):
            said = "scales {} and {}".format(*differing[0])
        raise ValueError(
            f"{said} differ, so one step of a is not one step of b: "
            "give the sum a format of its own with out=QParams(...), or bring one tensor to the other's scale first."
        )
    bit_width, signed = narrowest_format(a.int_min + b.int_min, a.int_max + b.int_max)
    if bit_width > 32:
        raise ValueError(
            f"the sum needs {bit_width} bits, more than the 32 of a register: give it a format with out=QParams(...)."
        )
    return QParams(a.scale, _sum_of_zero_points(a.zero_point, b.zero_point), bit_width, signed, axis=axis)


def _sum_of_zero_points(a: int | tuple[int, ...], b: int | tuple[int, ...]) -> int | tuple[int, ...]:
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    count = len(a) if isinstance(a, tuple) else len(b)  # type: ignore[arg-type]
    pairs = zip(a if isinstance(a, tuple) else (a,) * count, b if isinstance(b, tuple) else (b,) * count, strict=True)
    return tuple(x + y for x, y in pairs)


def _rescaled_sum(a: Tensor, a_qparams: QParams, b: Tensor, b_qparams: QParams, out: QParams) -> Tensor:
    z_out = _per_tensor(require_qparams(out, "out"))[1]
    z_a, z_b = (_per_tensor(p)[1] for p in (a_qparams, b_qparams))
    mantissa_a, mantissa_b, shift = fitting_multipliers(a_qparams, b_qparams, out)
    ends_a, ends_b = (max(p.int_max, -p.int_min) for p in (a_qparams, b_qparams))
    if ends_a * mantissa_a + ends_b * mantissa_b <= 2**52:  # float64 holds twice as much exactly, and is faster
        factor_a, factor_b = mantissa_a / 2**shift, mantissa_b / 2**shift
        offset = z_a * factor_a + z_b * factor_b
        register = torch.float64

        def scaled(a: Tensor, b: Tensor) -> Tensor:
            return round_floats(a.mul_(factor_a).sub_(offset).add_(b, alpha=factor_b))
    else:
        register = torch.int64

        def scaled(a: Tensor, b: Tensor) -> Tensor:
            return rounding_right_shift(a.sub_(z_a).mul_(mantissa_a).add_(b.sub_(z_b).mul_(mantissa_b)), shift)

    def total(piece: Tensor, wide_a: Tensor, wide_b: Tensor, a: Tensor, b: Tensor) -> None:
        piece.copy_(stored(scaled(wide_a.copy_(a), wide_b.copy_(b)), z_out, out))

    return in_pieces(total, out.dtype, [register] * 2, a, b)


def _per_tensor(qparams: QParams) -> tuple[float, int]:
    if isinstance(qparams.scale, tuple) or isinstance(qparams.zero_point, tuple):
        raise ValueError(
            f"axis {qparams.axis}: a sum with a format of its own is per-tensor; use one scale for all channels."
        )
    return qparams.scale, qparams.zero_point


@lru_cache  # a network adds in the same formats again and again
def fitting_multipliers(a_qparams: QParams, b_qparams: QParams, out: QParams) -> tuple[int, int, int]:
    """Return (mantissa_a, mantissa_b, shift): both ratios scale / out.scale as integers over one power of two.

    The exact ones where there are any and all their sums fit 64 bits, else those with 31 bits. One shift for both is
    what lets the sum be rounded once. Raises where they lose a step of out, or anything of two powers of two.

    >>> fitting_multipliers(QParams(0.5), QParams(0.25), QParams(1.0))
    (2, 1, 2)
    """
    (s_a, z_a), (s_b, z_b), (s_out, _) = (_per_tensor(p) for p in (a_qparams, b_qparams, out))
    ratios = [Fraction(s_a) / Fraction(s_out), Fraction(s_b) / Fraction(s_out)]
    steps = [max(p.int_max - z, z - p.int_min) for p, z in ((a_qparams, z_a), (b_qparams, z_b))]
    powers_of_two = all((ratio.numerator * ratio.denominator).bit_count() == 1 for ratio in ratios)
    for shift, loss in ((exact_shift(ratios), 0), (shift_for_31_bits(ratios), 0 if powers_of_two else 1)):
        mantissas = [round(ratio * 2**shift) for ratio in ratios]
        lost = sum(n * abs(ratio - Fraction(m, 2**shift)) for n, ratio, m in zip(steps, ratios, mantissas, strict=True))
        largest = sum(n * m for n, m in zip(steps, mantissas, strict=True))
        if (lost == 0 or lost < loss) and largest < 2**63 and shift <= 62:
            return mantissas[0], mantissas[1], shift
    raise ValueError(
        f"operands of {a_qparams.bit_width} and {b_qparams.bit_width} bits at scales {s_a:g} and {s_b:g} on a grid of "
        f"{s_out:g} need more than 31-bit mantissas and a 64-bit register: use narrower operands, scales and a grid that "
        "lie closer together, or ratios that are powers of two."
    )


def exact_shift(ratios: list[Fraction]) -> int:
    """Return the shift at which every ratio is a whole number, where all are fractions of powers of two.

    >>> exact_shift([Fraction(3, 8), Fraction(1, 2)])
    3
    """
    return max(ratio.denominator for ratio in ratios).bit_length() - 1


def shift_for_31_bits(ratios: list[Fraction]) -> int:
    """Return the shift, 0 … 62, at which the larger ratio has a mantissa of 31 bits, or fewer where 62 ends it.

    >>> shift_for_31_bits([Fraction(1, 3), Fraction(1, 5)])
    32
    """
    return min(max(31 - exponent_of(max(ratios)), 0), 62)
