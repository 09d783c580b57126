"""The same functions as other people's code computes them: what `check` asks last."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor


def onnx_quantize(x: Tensor, scale: float, zero_point: int, signed: bool) -> Tensor:
    """Return ONNX Runtime's QuantizeLinear of a float32 tensor to 8 bits."""
    model = onnx_session("QuantizeLinear", "FLOAT", "INT8" if signed else "UINT8")
    return onnx_run(model, x.to(torch.float32), scale, torch.int8 if signed else torch.uint8, zero_point)


def onnx_dequantize(q: Tensor, scale: float, zero_point: int) -> Tensor:
    """Return ONNX Runtime's DequantizeLinear of a uint8 or int8 tensor."""
    model = onnx_session("DequantizeLinear", "INT8" if q.dtype == torch.int8 else "UINT8", "FLOAT")
    return onnx_run(model, q, scale, q.dtype, zero_point)


def onnx_run(model: Any, x: Tensor, scale: float, integers: torch.dtype, zero_point: int) -> Tensor:
    """Return the output of a model with inputs x, scale and zero point."""
    numbers = torch.tensor(scale, dtype=torch.float32), torch.tensor(zero_point, dtype=integers)
    values = (value.numpy() for value in (x, *numbers))
    (result,) = model.run(None, dict(zip(("x", "scale", "zero_point"), values, strict=True)))
    return torch.from_numpy(result)


@cache
def onnx_session(operator: str, type_in: str, type_out: str) -> Any:
    """Return an ONNX Runtime session that holds one operator."""
    integers = type_in if type_in != "FLOAT" else type_out
    types = {"x": type_in, "scale": "FLOAT", "zero_point": integers}
    return session_of(operator, types, {"x": None}, type_out)


def session_of(operator: str, types: dict[str, str], shapes: dict[str, Any], type_out: str) -> Any:
    """Return an ONNX Runtime session that holds one operator; inputs that `shapes` does not name are single numbers."""
    import onnxruntime
    from onnx import TensorProto, helper

    inputs = [
        helper.make_tensor_value_info(name, TensorProto.DataType.Value(kind), shapes.get(name, []))
        for name, kind in types.items()
    ]
    output = helper.make_tensor_value_info("y", TensorProto.DataType.Value(type_out), None)
    graph = helper.make_graph([helper.make_node(operator, list(types), ["y"])], operator, inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def brevitas_integers(value: Tensor, scale: float, zero_point: int) -> Tensor:
    """Return Brevitas's integers of a value: its division, its zero point, its rounding."""
    from brevitas.function.ops_ste import round_ste
    from brevitas.quant_tensor import IntQuantTensor

    made = IntQuantTensor(
        value=value, scale=scale, zero_point=float(zero_point), bit_width=32.0, signed=True, training=False
    )
    integers: Tensor = round_ste(made._pre_round_int_value).to(torch.int32)
    return integers


def onnx_dot(x: Tensor, w: Tensor, x_zero_point: int, w_zero_point: int) -> int:
    """Return ONNX Runtime's MatMulInteger of a row by a column. (int8 by int8: exact on every CPU.)"""
    return int(onnx_matmul_integer(x.reshape(1, -1), w.reshape(-1, 1), x_zero_point, w_zero_point))


def onnx_matmul_integer(x: Tensor, w: Tensor, x_zero_point: int = 0, w_zero_point: int = 0) -> Tensor:
    """Return ONNX Runtime's MatMulInteger of two matrices of uint8 or int8, as this machine computes it."""
    names = ["UINT8" if operand.dtype == torch.uint8 else "INT8" for operand in (x, w)]
    zeros = torch.tensor(x_zero_point, dtype=x.dtype), torch.tensor(w_zero_point, dtype=w.dtype)
    inputs = {"x": x, "w": w, "x_zero_point": zeros[0], "w_zero_point": zeros[1]}
    (result,) = matmul_session(*names).run(None, {name: value.numpy() for name, value in inputs.items()})
    return torch.from_numpy(result)


@cache
def matmul_session(type_x: str, type_w: str) -> Any:
    """Return an ONNX Runtime session that holds one MatMulInteger of any two matrices."""
    types = {"x": type_x, "w": type_w, "x_zero_point": type_x, "w_zero_point": type_w}
    return session_of("MatMulInteger", types, {"x": ["m", "k"], "w": ["k", "n"]}, "INT32")


def onnx_dynamic_format(low: float, high: float, bit_width: int, signed: bool) -> tuple[float, int]:
    """Return the scale and zero point that ONNX Runtime's DynamicQuantizeLinear chooses for low … high: 8 bits unsigned."""
    found = onnx_dynamic_session().run(None, {"x": torch.tensor([low, high], dtype=torch.float32).numpy()})
    return float(found[0]), int(found[1])


@cache
def onnx_dynamic_session() -> Any:
    """Return an ONNX Runtime session that holds DynamicQuantizeLinear, with its scale and zero point as outputs."""
    import onnxruntime
    from onnx import TensorProto, helper

    made = [("scale", TensorProto.FLOAT), ("zero_point", TensorProto.UINT8)]
    node = helper.make_node("DynamicQuantizeLinear", ["x"], ["y", "scale", "zero_point"])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
    outputs = [helper.make_tensor_value_info(name, kind, []) for name, kind in made]
    graph = helper.make_graph([node], "format", [x], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def brevitas_channel_scales(weight: Tensor, bit_width: int) -> Tensor:
    """Return the scales that Brevitas's Int8WeightPerChannelFloat gives a linear layer's weight."""
    from brevitas.nn import QuantLinear
    from brevitas.quant import Int8WeightPerChannelFloat

    rows, columns = weight.shape
    with torch.random.fork_rng(
        devices=[]
    ):  # a layer begins with random weights; the reader's numbers go on as they were
        layer = QuantLinear(columns, rows, False, weight_quant=Int8WeightPerChannelFloat, weight_bit_width=bit_width)
    layer.weight.data = weight
    scale: Tensor = layer.quant_weight().scale.detach().reshape(-1)
    return scale


def torch_fake_quantize(x: Tensor, scale: float, bit_width: int) -> Tensor:
    """Return PyTorch's own fake quantization to signed integers, with the gradient that it defines."""
    low, high = -(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1
    return torch.fake_quantize_per_tensor_affine(x, scale, 0, low, high)


def torch_folded(
    weight: Tensor, bias: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Return what PyTorch makes of a linear layer and batch normalization."""
    from torch.nn.utils.fusion import fuse_linear_bn_weights

    return fuse_linear_bn_weights(weight, bias, mean, variance, eps, gamma, beta)


def onnx_integer_layer(
    x: Tensor, weight: Tensor, mantissa: Tensor, offset: Tensor, shift: int, low: int, high: int
) -> Tensor:
    """Return a layer's integers by ONNX Runtime's QLinearConv of 1 × 1, int8 throughout.

    Its bias is counted in accumulators, so that every offset must be a multiple of its mantissa, 1 or more; low and high
    are the ends of int8.
    """
    scales = (mantissa.double() / 2**shift).to(torch.float32)
    inputs = {
        "x": x.to(torch.int8)[..., None, None],
        "x_scale": torch.tensor(1.0, dtype=torch.float32),
        "x_zero_point": torch.tensor(0, dtype=torch.int8),
        "w": weight.to(torch.int8)[..., None, None],
        "w_scale": scales,
        "w_zero_point": torch.zeros(len(weight), dtype=torch.int8),
        "y_scale": torch.tensor(1.0, dtype=torch.float32),
        "y_zero_point": torch.tensor(0, dtype=torch.int8),
        "bias": (offset // mantissa).to(torch.int32),
    }
    (result,) = qlinear_conv_session(*weight.shape).run(None, {name: value.numpy() for name, value in inputs.items()})
    return torch.from_numpy(result)[..., 0, 0]


@cache
def qlinear_conv_session(outputs: int, inputs: int) -> Any:
    """Return an ONNX Runtime session that holds one QLinearConv of 1 × 1 images."""
    types = {"x": "INT8", "x_scale": "FLOAT", "x_zero_point": "INT8", "w": "INT8", "w_scale": "FLOAT",
             "w_zero_point": "INT8", "y_scale": "FLOAT", "y_zero_point": "INT8", "bias": "INT32"}  # fmt: skip
    shapes = {"x": ["n", inputs, 1, 1], "w": [outputs, inputs, 1, 1], "w_scale": [outputs], "w_zero_point": [outputs]}
    return session_of("QLinearConv", types, {**shapes, "bias": [outputs]}, "INT8")


def onnx_thresholds(mantissa: int, offset: int, shift: int, low: int, high: int) -> list[int]:
    """Return the first of the accumulators −500 … 500 that ONNX Runtime's QuantizeLinear gives each level above low."""
    accumulators = torch.arange(-500, 501)
    reached = onnx_quantize((accumulators * mantissa + offset).float(), 2.0**shift, 0, True)
    return [int(accumulators[reached >= level][0]) for level in range(low + 1, high + 1)]
