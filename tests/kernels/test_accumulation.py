"""linear and conv2d against Python loops, NumPy's int64 and ONNX Runtime (int8 x int8); their ranges by trying all inputs."""

from itertools import product

import numpy
import pytest
import torch
from exact import convolution, dot
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx_runtime import run_operator
from torch.utils._python_dispatch import TorchDispatchMode

from qtutor import QParams, accumulator_bits, accumulator_range, conv2d, linear
from qtutor.kernels.registers import dtype_for_sums, register_on

DTYPES = (torch.int8, torch.uint8, torch.int16, torch.int32)
GPU = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU, none here")
)
few = settings(deadline=None, derandomize=True, max_examples=60)


def ends(dtype: torch.dtype) -> tuple[int, int]:
    return torch.iinfo(dtype).min, torch.iinfo(dtype).max


def any_integers(seed: int, dtype: torch.dtype, *shape: int) -> torch.Tensor:
    """Seeded integers over the whole dtype, its ends among them."""
    low, high = ends(dtype)
    values = torch.from_numpy(numpy.random.default_rng(seed).integers(low, high + 1, shape)).to(dtype)
    if values.numel() > 1:
        values.flatten()[0], values.flatten()[-1] = low, high
    return values


def exact_linear(x: torch.Tensor, weight: torch.Tensor, bias=None, x_zero_point=0, weight_zero_point=0) -> list:
    added = [0] * len(weight) if bias is None else bias.tolist()
    return [
        [dot(row, w, x_zero_point, weight_zero_point) + b for w, b in zip(weight.tolist(), added, strict=True)]
        for row in x.tolist()
    ]


# ---- linear ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x_dtype", DTYPES)
@pytest.mark.parametrize("weight_dtype", DTYPES)
def test_every_mix_of_dtypes_with_zero_points_at_their_ends_equals_python_integers(x_dtype, weight_dtype, lib):
    terms = 1 if x_dtype == weight_dtype == torch.int32 else 3
    x, weight = any_integers(1, x_dtype, 4, terms), any_integers(2, weight_dtype, 5, terms)
    bias = torch.tensor([0, 1, -1, 2**31 - 1, -(2**31)])
    for z_x, z_w in [(0, 0), (ends(x_dtype)[0] // 2, 0), (0, ends(weight_dtype)[1] // 3), (7, 5)]:
        got = lib.linear(x, weight, bias, z_x, z_w)
        assert got.tolist() == exact_linear(x, weight, bias, z_x, z_w), (z_x, z_w)
    if max(x_dtype.itemsize, weight_dtype.itemsize) < 4:
        for z_x, z_w in product(ends(x_dtype), ends(weight_dtype)):
            assert lib.linear(x, weight, None, z_x, z_w).tolist() == exact_linear(x, weight, None, z_x, z_w), (z_x, z_w)


@pytest.mark.parametrize("terms", [1, 2, 63, 2048])
def test_int8_times_int8_equals_onnx_runtime(terms, lib):
    x, weight = any_integers(3, torch.int8, 9, terms), any_integers(4, torch.int8, 6, terms)
    for z_x, z_w in [(0, 0), (3, 0), (-128, 127), (127, -128)]:
        arrays = {"a": x.numpy(), "b": weight.t().contiguous().numpy()}
        arrays |= {"za": numpy.array(z_x, numpy.int8), "zb": numpy.array(z_w, numpy.int8)}
        theirs = run_operator("MatMulInteger", arrays)
        assert (lib.linear(x, weight, None, z_x, z_w).numpy() != theirs).sum() == 0


def lopsided(terms: int, x_value: int, w_value: int, x_dtype: torch.dtype, w_dtype: torch.dtype) -> tuple:
    """All products alike and as large as can be, but for one that is 1 * 1: the low bit shows any rounding."""
    x, weight = torch.full((1, terms), x_value, dtype=x_dtype), torch.full((1, terms), w_value, dtype=w_dtype)
    x[0, terms // 2], weight[0, terms // 2] = 1, 1
    return x, weight, (terms - 1) * x_value * w_value + 1


I8, U8, I16, I32 = DTYPES
BOUNDS = [  # terms, the value of x, of the weight, their dtypes: on both sides of where a dtype ends
    (1024, -128, -128, I8, I8),  # 2**24, where float32 stops holding odd numbers
    (1025, -128, -128, I8, I8),
    (1026, -128, -128, I8, I8),
    (515, 255, -128, U8, I8),
    (65_792, 255, -128, U8, I8),
    (65_793, 255, -128, U8, I8),  # the last whose sums int32 holds
    (65_794, 255, -128, U8, I8),
    (131_071, -128, -128, I8, I8),
    (131_072, -128, -128, I8, I8),
    (131_073, -128, -128, I8, I8),
    (33_025, 255, 255, U8, U8),
    (33_026, 255, 255, U8, U8),
    (3, -(2**15), -(2**15), I16, I16),
    (128, -(2**15), -(2**31), I16, I32),  # 2**53, where float64 stops
    (129, -(2**15), -(2**31), I16, I32),
    (130, -(2**15), -(2**31), I16, I32),
    (70_000, -128, 32_767, I8, I16),
    (2, 2**31 - 1, 127, I32, I8),
]


@pytest.mark.parametrize("case", BOUNDS)
def test_sums_at_the_bounds_of_float32_int32_and_float64_are_exact(case, lib):
    x, weight, wanted = lopsided(*case)
    got, many = lib.linear(x, weight), lib.linear(x.expand(2**18 // case[0] + 1, -1), weight)
    assert got.tolist() == [[wanted]]
    assert set(many.flatten().tolist()) == {wanted}  # so many products are summed in another dtype
    farthest = [max(-torch.iinfo(t.dtype).min, torch.iinfo(t.dtype).max) for t in (x, weight)]
    assert got.dtype == (torch.int32 if case[0] * farthest[0] * farthest[1] < 2**31 else torch.int64)


@pytest.mark.parametrize(("terms", "dtype"), [(65_793, torch.int32), (65_794, torch.int64)])
def test_65793_products_of_uint8_and_int8_are_the_most_that_int32_holds(terms, dtype, lib):
    x, weight = torch.full((1, terms), 255, dtype=torch.uint8), torch.full((1, terms), -128, dtype=torch.int8)
    got = lib.linear(x, weight)
    assert (got.dtype, got.item()) == (dtype, -32_640 * terms)
    assert (-32_640 * terms >= -(2**31)) == (dtype == torch.int32)


def test_the_bias_and_the_zero_points_count_for_the_dtype_and_the_activations_at_hand_do_not(lib):
    x, weight = torch.zeros(1, 65_793, dtype=torch.uint8), torch.zeros(1, 65_793, dtype=torch.int8)
    room = 2**31 - 1 - 65_793 * 32_640
    for bias, dtype in [(room, torch.int32), (room + 1, torch.int64), (-room - 1, torch.int64)]:
        got = lib.linear(x, weight, torch.tensor([bias]))
        assert (got.dtype, got.item()) == (dtype, bias)
    assert lib.linear(x, weight, None, 128).dtype == torch.int32
    assert lib.linear(x[:, 1:], weight[:, 1:], None, 0, 1).dtype == torch.int64
    assert lib.linear(torch.ones(1, 1, dtype=I8), torch.ones(1, 1, dtype=I8), torch.tensor([2**40])).item() == 2**40 + 1


def test_the_ends_of_int32_are_exact_and_sums_that_could_leave_int64_are_refused():
    low = torch.full((1, 1), -(2**31), dtype=torch.int32)
    assert linear(low, low).tolist() == [[2**62]]
    assert linear(low, low, torch.tensor([2**62 - 1])).tolist() == [[2**63 - 1]]
    with pytest.raises(
        ValueError, match=r"2 products of torch.int32 and torch.int32 can reach .* beyond int64: use narr"
    ):
        linear(low.expand(1, 2), low.expand(1, 2))
    with pytest.raises(ValueError, match=r"products and bias can reach 9.2e\+18, beyond int64: use narrower .* bias"):
        linear(low, low, torch.tensor([2**62]))
    assert (linear(low // 2**16, low // 2**16, None, -5, 3) == (5 - 2**15) * (-3 - 2**15)).all()
    with pytest.raises(ValueError, match="beyond int64"):
        linear(
            torch.ones(1, 1, dtype=I32),
            torch.ones(1, 1, dtype=I32),
            x_zero_point=2**31 - 1,
            weight_zero_point=2**31 - 1,
        )


@pytest.mark.parametrize("x_dtype", DTYPES[:3])
def test_many_rows_equal_numpy_and_each_row_alone(x_dtype, lib):
    x, weight = any_integers(31, x_dtype, 300, 97), any_integers(32, torch.int8, 11, 97)
    for z_x, z_w in [(0, 0), (ends(x_dtype)[1], -128)]:
        got = lib.linear(x, weight, None, z_x, z_w)
        assert got.tolist() == ((x.long().numpy() - z_x) @ (weight.long().numpy() - z_w).T).tolist()
        assert torch.equal(got, torch.cat([lib.linear(row[None], weight, None, z_x, z_w) for row in x]))
        images, windows = x.reshape(300, 1, 97, 1), weight[:, :9].reshape(11, 1, 9, 1)
        batch = lib.conv2d(images, windows, None, 1, (3, 0), 1, z_x, z_w)
        alone = [lib.conv2d(image[None], windows, None, 1, (3, 0), 1, z_x, z_w) for image in images]
        assert torch.equal(batch, torch.cat(alone))
        assert torch.equal(batch[:, :, 3, 0], lib.linear(x[:, :9], weight[:, :9], None, z_x, z_w))


dims = st.integers(0, 6)
eight_bits = st.sampled_from([torch.int8, torch.uint8, torch.int16])


@few
@given(dims, dims, st.integers(1, 6), eight_bits, eight_bits, st.booleans(), st.integers(0, 127), st.integers(0, 127))
@example(rows=0, terms=3, outputs=2, x_dtype=I8, w_dtype=U8, biased=True, z_x=1, z_w=0)
@example(rows=2, terms=0, outputs=2, x_dtype=I8, w_dtype=U8, biased=True, z_x=1, z_w=0)
def test_any_shapes_dtypes_and_zero_points(rows, terms, outputs, x_dtype, w_dtype, biased, z_x, z_w):
    x, weight = any_integers(rows + 7, x_dtype, rows, terms), any_integers(terms + 70, w_dtype, outputs, terms)
    bias = any_integers(5, torch.int32, outputs) if biased else None
    got = linear(x, weight, bias, z_x, z_w)
    assert got.tolist() == exact_linear(x, weight, bias, z_x, z_w)
    assert got.shape == (rows, outputs)


def test_any_leading_dimensions_transposed_views_and_empty_batches_pass():
    x, weight = any_integers(8, torch.int8, 2, 3, 4), any_integers(9, torch.int8, 5, 4)
    rows = linear(x.reshape(6, 4), weight)
    assert torch.equal(linear(x, weight), rows.reshape(2, 3, 5))
    assert torch.equal(linear(x[0, 0], weight), rows[0])
    assert torch.equal(linear(weight, x[0]), linear(x[0], weight).t())
    assert torch.equal(linear(x[0].t().contiguous().t(), weight.t().contiguous().t()), rows[:3])
    for dtype in DTYPES[:3]:
        assert linear(torch.zeros(0, 4, dtype=dtype), weight.to(dtype)).shape == (0, 5)
        assert linear(torch.zeros(2, 0, 4, dtype=dtype), weight.to(dtype)).shape == (2, 0, 5)
    assert linear(x, weight[:0]).shape == (2, 3, 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_operand_is_changed(dtype, lib):
    for terms in (1, 0):
        x, weight = torch.full((2, terms), 7, dtype=dtype), torch.full((1, terms), 5, dtype=I8)
        lib.linear(x, weight, None, 3, 2)
        assert x.tolist() == [[7] * terms] * 2
        assert weight.tolist() == [[5] * terms]


def test_zero_points_may_be_whole_numbers_of_any_kind():
    x, weight = any_integers(8, torch.int8, 2, 4), any_integers(9, torch.int8, 5, 4)
    for z in (3.0, numpy.int64(3), torch.tensor(3)):
        assert torch.equal(linear(x, weight, None, z, z), linear(x, weight, None, 3, 3))


# ---- conv2d ----------------------------------------------------------------------------------------------------------


def exact_conv(x: torch.Tensor, weight: torch.Tensor, bias=None, **settings) -> list:
    return convolution(x.tolist(), weight.tolist(), None if bias is None else bias.tolist(), **settings)


LAYERS = [  # shape of x, of the weight, stride, padding, groups
    ((2, 3, 5, 4), (2, 3, 3, 2), (1, 1), (0, 0), 1),
    ((1, 3, 5, 5), (4, 3, 3, 3), (2, 1), (1, 2), 1),
    ((2, 4, 5, 5), (6, 2, 3, 3), (1, 2), (1, 1), 2),
    ((1, 3, 4, 4), (6, 1, 3, 3), (1, 1), (1, 1), 3),
    ((1, 2, 3, 3), (3, 2, 1, 1), (2, 2), (0, 0), 1),
    ((1, 1, 2, 2), (1, 1, 5, 5), (1, 1), (2, 2), 1),
    ((1, 2, 1, 6), (2, 2, 1, 3), (3, 3), (2, 4), 1),
]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(("x_dtype", "w_dtype"), [(I8, I8), (U8, I8), (U8, U8), (I16, I8), (I16, I16)])
def test_strides_paddings_and_groups_with_zero_points_equal_loops_in_python(layer, x_dtype, w_dtype, lib):
    x_shape, w_shape, stride, padding, groups = layer
    x, weight = any_integers(11, x_dtype, *x_shape), any_integers(12, w_dtype, *w_shape)
    bias = any_integers(13, torch.int32, w_shape[0])
    for z_x, z_w in [(0, 0), (ends(x_dtype)[1], 3), (ends(x_dtype)[0], ends(w_dtype)[0])]:
        settings = {
            "stride": stride,
            "padding": padding,
            "groups": groups,
            "x_zero_point": z_x,
            "weight_zero_point": z_w,
        }
        got = lib.conv2d(x, weight, bias, **settings)
        assert got.tolist() == exact_conv(x, weight, bias, **settings)


@pytest.mark.parametrize("layer", LAYERS)
def test_int8_convolutions_equal_onnx_runtime(layer):
    x_shape, w_shape, stride, padding, groups = layer
    x, weight = any_integers(14, torch.int8, *x_shape), any_integers(15, torch.int8, *w_shape)
    for z_x, z_w in [(0, 0), (5, 0), (-128, 127)]:
        arrays = {"x": x.numpy(), "w": weight.numpy(), "zx": numpy.array(z_x, "int8"), "zw": numpy.array(z_w, "int8")}
        pads = [*padding, *padding]
        theirs = run_operator("ConvInteger", arrays, strides=list(stride), pads=pads, group=groups)
        ours = conv2d(x, weight, None, stride, padding, groups, z_x, z_w)
        assert ours.numpy().tolist() == theirs.tolist()


def test_the_border_is_real_zero_where_the_folded_correction_is_wrong(lib):
    """conv(q padded with 0) - zx * sum(w) is the same inside, and wrong wherever the window leaves the picture."""
    x, weight = any_integers(16, torch.uint8, 1, 1, 5, 5), torch.ones(1, 1, 3, 3, dtype=torch.int8)
    got = lib.conv2d(x, weight, padding=1, x_zero_point=100)
    assert got.tolist() == exact_conv(x, weight, padding=(1, 1), x_zero_point=100)
    folded = torch.tensor(exact_conv(x, weight, padding=(1, 1))) - 100 * 9
    differs = (folded != got)[0, 0]
    assert not differs[1:-1, 1:-1].any()
    assert differs.sum() == 16
    padded = torch.full((1, 1, 7, 7), 100, dtype=torch.uint8)
    padded[:, :, 1:-1, 1:-1] = x
    assert torch.equal(lib.conv2d(padded, weight, x_zero_point=100), got)


@pytest.mark.parametrize("case", [case for case in BOUNDS if case[0] < 70_000])
def test_a_convolution_at_the_bounds_is_exact(case, lib):
    """The same sums as of `linear`, as channels of a 1 x 1 window; the window to its right holds zeros."""
    x, weight, wanted = lopsided(*case)
    picture = torch.zeros(1, case[0], 1, 2, dtype=x.dtype)
    picture[0, :, 0, 0] = x[0]
    weight = weight.reshape(1, -1, 1, 1)
    got, many = lib.conv2d(picture, weight), lib.conv2d(picture.expand(2**17 // case[0] + 1, -1, -1, -1), weight)
    assert got.flatten().tolist() == [wanted, 0]
    assert many.flatten().tolist() == [wanted, 0] * len(many)
    assert got.dtype == lib.linear(x, weight.flatten(1)).dtype


@pytest.mark.parametrize("x_shape", [(2, 1, 0, 3), (2, 1, 3, 0), (2, 1, 0, 0), (0, 1, 0, 3)])
def test_the_border_of_an_empty_image_is_real_zero(x_shape):
    x, weight = torch.zeros(x_shape, dtype=torch.uint8), any_integers(33, torch.int8, 3, 1, 2, 2)
    got = conv2d(x, weight, torch.tensor([5, 6, 7]), padding=2, x_zero_point=9)
    assert got.shape == (x_shape[0], 3, x_shape[2] + 3, x_shape[3] + 3)
    assert all(got[:, channel].unique().tolist() == [5 + channel] for channel in range(3) if len(got))


def test_a_window_over_the_whole_picture_is_a_linear_layer(lib):
    x, weight = any_integers(17, torch.int8, 3, 4, 5, 6), any_integers(18, torch.int8, 7, 4, 5, 6)
    bias = any_integers(19, torch.int32, 7)
    got = lib.conv2d(x, weight, bias, x_zero_point=-5, weight_zero_point=9)
    assert torch.equal(got.flatten(1), lib.linear(x.flatten(1), weight.flatten(1), bias, -5, 9))


@few
@given(
    st.integers(0, 2), st.integers(1, 2), st.integers(1, 2), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3),
    st.tuples(st.integers(1, 3), st.integers(1, 3)), st.tuples(st.integers(0, 3), st.integers(0, 3)),
    eight_bits, eight_bits, st.integers(0, 127),
)  # fmt: skip
@example(0, 1, 1, 1, 1, 1, (1, 1), (0, 0), I8, I8, 0)
def test_any_convolution(batch, inputs, outputs, groups, height, width, stride, padding, x_dtype, w_dtype, z):
    x = any_integers(20, x_dtype, batch, inputs * groups, 4, 3)
    weight = any_integers(21, w_dtype, outputs * groups, inputs, height, width)
    settings = {"stride": stride, "padding": padding, "groups": groups, "x_zero_point": z, "weight_zero_point": z}
    got = conv2d(x, weight, **settings)
    assert got.tolist() == exact_conv(x, weight, **settings)
    assert got.shape[:2] == (batch, outputs * groups)


# ---- whatever the machine and its settings ---------------------------------------------------------------------------


@pytest.fixture
def every_shortcut_allowed():
    """TF32 and reduced precision wherever torch offers them, put back afterwards."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.allow_tf32 = True
    yield
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]


@pytest.mark.parametrize("device", ["cpu", GPU])
@pytest.mark.usefixtures("every_shortcut_allowed")
def test_neither_autocast_nor_reduced_precision_touches_a_sum(device, lib):
    for case in BOUNDS:
        x, weight, wanted = lopsided(*case)
        few, weight = x.to(device), weight.to(device)
        for x in (few, few.expand(2**18 // case[0] + 1, -1)):
            with torch.autocast(device, torch.bfloat16):
                rows = lib.linear(x, weight)
                pictures = lib.conv2d(x[..., None, None], weight[..., None, None])
            assert rows.flatten().tolist() == pictures.flatten().tolist() == [wanted] * len(x)
            assert rows.device == x.device


@pytest.mark.parametrize("device", ["cpu", GPU])
def test_a_padded_convolution_is_exact_on_every_device(device):
    for x_dtype in (torch.uint8, torch.int16, torch.int32):
        x, weight = any_integers(22, x_dtype, 2, 4, 6, 6), any_integers(23, torch.int8, 6, 2, 3, 3)
        settings = {"stride": (1, 2), "padding": (1, 1), "groups": 2, "x_zero_point": 77, "weight_zero_point": 3}
        got = conv2d(x.to(device), weight.to(device), any_integers(24, torch.int32, 6).to(device), **settings)
        assert got.tolist() == exact_conv(x, weight, any_integers(24, torch.int32, 6), **settings)
        assert got.device.type == device


def test_autocast_would_spoil_a_float32_product():
    """The trap that the test above is for: bfloat16 keeps 8 bits, and says nothing."""
    x, weight, wanted = lopsided(300, 3, 1, I8, I8)
    with torch.autocast("cpu", torch.bfloat16):
        assert (x.float() @ weight.float().t()).item() != wanted


class Float32Convolutions(TorchDispatchMode):
    """Counts them, on any machine, for one whose library would go Winograd's way."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func == torch.ops.aten.convolution.default and args[0].dtype == torch.float32
        return func(*args, **(kwargs or {}))


class Bfloat16Operands(TorchDispatchMode):
    """What a processor with bfloat16 does where it is allowed to: rounds float32 operands to 8 bits, sums in float32."""

    rounded = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func in (torch.ops.aten.mm.default, torch.ops.aten.convolution.default) and args[0].dtype == torch.float32:
            self.rounded += 1
            args = (*(operand.bfloat16().float() for operand in args[:2]), *args[2:])
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("x_dtype", DTYPES[:3])
@pytest.mark.parametrize("weight_dtype", DTYPES[:3])
def test_operands_rounded_to_bfloat16_change_no_sum_of_bytes_and_wider_ones_are_not_rounded(x_dtype, weight_dtype, lib):
    """On any machine, for one whose settings allow bfloat16 in float32's place."""
    x, weight = (
        torch.arange(ends(d)[0], ends(d)[1] + 1, max(1, ends(d)[1] // 255)).to(d)[:, None].expand(-1, 3)
        for d in (x_dtype, weight_dtype)
    )
    x = x.repeat(2, 1)  # more products than are multiplied as they are
    for z_x, z_w in [(0, 0), *product(ends(x_dtype), ends(weight_dtype))]:
        wanted = (x.long().numpy() - z_x) @ (weight.long().numpy() - z_w).T
        with Bfloat16Operands() as shortcut:
            rows = lib.linear(x, weight, None, z_x, z_w)
            assert (shortcut.rounded > 0) == (x_dtype.itemsize == weight_dtype.itemsize == 1)
            pictures = lib.conv2d(
                x[..., None, None], weight[..., None, None], None, x_zero_point=z_x, weight_zero_point=z_w
            )
        assert (rows.numpy() != wanted).sum() == (pictures[..., 0, 0].numpy() != wanted).sum() == 0


def test_bfloat16_would_spoil_the_operands_of_16_bits():
    """The trap that the test above is for."""
    with Bfloat16Operands():
        assert (torch.tensor([[257.0]]) @ torch.tensor([[1.0]])).item() == 256


def windows_by_numpy(x: torch.Tensor, weight: torch.Tensor) -> numpy.ndarray:
    windows = numpy.lib.stride_tricks.sliding_window_view(x.long().numpy(), weight.shape[2:], (2, 3))
    return numpy.einsum("nchwij,ocij->nohw", windows, weight.long().numpy())


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("window", [(3, 3), (5, 5), (1, 1)])
@pytest.mark.parametrize("batch", [1, 32])
def test_no_way_of_convolving_that_torch_may_take_is_inexact(onednn, window, batch, lib):
    x, weight = any_integers(34, I8, batch, 16, 12, 12), any_integers(35, I8, 16, 16, *window)
    with pytest.MonkeyPatch.context() as setting, Float32Convolutions() as float32:
        setting.setattr(torch.backends.mkldnn, "enabled", onednn)
        whole, channel_by_channel = lib.conv2d(x, weight), lib.conv2d(x, weight[:, :1], groups=16)
    assert onednn or float32.count == 0
    assert (whole.numpy() != windows_by_numpy(x, weight)).sum() == 0
    alone = [windows_by_numpy(x[:, [c]], weight[[c], :1]) for c in range(16)]
    assert (channel_by_channel.numpy() != numpy.concatenate(alone, 1)).sum() == 0


@pytest.mark.skipif(not torch.backends.nnpack.is_available(), reason="needs a torch with NNPACK")
def test_nnpack_would_spoil_a_float32_convolution(monkeypatch):
    """The trap that the test above is for: Winograd's way is to multiply sums of the operands, divided."""
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    x, weight = any_integers(34, I8, 32, 16, 12, 12), any_integers(35, I8, 8, 16, 3, 3)
    spoilt = torch.nn.functional.conv2d(x.float(), weight.float()).numpy()
    assert (spoilt != windows_by_numpy(x, weight)).sum() > 0


HOLDS = {torch.int64: 2**63 - 1, torch.float64: 2**53, torch.int32: 2**31 - 1, torch.float32: 2**24}


@pytest.mark.parametrize("kind", ["cpu", "cuda", "mps", "xpu"])
def test_no_device_is_given_a_dtype_in_which_a_sum_is_not_exact(kind):
    for largest in (0, 2**24, 2**24 + 1, 2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1):
        for products in (0, 1, 2**18, 2**18 + 1, 2**40):
            for of_bytes, in_float32 in product([False, True], repeat=2):
                chosen = dtype_for_sums(largest, products, of_bytes)
                dtype, where = register_on(torch.device(kind), chosen, lambda: in_float32)  # noqa: B023
                assert largest <= HOLDS[dtype]
                assert dtype != torch.float32 or (of_bytes and in_float32)
                assert where.type == "cpu" or (where.type, dtype) == ("cuda", torch.float64)


# ---- accumulator_range and accumulator_bits --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [(2, False, 0), (2, True, 0), (2, False, 3), (2, True, -2), (3, False, 2), (1, True, -1)]
)
@pytest.mark.parametrize("biased", [False, True])
def test_the_range_is_that_of_all_inputs_and_both_ends_are_reached(kind, biased, lib):
    bits, signed, z_x = kind
    q = lib.QParams(1.0, z_x, bits, signed)
    every = torch.tensor(list(product(range(q.int_min, q.int_max + 1), repeat=3)), dtype=torch.int16)
    for seed, z_w in [(1, 0), (2, 5), (3, -128), (4, 127)]:
        weight = any_integers(seed, torch.int8, 4, 3)
        bias = torch.tensor([5, -700, 0, 2]) if biased else None
        sums = [a for row in exact_linear(every, weight, bias, z_x, z_w) for a in row]
        assert lib.accumulator_range(weight, q, bias, z_w) == (min(sums), max(sums))


def test_the_range_of_a_convolution_and_of_wide_weights_is_exact():
    q = QParams(1.0, 0, 32, False)
    weight = torch.full((1, 1, 2, 2), 2**31 - 1, dtype=torch.int32)
    assert accumulator_range(weight, q) == (0, 4 * (2**31 - 1) * (2**32 - 1))  # beyond int64: Python ints
    assert accumulator_range(-weight, q, torch.tensor([9])) == (9 - 4 * (2**31 - 1) * (2**32 - 1), 9)
    assert all(type(end) is int for end in accumulator_range(weight, q))


def test_weights_of_int64_whose_sum_would_leave_it_are_refused():
    with pytest.raises(ValueError, match=r"2 weights of up to 4.6e\+18 can sum to more than int64 holds: use narrower"):
        accumulator_range(torch.tensor([[2**62, 2**62]]), QParams(1.0))
    with pytest.raises(ValueError, match="1 weights of up to .* more than int64 holds"):
        accumulator_range(torch.tensor([[2**62]]), QParams(1.0), None, -(2**62))
    assert accumulator_range(torch.tensor([[-(2**63)]]), QParams(1.0, 0, 1, False)) == (-(2**63), 0)
    assert accumulator_range(torch.tensor([[2**61, 2**60]]), QParams(1.0, 0, 1, False)) == (0, 3 * 2**60)


FORMATS = [(bits, signed, narrow) for bits in (1, 2, 3) for signed in (False, True) for narrow in (False, True)]
KINDS = [
    (z, bits, signed, narrow)
    for bits, signed, narrow in FORMATS
    if not (signed and narrow and bits == 1)
    for z in range(*{True: (-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1)), False: (0, 2**bits - narrow)}[signed])
]


def all_sums(k: int, x: range, z_x: int, w: range, z_w: int) -> set[int]:
    products, sums = {(a - z_x) * (b - z_w) for a in x for b in w}, {0}
    for _ in range(k):
        sums = {s + p for s in sums for p in products}
    return sums


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_bits_hold_every_sum_and_one_fewer_does_not_for_all_formats_to_3_bits(k, lib):
    for x, w in product(KINDS, KINDS):
        q_x, q_w = lib.QParams(1.0, *x), lib.QParams(1.0, *w)
        xs, ws = (range(q.int_min, q.int_max + 1) for q in (q_x, q_w))
        sums = all_sums(k, xs, q_x.zero_point, ws, q_w.zero_point)
        bits = lib.accumulator_bits(k, q_x, q_w)
        fits = [-(2 ** (b - 1)) <= min(sums) and max(sums) < 2 ** (b - 1) for b in (bits, bits - 1) if b]
        assert fits == [True, False] or (fits == [True] and bits == 1), (k, x, w, bits)


def test_the_bits_are_exact_where_a_rule_by_logarithms_is_not():
    s8, u8 = QParams(1.0), QParams(1.0, 0, 8, False)
    by_hand = [
        (1, s8, s8, 16),
        (2**17 - 1, s8, s8, 32),
        (2**17, s8, s8, 33),
        (65_793, u8, s8, 32),
        (65_794, u8, s8, 33),
    ]
    assert [accumulator_bits(k, a, b) for k, a, b, _ in by_hand] == [bits for *_, bits in by_hand]
    assert accumulator_bits(65_793, u8, u8) == 33
    assert accumulator_bits(3, QParams(1.0, 0, 32, False), QParams(1.0, 0, 32, False)) == 67


def test_channels_count_with_their_worst_zero_point():
    x = QParams((1.0, 0.5), (0, 7), 4, axis=0)
    w = QParams(1.0, 0, 4)
    alone = [accumulator_bits(5, QParams(1.0, z, 4), w) for z in (0, 7)]
    assert accumulator_bits(5, x, w) == accumulator_bits(5, w, x) == max(alone)
    assert alone[0] < alone[1]


@few
@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 8), st.booleans(), st.booleans(), st.integers(0, 255))
def test_no_weights_leave_the_worst_case(k, bits_x, bits_w, signed_x, signed_w, place):
    q_x, q_w = QParams(1.0, 0, bits_x, signed_x), QParams(1.0, 0, bits_w, signed_w)
    values = numpy.random.default_rng(place).integers(q_w.int_min, q_w.int_max + 1, (2, k))
    low, high = accumulator_range(torch.from_numpy(values), q_x)
    bits = accumulator_bits(k, q_x, q_w)
    assert -(2 ** (bits - 1)) <= low <= high < 2 ** (bits - 1)


# ---- refusals --------------------------------------------------------------------------------------------------------

ROW, PICTURE = torch.ones(2, 3, dtype=torch.int8), torch.ones(1, 4, 3, 3, dtype=torch.int8)
KERNEL = torch.ones(2, 4, 3, 3, dtype=torch.int8)
SHAPES = {"x_zero_point": 0}


@pytest.mark.parametrize(
    ("arguments", "named", "error", "words"),
    [
        ((ROW, torch.ones(2, 4).to(I8)), {}, ValueError, r"\(2, 3\) and weight of shape \(2, 4\) do not match: weight is"),
        ((ROW, KERNEL), {}, ValueError, r"do not match: weight is \[out, in\]"),
        ((torch.tensor(1), ROW), {}, TypeError, "x is torch.int64; int8, uint8, int16 and int32 are multiplied.*fit"),
        ((torch.tensor(1, dtype=I8), ROW), {}, ValueError, r"x of shape \(\)"),
        ((ROW, ROW.long()), {}, TypeError, r"weight is torch.int64; .*weight\.to\(torch\.int32\) where its values fit"),
        ((ROW.float(), ROW), {}, TypeError, r"x is torch.float32, kernels take integers: quantize\(x"),
        ((ROW, ROW.double()), {}, TypeError, "weight is torch.float64"),
        ((ROW, ROW.bool()), {}, TypeError, r"weight is torch.bool.*weight\.to\(torch\.int32\)"),
        ((ROW.tolist(), ROW), {}, TypeError, "x is a list"),
        ((ROW, ROW, torch.tensor([1.0, 2.0])), {}, TypeError, "bias is torch.float32"),
        ((ROW, ROW, torch.tensor([1])), {}, ValueError, r"bias has shape \(1,\), and the layer has 2 outputs: give one"),
        ((ROW, ROW, torch.tensor([[1, 2]])), {}, ValueError, r"bias has shape \(1, 2\)"),
        ((ROW, ROW), {"x_zero_point": 0.5}, ValueError, "x_zero_point 0.5 is no whole number: the nearest are 0 and 1"),
        ((ROW, ROW), {"x_zero_point": 128}, ValueError, r"x_zero_point 128 is outside \[-128, 127\], the range of torch.int8.*Use 127"),
        ((ROW, ROW), {"x_zero_point": (1, 2)}, TypeError, "x_zero_point .* is a tuple: pass a Python int"),
        ((ROW, ROW.to(U8)), {"weight_zero_point": -1}, ValueError, r"weight_zero_point -1 is outside \[0, 255\].*Use 0, or a"),
        ((ROW, ROW), {"weight_zero_point": torch.tensor([1, 2])}, TypeError, "weight_zero_point .* is a Tensor"),
    ],
)  # fmt: skip
def test_what_linear_cannot_take_is_refused_in_a_sentence(arguments, named, error, words):
    with pytest.raises(error, match=words):
        linear(*arguments, **named)


@pytest.mark.parametrize(
    ("arguments", "named", "error", "words"),
    [
        ((PICTURE[0], KERNEL), {}, ValueError, r"x of shape \(4, 3, 3\) and weight .* takes \[N, C, H, W\]"),
        ((PICTURE, KERNEL[0]), {}, ValueError, r"takes \[N, C, H, W\] and \[out, C / groups, height, width\]"),
        ((PICTURE, KERNEL[:0]), {}, ValueError, "no weight dimension being 0"),
        ((PICTURE, KERNEL[:, :, :0]), {}, ValueError, "no weight dimension being 0"),
        ((PICTURE, KERNEL[:, :3]), {}, ValueError, "4 input and 2 output channels do not divide into groups=1 of 3: both"),
        ((PICTURE, KERNEL), {"groups": 2}, ValueError, "do not divide into groups=2 of 4"),
        ((PICTURE, KERNEL[:1, :2]), {"groups": 2}, ValueError, "4 input and 1 output channels do not divide into groups=2"),
        ((PICTURE, KERNEL), {"groups": 0}, ValueError, "groups=0"),
        ((PICTURE, KERNEL), {"groups": 1.5}, ValueError, "groups 1.5 is no whole number"),
        ((PICTURE, KERNEL), {"stride": 0}, ValueError, "stride 0 is below 1: give a whole number from 1 up"),
        ((PICTURE, KERNEL), {"stride": (1, 2, 3)}, ValueError, r"stride \(1, 2, 3\) has 3 numbers: give one, or two"),
        ((PICTURE, KERNEL), {"stride": "2"}, TypeError, "stride '2' is a str"),
        ((PICTURE, KERNEL), {"padding": (0, -1)}, ValueError, r"padding \(0, -1\) is below 0"),
        ((PICTURE, KERNEL), {"padding": 2**70}, ValueError, r"padding \d+ is 2\*\*31 or more, beyond any image"),
        ((PICTURE, KERNEL), {"padding": (1,)}, ValueError, r"padding \(1,\) has 1 numbers"),
        ((PICTURE[..., :2], KERNEL), {"padding": (9, 0)}, ValueError, r"does not fit 3 × 2 padded by \(9, 0\)"),
        ((PICTURE[:, :, :0], KERNEL), {"padding": 1}, ValueError, "does not fit 0 × 3 padded by"),
        ((PICTURE, KERNEL), {"padding": 0.5}, ValueError, "padding 0.5 is no whole number"),
        ((PICTURE[:, :, :2], KERNEL), {}, ValueError, "a window of 3 × 3 does not fit 2 × 3 padded by .*larger padding"),
        ((PICTURE, KERNEL), {"x_zero_point": -129}, ValueError, "x_zero_point -129 .*Use -128"),
        ((PICTURE, KERNEL, torch.ones(3).int()), {}, ValueError, r"bias has shape \(3,\), and the layer has 2 outputs"),
        ((PICTURE.float(), KERNEL), {}, TypeError, "x is torch.float32"),
        ((PICTURE, KERNEL.long()), {}, TypeError, "weight is torch.int64"),
    ],
)  # fmt: skip
def test_what_conv2d_cannot_take_is_refused_in_a_sentence(arguments, named, error, words):
    with pytest.raises(error, match=words):
        conv2d(*arguments, **named)


S8 = QParams(1.0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: accumulator_range(ROW, QParams((1.0, 2.0), axis=0)),
            ValueError,
            "axis 0: the inputs of a layer have one",
        ),
        (lambda: accumulator_range(ROW, 0.1), TypeError, r"x_qparams is a float: give the format as QParams\("),
        (lambda: accumulator_range(ROW.float(), S8), TypeError, "weight is torch.float32"),
        (lambda: accumulator_range(ROW[0], S8), ValueError, r"weight has shape \(3,\): give \[out, in\]"),
        (lambda: accumulator_range(ROW[:0], S8), ValueError, "at least one output and one input"),
        (lambda: accumulator_range(ROW, S8, torch.ones(3).int()), ValueError, "the layer has 2 outputs"),
        (lambda: accumulator_range(ROW, S8, torch.ones(2)), TypeError, "bias is torch.float32"),
        (lambda: accumulator_range(ROW, S8, None, 0.5), ValueError, "weight_zero_point 0.5 is no whole number"),
        (lambda: accumulator_range(ROW, S8, None, 200), ValueError, "weight_zero_point 200 is outside"),
        (lambda: accumulator_bits(0, S8, S8), ValueError, "k 0 is below 1, and a sum has at least one product"),
        (lambda: accumulator_bits(2.5, S8, S8), ValueError, "k 2.5 is no whole number: the nearest are 2 and 3"),
        (lambda: accumulator_bits("3", S8, S8), TypeError, "k '3' is a str"),
        (lambda: accumulator_bits(3, 8, S8), TypeError, r"x_qparams is a int: give the format as QParams\("),
        (lambda: accumulator_bits(3, S8, None), TypeError, "weight_qparams is a NoneType"),
    ],
)
def test_what_has_no_range_is_refused_in_a_sentence(call, error, words):
    with pytest.raises(error, match=words):
        call()
