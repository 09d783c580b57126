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

from qtutor.network.checks import require_evaluation
from qtutor.network.following import (
    ADD,
    AFFINE,
    ARGUMENTS,
    AVERAGE,
    DEFAULTS,
    FLATTEN,
    IGNORED,
    MAX_POOL,
    MAX_POOL_OPTIONS,
    QUANTIZERS,
    RELU,
    RESHAPE,
    WEIGHTED,
    followed,
    is_batch_size,
    no_layer,
    no_operation,
    operation_of,
)
from qtutor.network.integer_layers import IntegerFlatten, IntegerMaxPool2d
from qtutor.network.integer_network import IntegerNetwork
from qtutor.network.placing import Flow, Placer
from qtutor.network.tracing import attribute, constant, is_tensor_norm, numbered, require_values_kept, spelled, traced


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
    if example is not None and not isinstance(example, Tensor):
        raise TypeError(f"example is a {type(example).__name__}: give one batch of inputs, a float tensor.")
    _require_float32(require_evaluation(model))
    _require_no_hooks(model)
    with torch.no_grad():
        return _Walk(model, example).network()


def _require_float32(model: nn.Module) -> None:
    other = {p.dtype for p in model.parameters()} - {torch.float32}
    if other:
        raise ValueError(f"the model has parameters of {other.pop()}: call model.float() first, as it was trained.")


def _require_no_hooks(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if module._forward_hooks or module._forward_pre_hooks:
            said = (
                f"{name or type(model).__name__} has a forward hook, which may change its numbers: "
                "remove it, as prune.remove(module, 'weight') does for pruning."
            )
            raise ValueError(spelled(said, name, module))


class _Walk:
    """The nodes of a model's graph, each handed to the placer."""

    def __init__(self, model: nn.Module, example: Tensor | None) -> None:
        self.model, self.example = model, example
        self.placer = Placer(self._image)
        self.flows: dict[fx.Node, Any] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.modules = dict(model.named_modules())

    def network(self) -> IntegerNetwork:
        nodes = traced(self.model)
        require_values_kept(self.model, nodes)
        for node in nodes[:-1]:
            self.flows[node] = self._flow(node)
        result = nodes[-1].args[0]
        last = self._flow_of(result)
        if last is None:
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

    def _module(self, node: fx.Node, module: Any) -> Flow:
        path = str(node.target)
        name, names = self.placer.name(path), ("input", "other")[: 1 + isinstance(module, qnn.QuantEltwiseAdd)]
        if not followed(module):
            raise ValueError(no_layer(name, module))
        given = self._given(node, name, names)
        flow = self._taken(given, name)
        if isinstance(module, IGNORED):
            return flow
        if isinstance(module, WEIGHTED):
            return self.placer.weighted(name, path, module, flow)
        if isinstance(module, qnn.QuantEltwiseAdd):
            return self.placer.element_add(name, path, module, flow, self._taken(given, name, "other"))
        if isinstance(module, QUANTIZERS):
            if not module.act_quant.is_quant_enabled:
                raise ValueError(f"{name} quantizes nothing: give it a quantizer, or take it out.")
            return replace(self.placer.quantized(name, module.act_quant, flow), plain=not module.return_quant_tensor)
        if isinstance(module, AFFINE) or is_tensor_norm(module):
            return self.placer.affine(name, module, flow)
        if isinstance(module, nn.ReLU):
            return self.placer.relu(name, flow)
        if isinstance(module, nn.Flatten):
            return self._flattened(name, flow, module.start_dim, module.end_dim)
        return self._pool(name, flow, module)

    def _pool(self, name: str, flow: Flow, module: Any) -> Flow:
        if isinstance(module, nn.MaxPool2d):
            return self.placer.max_pool(name, flow, *(getattr(module, option) for option in MAX_POOL_OPTIONS))
        if isinstance(module, nn.AvgPool2d):
            size, stride, padding = module.kernel_size, module.stride, module.padding
            return self.placer.average(name, flow, size, stride, padding, module.ceil_mode, module.divisor_override)
        if module.output_size not in (1, (1, 1)):
            raise ValueError(f"{name} gives images of {module.output_size}: use AdaptiveAvgPool2d(1), or AvgPool2d.")
        return self.placer.average(name, flow, None, None, 0, False, None)

    def _image(self, name: str) -> tuple[int, int]:
        if self.example is None:
            raise ValueError(
                f"{name} averages whole images, whose size the model does not tell: call lower(model, example)."
            )
        if not self.shapes:
            self.shapes = shapes_of_inputs(self.model, self.example)
        height, width = self.shapes[name][-2:]
        return height, width

    def _function(self, node: fx.Node) -> Any:
        target, operation = node.target, operation_of(node)
        if target is getattr or target in ("size", "dim"):
            return self._attribute(node)
        if not self._operands(node):
            return None  # arithmetic on shapes, which view takes
        name = self.placer.name(f"{operation}()" if operation in self.modules else operation)
        if target is operator.getitem:
            raise ValueError("forward takes a part of a tensor by [ ], which has no integer layer here: take it out.")
        if target in RESHAPE:
            return self._reshaped(node, name)
        if target in ARGUMENTS:
            return self._known(node, name, self._given(node, name, ARGUMENTS[target]))
        if operation in ("add", "sub", "mul", "truediv"):
            return self._arithmetic(node, name, operation)
        raise ValueError(no_operation(node))

    def _attribute(self, node: fx.Node) -> Any:
        """Return the floats of a Brevitas tensor as the value that they are, and nothing for a shape."""
        flow = self._flow_of(node.args[0])
        is_value = node.target is getattr and node.args[1] == "value"
        return replace(flow, plain=True) if flow is not None and is_value else None

    def _known(self, node: fx.Node, name: str, given: dict[str, Any]) -> Flow:
        target = node.target
        if target in ADD:
            if any(self._flow_of(given.get(side)) is None for side in ("input", "other")):
                return self._arithmetic(node, name, "add")
            return self.placer.total(name, self._taken(given, name), self._taken(given, name, "other"))
        flow = self._taken(given, name)
        if target in RELU:
            return self.placer.relu(name, flow)
        if target in FLATTEN:
            return self._flattened(name, flow, given.get("start_dim", 0), given.get("end_dim", -1))
        if target in (*MAX_POOL, *AVERAGE):
            given = {"stride": None, "divisor_override": None} | DEFAULTS | given
            size, stride, padding, ceil = (given[key] for key in ("kernel_size", "stride", "padding", "ceil_mode"))
            if target in AVERAGE:
                return self.placer.average(name, flow, size, stride, padding, ceil, given["divisor_override"])
            return self.placer.max_pool(
                name, flow, size, stride, padding, given["dilation"], ceil, given["return_indices"]
            )
        if target is functional.dropout and given.get("training", True):
            raise ValueError(f"{name} drops values in eval mode too: call it with training=self.training.")
        return flow

    def _given(self, node: fx.Node, name: str, names: tuple[str, ...]) -> dict[str, Any]:
        """Return a call's arguments by their names; raise where it has others."""
        given = dict(zip(names, node.args, strict=False)) | node.kwargs
        others = [f"{key}={value}" for key, value in given.items() if key not in names]
        others += [str(value) for value in node.args[len(names) :]]
        if others:
            raise ValueError(
                f"{name} is called with {others[0]}, and only {', '.join(names)} can be given to it here: leave it out."
            )
        return given

    def _flattened(self, name: str, flow: Flow, start: Any, end: Any, features: int | None = None) -> Flow:
        if (start, end) != (1, -1):
            raise ValueError(f"{name} flattens from dimension {start} to {end}: use flatten(1), of all but the first.")
        return self.placer.then(name, IntegerFlatten(name, features), flow)

    def _reshaped(self, node: fx.Node, name: str) -> Flow:
        sizes: Any = [*node.args[1:], *node.kwargs.values()]
        if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
            sizes = sizes[0]
        rows, features = sizes if len(sizes) == 2 else (None, None)
        counted = isinstance(features, int) and features > 0
        if not (is_batch_size(rows) and (counted or features == -1)) and not (rows == -1 and counted):
            raise ValueError(f"{name} reshapes in a way that may mix the inputs of a batch: use flatten(1).")
        flow = self._taken({"input": node.args[0]}, name)
        return self._flattened(name, flow, 1, -1, features if counted else None)

    def _operands(self, node: fx.Node) -> list[Flow]:
        return [flow for flow in map(self._flow_of, node.all_input_nodes) if flow is not None]

    def _arithmetic(self, node: fx.Node, name: str, operation: str) -> Flow:
        flows, values = self._operands(node), [constant(self.model, a) for a in node.args]
        known = [value for value in values if value is not None]
        if (
            len(flows) != 1
            or len(known) != 1
            or len(node.args) != 2
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

    def _taken(self, given: dict[str, Any], name: str, which: str = "input") -> Flow:
        flow = self._flow_of(given.get(which))
        if flow is None:
            raise ValueError(f"{name} takes what is no value of the network: give it the output of a layer.")
        return flow

    def _flow_of(self, argument: Any) -> Flow | None:
        flow = self.flows.get(argument) if isinstance(argument, fx.Node) else None
        return flow if isinstance(flow, Flow) else None


def shapes_of_inputs(model: nn.Module, example: Tensor) -> dict[str, tuple[int, ...]]:
    """Return the shape of what each module is given when the model runs on example: a name for each call of it.

    raises   ValueError where the model does not run on it

    >>> shapes_of_inputs(nn.Sequential(nn.Flatten()), torch.zeros(2, 3, 4))
    {'0': (2, 3, 4)}
    """
    shapes: dict[str, tuple[int, ...]] = {}
    calls: dict[str, int] = {}

    def note(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple[Any, ...]) -> None:
            place = numbered(name, calls)
            if given and hasattr(given[0], "shape"):
                shapes[place] = tuple(given[0].shape)

        return hook

    hooks = [module.register_forward_pre_hook(note(name)) for name, module in model.named_modules() if name]
    try:
        model(example)
    except Exception as error:  # whatever a layer raises that is given another shape
        reason = str(error).split("\n")[0].rstrip(".")
        raise ValueError(
            f"the model does not take inputs of shape {tuple(example.shape)} ({reason}): give others."
        ) from None
    finally:
        for hook in hooks:
            hook.remove()
    return shapes
