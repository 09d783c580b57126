"""quantize equals ONNX Runtime on every finite float16 value, and exact fractions wherever the division is exact."""

from fractions import Fraction

import numpy
import pytest
import torch
from onnx_runtime import quantize_linear, run_operator

from qtutor import QParams, choose_qparams, dequantize, quantize
from qtutor.kernels import ROUNDINGS

FLOAT16 = torch.arange(2**16, dtype=torch.int32).to(torch.int16).view(torch.float16)
EVERY = FLOAT16[torch.isfinite(FLOAT16)].to(torch.float32)


def test_every_finite_float16_value_is_there():
    assert len(EVERY) == 63_488
    assert set(EVERY.tolist()) >= {0.5, -65504.0, 2.0**-24}


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16"])
@pytest.mark.parametrize("scale", [1.0, 0.5, 2.0**-10, 0.1, 0.3, 1 / 3, 0.007, 3.7, 100.0])
def test_every_float16_value_equals_onnx_runtime(scale, dtype):
    info = numpy.iinfo(dtype)
    for zero_point in {0, 1, 3, info.min, info.max, (info.max + info.min) // 2}:
        q = QParams(scale, zero_point, bit_width=info.bits, signed=info.min < 0)
        ours = quantize(EVERY, q).numpy()
        theirs = quantize_linear(EVERY.numpy(), scale, zero_point, dtype)
        assert (ours != theirs).sum() == 0, (scale, zero_point, dtype)


def exact(x: float, scale: float, zero_point: int, low: int, high: int) -> int:
    return min(
        max(round(Fraction(x) / Fraction(scale)) + zero_point, low), high
    )  # Python rounds fractions half to even


@pytest.mark.parametrize("scale", [1.0, 0.5, 2.0**-6, 8.0])
@pytest.mark.parametrize(("bits", "signed", "zero_point"), [(4, True, -3), (4, False, 1), (8, True, 0), (2, False, 3)])
def test_every_float16_value_equals_exact_fractions_at_scales_that_are_powers_of_two(
    scale, bits, signed, zero_point, lib
):
    q = lib.QParams(scale, zero_point, bits, signed)
    wanted = [exact(x, scale, zero_point, q.int_min, q.int_max) for x in EVERY.tolist()]
    assert lib.quantize(EVERY, q).tolist() == wanted


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_parameters_of_a_layer_are_quantized_as_they_are(dtype):
    weight = torch.nn.Parameter(torch.tensor([0.5, -1.5], dtype=dtype))
    integers = quantize(weight, QParams(0.5))
    assert integers.tolist() == [1, -3]
    assert not integers.requires_grad
    assert quantize(weight, QParams(0.5), "floor", "wrap").tolist() == [1, -3]
    assert choose_qparams(weight, 8, True, symmetric=True) == choose_qparams(weight.detach(), 8, True, symmetric=True)


def test_at_scale_a_tenth_the_float32_quotient_can_be_a_tie_that_the_exact_one_is_not():
    x = torch.tensor([0.75])
    assert Fraction(0.75) / Fraction(QParams(0.1).scale) < Fraction(15, 2)
    assert quantize(x, QParams(0.1)).tolist() == [8]
    assert quantize_linear(x.numpy(), 0.1, 0, "int8").tolist() == [8]


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_ties_are_rounded_before_the_zero_point_is_added_in_every_mode(rounding):
    ties = torch.arange(-15, 16) / 2
    at_0 = quantize(ties, QParams(1.0, 0), rounding)
    at_1 = quantize(ties, QParams(1.0, 1), rounding)
    assert (at_1 - at_0).tolist() == [1] * len(ties)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")  # deprecated, and here the thing compared
def test_the_four_answers_of_the_pitfall_are_reproduced():
    x = torch.tensor([0.5, 1.5, 2.5, -0.5])
    q = QParams(1.0, 1, 8, signed=False)
    assert quantize(x, q).tolist() == [1, 3, 3, 1]
    assert quantize(x, q, "half_away").tolist() == [2, 3, 4, 0]
    assert torch.quantize_per_tensor(x, 1.0, 1, torch.quint8).int_repr().tolist() == [2, 2, 4, 0]


def test_wrap_keeps_the_low_bits_of_any_quotient_that_float32_holds():
    x = torch.tensor([8.0, -9.0, 2.0**30 + 2.0**7, -(2.0**100), 3.0e38])
    wanted = [(int(v) + 3 + 8) % 16 - 8 for v in x.tolist()]
    assert quantize(x, QParams(1.0, 3, bit_width=4), overflow="wrap").tolist() == wanted
    with pytest.raises(ValueError, match="leaves float32.*larger scale"):
        quantize(torch.tensor([3e38]), QParams(0.1, bit_width=4), overflow="wrap")
    with pytest.raises(ValueError, match="narrow_range"):
        quantize(x, QParams(1.0, bit_width=4, narrow_range=True), overflow="wrap")


def test_a_quotient_beyond_float32_saturates():
    assert quantize(torch.tensor([3e38, -3e38]), QParams(0.1)).tolist() == [127, -128]
    assert quantize(torch.tensor([3e38, -3e38]), QParams(1.0, bit_width=32)).tolist() == [2**31 - 1, -(2**31)]
    assert quantize(torch.tensor([3e38, -3e38]), QParams(1.0, bit_width=32, signed=False)).tolist() == [2**32 - 1, 0]


def test_overflow_error_names_how_many_and_the_first():
    with pytest.raises(ValueError, match=r"2 of 3 values are outside \[-8, 7\].*first is 91"):
        quantize(torch.tensor([91.0, 1.0, -20.0]), QParams(1.0, bit_width=4), overflow="error")
    assert quantize(torch.tensor([7.0]), QParams(1.0, bit_width=4), overflow="error").tolist() == [7]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_floats_are_cast_to_float32_first(dtype):
    x = (torch.arange(-64, 64) / 8).to(dtype)
    assert quantize(x, QParams(0.1)).tolist() == quantize(x.to(torch.float32), QParams(0.1)).tolist()


def test_per_channel_equals_one_channel_at_a_time_along_any_axis():
    x = torch.arange(-24, 24).reshape(2, 3, 8) / 8
    scales, points = (0.25, 0.1, 0.5), (0, 1, -3)
    for axis in (1, -2):
        q = QParams(scales, points, 4, axis=axis)
        stored = quantize(x, q)
        real = dequantize(stored, q)
        for channel, (scale, point) in enumerate(zip(scales, points, strict=True)):
            alone = QParams(scale, point, 4)
            assert stored[:, channel].tolist() == quantize(x[:, channel], alone).tolist()
            assert real[:, channel].tolist() == dequantize(stored[:, channel], alone).tolist()


def test_every_integer_of_8_bits_is_dequantized_as_onnx_runtime_does():
    for dtype, zero_point in [("int8", -5), ("uint8", 200)]:
        info = numpy.iinfo(dtype)
        every = numpy.arange(info.min, info.max + 1).astype(dtype)
        arrays = {"x": every, "s": numpy.array(0.1, numpy.float32), "z": numpy.array(zero_point, dtype)}
        ours = dequantize(torch.from_numpy(every), QParams(0.1, zero_point, 8, info.min < 0))
        assert (ours.numpy() == run_operator("DequantizeLinear", arrays)).all()


def test_every_integer_survives_the_round_trip():
    for bits in range(1, 9):
        for signed in (False, True):
            q = QParams(0.1, 0, bits, signed)
            every = torch.arange(q.int_min, q.int_max + 1).to(q.dtype)
            assert torch.equal(quantize(dequantize(every, q), q), every)


def test_empty_and_single_numbers_pass_through():
    assert quantize(torch.zeros(0, 3), QParams(0.1)).shape == (0, 3)
    assert dequantize(torch.zeros(0, dtype=torch.int8), QParams(0.1)).shape == (0,)
    assert quantize(torch.tensor(0.5), QParams(0.5)).shape == ()
    assert quantize(torch.tensor(0.5), QParams(0.5)).item() == 1


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (torch.tensor([1, 2]), TypeError, "torch.int64.*float32"),
        (torch.tensor([0.5], dtype=torch.float64), TypeError, r"float64.*x\.to\(torch\.float32\)"),
        (torch.tensor([1.0, float("nan")]), ValueError, "nan.*nan_to_num"),
        (torch.tensor([-float("inf")]), ValueError, "-inf"),
        (torch.tensor([0.5]).to_sparse(), TypeError, r"x is sparse_coo.*x\.to_dense\(\)"),
        (torch.nested.nested_tensor([torch.zeros(1)], layout=torch.jagged), TypeError, "x is nested"),
        (torch.zeros(1, device="meta"), TypeError, "x is on the device meta"),
        ([0.5], TypeError, "is a list"),
        (0.5, TypeError, "is a float"),
    ],
)
def test_what_is_no_finite_float32_is_refused_in_a_sentence(x, error, words):
    with pytest.raises(error, match=words):
        quantize(x, QParams(0.1))


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_torchs_own_pairs_of_integers_and_scale_are_told_how_to_give_either():
    pair = torch.quantize_per_tensor(torch.zeros(2), 1.0, 0, torch.quint8)
    with pytest.raises(TypeError, match=r"x is torch.quint8, which is quantized already: x\.dequantize\(\)"):
        quantize(pair, QParams(0.1))
    with pytest.raises(TypeError, match=r"q is torch.quint8.*q\.int_repr\(\)"):
        dequantize(pair, QParams(0.1))


def test_a_format_that_is_none_is_refused():
    for call in (lambda: quantize(torch.tensor([1.0]), 0.1), lambda: dequantize(torch.tensor([1]), 0.1)):
        with pytest.raises(TypeError, match=r"is a float: give the format as QParams\("):
            call()


def test_unknown_names_and_channels_that_do_not_match_are_refused():
    x = torch.zeros(2, 3)
    with pytest.raises(ValueError, match="rounding 'up'.*half_even"):
        quantize(x, QParams(0.1), rounding="up")
    with pytest.raises(ValueError, match="overflow 'clip'.*saturate, wrap, error"):
        quantize(x, QParams(0.1), overflow="clip")
    with pytest.raises(ValueError, match="3 channels along axis 1 and 2 are given"):
        quantize(x, QParams((0.1, 0.2), axis=1))
    with pytest.raises(ValueError, match="axis 2 is no dimension"):
        quantize(x, QParams((0.1, 0.2), axis=2))
    with pytest.raises(ValueError, match=r"holds 91, outside \[-8, 7\]"):
        dequantize(torch.tensor([91]), QParams(0.1, bit_width=4))
    with pytest.raises(TypeError, match="float32"):
        dequantize(torch.tensor([1.0]), QParams(0.1))
