"""multiply over all 65,536 pairs of 8-bit values: against Python fractions, and against ONNX Runtime's QLinearMul."""

from fractions import Fraction
from functools import cache

import numpy
import pytest
import torch
from exact import stored
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_runtime import run_operator

from qtutor import QParams, dequantize, multiply, quantize

EVERY = {False: torch.arange(256).to(torch.uint8), True: torch.arange(-128, 128).to(torch.int8)}

GPU = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU, none here")
)


def all_pairs(signed_a: bool, signed_b: bool) -> tuple[torch.Tensor, torch.Tensor]:
    return EVERY[signed_a].repeat_interleave(256), EVERY[signed_b].repeat(256)


def exact_products(x: torch.Tensor, a, y: torch.Tensor, b, out) -> list[int]:
    """The products as fractions, rounded half to even, zero point added, clipped."""
    ratio = Fraction(a.scale) * Fraction(b.scale) / Fraction(out.scale)
    one = cache(lambda steps: stored(steps * ratio, out))
    pairs = zip(x.tolist(), y.tolist(), strict=True)
    return [one((p - a.zero_point) * (q - b.zero_point)) for p, q in pairs]


def qlinear_mul(a: numpy.ndarray, b: numpy.ndarray, scales, zero_points) -> numpy.ndarray:
    """com.microsoft.QLinearMul of two int8 or uint8 arrays; scales and zero points of a, b and the product."""
    arrays = {"a": a, "b": b}
    for key, scale, zero_point in zip("abc", scales, zero_points, strict=True):
        arrays[f"{key}_scale"] = numpy.array(scale, numpy.float32)
        arrays[f"{key}_zero"] = numpy.array(zero_point, a.dtype)
    names = ("a", "a_scale", "a_zero", "b", "b_scale", "b_zero", "c_scale", "c_zero")
    return run_operator("QLinearMul", {name: arrays[name] for name in names}, domain="com.microsoft")


POWERS = [  # scale, zero_point, bit_width, signed, narrow_range of a, of b and of the product
    ((0.5, 3, 8, False), (0.25, 5, 8, False), (0.5, 4, 8, False)),
    ((0.5, 3, 8, False), (0.25, -5, 8, True), (8.0, 7, 8, False)),
    ((0.1, -3, 8, True), (0.5, 5, 8, True), (0.8, 1, 8, True)),
    ((1.0, 0, 8, True), (1.0, 0, 8, True), (1.0, 0, 16, True)),
    ((1.0, -128, 8, True), (1.0, 255, 8, False), (2.0, 9, 18, True)),
    ((0.5, 0, 8, True), (0.25, 1, 8, True), (16.0, -1, 4, True, True)),
    ((2.0, 128, 8, False), (0.125, 127, 8, False), (64.0, 3, 4, False, True)),
]


@pytest.mark.parametrize(("a", "b", "out"), POWERS)
def test_all_65536_products_equal_exact_arithmetic_at_ratios_that_are_powers_of_two(a, b, out, lib):
    a, b, out = lib.QParams(*a), lib.QParams(*b), lib.QParams(*out)
    x, y = all_pairs(a.signed, b.signed)
    got = lib.multiply(x, a, y, b, out)
    assert got.dtype == out.dtype
    assert got.tolist() == exact_products(x, a, y, b, out)


OTHERS = [(0.05, 0.15, 0.1), (0.1, 0.3, 0.2), (0.03, 0.07, 0.5), (1 / 3, 0.2, 0.7), (0.011, 1.9, 1.3)]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("scales", OTHERS)
def test_at_other_ratios_all_are_exact_too_where_onnx_runtime_may_be_one_off(scales, signed, lib):
    points = (0, 2, -4) if signed else (128, 126, 120)
    a, b, out = (lib.QParams(s, z, 8, signed) for s, z in zip(scales, points, strict=True))
    x, y = all_pairs(signed, signed)
    wanted = numpy.array(exact_products(x, a, y, b, out))
    theirs = numpy.abs(qlinear_mul(x.numpy(), y.numpy(), scales, points).astype(int) - wanted)
    ours = numpy.abs(lib.multiply(x, a, y, b, out).numpy().astype(int) - wanted)
    assert ours.max() == 0
    assert theirs.max() <= 1


def test_wide_products_at_other_ratios_are_at_most_one_step_off():
    a, b = QParams(0.9268728494644165, 0, 16, False), QParams(1.0694867372512817, 0, 16, False)
    out = QParams(1.0527548789978027, 0, 32, False)
    x, y = torch.arange(65_000, 65_536), torch.arange(65_535, 64_999, -1)
    off = [g - w for g, w in zip(multiply(x, a, y, b, out).tolist(), exact_products(x, a, y, b, out), strict=True)]
    assert set(off) == {0, 1}


def test_a_result_of_32_bits_that_a_31_bit_mantissa_would_miss_by_two_steps_is_refused(lib):
    """65521 * 65519 on this grid is 4,293,418,573; a 31-bit mantissa gives 4,293,418,575."""
    a, b = lib.QParams(0.9735369086265564, 0, 16, False), lib.QParams(0.9941098093986511, 0, 16, False)
    x, y = torch.tensor([65521]), torch.tensor([65519])
    with pytest.raises(
        ValueError, match="16 and 16 bits for a result of 32 need more than a 31-bit mantissa.*narrower"
    ):
        lib.multiply(x, a, y, b, lib.QParams(0.9676790237426758, 0, 32, False))
    out = lib.QParams(0.9676790237426758 * 2, 0, 31, False)
    assert abs(lib.multiply(x, a, y, b, out).item() - exact_products(x, a, y, b, out)[0]) <= 1


def test_onnx_runtime_adds_the_zero_point_before_it_rounds_which_shows_at_odd_ones():
    x, y = all_pairs(False, False)
    scales = (0.5, 0.25, 8.0)
    for zero_point in (0, 1, 2, 127, 128):
        a, b, out = (QParams(s, z, 8, False) for s, z in zip(scales, (0, 0, zero_point), strict=True))
        theirs = qlinear_mul(x.numpy(), y.numpy(), scales, (0, 0, zero_point)).tolist()
        before = [
            min(round(Fraction(p * q, 64) + zero_point), 255) for p, q in zip(x.tolist(), y.tolist(), strict=True)
        ]
        assert theirs == before
        assert (multiply(x, a, y, b, out).tolist() == theirs) == (zero_point % 2 == 0)


def test_the_ends_of_wide_operands_are_exact_at_powers_of_two_and_a_product_that_leaves_64_bits_is_refused():
    ends = torch.tensor([-(2**31), 2**31 - 1, 5, -3])
    wide = QParams(0.5, 0, 32)
    for out in (QParams(2.0**20, 7, 32), QParams(2.0**29, -1, 32), QParams(1.0, 0, 32)):
        assert multiply(ends, wide, ends, wide, out).tolist() == exact_products(ends, wide, ends, wide, out)
    for form_a, form_b in [((32,), (32,)), ((17, False), (18, False)), ((16, False), (17, False))]:
        a, b = QParams(0.31, 0, *form_a), QParams(0.7, 0, *form_b)
        with pytest.raises(ValueError, match=r"operands of \d+ and \d+ bits.*64-bit register.*16 bits.*power of two"):
            multiply(torch.tensor([1]), a, torch.tensor([1]), b, QParams(0.1, 0, 8))


def test_every_pair_of_the_ends_of_every_container_is_exact(lib):
    """Containers hold less than a product: not 255 * 255 in uint8, -128 * -128 in int8, -2**15 * -2**16 in int32."""
    kinds = [(bits, signed) for bits in (1, 2, 4, 7, 8, 9, 15, 16, 17) for signed in (False, True)]
    out = lib.QParams(4.0, 0, 32)
    for bits_a, signed_a in kinds:
        for bits_b, signed_b in kinds:
            a, b = lib.QParams(1.0, 0, bits_a, signed_a), lib.QParams(1.0, 0, bits_b, signed_b)
            x = torch.tensor([a.int_min, a.int_min, a.int_max, a.int_max]).to(a.dtype)
            y = torch.tensor([b.int_min, b.int_max, b.int_min, b.int_max]).to(b.dtype)
            assert lib.multiply(x, a, y, b, out).tolist() == exact_products(x, a, y, b, out)


FORMATS = st.builds(
    lambda exponent, bits, signed, place: (
        2.0**exponent,
        round(place * (2**bits - 1)) - signed * 2 ** (bits - 1),
        bits,
        signed,
    ),
    st.integers(-8, 8),
    st.integers(1, 16),
    st.booleans(),
    st.floats(0, 1),
)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(FORMATS, FORMATS, FORMATS, st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=6))
def test_any_formats_with_scales_that_are_powers_of_two_are_exact(a, b, out, places):
    a, b, out = QParams(*a), QParams(*b), QParams(*out)
    x, y = (
        torch.tensor([round(q.int_min + p * (q.int_max - q.int_min)) for p in ends], dtype=q.dtype)
        for q, ends in ((a, [p for p, _ in places]), (b, [p for _, p in places]))
    )
    got = multiply(x, a, y, b, out)
    assert got.tolist() == exact_products(x, a, y, b, out)
    assert got.dtype == out.dtype


@pytest.mark.parametrize("device", ["cpu", GPU])
def test_neither_the_device_nor_autocast_changes_a_product(device):
    (x, y), a, b = all_pairs(True, False), QParams(0.1, -3, 8), QParams(0.7, 250, 8, False)
    out = QParams(0.3, 5, 16)
    with torch.autocast(device, torch.bfloat16):
        got = multiply(x.to(device), a, y.to(device), b, out)
    assert got.tolist() == exact_products(x, a, y, b, out)
    assert got.device.type == device


def test_the_product_stands_for_the_product_of_the_reals():
    a, b, out = QParams(0.25, 3, 4, False), QParams(0.5, -5, 4, True), QParams(0.125, 0, 16)
    x, y = torch.arange(16).repeat_interleave(16), torch.arange(-8, 8).repeat(16)
    assert torch.equal(dequantize(multiply(x, a, y, b, out), out), dequantize(x, a) * dequantize(y, b))
    assert torch.equal(multiply(x, a, y, b, out), quantize(dequantize(x, a) * dequantize(y, b), out))


def test_shapes_broadcast_and_empty_tensors_and_single_numbers_pass():
    q = QParams(0.5)
    x = EVERY[True]
    assert multiply(x[:4, None], q, x[None, :5], q, q).shape == (4, 5)
    assert multiply(x[:0], q, x[:0], q, QParams(0.3)).shape == (0,)
    assert multiply(torch.zeros(0, 3, dtype=torch.int8), q, x[:1], q, q).shape == (0, 3)
    assert multiply(torch.tensor(6), q, torch.tensor(-6), q, q).item() == -18


Q4, HALF = QParams(0.5, 0, 4), QParams(0.5)
ONE = torch.tensor([1])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (
            (ONE, HALF, torch.ones(2, 3).int(), QParams((0.5, 1.0), axis=0), HALF),
            ValueError,
            "b_qparams has axis 0.*one",
        ),
        ((ONE, HALF, ONE, HALF, QParams((0.5,), axis=0)), ValueError, "out has axis 0, and is per-tensor here"),
        ((torch.ones(3).int(), HALF, torch.ones(4).int(), HALF, HALF), ValueError, r"shapes \(3,\) and \(4,\) do not"),
        ((torch.tensor([8]), Q4, ONE, Q4, Q4), ValueError, r"a holds 8, outside \[-8, 7\].*saturate or wrap"),
        ((ONE, Q4, torch.tensor([-9]), Q4, Q4), ValueError, r"b holds -9, outside \[-8, 7\]"),
        ((torch.tensor([0.5]), HALF, ONE, HALF, HALF), TypeError, r"a is torch.float32.*quantize\(a"),
        ((ONE, HALF, [1], HALF, HALF), TypeError, "b is a list.*torch.tensor"),
        ((ONE, 0.5, ONE, HALF, HALF), TypeError, r"a_qparams is a float: give the format as QParams\("),
        ((ONE, HALF, ONE, None, HALF), TypeError, "b_qparams is a NoneType"),
        ((ONE, HALF, ONE, HALF, (0.5, 0)), TypeError, "out is a tuple"),
        ((ONE, QParams(1e20), ONE, HALF, HALF), ValueError, r"scales 1e\+20 and 0.5 on a grid of .*nearer to 5e\+19"),
        ((ONE, QParams(1e-20), ONE, HALF, HALF), ValueError, r"scales 1e-20 and 0.5 on .*nearer to 5e-21"),
    ],
)
def test_what_cannot_be_multiplied_is_refused_in_a_sentence(arguments, error, words):
    with pytest.raises(error, match=words):
        multiply(*arguments)
