"""check_env: is everything there that a chapter needs, and if not, what to do."""

from __future__ import annotations

import importlib.util
import sys
from importlib import metadata

WAY_OUT = "run `python3 run.py lab` in the project's folder, which installs what belongs there"


def check_env() -> None:
    """Print one line when everything is ready, or one sentence for each problem with its way out.

    Compares Python and every package with the ranges that the package itself declares; looks at torch's default
    type only if torch was imported already. Imports nothing heavy, raises nothing.

    >>> check_env()
    Ready: Python, every package and the widgets are as the chapters need them.
    """
    found = problems()
    print("\n".join(found) or "Ready: Python, every package and the widgets are as the chapters need them.")


def problems() -> list[str]:
    """Return a sentence for each problem."""
    try:
        from packaging.requirements import Requirement
        from packaging.specifiers import SpecifierSet

        about = metadata.metadata("qtutor")
        requirements = [Requirement(text) for text in metadata.requires("qtutor") or []]
    except metadata.PackageNotFoundError:
        return [f"qtutor is not installed in this Python ({sys.executable}): {WAY_OUT}."]
    except ImportError:
        return [f"packaging is not installed, so versions cannot be compared: {WAY_OUT}."]
    return [
        *python_problem(SpecifierSet(about["Requires-Python"] or "")),
        *(
            sentence
            for needed in requirements
            if needed.marker is None or needed.marker.evaluate({"extra": ""})
            for sentence in package_problem(needed.name, needed.specifier)
        ),
        *widget_problem(),
        *torch_problem(),
    ]


def python_problem(allowed: object) -> list[str]:
    """Return a sentence where this Python is outside the range."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if version in allowed:  # type: ignore[operator]
        return []
    return [
        f"Python {version} is outside {allowed}, the versions that qtutor is tested with: install one of them and {WAY_OUT}."
    ]


def package_problem(name: str, allowed: object) -> list[str]:
    """Return a sentence where a package is missing or its version outside the range."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return [f"{name} is not installed: {WAY_OUT}."]
    if allowed.contains(version, prereleases=True):  # type: ignore[attr-defined]
        return []
    return [f"{name} {version} is outside {allowed}, the versions that the chapters were written for: {WAY_OUT}."]


def widget_problem() -> list[str]:
    """Return a sentence where sliders and quizzes could not be shown."""
    missing = [name for name in ("ipywidgets", "anywidget") if importlib.util.find_spec(name) is None]
    return [f"{name} cannot be imported, so sliders and quizzes stay text: {WAY_OUT}." for name in missing]


def torch_problem() -> list[str]:
    """Return a sentence where torch, if it was imported, makes floats of another type than the chapters show."""
    torch = sys.modules.get("torch")
    if torch is None or torch.get_default_dtype() == torch.float32:
        return []
    kind = str(torch.get_default_dtype()).removeprefix("torch.")
    return [
        f"torch's default type is {kind}, and quantizers compute in float32: call torch.set_default_dtype(torch.float32)."
    ]
