"""The picture of a scan in the network shows the layer's integers and the answers of all widths, and its words say them."""

import pytest
from matplotlib.axes import Axes

from qtutor import load_checkpoint, load_digits, lower
from qtutor.pictures import draw_network_walk, network_walk_text, new_axes


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def integers(layer: str, scan: int) -> list[int]:
    """A layer's integers in 8 bits, from the lowered network."""
    return lower(load_checkpoint("mlp_w8a8")).trace(load_digits()[0][scan : scan + 1, None])[layer][0].tolist()


@pytest.mark.parametrize("layer", ["fc1", "fc2"])
def test_a_cell_holds_a_sum_and_a_bar_of_its_size(layer: str) -> None:
    values = integers(layer, 1491)
    ax = draw_network_walk(new_axes(7, 5), 1491, "fc3", 8, layer)
    assert texts(ax)[:64] == [str(v).replace("-", "−") for v in values]
    bars = [patch for patch in ax.patches if patch.get_height() == 0.18]
    sizes = [patch.get_width() / 0.98 for patch in bars]
    assert sizes == pytest.approx([abs(v) / max(map(abs, values)) for v in values])
    assert [patch.get_fill() for patch in bars] == [v > 0 for v in values]


def test_clipped_integers_and_the_largest_score_are_marked() -> None:
    cells = texts(draw_network_walk(new_axes(7, 5), 1491, "fc3", 8, "relu2"))[:64]
    values, said = integers("relu2", 1491), network_walk_text(1491, "fc3", 8, "relu2")
    assert [int(cell.split()[0]) for cell in cells] == values
    above, below = (sum(cell.endswith(mark) for cell in cells) for mark in "▲▼")
    assert said.endswith(f"{above} of 64 saturate, {below} were below 0.")
    assert all(v == 255 for v, cell in zip(values, cells, strict=True) if cell.endswith("▲"))
    scores = integers("fc3", 1491)
    marked = [
        cell for cell in texts(draw_network_walk(new_axes(7, 5), 1491, layer="fc3", bit_width=8))[:10] if "●" in cell
    ]
    assert marked == [f"{scores.index(max(scores))}: {max(scores)} ●"]


def test_every_width_has_its_answer_and_the_flipped_ones_their_mark() -> None:
    drawn = texts(draw_network_walk(new_axes(7, 5), 1471, "fc1", 6))[64:]
    assert drawn[:2] == ["bits", "answer"]
    answers = drawn[3:18:2]
    for bits, text in enumerate(answers, 1):
        said = network_walk_text(1471, "fc1", bits, "fc3")
        assert f"answer {text[0]}" in said
        assert ("flipped" in said) == text.endswith("≠")
    assert {text[-1] for text in answers} == {"1", "≠"}


def test_other_settings_give_other_words() -> None:
    said = [network_walk_text(1412, part, bits, "fc2") for part in ("fc1", "relu1", "fc2") for bits in (3, 8)]
    assert len(set(said)) == len(said)
    ax = draw_network_walk(new_axes(7, 5), 1412, "fc2", 4, "pixels")
    assert ax.alt == network_walk_text(1412, "fc2", 4, "pixels")  # type: ignore[attr-defined]
    darkest = int(load_digits()[0][1412].max())
    assert ax.alt.endswith(f"this scan reaches 0 … {darkest}, none clipped.")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ((1797, "fc1", 3, "fc1"), "scan 1797 is outside 0 … 1796"),
        ((-1, "fc1", 3, "fc1"), "scan -1 is outside 0 … 1796"),
        ((0, "pixels", 3, "fc1"), "part 'pixels' cannot be narrowed here: use one of fc1, relu1, fc2, relu2, fc3"),
        ((0, "fc1", 0, "fc1"), "bit_width 0 is outside 1 … 8"),
        ((0, "fc1", 3, "fc4"), "layer 'fc4' is not in this network: use one of pixels, fc1,"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(setting: tuple[int, str, int, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        draw_network_walk(new_axes(7, 5), *setting)
