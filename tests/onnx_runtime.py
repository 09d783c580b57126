"""ONNX Runtime as an oracle: one operator at a time, graph optimizations off, one thread. Shares no code with qtutor."""

import numpy
import onnxruntime
from onnx import helper

onnxruntime.set_default_logger_severity(3)  # it warns of CPUs that it does not know


def run_operator(
    name: str, inputs: dict[str, numpy.ndarray], opset: int = 21, domain: str = "", out: int = 0, **attributes
):
    """Return the first output of one ONNX operator on these arrays."""
    declared = [
        helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for key, a in inputs.items()
    ]
    result = helper.make_empty_tensor_value_info("y")
    node = helper.make_node(name, list(inputs), ["y"], domain=domain, **attributes)
    graph = helper.make_graph([node], "one_operator", declared, [result])
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[out]


def quantize_linear(x: numpy.ndarray, scale: float, zero_point: int, dtype: str) -> numpy.ndarray:
    """QuantizeLinear of float32 x; dtype int8, uint8, int16, uint16."""
    arrays = {"x": x, "scale": numpy.array(scale, numpy.float32), "zero_point": numpy.array(zero_point, dtype)}
    return run_operator("QuantizeLinear", arrays)


def qlinear_add(a, b, scales: tuple[float, float, float], zero_points: tuple[int, int, int]) -> numpy.ndarray:
    """com.microsoft.QLinearAdd of two int8 or uint8 arrays; scales and zero points of a, b and the sum."""
    arrays = {}
    for key, values, scale, zero_point in zip("ab", (a, b), scales, zero_points, strict=False):
        arrays |= {
            key: values,
            f"{key}_scale": numpy.array(scale, numpy.float32),
            f"{key}_zero": numpy.array(zero_point, a.dtype),
        }
    arrays |= {"c_scale": numpy.array(scales[2], numpy.float32), "c_zero": numpy.array(zero_points[2], a.dtype)}
    return run_operator("QLinearAdd", arrays, domain="com.microsoft")
