"""The requantize explorer: every setting against fractions, its challenge, and a learner's own function."""

import itertools
from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor, trunc
from typing import Any

import pytest
import torch

from qtutor.explorers import requantize_explorer
from qtutor.explorers.requantize import BITS, MULTIPLIERS, RequantizeExplorer, standard_table

HALF = Fraction(1, 2)


def half_away(x: Fraction) -> int:
    return floor(x + HALF) if x > 0 else ceil(x - HALF)


ROUND: dict[str, Callable[[Fraction], int]] = {
    "half_even": round,
    "half_up": lambda x: floor(x + HALF),
    "half_away": half_away,
    "floor": floor,
    "ceil": ceil,
    "toward_zero": trunc,
}
TWICE = "half_up_then_away"
ROUNDINGS = (*ROUND, TWICE)


def nearest(real: Fraction, bits: int) -> tuple[int, int]:
    """The nearest pair of all; the even mantissa where two are as near."""
    pairs = [(m, s) for s in range(14) for m in range(2 ** (bits - 1), 2**bits)]
    return min(pairs, key=lambda pair: (abs(Fraction(pair[0], 2 ** pair[1]) - real), pair[0] % 2))


def kept_integer(accumulator: int, pair: tuple[int, int], bits: int, rounding: str) -> int:
    mantissa, shift = pair
    if rounding != TWICE:
        return ROUND[rounding](Fraction(accumulator * mantissa, 2**shift))
    first = ROUND["half_up"](Fraction(accumulator * mantissa, 2 ** min(bits, shift)))
    return half_away(Fraction(first, 2 ** max(shift - bits, 0)))


def said(name: str, place: dict[str, int]) -> str:
    return str(standard_table().facts[name].row(place)).replace("−", "-")


@pytest.mark.parametrize("m", range(len(MULTIPLIERS)), ids=[str(m) for m in MULTIPLIERS])
def test_every_setting_is_what_fractions_give(m: int) -> None:
    table, real, wrong = standard_table(), Fraction(str(MULTIPLIERS[m])), 0
    for b, r in itertools.product(range(len(BITS)), range(len(ROUNDINGS))):
        pair = nearest(real, BITS[b])
        place = {"multiplier": m, "bits": b, "rounding": r, "accumulator": 0}
        assert said("pair", place) == f"{pair[0]} / 2^{pair[1]}"
        kept = [kept_integer(n, pair, BITS[b], ROUNDINGS[r]) for n in range(-32, 33)]
        errors = [k - real * n for k, n in zip(kept, range(-32, 33), strict=True)]
        shown = table.facts["errors"].row(place).tolist()
        wrong += sum(abs(a - float(e)) > 1e-6 for a, e in zip(shown, errors, strict=True))
        wrong += table.facts["far"].row(place).tolist() != [abs(e) > HALF for e in errors]
        assert said("missed", place).startswith(f"{sum(abs(e) > HALF for e in errors)} of 65 ")
        assert float(said("mean", place)) == pytest.approx(float(sum(errors) / 65), rel=0.01)
        for accumulator in range(65):
            place["accumulator"] = accumulator
            wrong += said("kept", place) != str(kept[accumulator])
            wrong += abs(float(said("error", place)) - float(errors[accumulator])) > 1e-6
            wrong += said("exact", place) != f"{float(real * (accumulator - 32)):g}"
            wrong += said("product", place) != str(pair[0] * (accumulator - 32))
    assert wrong == 0


@pytest.fixture
def explorer() -> RequantizeExplorer:
    return requantize_explorer()


def test_the_line_shows_the_way_of_one_accumulator(explorer: RequantizeExplorer) -> None:
    explorer.accumulator = 24
    (line,) = explorer._facts.lines
    said = explorer._facts.sentence(line, explorer._place)
    assert said == "24 × 5 = 120, shifted by 4: 7.5 → 8"


def test_the_challenge_takes_five_bits_then_a_bias_then_a_second_rounding(explorer: RequantizeExplorer) -> None:
    explorer.bits = 4
    assert explorer.progress == 0
    explorer.bits = 5
    assert explorer.progress == 1
    explorer.multiplier = 0.5
    assert explorer.progress == 1
    explorer.rounding = "half_up"
    assert explorer.progress == 2
    explorer.multiplier = 0.375
    assert explorer.progress == 2
    explorer.rounding = TWICE
    assert explorer.progress == 3
    assert explorer.challenge.startswith("✓ All met")


def test_the_challenge_knows_every_setting_that_meets_it() -> None:
    table = standard_table()
    for (m, real), (b, bits), (r, rounding) in itertools.product(
        enumerate(map(Fraction, map(str, MULTIPLIERS))), enumerate(BITS), enumerate(ROUNDINGS)
    ):
        pair = nearest(real, bits)
        every = {
            name: [kept_integer(n, pair, bits, name) - real * n for n in range(-32, 33)]
            for name in (rounding, "half_even")
        }
        missed = {name: any(abs(e) > HALF for e in errors) for name, errors in every.items()}
        first = real == Fraction(3, 10) and rounding == "half_even" and bits == 5
        second = real == HALF and not missed[rounding] and sum(every[rounding]) != 0
        third = rounding == TWICE and missed[rounding] and not missed["half_even"]
        place = {"multiplier": m, "bits": b, "rounding": r}
        assert int(table.facts["met"].row(place)) == first + 2 * second + 4 * third, (real, bits, rounding)


def floored(accumulators: Any, mantissa: int, shift: int, zero_point: int, bit_width: int, signed: bool) -> Any:
    return (accumulators.long() * mantissa >> shift) + zero_point


def test_an_own_function_becomes_an_eighth_rounding(explorer: RequantizeExplorer) -> None:
    explorer.requantize = floored
    explorer.rounding = "floor"
    before = explorer.readout
    explorer.rounding = "own"
    assert explorer.readout == before.replace("down (floor)", "own")
    explorer.requantize = None
    assert explorer.rounding == "half_even"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (lambda *given: given[0] / 0, "<lambda>(accumulators, 3, 5, 0, 8, True) returned torch.float32: return an"),
        (lambda *given: 1 // 0, "<lambda>(accumulators, 3, 5, 0, 8, True) raised ZeroDivisionError"),
        (lambda *given: None, "<lambda>(accumulators, 3, 5, 0, 8, True) returned NoneType: return an integer tensor"),
        (lambda *given: torch.zeros(2).int(), "<lambda>(accumulators, 3, 5, 0, 8, True) returned shape (2,) for (65,)"),
        ("requantize", "your function(accumulators, 3, 5, 0, 8, True) raised TypeError"),
    ],
)
def test_a_function_that_fails_keeps_the_last_picture(explorer: RequantizeExplorer, own: Any, said: str) -> None:
    before = explorer.readout
    explorer.requantize = own
    assert explorer.message.startswith(said)
    assert explorer.readout == before


@pytest.mark.parametrize(
    ("trait", "value", "said"),
    [
        ("multiplier", 0.6, "multiplier 0.6 is not on its list: choose one of 0.1, 0.2, 0.25, 0.3,"),
        ("bits", 9, "bits 9 is not on its list: choose one of 2 … 8."),
        ("accumulator", 33, "accumulator 33 is not on its list: choose one of −32 … 32."),
        ("rounding", "nearest", "rounding 'nearest' is not on its list: choose one of half_even, half_up, half_away,"),
    ],
)
def test_a_value_off_its_list_keeps_the_picture_and_says_why(
    explorer: RequantizeExplorer, trait: str, value: Any, said: str
) -> None:
    before = (getattr(explorer, trait), explorer.readout)
    setattr(explorer, trait, value)
    assert (getattr(explorer, trait), explorer.readout) == before
    assert explorer.message.startswith(said)
