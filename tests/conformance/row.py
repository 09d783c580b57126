"""A row of the conformance table: a published quantizer, our expression for it, and how often the two differ.

What stands in the table under `ours` is the very text that is evaluated, so it cannot drift from what was compared.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.metadata import version

import numpy
import torch

import qtutor

NAMES = (
    "FixedPointMultiplier",
    "QParams",
    "add",
    "avg_pool2d",
    "conv2d",
    "dequantize",
    "linear",
    "multiply",
    "quantize",
)
NAMES += ("requantize", "rounding_right_shift", "saturate", "wrap")
KERNELS = {name: getattr(qtutor, name) for name in NAMES} | {"torch": torch}  # what an expression may use
Batch = dict[str, object]  # what the expression reads, and `theirs`: what the library answered


@dataclass(frozen=True)
class Row:
    """One quantizer on one domain."""

    name: str  # unique
    library: str
    operator: str
    engine: str  # what computed it; a machine that has another skips the row
    scale_dtype: str
    domain: str
    ours: str  # an expression of qtutor's kernels over what a batch holds
    batches: Callable[[], Iterator[Batch]]
    exact: bool = True  # False: cannot be matched bit for bit, and the measured rate is the finding
    note: str = ""


@cache
def version_of(library: str) -> str:
    """The version of an installed library (without what a build adds: +cpu); of a description, its document."""
    return DESCRIPTIONS[library] if library in DESCRIPTIONS else version(library).split("+")[0]


DESCRIPTIONS = {  # re-implemented in plain Python integers: the library itself does not run here
    "gemmlowp": "fixedpoint.h and doc/quantization.md, as described",
    "TFLite": "MultiplyByQuantizedMultiplier and AffineQuantize of the reference kernels, as described",
    "QONNX": "operator IntQuant, opset 1, as documented",
    "ap_fixed": "Vitis HLS user guide UG1399, as documented",
    "x86": "instruction VPMADDUBSW, as documented",
}


def compared(row: Row) -> dict[str, object]:
    """Return the row as the table stores it, every figure counted now."""
    cases, mismatches, first = counted(row)
    return {
        "id": row.name,
        "library": row.library,
        "version": version_of(row.library),
        "source": "description" if row.library in DESCRIPTIONS else "library",
        "operator": row.operator,
        "engine": row.engine,
        "scale_dtype": row.scale_dtype,
        "domain": row.domain,
        "settings": row.ours,
        "kind": "exact" if row.exact else "counted",
        "cases": cases,
        "mismatches": mismatches,
        "first_mismatch": first,
        "note": row.note,
    }


def counted(row: Row) -> tuple[int, int, str]:
    """Return how many cases there are, how many differ, and the words of the first that does."""
    cases, mismatches, first = 0, 0, ""
    for batch in row.batches():
        theirs, ours = numpy.asarray(batch["theirs"]), numpy.asarray(eval(row.ours, KERNELS | batch))
        if ours.shape != theirs.shape:
            raise ValueError(f"{row.name}: ours has shape {ours.shape}, theirs {theirs.shape}.")
        differ = theirs != ours
        cases, mismatches = cases + theirs.size, mismatches + int(differ.sum())
        if differ.any() and not first:
            first = words_of_a_case(row.ours, batch, theirs, ours, int(differ.ravel().argmax()))
    return cases, mismatches, first


def words_of_a_case(ours_text: str, batch: Batch, theirs: numpy.ndarray, ours: numpy.ndarray, place: int) -> str:
    """What the expression read in one case, and both answers; of a tensor with an element a case, that element."""
    read = []
    for name in dict.fromkeys(re.findall(r"[a-z]\w*", ours_text)):
        value = batch.get(name)
        if isinstance(value, torch.Tensor) and tuple(value.shape) in ((), theirs.shape):
            value = value.flatten()[place if value.dim() else 0].item()
        if isinstance(value, (bool, int, float, Fraction)):
            read.append(f"{name}={value}")
    if theirs.ndim > 1:  # each case is a sum over many numbers: say which
        read.append(f"output {[int(i) for i in numpy.unravel_index(place, theirs.shape)]}")
    return f"{', '.join(read)}: theirs {theirs.flat[place]:.9g}, ours {ours.flat[place]:.9g}"
