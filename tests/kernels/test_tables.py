"""Long tensors of bytes are looked up: the integers are those that a short tensor is given, in every order and layout."""

from fractions import Fraction
from functools import cache
from itertools import product

import pytest
import torch
from exact import stored

import qtutor

DTYPES = (torch.int8, torch.uint8)
BYTES = list(product(range(256), repeat=2))


def formats(lib, a_dtype, b_dtype):
    a, b = (lib.QParams(1.0, 3, 8, signed=dtype == torch.int8) for dtype in (a_dtype, b_dtype))
    return a, b, lib.QParams(2.0, -5, 8)


@cache
def half(steps, zero_point):
    return stored(Fraction(steps, 2), qtutor.QParams(2.0, zero_point, 8))


@pytest.mark.parametrize(("a_dtype", "b_dtype"), list(product(DTYPES, DTYPES)))
def test_all_pairs_in_any_order_are_looked_up_as_they_are_computed(a_dtype, b_dtype, lib):
    a_format, b_format, out = formats(lib, a_dtype, b_dtype)
    order = torch.randperm(3 * 2**16, generator=torch.Generator().manual_seed(0)) % 2**16
    a, b = (torch.tensor(column, dtype=torch.uint8)[order] for column in zip(*BYTES, strict=True))
    a, b = a.view(a_dtype), b.view(b_dtype)
    pairs = list(zip(a.tolist(), b.tolist(), strict=True))
    assert lib.add(a, a_format, b, b_format, out).tolist() == [half(x - 3 + y - 3, -5) for x, y in pairs]
    assert lib.multiply(a, a_format, b, b_format, out).tolist() == [half((x - 3) * (y - 3), -5) for x, y in pairs]


@pytest.mark.parametrize("kernel", [qtutor.add, qtutor.multiply])
@pytest.mark.parametrize("bit_width", [8, 20])
def test_strided_and_broadcast_tensors_are_looked_up_too(kernel, bit_width):
    a_format, b_format, _ = formats(qtutor, torch.int8, torch.uint8)
    out = qtutor.QParams(2.0, -5, bit_width)
    a = torch.arange(-128, 128, dtype=torch.int8).repeat(300, 2)[:, ::2].t()
    b = torch.arange(300).to(torch.uint8)
    short = torch.stack([kernel(row, a_format, b, b_format, out) for row in a])
    long = kernel(a, a_format, b, b_format, out)
    assert a.numel() >= 2**16
    assert torch.equal(long, short)
    assert long.dtype == out.dtype


@pytest.mark.parametrize("kernel", [qtutor.add, qtutor.multiply])
def test_a_long_tensor_with_an_integer_outside_its_format_is_refused(kernel):
    four = qtutor.QParams(1.0, bit_width=4)
    a = torch.zeros(2**16, dtype=torch.int8)
    a[-1] = 8
    with pytest.raises(ValueError, match=r"holds 8, outside \[-8, 7\]"):
        kernel(a, four, a, four, four)
