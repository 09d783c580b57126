"""Long tensors, a piece at a time, in registers that are used again: intermediates stay in the processor's cache."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

PIECE = 2**20  # bytes of all registers together: so much a core's second cache holds


def in_pieces(
    fill: Callable[..., object], dtype: torch.dtype, registers: Sequence[torch.dtype], *operands: Any
) -> Tensor:
    """Return a tensor of dtype, of which fill(piece, *registers, *operands) writes each piece, element by element.

    registers  the dtypes of tensors of the piece's shape that fill gets for its intermediates, whatever they hold. To
               allocate them anew for each piece would take longer than to compute with them
    operands   tensors of shapes that broadcast, then numbers, or tensors of one: fill gets these as they are

    >>> def product(piece, wide, a, b):
    ...     piece.copy_(wide.copy_(a).mul_(b))
    >>> in_pieces(product, torch.int16, [torch.int64], torch.tensor([[1], [2]]), torch.tensor([100, 200]))
    tensor([[100, 200],
            [200, 400]], dtype=torch.int16)
    """
    shaped = [y for i, y in enumerate(operands) if i == 0 or (isinstance(y, Tensor) and y.dim())]
    numbers = operands[len(shaped) :]
    if any(y.shape != shaped[0].shape for y in shaped):
        shaped = torch.broadcast_tensors(*shaped)  # type: ignore[no-untyped-call]
    result = torch.empty(shaped[0].shape, dtype=dtype, device=shaped[0].device)
    rooms: list[Tensor] = []

    def fill_one(piece: Tensor, *parts: Tensor) -> None:
        if not rooms:  # the first piece is the largest
            rooms.extend(torch.empty_like(piece, dtype=register) for register in registers)
        fill(piece, *(_shaped(room, piece) for room in rooms), *parts, *numbers)

    size = PIECE // sum(register.itemsize for register in registers or [dtype])
    _each_piece(fill_one, max(size, 1), result, *shaped)
    return result


def _shaped(room: Tensor, piece: Tensor) -> Tensor:
    return room if room.shape == piece.shape else room.flatten()[: piece.numel()].view(piece.shape)


def _each_piece(fill: Callable[..., None], size: int, result: Tensor, *tensors: Tensor) -> None:
    if result.numel() <= size or result.device.type != "cpu":  # a GPU takes all at once
        fill(result, *tensors)
        return
    axis = next(i for i, length in enumerate(result.shape) if length > 1)  # so that pieces lie together in memory
    length = max(1, size * result.shape[axis] // result.numel())
    count = -(-result.shape[axis] // length)
    for parts in zip(*(t.chunk(count, axis) for t in (result, *tensors)), strict=True):
        _each_piece(fill, size, *parts)
