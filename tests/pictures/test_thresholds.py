"""The picture of a channel's thresholds shows what the layer does, and its words say it."""

import dataclasses

import pytest
import torch

from qtutor import load_checkpoint, lower
from qtutor.pictures import draw_thresholds, new_axes, thresholds_text

NETWORK = lower(load_checkpoint("mlp_w4a4"))
LAYER = NETWORK.layer("relu1")


def upside_down():
    """The same layer with every channel turned around: what comes must be met by minus the accumulator."""
    return dataclasses.replace(LAYER, mantissa=-LAYER.mantissa, direction=-LAYER.direction)


def drawn(ax, label):
    return next(line for line in ax.lines if line.get_label() == label).get_xydata()


def test_the_staircase_is_the_layer_by_its_multipliers():
    steps = drawn(draw_thresholds(new_axes(7, 4), LAYER, 1, 100), "integer")
    accumulators = torch.from_numpy(steps[:, 0]).to(torch.int64)
    by_multipliers = LAYER.by_multipliers(accumulators[:, None].expand(-1, 64))[:, 1]
    assert steps[:, 1].tolist() == by_multipliers.tolist()
    assert {0, 15} <= set(by_multipliers.tolist())


def test_it_rises_where_thresholds_stand_and_nowhere_else():
    ax = draw_thresholds(new_axes(7, 4), LAYER, 1, 100)
    steps = drawn(ax, "integer").tolist()
    rises = [int(x) for (x, y), (_, before) in zip(steps[1:], steps, strict=False) if y > before]
    assert rises == LAYER.thresholds[1].tolist()
    assert [int(tick) for tick in ax.get_xticks()] == rises


def test_a_channel_turned_around_falls_at_the_mirrored_places():
    ax = draw_thresholds(new_axes(7, 4), upside_down(), 1, -100)
    steps = drawn(ax, "integer").tolist()
    assert [-int(x) + 1 for (x, y), (_, before) in zip(steps[1:], steps, strict=False) if y < before][::-1] == (
        LAYER.thresholds[1].tolist()
    )
    assert "the larger the accumulator, the smaller the integer" in ax.alt
    assert ax.alt.endswith("Accumulator −100 is 5.18 before rounding and has reached 5 of them: its integer is 5.")


def test_other_channels_and_accumulators_have_other_words():
    assert len({thresholds_text(LAYER, channel, at) for channel in (0, 1, 2) for at in (-300, 0, 100, 500)}) == 12
    assert draw_thresholds(new_axes(7, 4), LAYER, 2, 500).alt == thresholds_text(LAYER, 2, 500)


@pytest.mark.parametrize("name", ["mlp_w1a1", "cnn_w1a1", "mlp_w2a2"])
def test_few_levels_and_signs_are_drawn_too(name):
    network = lower(load_checkpoint(name))
    assert "threshold" in draw_thresholds(new_axes(7, 4), network.layer("relu1"), 0).alt


@pytest.mark.parametrize("channel", [-1, 64])
def test_a_channel_that_there_is_not_is_refused(channel):
    with pytest.raises(ValueError, match=f"channel {channel} is none of relu1, which has 0 … 63"):
        draw_thresholds(new_axes(7, 4), LAYER, channel)


def test_another_layer_is_refused():
    with pytest.raises(TypeError, match="IntegerLinear holds no thresholds"):
        draw_thresholds(new_axes(7, 4), NETWORK.layer("fc1"), 0)
