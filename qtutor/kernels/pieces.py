"""Long tensors, a piece at a time: 64-bit intermediates stay in the processor's cache and never stand in memory whole."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

PIECE = 2**16  # elements: a 64-bit intermediate of them takes 512 KiB, and a core's second cache holds a few


def in_pieces(compute: Callable[..., Tensor], dtype: torch.dtype, x: Tensor, *operands: Any) -> Tensor:
    """Return compute(x, *operands) in dtype, for a compute that treats each element by itself.

    x, operands  tensors of shapes that broadcast, and after them numbers, which every piece is given as they are

    >>> in_pieces(lambda a, b: a.to(torch.int64) * b, torch.int16, torch.tensor([[1], [2]]), torch.tensor([100, 200]))
    tensor([[100, 200],
            [200, 400]], dtype=torch.int16)
    """
    numbers = [y for y in operands if not isinstance(y, Tensor)]
    views = torch.broadcast_tensors(x, *operands[: len(operands) - len(numbers)])  # type: ignore[no-untyped-call]
    result = torch.empty(views[0].shape, dtype=dtype, device=x.device)
    _fill(result, lambda *parts: compute(*parts, *numbers), views)
    return result


def _fill(result: Tensor, compute: Callable[..., Tensor], tensors: Sequence[Tensor]) -> None:
    if result.numel() <= PIECE or result.device.type != "cpu":  # a GPU is slower with many small pieces
        result.copy_(compute(*tensors))
        return
    axis = next(i for i, length in enumerate(result.shape) if length > 1)  # so that pieces lie together in memory
    length = max(1, PIECE * result.shape[axis] // result.numel())
    parts = [tensor.split(length, axis) for tensor in (result, *tensors)]  # type: ignore[no-untyped-call]
    for piece, *operands in zip(*parts, strict=True):
        _fill(piece, compute, operands)
