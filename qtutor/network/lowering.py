"""From a trained Brevitas model to an integer-only network: `lower`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from brevitas import nn as qnn
from torch import Tensor, fx, nn
from torch.nn import functional

from qtutor.kernels.checks import pair
from qtutor.network.integer_layers import IntegerFlatten, IntegerMaxPool2d
from qtutor.network.integer_network import IntegerNetwork
from qtutor.network.placing import Flow, Placer
from qtutor.network.tracing import attribute, constant, traced

SUPPORTED = (
    "QuantLinear, QuantConv2d, QuantIdentity, QuantReLU, BatchNorm1d, BatchNorm2d, ReLU, MaxPool2d, AvgPool2d, "
    "AdaptiveAvgPool2d(1), Flatten, Dropout, QuantEltwiseAdd and +"
)
AFFINE = (nn.BatchNorm1d, nn.BatchNorm2d)
IGNORED = (nn.Dropout, nn.Dropout2d, nn.Identity)
INSTEAD = {
    "Linear": "use QuantLinear",
    "Conv2d": "use QuantConv2d",
    "Softmax": "leave it out at the end, the largest score is the same",
    "LogSoftmax": "leave it out at the end, the largest score is the same",
}


def lower(model: nn.Module, example: Tensor | None = None) -> IntegerNetwork:
    """Return the network as frozen integer layers: the integers of every place are those of Brevitas's evaluation.

    model    a trained Brevitas model of supported layers (linear, conv2d, batch norm, ReLU, max and average pool, flatten,
             residual add), in eval mode, of any widths 1 … 8. It is read and not changed
    example  one batch of inputs, needed only by AdaptiveAvgPool2d, whose window depends on the size of the images
    returns  an IntegerNetwork: called with integers, it gives integers
    raises   TypeError where model is no module; ValueError, naming the layer and the way out, for a model in training
             mode, quantizers that saw no data, float layers in between, layers that are not supported, widths above 8,
             zero points that are no integers. Nothing half-lowered is returned
    source   Jacob et al., CVPR 2018 (multipliers); Umuroglu et al., FINN, FPGA 2017 (thresholds)

    >>> from qtutor import load_checkpoint
    >>> network = lower(load_checkpoint("mlp_w4a4"))
    >>> network.layer("relu1").shift, network.layer("relu1").mantissa.dtype, network.layer("fc1").weight.dtype
    (34, torch.int64, torch.int8)
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}: give a torch module made of Brevitas layers.")
    _require_evaluation(model)
    with torch.no_grad():
        return _Walk(model, example).network()


def _require_evaluation(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if module.training:
            said = f"{name or type(model).__name__} is in training mode, where statistics still move: call model.eval() first."
            raise ValueError(spelled(said, name, module))
    other = {p.dtype for p in model.parameters()} - {torch.float32}
    if other:
        raise ValueError(f"the model has parameters of {other.pop()}: call model.float() first, as it was trained.")


def spelled(sentence: str, name: str, module: nn.Module) -> str:
    """Return a sentence about a layer with its kind, where the layer has only a number for a name, as in a Sequential.

    >>> spelled("1 pads with zeros.", "1", nn.Linear(2, 2)), spelled("fc1 pads with zeros.", "fc1", nn.Linear(2, 2))
    ('layer 1 (Linear) pads with zeros.', 'fc1 pads with zeros.')
    """
    kind, rest = type(module).__name__, sentence.removeprefix(name)
    if not name.rpartition(".")[2].isdigit() or rest == sentence or rest[:1].isalnum():
        return sentence
    return f"layer {name}{rest}" if rest.startswith(f" is a {kind},") else f"layer {name} ({kind}){rest}"


class _Walk:
    """The nodes of a model's graph, each handed to the placer."""

    def __init__(self, model: nn.Module, example: Tensor | None) -> None:
        self.model, self.example = model, example
        self.placer = Placer(self._image)
        self.flows: dict[fx.Node, Any] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}

    def network(self) -> IntegerNetwork:
        nodes = traced(self.model)
        if sum(node.op == "placeholder" for node in nodes) != 1:
            raise ValueError(f"{type(self.model).__name__} has several inputs, and a network here has one.")
        for node in nodes[:-1]:
            self.flows[node] = self._flow(node)
        result = nodes[-1].args[0]
        last = self.flows.get(result) if isinstance(result, fx.Node) else None
        if not isinstance(last, Flow):
            raise ValueError(f"{type(self.model).__name__} returns no tensor of its own: return its logits.")
        return self.placer.network(last)

    def _flow(self, node: fx.Node) -> Any:
        if node.op == "placeholder":
            return Flow()
        if node.op == "get_attr":
            return None
        if node.op == "call_module":
            module = attribute(self.model, str(node.target))
            try:
                return self._module(node, module)
            except ValueError as error:
                raise ValueError(spelled(str(error), str(node.target), module)) from None
        return self._function(node)

    def _module(self, node: fx.Node, module: nn.Module) -> Flow:
        name, flow = self.placer.name(str(node.target)), self._taken(node, 0)
        if isinstance(module, IGNORED):
            return flow
        if isinstance(module, (qnn.QuantLinear, qnn.QuantConv2d)):
            return self.placer.weighted(name, module, flow)
        if isinstance(module, qnn.QuantEltwiseAdd):
            return self.placer.element_add(name, module, flow, self._taken(node, 1))
        if isinstance(module, (qnn.QuantIdentity, qnn.QuantReLU)):
            if not module.act_quant.is_quant_enabled:
                raise ValueError(f"{name} quantizes nothing: give it a quantizer, or take it out.")
            return self.placer.quantized(name, module.act_quant, flow)
        if isinstance(module, AFFINE) or type(module).__name__ == "TensorNorm":
            return self.placer.affine(name, module, flow)
        if isinstance(module, nn.ReLU):
            return self.placer.relu(name, flow)
        if isinstance(module, nn.Flatten) and module.start_dim == 1 and module.end_dim == -1:
            return self.placer.then(name, IntegerFlatten(name), flow)
        if isinstance(module, nn.MaxPool2d):
            return self.placer.max_pool(
                name, flow, module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode
            )
        if isinstance(module, nn.AvgPool2d) and not isinstance(module, qnn.TruncAvgPool2d):
            odd = module.ceil_mode or module.divisor_override or pair(module.padding, "padding", 0) != (0, 0)
            return self.placer.average(name, flow, module.kernel_size, module.stride, bool(odd))
        if type(module) is nn.AdaptiveAvgPool2d and module.output_size in (1, (1, 1)):
            return self.placer.average(name, flow, None, None, False)
        kind = type(module).__name__
        way_out = INSTEAD.get(kind, f"use {SUPPORTED}")
        raise ValueError(f"{name} is a {kind}, which has no integer layer here: {way_out}.")

    def _image(self, name: str) -> tuple[int, int]:
        if self.example is None:
            raise ValueError(
                f"{name} averages whole images, whose size the model does not tell: call lower(model, example)."
            )
        if not self.shapes:
            self.shapes = shapes_of_inputs(self.model, self.example)
        height, width = self.shapes[name.split(" ")[0]][-2:]
        return height, width

    def _function(self, node: fx.Node) -> Any:
        target = node.target
        name = self.placer.name(target if isinstance(target, str) else getattr(target, "__name__", str(target)))
        if target is getattr and node.args[1] == "value":
            return self._taken(node, 0)  # the floats of a Brevitas tensor
        if target in (getattr, operator.getitem, "size", "dim"):
            return None  # shapes, which view takes
        if target in (functional.dropout, "contiguous", "detach", "float"):
            return self._taken(node, 0)
        if target in (functional.relu, torch.relu, "relu"):
            return self.placer.relu(name, self._taken(node, 0))
        if target in (torch.flatten, "flatten", "view", "reshape", torch.reshape):
            return self.placer.then(name, IntegerFlatten(name), self._flattened(node, name))
        if target in (functional.max_pool2d, torch.max_pool2d):
            return self._pooled(
                node, name, self.placer.max_pool, ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
            )
        if target is functional.avg_pool2d:
            return self._pooled(node, name, self.placer.average, ("kernel_size", "stride"))
        if target in (operator.add, operator.iadd, torch.add, "add", "add_") and len(self._operands(node)) == 2:
            return self.placer.total(name, *self._operands(node))
        operation = str(getattr(target, "__name__", target))
        if operation in ("add", "sub", "mul", "truediv"):
            return self._arithmetic(node, name, operation)
        way_out = INSTEAD.get({"softmax": "Softmax", "log_softmax": "LogSoftmax"}.get(name, ""), f"use {SUPPORTED}")
        raise ValueError(f"forward calls {name}, which has no integer layer here: {way_out}.")

    def _pooled(self, node: fx.Node, name: str, place: Callable[..., Flow], names: tuple[str, ...]) -> Flow:
        defaults = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False}
        given = dict(zip(names, node.args[1:], strict=False)) | dict(node.kwargs)
        extra = len(node.args) - 1 > len(names) or bool(set(given) - set(names) - {"return_indices"})
        found = [given.get(n, defaults.get(n)) for n in names]
        return place(name, self._taken(node, 0), *found, *([extra] if place == self.placer.average else []))

    def _flattened(self, node: fx.Node, name: str) -> Flow:
        rest = [*node.args[1:], *node.kwargs.values()]
        shape = rest[0] if len(rest) == 1 and isinstance(rest[0], (tuple, list)) else rest
        flat = list(shape) == [1] if node.target in (torch.flatten, "flatten") else len(shape) == 2
        if not flat:
            raise ValueError(f"{name} reshapes otherwise than to [N, all the rest]: use Flatten.")
        return self._taken(node, 0)

    def _operands(self, node: fx.Node) -> list[Flow]:
        return [self.flows[a] for a in node.args if isinstance(a, fx.Node) and isinstance(self.flows[a], Flow)]

    def _arithmetic(self, node: fx.Node, name: str, operation: str) -> Flow:
        flows, values = self._operands(node), [constant(self.model, a) for a in node.args]
        known = [value for value in values if value is not None]
        if (
            len(flows) != 1
            or len(known) != 1
            or flows[0].position is not None
            or node.kwargs
            or any(isinstance(a, IntegerMaxPool2d) for a in flows[0].after)
        ):
            raise ValueError(
                f"{name} computes in floats between the quantized layers: take it out, or move it before the first quantizer."
            )
        if values[0] is not None:  # the number stands first
            operation = {"sub": "rsub", "truediv": "rtruediv"}.get(operation, operation)
        if operation == "rtruediv":
            raise ValueError(f"{name} divides a number by the input: do so before you call the model.")
        return replace(flows[0], before=(*flows[0].before, (operation, known[0])))

    def _taken(self, node: fx.Node, place: int) -> Flow:
        source = node.args[place] if len(node.args) > place else None
        flow = self.flows.get(source) if isinstance(source, fx.Node) else None
        if not isinstance(flow, Flow):
            raise ValueError(f"{node.target} takes what is no value of the network: give it the output of a layer.")
        return flow


def shapes_of_inputs(model: nn.Module, example: Tensor) -> dict[str, tuple[int, ...]]:
    """Return the shape of what each module is given when the model runs on example."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple[Any, ...]) -> None:
            if given and hasattr(given[0], "shape"):
                shapes[name] = tuple(given[0].shape)

        return hook

    hooks = [module.register_forward_pre_hook(note(name)) for name, module in model.named_modules() if name]
    try:
        model(example)
    finally:
        for hook in hooks:
            hook.remove()
    return shapes
