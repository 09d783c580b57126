"""The bridge against Brevitas itself, against exact fractions, and against every figure of the reference tutorial."""

import json
import math
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from brevitas.function.ops_ste import round_ste
from brevitas.quant_tensor import IntQuantTensor

from qtutor import (
    QParams,
    from_brevitas,
    quant_add,
    quant_tensor,
    quant_transform,
    saturate,
    sum_format,
    to_brevitas,
)

CASES = {case["id"]: case for case in json.loads(Path(__file__).with_name("reference_cases.json").read_text())["cases"]}


def tensor_of(fields: dict) -> IntQuantTensor:
    return IntQuantTensor(**(fields | {"value": torch.tensor(fields["value"])}))


def fields_of(t: IntQuantTensor) -> dict:
    return {
        "value": t.value.tolist(),
        "scale": t.scale.item(),
        "zero_point": t.zero_point.item(),
        "bit_width": t.bit_width.item(),
        "signed": t.signed,
        "training": t.training,
    }


# The reference tutorial, figure by figure


@pytest.mark.parametrize("name", ["2.1-1d", "2.1-2d", "2.1-3d"])
def test_section_2_1_the_integers_are_those_that_the_tutorial_prints(name):
    case = CASES[name]
    t = tensor_of(case["tensor"])
    integers, qparams = from_brevitas(t)
    assert integers.tolist() == t.int().tolist() == case["int_values"]
    assert str(integers.dtype) == str(t.int().dtype) == case["int_dtype"]
    assert t._pre_round_int_value.tolist() == case["pre_round"]
    assert round_ste(t._pre_round_int_value).tolist() == case["round_ste"]
    assert torch.round(t.value / t.scale + t.zero_point).tolist() == case["manual_round"]
    assert (qparams.scale, qparams.zero_point) == (t.scale.item(), t.zero_point.item())
    assert fields_of(to_brevitas(integers, qparams)) == case["tensor"]


def test_section_2_1_attributes_and_the_float_option():
    t = tensor_of(CASES["2.1-1d"]["tensor"])
    case, floats = CASES["2.1-attributes"], CASES["2.1-int-float"]
    assert (t.signed, str(t.signed_t), t.training, str(t.training_t)) == (
        case["signed"], case["signed_t"], case["training"], case["training_t"],
    )  # fmt: skip
    assert (t.scale.item(), str(t.scale.dtype)) == (case["scale"], case["scale_dtype"])
    assert t.int(float_datatype=True).tolist() == floats["result"]
    assert str(t.int(float_datatype=True).dtype) == floats["dtype"]


@pytest.mark.parametrize("name", ["2.2-unsigned", "2.2-signed"])
def test_section_2_2_out_of_range_int_refuses_and_quant_tensor_saturates(name):
    case = CASES[name]
    t = tensor_of(case["tensor"])
    assert not t.is_valid
    with pytest.raises(RuntimeError, match="not valid"):
        t.int()
    assert round_ste(t._pre_round_int_value).tolist() == case["manual_round"] == CASES[f"{name}-round_ste"]["result"]
    assert quant_tensor(t).tolist() == case["saturated"]


@pytest.mark.parametrize("name", ["2.2-quant_tensor-1d", "2.2-quant_tensor-2d", "2.2-quant_tensor-3d"])
def test_section_2_2_quant_tensor(name):
    case = CASES[name]
    result = quant_tensor(tensor_of(case["tensor"]), quant_type=case["quant_type"])
    assert (fields_of(result) if case["quant_type"] else result.tolist()) == case["result"]


def test_section_3_1_two_sums():
    case = CASES["3.1-add"]
    a, b = tensor_of(case["a"]), tensor_of(case["b"])
    assert fields_of(a + b) == case["brevitas_sum"]
    assert (a + b).int().tolist() == case["quantized_sum"] == CASES["3.1-operands-invalid"]["sum_int"]
    assert [a.is_valid, b.is_valid, (a + b).is_valid] == [*CASES["3.1-operands-invalid"]["operands_valid"], True]
    assert quant_tensor(a).tolist() == case["quantized_a"]
    assert quant_tensor(b).tolist() == case["quantized_b"]
    assert quant_add(a, b).tolist() == case["sum_of_quantized"]
    typed = CASES["3.1-quant_add"]
    assert fields_of(quant_add(a, b, quant_type=True)) == typed["result"]


def test_section_3_1_scales_that_differ_are_refused_by_name():
    case = CASES["3.1-scale-mismatch"]
    a, b = tensor_of(case["a"]), tensor_of(case["b"])
    with pytest.raises(RuntimeError, match="Scaling factors are different"):
        a + b
    with pytest.raises(ValueError, match=r"scales 0\.200000003 and 0\.5 differ.*quant_transform"):
        quant_add(a, b)


def test_section_3_1_quant_transform_which_was_left_empty():
    case, pair = CASES["3.1-quant_transform-ours"], CASES["3.1-scale-mismatch"]
    a, b = tensor_of(pair["a"]), tensor_of(pair["b"])
    assert quant_tensor(quant_transform(a, 0.5)).tolist() == case["first_tensor_to_scale_0.5"]
    assert quant_tensor(quant_transform(b, 0.2)).tolist() == case["second_tensor_at_0.5_to_scale_0.2"]
    assert quant_add(quant_transform(a, 0.5), b).tolist() == case["quant_add_at_0.5"]


# quant_transform against fractions


def exact_transform(q: int, z: Fraction, old: Fraction, new: Fraction, low: int, high: int) -> int:
    whole = math.floor(z)
    return min(max(round((q - z) * old / new + (z - whole)) + whole, low), high)


@pytest.mark.parametrize("z", [0.0, 3.0, 2.5, 3.5, 15.0, -0.5])
@pytest.mark.parametrize("new", [0.5, 0.25, 0.125, 1.0, 0.2, 0.1, 0.3, 0.7])
@pytest.mark.parametrize("old", [0.5, 0.2, 0.3])
def test_every_6_bit_integer_lands_where_fractions_say(old, new, z):
    for signed in (False, True):
        low, high = (-32, 31) if signed else (0, 63)
        every = torch.arange(low, high + 1)
        old32, new32 = (torch.tensor(s).item() for s in (old, new))
        t = IntQuantTensor((every - z) * old32, old, z, 6, signed, False)
        stored = quant_tensor(t)
        got = quant_tensor(quant_transform(t, new))
        wanted = [
            exact_transform(int(q), Fraction(z), Fraction(old32), Fraction(new32), low, high) for q in stored.tolist()
        ]
        assert got.tolist() == wanted
        inside = [low < w < high for w in wanted]
        error = (quant_transform(t, new).value - (stored - z) * old32).abs()[torch.tensor(inside)]
        assert (error <= new32 / 2 * (1 + 1e-5)).all()  # float32 reals; the integers above have no tolerance


def test_an_8_bit_tensor_at_half_needs_9_bits_at_a_quarter_and_10_at_a_fifth_at_the_top():
    t = to_brevitas(torch.arange(256).to(torch.uint8), QParams(0.5, 3, 8, False))
    for new, bits, top in [(0.25, 9, 507), (0.2, 10, 633)]:
        assert quant_tensor(quant_transform(t, new)).max() == 255
        assert quant_tensor(quant_transform(t, new, bit_width=bits)).max() == top
        assert quant_tensor(quant_transform(t, new, bit_width=bits - 1)).max() == 2 ** (bits - 1) - 1
    assert quant_tensor(quant_transform(t, 0.25, bit_width=9))[:3].tolist() == [0, 0, 1]  # -3 and -1 saturate


def test_int_accepts_the_result_where_the_zero_point_is_whole():
    t = to_brevitas(torch.arange(-8, 8).to(torch.int8), QParams(0.5, 1, 4))
    moved = quant_transform(t, 0.25, bit_width=6)
    assert moved.int().tolist() == [2 * (q - 1) + 1 for q in range(-8, 8)]
    assert (moved.scale.item(), moved.zero_point.item(), moved.bit_width.item(), moved.signed) == (0.25, 1, 6, True)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_a_scale_that_is_no_step_is_refused(scale):
    t = tensor_of(CASES["2.1-1d"]["tensor"])
    with pytest.raises(ValueError, match="scale .* above 0"):
        quant_transform(t, scale)


# quant_add and its format


def test_the_sum_of_u4_15_and_s4_7_is_22_in_6_bits():
    a = to_brevitas(torch.tensor([15]).to(torch.uint8), QParams(1.0, 0, 4, False))
    b = to_brevitas(torch.tensor([7]).to(torch.int8), QParams(1.0, 0, 4, True))
    total = quant_add(a, b, quant_type=True)
    assert (total.value.item(), total.bit_width.item(), total.signed) == (22, 6, True)
    assert (a + b).bit_width.item() == 5
    with pytest.raises(RuntimeError, match="not valid"):
        (a + b).int()


def test_brevitas_gives_a_width_that_is_too_narrow_for_116_of_256_pairs_of_formats():
    formats = [(bits, signed) for bits in range(1, 9) for signed in (False, True)]
    narrow = []
    for a in formats:
        for b in formats:
            given = _one(*a) + _one(*b)
            bits, signed = sum_format(*a, *b)
            narrow += [(a, b)] if given.bit_width.item() < bits else []
            assert given.signed == signed
    one_bit = [pair for pair in narrow if 1 in (pair[0][0], pair[1][0])]
    mixed = [(a, b) for a, b in narrow if 1 not in (a[0], b[0])]
    assert (len(narrow), len(one_bit), len(mixed)) == (116, 60, 56)
    assert all(
        a[1] != b[1] and max(a, b, key=lambda f: not f[1])[0] >= min(a, b, key=lambda f: not f[1])[0] for a, b in mixed
    )


def _one(bits: int, signed: bool) -> IntQuantTensor:
    return IntQuantTensor(torch.tensor([0.0]), 1.0, 0.0, bits, signed, False)


def test_keep_scale_gives_the_reals_that_the_integers_stand_for():
    case = CASES["3.1-add"]
    a, b = tensor_of(case["a"]), tensor_of(case["b"])
    total = quant_add(a, b, keep_scale=True)
    s = a.scale.item()
    assert total.value.tolist() == pytest.approx([s * (q - 6.0) for q in case["sum_of_quantized"]], rel=1e-6)
    assert (total.scale.item(), total.zero_point.item(), total.bit_width.item()) == (s, 6.0, 9.0)
    assert total.int().tolist() == [int(q) for q in case["sum_of_quantized"]]
    kept = quant_tensor(a, keep_scale=True)
    assert (kept.scale.item(), kept.zero_point.item()) == (s, 2.5)
    assert quant_tensor(kept).tolist() == quant_tensor(a).tolist()


def test_any_difference_of_scales_is_refused_where_brevitas_allows_a_relative_1e_5():
    a = _one(8, True)
    b = IntQuantTensor(torch.tensor([0.0]), 1.000005, 0.0, 8, True, False)
    assert (a + b).value.item() == 0.0
    with pytest.raises(ValueError, match=r"scales 1 and 1\.000005\d* differ"):
        quant_add(a, b)


def test_shapes_that_do_not_match_are_refused():
    a, b = (IntQuantTensor(torch.zeros(n), 1.0, 0.0, 8, True, False) for n in (3, 4))
    with pytest.raises(ValueError, match=r"shapes \(3,\) and \(4,\) do not match"):
        quant_add(a, b)


# gradients


def test_gradients_pass_where_a_value_fits_and_stop_where_it_saturates():
    steps = torch.tensor([14.0, 15.0, 15.4, 16.0, -1.0], requires_grad=True)
    quant_tensor(IntQuantTensor(steps, 1.0, 0.0, 4, False, True)).sum().backward()
    assert steps.grad.tolist() == [1, 1, 1, 0, 0]
    steps.grad = None
    quant_transform(IntQuantTensor(steps, 1.0, 0.0, 4, False, True), 2.0).value.sum().backward()
    assert steps.grad.tolist() == [1, 1, 1, 0, 0]


# from_brevitas and to_brevitas

FORMATS = [(bits, signed) for bits in range(1, 9) for signed in (False, True)]


@pytest.mark.parametrize(("bits", "signed"), FORMATS)
@pytest.mark.parametrize("scale", [0.5, 0.1, 0.37])
def test_every_integer_of_every_format_to_8_bits_comes_back(bits, signed, scale):
    for z in {0, 1 if bits > 1 or not signed else 0}:
        q = QParams(scale, z, bits, signed)
        every = torch.arange(q.int_min, q.int_max + 1).to(q.dtype)
        integers, qparams = from_brevitas(to_brevitas(every, q))
        assert torch.equal(integers, every)
        assert qparams == q
        if bits > 1:
            assert to_brevitas(every, q).int().tolist() == every.tolist()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_per_channel_scales_come_back_along_their_axis(axis):
    q = QParams((0.5, 0.1, 0.25), (1, 0, -2), 4, axis=axis)
    every = torch.arange(-8, 8).to(torch.int8)[:9].repeat(3)[:27].reshape(3, 3, 3)
    assert from_brevitas(to_brevitas(every, q))[1] == q
    assert torch.equal(from_brevitas(to_brevitas(every, q))[0], every)


def test_one_bit_weights_are_bipolar():
    t = IntQuantTensor(torch.tensor([0.5, -0.5, 0.5]), 0.5, 0.0, 1, True, False)
    integers, qparams = from_brevitas(t)
    assert integers.tolist() == [1, -1, 1]
    assert qparams == QParams(0.5, 0, 2, True, narrow_range=True)
    same = IntQuantTensor(torch.tensor([0.5, 0.5]), 0.5, 0.0, 1, True, False)
    assert not same.is_valid  # Brevitas counts distinct values at 1 bit
    assert from_brevitas(same)[0].tolist() == [1, 1]


def test_at_1_bit_the_bridge_checks_the_range_that_brevitas_does_not():
    t = IntQuantTensor(torch.tensor([5.0, 9.0]), 1.0, 0.0, 1, False, False)
    assert t.is_valid
    assert t.int().tolist() == [5, 9]
    with pytest.raises(ValueError, match=r"2 of 2 integers are outside \[0, 1\].*first is 5"):
        from_brevitas(t)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"value": [9.0], "zero_point": 1.0}, r"1 of 1 integers are outside \[0, 15\].*first is 91"),
        ({"value": [-0.1], "zero_point": 0.0}, r"outside \[0, 15\].*first is -1"),
        ({"value": [0.35]}, r"value 0.35 is 3.5 steps.*tolerance of 0.2"),
        (
            {"value": [1.0], "zero_point": 2.5},
            r"zero_point 2.5 is no integer; moving it to 2 would shift every real number by \+0.05",
        ),
        (
            {"value": [1.0], "zero_point": 15.0, "signed": True},
            r"zero_point 15 is outside \[-8, 7\].*moving it to 7 .* by \+0.8",
        ),
        ({"value": [math.nan]}, "no finite number"),
        ({"value": [0.1], "bit_width": 33.0}, "bit_width 33"),
    ],
)
def test_what_hardware_could_not_hold_is_refused(fields, words):
    given = {"scale": 0.1, "zero_point": 0.0, "bit_width": 4.0, "signed": False, "training": False} | fields
    with pytest.raises(ValueError, match=words):
        from_brevitas(tensor_of(given))


def test_a_value_that_brevitas_calls_an_integer_is_one_here():
    t = IntQuantTensor(torch.tensor([0.39]), 0.1, 0.0, 8, False, False)
    assert t.int().tolist() == from_brevitas(t)[0].tolist() == [4]


def test_the_sign_of_the_shift_is_that_of_the_reals():
    """Moving the zero point from 15 to 7 raises every real number by 8 steps: 0.1 * (q - 7) against 0.1 * (q - 15)."""
    assert pytest.approx(0.8) == 0.1 * (3 - 7) - 0.1 * (3 - 15)


def test_integers_that_a_float32_value_cannot_hold_are_refused():
    with pytest.raises(ValueError, match="holds 16777217.*24 bits"):
        to_brevitas(torch.tensor([2**24 + 1]), QParams(1.0, 0, 32))
    with pytest.raises(ValueError, match="holds 8, outside"):
        to_brevitas(torch.tensor([8]), QParams(1.0, 0, 4))
    with pytest.raises(TypeError, match="float32"):
        to_brevitas(torch.tensor([8.0]), QParams(1.0, 0, 4))


def test_other_types_and_other_parameters_are_refused_in_a_sentence():
    for call in (from_brevitas, quant_tensor, lambda t: quant_transform(t, 0.5), lambda t: quant_add(t, t)):
        with pytest.raises(TypeError, match=r"is a Tensor, not an IntQuantTensor: to_brevitas"):
            call(torch.tensor([1.0]))
    with pytest.raises(TypeError, match="x is a IntQuantTensor, which carries floats: from_brevitas"):
        saturate(_one(4, True), 4, True)
    group = IntQuantTensor(torch.zeros(2, 2), torch.tensor([[0.1, 0.2], [0.3, 0.4]]), 0.0, 8, True, False)
    with pytest.raises(ValueError, match="more than one dimension"):
        from_brevitas(group)


def test_empty_tensors_pass_through():
    t = IntQuantTensor(torch.zeros(0), 0.5, 0.0, 4, True, False)
    assert from_brevitas(t)[0].shape == (0,)
    assert quant_tensor(t).shape == (0,)
    assert quant_transform(t, 0.25).value.shape == (0,)
