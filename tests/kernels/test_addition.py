"""add over all 65,536 pairs of 8-bit values: against Python fractions, and against ONNX Runtime's QLinearAdd."""

from fractions import Fraction
from functools import cache

import numpy
import pytest
import torch
from onnx_runtime import qlinear_add

from qtutor import QParams, add, dequantize

U8, S8 = torch.arange(256).to(torch.uint8), torch.arange(-128, 128).to(torch.int8)
EVERY = {False: U8, True: S8}


def all_pairs(signed_a: bool, signed_b: bool) -> tuple[torch.Tensor, torch.Tensor]:
    return EVERY[signed_a].repeat_interleave(256), EVERY[signed_b].repeat(256)


def exact_sums(a: QParams, b: QParams, out: QParams) -> numpy.ndarray:
    """All 65,536 sums as fractions: rounded half to even by Python, zero point added, clipped. int64 of one denominator."""
    ratio_a, ratio_b = Fraction(a.scale) / Fraction(out.scale), Fraction(b.scale) / Fraction(out.scale)

    @cache
    def stored(numerator: int) -> int:
        return min(max(round(Fraction(numerator, common)) + out.zero_point, out.int_min), out.int_max)

    common = ratio_a.denominator * ratio_b.denominator
    n_a, n_b = ratio_a.numerator * ratio_b.denominator, ratio_b.numerator * ratio_a.denominator
    return numpy.array(
        [
            stored((x - a.zero_point) * n_a + (y - b.zero_point) * n_b)
            for x in EVERY[a.signed].tolist()
            for y in EVERY[b.signed].tolist()
        ]
    )


@pytest.mark.parametrize("signed_a", [False, True])
@pytest.mark.parametrize("signed_b", [False, True])
def test_the_lossless_sum_of_all_65536_pairs_equals_python_integers(signed_a, signed_b):
    a_qparams, b_qparams = QParams(0.1, 3, 8, signed_a), QParams(0.1, 5, 8, signed_b)
    a, b = all_pairs(signed_a, signed_b)
    total, total_qparams = add(a, a_qparams, b, b_qparams)
    assert total.tolist() == [x + y for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert total_qparams.zero_point == 8
    assert total.dtype == total_qparams.dtype == torch.int16
    assert (total_qparams.int_min <= total.min()) & (total.max() <= total_qparams.int_max)


def test_the_lossless_sum_stands_for_the_sum_of_the_reals():
    a_qparams, b_qparams = QParams(0.25, 3, 8, False), QParams(0.25, -5, 8, True)
    a, b = all_pairs(False, True)
    total, total_qparams = add(a, a_qparams, b, b_qparams)
    assert torch.equal(dequantize(total, total_qparams), dequantize(a, a_qparams) + dequantize(b, b_qparams))


def test_the_lossless_sum_has_the_narrowest_format():
    u4, s4 = QParams(1.0, 0, 4, False), QParams(1.0, 0, 4, True)
    assert add(U8[:16], u4, S8[120:136], s4)[1] == QParams(1.0, 0, 6, True)
    narrow = QParams(1.0, 0, 4, True, narrow_range=True)
    assert add(S8[121:136], narrow, S8[121:136], narrow)[1].bit_width == 5


POWERS = [
    (QParams(0.5, 3, 8, False), QParams(0.25, 5, 8, False), QParams(0.5, 4, 8, False)),
    (QParams(0.5, 3, 8, False), QParams(0.25, 5, 8, False), QParams(0.5, 7, 8, False)),
    (QParams(0.1, -3, 8, True), QParams(0.1, 5, 8, True), QParams(0.2, 1, 8, True)),
    (QParams(0.125, 0, 8, True), QParams(1.0, 0, 8, False), QParams(0.5, -1, 8, True)),
    (QParams(2.0, 0, 8, True), QParams(2.0**-12, 0, 8, True), QParams(1.0, 0, 4, True)),
    (QParams(0.25, 128, 8, False), QParams(0.5, 127, 8, False), QParams(0.125, 0, 12, True)),
    (QParams(0.5, 0, 8, True), QParams(2.0**-32, 0, 8, True), QParams(1.0, 0, 8, True)),  # the far decide ties
    (QParams(0.5, 3, 8, False), QParams(2.0**-50, 9, 8, True), QParams(1.0, 1, 8, True)),
    (QParams(2.0**20, 0, 8, True), QParams(2.0**-20, 0, 8, True), QParams(2.0**-10, 0, 32, True)),
]


@pytest.mark.parametrize(("a", "b", "out"), POWERS)
def test_the_rescaled_sum_equals_exact_arithmetic_at_ratios_that_are_powers_of_two(a, b, out):
    x, y = all_pairs(a.signed, b.signed)
    got = add(x, a, y, b, out)
    assert got.dtype == out.dtype
    assert (got.numpy() != exact_sums(a, b, out)).sum() == 0


OTHERS = [(0.05, 0.15, 0.1), (0.1, 0.3, 0.2), (0.03, 0.07, 0.05), (1 / 3, 0.2, 0.7), (0.011, 1.9, 1.3)]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("scales", OTHERS)
def test_at_other_ratios_it_is_at_most_one_step_off_and_never_further_than_onnx_runtime(scales, signed):
    points = (0, 2, -4) if signed else (128, 126, 120)
    a, b, out = (QParams(s, z, 8, signed) for s, z in zip(scales, points, strict=True))
    x, y = all_pairs(signed, signed)
    wanted = exact_sums(a, b, out)
    ours = numpy.abs(add(x, a, y, b, out).numpy().astype(int) - wanted)
    theirs = numpy.abs(qlinear_add(x.numpy(), y.numpy(), scales, points).astype(int) - wanted)
    assert ours.max() <= 1
    assert (ours > theirs).sum() == 0
    assert ours.sum() <= theirs.sum()


def test_onnx_runtime_agrees_at_powers_of_two_and_even_zero_points_and_differs_at_odd_ones():
    x, y = all_pairs(False, False)
    scales = (0.5, 0.25, 0.5)
    for zero_point, mismatches in [(2, 0), (1, 24_384)]:
        a, b, out = (QParams(s, z, 8, False) for s, z in zip(scales, (0, 0, zero_point), strict=True))
        theirs = qlinear_add(x.numpy(), y.numpy(), scales, (0, 0, zero_point))
        assert (add(x, a, y, b, out).numpy() != theirs).sum() == mismatches


def test_wide_operands_are_exact_where_the_ratios_are_powers_of_two_and_refused_where_64_bits_end():
    wide = QParams(0.5, 0, 32)
    ends = torch.tensor([-(2**31), 2**31 - 1, 5])
    got = add(ends, wide, ends, wide, QParams(1.0, 0, 32))
    assert got.tolist() == [-(2**31), 2**31 - 1, 5]
    for q in (QParams(0.1, 0, 24), QParams(0.3, 5, 24)):
        assert add(ends // 256, q, ends // 256, q, QParams(0.2, 0, 32)).tolist() == [
            round(2 * Fraction(q.scale) / Fraction(QParams(0.2).scale) * (x - q.zero_point))
            for x in (ends // 256).tolist()
        ]
    with pytest.raises(ValueError, match="32 and 32 bits.*31-bit mantissas.*narrower operands"):
        add(ends, QParams(0.17, 0, 32), ends, QParams(0.3, 0, 32), QParams(0.01, 0, 32))


def test_powers_of_two_too_far_apart_for_64_bits_are_refused_and_never_dropped():
    far = (torch.tensor([2**32 - 1]), QParams(2.0**-32, 0, 32, False))
    assert add(torch.tensor([0]), QParams(1.0), *far, QParams(1.0)).tolist() == [1]
    for smallest in (2.0**-70, 2.0**-120):
        with pytest.raises(ValueError, match=r"scales 1 and .*e-.* on a grid of 1 need more.*closer together"):
            add(torch.tensor([0]), QParams(1.0), torch.tensor([1]), QParams(smallest), QParams(1.0))


HALVES = QParams((0.5, 0.25), (1, 2), axis=0)


def test_channels_are_those_of_both_operands_whichever_dimension_they_broadcast_to():
    a, b = torch.tensor([[1, 2, 3], [4, 5, 6]]), torch.tensor([[7], [8]])
    total, q = add(a, HALVES, b, HALVES)
    assert torch.equal(dequantize(total, q), dequantize(a, HALVES) + dequantize(b, HALVES))
    last = QParams(HALVES.scale, (1, 2), axis=-1)
    for row in (torch.tensor([7, 8]), torch.tensor([[7, 8]])):
        for other in (last, QParams(HALVES.scale, (1, 2), axis=row.dim() - 1)):
            for operands in ((a.t(), last, row, other), (row, other, a.t(), last)):
                total, q = add(*operands)
                wanted = dequantize(operands[0], operands[1]) + dequantize(operands[2], operands[3])
                assert torch.equal(dequantize(total, q), wanted)


@pytest.mark.parametrize(
    ("a", "a_qparams", "b", "b_qparams", "words"),
    [
        ((2,), HALVES, (2, 2), HALVES, "a run along axis 0 of 1 dimensions and those of b along axis 0 of 2: .*last"),
        ((2, 2), HALVES, (2, 2), QParams(HALVES.scale, (1, 2), axis=1), "axis 0 of 2 dimensions .* axis 1 of 2"),
        ((3, 2), HALVES, (3, 2), HALVES, "a has 3 channels along axis 0 and 2"),
        ((2, 2), HALVES, (1, 2), HALVES, "b has 1 channels along axis 0 and 2"),
        ((2,), QParams(HALVES.scale, 0, axis=7), (2,), HALVES, "axis 7 is no dimension of a"),
        ((2,), HALVES, (2,), QParams((0.5, 0.75), 0, axis=0), "scales 0.25 and 0.75 differ"),
        ((2,), HALVES, (2,), QParams(0.5), "2 and 1 scales differ"),
        ((2,), HALVES, (), HALVES, "axis 0 is no dimension of b.*axis=None"),
    ],
)
def test_channels_that_are_not_the_same_are_refused(a, a_qparams, b, b_qparams, words):
    with pytest.raises(ValueError, match=words):
        add(torch.zeros(a, dtype=torch.int8), a_qparams, torch.zeros(b, dtype=torch.int8), b_qparams)


def test_shapes_broadcast_and_empty_tensors_pass():
    q = QParams(0.5, 0, 8)
    assert add(S8[:4, None], q, S8[None, :5], q)[0].shape == (4, 5)
    assert add(S8[:0], q, S8[:0], q)[0].shape == (0,)
    assert add(S8[:0], q, S8[:0], q, QParams(0.3))[:].shape == (0,)


def test_per_channel_sums_keep_their_scales():
    a, b = QParams((0.1, 0.2), (1, 2), 4, axis=0), QParams((0.1, 0.2), 3, 4, axis=0)
    total, total_qparams = add(S8[128:130], a, S8[128:130], b)
    assert total_qparams == QParams((0.1, 0.2), (4, 5), 5, axis=0)
    assert total.tolist() == [0, 2]
    with pytest.raises(ValueError, match="per-tensor"):
        add(S8[128:130], a, S8[128:130], b, QParams(0.1))


def test_a_small_wrong_sum_would_be_seen():
    """The oracle refuses a half-up rounding: 8,128 of the 65,536 sums are ties that fall the other way."""
    a, b, out = QParams(0.5, 0, 8), QParams(0.5, 0, 8), QParams(1.0, 0, 8)
    x, y = all_pairs(True, True)
    half_up = torch.clamp(torch.div(x.int() + y.int() + 1, 2, rounding_mode="floor"), -128, 127)
    assert (half_up.numpy() != exact_sums(a, b, out)).sum() > 0
    assert (add(x, a, y, b, out).numpy() != exact_sums(a, b, out)).sum() == 0


Q4 = QParams(0.5, 0, 4)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((S8[:3], QParams(0.5), S8[:4], QParams(0.5)), ValueError, r"shapes \(3,\) and \(4,\) do not match"),
        ((S8[:3], QParams(0.5), S8[:3], QParams(0.25)), ValueError, r"scales 0.5 and 0.25 differ.*out=QParams"),
        ((torch.tensor([8]), Q4, torch.tensor([0]), Q4), ValueError, r"a holds 8, outside \[-8, 7\].*saturate or wrap"),
        ((torch.tensor([0]), Q4, torch.tensor([-9]), Q4), ValueError, r"b holds -9, outside \[-8, 7\]"),
        ((torch.tensor([0.5]), Q4, torch.tensor([0]), Q4), TypeError, r"a is torch.float32.*quantize\(a"),
        ((torch.tensor([1]), QParams(1.0, 0, 32), torch.tensor([1]), QParams(1.0, 0, 32)), ValueError, "needs 33 bits"),
        (
            (S8[:1], QParams(1.0), S8[:1], QParams(1.0), QParams(1e-12)),
            ValueError,
            r"a grid of 1e-12 need more.*closer",
        ),
        ((S8.repeat(300), QParams(1.0), S8.repeat(300), QParams(1.0), [1]), TypeError, "out is a list"),
        ((torch.zeros(2, 2).to_sparse().char(), Q4, S8[:1], Q4), TypeError, r"a is sparse_coo.*a\.to_dense\(\)"),
        ((torch.zeros(2, dtype=torch.int8, device="meta"), Q4, S8[:2], Q4), TypeError, "a is on the device meta"),
    ],
)
def test_what_cannot_be_added_is_refused_in_a_sentence(arguments, error, words):
    with pytest.raises(error, match=words):
        add(*arguments)
