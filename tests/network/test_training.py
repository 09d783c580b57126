"""Training is the same for the same seed, may be stopped, and beats quantizing afterwards where bits are few."""

import copy

import pytest
import torch

from qtutor import choose_qparams, quantize
from qtutor.network import (
    DigitsCNN,
    DigitsMLP,
    FloatMLP,
    accuracy,
    load_checkpoint,
    load_digits,
    measure_norms,
    quantize_trained,
    train,
)
from qtutor.network.training import load_pixels


def fresh(make=lambda: DigitsMLP(2, 2)):
    """A model with the same start each time."""
    torch.manual_seed(3)
    return make()


def test_the_same_seed_gives_the_same_model_and_another_gives_another():
    models = [fresh() for _ in range(3)]
    losses = [train(model, epochs=2, seed=seed) for model, seed in zip(models, (1, 1, 2), strict=True)]
    assert losses[0] == losses[1] != losses[2]
    assert torch.equal(models[0].fc1.weight, models[1].fc1.weight)
    assert not torch.equal(models[0].fc1.weight, models[2].fc1.weight)


def test_the_callers_random_numbers_go_on_undisturbed():
    model = fresh()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(model, epochs=1, watch=lambda losses, epochs: torch.rand(1))
    assert torch.equal(torch.rand(3), expected)


def test_a_watcher_sees_every_epoch():
    seen = []
    losses = train(fresh(), epochs=3, watch=lambda losses, epochs: seen.append((len(losses), epochs)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert losses[0] > losses[1] > losses[2]


def test_a_stopped_model_is_usable(capsys):
    def stop(losses, epochs):
        if len(losses) == 2:
            raise KeyboardInterrupt

    model = fresh()
    assert len(train(model, epochs=9, watch=stop)) == 2
    assert capsys.readouterr().out == "Stopped by you after epoch 2 of 9: the model is as good as it was then.\n"
    assert not model.training
    assert accuracy(model)[0] > 300


def test_training_never_sees_the_test_scans(monkeypatch):
    pixels, labels = load_pixels()
    spoilt = labels.clone()
    spoilt[1200:] = 0
    first, second = fresh(), fresh()
    losses = train(first, epochs=1)
    monkeypatch.setattr("qtutor.network.training.load_pixels", lambda: (pixels, spoilt))
    assert train(second, epochs=1) == losses


def test_accuracy_counts_what_an_argmax_names_rightly_and_leaves_the_mode():
    model = load_checkpoint("mlp_w4a4").train()  # the two largest scores are 0.02 apart: no last bit decides
    right, share = accuracy(model)
    assert model.training
    pixels, labels = load_pixels()
    with torch.no_grad():
        named = [scores.index(max(scores)) for scores in model.eval()(pixels[1200:]).value.tolist()]
    assert right == sum(a == b for a, b in zip(named, labels[1200:].tolist(), strict=True))
    assert share == right / 597


def test_pixels_are_the_scans_in_sixteenths():
    assert torch.equal(load_pixels()[0][:, 0] * 16, load_digits()[0].float())


def test_training_beats_quantizing_afterwards_at_two_bits():
    trained = load_checkpoint("mlp_float")
    afterwards = [accuracy(quantize_trained(DigitsMLP(bits, bits), trained))[0] for bits in (8, 4, 2)]
    assert afterwards[0] > 555 > afterwards[1] - 10 > 500
    assert afterwards[2] < 300 < 540 < accuracy(load_checkpoint("mlp_w2a2"))[0]


def test_quantizing_afterwards_takes_every_number_of_the_float_model():
    trained = load_checkpoint("mlp_float")
    model = quantize_trained(DigitsMLP(3, 3, per_channel=True), trained)
    for name, part in trained.state_dict().items():
        assert torch.equal(model.state_dict()[name], part)
    assert not model.training


@pytest.mark.parametrize(("make", "name"), [(DigitsMLP, "mlp_float"), (DigitsCNN, "cnn_float")])
@pytest.mark.parametrize("per_channel", [False, True])
def test_the_weights_scales_are_those_that_the_method_chooses(make, name, per_channel):
    trained = load_checkpoint(name)
    model = quantize_trained(make(3, 3, per_channel), trained, "mse")
    for layer, given in [(getattr(model, key), part.weight.detach()) for key, part in weighted(trained)]:
        axis = 0 if per_channel else None
        chosen = choose_qparams(given, 3, True, "mse", axis, symmetric=True, narrow_range=True)
        scales = layer.quant_weight().scale.flatten()
        assert torch.allclose(scales, torch.tensor(chosen.scale).reshape(-1), rtol=1e-6, atol=0)
        assert torch.equal(layer.quant_weight().int().long(), quantize(given, chosen).long())


def weighted(model):
    """The layers of a float model that have weights to be quantized, by name."""
    return [(key, part) for key, part in model.named_children() if isinstance(part, (torch.nn.Linear, torch.nn.Conv2d))]


def test_a_good_clipping_point_is_worth_more_than_scales_for_each_neuron_at_two_bits():
    trained = load_checkpoint("mlp_float")
    first, own, good = (
        accuracy(quantize_trained(DigitsMLP(2, 2, per_channel), trained, method))[0]
        for per_channel, method in ((False, "minmax"), (True, "minmax"), (False, "mse"))
    )
    assert first < 100 < own < 350 < 450 < good


def test_weights_of_one_bit_are_signs_whatever_the_method():
    trained = load_checkpoint("mlp_float")
    models = [quantize_trained(DigitsMLP((1, 2, 1), 2), trained, method) for method in ("minmax", "mse")]
    assert torch.equal(models[0].fc1.weight, models[1].fc1.weight)
    assert not torch.equal(models[0].fc2.weight, models[1].fc2.weight)


def test_the_norms_measured_again_are_the_mean_and_variance_of_their_inputs_and_nothing_else_moves():
    model = quantize_trained(DigitsMLP(2, 2), load_checkpoint("mlp_float"), "mse")
    before, momentum = {name: part.clone() for name, part in model.state_dict().items()}, model.norm1.momentum
    with torch.no_grad():
        sums = model.fc1(model.pixels(model.flatten(load_pixels()[0][:1200]))).value
    assert measure_norms(model) is model
    moved = [name for name, part in model.state_dict().items() if not torch.equal(part, before[name])]
    parts = ("running_mean", "running_var", "num_batches_tracked")
    assert set(moved) == {f"norm{place}.{part}" for place in (1, 2) for part in parts}
    assert torch.allclose(model.norm1.running_mean, sums.mean(0), atol=1e-5)
    assert torch.allclose(model.norm1.running_var, sums.var(0), rtol=1e-4)
    assert model.norm1.momentum == momentum
    assert not any(part.training for part in model.modules())


def test_measuring_the_norms_again_is_nearly_all_that_training_gains_at_two_bits():
    model = quantize_trained(DigitsMLP(2, 2), load_checkpoint("mlp_float"), "mse")
    stale, measured = accuracy(model)[0], accuracy(measure_norms(model))[0]
    assert stale + 50 < measured < accuracy(load_checkpoint("mlp_w2a2"))[0] + 10


def test_a_model_without_batch_normalization_is_refused():
    with pytest.raises(ValueError, match="no batch normalization to be measured: measure before it is folded"):
        measure_norms(torch.nn.Linear(64, 10))


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="method 'best' is no way to choose a scale here: use one of minmax"):
        quantize_trained(DigitsMLP(4, 4), FloatMLP(), "best")


def test_another_float_model_is_refused():
    with pytest.raises(ValueError, match=r"no fc1\.weight of shape \(64, 64\): give it the same layers"):
        quantize_trained(DigitsCNN(4, 4), FloatMLP())


def only(model, *names):
    """A float network of some of the model's layers."""
    part = torch.nn.Module()
    for name in names:
        part.add_module(name, getattr(model, name))
    return part


@pytest.mark.parametrize("trained", [torch.nn.Sequential(), only(FloatMLP(), "fc1")])
def test_a_float_network_that_lacks_a_layer_is_refused_and_nothing_is_changed(trained):
    model = DigitsMLP(4, 4)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=r"the trained network has no \S+ of shape \(64,.*\): give it the same layers"):
        quantize_trained(model, trained)
    assert all(torch.equal(part, before[name]) for name, part in model.state_dict().items())
    assert model.training


@pytest.mark.parametrize(
    ("model", "trained", "sentence"),
    [
        (FloatMLP, FloatMLP, "the model has no quantizers"),
        (FloatMLP, lambda: DigitsMLP(4, 4), "trained has quantizers"),
        (lambda: DigitsMLP(4, 4), lambda: load_checkpoint("mlp_w2a2"), "trained has quantizers"),
    ],
)
def test_two_networks_in_another_order_or_of_one_kind_are_refused(model, trained, sentence):
    with pytest.raises(ValueError, match=f"{sentence}: give the quantized model first, and the float one after it"):
        quantize_trained(model(), trained())


class Failing(DigitsMLP):
    """A model that fails when it runs."""

    def forward(self, x):
        raise RuntimeError("no way through")


def test_a_model_that_fails_when_it_runs_keeps_its_floats_and_its_momentum():
    model = Failing(4, 4)
    for ask in (lambda: quantize_trained(model, FloatMLP()), lambda: measure_norms(model)):
        with pytest.raises(RuntimeError, match="no way through"):
            ask()
        assert {part.dtype for part in model.parameters()} == {torch.float32}
        assert (model.norm1.momentum, model.training) == (0.1, False)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: train(None), "model is a NoneType: give a torch module, DigitsMLP"),
        (lambda: train(fresh(), None), "epochs None is a NoneType: pass a Python int"),
        (lambda: accuracy(None), "model is a NoneType"),
        (lambda: measure_norms(None), "model is a NoneType"),
        (lambda: quantize_trained(None, None), "model is a NoneType"),
        (lambda: quantize_trained(fresh(), None), "trained is a NoneType: give the float network"),
    ],
)
def test_other_arguments_are_told(ask, sentence):
    with pytest.raises(TypeError, match=sentence):
        ask()


def test_no_epoch_is_refused():
    with pytest.raises(ValueError, match="epochs 1.5 is no whole number: the nearest are 1 and 2"):
        train(fresh(), 1.5)
    with pytest.raises(ValueError, match="epochs is 0, and training sees every scan at least once"):
        train(fresh(), epochs=0)
