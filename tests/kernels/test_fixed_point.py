"""A real number as mantissa / 2**shift: nearest in fractions, over magnitudes from 2**-63 to 2**30."""

import math
from fractions import Fraction

import numpy
import pytest

from qtutor import FixedPointMultiplier

REALS = [
    *(2.0**e for e in range(-62, 30)),
    *(1.9999999 * 2.0**e for e in range(-60, 29)),
    *(math.pi * 2.0**e for e in range(-50, 28)),
    *(0.1, 0.3, 1 / 3, 0.9999999999, 1.0000000001, 2.0**30 - 1, 2.0**-63 * 1.5),
]


def error(real: float, mantissa: int, shift: int) -> Fraction:
    return abs(Fraction(mantissa, 2**shift) - Fraction(real))


@pytest.mark.parametrize("bits", [1, 2, 8, 16, 31])
def test_no_neighbouring_mantissa_is_nearer_and_the_mantissa_has_its_bits(bits):
    for real in (r for r in REALS if r <= 2**bits - 1):
        m = FixedPointMultiplier.from_real(real, bits)
        assert min(error(real, n, m.shift) for n in (m.mantissa - 1, m.mantissa, m.mantissa + 1)) == error(
            real, m.mantissa, m.shift
        )
        assert 2 ** (bits - 1) <= m.mantissa < 2**bits or m.shift == 62
        assert 0 <= m.shift <= 62


def test_ties_go_to_the_even_mantissa():
    assert (
        FixedPointMultiplier.from_real(Fraction(2**32 - 1, 2**33)).mantissa == 2**30
    )  # rounds up to 2**31, kept as 2**30
    assert FixedPointMultiplier.from_real(Fraction(5, 8), bits=2) == FixedPointMultiplier(2, 2)
    assert FixedPointMultiplier.from_real(Fraction(7, 8), bits=2) == FixedPointMultiplier(2, 1)


def test_small_numbers_get_a_shorter_mantissa_at_the_last_shift():
    assert FixedPointMultiplier.from_real(2.0**-62) == FixedPointMultiplier(1, 62)
    assert FixedPointMultiplier.from_real(2.0**-40) == FixedPointMultiplier(2**22, 62)
    assert FixedPointMultiplier.from_real(2.0**-32) == FixedPointMultiplier(2**30, 62)


def test_a_tuple_gives_tuples_along_an_axis():
    m = FixedPointMultiplier.from_real((0.5, 0.1), axis=1)
    assert (m.mantissa[0], m.shift, m.axis) == (2**30, (31, 34), 1)


@pytest.mark.parametrize("real", [0.0, -0.5, 2.0**30, math.inf, math.nan])
def test_reals_outside_the_reach_are_refused(real):
    with pytest.raises(ValueError, match=r"real .* 0 < real < 2\*\*30"):
        FixedPointMultiplier.from_real(real)


@pytest.mark.parametrize("kind", [numpy.float16, numpy.float32, numpy.float64, numpy.longdouble])
def test_numbers_of_numpy_are_real_numbers(kind):
    assert FixedPointMultiplier.from_real(kind(0.375)) == FixedPointMultiplier.from_real(0.375)


def test_other_refusals_are_sentences():
    for small in (2.0**-64, 2.0**-63, Fraction(1, 10**400)):
        with pytest.raises(ValueError, match=r"no more than 2\*\*-63: .* mantissa is 0"):
            FixedPointMultiplier.from_real(small)
    with pytest.raises(ValueError, match="real inf is outside"):
        FixedPointMultiplier.from_real(10**400)
    with pytest.raises(TypeError, match="real '0.5' is a str"):
        FixedPointMultiplier.from_real("0.5")
    with pytest.raises(ValueError, match="bits 32 .*1 … 31"):
        FixedPointMultiplier.from_real(0.5, bits=32)
    with pytest.raises(ValueError, match="axis"):
        FixedPointMultiplier.from_real((0.5, 0.1))
    with pytest.raises(ValueError, match="without a left shift.*bits=3"):
        FixedPointMultiplier.from_real(5.0, bits=2)
    for mantissa, shift in [(0, 3), (2**31, 3), (5, 63), (5, -1)]:
        with pytest.raises(ValueError, match="outside"):
            FixedPointMultiplier(mantissa, shift)
