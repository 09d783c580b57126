"""The pictures of training show the numbers they are given; the live one leaves the same text on every run."""

import pytest
import torch

from qtutor import QParams, quantize
from qtutor.pictures import (
    draw_losses,
    draw_right_answers,
    draw_straight_through,
    loss_curve,
    losses_text,
    new_axes,
    right_answers_text,
    straight_through_text,
)
from qtutor.pictures import training as pictures

ROWS = {"trained": [90, 80, 70], "afterwards": [88, 40, 10]}


def line(ax, label):
    """The points of the line of a label."""
    return next(found for found in ax.lines if found.get_label() == label).get_xydata().tolist()


@pytest.mark.parametrize("qparams", [QParams(1.0, 0, 2), QParams(0.5, 0, 3), QParams(0.25, 0, 2, signed=False)])
def test_the_slope_is_drawn_where_x_rounds_into_the_range(qparams):
    ax = draw_straight_through(new_axes(6, 4), qparams)
    (left, below), (right, above) = line(ax, "backward: slope 1 inside")
    assert (left, right) == (below, above)
    wide = QParams(qparams.scale, 0, 8)
    for x, inside in ((left + 1e-3, True), (left - 1e-3, False), (right - 1e-3, True), (right + 1e-3, False)):
        rounded = quantize(torch.tensor([x]), wide).item()
        assert (qparams.int_min <= rounded <= qparams.int_max) == inside
    assert ax.alt == straight_through_text(qparams)


def test_the_staircase_is_what_the_kernels_store():
    steps = line(draw_straight_through(new_axes(6, 4), QParams(1.0, 0, 2)), "forward: what is stored")
    assert sorted({stored for _, stored in steps}) == [-2, -1, 0, 1]


def test_the_losses_are_drawn_with_a_bar_as_long_as_training_is_far():
    ax = draw_losses(new_axes(), [1.5, 0.75, 0.5], 12)
    assert [found.get_xydata().tolist() for found in ax.lines[:1]] == [[[1, 1.5], [2, 0.75], [3, 0.5]]]
    assert [max(found.get_xdata()) for found in ax.lines[1:]] == [1.0, 0.25]
    assert (
        ax.alt == losses_text([1.5, 0.75, 0.5], 12) == "3 of 12 epochs done: the mean loss is lower than in the first."
    )
    assert losses_text([1.0, 1.5], 2).endswith("the mean loss is not lower than in the first.")


@pytest.mark.parametrize(("losses", "epochs"), [([], 3), ([1.0, 0.5], 1)])
def test_losses_that_cannot_be_are_refused(losses, epochs):
    with pytest.raises(ValueError, match=f"{len(losses)} losses of {epochs} epochs cannot be drawn"):
        losses_text(losses, epochs)


class Handle:
    """What IPython gives for a picture that may be replaced."""

    def __init__(self, shown):
        self.shown = shown

    def update(self, picture):
        self.shown.append(("update", repr(picture)))


def test_a_notebook_gets_one_picture_that_is_replaced_and_a_caption(monkeypatch):
    shown = []

    def display(thing, raw=False, display_id=None):
        shown.append(("display", thing["text/html"] if raw else repr(thing)))
        return Handle(shown) if display_id else None

    monkeypatch.setattr(pictures, "get_ipython", lambda: "a notebook")
    monkeypatch.setattr(pictures, "display", display)
    watch = loss_curve()
    for epoch in (1, 2, 3):
        watch([1.5, 0.75, 0.5][:epoch], 3)
    words = "The mean loss of each epoch, drawn while the model trains."
    caption = "<p>3 of 3 epochs done: the mean loss is lower than in the first.</p>"
    assert shown == [("display", words), ("update", words), ("update", words), ("display", caption)]


def test_each_way_is_a_line_of_its_own_mark_and_the_words_hold_every_number():
    ax = draw_right_answers(new_axes(7, 4), [4, 2, 1], ROWS, 100)
    for name, right in ROWS.items():
        assert line(ax, name) == [[place, count] for place, count in enumerate(right)]
    assert len({found.get_marker() for found in ax.lines[:2]}) == 2
    assert ax.alt == right_answers_text([4, 2, 1], ROWS, 100)
    assert ax.alt == "Right answers of 100 at 4, 2, 1 bits. trained: 90, 80, 70; afterwards: 88, 40, 10."


def test_six_ways_are_told_apart_by_mark_and_a_pair_by_its_line():
    ways = {f"way {n}": [90 - n, 80, 70] for n in range(6)}
    lines = draw_right_answers(new_axes(7, 4), [4, 2, 1], ways, 100).lines[:6]
    assert len({found.get_marker() for found in lines}) == 6
    assert [found.get_linestyle() for found in lines] == ["-", "--"] * 3
    assert len({found.get_color() for found in lines}) == 3
    assert [found.get_label() for found in lines] == list(ways)


def test_a_seventh_way_is_refused():
    with pytest.raises(ValueError, match="7 rows are too many to be told apart: draw 6 at most"):
        draw_right_answers(new_axes(7, 4), [4], {f"way {n}": [1] for n in range(7)}, 100)


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="row 'trained' has 2 numbers for 1 widths"):
        draw_right_answers(new_axes(7, 4), [4], {"trained": [1, 2]}, 100)
