"""From a trained Brevitas model to an integer-only network: `lower`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from brevitas import nn as qnn
from brevitas.quant_tensor import IntQuantTensor
from torch import Tensor, fx, nn
from torch.nn import functional

from qtutor.kernels import accumulator_range
from qtutor.kernels.checks import pair
from qtutor.network import quantizers
from qtutor.network.integer_layers import (
    IntegerAdd,
    IntegerConv2d,
    IntegerFlatten,
    IntegerLayer,
    IntegerLinear,
    IntegerMaxPool2d,
    IntegerSumPool2d,
)
from qtutor.network.integer_network import InputStage, IntegerNetwork, Meaning, Step
from qtutor.network.rescaling import Floats, requantizer, scores
from qtutor.network.tracing import attribute, constant, traced
from qtutor.qparams import QParams, narrowest_format

SUPPORTED = (
    "QuantLinear, QuantConv2d, QuantIdentity, QuantReLU, BatchNorm1d, BatchNorm2d, ReLU, MaxPool2d, AvgPool2d, "
    "AdaptiveAvgPool2d(1), Flatten, Dropout, QuantEltwiseAdd and +"
)
AFFINE = (nn.BatchNorm1d, nn.BatchNorm2d)
IGNORED = (nn.Dropout, nn.Dropout2d, nn.Identity)


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
        return _Lowering(model, example).network()


def _require_evaluation(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if module.training:
            raise ValueError(
                f"{name or type(model).__name__} is in training mode, where statistics still move: call model.eval() first."
            )
    other = {p.dtype for p in model.parameters()} - {torch.float32}
    if other:
        raise ValueError(f"the model has parameters of {other.pop()}: call model.float() first, as it was trained.")


@dataclass(frozen=True, eq=False)
class Flow:
    """A value on its way: what it is, and what the model did to it since it last was integers.

    position   which value of the network it is; None: still floats, before the first quantizer
    meaning    of the integers
    sums       accumulators: only a quantizer may take them
    floats     what Brevitas does in floats from these integers on, up to now
    after      integer layers that follow the quantizer to come: pooling and flattening change places with it
    before     float operations before the first quantizer
    shape      of one image, where `example` tells it
    """

    position: int | None = None
    meaning: Meaning | None = None
    sums: bool = False
    floats: Floats = field(default_factory=Floats)
    after: tuple[IntegerLayer, ...] = ()
    before: tuple[tuple[str, float], ...] = ()
    node: str = ""

    @property
    def whole(self) -> bool:
        """Whether it is integers that a layer can take."""
        return self.position is not None and not self.sums and not self.floats.any and not self.after


class _Lowering:
    def __init__(self, model: nn.Module, example: Tensor | None) -> None:
        self.model, self.example = model, example
        self.input: InputStage | None = None
        self.steps: list[Step] = []
        self.meanings: list[Meaning] = []
        self.places: list[tuple[str, int]] = []
        self.flows: dict[fx.Node, Any] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}

    def network(self) -> IntegerNetwork:
        nodes = traced(self.model)
        if sum(node.op == "placeholder" for node in nodes) != 1:
            raise ValueError(f"{type(self.model).__name__} has several inputs, and a network here has one.")
        for node in nodes:
            self.flows[node] = self._flow(node)
        if self.input is None:
            raise ValueError(
                "the model has no quantizer: begin it with a QuantIdentity, so that its input is integers."
            )
        return IntegerNetwork(self.input, tuple(self.steps), tuple(self.meanings), tuple(self.places))

    def _flow(self, node: fx.Node) -> Any:
        if node.op == "placeholder":
            return Flow()
        if node.op == "get_attr":
            return None
        if node.op == "output":
            return self._output(node)
        if node.op == "call_module":
            return self._module(node, attribute(self.model, str(node.target)))
        return self._function(node)

    # ---- modules ------------------------------------------------------------------------------------------------------

    def _module(self, node: fx.Node, module: nn.Module) -> Flow:
        name, flow = self._name(str(node.target)), self._taken(node, 0)
        if isinstance(module, IGNORED):
            return flow
        if isinstance(module, (qnn.QuantLinear, qnn.QuantConv2d)):
            return self._weighted(name, module, flow)
        if isinstance(module, qnn.QuantEltwiseAdd):
            return self._element_add(name, module, flow, self._taken(node, 1))
        if isinstance(module, (qnn.QuantIdentity, qnn.QuantReLU)):
            if not module.act_quant.is_quant_enabled:
                raise ValueError(f"{name} quantizes nothing: give it a quantizer, or take it out.")
            return self._quantized(name, module.act_quant, flow)
        if isinstance(module, AFFINE) or type(module).__name__ == "TensorNorm":
            return self._affine(name, module, flow)
        if isinstance(module, nn.ReLU):
            return self._relu(name, flow)
        if isinstance(module, nn.Flatten) and module.start_dim == 1 and module.end_dim == -1:
            return self._then(name, IntegerFlatten(name), flow)
        if isinstance(module, nn.MaxPool2d):
            return self._max_pool(
                name, flow, module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode
            )
        if isinstance(module, nn.AvgPool2d) and not isinstance(module, qnn.TruncAvgPool2d):
            odd = module.ceil_mode or module.divisor_override or pair(module.padding, "padding", 0) != (0, 0)
            return self._average(name, flow, module.kernel_size, module.stride, bool(odd))
        if type(module) is nn.AdaptiveAvgPool2d and module.output_size in (1, (1, 1)):
            return self._average(name, flow, None, None, False)
        raise ValueError(f"{name} is a {type(module).__name__}, which has no integer layer here: use {SUPPORTED}.")

    def _weighted(self, name: str, module: Any, flow: Flow) -> Flow:
        if module.input_quant.is_quant_enabled:
            flow = self._quantized(f"{name}.input_quant", module.input_quant, flow)
        x = self._whole(name, flow)
        held = quantizers.weights(module, name)
        scale = held.scale * float(x.scale)  # type: ignore[arg-type]
        conv = isinstance(module, qnn.QuantConv2d)
        given = IntQuantTensor(
            torch.zeros([1] * (4 if conv else 2)),
            torch.tensor(x.scale),
            torch.tensor(0.0),
            torch.tensor(8.0),
            True,
            False,
        )
        whole_bias, float_bias = quantizers.bias(module, name, scale, given)
        zero_points = x.zero_point, held.zero_point
        if conv:
            layer: IntegerLayer = self._conv(name, module, x, held, whole_bias)
        else:
            layer = IntegerLinear(name, held.integers, whole_bias, *zero_points)
        low, high = accumulator_range(held.integers, _format(x), whole_bias, held.zero_point)
        position = self._add(layer, (flow.position,), Meaning(_number(scale), 0, low, high))
        self.places.append((name, position))
        floats = Floats(bias=float_bias)
        result = Flow(position, self.meanings[position], True, floats, node=name)
        if module.output_quant.is_quant_enabled:
            result = self._quantized(f"{name}.output_quant", module.output_quant, result)
        return result

    def _conv(self, name: str, module: Any, x: Meaning, held: quantizers.Weights, bias: Tensor | None) -> IntegerConv2d:
        if (
            isinstance(module.padding, str)
            or pair(module.dilation, "dilation", 1) != (1, 1)
            or module.padding_mode != "zeros"
        ):
            raise ValueError(
                f"{name} has a dilation, or a padding in words: give dilation=1 and padding as numbers of zeros."
            )
        padding = pair(module.padding, "padding", 0)
        if padding != (0, 0) and x.bipolar:
            raise ValueError(
                f"{name} pads with zeros, and its inputs are -1 and +1: no integer stands for the border. "
                "Use padding=0, or inputs of 2 bits."
            )
        stride = pair(module.stride, "stride", 1)
        return IntegerConv2d(name, held.integers, bias, stride, padding, module.groups, x.zero_point, held.zero_point)

    def _quantized(self, name: str, proxy: Any, flow: Flow) -> Flow:
        quantizer = quantizers.activation(proxy, name)
        if flow.position is None:
            return self._first(name, quantizer, flow)
        assert flow.meaning is not None
        meaning = quantizer.meaning
        if (quantizer.relu or flow.floats.relu) and not meaning.bipolar:
            meaning = replace(meaning, low=max(meaning.low, meaning.zero_point))
        layer = requantizer(name, flow.meaning, flow.floats, meaning, quantizer.rounding, proxy)
        position = self._add(layer, (flow.position,), meaning)
        for later in flow.after:
            if isinstance(later, IntegerMaxPool2d):
                later = replace(later, lowest=meaning.low)
            position = self._add(later, (position,), meaning)
        self.places.append((name, position))
        return Flow(position, meaning, node=name)

    def _first(self, name: str, quantizer: quantizers.Activation, flow: Flow) -> Flow:
        if self.input is not None:
            raise ValueError(
                f"{name} is a second quantizer of the network's input, after {self.input.name}: quantize the input once."
            )
        if quantizer.relu or flow.floats.relu:
            raise ValueError(f"{name} applies a ReLU to the network's input: begin with a QuantIdentity.")
        self.input = InputStage(name, flow.before, quantizer.meaning, quantizer.rounding)
        self.meanings.append(quantizer.meaning)
        position = 0
        for later in flow.after:
            position = self._add(later, (position,), quantizer.meaning)
        self.places.append((name, position))
        return Flow(position, quantizer.meaning, node=name)

    def _affine(self, name: str, module: Any, flow: Flow) -> Flow:
        if flow.position is None:
            raise ValueError(
                f"{name} comes before the first quantizer, in floats: begin the model with a QuantIdentity."
            )
        if flow.floats.relu:
            raise ValueError(f"{name} comes after a ReLU without a quantizer between them: move it before the ReLU.")
        if any(isinstance(layer, IntegerFlatten) for layer in flow.after):
            raise ValueError(f"{name} comes after a flattening without a quantizer between them: move it before.")
        if getattr(module, "running_mean", None) is None:
            raise ValueError(f"{name} keeps no running statistics: use track_running_stats=True.")
        floats = flow.floats.then(module)
        if flow.after and bool((floats.gains() < 0).any()):
            raise ValueError(f"{name} has a negative gain and comes after a max pool: move it before the pool.")
        return replace(flow, floats=floats)

    def _relu(self, name: str, flow: Flow) -> Flow:
        if flow.position is None:
            raise ValueError(f"{name} is a ReLU of the network's input, in floats: begin with a QuantIdentity.")
        return replace(flow, floats=replace(flow.floats, relu=True))

    def _then(self, name: str, layer: IntegerLayer, flow: Flow) -> Flow:
        """Place a layer that treats integers and reals alike: now where there are integers, else after the quantizer."""
        if not flow.whole:
            return replace(flow, after=(*flow.after, layer))
        assert flow.meaning is not None
        if isinstance(layer, IntegerMaxPool2d):
            layer = replace(layer, lowest=flow.meaning.low)
        return replace(flow, position=self._add(layer, (flow.position,), flow.meaning))

    def _max_pool(
        self, name: str, flow: Flow, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool
    ) -> Flow:
        if pair(dilation, "dilation", 1) != (1, 1) or ceil:
            raise ValueError(f"{name} has a dilation or ceil_mode: use a plain max pool.")
        size = pair(kernel, "kernel_size", 1)
        steps = size if stride is None else pair(stride, "stride", 1)
        return self._then(name, IntegerMaxPool2d(name, size, steps, pair(padding, "padding", 0), 0), flow)

    def _average(self, name: str, flow: Flow, kernel: Any, stride: Any, odd: bool) -> Flow:
        if odd:
            raise ValueError(f"{name} has a padding, ceil_mode or divisor_override: use a plain average pool.")
        x = self._whole(name, flow)
        size = self._image(name) if kernel is None else pair(kernel, "kernel_size", 1)
        count = size[0] * size[1]
        layer = IntegerSumPool2d(name, size, size if stride is None else pair(stride, "stride", 1))
        meaning = Meaning(x.scale / count, x.zero_point * count, x.low * count, x.high * count)  # type: ignore[operator]
        return Flow(self._add(layer, (flow.position,), meaning), meaning, node=name)

    def _image(self, name: str) -> tuple[int, int]:
        if self.example is None:
            raise ValueError(
                f"{name} averages whole images, whose size the model does not tell: call lower(model, example)."
            )
        if not self.shapes:
            self.shapes = shapes_of_inputs(self.model, self.example)
        height, width = self.shapes[name.split(" ")[0]][-2:]
        return height, width

    # ---- functions and methods ----------------------------------------------------------------------------------------

    def _function(self, node: fx.Node) -> Any:
        target = node.target
        name = self._name(target if isinstance(target, str) else getattr(target, "__name__", str(target)))
        if target is getattr and node.args[1] == "value":
            return self._taken(node, 0)  # the floats of a Brevitas tensor
        if target in (getattr, operator.getitem, "size", "dim"):
            return None  # shapes, which view takes
        if target in (functional.dropout, "contiguous", "detach", "float"):
            return self._taken(node, 0)
        if target in (functional.relu, torch.relu, "relu"):
            return self._relu(name, self._taken(node, 0))
        if target in (torch.flatten, "flatten", "view", "reshape", torch.reshape):
            return self._then(name, IntegerFlatten(name), self._flattened(node, name))
        if target in (functional.max_pool2d, torch.max_pool2d):
            return self._pooled(
                node, name, self._max_pool, ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
            )
        if target is functional.avg_pool2d:
            return self._pooled(node, name, self._average, ("kernel_size", "stride"))
        if target in (operator.add, operator.iadd, torch.add, "add", "add_") and len(self._operands(node)) == 2:
            return self._sum(name, *self._operands(node))
        operation = str(getattr(target, "__name__", target))
        if operation in ("add", "sub", "mul", "truediv"):
            return self._arithmetic(node, name, operation)
        raise ValueError(f"forward calls {name}, which has no integer layer here: use {SUPPORTED}.")

    def _pooled(self, node: fx.Node, name: str, place: Callable[..., Flow], names: tuple[str, ...]) -> Flow:
        defaults = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False}
        given = dict(zip(names, node.args[1:], strict=False)) | dict(node.kwargs)
        extra = len(node.args) - 1 > len(names) or bool(set(given) - set(names) - {"return_indices"})
        found = [given.get(n, defaults.get(n)) for n in names]
        return place(name, self._taken(node, 0), *found, *([extra] if place == self._average else []))

    def _flattened(self, node: fx.Node, name: str) -> Flow:
        rest = [*node.args[1:], *node.kwargs.values()]
        shape = rest[0] if len(rest) == 1 and isinstance(rest[0], (tuple, list)) else rest
        flat = list(shape) == [1] if node.target in (torch.flatten, "flatten") else len(shape) == 2
        if not flat:
            raise ValueError(f"{name} reshapes otherwise than to [N, all the rest]: use Flatten.")
        return self._taken(node, 0)

    def _operands(self, node: fx.Node) -> list[Flow]:
        return [self.flows[a] for a in node.args if isinstance(a, fx.Node) and isinstance(self.flows[a], Flow)]

    def _sum(self, name: str, a: Flow, b: Flow) -> Flow:
        x, y = self._whole(name, a), self._whole(name, b)
        if x.scale != y.scale:
            raise ValueError(
                f"{name} adds {a.node} of scale {x.scale} and {b.node} of scale {y.scale}, and an integer adder needs one: "
                "send both through the same QuantIdentity first."
            )
        meaning = Meaning(x.scale, x.zero_point + y.zero_point, x.low + y.low, x.high + y.high)
        return Flow(self._add(IntegerAdd(name), (a.position, b.position), meaning), meaning, node=name)

    def _element_add(self, name: str, module: Any, a: Flow, b: Flow) -> Flow:
        if module.input_quant.is_quant_enabled:
            a = self._quantized(f"{name}.input_quant", module.input_quant, a)
            b = self._quantized(f"{name}.input_quant (2)", module.input_quant, b)
        total = self._sum(name, a, b)
        if module.output_quant.is_quant_enabled:
            return self._quantized(f"{name}.output_quant", module.output_quant, total)
        return total

    def _arithmetic(self, node: fx.Node, name: str, operation: str) -> Flow:
        flows, values = self._operands(node), [constant(self.model, a) for a in node.args]
        known = [value for value in values if value is not None]
        if len(flows) != 1 or len(known) != 1 or flows[0].position is not None or node.kwargs:
            raise ValueError(
                f"{name} computes in floats between the quantized layers: take it out, or move it before the first quantizer."
            )
        if values[0] is not None:  # the number stands first
            operation = {"sub": "rsub", "truediv": "rtruediv"}.get(operation, operation)
        if operation == "rtruediv":
            raise ValueError(f"{name} divides a number by the input: do so before you call the model.")
        return replace(flows[0], before=(*flows[0].before, (operation, known[0])))

    # ---- the end, and what all share -----------------------------------------------------------------------------------

    def _output(self, node: fx.Node) -> None:
        result = node.args[0]
        flow = self.flows.get(result) if isinstance(result, fx.Node) else None
        if not isinstance(flow, Flow) or flow.position is None:
            raise ValueError(
                f"{type(self.model).__name__} returns no tensor that went through a quantizer: return its logits."
            )
        assert flow.meaning is not None
        if flow.floats.relu or flow.after:
            raise ValueError("the model ends in a ReLU or a pooling of accumulators: quantize them, or take it out.")
        if flow.floats.any or isinstance(flow.meaning.scale, tuple):
            layer, meaning = scores(self._name("logits"), flow.meaning, flow.floats)
            self._add(layer, (flow.position,), meaning)
        elif flow.position != len(self.steps):
            raise ValueError("the model computes layers that its output does not need: take them out.")

    def _taken(self, node: fx.Node, place: int) -> Flow:
        source = node.args[place] if len(node.args) > place else None
        flow = self.flows.get(source) if isinstance(source, fx.Node) else None
        if not isinstance(flow, Flow):
            raise ValueError(f"{node.target} takes what is no value of the network: give it the output of a layer.")
        return flow

    def _whole(self, name: str, flow: Flow) -> Meaning:
        if not flow.whole or flow.meaning is None:
            source = f"of {flow.node} " if flow.node else ""
            kind = "accumulators" if flow.sums else "floats"
            raise ValueError(
                f"{name} is given {kind} {source}without a quantizer between: put a QuantIdentity before {name}."
            )
        return flow.meaning

    def _add(self, layer: IntegerLayer, inputs: tuple[int | None, ...], meaning: Meaning) -> int:
        self.steps.append(Step(layer, tuple(i for i in inputs if i is not None)))
        self.meanings.append(meaning)
        return len(self.steps)

    def _name(self, wanted: str) -> str:
        """Return the name of a layer; one that is called again gets a number."""
        wanted = {"view": "flatten", "reshape": "flatten", "iadd": "add", "add_": "add"}.get(wanted, wanted)
        self._calls = getattr(self, "_calls", {})
        self._calls[wanted] = self._calls.get(wanted, 0) + 1
        return wanted if self._calls[wanted] == 1 else f"{wanted} ({self._calls[wanted]})"


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


def _number(scale: Tensor) -> float | tuple[float, ...]:
    return float(scale) if scale.dim() == 0 else tuple(scale.tolist())


def _format(meaning: Meaning) -> QParams:
    """Return a format that holds the integers, for their range alone."""
    low, high = min(meaning.low, meaning.zero_point), max(meaning.high, meaning.zero_point)
    bits, signed = narrowest_format(low, high)
    return QParams(1.0, meaning.zero_point, bits, signed, narrow_range=signed and low == 1 - 2 ** (bits - 1))
