"""ONNX Runtime's quantized operators, each run alone without graph optimizations."""

from collections.abc import Iterator
from fractions import Fraction

import numpy
import torch

from tests.conformance.domains import EVERY, EVERY_FLOAT16, SCALES, every_pair, seeded, zero_points
from tests.conformance.engines import engine
from tests.conformance.row import Batch, Row
from tests.onnx_runtime import qlinear_add, quantize_linear, run_operator

SINGLE = numpy.float32
EXACT_SCALES = ((0.5, 0.25, 0.5), (1.0, 4.0, 2.0), (0.25, 0.25, 0.125))  # of a, b and the result
OTHER_SCALES = ((0.05, 0.15, 0.1), (0.3, 0.7, 0.2), (0.02, 0.03, 0.05))
LAYER_SCALES = ((0.5, 0.25, 16.0), (0.25, 0.25, 4.0), (1.0, 2.0, 512.0))
OTHER_LAYER_SCALES = ((0.02, 0.03, 0.5), (0.1, 0.07, 5.0), (0.3, 0.011, 1.7))
DTYPES = {"int8": torch.int8, "uint8": torch.uint8}


def quantize_linear_batches(dtypes: tuple[str, ...]) -> Iterator[Batch]:
    for dtype in dtypes:
        info = numpy.iinfo(dtype)
        for scale in SCALES:
            for zero_point in zero_points(info.min, info.max):
                theirs = quantize_linear(EVERY.numpy(), scale, zero_point, dtype)
                yield {"x": EVERY, "scale": scale, "zero_point": zero_point, "bits": info.bits} | {
                    "signed": info.min < 0,
                    "theirs": theirs,
                }


def half_scale_batches() -> Iterator[Batch]:
    for scale in SCALES:
        half = numpy.array(scale, numpy.float16)
        for zero_point in zero_points(-128, 127):
            inputs = {"x": EVERY_FLOAT16.numpy(), "scale": half, "zero_point": numpy.array(zero_point, numpy.int8)}
            theirs = run_operator("QuantizeLinear", inputs)
            yield {"x": EVERY_FLOAT16, "scale": float(half), "zero_point": zero_point, "theirs": theirs}


def binary(name: str, a: torch.Tensor, b: torch.Tensor, scales: tuple, zeros: tuple) -> numpy.ndarray:
    """QLinearAdd or QLinearMul of two tensors of one dtype."""
    if name == "QLinearAdd":
        return qlinear_add(a.numpy(), b.numpy(), scales, zeros)
    inputs = {}
    for key, tensor, scale, zero in zip("ab", (a, b), scales, zeros, strict=False):
        inputs |= {key: tensor.numpy(), f"{key}_scale": SINGLE(scale), f"{key}_zero": tensor.numpy().dtype.type(zero)}
    inputs |= {"c_scale": SINGLE(scales[2]), "c_zero": a.numpy().dtype.type(zeros[2])}
    return run_operator(name, {key: numpy.asarray(value) for key, value in inputs.items()}, domain="com.microsoft")


def pair_batches(name: str, scales_list: tuple, out_zeros: tuple[int, ...]) -> Iterator[Batch]:
    for dtype in DTYPES.values():
        a, b = every_pair(dtype)
        for scales in scales_list:
            for out_zero in out_zeros:
                zeros = (3, 6, out_zero)
                yield pair_batch(name, a, b, scales, zeros) | {"theirs": binary(name, a, b, scales, zeros)}


def pair_batch(name: str, a: torch.Tensor, b: torch.Tensor, scales: tuple, zeros: tuple) -> Batch:
    """Both operands, their formats, and the ratios as whole numbers over 2**shift where they are powers of two."""
    ratios = [Fraction(s) / Fraction(scales[2]) for s in scales[:2]]
    if name == "QLinearMul":
        ratios = [ratios[0] * Fraction(scales[1])] * 2
    shift = max(ratio.denominator.bit_length() - 1 for ratio in ratios)
    batch = dict(zip(("a_scale", "b_scale", "out_scale"), map(float, scales), strict=True))
    batch |= dict(zip(("a_zero", "b_zero", "out_zero"), zeros, strict=True))
    batch |= {"a": a, "b": b, "signed": a.dtype == torch.int8, "shift": min(shift, 62)}
    return batch | {"m_a": int(ratios[0] * 2**shift), "m_b": int(ratios[1] * 2**shift)}


def windows(dtype: str) -> Iterator[tuple[torch.Tensor, tuple[int, int]]]:
    """Every pair as a window of two, and seeded windows of four and nine."""
    yield torch.stack(every_pair(DTYPES[dtype]), 1).reshape(1, -1, 1, 2), (1, 2)
    for side in (2, 3):
        yield seeded((2048, side * side), dtype, side).reshape(1, -1, side, side), (side, side)


def pool_batches(zero_list: tuple[int, ...]) -> Iterator[Batch]:
    for dtype in DTYPES:
        for q, size in windows(dtype):
            for scale in (0.5, 0.3):
                for zero in zero_list:
                    yield {"q": q, "size": size, "zero_point": zero, "theirs": pooled(q, size, scale, zero)}


def pooled(q: torch.Tensor, size: tuple[int, int], scale: float, zero: int) -> numpy.ndarray:
    """QLinearAveragePool whose input and output have the same scale and zero point."""
    scale_array, zero_array = numpy.array(scale, SINGLE), numpy.array(zero, q.numpy().dtype)
    inputs = {
        "x": q.numpy(),
        "x_scale": scale_array,
        "x_zero": zero_array,
        "y_scale": scale_array,
        "y_zero": zero_array,
    }
    return run_operator(
        "QLinearAveragePool", inputs, domain="com.microsoft", kernel_shape=list(size), strides=list(size)
    )


def layer_of(name: str, x_dtype: str, w_dtype: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and weights: whole dtypes, seeded, extremes in the first rows; a product's weights are [out, in]."""
    if "Conv" in name:
        return seeded((16, 3, 12, 12), x_dtype, 1), seeded((8, 3, 3, 3), w_dtype, 2)
    return seeded((512, 64), x_dtype, 3), seeded((32, 64), w_dtype, 4)


def integer_batches(name: str, kinds: tuple[tuple[str, str], ...], seven_bits: bool = False) -> Iterator[Batch]:
    for x_dtype, w_dtype in kinds:
        x, w = layer_of(name, x_dtype, w_dtype)
        w = w // 2 if seven_bits else w
        for x_zero in (0, 3):
            second = w.numpy() if "Conv" in name else w.t().contiguous().numpy()
            inputs = {"x": x.numpy(), "w": second, "x_zero": numpy.array(x_zero, x_dtype)}
            inputs |= {"w_zero": numpy.array(0, w_dtype)}
            pads = {"pads": [1, 1, 1, 1]} if "Conv" in name else {}
            yield {"x": x, "weight": w, "x_zero": x_zero, "theirs": run_operator(name, inputs, **pads)}


def layer_batches(name: str, scales_list: tuple, kinds: tuple[tuple[str, str], ...]) -> Iterator[Batch]:
    for x_dtype, w_dtype in kinds:
        x, w = layer_of(name, x_dtype, w_dtype)
        for scales in scales_list:
            for zeros in ((0, 0), (3, 5)):
                yield layer_batch(scales, zeros) | {
                    "x": x,
                    "weight": w,
                    "signed": x.dtype == torch.int8,
                    "theirs": layer(name, x, w, scales, zeros),
                }


def layer_batch(scales: tuple, zeros: tuple) -> Batch:
    singles = [Fraction(float(SINGLE(s))) for s in scales]
    return {"real": singles[0] * singles[1] / singles[2], "x_zero": zeros[0], "out_zero": zeros[1]}


CHANNEL_SCALES = tuple(2.0**-e for e in (0, 1, 2, 3, 4, 0, 2, 5))


def channel_batches() -> Iterator[Batch]:
    """QLinearConv with one weight scale a channel, all powers of two."""
    for x_dtype, w_dtype in SAME:
        x, w = layer_of("QLinearConv", x_dtype, w_dtype)
        arrays = [x.numpy(), SINGLE(0.5), x.numpy().dtype.type(3), w.numpy(), numpy.array(CHANNEL_SCALES, SINGLE)]
        arrays += [numpy.zeros(len(CHANNEL_SCALES), w_dtype), SINGLE(16.0), x.numpy().dtype.type(5)]
        inputs = {key: numpy.asarray(value) for key, value in zip(LAYER_INPUTS, arrays, strict=True)}
        reals = tuple(Fraction(scale) / 32 for scale in CHANNEL_SCALES)
        theirs = run_operator("QLinearConv", inputs, pads=[1, 1, 1, 1])
        yield {"x": x, "weight": w, "x_zero": 3, "out_zero": 5, "reals": reals, "signed": x.dtype == torch.int8} | {
            "theirs": theirs
        }


LAYER_INPUTS = ("x", "x_scale", "x_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero")


def layer(name: str, x: torch.Tensor, w: torch.Tensor, scales: tuple, zeros: tuple) -> numpy.ndarray:
    """QLinearMatMul or QLinearConv; per-tensor, the weights' zero point 0."""
    second = w.numpy() if name == "QLinearConv" else w.t().contiguous().numpy()
    arrays = [x.numpy(), SINGLE(scales[0]), x.numpy().dtype.type(zeros[0]), second, SINGLE(scales[1])]
    arrays += [second.dtype.type(0), SINGLE(scales[2]), x.numpy().dtype.type(zeros[1])]
    pads = {"pads": [1, 1, 1, 1]} if name == "QLinearConv" else {}
    return run_operator(name, {k: numpy.asarray(v) for k, v in zip(LAYER_INPUTS, arrays, strict=True)}, **pads)


SAME = (("int8", "int8"), ("uint8", "uint8"))
MIXED = (("uint8", "int8"),)
A, B, OUT = (f"QParams({n}_scale, {n}_zero, 8, signed)" for n in ("a", "b", "out"))
PAIRS = "all 65,536 pairs of int8 and of uint8"
WINDOWS = f"{PAIRS} as windows 1 × 2; 2,048 windows 2 × 2 and 3 × 3, seeded; one format in and out; scales 0.5, 0.3"
PRODUCT = "linear(x, weight, None, x_zero, 0)"
CONVOLUTION = "conv2d(x, weight, None, 1, 1, 1, x_zero, 0)"
REQUANTIZED = "requantize({}, FixedPointMultiplier.from_real(real), QParams(1.0, out_zero, 8, signed))"
FLOATS = "it computes in float32; where the two differ, ours is never farther from the exact result"
LAYER_FLOATS = "it multiplies the accumulator by a float32 ratio; ours by one of 31 bits"


def row(
    name: str, operator: str, domain: str, ours: str, batches, exact: bool = True, note: str = "", vnni=False
) -> Row:
    """A row of ONNX Runtime's."""
    runtime = engine("ONNX Runtime, VNNI" if vnni else "ONNX Runtime")
    scale = "none" if "Integer" in operator else "float16" if "float16 scale" in domain else "float32"
    return Row(f"onnxruntime.{name}", "onnxruntime", operator, runtime, scale, domain, ours, batches, exact, note)


def operand_rows(name: str, ours: str, before: str) -> list[Row]:
    """Three rows for QLinearAdd or QLinearMul."""
    powers = f"{PAIRS}; scales that are powers of two"
    return [
        row(f"{name}.even_zero_point", name, f"{powers}; even output zero points", ours,
            lambda: pair_batches(name, EXACT_SCALES, (0, 4, 100)), note="half to even; an even zero point moves no tie"),
        row(f"{name}.odd_zero_point", name, f"{powers}; odd output zero points", before,
            lambda: pair_batches(name, EXACT_SCALES, (1, 5, 127)), note="the zero point is added before the rounding"),
        row(f"{name}.other_scales", name, f"{PAIRS}; scales 0.05 0.15 0.1, 0.3 0.7 0.2, 0.02 0.03 0.05", ours,
            lambda: pair_batches(name, OTHER_SCALES, (0, 4)), exact=False, note=FLOATS),
    ]  # fmt: skip


def layer_rows(name: str, sums: str, domain: str) -> list[Row]:
    """Two rows for QLinearMatMul or QLinearConv."""
    ours = REQUANTIZED.format(sums)
    return [
        row(f"{name}.powers_of_two", name, f"{domain}; scales that are powers of two; output zero points 0, 5", ours,
            lambda: layer_batches(name, LAYER_SCALES, SAME), note="half to even, then the zero point"),
        row(f"{name}.other_scales", name, f"{domain}; scales 0.02 0.03 0.5, 0.1 0.07 5, 0.3 0.011 1.7", ours,
            lambda: layer_batches(name, OTHER_LAYER_SCALES, SAME), exact=False, note=LAYER_FLOATS),
    ]  # fmt: skip


LAYER = "int8 × int8 and uint8 × uint8, seeded, extremes among them; 512 rows of 64 inputs, 32 outputs"
IMAGES = "int8 × int8 and uint8 × uint8, seeded, extremes among them; 16 images 3 × 12 × 12, 8 kernels 3 × 3, padding 1"
ROWS = [
    row("QuantizeLinear.8_bits", "QuantizeLinear", "every finite float16 value as float32; 10 scales; int8, uint8; zero points",
        "quantize(x, QParams(scale, zero_point, bits, signed))", lambda: quantize_linear_batches(("int8", "uint8")),
        note="the default of `quantize`: half to even, then the zero point"),
    row("QuantizeLinear.16_bits", "QuantizeLinear", "every finite float16 value as float32; 10 scales; int16, uint16; zero points",
        "quantize(x, QParams(scale, zero_point, bits, signed))", lambda: quantize_linear_batches(("int16", "uint16"))),
    row("QuantizeLinear.float16", "QuantizeLinear", "every finite float16 value; 10 scales as float16 scale; int8; zero points",
        "quantize(x, QParams(scale, zero_point, 8))", half_scale_batches,
        note="a float16 scale is widened exactly"),
    *operand_rows("QLinearAdd", f"add(a, {A}, b, {B}, {OUT})",
        "saturate(rounding_right_shift((a.long() - a_zero) * m_a + (b.long() - b_zero) * m_b + (out_zero << shift), shift), 8, signed)"),
    *operand_rows("QLinearMul", f"multiply(a, {A}, b, {B}, {OUT})",
        "saturate(rounding_right_shift((a.long() - a_zero) * (b.long() - b_zero) * m_a + (out_zero << shift), shift), 8, signed)"),
    row("QLinearAveragePool.even_zero_point", "QLinearAveragePool", f"{WINDOWS}; even zero points",
        "avg_pool2d(q, size)", lambda: pool_batches((0, 4, 100))),
    row("QLinearAveragePool.odd_zero_point", "QLinearAveragePool", f"{WINDOWS}; odd zero points",
        "avg_pool2d(q.to(torch.int16) - zero_point, size) + zero_point", lambda: pool_batches((1, 5, 127)),
        note="the zero point is subtracted, the mean rounded, the zero point added"),
    *layer_rows("QLinearMatMul", PRODUCT, LAYER),
    *layer_rows("QLinearConv", CONVOLUTION, IMAGES),
    row("QLinearConv.per_channel", "QLinearConv", f"{IMAGES}; a weight scale a channel, all powers of two",
        REQUANTIZED.format(CONVOLUTION).replace("from_real(real)", "from_real(reals, axis=1)"), channel_batches),
    row("MatMulInteger", "MatMulInteger", LAYER, PRODUCT, lambda: integer_batches("MatMulInteger", SAME)),
    row("ConvInteger", "ConvInteger", IMAGES, CONVOLUTION, lambda: integer_batches("ConvInteger", SAME)),
    row("MatMulInteger.u8s8", "MatMulInteger", LAYER.replace("int8 × int8 and uint8 × uint8", "uint8 × int8"), PRODUCT,
        lambda: integer_batches("MatMulInteger", MIXED), vnni=True,
        note="exact on a CPU with VNNI; without, pairs of products saturate at int16: see x86.VPMADDUBSW"),
    row("ConvInteger.u8s8", "ConvInteger", IMAGES.replace("int8 × int8 and uint8 × uint8", "uint8 × int8"), CONVOLUTION,
        lambda: integer_batches("ConvInteger", MIXED), vnni=True, note="as MatMulInteger"),
]  # fmt: skip
