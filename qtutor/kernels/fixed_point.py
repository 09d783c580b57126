"""A real multiplier as an integer and a shift: the only way in which hardware without floats knows one."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from qtutor.qparams import as_float, whole_number


@dataclass(frozen=True)
class FixedPointMultiplier:
    """The real number mantissa / 2**shift.

    mantissa  int > 0, below 2**31; per-channel: a tuple
    shift     0 … 62; per-channel: a tuple
    axis      None, or the accumulators' channel dimension (-1 for linear, 1 for conv2d)
    raises    TypeError, ValueError for numbers outside these ranges
    source    Jacob et al., CVPR 2018, section 2.2; gemmlowp keeps the same pair with a left shift

    >>> FixedPointMultiplier.from_real(0.375)
    FixedPointMultiplier(mantissa=1610612736, shift=32, axis=None)
    """

    mantissa: int | tuple[int, ...]
    shift: int | tuple[int, ...]
    axis: int | None = None

    def __post_init__(self) -> None:
        for name in ("mantissa", "shift"):
            object.__setattr__(self, name, _whole(getattr(self, name), name))  # frozen; this is its constructor
        object.__setattr__(self, "axis", None if self.axis is None else whole_number(self.axis, "axis"))
        mantissas, shifts = as_tuple(self.mantissa), as_tuple(self.shift)
        per_channel = isinstance(self.mantissa, tuple)
        if per_channel != isinstance(self.shift, tuple) or per_channel != (self.axis is not None):
            raise ValueError(
                "mantissa and shift are tuples exactly where axis names a dimension: give all three or none."
            )
        if len(mantissas) != len(shifts) or not mantissas:
            raise ValueError(f"{len(mantissas)} mantissas and {len(shifts)} shifts: give one of each a channel.")
        for mantissa in mantissas:
            if not 0 < mantissa < 2**31:
                raise ValueError(
                    f"mantissa {mantissa} is outside 1 … 2**31 - 1, what an int32 register holds: move shift."
                )
        for shift in shifts:
            if not 0 <= shift <= 62:
                raise ValueError(
                    f"shift {shift} is outside 0 … 62, what a 64-bit product can lose: use a smaller mantissa."
                )

    @classmethod
    def from_real(
        cls, real: float | Fraction | tuple[float | Fraction, ...], bits: int = 31, axis: int | None = None
    ) -> FixedPointMultiplier:
        """Return the nearest multiplier with a mantissa of `bits` bits (fewer where shift would pass 62).

        real     0 < real < 2**30, or a tuple of them with axis; a Fraction is taken exactly
        bits     1 … 31: mantissa in [2**(bits-1), 2**bits), nearest, ties to even
        raises   ValueError where real is out of range, or so small that the mantissa would be 0
        """
        width = whole_number(bits, "bits")
        if not 1 <= width <= 31:
            raise ValueError(f"bits {width} is outside 1 … 31, the mantissas of an int32 register: use 31.")
        if isinstance(real, tuple):
            pairs = [_nearest(one, width) for one in real]
            return cls(tuple(m for m, _ in pairs), tuple(s for _, s in pairs), axis)
        return cls(*_nearest(real, width), axis)


def as_tuple(value: int | tuple[int, ...]) -> tuple[int, ...]:
    """Return a tuple as it is and one number as a tuple of one.

    >>> as_tuple(3), as_tuple((3, 4))
    ((3,), (3, 4))
    """
    return value if isinstance(value, tuple) else (value,)


def _whole(value: Any, name: str) -> int | tuple[int, ...]:
    if isinstance(value, (tuple, list)):
        return tuple(whole_number(one, name) for one in value)
    return whole_number(value, name)


def _nearest(real: Any, bits: int) -> tuple[int, int]:
    if isinstance(real, bool) or not isinstance(real, numbers.Real):
        raise TypeError(f"real {real!r} is a {type(real).__name__}: pass a float or a Fraction.")
    if not (real > 0 and as_float(real) < 2**30):  # type: ignore[operator]  # NaN is neither
        raise ValueError(
            f"real {as_float(real)} is outside 0 < real < 2**30, what a mantissa and a right shift reach: rescale it."
        )
    exact = Fraction(real if isinstance(real, (int, float, Fraction)) else float(real))  # NumPy's are no rationals
    shift = min(bits - exponent_of(exact), 62)
    mantissa = round(exact * Fraction(2) ** shift)  # Python rounds ties of fractions to even
    if mantissa == 2**bits:  # rounded up to the next power of two
        mantissa, shift = mantissa // 2, shift - 1
    if mantissa == 0:
        raise ValueError(
            f"real {as_float(real)} is no more than 2**-63: with a shift of at most 62 its mantissa is 0; rescale it."
        )
    if shift < 0:
        raise ValueError(
            f"real {real} does not fit {bits} bits without a left shift: use bits={min(bits - shift, 31)}."
        )
    return mantissa, shift


def exponent_of(exact: Fraction) -> int:
    """Return e with 2**(e-1) <= exact < 2**e.

    >>> exponent_of(Fraction(3, 8)), exponent_of(Fraction(1)), exponent_of(Fraction(5))
    (-1, 1, 3)
    """
    e = exact.numerator.bit_length() - exact.denominator.bit_length()
    return e + 1 if exact >= Fraction(2) ** e else e
