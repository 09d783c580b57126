"""From real numbers to stored integers and back. The one place where a float is divided."""

import dataclasses
import math
from functools import lru_cache

import torch
from torch import Tensor

from qtutor.kernels import wrap
from qtutor.kernels.checks import (
    channels,
    choice_of_axis,
    format_range,
    require_dense,
    require_in_range,
    require_qparams,
)
from qtutor.kernels.pieces import in_pieces
from qtutor.kernels.rounding import half_even_bits, round_floats
from qtutor.qparams import QParams, checked_flag, float32, int_range, whole_number

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
    if overflow == "wrap" and qparams.narrow_range:
        raise ValueError(
            "overflow 'wrap' keeps all low bits and so reaches the value that narrow_range drops: use saturate."
        )
    x = _require_floats(x)
    scale, zero_point = _parameters(qparams, x)
    if overflow == "error":
        _require_all_inside(round_floats(_require_finite(x) / scale, rounding), zero_point, qparams)

    by_sum = rounding == "half_even" and overflow != "wrap" and qparams.dtype.itemsize == 1
    low, high = qparams.int_min, qparams.int_max

    def integers(piece: Tensor, steps: Tensor, x: Tensor, scale: Tensor, zero_point: Tensor | int) -> None:
        if not _all_finite(torch.div(x, scale, out=steps)):  # the sum of a quotient costs less: it lies in the cache
            _require_finite(x)
        if by_sum and isinstance(zero_point, int):
            steps.clamp_(low - zero_point, high - zero_point)
            piece.copy_(half_even_bits(steps)).add_(zero_point)
            return
        steps = round_floats(steps, rounding)
        if overflow == "wrap":
            whole = (_low_bits(steps, qparams.bit_width) + zero_point).to(torch.int64)
            piece.copy_(wrap(whole, qparams.bit_width, qparams.signed))
        else:  # the sum is exact wherever it is not far outside
            piece.copy_(steps.to(_floats_for(qparams)).add_(zero_point).clamp_(low, high))

    return in_pieces(integers, qparams.dtype, [torch.float32], x, scale, zero_point)


def dequantize(q: Tensor, qparams: QParams) -> Tensor:
    """Return the real numbers that stored integers stand for: scale * (q - zero_point), in float32.

    q         integer tensor, any shape, every value inside the format's range
    returns   float32 tensor, same shape, in real units
    raises    TypeError for floats; ValueError for integers outside the range or channels that do not match
    source    ONNX DequantizeLinear

    >>> dequantize(torch.tensor([8]), QParams(scale=0.5, zero_point=1, bit_width=4, signed=False))
    tensor([3.5000])
    """
    scale, zero_point = _parameters(qparams, require_in_range(q, qparams))

    floats = _floats_for(qparams)

    def reals(piece: Tensor, q: Tensor, scale: Tensor, zero_point: Tensor | int) -> None:
        steps = piece.copy_(q) if piece.dtype == floats else q.to(floats)  # in place where that is exact
        piece.copy_(steps.sub_(zero_point)).mul_(scale)

    return in_pieces(reals, torch.float32, [], q, scale, zero_point)


def require_finite_floats(x: Tensor) -> Tensor:
    """Return x as float32; raise a sentence for anything that is no finite float32.

    >>> require_finite_floats(torch.tensor([0.5]))
    tensor([0.5000])
    """
    return _require_finite(_require_floats(x))


def _require_floats(x: Tensor) -> Tensor:
    if not isinstance(x, Tensor):
        raise TypeError(
            f"x is a {type(x).__name__}, quantize takes a float tensor: torch.tensor([0.5, 1.5]), for example."
        )
    if x.dtype == torch.float64:
        raise TypeError("x is torch.float64 and quantizers divide in float32: x.to(torch.float32) casts it.")
    if x.is_quantized:
        raise TypeError(f"x is {x.dtype}, which is quantized already: x.dequantize() gives its real numbers.")
    if x.dtype not in FLOATS:
        raise TypeError(f"x is {x.dtype}, quantize takes real numbers as float32: x.to(torch.float32) casts it.")
    require_dense(x, "x")
    return (x if x.dtype == torch.float32 else x.to(torch.float32)).detach()  # integers have no gradient


def _require_finite(x: Tensor) -> Tensor:
    if not _all_finite(x) and not torch.isfinite(x).all():
        bad = x[~torch.isfinite(x)].flatten()[0].item()
        raise ValueError(
            f"x holds {bad}, for which no integer stands: remove it, or replace it with torch.nan_to_num(x)."
        )
    return x


def _all_finite(x: Tensor) -> bool:
    """Return True where all of x is finite, by its sum, which no NaN or infinity leaves finite: many times faster than
    asking each. Large numbers may leave float32 in it, too, so that False says nothing."""
    return math.isfinite(x.sum())


def _floats_for(qparams: QParams) -> torch.dtype:
    """Return floats that hold every integer of the format and every distance from its zero point exactly."""
    return torch.float32 if qparams.bit_width <= 16 else torch.float64


def _parameters(qparams: QParams, x: Tensor) -> tuple[Tensor, Tensor | int]:
    """Return scale and zero point as they broadcast against x, the channels' own as tensors.

    The scale is a tensor even where it is one number: on a GPU, torch turns division by a number into a product. Zero points
    are floats where they are a tensor: torch takes several times longer where dtypes are mixed.
    """
    scale, zero_point, axis = qparams.scale, qparams.zero_point, qparams.axis
    if axis is None:
        return _number(scale, x.device), zero_point  # type: ignore[return-value]  # tuples come with an axis
    scales = channels(scale, axis, x, torch.float32)  # type: ignore[arg-type]
    return scales, channels(zero_point, axis, x, _floats_for(qparams)) if isinstance(zero_point, tuple) else zero_point


@lru_cache  # a network quantizes by the same scales again and again
def _number(scale: float, device: torch.device) -> Tensor:
    return torch.tensor(scale, dtype=torch.float32, device=device)


def _low_bits(rounded: Tensor, bit_width: int) -> Tensor:
    """Return whole floats modulo 2**bit_width in float64, which holds every float32 and whose remainder is exact."""
    if not torch.isfinite(rounded).all():
        raise ValueError(
            "x / scale leaves float32, so its low bits are lost and cannot wrap: use a larger scale, or saturate."
        )
    return torch.remainder(rounded.to(torch.float64), 2.0**bit_width)


def _require_all_inside(steps: Tensor, zero_point: Tensor | int, qparams: QParams) -> None:
    # Beyond 2**40 every format is left behind: stop there, where float64 still holds the sum with the zero point.
    stored = steps.to(torch.float64).clamp(-(2.0**40), 2.0**40) + zero_point
    outside = stored[(stored < qparams.int_min) | (stored > qparams.int_max)]
    if outside.numel():
        raise ValueError(
            f"{outside.numel()} of {stored.numel()} values are outside "
            f"{format_range(qparams.bit_width, qparams.signed, qparams.narrow_range)}, the first is {int(outside[0])}: "
            'use a larger scale, more bits, or overflow="saturate".'
        )


# --- choosing a format -----------------------------------------------------------------------------------------------

METHODS = ("minmax", "percentile", "mse")
SMALLEST = 2.0**-126  # the smallest scale that float32 holds without losing bits
TAIL = 0.001  # percentile keeps 99.9 % on each side
CLIPS = 100  # mse tries the whole range, 99 % of it, 98 %, … 1 %
AT_ONCE = 2**16  # numbers that mse quantizes at once: more no longer lie in the processor's cache


def choose_qparams(
    x: Tensor,
    bit_width: int,
    signed: bool,
    method: str = "minmax",
    axis: int | None = None,
    symmetric: bool = False,
    narrow_range: bool = False,
    power_of_two: bool = False,
) -> QParams:
    """Return a format for x: its scale and zero point, from the values at hand.

    x             float32 tensor in real units (float16 and bfloat16 are cast), not empty
    bit_width     1 … 32, signed or unsigned, narrow_range as in `int_range`
    method        minmax: from end to end; percentile: 99.9 % of the values on each side; mse: the clipping, of 100
                  tried, whose squared error after quantizing is least. percentile falls back to scale 1 where the 99.9 %
                  points are 0
    axis          None: one scale for all; else one for each channel along this dimension
    symmetric     zero point 0 and the same reach on both sides; unsigned, it refuses negative values
    power_of_two  round the scale up to a power of two, so that rescaling is a shift
    returns       QParams whose range includes 0; all-zero x gets scale 1
    raises        TypeError for integers and float64; ValueError for NaN, infinities, an empty x, an unknown method, an
                  all-zero channel, negative values where the format is symmetric and unsigned
    source        Krishnamoorthi, arXiv 1806.08342, section 2; Nagel et al., arXiv 2106.08295, section 3.1

    >>> choose_qparams(torch.tensor([-1.0, 0.0, 3.0]), bit_width=2, signed=False)
    QParams(scale=1.3333333730697632, zero_point=1, bit_width=2, signed=False, narrow_range=False, axis=None)
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r} is no way to choose a scale here: use one of {', '.join(METHODS)}.")
    signed, symmetric = checked_flag(signed, "signed"), checked_flag(symmetric, "symmetric")
    power_of_two = checked_flag(power_of_two, "power_of_two")
    axis = None if axis is None else whole_number(axis, "axis")
    rows = _channel_rows(require_finite_floats(x), axis)
    ends = int_range(bit_width, signed, narrow_range)
    _require_choosable(rows, ends, signed, symmetric, axis)
    kind = (bit_width, signed, narrow_range)
    chosen = [_choose(row, kind, method, symmetric, power_of_two) for row in rows]
    if axis is None:
        return chosen[0]
    scales, points = tuple(q.scale for q in chosen), tuple(q.zero_point for q in chosen)
    shared = points[0] if len(set(points)) == 1 else points
    return QParams(scales, shared, *kind, axis=axis)  # type: ignore[arg-type]  # each of them is per-tensor


def _channel_rows(x: Tensor, axis: int | None) -> Tensor:
    if not x.numel():
        raise ValueError(f"x has shape {tuple(x.shape)} and no values, so no range can be seen: give at least one.")
    if axis is None:
        return x.reshape(1, -1)
    if not -x.dim() <= axis < x.dim():
        raise ValueError(f"axis {axis} is no dimension of x, whose shape is {tuple(x.shape)}: {choice_of_axis(x)}.")
    return x.movedim(axis, 0).reshape(x.shape[axis], -1)


def _require_choosable(rows: Tensor, ends: tuple[int, int], signed: bool, symmetric: bool, axis: int | None) -> None:
    silent = (rows == 0).all(1)
    if axis is not None and silent.any():
        channel = int(silent.nonzero()[0])
        raise ValueError(
            f"channel {channel} along axis {axis} is all zero, so it has no scale: drop it, or use axis=None."
        )
    if symmetric and not signed and (rows < 0).any():
        raise ValueError(
            f"x holds {rows.min().item():g}, and a symmetric unsigned format has no negative values: use signed=True."
        )
    if ends[1] == ends[0] or (symmetric and ends[1] == 0):
        raise ValueError(f"the range {ends[0]} … {ends[1]} has no step to choose a scale for: use a larger bit_width.")


Kind = tuple[int, bool, bool]  # bit_width, signed, narrow_range


def _choose(row: Tensor, kind: Kind, method: str, symmetric: bool, power_of_two: bool) -> QParams:
    low, high = (float(end) for end in torch.aminmax(row))
    if method == "percentile":
        low, high = (float(end) for end in _tails(row))
    whole = (min(low, 0.0), max(high, 0.0))
    if method != "mse" or whole == (0.0, 0.0):
        return _spanning(*whole, kind, symmetric, power_of_two)
    tried = [
        _spanning(whole[0] * n / CLIPS, whole[1] * n / CLIPS, kind, symmetric, power_of_two)
        for n in range(CLIPS, 0, -1)
    ]
    errors = [error for some in _in_groups(tried, AT_ONCE // len(row)) for error in _squared_errors(row, some)]
    return tried[errors.index(min(errors))]  # the first, widest, of equals


def _tails(row: Tensor) -> tuple[Tensor, Tensor]:
    ordered = row.sort().values  # torch.quantile takes no more than 16 million values
    last = len(ordered) - 1
    return tuple(_between(ordered, last * share) for share in (TAIL, 1 - TAIL))  # type: ignore[return-value]


def _between(ordered: Tensor, place: float) -> Tensor:
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return torch.lerp(ordered[below].double(), ordered[above].double(), place - below)


def _spanning(low: float, high: float, kind: Kind, symmetric: bool, power_of_two: bool) -> QParams:
    int_min, int_max = int_range(*kind)
    reach, steps = (max(-low, high), int_max) if symmetric else (high - low, int_max - int_min)
    scale = float32(max(reach / steps, SMALLEST)) if reach else 1.0
    if math.isinf(float32(scale * steps)) and not math.isinf(scale):  # rounded up: the ends would not be float32's
        scale = float32(scale * (1 - 2.0**-24))
    if power_of_two and scale < math.inf:
        scale = 2.0 ** math.ceil(math.log2(scale))
    if math.isinf(float32(scale)):
        raise ValueError(f"values from {low:g} to {high:g} need a scale beyond float32: use a larger bit_width.")
    zero_point = 0 if symmetric else min(max(round(int_min - low / scale), int_min), int_max)
    return QParams(scale, zero_point, *kind)


def _in_groups(tried: list[QParams], size: int) -> list[list[QParams]]:
    return [tried[start : start + max(size, 1)] for start in range(0, len(tried), max(size, 1))]


def _squared_errors(row: Tensor, tried: list[QParams]) -> list[float]:
    """Return what each format loses of row: all are tried at once, as channels that hold the same."""
    each = tried[0]
    if len(tried) > 1:
        scales, points = zip(*((q.scale, q.zero_point) for q in tried), strict=True)
        each = dataclasses.replace(each, scale=scales, zero_point=points, axis=0)
    rows = row.expand(len(tried), -1)
    errors: list[float] = dequantize(quantize(rows, each), each).double().sub_(rows).square_().sum(1).tolist()
    return errors
