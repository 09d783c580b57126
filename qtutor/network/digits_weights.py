"""How the network of activations.py was trained: `python -m qtutor.network.digits_weights` writes digits_weights.txt anew."""

import torch
from torch import Tensor

from qtutor.network.activations import FILE, HIDDEN, STEPS, TRAINING, hidden_activations, right_answers
from qtutor.network.digits import load_digits


def train(epochs: int = 200) -> list[Tensor]:
    """Return both layers after training, each as [neurons, 1 + inputs]: bias, then weights. About two seconds.

    >>> [tuple(layer.shape) for layer in train(epochs=1)]
    [(32, 65), (10, 33)]
    """
    scans, labels = load_digits()
    pixels, wanted = scans[:TRAINING].reshape(-1, 64).float() / 16, labels[:TRAINING]
    generator = torch.Generator().manual_seed(6)
    first, second = (start(n, inputs, generator) for n, inputs in ((HIDDEN, 64), (10, HIDDEN)))
    gain = torch.ones(HIDDEN, requires_grad=True)
    optimizer = torch.optim.Adam([first, second, gain], lr=0.01)
    for _ in range(epochs):
        hidden = forward(folded(first, gain, pixels), pixels).relu()
        loss = torch.nn.functional.cross_entropy(forward(second, hidden), wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return [folded(first, gain, pixels).detach(), second.detach()]


def start(neurons: int, inputs: int, generator: torch.Generator) -> Tensor:
    """Return a layer as it is before training: biases 0, weights uniform up to 1 / √inputs."""
    weight = (torch.rand(neurons, inputs, generator=generator) * 2 - 1) / inputs**0.5
    return torch.cat([torch.zeros(neurons, 1), weight], 1).requires_grad_()


def forward(layer: Tensor, x: Tensor) -> Tensor:
    """Return weight · x + bias for each row of x."""
    return x @ layer[:, 1:].T + layer[:, 0]


def folded(layer: Tensor, gain: Tensor, pixels: Tensor) -> Tensor:
    """Return the layer with batch normalization in it: each neuron's sums get spread `gain`, and its bias on top."""
    sums = pixels @ layer[:, 1:].T
    factor = gain / (sums.var(0, unbiased=False) + 1e-5).sqrt()
    return torch.cat([(layer[:, 0] - sums.mean(0) * factor)[:, None], layer[:, 1:] * factor[:, None]], 1)


def main() -> None:
    """Train, and write the file."""
    torch.set_num_threads(1)
    lines = [" ".join(map(str, row)) for layer in train() for row in (layer * STEPS).round().int().tolist()]
    FILE.write_text("\n".join(lines) + "\n", "ascii")
    print(f"{len(lines)} neurons in {FILE.name}: {right_answers(hidden_activations())} right answers.")


if __name__ == "__main__":
    main()
