"""The inputs of the table: whole domains where they fit."""

import numpy
import torch

FLOAT16 = torch.arange(2**16, dtype=torch.int32).to(torch.int16).view(torch.float16)
EVERY_FLOAT16 = FLOAT16[torch.isfinite(FLOAT16)]
EVERY = EVERY_FLOAT16.to(torch.float32)
POWERS_OF_TWO = (1.0, 0.5, 2.0**-10, 8.0)
SCALES = (*POWERS_OF_TWO, 0.1, 0.3, 1 / 3, 0.007, 3.7, 100.0)
PITFALL = torch.tensor([0.5, 1.5, 2.5, -0.5])  # at scale 1, zero point 1: four answers


def every_pair(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """All 65,536 pairs of 8-bit integers, as two tensors."""
    info = torch.iinfo(dtype)
    axis = torch.arange(info.min, info.max + 1)
    pairs = torch.cartesian_prod(axis, axis).to(dtype)
    return pairs[:, 0].contiguous(), pairs[:, 1].contiguous()


def zero_points(low: int, high: int, odd: bool = True) -> tuple[int, ...]:
    """The ends of a format, its middle and small numbers; without the odd ones where asked."""
    found = sorted({low, 0, 1, 2, 3, (low + high + 1) // 2, high - 1, high})
    return tuple(z for z in found if odd or z % 2 == 0)


def seeded(shape: tuple[int, ...], dtype: str, seed: int) -> torch.Tensor:
    """Integers of the whole dtype, the same on every machine, the first row all lowest and the second all highest."""
    info = numpy.iinfo(dtype)
    words = numpy.random.Generator(numpy.random.PCG64(seed)).integers(info.min, info.max + 1, shape).astype(dtype)
    words[0], words[1] = info.min, info.max
    return torch.from_numpy(words)
