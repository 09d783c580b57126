"""The trained network is the same on every machine: its sums are exact, and its file is what the maker writes."""

from fractions import Fraction

import pytest
import torch

from qtutor.network import hidden_activations, load_digits, right_answers, trained_layers
from qtutor.network.activations import FILE, HIDDEN, STEPS, TRAINING
from qtutor.network.digits_weights import train


def integers():
    """The file as plain Python numbers: (bias, weights) of each neuron, in units of 1 / 64."""
    rows = [[int(word) for word in line.split()] for line in FILE.read_text("ascii").splitlines()]
    return [(row[0], row[1:]) for row in rows[:HIDDEN]], [(row[0], row[1:]) for row in rows[HIDDEN:]]


@pytest.mark.parametrize("scan", [0, 1, 700, 1796])
def test_every_activation_of_a_scan_is_what_integers_give(scan):
    pixels = load_digits()[0][scan].reshape(-1).tolist()
    first, _ = integers()
    sums = [16 * bias + sum(w * p for w, p in zip(weights, pixels, strict=True)) for bias, weights in first]
    exact = [Fraction(max(total, 0), 16 * STEPS) for total in sums]
    assert [Fraction(a) for a in hidden_activations()[scan].tolist()] == exact


def test_the_answers_are_those_of_integers():
    _, second = integers()
    labels, right = load_digits()[1].tolist(), 0
    for row, label in list(zip(hidden_activations().tolist(), labels, strict=True))[TRAINING:]:
        units = [int(a * 16 * STEPS) for a in row]
        scores = [16 * STEPS * bias + sum(w * u for w, u in zip(ws, units, strict=True)) for bias, ws in second]
        right += scores.index(max(scores)) == label
    assert right == right_answers(hidden_activations()) == 557


def test_other_weights_take_the_place_of_the_trained_ones():
    (weight, bias), _ = trained_layers()
    assert torch.equal(hidden_activations(weight), hidden_activations())
    assert torch.equal(hidden_activations(torch.zeros(32, 64)), bias.relu().expand(1797, 32))


def test_the_maker_trains_a_network_as_good_as_the_stored_one():
    first, second = train()
    assert (first.shape, second.shape) == ((32, 65), (10, 33))
    scans, labels = load_digits()
    hidden = (scans.reshape(-1, 64).float() / 16 @ first[:, 1:].T + first[:, 0]).relu()
    named = (hidden @ second[:, 1:].T + second[:, 0]).argmax(1)
    assert (named == labels)[TRAINING:].sum() > 540


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: hidden_activations(torch.zeros(64, 32)), r"weight has shape \(64, 32\) and this layer \(32, 64\)"),
        (
            lambda: right_answers(torch.zeros(597, 32)),
            r"activations has shape \(597, 32\): give 32 for each of the 1797",
        ),
    ],
)
def test_another_shape_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
