"""Pictures: data and matplotlib axes in, axes out. Each sets `ax.alt`, its words, from the same data; `show` shows both."""

from qtutor.pictures.accumulator import accumulator_text, draw_accumulator, example_product, partial_sums
from qtutor.pictures.axes import describe, new_axes, show, words_of
from qtutor.pictures.clipping import clipping_text, draw_clipping
from qtutor.pictures.digit import digit_text, draw_digit
from qtutor.pictures.network import draw_network_walk, network_walk_text
from qtutor.pictures.number_line import draw_number_line, number_line_text
from qtutor.pictures.requantizer import draw_requantizer, requantizer_text
from qtutor.pictures.ring import draw_ring, ring_text
from qtutor.pictures.staircase import draw_staircase, staircase_text
from qtutor.pictures.thresholds import draw_thresholds, thresholds_text
from qtutor.pictures.training import (
    draw_losses,
    draw_right_answers,
    draw_straight_through,
    loss_curve,
    losses_text,
    right_answers_text,
    straight_through_text,
)
from qtutor.pictures.two_sums_map import draw_two_sums_map, two_sums_text

__all__ = [
    "accumulator_text",
    "clipping_text",
    "describe",
    "digit_text",
    "draw_accumulator",
    "draw_clipping",
    "draw_digit",
    "draw_losses",
    "draw_network_walk",
    "draw_number_line",
    "draw_requantizer",
    "draw_right_answers",
    "draw_ring",
    "draw_staircase",
    "draw_straight_through",
    "draw_thresholds",
    "draw_two_sums_map",
    "example_product",
    "loss_curve",
    "losses_text",
    "network_walk_text",
    "new_axes",
    "number_line_text",
    "partial_sums",
    "requantizer_text",
    "right_answers_text",
    "ring_text",
    "show",
    "staircase_text",
    "straight_through_text",
    "thresholds_text",
    "two_sums_text",
    "words_of",
]
