"""The comparison of stored outputs is tested too: right and wrong ones, under the project's own options."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parent.parent
SANITIZER = ROOT / "tests" / "nbval_sanitize.cfg"
ONE_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
PICTURE = f"""from IPython.display import display
display({{"image/png": "{ONE_PIXEL}", "text/plain": "3 of 4 values", "text/html": "<i>3 of 4 values</i>"}}, raw=True)"""


def printed(text: str) -> list[nbformat.NotebookNode]:
    return [new_output("stream", name="stdout", text=text + "\n")]


def shown(words: str, caption: str, png: str = ONE_PIXEL) -> list[nbformat.NotebookNode]:
    return [new_output("display_data", {"image/png": png, "text/plain": words, "text/html": f"<i>{caption}</i>"})]


# name: the cell, its stored output, and whether the comparison must accept it
CASES = {
    "right_number": ("print(7 + 1)", printed("8"), True),
    "stale_number": ("print(7 + 1)", printed("7"), False),
    "stale_digit_in_a_list": ("print([21, 31, 41, 51])", printed("[21, 31, 41, 50]"), False),
    "missing_output": ("print(7 + 1)", [], False),
    "output_that_is_gone": ("x = 8", printed("8"), False),
    "cell_that_raises": ("1 / 0", [], False),
    "right_words": (PICTURE, shown("3 of 4 values", "3 of 4 values"), True),
    "other_pixels_same_words": (
        PICTURE,
        shown("3 of 4 values", "3 of 4 values", png=ONE_PIXEL[:-8] + "AAAAAAA="),
        True,
    ),
    "stale_words": (PICTURE, shown("4 of 4 values", "3 of 4 values"), False),
    "stale_caption": (PICTURE, shown("3 of 4 values", "4 of 4 values"), False),
    "another_address": ("print(object())", printed("<object object at 0x7f0000000000>"), True),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the comparison says of each case, a cell of one notebook, under the options in pyproject.toml."""
    path = tmp_path_factory.mktemp("notebooks") / "cases.ipynb"
    cells = [new_code_cell(source, outputs=outputs, execution_count=1) for source, outputs, _ in CASES.values()]
    nbformat.write(new_notebook(cells=cells), path)
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "no:cacheprovider", "-rA", str(path)]
    words = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    found = re.findall(r"^(PASSED|FAILED) \S*::Cell (\d+)", words, flags=re.MULTILINE)
    return {list(CASES)[int(cell)]: verdict for verdict, cell in found}


@pytest.mark.parametrize("name", CASES)
def test_a_stored_output_passes_only_where_it_is_right(verdicts: dict[str, str], name: str) -> None:
    assert verdicts[name] == ("PASSED" if CASES[name][2] else "FAILED")


def sanitizers(text: str) -> list[tuple[str, str, bool]]:
    """Regex, replacement, and whether a reason stands above."""
    found = re.findall(r"((?:^#.*\n)*)(?:^\[.*\]\n)?^regex: (.*)\n^replace: (.*)$", text, flags=re.MULTILINE)
    return [(regex, replacement, len(reason.strip("# \n")) > 20) for reason, regex, replacement in found]


NUMBERS = ["8", "-3.5", "[21, 31, 41, 51]", "0.10000000149", "0b1000", "0x7f", "1e-07", "tensor([2, 2, 4, 4])"]


def test_what_the_sanitizer_hides_has_a_reason_and_is_never_a_number() -> None:
    found = sanitizers(SANITIZER.read_text("utf-8"))
    assert found != []
    assert len(found) == SANITIZER.read_text("utf-8").count("regex:")
    assert all(reason for _, _, reason in found)
    assert [(regex, number) for regex, _, _ in found for number in NUMBERS if re.search(regex, number)] == []


def test_a_sanitizer_without_a_reason_is_found() -> None:
    assert sanitizers("[x]\nregex: \\d+\nreplace: N\n") == [(r"\d+", "N", False)]
