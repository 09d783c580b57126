"""choose_qparams: ranges by hand and in fractions, the least squared error by trying every candidate again in NumPy."""

import math
from fractions import Fraction

import numpy
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qtutor import QParams, choose_qparams, dequantize, int_range, quantize
from qtutor.quantization import METHODS

few = settings(deadline=None, derandomize=True, max_examples=200)


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(numpy.random.default_rng(seed).normal(size=shape).astype("float32"))


def float32(value) -> float:
    return float(numpy.float32(value))


# ---- minmax ----------------------------------------------------------------------------------------------------------

BY_HAND = [  # values, bit_width, signed, symmetric, narrow_range, scale, zero_point
    ([-1.0, 3.0], 2, False, False, False, 4 / 3, 1),
    ([-1.0, 3.0], 2, True, False, False, 4 / 3, -1),
    ([0.5, 3.0], 2, False, False, False, 1.0, 0),  # the range includes 0, which no value is
    ([0.5, 3.0], 2, True, False, False, 1.0, -2),
    ([-3.0, -0.5], 2, False, False, False, 1.0, 3),
    ([-3.0, -0.5], 2, True, False, False, 1.0, 1),
    ([-6.0, 14.0], 4, True, True, False, 2.0, 0),
    ([-14.0, 6.0], 4, True, True, False, 2.0, 0),
    ([-14.0, 6.0], 4, True, True, True, 2.0, 0),
    ([-6.0, 15.0], 4, True, False, True, 1.5, -3),
    ([0.0, 7.5], 4, False, True, False, 0.5, 0),
    ([0.0, 7.0], 4, False, True, True, 0.5, 0),
    ([-1.0, 0.0], 1, True, False, False, 1.0, 0),
    ([0.0, 1.0], 1, False, False, False, 1.0, 0),
    ([-127.0, 127.0], 8, True, True, False, 1.0, 0),
    ([0.0, 0.0], 8, True, False, False, 1.0, -128),
    ([-0.0], 8, False, True, False, 1.0, 0),
    ([2.0], 8, False, False, False, 2 / 255, 0),
]


@pytest.mark.parametrize(("values", "bits", "signed", "symmetric", "narrow", "scale", "zero_point"), BY_HAND)
def test_the_range_of_the_values_with_0_in_it_is_spread_over_the_integers(
    values, bits, signed, symmetric, narrow, scale, zero_point, lib
):
    got = lib.choose_qparams(torch.tensor(values), bits, signed, symmetric=symmetric, narrow_range=narrow)
    assert got == lib.QParams(scale, zero_point, bits, signed, narrow)


finite = st.floats(-1e6, 1e6, width=32)
widths = st.tuples(st.integers(1, 16), st.booleans(), st.booleans()).filter(lambda form: form[0] > 1 or not form[2])


@few
@given(st.lists(finite, min_size=1, max_size=20), widths)
@example([1e-45, -1e-45], (8, True, False))
@example([-1e-38], (8, False, False))
@example([0.0], (1, True, False))
def test_minmax_clips_nothing_and_0_is_exact(values, form):
    bits, signed, narrow = form
    x = torch.tensor(values)
    q = choose_qparams(x, bits, signed, narrow_range=narrow)
    assert dequantize(quantize(torch.zeros(1), q), q).item() == 0.0
    real = dequantize(quantize(x, q), q)
    slack = Fraction(q.scale) * (
        Fraction(1, 2) + Fraction(2 ** (bits + 1), 2**23)
    )  # float32's quotient, scale, product
    assert all(abs(Fraction(a) - Fraction(b)) <= slack for a, b in zip(real.tolist(), x.tolist(), strict=True))


@few
@given(st.lists(finite, min_size=1, max_size=20).filter(any), st.integers(2, 16), st.booleans(), st.booleans())
def test_symmetric_reaches_as_far_on_both_sides(values, bits, signed, narrow):
    x = torch.tensor(values if signed else [abs(v) for v in values])
    q = choose_qparams(x, bits, signed, symmetric=True, narrow_range=narrow)
    farthest = max(abs(v) for v in x.tolist())
    assert q.zero_point == 0
    assert q.scale == float32(max(farthest / int_range(bits, signed, narrow)[1], 2.0**-126))


@settings(few, max_examples=60)
@given(st.lists(finite, min_size=1, max_size=20), st.integers(2, 16), st.booleans(), st.sampled_from(METHODS))
@example([2.0**-10], 2, False, "minmax")
@example([3.0], 2, False, "minmax")
@example([3.0000002], 2, False, "minmax")
def test_power_of_two_rounds_the_scale_up_to_the_next_one(values, bits, signed, method):
    plain, power = (choose_qparams(torch.tensor(values), bits, signed, method, power_of_two=p) for p in (False, True))
    assert math.frexp(power.scale)[0] == 0.5
    if method != "mse":  # whose best clipping may be another one
        assert plain.scale <= power.scale < 2 * plain.scale


def test_the_scale_is_rounded_up_to_a_power_of_two_and_the_zero_point_belongs_to_it(lib):
    q = lib.choose_qparams(torch.tensor([-3.0, 7.0]), 4, False, power_of_two=True)
    assert q == lib.QParams(1.0, 3, 4, False)
    q = QParams(q.scale, q.zero_point, 4, False)
    assert quantize(torch.tensor([-3.0, 7.0]), q).tolist() == [0, 10]


def test_short_floats_views_and_single_numbers_are_taken():
    x = normal(1, 6, 4)
    for dtype in (torch.float16, torch.bfloat16):
        assert choose_qparams(x.to(dtype), 8, True) == choose_qparams(x.to(dtype).float(), 8, True)
    assert choose_qparams(x.t(), 8, True) == choose_qparams(x, 8, True)
    assert choose_qparams(torch.tensor(3.0), 2, False) == QParams(1.0, 0, 2, False)


# ---- percentile ------------------------------------------------------------------------------------------------------


def test_percentile_drops_a_thousandth_of_the_values_on_each_side(lib):
    x = torch.arange(1001.0) - 500
    x[0], x[-1] = -1e6, 1e6
    shuffled = x[torch.from_numpy(numpy.random.default_rng(1).permutation(1001))]
    got = lib.choose_qparams(shuffled, 8, True, "percentile")
    assert got == lib.QParams(998 / 255, 0, 8, True)
    assert lib.choose_qparams(shuffled, 8, True, "percentile", symmetric=True) == lib.QParams(499 / 127)


@pytest.mark.parametrize("count", [1, 2, 3, 500, 501, 1500, 4321])
def test_between_two_values_the_percentile_is_numpys(count):
    x = normal(count, count)
    low, high = numpy.quantile(x.numpy().astype("float64"), [0.001, 0.999])
    q = choose_qparams(x, 8, True, "percentile")
    wanted = (max(high, 0) - min(low, 0)) / 255
    assert abs(q.scale - wanted) <= wanted * 2**-23  # the nearest float32 or its neighbour
    assert q.zero_point == round(-128 - min(low, 0) / q.scale)


# ---- mse -------------------------------------------------------------------------------------------------------------


def squared_error(x: numpy.ndarray, low: float, high: float, bits: int, signed: bool, symmetric: bool) -> tuple:
    """The error of a candidate in NumPy, with its scale and zero point: round, clip, back, in float32 as a quantizer."""
    int_min, int_max = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    reach, steps = (max(-low, high), int_max) if symmetric else (high - low, int_max - int_min)
    scale = numpy.float32(reach / steps)
    zero = 0 if symmetric else min(max(round(int_min - low / float(scale)), int_min), int_max)
    stored = numpy.clip(numpy.rint(x / scale) + numpy.float32(zero), int_min, int_max)
    back = (stored - numpy.float32(zero)) * scale
    return float(((back.astype("float64") - x) ** 2).sum()), float(scale), zero


LENGTHS = {1: 400, 2: 400, 3: 5000, 4: 70_000}  # all clippings are tried at once, some, one


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize(("bits", "signed"), [(2, True), (3, False), (4, True), (8, True)])
@pytest.mark.parametrize("seed", LENGTHS)
def test_mse_takes_the_least_squared_error_of_the_hundred_clippings(seed, bits, signed, symmetric, lib):
    x = normal(seed, LENGTHS[seed]) ** 3
    x = x if signed else x.abs()
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    tried = [squared_error(x.numpy(), low * n / 100, high * n / 100, bits, signed, symmetric) for n in range(1, 101)]
    got = lib.choose_qparams(x, bits, signed, "mse", symmetric=symmetric)
    best = min(error for error, *_ in tried)
    assert (got.scale, got.zero_point) in [(s, z) for error, s, z in tried if error <= best * (1 + 1e-12)]


def test_fewer_clipped_values_can_mean_more_error():
    x = normal(4, 1000)
    x[0] = 40.0
    errors = {}
    for method in METHODS:
        q = choose_qparams(x, 4, True, method)
        errors[method] = float((dequantize(quantize(x, q), q) - x).square().sum())
    assert errors["mse"] < errors["minmax"]


def test_mse_clips_nothing_where_every_value_is_on_the_grid():
    x = torch.arange(-8.0, 8.0)
    assert choose_qparams(x, 4, True, "mse") == choose_qparams(x, 4, True) == QParams(1.0, 0, 4)


# ---- per-channel -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("options", [{}, {"symmetric": True}, {"power_of_two": True}, {"narrow_range": True}])
def test_each_channel_gets_what_it_would_get_alone(method, axis, options, lib):
    x = normal(5, 3, 4, 5) * torch.tensor([1.0, 10.0, 0.1]).reshape(3, 1, 1)
    got = lib.choose_qparams(x, 5, True, method, axis, **options)
    alone = [lib.choose_qparams(part, 5, True, method, **options) for part in x.unbind(axis)]
    points = got.zero_point if isinstance(got.zero_point, tuple) else (got.zero_point,) * len(alone)
    assert (got.scale, points, got.axis) == (tuple(q.scale for q in alone), tuple(q.zero_point for q in alone), axis)
    assert quantize(x, QParams(got.scale, got.zero_point, 5, True, got.narrow_range, axis)).shape == x.shape


def test_an_axis_may_be_a_whole_number_of_any_kind():
    for axis in (numpy.int64(1), torch.tensor(1), 1.0):
        assert choose_qparams(X[:1] + X[:1].t(), 8, True, axis=axis).axis == 1


@pytest.mark.parametrize("bits", [2, 3, 7, 8, 12])
@pytest.mark.parametrize("signed", [False, True])
def test_the_largest_float32_is_no_infinity_once_dequantized(bits, signed):
    x = torch.tensor([torch.finfo(torch.float32).max])
    for method in ("minmax", "mse"):
        q = choose_qparams(x, bits, signed, method, symmetric=True)
        assert torch.isfinite(dequantize(quantize(x, q), q)).all()


def test_channels_that_agree_share_one_zero_point():
    x = torch.tensor([[-1.0, 1.0], [-2.0, 2.0]])
    assert choose_qparams(x, 8, True, axis=0, symmetric=True).zero_point == 0
    assert choose_qparams(torch.tensor([[-1.0, 3.0], [-3.0, 1.0]]), 2, False, axis=0).zero_point == (1, 2)


# ---- refusals --------------------------------------------------------------------------------------------------------

X = torch.tensor([[0.5, 1.5], [0.0, 0.0]])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: choose_qparams(torch.tensor([1.0, math.nan]), 8, True), ValueError, "x holds nan.*nan_to_num"),
        (lambda: choose_qparams(torch.tensor([-math.inf]), 8, True, "mse"), ValueError, "x holds -inf"),
        (lambda: choose_qparams(torch.zeros(0), 8, True), ValueError, r"x has shape \(0,\) and no values.*at least one"),
        (lambda: choose_qparams(torch.zeros(0, 3), 8, True, axis=1), ValueError, r"x has shape \(0, 3\) and no values"),
        (lambda: choose_qparams(X, 8, True, axis=0), ValueError, "channel 1 along axis 0 is all zero, so it has no scale"),
        (lambda: choose_qparams(X, 8, True, "mse", axis=-2), ValueError, "channel 1 along axis -2 is all zero.*axis=None"),
        (lambda: choose_qparams(X, 8, True, "max"), ValueError, "method 'max' is no way.*minmax, percentile, mse"),
        (lambda: choose_qparams(X, 8, True, axis=2), ValueError, r"axis 2 is no dimension of x.*\(2, 2\): use 0 … 1"),
        (lambda: choose_qparams(torch.tensor(1.0), 8, True, axis=0), ValueError, r"axis 0 is no dimension.*use axis=None"),
        (lambda: choose_qparams(-X, 8, False, symmetric=True), ValueError, "x holds -1.5, and a symmetric unsigned.*signed=True"),
        (lambda: choose_qparams(X, 1, True, symmetric=True), ValueError, "range -1 … 0 has no step.*larger bit_width"),
        (lambda: choose_qparams(X, 1, False, narrow_range=True), ValueError, "range 0 … 0 has no step"),
        (lambda: choose_qparams(X, 1, True, narrow_range=True), ValueError, "narrow_range leaves signed 1 bit"),
        (lambda: choose_qparams(X, 0, True), ValueError, "bit_width 0 is outside 1 … 32"),
        (lambda: choose_qparams(X, 33, True), ValueError, "bit_width 33 is outside 1 … 32"),
        (lambda: choose_qparams(X, 8, "yes"), TypeError, "signed 'yes' is a str"),
        (lambda: choose_qparams(X, 8, True, symmetric="no"), TypeError, "symmetric 'no' is a str"),
        (lambda: choose_qparams(X, 8, True, power_of_two=None), TypeError, "power_of_two None is a NoneType"),
        (lambda: choose_qparams(X, 8, True, axis="0"), TypeError, "axis '0' is a str"),
        (lambda: choose_qparams(X.to_sparse(), 8, True), TypeError, r"x is sparse_coo.*x\.to_dense"),
        (lambda: choose_qparams(X.int(), 8, True), TypeError, r"x is torch.int32.*x\.to\(torch\.float32\)"),
        (lambda: choose_qparams(X.double(), 8, True), TypeError, r"x is torch.float64.*x\.to\(torch\.float32\)"),
        (lambda: choose_qparams([0.5], 8, True), TypeError, "x is a list"),
        (lambda: choose_qparams(torch.tensor([3e38, -3e38]), 1, True), ValueError, r"from -3e\+38 to 3e\+38 need a scale beyond"),
        (lambda: choose_qparams(torch.tensor([3e38]), 1, False, power_of_two=True), ValueError, "beyond float32: use a larger"),
        (lambda: choose_qparams(torch.tensor([3e38, -3e38]), 1, True, power_of_two=True), ValueError, "beyond float32"),
    ],
)  # fmt: skip
def test_values_that_have_no_format_are_refused_in_a_sentence(call, error, words):
    with pytest.raises(error, match=words):
        call()
