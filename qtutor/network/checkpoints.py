"""Trained models, stored: `python -m qtutor.network.checkpoints [name ...]` trains them anew, about 5 seconds each.

Each is one file in stored/: the numbers of the model's state_dict, weights as float16 and all else as it is. Training again
gives another, about equally good model on another computer, so the files are what the chapters and the tests use.
"""

import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from torch import nn

from qtutor.network.models import DigitsCNN, DigitsMLP, FloatCNN, FloatMLP
from qtutor.network.training import accuracy, train

FOLDER = Path(__file__).with_name("stored")
FORMAT = 1  # of the files: raise it when the models' layers change


@dataclass(frozen=True)
class Recipe:
    """How a stored model came to be, and how many of the 597 test scans it named rightly when it was stored."""

    model: Callable[[], nn.Module]
    epochs: int
    right: int
    seed: int = 0


CHECKPOINTS = {
    "mlp_float": Recipe(FloatMLP, 30, 567),
    "mlp_w8a8": Recipe(lambda: DigitsMLP(8, 8), 30, 567),
    "mlp_w4a4": Recipe(lambda: DigitsMLP(4, 4), 30, 569),
    "mlp_w3a3": Recipe(lambda: DigitsMLP(3, 3), 30, 567),
    "mlp_w2a2": Recipe(lambda: DigitsMLP(2, 2), 30, 562),
    "mlp_w1a1": Recipe(lambda: DigitsMLP(1, 1), 30, 529),
    "mlp_w8a8_channel": Recipe(lambda: DigitsMLP(8, 8, per_channel=True), 30, 563),
    "mlp_w4a4_channel": Recipe(lambda: DigitsMLP(4, 4, per_channel=True), 30, 565),
    "mlp_w3a3_channel": Recipe(lambda: DigitsMLP(3, 3, per_channel=True), 30, 567),
    "mlp_w2a2_channel": Recipe(lambda: DigitsMLP(2, 2, per_channel=True), 30, 559),
    "mlp_w1a1_channel": Recipe(lambda: DigitsMLP(1, 1, per_channel=True), 30, 548),
    "mlp_w8a8_power_of_two": Recipe(lambda: DigitsMLP(8, 8, power_of_two=True), 30, 572),
    "mlp_mixed": Recipe(lambda: DigitsMLP((8, 2, 8), (4, 4)), 30, 566),
    "cnn_float": Recipe(FloatCNN, 15, 580),
    "cnn_w8a8": Recipe(lambda: DigitsCNN(8, 8), 15, 584),
    "cnn_w8a8_power_of_two": Recipe(lambda: DigitsCNN(8, 8, power_of_two=True), 15, 585),
    "cnn_w4a4": Recipe(lambda: DigitsCNN(4, 4, per_channel=True), 15, 582),
    "cnn_w2a2": Recipe(lambda: DigitsCNN(2, 2, per_channel=True), 15, 578),
    "cnn_w1a1": Recipe(lambda: DigitsCNN(1, 1), 15, 507),
}


def load_checkpoint(name: str) -> nn.Module:
    """Return a stored model, trained, in evaluation mode.

    name      a key of `CHECKPOINTS`: mlp_float, mlp_w4a4 (4-bit weights and activations), cnn_w2a2, …
    raises    TypeError for what is no text; ValueError for a name that is none, or a file of another format

    >>> load_checkpoint("mlp_w4a4").fc1.weight_quant.bit_width()
    tensor(4.)
    """
    recipe = find(name)
    with zipped(FOLDER / f"{name}.npz") as arrays:
        version = int(arrays["format"]) if "format" in arrays else 0
        if version != FORMAT:
            raise ValueError(
                f"checkpoint {name} has format {version} and this program reads {FORMAT}:"
                f" make it anew with `python -m qtutor.network.checkpoints {name}`."
            )
        state = {key: torch.from_numpy(arrays[key]) for key in arrays if key != "format"}
    with torch.random.fork_rng(devices=[]):  # a new model draws random weights: the caller's numbers are left alone
        model = recipe.model()
    model.load_state_dict({key: part.float() if part.dtype == torch.float16 else part for key, part in state.items()})
    return model.eval()


def find(name: str) -> Recipe:
    """Return the recipe of a stored model."""
    if not isinstance(name, str):
        raise TypeError(f"the name is a {type(name).__name__}: give that of a checkpoint, 'mlp_w4a4' for example.")
    if name not in CHECKPOINTS:
        raise ValueError(f"no checkpoint is called {name!r}: there are {', '.join(CHECKPOINTS)}.")
    return CHECKPOINTS[name]


def zipped(path: Path) -> "numpy.lib.npyio.NpzFile":
    """Return the arrays of a file."""
    try:
        return numpy.load(path, allow_pickle=False)  # type: ignore[no-any-return]
    except (OSError, EOFError, ValueError, zipfile.BadZipFile):
        again = f"make it with `python -m qtutor.network.checkpoints {path.stem}`."
        raise ValueError(f"checkpoint {path.stem} is missing or damaged: {again}") from None


def make(name: str) -> nn.Module:
    """Train the model of a checkpoint from the start, and return it.

    raises   ValueError for a name that is none
    """
    recipe = find(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = recipe.model()
    train(model, recipe.epochs, recipe.seed)
    return model


def store(name: str, model: nn.Module) -> None:
    """Write a model to its file."""
    arrays = {key: part.detach().numpy() for key, part in model.state_dict().items()}
    short = {key: part.astype(numpy.float16) if part.ndim > 1 else part for key, part in arrays.items()}
    FOLDER.mkdir(exist_ok=True)
    numpy.savez_compressed(FOLDER / f"{name}.npz", format=numpy.int64(FORMAT), **short)


def main(names: list[str]) -> None:
    """Train and store the models of these names; all where none is given."""
    torch.set_num_threads(1)
    for name in names or list(CHECKPOINTS):
        store(name, make(name))
        right, share = accuracy(load_checkpoint(name))
        print(f"{name}: {right} of 597 right, {share:.3f}; the table says {CHECKPOINTS[name].right}.", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
