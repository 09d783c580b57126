"""Six ways to drop a fraction: of floats (before they are integers) and of integers (a right shift)."""

from collections.abc import Callable

import torch
from torch import Tensor

from qtutor.kernels.checks import require_integers
from qtutor.qparams import whole_number


def _half(x: Tensor, up_from: Callable[[Tensor], Tensor], down_from: Callable[[Tensor], Tensor]) -> Tensor:
    """Truncate, then step away where the fraction asks for it. x - trunc(x) is exact; x + 0.5 is not (0.49999997)."""
    whole = torch.trunc(x)
    fraction = x - whole
    return whole + up_from(fraction).to(x.dtype) - down_from(fraction).to(x.dtype)


FLOAT_ROUNDINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "half_even": torch.round_,
    "half_up": lambda x: _half(x, lambda f: f >= 0.5, lambda f: f < -0.5),
    "half_away": lambda x: _half(x, lambda f: f >= 0.5, lambda f: f <= -0.5),
    "floor": torch.floor_,
    "ceil": torch.ceil_,
    "toward_zero": torch.trunc_,
}

# A shift keeps the floor; each rule says where one more is due, from what was dropped: `rest` against `half`.
SHIFT_ROUNDINGS: dict[str, Callable[[Tensor, Tensor, Tensor | int], Tensor]] = {
    "half_even": lambda floor, rest, half: (rest > half) | ((rest == half) & (floor & 1).bool()),
    "half_up": lambda floor, rest, half: rest >= half,
    "half_away": lambda floor, rest, half: (rest > half) | ((rest == half) & (floor >= 0)),
    "floor": lambda floor, rest, half: torch.zeros_like(rest, dtype=torch.bool),
    "ceil": lambda floor, rest, half: rest > 0,
    "toward_zero": lambda floor, rest, half: (rest > 0) & (floor < 0),
}

ROUNDINGS = tuple(FLOAT_ROUNDINGS)


def require_rounding(rounding: str) -> str:
    """Return the name where it is one of ROUNDINGS; raise ValueError where not.

    >>> require_rounding("half_up")
    'half_up'
    """
    if rounding not in ROUNDINGS:
        raise ValueError(f"rounding {rounding!r} is no name of a rounding here: use one of {', '.join(ROUNDINGS)}.")
    return rounding


def round_floats(x: Tensor, rounding: str = "half_even") -> Tensor:
    """Return x rounded to whole numbers, exactly, still a float tensor of the same dtype; x may be overwritten.

    >>> round_floats(torch.tensor([0.5, 1.5, -2.5]), "half_even").tolist()
    [0.0, 2.0, -2.0]
    """
    return FLOAT_ROUNDINGS[require_rounding(rounding)](x)


WHOLE = 1.5 * 2**23  # floats of this size hold no fraction, and lie one integer apart


def half_even_bits(x: Tensor) -> Tensor:
    """Return int32 whose low byte is that of x rounded half to even, where |x| <= 2**22; x, float32, is overwritten.

    A sum is rounded half to even itself, and its low bits are the integer's: two passes over x in one.

    >>> half_even_bits(torch.tensor([0.5, 1.5, -2.5])).to(torch.int8).tolist()
    [0, 2, -2]
    """
    return x.add_(WHOLE).view(torch.int32)


def rounding_right_shift(x: Tensor, shift: int | Tensor, rounding: str = "half_even") -> Tensor:
    """Return x / 2**shift, rounded once: what a shifter with a rounding adder gives.

    x         integer tensor, any shape
    shift     0 … 62; or an integer tensor of them, one a channel for example, that broadcasts to the shape of x
    rounding  half_even, half_up, half_away, floor (a bare `>>`), ceil, toward_zero
    returns   same shape and dtype
    raises    TypeError for floats; ValueError for another shift or rounding
    source    two's complement; gemmlowp's RoundingDivideByPOT is half_away

    >>> rounding_right_shift(torch.tensor([1, 3, 5, -1]), 1).tolist(), (torch.tensor([1, 3, 5, -1]) >> 1).tolist()
    ([0, 2, 2, 0], [0, 1, 2, -1])
    """
    require_integers(x)
    require_rounding(rounding)
    wide = x.to(torch.int64)
    bits = checked_shift(shift, x)
    floor = wide >> bits
    half = (1 << bits) >> 1  # 0 where nothing is dropped
    rest = wide - (floor << bits)
    up = SHIFT_ROUNDINGS[rounding](floor, rest, half) & (rest != 0)
    return (floor + up).to(x.dtype)


def checked_shift(shift: int | Tensor, x: Tensor) -> int | Tensor:
    """Return a shift of 0 … 62, or an int64 tensor of them that broadcasts to the shape of x, which is shifted.

    >>> checked_shift(3, torch.tensor([7]))
    3
    """
    if not isinstance(shift, Tensor):
        return _require_shift(whole_number(shift, "shift"))
    if not _broadcasts_to(require_integers(shift, "shift"), x):
        raise ValueError(
            f"shift of shape {tuple(shift.shape)} does not broadcast to x of shape {tuple(x.shape)}: "
            "give one number, or one a channel with the other dimensions 1."
        )
    for end in torch.aminmax(shift) if shift.numel() else ():
        _require_shift(int(end))
    return shift.to(torch.int64)  # 1 << 40 would leave an int32


def _require_shift(bits: int) -> int:
    if not 0 <= bits <= 62:
        nearest = min(max(bits, 0), 62)
        raise ValueError(f"shift {bits} is outside 0 … 62, what a 64-bit register can lose: use {nearest}.")
    return bits


def _broadcasts_to(shift: Tensor, x: Tensor) -> bool:
    tail = x.shape[x.dim() - shift.dim() :]
    return shift.dim() <= x.dim() and all(n in (1, m) for n, m in zip(shift.shape, tail, strict=True))


def rounded_quotient(x: Tensor, divisor: int, rounding: str = "half_even") -> Tensor:
    """Return x / divisor (a whole number above 0), rounded once, in int64: the mean of integers, for example.

    >>> rounded_quotient(torch.tensor([4, 5, -5]), 3).tolist()
    [1, 2, -2]
    """
    require_rounding(rounding)
    wide = require_integers(x).to(torch.int64)
    floor = torch.div(wide, divisor, rounding_mode="floor")
    rest = wide - floor * divisor
    return floor + (SHIFT_ROUNDINGS[rounding](floor, 2 * rest, divisor) & (rest != 0))
