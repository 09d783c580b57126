"""ruff and mypy find nothing, and would find a planted mistake."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_contributing import NEW, with_examples

ROOT = Path(__file__).resolve().parent.parent
CHECKS = {
    "ruff check": ["ruff", "check", "--no-cache"],
    "ruff format": ["ruff", "format", "--check", "--diff", "--no-cache"],
    "mypy": ["mypy", f"--cache-dir={ROOT / '.mypy_cache'}"],  # what it knows of torch, which takes long to read
}


def complaints(check: str, *files: str, folder: Path = ROOT) -> str:
    """What the tool says about the project, or about the files given; nothing where it is content."""
    command = [sys.executable, "-m", *CHECKS[check], *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("check", CHECKS)
def test_the_code_is_clean(check: str) -> None:
    assert complaints(check) == ""


@pytest.mark.parametrize("check", CHECKS)
def test_the_examples_for_contributors_are_clean(check: str, tmp_path: Path) -> None:
    assert complaints(check, *[match[1] for match in NEW], folder=with_examples(tmp_path)) == ""


@pytest.mark.parametrize(
    ("check", "mistake", "complaint"),
    [
        ("ruff check", "import os\n", "F401"),
        ("ruff format", "x = [1,2]\n", "x = [1, 2]"),
        ("mypy", "def double(x: int) -> str:\n    return 2 * x\n", "Incompatible return value"),
        ("mypy", "def double(x):\n    return 2 * x\n", "missing a type annotation"),
    ],
)
def test_a_mistake_is_found(check: str, mistake: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "mistake.py"
    file.write_text(mistake)
    assert complaint in complaints(check, str(file))
