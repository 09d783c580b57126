"""Formats: which integers a register holds, and what one step of them is worth. Python numbers only."""

from __future__ import annotations

import math
import numbers
import operator
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def int_range(bit_width: int, signed: bool, narrow_range: bool = False) -> tuple[int, int]:
    """Return the lowest and the highest integer that a format holds.

    bit_width     1 … 32
    signed        True: two's complement; False: 0 and up
    narrow_range  drops the lowest value if signed, the highest if unsigned
    returns       (low, high), both included
    raises        TypeError for a bit_width that is no number, or a flag that is neither True nor False; ValueError for
                  a width outside 1 … 32 or with a fraction, and for narrow signed 1 bit (only 0 would be left)
    source        ONNX QuantizeLinear (the 8-bit ranges); Brevitas 0.13 `min_int`, `max_int` (narrow_range)

    >>> int_range(4, signed=True), int_range(4, signed=False), int_range(4, signed=True, narrow_range=True)
    ((-8, 7), (0, 15), (-7, 7))
    """
    bits = whole_number(bit_width, "bit_width")
    if not 1 <= bits <= 32:
        nearest = min(max(bits, 1), 32)
        raise ValueError(f"bit_width {bits} is outside 1 … 32, the widths of a register here: use {nearest}.")
    signed, narrow = checked_flag(signed, "signed"), checked_flag(narrow_range, "narrow_range")
    if signed and narrow and bits == 1:
        raise ValueError(
            "narrow_range leaves signed 1 bit with 0 alone: use bit_width=2, whose narrow range is -1 … 1."
        )
    return (-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1 - narrow)


def sum_format(bits_a: int, signed_a: bool, bits_b: int, signed_b: bool) -> tuple[int, bool]:
    """Return the narrowest (bit_width, signed) that holds every sum of a value of format a and one of format b.

    bits_a, bits_b      1 … 32
    signed_a, signed_b  two's complement or unsigned
    returns             bit_width and signed (up to 34 bits: two 32-bit operands need more than 32)
    raises              as `int_range`
    source              by definition: the lowest and the highest sum must both fit. Brevitas 0.13.4 takes
                        ceil(log2(max - min)) instead, which is too narrow for 116 of the 256 pairs to 8 bits.

    >>> sum_format(4, False, 4, True)     # 0 … 15 plus -8 … 7 is -8 … 22
    (6, True)
    """
    low_a, high_a = int_range(bits_a, signed_a)
    low_b, high_b = int_range(bits_b, signed_b)
    return narrowest_format(low_a + low_b, high_a + high_b)


def narrowest_format(low: int, high: int) -> tuple[int, bool]:
    """Return the narrowest (bit_width, signed) that holds both low and high; unsigned where low is not negative.

    >>> narrowest_format(0, 255), narrowest_format(-1, 0), narrowest_format(0, 0)
    ((8, False), (1, True), (1, False))
    """
    if low >= 0:
        return max(high.bit_length(), 1), False
    return max((-low - 1).bit_length(), max(high, 0).bit_length()) + 1, True


def container_dtype(bit_width: int, signed: bool) -> torch.dtype:
    """Return the smallest torch dtype that holds the format (torch has no int4 and only half a uint16).

    >>> container_dtype(4, True), container_dtype(9, False), container_dtype(16, False), container_dtype(32, False)
    (torch.int8, torch.int16, torch.int32, torch.int64)
    """
    import torch  # here, not above: formats are used without torch

    if bit_width <= 8:
        return torch.int8 if signed else torch.uint8
    if bit_width <= (16 if signed else 15):
        return torch.int16
    return torch.int32 if bit_width <= (32 if signed else 31) else torch.int64


def whole_number(value: Any, name: str) -> int:
    """Return value as an int; raise a sentence that names it where it is no number or has a fraction.

    >>> whole_number(8.0, "bit_width")
    8
    """
    if type(value) is int:  # the usual case, soon done
        return value
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError(f"{name} {value!r} is a {type(value).__name__}: pass a Python int.")
        value = as_float(value)
        if not math.isfinite(value):
            raise ValueError(f"{name} {value} is not finite: pass a Python int.")
        if value != math.floor(value):
            below, above = math.floor(value), math.floor(value) + 1
            raise ValueError(f"{name} {value} is no whole number: the nearest are {below} and {above}.")
        return int(value)
    try:
        if str(getattr(value, "dtype", "")).endswith("bool"):  # a flag is no number, in a tensor either
            raise TypeError
        return operator.index(value)
    except TypeError:  # a float tensor has __index__ and refuses
        raise TypeError(f"{name} {value!r} is a {type(value).__name__}: pass a Python int.") from None


def as_float(value: Any) -> float:
    """Return a real number as a Python float: infinity where it is too large for one.

    >>> as_float(10**400)
    inf
    """
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def float32(value: float) -> float:
    """Return the float32 nearest to value, as a Python float: infinity where it is too large.

    >>> float32(0.1)
    0.10000000149011612
    """
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def checked_scale(scale: Any) -> float:
    """Return scale as the float32 that every runtime holds; raise where it is no finite number above 0."""
    if isinstance(scale, bool) or not isinstance(scale, numbers.Real):
        raise TypeError(
            f"scale {scale!r} is a {type(scale).__name__}: pass a Python float, or a tuple of them with an axis."
        )
    step = as_float(scale)
    if not (math.isfinite(step) and step > 0):
        raise ValueError(f"scale {step} is not a finite number above 0, as a step must be: use for example 0.1.")
    if float32(step) == 0 or math.isinf(float32(step)):
        raise ValueError(f"scale {step} leaves float32, which every runtime holds: use 1.2e-38 … 3.4e38.")
    return float32(step)


@dataclass(frozen=True)
class QParams:
    """What a tensor of integers means: real = scale * (q - zero_point), and which integers q there are.

    scale         one step in real units, finite and > 0; rounded to float32, as every runtime holds it.
                  Per-channel: a tuple, one entry a channel, with axis
    zero_point    the integer that stands for real 0.0, inside the range. Per-channel: a tuple, or one int for all
    bit_width     1 … 32
    signed        two's complement (True) or unsigned
    narrow_range  drop the lowest value if signed, the highest if unsigned
    axis          None, or the dimension that the tuples run along
    attributes    int_min, int_max: the range; dtype: the smallest torch dtype that holds it
    raises        TypeError for wrong types; ValueError for wrong values: the value, the rule, the nearest valid choice
    source        ONNX operators QuantizeLinear and DequantizeLinear; Jacob et al., CVPR 2018, equation 1

    >>> q = QParams(scale=0.1, zero_point=1, bit_width=4, signed=False)
    >>> q.scale, q.int_min, q.int_max, q.dtype
    (0.10000000149011612, 0, 15, torch.uint8)
    >>> QParams(scale=0.1, zero_point=15, bit_width=4, signed=True)
    Traceback (most recent call last):
    ValueError: zero_point 15 is outside [-8, 7], the range of 4 signed bits: real 0.0 would have no integer. Use 7, or widen bit_width.
    """

    scale: float | tuple[float, ...]
    zero_point: int | tuple[int, ...] = 0
    bit_width: int = 8
    signed: bool = True
    narrow_range: bool = False
    axis: int | None = None

    def __post_init__(self) -> None:
        store = object.__setattr__  # the dataclass is frozen; this is its constructor
        store(self, "bit_width", whole_number(self.bit_width, "bit_width"))
        for name in ("signed", "narrow_range"):
            store(self, name, checked_flag(getattr(self, name), name))
        int_range(self.bit_width, self.signed, self.narrow_range)  # raises its own sentence
        store(self, "axis", None if self.axis is None else whole_number(self.axis, "axis"))
        if isinstance(self.scale, (tuple, list)):
            store(self, "scale", tuple(checked_scale(s) for s in self.scale))
        else:
            store(self, "scale", checked_scale(self.scale))
        if isinstance(self.zero_point, (tuple, list)):
            store(self, "zero_point", tuple(self._checked_zero_point(z) for z in self.zero_point))
        else:
            store(self, "zero_point", self._checked_zero_point(self.zero_point))
        self._check_channels()

    def _checked_zero_point(self, zero_point: Any) -> int:
        z, low, high = whole_number(zero_point, "zero_point"), self.int_min, self.int_max
        if not low <= z <= high:
            kind = f"{self.bit_width} {'signed' if self.signed else 'unsigned'} bit{'s' if self.bit_width > 1 else ''}"
            raise ValueError(
                f"zero_point {z} is outside [{low}, {high}], the range of {kind}: real 0.0 would have no integer. "
                f"Use {min(max(z, low), high)}, or widen bit_width."
            )
        return z

    def _check_channels(self) -> None:
        scale, zero_point = self.scale, self.zero_point
        if self.axis is None and (isinstance(scale, tuple) or isinstance(zero_point, tuple)):
            raise ValueError("scale or zero_point is a tuple and axis is None: name the dimension, for example axis=0.")
        if self.axis is not None and not isinstance(scale, tuple):
            raise ValueError(
                f"axis {self.axis} asks for a tuple of scales, one a channel; scale is {scale}: drop axis."
            )
        if isinstance(scale, tuple) and not scale:
            raise ValueError("scale is an empty tuple: give one scale a channel.")
        if isinstance(scale, tuple) and isinstance(zero_point, tuple) and len(scale) != len(zero_point):
            raise ValueError(
                f"{len(scale)} scales and {len(zero_point)} zero points: give one of each a channel, or one zero point for all."
            )

    @property
    def int_min(self) -> int:
        return int_range(self.bit_width, self.signed, self.narrow_range)[0]

    @property
    def int_max(self) -> int:
        return int_range(self.bit_width, self.signed, self.narrow_range)[1]

    @property
    def dtype(self) -> torch.dtype:
        return container_dtype(self.bit_width, self.signed)


def checked_flag(value: Any, name: str) -> bool:
    """Return value as a bool: True, False, 1 and 0 are flags, nothing else is.

    >>> checked_flag(1, "signed")
    True
    """
    if isinstance(value, (bool, int)) and value in (0, 1) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    raise TypeError(f"{name} {value!r} is a {type(value).__name__}: pass True or False.")


def accumulator_bits(k: int, x_qparams: QParams, weight_qparams: QParams) -> int:
    """Return the two's complement bits that hold every sum of k products (qx - zx)(qw - zw): the worst case.

    k               how many products are summed, 1 and up
    x_qparams       the format of the inputs; with axis, the worst of its zero points
    weight_qparams  the format of the weights, likewise
    returns         bits, exact: one bit fewer does not hold the largest of these sums
    raises          TypeError for what is no number or no format; ValueError for a k that is no whole number above 0
    source          by definition; ceil(log2(k)) + bits_x + bits_w, a usual rule, can be too many, or
                    one too few where both are unsigned

    >>> accumulator_bits(1024, QParams(1.0, bit_width=8), QParams(1.0, bit_width=8))
    26
    """
    terms = whole_number(k, "k")
    for name, given in (("x_qparams", x_qparams), ("weight_qparams", weight_qparams)):
        if not isinstance(given, QParams):
            raise TypeError(f"{name} is a {type(given).__name__}: give the format as QParams(scale=0.1, bit_width=8).")
    if terms < 1:
        raise ValueError(f"k {terms} is below 1, and a sum has at least one product: give the number of products.")
    ends = [(p.int_min - z, p.int_max - z) for p in (x_qparams, weight_qparams) for z in _zero_points(p)]
    xs, ws = ends[: len(_zero_points(x_qparams))], ends[len(_zero_points(x_qparams)) :]
    products = [x * w for x_ends in xs for w_ends in ws for x in x_ends for w in w_ends]
    low, high = terms * min(products), terms * max(products)
    return narrowest_format(min(low, -1), high)[0]


def _zero_points(qparams: QParams) -> tuple[int, ...]:
    return qparams.zero_point if isinstance(qparams.zero_point, tuple) else (qparams.zero_point,)
