"""Sums of products, exact: linear layers and convolutions of stored integers, and the range that their sums can take."""

from contextlib import nullcontext
from functools import lru_cache
from math import prod

import torch
from torch import Tensor
from torch.nn import functional

from qtutor.kernels.checks import pair, require_integers, require_qparams
from qtutor.kernels.pieces import PIECE
from qtutor.kernels.registers import CPU, Register, convolves_directly, dtype_for_sums, register_on
from qtutor.qparams import QParams, whole_number

WIDENED = (torch.int8, torch.uint8, torch.int16, torch.int32)
AT_ONCE = PIECE // 8  # numbers of 64 bits
ANY_LIBRARY = nullcontext()


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
    x_zero = whole_number(x_zero_point, "x_zero_point")
    weight_zero = whole_number(weight_zero_point, "weight_zero_point")
    largest, dtype = _linear_sums(kind_of(x, "x"), kind_of(weight, "weight"), x_zero, weight_zero)
    register = register_on(x.device, dtype)
    steps, taps = _steps(x, x_zero, register), _steps(weight, weight_zero, register)
    return _accumulators(steps @ taps.t(), x.device, bias, _with_bias(largest, bias, weight), (-1,))


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
    moves, pads = pair(stride, "stride", least=1), pair(padding, "padding", least=0)
    x_zero = whole_number(x_zero_point, "x_zero_point")
    weight_zero = whole_number(weight_zero_point, "weight_zero_point")
    groups, kinds = whole_number(groups, "groups"), (kind_of(x, "x"), kind_of(weight, "weight"))
    largest, dtype = _convolution_sums(*kinds, pads, groups, x_zero, weight_zero)
    bound, register = _with_bias(largest, bias, weight), register_on(x.device, dtype, convolves_directly)
    if not x.numel():  # torch convolves no empty image, and its border is an image
        x, pads = functional.pad(x, (pads[1], pads[1], pads[0], pads[0]), value=x_zero), (0, 0)
    taps = _steps(weight, weight_zero, register)

    def sums(images: Tensor) -> Tensor:
        steps = _steps(images, x_zero, register)  # before padding: 0 is then real zero
        with torch.backends.cudnn.flags(enabled=False) if steps.is_cuda else ANY_LIBRARY:  # cuDNN is not exact
            total = functional.conv2d(steps, taps, None, moves, pads, 1, groups)
        return _accumulators(total, x.device, bias, bound, (-1, 1, 1))

    if register != (torch.float64, CPU):
        return sums(x)
    copied = x[:1].numel() * weight.shape[2] * weight.shape[3]  # float64 copies each window before it is multiplied
    parts = x.split(max(AT_ONCE // max(copied, 1), 1))  # type: ignore[no-untyped-call]
    return torch.cat([sums(images) for images in parts])


Kind = tuple[torch.dtype, torch.Size]


def kind_of(operand: Tensor, name: str) -> Kind:
    """Return dtype and shape: all that a layer's accumulator depends on, beside the zero points and the bias.

    The activations at hand play no part: the same layer has the same accumulator whatever comes. Its checks are made
    once, for they would take longer than a small layer itself.

    >>> kind_of(torch.zeros(2, 3, dtype=torch.int8), "x")
    (torch.int8, torch.Size([2, 3]))
    """
    if require_integers(operand, name).dtype not in WIDENED:
        hint = f"int8, uint8, int16 and int32 are multiplied: {name}.to(torch.int32) where its values fit."
        raise TypeError(f"{name} is {operand.dtype}; {hint}")
    return operand.dtype, operand.shape


@lru_cache
def _linear_sums(x: Kind, weight: Kind, x_zero: int, weight_zero: int) -> tuple[int, torch.dtype]:
    """Return the largest magnitude of a layer's sums without its bias, and the dtype in which the CPU finds them."""
    (x_dtype, x_shape), (weight_dtype, weight_shape) = x, weight
    if len(weight_shape) != 2 or not x_shape or x_shape[-1] != weight_shape[1]:
        raise ValueError(
            f"x of shape {tuple(x_shape)} and weight of shape {tuple(weight_shape)} do not match: "
            "weight is [out, in] and the last dimension of x is in."
        )
    largest = _largest_sum(x_dtype, weight_dtype, x_zero, weight_zero, weight_shape[1])
    return largest, dtype_for_sums(largest, prod(x_shape) * weight_shape[0], _of_bytes(x, weight))


@lru_cache
def _convolution_sums(
    x: Kind, weight: Kind, pads: tuple[int, int], groups: int, x_zero: int, weight_zero: int
) -> tuple[int, torch.dtype]:
    """Return the same of a convolution. Its products are counted as if a window began at each number: strides make fewer."""
    (x_dtype, x_shape), (weight_dtype, weight_shape) = x, weight
    _require_convolution(x_shape, weight_shape, pads, groups)
    largest = _largest_sum(x_dtype, weight_dtype, x_zero, weight_zero, prod(weight_shape[1:]))
    products = prod(x_shape) // groups * weight_shape[0] * prod(weight_shape[2:])
    return largest, dtype_for_sums(largest, products, _of_bytes(x, weight))


def _largest_sum(x: torch.dtype, weight: torch.dtype, x_zero: int, weight_zero: int, terms: int) -> int:
    """Return the largest magnitude that a sum of `terms` products can have."""
    bound = terms * _farthest(x, x_zero, "x") * _farthest(weight, weight_zero, "weight")
    if bound >= 2**63:
        raise ValueError(
            f"{terms} products of {x} and {weight} can reach {bound:.1e}, beyond int64: use narrower operands."
        )
    return bound


def _farthest(dtype: torch.dtype, zero_point: int, name: str) -> int:
    """Return how many steps the farther end of a dtype lies from the zero point."""
    zero_point_of(zero_point, dtype, f"{name}_zero_point")
    return max(torch.iinfo(dtype).max - zero_point, zero_point - torch.iinfo(dtype).min)


def _with_bias(bound: int, bias: Tensor | None, weight: Tensor) -> int:
    """Return the bound of a layer's sums with its bias, a constant; raise where the bias has another length."""
    if bias is None:
        return bound
    _require_bias(bias, weight)
    end = max(abs(int(end)) for end in torch.aminmax(bias)) if bias.numel() else 0
    if bound + end >= 2**63:
        raise ValueError(
            f"products and bias can reach {bound + end:.1e}, beyond int64: use narrower operands, or a smaller bias."
        )
    return bound + end


def _require_bias(bias: Tensor, weight: Tensor) -> None:
    if require_integers(bias, "bias").dim() != 1 or len(bias) != weight.shape[0]:
        raise ValueError(
            f"bias has shape {tuple(bias.shape)}, and the layer has {weight.shape[0]} outputs: give one bias each."
        )


def _of_bytes(x: Kind, weight: Kind) -> bool:
    return x[0].itemsize == weight[0].itemsize == 1


def zero_point_of(zero_point: int, dtype: torch.dtype, name: str) -> int:
    """Return a zero point that values of the dtype can have; raise where real 0.0 would have no integer there.

    >>> zero_point_of(3, torch.uint8, "x_zero_point")
    3
    """
    z, info = whole_number(zero_point, name), torch.iinfo(dtype)
    if not info.min <= z <= info.max:
        raise ValueError(
            f"{name} {z} is outside [{info.min}, {info.max}], the range of {dtype}: real 0.0 would have no integer. "
            f"Use {min(max(z, info.min), info.max)}, or a wider dtype."
        )
    return z


def _steps(q: Tensor, zero_point: int, register: Register) -> Tensor:
    dtype, device = register
    wide = q.to(device, dtype)  # a copy: sums of int32 operands leave int32, and no other dtype is an operand's
    return wide.sub_(zero_point) if zero_point else wide


def _accumulators(
    total: Tensor, device: torch.device, bias: Tensor | None, bound: int, shape: tuple[int, ...]
) -> Tensor:
    dtype = torch.int32 if bound < 2**31 else torch.int64
    accumulators = total.to(device, dtype)
    return accumulators if bias is None else accumulators + bias.to(dtype).reshape(shape)


def _require_convolution(x: torch.Size, weight: torch.Size, pads: tuple[int, int], groups: int) -> None:
    if len(x) != 4 or len(weight) != 4 or 0 in weight:
        raise ValueError(
            f"x of shape {tuple(x)} and weight of shape {tuple(weight)}: "
            "a convolution takes [N, C, H, W] and [out, C / groups, height, width], no weight dimension being 0."
        )
    if groups < 1 or x[1] != weight[1] * groups or weight[0] % groups:
        raise ValueError(
            f"{x[1]} input and {weight[0]} output channels do not divide into groups={groups} of {weight[1]}: "
            "both must be multiples of groups, and weight's second dimension C / groups."
        )
    if x[2] + 2 * pads[0] < weight[2] or x[3] + 2 * pads[1] < weight[3]:
        raise ValueError(
            f"a window of {weight[2]} × {weight[3]} does not fit {x[2]} × {x[3]} padded by {pads}: "
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
    if bias is not None:
        _require_bias(bias, weight)
    zero = zero_point_of(weight_zero_point, weight.dtype, "weight_zero_point")
    low, high = (int(end) - zero for end in torch.aminmax(weight))
    if low * prod(weight.shape[1:]) < -(2**63) or high * prod(weight.shape[1:]) >= 2**63:
        farthest = max(-low, high)
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
