"""The picture of clipping against rounding shows what the kernels hold, and its words say it."""

import pytest
import torch

from qtutor.pictures import clipping_text, draw_clipping, new_axes
from qtutor.pictures.clipping import bars, clip, sizes

READINGS = torch.tensor([1.0] * 7 + [6.0])


@pytest.mark.parametrize(("percent", "clipping", "rounding"), [(100, 0, 7), (75, 2.25, 1.75), (50, 9, 0)])
def test_the_eight_readings_of_the_chapter(percent, clipping, rounding):
    facts = clip(sizes(READINGS), 2, (percent,))
    assert (facts.clipping.item(), facts.rounding.item(), facts.total.item()) == (
        clipping,
        rounding,
        clipping + rounding,
    )


def test_a_signed_tensor_is_clipped_alike_on_both_sides():
    both = clip(sizes(torch.cat([READINGS, -READINGS])), 3, (75,))
    once = clip(sizes(READINGS), 2, (75,))  # 3 signed bits have the 3 positive integers of 2 unsigned ones
    assert both.total.item() == 2 * once.total.item()
    assert both.clipped.item() == 2


def test_the_marks_stand_at_the_percent_and_other_data_give_other_words():
    ax = draw_clipping(new_axes(7, 4), READINGS, 2, 75)
    dot = next(line for line in ax.lines if line.get_label() == "marked format")
    assert dot.get_xydata().tolist() == [[4.5, 4.0]]
    assert ax.alt == clipping_text(READINGS, 2, 75) != clipping_text(READINGS * 2, 2, 75)
    curve = next(line for line in ax.lines if line.get_label() == "together")
    assert [curve.get_xydata().tolist()[i] for i in (49, 74, 99)] == [[3, 9], [4.5, 4], [6, 7]]


def test_bars_count_every_value_but_zeros():
    assert sum(bars(sizes(torch.cat([READINGS, torch.zeros(5)])))) == 8
    assert bars(sizes(READINGS))[9] == 7  # 1 = 10/60 of 6, the upper end of the tenth part


@pytest.mark.parametrize(
    ("x", "bit_width", "percent", "said"),
    [
        (READINGS, 1, 100, "bit_width 1 is outside 2 … 8"),
        (READINGS, 9, 100, "bit_width 9 is outside 2 … 8"),
        (READINGS, 2, 0, "percent 0 is outside 1 … 100"),
        (torch.zeros(2), 2, 100, "x holds 2 values and none but 0"),
        (torch.tensor([float("inf")]), 2, 100, "x holds inf"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(x, bit_width, percent, said):
    with pytest.raises(ValueError, match=said):
        draw_clipping(new_axes(7, 4), x, bit_width, percent)
