"""requantize and its shift: every accumulator of a small layer, every mode on every tie, against fractions."""

from fractions import Fraction

import pytest
import torch
from exact import rounded, stored
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx_runtime import quantize_linear

from qtutor import FixedPointMultiplier, QParams, accumulator_range, conv2d, linear, requantize, rounding_right_shift
from qtutor.kernels import ROUNDINGS

GPU = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU, none here")
)
few = settings(deadline=None, derandomize=True, max_examples=150)

OUTS = [  # scale, zero_point, bit_width, signed, narrow_range
    (1.0, 0, 8, True),
    (1.0, 1, 8, True),
    (1.0, -3, 4, True),
    (1.0, 200, 8, False),
    (1.0, 5, 4, True, True),
    (1.0, 3, 4, False, True),
    (1.0, -1, 1, True),
    (1.0, 77, 12, True),
]


def exact_all(accumulators: list[int], mantissa: int, shift: int, out, rounding: str) -> list[int]:
    return [stored(Fraction(a * mantissa, 2**shift), out, rounding) for a in accumulators]


# ---- one multiplier for all ------------------------------------------------------------------------------------------


TIES = [  # mantissa, shift, and a step between accumulators that makes ties of them where the shift is late
    *((1, 0, 1), (1, 1, 1), (1, 3, 1), (3, 1, 1), (3, 4, 1), (5, 6, 1), (2**30, 33, 1)),
    *((2**30, 45, 2**15), (2**30, 54, 2**23), (3, 55, 2**52)),
]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize(("mantissa", "shift", "step"), TIES)
def test_every_tie_of_every_mode_falls_where_fractions_say(mantissa, shift, step, rounding, lib):
    every = torch.arange(-600, 601, dtype=torch.int32 if step == 1 else torch.int64) * step
    multiplier = lib.FixedPointMultiplier(mantissa, shift)
    for out in OUTS:
        out = lib.QParams(*out)
        got = lib.requantize(every, multiplier, out, rounding)
        assert got.tolist() == exact_all(every.tolist(), mantissa, shift, out, rounding), out
        assert got.dtype == out.dtype


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("real", [0.5, 0.3, 1 / 3, 0.0078125, 0.01, 1.7, 3.0])
def test_every_accumulator_of_a_small_layer_equals_exact_arithmetic(real, rounding, lib):
    x = QParams(1.0, 3, 4, False)
    low, high = accumulator_range(torch.tensor([[7, -8, 5, -1], [3, 3, -8, 7]]), x, torch.tensor([40, -25]))
    every = torch.arange(low, high + 1, dtype=torch.int32)
    multiplier, out = lib.FixedPointMultiplier.from_real(real), lib.QParams(1.0, 2, 6)
    wanted = exact_all(every.tolist(), multiplier.mantissa, multiplier.shift, out, rounding)
    assert lib.requantize(every, multiplier, out, rounding).tolist() == wanted


def test_onnx_runtime_quantizes_the_same_accumulators_to_the_same_integers():
    """Divided by a power of two its float32 is exact, so QuantizeLinear is a second opinion on half to even."""
    every = torch.arange(-5000, 5001, dtype=torch.int32)
    for shift, zero_point in [(1, 1), (3, 0), (5, -7), (6, 127)]:
        theirs = quantize_linear(every.numpy().astype("float32"), 2.0**shift, zero_point, "int8")
        ours = requantize(every, FixedPointMultiplier(1, shift), QParams(1.0, zero_point))
        assert ours.tolist() == theirs.tolist()


ENDS = [-(2**31), -(2**31) + 1, -1, 0, 1, 2**31 - 2, 2**31 - 1]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("mantissa", [1, 2**30, 2**30 + 1, 2**31 - 1])
def test_the_ends_of_int32_are_exact_with_every_shift(mantissa, rounding, lib):
    accumulators = torch.tensor(ENDS, dtype=torch.int32)
    for shift in (0, 1, 22, 23, 29, 30, 31, 32, 44, 45, 46, 52, 53, 54, 61, 62):
        for out in ((1.0, -128, 8), (1.0, 5, 16), (1.0, 0, 32), (1.0, 2**32 - 1, 32, False)):
            out = lib.QParams(*out)
            got = lib.requantize(accumulators, lib.FixedPointMultiplier(mantissa, shift), out, rounding)
            assert got.tolist() == exact_all(ENDS, mantissa, shift, out, rounding), (shift, out)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_the_neighbours_of_a_tie_are_told_apart_wherever_a_product_can_lie(rounding, lib):
    """2**53 and beyond: one more or less in the product decides, and a float64 of it would not know."""
    far = [
        (m, s, z, 8, sign)
        for m, s in ((1, 45), (1, 46), (3, 46), (1, 47))
        for z, sign in ((72, False), (99, True), (-99, True))
    ]
    late = [(1, 61, 0, 2), (1, 54, 0, 8), (2**31 - 1, 62, 0, 32), (3, 55, 0, 9), (2**30 + 1, 52, 0, 12), (1, 46, 0, 8)]
    for mantissa, shift, zero_point, *form in far + late:
        out = lib.QParams(1.0, zero_point, *form)
        at = [
            (2 * k + 1) * 2**shift // (2 * mantissa) for k in (-221, -130, -3, -2, -1, 0, 1, 2, 126, 129, 130, 180, 220)
        ]
        close = [a + d for a in at for d in (-2, -1, 0, 1, 2) if abs(a + d) * mantissa < 2**63]
        got = lib.requantize(torch.tensor(close), lib.FixedPointMultiplier(mantissa, shift), out, rounding)
        assert got.tolist() == exact_all(close, mantissa, shift, out, rounding), (mantissa, shift, zero_point)


def test_int64_accumulators_are_exact_up_to_63_bits_and_refused_beyond(lib):
    for mantissa in (1, 3, 2**16 + 1, 2**31 - 1):
        most = (2**63 - 1) // mantissa
        accumulators = [most, -most, most - 1, 1 - most]
        for shift, out in [
            (0, (1.0, 1)),
            (62, (1.0, 0)),
            (40, (1.0, 7, 32)),
            (0, (1.0, -1)),
            (1, (1.0, 2**32 - 1, 32, False)),
        ]:
            out, multiplier = lib.QParams(*out), lib.FixedPointMultiplier(mantissa, shift)
            wanted = exact_all(accumulators, mantissa, shift, out, "half_even")
            assert lib.requantize(torch.tensor(accumulators), multiplier, out).tolist() == wanted
            for beyond in (most + 1, -most - 1) if mantissa > 1 else (-most - 1,):
                with pytest.raises(
                    ValueError, match=rf"accumulator {beyond} times mantissa {mantissa} leaves 63 bits.*fewer"
                ):
                    lib.requantize(torch.tensor([0, beyond]), multiplier, out)


def test_the_zero_point_does_not_push_the_largest_accumulator_over_the_end_of_int64(lib):
    """(2**63 - 1) + 1 is -2**63 in int64, and would be stored as the lowest integer for the highest."""
    ends, one = torch.tensor([2**63 - 1, -(2**63) + 1]), lib.FixedPointMultiplier(1, 0)
    for z in (1, -1, 127, -128):
        assert lib.requantize(ends, one, lib.QParams(1.0, z)).tolist() == [127, -128]


def test_rounding_comes_before_the_zero_point_and_saturation_after_it(lib):
    """-7 / 2 is -3.5: -4 by half to even, plus 1 is -3. Added first, -2.5 would be -2. Saturated first, 20 - 5 would be 7 - 5."""
    half, s4 = lib.FixedPointMultiplier(1, 1), lib.QParams(1.0, 1, 4)
    assert lib.requantize(torch.tensor([-7, 1, 3]), half, s4).tolist() == [-3, 1, 3]
    one = lib.FixedPointMultiplier(1, 0)
    assert lib.requantize(torch.tensor([10, -20, 13]), one, lib.QParams(1.0, -5, 4)).tolist() == [5, -8, 7]


def test_a_product_is_rounded_once_where_published_code_rounds_twice(lib):
    """7984 * 1583594044 / 2**40 is 11.499: 11. Rounded after 31 bits and again after 9 more it is 11.5, then 12."""
    assert rounded(Fraction(7984 * 1583594044, 2**40), "half_even") == 11
    assert lib.requantize(torch.tensor([7984]), lib.FixedPointMultiplier(1583594044, 40), lib.QParams(1.0)).item() == 11
    twice = rounding_right_shift(
        rounding_right_shift(torch.tensor([7984 * 1583594044]), 31, "half_away"), 9, "half_away"
    )
    assert twice.item() == 12


# ---- one multiplier a channel ----------------------------------------------------------------------------------------

CHANNELS = ((2**30, 3, 1, 2**31 - 1), (33, 1, 0, 40))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize(
    ("shape", "axis"), [((5, 4), -1), ((2, 4, 3, 2), 1), ((4, 4), 0), ((4, 7), 0), ((3, 4, 2), -2), ((4,), 0)]
)
def test_each_channel_has_its_own_mantissa_and_shift(shape, axis, rounding, lib):
    accumulators = torch.arange(torch.Size(shape).numel()).reshape(shape) * 7 - 70
    out = lib.QParams(1.0, 3)
    got = lib.requantize(accumulators.to(torch.int32), lib.FixedPointMultiplier(*CHANNELS, axis), out, rounding)
    for channel, (mantissa, shift) in enumerate(zip(*CHANNELS, strict=True)):
        alone, part = got.select(axis, channel), accumulators.select(axis, channel)
        assert alone.flatten().tolist() == exact_all(part.flatten().tolist(), mantissa, shift, out, rounding)
    assert got.shape == shape


def test_the_channels_are_those_of_linear_and_of_conv2d(lib):
    x, weight = torch.arange(-6, 6).to(torch.int8).reshape(4, 3), torch.arange(6).to(torch.int8).reshape(2, 3)
    reals = (0.5, 0.125)
    by_row = lib.requantize(linear(x, weight), lib.FixedPointMultiplier.from_real(reals, axis=-1), lib.QParams(1.0))
    by_plane = lib.requantize(
        conv2d(x[:, :, None, None], weight[:, :, None, None]),
        lib.FixedPointMultiplier.from_real(reals, axis=1),
        lib.QParams(1.0),
    )
    assert torch.equal(by_row, by_plane.flatten(1))
    sums = [[sum(a * b for a, b in zip(row, w, strict=True)) for w in weight.tolist()] for row in x.tolist()]
    assert by_row.tolist() == [[round(Fraction(a, 2)), round(Fraction(b, 8))] for a, b in sums]


def test_a_channels_accumulator_is_held_against_its_own_mantissa(lib):
    multiplier, out = lib.FixedPointMultiplier((1, 2**30), (38, 30), -1), lib.QParams(1.0)
    assert lib.requantize(torch.tensor([[2**40, 7]]), multiplier, out).tolist() == [[4, 7]]
    with pytest.raises(ValueError, match=r"accumulator 1099511627776 times mantissa 1073741824 leaves 63 bits"):
        lib.requantize(torch.tensor([[7, 2**40]]), multiplier, out)


# ---- rounding_right_shift by a tensor of shifts ----------------------------------------------------------------------


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64])
def test_shifts_in_a_tensor_of_any_integers_work_each_on_its_channel(dtype, rounding, lib):
    x = torch.tensor([-(2**63), -(2**45) - 1, -3, -1, 0, 1, 6, 2**45, 2**62 + 2**61, 2**63 - 1])
    shifts = [0, 1, 2, 31, 32, 40, 61, 62]
    got = lib.rounding_right_shift(x.expand(8, -1), torch.tensor(shifts, dtype=dtype)[:, None], rounding)
    wanted = [[rounded(Fraction(value, 2**shift), rounding) for value in x.tolist()] for shift in shifts]
    assert got.tolist() == wanted
    each = lib.rounding_right_shift(x, torch.tensor([*shifts, 3, 4], dtype=dtype), rounding)
    assert each.tolist() == [
        rounded(Fraction(value, 2**s), rounding) for value, s in zip(x.tolist(), [*shifts, 3, 4], strict=True)
    ]


def test_one_shift_in_a_tensor_is_a_number_and_no_shifts_suit_no_values():
    x = torch.tensor([5, -5], dtype=torch.int8)
    assert rounding_right_shift(x, torch.tensor(1)).tolist() == [2, -2]
    assert rounding_right_shift(x, torch.tensor([1], dtype=torch.uint8)).dtype == torch.int8
    assert rounding_right_shift(x[:0], torch.zeros(0, dtype=torch.int64)).shape == (0,)


# ---- any ---------------------------------------------------------------------------------------------------------------


mantissas, shifts = st.integers(1, 2**31 - 1), st.integers(0, 62)
formats = st.tuples(st.integers(1, 32), st.booleans(), st.booleans(), st.floats(0, 1)).filter(
    lambda f: f[:3] != (1, True, True)
)
edge = st.sampled_from([2**n + d for n in range(32) for d in (-1, 0, 1) if 2**n + d < 2**31])


@few
@given(
    st.lists(st.integers(-(2**31), 2**31 - 1) | edge, max_size=8),
    mantissas,
    shifts,
    formats,
    st.sampled_from(ROUNDINGS),
)
@example([2**31 - 1, -(2**31)], 2**31 - 1, 0, (8, True, False, 1.0), "ceil")
@example([], 1, 0, (8, True, False, 0.0), "floor")
def test_any_int32_accumulators_with_any_multiplier_format_and_rounding(accumulators, mantissa, shift, form, rounding):
    bits, signed, narrow, place = form
    low = QParams(1.0, 0, bits, signed, narrow)
    out = QParams(1.0, round(low.int_min + place * (low.int_max - low.int_min)), bits, signed, narrow)
    got = requantize(
        torch.tensor(accumulators, dtype=torch.int32), FixedPointMultiplier(mantissa, shift), out, rounding
    )
    assert got.tolist() == exact_all(accumulators, mantissa, shift, out, rounding)


@few
@given(st.data(), st.lists(st.tuples(mantissas, shifts), min_size=1, max_size=4), st.sampled_from(ROUNDINGS))
def test_any_int64_accumulators_with_any_channels(data, pairs, rounding):
    most = [(2**63 - 1) // mantissa for mantissa, _ in pairs]
    rows = data.draw(
        st.lists(st.tuples(*(st.integers(-m, m) | edge.filter(lambda e, m=m: e <= m) for m in most)), max_size=3)
    )
    accumulators = torch.tensor(rows, dtype=torch.int64).reshape(-1, len(pairs))
    multiplier = FixedPointMultiplier(tuple(m for m, _ in pairs), tuple(s for _, s in pairs), axis=1)
    out = QParams(1.0, 9, data.draw(st.sampled_from([5, 8, 16, 32])))
    got = requantize(accumulators, multiplier, out, rounding)
    for channel, (mantissa, shift) in enumerate(pairs):
        assert got[:, channel].tolist() == exact_all([r[channel] for r in rows], mantissa, shift, out, rounding)


@pytest.mark.parametrize("device", ["cpu", GPU])
def test_neither_the_device_nor_autocast_changes_a_result(device):
    accumulators = torch.tensor(ENDS * 3, dtype=torch.int32).reshape(3, 7)
    multiplier = FixedPointMultiplier((3, 2**31 - 1, 2**30 + 1), (45, 62, 31), axis=0)
    out = QParams(1.0, 7, 16)
    with torch.autocast(device, torch.bfloat16):
        got = requantize(accumulators.to(device), multiplier, out)
    for channel, (mantissa, shift) in enumerate(zip(multiplier.mantissa, multiplier.shift, strict=True)):
        assert got[channel].tolist() == exact_all(ENDS, mantissa, shift, out, "half_even")
    assert got.device.type == device


def test_the_accumulators_are_not_overwritten_and_empty_batches_and_views_pass():
    accumulators, half, out = torch.arange(12).reshape(3, 4), FixedPointMultiplier(1, 1), QParams(1.0, 1)
    for dtype in (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64):
        given_ = accumulators.to(dtype)
        wanted = exact_all(list(range(12)), 1, 1, out, "half_even")
        assert requantize(given_, half, out).flatten().tolist() == wanted
        assert torch.equal(given_, accumulators.to(dtype))
        assert torch.equal(requantize(given_.t(), half, out), requantize(given_, half, out).t())
        assert requantize(given_[:0], half, out).shape == (0, 4)
        assert requantize(given_[:0], FixedPointMultiplier((1,) * 4, (1,) * 4, -1), out).shape == (0, 4)
    assert requantize(torch.tensor(3), half, out).item() == 3


# ---- refusals --------------------------------------------------------------------------------------------------------

ONE, HALF, S8 = torch.ones(2, 3, dtype=torch.int32), FixedPointMultiplier(1, 1), QParams(1.0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: requantize(ONE.float(), HALF, S8), TypeError, r"accumulators is torch.float32.*quantize\(accumulators"),
        (lambda: requantize([1], HALF, S8), TypeError, "accumulators is a list"),
        (lambda: requantize(ONE, 0.5, S8), TypeError, r"multiplier is a float: FixedPointMultiplier.from_real\(real\)"),
        (lambda: requantize(ONE, HALF, None), TypeError, r"out_qparams is a NoneType: give the format as QParams\("),
        (lambda: requantize(ONE, HALF, QParams((1.0,), axis=0)), ValueError, "out_qparams has axis 0.*one scale and zero"),
        (lambda: requantize(ONE, HALF, S8, "nearest"), ValueError, "rounding 'nearest' is no name.*half_even, half_up"),
        (lambda: requantize(ONE[:0], HALF, S8, "nearest"), ValueError, "rounding 'nearest' is no name"),
        (lambda: requantize(ONE, FixedPointMultiplier((1, 2), (1, 2), -1), S8), ValueError, "accumulators has 3 channels .* 2 are given"),
        (lambda: requantize(ONE, FixedPointMultiplier((1, 2), (1, 2), 2), S8), ValueError, "axis 2 is no dimension of acc"),
        (lambda: requantize(torch.tensor([2**62]), FixedPointMultiplier(2, 1), S8), ValueError, "mantissa 2 leaves 63 bits"),
        (lambda: FixedPointMultiplier(0, 1), ValueError, r"mantissa 0 is outside 1 … 2\*\*31 - 1.*move shift"),
        (lambda: FixedPointMultiplier(-5, 1), ValueError, "mantissa -5 is outside"),
        (lambda: FixedPointMultiplier(2**31, 1), ValueError, "mantissa 2147483648 is outside"),
        (lambda: FixedPointMultiplier(1, 63), ValueError, "shift 63 is outside 0 … 62"),
        (lambda: FixedPointMultiplier(1.5, 1), ValueError, "mantissa 1.5 is no whole number"),
        (lambda: FixedPointMultiplier(1, "2"), TypeError, "shift '2' is a str"),
        (lambda: FixedPointMultiplier((1, 2), (1, 2)), ValueError, "exactly where axis names a dimension"),
        (lambda: FixedPointMultiplier(1, 2, 0), ValueError, "exactly where axis names a dimension"),
        (lambda: FixedPointMultiplier((1, 2), 3, 0), ValueError, "give all three or none"),
        (lambda: FixedPointMultiplier((1, 2), (3,), 0), ValueError, "2 mantissas and 1 shifts: give one of each"),
        (lambda: FixedPointMultiplier((), (), 0), ValueError, "0 mantissas and 0 shifts"),
        (lambda: FixedPointMultiplier((1,), (1,), "0"), TypeError, "axis '0' is a str"),
        (lambda: FixedPointMultiplier.from_real(-0.5), ValueError, r"real -0.5 is outside 0 < real < 2\*\*30.*rescale"),
        (lambda: rounding_right_shift(ONE, torch.tensor([1, 63, 2])), ValueError, "shift 63 is outside 0 … 62.*use 62"),
        (lambda: rounding_right_shift(ONE, torch.tensor(-1)), ValueError, "shift -1 is outside 0 … 62.*use 0"),
        (lambda: rounding_right_shift(ONE, torch.tensor([1.0])), TypeError, "shift is torch.float32"),
        (lambda: rounding_right_shift(ONE, torch.tensor([1, 2])), ValueError, r"shape \(2,\) does not broadcast to x of shape \(2, 3\)"),
        (lambda: rounding_right_shift(ONE[0], torch.ones(2, 1).int()), ValueError, r"shape \(2, 1\) does not broadcast to x"),
        (lambda: rounding_right_shift(ONE, [1, 2]), TypeError, r"shift \[1, 2\] is a list"),
    ],
)  # fmt: skip
def test_what_cannot_be_requantized_is_refused_in_a_sentence(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_whole_numbers_of_any_kind_make_a_multiplier():
    assert FixedPointMultiplier(5.0, 2.0) == FixedPointMultiplier(5, 2)
    assert FixedPointMultiplier([5, 3], [2, 2], 1.0) == FixedPointMultiplier((5, 3), (2, 2), 1)
    assert hash(FixedPointMultiplier([5, 3], [2, 2], 1)) == hash(FixedPointMultiplier((5, 3), (2, 2), 1))
