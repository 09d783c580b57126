"""Formats: ranges and sums against a search over all integers; every refusal names the value, the rule and the way out."""

import math
from dataclasses import FrozenInstanceError
from fractions import Fraction

import pytest
import torch

from qtutor import QParams, int_range, sum_format


def holds(bits: int, signed: bool, value: int) -> bool:
    """Whether a register of these bits can be read as value: by listing its bit patterns, not by a formula for the ends."""
    patterns = range(2**bits)
    return value in ((p - 2**bits if p >> (bits - 1) else p) for p in patterns) if signed else value in patterns


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", range(1, 9))
def test_the_range_is_the_set_of_values_that_the_bit_patterns_stand_for(bits, signed):
    low, high = int_range(bits, signed)
    assert [v for v in range(-300, 300) if holds(bits, signed, v)] == list(range(low, high + 1))


def test_narrow_range_drops_the_lowest_if_signed_and_the_highest_if_unsigned():
    assert int_range(4, True, narrow_range=True) == (-7, 7)
    assert int_range(4, False, narrow_range=True) == (0, 14)
    assert int_range(1, True) == (-1, 0)
    with pytest.raises(ValueError, match="narrow_range.*bit_width=2"):
        int_range(1, True, narrow_range=True)


@pytest.mark.parametrize("bits", [0, 33, -1])
def test_a_width_outside_1_to_32_is_refused_with_the_nearest(bits):
    nearest = 1 if bits < 1 else 32
    with pytest.raises(ValueError, match=rf"bit_width {bits} .*1 … 32.*use {nearest}"):
        int_range(bits, True)
    with pytest.raises(ValueError, match=f"bit_width {bits} "):
        QParams(0.1, bit_width=bits)


FORMATS = [(bits, signed) for bits in range(1, 9) for signed in (False, True)]


def by_search(a: tuple[int, bool], b: tuple[int, bool]) -> tuple[int, bool]:
    """The narrowest format that holds every sum of two values, found by trying: unsigned first where it can be."""
    sums = {x + y for x in range(*_ends(a)) for y in range(*_ends(b))}
    for bits in range(1, 12):
        for signed in (False, True):
            low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
            if low <= min(sums) and max(sums) <= high:
                return bits, signed
    raise AssertionError("no format to 11 bits holds the sum")


def _ends(form: tuple[int, bool]) -> tuple[int, int]:
    bits, signed = form
    return (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)


def test_sum_format_is_the_narrowest_that_holds_every_sum_for_all_256_pairs():
    wrong = [(a, b) for a in FORMATS for b in FORMATS if sum_format(*a, *b) != by_search(a, b)]
    assert wrong == []


@pytest.mark.parametrize("flag", ["signed", None, 2, 0.0])
def test_a_flag_is_true_or_false(flag):
    with pytest.raises(TypeError, match="signed .* pass True or False"):
        int_range(4, flag)
    with pytest.raises(TypeError, match="narrow_range .* pass True or False"):
        int_range(4, True, flag)


def test_sum_format_of_the_widest_operands_is_given_though_no_register_here_holds_it():
    assert sum_format(32, True, 32, True) == (33, True)
    assert sum_format(32, False, 32, True) == (34, True)


def test_scale_is_the_float32_that_every_runtime_holds():
    assert QParams(0.1).scale == torch.tensor(0.1).item() != 0.1
    assert QParams((0.1, 0.2), axis=0).scale == tuple(torch.tensor([0.1, 0.2]).tolist())
    assert QParams(0.1) == QParams(0.1, zero_point=0)
    assert len({QParams(0.1), QParams(0.1)}) == 1


@pytest.mark.parametrize(
    ("bits", "signed", "dtype"),
    [
        (1, True, torch.int8), (8, True, torch.int8), (8, False, torch.uint8), (9, True, torch.int16), (9, False, torch.int16),
        (15, False, torch.int16), (16, True, torch.int16), (16, False, torch.int32), (17, True, torch.int32),
        (31, False, torch.int32), (32, True, torch.int32), (32, False, torch.int64),
    ],
)  # fmt: skip
def test_the_container_is_the_smallest_dtype_that_holds_the_format(bits, signed, dtype):
    q = QParams(1.0, bit_width=bits, signed=signed)
    assert q.dtype == dtype
    assert torch.iinfo(dtype).min <= q.int_min
    assert q.int_max <= torch.iinfo(dtype).max


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"scale": 0.0}, ValueError, "scale 0.0 .*above 0.*use"),
        ({"scale": -0.5}, ValueError, "scale -0.5 .*above 0"),
        ({"scale": math.nan}, ValueError, "scale nan .*finite"),
        ({"scale": math.inf}, ValueError, "scale inf .*finite"),
        ({"scale": 1e-60}, ValueError, "scale 1e-60 leaves float32"),
        ({"scale": 1e60}, ValueError, "scale 1e.60 leaves float32"),
        ({"scale": "0.1"}, TypeError, "scale '0.1' is a str"),
        ({"scale": torch.tensor(0.1)}, TypeError, "is a Tensor.*Python float"),
        ({"scale": True}, TypeError, "scale True is a bool"),
        ({"zero_point": 2.5}, ValueError, "zero_point 2.5 is no whole number.*2 and 3"),
        ({"zero_point": math.nan}, ValueError, "zero_point nan"),
        ({"scale": 10**400}, ValueError, "scale inf .*finite"),
        ({"zero_point": Fraction(10**400)}, ValueError, "zero_point inf is not finite"),
        ({"zero_point": torch.tensor(True)}, TypeError, r"zero_point tensor\(True\) is a Tensor"),
        ({"zero_point": "3"}, TypeError, "zero_point '3' is a str"),
        ({"zero_point": 15, "bit_width": 4}, ValueError, r"zero_point 15 is outside \[-8, 7\].*4 signed bits.*Use 7"),
        ({"zero_point": -1, "signed": False}, ValueError, r"zero_point -1 is outside \[0, 255\].*Use 0"),
        ({"zero_point": -8, "bit_width": 4, "narrow_range": True}, ValueError, r"outside \[-7, 7\].*Use -7"),
        ({"bit_width": 7.5}, ValueError, "bit_width 7.5 is no whole number.*7 and 8"),
        ({"bit_width": "8"}, TypeError, "bit_width '8' is a str"),
        ({"bit_width": True}, TypeError, "bit_width True is a bool"),
        ({"signed": "yes"}, TypeError, "signed 'yes' is a str"),
        ({"scale": (0.1, 0.2)}, ValueError, "axis is None"),
        ({"axis": 0}, ValueError, "axis 0 asks for a tuple"),
        ({"scale": (), "axis": 0}, ValueError, "empty tuple"),
        ({"scale": (0.1, 0.0), "axis": 0}, ValueError, "scale 0.0"),
        ({"scale": (0.1, 0.2), "zero_point": (1, 2, 3), "axis": 0}, ValueError, "2 scales and 3 zero points"),
    ],
)
def test_wrong_fields_are_refused_in_a_sentence(fields, error, words):
    with pytest.raises(error, match=words):
        QParams(**({"scale": 0.1} | fields))


def test_whole_floats_from_brevitas_become_ints_and_nothing_changes_after_that():
    q = QParams(0.1, zero_point=1.0, bit_width=8.0, signed=False)
    assert (q.zero_point, q.bit_width) == (1, 8)
    assert type(q.zero_point) is int
    with pytest.raises(FrozenInstanceError):
        q.zero_point = 2


def test_per_channel_scales_may_share_one_zero_point():
    assert QParams((0.1, 0.2), zero_point=3, axis=1).zero_point == 3
