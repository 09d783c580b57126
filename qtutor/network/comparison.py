"""Our integers beside Brevitas's own, place by place: `compare`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from brevitas import nn as qnn
from brevitas.quant_tensor import IntQuantTensor
from torch import Tensor, nn

from qtutor.network.integer_layers import ROUTES, IntegerRequantize, along_channels
from qtutor.network.integer_network import IntegerNetwork
from qtutor.network.tracing import numbered
from qtutor.network.training import reals

LISTED = 1000  # differences of a place that are told one by one


@dataclass(frozen=True)
class Difference:
    """One integer that is not Brevitas's, of a layer that rounds.

    index        where it stands in the layer's output: input, channel, and in images row and column
    accumulator  what the layer was given there
    brevitas     Brevitas's integer; ours: by route
    distance     from the accumulator to where its rounding changes, in steps of the output, by exact arithmetic
    both_ways    whether Brevitas rounds this accumulator to another integer elsewhere in the same channel
    """

    index: tuple[int, ...]
    accumulator: int
    brevitas: int
    ours: dict[str, int]
    distance: float
    both_ways: bool


@dataclass(frozen=True)
class Place:
    """One layer's integers, compared.

    name        of the layer or quantizer in the model
    count       integers compared
    differing   by route: how many are not Brevitas's where the layer is given Brevitas's own integers
    travelled   by route: how many are not where the network runs on its own from its input
    both_ways   how many of `differing`, the larger of both, have an accumulator that Brevitas itself rounds both ways
                on this data: its float32 sum is no function of the integers, so that no integer layer can follow it
    farthest    how far, among those of `differing`, the accumulator that is farthest from a tie lies from it, in steps of
                the output; None where none differs, or the layer does not round
    each        the differing ones of a layer that rounds, the first LISTED of them, one by one
    """

    name: str
    count: int
    differing: dict[str, int]
    travelled: dict[str, int]
    both_ways: int = 0
    farthest: float | None = None
    each: tuple[Difference, ...] = ()


def brevitas_integers(model: nn.Module, x: Tensor, network: IntegerNetwork) -> dict[str, Tensor]:
    """Return Brevitas's own integers: round(value / scale) + zero_point of quantizers, and round(sum / scale) of layers' sums.

    model    a Brevitas model in eval mode
    x        its inputs, floats
    network  only for the scale of sums: a Brevitas layer that is given plain tensors knows none
    returns  int64 tensors by the module's name: what is called again has " (2)" behind its name, as in the integer
             network. Sums are those before any output quantizer, a float bias taken off
    """
    found: dict[str, Tensor] = {}
    calls: dict[str, int] = {}
    hooks = [hook for name, module in model.named_modules() for hook in _hooks(name, module, network, found, calls)]
    try:
        with torch.no_grad():
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _hooks(
    name: str, module: nn.Module, network: IntegerNetwork, found: dict[str, Tensor], calls: dict[str, int]
) -> list[Any]:
    hooks = []
    if isinstance(module, (qnn.QuantIdentity, qnn.QuantReLU)):
        hooks.append(module.act_quant.register_forward_hook(_quantized(name, found, calls)))
    if isinstance(module, (qnn.QuantLinear, qnn.QuantConv2d)) and name in network.names:
        hooks.append(module.output_quant.register_forward_pre_hook(_summed(name, module, network, found, calls)))
    if isinstance(module, (qnn.QuantLinear, qnn.QuantConv2d, qnn.QuantEltwiseAdd)):
        for part in ("input_quant", "output_quant"):
            if getattr(module, part).is_quant_enabled:
                note = _quantized(f"{name}.{part}", found, calls)
                hooks.append(getattr(module, part).register_forward_hook(note))
    return hooks


def _quantized(name: str, found: dict[str, Tensor], calls: dict[str, int]) -> Callable[..., None]:
    def hook(module: nn.Module, given: Any, result: Any) -> None:
        if isinstance(result, IntQuantTensor):
            steps = result.value.double() / result.scale.double() + result.zero_point.double()
            found[numbered(name, calls)] = torch.round(steps).to(torch.int64)

    return hook


def _summed(
    name: str, module: Any, network: IntegerNetwork, found: dict[str, Tensor], calls: dict[str, int]
) -> Callable[..., None]:
    def hook(proxy: nn.Module, given: Any) -> None:
        place = numbered(name, calls)
        floats = reals(given[0]).double()
        if module.bias is not None and network.layer(place).bias is None:  # type: ignore[union-attr]
            floats = floats - along_channels(_float_bias(module).double(), floats)
        scale = torch.tensor(network.meaning(place).scale, dtype=torch.float64).reshape(-1)
        found[place] = torch.round(floats / along_channels(scale, floats)).to(torch.int64)

    return hook


def _float_bias(module: Any) -> Tensor:
    """Return a bias that is not among the accumulators, as Brevitas adds it: quantized on its own scale, or not at all."""
    if module.bias_quant.requires_input_scale:
        return module.bias  # type: ignore[no-any-return]
    return reals(module.bias_quant(module.bias, None, None))


def compare(model: nn.Module, network: IntegerNetwork, x: Tensor) -> list[Place]:
    """Return, for each place that Brevitas has integers for, how many of ours are not its own, by both routes.

    model    the Brevitas model, in eval mode
    network  what `lower` made of it
    x        inputs of the model, floats
    returns  places in the order of the network: quantizers, and the sums of linear and convolution layers
    raises   TypeError where x holds no floats; ValueError for NaN and infinities; what the model itself raises
    source   Brevitas's integers are round(value / scale) of its own tensors: nothing of `lower` is asked for them, but the
             scale of sums where the model hands on plain floats

    >>> from qtutor import load_checkpoint, lower
    >>> from qtutor.network import load_pixels
    >>> model = load_checkpoint("mlp_w4a4")
    >>> [(place.name, place.count, place.differing) for place in compare(model, lower(model), load_pixels()[0][:100])][1]
    ('fc1', 6400, {'multipliers': 0, 'thresholds': 0})
    """
    theirs = brevitas_integers(model, x, network)
    known = {position: theirs[name] for name, position in network.places if name in theirs}
    q = network.quantize_input(x)
    alone = {route: network.values(q, route) for route in ROUTES}
    led = {route: values_on(network, q, route, known) for route in ROUTES}
    places = []
    for name, position in network.places:
        if name in theirs:
            ours = {route: led[route][position].to(torch.int64) for route in ROUTES}
            differing = {route: _count(ours[route], theirs[name]) for route in ROUTES}
            travelled = {route: _count(alone[route][position], theirs[name]) for route in ROUTES}
            place = Place(name, theirs[name].numel(), differing, travelled)
            step = network.steps[position - 1] if position else None
            if step is not None and isinstance(step.layer, IntegerRequantize) and any(differing.values()):
                given = known.get(step.inputs[0], led["thresholds"][step.inputs[0]])
                place = _explained(place, step.layer, given.to(torch.int64), ours, theirs[name])
            places.append(place)
    return places


def values_on(network: IntegerNetwork, q: Tensor, route: str, known: dict[int, Tensor]) -> list[Tensor]:
    """Return what every step gives where the steps before it gave the integers of `known`, by position."""
    given, values = [q], [q]
    for step in network.steps:
        values.append(network.run_step(step, given, route))
        place = len(given)
        given.append(known[place].to(values[-1].dtype) if place in known else values[-1])
    return values


def _count(ours: Tensor, theirs: Tensor) -> int:
    return int((ours.to(torch.int64) != theirs).sum())


def _explained(place: Place, layer: IntegerRequantize, given: Tensor, ours: dict[str, Tensor], theirs: Tensor) -> Place:
    """Return the place with what its accumulators tell about the integers that differ."""
    distance, undecided = distance_to_tie(layer, given), rounded_both_ways(given, theirs)
    apart = [found != theirs for found in ours.values()]
    anywhere = torch.stack(apart).any(0)
    each = [
        Difference(
            tuple(index),
            int(given[*index]),
            int(theirs[*index]),
            {route: int(found[*index]) for route, found in ours.items()},
            float(distance[*index]),
            bool(undecided[*index]),
        )
        for index in torch.nonzero(anywhere)[:LISTED].tolist()
    ]
    both_ways = max(int((where & undecided).sum()) for where in apart)
    return replace(place, both_ways=both_ways, farthest=float(distance[anywhere].max()), each=tuple(each))


def rounded_both_ways(accumulators: Tensor, integers: Tensor) -> Tensor:
    """Return where an accumulator got one integer here and another one elsewhere in the same channel.

    >>> rounded_both_ways(torch.tensor([[7, 3], [7, 3], [3, 7]]), torch.tensor([[4, 2], [3, 2], [2, 3]])).tolist()
    [[True, False], [True, False], [False, False]]
    """
    channels = along_channels(torch.arange(accumulators.shape[1]), accumulators).expand_as(accumulators)
    low = int(accumulators.min())
    keys = (accumulators - low) * accumulators.shape[1] + channels
    found, group = torch.unique(keys.flatten(), return_inverse=True)
    least, most = (
        torch.zeros(len(found), dtype=torch.int64).scatter_reduce(
            0, group, integers.flatten(), kind, include_self=False
        )
        for kind in ("amin", "amax")
    )
    return (least != most)[group].reshape(accumulators.shape)


def distance_to_tie(layer: IntegerRequantize, accumulators: Tensor) -> Tensor:
    """Return how far each accumulator of a requantizing layer lies from where its rounding changes, in output steps.

    returns  float64, 0 … 0.5 for rounding to the nearest; for -1 and +1 the distance from 0
    """
    mantissa, offset = (along_channels(values.double(), accumulators) for values in (layer.mantissa, layer.offset))
    exact: Tensor = (accumulators.double() * mantissa + offset) * 2.0**-layer.shift
    if layer.bipolar:
        return exact.abs()
    border = 0.5 if layer.rounding == "half_even" else 0.0
    return ((exact - border) - torch.round(exact - border)).abs()
