"""Another argument than the one that is asked for gives a sentence with the way out, and no error from deep inside."""

import pytest
import torch
from brevitas import nn as qnn
from torch import nn

from qtutor.network import compare, compare_onnx, export_integers, load_checkpoint, lower, save_c_header, save_npz
from qtutor.network.budget import budget
from qtutor.network.checks import require_evaluation

PIXELS = torch.zeros(2, 64)


@pytest.mark.parametrize("other", [None, "mlp_w4a4", nn.Flatten()])
@pytest.mark.parametrize(
    "ask",
    [
        lambda network: compare(load_checkpoint("mlp_w4a4"), network, PIXELS),
        lambda network: compare_onnx(network, "q.onnx", PIXELS),
        lambda network: export_integers(network, PIXELS, "q.onnx"),
        lambda network: save_npz(network, "q.npz"),
        lambda network: save_c_header(network, "q.h", PIXELS),
        lambda network: budget(network, PIXELS),
    ],
)
def test_what_is_no_integer_network_is_told(ask, other):
    kind = type(other).__name__
    with pytest.raises(TypeError, match=rf"the network is a {kind}: give an IntegerNetwork, lower\(model\) makes one"):
        ask(other)


@pytest.mark.parametrize(("q", "error"), [(None, TypeError), (PIXELS[:0], ValueError), (PIXELS[0], ValueError)])
def test_what_is_no_batch_of_integers_is_told(q, error, tmp_path):
    network = lower(load_checkpoint("mlp_w2a2"))
    for ask in (
        lambda: export_integers(network, q, tmp_path / "q.onnx"),
        lambda: save_c_header(network, tmp_path / "q.h", q),
        lambda: budget(network, q),
    ):
        with pytest.raises(error, match="q (is a NoneType|has shape .*): give integers of one input at least"):
            ask()
    assert list(tmp_path.iterdir()) == []


def test_a_part_of_brevitas_without_numbers_may_be_another_models_that_still_trains():
    model = nn.Sequential(qnn.QuantIdentity(bit_width=8)).eval()
    other = nn.Sequential(qnn.QuantIdentity(bit_width=8)).train()
    shared = [part for part in model.modules() if any(part is another for another in other.modules())]
    assert [part.training for part in shared] == [True]
    assert require_evaluation(model) is model


@pytest.mark.parametrize("layer", [nn.Dropout(), nn.BatchNorm1d(3), qnn.QuantIdentity(bit_width=8)])
def test_a_layer_that_trains_is_refused(layer):
    with pytest.raises(
        ValueError, match=r"layer 0 \(\w+\) is in training mode, where statistics still move: call model.eval"
    ):
        require_evaluation(nn.Sequential(layer).eval().append(layer.train()))
