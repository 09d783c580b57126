"""The kernels beside ONNX Runtime, torch's quantized operators and Brevitas's fake quantization.

`python3 run.py bench kernels` prints the tables. One thread everywhere, the columns of a row measured in turn, one call
each, round after round, and the medians compared: what else the machine does falls on all of them alike. The order is
drawn anew for each round, for what lies in the cache is what the call before has left there. Beside each ratio stands
the bar that it is held to, where there is one.
"""

import os
import random
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import onnxruntime
import torch
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear
from onnx import helper, numpy_helper
from torch import Tensor

from qtutor import (
    FixedPointMultiplier,
    QParams,
    add,
    conv2d,
    dequantize,
    linear,
    load_checkpoint,
    lower,
    multiply,
    quantize,
    requantize,
)
from qtutor.network import load_pixels

torch.set_num_threads(1)
warnings.filterwarnings("ignore", message=".*deprecated.*")  # torch's quantized dtypes: a column here, not a foundation

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
Calls = dict[str, Callable[[], object]]  # column -> what is timed
OURS, ONNX, TORCH, BREVITAS = "qtutor", "ONNX Runtime", "torch", "Brevitas"
THRESHOLDS, FLOAT = "thresholds", "float"
SIZES, BATCHES = (100_000, 1_000_000), (1, 32, 1000)
SCALE_A, SCALE_B, SCALE_OUT = 0.05, 0.15, 0.1
ZERO_A, ZERO_B, ZERO_OUT = 3, -5, 2
A, B, OUT = (QParams(s, z) for s, z in ((SCALE_A, ZERO_A), (SCALE_B, ZERO_B), (SCALE_OUT, ZERO_OUT)))
MEMORY_SIZE = 10_000_000


def medians(calls: Calls, least: int = 15, budget: float = 1.0) -> dict[str, float]:
    """Return the median seconds of each call: all of them once, in any order, again and again, until the budget is spent."""
    order, turns = list(calls.items()), random.Random(0)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()  # the first call allocates and packs
    begun = time.perf_counter()
    while len(times[OURS]) < least or time.perf_counter() - begun < budget:
        turns.shuffle(order)
        for name, call in order:
            started = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(spent) for name, spent in times.items()}


def onnx_call(
    operators: list[tuple], inputs: dict[str, Tensor], constants: dict[str, Tensor], **attributes
) -> Callable:
    """Return a call of a chain of ONNX operators, (name, its inputs) each, with weights and scales known beforehand."""
    arrays = {key: value.numpy() for key, value in inputs.items()}
    declared = [
        helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for key, array in arrays.items()
    ]
    nodes = [
        helper.make_node(name, names, [f"y{i}"], domain="com.microsoft" if name in MICROSOFT else "", **attributes)
        for i, (name, names) in enumerate(operators)
    ]
    result = helper.make_empty_tensor_value_info(f"y{len(nodes) - 1}")
    stored = [numpy_helper.from_array(value.numpy(), key) for key, value in constants.items()]
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(
        helper.make_graph(nodes, "kernels", declared, [result], stored), opset_imports=opsets, ir_version=10
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, arrays)


MICROSOFT = ("QLinearAdd", "QLinearMul")
SCALES = {"sa": torch.tensor(SCALE_A), "sb": torch.tensor(SCALE_B), "so": torch.tensor(SCALE_OUT)}
ZEROS = {key: torch.tensor(z, dtype=torch.int8) for key, z in (("za", ZERO_A), ("zb", ZERO_B), ("zo", ZERO_OUT))}


def constants(*names: str) -> dict[str, Tensor]:
    return {name: (SCALES | ZEROS)[name] for name in names}


def integers(*shape: int, low: int = -128, high: int = 128, dtype: torch.dtype = torch.int8) -> Tensor:
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(0)).to(dtype)


def fake_quantizer() -> QuantIdentity:
    """Brevitas's 8-bit activation quantizer with a scale that has been learned: divide, round, clamp, multiply."""
    quantizer = QuantIdentity(return_quant_tensor=False)
    quantizer(torch.linspace(-10, 10, 1000))
    return quantizer.eval()


def quantize_calls(n: int) -> Calls:
    x, brevitas = dequantize(integers(n), A) + 0.01, fake_quantizer()
    return {
        OURS: lambda: quantize(x, A),
        ONNX: onnx_call([("QuantizeLinear", ["x", "sa", "za"])], {"x": x}, constants("sa", "za")),
        TORCH: lambda: torch.quantize_per_tensor(x, SCALE_A, ZERO_A, torch.qint8),
        BREVITAS: lambda: brevitas(x),
    }


def dequantize_calls(n: int) -> Calls:
    q = integers(n)
    stored = torch._make_per_tensor_quantized_tensor(q, SCALE_A, ZERO_A)
    return {
        OURS: lambda: dequantize(q, A),
        ONNX: onnx_call([("DequantizeLinear", ["q", "sa", "za"])], {"q": q}, constants("sa", "za")),
        TORCH: stored.dequantize,
    }


def requantize_calls(n: int) -> Calls:
    accumulators, brevitas = integers(n, low=-20_000, high=20_000, dtype=torch.int32), fake_quantizer()
    multiplier, reals = FixedPointMultiplier.from_real(SCALE_A * SCALE_B / SCALE_OUT), accumulators * 0.0075
    chain = [("DequantizeLinear", ["q", "sa"]), ("QuantizeLinear", ["y0", "so", "zo"])]
    return {
        OURS: lambda: requantize(accumulators, multiplier, OUT),
        ONNX: onnx_call(chain, {"q": accumulators}, constants("sa", "so", "zo")),
        BREVITAS: lambda: brevitas(reals),
    }


def binary_calls(n: int, ours: Callable, onnx: str, quantized: Callable, real: Callable) -> Calls:
    a, b, brevitas = integers(n), integers(n).flip(0), fake_quantizer()
    stored = [torch._make_per_tensor_quantized_tensor(q, p.scale, p.zero_point) for q, p in ((a, A), (b, B))]
    reals = dequantize(a, A), dequantize(b, B)
    names = ["a", "sa", "za", "b", "sb", "zb", "so", "zo"]
    known = constants("sa", "za", "sb", "zb", "so", "zo")
    return {
        OURS: lambda: ours(a, A, b, B, OUT),
        ONNX: onnx_call([(onnx, names)], {"a": a, "b": b}, known),
        TORCH: lambda: quantized(*stored, SCALE_OUT, ZERO_OUT),
        BREVITAS: lambda: brevitas(real(*reals)),
    }


def add_calls(n: int) -> Calls:
    return binary_calls(n, add, "QLinearAdd", torch.ops.quantized.add, torch.add)


def multiply_calls(n: int) -> Calls:
    return binary_calls(n, multiply, "QLinearMul", torch.ops.quantized.mul, torch.mul)


ELEMENTWISE: dict[str, tuple[Callable[[int], Calls], str, float]] = {  # calls, ONNX's operators, bar
    "quantize": (quantize_calls, "QuantizeLinear", 3),
    "dequantize": (dequantize_calls, "DequantizeLinear", 2.5),
    "requantize": (requantize_calls, "DequantizeLinear of int32, QuantizeLinear", 4),
    "add": (add_calls, "QLinearAdd", 4),
    "multiply": (multiply_calls, "QLinearMul", 8),
}


def linear_calls(rows: int, inputs: int, outputs: int) -> Calls:
    """A layer of known weights; torch's and Brevitas's also requantize or dequantize what they sum."""
    x, weight = integers(rows, inputs), integers(outputs, inputs, low=-127)
    wide_x, wide_weight, reals = x.long(), weight.long().t(), dequantize(x, A)
    stored = torch._make_per_tensor_quantized_tensor(x.view(torch.uint8), SCALE_A, 128)
    packed = torch.ops.quantized.linear_prepack(torch._make_per_tensor_quantized_tensor(weight, SCALE_B, 0), None)
    brevitas = QuantLinear(inputs, outputs, bias=False, weight_bit_width=8).eval()
    return {
        OURS: lambda: linear(x, weight),
        ONNX: onnx_call([("MatMulInteger", ["x", "w"])], {"x": x}, {"w": weight.t().contiguous()}),
        TORCH: lambda: torch.ops.quantized.linear(stored, packed, SCALE_OUT, 128),
        BREVITAS: lambda: brevitas(reals),
        "int64": lambda: wide_x @ wide_weight,
    }


def conv2d_calls(rows: int, channels: int, outputs: int, side: int) -> Calls:
    """A 3 × 3 convolution, padded to keep its size; beside it the integer convolution of torch at 64 bits."""
    x, weight = integers(rows, channels, side, side), integers(outputs, channels, 3, 3, low=-127)
    wide_x, wide_weight, reals = x.long(), weight.long(), dequantize(x, A)
    stored = torch._make_per_tensor_quantized_tensor(x.view(torch.uint8), SCALE_A, 128)
    packed = torch.ops.quantized.conv2d_prepack(
        torch._make_per_tensor_quantized_tensor(weight, SCALE_B, 0), None, [1, 1], [1, 1], [1, 1], 1
    )
    brevitas = QuantConv2d(channels, outputs, 3, padding=1, bias=False, weight_bit_width=8).eval()
    return {
        OURS: lambda: conv2d(x, weight, padding=1),
        ONNX: onnx_call([("ConvInteger", ["x", "w"])], {"x": x}, {"w": weight}, pads=[1, 1, 1, 1]),
        TORCH: lambda: torch.ops.quantized.conv2d(stored, packed, SCALE_OUT, 128),
        BREVITAS: lambda: brevitas(reals),
        "int64": lambda: torch.nn.functional.conv2d(wide_x, wide_weight, padding=1),
    }


LAYERS: dict[str, Callable[[int], Calls]] = {
    "linear 784 → 256": lambda rows: linear_calls(rows, 784, 256),
    "linear 256 → 10": lambda rows: linear_calls(rows, 256, 10),
    "conv2d 3 × 3, 1 → 8 on 8 × 8": lambda rows: conv2d_calls(rows, 1, 8, 8),
    "conv2d 3 × 3, 8 → 16 on 8 × 8": lambda rows: conv2d_calls(rows, 8, 16, 8),
    "conv2d 3 × 3, 16 → 32 on 16 × 16": lambda rows: conv2d_calls(rows, 16, 32, 16),
}


def network_calls(rows: int, name: str) -> Calls:
    """A trained network of the digits from its first integers on, Brevitas's evaluation, and the float twin's."""
    brevitas, twin = load_checkpoint(name), load_checkpoint(f"{name[:3]}_float")
    network, x = lower(brevitas), load_pixels()[0][:rows]
    q = network.quantize_input(x)
    assert torch.equal(network(q).argmax(1), brevitas(x).value.argmax(1))
    return {
        OURS: lambda: network(q),
        THRESHOLDS: lambda: network(q, "thresholds"),
        BREVITAS: lambda: brevitas(x),
        FLOAT: lambda: twin(x),
    }


def peak_bytes(kernel: str, column: str) -> float:
    """Return by how many bytes an element this process grows at most during one call, its result included."""
    small, large = (ELEMENTWISE[kernel][0](n)[column] for n in (1000, MEMORY_SIZE))
    small()  # what a first call loads is no matter of size
    CLEAR.write_text("5")  # the peak starts at what is held now
    before = kilobytes("VmRSS")
    large()
    return (kilobytes("VmHWM") - before) * 1024 / MEMORY_SIZE


def kilobytes(field: str) -> int:
    return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith(field))


def ratio(times: dict[str, float], column: str, bar: float | None = None) -> str:
    if column not in times:
        return "—"
    shown = f"{times[column] / times[ONNX]:.2f}"
    return shown if bar is None else f"{shown} (≤ {bar:g}{'' if times[column] / times[ONNX] <= bar else ', missed'})"


def elementwise_rows() -> Iterator[str]:
    yield "| kernel | elements | ONNX Runtime's operator | its ms | qtutor (bar) | torch | Brevitas |"
    yield "|---|---|---|---|---|---|---|"
    for name, (calls, operator, bar) in ELEMENTWISE.items():
        for n in SIZES:
            times = medians(calls(n))
            yield (
                f"| {name} | {n:,} | {operator} | {times[ONNX] * 1000:.2f} | {ratio(times, OURS, bar)} "
                f"| {ratio(times, TORCH)} | {ratio(times, BREVITAS)} |"
            )


def layer_rows() -> Iterator[str]:
    yield "| layer | rows | ONNX Runtime's ms | qtutor (bar) | torch | Brevitas | int64 | int64's time over qtutor's |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, calls in LAYERS.items():
        for rows in BATCHES:
            times = medians(calls(rows), least=5)
            yield (
                f"| {name} | {rows} | {times[ONNX] * 1000:.3f} | {ratio(times, OURS, 1)} | {ratio(times, TORCH)} "
                f"| {ratio(times, BREVITAS)} | {ratio(times, 'int64')} | {times['int64'] / times[OURS]:.1f} |"
            )


def network_rows() -> Iterator[str]:
    yield "| network | rows | its ms | Brevitas's time over its (≥ 3) | its time over the float twin's (≤ 2.5) | by thresholds |"
    yield "|---|---|---|---|---|---|"
    for name in ("mlp_w4a4", "mlp_w8a8", "cnn_w4a4"):
        for rows in (1, 32):
            with torch.no_grad():
                times = medians(network_calls(rows, name))
            faster, slower = times[BREVITAS] / times[OURS], times[OURS] / times[FLOAT]
            yield (
                f"| {name} | {rows} | {times[OURS] * 1000:.2f} | {faster:.1f}{'' if faster >= 3 else ' (missed)'} "
                f"| {slower:.1f}{'' if slower <= 2.5 else ' (missed)'} | {times[THRESHOLDS] / times[OURS]:.1f} |"
            )


def memory_rows() -> Iterator[str]:
    yield f"| kernel | bytes an element at the peak, {MEMORY_SIZE:,} elements: qtutor | ONNX Runtime | torch | Brevitas |"
    yield "|---|---|---|---|---|"
    for name, (calls, _, _) in ELEMENTWISE.items():
        cells = [memory_of(name, column) if column in calls(1) else "—" for column in (OURS, ONNX, TORCH, BREVITAS)]
        yield f"| {name} | {' | '.join(cells)} |"


def memory_of(kernel: str, column: str) -> str:
    """Measure in a fresh process, so that no call finds the memory that another has left."""
    command = [sys.executable, str(Path(__file__)), kernel, column]
    environment = {
        **os.environ,
        "MALLOC_MMAP_THRESHOLD_": "65536",
    }  # what is freed goes back, and does not hide in a heap
    done = subprocess.run(command, env=environment, check=True, capture_output=True, encoding="utf-8")
    return done.stdout.strip()


TABLES = {
    f"Time of one call over ONNX Runtime {onnxruntime.__version__}'s; in brackets the bar of qtutor.": elementwise_rows,
    "Sums of products, int8 × int8, weights known beforehand. ONNX Runtime: MatMulInteger, ConvInteger. torch and Brevitas "
    "give scaled results, not sums. int64's time has a bar for linear from 32 rows: 10 times that of qtutor.": layer_rows,
    "Trained networks of the digits, in integers by multipliers; the last column is the time by thresholds over it.": network_rows,
    "Memory: what the process grows by, result included.": memory_rows,
}


def main() -> str:
    """Measure all; return the tables."""
    lines = []
    for title, rows in TABLES.items():
        if rows is memory_rows and not CLEAR.exists():
            continue  # the system does not tell a process its peak
        print(f"{title}\n", flush=True)
        lines += [title, ""]
        for row in rows():
            print(row, flush=True)
            lines.append(row)
        print()
        lines.append("")
    return "\n".join(lines).strip()


if __name__ == "__main__":
    print(f"{peak_bytes(sys.argv[1], sys.argv[2]):.1f}" if len(sys.argv) == 3 else main())
