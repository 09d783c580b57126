"""Each stored model is as good as its table says, is made again as good, and another file is refused in a sentence."""

import numpy
import pytest
import torch

from qtutor.network import accuracy, checkpoints, load_checkpoint
from qtutor.network.checkpoints import CHECKPOINTS, FOLDER, make, store

ANOTHER_MACHINE = 2  # answers: float32 sums in another order may turn a near tie, and with it a scan or two
MADE_AGAIN = 15  # answers: another machine's training takes another way, and ends about as well


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_stored_model_names_as_many_scans_as_the_table_says(name):
    assert abs(accuracy(load_checkpoint(name))[0] - CHECKPOINTS[name].right) <= ANOTHER_MACHINE


@pytest.mark.parametrize("name", ["mlp_float", "mlp_w2a2"])
def test_the_command_makes_a_model_about_as_good(name):
    assert abs(accuracy(make(name))[0] - CHECKPOINTS[name].right) <= MADE_AGAIN


def test_every_file_has_its_recipe_and_all_are_small():
    files = list(FOLDER.glob("*"))
    assert {path.name for path in files} == {f"{name}.npz" for name in CHECKPOINTS}
    assert sum(path.stat().st_size for path in files) < 1_000_000


def test_a_stored_model_comes_back_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path)
    model = make_small()
    store("mlp_w1a1", model)
    again = load_checkpoint("mlp_w1a1")
    x = torch.rand(9, 1, 8, 8)
    for name, part in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], part.half().float() if part.ndim > 1 else part)
    assert not again.training
    assert torch.equal(again(x).value, again(x).value)


def make_small():
    """A model of 1 bit that was trained for three epochs."""
    from qtutor.network import DigitsMLP, train

    model = DigitsMLP(1, 1)
    train(model, epochs=3)
    return model


def test_loading_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_checkpoint("mlp_w1a1")
    assert torch.equal(torch.rand(3), expected)


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(TypeError, match="the name is a list: give that of a checkpoint, 'mlp_w4a4' for example"):
        load_checkpoint(["mlp_w4a4"])


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="no checkpoint is called 'mlp_w5a5': there are mlp_float, mlp_w8a8"):
        load_checkpoint("mlp_w5a5")


@pytest.mark.parametrize(("arrays", "version"), [({"format": numpy.int64(2)}, 2), ({"weight": numpy.zeros(3)}, 0)])
def test_a_file_of_another_format_is_refused(tmp_path, monkeypatch, arrays, version):
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path)
    numpy.savez(tmp_path / "mlp_w4a4.npz", **arrays)
    with pytest.raises(ValueError, match=f"mlp_w4a4 has format {version} and this program reads 1: make it anew with"):
        load_checkpoint("mlp_w4a4")


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04cut off"])
def test_a_missing_or_damaged_file_is_told(tmp_path, monkeypatch, content):
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path)
    if content is not None:
        (tmp_path / "mlp_w4a4.npz").write_bytes(content)
    with pytest.raises(ValueError, match="mlp_w4a4 is missing or damaged: make it with `python -m"):
        load_checkpoint("mlp_w4a4")
