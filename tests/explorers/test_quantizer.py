"""The quantizer explorer: every entry of its table against Python integers, and its traits as a slider moves them."""

from typing import Any

import numpy as np
import pytest
import torch

from qtutor.explorers.quantizer import (
    BIT_WIDTHS,
    SCALES,
    QuantizerExplorer,
    quantizer_explorer,
    quantizer_table,
    zero_points,
)
from qtutor.explorers.table import Table

EIGHTHS = [n / 8 for n in range(-32, 33)]
OWN = [-7.3, -0.05, 0.0, 0.1, 0.75, 2.5, 300.0]


def ends(bits: int, signed: bool) -> tuple[int, int]:
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def digits(value: float) -> str:
    return f"{value + 0.0:.6g}".replace("-", "−")


def oracle(values: list[float], bits: int, signed: bool, scale: float, zero_point: int) -> dict[str, Any]:
    """One setting in Python integers: float32 quotient as every runtime has it, ties to even, then the zero point."""
    low, high = ends(bits, signed)
    wanted = [round(float(np.float32(v) / np.float32(scale))) + zero_point for v in values]
    kept = [min(max(q, low), high) for q in wanted]
    real = [float(np.float32(q - zero_point) * np.float32(scale)) for q in kept]
    largest = max(abs(float(np.float32(v)) - r) for v, r in zip(values, real, strict=True))
    outside = sum(q != k for q, k in zip(wanted, kept, strict=True))
    reach = [digits(float(np.float32(q - zero_point) * np.float32(scale))) for q in (low, high)]
    noun = "value saturates" if len(values) == 1 else "values saturates" if outside == 1 else "values saturate"
    saturated = f"{outside} of {len(values)} {noun}"
    said = f"step {digits(scale)}, window {reach[0]} … {reach[1]}, {saturated}, largest error {digits(largest)}"
    return {"kept": kept, "real": real, "below": sum(q < low for q in wanted), "said": said, "outside": outside}


def settings() -> list[tuple[int, bool, float, int]]:
    return [
        (bits, signed, scale, zero_point)
        for bits in BIT_WIDTHS
        for signed in (False, True)
        for scale in SCALES
        for zero_point in zero_points(bits, signed)
    ]


def shown(table: Table, values: list[float], setting: tuple[int, bool, float, int]) -> dict[str, Any]:
    """What the explorer looks up at one setting, in the terms of the oracle."""
    bits, signed, _, _ = setting
    place = table.place(dict(zip(("bit_width", "signed", "scale", "zero_point"), setting, strict=True)))
    facts = {name: fact.row(place) for name, fact in table.facts.items()}
    code = np.atleast_1d(facts["code"]).tolist()
    return {
        "kept": [c + ends(bits, signed)[0] for c in code],
        "real": [float(facts["real"][facts["first"] + c]) for c in code],
        "below": facts["below"],
        "said": table.sentence(table.readout, place),
        "outside": facts["below"] + facts["above"],
    }


@pytest.mark.parametrize("values", [EIGHTHS, OWN, [0.25]], ids=["eighths", "own", "one"])
def test_every_entry_of_the_table_is_what_python_integers_give(values: list[float]) -> None:
    table = quantizer_table(torch.tensor(values))
    assert len(settings()) == 11 * sum(len(zero_points(b, s)) for b in BIT_WIDTHS for s in (False, True))
    assert [s for s in settings() if shown(table, values, s) != oracle(values, *s)] == []


def test_the_grid_lines_are_every_real_number_of_the_format() -> None:
    table = quantizer_table(torch.tensor(EIGHTHS))
    for bits, signed, scale, zero_point in settings():
        if bits in (1, 4, 8) and scale in (0.1, 0.5):
            place = table.place({"bit_width": bits, "signed": signed, "scale": scale, "zero_point": zero_point})
            first, levels = int(table.facts["first"].row(place)), int(table.facts["levels"].row(place))
            drawn = table.facts["real"].row(place)[first : first + levels].tolist()
            low, high = ends(bits, signed)
            assert drawn == [float(np.float32(q - zero_point) * np.float32(scale)) for q in range(low, high + 1)]


def test_the_zero_points_are_all_to_four_bits_and_seventeen_beyond() -> None:
    assert zero_points(4, True) == tuple(range(-8, 8))
    assert zero_points(1, False) == (0, 1)
    assert zero_points(8, True) == (*range(-128, 128, 16), 127)
    assert [len(zero_points(b, s)) for b in (5, 6, 7, 8) for s in (False, True)] == [17] * 8


@pytest.fixture
def explorer() -> QuantizerExplorer:
    return quantizer_explorer()


def test_it_starts_as_the_chapter_says(explorer: QuantizerExplorer) -> None:
    assert (explorer.bit_width, explorer.signed, explorer.scale, explorer.zero_point) == (4, True, 0.5, 0)
    assert explorer.readout == "step 0.5, window −4 … 3.5, 3 of 65 values saturate, largest error 0.5"
    assert explorer.message == ""


def test_the_readout_follows_every_trait(explorer: QuantizerExplorer) -> None:
    for setting in settings()[:: len(settings()) // 60]:
        explorer.bit_width, explorer.signed, explorer.scale, explorer.zero_point = setting
        assert explorer.readout == oracle(EIGHTHS, *setting)["said"]


def test_traits_can_be_observed_and_see_the_new_readout(explorer: QuantizerExplorer) -> None:
    seen: list[tuple[str, Any]] = []
    explorer.observe(lambda change: seen.append((change["name"], change["new"])), names=["bit_width", "readout"])
    explorer.bit_width = 5
    said = "step 0.5, window −8 … 7.5, 0 of 65 values saturate, largest error 0.25"
    assert sorted(seen) == [("bit_width", 5), ("readout", said)]


def test_a_narrower_format_moves_the_zero_point_and_says_so(explorer: QuantizerExplorer) -> None:
    explorer.zero_point = 7
    explorer.bit_width = 3
    assert explorer.zero_point == 3
    assert explorer.message == "zero point 7 is not among −4 … 3 here, so it moved to 3."
    assert explorer.readout == oracle(EIGHTHS, 3, True, 0.5, 3)["said"]
    explorer.scale = 1
    assert explorer.message == ""


def test_settings_that_fit_together_can_be_set_together(explorer: QuantizerExplorer) -> None:
    with explorer.hold_trait_notifications():
        explorer.zero_point = 112
        explorer.bit_width = 8
    assert (explorer.bit_width, explorer.zero_point, explorer.message) == (8, 112, "")
    assert explorer.readout == oracle(EIGHTHS, 8, True, 0.5, 112)["said"]


def test_moves_of_the_browser_that_arrive_as_one_keep_its_message(explorer: QuantizerExplorer) -> None:
    explorer.bit_width, explorer.zero_point = 8, 127
    said = "zero point 63 is not among −32, −28, … here, so it moved to 31."  # on the way it was 63, at 7 bits
    explorer.set_state({"bit_width": 6, "zero_point": 31, "message": said})
    assert explorer.message == said
    assert explorer.readout == oracle(EIGHTHS, 6, True, 0.5, 31)["said"]
    explorer.set_state({"bit_width": 7, "message": ""})
    assert explorer.message == ""


@pytest.mark.parametrize("scale", [0.1, 0.10000000149011612, torch.tensor(0.1), np.float32(0.1)])
def test_a_scale_is_found_as_python_and_as_float32_hold_it(explorer: QuantizerExplorer, scale: Any) -> None:
    explorer.scale = scale
    assert type(explorer.scale) is float
    assert explorer.scale == 0.1


@pytest.mark.parametrize(
    ("trait", "value", "said"),
    [
        ("bit_width", 0, "bit width 0 is not on its list: choose one of 1 … 8."),
        ("bit_width", 9, "bit width 9 is not"),
        ("bit_width", 4.5, "bit width 4.5 is not"),
        ("bit_width", float("nan"), "bit width nan is not"),
        ("bit_width", None, "bit width None is not"),
        ("bit_width", True, "bit width True is not"),
        ("bit_width", "4", "bit width '4' is not"),
        ("bit_width", torch.tensor([4, 4]), "bit width tensor([4, 4]) is not"),
        ("signed", 2, "signed 2 is not on its list: choose one of False, True."),
        ("scale", 0.6, "scale 0.6 is not on its list: choose one of 0.0625, 0.1, 0.125, 0.2,"),
        ("scale", -1, "scale −1 is not"),
        ("scale", float("inf"), "scale inf is not"),
        ("zero_point", 8, "zero point 8 is not on its list: choose one of −8 … 7."),
        ("zero_point", list(range(99)), "zero point [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … is not"),
    ],
)
def test_a_value_off_its_list_keeps_the_picture_and_says_why(
    explorer: QuantizerExplorer, trait: str, value: Any, said: str
) -> None:
    before = (getattr(explorer, trait), explorer.readout)
    setattr(explorer, trait, value)
    assert (getattr(explorer, trait), explorer.readout) == before
    assert explorer.message.startswith(said)
    assert explorer.message.endswith("stays.")


def test_the_challenge_is_met_at_point_seven_and_then_at_four_zero_points(explorer: QuantizerExplorer) -> None:
    assert explorer.challenge.startswith("Challenge: 4 bits, signed, zero point 0.")
    met = []
    for scale in SCALES:
        explorer.reset()
        explorer.scale = scale
        met += [scale] * explorer.progress
    assert met == [0.7]
    met = []
    for zero_point in zero_points(4, False):
        explorer.reset()
        explorer.scale = 0.7
        explorer.signed = False
        assert explorer.progress == 1
        explorer.zero_point = zero_point
        met += [zero_point] * (explorer.progress == 2)
    assert met == [6, 7, 8, 9]


def test_a_met_challenge_stays_met_until_the_reset(explorer: QuantizerExplorer) -> None:
    explorer.scale = 0.7
    explorer.scale = 2
    assert explorer.challenge.startswith("✓ Met: 0.7 is the smallest")
    explorer.reset()
    assert (explorer.scale, explorer.progress) == (0.5, 0)
    assert explorer.challenge.startswith("Challenge:")


def test_own_values_give_a_new_table_at_the_same_setting(explorer: QuantizerExplorer) -> None:
    explorer.bit_width = 3
    busy: list[bool] = []
    explorer.observe(lambda change: busy.append(change["new"]), names=["busy"])
    explorer.values = torch.tensor([OWN[3:], [*OWN[:3], 5.0]])
    assert explorer.readout == oracle(sorted([*OWN, 5.0]), 3, True, 0.5, 0)["said"]
    assert explorer.table["view"]["given"] == np.float32(sorted([*OWN, 5.0])).tolist()
    assert busy == [True, False]
    explorer.values = None
    assert explorer.readout == oracle(EIGHTHS, 3, True, 0.5, 0)["said"]


def test_a_layers_parameters_are_values_too() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0, -1.0]))
    assert quantizer_explorer(weight).readout == quantizer_explorer([1.0, -1.0]).readout


def test_the_challenge_is_computed_for_own_values() -> None:
    assert quantizer_explorer([1.0, -1.0]).challenge.startswith("Challenge:")
    assert quantizer_explorer([999.0]).challenge.startswith("Your values saturate at every scale")
    explorer = quantizer_explorer([-15.0, 14.0])
    explorer.scale = 2
    assert explorer.progress == 1
    explorer.signed, explorer.zero_point = False, 8
    assert explorer.challenge.endswith("at zero point 8.")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (torch.zeros(10**6), "values holds 1,000,000 numbers and the picture shows 1 to 100"),
        ([], "values holds 0 numbers"),
        ([0.5, float("nan")], "x holds nan, for which no integer stands"),
        ([float("inf")], "x holds inf"),
        (torch.tensor([1, 2]), "x is torch.int64, quantize takes real numbers as float32"),
        (torch.tensor([0.5], dtype=torch.float64), "x is torch.float64"),
        ("abc", "values is a str that is no list of numbers"),
        ([1, None], "values is a list that is no list of numbers"),
        (lambda: 0, "values is a function that is no list"),
    ],
)
def test_own_values_that_cannot_be_drawn_keep_the_last_picture(values: Any, said: str) -> None:
    explorer = quantizer_explorer(values)
    assert explorer.message.startswith(said)
    assert explorer.readout == oracle(EIGHTHS, 4, True, 0.5, 0)["said"]
    assert not explorer.busy
    explorer.values = [0.5]
    assert explorer.message == ""
