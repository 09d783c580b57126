"""The accumulator explorer: every partial sum at every setting against Python integers, its sentences, its challenge."""

from fractions import Fraction
from typing import Any

import pytest

from qtutor import load_digits
from qtutor.explorers.accumulator import AccumulatorExplorer, accumulator_explorer, accumulator_table
from qtutor.pictures.accumulator import PIXELS

PIXEL_ROWS = [0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0]
QUARTERS = [1, 2, 3, 4, 4, 3, 2, 1, -1, -2, -3, -4, -4, -3, -2, -1]
WIDTHS, OPERANDS = range(3, 15), range(2, 7)


def operands(x_bits: int, weight_bits: int) -> tuple[list[int], list[int]]:
    """Both rows in fractions: nearest, ties to even, cut off at the largest integer."""
    xs = [min(round(Fraction(p, 16) * 2**x_bits), 2**x_bits - 1) for p in PIXEL_ROWS]
    half = 2 ** (weight_bits - 1)
    return xs, [min(max(round(Fraction(q, 4) * half), -half), half - 1) for q in QUARTERS]


def run(bits: int, overflow: str, weight_bits: int, x_bits: int) -> tuple[list[int], list[int]]:
    """The exact and the kept sums after 0 … 16 products."""
    exact, kept, half = [0], [0], 2 ** (bits - 1)
    for x, w in zip(*operands(x_bits, weight_bits), strict=True):
        exact.append(exact[-1] + x * w)
        after = kept[-1] + x * w
        kept.append(min(max(after, -half), half - 1) if overflow == "saturate" else (after + half) % 2**bits - half)
    return exact, kept


def sentence(bits: int, overflow: str, exact: list[int], kept: list[int]) -> str:
    half = 2 ** (bits - 1)
    left = [k for k, value in enumerate(exact) if not -half <= value < half]
    said = f"Exact sum {exact[-1]}. {bits} bits signed hold {-half} … {half - 1}: "
    if not left:
        return (said + f"every partial sum fits, and {exact[-1]} is kept.").replace("-", "−")
    lie, ending = "lies" if len(left) == 1 else "lie", {"wrap": "wrapping", "saturate": "saturating"}[overflow]
    said += f"{len(left)} of 16 partial sums {lie} outside, first after product {left[0]}, and {ending} "
    error = kept[-1] - exact[-1]
    said += f"ends at {kept[-1]}, error {error:+d}." if error else f"still ends at {kept[-1]}, exact."
    return said.replace("-", "−")


def settings() -> list[tuple[int, str, int, int]]:
    return [(b, o, w, x) for b in WIDTHS for o in ("wrap", "saturate") for w in OPERANDS for x in OPERANDS]


def place(bits: int, overflow: str, weight_bits: int, x_bits: int) -> dict[str, int]:
    return {
        "accumulator_bits": bits - 3,
        "overflow": int(overflow == "saturate"),
        "weight_bits": weight_bits - 2,
        "x_bits": x_bits - 2,
    }


def test_the_pixels_are_two_rows_of_the_first_digit() -> None:
    scans, _ = load_digits()
    assert scans[0, 1:3].flatten().tolist() == list(PIXELS) == PIXEL_ROWS


def test_every_partial_sum_and_every_sentence_is_what_python_integers_give() -> None:
    table, wrong = accumulator_table(), []
    for setting in settings():
        here, (exact, kept) = place(*setting), run(*setting)
        shown = [table.facts[name].row(here).tolist() for name in ("exact", "kept")]
        said = table.sentence(table.readout, here)
        wrong += [setting] if shown != [exact, kept] or said != sentence(*setting[:2], exact, kept) else []
    assert len(settings()) == 600
    assert wrong == []


def test_what_is_drawn_lies_inside_the_picture() -> None:
    facts = accumulator_table().facts
    for setting in settings():
        here, limit = place(*setting), int(facts["limit"].row(place(*setting)))
        assert max(abs(int(v)) for name in ("exact", "kept") for v in facts[name].row(here)) <= limit
        assert facts["ends"].row(here).tolist() == [-(2 ** (setting[0] - 1)), 2 ** (setting[0] - 1) - 1]


def needed(low: int, high: int) -> int:
    return next(bits for bits in range(1, 40) if -(2**bits) <= 2 * low and 2 * high < 2**bits)


@pytest.mark.parametrize("weight_bits", OPERANDS)
@pytest.mark.parametrize("x_bits", OPERANDS)
def test_the_three_widths_are_those_of_formats_of_weights_and_of_this_input(weight_bits: int, x_bits: int) -> None:
    table, here = accumulator_table(), place(8, "wrap", weight_bits, x_bits)
    largest, half, (_, weights) = 2**x_bits - 1, 2 ** (weight_bits - 1), operands(x_bits, weight_bits)
    exact, _ = run(32, "wrap", weight_bits, x_bits)
    low, high = (largest * sum(w for w in weights if w * sign > 0) for sign in (-1, 1))
    worst = needed(-16 * largest * half, 16 * largest * (half - 1))
    lines = [table.sentence(line, here).replace("−", "-") for line in table.lines]
    assert lines == [
        f"any {x_bits}-bit inputs, any {weight_bits}-bit weights: {worst} bits",
        f"any {x_bits}-bit inputs, these weights: {low} … {high}, {needed(low, high)} bits",
        f"these inputs, these weights: {min(exact)} … {max(exact)}, {needed(min(exact), max(exact))} bits; "
        f"the final sum alone, {exact[-1]}, {needed(min(exact[-1], 0), max(exact[-1], 0))} bits",
    ]


@pytest.fixture
def explorer() -> AccumulatorExplorer:
    return accumulator_explorer()


def test_the_readout_follows_every_trait(explorer: AccumulatorExplorer) -> None:
    for setting in settings()[::37]:
        explorer.accumulator_bits, explorer.overflow, explorer.weight_bits, explorer.x_bits = setting
        assert explorer.readout == sentence(*setting[:2], *run(*setting))


def test_the_challenge_is_met_where_the_narrowest_exact_end_wraps_and_then_saturates() -> None:
    met = accumulator_table().facts["met"]
    for setting in settings():
        bits, overflow, *widths = setting
        exact, kept = run(*setting)
        narrowest = needed(min(exact[-1], 0), max(exact[-1], 0)) == bits
        first = narrowest and overflow == "wrap" and kept[-1] == exact[-1]
        second = narrowest and overflow == "saturate" and kept[-1] != exact[-1]
        assert int(met.row(place(*setting))) == first + 2 * second, setting


def test_both_tasks_are_met_from_the_start(explorer: AccumulatorExplorer) -> None:
    explorer.accumulator_bits = 7
    assert explorer.progress == 0
    explorer.accumulator_bits = 6
    assert explorer.progress == 1
    explorer.overflow = "saturate"
    assert explorer.progress == 2
    assert explorer.challenge.startswith("✓ Both met")


@pytest.mark.parametrize(
    ("trait", "value", "said"),
    [
        ("accumulator_bits", 15, "accumulator bits 15 is not on its list: choose one of 3 … 14."),
        ("weight_bits", 1, "weight bits 1 is not on its list: choose one of 2 … 6."),
        ("x_bits", 2.5, "input bits 2.5 is not on its list"),
        ("overflow", "error", "overflow 'error' is not on its list: choose one of wrap, saturate."),
    ],
)
def test_a_value_off_its_list_keeps_the_picture_and_says_why(
    explorer: AccumulatorExplorer, trait: str, value: Any, said: str
) -> None:
    before = explorer.readout
    setattr(explorer, trait, value)
    assert explorer.readout == before
    assert explorer.message.startswith(said)
