"""The two sums explorer: every setting against fractions, its challenge, and a learner's own rounding."""

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from qtutor.explorers.two_sums import ROUNDINGS, STEPS, ZERO_POINTS, TwoSumsExplorer, standard_table, two_sums_explorer

ROUND: dict[str, Callable[[Fraction], int]] = {
    "half_even": round,
    "half_up": lambda x: (x + Fraction(1, 2)) // 1,
    "floor": lambda x: x // 1,
}
PAIRS = list(itertools.product(range(33), range(33)))


def both(a: int, b: int, za: int, zb: int, rounding: str) -> tuple[int, int]:
    """Both sums in fractions, for positions in the lists."""
    to_whole = ROUND[rounding]
    left, right = Fraction(a - 16, 8) + Fraction(za, 2), Fraction(b - 16, 8) + Fraction(zb, 2)
    return to_whole(left) + to_whole(right), to_whole(left + right)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_setting_is_what_fractions_give(rounding: str) -> None:
    table, wrong = standard_table(), 0
    facts, number = table.facts, ROUNDINGS.index(rounding)
    for za, zb in itertools.product(range(6), range(6)):
        count = 0
        for a, b in PAIRS:
            first, second = both(a, b, za, zb, rounding)
            place = {"a": a, "b": b, "zero_point_a": za, "zero_point_b": zb, "rounding": number}
            shown = [int(facts[name].row(place).replace("−", "-")) for name in ("first", "second")]
            order = (second > first) - (second < first)
            wrong += shown != [first, second] or int(facts["order"].row(place)) != order
            count += first != second
        assert facts["differ"].row(place) == f"differ at {count} of 1,089 pairs"
    assert wrong == 0


def test_the_steps_of_the_lines_add_up() -> None:
    explorer = two_sums_explorer()
    explorer.a, explorer.b, explorer.zero_point_a, explorer.zero_point_b = 1.5, -0.125, 2.5, 0.5
    lines = [explorer._facts.sentence(line, explorer._place) for line in explorer._facts.lines]
    assert lines == ["round then add: 4 → 4, 0.375 → 0, sum 4", "add then round: 4 + 0.375 = 4.375 → 4"]


@pytest.fixture
def explorer() -> TwoSumsExplorer:
    return two_sums_explorer()


def test_the_readout_follows_every_trait(explorer: TwoSumsExplorer) -> None:
    names = dict(zip(ROUNDINGS, ("half to even", "half up", "down (floor)"), strict=True))
    for i, (rounding, za, zb) in enumerate(itertools.product(ROUNDINGS, range(6), range(6))):
        a, b = (7 * i) % 33, (5 * i) % 33
        explorer.a, explorer.b, explorer.rounding = STEPS[a], STEPS[b], rounding
        explorer.zero_point_a, explorer.zero_point_b = ZERO_POINTS[za], ZERO_POINTS[zb]
        first, second = both(a, b, za, zb, rounding)
        count = sum(x != y for x, y in (both(*pair, za, zb, rounding) for pair in PAIRS)) if i % 9 == 0 else None
        start, end = explorer.readout.replace("−", "-").split(": the two sums ")
        assert start == f"Rounding {names[rounding]}, zero points {ZERO_POINTS[za]:g} and {ZERO_POINTS[zb]:g}"
        assert count is None or end.startswith(f"differ at {count} of 1,089 pairs. ")
        told = f"At a = {STEPS[a]:g}, b = {STEPS[b]:g}: round then add gives {first}, add then round gives {second}."
        assert end.endswith(told)


def test_whole_zero_points_differ_at_264_pairs(explorer: TwoSumsExplorer) -> None:
    assert "differ at 264 of 1,089 pairs" in explorer.readout
    explorer.zero_point_a = 2
    assert "differ at 264 of 1,089 pairs" in explorer.readout


def test_the_challenge_is_met_with_a_on_the_grid_and_vanishes_at_half_up(explorer: TwoSumsExplorer) -> None:
    explorer.a = 1
    assert explorer.progress == 1
    explorer.rounding = "floor"
    assert explorer.progress == 1
    explorer.rounding = "half_up"
    assert explorer.progress == 2
    assert explorer.challenge.startswith("✓ Both met")


def test_the_challenge_knows_every_setting_that_meets_it() -> None:
    table = standard_table()
    for r, za, zb, (a, b) in itertools.product(range(3), range(6), range(6), PAIRS[::5]):
        place = {"a": a, "b": b, "zero_point_a": za, "zero_point_b": zb, "rounding": r}
        whole = za % 2 == 0 and zb % 2 == 0 and a % 8 == 0
        differ = {name: len(set(both(a, b, za, zb, name))) == 2 for name in ROUNDINGS}
        first = whole and differ[ROUNDINGS[r]]
        second = whole and r == 1 and differ["half_even"] and not differ["half_up"]
        assert int(table.facts["met"].row(place)) == first + 2 * second


def towards_zero(x: float) -> int:
    return int(x)


def test_an_own_rounding_becomes_a_fourth_choice(explorer: TwoSumsExplorer) -> None:
    explorer.own_rounding = towards_zero
    explorer.rounding, explorer.a, explorer.b = "own", 0.75, 0.75
    assert explorer.readout.startswith("Rounding own, zero points 0 and 0")
    assert explorer.readout.endswith("round then add gives 0, add then round gives 1.")
    explorer.own_rounding = None
    assert explorer.rounding == "half_even"
    assert explorer.readout.endswith("round then add gives 2, add then round gives 2.")


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (lambda x: 1 // 0, "your rounding of -4.0 raised ZeroDivisionError"),
        (lambda x: x, "your rounding of -3.875 is -3.875: return a whole number near it."),
        (lambda x: None, "your rounding of -4.0 is None"),
        (lambda x: float("nan"), "your rounding of -4.0 is nan"),
        (lambda x: float("inf"), "your rounding of -4.0 is inf"),
        ("round", "your rounding of -4.0 raised TypeError"),
    ],
)
def test_a_rounding_that_fails_keeps_the_last_picture(explorer: TwoSumsExplorer, own: Any, said: str) -> None:
    before = explorer.readout
    explorer.own_rounding = own
    assert explorer.message.startswith(said)
    assert explorer.readout == before


@pytest.mark.parametrize(
    ("trait", "value", "said"),
    [
        ("a", 2.125, "a (steps) 2.125 is not on its list: choose one of −2, −1.875,"),
        ("b", 0.1, "b (steps) 0.1 is not on its list"),
        ("zero_point_a", 3, "zero point of a 3 is not on its list: choose one of 0, 0.5, 1, 1.5, 2, 2.5."),
        ("rounding", "half_away", "rounding 'half_away' is not on its list: choose one of half_even, half_up, floor."),
        ("rounding", 0, "rounding 0 is not on its list"),
    ],
)
def test_a_value_off_its_list_keeps_the_picture_and_says_why(
    explorer: TwoSumsExplorer, trait: str, value: Any, said: str
) -> None:
    before = (getattr(explorer, trait), explorer.readout)
    setattr(explorer, trait, value)
    assert (getattr(explorer, trait), explorer.readout) == before
    assert explorer.message.startswith(said)
