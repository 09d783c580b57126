"""The chapters and their explorers in JupyterLab, with the keyboard and the mouse of a real browser."""

import pytest
from browser.explorers import CHOICES, EXPLORERS
from browser.lab import (
    choose,
    code_cells,
    kernel_is_ready,
    open_notebook,
    readout,
    run_all,
    slider,
    type_value,
    write_notebook,
)
from playwright.sync_api import Locator, Page, expect

CHAPTERS = [
    "00_welcome",
    "01_tensor_basics",
    "02_out_of_range",
    "03_addition_pitfalls",
    "04_multiply_and_accumulate",
    "05_requantize",
    "06_choose_the_scale",
    "07_train_through_rounding",
    "08_an_integer_only_network",
]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_runs_whole_and_shows_no_error_but_its_own(page: Page, lab: str, notebooks, chapter):
    cells = code_cells(notebooks / f"{chapter}.ipynb")
    open_notebook(page, lab, f"{chapter}.ipynb")
    run_all(page, len(cells))
    meant = sum("raises-exception" in cell.metadata.get("tags", []) for cell in cells)
    failed = '[data-mime-type="application/vnd.jupyter.stderr"], [data-mime-type="application/vnd.jupyter.error"]'
    expect(page.locator(failed)).to_have_count(meant)
    explorers = sum("_explorer()" in cell.source and "def " not in cell.source for cell in cells)
    expect(page.locator(".qtutor-explorer")).to_have_count(explorers)
    predictions = sum(cell.source.lstrip().startswith(("predict(", "quiz(", "question")) for cell in cells)
    expect(page.locator(".qtutor-choice")).to_have_count(predictions)
    assert page.complaints == []


def test_a_chapter_that_was_saved_shows_its_explorers_and_answers_before_any_cell_is_run(
    page: Page, lab: str, notebooks
):
    sources = ["from qtutor import quiz, saturation_explorer", "saturation_explorer()", 'quiz("2")']
    count = write_notebook(notebooks / "saved.ipynb", *sources)
    open_notebook(page, lab, "saved.ipynb")
    run_all(page, count)
    type_value(page.locator(".qtutor-explorer"), "bit width", "3")
    said = readout(page.locator(".qtutor-explorer"))
    answer = page.get_by_role("radio").first
    answer.check()
    page.locator(".jp-InputArea-prompt").first.click()
    page.keyboard.press("Control+s")
    expect(page.locator(".jp-mod-dirty")).to_have_count(0, timeout=20_000)  # saved: the file is whole
    assert code_cells(notebooks / "saved.ipynb")[2].outputs
    choose(page, "Kernel", "Shut Down Kernel")
    open_notebook(page, lab, "saved.ipynb")
    expect(page.locator(".qtutor-explorer")).to_be_visible(timeout=20_000)
    assert readout(page.locator(".qtutor-explorer")) == said
    expect(answer).to_be_checked()


@pytest.mark.parametrize("name", ["bring_your_own.md", "recipe.md"])
def test_a_link_to_the_docs_opens_them_beside_the_chapter(page: Page, lab: str, name):
    open_notebook(page, lab, "08_an_integer_only_network.ipynb")
    link = page.locator(".jp-MarkdownOutput a").filter(has_text=f"docs/{name}").first
    link.scroll_into_view_if_needed()
    link.click()
    expect(page.get_by_role("tab", name=name)).to_be_visible(timeout=20_000)


def go_to(explorer: Locator, setting: dict) -> None:
    """Put every control to its value: by typing, by clicking, by choosing."""
    for label, value in setting.items():
        if isinstance(value, bool):
            explorer.get_by_role("checkbox", name=label).set_checked(value)
        elif value in CHOICES:
            explorer.get_by_role("combobox", name=label).select_option(label=CHOICES[value])
        else:
            type_value(explorer, label, f"{value:g}")


@pytest.fixture
def two_of_each(page: Page, lab: str, notebooks):
    """A notebook with every explorer twice, run."""
    made = [f"first_{name}, second_{name} = {e.make}, {e.make}" for name, e in EXPLORERS.items()]
    shown = [f"{which}_{name}" for name in EXPLORERS for which in ("first", "second")]
    read = ["print([e.readout for e in (" + ", ".join(shown) + ")])"]
    count = write_notebook(notebooks / "explorers.ipynb", "import qtutor\n" + "\n".join(made), *shown, *read)
    open_notebook(page, lab, "explorers.ipynb")
    run_all(page, count)
    return page


def test_the_readout_is_what_the_kernels_say_across_the_whole_table_and_the_other_explorer_stays(two_of_each: Page):
    explorers = two_of_each.locator(".qtutor-explorer")
    expect(explorers).to_have_count(2 * len(EXPLORERS))
    for number, driven in enumerate(EXPLORERS.values()):
        first, second = explorers.nth(2 * number), explorers.nth(2 * number + 1)
        before = readout(second)
        for setting in driven.settings:
            go_to(first, setting)
            assert readout(first) == driven.words(setting), setting
        assert readout(second) == before
    said = [readout(explorers.nth(i)) for i in range(2 * len(EXPLORERS))]
    two_of_each.locator(".jp-CodeCell").last.click()
    two_of_each.keyboard.press("Control+Enter")  # ask Python: its traits followed
    output = two_of_each.locator(".jp-CodeCell").last.locator(".jp-OutputArea-output")
    expect(output).to_have_text(str(said), use_inner_text=False)
    assert two_of_each.complaints == []


def test_every_slider_answers_the_keyboard_and_the_mouse_and_says_its_value(two_of_each: Page):
    for number in range(len(EXPLORERS)):
        explorer = two_of_each.locator(".qtutor-explorer").nth(2 * number)
        for control in explorer.locator('input[type="range"]').all():
            last = int(control.get_attribute("max"))
            control.focus()
            places = []
            for key in ("Home", "ArrowRight", "End", "ArrowLeft", "PageDown", "PageUp"):
                two_of_each.keyboard.press(key)
                places.append(int(control.input_value()))
                assert control.get_attribute("aria-valuetext")
            assert places[:4] == [0, 1, last, last - 1], control.get_attribute("aria-label")
            assert places[4] < last - 1 or last < 3
            control.scroll_into_view_if_needed()
            box = control.bounding_box()
            two_of_each.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2)
            two_of_each.mouse.down()
            two_of_each.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2, steps=5)
            two_of_each.mouse.up()
            assert int(control.input_value()) == last
    assert two_of_each.complaints == []


def test_reset_a_met_challenge_and_a_refused_value_are_said_in_words(two_of_each: Page):
    explorer = two_of_each.locator(".qtutor-explorer").first
    start, task = readout(explorer), explorer.locator(".q-challenge").inner_text()
    type_value(explorer, "scale", "0.7")
    expect(explorer.locator(".q-challenge")).not_to_have_text(task)
    type_value(explorer, "scale", "12")
    expect(explorer.locator(".q-message")).to_contain_text("12")
    assert "0.7" in readout(explorer)
    explorer.get_by_role("button", name="Reset").click()
    assert readout(explorer) == start
    expect(explorer.locator(".q-challenge")).to_have_text(task)
    expect(explorer.locator(".q-message")).to_have_text("")


def test_a_reload_leaves_the_notebook_usable(two_of_each: Page):
    two_of_each.keyboard.press("Control+s")
    two_of_each.reload()
    kernel_is_ready(two_of_each)
    run_all(two_of_each, 2 + 2 * len(EXPLORERS))
    explorer = two_of_each.locator(".qtutor-explorer").first
    two_of_each.keyboard.press("Escape")
    slider(explorer, "scale").press("End")
    assert "step 2," in readout(explorer)
