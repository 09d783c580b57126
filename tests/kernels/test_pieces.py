"""Long tensors are computed a piece at a time: whatever the size of a piece, the integers are those of the whole."""

from fractions import Fraction

import pytest
import torch
from exact import stored

from qtutor import FixedPointMultiplier, QParams, add, dequantize, multiply, quantize, requantize
from qtutor.kernels import ROUNDINGS, pieces


@pytest.fixture(params=[1, 2, 5, 7, 23])
def piece(request, monkeypatch):
    """A piece of so many elements of 64 bits, none a divisor of the shapes below; of half as many where two are read."""
    monkeypatch.setattr(pieces, "PIECE", 8 * request.param)


SHAPES = [(97,), (1, 97), (3, 4, 5), (2, 1, 29, 1), (0, 4), ()]


@pytest.mark.usefixtures("piece")
@pytest.mark.parametrize("shape", SHAPES)
def test_requantize_in_pieces(shape):
    accumulators = torch.arange(torch.Size(shape).numel()).reshape(shape) * 5 - 90
    out = QParams(1.0, 3, 6)
    for rounding in ROUNDINGS:
        wanted = [stored(Fraction(a, 4), out, rounding) for a in accumulators.flatten().tolist()]
        for multiplier in (
            FixedPointMultiplier(1, 2),
            FixedPointMultiplier(2**30, 32),
            FixedPointMultiplier(2**30, 32),
        ):
            assert requantize(accumulators, multiplier, out, rounding).flatten().tolist() == wanted
        assert requantize(accumulators, FixedPointMultiplier(1, 2), out, rounding).shape == shape


@pytest.mark.usefixtures("piece")
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("late", [0, 50])
def test_channels_in_pieces(axis, late):
    """`late` adds to the shifts what only a 64-bit register holds."""
    accumulators = torch.arange(3 * 4 * 5).reshape(3, 4, 5) * 5 - 90
    mantissas, shifts = tuple(2**n for n in range(accumulators.shape[axis])), (2 + late,) * accumulators.shape[axis]
    multiplier = FixedPointMultiplier(mantissas, shifts, axis)
    out, wide = QParams(1.0, 3, 6), accumulators << late
    got = requantize(wide, multiplier, out)
    for channel, mantissa in enumerate(mantissas):
        part = accumulators.select(axis, channel).flatten().tolist()
        assert got.select(axis, channel).flatten().tolist() == [stored(Fraction(a * mantissa, 4), out) for a in part]


@pytest.mark.usefixtures("piece")
@pytest.mark.parametrize(
    ("shape_a", "shape_b"), [((13, 1), (1, 9)), ((97,), (97,)), ((3, 1, 5), (4, 1)), ((1,), (31,)), ((0, 3), (3,))]
)
def test_two_operands_that_broadcast_in_pieces(shape_a, shape_b):
    q, out = QParams(0.5, 1, 8), QParams(1.0, -1, 8)
    a, b = ((torch.arange(torch.Size(s).numel()) * 7 % 256 - 128).to(torch.int8).reshape(s) for s in (shape_a, shape_b))
    pairs = [(x, y) for x, y in zip(*(t.flatten().tolist() for t in torch.broadcast_tensors(a, b)), strict=True)]
    products = [stored(Fraction((x - 1) * (y - 1), 4), out) for x, y in pairs]
    sums = [stored(Fraction(x - 1 + y - 1, 2), out) for x, y in pairs]
    assert multiply(a, q, b, q, out).flatten().tolist() == products
    assert add(a, q, b, q, out).flatten().tolist() == sums
    assert multiply(a, q, b, q, out).shape == torch.broadcast_shapes(shape_a, shape_b)


@pytest.mark.usefixtures("piece")
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_floats_in_pieces(axis):
    x = (torch.arange(3.0 * 4 * 5) - 30).reshape(3, 4, 5) / 4
    count = x.shape[axis]
    q = QParams(tuple(2.0**-n for n in range(count)), tuple(range(count)), 8, axis=axis)
    integers = quantize(x, q)
    for n in range(count):
        alone, part = QParams(2.0**-n, n, 8), x.select(axis, n).flatten().tolist()
        wanted = [stored(Fraction(value) * 2**n, alone) for value in part]
        assert integers.select(axis, n).flatten().tolist() == wanted
        reals = dequantize(integers, q).select(axis, n).flatten().tolist()
        assert reals == [(stored_ - n) / 2**n for stored_ in wanted]


def test_a_tensor_longer_than_a_piece_is_split_and_whole_again():
    size = 2 * pieces.PIECE + 3
    accumulators = torch.arange(-size // 2, size - size // 2)
    got = requantize(accumulators, FixedPointMultiplier(1, 1), QParams(1.0, 0, 32))
    wanted = torch.round(accumulators.double() / 2)  # a half is exact, and torch.round is half to even
    assert torch.equal(got.double(), wanted)
    strided = torch.stack([accumulators, -accumulators], 1)[:, 0]
    assert torch.equal(requantize(strided, FixedPointMultiplier(1, 1), QParams(1.0, 0, 32)), got)
