"""Imports go one way, each layer takes from outside only what it needs, and `import qtutor` is instant."""

import ast
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "qtutor"

# What a layer takes from outside: when it is imported, and later, inside its functions.
OUTSIDE = {
    "__init__": ({"lazy_loader"}, set()),
    "qparams": (set(), {"torch"}),
    "stopping": (set(), set()),
    "kernels": ({"torch"}, set()),
    "quantization": ({"torch"}, set()),
    "brevitas_bridge": ({"torch", "brevitas"}, set()),
    "network": ({"lazy_loader", "torch", "brevitas", "numpy"}, {"sklearn", "onnx", "onnxruntime", "qonnx"}),
    "pictures": ({"torch", "matplotlib", "IPython"}, set()),
    "explorers": ({"torch", "numpy", "matplotlib", "anywidget", "traitlets"}, set()),
    "exercises": ({"lazy_loader", "torch", "anywidget", "traitlets"}, {"brevitas", "onnx", "onnxruntime", "packaging"}),
}
DISTRIBUTIONS = {"sklearn": "scikit-learn", "IPython": "ipython", "lazy_loader": "lazy-loader"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package to plant a mistake in."""
    shutil.copytree(PACKAGE, tmp_path / "qtutor", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(path: Path, line: str) -> None:
    """Put a line at the end of a file."""
    path.write_text(f"{path.read_text('utf-8') if path.exists() else ''}\n{line}\n", "utf-8")


# ---- one way, downwards ----------------------------------------------------------------------------------------------


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter on the package in the folder, by the contract in its pyproject.toml."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_imports_go_one_way_downwards() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        (
            "kernels/rounding.py",
            "import qtutor.quantization",
            "qtutor.kernels is not allowed to import qtutor.quantization",
        ),
        ("qparams.py", "from qtutor.kernels import wrap", "qtutor.qparams is not allowed to import qtutor.kernels"),
        ("pictures/words.py", "import qtutor.explorers", "qtutor.pictures is not allowed to import qtutor.explorers"),
        (
            "exercises/checker.py",
            "import qtutor.explorers",
            "qtutor.exercises is not allowed to import qtutor.explorers",
        ),
        ("utils.py", "", "qtutor.utils"),
    ],
)
def test_an_import_that_goes_up_or_a_module_without_a_layer_is_refused(
    copy: Path, file: str, line: str, complaint: str
) -> None:
    plant(copy / "qtutor" / file, line)
    done = lint_imports(copy)
    assert done.returncode == 1
    assert complaint in " ".join(done.stdout.split())


# ---- from outside, only what is needed -------------------------------------------------------------------------------


def imports(tree: ast.AST, later: bool = False) -> Iterator[tuple[str, bool]]:
    """Each module that a file imports, and whether it does so later: in a function, or for the type checker only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, later) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module), later
        inner = isinstance(node, (ast.FunctionDef, ast.Lambda)) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        )
        yield from imports(node, later or inner)


def outside(path: Path) -> set[tuple[str, bool]]:
    """The packages from outside that one file imports, now or later."""
    found = {(name.split(".")[0], later) for name, later in imports(ast.parse(path.read_text("utf-8")))}
    return {(name, later) for name, later in found if name not in sys.stdlib_module_names | {"qtutor"}}


def uninvited(package: Path) -> list[str]:
    """Imports from outside that the table does not give to the layer, and imports through the package's front door."""
    found = []
    for path in sorted(package.rglob("*.py")):
        layer = path.relative_to(package).parts[0].removesuffix(".py")
        now, later = OUTSIDE[layer]
        extra = [name for name, is_later in outside(path) if name not in (now | later if is_later else now)]
        found += [f"{path.relative_to(package).as_posix()} imports {name}" for name in extra]
        if "qtutor" in {name for name, _ in imports(ast.parse(path.read_text("utf-8")))}:
            found.append(f"{path.relative_to(package).as_posix()} imports qtutor itself: import from the module")
    return found


def test_a_layer_takes_from_outside_only_what_it_needs() -> None:
    assert uninvited(PACKAGE) == []


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("kernels/rounding.py", "import numpy as np", "kernels/rounding.py imports numpy"),
        ("kernels/rounding.py", "def f():\n    import brevitas.nn", "kernels/rounding.py imports brevitas"),
        ("qparams.py", "from torch import Tensor", "qparams.py imports torch"),
        ("pictures/words.py", "import ipywidgets", "pictures/words.py imports ipywidgets"),
        ("kernels/rounding.py", "from qtutor import check", "kernels/rounding.py imports qtutor itself"),
    ],
)
def test_an_uninvited_import_is_found(copy: Path, file: str, line: str, complaint: str) -> None:
    plant(copy / "qtutor" / file, line)
    assert [line for line in uninvited(copy / "qtutor") if line.startswith(complaint)] != []


def not_installed(paths: list[Path]) -> set[str]:
    """What the files import and a learner, who has no extras, would not have."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    have = {Requirement(line).name for line in wanted}
    names = {name for path in paths for name, _ in outside(path)}
    return {name for name in names if DISTRIBUTIONS.get(name, name) not in have}


def test_what_the_course_imports_is_installed_for_a_learner(tmp_path: Path) -> None:
    chapters = [path for path in (ROOT / "notebooks" / "source").glob("*.py") if path.name != "build.py"]
    assert not_installed([*PACKAGE.rglob("*.py"), *chapters]) == set()
    plant(tmp_path / "chapter.py", "import hypothesis")
    assert not_installed([tmp_path / "chapter.py"]) == {"hypothesis"}


# ---- instant ---------------------------------------------------------------------------------------------------------


def loaded_by(statement: str, folder: Path) -> set[str]:
    """The packages from outside that a statement loads in a fresh Python."""
    question = (
        f"import sys; before = set(sys.modules); {statement}\n"
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", question], cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_qtutor_loads_nothing_but_its_own_name_table() -> None:
    assert loaded_by("import qtutor", ROOT) == {"qtutor", "lazy_loader"}


@pytest.mark.parametrize("name", ["torch", "numpy", "IPython"])
def test_an_import_planted_in_the_front_door_is_found(copy: Path, name: str) -> None:
    plant(copy / "qtutor" / "__init__.py", f"import {name}")
    assert name in loaded_by("import qtutor", copy)


def test_formats_are_computed_without_torch() -> None:
    statement = "import qtutor; qtutor.int_range(4, True), qtutor.sum_format(4, False, 4, True), qtutor.QParams(0.5)"
    assert loaded_by(statement, ROOT) == {"qtutor", "lazy_loader"}


def test_a_name_loads_what_it_needs_when_it_is_used() -> None:
    assert "torch" in loaded_by("import qtutor; qtutor.wrap", ROOT)
