"""One picture, one display: PNG, its words as text, and a visible caption; the same every time."""

import io

import matplotlib.pyplot as plt
import pytest
import torch
from PIL import Image

from qtutor import QParams, show
from qtutor.pictures import describe, draw_number_line, new_axes
from qtutor.pictures.axes import Picture, caption_html

WORDS = "1 value on the 8 grid points from −4 to 3, step 1: integers 1. 0 values saturate. Largest error 0.25."


def picture() -> Picture:
    return Picture(draw_number_line(new_axes(), torch.tensor([1.25]), QParams(scale=1.0, bit_width=3)))


def test_a_notebook_gets_png_words_and_alternative_text() -> None:
    data, metadata = picture()._repr_mimebundle_()
    assert sorted(data) == ["image/png", "text/plain"]
    assert data["text/plain"] == WORDS
    assert metadata == {"image/png": {"alt": WORDS}}


def test_the_png_carries_its_description_and_no_version_or_date() -> None:
    image = Image.open(io.BytesIO(picture().png))
    assert image.size == (1008, 360)
    assert {key: value for key, value in image.info.items() if key != "dpi"} == {"Description": WORDS}


def test_the_same_picture_is_the_same_bytes() -> None:
    assert picture().png == picture().png


def test_show_gives_the_picture_and_then_its_caption(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    monkeypatch.setattr("qtutor.pictures.axes.get_ipython", object)
    monkeypatch.setattr("qtutor.pictures.axes.display", lambda thing, raw=False: shown.append(thing))
    show(describe(new_axes(), "3 < 4 values"))
    image, caption = shown
    assert isinstance(image, Picture)
    assert image.words == "3 < 4 values"
    assert caption == {"text/html": "<p>3 &lt; 4 values</p>"}


def test_outside_a_notebook_the_words_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    show(describe(new_axes(), "Three values."))
    assert capsys.readouterr().out == "Three values.\n"


def test_no_pyplot_figure_is_opened() -> None:
    picture()
    assert plt.get_fignums() == []


def test_a_caption_cannot_smuggle_markup() -> None:
    assert caption_html("<script>") == "<p>&lt;script&gt;</p>"


def test_what_is_no_axes_is_refused_in_a_sentence() -> None:
    with pytest.raises(TypeError, match="show takes the axes that a draw_\\* function returned, not a str"):
        show("picture")  # type: ignore[arg-type]
