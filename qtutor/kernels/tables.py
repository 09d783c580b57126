"""Long tensors of bytes: all 65,536 pairs are computed once, and each result is looked up, which takes less time."""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from qtutor.kernels.pieces import in_pieces
from qtutor.qparams import QParams

BYTE = 256
Kernel = Callable[[Tensor, QParams, Tensor, QParams, QParams], Tensor]


def by_table(kernel: Kernel, a: Tensor, a_qparams: QParams, b: Tensor, b_qparams: QParams, out: QParams) -> Tensor:
    """Return kernel(a, a_qparams, b, b_qparams, out), for a kernel that treats each pair of elements by itself.

    >>> def total(a, a_qparams, b, b_qparams, out):
    ...     return (a.int() + b.int()).to(out.dtype)
    >>> long, q = torch.full((BYTE, BYTE), -3, dtype=torch.int8), QParams(1.0)
    >>> by_table(total, long, q, torch.tensor([5], dtype=torch.uint8), q, q).unique()
    tensor([2], dtype=torch.int8)
    """
    bytes_only = a.itemsize == b.itemsize == 1
    if not bytes_only or max(a.numel(), b.numel()) < BYTE**2 or a.device.type != "cpu":  # a GPU computes sooner
        return kernel(a, a_qparams, b, b_qparams, out)
    table = _all_pairs(kernel, a.dtype, a_qparams, b.dtype, b_qparams, out)

    def look_up(piece: Tensor, places: Tensor, high: Tensor, low: Tensor, a: Tensor, b: Tensor) -> None:
        pairs = low.copy_(b).add_(high.copy_(a), alpha=BYTE)  # 16 bits, twice as many at once as 32
        torch.index_select(table, 0, places.copy_(pairs.view(torch.uint16)).view(-1), out=piece.view(-1))

    registers = [torch.int32, torch.int16, torch.int16]
    return in_pieces(look_up, table.dtype, registers, a.view(torch.uint8), b.view(torch.uint8))


@lru_cache(maxsize=16)  # a network computes in the same formats again and again
def _all_pairs(
    kernel: Kernel, a_dtype: torch.dtype, a_qparams: QParams, b_dtype: torch.dtype, b_qparams: QParams, out: QParams
) -> Tensor:
    """Return the results of all pairs of bytes, that of (a, b) at 256 a + b, both read as they lie in memory."""
    every = torch.arange(BYTE, dtype=torch.uint8, device="cpu")
    return kernel(every.view(a_dtype).reshape(-1, 1), a_qparams, every.view(b_dtype), b_qparams, out).flatten()
