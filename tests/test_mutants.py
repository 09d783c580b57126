"""The test of the tests: bugs that kernels really have, planted one by one in a copy, and the tests that must catch each.

A copy is the package's own files under another name, with one line changed. The tests named beside it get that copy as
`lib` in place of qtutor, in this process. The unchanged copy passes all of them, so what they catch is the bug.
"""

import importlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tests import test_choose_qparams as choosing
from tests import test_quantization as quantization
from tests.kernels import test_accumulation as accumulation
from tests.kernels import test_multiplication as multiplication
from tests.kernels import test_pooling as pooling
from tests.kernels import test_requantization as requantization
from tests.kernels import test_tables as tables

PACKAGE = Path(__file__).resolve().parent.parent / "qtutor"
COPIED = ("__init__.py", "__init__.pyi", "qparams.py", "quantization.py", "kernels")


@dataclass(frozen=True)
class Caught:
    """A test and what pytest would give it, but for lib."""

    test: Callable[..., None]
    arguments: tuple = ()

    def by(self, lib: ModuleType) -> bool:
        """Whether the test says that lib is wrong. Any other error is the planted line's own, and no answer."""
        with pytest.MonkeyPatch.context() as quiet:
            quiet.setattr("_pytest.assertion.util._reprcompare", None)  # no diff of 65,536 numbers that nobody reads
            try:
                self.test(*self.arguments, lib=lib)
            except (AssertionError, pytest.fail.Exception):
                return True
        return False


def copy(folder: Path, name: str, file: str = "", line: str = "", planted: str = "") -> ModuleType:
    """Import the package from a copy of this name, in which one file has the planted line instead."""
    target = folder / name
    target.mkdir()
    for part in COPIED:
        (shutil.copytree if (PACKAGE / part).is_dir() else shutil.copy)(PACKAGE / part, target / part)
    for path in target.rglob("*.py"):
        text = path.read_text("utf-8").replace("from qtutor.", f"from {name}.")
        if path == target / file:
            assert text.count(line) == 1, f"{file} holds this {text.count(line)} times, plant the bug anew: {line}"
            text = text.replace(line, planted)
        path.write_text(text, "utf-8")
    return importlib.import_module(name)


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder for copies, forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


# ---- the tests, with arguments ---------------------------------------------------------------------------------------

I8, U8, I16, I32 = accumulation.DTYPES

TIES = Caught(requantization.test_every_tie_of_every_mode_falls_where_fractions_say, (1, 1, 1, "half_even"))
LATE_TIES = Caught(
    requantization.test_every_tie_of_every_mode_falls_where_fractions_say, (2**30, 54, 2**23, "half_even")
)
AWAY = Caught(requantization.test_every_tie_of_every_mode_falls_where_fractions_say, (1, 1, 1, "half_away"))
LATE_AWAY = Caught(
    requantization.test_every_tie_of_every_mode_falls_where_fractions_say, (2**30, 54, 2**23, "half_away")
)
LATE_ZERO = Caught(
    requantization.test_every_tie_of_every_mode_falls_where_fractions_say, (2**30, 54, 2**23, "toward_zero")
)
ENDS = Caught(requantization.test_the_ends_of_int32_are_exact_with_every_shift, (2**31 - 1, "half_even"))
NEIGHBOURS = Caught(
    requantization.test_the_neighbours_of_a_tie_are_told_apart_wherever_a_product_can_lie, ("half_even",)
)
INT64 = Caught(requantization.test_int64_accumulators_are_exact_up_to_63_bits_and_refused_beyond)
ORDER = Caught(requantization.test_rounding_comes_before_the_zero_point_and_saturation_after_it)
ONCE = Caught(requantization.test_a_product_is_rounded_once_where_published_code_rounds_twice)
CHANNELS = Caught(requantization.test_each_channel_has_its_own_mantissa_and_shift, ((5, 4), -1, "half_even"))
AXIS = Caught(requantization.test_each_channel_has_its_own_mantissa_and_shift, ((4, 4), 0, "half_even"))
LAYERS = Caught(requantization.test_the_channels_are_those_of_linear_and_of_conv2d)
OWN = Caught(requantization.test_a_channels_accumulator_is_held_against_its_own_mantissa)
SHIFTS = Caught(
    requantization.test_shifts_in_a_tensor_of_any_integers_work_each_on_its_channel, (torch.int32, "half_up")
)

PRODUCTS = Caught(
    multiplication.test_all_65536_products_equal_exact_arithmetic_at_ratios_that_are_powers_of_two,
    multiplication.POWERS[2],
)
NARROW = Caught(
    multiplication.test_all_65536_products_equal_exact_arithmetic_at_ratios_that_are_powers_of_two,
    multiplication.POWERS[5],
)
WIDE = Caught(
    multiplication.test_all_65536_products_equal_exact_arithmetic_at_ratios_that_are_powers_of_two,
    multiplication.POWERS[4],
)
OTHER = Caught(
    multiplication.test_at_other_ratios_all_are_exact_too_where_onnx_runtime_may_be_one_off, ((0.011, 1.9, 1.3), True)
)
LOOKED_UP = Caught(tables.test_all_pairs_in_any_order_are_looked_up_as_they_are_computed, (torch.int8, torch.uint8))
CONTAINERS = Caught(multiplication.test_every_pair_of_the_ends_of_every_container_is_exact)
TWO_STEPS = Caught(multiplication.test_a_result_of_32_bits_that_a_31_bit_mantissa_would_miss_by_two_steps_is_refused)

MIXED = Caught(accumulation.test_every_mix_of_dtypes_with_zero_points_at_their_ends_equals_python_integers, (U8, I8))
DTYPE = Caught(accumulation.test_65793_products_of_uint8_and_int8_are_the_most_that_int32_holds, (65_794, torch.int64))
FITS = Caught(accumulation.test_65793_products_of_uint8_and_int8_are_the_most_that_int32_holds, (65_793, torch.int32))
BOUND = Caught(accumulation.test_the_bias_and_the_zero_points_count_for_the_dtype_and_the_activations_at_hand_do_not)
ONNX = Caught(accumulation.test_int8_times_int8_equals_onnx_runtime, (63,))
BORDER = Caught(accumulation.test_the_border_is_real_zero_where_the_folded_correction_is_wrong)
CONV = Caught(
    accumulation.test_strides_paddings_and_groups_with_zero_points_equal_loops_in_python,
    (accumulation.LAYERS[1], U8, I8),
)
WINDOW = Caught(accumulation.test_a_window_over_the_whole_picture_is_a_linear_layer)
QUANTIZED = Caught(
    quantization.test_every_float16_value_equals_exact_fractions_at_scales_that_are_powers_of_two, (1.0, 8, True, 3)
)
SHORTCUTS = Caught(accumulation.test_neither_autocast_nor_reduced_precision_touches_a_sum, ("cpu",))
ROUNDED = Caught(
    accumulation.test_operands_rounded_to_bfloat16_change_no_sum_of_bytes_and_wider_ones_are_not_rounded, (I16, I8)
)
WINOGRAD = Caught(accumulation.test_no_way_of_convolving_that_torch_may_take_is_inexact, (False, (3, 3), 32))
RANGE = Caught(accumulation.test_the_range_is_that_of_all_inputs_and_both_ends_are_reached, ((2, False, 3), True))
BITS = Caught(accumulation.test_the_bits_hold_every_sum_and_one_fewer_does_not_for_all_formats_to_3_bits, (1,))
MORE_BITS = Caught(accumulation.test_the_bits_hold_every_sum_and_one_fewer_does_not_for_all_formats_to_3_bits, (3,))


def at(terms: int) -> Caught:
    """The adversarial sum of so many terms."""
    case = next(case for case in accumulation.BOUNDS if case[0] == terms)
    return Caught(accumulation.test_sums_at_the_bounds_of_float32_int32_and_float64_are_exact, (case,))


MEANS = Caught(pooling.test_every_sum_of_small_integers_has_its_mean_rounded_once, ((2, 2), "half_even"))
THIRDS = Caught(pooling.test_every_sum_of_small_integers_has_its_mean_rounded_once, ((3, 1), "half_even"))
MEANS_AWAY = Caught(pooling.test_every_sum_of_small_integers_has_its_mean_rounded_once, ((2, 3), "half_away"))
POOL_ENDS = Caught(
    pooling.test_the_ends_of_every_dtype_are_their_own_mean_and_the_dtype_stays, (torch.int8, "half_even")
)
POOL_STRIDE = Caught(pooling.test_the_default_stride_is_the_window_and_the_default_rounding_half_to_even)
POOL_SUM = Caught(pooling.test_a_sum_that_could_leave_int64_is_refused)


def chosen(case: int) -> Caught:
    """A format by hand."""
    return Caught(
        choosing.test_the_range_of_the_values_with_0_in_it_is_spread_over_the_integers, choosing.BY_HAND[case]
    )


TAILS = Caught(choosing.test_percentile_drops_a_thousandth_of_the_values_on_each_side)
LEAST = Caught(choosing.test_mse_takes_the_least_squared_error_of_the_hundred_clippings, (1, 3, False, False))
LEAST_LONG = Caught(choosing.test_mse_takes_the_least_squared_error_of_the_hundred_clippings, (3, 3, False, False))
LEAST_2_BITS = Caught(choosing.test_mse_takes_the_least_squared_error_of_the_hundred_clippings, (2, 2, True, False))
ALONE = Caught(choosing.test_each_channel_gets_what_it_would_get_alone, ("minmax", 1, {}))
POWER = Caught(choosing.test_the_scale_is_rounded_up_to_a_power_of_two_and_the_zero_point_belongs_to_it)

# ---- the bugs ----------------------------------------------------------------------------------------------------------

ROUNDING, REQUANTIZATION, OVERFLOW = "kernels/rounding.py", "kernels/requantization.py", "kernels/overflow.py"
ACCUMULATION, MULTIPLICATION = "kernels/accumulation.py", "kernels/multiplication.py"
TABLES, REGISTERS = "kernels/tables.py", "kernels/registers.py"
QUANTIZATION, QPARAMS = "quantization.py", "qparams.py"

MUTANTS: dict[str, tuple[str, str, str, tuple[Caught, ...]]] = {  # name: file, line, what is planted, who catches it
    # rounding
    "a shift rounds half up for half to even": (
        ROUNDING, "(rest > half) | ((rest == half) & (floor & 1).bool())", "rest >= half", (LATE_TIES,),
    ),
    "a shift does not round": (ROUNDING, "(floor + up).to(x.dtype)", "floor.to(x.dtype)", (LATE_TIES,)),
    "half away from zero is half up": (ROUNDING, "((rest == half) & (floor >= 0))", "(rest == half)", (LATE_AWAY,)),
    "toward zero is floor": (ROUNDING, "(rest > 0) & (floor < 0)", "(rest > 0) & (floor < -(2**62))", (LATE_ZERO,)),
    "floats are rounded half up for half to even": (
        ROUNDING, '"half_even": torch.round_', '"half_even": lambda x: torch.floor(x + 0.5)', (TIES,),
    ),
    "floats are rounded half away as Python's and C's round do": (
        ROUNDING, "lambda f: f <= -0.5", "lambda f: f < -0.5", (AWAY,),
    ),
    "shifts in an int32 tensor stay int32": (ROUNDING, "shift.to(torch.int64)  #", "shift  #", (SHIFTS,)),
    # requantize
    "the accumulators wrap in int16": (
        REQUANTIZATION, "wide.copy_(part)", "wide.copy_(part.to(torch.int16))", (ENDS,),
    ),
    "float32 for float64": (
        REQUANTIZATION, "product = wide.mul_(factor)", "product = wide.float().mul_(factor)", (ENDS,),
    ),
    "float64 for 64 bits": (REQUANTIZATION, "<= 2**53", "<= 2**93", (NEIGHBOURS,)),
    "a float64 of one bit more than it has": (REQUANTIZATION, "<= 2**53", "<= 2**54", (NEIGHBOURS,)),
    "rounded twice": (
        REQUANTIZATION, "round_floats(product, rounding)", "round_floats(product.mul(512).round_() / 512, rounding)", (ONCE,),
    ),
    "the zero point is added before rounding": (
        REQUANTIZATION, "round_floats(product, rounding)",
        "round_floats(product + out.zero_point, rounding) - out.zero_point", (ORDER,),
    ),
    "saturated before the zero point is added": (
        OVERFLOW, "qparams.int_min - zero_point, qparams.int_max - zero_point", "qparams.int_min, qparams.int_max", (ORDER,),
    ),
    "the container wraps and nothing saturates": (OVERFLOW, "    steps.clamp_(low, high)", "    # steps.clamp_(low, high)", (TIES,)),
    "narrow_range is forgotten": (
        OVERFLOW, "qparams.int_min - zero_point,", "int_range(qparams.bit_width, qparams.signed)[0] - zero_point,", (NARROW, TIES),
    ),
    "the zero point is forgotten": (OVERFLOW, ".add_(zero_point)", "", (ORDER,)),
    "all channels have the first one's shift": (
        REQUANTIZATION, "shifts = as_tuple(multiplier.mantissa), as_tuple(multiplier.shift)",
        "shifts = as_tuple(multiplier.mantissa), as_tuple(multiplier.shift)[:1] * len(as_tuple(multiplier.shift))",
        (CHANNELS, LAYERS),
    ),
    "all channels have the first one's mantissa": (
        REQUANTIZATION, "shifts = as_tuple(multiplier.mantissa), as_tuple(multiplier.shift)",
        "shifts = as_tuple(multiplier.mantissa)[:1] * len(as_tuple(multiplier.mantissa)), as_tuple(multiplier.shift)",
        (CHANNELS,),
    ),
    "channels lie along the last axis": (
        REQUANTIZATION, "channels(values, multiplier.axis, accumulators,", "channels(values, -1, accumulators,", (AXIS,),
    ),
    "products beyond 63 bits wrap": (REQUANTIZATION, "if max(-low, high) * mantissa >= 2**63:", "if False:", (INT64, OWN)),
    # multiply
    "b's zero point is forgotten": (MULTIPLICATION, "wide_b.copy_(b).sub_(z_b)", "wide_b.copy_(b)", (PRODUCTS,)),
    "a's zero point is forgotten": (MULTIPLICATION, "wide_a.copy_(a).sub_(z_a)", "wide_a.copy_(a)", (PRODUCTS,)),
    "the product wraps in int16": (
        MULTIPLICATION, "rescaled(steps, out", "rescaled(steps.short().to(steps.dtype), out", (WIDE,),
    ),
    "the product wraps in int32": (
        MULTIPLICATION, "rescaled(steps, out", "rescaled(steps.int().to(steps.dtype), out", (CONTAINERS,),
    ),
    "the table's rows and columns are exchanged": (
        TABLES, "low.copy_(b).add_(high.copy_(a)", "low.copy_(a).add_(high.copy_(b)", (LOOKED_UP,),
    ),
    "a byte of the table is read without its sign": (TABLES, "every.view(a_dtype)", "every.int()", (LOOKED_UP,)),
    "a multiplier of 16 bits": (MULTIPLICATION, "from_real(ratio)", "from_real(ratio, bits=16)", (OTHER,)),
    "the scale of the product is forgotten": (MULTIPLICATION, "return s_a * s_b / s_out", "return s_a * s_b", (PRODUCTS,)),
    "a mantissa too short is used in silence": (MULTIPLICATION, "if missed >= 1 or", "if", (TWO_STEPS,)),
    # linear and conv2d
    "the row sum of the weights is forgotten": (
        ACCUMULATION, "_steps(weight, weight_zero, register)\n    return", "_steps(weight, 0, register)\n    return", (MIXED, ONNX),
    ),
    "zero points are subtracted in the container, and wrap": (
        ACCUMULATION, "q.to(device, dtype)", "((q - zero_point).to(dtype) + zero_point).to(device, dtype)", (MIXED, ONNX),
    ),
    "the border is padded with 0 for the zero point": (
        ACCUMULATION, "    taps = _steps(weight, weight_zero, register)\n\n",
        "    taps = _steps(weight, weight_zero, register)\n"
        "    x, pads = functional.pad(x, (pads[1], pads[1], pads[0], pads[0])), (0, 0)\n\n",
        (BORDER, CONV),
    ),
    "float32 sums beyond 2**24": (REGISTERS, "largest <= 2**24", "largest <= 2**25", (at(1026),)),
    "float32 sums under autocast": (REGISTERS, 'torch.is_autocast_enabled("cpu")', "False", (SHORTCUTS,)),
    "float32 sums of wider operands": (
        ACCUMULATION, "x[0].itemsize == weight[0].itemsize == 1", "True", (ROUNDED,),
    ),
    "float32 convolutions whatever the library": (
        REGISTERS, "return X86 and torch.backends.mkldnn.is_available() and bool(torch.backends.mkldnn.enabled)", "return True",
        (WINOGRAD,),
    ),
    "int32 sums beyond 2**31": (REGISTERS, "products <= FEW and largest < 2**31", "products <= FEW", (at(131_073),)),
    "float64 sums beyond 2**53": (REGISTERS, "if largest > 2**53", "if largest > 2**54", (at(130),)),
    "int32 accumulators always": (
        ACCUMULATION, "dtype = torch.int32 if bound < 2**31 else torch.int64", "dtype = torch.int32", (at(131_073), DTYPE),
    ),
    "int64 accumulators always": (
        ACCUMULATION, "dtype = torch.int32 if bound < 2**31 else torch.int64", "dtype = torch.int64", (FITS,),
    ),
    "the accumulators wrap in 16 bits": (
        ACCUMULATION, "accumulators = total.to(device, dtype)", "accumulators = total.to(torch.int16).to(device, dtype)", (MIXED, at(1024)),
    ),
    "the accumulators saturate in 16 bits": (
        ACCUMULATION, "total.to(device, dtype)", "total.clamp(-(2**15), 2**15 - 1).to(device, dtype)", (ONNX,),
    ),
    "the bias is forgotten": (ACCUMULATION, "if bias is None else accumulators +", "if True else accumulators +", (MIXED, CONV)),
    "the bias does not count for the dtype": (
        ACCUMULATION, "    return bound + end", "    return bound", (BOUND,),
    ),
    "the farthest integer is the highest": (
        ACCUMULATION, "max(torch.iinfo(dtype).max - zero_point, zero_point - torch.iinfo(dtype).min)",
        "torch.iinfo(dtype).max - zero_point", (DTYPE,),
    ),
    "height and width of the stride are exchanged": (ACCUMULATION, "None, moves, pads,", "None, moves[::-1], pads,", (CONV,)),
    "the window is turned, as in a convolution of mathematics": (
        ACCUMULATION, "functional.conv2d(steps, taps,", "functional.conv2d(steps, taps.flip(2, 3),", (CONV, WINDOW),
    ),
    # quantize
    "ties go to odd integers": (ROUNDING, "WHOLE = 1.5 * 2**23", "WHOLE = 1.5 * 2**23 + 1", (QUANTIZED,)),
    "bytes wrap": (QUANTIZATION, "steps.clamp_(low - zero_point, high - zero_point)", "steps", (QUANTIZED,)),
    "bytes are saturated before the zero point is added": (
        QUANTIZATION, "steps.clamp_(low - zero_point, high - zero_point)", "steps.clamp_(low, high)", (QUANTIZED,),
    ),
    # accumulator_range and accumulator_bits
    "the range is that of the largest magnitude": (
        ACCUMULATION, "return min(lows), max(highs)",
        "return -max(map(abs, lows + highs)), max(map(abs, lows + highs))", (RANGE,),
    ),
    "the range is that of the first output": (ACCUMULATION, "return min(lows), max(highs)", "return lows[0], highs[0]", (RANGE,)),
    "the range forgets the inputs' zero point": (
        ACCUMULATION, "x_qparams.int_min - zero_point, x_qparams.int_max - zero_point", "x_qparams.int_min, x_qparams.int_max",
        (RANGE,),
    ),
    "the range forgets the bias": (ACCUMULATION, "[0] * len(up) if bias is None", "[0] * len(up) if True", (RANGE,)),
    "the bits are a rule by logarithms": (
        QPARAMS, "    return narrowest_format(min(low, -1), high)[0]",
        "    return x_qparams.bit_width + weight_qparams.bit_width + (terms - 1).bit_length()", (BITS, MORE_BITS),
    ),
    "the bits have no sign": (QPARAMS, "narrowest_format(min(low, -1), high)[0]", "narrowest_format(low, high)[0]", (BITS,)),
    "the bits forget the zero points": (
        QPARAMS, "(p.int_min - z, p.int_max - z)", "(p.int_min, p.int_max)", (BITS,),
    ),
    "the bits hold one product fewer": (QPARAMS, "low, high = terms * min(products), terms * max(products)",
        "low, high = max(terms - 1, 1) * min(products), max(terms - 1, 1) * max(products)", (MORE_BITS,)),
    # avg_pool2d
    "a mean is its floor": (ROUNDING, "return floor + (SHIFT_ROUNDINGS", "return floor + 0 * (SHIFT_ROUNDINGS", (MEANS, THIRDS)),
    "a mean never is a tie": (ROUNDING, "(floor, 2 * rest, divisor)", "(floor, 2 * rest + 1, divisor)", (MEANS, MEANS_AWAY)),
    "the sum wraps in the dtype of the input": (
        REQUANTIZATION, "windows.sum((-2, -1))", "windows.to(q.dtype).sum((-2, -1), dtype=q.dtype)", (POOL_ENDS,),
    ),
    "rows are averaged first, and rounded": (
        REQUANTIZATION, "rounded_quotient(windows.sum((-2, -1)), height * width, rounding)",
        "rounded_quotient(rounded_quotient(windows.sum(-1), width, rounding).sum(-1), height, rounding)",
        (MEANS_AWAY,),
    ),
    "the stride is 1 where none is given": (
        REQUANTIZATION, "steps = (height, width) if stride is None", "steps = (1, 1) if stride is None", (POOL_STRIDE,),
    ),
    "a sum beyond int64 wraps": (REQUANTIZATION, "if low * count < -(2**63) or high * count >= 2**63:", "if False:", (POOL_SUM,)),
    # choose_qparams
    "0 is not in the range": (QUANTIZATION, "whole = (min(low, 0.0), max(high, 0.0))", "whole = (low, high)", (chosen(2), chosen(4))),
    "the zero point is cut, not rounded": (
        QUANTIZATION, "max(round(int_min - low / scale)", "max(int(int_min - low / scale)", (chosen(0),),
    ),
    "symmetric looks at the highest value only": (
        QUANTIZATION, "(max(-low, high), int_max) if symmetric", "(high, int_max) if symmetric", (chosen(7),),
    ),
    "symmetric divides by the lowest integer": (
        QUANTIZATION, "(max(-low, high), int_max) if symmetric", "(max(-low, high), max(-int_min, int_max)) if symmetric",
        (chosen(6),),
    ),
    "narrow_range is not chosen for": (QUANTIZATION, "int_range(*kind)\n", "int_range(*kind[:2])\n", (chosen(9),)),
    "all-zero values get a scale of nearly 0": (QUANTIZATION, "if reach else 1.0", "", (chosen(15),)),
    "the power of two is the one below": (QUANTIZATION, "math.ceil(math.log2", "math.floor(math.log2", (POWER,)),
    "the zero point belongs to the scale before rounding up": (
        QUANTIZATION, "max(round(int_min - low / scale)", "max(round(int_min - low / (reach / steps or 1.0))", (POWER,),
    ),
    "a percentile of 1 % is dropped": (QUANTIZATION, "TAIL = 0.001", "TAIL = 0.01", (TAILS,)),
    "percentile drops one side only": (QUANTIZATION, "for share in (TAIL, 1 - TAIL)", "for share in (TAIL, 1)", (TAILS,)),
    "the absolute error is least": (QUANTIZATION, ".sub_(rows).square_()", ".sub_(rows).abs_()", (LEAST,)),
    "long rows try the first clippings only": (
        QUANTIZATION, "in _in_groups(tried, AT_ONCE // len(row))", "in _in_groups(tried, AT_ONCE // len(row))[:1]", (LEAST_LONG,),
    ),
    "half the clippings are tried": (QUANTIZATION, "for n in range(CLIPS, 0, -1)", "for n in range(CLIPS, 50, -1)", (LEAST_2_BITS,)),
    "channels are taken along the first axis": (
        QUANTIZATION, "x.movedim(axis, 0).reshape(x.shape[axis], -1)", "x.reshape(x.shape[axis], -1)", (ALONE,),
    ),
}  # fmt: skip


def test_an_unchanged_copy_passes_all_these_tests(copies: Path) -> None:
    lib = copy(copies, "unchanged")
    assert lib.linear.__module__ == "unchanged.kernels.accumulation"
    used = {(c.test, repr(c.arguments)): c for *_, catchers in MUTANTS.values() for c in catchers}
    assert [c.test.__name__ for c in used.values() if c.by(lib)] == []


@pytest.mark.parametrize("name", MUTANTS)
def test_the_bug_is_caught_by_each_test_named_beside_it(name: str, copies: Path) -> None:
    file, line, planted, catchers = MUTANTS[name]
    lib = copy(copies, "mutant", file, line, planted)
    assert [c.test.__name__ for c in catchers if not c.by(lib)] == []


def test_a_bug_whose_line_is_gone_is_not_forgotten(copies: Path) -> None:
    with pytest.raises(AssertionError, match="holds this 0 times, plant the bug anew: no such line"):
        copy(copies, "mutant", QPARAMS, "no such line", "")
