"""Our integers beside Brevitas's own, place by place: `compare`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from brevitas import nn as qnn
from brevitas.quant_tensor import IntQuantTensor
from torch import Tensor, nn

from qtutor.network.checks import require_evaluation, require_network
from qtutor.network.integer_layers import (
    ROUTES,
    IntegerConv2d,
    IntegerFlatten,
    IntegerLinear,
    IntegerMaxPool2d,
    IntegerRequantize,
    along_channels,
)
from qtutor.network.integer_network import IntegerNetwork
from qtutor.network.tracing import numbered
from qtutor.network.training import reals

LISTED = 1000  # differences of a place that are told one by one
NEAR = 1e-3  # steps: float32 sums of 8-bit products are off by less
ITS_OWN = "give the model that the network was lowered from."


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
    unexplained how many of `differing`, of either route, are farther from a tie, or farther off, than float32 and the one
                shift that all channels share can move them
    """

    name: str
    count: int
    differing: dict[str, int]
    travelled: dict[str, int]
    both_ways: int = 0
    farthest: float | None = None
    each: tuple[Difference, ...] = ()
    unexplained: int = 0


def brevitas_integers(model: nn.Module, x: Tensor, network: IntegerNetwork) -> dict[str, Tensor]:
    """Return Brevitas's own integers: round(value / scale) + zero_point of quantizers, and round(sum / scale) of layers' sums.

    model    a Brevitas model in eval mode
    x        its inputs, floats
    network  only for the scale of sums: a Brevitas layer that is given plain tensors knows none
    returns  int64 tensors by the module's name: what is called again has " (2)" behind its name, as in the integer
             network. Sums are those before any output quantizer, a float bias taken off
    raises   ValueError where a place of the network is none of the model's, so that it would be left out
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
    missing = [name for name, _ in network.places if name not in found]
    if missing:
        raise ValueError(f"the model gives no integers for {missing[0]} of the network: {ITS_OWN}")
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
    raises   TypeError where x holds no floats, or for what is no model or no network; ValueError for NaN and infinities,
             a model in training mode, another model's network; what the model itself raises
    source   Brevitas's integers are round(value / scale) of its own tensors: nothing of `lower` is asked for them, but the
             scale of sums where the model hands on plain floats

    >>> from qtutor import load_checkpoint, lower
    >>> from qtutor.network import load_pixels
    >>> model = load_checkpoint("mlp_w4a4")
    >>> [(place.name, place.count, place.differing) for place in compare(model, lower(model), load_pixels()[0][:100])][1]
    ('fc1', 6400, {'multipliers': 0, 'thresholds': 0})
    """
    _require_lowered_from(require_evaluation(model), require_network(network))
    q = network.quantize_input(x)
    theirs = brevitas_integers(model, x, network)
    known = {position: theirs[name] for name, position in network.places}
    alone = {route: network.values(q, route) for route in ROUTES}
    led = {route: values_on(network, q, route, known) for route in ROUTES}
    places = []
    for name, position in network.places:
        ours = {route: led[route][position].to(torch.int64) for route in ROUTES}
        differing = {route: _count(ours[route], theirs[name]) for route in ROUTES}
        travelled = {route: _count(alone[route][position], theirs[name]) for route in ROUTES}
        place = Place(name, theirs[name].numel(), differing, travelled)
        if any(differing.values()):
            given = [known.get(i, values) for i, values in enumerate(led["thresholds"])]
            place = _explained(place, network, position, given, ours, theirs[name])
        places.append(place)
    return places


def _require_lowered_from(model: nn.Module, network: IntegerNetwork) -> None:
    held = {network.input.name: network.input} | {step.layer.name: step.layer for step in network.steps}
    for name, module in model.named_modules():
        if isinstance(module, (qnn.QuantLinear, qnn.QuantConv2d)) and name in held:
            weight = getattr(held[name], "weight", None)
            if weight is None or weight.shape != module.weight.shape:
                raise ValueError(f"{name} is another layer in the model than in the network: {ITS_OWN}")


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


def _explained(
    place: Place, network: IntegerNetwork, position: int, given: list[Tensor], ours: dict[str, Tensor], theirs: Tensor
) -> Place:
    """Return the place with what is known about the integers that differ; `given` holds the values of the network."""
    rounded = accumulators_of(network, position, given)
    if rounded is not None:
        return _beside_ties(place, *rounded, ours, theirs)
    step = network.steps[position - 1] if position else None
    reach = torch.zeros(theirs.shape, dtype=torch.float64)
    if step is not None and isinstance(step.layer, (IntegerLinear, IntegerConv2d)):
        reach = float32_reach(step.layer, given[step.inputs[0]]) + 0.5  # theirs are rounded to whole steps
    far = torch.stack([(found - theirs).abs() > reach for found in ours.values()]).any(0)
    return replace(place, unexplained=int(far.sum()))


def accumulators_of(
    network: IntegerNetwork, position: int, given: list[Tensor]
) -> tuple[IntegerRequantize, int, Tensor] | None:
    """Return the requantizer that a value comes from, the largest sum, and the accumulators; None where none rounds.

    A max pool or a flattening may have changed places with its quantizer: here the accumulators are pooled instead, as
    Brevitas does it. Those of a flattened value keep their channels, rows and columns.
    """
    step = network.steps[position - 1] if position else None
    if step is None or not isinstance(step.layer, (IntegerRequantize, IntegerMaxPool2d, IntegerFlatten)):
        return None
    if isinstance(step.layer, IntegerRequantize):
        sums = network.meanings[step.inputs[0]]
        return step.layer, max(-sums.low, sums.high), given[step.inputs[0]].to(torch.int64)
    before = accumulators_of(network, step.inputs[0], given)
    if before is None or isinstance(step.layer, IntegerFlatten):
        return before
    layer, largest, accumulators = before
    direction = along_channels(layer.direction, accumulators)
    turned = accumulators * direction
    return layer, largest, replace(step.layer, lowest=int(turned.min())).run(turned) * direction


def float32_reach(layer: IntegerLinear | IntegerConv2d, x: Tensor) -> Tensor:
    """Return how many steps float32 can be off at each sum of a layer: 2**-24 of all sizes for each addition.

    source   Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1, of any order of additions; 4 more for
             the scales that are multiplied in

    >>> layer = IntegerLinear("fc", torch.tensor([[7, -7]], dtype=torch.int8), None)
    >>> float(float32_reach(layer, torch.tensor([[1, 1]], dtype=torch.int8))) * 2**24
    84.0
    """
    weight = (layer.weight.to(torch.int16) - layer.weight_zero_point).abs()
    plain = replace(layer, weight=weight, bias=None, x_zero_point=0, weight_zero_point=0)
    sizes = plain.run((x.to(torch.int32) - layer.x_zero_point).abs()).double()
    if layer.bias is not None:
        sizes = sizes + along_channels(layer.bias.double().abs(), sizes)
    return (weight[0].numel() + 4) * 2.0**-24 * sizes


def _beside_ties(
    place: Place, layer: IntegerRequantize, largest: int, given: Tensor, ours: dict[str, Tensor], theirs: Tensor
) -> Place:
    """Return the place with what its accumulators tell about the integers that differ."""
    undecided = rounded_both_ways(given, theirs.reshape(given.shape)).reshape(theirs.shape)
    distance, coarse, given = (
        values.reshape(theirs.shape)
        for values in (distance_to_tie(layer, given), coarseness(layer, largest, given), given)
    )
    apart = torch.stack([(found - theirs).abs() for found in ours.values()])  # by route first
    off, near = apart.amax(0), NEAR + coarse
    unexplained = (off > 0) & ((distance > near) | (off > 1 + layer.bipolar + near))  # a tie decides between neighbours
    both_ways = int(((apart > 0) & undecided).flatten(1).sum(1).max())
    farthest = float(distance[off > 0].max())
    each = tuple(
        Difference(
            tuple(index),
            int(given[*index]),
            int(theirs[*index]),
            {route: int(found[*index]) for route, found in ours.items()},
            float(distance[*index]),
            bool(undecided[*index]),
        )
        for index in torch.nonzero(off)[:LISTED].tolist()
    )
    return replace(place, both_ways=both_ways, farthest=farthest, each=each, unexplained=int(unexplained.sum()))


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


def coarseness(layer: IntegerRequantize, largest: int, accumulators: Tensor) -> Tensor:
    """Return how far, in output steps, roundings on the way can move each accumulator: much only where gains are far apart.

    largest  the size of the largest sum that these weights can give
    returns  float64: half a unit of mantissa and offset each, for all channels share one shift; and 8 times 2**-24 of what
             Brevitas computes and adds in float32, the largest sum and the offset
    """
    mantissa, offset = (
        along_channels(values.double(), accumulators).abs() for values in (layer.mantissa, layer.offset)
    )
    rounded = (accumulators.double().abs() + 1) / 2
    return (rounded + 8 * 2.0**-24 * (largest * mantissa + offset)) * 2.0**-layer.shift
