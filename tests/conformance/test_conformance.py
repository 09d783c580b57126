"""The stored conformance table is what this machine counts today; a wrong figure, setting or library would be seen."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy
import pytest
import torch

from tests.conformance.engines import engine, runs_here
from tests.conformance.row import DESCRIPTIONS, KERNELS, Row, compared, version_of
from tests.conformance.table import DOCS, ROWS, double_rounding, page, pitfall, stored
from tests.conformance.tflite_rows import multiply_once, multiply_twice, saturated_pairs

ROOT = Path(__file__).resolve().parents[2]
TABLE = stored()
STORED = {row["id"]: row for row in TABLE["rows"]}
BY_NAME = {row.name: row for row in ROWS}


def differences(kept: dict, found: dict) -> list[str]:
    """Where a stored row and one just computed say different things, or an exact row has a mismatch."""
    wrong = [f"{key}: {kept.get(key)!r}, now {found[key]!r}" for key in found if kept.get(key) != found[key]]
    return wrong + ([f"exact, with {found['mismatches']}"] if found["kind"] == "exact" and found["mismatches"] else [])


def require_comparable(row: Row) -> None:
    """Skip where another engine or version answers than the one that the row names."""
    if not runs_here(row.engine):
        pytest.skip(f"the row is of {row.engine}, which does not compute here")
    if STORED[row.name]["version"] != version_of(row.library):
        pytest.skip(f"the row is of {row.library} {STORED[row.name]['version']}, here is {version_of(row.library)}")


def test_the_table_has_every_row_once_in_order():
    assert [row["id"] for row in TABLE["rows"]] == [row.name for row in ROWS]
    assert len(BY_NAME) == len(ROWS)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_row_is_what_is_counted_today(name):
    require_comparable(BY_NAME[name])
    assert differences(STORED[name], compared(BY_NAME[name])) == []


def test_every_operator_that_the_course_promises_has_a_row_without_mismatch():
    promised = {"QuantizeLinear", "QLinearAdd", "QLinearMul", "QLinearMatMul", "QLinearConv", "QLinearAveragePool"}
    promised |= {"MatMulInteger", "ConvInteger", "quantize_per_tensor", "fake_quantize_per_tensor_affine", "IntQuant"}
    promised |= {"MultiplyByQuantizedMultiplier", "IntQuant, ROUND", "ap_fixed<W, I, AP_TRN, AP_WRAP>"}
    assert promised <= {row["operator"] for row in TABLE["rows"] if row["kind"] == "exact" and row["cases"] > 1000}


def test_the_versions_are_those_that_the_tests_are_pinned_to():
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text("utf-8").split() if "==" in line)
    for row in TABLE["rows"]:
        if row["library"] not in DESCRIPTIONS:
            assert pins[row["library"]] == row["version"], "python3 run.py conformance writes the table anew"


def test_the_page_is_the_table_in_words():
    assert (DOCS / "conformance.md").read_text("utf-8") == page(TABLE)


# ---- what a wrong row looks like --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("onnxruntime.QLinearAveragePool.even_zero_point", "size", 'size, None, "half_up"'),
        ("brevitas.DPURoundSte.rounding", "x < 0", "x > 0"),
        ("gemmlowp.SaturatingRoundingDoublingHighMul", "half_up", "half_away"),
        ("ap_fixed.AP_RND_MIN_INF.AP_WRAP", "-rounding_right_shift(-x", "rounding_right_shift(x"),
        ("QONNX.IntQuant.ROUND", "x / scale + zero_point", "x / scale"),
        ("x86.VPMADDUBSW", "16, True", "17, True"),
    ],
)
def test_a_row_with_wrong_settings_is_refused(name, right, wrong):
    row = BY_NAME[name]
    require_comparable(row)
    assert right in row.ours
    found = compared(dataclasses.replace(row, ours=row.ours.replace(right, wrong)))
    assert found["mismatches"] > 0
    assert found["first_mismatch"]
    assert f"exact, with {found['mismatches']}" in differences(STORED[name], found)


def test_a_row_with_a_wrong_figure_or_word_is_refused():
    found = compared(BY_NAME["ap_fixed.AP_TRN.AP_WRAP"])
    for key, value in (("cases", found["cases"] + 1), ("mismatches", 1), ("domain", "all"), ("version", "2")):
        assert len(differences({**found, key: value}, found)) == 1
    assert differences(found, found) == []


def test_an_engine_that_this_machine_lacks_is_told_apart(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "AMD64")
    assert runs_here(engine("ONNX Runtime"))
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert not any(
        runs_here(engine(kind)) for kind in ("ONNX Runtime", "ONNX Runtime, VNNI", "torch quantized", "torch")
    )
    assert runs_here(engine("Python"))


def test_answers_of_another_shape_are_no_comparison():
    row = dataclasses.replace(BY_NAME["x86.VPMADDUBSW"], ours="linear(x, weight)[0]")
    with pytest.raises(ValueError, match="shape"):
        compared(row)


# ---- where a row cannot be matched, ours is not the worse -----------------------------------------------------------------


def farther_than_theirs(row: Row) -> tuple[int, int]:
    """How many of a pair operator's mismatches there are, and in how many ours is farther from the exact fraction."""
    mismatches = farther = 0
    for batch in row.batches():
        ours = eval(row.ours, KERNELS | batch)
        scales = [Fraction(float(numpy.float32(batch[f"{name}_scale"]))) for name in ("a", "b", "out")]
        for i in (ours != torch.from_numpy(batch["theirs"])).nonzero().flatten().tolist():
            steps = [batch[name][i].item() - batch[f"{name}_zero"] for name in ("a", "b")]
            reals = [step * scale for step, scale in zip(steps, scales, strict=False)]
            real = reals[0] + reals[1] if "Add" in row.operator else reals[0] * reals[1]
            exact = real / scales[2] + batch["out_zero"]
            mismatches, farther = (
                mismatches + 1,
                farther + (abs(ours[i].item() - exact) > abs(int(batch["theirs"][i]) - exact)),
            )
    return mismatches, farther


@pytest.mark.parametrize("name", ["onnxruntime.QLinearAdd.other_scales", "onnxruntime.QLinearMul.other_scales"])
def test_where_onnx_runtime_computes_in_float32_ours_is_never_farther_from_the_exact_result(name):
    require_comparable(BY_NAME[name])
    assert farther_than_theirs(BY_NAME[name]) == (STORED[name]["mismatches"], 0)


# ---- the facts that chapter 5 tells -----------------------------------------------------------------------------------


@pytest.mark.skipif(
    not runs_here(engine("torch quantized")), reason="torch answers the pitfall otherwise on another engine"
)
def test_four_numbers_have_four_answers():
    assert pitfall() == TABLE["pitfall"]
    answers = {answer["who"].split(" ")[0]: answer["integers"] for answer in TABLE["pitfall"]["answers"][:4]}
    assert answers["Brevitas"] == answers["torch.quantize_per_tensor"] == [2, 2, 4, 0]
    assert answers["ONNX"] == answers["torch.fake_quantize_per_tensor_affine"] == [1, 3, 3, 1]
    assert [answer["integers"] for answer in TABLE["pitfall"]["answers"][4:]] == [[2, 3, 4, 1], [2, 3, 4, 0]]


def test_an_accumulator_that_two_roundings_move():
    assert double_rounding() == TABLE["double_rounding"]
    assert (multiply_once(7984, 1583594044, -9), multiply_twice(7984, 1583594044, -9)) == (11, 12)


def test_a_pair_of_products_saturates_and_pairs_of_seven_bits_do_not():
    assert saturated_pairs([255, 255], [127, 127]) == 32767 < 2 * 255 * 127
    assert saturated_pairs([255, 255], [63, 63]) == 2 * 255 * 63
