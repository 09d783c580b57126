"""The examples in CONTRIBUTING.md work: new files run where it puts them, quotations stand where it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_layers import lint_imports, uninvited
from tests.test_readme import blocks

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = blocks((ROOT / "CONTRIBUTING.md").read_text("utf-8"), "python")
NEW = [match for block in EXAMPLES if (match := re.match(r"# (qtutor/\S+\.py)\n", block))]
QUOTED = [match for block in EXAMPLES if (match := re.match(r"# in (\S+\.py)\n", block))]


def test_every_example_is_a_new_file_or_a_quotation() -> None:
    assert len(NEW) + len(QUOTED) == len(EXAMPLES)
    assert NEW
    assert QUOTED


@pytest.mark.parametrize("quotation", QUOTED, ids=lambda match: match[1])
def test_a_quotation_stands_in_the_file_it_names(quotation: re.Match[str]) -> None:
    assert quotation.string[quotation.end() :].strip("\n") in (ROOT / quotation[1]).read_text("utf-8")


def with_examples(folder: Path) -> Path:
    """Put a copy of the package with the new files in it into a folder."""
    shutil.copytree(ROOT / "qtutor", folder / "qtutor", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "pytest.ini").write_text("[pytest]\n")  # instead of the project's options, which ask for notebooks too
    for match in NEW:
        assert not (folder / match[1]).exists(), f"{match[1]} exists: it is no example of a new file"
        (folder / match[1]).write_text(match.string[match.end() :], "utf-8")
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_examples(tmp_path_factory.mktemp("project"))


def test_the_new_files_examples_run(project: Path) -> None:
    files = [match[1] for match in NEW]
    command = [sys.executable, "-m", "pytest", "--doctest-modules", "-q", *files]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert f"{len(files)} passed" in done.stdout, done.stdout


def test_the_new_files_keep_to_the_layers(project: Path) -> None:
    assert lint_imports(project).returncode == 0
    assert uninvited(project / "qtutor") == []
