"""The saturation explorer: every sum of every format against Python integers, its challenge, and own functions."""

from typing import Any

import pytest
import torch

from qtutor.explorers.saturation import BIT_WIDTHS, SaturationExplorer, saturation_explorer, standard_table


def ends(bits: int, signed: bool) -> tuple[int, int]:
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def oracle(bits: int, signed: bool, a: int, b: int) -> tuple[int, int, str]:
    """Both answers in Python integers, and the sentence about them."""
    low, high = ends(bits, signed)
    wrapped, saturated = (a + b - low) % 2**bits + low, min(max(a + b, low), high)
    said = (
        f"{bits} bits {'signed' if signed else 'unsigned'}: {a} + {b if b >= 0 else f'({b})'} = {a + b}. "
        f"Wrapped {answer(wrapped, a + b, bits)}. Saturated {answer(saturated, a + b, bits)}."
    )
    return wrapped, saturated, said.replace("-", "−")


def answer(kept: int, exact: int, bits: int) -> str:
    error = f"error {kept - exact:+d}" if kept != exact else "exact"
    return f"{kept} ({kept & (2**bits - 1):0{bits}b}), {error}"


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", BIT_WIDTHS)
def test_every_sum_is_what_python_integers_give(bits: int, signed: bool) -> None:
    table, (low, high) = standard_table(), ends(bits, signed)
    place = table.place({"bit_width": bits, "signed": signed, "a": low, "b": low})
    wrong = []
    for a in range(low, high + 1):
        for b in range(low, high + 1):
            here = {**place, "a": a - low, "b": b - low}
            numbers = [int(table.facts[name].row(here)) for name in ("wrapped_number", "saturated_number")]
            wrong += [(a, b)] if (*numbers, a + b) != (*oracle(bits, signed, a, b)[:2], exact(table, here)) else []
    assert wrong == []


def exact(table: Any, place: dict[str, int]) -> int:
    return int(table.facts["exact_number"].row(place))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_every_sentence_is_what_python_integers_give(bits: int, signed: bool) -> None:
    table, (low, high) = standard_table(), ends(bits, signed)
    place = table.place({"bit_width": bits, "signed": signed, "a": low, "b": low})
    few = 1 if bits < 8 else 7
    for a in range(low, high + 1, few):
        for b in range(low, high + 1, few):
            here = {**place, "a": a - low, "b": b - low}
            assert table.sentence(table.readout, here) == oracle(bits, signed, a, b)[2]


@pytest.fixture
def explorer() -> SaturationExplorer:
    return saturation_explorer()


def test_the_readout_follows_every_trait(explorer: SaturationExplorer) -> None:
    assert explorer.readout == oracle(4, True, 5, 2)[2]
    explorer.a = 7
    assert explorer.readout == oracle(4, True, 7, 2)[2]
    explorer.b = -8
    assert explorer.readout == oracle(4, True, 7, -8)[2]
    explorer.bit_width = 8
    assert explorer.readout == oracle(8, True, 7, -8)[2]


def test_both_operands_move_with_the_format_and_say_so(explorer: SaturationExplorer) -> None:
    explorer.a, explorer.b = -8, -3
    explorer.signed = False
    assert (explorer.a, explorer.b) == (0, 0)
    assert explorer.message == (
        "a −8 is not among 0 … 15 here, so it moved to 0. b −3 is not among 0 … 15 here, so it moved to 0."
    )
    assert explorer.readout == oracle(4, False, 0, 0)[2]


def test_a_value_outside_the_format_is_refused(explorer: SaturationExplorer) -> None:
    explorer.a = 8
    assert explorer.a == 5
    assert explorer.message.startswith("a 8 is not on its list: choose one of −8 … 7.")


def test_the_challenge_is_met_by_the_widest_gap_and_then_by_the_worst_saturation(explorer: SaturationExplorer) -> None:
    first, both = [], []
    for a in range(-8, 8):
        for b in range(-8, 8):
            explorer.reset()
            put(explorer, a, b)
            first += [a + b] if explorer.progress else []
            put(explorer, 7, 1)
            put(explorer, a, b)
            both += [(a, b)] if explorer.progress == 2 else []
    assert set(first) == {8, -9}  # 7 against −8, either way round
    assert both == [(-8, -8)]


def put(explorer: SaturationExplorer, a: int, b: int) -> None:
    with explorer.hold_trait_notifications():  # both at once: on the way another sum could meet the challenge
        explorer.a, explorer.b = a, b


def sign_forgotten(x: torch.Tensor, bit_width: int, signed: bool) -> torch.Tensor:
    return x % 2**bit_width


def test_an_own_function_is_shown_as_it_is_mistakes_included(explorer: SaturationExplorer) -> None:
    explorer.wrap = sign_forgotten
    explorer.a, explorer.b = 7, 2
    assert "Wrapped 9, which 4 bits signed cannot hold. Saturated 7 (0111), error −2." in explorer.readout
    explorer.wrap = None
    assert explorer.readout == oracle(4, True, 7, 2)[2]


def test_own_functions_are_taken_at_the_start() -> None:
    explorer = saturation_explorer(saturate=lambda x, bit_width, signed: x)
    explorer.a, explorer.b = 7, 7
    assert explorer.readout.endswith("Saturated 14, which 4 bits signed cannot hold.")


def divides(x: torch.Tensor, bit_width: int, signed: bool) -> torch.Tensor:
    return x // (bit_width - bit_width)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (divides, "divides(x, 2, False) raised"),
        (lambda x, bit_width: x, "<lambda>(x, 2, False) raised TypeError"),
        (lambda x, bit_width, signed: None, "<lambda>(x, 2, False) returned NoneType: return an integer tensor"),
        (lambda x, bit_width, signed: x / 2, "<lambda>(x, 2, False) returned torch.float32"),
        (lambda x, bit_width, signed: x[:1], "<lambda>(x, 2, False) returned shape (1,) for (511,)"),
        (3, "your function(x, 2, False) raised TypeError"),
    ],
)
def test_a_function_that_fails_keeps_the_last_picture(explorer: SaturationExplorer, function: Any, said: str) -> None:
    before = explorer.readout
    explorer.wrap = function
    assert explorer.message.startswith(said)
    assert explorer.message.endswith("Until then the last picture stays.")
    assert explorer.readout == before


def test_a_function_that_changes_its_input_harms_nothing(explorer: SaturationExplorer) -> None:
    explorer.wrap = lambda x, bit_width, signed: x.zero_()
    assert explorer.readout.startswith(
        "4 bits signed: 5 + 2 = 7. Wrapped 0 (0000), error −7. Saturated 7 (0111), exact."
    )
