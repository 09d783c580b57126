"""Models that are not ours: each is lowered, and every integer is Brevitas's, or lies beside a tie; and so says the report."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from brevitas import nn as qnn
from torch import nn

from qtutor.network import compare, load_checkpoint, load_pixels, lower
from qtutor.network.comparison import Place
from qtutor.network.integer_files import load_npz
from qtutor.network.integer_layers import IntegerRequantize
from qtutor.network.integer_network import InputStage, IntegerNetwork, Meaning, Step
from qtutor.network.report import PIECE, compared, differences, explained, main, report
from tests.network import author_nets as nets
from tests.network.compiled import needs_compiler, run_compiled

ROOT = Path(__file__).resolve().parents[2]
NEAR_TIE = 1e-3  # steps of the output
FEW = 1e-3  # of the integers, at 8 bits: as rare as near ties are
WIDTHS = (1, 2, 4, 8)


def inputs_of_28():
    """100 scans drawn large, 28×28, and 100 images of noise."""
    scans = torch.nn.functional.interpolate(load_pixels()[0][:100], size=(28, 28), mode="nearest")
    return torch.cat([scans, torch.rand(100, 1, 28, 28, generator=torch.Generator().manual_seed(3))])


X = inputs_of_28()


def settled(make, *arguments):
    """A model with random weights of one seed, its statistics and scales settled on X."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return nets.settled(make(*arguments), X)


def require_equal(model):
    """Assert that each place has Brevitas's integers but beside ties, and that no place is left out."""
    network = lower(model, X[:1])
    places = compare(model, network, X)
    assert [place.name for place in places] == [name for name, _ in network.places]
    assert len(set(network.names)) == len(network.names)
    for place in places:
        differ = max(place.differing.values())
        assert differ <= place.count * FEW, place
        assert not differ or (place.farthest or 0) < NEAR_TIE, place
    return places


# ---- 28×28, W1A1 to W8A8 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("neurons", [64, 256])
def test_three_hidden_layers_with_constant_scales(neurons, bits):
    model = settled(nets.FullyConnected, neurons, bits, bits, 8 if bits > 1 else 1)
    places = require_equal(model)
    if bits == 1:  # scale 1: float32 is exact, on every machine
        assert sum(sum(place.differing.values()) for place in places) == 0


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("neurons", [64, 256])
def test_the_published_mlp_as_brevitas_ships_it(neurons, bits):
    published = pytest.importorskip(
        "brevitas_examples.bnn_pynq.models.FC", reason="this Brevitas comes without examples"
    )
    model = settled(published.FC, 10, bits, bits, 8 if bits > 1 else 1, 1, [neurons] * 3)
    places = require_equal(model)
    if bits == 1:  # scale 1: float32 is exact, on every machine
        assert sum(sum(place.differing.values()) for place in places) == 0


@pytest.mark.parametrize("bits", WIDTHS)
def test_convolutions_with_batch_normalization_and_constant_scales(bits):
    require_equal(settled(nets.Convolutional, bits))


@pytest.mark.parametrize(
    "make",
    [nets.relus, nets.quantizers_inside, nets.Residual, nets.zero_points, nets.Functional],
    ids=lambda f: f.__name__,
)
def test_habits_of_other_people(make):
    require_equal(settled(make))


def test_a_half_step_of_another_model_is_caught():
    model = settled(nets.FullyConnected, 64, 4, 4, 8)
    network = lower(model, X[:1])
    with torch.no_grad():
        model.features[3].bias += 0.4 / 7
    differing = {place.name: max(place.differing.values()) for place in compare(model, network, X)}
    assert differing["features.4"] > 100


# ---- why one differs ----------------------------------------------------------------------------------------------------


def made(*layers, x, times=4):
    """A model of these layers, its scales settled on x."""
    model = nn.Sequential(*layers).train()
    for _ in range(times):
        model(x)
    return model.eval()


def quantizer(bits=8, kind=qnn.QuantIdentity):
    return kind(bit_width=bits, return_quant_tensor=True)


def drawn(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        yield


@pytest.mark.parametrize("flat", [False, True])
def test_a_quantizer_behind_a_pool_is_explained_by_the_accumulators_that_brevitas_pools(flat, seeded):
    x, ties = drawn(200, 3, 19, 21), 0
    between = [nn.BatchNorm2d(32), nn.MaxPool2d(3, 2, 1), *([nn.Flatten()] if flat else [])]
    with torch.no_grad():
        between[0].weight.uniform_(-2, 2)  # channels that are turned around too
    model = made(quantizer(), qnn.QuantConv2d(3, 32, 3, bias=False), *between[1:], quantizer(), x=x)
    model.insert(2, between[0].eval())
    for place in compare(model, lower(model), x):
        differ = max(place.differing.values())
        assert place.unexplained == 0
        assert not differ or (place.farthest < NEAR_TIE and len(place.each) >= differ)
        ties += differ
    assert ties
    with torch.no_grad():
        network, model[2].bias[:] = lower(model), model[2].bias + 0.01
    assert sum(place.unexplained for place in compare(model, network, x)) > 1000


@pytest.mark.parametrize(("off", "unexplained"), [(1, 0), (2, 16)])
def test_a_tie_explains_a_neighbour_and_nothing_farther(off, unexplained, monkeypatch):
    halves = torch.arange(-31, 1, 2).reshape(1, 16)  # odd accumulators, of which a half is a tie
    reached = torch.tensor([[2 * q - (q % 2 == 0) for q in range(-127, 128)]])
    relu = IntegerRequantize("relu", torch.tensor([2**30]), torch.tensor([0]), 31, -128, 127,
                             reached, torch.ones(1, dtype=torch.int64), 2**36, torch.int8)  # fmt: skip
    meanings = Meaning(1.0, 0, -128, 127), Meaning(2.0, 0, -128, 127)
    places = ("quant", 0), ("relu", 1)
    network = IntegerNetwork(InputStage("quant", (), meanings[0], "half_even"), (Step(relu, (0,)),), meanings, places)
    theirs = {"quant": halves, "relu": network(halves).long() + off}
    monkeypatch.setattr("qtutor.network.comparison.brevitas_integers", lambda *given: theirs)
    place = compare(nn.Flatten().eval(), network, halves.float())[1]
    assert (place.differing["multipliers"], place.farthest, place.unexplained) == (16, 0.0, unexplained)


def test_float32_explains_sums_that_are_off_by_what_it_can_be_and_no_others(seeded):
    x = drawn(40, 20000).abs() + 1
    model = made(quantizer(), qnn.QuantLinear(20000, 5, bias=True), x=x)
    with torch.no_grad():
        model[1].weight.uniform_(0.2, 1)
        model[1].bias.zero_()
    network = lower(model)
    sums = compare(model, network, x)[-1]
    assert sums.differing["multipliers"] > 50
    assert (sums.unexplained, sums.each, sums.farthest) == (0, (), None)
    wide = replace(network.layer("1"), weight=network.layer("1").weight // 2)
    steps = (replace(network.steps[0], layer=wide), *network.steps[1:])
    other = compare(model, replace(network, steps=steps), x)[-1]
    assert other.unexplained == other.count == 200
    assert "Float32 does not explain 200 of them" in explained(other)


def test_a_gain_a_million_times_the_others_is_named_as_what_it_is(seeded):
    x = drawn(100, 3, 19, 21)
    layers = quantizer(), qnn.QuantConv2d(3, 32, 3, bias=False), nn.BatchNorm2d(32), quantizer(kind=qnn.QuantReLU)
    model = made(*layers, x=x)
    with torch.no_grad():
        model[2].weight[3] *= 1e6
    rounded = compare(model, lower(model), x)[-1]
    assert rounded.differing["multipliers"] > 1000
    assert rounded.farthest > NEAR_TIE
    assert rounded.unexplained == 0
    assert "gains are so far apart, or sums so large, that float32 and multipliers of one shift" in explained(rounded)


# ---- the report ----------------------------------------------------------------------------------------------------------


def test_a_report_has_formats_budget_differences_answers_and_onnx(tmp_path):
    pixels, labels = load_pixels()
    said = []
    found = report(load_checkpoint("mlp_w4a4"), pixels[:300], labels[:300], tmp_path / "net.onnx", said.append)
    text = str(found)
    assert "  fc1: IntegerLinear, 13 signed bits" in text
    assert [row.name for row in found.rows] == ["fc1", "relu1", "fc2", "relu2", "fc3"]
    count = 300 * (64 + 4 * 64 + 10)
    assert f"Compared with Brevitas on 300 inputs: {count:,} integers at 6 places; not equal are 0 by multip" in text
    assert "The largest output is the model's own for 300 by multipliers and 300 by thresholds, of 300." in text
    right = int((load_checkpoint("mlp_w4a4")(pixels[:300]).value.argmax(1) == labels[:300]).sum())
    assert f"Of 300 labels the model names {right} rightly, the integers {right} by multipliers and {right} by" in text
    assert text.endswith("The integer network stands in net.onnx as ONNX operators on integers.")
    assert (tmp_path / "net.onnx").stat().st_size > 10_000
    assert said[1:] == [
        f"Comparing with Brevitas: inputs 1 to {PIECE} of 300 …",
        f"Comparing with Brevitas: inputs {PIECE + 1} to 300 of 300 …",
    ]


def test_equal_largest_outputs_are_counted_and_explain_every_answer_that_is_not_the_models():
    pixels, labels = load_pixels()
    found = report(load_checkpoint("mlp_w2a2"), pixels[1200:], labels[1200:])
    outputs = found.network(found.network.quantize_input(pixels[1200:])).tolist()
    tied = [row.count(max(row)) > 1 for row in outputs]
    other = (found.answers["multipliers"] != found.answers["brevitas"]).tolist()
    assert found.ties == sum(tied) > 0
    assert all(is_tied for is_tied, is_other in zip(tied, other, strict=True) if is_other)
    assert (
        f"\n{sum(tied)} of 597 have two equal largest outputs: a tie, no error; the integers name the first.\n"
        in str(found)
    )
    assert "equal largest" not in str(report(load_checkpoint("mlp_w4a4"), pixels[:90]))


def test_a_batch_in_pieces_is_compared_as_a_whole_one():
    model = settled(nets.Convolutional, 8)
    network, x = lower(model), torch.cat([X, X])
    whole, parts = compare(model, network, x), compared(model, network, x, lambda sentence: None)
    assert len(x) > PIECE
    assert [(p.name, p.count, p.differing, p.travelled, p.farthest) for p in parts] == [
        (p.name, p.count, p.differing, p.travelled, p.farthest) for p in whole
    ]


def place(multipliers, thresholds, both_ways, farthest, unexplained=0):
    differing = {"multipliers": multipliers, "thresholds": thresholds}
    return Place("relu1", 640, differing, {"multipliers": 9, "thresholds": 8}, both_ways, farthest, (), unexplained)


def test_each_difference_is_explained():
    near, both, far, sums = place(2, 1, 0, 2e-6), place(2, 1, 1, 2e-6), place(2, 1, 0, 0.3, 2), place(2, 1, 0, None)
    assert "At most 2.0e-06 of a step from a tie" in explained(near)
    assert "itself gives two integers" not in explained(near)
    assert "For 1 of them Brevitas itself gives two integers for the same accumulator" in explained(both)
    assert "Up to 3.0e-01 of a step from a tie: float32 does not explain 2 of them, please tell us." in explained(far)
    assert "Up to 3.0e-01 of a step from a tie: gains are so far apart, or sums so large," in explained(
        place(2, 1, 0, 0.3)
    )
    assert "These are sums: ours are exact, and Brevitas adds in float32." in explained(sums)
    assert ". Float32 does not explain 1 of them, please tell us." in explained(place(2, 1, 0, None, 1))
    lines = differences([near, place(0, 0, 0, None)], 10).splitlines()
    assert lines[0].endswith("1,280 integers at 2 places; not equal are 2 by multipliers and 1 by thresholds.")
    assert len(lines) == 2


def test_a_network_that_the_onnx_operators_do_not_hold_is_reported_without_a_file(tmp_path, monkeypatch):
    def refuse(network, q, path):
        raise ValueError("fc1 is too wide: make it narrower.")

    monkeypatch.setattr("qtutor.network.onnx_integers.export_integers", refuse)
    found = report(load_checkpoint("mlp_w2a2"), load_pixels()[0][:5], onnx_path=tmp_path / "net.onnx")
    assert str(found).endswith("There is no ONNX file: fc1 is too wide: make it narrower.")


@pytest.mark.parametrize(
    ("x", "labels", "error", "sentence"),
    [
        ([1.0], None, TypeError, "the inputs are list: give a float tensor"),
        (torch.zeros(3, 64, dtype=torch.uint8), None, TypeError, r"the inputs are torch.uint8 of shape \(3, 64\)"),
        (torch.zeros(0, 64), None, TypeError, r"the inputs are torch.float32 of shape \(0, 64\)"),
        (torch.zeros(3, 65), None, ValueError, r"the model does not take inputs of shape \(3, 65\)"),
        (torch.zeros(3, 64), torch.zeros(2), ValueError, r"the labels are of shape \(2,\), and there are 3 inputs"),
        (torch.zeros(3, 64), [0, 0, 0], ValueError, "the labels are a list, and there are 3 inputs"),
    ],
)
def test_inputs_and_labels_that_do_not_fit_are_told(x, labels, error, sentence):
    with pytest.raises(error, match=sentence):
        report(load_checkpoint("mlp_w2a2"), x, labels)


def test_outputs_that_are_images_have_no_largest_one_to_be_counted(seeded):
    model, x = made(quantizer(), qnn.QuantConv2d(3, 4, 3, bias=False), x=drawn(20, 3, 9, 11)), drawn(20, 3, 9, 11)
    found = report(model, x)
    assert (found.answers, found.ties) == ({}, 0)
    assert str(found).endswith("The model's outputs are no scores [N, classes]: no largest one is counted.")
    with pytest.raises(
        ValueError, match=r"the model gives \[20, 4, 7, 9\], and labels are of scores \[N, classes\]: leave"
    ):
        report(model, x, torch.zeros(20, dtype=torch.int64))


@pytest.mark.parametrize("pool", [nn.AdaptiveAvgPool2d(1), nn.MaxPool2d(2)])
def test_inputs_of_another_size_are_told_before_and_after_lowering(pool, seeded):
    layers = quantizer(), qnn.QuantConv2d(3, 4, 3, bias=False), quantizer(), pool, quantizer(), nn.Flatten()
    model = made(*layers, x=drawn(20, 3, 9, 11))
    with pytest.raises(ValueError, match=r"5, 9, 11\) ?\(?.*: give "):
        report(model, drawn(20, 5, 9, 11))


def test_a_model_in_training_mode_is_not_compared_and_not_changed():
    model = load_checkpoint("mlp_w4a4")
    network, before = lower(model), model.norm1.running_mean.clone()
    with pytest.raises(ValueError, match="DigitsMLP is in training mode, where statistics still move: call model.eval"):
        compare(model.train(), network, X[:5, :, :8, :8])
    assert torch.equal(model.norm1.running_mean, before)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (lambda: load_checkpoint("cnn_w4a4"), "the model gives no integers for fc1 of the network"),
        (lambda: renamed(nn.Flatten()), "the model gives no integers for pixels of the network"),
        (lambda: renamed(nn.Flatten(), flatten=qnn.QuantLinear(64, 4)), "flatten is another layer in the model than in"),
        (lambda: renamed(nn.Flatten(), fc1=qnn.QuantLinear(64, 4)), "fc1 is another layer in the model than in the netw"),
        (lambda: renamed(nn.Flatten(), pixels=qnn.QuantLinear(64, 4)), "pixels is another layer in the model than in th"),
    ],
)  # fmt: skip
def test_another_models_network_is_told(model, sentence):
    with pytest.raises(ValueError, match=f"({sentence}).*: give the model that the network was lowered from"):
        compare(model(), lower(load_checkpoint("mlp_w4a4")), load_pixels()[0][:5])


@pytest.mark.parametrize("x", [None, [1.0], torch.zeros(2, 64, dtype=torch.uint8)])
def test_what_is_no_batch_of_floats_is_not_compared(x):
    with pytest.raises(TypeError, match="x is .*, and the input quantizer takes floats"):
        compare(load_checkpoint("mlp_w2a2"), lower(load_checkpoint("mlp_w2a2")), x)


def renamed(first, **layers):
    """A model of layers with these names, in eval mode."""
    model = nn.Sequential(first)
    for name, layer in layers.items():
        model.add_module(name, layer)
    return model.eval()


# ---- the command ---------------------------------------------------------------------------------------------------------

FILE = """
import torch
from brevitas import nn as qnn
from torch import nn
from widths import bits

def made():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Flatten(), qnn.QuantIdentity(), qnn.QuantLinear(16, 8, bias=True, weight_bit_width=bits),
        qnn.QuantReLU(bit_width=bits), qnn.QuantLinear(8, 3, bias=True, weight_bit_width=bits))
    for _ in range(3):
        model(inputs)
    return model

torch.manual_seed(2)
inputs, labels = torch.rand(40, 1, 4, 4), torch.randint(0, 3, (40,))
small = made().eval()
training = made()
float_inside = nn.Sequential(qnn.QuantIdentity(), nn.Linear(16, 3)).eval()
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "my_model.py").write_text(FILE + "model = small\n")
    (tmp_path / "widths.py").write_text("bits = 3\n")
    return tmp_path / "my_model.py"


@needs_compiler
def test_the_command_reports_and_writes_three_files(file, tmp_path, capsys):
    assert main([str(file), "--into", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Running my_model.py …\nLowering the model")
    assert "not equal are 0 by multipliers and 0 by thresholds." in said
    assert said.endswith("The integers of every layer stand in my_model.npz, and as C in my_model.h.\n")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["my_model.h", "my_model.npz", "my_model.onnx"]
    network = load_npz(tmp_path / "out" / "my_model.npz")
    q = network.quantize_input(torch.rand(9, 1, 4, 4))
    assert torch.equal(run_compiled(tmp_path / "out" / "my_model.h", "qtutor_network", q, network(q)), network(q))


def test_another_name_names_the_files(file, tmp_path):
    assert main([f"{file}:small", "--into", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "small.npz").exists()


def test_a_file_with_dots_in_its_name_gives_them_to_its_files(file, tmp_path, capsys):
    file.rename(file.with_name("net.v1.py"))
    assert main([str(file.with_name("net.v1.py")), "--into", str(tmp_path / "out")]) == 0
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["net.v1.h", "net.v1.npz", "net.v1.onnx"]
    said = capsys.readouterr().out
    assert all(name in said for name in written)


def test_a_model_of_its_input_quantizer_alone_is_reported(file, tmp_path, capsys):
    file.write_text(FILE + "model = nn.Sequential(small[1]).eval()\nlabels = None\n")
    assert main([str(file), "--into", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "There is no ONNX file: the network has no layers after its input quantizer: there is nothing" in said
    assert said.endswith("my_model.npz. There is no C header: the network has no layers after its input quantizer.\n")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["my_model.npz"]


def test_a_file_where_the_folder_should_be_is_told(file, tmp_path, capsys):
    for into in (file, file / "deeper"):
        assert main([str(file), "--into", str(into)]) == 1
        assert capsys.readouterr().err == f"{into} is a file, or lies in one: give --into the name of a folder.\n"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (":training", "Sequential is in training mode, where statistics still move: call model.eval() first.\n"),
        (":float_inside", "layer 0 (QuantIdentity) has seen no data, so its scale is only a start"),
        (":inputs", "model is a Tensor: give a torch module made of Brevitas layers.\n"),
        (":absent", "my_model.py defines no absent: it needs absent, a Brevitas model, and inputs for it.\n"),
    ],
)
def test_what_cannot_be_lowered_is_one_sentence(file, name, sentence, tmp_path, capsys):
    assert main([f"{file}{name}", "--into", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(sentence)
    assert said.err.count("\n") == 1
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1\ny = x / 0\n", "my_model.py, line 2: ZeroDivisionError: division by zero. Mend the file first.\n"),
        ("x = 1\nx = = 2\n", "my_model.py, line 2: SyntaxError: invalid syntax"),
        ("import nowhere_at_all\n", "my_model.py, line 1: ModuleNotFoundError: No module named 'nowhere_at_all'."),
        ("model = 1\n", "my_model.py defines no inputs: it needs model, a Brevitas model, and inputs for it.\n"),
    ],
)
def test_a_file_that_fails_is_told_with_its_line(file, text, sentence, capsys):
    file.write_text(text)
    assert main([str(file)]) == 1
    assert capsys.readouterr().err.startswith(sentence)


def test_a_missing_file_is_told_by_the_module_run_as_a_command():
    command = [sys.executable, "-m", "qtutor.network.report", "nowhere.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "there is no file nowhere.py: give a Python file that defines model and inputs.\n"


def test_a_pipe_that_holds_no_minus_sign_gets_one_all_the_same(file, tmp_path):
    command = [sys.executable, "-m", "qtutor.network.report", str(file), "--into", str(tmp_path / "out")]
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "8 signed bits, −128 … 127" in done.stdout.decode("utf-8")
