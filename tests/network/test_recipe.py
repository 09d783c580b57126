"""The pages about integers for hardware say what is so: their examples run, their C compiles, their report is the command's."""

import doctest
import re
from pathlib import Path

import pytest
import torch

from qtutor.network import load_checkpoint, load_pixels, lower, save_c_header
from qtutor.network.report import main
from tests.network.compiled import COMPILER, STRICT, needs_compiler, run
from tests.test_readme import blocks

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOTEBOOKS = DOCS.parent / "notebooks"
RECIPE, OWN = ((DOCS / name).read_text("utf-8") for name in ("recipe.md", "bring_your_own.md"))


def failures(text):
    """How many examples of a page print something else than it says: its blocks go on from one another."""
    code = "\n".join(block for block in blocks(text, "python") if block.startswith(">>>"))
    test = doctest.DocTestParser().get_doctest(code, {}, "page", None, 0)
    assert test.examples
    return doctest.DocTestRunner(verbose=False).run(test).failed


@pytest.mark.parametrize("page", [RECIPE, OWN], ids=["recipe", "bring_your_own"])
def test_the_examples_run_and_print_what_the_page_says(page):
    assert failures(page) == 0


def test_an_example_that_prints_something_else_is_found():
    assert failures("```python\n>>> x = 3\n\n```\n```python\n>>> x\n4\n\n```\n") == 1


def test_brevitas_gives_no_integer_bias_without_the_input():
    with pytest.raises(Exception, match="[Ii]nput"):
        load_checkpoint("mlp_w4a4").fc3.quant_bias()


@needs_compiler
def test_the_c_program_of_the_page_compiles_and_prints_our_first_logit(tmp_path):
    network = lower(load_checkpoint("mlp_w4a4"))
    save_c_header(network, tmp_path / "digits.h", network.quantize_input(load_pixels()[0][:1]))
    (tmp_path / "main.c").write_text(blocks(RECIPE, "c")[0])
    said = [
        run([COMPILER, *STRICT, *flags, "main.c", "-o", "main"], tmp_path) for flags in ([], ["-DQTUTOR_THRESHOLDS"])
    ]
    assert said == ["", ""]
    assert int(run([str(tmp_path / "main")], tmp_path)) == int(network(torch.zeros(1, 64, dtype=torch.uint8))[0, 0])


def exact_and_other(lines):
    """Lines that seeds and formats decide; and the rest with their numbers struck out, which another machine's floats may move."""
    fixed = [line for line in lines if re.match(r"(  )?[0-5]:? |layer|Running|Comparing|  [012]:", line)]
    return fixed, [re.sub(r"[\d,−.]+", "#", line) for line in lines if line not in fixed]


def test_the_report_on_the_page_is_what_the_command_prints(tmp_path, capsys):
    (tmp_path / "my_model.py").write_text(next(b for b in blocks(OWN, "python") if b.startswith("# my_model.py")))
    assert main([str(tmp_path / "my_model.py"), "--into", str(tmp_path / "integers")]) == 0
    printed, shown = capsys.readouterr().out.splitlines(), blocks(OWN, "text")[0].splitlines()
    assert [re.sub(r" +", " ", line) for line in exact_and_other(printed)[1]] == [
        re.sub(r" +", " ", line) for line in exact_and_other(shown)[1]
    ]
    assert exact_and_other(printed)[0] == exact_and_other(shown)[0]
    assert len(exact_and_other(shown)[0]) > 8


@pytest.mark.parametrize(
    "sentence",
    ["is in training mode", "has seen no data", "without a quantizer between", "pads with zeros, and its inputs are −1 and +1",
     "with a forward of its own", "has a forward hook", "works in place"],
)  # fmt: skip
def test_the_refusals_on_the_page_are_those_of_lower(sentence):
    said = "".join(path.read_text("utf-8") for path in (DOCS.parent / "qtutor" / "network").glob("*.py"))
    assert sentence in OWN
    assert sentence.replace("−", "-") in said


def test_the_links_lead_somewhere():
    chapter = (NOTEBOOKS / "08_an_integer_only_network.ipynb").read_text("utf-8")
    for text, folder in ((RECIPE, DOCS), (OWN, DOCS), (chapter, NOTEBOOKS)):
        links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
        assert links
        assert all((folder / link).exists() for link in links)
