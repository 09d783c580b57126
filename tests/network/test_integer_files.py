"""An integer network comes back from its file as it was; its C header compiles, and computes the same integers."""

import json
from dataclasses import fields
from fractions import Fraction

import numpy
import pytest
import torch
from torch import Tensor

from qtutor.network import load_checkpoint, load_pixels
from qtutor.network.c_header import save_c_header
from qtutor.network.integer_files import load_npz, save_npz
from qtutor.network.integer_layers import (
    IntegerAdd,
    IntegerConv2d,
    IntegerFlatten,
    IntegerLinear,
    IntegerMaxPool2d,
    IntegerRequantize,
    IntegerSumPool2d,
)
from qtutor.network.integer_network import InputStage, IntegerNetwork, Meaning, Step
from qtutor.network.lowering import lower
from qtutor.network.onnx_integers import export_integers
from tests.network.compiled import needs_compiler, run_compiled

STORED = ["mlp_w8a8", "mlp_w4a4", "mlp_w2a2_channel", "mlp_w1a1", "mlp_mixed", "cnn_w8a8", "cnn_w4a4", "cnn_w2a2", "cnn_w1a1"]  # fmt: skip
ROUTES = {"multipliers": [], "thresholds": ["-DQTUTOR_THRESHOLDS"]}


@pytest.fixture(scope="module")
def lowered():
    """The stored models as integer networks, and the integers of 60 scans."""
    networks = {name: lower(load_checkpoint(name)) for name in STORED}
    return {name: (network, network.quantize_input(load_pixels()[0][::30])) for name, network in networks.items()}


def parts(network):
    """Everything in a network, as what `==` compares: tensors by their numbers, shape and dtype."""

    def plain(value):
        return (value.tolist(), value.dtype, value.shape) if isinstance(value, Tensor) else value

    layers = [
        (type(s.layer), s.inputs, *(plain(getattr(s.layer, f.name)) for f in fields(s.layer))) for s in network.steps
    ]
    return network.input, layers, network.meanings, network.places


# ---- .npz ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STORED)
def test_a_network_comes_back_from_its_file_equal(name, lowered, tmp_path):
    network, q = lowered[name]
    save_npz(network, tmp_path / "network")
    again = load_npz(tmp_path / "network")
    assert parts(again) == parts(network)
    assert torch.equal(again(q), network(q))


def test_another_network_is_not_equal(lowered):
    assert parts(lowered["mlp_w4a4"][0]) != parts(lowered["mlp_w8a8"][0])


def test_the_integers_stand_in_the_file_under_the_names_of_their_layers(lowered, tmp_path):
    network, _ = lowered["mlp_w4a4"]
    save_npz(network, tmp_path / "network.npz")
    with numpy.load(tmp_path / "network.npz") as arrays:
        assert arrays["fc1.weight"].tolist() == network.layer("fc1").weight.tolist()
        assert arrays["fc3.bias"].dtype == numpy.int32
        assert arrays["relu1.thresholds"].tolist() == network.layer("relu1").thresholds.tolist()
        text = json.loads(str(arrays["network"]))
    assert text["meanings"][0] == {"scale": 1 / 16, "zero_point": 0, "low": 0, "high": 31, "bipolar": False}
    assert text["steps"][2]["shift"] == network.layer("relu1").shift


def test_the_same_network_makes_the_same_bytes(lowered, tmp_path):
    for name in "ab":
        save_npz(lowered["mlp_w2a2_channel"][0], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04cut off"])
def test_a_file_of_another_kind_is_told(content, tmp_path):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ValueError, match="x.npz holds no integer network, or is damaged"):
        load_npz(tmp_path / "x.npz")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ValueError, match="there is no file .*nowhere.npz: save_npz"):
        load_npz(tmp_path / "nowhere.npz")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 2}, "has format 2 and this program reads 1: write it anew with save_npz."),
        ({"format": None}, "has format None and this program reads 1"),
        ({"steps": [{"kind": "IntegerLSTM", "inputs": [0]}]}, "is damaged \\('IntegerLSTM' is wrong or missing\\)"),
        ({"steps": [{"kind": "IntegerLinear", "inputs": [0]}]}, "is damaged \\('name' is wrong or missing\\)"),
        ({"input": {"name": "x"}}, "is damaged \\('before' is wrong or missing\\)"),
    ],
)
def test_a_file_of_another_format_or_without_a_part_is_told(change, sentence, lowered, tmp_path):
    save_npz(lowered["mlp_w4a4"][0], tmp_path / "x.npz")
    with numpy.load(tmp_path / "x.npz") as file:
        arrays = dict(file)
    text = json.loads(str(arrays.pop("network"))) | change
    numpy.savez(tmp_path / "x.npz", network=json.dumps(text), **arrays)
    with pytest.raises(ValueError, match=sentence):
        load_npz(tmp_path / "x.npz")


def test_other_arrays_are_no_network(tmp_path):
    numpy.savez(tmp_path / "x.npz", weight=numpy.zeros(3))
    with pytest.raises(ValueError, match="holds no integer network"):
        load_npz(tmp_path / "x.npz")


# ---- the C header ----------------------------------------------------------------------------------------------------


@needs_compiler
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", STORED)
def test_the_compiled_network_gives_the_same_logits(name, route, lowered, tmp_path):
    network, q = lowered[name]
    save_c_header(network, tmp_path / "network.h", q)
    ours = network(q, route)
    assert torch.equal(run_compiled(tmp_path / "network.h", "qtutor_network", q, ours, *ROUTES[route]), ours)


@needs_compiler
@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("mlp_w4a4", "fc1"),
        ("mlp_w8a8", "relu1"),
        ("mlp_w1a1", "relu2"),
        ("cnn_w2a2", "conv3"),
        ("cnn_w4a4", "pool1"),
        ("cnn_w4a4", "flatten"),
        ("cnn_w2a2", "logits"),
    ],
)
def test_one_compiled_layer_gives_the_same_integers(name, layer, lowered, tmp_path):
    network, q = lowered[name]
    save_c_header(network, tmp_path / "network.h", q)
    place = network.names.index(layer)
    values = network.values(q)
    given, ours = values[network.steps[place - 1].inputs[0]], values[place]
    assert torch.equal(run_compiled(tmp_path / "network.h", f"qtutor_layer_{layer}", given, ours), ours)


@needs_compiler
def test_a_wrong_weight_is_seen_in_the_compiled_network(lowered, tmp_path):
    network, q = lowered["mlp_w4a4"]
    save_c_header(network, tmp_path / "network.h", q)
    head, numbers = (tmp_path / "network.h").read_text().split("qtutor_fc3_weight[640] = { /* 10 x 64 */\n", 1)
    (tmp_path / "network.h").write_text(f"{head}qtutor_fc3_weight[640] = {{ 9, {numbers.split(',', 1)[1]}")
    ours = network(q)
    assert not torch.equal(run_compiled(tmp_path / "network.h", "qtutor_network", q, ours), ours)


def network_of(low, high, *steps):
    """An integer network of layers made by hand: the range of the input, then (layer, its inputs) each."""
    first, wide = Meaning(1.0, 0, low, high), Meaning(1.0, 0, -(2**31), 2**31 - 1)
    stage = InputStage("input", (), first, "half_even")
    return IntegerNetwork(stage, tuple(Step(*step) for step in steps), (first, *[wide] * len(steps)), ())


def drawn(low, high, *shape, dtype=torch.int8):
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(7)).to(dtype)


@needs_compiler
def test_zero_points_groups_strides_borders_and_pools_are_the_same_in_c(tmp_path):
    network = network_of(
        0, 255,
        (IntegerMaxPool2d("pool", (3, 2), (2, 1), (1, 1), 0), (0,)),
        (IntegerConv2d("conv", drawn(0, 255, 6, 2, 2, 3, dtype=torch.uint8), drawn(-999, 999, 6, dtype=torch.int32),
                       (1, 2), (1, 0), 2, 130, 7), (1,)),
        (IntegerSumPool2d("sum", (2, 3), (2, 1)), (2,)),
        (IntegerAdd("twice"), (3, 3)),
        (IntegerFlatten("flat"), (4,)),
        (IntegerLinear("fc", drawn(-8, 7, 3, 18), None, -3, 1), (5,)),
    )  # fmt: skip
    q = drawn(0, 255, 20, 4, 9, 7, dtype=torch.uint8)
    assert network.values(q)[5].shape == (20, 18)
    save_c_header(network, tmp_path / "network.h", q)
    ours = network(q)
    assert torch.equal(
        run_compiled(tmp_path / "network.h", "qtutor_network", q, ours.to(torch.int32)).long(), ours.long()
    )


@needs_compiler
@pytest.mark.parametrize(
    ("shape", "outputs"), [((4, 7, 9), (4, 1, 1)), ((4, 7, 9), (1, 7, 1)), ((4, 7, 9), (1, 1, 9)), ((20,), (1,)), ((1, 7, 1), (4, 1, 9))]
)  # fmt: skip
def test_a_sum_repeats_sizes_of_1_in_c(shape, outputs, tmp_path):
    window = (1, 1) if len(shape) == 1 else tuple(n - m + 1 for n, m in zip((7, 9), shape[1:], strict=True))
    other = (1, 1) if len(shape) == 1 else tuple(n - m + 1 for n, m in zip((7, 9), outputs[1:], strict=True))
    layers = [
        IntegerLinear(name, drawn(-8, 7, size[0], 20), None) if len(shape) == 1
        else IntegerConv2d(name, drawn(-8, 7, size[0], 3, *kernel), None, (1, 1), (0, 0), 1)
        for name, size, kernel in (("a", shape, window), ("b", outputs, other))
    ]  # fmt: skip
    network = network_of(-128, 127, (layers[0], (0,)), (layers[1], (0,)), (IntegerAdd("add"), (1, 2)))
    q = drawn(-128, 127, 9, *((20,) if len(shape) == 1 else (3, 7, 9)))
    save_c_header(network, tmp_path / "network.h", q)
    ours = network(q).to(torch.int32)
    assert torch.equal(run_compiled(tmp_path / "network.h", "qtutor_network", q, ours), ours)


def test_a_sum_without_a_channel_on_one_side_is_refused(tmp_path):
    layers = (IntegerFlatten("flat"), (0,)), (IntegerAdd("add"), (0, 1))
    with pytest.raises(
        ValueError, match=r"add adds \[4, 1, 1\] and \[4\], one of which has no channel of its own: give"
    ):
        save_c_header(network_of(0, 9, *layers), tmp_path / "network.h", drawn(0, 9, 1, 4, 1, 1))


EXACT = {
    "half_even": round,
    "floor": lambda real: real.__floor__(),
    "ceil": lambda real: real.__ceil__(),
    "toward_zero": lambda real: real.__trunc__(),
}


@needs_compiler
@pytest.mark.parametrize("rounding", EXACT)
@pytest.mark.parametrize(
    ("mantissa", "offset", "shift"), [(1, 0, 1), (3, -2, 2), (-5, 1, 3), (1, 0, 0), (2**31 - 1, 2**61, 62), (-(2**31) + 1, 5, 40)]
)  # fmt: skip
def test_the_compiled_rounding_is_that_of_fractions(rounding, mantissa, offset, shift, tmp_path):
    low, high = -(2**31), 2**31 - 1
    layer = IntegerRequantize(
        "relu", torch.tensor([mantissa]), torch.tensor([offset]), shift, -100, 100, torch.zeros(1, 1), torch.ones(1),
        2**62, torch.int8, rounding,
    )  # fmt: skip
    q = torch.cat([torch.arange(-300, 301), torch.tensor([low, low + 1, high - 1, high])]).to(torch.int32)[:, None]
    save_c_header(network_of(low, high, (layer, (0,))), tmp_path / "network.h", q)
    found = run_compiled(tmp_path / "network.h", "qtutor_network", q, q.to(torch.int8))
    steps = [EXACT[rounding](Fraction(a * mantissa + offset, 2**shift)) for a in q.flatten().tolist()]
    assert found.flatten().tolist() == [min(max(s, -100), 100) for s in steps]


def test_names_that_c_does_not_take_are_changed(tmp_path):
    layers = [(IntegerFlatten(name), (place,)) for place, name in enumerate(["a.0", "größe (2)", "a_0", "*/"])]
    save_c_header(network_of(0, 1, *layers), tmp_path / "network.h", torch.zeros(1, 4, dtype=torch.uint8))
    text = (tmp_path / "network.h").read_text("ascii")
    assert [f"qtutor_layer_{name}(" in text for name in ("a_0", "gr_e_2", "a_0_2")] == [True] * 3


@needs_compiler
def test_layers_called_input_output_and_alike_but_for_capitals_compile(tmp_path):
    names = ["input", "fc", "FC", "output", "last"]
    pools = [IntegerMaxPool2d(name, (2, 2), (1, 1), (0, 0), -8) for name in names]  # each makes images smaller
    network = network_of(-8, 7, *((pool, (place,)) for place, pool in enumerate(pools)))
    q = drawn(-8, 7, 9, 1, 8, 8)
    save_c_header(network, tmp_path / "network.h", q)
    ours = network(q)
    assert torch.equal(run_compiled(tmp_path / "network.h", "qtutor_network", q, ours), ours)


def test_a_network_without_layers_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no layers after its input quantizer"):
        save_c_header(network_of(0, 1), tmp_path / "network.h", torch.zeros(1, 4, dtype=torch.uint8))
    assert not (tmp_path / "network.h").exists()
    with pytest.raises(ValueError, match="has no layers after its input quantizer: there is nothing to write as ONNX"):
        export_integers(network_of(0, 1), torch.zeros(1, 4, dtype=torch.uint8), tmp_path / "network.onnx")


def test_a_folder_that_is_not_there_is_told(lowered, tmp_path):
    network, q = lowered["mlp_w4a4"]
    path = tmp_path / "none" / "digits"
    for write in (lambda: save_npz(network, path), lambda: save_c_header(network, path, q)):
        with pytest.raises(ValueError, match="none is no folder, so digits cannot be written there: make it first"):
            write()
