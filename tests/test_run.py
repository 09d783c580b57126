"""run.py, from outside: a copy of it in a folder of its own, with a pip that writes down what it was asked for."""

import ast
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
import venv
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
TORCH_FIRST = "install --index-url https://download.pytorch.org/whl/cpu --retries 1 --timeout 15 --no-deps -c constraints.txt torch"
THEN_THE_REST = "install -c constraints.txt -e .[site,test]"
UNREACHABLE = (  # a real pip, where no index answers
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by "
    "'NewConnectionError(Failed to establish a new connection: [Errno 111] Connection refused)': /simple/torch/\n"
    "ERROR: Cannot install torch because these package versions have conflicting dependencies.\n"
)
FAKE_PIP = """
import json, os, sys, time
here = os.path.dirname(__file__)
with open(os.path.join(here, "asked.txt"), "a") as file:
    print(*sys.argv[1:], file=file)
with open(os.path.join(here, "answers.json")) as file:
    answer = json.load(file).get("torch" if "--index-url" in sys.argv else "rest")
if answer == "slow":
    time.sleep(60)
print(answer or "Successfully installed")
sys.exit(1 if answer else 0)
"""
FAKE_WORK = """
import json, os, sys, time
print(json.dumps({"name": __spec__.name, "arguments": sys.argv[1:], "folder": os.getcwd(), "env": dict(os.environ)}))
time.sleep(60 if "--slow" in sys.argv else 0)
sys.exit(3)
"""
FAKE_FONTS = """
import os
os.makedirs(os.environ["MPLCONFIGDIR"])
open(os.path.join(os.environ["MPLCONFIGDIR"], "fontlist.json"), "w").close()
"""
LAUNCHER = """
import runpy, subprocess, sys
sys.platform, missing, sys.argv = sys.argv[1], sys.argv[2], sys.argv[3:]
sys.modules.update({name: None for name in missing.split()})
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Project:
    """A folder with run.py in it, and an environment whose pip, pytest and jupyterlab are ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a course"
        self.folder.mkdir()
        for name in ("run.py", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.folder)
        self.venv = self.folder / ".venv"
        self.stamp = self.venv / "qtutor-installed.txt"
        self.launcher = folder / "launcher.py"
        self.launcher.write_text(LAUNCHER)

    def fake_environment(self) -> None:
        venv.create(self.venv, with_pip=False, symlinks=os.name != "nt")
        self.packages = next(self.venv.glob("lib/python*/site-packages"), self.venv / "Lib" / "site-packages")
        (self.packages / "pip").mkdir()
        (self.packages / "pip" / "__main__.py").write_text(FAKE_PIP)
        (self.packages / "pip" / "answers.json").write_text("{}")
        for name in ("pytest", "jupyterlab"):
            (self.packages / f"{name}.py").write_text(FAKE_WORK)
        (self.packages / "matplotlib").mkdir()
        (self.packages / "matplotlib" / "font_manager.py").write_text(FAKE_FONTS)

    def answer(self, **answers: str) -> None:
        """What pip fails with, for torch and for the rest."""
        (self.packages / "pip" / "answers.json").write_text(json.dumps(answers))

    def asked(self) -> list[str]:
        """What pip was asked for since the last look."""
        record = self.packages / "pip" / "asked.txt"
        lines = record.read_text().splitlines() if record.exists() else []
        record.unlink(missing_ok=True)
        return lines

    def command(self, *arguments: str, platform: str = "linux", missing: str = "") -> list[str]:
        return [sys.executable, str(self.launcher), platform, missing, str(self.folder / "run.py"), *arguments]

    def run(
        self, *arguments: str, platform: str = "linux", missing: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        env = {key: value for key, value in os.environ.items() if key != "QTUTOR_TORCH_INDEX"} | variables
        command = self.command(*arguments, platform=platform, missing=missing)
        return subprocess.run(command, capture_output=True, text=True, env=env, cwd=self.folder.parent, timeout=300)

    def module(self) -> ModuleType:
        """run.py of this folder as a module."""
        return load(self.folder / "run.py")


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("qtutor_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.fake_environment()
    return project


# ---- what is installed, in which order, from where -------------------------------------------------------------------


def test_on_linux_torch_comes_first_from_its_publishers_cpu_index_then_the_rest(project: Project) -> None:
    project.run("test")
    assert project.asked() == [TORCH_FIRST, THEN_THE_REST]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_the_usual_index_has_no_gpu_build_to_avoid(project: Project, platform: str) -> None:
    project.run("test", platform=platform)
    assert project.asked() == [THEN_THE_REST]


def test_the_torch_index_can_be_another(project: Project) -> None:
    project.run("test", QTUTOR_TORCH_INDEX="https://mirror.example/cpu")
    assert project.asked() == [
        TORCH_FIRST.replace("https://download.pytorch.org/whl/cpu", "https://mirror.example/cpu"),
        THEN_THE_REST,
    ]


def test_an_empty_torch_index_takes_torch_from_the_usual_one(project: Project) -> None:
    project.run("test", QTUTOR_TORCH_INDEX="")
    assert project.asked() == [THEN_THE_REST]


def test_where_the_cpu_index_cannot_be_reached_it_says_so_and_what_the_other_costs(project: Project) -> None:
    project.answer(torch=UNREACHABLE)
    done = project.run("test")
    assert project.asked() == [TORCH_FIRST, THEN_THE_REST]
    assert "No CPU build of PyTorch could be had from https://download.pytorch.org/whl/cpu" in done.stdout
    assert "several gigabytes of GPU libraries" in done.stdout
    assert done.returncode == 3  # and the work was done


def test_a_learner_does_not_install_the_tools_of_the_tests(project: Project) -> None:
    project.run("lab")
    assert project.asked() == [TORCH_FIRST, "install -c constraints.txt -e ."]


def test_the_first_cell_of_a_chapter_need_not_wait_for_fonts_nor_jupyterlab_ask_for_news(project: Project) -> None:
    project.run("lab")
    assert (project.folder / "build" / "state" / "matplotlib" / "fontlist.json").exists()
    folder = project.venv / "etc" / "jupyter" / "labconfig"
    settings = json.loads((folder / "page_config.json").read_text())
    assert settings == {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


def test_an_environment_of_an_earlier_version_gets_the_settings_too_and_the_users_own_stay(project: Project) -> None:
    project.run("lab")
    folder = project.venv / "etc" / "jupyter" / "labconfig"
    (folder / "default_setting_overrides.json").unlink()
    (folder / "page_config.json").write_text("{}")
    project.run("lab")
    saves = json.loads((folder / "default_setting_overrides.json").read_text())
    assert saves == {"@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True}}
    assert (folder / "page_config.json").read_text() == "{}"


# ---- when it is installed --------------------------------------------------------------------------------------------


def test_the_second_time_nothing_is_installed(project: Project) -> None:
    project.run("test")
    project.asked()
    assert project.run("test").returncode == 3
    assert project.run("lab").returncode == 3  # what the tests need includes what the lab needs
    assert project.asked() == []


def test_tests_after_the_lab_install_what_the_lab_did_not_need(project: Project) -> None:
    project.run("lab")
    project.asked()
    project.run("test")
    assert project.asked() == [TORCH_FIRST, THEN_THE_REST]


def test_what_is_there_stays_when_more_is_needed(project: Project) -> None:
    project.run("build")
    assert project.asked() == [TORCH_FIRST, "install -c constraints.txt -e .[test]"]
    project.run("site")
    assert project.asked() == [TORCH_FIRST, THEN_THE_REST]
    (project.folder / "constraints.txt").write_text("")
    project.run("lab")
    assert project.asked() == [TORCH_FIRST, THEN_THE_REST]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_what_is_needed_installs_again(project: Project, name: str) -> None:
    project.run("test")
    project.asked()
    with open(project.folder / name, "a") as file:
        file.write("# changed\n")
    project.run("test")
    assert project.asked() == [TORCH_FIRST, THEN_THE_REST]


def test_an_environment_is_made_anew_where_it_is_missing_broken_moved_or_unfinished(project: Project) -> None:
    run = project.module()
    good = run.stamp(["test"])
    assert not run.must_be_made_anew(good)
    assert not run.must_be_made_anew([])  # made by hand: it runs, so it is used
    assert run.must_be_made_anew([run.UNFINISHED])
    assert run.must_be_made_anew(["another folder", *good[1:]])
    assert run.must_be_made_anew([good[0], "Python 3.10", *good[2:]])
    interpreter = Path(run.interpreter())
    interpreter.unlink()
    assert run.must_be_made_anew(good)
    interpreter.write_text("not a program")
    assert run.must_be_made_anew(good)


def test_an_install_that_was_cut_off_is_known_as_unfinished(project: Project) -> None:
    project.answer(rest="Installing collected packages: numpy, torch\nERROR: the lights went out\n")
    done = project.run("test")
    assert done.returncode == 1
    assert "the lights went out" in done.stderr
    assert project.stamp.read_text() == "unfinished"


def test_an_install_that_changed_nothing_leaves_the_environment_as_it_was(project: Project) -> None:
    project.run("lab")
    before = project.stamp.read_text()
    project.answer(rest=UNREACHABLE)
    assert project.run("test").returncode == 1
    assert project.stamp.read_text() == before


# ---- bad luck: one sentence each -------------------------------------------------------------------------------------


def the_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What run.py says at the end; it must be one line and no traceback."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("run.py: ")
    assert done.returncode == 1
    return lines[0]


def test_an_unreachable_index_is_called_that_whatever_pip_calls_it(project: Project) -> None:
    project.answer(rest=UNREACHABLE)
    sentence = the_sentence(project.run("test"))
    assert "the package index cannot be reached: connect to the network" in sentence
    assert "conflicting dependencies" in sentence  # pip's words, named as misleading


def test_a_real_conflict_is_not_called_a_network_failure(project: Project) -> None:
    project.answer(rest="ERROR: Cannot install a and b because these package versions have conflicting dependencies.")
    sentence = the_sentence(project.run("test"))
    assert "cannot be reached" not in sentence
    assert "conflicting dependencies" in sentence


def test_no_release_at_all_leaves_both_causes_open(project: Project) -> None:
    project.answer(rest="ERROR: Could not find a version that satisfies the requirement torch (from versions: none)")
    assert "cannot be reached, or it has none for this computer" in the_sentence(project.run("test"))


def test_an_untrusted_certificate_is_named(project: Project) -> None:
    project.answer(rest="WARNING: connection broken by 'SSLError(CERTIFICATE_VERIFY_FAILED)'\nERROR: none")
    assert "PIP_CERT" in the_sentence(project.run("test"))


@pytest.mark.parametrize("step", ["torch", "rest"])
def test_a_full_disk_is_named_at_either_step(project: Project, step: str) -> None:
    project.answer(**{step: "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"})
    assert "the disk is full" in the_sentence(project.run("test"))


def test_a_python_without_venv_is_told_which_package_brings_it(project: Project) -> None:
    shutil.rmtree(project.venv)
    sentence = the_sentence(project.run("test", missing="ensurepip"))
    assert f"sudo apt install python3.{sys.version_info.minor}-venv" in sentence


@pytest.mark.parametrize(("version", "word"), [((3, 6), "old"), ((3, 10), "old"), ((3, 14), "new"), ((4, 0), "new")])
def test_a_python_too_old_or_too_new_is_told_so(
    version: tuple[int, int], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        load(ROOT / "run.py").require_python(version)
    assert f"Python {version[0]}.{version[1]} is too {word}: qtutor needs 3.11, 3.12 or 3.13" in capsys.readouterr().err


def test_the_pythons_it_accepts_are_those_of_pyproject() -> None:
    run = load(ROOT / "run.py")
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    (major, oldest), (_, newest) = run.OLDEST, run.NEWEST
    assert wanted == f">={major}.{oldest},<{major}.{newest + 1}"
    for minor in range(oldest, newest + 1):
        run.require_python((major, minor))


def readable_by_python_3_6(source: str) -> bool:
    try:
        ast.parse(source, feature_version=(3, 6))
    except SyntaxError:
        return False
    return True


def test_an_old_python_can_read_the_file_that_says_it_is_too_old() -> None:
    assert readable_by_python_3_6((ROOT / "run.py").read_text("utf-8"))
    assert not readable_by_python_3_6("if (n := 3) > 2:\n    pass\n")
    assert not readable_by_python_3_6("match 1:\n    case 1:\n        pass\n")


def test_it_needs_nothing_but_the_standard_library() -> None:
    nodes = list(ast.walk(ast.parse((ROOT / "run.py").read_text("utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert names
    assert names <= sys.stdlib_module_names


def test_an_unknown_command_is_told_the_known_ones(project: Project) -> None:
    assert "there is no command 'tset'; choose from lab, test, " in the_sentence(project.run("tset"))
    assert project.asked() == []


def test_without_a_command_it_says_what_there_is(project: Project) -> None:
    done = project.run()
    assert done.returncode == 0
    assert set(re.findall(r"python3 run\.py (\w+) ", done.stdout)) == set(project.module().COMMANDS)


def test_what_a_command_starts_exists() -> None:
    for _, program in load(ROOT / "run.py").COMMANDS.values():
        assert program[0] == "-m" or (ROOT / program[0]).is_file()


@pytest.mark.skipif(
    os.name == "nt", reason="Windows has no signal that reaches a group of programs as Ctrl-C does here"
)
def test_ctrl_c_while_installing_ends_in_a_sentence(project: Project) -> None:
    project.answer(rest="slow")
    running = subprocess.Popen(project.command("test"), stderr=subprocess.PIPE, text=True, start_new_session=True)
    record = project.packages / "pip" / "asked.txt"
    while running.poll() is None and not (record.exists() and THEN_THE_REST in record.read_text()):
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    _, words = running.communicate(timeout=30)
    assert running.returncode == 130
    assert words == "run.py: stopped before everything was installed; the same command starts again.\n"
    assert project.stamp.read_text() == "unfinished"


def test_a_broken_environment_is_made_anew_and_a_real_pip_without_a_network_ends_in_a_sentence(tmp_path: Path) -> None:
    project = Project(tmp_path)
    run = project.module()
    Path(run.interpreter()).parent.mkdir(parents=True)
    Path(run.interpreter()).write_text("not a program")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # closed again below: nothing answers there
    done = project.run(
        "test",
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL=f"http://127.0.0.1:{port}/simple",
        PIP_FIND_LINKS="",
        PIP_RETRIES="1",
        QTUTOR_TORCH_INDEX="",
    )
    assert "The environment in .venv is broken, unfinished or from another place: making it anew." in done.stdout
    assert "the package index cannot be reached" in the_sentence(done)
    assert subprocess.run([run.interpreter(), "-m", "pip", "--version"], capture_output=True).returncode == 0


# ---- starting the work -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "work"), [("test", "pytest"), ("lab", "jupyterlab")])
def test_the_work_gets_its_options_starts_in_the_projects_folder_and_gives_its_exit_code(
    project: Project, command: str, work: str
) -> None:
    done = project.run(command, "-k", "two words")
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["name"] == work
    assert seen["arguments"][-2:] == ["-k", "two words"]
    assert Path(seen["folder"]).samefile(project.folder)
    assert done.returncode == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a program without telling it")
def test_what_ends_run_py_ends_the_work(project: Project) -> None:
    with subprocess.Popen(project.command("lab", "--slow"), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert any(line.startswith("{") for line in running.stdout)  # the work has begun
        running.terminate()
        assert running.stdout.read() == ""  # and its end of the pipe is closed
    assert running.returncode not in (0, 3)


def test_nothing_of_the_users_own_setup_comes_in_and_nothing_is_left_outside(project: Project) -> None:
    done = project.run("lab", PYTHONPATH="elsewhere", JUPYTER_PATH="elsewhere", JUPYTER_DATA_DIR="elsewhere")
    env = json.loads(done.stdout.splitlines()[-1])["env"]
    assert "elsewhere" not in env.values()
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        assert Path(env[name]).is_relative_to(project.folder)
    assert env["PATH"].split(os.pathsep)[0] == str(Path(project.module().interpreter()).parent)
    assert env["OMP_NUM_THREADS"] == "1"


def test_jupyterlab_opens_on_the_welcome_notebook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run, opened, browser = load(ROOT / "run.py"), tmp_path / "opened.txt", tmp_path / "browser.py"
    monkeypatch.setattr(run, "STATE", str(tmp_path))
    browser.write_text(f"import sys\nopen({str(opened)!r}, 'w').write(sys.argv[1])\n")
    options = ["--allow-root", f'--browser="{sys.executable}" "{browser}" %s']
    command = [sys.executable, *run.COMMANDS["lab"][1], *options]
    server = subprocess.Popen(command, cwd=ROOT, env=run.environment(), stderr=subprocess.PIPE, text=True)
    try:
        while server.poll() is None and not (opened.exists() and opened.read_text()):
            time.sleep(0.1)
        page = Path(urllib.request.url2pathname(opened.read_text().removeprefix("file://"))).read_text()
        found = re.search(r'href="(http.*/lab/tree/notebooks/00_welcome\.ipynb\?token=\w+)"', page)
        assert found, page
        with urllib.request.urlopen(found[1].replace("/lab/tree/", "/api/contents/"), timeout=30) as reply:
            assert json.load(reply)["content"]["cells"] != []
        recipe = found[1].replace("/lab/tree/notebooks/00_welcome.ipynb", "/api/contents/docs/recipe.md")
        with urllib.request.urlopen(recipe, timeout=30) as reply:  # a chapter's link to ../docs/recipe.md leads there
            assert json.load(reply)["name"] == "recipe.md"
    finally:
        server.terminate()
        print(server.communicate(timeout=30)[1])


def test_the_page_that_opens_the_browser_is_in_no_hidden_folder() -> None:
    run = load(ROOT / "run.py")
    parts = Path(run.environment()["JUPYTER_RUNTIME_DIR"]).relative_to(ROOT).parts
    assert [part for part in parts if part.startswith(".")] == []
