"""torch's two quantizers and Brevitas: how they round, and where they add the zero point."""

import warnings
from collections.abc import Callable, Iterator

import torch
from brevitas.core.function_wrapper import (
    CeilSte,
    DPURoundSte,
    FloorSte,
    Identity,
    RoundSte,
    RoundToZeroSte,
    TensorClamp,
)
from brevitas.core.quant import IntQuant
from torch import Tensor

from tests.conformance.domains import EVERY, POWERS_OF_TWO, SCALES, zero_points
from tests.conformance.engines import engine
from tests.conformance.row import Batch, Row

QUANTIZED = {torch.qint8: (-128, 127), torch.quint8: (0, 255)}
MODES = {"RoundSte": RoundSte, "FloorSte": FloorSte, "CeilSte": CeilSte, "RoundToZeroSte": RoundToZeroSte}


def quantize_per_tensor(x: Tensor, scale: float, zero_point: int, dtype: torch.dtype) -> Tensor:
    """torch's integers; its dtypes are deprecated, and here the thing compared."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.quantize_per_tensor", category=Warning)
        return torch.quantize_per_tensor(x, scale, zero_point, dtype).int_repr()


def per_tensor_batches(scales: tuple[float, ...], odd: bool = True) -> Iterator[Batch]:
    for dtype, (low, high) in QUANTIZED.items():
        for scale in scales:
            for zero_point in zero_points(low, high, odd):
                theirs = quantize_per_tensor(EVERY, scale, zero_point, dtype)
                yield formatted(scale, zero_point, low) | {"theirs": theirs}


def formatted(scale: float, zero_point: int, low: int) -> Batch:
    """Every float16 value and one format; the scale as the float32 number that the library divides by."""
    single = torch.tensor(scale, dtype=torch.float32)
    return {"x": EVERY, "scale": single, "step": scale, "zero_point": zero_point, "bits": 8, "signed": low < 0}


def fake_batches(scales: tuple[float, ...]) -> Iterator[Batch]:
    for low, high in QUANTIZED.values():
        for scale in scales:
            single = float(torch.tensor(scale, dtype=torch.float32))
            for zero_point in zero_points(low, high):
                theirs = torch.fake_quantize_per_tensor_affine(EVERY, single, zero_point, low, high)
                yield formatted(scale, zero_point, low) | {"theirs": theirs}


def brevitas_integers(x: Tensor, scale: Tensor, zero_point: int, bits: int, signed: bool, rounding: Callable) -> Tensor:
    """The integers of Brevitas's own quantizer, before it multiplies them by the scale again."""
    quantizer = IntQuant(False, signed, Identity(), float_to_int_impl=rounding(), tensor_clamp_impl=TensorClamp())
    with torch.no_grad():
        return quantizer.to_int(scale, torch.tensor(float(zero_point)), torch.tensor(float(bits)), x)


def brevitas_batches(scales: tuple[float, ...], rounding: Callable, odd: bool = True) -> Iterator[Batch]:
    for low, high in QUANTIZED.values():
        for scale in scales:
            for zero_point in zero_points(low, high, odd):
                batch = formatted(scale, zero_point, low)
                theirs = brevitas_integers(EVERY, batch["scale"], zero_point, 8, low < 0, rounding)
                yield batch | {"theirs": theirs}


def float_rounding_batches(rounding: Callable) -> Iterator[Batch]:
    inside = EVERY[EVERY.abs() < 2**15]
    yield {"x": inside, "theirs": rounding()(inside)}


FLOAT16 = "every finite float16 value; int8, uint8"
PLAIN = "quantize(x, QParams(float(scale), zero_point, bits, signed))"
BEFORE = "quantize({}, QParams(1.0, 0, bits, signed))"
FUSED = BEFORE.format("(x.double() * (1 / scale) + zero_point).float()")
FAKE = "dequantize(quantize(x * (1 / scale), QParams(1.0, zero_point, bits, signed)), QParams(float(scale), zero_point, bits, signed))"


def torch_row(name: str, domain: str, ours: str, batches: Callable, exact: bool = True, note: str = "") -> Row:
    """A row of torch's own."""
    operator = name.split(".")[0]
    kind = engine("torch quantized" if operator == "quantize_per_tensor" else "torch")
    return Row(f"torch.{name}", "torch", operator, kind, "float32", f"{FLOAT16}; {domain}", ours, batches, exact, note)


def brevitas_row(name: str, domain: str, ours: str, batches: Callable, exact: bool = True, note: str = "") -> Row:
    """A row of Brevitas's."""
    operator = name.split(".")[0]
    return Row(
        f"brevitas.{name}",
        "brevitas",
        operator,
        engine("torch by element"),
        "float32",
        domain,
        ours,
        batches,
        exact,
        note,
    )


ROWS = [
    torch_row("quantize_per_tensor.even_zero_point", "scales that are powers of two; even zero points", PLAIN,
        lambda: per_tensor_batches(POWERS_OF_TWO, odd=False), note="an even zero point moves no tie"),
    torch_row("quantize_per_tensor", "10 scales; zero points", FUSED, lambda: per_tensor_batches(SCALES),
        note="times the reciprocal of the scale, plus the zero point, in one fused step; then half to even"),
    torch_row("quantize_per_tensor.plain", "10 scales; zero points", PLAIN, lambda: per_tensor_batches(SCALES), exact=False,
        note="by how much it differs from ONNX"),
    torch_row("fake_quantize_per_tensor_affine.powers_of_two", "scales that are powers of two; zero points",
        f"dequantize({PLAIN}, QParams(float(scale), zero_point, bits, signed))", lambda: fake_batches(POWERS_OF_TWO),
        note="the zero point after the rounding, as ONNX"),
    torch_row("fake_quantize_per_tensor_affine", "10 scales; zero points", FAKE, lambda: fake_batches(SCALES),
        note="times the reciprocal of the scale; the answers compared are floats"),
    brevitas_row("IntQuant.zero_point_0", f"{FLOAT16}; 10 scales; zero point 0", PLAIN,
        lambda: (b for b in brevitas_batches(SCALES, RoundSte) if b["zero_point"] == 0)),
    brevitas_row("IntQuant.even_zero_point", f"{FLOAT16}; scales that are powers of two; even zero points", PLAIN,
        lambda: brevitas_batches(POWERS_OF_TWO, RoundSte, odd=False), note="an even zero point moves no tie"),
    brevitas_row("IntQuant", f"{FLOAT16}; 10 scales; zero points", BEFORE.format("x / scale + zero_point"),
        lambda: brevitas_batches(SCALES, RoundSte), note="the zero point before the rounding"),
    brevitas_row("IntQuant.plain", f"{FLOAT16}; 10 scales; zero points", PLAIN, lambda: brevitas_batches(SCALES, RoundSte),
        exact=False, note="by how much it differs from ONNX"),
    *(brevitas_row(f"{name}.rounding", "every float16 value of magnitude below 2**15", f'quantize(x, QParams(1.0, 0, 32), "{ours}")',
        lambda mode=MODES[name]: float_rounding_batches(mode))
      for name, ours in zip(MODES, ("half_even", "floor", "ceil", "toward_zero"), strict=True)),
    brevitas_row("DPURoundSte.rounding", "every float16 value of magnitude below 2**15",
        'torch.where(x < 0, quantize(x, QParams(1.0, 0, 32), "half_up"), quantize(x, QParams(1.0, 0, 32)))',
        lambda: float_rounding_batches(DPURoundSte), note="below zero half up, from zero half to even: two of ours"),
]  # fmt: skip
