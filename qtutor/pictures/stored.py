"""What becomes of given values in a format: the facts that the number line, the staircase and the explorer show."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from qtutor.pictures.words import format_name, number
from qtutor.qparams import QParams
from qtutor.quantization import dequantize, quantize


@dataclass(frozen=True)
class Stored:
    """Given values and what a format keeps of them: real, integer and saturated have one entry a value."""

    given: list[float]
    integer: list[int]
    real: list[float]
    saturated: list[bool]

    @property
    def largest_error(self) -> float:
        return max((abs(g - r) for g, r in zip(self.given, self.real, strict=True)), default=0.0)


def store(x: Tensor, qparams: QParams) -> Stored:
    """Return what the kernels make of x. A value saturates where 32 bits would have kept another integer.

    x         float32 tensor, any shape, in real units
    qparams   per-tensor, at most 31 bits
    raises    as `quantize`; ValueError for per-channel parameters

    >>> store(torch.tensor([0.5, 9.0]), QParams(scale=1.0, bit_width=4))
    Stored(given=[0.5, 9.0], integer=[0, 7], real=[0.0, 7.0], saturated=[False, True])
    """
    one_scale(qparams)
    x = x.flatten()
    q = quantize(x, qparams)
    unlimited = quantize(x, replace(qparams, bit_width=32, signed=True, narrow_range=False))
    return Stored(x.tolist(), q.tolist(), dequantize(q, qparams).tolist(), (q.to(torch.int64) != unlimited).tolist())


def one_scale(qparams: QParams) -> tuple[float, int]:
    """Return scale and zero point of per-tensor parameters; raise ValueError for per-channel ones.

    >>> one_scale(QParams(scale=0.5, zero_point=3))
    (0.5, 3)
    """
    if isinstance(qparams.scale, tuple) or isinstance(qparams.zero_point, tuple):
        raise ValueError(
            "these parameters hold one scale a channel and a picture shows one: draw the channels one by one."
        )
    return qparams.scale, qparams.zero_point


def reach(qparams: QParams) -> tuple[float, float]:
    """Return the lowest and the highest real number that the format holds.

    >>> reach(QParams(scale=0.5, bit_width=4))
    (-4.0, 3.5)
    """
    one_scale(qparams)
    low, high = dequantize(torch.tensor([qparams.int_min, qparams.int_max]), qparams).tolist()
    return low, high


def grid(qparams: QParams, low: float, high: float, most: int = 512) -> list[float]:
    """Return the format's real numbers between low and high, ends included; none where they are more than `most`.

    >>> grid(QParams(scale=0.5, bit_width=4), -1, 1)
    [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    scale, zero_point = one_scale(qparams)
    first, last = (int(q) for q in quantize(torch.tensor([low, high], dtype=torch.float32), qparams))
    if last - first >= most:
        return []
    points = dequantize(torch.arange(first, last + 1), qparams).tolist()
    return [p for p in points if low <= p <= high]


def format_title(qparams: QParams) -> str:
    """Return a format as the title of a picture.

    >>> format_title(QParams(scale=0.5, zero_point=1, bit_width=4))
    '4 bits signed, scale 0.5, zero point 1'
    """
    scale, zero_point = one_scale(qparams)
    return f"{format_name(qparams.bit_width, qparams.signed)}, scale {number(scale)}, zero point {number(zero_point)}"
