"""Sums of products, exact: linear layers and convolutions of stored integers, and the range that their sums can take."""

from contextlib import nullcontext
from functools import lru_cache
from math import prod

import torch
from torch import Tensor
from torch.nn import functional

from qtutor.kernels.checks import pair, require_integers, require_qparams
from qtutor.kernels.pieces import PIECE
from qtutor.qparams import QParams, whole_number

WIDENED = (torch.int8, torch.uint8, torch.int16, torch.int32)
CPU = torch.device("cpu")


def linear(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, x_zero_point: int = 0, weight_zero_point: int = 0
) -> Tensor:
    """Return the accumulators sum((x - x_zero_point)(weight - weight_zero_point)) + bias, exactly.

    x         integer tensor [..., in], int8, uint8, int16 or int32
    weight    integer tensor [out, in], as torch.nn.Linear has it
    bias      None or integer tensor [out], in units of s_x * s_w
    returns   [..., out]: int32 where no values of these dtypes can leave it, else int64
    raises    TypeError for floats and int64 operands; ValueError for shapes that do not match, zero points that are no
              integers of the dtype, sums that could leave int64
    source    Jacob et al., CVPR 2018, section 2.3; ONNX MatMulInteger

    >>> x, weight = torch.tensor([[3, 1]], dtype=torch.uint8), torch.tensor([[2, -1], [0, 7]], dtype=torch.int8)
    >>> linear(x, weight, x_zero_point=1)
    tensor([[4, 0]], dtype=torch.int32)
    """
    require_operands(x, weight, bias)
    if weight.dim() != 2 or x.dim() == 0 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"x of shape {tuple(x.shape)} and weight of shape {tuple(weight.shape)} do not match: "
            "weight is [out, in] and the last dimension of x is in."
        )
    x_zero = zero_point_of(x_zero_point, x, "x_zero_point")
    weight_zero = zero_point_of(weight_zero_point, weight, "weight_zero_point")
    bound = largest_sum(x, weight, bias, x_zero, weight_zero, weight.shape[1])
    steps, taps = _steps(x, x_zero, bound), _steps(weight, weight_zero, bound)
    return _accumulators(steps @ taps.t(), x.device, bias, bound, (-1,))


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    groups: int = 1,
    x_zero_point: int = 0,
    weight_zero_point: int = 0,
) -> Tensor:
    """Return the accumulators of a convolution, exactly; the border is padded with x_zero_point, that is real zero.

    x         integer tensor [N, C, H, W], int8, uint8, int16 or int32
    weight    integer tensor [out, C / groups, height, width]
    bias      None or integer tensor [out], in units of s_x * s_w
    returns   [N, out, H', W']: int32 where no values of these dtypes can leave it, else int64
    raises    TypeError for floats and int64 operands; ValueError for shapes or groups that do not match, zero points
              that are no integers of the dtype, sums that could leave int64
    source    torch.nn.functional.conv2d; ONNX ConvInteger

    >>> conv2d(torch.ones(1, 1, 2, 2, dtype=torch.int8), torch.ones(1, 1, 3, 3, dtype=torch.int8), padding=1)
    tensor([[[[4, 4],
              [4, 4]]]], dtype=torch.int32)
    """
    require_operands(x, weight, bias)
    moves, pads = pair(stride, "stride", least=1), pair(padding, "padding", least=0)
    _require_convolution(x, weight, pads, whole_number(groups, "groups"))
    x_zero = zero_point_of(x_zero_point, x, "x_zero_point")
    weight_zero = zero_point_of(weight_zero_point, weight, "weight_zero_point")
    bound = largest_sum(x, weight, bias, x_zero, weight_zero, prod(weight.shape[1:]))
    taps = _steps(weight, weight_zero, bound)

    def sums(images: Tensor) -> Tensor:
        steps = _steps(images, x_zero, bound)  # before padding: 0 is then real zero
        with torch.backends.cudnn.flags(enabled=False) if steps.is_cuda else nullcontext():  # it is not exact
            total = functional.conv2d(steps, taps, None, moves, pads, 1, int(groups))
        return _accumulators(total, x.device, bias, bound, (-1, 1, 1))

    at_once = _images_at_once(x, weight)
    if at_once == x.shape[0]:
        return sums(x)
    return torch.cat([sums(images) for images in x.split(at_once)])  # type: ignore[no-untyped-call]


def require_operands(x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Raise where an operand is no tensor of a dtype that an accelerator multiplies, or the bias has another length."""
    for name, operand in (("x", x), ("weight", weight)):
        if require_integers(operand, name).dtype not in WIDENED:
            hint = f"int8, uint8, int16 and int32 are multiplied: {name}.to(torch.int32) where its values fit."
            raise TypeError(f"{name} is {operand.dtype}; {hint}")
    if bias is not None and (require_integers(bias, "bias").dim() != 1 or len(bias) != weight.shape[0]):
        raise ValueError(
            f"bias has shape {tuple(bias.shape)}, and the layer has {weight.shape[0]} outputs: give one bias each."
        )


def largest_sum(
    x: Tensor, weight: Tensor, bias: Tensor | None, x_zero_point: int, weight_zero_point: int, terms: int
) -> int:
    """Return the largest magnitude that a sum of `terms` products can have, by the dtypes and the zero points alone.

    The activations at hand play no part: the same layer has the same accumulator whatever comes. The bias is a constant.
    """
    farthest_x, farthest_w = _farthest(x.dtype, x_zero_point), _farthest(weight.dtype, weight_zero_point)
    bias_end = 0 if bias is None or not bias.numel() else max(abs(int(end)) for end in torch.aminmax(bias))
    bound = terms * farthest_x * farthest_w + bias_end
    if bound >= 2**63:
        raise ValueError(
            f"{terms} products of {x.dtype} and {weight.dtype} can reach {bound:.1e}, beyond int64: use narrower operands."
        )
    return bound


@lru_cache
def _farthest(dtype: torch.dtype, zero_point: int) -> int:
    """Return how many steps the farther end of a dtype lies from the zero point."""
    return max(torch.iinfo(dtype).max - zero_point, zero_point - torch.iinfo(dtype).min)


def computing_dtype(bound: int) -> torch.dtype:
    """Return the dtype in which sums up to `bound` are exact in any order: float64 to 2**53, else int64.

    Matrices of float64 are multiplied several times faster than those of integers, and neither autocast nor TF32
    touches them.
    """
    return torch.float64 if bound <= 2**53 else torch.int64


def computing_device(dtype: torch.dtype, device: torch.device) -> torch.device:
    """Return where such sums are computed: CUDA multiplies no matrices of int64, and other accelerators no float64."""
    return device if device.type == "cuda" and dtype == torch.float64 else CPU


def _images_at_once(x: Tensor, weight: Tensor) -> int:
    """Return how many images to convolve together: on a CPU, each window is copied out, and the copies fit the cache."""
    copied = x.numel() * prod(weight.shape[2:]) * 8  # bytes: float64 or int64
    return x.shape[0] if copied <= PIECE or x.device.type != "cpu" else max(x.shape[0] * PIECE // copied, 1)


def zero_point_of(zero_point: int, q: Tensor, name: str) -> int:
    """Return a zero point that values of q's dtype can have; raise where real 0.0 would have no integer there.

    >>> zero_point_of(3, torch.tensor([7], dtype=torch.uint8), "x_zero_point")
    3
    """
    z, info = whole_number(zero_point, name), torch.iinfo(q.dtype)
    if not info.min <= z <= info.max:
        raise ValueError(
            f"{name} {z} is outside [{info.min}, {info.max}], the range of {q.dtype}: real 0.0 would have no integer. "
            f"Use {min(max(z, info.min), info.max)}, or a wider dtype."
        )
    return z


def _steps(q: Tensor, zero_point: int, bound: int) -> Tensor:
    dtype = computing_dtype(bound)
    wide = q.to(computing_device(dtype, q.device), dtype)  # a copy: no operand has that dtype
    return wide.sub_(zero_point) if zero_point else wide


def _accumulators(
    total: Tensor, device: torch.device, bias: Tensor | None, bound: int, shape: tuple[int, ...]
) -> Tensor:
    dtype = torch.int32 if bound < 2**31 else torch.int64
    accumulators = total.to(device, dtype)
    return accumulators if bias is None else accumulators + bias.to(dtype).reshape(shape)


def _require_convolution(x: Tensor, weight: Tensor, pads: tuple[int, int], groups: int) -> None:
    if x.dim() != 4 or weight.dim() != 4 or 0 in weight.shape:
        raise ValueError(
            f"x of shape {tuple(x.shape)} and weight of shape {tuple(weight.shape)}: "
            "a convolution takes [N, C, H, W] and [out, C / groups, height, width], no weight dimension being 0."
        )
    if groups < 1 or x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise ValueError(
            f"{x.shape[1]} input and {weight.shape[0]} output channels do not divide into groups={groups} of {weight.shape[1]}: "
            "both must be multiples of groups, and weight's second dimension C / groups."
        )
    if x.shape[2] + 2 * pads[0] < weight.shape[2] or x.shape[3] + 2 * pads[1] < weight.shape[3]:
        raise ValueError(
            f"a window of {weight.shape[2]} × {weight.shape[3]} does not fit {x.shape[2]} × {x.shape[3]} padded by {pads}: "
            "use a larger padding."
        )


def accumulator_range(
    weight: Tensor, x_qparams: QParams, bias: Tensor | None = None, weight_zero_point: int = 0
) -> tuple[int, int]:
    """Return the lowest and the highest accumulator that these weights can give, over all outputs and inputs.

    weight     integer tensor [out, ...]: of `linear` or `conv2d`
    x_qparams  the format of the inputs, per-tensor
    bias       None or integer tensor [out]
    returns    (low, high), Python ints, both reached by some input of the format
    raises     TypeError for floats; ValueError for per-channel inputs, a bias of another length, no outputs, weights
               whose sum could leave int64
    source     interval arithmetic: each weight takes the end of the range that its sign asks for

    >>> accumulator_range(torch.tensor([[3, -2]]), QParams(1.0, bit_width=4, signed=False))
    (-30, 45)
    """
    zero_point = require_qparams(x_qparams, "x_qparams").zero_point
    if isinstance(zero_point, tuple) or x_qparams.axis is not None:
        raise ValueError(f"axis {x_qparams.axis}: the inputs of a layer have one format here; give it one scale.")
    if require_integers(weight, "weight").dim() < 2 or not weight.numel():
        raise ValueError(
            f"weight has shape {tuple(weight.shape)}: give [out, in] with at least one output and one input."
        )
    if bias is not None and (require_integers(bias, "bias").dim() != 1 or len(bias) != weight.shape[0]):
        raise ValueError(
            f"bias has shape {tuple(bias.shape)}, and the layer has {weight.shape[0]} outputs: give one bias each."
        )
    zero = zero_point_of(weight_zero_point, weight, "weight_zero_point")
    farthest = max(abs(int(end) - zero) for end in torch.aminmax(weight))
    if farthest * prod(weight.shape[1:]) >= 2**63:
        raise ValueError(
            f"{prod(weight.shape[1:])} weights of up to {farthest:.1e} can sum to more than int64 holds: use narrower ones."
        )
    steps = weight.to(torch.int64).flatten(1) - zero
    up, down = steps.clamp(min=0).sum(1).tolist(), steps.clamp(max=0).sum(1).tolist()
    added = [0] * len(up) if bias is None else bias.tolist()
    low_x, high_x = x_qparams.int_min - zero_point, x_qparams.int_max - zero_point
    lows = [p * low_x + n * high_x + b for p, n, b in zip(up, down, added, strict=True)]
    highs = [p * high_x + n * low_x + b for p, n, b in zip(up, down, added, strict=True)]
    return min(lows), max(highs)
