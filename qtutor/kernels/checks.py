"""What every kernel asks of its tensors, and the sentence that it raises where they do not fit."""

from typing import Any

import torch
from torch import Tensor

from qtutor.qparams import QParams, int_range, whole_number

INTEGERS = (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64)


def require_integers(x: Any, name: str = "x") -> Tensor:
    """Return x where it is a tensor of integers; raise TypeError with the way out where it is not.

    >>> require_integers(torch.tensor([7]))
    tensor([7])
    """
    if isinstance(x, Tensor) and x.dtype in INTEGERS:
        return require_dense(x, name)
    if isinstance(x, tuple) and hasattr(x, "scale"):
        raise TypeError(
            f"{name} is a {type(x).__name__}, which carries floats: from_brevitas({name}) gives its integers."
        )
    if not isinstance(x, Tensor):
        raise TypeError(
            f"{name} is a {type(x).__name__}, kernels take integer tensors: torch.tensor([7, -8]), for example."
        )
    if x.is_quantized:
        raise TypeError(
            f"{name} is {x.dtype}, torch's own pair of integers and scale: {name}.int_repr() gives its integers."
        )
    if x.is_floating_point() or x.is_complex():
        raise TypeError(
            f"{name} is {x.dtype}, kernels take integers: quantize({name}, qparams) makes them from floats."
        )
    raise TypeError(
        f"{name} is {x.dtype}, kernels take int8, uint8, int16, int32 or int64: {name}.to(torch.int32) makes one."
    )


def require_dense(x: Tensor, name: str) -> Tensor:
    """Return x where it holds its numbers one by one; raise TypeError where it is sparse, nested or without data.

    >>> require_dense(torch.tensor([7]), "x")
    tensor([7])
    """
    if x.layout == torch.strided and not x.is_meta and not x.is_nested:
        return x
    if x.is_meta:
        raise TypeError(f"{name} is on the device meta, where tensors hold no numbers: make it on a real device.")
    kind = "nested" if x.is_nested else str(x.layout).removeprefix("torch.")
    raise TypeError(
        f"{name} is {kind}, and kernels take tensors that hold each number: {name}.to_dense() makes one of sparse ones."
    )


def require_qparams(qparams: Any, name: str = "qparams") -> QParams:
    """Return a format; raise TypeError where it is something else.

    >>> require_qparams(QParams(0.5)).scale
    0.5
    """
    if not isinstance(qparams, QParams):
        raise TypeError(
            f"{name} is a {type(qparams).__name__}: give the format as QParams(scale=0.1, zero_point=0, bit_width=8)."
        )
    return qparams


def require_in_range(q: Tensor, qparams: QParams, name: str = "q") -> Tensor:
    """Return q where every value is one of the format's integers; raise where one is not.

    >>> require_in_range(torch.tensor([7]), QParams(1.0, bit_width=4))
    tensor([7])
    """
    require_integers(q, name)
    low, high = require_qparams(qparams, f"the format of {name}").int_min, qparams.int_max
    holds_all = torch.iinfo(q.dtype).min >= low and torch.iinfo(q.dtype).max <= high
    if q.numel() and not holds_all:
        smallest, largest = (int(end) for end in torch.aminmax(q))
        if smallest < low or largest > high:
            outside = smallest if smallest < low else largest
            raise ValueError(
                f"{name} holds {outside}, outside [{low}, {high}], the range of its format: "
                "saturate or wrap it first, or widen bit_width."
            )
    return q


def require_same_shape(a: Tensor, b: Tensor) -> None:
    """Raise where two tensors neither have one shape nor broadcast to one."""
    if a.shape == b.shape:
        return
    try:
        torch.broadcast_shapes(a.shape, b.shape)  # type: ignore[no-untyped-call]
    except RuntimeError:
        raise ValueError(
            f"shapes {tuple(a.shape)} and {tuple(b.shape)} do not match: reshape one to the other's shape, "
            "or to one that broadcasts to it."
        ) from None


def pair(value: Any, name: str, least: int) -> tuple[int, int]:
    """Return a window's (height, width) from one number for both or from two; raise where they are no whole numbers.

    >>> pair(2, "stride", least=1), pair((1, 2), "stride", least=1)
    ((2, 2), (1, 2))
    """
    if (
        type(value) is int and least <= value < 2**31
    ):  # the usual case, and a small convolution takes no longer than all checks
        return value, value
    given = value if isinstance(value, (tuple, list)) else (value,) * 2
    if len(given) != 2:
        raise ValueError(f"{name} {value} has {len(given)} numbers: give one, or two as (height, width).")
    height, width = whole_number(given[0], name), whole_number(given[1], name)
    if max(height, width) >= 2**31:
        raise ValueError(f"{name} {value} is 2**31 or more, beyond any image: give a smaller number.")
    if height < least or width < least:
        raise ValueError(f"{name} {value} is below {least}: give a whole number from {least} up.")
    return height, width


def format_range(bit_width: int, signed: bool, narrow_range: bool = False) -> str:
    """Return a format's range as the words of an error.

    >>> format_range(4, True)
    '[-8, 7], the range of 4 signed bits'
    """
    low, high = int_range(bit_width, signed, narrow_range)
    plural = "" if bit_width == 1 else "s"
    return f"[{low}, {high}], the {'narrow ' if narrow_range else ''}range of {bit_width} {'signed' if signed else 'unsigned'} bit{plural}"


def choice_of_axis(x: Tensor) -> str:
    """Return which axes a tensor has, as the way out of an error.

    >>> choice_of_axis(torch.zeros(2, 3)), choice_of_axis(torch.tensor(0))
    ('use 0 … 1', 'use axis=None')
    """
    return f"use 0 … {x.dim() - 1}" if x.dim() else "use axis=None"


def channels(
    values: tuple[int, ...] | tuple[float, ...], axis: int, x: Tensor, dtype: torch.dtype, name: str = "x"
) -> Tensor:
    """Return per-channel values as a tensor that broadcasts along `axis` of x.

    >>> channels((0.5, 0.25), 0, torch.zeros(2, 3), torch.float32).shape
    torch.Size([2, 1])
    """
    if not -x.dim() <= axis < x.dim():
        raise ValueError(
            f"axis {axis} is no dimension of {name}, whose shape is {tuple(x.shape)}: {choice_of_axis(x)}."
        )
    if x.shape[axis] != len(values):
        raise ValueError(
            f"{name} has {x.shape[axis]} channels along axis {axis} and {len(values)} are given: give one number a channel."
        )
    shape = [1] * x.dim()
    shape[axis] = len(values)
    return torch.tensor(values, dtype=dtype, device=x.device).reshape(shape)
