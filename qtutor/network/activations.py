"""A small trained network of handwritten digits, and what travels between its two layers.

digits_weights.txt holds the trained numbers as integers, in units of 1 / 64: one line for each neuron, its bias and then
its weights. It was made once by `python -m qtutor.network.digits_weights`; training again gives another, equally good
network on another computer, so the file is what the chapters use. From it every number below is exact: float64 holds
each sum of products of such short numbers, so every machine gets the same activations and the same answers.
"""

from pathlib import Path

import torch
from torch import Tensor

from qtutor.network.digits import load_digits

FILE = Path(__file__).with_name("digits_weights.txt")
STEPS = 64  # the weights are whole multiples of 1 / 64, so the activations are of 1 / 1024
HIDDEN, TRAINING = 32, 1200  # neurons between the layers; scans learned from, the other 597 are for testing

Layer = tuple[Tensor, Tensor]


def trained_layers() -> tuple[Layer, Layer]:
    """Return ((weight, bias), (weight, bias)) of the network 64 pixels → 32 neurons, ReLU → 10 digits.

    returns   float32 weights [32, 64] and [10, 32], a row for each neuron, biases [32] and [10]; all are whole multiples
              of 1 / 64. Pixels are 0 … 1 in sixteenths
    raises    nothing
    source    trained on the first 1,200 scans of `load_digits`, batch normalization folded into the first layer

    >>> (weight, bias), _ = trained_layers()
    >>> weight.shape, bias.shape
    (torch.Size([32, 64]), torch.Size([32]))
    """
    lines = [[int(word) for word in line.split()] for line in FILE.read_text("ascii").splitlines()]
    first, second = torch.tensor(lines[:HIDDEN]) / STEPS, torch.tensor(lines[HIDDEN:]) / STEPS
    return (first[:, 1:], first[:, 0]), (second[:, 1:], second[:, 0])


def hidden_activations(weight: Tensor | None = None) -> Tensor:
    """Return what the first layer gives for all 1,797 scans, after its ReLU.

    weight    float tensor [32, 64] in place of the trained one, for example a quantized one; None for the trained
    returns   float32 [1797, 32], 0 and more
    raises    ValueError for another shape

    >>> hidden_activations().shape, float(hidden_activations().min())
    (torch.Size([1797, 32]), 0.0)
    """
    (trained, bias), _ = trained_layers()
    weight = trained if weight is None else weight
    if weight.shape != trained.shape:
        raise ValueError(
            f"weight has shape {tuple(weight.shape)} and this layer {tuple(trained.shape)}: keep the shape."
        )
    pixels = load_digits()[0].reshape(-1, 64).double() / 16
    return (pixels @ weight.double().T + bias.double()).relu().float()


def right_answers(activations: Tensor) -> int:
    """Return how many of the 597 test scans the second layer names rightly from what it is given.

    activations   float tensor [1797, 32], as `hidden_activations` returns it, changed as you like
    raises        ValueError for another shape

    >>> right_answers(hidden_activations()), right_answers(torch.zeros(1797, 32))
    (557, 55)
    """
    _, (weight, bias) = trained_layers()
    labels = load_digits()[1]
    if activations.shape != (len(labels), HIDDEN):
        raise ValueError(
            f"activations has shape {tuple(activations.shape)}: give {HIDDEN} for each of the {len(labels)} scans."
        )
    named = (activations.double() @ weight.double().T + bias.double()).argmax(1)
    return int((named == labels)[TRAINING:].sum())
