"""check_env says in a line that all is ready, or in a sentence what is not and what to do."""

import subprocess
import sys
from importlib import metadata

import pytest
import torch

from qtutor.exercises import check_env, environment

READY = "Ready: Python, every package and the widgets are as the chapters need them.\n"
WAY_OUT = "run `python3 run.py lab` in the project's folder, which installs what belongs there"


@pytest.fixture
def said(capsys):
    def of():
        assert check_env() is None
        return capsys.readouterr().out

    return of


@pytest.fixture
def versions(monkeypatch):
    """Return a function that makes metadata report another version of a package; None: it is not there."""
    real = metadata.version

    def pretend(package, version):
        def report(name):
            if name != package:
                return real(name)
            if version is None:
                raise metadata.PackageNotFoundError(name)
            return version

        monkeypatch.setattr(metadata, "version", report)

    return pretend


def test_an_installation_as_it_should_be_is_ready(said):
    assert said() == READY


def test_a_missing_package_is_named(said, versions):
    versions("brevitas", None)
    assert said() == f"brevitas is not installed: {WAY_OUT}.\n"


@pytest.mark.parametrize("version", ["0.1.0", "99.0"])
def test_a_package_too_old_or_too_new_is_named_with_the_range(said, versions, version):
    versions("brevitas", version)
    (needed,) = [text for text in metadata.requires("qtutor") if text.startswith("brevitas")]
    allowed = needed.removeprefix("brevitas")
    assert (
        said()
        == f"brevitas {version} is outside {allowed}, the versions that the chapters were written for: {WAY_OUT}.\n"
    )


def test_a_build_for_a_kind_of_machine_is_the_same_version(said, versions):
    versions("torch", metadata.version("torch").partition("+")[0] + "+cu130")
    assert said() == READY


def test_a_package_of_the_tests_is_not_asked_of_a_learner(said, versions):
    versions("nbval", None)
    assert said() == READY


def test_another_python_is_named_with_the_range(said, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1, "final", 0))
    assert said().startswith(
        "Python 3.9.1 is outside <3.14,>=3.11, the versions that qtutor is tested with: install one"
    )


def test_widgets_that_cannot_be_imported_are_named(said, monkeypatch):
    real = environment.importlib.util.find_spec
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda n: None if n == "anywidget" else real(n))
    assert said() == f"anywidget cannot be imported, so sliders and quizzes stay text: {WAY_OUT}.\n"


def test_a_float64_torch_is_told_how_to_go_back(said):
    torch.set_default_dtype(torch.float64)
    try:
        assert said() == (
            "torch's default type is float64, and quantizers compute in float32: call"
            " torch.set_default_dtype(torch.float32).\n"
        )
    finally:
        torch.set_default_dtype(torch.float32)


def test_several_problems_are_several_lines(said, versions, monkeypatch):
    versions("brevitas", None)
    monkeypatch.setattr(sys, "version_info", (3, 9, 1, "final", 0))
    assert len(said().splitlines()) == 2


def test_a_python_without_qtutor_is_told_so(said, monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", missing)
    assert said() == f"qtutor is not installed in this Python ({sys.executable}): {WAY_OUT}.\n"


def test_it_imports_nothing_heavy():
    code = (
        "import sys, qtutor; qtutor.check_env();"
        "print(sorted({'torch', 'brevitas', 'matplotlib', 'ipywidgets', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == f"{READY}[]\n"
