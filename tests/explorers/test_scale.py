"""The scale explorer: both errors at every setting, counted again in NumPy; its challenge; a learner's own values."""

from typing import Any

import numpy as np
import pytest
import torch

from qtutor import choose_qparams
from qtutor.explorers.scale import BIT_WIDTHS, ScaleExplorer, scale_explorer, standard_table
from qtutor.network import hidden_activations
from qtutor.pictures.clipping import PERCENTS, amount, short


def errors(x: np.ndarray, top: int, percent: int) -> tuple[int, float, float]:
    """How many values lie beyond the end, and the squared error beyond it and inside: by NumPy on every value."""
    scale = np.float32(float(x.max()) * percent / 100 / top)
    stored = np.minimum(np.rint(x / scale), np.float32(top)) * scale
    squared, beyond = (stored.astype(float) - x) ** 2, x > np.float32(top) * scale
    return int(beyond.sum()), float(squared[beyond].sum()), float(squared[~beyond].sum())


@pytest.mark.parametrize("bits", BIT_WIDTHS)
def test_every_setting_is_what_numpy_counts(bits: int) -> None:
    x, table = hidden_activations().numpy().ravel(), standard_table()
    for percent in PERCENTS:
        place = {"bit_width": BIT_WIDTHS.index(bits), "clip": percent - 1}
        clipped, clipping, rounding = errors(x, 2**bits - 1, percent)
        shown = [table.facts[name].row(place) for name in ("clipped", "clipping", "rounding", "total", "count")]
        expected = [f"{clipped:,}", amount(clipping), amount(rounding), amount(clipping + rounding), "57,504 values"]
        assert shown == expected
        assert table.facts["sqnr"].row(
            place
        ) == f"{10 * np.log10((x.astype(float) ** 2).sum() / (clipping + rounding)):.1f}".replace("-", "−")


@pytest.mark.parametrize("bits", BIT_WIDTHS)
def test_the_least_error_is_where_the_method_mse_clips(bits: int) -> None:
    chosen = choose_qparams(hidden_activations(), bits, signed=False, method="mse")
    table, row = standard_table(), BIT_WIDTHS.index(bits)
    curve = table.facts["total_curve"].row({"bit_width": row})
    least = table.facts["point"].row({"clip": int(np.argmin(curve))})
    assert least == short(float(chosen.scale) * (2**bits - 1))  # type: ignore[arg-type]


def test_the_curves_are_the_errors_in_one_scale() -> None:
    x, table = hidden_activations().numpy().ravel(), standard_table()
    heights = {name: table.facts[f"{name}_curve"].row({"bit_width": 1}) for name in ("clipping", "rounding", "total")}
    clipping, rounding = errors(x, 7, 50)[1:]
    unit = 2 * sum(errors(x, 7, 100)[1:])
    shown = [float(heights[name][49]) for name in ("clipping", "rounding", "total")]
    assert shown == pytest.approx([clipping / unit, rounding / unit, (clipping + rounding) / unit], rel=1e-6)


@pytest.fixture
def explorer() -> ScaleExplorer:
    return scale_explorer()


def test_the_readout_follows_both_traits(explorer: ScaleExplorer) -> None:
    explorer.clip = 63
    assert explorer.readout.startswith("3 bits unsigned, clipped at 3.99: step 0.571, 580 of 57,504 values clipped. ")
    explorer.bit_width = 8
    assert explorer.readout.startswith("8 bits unsigned, clipped at 3.99: step 0.0157, 580 of 57,504 values clipped. ")


def test_the_challenge_is_met_at_the_least_error_of_3_and_then_of_2_bits(explorer: ScaleExplorer) -> None:
    for clip in (62, 64, 52):
        explorer.clip = clip
        assert explorer.progress == 0
    explorer.clip = 63
    assert explorer.progress == 1
    explorer.bit_width = 2
    assert explorer.progress == 1
    explorer.clip = 52
    assert explorer.progress == 2
    assert explorer.challenge.startswith("✓ Both met: 63 % of the largest, 580 clipped at 3 bits, and 52 %")


def test_own_values_with_a_minus_make_the_format_signed(explorer: ScaleExplorer) -> None:
    explorer.values = [-3.0, 1.0, 1.0]
    assert explorer.readout == (
        "3 bits signed, clipped at 3: step 1, 0 of 3 values clipped. "
        "Squared error 0: 0 by clipping, 0 by rounding. SQNR ∞ dB."
    )
    explorer.values = None
    assert "57,504" in explorer.readout


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.0, 0.0], "x holds 2 values and none but 0"),
        ([], "x holds 0 values and none but 0"),
        ([float("nan")], "x holds nan"),
        ("three", "values is a str that is no list of numbers"),
        (torch.tensor([1, 2]), "x is torch.int64"),
        (torch.arange(1, 20_002).float(), "values holds 20,001 different sizes and the table takes 20,000"),
    ],
)
def test_values_that_cannot_be_drawn_keep_the_last_picture(explorer: ScaleExplorer, values: Any, said: str) -> None:
    before = explorer.readout
    explorer.values = values
    assert explorer.message.startswith(said)
    assert explorer.readout == before


@pytest.mark.parametrize(
    ("trait", "value", "said"),
    [
        (
            "clip",
            0,
            "clip at (%) 0 is not on its list: choose one of 1 … 100. Until then the last setting, 100, stays.",
        ),
        ("clip", 50.5, "clip at (%) 50.5 is not on its list"),
        ("bit_width", 1, "bit width 1 is not on its list: choose one of 2 … 8."),
    ],
)
def test_a_value_off_its_list_keeps_the_picture_and_says_why(
    explorer: ScaleExplorer, trait: str, value: Any, said: str
) -> None:
    before = (getattr(explorer, trait), explorer.readout)
    setattr(explorer, trait, value)
    assert (getattr(explorer, trait), explorer.readout) == before
    assert explorer.message.startswith(said)
