"""ONNX files of quantized networks, written by Brevitas's exporters and read with care."""

from __future__ import annotations

import copy
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from qtutor.network.checks import require_evaluation, require_folder

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET, IR_VERSION = 17, 8  # of the files that are written here
OPSETS = range(13, 22)  # of the files that are read: from QuantizeLinear with an axis on
QONNX = "qonnx.custom_op.general"
QONNX_OPERATORS = ("Quant", "BipolarQuant", "Trunc")
ROUNDINGS = {"ROUND": "ROUND", "FLOOR": "FLOOR", "CEIL": "CEIL", "ROUND_TO_ZERO": "DOWN"}  # Brevitas's name, qonnx's


def export_qcdq(model: nn.Module, x: Tensor, path: str | Path) -> Path:
    """Write a Brevitas model as QuantizeLinear, Clip and DequantizeLinear around float layers: any ONNX runtime reads it.

    model    a Brevitas model in eval mode; it is copied and not changed
    x        inputs [N, ...], floats: their shape is the file's, any number of them
    path     the file to write
    returns  path. The file's input is x, its output logits, in real units
    raises   TypeError for what is no module or no floats; ValueError for a model in training mode, for 1 bit and for
             activations that are not rounded to the nearest, which QCDQ does not have, and for what else Brevitas's
             exporter refuses
    source   brevitas.export.export_onnx_qcdq

    >>> import torch
    >>> from qtutor.network import load_checkpoint
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = export_qcdq(load_checkpoint("mlp_w4a4"), torch.zeros(1, 1, 8, 8), Path(folder) / "mlp.onnx")
    ...     [node.op_type for node in load_onnx(path).graph.node][:4]
    ['Flatten', 'QuantizeLinear', 'Clip', 'DequantizeLinear']
    """
    require_evaluation(model)
    for name, proxy in _quantizers(model):
        _require_written_by_qcdq(name, proxy)
    return save(_exported("export_onnx_qcdq", model, x), path)


def export_qonnx(model: nn.Module, x: Tensor, path: str | Path) -> Path:
    """Write a Brevitas model with qonnx's operators Quant and BipolarQuant, of any width, around float layers.

    model, x, path  as for export_qcdq
    returns         path. ONNX Runtime cannot run it, qonnx's executor can
    raises          TypeError for what is no module or no floats; ValueError for a model in training mode, for 1 bit with
                    a 0 and for weights that are not rounded to the nearest, whose file would hold other integers, and for
                    what else Brevitas's exporter refuses
    source          brevitas.export.export_qonnx; Pappalardo et al., QONNX, 2022

    >>> import torch
    >>> from qtutor.network import load_checkpoint
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = export_qonnx(load_checkpoint("mlp_w1a1"), torch.zeros(1, 1, 8, 8), Path(folder) / "mlp.onnx")
    ...     [node.op_type for node in load_onnx(path).graph.node][:3]
    ['Flatten', 'Quant', 'BipolarQuant']
    """
    require_evaluation(model)
    for name, proxy in _quantizers(model):
        _require_written_by_qonnx(name, proxy)
    return save(_named_as_qonnx_does(_exported("export_qonnx", model, x)), path)


def _quantizers(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """Yield (name, proxy) of the quantizers of weights and activations."""
    from brevitas.proxy.quant_proxy import QuantProxyFromInjector

    for name, module in model.named_modules():
        if (
            isinstance(module, QuantProxyFromInjector)
            and "Bias" not in type(module).__name__
            and module.is_quant_enabled
        ):
            yield name.removesuffix(".act_quant"), module


def _require_written_by_qcdq(name: str, proxy: Any) -> None:
    if _is_one_bit(proxy):
        why = "QuantizeLinear has no −1 and +1 without a 0" if _is_bipolar(proxy) else "Brevitas's exporter writes none"
        way_out = "use export_qonnx" if _is_bipolar(proxy) else "use 2 bits"
        raise ValueError(f"{name} has 1 bit, and {why}: {way_out}, or export_integers(lower(model), ...).")
    if not _is_weight(proxy) and proxy.rounding_mode != "ROUND":  # a file holds weights that are rounded already
        raise ValueError(
            f"{name} rounds by {proxy.rounding_mode}, and QuantizeLinear to the nearest: "
            "use export_qonnx, or export_integers(lower(model), ...)."
        )


def _require_written_by_qonnx(name: str, proxy: Any) -> None:
    if _is_one_bit(proxy) and not _is_bipolar(proxy):
        raise ValueError(
            f"{name} has 1 bit with a 0, and Brevitas's exporter makes −1 and +1 of it: "
            "use 2 bits, or export_integers(lower(model), ...)."
        )
    written = ["ROUND"] if _is_weight(proxy) else list(ROUNDINGS)
    if proxy.rounding_mode not in written:
        raise ValueError(
            f"{name} rounds by {proxy.rounding_mode}, and Brevitas's exporter writes {', '.join(written)} there: "
            "use one of them, or export_integers(lower(model), ...)."
        )


def _is_weight(proxy: Any) -> bool:
    return "Weight" in type(proxy).__name__


def _is_one_bit(proxy: Any) -> bool:
    return proxy.bit_width() is not None and float(proxy.bit_width()) == 1


def _is_bipolar(proxy: Any) -> bool:
    from brevitas.core.quant.binary import BinaryQuant, ClampedBinaryQuant

    return any(isinstance(part, (BinaryQuant, ClampedBinaryQuant)) for part in proxy.modules())


def _named_as_qonnx_does(model: ModelProto) -> ModelProto:
    """Return the file with qonnx's own names of roundings, which its executor asks for."""
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.domain == QONNX and attribute.name == "rounding_mode":
                attribute.s = ROUNDINGS.get(attribute.s.decode(), attribute.s.decode()).encode()
    return model


def _exported(exporter: str, model: nn.Module, x: Tensor) -> ModelProto:
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"x is {kind}, and the model takes floats: x.float() makes them of a tensor.")
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # torch's: of the older exporter, and of shapes that it takes for constants
        try:
            return _only_logits(_written(exporter, copy.deepcopy(model), x[:1], Path(folder) / "model.onnx"))
        except (AssertionError, RuntimeError, NotImplementedError) as error:
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            raise ValueError(
                f"Brevitas's exporter refuses {type(model).__name__} ({reason}): "
                "write the integer network instead, export_integers(lower(model), ...)."
            ) from None


def _written(exporter: str, model: nn.Module, x: Tensor, path: Path) -> ModelProto:
    import onnx
    from brevitas import export

    getattr(export, exporter)(
        model,
        args=x,
        export_path=str(path),
        dynamo=False,
        opset_version=OPSET,
        keep_initializers_as_inputs=False,
        input_names=["x"],
        output_names=["logits"],
        dynamic_axes={"x": {0: "N"}, "logits": {0: "N"}},
    )
    return onnx.load(str(path))


def _only_logits(model: ModelProto) -> ModelProto:
    """Return the file with its first output alone: beside the logits, Brevitas's exporters compute their scale and width."""
    graph = model.graph
    del graph.output[1:]
    needed, kept = {graph.output[0].name}, []
    for node in reversed(graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    kept.reverse()
    for field, left in ((graph.node, kept), (graph.initializer, constants)):
        copies = [copy.deepcopy(part) for part in left]
        del field[:]
        field.extend(copies)
    return model


def save(model: ModelProto, path: str | Path) -> Path:
    """Write a checked model into a folder that exists, and return its path."""
    import onnx

    target = require_folder(path)
    standard = all(opset.domain == "" for opset in model.opset_import)
    onnx.checker.check_model(model, full_check=standard)
    onnx.save(model, str(target))
    return target


def load_onnx(source: str | Path | ModelProto) -> ModelProto:
    """Return an ONNX file that the runners here can run.

    source   a path, or a model that is loaded already
    raises   ValueError for what is no ONNX file, another opset, another domain, an operator that the opset does not have
    """
    import onnx

    if isinstance(source, onnx.ModelProto):
        model = source
    else:
        try:
            model = onnx.load(str(source))
        except Exception as error:  # the parser's own kinds, and the file system's
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            raise ValueError(f"{source} is no ONNX file that can be read ({reason}): write it anew.") from None
    _require_known(model)
    return model


def _require_known(model: ModelProto) -> None:
    versions = {"" if o.domain == "ai.onnx" else o.domain: o.version for o in model.opset_import}
    opset = versions.get("", 0)
    if opset not in OPSETS:
        raise ValueError(
            f"the file has opset {opset}, and {OPSETS[0]} … {OPSETS[-1]} are read here: "
            f"export it with opset_version={OPSET}, or convert it with onnx.version_converter."
        )
    for node in model.graph.node:
        _require_operator(node, opset)


def _require_operator(node: Any, opset: int) -> None:
    import onnx

    domain = "" if node.domain == "ai.onnx" else node.domain
    if domain not in ("", QONNX):
        raise ValueError(
            f"node {node.name or node.op_type} is of the domain {domain!r}, and standard operators and {QONNX} "
            "are run here: export the model with export_qcdq or export_qonnx."
        )
    known = node.op_type in QONNX_OPERATORS if domain else onnx.defs.has(node.op_type, opset)
    if not known:
        home = QONNX if domain else f"opset {opset}"
        raise ValueError(
            f"node {node.name or node.op_type} is a {node.op_type}, which {home} does not have: "
            "export the model with export_qcdq or export_qonnx."
        )
