"""An integer-only network as one C99 header that a user includes and calls: integers, shifts, and no library."""

import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from textwrap import fill
from typing import Any

import torch
from torch import Tensor

from qtutor.network.c_layers import LAYERS, ROUNDINGS
from qtutor.network.checks import require_batch, require_folder, require_network
from qtutor.network.integer_layers import (
    IntegerAdd,
    IntegerConv2d,
    IntegerFlatten,
    IntegerLayer,
    IntegerLinear,
    IntegerMaxPool2d,
    IntegerRequantize,
    IntegerScores,
    IntegerSumPool2d,
)
from qtutor.network.integer_network import IntegerNetwork, Meaning, described

SHORT = {"int8_t": "i8", "uint8_t": "u8", "int16_t": "i16", "int32_t": "i32", "int64_t": "i64"}
C_NAMES = {IntegerLinear: "linear", IntegerConv2d: "conv2d", IntegerSumPool2d: "sum_pool", IntegerMaxPool2d: "max_pool",
           IntegerFlatten: "flatten", IntegerScores: "scores"}  # fmt: skip


@dataclass(frozen=True)
class Value:
    """What travels between two layers, as C holds it: shape is that of one input, without N."""

    c_type: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return int(torch.Size(self.shape).numel())

    @property
    def image(self) -> tuple[int, int, int]:
        """(channels, height, width), 1 × 1 where there is no image."""
        channels, height, width = (*self.shape, 1, 1)[:3]
        return channels, height, width

    @property
    def steps(self) -> tuple[int, int, int]:
        """How far it is to the next channel, row and column in memory: 0 where there is only one.

        >>> Value("int8_t", (4, 7, 9)).steps, Value("int8_t", (4, 1, 1)).steps
        ((63, 9, 1), (1, 0, 0))
        """
        channels, height, width = self.image
        return height * width * (channels > 1), width * (height > 1), int(width > 1)


@dataclass(frozen=True)
class Call:
    """A call of one C function: its text and name, what is passed behind the inputs and y, the arrays among that."""

    function: str
    name: str
    arguments: tuple[Any, ...]
    arrays: tuple[tuple[str, str, Tensor], ...]  # (field, C type, values)


def save_c_header(network: IntegerNetwork, path: str | Path, example: Tensor) -> None:
    """Write a network as a C99 header: arrays of its integers, a function for each layer, and `qtutor_network`.

    network  what `lower` returned
    path     the file; what was there is replaced
    example  its integers [N, ...], as `quantize_input` gives them: for the shapes alone
    returns  nothing. In C, `qtutor_network(input, logits)` takes QTUTOR_INPUT_SIZE integers of one input and writes
             QTUTOR_OUTPUT_SIZE; compiled with QTUTOR_THRESHOLDS defined it goes by thresholds, else by multipliers
    raises   TypeError for what is no network or no tensor; ValueError for a network without layers, what the network
             refuses, a folder that is not there; OSError where it cannot be written

    >>> import tempfile
    >>> from qtutor.network.checkpoints import load_checkpoint
    >>> from qtutor.network.lowering import lower
    >>> network, path = lower(load_checkpoint("mlp_w4a4")), Path(tempfile.mkdtemp()) / "digits.h"
    >>> save_c_header(network, path, torch.zeros(1, 64, dtype=torch.uint8))
    >>> [line for line in path.read_text().splitlines() if line.startswith("static inline void qtutor_network")]
    ['static inline void qtutor_network(const uint8_t *input, int32_t *logits) {']
    """
    target = require_folder(path)
    if not require_network(network).steps:
        raise ValueError("the network has no layers after its input quantizer: there is nothing to write as C.")
    values = values_in_c(network, example)
    names = identifiers([step.layer.name for step in network.steps])
    layers, functions = [], dict.fromkeys([ROUNDINGS["floor"].strip()])  # each function once, in order
    for place, (step, name) in enumerate(zip(network.steps, names, strict=True), 1):
        inputs = [values[i] for i in step.inputs]
        calls = [call_of(step.layer, inputs, values[place], route) for route in ("thresholds", "multipliers")]
        for call in calls:
            functions.update(dict.fromkeys(_needed(step.layer, call)))
        layers.append(_layer_text(step.layer, name, network.meanings[place], inputs, values[place], calls))
    parts = [_head(network, values), *functions, *layers, _network_text(network, names, values), "#endif"]
    target.write_text("\n\n".join(parts) + "\n", encoding="ascii", newline="\n")


def values_in_c(network: IntegerNetwork, example: Tensor) -> list[Value]:
    """Return the input and what each step gives, by their C types and shapes."""
    found = []
    for value, meaning in zip(network.values(require_batch(example)[:1]), network.meanings, strict=True):
        c_type = c_type_of(value)
        if c_type in ("int32_t", "int64_t"):  # accumulators: by the range that these weights can give
            c_type = "int32_t" if meaning.low >= -(2**31) and meaning.high < 2**31 else "int64_t"
        found.append(Value(c_type, tuple(value.shape[1:])))
    if isinstance(network.steps[-1].layer, IntegerScores):
        found[-1] = Value("int64_t", found[-1].shape)
    return found


def c_type_of(values: Tensor) -> str:
    """Return the C type of a tensor's dtype.

    >>> c_type_of(torch.zeros(1, dtype=torch.uint8))
    'uint8_t'
    """
    return f"{str(values.dtype).removeprefix('torch.')}_t"


def identifiers(names: list[str]) -> list[str]:
    """Return names that C takes, each once, in capitals too: macros are called by them, beside those of input and output.

    >>> identifiers(["features.0", "relu1", "relu1 (2)", "relu1_2", "RELU1", "input"])
    ['features_0', 'relu1', 'relu1_2', 'relu1_2_2', 'RELU1_3', 'input_2']
    """
    found: list[str] = []
    taken = {"INPUT", "OUTPUT"}
    for name in names:
        wanted = plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
        count = 1
        while wanted.upper() in taken:
            count += 1
            wanted = f"{plain}_{count}"
        found.append(wanted)
        taken.add(wanted.upper())
    return found


# ---- the call of each layer ----------------------------------------------------------------------------------------------


def call_of(layer: IntegerLayer, inputs: list[Value], out: Value, route: str) -> Call:
    """Return the call that runs a layer, by a route."""
    x = inputs[0]
    channels, height, width = x.image
    if isinstance(layer, IntegerRequantize):
        return _by_thresholds(layer, x, out) if route == "thresholds" else _by_multipliers(layer, x, out)
    if isinstance(layer, (IntegerLinear, IntegerConv2d)):
        return _weighted(layer, x, out)
    if isinstance(layer, IntegerScores):
        numbers = (("mantissa", "int32_t", layer.mantissa), ("offset", "int64_t", layer.offset))
        return _call("scores", x, out, (int(len(layer.mantissa) > 1), channels, height * width), numbers)
    if isinstance(layer, (IntegerSumPool2d, IntegerMaxPool2d)):
        sizes = (channels, height, width, *out.image[1:], *layer.kernel_size, *layer.stride)
        more = (*layer.padding, layer.lowest) if isinstance(layer, IntegerMaxPool2d) else ()
        return _call(C_NAMES[type(layer)], x, out, (*sizes, *more), ())
    if isinstance(layer, IntegerAdd):
        return _sum(layer, x, inputs[1], out)
    return _call(C_NAMES[type(layer)], x, out, (x.size,), ())


def _sum(layer: IntegerAdd, a: Value, b: Value, out: Value) -> Call:
    if a.shape == b.shape:
        return _call("add", a, out, (a.size,), (), b.c_type)
    if len(a.shape) != len(b.shape):
        raise ValueError(
            f"{layer.name} adds {list(a.shape)} and {list(b.shape)}, one of which has no channel of its own: "
            "give both the same number of dimensions."
        )
    return _call("repeating_add", a, out, (*out.image, *a.steps, *b.steps), (), b.c_type)


def _weighted(layer: IntegerLinear | IntegerConv2d, x: Value, out: Value) -> Call:
    bias = () if layer.bias is None else (("bias", "int32_t", layer.bias),)
    arrays = (("weight", c_type_of(layer.weight), layer.weight), *bias)
    zeros = layer.x_zero_point, layer.weight_zero_point
    if isinstance(layer, IntegerLinear):
        sizes: tuple[int, ...] = (layer.weight.shape[1], layer.weight.shape[0])
    else:
        outputs, inside, *window = layer.weight.shape
        sizes = (inside, *x.image[1:], outputs, *out.image[1:], *window, *layer.stride, *layer.padding, layer.groups)
    return _call(C_NAMES[type(layer)], x, out, (*(() if bias else ("0",)), *sizes, *zeros), arrays, arrays[0][1])


def _by_multipliers(layer: IntegerRequantize, x: Value, out: Value) -> Call:
    channels, height, width = x.image
    arrays = (("mantissa", "int32_t", layer.mantissa), ("offset", "int64_t", layer.offset))
    sizes = (int(len(layer.mantissa) > 1), channels, height * width)
    if layer.bipolar:
        return _call("sign", x, out, sizes, arrays)
    return _call("requantize", x, out, (*sizes, layer.shift, layer.low, layer.high), arrays, rounding=layer.rounding)


def _by_thresholds(layer: IntegerRequantize, x: Value, out: Value) -> Call:
    channels, height, width = x.image
    short = int(layer.thresholds.abs().max()) < 2**31
    held = "int32_t" if short else "int64_t"
    arrays = (("thresholds", held, layer.thresholds), ("direction", "int8_t", layer.direction))
    each, levels = int(len(layer.thresholds) > 1), layer.thresholds.shape[1]
    sizes = (each, int(len(layer.direction) > 1), levels, channels, height * width)
    return _call("thresholds", x, out, (*sizes, layer.low, 2 if layer.bipolar else 1), arrays, held)


def _call(
    kind: str, x: Value, out: Value, sizes: tuple[Any, ...], arrays: tuple[tuple[str, str, Tensor], ...],
    second: str = "", rounding: str = "",
) -> Call:  # fmt: skip
    types = "_".join(SHORT[t] for t in (x.c_type, second, out.c_type) if t)
    text = Template(LAYERS[kind]).substitute(TYPES=types, X=x.c_type, W=second, Y=out.c_type, ROUNDING=rounding)
    name = "_".join(part for part in ("qtutor", kind, rounding, types) if part)
    return Call(text.strip(), name, sizes, arrays)


def _needed(layer: IntegerLayer, call: Call) -> list[str]:
    """Return the functions that a call needs, its own last."""
    rounds = isinstance(layer, IntegerRequantize) and not layer.bipolar and call.name.startswith("qtutor_requantize")
    helper = [ROUNDINGS[layer.rounding].strip()] if rounds else []  # type: ignore[union-attr]
    return [*helper, call.function]


# ---- the text ------------------------------------------------------------------------------------------------------------


def _head(network: IntegerNetwork, values: list[Value]) -> str:
    before = "".join(f" {operation} {number:g}," for operation, number in network.input.before)
    return f"""/* An integer-only network. Include this file and call qtutor_network; compile as C99 or later.

   input    {meaning_text(network.meanings[0])},
            made of real numbers by{before} division by the scale and rounding, {network.input.rounding.replace("_", " ")}
   logits   {meaning_text(network.meanings[-1])}
   Define QTUTOR_THRESHOLDS to requantize by thresholds instead of multipliers. */
#ifndef QTUTOR_NETWORK_H
#define QTUTOR_NETWORK_H

#include <stdint.h>
#include <string.h>

#define QTUTOR_INPUT_SIZE {values[0].size}
#define QTUTOR_OUTPUT_SIZE {values[-1].size}"""


def meaning_text(meaning: Meaning) -> str:
    """Return what integers mean, in ASCII.

    >>> meaning_text(Meaning(0.5, 3, -8, 7))
    '4 signed bits, -8 to 7, real = 0.5 * (q - 3)'
    """
    words = described(meaning).replace("−", "-").replace(" … ", " to ")
    if isinstance(meaning.scale, tuple):
        return (
            f"{words}, real = scale of the channel * (q - {meaning.zero_point}), the first scale is {meaning.scale[0]}"
        )
    return f"{words}, real = {meaning.scale} * (q - {meaning.zero_point})"


def _layer_text(
    layer: IntegerLayer, name: str, meaning: Meaning, inputs: list[Value], out: Value, calls: list[Call]
) -> str:
    sizes = f"#define QTUTOR_{name.upper()}_SIZE {out.size} /* {' x '.join(map(str, out.shape))} */"
    if isinstance(layer, IntegerRequantize):
        sizes += f"\n#define QTUTOR_{name.upper()}_SHIFT {layer.shift}"
    bodies = [_body(name, inputs, out, call) for call in calls]
    both = bodies[0] if bodies[0] == bodies[1] else f"#ifdef QTUTOR_THRESHOLDS\n{bodies[0]}\n#else\n{bodies[1]}\n#endif"
    plain = layer.name.encode("ascii", "replace").decode().replace("*/", "")
    return f"/* {plain}: {meaning_text(meaning)} */\n{sizes}\n{both}"


def _body(name: str, inputs: list[Value], out: Value, call: Call) -> str:
    arrays = [array(f"qtutor_{name}_{field}", c_type, values) for field, c_type, values in call.arrays]
    given = ["x", "y"] if len(inputs) == 1 else ["a", "b", "y"]
    parameters = [f"const {value.c_type} *{letter}" for value, letter in zip(inputs, given, strict=False)]
    arguments = [*given, *(f"qtutor_{name}_{field}" for field, _, _ in call.arrays), *map(str, call.arguments)]
    head = f"static inline void qtutor_layer_{name}({', '.join(parameters)}, {out.c_type} *y)"
    return "\n".join([*arrays, f"{head} {{\n  {call.name}({', '.join(arguments)});\n}}"])


def array(name: str, c_type: str, values: Tensor) -> str:
    """Return a C array, its numbers in lines.

    >>> print(array("qtutor_fc1_bias", "int32_t", torch.tensor([3, -4])))
    static const int32_t qtutor_fc1_bias[2] = { /* 2 */
      3, -4
    };
    """
    numbers = fill(", ".join(map(str, values.flatten().tolist())), 118, initial_indent="  ", subsequent_indent="  ")
    shape = " x ".join(map(str, values.shape))
    return f"static const {c_type} {name}[{values.numel()}] = {{ /* {shape} */\n{numbers}\n}};"


def _network_text(network: IntegerNetwork, names: list[str], values: list[Value]) -> str:
    last = len(values) - 1
    places = {0: "input", last: "logits"} | {i: f"v{i}" for i in range(1, last)}
    buffers = [f"  static {values[i].c_type} v{i}[{values[i].size}];" for i in range(1, last)]
    calls = []
    for place, (step, name) in enumerate(zip(network.steps, names, strict=True), 1):
        calls.append(f"  qtutor_layer_{name}({', '.join(places[i] for i in (*step.inputs, place))});")
    head = f"static inline void qtutor_network(const {values[0].c_type} *input, {values[-1].c_type} *logits) {{"
    return "\n".join(
        ["/* One input. What is between the layers is static: one call at a time. */", head, *buffers, *calls, "}"]
    )
