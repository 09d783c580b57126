"""ONNX files run by ONNX Runtime and by qonnx's executor, their integers beside ours, place by place."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from qtutor.network.checks import require_network
from qtutor.network.comparison import distance_to_tie, values_on
from qtutor.network.integer_layers import IntegerRequantize, along_channels
from qtutor.network.integer_network import IntegerNetwork
from qtutor.network.onnx_files import QONNX, load_onnx
from qtutor.network.tracing import numbered

if TYPE_CHECKING:
    from onnx import ModelProto

ROWS = 32  # inputs that are run at once: thresholds of 8 bits compare each accumulator with 255 numbers

SUMS = ("MatMul", "Gemm", "Conv")


@dataclass(frozen=True)
class OnnxPlace:
    """One layer's integers in an ONNX file, beside ours.

    name        of the layer or quantizer in the model
    count       integers compared
    differing   how many are not ours where our layer is given the file's own integers
    travelled   how many are not where both run on their own from the input
    farthest    how far, among those of `differing`, the accumulator that is farthest from a tie lies from it, in steps of
                the output; None where none differs, where the layer does not round, and where an optimized file no longer
                shows what the layer was given
    """

    name: str
    count: int
    differing: int
    travelled: int
    farthest: float | None = None


def run_onnx(source: str | Path | ModelProto, x: Tensor, optimized: bool = False) -> dict[str, Tensor]:
    """Return what every place of the network holds when the file runs: integers, and the sums of layers in real units.

    source     a path or a loaded model: of export_qcdq or export_integers, run by ONNX Runtime on one thread; or of
               export_qonnx, run by qonnx's executor
    x          the file's inputs [N, ...]
    optimized  let ONNX Runtime rewrite the graph first. Every place is then read in the graph that it made, and what it
               no longer computes is not there. qonnx's executor has no such step
    returns    int64 tensors by the name of the quantizer (QCDQ, QONNX) or layer (integers); float32 tensors for what the
               file holds in real units: the sums of linear and convolution layers, by the layer's name, and in an
               optimized file the network's last integers
    raises     TypeError for another type of x; ValueError for a file of another kind (see load_onnx), another shape of x,
               and where a QONNX file is to be optimized

    With optimizations ONNX Runtime computes in integers where the file says floats (MatMulIntegerToFloat, QGemm,
    QLinearConv, QLinearAdd). Three things change: a float bias is rounded to whole steps of the accumulators first; they
    are rescaled in float32 by one product of scales; and uint8 activations meet int8 weights, which CPUs with VNNI
    multiply exactly, while other x86 CPUs saturate pairs of products at 16 bits, so that 8-bit activations come out far
    off. Without optimizations it computes in float32, as Brevitas does, in another order.
    """
    model = load_onnx(source)
    _require_input(model, x)
    x = x.detach()  # numpy takes no tensor that gradients go through
    if any(node.domain == QONNX for node in model.graph.node):
        if optimized:
            raise ValueError("optimized=True is ONNX Runtime's, and it cannot run QONNX files: use optimized=False.")
        return _named(model, _run_qonnx(model, x))
    places = dict(_places(model))
    ran = _optimized(model) if optimized else model
    held = {output for node in ran.graph.node for output in node.output}
    wanted = [tensor for tensor in places if tensor in held]
    return _named(model, _run_pieces(_with_outputs(ran, wanted), x, wanted))


def _require_input(model: ModelProto, x: Tensor) -> None:
    import onnx

    if not isinstance(x, Tensor):
        raise TypeError(f"x is a {type(x).__name__}: give a tensor.")
    given = model.graph.input[0].type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(given.elem_type)
    if str(x.dtype) != f"torch.{dtype}":
        raise TypeError(
            f"x is {x.dtype}, and the file takes {dtype}: "
            + ("give reals, x.float()." if dtype == "float32" else "net.quantize_input makes integers of reals.")
        )
    shape = [d.dim_value or None for d in given.shape.dim]
    if len(shape) != x.dim() or any(d not in (None, n) for d, n in zip(shape, x.shape, strict=True)):
        wanted = ", ".join("N" if d is None else str(d) for d in shape)
        raise ValueError(f"x has shape {list(x.shape)}, and the file takes [{wanted}]: reshape it.")


# ---- which tensor is which place --------------------------------------------------------------------------------------


def _places(model: ModelProto) -> Iterator[tuple[str, str]]:
    """Yield (tensor of the file, name of the place in the model): quantizers' integers, and layers' sums."""
    if model.producer_name == "qtutor":
        yield from ((node.output[0], node.output[0]) for node in model.graph.node if node.output[0] != node.name)
        return
    calls: dict[str, int] = {}
    makers = {output: node for node in model.graph.node for output in node.output}
    for node in model.graph.node:
        name = _module(node.name)
        if node.op_type in ("DequantizeLinear", "Quant", "BipolarQuant") and _is_activation(name):
            tensor = node.input[0] if node.op_type == "DequantizeLinear" else node.output[0]
        elif node.op_type in SUMS:
            name, tensor = _layer(node, makers), node.output[0]
        else:
            continue
        name = name.removesuffix(".act_quant")
        called = numbered(name, calls)
        yield tensor, called
        if node.output[0] == model.graph.output[0].name != tensor:
            yield node.output[0], called  # in real units, where an optimized graph has its integers no more


def _module(path: str) -> str:
    """Return the module's name in a node's name, as torch's exporter writes it.

    >>> _module("/blocks/blocks.0/conv1/Conv"), _module("/relu1/act_quant/export_handler_1/QuantizeLinear")
    ('blocks.0.conv1', 'relu1.act_quant')
    """
    parts: list[str] = []
    for part in path.strip("/").split("/")[:-1]:
        if part.startswith("export_handler"):
            break
        if parts and part.startswith(f"{parts[-1]}."):  # an element of a Sequential is named with its parent's name
            parts.pop()
        parts.append(part)
    return ".".join(parts)


def _layer(node: Any, makers: dict[str, Any]) -> str:
    """Return the layer whose sums a node computes: its weights are named after it, also where it is called again."""
    weight = makers.get(node.input[1], node)
    if weight.op_type == "Transpose":
        weight = makers.get(weight.input[0], node)
    name = _module(weight.name)
    return name.removesuffix(".weight_quant") if name.endswith(".weight_quant") else _module(node.name)


def _is_activation(name: str) -> bool:
    return name.endswith(("act_quant", "input_quant", "output_quant"))


def _named(model: ModelProto, tensors: dict[str, Any]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for tensor, name in _places(model):
        if tensor in tensors:
            values = torch.from_numpy(tensors[tensor])
            found.setdefault(name, values if values.is_floating_point() else values.to(torch.int64))
    return found


# ---- ONNX Runtime -----------------------------------------------------------------------------------------------------


def session(model: ModelProto, optimize: bool, written: Path | None = None) -> Any:
    """Return a silent ONNX Runtime session of one thread; `written` is where it writes the graph that it runs."""
    import onnxruntime

    levels, options = onnxruntime.GraphOptimizationLevel, onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = 1, 1
    options.log_severity_level = 3  # errors only
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimize else levels.ORT_DISABLE_ALL
    if written:
        options.optimized_model_filepath = str(written)
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own kinds, of no common class
        reason = str(error).strip().split("\n")[0]
        raise ValueError(f"ONNX Runtime refuses the file ({reason}): export the model anew.") from None


def _optimized(model: ModelProto) -> ModelProto:
    """Return the graph that ONNX Runtime makes of a file, with its own operators in it."""
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optimized.onnx"
        session(model, optimize=True, written=path)
        return onnx.load(str(path))


def _with_outputs(model: ModelProto, tensors: list[str]) -> ModelProto:
    """Return a copy whose outputs are these tensors."""
    from onnx import helper

    copied = type(model)()
    copied.CopyFrom(model)
    del copied.graph.output[:]
    copied.graph.output.extend(helper.make_empty_tensor_value_info(tensor) for tensor in tensors)
    return copied


def _run_pieces(model: ModelProto, x: Tensor, tensors: list[str]) -> dict[str, Any]:
    runner, name = session(model, optimize=False), model.graph.input[0].name
    pieces = [runner.run(tensors, {name: piece.numpy()}) for piece in torch.split(x, ROWS)]
    return {
        tensor: torch.cat([torch.from_numpy(piece[i]) for piece in pieces]).numpy() for i, tensor in enumerate(tensors)
    }


# ---- qonnx ------------------------------------------------------------------------------------------------------------


def _run_qonnx(model: ModelProto, x: Tensor) -> dict[str, Any]:
    """Return every tensor of the file; those of activation quantizers as the integers that they stand for."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx

    sized = ModelWrapper(_sized(model, len(x)))
    context = execute_onnx(sized, {model.graph.input[0].name: x.numpy()}, return_full_exec_context=True)
    for node in model.graph.node:
        if node.domain == QONNX and _is_activation(_module(node.name)):
            scale, zero_point = context[node.input[1]], context[node.input[2]] if node.op_type == "Quant" else 0
            steps = context[node.output[0]].astype("float64") / scale.astype("float64") + zero_point
            context[node.output[0]] = steps.round().astype("int64")
    return dict(context)


def _sized(model: ModelProto, rows: int) -> ModelProto:
    """Return a copy for exactly `rows` inputs, the shape of every tensor in it: the executor asks for them."""
    import onnx

    sized, plain = type(model)(), type(model)()
    sized.CopyFrom(model)
    sized.graph.input[0].type.tensor_type.shape.dim[0].dim_value = rows
    del sized.graph.value_info[:]
    sized.graph.output[0].type.tensor_type.ClearField("shape")
    plain.CopyFrom(sized)
    for node in plain.graph.node:
        if node.domain == QONNX:  # which keeps the shape of its input
            node.CopyFrom(onnx.helper.make_node("Identity", [node.input[0]], [node.output[0]]))
    inferred = onnx.shape_inference.infer_shapes(plain, data_prop=True)
    sized.graph.value_info.extend(inferred.graph.value_info)
    sized.graph.output[0].CopyFrom(inferred.graph.output[0])
    return sized


# ---- beside ours ------------------------------------------------------------------------------------------------------


def compare_onnx(
    net: IntegerNetwork, source: str | Path | ModelProto, x: Tensor, optimized: bool = False, route: str = "multipliers"
) -> list[OnnxPlace]:
    """Return, for each place that the file computes, how many of its integers are not the network's.

    net        what `lower` made of the model that the file was written from
    source     a path or a loaded model, as run_onnx takes it
    x          the model's inputs, floats; for a file of export_integers they become net.quantize_input(x)
    optimized  as for run_onnx
    route      of the network
    returns    places in the order of the network. Sums in real units are compared as round(sum / scale)
    raises     what run_onnx raises, TypeError for what is no network, and ValueError where the file has no place of the
               network

    In float32 a sum of products depends on its order, so near a tie a file's integer may be one off ours: `farthest` says
    how near. Integers of export_integers never differ.

    >>> from qtutor.network import load_checkpoint, load_pixels, lower
    >>> from qtutor.network.onnx_files import export_qcdq
    >>> model, x = load_checkpoint("mlp_w2a2"), load_pixels()[0][:5].reshape(5, 1, 8, 8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     compare_onnx(lower(model), export_qcdq(model, x, Path(folder) / "mlp.onnx"), x)[1]
    OnnxPlace(name='fc1', count=320, differing=0, travelled=0, farthest=None)
    """
    q = require_network(net).quantize_input(x)
    model = load_onnx(source)
    theirs = _integers(net, model, run_onnx(model, q if model.producer_name == "qtutor" else x, optimized))
    if not theirs:
        raise ValueError(
            f"the file has no place that is called as one of {', '.join(net.names)}: it is another model's."
        )
    known = {position: values for _, position, values in theirs}
    alone, led = net.values(q, route), values_on(net, q, route, known)
    travelled = {place: int((alone[place].to(torch.int64) != values).sum()) for _, place, values in theirs}
    return [_compared(net, name, place, travelled[place], known, led) for name, place, _ in theirs]


def _integers(net: IntegerNetwork, model: ModelProto, found: dict[str, Tensor]) -> list[tuple[str, int, Tensor]]:
    """Return (name, position, integers) of each place that both know, sums divided by their scale."""
    own = model.producer_name == "qtutor"
    places = [(name, position) for position, name in enumerate(net.names)] if own else net.places
    result = []
    for name, position in places:
        called = name if own else name.replace("/", ".")  # torch's exporter puts "/" between a module and its parts
        if called in found:
            values = found[called]
            whole = _steps(net, model, called, position, values) if values.is_floating_point() else values
            if whole is not None:
                result.append((name, position, whole))
    return result


def _steps(net: IntegerNetwork, model: ModelProto, called: str, position: int, sums: Tensor) -> Tensor | None:
    """Return reals as integers; None where they are sums and the file adds a bias that has a scale of its own."""
    floats, meaning = sums.double(), net.meanings[position]
    tensor = next(tensor for tensor, place in _places(model) if place == called)
    node = next(n for n in model.graph.node if tensor in n.output)
    if node.op_type in SUMS and len(node.input) == 3 and getattr(net.steps[position - 1].layer, "bias", None) is None:
        from onnx import numpy_helper

        stored = [t for t in model.graph.initializer if t.name == node.input[2]]
        if not stored:
            return None
        floats = floats - along_channels(torch.from_numpy(numpy_helper.to_array(stored[0]).copy()).double(), floats)
    scale = torch.tensor(meaning.scale, dtype=torch.float64).reshape(-1)
    return torch.round(floats / along_channels(scale, floats)).to(torch.int64) + meaning.zero_point


def _compared(
    net: IntegerNetwork, name: str, position: int, travelled: int, known: dict[int, Tensor], led: list[Tensor]
) -> OnnxPlace:
    theirs, farthest = known[position], None
    apart = led[position].to(torch.int64) != theirs
    step = net.steps[position - 1] if position else None
    if step and isinstance(step.layer, IntegerRequantize) and bool(apart.any()) and _seen(net, step.inputs[0], known):
        given = known.get(step.inputs[0], led[step.inputs[0]])
        farthest = float(distance_to_tie(step.layer, given)[apart].max())
    return OnnxPlace(name, theirs.numel(), int(apart.sum()), travelled, farthest)


def _seen(net: IntegerNetwork, position: int, known: dict[int, Tensor]) -> bool:
    """Whether a value is the file's own, or follows from values that are without rounding."""
    if position == 0 or position in known:
        return True
    step = net.steps[position - 1]
    return not isinstance(step.layer, IntegerRequantize) and all(_seen(net, i, known) for i in step.inputs)
