"""Brevitas's ONNX files, run by ONNX Runtime and by qonnx's executor: their integers are ours, place by place."""

import copy
import warnings

import numpy
import onnx
import onnxruntime
import pytest
import torch
from brevitas import nn as qnn
from brevitas.export import export_onnx_qcdq
from brevitas.export import export_qonnx as brevitas_qonnx
from onnx import helper, numpy_helper
from torch import nn

from qtutor.network import load_checkpoint, load_pixels, lower
from qtutor.network.onnx_files import OPSET, export_qcdq, export_qonnx, load_onnx
from qtutor.network.onnx_integers import export_integers
from qtutor.network.onnx_runs import compare_onnx, run_onnx

NEAR = 3e-4  # steps from a tie: float32's sums of these networks are never farther off
FEW = 1e-5  # of all integers, at 8 bits


def images():
    """All scans, and 100 images of random pixels of 5 bits."""
    random = torch.randint(0, 32, (100, 1, 8, 8), generator=torch.Generator().manual_seed(0)) / 16
    return torch.cat([load_pixels()[0].reshape(-1, 1, 8, 8), random])


def bytes_by_signed_bytes_are_exact():
    """Whether this CPU adds products of uint8 and int8 without saturating pairs of them at 16 bits."""
    inputs = [helper.make_tensor_value_info(n, k, [64, 64]) for n, k in zip("ab", (2, 3), strict=True)]
    result = helper.make_tensor_value_info("y", onnx.TensorProto.INT32, [64, 64])
    graph = helper.make_graph([helper.make_node("MatMulInteger", ["a", "b"], ["y"])], "products", inputs, [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    arrays = {"a": numpy.full((64, 64), 255, numpy.uint8), "b": numpy.full((64, 64), 127, numpy.int8)}
    return bool((onnxruntime.InferenceSession(model.SerializeToString()).run(None, arrays)[0] == 64 * 255 * 127).all())


# ---- place by place ---------------------------------------------------------------------------------------------------

NARROW = ["mlp_w4a4", "mlp_w3a3_channel", "mlp_w2a2", "mlp_mixed", "cnn_w4a4", "cnn_w2a2"]


@pytest.mark.parametrize("optimized", [False, True])
@pytest.mark.parametrize("name", NARROW)
def test_up_to_4_bits_every_integer_of_qcdq_in_onnx_runtime_is_ours(name, optimized, tmp_path):
    model, x = load_checkpoint(name), images()
    net = lower(model)
    places = compare_onnx(net, export_qcdq(model, x, tmp_path / "q.onnx"), x, optimized)
    assert [place for place in places if place.differing or place.travelled] == []
    assert [place.name for place in places] == [name for name, _ in net.places]


@pytest.mark.parametrize(
    "name", ["mlp_w4a4", "mlp_w2a2_channel", "mlp_w1a1", "mlp_w1a1_channel", "cnn_w2a2", "cnn_w1a1"]
)
def test_up_to_4_bits_every_integer_of_qonnx_in_its_executor_is_ours(name, tmp_path):
    model, x = load_checkpoint(name), images()
    net = lower(model)
    places = compare_onnx(net, export_qonnx(model, x, tmp_path / "q.onnx"), x)
    assert [place for place in places if place.differing or place.travelled] == []
    assert [place.name for place in places] == [name for name, _ in net.places]


@pytest.mark.parametrize("name", ["mlp_w8a8", "mlp_w8a8_channel", "cnn_w8a8"])
@pytest.mark.parametrize(("export", "optimized"), [(export_qcdq, False), (export_qcdq, True), (export_qonnx, False)])
def test_at_8_bits_a_file_differs_only_beside_a_tie(name, export, optimized, tmp_path):
    if optimized and not bytes_by_signed_bytes_are_exact():
        pytest.skip("this CPU saturates pairs of uint8 × int8 products, and the optimized graph multiplies so")
    model, x = load_checkpoint(name), images()
    net = lower(model)
    places = compare_onnx(net, export(model, x, tmp_path / "q.onnx"), x, optimized)
    assert places[-1].name == net.places[-1][0]
    assert sum(place.differing for place in places) <= FEW * sum(place.count for place in places)
    hidden = (
        {"relu2"} if optimized and name.startswith("cnn") else set()
    )  # QLinearAdd is given bytes that no place shows
    assert {p.name for p in places if p.differing and p.farthest is None} <= hidden
    assert all(p.farthest < NEAR for p in places if p.farthest is not None)


def test_the_integers_are_brevitas_own_values(tmp_path):
    model, x = load_checkpoint("cnn_w4a4"), images()[:50]
    path = export_qcdq(model, x, tmp_path / "q.onnx")
    found = {}
    model.relu1.register_forward_hook(lambda module, given, result: found.update(relu1=result))
    sums = model(x)
    assert torch.equal(run_onnx(path, x)["relu1"], torch.round(found["relu1"].value / found["relu1"].scale).long())
    assert torch.allclose(run_onnx(path, x)["fc"], sums.value, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["mlp_w8a8", "cnn_w4a4"])
def test_the_optimized_graph_that_is_looked_into_gives_what_the_session_gives(name, tmp_path):
    model, x = load_checkpoint(name), images()[:64]
    path = export_qcdq(model, x, tmp_path / "q.onnx")
    (logits,) = onnxruntime.InferenceSession(path).run(None, {"x": x.numpy()})
    last = lower(model).places[-1][0]
    assert numpy.array_equal(logits, run_onnx(path, x, optimized=True)[last].numpy())


class Block(nn.Module):
    """Names of three levels, plain tensors in between, a layer that is called twice, a view; float biases, or none."""

    def __init__(self, bias):
        super().__init__()
        self.pixels = qnn.QuantIdentity(return_quant_tensor=True)
        conv = qnn.QuantConv2d(1, 4, 3, bias=bias, weight_bit_width=4, padding=1)
        self.layers = nn.Sequential(nn.Sequential(conv, nn.BatchNorm2d(4)), qnn.QuantReLU(bit_width=4))
        self.twice = qnn.QuantLinear(256, 256, bias=bias, weight_bit_width=3)
        self.again = qnn.QuantReLU(bit_width=3)
        self.last = qnn.QuantLinear(256, 10, bias=bias, weight_bit_width=4)
        self.answer = qnn.QuantIdentity(bit_width=6)

    def forward(self, x):
        x = self.layers(self.pixels(x))
        x = x.view(x.shape[0], -1)
        x = self.again(self.twice(self.again(self.twice(x))))
        return self.answer(self.last(x))


@pytest.fixture(scope="module", params=[True, False], ids=["bias", "no_bias"])
def block(request):
    torch.manual_seed(0)
    model = Block(request.param)
    for _ in range(3):
        model(images())
    return model.eval()


PLACES = ["pixels", "layers.0.0", "layers.1", "twice", "again", "twice (2)", "again (2)", "last", "answer"]


@pytest.mark.parametrize("export", [export_qcdq, export_qonnx])
def test_models_as_users_write_them_are_followed(block, export, tmp_path):
    net, x = lower(block), images()[:60]
    places = compare_onnx(net, export(block, x, tmp_path / "q.onnx"), x)
    assert [place.name for place in places] == PLACES
    assert sum(place.differing for place in places) <= 1
    whole = compare_onnx(net, export_integers(net, net.quantize_input(x), tmp_path / "i.onnx"), x)
    assert sum(place.travelled for place in whole) == 0


def test_optimizations_round_float_biases_and_nothing_else_differs_by_much(block, tmp_path):
    path, x = export_qcdq(block, images()[:1], tmp_path / "q.onnx"), images()[:60]
    places = compare_onnx(lower(block), path, x, optimized=True)
    seen = [place.name for place in places]
    assert seen == [name for name in PLACES if name in seen]
    assert {"layers.1", "again", "again (2)", "answer"} <= set(seen)
    differing = sum(place.differing for place in places)
    assert differing > 10 if block.last.bias is not None else differing <= 1


@pytest.mark.parametrize("export", [export_qcdq, export_qonnx])
def test_a_wrong_scale_in_the_file_is_found_where_it_is(export, tmp_path):
    model, x = load_checkpoint("mlp_w4a4"), images()[:50]
    file = onnx.load(export(model, x, tmp_path / "q.onnx"))
    scale = next(t for t in file.graph.initializer if t.name == "norm1.weight")
    scale.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scale) * numpy.float32(1.02), scale.name))
    assert [place.name for place in compare_onnx(lower(model), file, x) if place.differing] == ["relu1"]


class Slashes(nn.Module):
    """Layers whose names hold what torch's exporter puts between the parts of a name."""

    def __init__(self):
        super().__init__()
        self.add_module("in/q", qnn.QuantIdentity(return_quant_tensor=True))
        self.add_module("a/b", qnn.QuantLinear(20, 16, bias=True, weight_bit_width=4))
        self.add_module("r", nn.Sequential(qnn.QuantReLU(bit_width=4, return_quant_tensor=True)))
        self.add_module("last", qnn.QuantLinear(16, 3, bias=False, weight_bit_width=4))

    def forward(self, x):
        for layer in self.children():
            x = layer(x)
        return x


def test_a_name_with_a_slash_is_a_place_like_others(tmp_path):
    torch.manual_seed(0)
    model, x = Slashes(), torch.randn(30, 20)
    model(x)
    net, q = lower(model.eval()), lower(model).quantize_input(x)
    whole = export_integers(net, q, tmp_path / "i.onnx")
    assert set(net.names[1:]) <= set(run_onnx(whole, q))
    assert [place.name for place in compare_onnx(net, whole, x)] == list(net.names[1:])
    for export in (export_qcdq, export_qonnx):
        places = compare_onnx(net, export(model, x, tmp_path / "q.onnx"), x)
        assert [place.name for place in places] == ["in/q", "a/b", "r.0", "last"]
        assert sum(place.differing for place in places) <= 1


# ---- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("export", [export_qcdq, export_qonnx])
def test_a_file_holds_the_logits_alone_for_any_number_of_inputs(export, tmp_path):
    model, x = load_checkpoint("mlp_w4a4"), images()
    before, outputs = copy.deepcopy(model.state_dict()), model(x[:9]).value
    file = load_onnx(export(model, x[:3], tmp_path / "q.onnx"))
    assert [v.name for v in file.graph.input] == ["x"]
    assert [v.name for v in file.graph.output] == ["logits"]
    assert "Log" not in {node.op_type for node in file.graph.node}  # Brevitas's width of the logits
    assert [o.version for o in file.opset_import if o.domain == ""] == [OPSET]
    assert all(len(run_onnx(file, x[:n])["fc3"]) == n for n in (1, 7, 70))
    assert torch.equal(model(x[:9]).value, outputs)
    assert all(torch.equal(model.state_dict()[key], value) for key, value in before.items())
    assert not model.training


@pytest.mark.parametrize(("export", "opset"), [(export_onnx_qcdq, 13), (brevitas_qonnx, 20)])
def test_what_brevitas_exports_by_itself_runs_in_silence(export, opset, tmp_path, capfd):
    model, x, path = load_checkpoint("mlp_w4a4"), images()[:20], tmp_path / "q.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        export(model, args=x, export_path=str(path), dynamo=False)
    capfd.readouterr()
    assert len(onnx.load(path).graph.input) > 1  # weights among the inputs, of which ONNX Runtime would warn
    assert next(o.version for o in onnx.load(path).opset_import if o.domain == "") == opset
    for optimized in (False, True) if opset == 13 else (False,):
        assert all(place.differing == 0 for place in compare_onnx(lower(model), path, x, optimized))
    assert capfd.readouterr() == ("", "")


def changed(path, change):
    """Another file beside it, with one thing changed."""
    model = onnx.load(path)
    change(model)
    other = path.with_name("other.onnx")
    onnx.save(model, other)
    return other


def set_opset(version):
    return lambda model: model.opset_import[0].CopyFrom(helper.make_opsetid("", version))


def set_node(**fields):
    return lambda model: [setattr(model.graph.node[1], name, value) for name, value in fields.items()]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (set_opset(11), "the file has opset 11, and 13 … 21 are read here: export it with opset_version=17, or"),
        (set_opset(24), "the file has opset 24, and 13 … 21 are read here"),
        (set_node(domain="com.acme", name="n"), "node n is of the domain 'com.acme', and standard operators and qonnx"),
        (
            set_node(op_type="Quantise", name="n"),
            "node n is a Quantise, which opset 17 does not have: export the model",
        ),
        (
            set_node(op_type="Round4", domain="qonnx.custom_op.general", name="n"),
            "a Round4, which qonnx.custom_op.general",
        ),
    ],
)
def test_a_file_of_another_kind_is_refused_in_a_sentence(change, sentence, tmp_path):
    model, x = load_checkpoint("mlp_w4a4"), images()[:2]
    other = changed(export_qcdq(model, x, tmp_path / "q.onnx"), change)
    for ask in (load_onnx, lambda path: run_onnx(path, x), lambda path: compare_onnx(lower(model), path, x)):
        with pytest.raises(ValueError, match=sentence):
            ask(other)


@pytest.mark.parametrize("content", [None, b"no model"])
def test_what_is_no_file_of_onnx_is_refused(content, tmp_path):
    if content:
        (tmp_path / "q.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"q.onnx is no ONNX file that can be read \(.*\): write it anew."):
        load_onnx(tmp_path / "q.onnx")


def test_inputs_that_the_file_does_not_take_are_refused(tmp_path):
    model, x = load_checkpoint("mlp_w4a4"), images()[:2]
    net, path = lower(model), export_qcdq(model, x, tmp_path / "q.onnx")
    with pytest.raises(ValueError, match=r"x has shape \[2, 64\], and the file takes \[N, 1, 8, 8\]: reshape it"):
        run_onnx(path, x.reshape(2, 64))
    with pytest.raises(TypeError, match=r"x is torch.uint8, and the file takes float32: give reals, x.float\(\)"):
        run_onnx(path, net.quantize_input(x))
    with pytest.raises(TypeError, match="x is a list: give a tensor"):
        run_onnx(path, [1.0])
    with pytest.raises(TypeError, match=r"x is torch.bfloat16, and the file takes float32: give reals, x.float\(\)"):
        run_onnx(path, x.bfloat16())
    whole = export_integers(net, net.quantize_input(x), tmp_path / "i.onnx")
    with pytest.raises(
        TypeError, match="x is torch.float32, and the file takes uint8: net.quantize_input makes integers"
    ):
        run_onnx(whole, x)
    with pytest.raises(
        ValueError, match="optimized=True is ONNX Runtime's, and it cannot run QONNX files: use optimized=F"
    ):
        run_onnx(export_qonnx(model, x, tmp_path / "n.onnx"), x, optimized=True)


def test_inputs_with_a_gradient_are_taken(tmp_path):
    model, x = load_checkpoint("mlp_w4a4"), images()[:2]
    path, with_gradient = export_qcdq(model, x, tmp_path / "q.onnx"), x.clone().requires_grad_()
    assert torch.equal(run_onnx(path, with_gradient)["fc3"], run_onnx(path, x)["fc3"])
    assert compare_onnx(lower(model), path, with_gradient) == compare_onnx(lower(model), path, x)


def test_another_models_file_is_told(block, tmp_path):
    x = images()[:2]
    path = export_qcdq(nn.Sequential(qnn.QuantIdentity()).eval(), x, tmp_path / "q.onnx")
    with pytest.raises(
        ValueError, match="the file has no place that is called as one of pixels, layers.0.0, .*: it is"
    ):
        compare_onnx(lower(block), path, x)


def test_a_file_that_onnx_runtime_cannot_run_is_told(tmp_path):
    path = export_qcdq(load_checkpoint("mlp_w4a4"), images()[:2], tmp_path / "q.onnx")
    other = changed(path, lambda model: [setattr(node, "name", "same") for node in model.graph.node])
    with pytest.raises(
        ValueError, match=r"ONNX Runtime refuses the file \(.*same node name.*\): export the model anew"
    ):
        run_onnx(other, images()[:2])


# ---- roundings and one bit --------------------------------------------------------------------------------------------


def small(relu, **weights):
    """An MLP of 20 inputs with this activation, its scales settled; and the inputs."""
    torch.manual_seed(0)
    x = torch.randn(60, 20)
    hidden = qnn.QuantLinear(20, 16, bias=False, weight_bit_width=4, **weights)
    last = qnn.QuantLinear(16, 3, bias=False, weight_bit_width=4)
    model = nn.Sequential(qnn.QuantIdentity(return_quant_tensor=True), hidden, relu, last)
    for _ in range(4):
        model(x)
    return model.eval(), x


@pytest.mark.parametrize("make", [qnn.QuantReLU, qnn.QuantIdentity])
@pytest.mark.parametrize("rounding", ["FLOOR", "CEIL", "ROUND_TO_ZERO"])
def test_another_rounding_is_written_as_qonnx_names_it_and_refused_where_there_is_none(rounding, make, tmp_path):
    model, x = small(make(bit_width=4, float_to_int_impl_type=rounding, return_quant_tensor=True))
    places = compare_onnx(lower(model), export_qonnx(model, x, tmp_path / "q.onnx"), x)
    assert all(place.differing <= 2 and (place.farthest or 0) < NEAR for place in places)
    with pytest.raises(ValueError, match=f"2 rounds by {rounding}, and QuantizeLinear to the nearest: use export_qonn"):
        export_qcdq(model, x, tmp_path / "c.onnx")


@pytest.mark.parametrize("rounding", ["FLOOR", "CEIL", "ROUND_TO_ZERO"])
def test_weights_of_another_rounding_are_in_a_qcdq_file_and_refused_by_qonnx(rounding, tmp_path):
    model, x = small(qnn.QuantReLU(bit_width=4, return_quant_tensor=True), weight_float_to_int_impl_type=rounding)
    places = compare_onnx(lower(model), export_qcdq(model, x, tmp_path / "q.onnx"), x)
    assert sum(place.differing for place in places) <= 2
    with pytest.raises(
        ValueError, match=f"1.weight_quant rounds by {rounding}, and Brevitas's exporter writes ROUND t"
    ):
        export_qonnx(model, x, tmp_path / "c.onnx")


@pytest.mark.parametrize("make", [qnn.QuantReLU, qnn.QuantIdentity])
def test_one_bit_with_a_0_is_refused_and_never_written_as_signs(make, tmp_path):
    model, x = small(make(bit_width=1, return_quant_tensor=True))
    with pytest.raises(
        ValueError, match="2 has 1 bit with a 0, and Brevitas's exporter makes −1 and .1 of it: use 2 b"
    ):
        export_qonnx(model, x, tmp_path / "q.onnx")
    with pytest.raises(ValueError, match="2 has 1 bit, and Brevitas's exporter writes none: use 2 bits, or export_int"):
        export_qcdq(model, x, tmp_path / "q.onnx")
    assert list(tmp_path.iterdir()) == []


# ---- what the exporters refuse ----------------------------------------------------------------------------------------


def test_what_cannot_be_exported_is_told_and_no_file_is_left(tmp_path):
    x, path = images()[:2], tmp_path / "q.onnx"
    with pytest.raises(
        ValueError, match="fc1.weight_quant has 1 bit, and QuantizeLinear has no −1 and .1 without a 0: use e"
    ):
        export_qcdq(load_checkpoint("mlp_w1a1"), x, path)
    for export in (export_qcdq, export_qonnx):
        with pytest.raises(
            ValueError, match="DigitsMLP is in training mode, where statistics still move: call model.eval"
        ):
            export(load_checkpoint("mlp_w4a4").train(), x, path)
        with pytest.raises(TypeError, match="model is a dict: give a torch module"):
            export({}, x, path)
        with pytest.raises(TypeError, match="x is torch.uint8, and the model takes floats: x.float"):
            export(load_checkpoint("mlp_w4a4"), x.to(torch.uint8), path)
        with pytest.raises(ValueError, match=r"exporter refuses DigitsMLP \(mat1 and mat2 shapes cannot be multiplied"):
            export(load_checkpoint("mlp_w4a4"), x[:, :, :4], path)
        with pytest.raises(ValueError, match="none is no folder, so q.onnx cannot be written there"):
            export(load_checkpoint("mlp_w4a4"), x, tmp_path / "none" / "q.onnx")
    assert list(tmp_path.iterdir()) == []
