"""pyproject.toml, constraints.txt and environment.yml name the same versions, and those are what the tests run with."""

import json
import re
import sys
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
FILES = ("pyproject.toml", "constraints.txt", "environment.yml")
SITE_PACKAGES = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
# not what lies elsewhere on sys.path: setuptools brings copies of some packages for itself
INSTALLED = {canonicalize_name(dist.name): dist for dist in metadata.distributions(path=list(SITE_PACKAGES))}
PROSE_NAMES = {"pytorch": "torch", "onnx runtime": "onnxruntime"}  # what a sentence calls them: what pip calls them


def requirements(pyproject: str) -> list[Requirement]:
    """Every requirement of the project, those of its extras included."""
    project = tomllib.loads(pyproject)["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in project["dependencies"] + extras]


def pins(constraints: str) -> dict[str, str]:
    """Name to version; a line that is no plain pin raises."""
    lines = [line.split("#")[0].strip() for line in constraints.splitlines()]
    found = [re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)", line) or line for line in lines if line]
    wrong = [line for line in found if isinstance(line, str)]
    if wrong:
        raise ValueError(f"constraints.txt: {wrong[0]!r} is not name==version, without a local suffix")
    return {canonicalize_name(match[1]): match[2] for match in found if not isinstance(match, str)}


def pip_lines(environment: str) -> list[str]:
    """The pip section of environment.yml."""
    return next(entry["pip"] for entry in yaml.safe_load(environment)["dependencies"] if isinstance(entry, dict))


def differences(pyproject: str, constraints: str, environment: str) -> list[str]:
    """What the three files disagree about, in words."""
    pinned = pins(constraints)
    found = []
    for wanted in requirements(pyproject):
        version = pinned.get(canonicalize_name(wanted.name))
        if version is None:
            found.append(f"{wanted.name} is in pyproject.toml and not in constraints.txt")
        elif version not in wanted.specifier:
            found.append(f"{wanted.name} {version} is pinned, pyproject.toml says {wanted.specifier}")
    return found + environment_differences(pyproject, pinned, environment)


def environment_differences(pyproject: str, pinned: dict[str, str], environment: str) -> list[str]:
    """What environment.yml says otherwise than the other two."""
    lines = pip_lines(environment)
    found = [f"environment.yml lacks {line!r}" for line in ("-c constraints.txt", "-e .") if line not in lines]
    for named in [Requirement(line) for line in lines if not line.startswith("-")]:
        pin = pinned.get(canonicalize_name(named.name), "nothing")
        if str(named.specifier) not in (f"=={pin}", f"=={pin}+cpu"):
            found.append(f"environment.yml says {named}, constraints.txt {pin}")
    for entry in [entry for entry in yaml.safe_load(environment)["dependencies"] if isinstance(entry, str)]:
        name, _, version = entry.partition("=")
        range_ = tomllib.loads(pyproject)["project"]["requires-python"]
        if name == "python" and version not in SpecifierSet(range_):
            found.append(f"environment.yml takes Python {version}, pyproject.toml says {range_}")
        if name not in ("python", "pip"):
            found.append(f"environment.yml takes {name} from conda, where constraints.txt does not reach")
    return found


def test_the_three_files_agree() -> None:
    assert differences(*[(ROOT / name).read_text("utf-8") for name in FILES]) == []


@pytest.mark.parametrize(
    ("file", "good", "bad", "complaint"),
    [
        ("constraints.txt", r"matplotlib==\S+", "matplotlib==3.2.1", "matplotlib 3.2.1 is pinned, pyproject.toml says"),
        ("constraints.txt", r"nbval==\S+", "", "nbval is in pyproject.toml and not in constraints.txt"),
        ("constraints.txt", r"torch==\S+", "torch==2.99.0", "environment.yml says torch==2"),
        ("pyproject.toml", r'"torch>=\S+"', '"torch>=99"', "pyproject.toml says >=99"),
        ("environment.yml", r"torch==\S+", "torch==2.0.0+cpu", "environment.yml says torch==2.0.0+cpu"),
        ("environment.yml", r"python=3\.\d+", "python=3.10", "environment.yml takes Python 3.10"),
        ("environment.yml", "- -c constraints.txt", "- wheel", "environment.yml lacks '-c constraints.txt'"),
        ("environment.yml", "- -e .", "- wheel", "environment.yml lacks '-e .'"),
        ("environment.yml", "- pip$", "- pip\n  - numpy=1.0", "environment.yml takes numpy from conda"),
    ],
)
def test_a_difference_is_named(file: str, good: str, bad: str, complaint: str) -> None:
    texts = {name: (ROOT / name).read_text("utf-8") for name in FILES}
    texts[file], count = re.subn(good, bad, texts[file], count=1, flags=re.MULTILINE)
    assert count == 1
    assert any(complaint in line for line in differences(*texts.values())), differences(*texts.values())


@pytest.mark.parametrize("line", ["torch==2.13.0+cpu", "torch>=2", "-e .", "qtutor @ file:///somewhere"])
def test_what_is_no_public_pin_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="is not name==version"):
        pins(line)


def not_as_pinned(pinned: dict[str, str], installed: dict[str, str]) -> list[str]:
    """Packages that are installed at another version than the pinned one; a local suffix such as +cpu is the same."""
    return [
        f"{name} {installed[name]} is installed, {version} is pinned"
        for name, version in pinned.items()
        if name in installed and Version(installed[name]).public != version
    ]


def test_the_tests_run_with_the_pinned_versions() -> None:
    installed = {name: dist.version for name, dist in INSTALLED.items()}
    pinned = pins((ROOT / "constraints.txt").read_text("utf-8"))
    assert not_as_pinned(pinned, installed) == []
    assert not_as_pinned({"torch": "0.1.0"}, installed) != []


def refusing(python: str, requires: dict[str, str]) -> list[str]:
    """The packages that do not install on a Python, by their own metadata."""
    return [name for name, versions in requires.items() if python not in SpecifierSet(versions)]


def test_the_pinned_versions_install_on_every_python_that_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pinned = pins((ROOT / "constraints.txt").read_text("utf-8"))
    requires = {name: INSTALLED[name].metadata.get("Requires-Python") or "" for name in pinned if name in INSTALLED}
    pythons = [f"3.{minor}.0" for minor in range(30) if f"3.{minor}.0" in SpecifierSet(project["requires-python"])]
    assert len(pythons) == 3
    assert {python: refusing(python, requires) for python in pythons} == {python: [] for python in pythons}
    assert refusing("3.11.0", {"late": ">=3.11.5", "early": ">=3.9"}) == ["late"]  # Debian 12 has 3.11.2


def closure(names: list[str]) -> set[str]:
    """The packages named and all that they need here, by their own metadata."""
    seen: set[str] = set()
    while names:
        name = canonicalize_name(names.pop())
        if name not in seen:
            seen.add(name)
            needs = [Requirement(line) for line in INSTALLED[name].requires or []]
            # no extras: what only an extra of a package needs is not installed with it
            names += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
            names += [inner for need in needs for inner in extra_needs(need)]
    return seen


def extra_needs(need: Requirement) -> list[str]:
    """What the extras of one requirement bring, such as jsonschema[format-nongpl]."""
    if not need.extras or (need.marker and not need.marker.evaluate({"extra": ""})):
        return []
    lines = [Requirement(line) for line in INSTALLED[canonicalize_name(need.name)].requires or []]
    return [
        line.name for line in lines for extra in need.extras if line.marker and line.marker.evaluate({"extra": extra})
    ]


def test_every_package_that_is_installed_for_us_is_pinned_and_no_other() -> None:
    wanted = [need.name for need in requirements((ROOT / "pyproject.toml").read_text("utf-8"))]
    needed = closure(
        [name for name in wanted if canonicalize_name(name) in INSTALLED]
    )  # the extra "site" need not be there
    pinned = set(pins((ROOT / "constraints.txt").read_text("utf-8")))
    elsewhere = {"appnope", "colorama", "pywinpty", "pywin32"}  # what macOS and Windows need besides
    gpu = {name for name in needed if name.startswith(("nvidia-", "cuda-", "triton"))}  # what torch's GPU build needs
    assert {"torch", "pytest", "sympy"} <= needed
    assert needed - pinned - gpu <= elsewhere
    if sys.platform == "linux" and sys.version_info[:2] == (3, 11):  # elsewhere some of the pins are not needed
        assert (pinned - needed) & set(INSTALLED) == set()


def named_versions(text: str) -> list[tuple[str, str]]:
    """Each package that the text names with a version, by pip's name."""
    names = sorted({*pins((ROOT / "constraints.txt").read_text("utf-8")), *PROSE_NAMES}, key=len, reverse=True)
    pattern = rf"(?<![\w-])({'|'.join(map(re.escape, names))})(?:==| v?)(\d+(?:\.\d+)+)"
    found = re.findall(pattern, text, flags=re.IGNORECASE)
    return [(PROSE_NAMES.get(name.lower(), name.lower()), version) for name, version in found]


THE_TUTORIAL = re.compile(r"(?:tutorial|public notebook)[^.]*?Brevitas 0\.11(?!\.?\d)")  # was written for that version


def wrong_versions(text: str) -> list[str]:
    """The versions named in prose that are not the pinned ones (2.13 may stand for 2.13.0)."""
    text = THE_TUTORIAL.sub("", text)
    pinned = pins((ROOT / "constraints.txt").read_text("utf-8"))
    return [
        f"{name} {version}"
        for name, version in named_versions(text)
        if not f"{pinned[name]}.".startswith(f"{version}.")
    ]


def prose() -> dict[str, str]:
    """All that learners read: the papers in the root, and the cells and outputs of the notebooks."""
    papers = {path.name: path.read_text("utf-8") for path in ROOT.glob("*.md")}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        outputs = [
            out.get("text", out.get("data", {}).get("text/plain", ""))
            for cell in cells
            for out in cell.get("outputs", [])
        ]
        papers[path.name] = "\n".join("".join(text) for text in [*(cell["source"] for cell in cells), *outputs])
    return papers


def test_the_versions_named_in_the_course_are_the_pinned_ones() -> None:
    assert {name: wrong_versions(text) for name, text in prose().items() if wrong_versions(text)} == {}


def test_a_version_that_the_course_names_wrongly_is_found() -> None:
    pinned = pins((ROOT / "constraints.txt").read_text("utf-8"))
    assert wrong_versions(f"Brevitas {pinned['brevitas']} and PyTorch {pinned['torch'][:4]}") == []
    assert wrong_versions("Brevitas 0.10.2, PyTorch 1.13") == ["brevitas 0.10.2", "torch 1.13"]
    assert wrong_versions("a public notebook on Brevitas 0.11, from which we took") == []
    assert wrong_versions("Tested with Brevitas 0.11.") == ["brevitas 0.11"]
    assert wrong_versions("Python 3.11 to 3.13, scale 0.1, chapter 2") == []
