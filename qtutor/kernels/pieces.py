"""Long tensors, a piece at a time, in registers that are used again: intermediates stay in the processor's cache."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

PIECE = 2**20  # bytes of all registers together: so much a core's second cache holds


def in_pieces(
    compute: Callable[..., Tensor], dtype: torch.dtype, register: torch.dtype, operands: Sequence[Tensor], *more: Any
) -> Tensor:
    """Return compute(*operands, *more) in dtype, for a compute that treats each element by itself.

    register  the dtype in which compute gets its operands: copies, which it may overwrite. To allocate them anew for
              each piece would take longer than to compute with them
    operands  tensors of shapes that broadcast
    more      tensors that broadcast to them, then numbers: compute gets them as they are, and leaves them so

    >>> in_pieces(lambda a, b: a.mul_(b), torch.int16, torch.int64, (torch.tensor([[1], [2]]), torch.tensor([100, 200])))
    tensor([[100, 200],
            [200, 400]], dtype=torch.int16)
    """
    numbers = [y for y in more if not isinstance(y, Tensor)]
    views = torch.broadcast_tensors(*operands, *more[: len(more) - len(numbers)])  # type: ignore[no-untyped-call]
    result = torch.empty(views[0].shape, dtype=dtype, device=views[0].device)
    size = result.numel()
    if result.device.type == "cpu":  # a GPU takes all at once
        size = min(size, max(1, PIECE // (register.itemsize * len(operands))))
    registers = [torch.empty(size, dtype=register, device=result.device) for _ in operands]

    def fill(piece: Tensor, *parts: Tensor) -> None:
        wide = [r[: piece.numel()].view(piece.shape).copy_(part) for r, part in zip(registers, parts, strict=False)]
        piece.copy_(compute(*wide, *parts[len(wide) :], *numbers))

    _each_piece(fill, size, result, *views)
    return result


def _each_piece(fill: Callable[..., None], size: int, result: Tensor, *tensors: Tensor) -> None:
    if result.numel() <= size:
        fill(result, *tensors)
        return
    axis = next(i for i, length in enumerate(result.shape) if length > 1)  # so that pieces lie together in memory
    length = max(1, size * result.shape[axis] // result.numel())
    for parts in zip(*(t.split(length, axis) for t in (result, *tensors)), strict=True):  # type: ignore[no-untyped-call]
        _each_piece(fill, size, *parts)
