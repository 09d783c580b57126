"""avg_pool2d against means of Python integers: every sum of a small window, every mode, strides and shapes."""

from fractions import Fraction
from itertools import product

import numpy
import pytest
import torch
from exact import rounded
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx_runtime import run_operator

from qtutor import avg_pool2d
from qtutor.kernels import ROUNDINGS

GPU = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU, none here")
)


def exact_means(plane: list[list[int]], window: tuple[int, int], stride: tuple[int, int], rounding: str) -> list:
    """Means of windows of one plane, as fractions, rounded once."""
    (height, width), (down, right) = window, stride
    return [
        [
            rounded(Fraction(sum(sum(row[j : j + width]) for row in plane[i : i + height]), height * width), rounding)
            for j in range(0, len(plane[0]) - width + 1, right)
        ]
        for i in range(0, len(plane) - height + 1, down)
    ]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("window", [(1, 1), (1, 2), (2, 2), (3, 1), (2, 3), (7, 1), (3, 3), (5, 5)])
def test_every_sum_of_small_integers_has_its_mean_rounded_once(window, rounding, lib):
    """Sums from -40 to 40, ties among them where the window's size is even; odd sizes have none."""
    size = window[0] * window[1]
    pictures = torch.zeros(81, 1, *window, dtype=torch.int8)
    pictures[:, 0, 0, 0] = torch.arange(-40, 41)
    got = lib.avg_pool2d(pictures, window, rounding=rounding)
    assert got.flatten().tolist() == [rounded(Fraction(total, size), rounding) for total in range(-40, 41)]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64])
def test_the_ends_of_every_dtype_are_their_own_mean_and_the_dtype_stays(dtype, rounding, lib):
    low, high = torch.iinfo(dtype).min, torch.iinfo(dtype).max
    if dtype == torch.int64:
        low, high = low // 32, high // 32
    for end in (low, high):
        got = lib.avg_pool2d(torch.full((1, 2, 4, 4), end, dtype=dtype), 4, rounding=rounding)
        assert (got.dtype, got.flatten().tolist()) == (dtype, [end, end])
    mixed = torch.tensor([[[low, high], [high, high]]], dtype=dtype)
    wanted = rounded(Fraction(low + 3 * high, 4), rounding)
    assert lib.avg_pool2d(mixed, 2, rounding=rounding).item() == wanted


def test_every_window_of_three_values_of_2_bits(lib):
    every = torch.tensor(list(product(range(-2, 2), repeat=3)), dtype=torch.int8).reshape(-1, 1, 1, 3)
    for rounding in ROUNDINGS:
        wanted = [exact_means(plane, (1, 3), (1, 3), rounding) for (plane,) in every.tolist()]
        assert lib.avg_pool2d(every, (1, 3), rounding=rounding)[:, 0].tolist() == wanted


def test_the_default_stride_is_the_window_and_the_default_rounding_half_to_even(lib):
    q = torch.tensor([[[1, 2, 3, 4, 9], [2, 1, 4, 3, 9]]])
    assert lib.avg_pool2d(q, 2).tolist() == [[[2, 4]]]
    assert lib.avg_pool2d(q, (1, 2)).tolist() == [[[2, 4], [2, 4]]]
    assert lib.avg_pool2d(q, (1, 2), rounding="half_up").tolist() == [[[2, 4], [2, 4]]]
    assert lib.avg_pool2d(q, 2, (1, 1)).tolist() == [[[2, 2, 4, 6]]]


def test_onnx_runtime_gives_the_same_means_where_its_zero_point_is_even():
    """com.microsoft.QLinearAveragePool adds the zero point before it rounds. Equal scales, a window of a power of two."""
    q = torch.from_numpy(numpy.random.default_rng(1).integers(0, 256, (2, 3, 8, 8))).to(torch.uint8)
    for zero_point in (0, 128):
        point, scale = numpy.array(zero_point, numpy.uint8), numpy.array(0.5, numpy.float32)
        arrays = {"x": q.numpy(), "s": scale, "z": point, "t": scale, "u": point}
        theirs = run_operator("QLinearAveragePool", arrays, domain="com.microsoft", kernel_shape=[2, 2], strides=[2, 2])
        assert avg_pool2d(q, 2).tolist() == theirs.tolist()


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.integers(0, 2), st.integers(0, 2), st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)), st.none() | st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.sampled_from(ROUNDINGS), st.integers(0, 99),
)  # fmt: skip
@example(0, 2, (2, 2), (2, 2), None, "half_even", 0)
def test_any_shape_window_stride_and_rounding(batch, planes, size, window, stride, rounding, seed):
    window = min(window[0], size[0]), min(window[1], size[1])
    q = torch.from_numpy(numpy.random.default_rng(seed).integers(-128, 128, (batch, planes, *size))).to(torch.int8)
    got = avg_pool2d(q, window, stride, rounding)
    wanted = [[exact_means(plane, window, stride or window, rounding) for plane in image] for image in q.tolist()]
    assert got.tolist() == wanted
    if batch:
        assert torch.equal(avg_pool2d(q[0], window, stride, rounding), got[0])


@pytest.mark.parametrize("device", ["cpu", GPU])
def test_neither_the_device_nor_autocast_changes_a_mean(device):
    q = torch.arange(-(2**31), -(2**31) + 64, dtype=torch.int64).reshape(1, 8, 8).to(torch.int32)
    with torch.autocast(device, torch.bfloat16):
        got = avg_pool2d(q.to(device), 2)
    assert got[0].tolist() == exact_means(q[0].tolist(), (2, 2), (2, 2), "half_even")
    assert got.device.type == device


def test_a_sum_that_could_leave_int64_is_refused(lib):
    with pytest.raises(ValueError, match=r"4 values of up to 4.6e\+18 can sum to more than int64 holds: use narrower"):
        lib.avg_pool2d(torch.full((1, 2, 2), 2**62), 2)
    for value, window in [(2**61, 2), (2**60, 3), (-(2**60), (2, 5))]:
        with pytest.raises(ValueError, match=r"\d+ values of up to \d\.\de\+18 can sum to more"):
            lib.avg_pool2d(torch.full((1, 5, 5), value), window)
    assert lib.avg_pool2d(torch.full((1, 1, 1), -(2**63)), 1).item() == -(2**63)
    assert lib.avg_pool2d(torch.full((1, 2, 2), 2**61 - 1), 2).item() == 2**61 - 1
    assert lib.avg_pool2d(torch.full((1, 2, 2), -(2**61) + 1), 2).item() == -(2**61) + 1


def test_views_are_pooled_as_they_are_seen():
    q = torch.arange(24).reshape(2, 3, 4).to(torch.int8)
    assert torch.equal(avg_pool2d(q.transpose(1, 2), (2, 1)), avg_pool2d(q, (1, 2)).transpose(1, 2))


PICTURE = torch.ones(1, 2, 4, 4, dtype=torch.int8)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((PICTURE.float(), 2), TypeError, r"q is torch.float32, kernels take integers: quantize\(q"),
        ((PICTURE.bool(), 2), TypeError, "q is torch.bool"),
        ((PICTURE.tolist(), 2), TypeError, "q is a list"),
        ((PICTURE, 5), ValueError, r"q has shape \(1, 2, 4, 4\); a window of 5 × 5 needs \[N, C, H, W\]"),
        ((PICTURE[0, 0], 2), ValueError, r"q has shape \(4, 4\); a window of 2 × 2 needs"),
        ((PICTURE[None], 2), ValueError, r"needs \[N, C, H, W\] or \[C, H, W\] at least that large"),
        ((PICTURE, 0), ValueError, "kernel_size 0 is below 1: give a whole number from 1 up"),
        ((PICTURE, (2, 0)), ValueError, r"kernel_size \(2, 0\) is below 1"),
        (
            (PICTURE, (2, 2, 2)),
            ValueError,
            r"kernel_size \(2, 2, 2\) has 3 numbers: give one, or two as \(height, width\)",
        ),
        ((PICTURE, 1.5), ValueError, "kernel_size 1.5 is no whole number"),
        ((PICTURE, "2"), TypeError, "kernel_size '2' is a str"),
        ((PICTURE, True), TypeError, "kernel_size True is a bool"),
        ((PICTURE, 2, 0), ValueError, "stride 0 is below 1"),
        ((PICTURE, 2, 2**62), ValueError, r"stride 4611686018427387904 is 2\*\*31 or more"),
        ((PICTURE, 2, (1, 2, 3)), ValueError, "stride .* has 3 numbers"),
        ((PICTURE, 2, None, "nearest"), ValueError, "rounding 'nearest' is no name"),
    ],
)
def test_what_cannot_be_pooled_is_refused_in_a_sentence(arguments, error, words):
    with pytest.raises(error, match=words):
        avg_pool2d(*arguments)
