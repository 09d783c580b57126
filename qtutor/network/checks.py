"""What the functions of this layer ask of their arguments, and the sentence that they raise where something else is given."""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from qtutor.network.integer_network import IntegerNetwork
from qtutor.network.tracing import spelled


def require_network(network: Any) -> IntegerNetwork:
    """Return an integer network; raise TypeError with the way out where it is something else.

    >>> require_network("mlp_w4a4")
    Traceback (most recent call last):
    TypeError: the network is a str: give an IntegerNetwork, lower(model) makes one of a Brevitas model.
    """
    if not isinstance(network, IntegerNetwork):
        kind = type(network).__name__
        raise TypeError(f"the network is a {kind}: give an IntegerNetwork, lower(model) makes one of a Brevitas model.")
    return network


def require_model(model: Any, name: str = "model", kind: str = "a torch module made of Brevitas layers") -> nn.Module:
    """Return a torch module; raise TypeError where it is something else.

    >>> require_model(nn.Flatten())
    Flatten(start_dim=1, end_dim=-1)
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"{name} is a {type(model).__name__}: give {kind}.")
    return model


def require_evaluation(model: Any) -> nn.Module:
    """Return a torch module in eval mode; raise TypeError where it is none, ValueError where a layer still trains.

    >>> require_evaluation(nn.Flatten().eval())
    Flatten(start_dim=1, end_dim=-1)
    """
    for name, module in require_model(model).named_modules():
        if module.training and not _is_shared(module):
            said = f"{name or type(model).__name__} is in training mode, where statistics still move: call model.eval() first."
            raise ValueError(spelled(said, name, module))
    return model  # type: ignore[no-any-return]


def _is_shared(module: nn.Module) -> bool:
    """Whether it is a part of Brevitas without numbers: several models hold the same one, whichever of them trains."""
    return type(module).__module__.startswith("brevitas.core") and not module.state_dict()


def require_batch(q: Any) -> Tensor:
    """Return a batch of inputs; raise where it is no tensor, or holds no input.

    >>> import torch
    >>> require_batch(torch.zeros(0, 64))
    Traceback (most recent call last):
    ValueError: q has shape [0, 64]: give integers of one input at least, [N, ...], as net.quantize_input makes them.
    """
    way_out = "give integers of one input at least, [N, ...], as net.quantize_input makes them."
    if not isinstance(q, Tensor):
        raise TypeError(f"q is a {type(q).__name__}: {way_out}")
    if q.dim() < 2 or not len(q):
        raise ValueError(f"q has shape {list(q.shape)}: {way_out}")
    return q


def require_folder(path: str | Path) -> Path:
    """Return the path of a file to be written; raise ValueError where its folder does not exist.

    >>> require_folder("digits.npz").name
    'digits.npz'
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise ValueError(f"{target.parent} is no folder, so {target.name} cannot be written there: make it first.")
    return target
