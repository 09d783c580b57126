"""The integer-only network as an ONNX file in which there is no float: `export_integers`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from qtutor.network.checks import require_batch, require_network
from qtutor.network.integer_layers import (
    ROUTES,
    IntegerAdd,
    IntegerConv2d,
    IntegerFlatten,
    IntegerLinear,
    IntegerMaxPool2d,
    IntegerRequantize,
    IntegerScores,
    IntegerSumPool2d,
    container,
)
from qtutor.network.integer_network import IntegerNetwork, Meaning, Step
from qtutor.network.onnx_files import IR_VERSION, OPSET, save

if TYPE_CHECKING:
    from onnx import ModelProto

INT8, INT32, INT64 = torch.int8, torch.int32, torch.int64


def export_integers(net: IntegerNetwork, q: Tensor, path: str | Path, route: str = "multipliers") -> Path:
    """Write the network as standard ONNX operators on integers: whoever runs the file gets the integers of net(q, route).

    net      what `lower` returns
    q        integers [N, ...] as net.quantize_input gives them: their shape is the file's, any number of them
    path     the file to write
    route    multipliers: int64 Mul, Add, and an exact division by 2**shift, rounded as the layer says.
             thresholds: GreaterOrEqual and ReduceSum, low + how many are reached; at 8 bits each accumulator meets
             255 of them at once, so run few inputs at a time
    returns  path. The file's input and its tensors have the layers' names, as in net.trace(q)
    raises   TypeError for what is no network or no tensor; ValueError for a network without layers, another route,
             integers out of range, sums beyond 32 bits, and a convolution or pooling of more than 8 bits
    source   products are int8 × int8 and never uint8 × int8, which ONNX Runtime saturates on CPUs without VNNI: values
             above 127 are moved down by 128, and their zero point with them. ConvInteger pads with that zero point

    >>> import onnx, tempfile
    >>> from qtutor.network import load_checkpoint, lower
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net, q = lower(load_checkpoint("mlp_w4a4")), torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    ...     file = onnx.load(export_integers(net, q, Path(folder) / "mlp.onnx", route="thresholds"))
    >>> [node.op_type for node in file.graph.node][:6]
    ['Flatten', 'Cast', 'MatMulInteger', 'Cast', 'Unsqueeze', 'GreaterOrEqual']
    """
    if route not in ROUTES:
        raise ValueError(f"route {route!r} is no way through the network: use one of {', '.join(ROUTES)}.")
    if not require_network(net).steps:
        raise ValueError("the network has no layers after its input quantizer: there is nothing to write as ONNX.")
    return save(_Writer(net, net.values(require_batch(q)[:1]), route).model(), path)


class _Writer:
    """Collects nodes and constants: a value of the network is known by its position, a tensor of the file by its name."""

    def __init__(self, net: IntegerNetwork, values: list[Tensor], route: str) -> None:
        self.net, self.values, self.route = net, values, route
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.name = net.input.name

    def model(self) -> ModelProto:
        from onnx import helper, shape_inference

        for step in self.net.steps:
            self.name = step.layer.name
            self._step(step)
            self.nodes[-1].output[0] = step.layer.name
        given = self._declared(self.net.input.name, self.values[0])
        result = helper.make_empty_tensor_value_info(self.net.names[-1])
        graph = helper.make_graph(self.nodes, "integer_network", [given], [result], self.constants)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="qtutor")
        return shape_inference.infer_shapes(model, check_type=True, strict_mode=True)

    @staticmethod
    def _declared(name: str, values: Tensor) -> Any:
        from onnx import helper

        kind = helper.np_dtype_to_tensor_dtype(values.numpy().dtype)
        return helper.make_tensor_value_info(name, kind, ["N", *values.shape[1:]])

    # ---- nodes and constants ----------------------------------------------------------------------------------------

    def node(self, operator: str, *inputs: str, attributes: dict[str, Any] | None = None) -> str:
        from onnx import helper

        output = f"{self.name}/{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **(attributes or {})))
        return output

    def constant(self, values: Tensor | int, dtype: torch.dtype) -> str:
        from onnx import numpy_helper

        name = f"{self.name}/constant_{len(self.constants)}"
        array = torch.as_tensor(values).to(dtype).contiguous().numpy()
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def cast(self, x: str, dtype: torch.dtype) -> str:
        from onnx import helper

        kind = helper.np_dtype_to_tensor_dtype(torch.empty(0, dtype=dtype).numpy().dtype)
        return self.node("Cast", x, attributes={"to": kind})

    def along_channels(self, values: Tensor, position: int, dtype: torch.dtype) -> str:
        """A constant [channels] that broadcasts along dimension 1 of a value."""
        return self.constant(values.reshape(-1, *[1] * (self.values[position].dim() - 2)), dtype)

    # ---- layers: the last node that each makes is its result ---------------------------------------------------------

    def _step(self, step: Step) -> None:
        layer, first = step.layer, step.inputs[0]
        x = self.net.names[first]
        match layer:
            case IntegerLinear() | IntegerConv2d():
                self._sums(layer, first)
            case IntegerRequantize():
                self._requantize(layer, x, first)
            case IntegerScores():
                wide = self.node("Mul", self.cast(x, INT64), self.along_channels(layer.mantissa, first, INT64))
                self.node("Add", wide, self.along_channels(layer.offset, first, INT64))
            case IntegerAdd():
                self.node("Add", *(self.cast(self.net.names[i], INT32) for i in step.inputs))
            case IntegerFlatten():
                self.node("Flatten", x, attributes={"axis": 1})
            case IntegerSumPool2d() | IntegerMaxPool2d():
                self._pool(layer, x, first)

    def _sums(self, layer: IntegerLinear | IntegerConv2d, first: int) -> None:
        position = self.net.names.index(layer.name)
        meaning = self.net.meanings[position]
        if meaning.low < -(2**31) or meaning.high >= 2**31:
            raise ValueError(
                f"{layer.name} sums up to {max(-meaning.low, meaning.high)}, and ONNX adds products in 32 bits: "
                "give it fewer inputs or bits."
            )
        if isinstance(layer, IntegerConv2d):
            self._convolution(layer, first)
        else:
            self._products(layer, first)
        if layer.bias is not None:
            self.node("Add", self.nodes[-1].output[0], self.along_channels(layer.bias, position, INT32))

    def _products(self, layer: IntegerLinear, first: int) -> None:
        x, weight = self.net.names[first], layer.weight.t()
        if not _fits(self.net.meanings[first]):  # sums of an add or a pool, wider than MatMulInteger takes
            moved = self.node("Sub", self.cast(x, INT32), self.constant(layer.x_zero_point, INT32))
            self.node("MatMul", moved, self.constant(weight.to(INT32) - layer.weight_zero_point, INT32))
            return
        eight, zero_point = self._eight_bits(x, first, layer.x_zero_point)
        weights, weight_zero_point = self._eight_bit_weights(weight, layer.weight_zero_point)
        self.node("MatMulInteger", eight, weights, zero_point, weight_zero_point)

    def _convolution(self, layer: IntegerConv2d, first: int) -> None:
        eight, zero_point = self._eight_bits(self.net.names[first], first, layer.x_zero_point)
        weights, weight_zero_point = self._eight_bit_weights(layer.weight, layer.weight_zero_point)
        shape = {"strides": layer.stride, "pads": layer.padding * 2, "group": layer.groups}
        self.node("ConvInteger", eight, weights, zero_point, weight_zero_point, attributes=shape)

    def _eight_bits(self, x: str, position: int, zero_point: int) -> tuple[str, str]:
        """Return (x as int8, its zero point): where x goes past 127 both are moved down by 128."""
        self._require_eight_bits(position)
        if self.net.meanings[position].high <= 127:
            return self.cast(x, INT8), self.constant(zero_point, INT8)
        moved = self.node("Sub", self.cast(x, INT32), self.constant(128, INT32))
        return self.cast(moved, INT8), self.constant(zero_point - 128, INT8)

    def _require_eight_bits(self, position: int) -> None:
        meaning = self.net.meanings[position]
        if not _fits(meaning):
            raise ValueError(
                f"{self.name} is given integers from {meaning.low} to {meaning.high}, and ONNX's integer operators take "
                f"8 bits: put a QuantIdentity before {self.name}."
            )

    def _eight_bit_weights(self, weight: Tensor, zero_point: int) -> tuple[str, str]:
        moved = 128 if weight.dtype == torch.uint8 else 0
        return self.constant(weight.to(INT32) - moved, INT8), self.constant(zero_point - moved, INT8)

    def _pool(self, layer: IntegerSumPool2d | IntegerMaxPool2d, x: str, first: int) -> None:
        meaning, shape = self.net.meanings[first], {"kernel_shape": layer.kernel_size, "strides": layer.stride}
        if isinstance(layer, IntegerSumPool2d):
            eight, zero_point = self._eight_bits(x, first, 0)
            channels = self.values[first].shape[1]
            ones = self.constant(torch.ones(channels, 1, *layer.kernel_size), INT8)
            self.node("ConvInteger", eight, ones, zero_point, attributes=shape | {"group": channels})
        else:
            self._require_eight_bits(first)
            narrow = self.cast(x, container(meaning.low, meaning.high))
            self.node("MaxPool", narrow, attributes=shape | {"pads": layer.padding * 2})

    # ---- from accumulators to the next layer's integers -----------------------------------------------------------------

    def _requantize(self, layer: IntegerRequantize, x: str, first: int) -> None:
        steps = self._thresholds(layer, x, first) if self.route == "thresholds" else self._multiplied(layer, x, first)
        self.cast(steps, layer.dtype)

    def _multiplied(self, layer: IntegerRequantize, x: str, first: int) -> str:
        scaled = self.node("Mul", self.cast(x, INT64), self.along_channels(layer.mantissa, first, INT64))
        wide = self.node("Add", scaled, self.along_channels(layer.offset, first, INT64))
        if layer.bipolar:
            positive = self.node("GreaterOrEqual", wide, self.constant(0, INT64))
            return self.node("Where", positive, self.constant(1, INT64), self.constant(-1, INT64))
        steps = self._divided(wide, 2**layer.shift, layer.rounding) if layer.shift else wide
        return self.node("Clip", steps, self.constant(layer.low, INT64), self.constant(layer.high, INT64))

    def _divided(self, wide: str, divisor: int, rounding: str) -> str:
        """wide / divisor, rounded: exact, for ONNX's Mod has the divisor's sign, and Div of what is left drops nothing."""
        by = self.constant(divisor, INT64)
        rest = self.node("Mod", wide, by)
        floor = self.node("Div", self.node("Sub", wide, rest), by)
        if rounding == "floor":
            return floor
        up = self._goes_up(wide, rest, floor, divisor, rounding)
        return self.node("Add", floor, self.cast(up, INT64))

    def _goes_up(self, wide: str, rest: str, floor: str, divisor: int, rounding: str) -> str:
        if rounding == "half_even":
            half = self.constant(divisor // 2, INT64)
            odd = self.node("Equal", self.node("Mod", floor, self.constant(2, INT64)), self.constant(1, INT64))
            tie_of_odd = self.node("And", self.node("Equal", rest, half), odd)
            return self.node("Or", self.node("Greater", rest, half), tie_of_odd)
        zero = self.constant(0, INT64)
        inexact = self.node("Greater", rest, zero)
        return inexact if rounding == "ceil" else self.node("And", inexact, self.node("Less", wide, zero))

    def _thresholds(self, layer: IntegerRequantize, x: str, first: int) -> str:
        dtype = INT32 if int(layer.thresholds.abs().max()) < 2**31 else INT64
        turned = self.cast(x, dtype)
        if bool((layer.direction < 0).any()):
            turned = self.node("Mul", turned, self.along_channels(layer.direction, first, dtype))
        rows, levels = layer.thresholds.shape
        shape = rows, *[1] * (self.values[first].dim() - 2), levels
        column = self.node("Unsqueeze", turned, self.constant(torch.tensor([-1]), INT64))
        reached = self.node("GreaterOrEqual", column, self.constant(layer.thresholds.reshape(shape), dtype))
        count = self.node(
            "ReduceSum", self.cast(reached, INT32), self.constant(torch.tensor([-1]), INT64), attributes={"keepdims": 0}
        )
        if layer.bipolar:
            count = self.node("Mul", count, self.constant(2, INT32))
        return self.node("Add", count, self.constant(layer.low, INT32))


def _fits(meaning: Meaning) -> bool:
    """Whether 8 bits hold the integers."""
    low, high = min(meaning.low, meaning.zero_point), max(meaning.high, meaning.zero_point)
    return (low >= -128 and high <= 127) or (low >= 0 and high <= 255)
