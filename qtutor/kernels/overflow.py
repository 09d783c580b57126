"""What a register does with an integer that it cannot hold: stop at the end, or keep the low bits."""

import torch
from torch import Tensor

from qtutor.kernels.checks import require_integers
from qtutor.qparams import QParams, container_dtype, int_range


def saturate(x: Tensor, bit_width: int, signed: bool, narrow_range: bool = False) -> Tensor:
    """Return x with every value outside the format replaced by the nearest end of it.

    x             integer tensor, any shape
    bit_width     1 … 32, signed or unsigned; narrow_range as in `int_range`
    returns       same shape, the format's container dtype
    raises        TypeError for floats; ValueError for a format that does not exist
    source        ONNX QuantizeLinear ("saturation"); `ap_fixed` AP_SAT

    >>> saturate(torch.tensor([8, 7, -9]), bit_width=4, signed=True)
    tensor([ 7,  7, -8], dtype=torch.int8)
    """
    low, high = int_range(bit_width, signed, narrow_range)
    wide = require_integers(x).to(torch.int64)  # uint8 would take a negative end for 0 without a word
    return wide.clamp(low, high).to(container_dtype(int(bit_width), signed))


def wrap(x: Tensor, bit_width: int, signed: bool) -> Tensor:
    """Return the value that the low bit_width bits of x stand for: what a plain adder leaves in a register.

    x          integer tensor, any shape
    bit_width  1 … 32, read as two's complement where signed
    returns    same shape, the format's container dtype
    raises     TypeError for floats; ValueError for a format that does not exist
    source     two's complement; `ap_fixed` AP_WRAP, its default

    >>> wrap(torch.tensor([8, 7, -9]), bit_width=4, signed=True)
    tensor([-8,  7,  7], dtype=torch.int8)
    """
    low, _ = int_range(bit_width, signed)
    wide = require_integers(x).to(torch.int64)
    low_bits: Tensor = (wide - low) & (
        2 ** int(bit_width) - 1
    )  # counted from the lowest value, so that the sign needs no case
    return (low_bits + low).to(container_dtype(int(bit_width), signed))


def stored(steps: Tensor, zero_point: int, qparams: QParams) -> Tensor:
    """Return steps + zero_point, saturated, in the dtype of steps: clamped before the sum, which could leave int64, to the same result.

    steps  whole numbers, in integers or in floats that hold the format's exactly; overwritten

    >>> stored(torch.tensor([2**63 - 1, -1]), 3, QParams(1.0, 3, bit_width=4))
    tensor([7, 2])
    """
    low, high = qparams.int_min - zero_point, qparams.int_max - zero_point
    steps.clamp_(low, high)
    return steps.add_(zero_point)
