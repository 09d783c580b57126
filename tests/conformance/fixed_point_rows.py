"""QONNX's IntQuant and the C++ type ap_fixed, in Python fractions after their documents."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import ceil, floor

import torch

from tests.conformance.engines import engine
from tests.conformance.row import Batch, Row

HALF = Fraction(1, 2)


def magnitude(rule: Callable[[Fraction], int]) -> Callable[[Fraction], int]:
    """A rule for numbers from zero up, mirrored at zero."""
    return lambda x: rule(x) if x >= 0 else -rule(-x)


QONNX_MODES: dict[str, tuple[Callable[[Fraction], int], str]] = {  # the document's names: the rule, and ours
    "ROUND": (round, 'quantize({}, {}, "half_even")'),
    "CEIL": (ceil, 'quantize({}, {}, "ceil")'),
    "FLOOR": (floor, 'quantize({}, {}, "floor")'),
    "UP": (magnitude(ceil), 'torch.where({0} < 0, quantize({0}, {1}, "floor"), quantize({0}, {1}, "ceil"))'),
    "DOWN": (magnitude(floor), 'quantize({}, {}, "toward_zero")'),
    "HALF_UP": (magnitude(lambda x: floor(x + HALF)), 'quantize({}, {}, "half_away")'),
    "HALF_DOWN": (
        magnitude(lambda x: ceil(x - HALF)),
        'torch.where({0} < 0, quantize({0}, {1}, "half_up"), '
        'saturate(-quantize(-({0}), QParams(1.0, 0, 32), "half_up"), bits, signed, narrow))',
    ),
}  # fmt: skip
AP_MODES: dict[str, tuple[Callable[[Fraction], int], str]] = {
    "AP_TRN": (floor, 'rounding_right_shift(x, shift, "floor")'),
    "AP_TRN_ZERO": (magnitude(floor), 'rounding_right_shift(x, shift, "toward_zero")'),
    "AP_RND": (lambda x: floor(x + HALF), 'rounding_right_shift(x, shift, "half_up")'),
    "AP_RND_INF": (magnitude(lambda x: floor(x + HALF)), 'rounding_right_shift(x, shift, "half_away")'),
    "AP_RND_CONV": (round, 'rounding_right_shift(x, shift, "half_even")'),
    "AP_RND_MIN_INF": (lambda x: ceil(x - HALF), '-rounding_right_shift(-x, shift, "half_up")'),
    "AP_RND_ZERO": (
        magnitude(lambda x: ceil(x - HALF)),
        'x.sign() * -rounding_right_shift(-x.abs(), shift, "half_up")',
    ),
}


def limits(bits: int, signed: bool, narrow: bool = False) -> tuple[int, int]:
    """The ends of a format, from its definition."""
    if signed:
        return -(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1
    return 0, 2**bits - 1 - narrow


def wrapped(q: int, low: int, high: int) -> int:
    return (q - low) % (high - low + 1) + low


OVERFLOWS: dict[str, tuple[Callable[[int, int, int], int], str]] = {
    "AP_WRAP": (wrapped, "wrap({}, bits, signed)"),
    "AP_SAT": (lambda q, low, high: min(max(q, low), high), "saturate({}, bits, signed)"),
    "AP_SAT_SYM": (
        lambda q, low, high: min(max(q, -high if low else 0), high),
        "saturate({}, bits, signed, narrow_range=signed)",
    ),
    "AP_SAT_ZERO": (
        lambda q, low, high: q if low <= q <= high else 0,
        "saturate({0}, bits, signed) * (saturate({0}, bits, signed) == {0})",
    ),
}


def qonnx_batches(rule: Callable[[Fraction], int], fractional: bool = True) -> Iterator[Batch]:
    steps = range(-640, 641)
    for scale in (1.0, 0.25, 2.0):
        x = torch.tensor([n * scale / 16 for n in steps])
        for bits, signed, narrow in ((4, True, False), (4, True, True), (4, False, False), (6, False, True)):
            low, high = limits(bits, signed, narrow)
            for zero in (0, 1, 2):
                sums = [min(max(Fraction(n, 16) + zero, Fraction(low)), Fraction(high)) for n in steps]
                yield {"x": x, "scale": scale, "zero_point": zero, "bits": bits, "signed": signed} | {
                    "narrow": narrow,
                    "theirs": [rule(value) for value in sums],  # the document clamps first: its ends are integers
                }


def ap_fixed_batches(
    quantization: Callable[[Fraction], int], overflow: Callable[[int, int, int], int]
) -> Iterator[Batch]:
    words = range(-2048, 2048)
    for shift in (0, 1, 4):
        rounded = [quantization(Fraction(n, 2**shift)) for n in words]
        for bits, signed in ((4, True), (4, False), (8, True)):
            theirs = [overflow(q, *limits(bits, signed)) for q in rounded]
            yield {"x": torch.tensor(words), "shift": shift, "bits": bits, "signed": signed, "theirs": theirs}


QONNX_DOMAIN = (
    "1,281 multiples of scale/16, −40 … 40 steps; 3 scales that are powers of two; "
    "4 and 6 bits, signed, narrow; zero points 0, 1, 2"
)
AP_DOMAIN = "all 4,096 words of 12 bits; 0, 1 and 4 bits dropped; ap_fixed<4>, ap_ufixed<4>, ap_fixed<8>"


def qonnx_row(mode: str) -> Row:
    rule, ours = QONNX_MODES[mode]
    expression = ours.format("x / scale + zero_point", "QParams(1.0, 0, bits, signed, narrow)")
    note = {"HALF_DOWN": "ties toward zero: no name of ours, two of them mirrored", "UP": "away from zero: two of ours"}
    return Row(f"QONNX.IntQuant.{mode}", "QONNX", f"IntQuant, {mode}", engine("Python"), "float32", QONNX_DOMAIN, expression,
               lambda: qonnx_batches(rule), note=note.get(mode, "the zero point before the rounding"))  # fmt: skip


def ap_fixed_row(mode: str, overflow: str) -> Row:
    (rule, shifted), (stop, kept) = AP_MODES[mode], OVERFLOWS[overflow]
    default = (
        "the default; AP_WRAP_SM, wrapping by sign and magnitude, has no counterpart of ours"
        if (mode, overflow) == ("AP_TRN", "AP_WRAP")
        else ""
    )
    return Row(f"ap_fixed.{mode}.{overflow}", "ap_fixed", f"ap_fixed<W, I, {mode}, {overflow}>", engine("Python"), "power of two",
               AP_DOMAIN, kept.format(shifted), lambda: ap_fixed_batches(rule, stop), note=default)  # fmt: skip


ROWS = [
    *(qonnx_row(mode) for mode in QONNX_MODES),
    *(ap_fixed_row(mode, "AP_WRAP") for mode in AP_MODES),
    *(ap_fixed_row("AP_TRN", overflow) for overflow in OVERFLOWS if overflow != "AP_WRAP"),
]
