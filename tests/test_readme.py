"""What README.md says and shows is true: its code runs; its commands, links, picture, chapters and version exist."""

import doctest
import importlib.util
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from PIL import Image

import qtutor
from qtutor.pictures import draw_ring, new_axes, words_of
from qtutor.pictures.axes import png_bytes

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "ring.png"
PAPERS = ["README.md", "CONTRIBUTING.md"]


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def failures(code: str) -> int:
    """How many of the examples in the code print something else than they say; -1 where there is no example."""
    test = doctest.DocTestParser().get_doctest(code, {}, "README", None, 0)
    return doctest.DocTestRunner(verbose=False).run(test).failed if test.examples else -1


def test_the_python_in_it_runs_and_prints_what_it_says() -> None:
    code = blocks((ROOT / "README.md").read_text("utf-8"), "python")
    assert len(code) > 0
    assert [failures(block) for block in code] == [0] * len(code)


def test_python_that_prints_something_else_is_found() -> None:
    assert failures(">>> 7 + 1\n8\n") == 0
    assert failures(">>> 7 + 1\n7\n") == 1
    assert failures("x = 1\n") == -1


def unknown_commands(text: str) -> list[str]:
    """Shell lines that run.py would not understand."""
    spec = importlib.util.spec_from_file_location("qtutor_run", ROOT / "run.py")
    assert spec is not None
    assert spec.loader is not None
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    lines = [line for block in blocks(text, "sh") for line in block.splitlines() if line.strip()]
    lines += [f"python3 run.py {command}" for command in re.findall(r"`python3 run\.py (\w+)[^`]*`", text)]
    known = [f"python3 run.py {command}" for command in run.COMMANDS]
    return [line for line in lines if not any(f"{line} ".startswith(f"{start} ") for start in known)]


@pytest.mark.parametrize("paper", PAPERS)
def test_the_commands_in_it_are_commands_of_run_py(paper: str) -> None:
    assert unknown_commands((ROOT / paper).read_text("utf-8")) == []


def test_an_unknown_command_is_found() -> None:
    text = "```sh\npython3 run.py tset\nmake\n```\nor `python3 run.py labs`"
    assert unknown_commands(text) == ["python3 run.py tset", "make", "python3 run.py labs"]
    assert unknown_commands("```sh\npython3 run.py test -k kernels\n```") == []


def dead_links(text: str) -> list[str]:
    """Links and pictures that lead to no file of the project."""
    links = re.findall(r"\]\(([^)#]+)\)", text)
    return [link for link in links if "://" not in link and not (ROOT / link).exists()]


@pytest.mark.parametrize("paper", PAPERS)
def test_its_links_lead_somewhere(paper: str) -> None:
    assert dead_links((ROOT / paper).read_text("utf-8")) == []
    assert dead_links("[x](nowhere.md) [y](README.md)") == ["nowhere.md"]


def chapters_listed(text: str) -> list[tuple[str, str, str, str]]:
    """Number, title, file and minutes, as the table has them."""
    return re.findall(r"^\| (\d\d) \| \[(.*?)\]\((.*?)\) \|.*\| (\S.*?) \|$", text, flags=re.MULTILINE)


def chapters_written() -> list[tuple[str, str, str, str]]:
    """The same, from the first cell of each notebook."""
    found = []
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        first = "".join(json.loads(path.read_text("utf-8"))["cells"][0]["source"])
        heading = re.match(r"# (\d\d) (.+)\n\*(?:About )?(\d+(?: to \d+)?) minutes", first)
        assert heading, f"{path.name} does not begin with its number, title and minutes"
        found.append((heading[1], heading[2], f"notebooks/{path.name}", heading[3]))
    return found


def test_the_table_has_every_chapter_that_is_written_and_no_other() -> None:
    assert chapters_listed((ROOT / "README.md").read_text("utf-8")) == chapters_written()


def test_the_picture_and_its_words_are_what_the_course_draws_today() -> None:
    ax = draw_ring(new_axes(7, 4), 7, 1, bit_width=4, signed=True)
    words = words_of(ax)
    assert f"![{words}](docs/ring.png)" in (ROOT / "README.md").read_text("utf-8")
    with Image.open(PICTURE) as stored:
        assert stored.info["Description"] == words, make_the_picture.__doc__
        assert stored.size == tuple(144 * inches for inches in (7, 4))


def make_the_picture() -> None:
    """Draw docs/ring.png anew: python3 -c "from tests.test_readme import make_the_picture as make; make()"."""
    ax = draw_ring(new_axes(7, 4), 7, 1, bit_width=4, signed=True)
    PICTURE.write_bytes(png_bytes(ax, words_of(ax)))


def test_the_version_is_the_same_wherever_it_stands() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert qtutor.__version__ == version
    assert str(yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"]) == version
    assert f"version {version}, 20" in (ROOT / "README.md").read_text("utf-8").replace("\n  ", " ")
