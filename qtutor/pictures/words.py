"""How pictures and explorers write numbers, bits and formats in words: the same everywhere."""

from collections.abc import Sequence

import torch

from qtutor.kernels.checks import require_integers
from qtutor.qparams import int_range


def number(value: float) -> str:
    """Return a number as prose writes it: six digits at most, a true minus sign, no exponent where none is needed.

    >>> number(-0.5), number(3.0), number(0.10000000149011612), number(-0.0)
    ('−0.5', '3', '0.1', '0')
    """
    return f"{value + 0.0:.6g}".replace("-", "−")


def signed_number(value: float) -> str:
    """Return a number with its sign, as an error or a shift is read.

    >>> signed_number(16), signed_number(-1), signed_number(0)
    ('+16', '−1', '0')
    """
    return f"+{number(value)}" if value > 0 else number(value)


def listed(values: Sequence[float], most: int = 16) -> str:
    """Return numbers in a row; of more than `most` only the ends of their range.

    >>> listed([-8, -3, 2]), listed(range(100)), listed([])
    ('−8, −3, 2', 'from 0 to 99', 'none')
    """
    if not len(values):
        return "none"
    if len(values) > most:
        return f"from {number(min(values))} to {number(max(values))}"
    return ", ".join(number(v) for v in values)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, and the noun in the plural where it is not one.

    >>> counted(1, "value"), counted(1089, "pair")
    ('1 value', '1,089 pairs')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def format_name(bit_width: int, signed: bool) -> str:
    """Return a format as it is spoken.

    >>> format_name(4, True), format_name(1, False)
    ('4 bits signed', '1 bit unsigned')
    """
    return f"{counted(bit_width, 'bit')} {'signed' if signed else 'unsigned'}"


def bit_pattern(value: int, bit_width: int) -> str:
    """Return the bits that a register of this width holds for value (two's complement where it is negative).

    raises   ValueError for a value that no register of this width holds, signed or unsigned

    >>> bit_pattern(-8, 4), bit_pattern(7, 4), bit_pattern(15, 4)
    ('1000', '0111', '1111')
    """
    low, high = int_range(bit_width, True)[0], int_range(bit_width, False)[1]
    if not low <= value <= high:
        raise ValueError(
            f"{value} is outside [{low}, {high}], what {counted(bit_width, 'bit')} can mean: saturate or wrap it."
        )
    return f"{value % 2**bit_width:0{bit_width}b}"


def integers(q: torch.Tensor) -> list[int]:
    """Return the values of an integer tensor, flat, as Python ints; raise TypeError for floats.

    >>> integers(torch.tensor([[1, 2]]))
    [1, 2]
    """
    return [int(v) for v in require_integers(q).flatten().tolist()]
