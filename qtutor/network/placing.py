"""One layer after the other into an integer network: what each needs of the value before it, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from brevitas import nn as qnn
from brevitas.quant_tensor import IntQuantTensor
from torch import Tensor

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
    called,
)
from qtutor.network.integer_network import InputStage, IntegerNetwork, Meaning, Step
from qtutor.network.rescaling import Floats, requantizer, scores
from qtutor.network.tracing import numbered


@dataclass(frozen=True, eq=False)
class Flow:
    """A value on its way: what it is, and what the model did to it since it last was integers.

    position   which value of the network it is; None: still floats, before the first quantizer
    meaning    of the integers
    sums       accumulators: only a quantizer may take them
    floats     what Brevitas does in floats from these integers on, up to now
    after      integer layers that follow the quantizer to come: pooling and flattening change places with it
    before     float operations before the first quantizer
    plain      a tensor without scale in the model, so that a bias cannot take its own from it
    node       the layer that it comes from, for messages
    """

    position: int | None = None
    meaning: Meaning | None = None
    sums: bool = False
    floats: Floats = field(default_factory=Floats)
    after: tuple[IntegerLayer, ...] = ()
    before: tuple[tuple[str, float], ...] = ()
    plain: bool = True
    node: str = ""

    @property
    def whole(self) -> bool:
        """Whether it is integers that a layer can take."""
        return self.position is not None and not self.sums and not self.floats.any and not self.after


class Placer:
    """A network that grows by a layer at each call; every method takes flows and returns the flow behind its layer.

    image   asked for the (height, width) of the images that a layer is given, where it averages all of each
    raises  ValueError, naming the layer and the way out, wherever integers cannot do what the layer does
    """

    def __init__(self, image: Callable[[str], tuple[int, int]]) -> None:
        self.image = image
        self.input: InputStage | None = None
        self.steps: list[Step] = []
        self.meanings: list[Meaning] = []
        self.places: list[tuple[str, int]] = []
        self.calls: dict[str, int] = {}

    def weighted(self, name: str, path: str, module: Any, flow: Flow) -> Flow:
        """Place a linear or convolution layer, which stands at path, and the quantizers that it has inside."""
        if module.input_quant.is_quant_enabled:
            flow = self.quantized(self.name(f"{path}.input_quant"), module.input_quant, flow)
        x = self._whole(name, flow)
        if flow.plain and module.bias is not None and module.bias_quant.requires_input_scale:
            raise ValueError(
                f"{name} has a bias that takes its scale from the input, which comes without one: "
                "use return_quant_tensor=True in the layer before it."
            )
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
        low, high = accumulator_range(held.integers, x.format, whole_bias, held.zero_point)
        position = self._add(layer, (flow.position,), Meaning(_number(scale), 0, low, high))
        self.places.append((name, position))
        floats = Floats(bias=float_bias)
        result = Flow(position, self.meanings[position], True, floats, node=name)
        if module.output_quant.is_quant_enabled:
            result = self.quantized(self.name(f"{path}.output_quant"), module.output_quant, result)
        return replace(result, plain=not module.return_quant_tensor)

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

    def quantized(self, name: str, proxy: Any, flow: Flow) -> Flow:
        """Place a quantizer: the network's input, or the way back from accumulators."""
        quantizer = quantizers.activation(proxy, name)
        if flow.position is None:
            return self._first(name, quantizer, flow)
        assert flow.meaning is not None
        meaning = quantizer.meaning
        if quantizer.relu or flow.floats.relu:
            meaning = _behind_relu(name, meaning)
        layer = requantizer(name, flow.meaning, flow.floats, meaning, quantizer.rounding, proxy)
        position = self._add(layer, (flow.position,), meaning)
        return self._settled(name, position, meaning, flow.after)

    def _first(self, name: str, quantizer: quantizers.Activation, flow: Flow) -> Flow:
        if self.input is not None:
            raise ValueError(
                f"{name} is a second quantizer of the network's input, after {self.input.name}: quantize the input once."
            )
        if quantizer.relu or flow.floats.relu:
            raise ValueError(f"{name} applies a ReLU to the network's input: begin with a QuantIdentity.")
        self.input = InputStage(name, flow.before, quantizer.meaning, quantizer.rounding)
        self.meanings.append(quantizer.meaning)
        return self._settled(name, 0, quantizer.meaning, flow.after)

    def _settled(self, name: str, position: int, meaning: Meaning, after: tuple[IntegerLayer, ...]) -> Flow:
        """Place the layers that waited for their quantizer."""
        for later in after:
            placed = replace(later, lowest=meaning.low) if isinstance(later, IntegerMaxPool2d) else later
            position = self._add(placed, (position,), meaning)
        self.places.append((name, position))
        return Flow(position, meaning, plain=False, node=name)

    def affine(self, name: str, module: Any, flow: Flow) -> Flow:
        """Note a batch normalization: the next quantizer's multiplier takes it in."""
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
        if not all(bool(values.isfinite().all()) for values in floats.line()):
            raise ValueError(f"{name} holds a number that is NaN or infinite: train it again.")
        if flow.after and bool((floats.gains() < 0).any()):
            raise ValueError(f"{name} has a negative gain and comes after a max pool: move it before the pool.")
        return replace(flow, floats=floats, plain=True)

    def relu(self, name: str, flow: Flow) -> Flow:
        """Note a ReLU: the next quantizer stops at the integer of real zero."""
        if flow.position is None:
            raise ValueError(f"{name} is a ReLU of the network's input, in floats: begin with a QuantIdentity.")
        return replace(flow, floats=replace(flow.floats, relu=True))

    def then(self, name: str, layer: IntegerLayer, flow: Flow) -> Flow:
        """Place a layer that treats integers and reals alike: now where there are integers, else after the quantizer."""
        if not flow.whole:
            return replace(flow, after=(*flow.after, layer))
        assert flow.meaning is not None
        if isinstance(layer, IntegerMaxPool2d):
            layer = replace(layer, lowest=flow.meaning.low)
        return replace(flow, position=self._add(layer, (flow.position,), flow.meaning))

    def max_pool(
        self, name: str, flow: Flow, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool, indices: bool
    ) -> Flow:
        """Place a max pool."""
        if pair(dilation, "dilation", 1) != (1, 1) or ceil or indices:
            raise ValueError(f"{name} has a dilation, ceil_mode or return_indices: use a plain max pool.")
        size = pair(kernel, "kernel_size", 1)
        steps = size if stride is None else pair(stride, "stride", 1)
        return self.then(name, IntegerMaxPool2d(name, size, steps, pair(padding, "padding", 0), 0), flow)

    def average(self, name: str, flow: Flow, kernel: Any, stride: Any, padding: Any, ceil: bool, divisor: Any) -> Flow:
        """Place an average pool: the sum of each window, on a scale so much finer. No size: of the whole image."""
        if pair(padding, "padding", 0) != (0, 0) or ceil or divisor:
            raise ValueError(f"{name} has a padding, ceil_mode or divisor_override: use a plain average pool.")
        x = self._whole(name, flow)
        size = self.image(name) if kernel is None else pair(kernel, "kernel_size", 1)
        count = size[0] * size[1]
        layer = IntegerSumPool2d(name, size, size if stride is None else pair(stride, "stride", 1), kernel is None)
        meaning = Meaning(x.scale / count, x.zero_point * count, x.low * count, x.high * count)  # type: ignore[operator]
        return Flow(self._add(layer, (flow.position,), meaning), meaning, plain=flow.plain, node=name)

    def total(self, name: str, a: Flow, b: Flow) -> Flow:
        """Place a sum of two values on one scale."""
        x, y = self._whole(name, a), self._whole(name, b)
        if x.scale != y.scale:
            raise ValueError(
                f"{name} adds {a.node} of scale {x.scale} and {b.node} of scale {y.scale}, and an integer adder needs one: "
                "send both through the same QuantIdentity first."
            )
        meaning = Meaning(x.scale, x.zero_point + y.zero_point, x.low + y.low, x.high + y.high)
        position = self._add(IntegerAdd(name), (a.position, b.position), meaning)
        return Flow(position, meaning, plain=a.plain or b.plain, node=name)

    def element_add(self, name: str, path: str, module: Any, a: Flow, b: Flow) -> Flow:
        """Place Brevitas's layer for sums, which stands at path, and the quantizers that it has inside."""
        if module.input_quant.is_quant_enabled:
            a, b = (self.quantized(self.name(f"{path}.input_quant"), module.input_quant, side) for side in (a, b))
        result = self.total(name, a, b)
        if module.output_quant.is_quant_enabled:
            result = self.quantized(self.name(f"{path}.output_quant"), module.output_quant, result)
        return replace(result, plain=not module.return_quant_tensor)

    def _whole(self, name: str, flow: Flow) -> Meaning:
        if not flow.whole or flow.meaning is None:
            source = f"of {called(flow.node)} " if flow.node else ""
            kind = "accumulators" if flow.sums else "floats"
            raise ValueError(
                f"{name} is given {kind} {source}without a quantizer between: put a QuantIdentity before it."
            )
        return flow.meaning

    def _add(self, layer: IntegerLayer, inputs: tuple[int | None, ...], meaning: Meaning) -> int:
        self.steps.append(Step(layer, tuple(i for i in inputs if i is not None)))
        self.meanings.append(meaning)
        return len(self.steps)

    def name(self, wanted: str) -> str:
        """Return the name of a layer; one that is called again gets a number."""
        return numbered(wanted, self.calls)

    def network(self, last: Flow) -> IntegerNetwork:
        """Return the network whose result is the last flow."""
        if self.input is None or last.position is None or last.meaning is None:
            raise ValueError(
                "the model has no quantizer: begin it with a QuantIdentity, so that its input is integers."
            )
        last = self._scored(last)
        if last.position != len(self.steps):
            raise ValueError("the model computes layers that its output does not need: take them out.")
        return IntegerNetwork(self.input, tuple(self.steps), tuple(self.meanings), tuple(self.places))

    def _scored(self, last: Flow) -> Flow:
        """Return the last flow with its sums in one unit, and flattened where the model flattens them."""
        assert last.meaning is not None
        if last.floats.relu or not all(isinstance(layer, IntegerFlatten) for layer in last.after):
            raise ValueError(
                f"the model ends in a ReLU or a pooling of the sums of {called(last.node)}: quantize them, or take it out."
            )
        position, meaning = last.position, last.meaning
        if last.floats.any or isinstance(meaning.scale, tuple):
            layer, meaning = scores(self.name("logits"), meaning, last.floats)
            position = self._add(layer, (position,), meaning)
        for later in last.after:
            position = self._add(later, (position,), meaning)
        return Flow(position, meaning, node=last.node)


def _behind_relu(name: str, meaning: Meaning) -> Meaning:
    """Return what is left of a quantizer's integers where nothing below real zero comes in."""
    if meaning.bipolar:
        raise ValueError(f"{name} takes the sign of what a ReLU gives, which is +1 always: take the ReLU out.")
    low = max(meaning.low, meaning.zero_point)
    if low == meaning.high:
        raise ValueError(
            f"{name} has only the integer {low} left after a ReLU: use an unsigned quantizer, or more bits."
        )
    return replace(meaning, low=low)


def _number(scale: Tensor) -> float | tuple[float, ...]:
    return float(scale) if scale.dim() == 0 else tuple(scale.tolist())
