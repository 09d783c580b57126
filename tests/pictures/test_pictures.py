"""Pictures show what the kernels hold, and their words say it: other data, other marks, other words."""

import re
from fractions import Fraction

import pytest
import torch
from matplotlib.axes import Axes

from qtutor import QParams
from qtutor.pictures import (
    accumulator_text,
    digit_text,
    draw_accumulator,
    draw_digit,
    draw_number_line,
    draw_requantizer,
    draw_ring,
    draw_staircase,
    draw_two_sums_map,
    new_axes,
    number_line_text,
    requantizer_text,
    ring_text,
    staircase_text,
    two_sums_text,
)

FOUR_BITS = QParams(scale=0.5, bit_width=4)
VALUES = torch.tensor([-4.6, -1.25, 0.25, 3.9])  # −1.25 and 0.25 lie halfway: −2.5 and 0.5 steps go to the even side


def marks(ax: Axes, label: str) -> list[tuple[float, float]]:
    """Where the picture's marks of one label stand."""
    found = [c for c in ax.collections if c.get_label() == label]
    return [(round(float(x), 5), round(float(y), 5)) for c in found for x, y in c.get_offsets()]


def all_pictures() -> dict[str, Axes]:
    return {
        "number line": draw_number_line(new_axes(), VALUES, FOUR_BITS),
        "staircase": draw_staircase(new_axes(6, 4), FOUR_BITS),
        "ring": draw_ring(new_axes(7, 4), 7, 1, 4, True),
        "requantizer": draw_requantizer(new_axes(7, 4), 0.3, bits=3),
        "two sums": draw_two_sums_map(new_axes(5, 5), (0, 0.5)),
        "accumulator": draw_accumulator(new_axes(7, 4), torch.tensor([3, 3, 2]), torch.tensor([2, 2, -3]), 4),
        "digit": draw_digit(new_axes(3, 3), {2: torch.tensor([[0, 3], [1, 2]])}),
    }


def test_the_number_line_draws_each_value_and_the_dot_it_is_tied_to() -> None:
    ax = draw_number_line(new_axes(), VALUES, FOUR_BITS)
    assert marks(ax, "given") == [(-4.6, 1), (-1.25, 1), (0.25, 1), (3.9, 1)]
    assert marks(ax, "saturated") == [(-4, 0), (3.5, 0)]
    ties = [line.get_xydata().round(5).tolist() for line in ax.lines]
    assert ties == [[[-4.6, 1], [-4, 0]], [[-1.25, 1], [-1, 0]], [[0.25, 1], [0, 0]], [[3.9, 1], [3.5, 0]]]


def test_the_words_of_the_number_line_name_integers_saturation_and_error() -> None:
    assert number_line_text(VALUES, FOUR_BITS) == (
        "4 values on the 16 grid points from −4 to 3.5, step 0.5: integers −8, −2, 0, 7. "
        "2 values saturate. Largest error 0.6."
    )


@pytest.mark.parametrize(
    ("x", "qparams", "said"),
    [
        (
            torch.tensor([3.5]),
            FOUR_BITS,
            "1 value on the 16 grid points from −4 to 3.5, step 0.5: integers 7. 0 values",
        ),
        (torch.tensor([0.0]), QParams(0.5, 3, 4, False), "grid points from −1.5 to 6, step 0.5: integers 3."),
        (torch.tensor([0.0]), QParams(1.0, 0, 4, True, narrow_range=True), "15 grid points from −7 to 7"),
        (
            torch.arange(-40, 40) / 8,
            FOUR_BITS,
            "80 values on the 16 grid points from −4 to 3.5, step 0.5: integers from",
        ),
        (torch.tensor([]), FOUR_BITS, "0 values on the 16 grid points from −4 to 3.5, step 0.5: integers none."),
        (
            torch.tensor([1.0]),
            QParams(0.001, 0, 20, True),
            "1,048,576 grid points from −524.288 to 524.287, step 0.001",
        ),
    ],
)
def test_other_data_gives_other_words(x: torch.Tensor, qparams: QParams, said: str) -> None:
    ax = draw_number_line(new_axes(), x, qparams)
    assert said in ax.alt  # type: ignore[attr-defined]


def test_an_end_of_the_range_is_not_yet_saturated() -> None:
    assert "1 value saturates" in number_line_text(torch.tensor([3.5, 3.74, 3.76]), FOUR_BITS)


def exact_stairs(scale: Fraction, zero_point: int, low: int, high: int) -> list[tuple[float, bool]]:
    """What is stored for −4 … 4 in eighths, and whether it saturates, in fractions: Python rounds ties to even."""
    integers = [round(Fraction(n, 8) / scale) + zero_point for n in range(-32, 33)]
    return [(float(scale * (min(max(q, low), high) - zero_point)), not low <= q <= high) for q in integers]


@pytest.mark.parametrize(("scale", "zero_point"), [(0.5, 0), (0.25, -3), (1.0, 5)])
def test_the_staircase_draws_every_eighth_where_fractions_have_it(scale: float, zero_point: int) -> None:
    ax = draw_staircase(new_axes(6, 4), QParams(scale, zero_point, 4, True))
    stairs = list(zip(range(-32, 33), exact_stairs(Fraction(scale), zero_point, -8, 7), strict=True))
    assert marks(ax, "stored") == [(n / 8, real) for n, (real, saturated) in stairs if not saturated]
    assert marks(ax, "saturated") == [(n / 8, real) for n, (real, saturated) in stairs if saturated]


def test_the_words_of_the_staircase_follow_the_format() -> None:
    x = torch.arange(-32, 33) / 8
    assert staircase_text(x, FOUR_BITS) == "step 0.5, window −4 … 3.5, 3 of 65 values saturate, largest error 0.5"
    assert staircase_text(x, QParams(0.5, 0, 5, True)).startswith("step 0.5, window −8 … 7.5, 0 of 65 values saturate")
    assert staircase_text(x[:-2], FOUR_BITS).startswith("step 0.5, window −4 … 3.5, 1 of 63 values saturates")


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bit_width", [1, 2, 3, 4])
def test_the_words_of_the_ring_hold_for_every_sum(bit_width: int, signed: bool) -> None:
    low, high = (-(2 ** (bit_width - 1)), 2 ** (bit_width - 1) - 1) if signed else (0, 2**bit_width - 1)
    for a in range(low, high + 1):
        for b in range(low, high + 1):
            wrapped, saturated = (a + b - low) % 2**bit_width + low, min(max(a + b, low), high)
            bits = [format(v & (2**bit_width - 1), f"0{bit_width}b") for v in (wrapped, saturated)]
            said = ring_text(a, b, bit_width, signed).replace("−", "-")
            assert f"= {a + b}. Wrapped {wrapped} ({bits[0]}), {error(wrapped, a + b)}." in said
            assert said.endswith(f"Saturated {saturated} ({bits[1]}), {error(saturated, a + b)}.")


def error(kept: int, exact: int) -> str:
    return f"error {kept - exact:+d}" if kept != exact else "exact"


def test_the_ring_marks_start_wrapped_saturated_and_exact() -> None:
    ax = draw_ring(new_axes(7, 4), 6, 3, 4, True)
    assert marks(ax, "a = 6") != []
    assert marks(ax, "wrapped −7") != []
    assert marks(ax, "saturated 7") != []
    assert marks(ax, "exact 9")[0][1] > marks(ax, "saturated 7")[0][1]


def test_the_requantizer_marks_every_accumulator_where_fractions_have_it() -> None:
    ax = draw_requantizer(new_axes(7, 4), 0.3, bits=3, accumulator=24)
    exact = {n: round(Fraction(5 * n, 16)) - Fraction(3 * n, 10) for n in range(-32, 33)}
    near = [(n, float(e)) for n, e in exact.items() if abs(e) <= Fraction(1, 2)]
    far = [(n, float(e)) for n, e in exact.items() if abs(e) > Fraction(1, 2)]
    assert marks(ax, "nearest integer") == near
    assert marks(ax, "further than ½ step") == far
    assert marks(ax, "marked") == [(24, 0.8)]
    assert len(far) == 10


def test_the_words_of_the_requantizer_follow_multiplier_bits_rounding_and_accumulator() -> None:
    words = requantizer_text(0.375, 2, "half_up_then_away", 1)
    assert words == (
        "0.375 in 2 bits is 3 / 2^3 = 0.375. Rounding half up, then half away: 12 of 65 accumulators miss the nearest "
        "integer, mean error +0.0615. At accumulator 1: exact 0.375, kept 1, error +0.625."
    )
    assert "in 8 bits is 192 / 2^9 = 0.375" in requantizer_text(0.375, 8, "floor", 1)
    assert requantizer_text(0.375, 2, "floor", -1).endswith("At accumulator −1: exact −0.375, kept −1, error −0.625.")
    with pytest.raises(ValueError, match="accumulator 33 is outside −32 … 32, what the picture shows: use 32."):
        requantizer_text(0.3, 3, "floor", 33)


ROUND = {
    "half_even": round,
    "half_up": lambda x: (x + Fraction(1, 2)) // 1,
    "floor": lambda x: x // 1,
}


def exact_differences(za: Fraction, zb: Fraction, rounding: str) -> dict[tuple[float, float], int]:
    """Add then round minus round then add, in fractions, where it is not 0."""
    to_whole, steps = ROUND[rounding], [Fraction(n, 8) for n in range(-16, 17)]
    found = {(a, b): to_whole(a + za + b + zb) - to_whole(a + za) - to_whole(b + zb) for a in steps for b in steps}
    return {(float(a), float(b)): int(d) for (a, b), d in found.items() if d}


@pytest.mark.parametrize("rounding", ROUND)
@pytest.mark.parametrize(("za", "zb"), [(0, 0), (2.5, 1.5), (1, 2), (0.5, 0)])
def test_the_map_marks_exactly_the_pairs_that_differ(za: float, zb: float, rounding: str) -> None:
    ax = draw_two_sums_map(new_axes(5, 5), (za, zb), rounding, (0.0, 0.0))
    expected = exact_differences(Fraction(za), Fraction(zb), rounding)
    assert sorted(marks(ax, "add then round gives more")) == sorted(p for p, d in expected.items() if d > 0)
    assert sorted(marks(ax, "add then round gives less")) == sorted(p for p, d in expected.items() if d < 0)
    assert f"the two sums differ at {len(expected)} of 1,089 pairs" in ax.alt  # type: ignore[attr-defined]


def test_the_words_of_the_map_name_the_marked_pair() -> None:
    assert two_sums_text((0, 0), "half_even", (1, 0.5)).endswith("round then add gives 1, add then round gives 2.")
    assert two_sums_text((0, 0), "half_up", (1, 0.5)).endswith("round then add gives 2, add then round gives 2.")


UP_AND_DOWN = torch.tensor([3, 3, 2]), torch.tensor([2, 2, -3])  # sums 6, 12, 6


@pytest.mark.parametrize(("overflow", "right", "wrong"), [("wrap", [0, 1, 3], [-4]), ("saturate", [0, 1], [7, 1])])
def test_the_accumulator_marks_what_is_kept_and_where_it_is_wrong(
    overflow: str, right: list[int], wrong: list[int]
) -> None:
    ax = draw_accumulator(new_axes(7, 4), *UP_AND_DOWN, 4, overflow)
    assert ax.lines[0].get_xydata().tolist() == [[0, 0], [1, 6], [2, 12], [3, 6]]
    assert [k for k, _ in marks(ax, "kept, exact")] == right
    assert [value for _, value in marks(ax, "kept, wrong")] == wrong


def test_the_words_of_the_accumulator_say_what_left_the_range_and_how_it_ends() -> None:
    said = {
        (4, "wrap"): "1 of 3 partial sums lies outside, first after product 2, and wrapping still ends at 6, exact.",
        (4, "saturate"): "1 of 3 partial sums lies outside, first after product 2, and saturating ends at 1, error −5.",
        (3, "wrap"): "3 of 3 partial sums lie outside, first after product 1, and wrapping ends at −2, error −8.",
        (5, "wrap"): "every partial sum fits, and 6 is kept.",
    }
    for (bits, overflow), words in said.items():
        assert accumulator_text(*UP_AND_DOWN, bits, overflow).endswith(f": {words}")


def test_a_scan_is_drawn_with_every_integer_written() -> None:
    ax = draw_digit(new_axes(6, 3), {4: torch.tensor([[0, 15], [7, 3]]), 1: torch.tensor([[0, 1], [1, 0]])})
    written = [text.get_text() for text in ax.texts]
    assert written == ["4 bits: 0 … 15", "0", "15", "7", "3", "1 bit: 0 … 1", "0", "1", "1", "0"]


def test_the_words_of_a_scan_count_the_integers_left() -> None:
    assert digit_text({4: torch.tensor([[0, 15], [7, 7]])}) == (
        "1 scan of 2 by 2 pixels. 4 bits: 3 different integers of 16, from 0 to 15."
    )


@pytest.mark.parametrize("name", all_pictures())
def test_every_picture_has_words_and_a_title_or_labels_on_its_axes(name: str) -> None:
    ax = all_pictures()[name]
    assert re.fullmatch(r".{20,}", ax.alt)  # type: ignore[attr-defined]
    if ax.axison:
        assert ax.get_title() != ""
        assert ax.get_xlabel() != ""


@pytest.mark.parametrize("name", ["number line", "staircase", "ring", "two sums", "accumulator", "requantizer"])
def test_marks_differ_in_shape_and_not_in_colour_alone(name: str) -> None:
    labelled = [c for c in all_pictures()[name].collections if not str(c.get_label()).startswith("_")]
    shapes = [c.get_paths()[0].vertices.round(4).tobytes() + bytes(len(c.get_facecolor())) for c in labelled]
    assert len(shapes) > 1
    assert len(set(shapes)) == len(shapes)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: draw_number_line(new_axes(), torch.tensor([float("nan")]), FOUR_BITS), "nan, for which no integer"),
        (lambda: draw_staircase(new_axes(), QParams((0.5, 1.0), 0, 4, True, axis=0)), "one scale a channel"),
        (lambda: draw_ring(new_axes(), 8, 0, 4, True), r"a = 8 is outside \[-8, 7\], 4 bits signed: use 7"),
        (lambda: draw_ring(new_axes(), 0, 0, 9, True), "bit_width 9 puts 512 positions"),
        (lambda: draw_two_sums_map(new_axes(), (0.1, 0)), "zero point 0.1 is no whole number of eighths"),
        (lambda: draw_two_sums_map(new_axes(), (0, 0), "half_even", (3, 0)), "a = 3 is outside −2 … 2"),
        (lambda: draw_two_sums_map(new_axes(), (0, 0), "nearest"), "rounding 'nearest' is no name"),
        (lambda: draw_accumulator(new_axes(), *UP_AND_DOWN, 4, "error"), "overflow 'error' is unknown: use wrap"),
        (lambda: draw_accumulator(new_axes(), torch.ones(2).int(), torch.ones(1).int(), 4), "2 inputs and 1 weights"),
        (lambda: draw_accumulator(new_axes(), torch.ones(1), torch.ones(1).int(), 4), "kernels take integers"),
        (lambda: draw_digit(new_axes(), {}), "give one or more of the same shape"),
        (lambda: draw_digit(new_axes(), {1: torch.tensor([[2]])}), r"holds 2, outside \[0, 1\]"),
        (lambda: draw_digit(new_axes(), {1: torch.tensor([[0.5]])}), "kernels take integers"),
        (lambda: new_axes(0, 2), "a figure of 0 by 2 inches has no room"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(call: object, said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        call()  # type: ignore[operator]
