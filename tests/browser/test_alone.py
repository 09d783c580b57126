"""An explorer in a page of its own, without a kernel: a finger, a table that does not fit, two that share a page."""

import itertools
from pathlib import Path

import pytest
from browser.lab import readout, slider, type_value
from playwright.sync_api import Browser, Page, expect

from qtutor import quantizer_explorer
from qtutor.explorers.base import HERE
from qtutor.pictures import embedded


def written(path: Path, *explorers) -> str:
    """Write explorers into a page; return its address."""
    pieces = [embedded.html(e, HERE / "explorer.js", HERE / "explorer.css", repr(e)) for e in explorers]
    path.write_text(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>alone</title>{''.join(pieces)}", encoding="utf-8"
    )
    return path.as_uri()


def test_a_finger_moves_a_slider(browser: Browser, tmp_path: Path):
    context = browser.new_context(has_touch=True, is_mobile=True, viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(written(tmp_path / "touch.html", quantizer_explorer()))
    control = slider(page.locator(".qtutor-explorer"), "scale")
    control.scroll_into_view_if_needed()
    box = control.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    assert control.input_value() == control.get_attribute("max")
    assert readout(page.locator(".qtutor-explorer")).startswith("step 2,")
    context.close()


def test_two_explorers_of_a_page_have_a_state_each(page: Page, tmp_path: Path):
    page.goto(written(tmp_path / "two.html", quantizer_explorer(), quantizer_explorer([0.1, 0.2])))
    first, second = page.locator(".qtutor-explorer").all()
    before = readout(second)
    type_value(first, "scale", "1")
    assert readout(first).startswith("step 1,")
    assert readout(second) == before
    assert "of 2 values" in before
    assert page.complaints == []


@pytest.mark.parametrize("harm", ["no controls", "a short fact", "nothing"])
def test_a_table_that_does_not_fit_is_a_sentence_and_no_error(page: Page, tmp_path: Path, harm):
    explorer = quantizer_explorer()
    table = dict(explorer.table)
    if harm == "no controls":
        table["controls"] = []
    elif harm == "a short fact":
        name, fact = next(iter(table["facts"].items()))
        table["facts"] = {**table["facts"], name: {**fact, "data": ""}}
    else:
        table = {}
    explorer.table = table
    page.goto(written(tmp_path / "harmed.html", explorer))
    expect(page.locator(".q-message")).to_contain_text("run the cell again")
    assert page.complaints == []


def test_text_that_looks_like_a_tag_does_not_end_the_script(page: Page, tmp_path: Path):
    explorer = quantizer_explorer()
    explorer.message = "</script><b>broken</b>"
    page.goto(written(tmp_path / "tag.html", explorer))
    expect(page.locator(".q-message")).to_have_text("</script><b>broken</b>")
    assert page.complaints == []


def test_arrow_keys_reach_both_ends_of_a_list(page: Page, tmp_path: Path):
    page.goto(written(tmp_path / "keys.html", quantizer_explorer()))
    control = slider(page.locator(".qtutor-explorer"), "bit width")
    control.press("Home")
    said = [control.get_attribute("aria-valuetext")]
    for _ in itertools.repeat(None, 9):
        control.press("ArrowRight")
        said.append(control.get_attribute("aria-valuetext"))
    assert len(set(said)) == 8
    assert said[-1] == said[-2]
