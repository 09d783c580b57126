"""Reading what a learner's function returned, and writing a value as text.

What is accepted: any integer dtype for stored integers, any floating dtype for real numbers, any type for an empty
tensor; a tuple or a list for a pair; for a whole number whatever Python can index with, except True and False; for
`signed` True, False, 0 or 1.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from qtutor.exercises.exercise import Answer, Case, Unreadable

WHY = {
    "list": "torch.tensor makes one of a list.",
    "tuple": "is there a comma too many, or is one of its parts the answer?",
    "ndarray": "torch.from_numpy makes one of an array.",
    "generator": "`yield` makes a generator, `return` hands a value back.",
    "coroutine": "`async` makes a coroutine, and a plain `def` is enough.",
    "function": "it hands back a function; is a call missing its brackets?",
}

NOTHING = "None: where does its answer leave it? (`return` hands a value back, `print` does not.)"


def read_integers(result: Any, case: Case) -> Answer:
    """Return a tensor of integers, of any integer dtype, in the shape of the input."""
    found = same_shape(result, case)
    if found.numel() and (found.is_floating_point() or found.is_complex() or found.dtype == torch.bool):
        raise Unreadable(
            f"a tensor of {words(found.dtype)}, and a stored integer has an integer type: which step gives the type?"
        )
    return Answer(tuple(found.reshape(-1).tolist()), tuple(found.shape))


def read_reals(result: Any, case: Case) -> Answer:
    """Return a tensor of real numbers, of any floating dtype, in the shape of the input."""
    found = same_shape(result, case)
    if found.numel() and not found.is_floating_point():
        raise Unreadable(
            f"a tensor of {words(found.dtype)}, and a real number needs a floating type: where did the scale go?"
        )
    return Answer(tuple(found.reshape(-1).tolist()), tuple(found.shape))


def read_format(result: Any, case: Case) -> Answer:
    """Return a pair (bit_width, signed)."""
    bits, signed = pair(result, "(bit_width, signed)")
    return Answer(((whole(bits, "bit_width"), flag(signed, "signed")),))


def read_multiplier(result: Any, case: Case) -> Answer:
    """Return a pair (mantissa, shift)."""
    mantissa, shift = pair(result, "(mantissa, shift)")
    return Answer(((whole(mantissa, "mantissa"), whole(shift, "shift")),))


def read_sum(result: Any, case: Case) -> Answer:
    """Return a pair (integers, zero_point), element by element."""
    integers, zero_point = pair(result, "(integers, zero_point)")
    read, zero = read_integers(integers, case), whole(zero_point, "zero_point")
    return Answer(tuple((value, zero) for value in read.values), read.shape)


def read_number(result: Any, case: Case) -> Answer:
    """Return one whole number: a Python int, or an integer tensor of one element."""
    if result is None:
        raise Unreadable(NOTHING)
    if isinstance(result, Tensor) and result.numel() != 1:
        raise Unreadable(f"a tensor of shape {tuple(result.shape)} where one number belongs: which step adds them up?")
    if isinstance(result, Tensor) and result.is_floating_point():
        raise Unreadable(f"a tensor of {words(result.dtype)}, and the answer is an int: which step gives the type?")
    return Answer((whole(result, "the answer"),))


def same_shape(result: Any, case: Case) -> Tensor:
    """Return the result where it is a tensor in the shape of the case's tensors."""
    found = tensor_alone(result)
    if found.shape != case.tensors[0].shape:
        expected = tuple(case.tensors[0].shape)
        raise Unreadable(f"the shape {tuple(found.shape)} for an input of shape {expected}: give one answer for each.")
    return found.detach()


def tensor_alone(result: Any) -> Tensor:
    """Return the result where it is a tensor; name what it is instead where it is not."""
    if result is None:
        raise Unreadable(NOTHING)
    if type(result).__module__ == "torch.return_types":  # of max, min, sort … with a dimension
        parts = " and ".join(f".{name}" for name in dir(result) if name in ("values", "indices"))
        raise Unreadable(f"all that torch.{type(result).__name__} gives, {parts}: which of them is the answer?")
    if not isinstance(result, Tensor):
        why = WHY.get(type(result).__name__, "which step leaves torch?")
        raise Unreadable(f"{words(result)} where a torch.Tensor belongs: {why}")
    return result


def pair(result: Any, names: str) -> tuple[Any, Any]:
    """Return the two parts of a tuple or list."""
    if result is None:
        raise Unreadable(NOTHING)
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        size = f" of {len(result)}" if isinstance(result, (tuple, list)) else ""
        raise Unreadable(f"{words(result)}{size} where a pair belongs: return {names}.")
    return result[0], result[1]


def whole(value: Any, name: str) -> int:
    """Return value as an int where it is a whole number and no truth value."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except (TypeError, ValueError, RuntimeError):
        raise Unreadable(f"{words(value)} as {name}, which is an int: convert it.") from None


def flag(value: Any, name: str) -> bool:
    """Return value as True or False where it is one of them, 0 or 1."""
    try:
        if operator.index(value) in (0, 1):
            return bool(value)
    except (TypeError, ValueError, RuntimeError):
        if type(value).__name__ in ("bool", "bool_") and type(value).__module__ == "numpy":
            return bool(value)
    raise Unreadable(f"{words(value)} as {name}, which is True or False: which is it?")


def words(value: Any) -> str:
    """Return what kind of thing a value is, and the value itself where it is a number.

    >>> words(0.5), words([1]), words(torch.float32)
    ('the float 0.5', 'a list', 'float32')
    """
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if value is None:
        return "None"
    kind = type(value).__name__
    article = "an" if kind[:1].lower() in "aeiou" or kind == "ndarray" else "a"
    return f"the {kind} {value}" if isinstance(value, (bool, int, float)) else f"{article} {kind}"


def write_real(value: Any, case: Case) -> str:
    """Return a real number as text."""
    return f"{value:g}"


def write_format(value: Any, case: Case) -> str:
    """Return a pair as text."""
    return f"{value}"


def write_bit_width(value: Any, case: Case) -> str:
    """Return a number of bits as text.

    >>> write_bit_width(1, Case(())), write_bit_width(9, Case(()))
    ('1 bit', '9 bits')
    """
    return f"{value} bit" if value == 1 else f"{value} bits"


def write_multiplier(value: Any, case: Case) -> str:
    """Return a mantissa and a shift as the number that they stand for.

    >>> write_multiplier((5, 4), Case(()))
    '5 / 2**4'
    """
    return f"{value[0]} / 2**{value[1]}"


def write_register(value: Any, case: Case) -> str:
    """Return an integer and the bits that a register of the case's format holds for it.

    >>> write_register(-1, Case((), bit_width=2, signed=True)), write_register(4, Case((), bit_width=2, signed=False))
    ('-1 (11)', '4 (does not fit)')
    """
    low = -(2 ** (case.bit_width - 1)) if case.signed else 0
    if low <= value < low + 2**case.bit_width:
        return f"{value} ({bits(value, case.bit_width)})"
    return f"{value} (does not fit)"


def write_integer(value: Any, case: Case) -> str:
    """Return an integer and its bits in the smallest of 4, 8, 16 … bits that holds it, with a sign only where it has one.

    >>> write_integer(-1, Case(())), write_integer(255, Case(())), write_integer(-411, Case(()))
    ('-1 (1111)', '255 (11111111)', '-411 (1111111001100101)')
    """
    return f"{value} ({bits(value, container_width(value))})"


def write_sum(value: Any, case: Case) -> str:
    """Return an integer with its bits, one more than the operands have, and its zero point."""
    return f"{write_register(value[0], replace(case, bit_width=case.bit_width + 1))} with zero point {value[1]}"


def container_width(value: int) -> int:
    """Return 4, 8, 16, 32 …, the first that holds a value: unsigned, or in two's complement where it is negative."""
    needed = value.bit_length() if value >= 0 else (~value).bit_length() + 1
    return max(4, 1 << (needed - 1).bit_length()) if needed else 4


def bits(value: int, width: int) -> str:
    """Return the lowest bits of an integer, as two's complement has them.

    >>> bits(-3, 4), bits(13, 4)
    ('1101', '1101')
    """
    return format(value % 2**width, f"0{width}b")
