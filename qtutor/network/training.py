"""Training a network of the digits through its rounding, and the other way: quantizing a trained float network."""

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from qtutor.network.activations import TRAINING
from qtutor.network.checks import require_model
from qtutor.network.digits import load_digits
from qtutor.qparams import whole_number
from qtutor.quantization import choose_qparams

BATCH = 50
NETWORK = "a torch module, DigitsMLP(4, 4) for example"
Watch = Callable[[list[float], int], None]


def load_pixels() -> tuple[Tensor, Tensor]:
    """Return (pixels, labels): the 1,797 scans as a network takes them.

    returns   float32 [1797, 1, 8, 8], 0 … 1 in sixteenths; int64 [1797]. Models learn from the first 1,200
    raises    ImportError where scikit-learn is not installed

    >>> pixels, labels = load_pixels()
    >>> pixels.shape, float(pixels.max()), labels.shape
    (torch.Size([1797, 1, 8, 8]), 1.0, torch.Size([1797]))
    """
    scans, labels = load_digits()
    return scans[:, None].float() / 16, labels


def train(
    model: nn.Module, epochs: int = 30, seed: int = 0, learning_rate: float = 0.01, watch: Watch | None = None
) -> list[float]:
    """Train a model on the first 1,200 scans: AdamW on the cross-entropy, with some label smoothing.

    model           takes float [n, 1, 8, 8], gives 10 numbers for each scan: a tensor, or one of Brevitas's
    epochs          how often it sees every scan
    seed            decides the order of the scans: the same start and seed give the same model on one machine
    learning_rate   at the start; it falls to 0 along a half cosine
    watch           is called after every epoch with the losses so far and the number of epochs
                    (`qtutor.pictures.loss_curve()` draws them)
    returns         the mean loss of each epoch; the model is in evaluation mode. The stop button ends training after a
                    batch: the model is usable, and a sentence says how far it came
    raises          TypeError for what is no module, or no number of epochs; ValueError for less than 1 epoch, or a fraction
    source          Loshchilov, Hutter: Decoupled weight decay regularization, ICLR 2019; labels are smoothed by 0.1

    >>> from qtutor.network.models import DigitsMLP
    >>> len(train(DigitsMLP(4, 4), epochs=2))
    2
    """
    require_model(model, kind=NETWORK)
    epochs = whole_number(epochs, "epochs")
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}, and training sees every scan at least once: use 30, for example.")
    losses: list[float] = []
    try:
        with torch.random.fork_rng(devices=[]):  # the caller's random numbers go on as if nothing had happened
            torch.manual_seed(seed)
            for loss in epoch_losses(model.train(), epochs, seed, learning_rate):
                losses.append(loss)
                if watch:
                    watch(losses, epochs)
    except KeyboardInterrupt:
        print(f"Stopped by you after epoch {len(losses)} of {epochs}: the model is as good as it was then.")
    finally:
        model.eval()
    return losses


def epoch_losses(model: nn.Module, epochs: int, seed: int, learning_rate: float) -> Iterator[float]:
    """Train, and yield the mean loss of each epoch."""
    pixels, labels = (part[:TRAINING] for part in load_pixels())
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        batches = torch.randperm(TRAINING, generator=generator).split(BATCH)  # type: ignore[no-untyped-call]
        yield sum(step(model, optimizer, pixels[batch], labels[batch]) for batch in batches) / len(batches)
        schedule.step()


def step(model: nn.Module, optimizer: torch.optim.Optimizer, pixels: Tensor, labels: Tensor) -> float:
    """Take one step, and return the loss before it."""
    loss = nn.functional.cross_entropy(reals(model(pixels)), labels, label_smoothing=0.1)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach())


def reals(output: Tensor) -> Tensor:
    """Return the real numbers of a tensor, or of one of Brevitas's."""
    return getattr(output, "value", output)


def accuracy(model: nn.Module) -> tuple[int, float]:
    """Return (right, share): how many of the 597 scans that training did not see the model names rightly.

    model     as `train` takes it; a copy is asked, in evaluation mode and with float64, in which a sum's last bit does not
              turn a rounding: every machine counts the same
    raises    TypeError for what is no module; what the model raises

    >>> from qtutor.network.checkpoints import load_checkpoint
    >>> right, share = accuracy(load_checkpoint("mlp_float"))
    >>> right > 560, share > 0.94
    (True, True)
    """
    pixels, labels = (part[TRAINING:] for part in load_pixels())
    exact = copy.deepcopy(require_model(model, kind=NETWORK)).double().eval()
    with torch.no_grad():
        named = reals(exact(pixels.double())).round(decimals=6).argmax(1)  # equal logits are equal again
    right = int((named == labels).sum())
    return right, right / len(labels)


def quantize_trained(model: nn.Module, trained: nn.Module, method: str = "minmax") -> nn.Module:
    """Give a quantized model the numbers of a trained float one, and let its scales settle: no training.

    model     a DigitsMLP or DigitsCNN; it is changed, and is in evaluation mode afterwards
    trained   the FloatMLP or FloatCNN with the same layers
    method    chooses the weights' scales, as in `choose_qparams`: minmax, percentile or mse. Weights beyond are clipped;
              those of 1 bit are signs, and stay as they are
    returns   model: post-training quantization. The activations' scales are found on the 1,200 training scans
    raises    TypeError for what is no module; ValueError where the layers have other names or shapes, or one is missing, for
              a model without quantizers, or for an unknown method

    >>> from qtutor.network.models import DigitsMLP, FloatMLP
    >>> trained = FloatMLP()
    >>> model = quantize_trained(DigitsMLP(8, 8), trained)
    >>> torch.equal(model.fc1.weight, trained.fc1.weight)
    True
    """
    require_model(model, kind=NETWORK)
    require_model(trained, "trained", "the float network")
    if _is_quantized(trained) or not _is_quantized(model):
        which = "trained has" if _is_quantized(trained) else "the model has no"
        raise ValueError(f"{which} quantizers: give the quantized model first, and the float one after it.")
    _require_same_layers(model.state_dict(), trained.state_dict())
    model.load_state_dict(trained.state_dict(), strict=False)  # it leaves the scales of the activations as they are
    if method != "minmax":  # which clips nothing
        clip_weights(model, method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the module names a package that it would like, and that nothing here needs
        from brevitas.graph.calibrate import calibration_mode
    try:
        with torch.no_grad(), calibration_mode(model.double().eval()):  # float64: the same scales on every machine
            for batch in load_pixels()[0][:TRAINING].double().split(BATCH):  # type: ignore[no-untyped-call]
                model(batch)
    finally:
        model.float()
    return model


def _is_quantized(model: nn.Module) -> bool:
    return any(hasattr(layer, "quant_weight") for layer in model.modules())


def _require_same_layers(own: dict[str, Tensor], given: dict[str, Tensor]) -> None:
    """Raise where a float network does not have every number that a quantized one needs, or has others."""
    for name, tensor in given.items():
        if name not in own or own[name].shape != tensor.shape:
            raise ValueError(
                f"the quantized model has no {name} of shape {tuple(tensor.shape)}: give it the same layers."
            )
    for name, tensor in own.items():
        if name not in given and "_quant." not in name:  # a quantizer's own numbers are found, not given
            raise ValueError(
                f"the trained network has no {name} of shape {tuple(tensor.shape)}: give it the same layers."
            )


def measure_norms(model: nn.Module) -> nn.Module:
    """Give every batch normalization of a quantized model the mean and spread that its inputs have now: no labels.

    model     a DigitsMLP or DigitsCNN; it is changed, and is in evaluation mode afterwards
    returns   model: means and variances are those of the 1,200 training scans, all at once, in place of those of the float
              network. Nothing else moves
    raises    TypeError for what is no module; ValueError where there is no batch normalization

    >>> from qtutor.network.checkpoints import load_checkpoint
    >>> from qtutor.network.models import DigitsMLP
    >>> model = quantize_trained(DigitsMLP(2, 2), load_checkpoint("mlp_float"), "mse")
    >>> accuracy(model)[0] < 510, accuracy(measure_norms(model))[0] > 540
    (True, True)
    """
    norms = [part for part in require_model(model).modules() if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)]
    if not norms:
        raise ValueError("the model has no batch normalization to be measured: measure before it is folded.")
    kept = [norm.momentum for norm in norms]
    model.double().eval()  # float64: the same on every machine
    for norm in norms:
        norm.reset_running_stats()
        norm.train().momentum = None  # the plain average of what it sees
    try:
        with torch.no_grad():
            model(load_pixels()[0][:TRAINING].double())
    finally:
        for norm, momentum in zip(norms, kept, strict=True):
            norm.momentum = momentum
        model.float().eval()
    return model


def clip_weights(model: nn.Module, method: str) -> None:
    """Clip the weights of each layer where `choose_qparams` would: their largest, from which the scale is made, is then there."""
    layer: Any  # one of Brevitas's, where it has quantized weights
    for layer in model.modules():
        if hasattr(layer, "quant_weight") and layer.weight_quant.bit_width() > 1:
            weight, bits = layer.weight.data, int(layer.weight_quant.bit_width())
            axis = 0 if layer.quant_weight().scale.numel() > 1 else None
            chosen = choose_qparams(weight, bits, True, method, axis, symmetric=True, narrow_range=True)
            ends = torch.tensor(chosen.scale).reshape(-1, *[1] * (weight.dim() - 1)) * chosen.int_max
            layer.weight.data = weight.clamp(-ends, ends)
