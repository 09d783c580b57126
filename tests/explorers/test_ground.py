"""What all explorers share: a table that is complete and small, words that never vary, a notebook that nbval accepts."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from all_explorers import EXPLORERS
from colours import contrast, themes
from nbformat.v4 import new_code_cell, new_notebook, new_output

from qtutor.explorers import quantizer_explorer, saturation_explorer, two_sums_explorer
from qtutor.explorers.base import Explorer
from qtutor.explorers.table import Control, Fact, Table, numbers, words

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = (ROOT / "qtutor" / "explorers" / "explorer.js").read_text("utf-8")


def kilobytes(explorer: Explorer) -> float:
    return len(json.dumps(explorer.table, ensure_ascii=False).encode()) / 1000


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_table_is_at_most_half_a_megabyte(name: str) -> None:
    assert kilobytes(EXPLORERS[name]()) <= 500


def test_a_table_of_own_data_is_at_most_half_a_megabyte() -> None:
    generator = torch.Generator().manual_seed(1)
    assert kilobytes(quantizer_explorer(torch.randn(100, generator=generator))) <= 500
    assert kilobytes(saturation_explorer(wrap=lambda x, bit_width, signed: 7 * x, saturate=lambda x, b, s: -x)) <= 500
    assert kilobytes(two_sums_explorer(round)) <= 500


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_notebook_gets_the_readout_and_a_view_and_no_picture(name: str) -> None:
    explorer = EXPLORERS[name]()
    data, _ = explorer._repr_mimebundle_()
    assert sorted(data) == ["application/vnd.jupyter.widget-view+json", "text/plain"]
    assert data["text/plain"] == explorer.readout == repr(EXPLORERS[name]())


def test_a_message_stands_before_the_readout() -> None:
    explorer = quantizer_explorer()
    explorer.bit_width = 0
    assert repr(explorer).split("\n") == [explorer.message, explorer.readout]


@pytest.mark.parametrize("name", EXPLORERS)
def test_two_explorers_do_not_disturb_each_other(name: str) -> None:
    first, second = EXPLORERS[name](), EXPLORERS[name]()
    before = second.readout
    control = first._facts.controls[0]
    first.set_trait(control.name, control.lists[0][0])
    assert first.readout != before
    assert second.readout == before


@pytest.mark.parametrize("name", EXPLORERS)
def test_every_control_starts_on_its_list_and_at_four_bits_or_fewer(name: str) -> None:
    for control in EXPLORERS[name]()._facts.controls:
        assert any(control.start in values for values in control.lists)
        assert control.name != "bit_width" or control.start <= 4


def two_position_table(entries: int) -> Table:
    control = Control("a", "a", ((0, 1),), 0)
    return Table("map", "Test", (control,), {"x": numbers(range(entries), {"a": 1}), "met": numbers([0, 0], {})}, "{a}")


def test_a_table_that_lacks_an_entry_is_refused() -> None:
    assert two_position_table(2).place({"a": 1}) == {"a": 1}
    with pytest.raises(ValueError, match="fact 'x' has 1 entries and the controls reach 2"):
        two_position_table(1)


@pytest.mark.parametrize(
    ("fact", "kind"),
    [
        (numbers([0, 255], {}), "u1"),
        (numbers([-128, 127], {}), "i1"),
        (numbers([-1, 255], {}), "i2"),
        (numbers([0, 65535], {}), "u2"),
        (numbers([0, -(2**31)], {}), "i4"),
        (numbers(np.float32([0.1]), {}), "f4"),
        (words(["a", "b", "a"], {}), "u1"),
    ],
)
def test_a_fact_travels_as_the_smallest_type_that_holds_it(fact: Fact, kind: str) -> None:
    assert fact.payload()["type"] == kind


def test_the_browser_code_names_no_rounding_and_no_limit() -> None:
    arithmetic = (
        r"Math\.(round|floor|ceil|trunc|fround|min|max|abs)|toFixed|toPrecision|parseInt|~~|\|\s*0\b|\.5\)\s*\|"
    )
    assert re.findall(arithmetic, SOURCE) == []
    assert re.findall(arithmetic, "Math.round(x)") == ["round"]


TEXTS = [("ink", "back"), ("ink", "field"), ("soft", "back"), ("good", "back"), ("orange", "back")]
MARKS = [("blue", "back"), ("blue", "band"), ("orange", "band"), ("line", "back"), ("line", "band"), ("ink", "band")]


def test_text_and_marks_stand_out_in_both_themes() -> None:
    light, dark = themes((ROOT / "qtutor" / "explorers" / "explorer.css").read_text("utf-8"), "q")
    assert light["back"] != dark["back"]
    for theme in (light, dark):
        assert [pair for pair in TEXTS if contrast(theme[pair[0]], theme[pair[1]]) < 4.5] == []
        assert [pair for pair in MARKS if contrast(theme[pair[0]], theme[pair[1]]) < 3] == []
    assert round(contrast("#000000", "#ffffff")) == 21
    assert contrast("#777777", "#ffffff") < 4.5


CELLS = {
    "right": ("from qtutor import quantizer_explorer\nquantizer_explorer()", None, "PASSED"),
    "moved": ("explorer = quantizer_explorer()\nexplorer.scale = 0.7\nexplorer", 0.7, "PASSED"),
    "stale": ("quantizer_explorer()", 0.7, "FAILED"),
}


def test_the_stored_readout_is_compared_and_the_view_is_not(tmp_path: Path) -> None:
    cells = []
    for source, scale, _ in CELLS.values():
        explorer = quantizer_explorer()
        explorer.scale = scale or explorer.scale
        output = new_output("execute_result", {"text/plain": explorer.readout}, execution_count=1)
        cells.append(new_code_cell(source, outputs=[output], execution_count=1))
    nbformat.write(new_notebook(cells=cells), tmp_path / "explorers.ipynb")
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "no:cacheprovider", "-rA", str(tmp_path)]
    utf8 = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", env=utf8)
    found = re.findall(r"^(PASSED|FAILED) \S+::Cell \d+", done.stdout, flags=re.MULTILINE)
    assert sorted(found) == sorted(verdict for _, _, verdict in CELLS.values()), done.stdout[-2000:]
