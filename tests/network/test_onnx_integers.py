"""The integer-only ONNX file: its integers are the network's own, and there is no float in it."""

import math
from fractions import Fraction

import numpy
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch.nn import functional

from qtutor.network import DigitsCNN, load_checkpoint, load_pixels, lower
from qtutor.network.integer_layers import (
    IntegerAdd,
    IntegerConv2d,
    IntegerFlatten,
    IntegerLinear,
    IntegerMaxPool2d,
    IntegerRequantize,
    IntegerScores,
    IntegerSumPool2d,
)
from qtutor.network.integer_network import InputStage, IntegerNetwork, Meaning, Step
from qtutor.network.onnx_integers import export_integers
from qtutor.network.onnx_runs import compare_onnx, run_onnx

ROUTES = ("multipliers", "thresholds")
INT8, INT32 = Meaning(1.0, 0, -128, 127), Meaning(1.0, 0, -(2**31), 2**31 - 1)


def images():
    """All scans, and 400 images of random pixels of 5 bits, floats."""
    random = torch.randint(0, 32, (400, 1, 8, 8), generator=torch.Generator().manual_seed(0)) / 16
    scans = load_pixels()[0].reshape(-1, 1, 8, 8)
    return torch.cat([scans, random])


# ---- whole networks ---------------------------------------------------------------------------------------------------

STORED = ["mlp_w1a1", "mlp_w2a2_channel", "mlp_w3a3", "mlp_w4a4_channel", "mlp_w8a8", "mlp_w8a8_channel", "mlp_mixed"]
STORED += ["cnn_w1a1", "cnn_w2a2", "cnn_w4a4", "cnn_w8a8"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", [*STORED, "cnn_w3a3"])
def test_every_integer_of_the_file_is_the_networks(name, route, tmp_path):
    net, x = lower(untrained_cnn() if name == "cnn_w3a3" else load_checkpoint(name)), images()
    path = export_integers(net, net.quantize_input(x[:1]), tmp_path / "net.onnx", route)
    assert floats_in(onnx.load(path)) + unused_in(onnx.load(path)) == []
    plain, optimized = (
        compare_onnx(net, path, rows, optimized, route) for rows, optimized in ((x, False), (x[::5], True))
    )
    assert [place.name for place in plain] == list(net.names[1:])
    assert [place for place in plain + optimized if place.differing or place.travelled] == []
    assert optimized[-1].name == net.names[-1]


def unused_in(model):
    """The constants that no node takes: ONNX Runtime warns of each as it opens the file."""
    taken = {name for node in model.graph.node for name in node.input}
    return [t.name for t in model.graph.initializer if t.name not in taken]


def test_an_unused_constant_in_the_file_is_found(tmp_path):
    net = lower(load_checkpoint("mlp_w4a4"))
    model = onnx.load(export_integers(net, net.quantize_input(images()[:1]), tmp_path / "net.onnx"))
    model.graph.initializer.append(numpy_helper.from_array(numpy.zeros(1, numpy.int64), "zero"))
    assert unused_in(model) == ["zero"]


def untrained_cnn():
    """3 bits, of which no model is stored: random weights, scales that have seen the scans."""
    torch.manual_seed(0)
    model = DigitsCNN(3, 3)
    for _ in range(3):
        model(images()[:600])
    return model.eval()


def multiplied_types(model):
    """The types of both operands of every product: a CPU with VNNI hides that uint8 × int8 saturates on another."""
    kinds = {t.name: t.data_type for t in model.graph.initializer}
    kinds |= {v.name: v.type.tensor_type.elem_type for v in model.graph.value_info}
    products = [node for node in model.graph.node if node.op_type in ("MatMulInteger", "ConvInteger")]
    return {kinds[name] for node in products for name in node.input}


@pytest.mark.parametrize("name", ["mlp_w8a8", "cnn_w8a8", "cnn_w1a1"])
def test_int8_meets_int8_in_every_product(name, tmp_path):
    net = lower(load_checkpoint(name))
    path = export_integers(net, net.quantize_input(images()[:1]), tmp_path / "net.onnx")
    assert multiplied_types(onnx.load(path)) == {onnx.TensorProto.INT8}


@pytest.mark.parametrize("route", ROUTES)
def test_any_onnx_runtime_program_gets_the_logits(route, tmp_path):
    net = lower(load_checkpoint("cnn_w4a4"))
    q = net.quantize_input(images())
    path = export_integers(net, q, tmp_path / "net.onnx", route)
    (logits,) = onnxruntime.InferenceSession(path).run(None, {net.input.name: q[:200].numpy()})
    assert numpy.array_equal(logits, net(q[:200], route).numpy())


# ---- one layer, by hand -----------------------------------------------------------------------------------------------


def network(meaning, *layers, meanings=()):
    """Layers one after the other; what lies between them is 32-bit sums, unless it is told."""
    between = [*meanings, *[INT32] * (len(layers) - len(meanings))]
    steps = tuple(Step(layer, (i,)) for i, layer in enumerate(layers))
    return IntegerNetwork(InputStage("x", (), meaning, "half_even"), steps, (meaning, *between), ())


def result(net, q, tmp_path, route="multipliers"):
    """The file's last integers, without and with optimizations: the same."""
    path = export_integers(net, q, tmp_path / "net.onnx", route)
    assert floats_in(onnx.load(path)) + unused_in(onnx.load(path)) == []
    plain, optimized = (run_onnx(path, q, optimized)[net.names[-1]] for optimized in (False, True))
    assert torch.equal(plain, optimized)
    return plain


def every(meaning, *shape):
    """Random integers of a meaning, both ends among them."""
    generator = torch.Generator().manual_seed(1)
    q = torch.randint(meaning.low, meaning.high + 1, shape, generator=generator)
    q.view(-1)[:2] = torch.tensor([meaning.low, meaning.high])
    return q.to(torch.int8 if meaning.low < 0 else torch.uint8)


@pytest.mark.parametrize("weight_zero_point", [0, 3])
@pytest.mark.parametrize("meaning", [Meaning(1.0, 5, 0, 255), Meaning(1.0, 200, 0, 255), Meaning(1.0, -7, -128, 127)])
def test_sums_are_exact_where_bytes_saturate_and_borders_are_the_zero_point(meaning, weight_zero_point, tmp_path):
    x = every(meaning, 2, 4, 6, 6)
    x[0] = meaning.high
    weight = torch.full((6, 2, 3, 3), 127, dtype=torch.int8)
    weight[1:] = every(INT8, 5, 2, 3, 3)
    bias, zeros = torch.arange(6, dtype=torch.int32) - 3, (meaning.zero_point, weight_zero_point)
    layer = IntegerConv2d("conv", weight, bias, (2, 1), (1, 2), 2, *zeros)
    exact = functional.conv2d(
        x.double() - zeros[0], weight.double() - zeros[1], bias.double(), stride=(2, 1), padding=(1, 2), groups=2
    )
    assert torch.equal(result(network(meaning, layer), x, tmp_path).double(), exact)


@pytest.mark.parametrize("weight", [every(INT8, 8, 300), every(Meaning(1.0, 9, 0, 255), 8, 300)])
def test_products_of_unsigned_bytes_are_exact(weight, tmp_path):
    meaning = Meaning(1.0, 3, 0, 255)
    x = every(meaning, 5, 300)
    layer = IntegerLinear("fc", weight, None, 3, 9)
    assert torch.equal(result(network(meaning, layer), x, tmp_path), (x.long() - 3) @ (weight.long() - 9).t())


def test_sums_of_a_pool_go_into_a_linear_layer_with_all_their_bits(tmp_path):
    meaning, weight = Meaning(1.0, 2, 0, 255), every(INT8, 3, 8)
    x = every(meaning, 4, 2, 4, 4)
    layers = IntegerSumPool2d("pool", (2, 2), (2, 2)), IntegerFlatten("flatten"), IntegerLinear("fc", weight, None, 8)
    sums = Meaning(1.0, 8, 0, 1020)
    pooled = x.long().reshape(4, 2, 2, 2, 2, 2).sum((3, 5)).flatten(1)
    net = network(meaning, *layers, meanings=(sums, sums))
    assert torch.equal(result(net, x, tmp_path), (pooled - 8) @ weight.long().t())


@pytest.mark.parametrize("meaning", [INT8, Meaning(1.0, 0, 0, 255)])
def test_pools_and_sums_are_torchs(meaning, tmp_path):
    x = every(meaning, 3, 4, 7, 5)
    largest = functional.max_pool2d(x.double(), 3, 2, 1)
    layer = IntegerMaxPool2d("pool", (3, 3), (2, 2), (1, 1), meaning.low)
    assert torch.equal(result(network(meaning, layer), x, tmp_path).double(), largest)
    average = functional.avg_pool2d(x.double(), (3, 2), (2, 1), divisor_override=1)
    assert torch.equal(result(network(meaning, IntegerSumPool2d("p", (3, 2), (2, 1))), x, tmp_path).double(), average)
    net = IntegerNetwork(
        InputStage("x", (), meaning, "half_even"), (Step(IntegerAdd("add"), (0, 0)),), (meaning, INT32), ()
    )
    assert torch.equal(result(net, x, tmp_path), 2 * x.long())


ROUND = {"half_even": round, "floor": math.floor, "ceil": math.ceil, "toward_zero": math.trunc}


def requantize(mantissa, offset, shift, rounding="half_even", low=-128, high=127):
    """A layer of one channel; thresholds are not looked at."""
    numbers = torch.tensor([mantissa]), torch.tensor([offset])
    nothing = torch.zeros(1, high - low, dtype=torch.int64), torch.ones(1, dtype=torch.int64)
    return IntegerRequantize("q", *numbers, shift, low, high, *nothing, 2**62, torch.int8, rounding)


@pytest.mark.parametrize("rounding", ROUND)
@pytest.mark.parametrize(("mantissa", "offset", "shift"), [(1, 0, 1), (3, -5, 3), (-1, 2, 2), (1, 7, 0)])
def test_division_rounds_every_byte_as_fractions_do(mantissa, offset, shift, rounding, tmp_path):
    x = torch.arange(-128, 128, dtype=torch.int8).reshape(-1, 1)
    exact = [ROUND[rounding](Fraction(mantissa * a + offset, 2**shift)) for a in x.flatten().tolist()]
    got = result(network(INT8, requantize(mantissa, offset, shift, rounding)), x, tmp_path)
    assert got.flatten().tolist() == [min(max(e, -128), 127) for e in exact]


def test_division_is_exact_with_31_bits_and_at_every_tie(tmp_path):
    mantissa, shift = (
        2**30 + 2**28,
        55,
    )  # ties at odd multiples of 2**54 / 5, which no integer is, and offset makes some
    offset = 2**54 - 5 * 2**28 * 1000
    x = torch.cat([torch.arange(-2000, 2001), torch.tensor([-(2**31), 2**31 - 1, 2**26, -(2**26)])])
    x = x.to(torch.int32).reshape(-1, 1)
    exact = [round(Fraction(mantissa * a + offset, 2**shift)) for a in x.flatten().tolist()]
    got = result(network(INT32, requantize(mantissa, offset, shift)), x, tmp_path)
    assert got.flatten().tolist() == [min(max(e, -128), 127) for e in exact]
    assert any(Fraction(mantissa * a + offset, 2**shift).denominator == 2 for a in x.flatten().tolist())


def test_thresholds_count_upwards_and_downwards(tmp_path):
    thresholds, direction = torch.tensor([[-3, 0, 5], [-100, 2, 2**31]]), torch.tensor([1, -1])
    ends = torch.tensor([0]), torch.tensor([0])
    layer = IntegerRequantize("q", *ends, 0, 0, 3, thresholds, direction, 0, torch.uint8)
    x = torch.arange(-128, 128, dtype=torch.int8).reshape(-1, 1).repeat(1, 2)
    exact = [[sum(a >= t for t in (-3, 0, 5)), sum(-a >= t for t in (-100, 2, 2**31))] for a in range(-128, 128)]
    assert result(network(INT8, layer), x, tmp_path, "thresholds").tolist() == exact


def test_scores_have_62_bits(tmp_path):
    layer = IntegerScores("logits", torch.tensor([2**30 + 1, 3]), torch.tensor([-(2**40), 7]))
    x = torch.tensor([[-(2**31), 5], [2**31 - 1, -5]], dtype=torch.int32)
    exact = [[a * (2**30 + 1) - 2**40, b * 3 + 7] for a, b in x.tolist()]
    assert result(network(INT32, layer), x, tmp_path).tolist() == exact


# ---- planted faults ---------------------------------------------------------------------------------------------------


def wrong_mantissa(model):
    constant = next(t for t in model.graph.initializer if t.name.startswith("relu1/"))
    constant.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(constant) * 1001 // 1000, constant.name))


def half_up(model):
    for node in model.graph.node:
        if node.op_type == "Greater" and node.name.startswith("join/"):
            node.op_type = "GreaterOrEqual"


def truncating(model):
    """Leave out what makes Div floor below 0: dead in a clip at 0, alive in the residual's signed integers."""
    for node in model.graph.node:
        if node.op_type == "Sub" and node.name.startswith("join (2)/"):
            node.op_type = "Identity"
            del node.input[1:]


@pytest.mark.parametrize(
    ("name", "plant", "place"),
    [
        ("mlp_w8a8", wrong_mantissa, "relu1"),
        ("cnn_w8a8_power_of_two", half_up, "join"),
        ("cnn_w8a8", truncating, "join (2)"),
    ],
)
def test_a_fault_in_the_file_is_found_where_it_is(name, plant, place, tmp_path):
    net, x = lower(load_checkpoint(name)), images()[:100]
    model = onnx.load(export_integers(net, net.quantize_input(x), tmp_path / "net.onnx"))
    plant(model)
    assert [p.name for p in compare_onnx(net, model, x) if p.differing] == [place]


def floats_in(model):
    """The names of tensors and casts in the file that are neither integers nor truth values."""
    kinds = {t.name: t.data_type for t in model.graph.initializer}
    for value in [*model.graph.input, *model.graph.value_info, *model.graph.output]:
        kinds[value.name] = value.type.tensor_type.elem_type
    held = {name for node in model.graph.node for name in (*node.input, *node.output)}
    kinds |= dict.fromkeys(held - set(kinds), onnx.TensorProto.UNDEFINED)
    attributes = [(node.name, a) for node in model.graph.node for a in node.attribute]
    kinds |= {name: a.i for name, a in attributes if a.name == "to"}
    allowed = [getattr(onnx.TensorProto, k) for k in ("INT8", "UINT8", "INT32", "INT64", "BOOL")]
    found = [name for name, kind in kinds.items() if kind not in allowed]
    return found + [name for name, a in attributes if a.type not in (onnx.AttributeProto.INT, onnx.AttributeProto.INTS)]


def test_a_float_in_the_file_is_found(tmp_path):
    net = lower(load_checkpoint("mlp_w4a4"))
    model = onnx.load(export_integers(net, net.quantize_input(images()[:1]), tmp_path / "net.onnx"))
    model.graph.initializer.append(numpy_helper.from_array(numpy.ones(1, numpy.float32), "scale"))
    assert floats_in(model) == ["scale"]
    model.graph.node[1].attribute.extend([onnx.helper.make_attribute("alpha", 1.0)])
    assert floats_in(model) == ["scale", model.graph.node[1].name]


# ---- refusals ---------------------------------------------------------------------------------------------------------


def test_another_route_and_integers_outside_are_refused(tmp_path):
    net = lower(load_checkpoint("mlp_w4a4"))
    q = net.quantize_input(images()[:1])
    with pytest.raises(
        ValueError, match="route 'floats' is no way through the network: use one of multipliers, thresholds"
    ):
        export_integers(net, q, tmp_path / "net.onnx", "floats")
    with pytest.raises(ValueError, match=r"x holds 99, outside \[0, 31\]"):
        export_integers(net, torch.full((1, 64), 99), tmp_path / "net.onnx")
    with pytest.raises(ValueError, match="none is no folder, so net.onnx cannot be written there: make it first"):
        export_integers(net, q, tmp_path / "none" / "net.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_onnx_has_no_operator_for_is_refused(tmp_path):
    wide, x = Meaning(1.0, 0, -256, 254), torch.zeros(1, 1, 4, 4, dtype=torch.int16)
    conv = IntegerConv2d("conv", torch.ones(1, 1, 3, 3, dtype=torch.int8), None, (1, 1), (0, 0), 1)
    for layer in (
        conv,
        IntegerMaxPool2d("pool", (2, 2), (2, 2), (0, 0), -256),
        IntegerSumPool2d("pool", (2, 2), (2, 2)),
    ):
        with pytest.raises(
            ValueError, match=f"{layer.name} is given integers from -256 to 254, and ONNX's integer oper"
        ):
            export_integers(network(wide, layer), x, tmp_path / "net.onnx")
    linear = IntegerLinear("fc", torch.ones(1, 4, dtype=torch.int8), None)
    net = network(INT8, linear, meanings=(Meaning(1.0, 0, 0, 2**31),))
    with pytest.raises(ValueError, match="fc sums up to 2147483648, and ONNX adds products in 32 bits: give it fewer"):
        export_integers(net, torch.zeros(1, 4, dtype=torch.int8), tmp_path / "net.onnx")
