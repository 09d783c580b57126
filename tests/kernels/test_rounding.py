"""Six roundings, of floats and of shifted integers, against exact fractions and Python's decimal rounding."""

import decimal
from fractions import Fraction

import pytest
import torch

from qtutor import rounding_right_shift
from qtutor.kernels import ROUNDINGS
from qtutor.kernels.rounding import round_floats

DECIMAL = {
    "half_even": decimal.ROUND_HALF_EVEN,
    "half_away": decimal.ROUND_HALF_UP,  # decimal's "up" is away from zero
    "floor": decimal.ROUND_FLOOR,
    "ceil": decimal.ROUND_CEILING,
    "toward_zero": decimal.ROUND_DOWN,
}


def exact(value: Fraction, rounding: str) -> int:
    """The rounded value by the decimal module; half up, which it lacks, is the floor of value + 1/2."""
    if rounding == "half_up":
        return (value + Fraction(1, 2)).__floor__()
    with decimal.localcontext(prec=100):
        number = decimal.Decimal(value.numerator) / decimal.Decimal(value.denominator)
        return int(number.to_integral_value(DECIMAL[rounding]))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("shift", [0, 1, 2, 3, 7, 8, 9])
def test_every_16_bit_integer_is_shifted_and_rounded_once(rounding, shift):
    every = torch.arange(-(2**10), 2**10 + 1) if shift < 7 else torch.arange(-(2**12), 2**12 + 1)
    got = rounding_right_shift(every, shift, rounding)
    assert got.tolist() == [exact(Fraction(x, 2**shift), rounding) for x in every.tolist()]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("shift", [1, 31, 32, 61, 62])
def test_the_ends_of_64_bits_and_their_neighbours(rounding, shift):
    half = 2 ** (shift - 1)
    ends = [-(2**63), -(2**63) + 1, 2**63 - 1, half, -half, half + 1, half - 1, -half - 1, -half + 1, 0, 1, -1]
    ends += [3 * half, -3 * half] if shift < 62 else []
    got = rounding_right_shift(torch.tensor(ends), shift, rounding)
    assert got.tolist() == [exact(Fraction(x, 2**shift), rounding) for x in ends]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32])
def test_the_dtype_stays(rounding, dtype):
    ends = torch.tensor([torch.iinfo(dtype).min, torch.iinfo(dtype).max], dtype=dtype)
    got = rounding_right_shift(ends, 1, rounding)
    assert got.dtype == dtype
    assert got.tolist() == [exact(Fraction(x, 2), rounding) for x in ends.tolist()]


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_floats_are_rounded_exactly_where_adding_a_half_would_not_be(rounding):
    ties = [k / 2 for k in range(-20, 21)]
    hard = [0.49999997, -0.49999997, 0.50000006, 8388607.5, -8388607.5, 8388608.0, 3e38, -3e38, 1e-30, -1e-30]
    x = torch.tensor(ties + hard)
    assert [int(v) for v in round_floats(x.clone(), rounding).tolist()] == [
        exact(Fraction(v), rounding) for v in x.tolist()
    ]


@pytest.mark.parametrize("shift", [-1, 63])
def test_a_shift_outside_0_to_62_is_refused(shift):
    with pytest.raises(ValueError, match=f"shift {shift} .*0 … 62"):
        rounding_right_shift(torch.tensor([1]), shift)


def test_floats_and_unknown_roundings_are_refused():
    with pytest.raises(TypeError, match="float32"):
        rounding_right_shift(torch.tensor([1.0]), 1)
    with pytest.raises(ValueError, match="'nearest'.*half_even, half_up"):
        rounding_right_shift(torch.tensor([1]), 1, "nearest")
    with pytest.raises(ValueError, match="shift 1.5 is no whole number"):
        rounding_right_shift(torch.tensor([1]), 1.5)
