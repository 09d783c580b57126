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
    import onnxruntime
    from onnx import TensorProto, helper

    integers = type_in if type_in != "FLOAT" else type_out
    types = {"x": type_in, "scale": "FLOAT", "zero_point": integers}
    inputs = [
        helper.make_tensor_value_info(n, TensorProto.DataType.Value(t), None if n == "x" else [])
        for n, t in types.items()
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
