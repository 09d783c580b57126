"""An integer-only network in one .npz file: its integers as arrays, what they mean as JSON text."""

import json
import zipfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args

import numpy
import torch
from torch import Tensor

from qtutor.network.checks import require_folder, require_network
from qtutor.network.integer_layers import IntegerLayer
from qtutor.network.integer_network import InputStage, IntegerNetwork, Meaning, Step

FORMAT = 1  # of the files: raise it when the layers' fields change
KINDS: dict[str, Any] = {kind.__name__: kind for kind in get_args(IntegerLayer)}


def save_npz(network: IntegerNetwork, path: str | Path) -> None:
    """Write a network to one file: numpy.load reads the integers of every layer, `load_npz` the network.

    network  what `lower` returned
    path     the file; what was there is replaced
    raises   TypeError for what is no network; ValueError for a folder that is not there; OSError where it cannot be written
    source   arrays are called by layer and field: fc1.weight, relu1.mantissa; all else, scales too, is the JSON text of
             the array `network`

    >>> import tempfile
    >>> from qtutor.network.checkpoints import load_checkpoint
    >>> from qtutor.network.lowering import lower
    >>> path = Path(tempfile.mkdtemp()) / "digits.npz"
    >>> save_npz(lower(load_checkpoint("mlp_w4a4")), path)
    >>> with numpy.load(path) as arrays:
    ...     print(arrays["fc1.weight"].dtype, arrays["fc1.weight"].shape, arrays["relu1.mantissa"].shape)
    int8 (64, 64) (64,)
    """
    target, arrays = require_folder(path), dict[str, Any]()
    text = {
        "format": FORMAT,
        "input": asdict(require_network(network).input),
        "steps": [_described(step, arrays) for step in network.steps],
        "meanings": [asdict(meaning) for meaning in network.meanings],
        "places": network.places,
    }
    with open(target, "wb") as file:  # savez alone would add .npz to another name
        numpy.savez_compressed(file, network=numpy.array(json.dumps(text)), **arrays)


def _described(step: Step, arrays: dict[str, Any]) -> dict[str, Any]:
    """Return a step as JSON has it; its tensors go to arrays, and their names stand where they were."""
    layer = step.layer
    found: dict[str, Any] = {"kind": type(layer).__name__, "inputs": step.inputs}
    for field in fields(layer):
        value = getattr(layer, field.name)
        if isinstance(value, Tensor):
            key = f"{layer.name}.{field.name}"
            arrays[key], value = value.numpy(), {"array": key}
        elif isinstance(value, torch.dtype):
            value = {"dtype": str(value).removeprefix("torch.")}
        found[field.name] = value
    return found


def load_npz(path: str | Path) -> IntegerNetwork:
    """Return the network that `save_npz` wrote to a file: equal to the saved one in every integer and every meaning.

    path     the file
    returns  an IntegerNetwork; neither the model nor Brevitas is needed
    raises   ValueError for a file that is missing, damaged, of another kind or of another format
    """
    arrays, text = _read(Path(path))
    version = text.get("format")
    if version != FORMAT:
        raise ValueError(f"{path} has format {version} and this program reads {FORMAT}: write it anew with save_npz.")
    try:
        return _network(text, arrays)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({error} is wrong or missing): write it anew with save_npz.") from None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (arrays, JSON text) of a file."""
    try:
        with numpy.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        text = json.loads(str(arrays["network"]))
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}: save_npz(network, path) writes it.") from None
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        text = None
    if not isinstance(text, dict):
        raise ValueError(f"{path} holds no integer network, or is damaged: save_npz(network, path) writes one.")
    return arrays, text


def _network(text: dict[str, Any], arrays: dict[str, Any]) -> IntegerNetwork:
    given = text["input"]
    stage = InputStage(given["name"], _tuples(given["before"]), _meaning(given["meaning"]), given["rounding"])
    steps = tuple(Step(_layer(step, arrays), tuple(step["inputs"])) for step in text["steps"])
    return IntegerNetwork(stage, steps, tuple(_meaning(m) for m in text["meanings"]), _tuples(text["places"]))


def _meaning(given: dict[str, Any]) -> Meaning:
    return Meaning(**{name: _tuples(value) for name, value in given.items()})


def _layer(given: dict[str, Any], arrays: dict[str, Any]) -> IntegerLayer:
    kind = KINDS[given["kind"]]
    layer: IntegerLayer = kind(**{field.name: _value(given[field.name], arrays) for field in fields(kind)})
    return layer


def _value(given: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(given, dict):
        return torch.from_numpy(arrays[given["array"]]) if "array" in given else getattr(torch, given["dtype"])
    return _tuples(given)


def _tuples(given: Any) -> Any:
    """Return lists as tuples, all the way down: JSON has none.

    >>> _tuples([["mul", 2.0]])
    (('mul', 2.0),)
    """
    return tuple(_tuples(part) for part in given) if isinstance(given, list) else given
