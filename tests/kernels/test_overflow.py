"""saturate and wrap against Python integers: every width from 1 to 8, every input to four turns on both sides."""

import pytest
import torch

from qtutor import saturate, wrap

FORMATS = [(bits, signed) for bits in range(1, 9) for signed in (False, True)]


def kept_bits(x: int, bits: int, signed: bool) -> int:
    """The low bits of x as written out, read back as a signed or an unsigned number: text, no arithmetic of ours."""
    written = format(x & (2**64 - 1), "064b")[-bits:]
    return int(written, 2) - (2**bits if signed and written[0] == "1" else 0)


def nearest(x: int, bits: int, signed: bool) -> int:
    """The representable value that is nearest to x, by search."""
    return min((kept_bits(p, bits, signed) for p in range(2**bits)), key=lambda value: abs(value - x))


@pytest.mark.parametrize(("bits", "signed"), FORMATS)
@pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.int64])
def test_wrap_keeps_the_low_bits(bits, signed, dtype):
    every = torch.arange(-4 * 2**bits, 4 * 2**bits + 1).to(dtype)
    assert wrap(every, bits, signed).tolist() == [kept_bits(x, bits, signed) for x in every.tolist()]


@pytest.mark.parametrize(("bits", "signed"), FORMATS)
def test_saturate_gives_the_nearest_value_that_the_format_holds(bits, signed):
    every = torch.arange(-2 * 2**bits, 2 * 2**bits + 1, dtype=torch.int32)
    assert saturate(every, bits, signed).tolist() == [nearest(x, bits, signed) for x in every.tolist()]


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8])
@pytest.mark.parametrize(("bits", "signed"), FORMATS)
def test_an_8_bit_input_is_widened_before_it_is_compared(dtype, bits, signed):
    every = torch.arange(-128, 128).to(torch.int8) if dtype == torch.int8 else torch.arange(256).to(torch.uint8)
    assert saturate(every, bits, signed).tolist() == [nearest(x, bits, signed) for x in every.tolist()]
    assert wrap(every, bits, signed).tolist() == [kept_bits(x, bits, signed) for x in every.tolist()]


def test_the_ends_of_int64_and_of_32_bits_are_kept_exact():
    ends = torch.tensor([-(2**63), 2**63 - 1, 2**31, 2**32, -(2**31) - 1])
    for signed in (False, True):
        assert wrap(ends, 32, signed).tolist() == [kept_bits(x, 32, signed) for x in ends.tolist()]
    assert saturate(ends, 32, True).tolist() == [-(2**31), 2**31 - 1, 2**31 - 1, 2**31 - 1, -(2**31)]
    assert saturate(ends, 32, False).tolist() == [0, 2**32 - 1, 2**31, 2**32 - 1, 0]


def test_narrow_range_stops_one_short_of_the_lowest():
    assert saturate(torch.tensor([-9, 9]), 4, True, narrow_range=True).tolist() == [-7, 7]
    assert saturate(torch.tensor([-9, 99]), 4, False, narrow_range=True).tolist() == [0, 14]


def test_the_result_has_the_formats_container_dtype_and_the_shape_of_the_input():
    x = torch.zeros(2, 3, dtype=torch.int64)
    for kernel in (saturate, wrap):
        assert kernel(x, 4, True).dtype == torch.int8
        assert kernel(x, 9, False).dtype == torch.int16
        assert kernel(x, 4, True).shape == (2, 3)
        assert kernel(x[:0], 4, True).shape == (0, 3)


@pytest.mark.parametrize("kernel", [saturate, wrap])
@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (torch.tensor([7.0]), TypeError, "torch.float32.*quantize"),
        ([7, 8], TypeError, "is a list.*torch.tensor"),
        (7, TypeError, "is a int"),
        (torch.tensor([True]), TypeError, "torch.bool.*int32"),
        (torch.tensor([1j]), TypeError, "complex"),
        ("seven", TypeError, "is a str"),
    ],
)
def test_what_is_no_integer_tensor_is_refused_in_a_sentence(kernel, x, error, words):
    with pytest.raises(error, match=words):
        kernel(x, 4, True)


@pytest.mark.parametrize("kernel", [saturate, wrap])
@pytest.mark.parametrize("bits", [0, 33])
def test_a_width_that_no_register_has_is_refused(kernel, bits):
    with pytest.raises(ValueError, match=f"bit_width {bits} .*1 … 32"):
        kernel(torch.tensor([1]), bits, True)
