"""The commands of the course. Python's standard library is all that this file needs.

    python3 run.py lab          open the course in JupyterLab
    python3 run.py test         run every test, the notebooks included
    python3 run.py export       make one HTML file of a notebook: export notebooks/02_out_of_range.ipynb

and, for authors:

    python3 run.py build        make notebooks/*.ipynb from notebooks/source/*.py
    python3 run.py site         make the web site of the course in build/site
    python3 run.py screenshots  write pictures of every explorer to build/screenshots
    python3 run.py bench        measure side by side, and write docs/benchmarks.md
    python3 run.py conformance  compare with published quantizers, and write docs/conformance.md
    python3 run.py golden       write the golden vectors; golden --more 1000 draws further cases to build/golden

What follows the command goes to the program behind it: lab takes JupyterLab's options, test takes pytest's.
The first run makes the folder .venv beside this file and installs everything there; delete it to start afresh.
What JupyterLab remembers goes to build/state; only pip keeps something outside this folder, its cache of downloads.

On Linux, PyTorch is taken without its GPU libraries. QTUTOR_TORCH_INDEX names another package index for it;
set to nothing, PyTorch comes from the index that pip uses for all else, GPU libraries included.
"""

# An old Python must be able to read this file to say that it is too old: no syntax newer than Python 3.6.
import hashlib
import os
import signal
import subprocess
import sys
from typing import Dict, List, NoReturn, Optional, Tuple

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "qtutor-installed.txt")  # written last: what is installed, from what
STATE = os.path.join(ROOT, "build", "state")  # not in .venv: browsers that Ubuntu confines open no hidden folder
LOG = os.path.join(VENV, "qtutor-install.log")
OLDEST, NEWEST = (3, 11), (3, 13)  # as requires-python in pyproject.toml
CPU_TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
UNFINISHED = "unfinished"
START = "notebooks/00_welcome.ipynb"
JUPYTERLAB = {  # file of its configuration: what stands in it
    # the course needs no network once installed: do not ask whether to fetch news
    "page_config.json": '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}\n',
    # a chapter that was saved shows its explorers and answers when it is opened again, with no kernel yet
    "default_setting_overrides.json": '{"@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": true}}\n',
}
COMMANDS = {  # name: (extras it needs, the program behind it)
    # the whole project is its root, so that links from chapters to docs/ open; the address that it prints opens the course
    "lab": ([], ["-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/{START}", START]),
    # two at a time, a file each: measured, that halves the time on two cores
    "test": (["site", "test"], ["-m", "pytest", "-n", "2", "--dist", "loadfile"]),
    "export": (["test"], [os.path.join("docs", "export.py")]),
    "build": (["test"], [os.path.join("notebooks", "source", "build.py")]),
    "site": (["site", "test"], [os.path.join("docs", "build.py")]),
    "screenshots": (["test"], [os.path.join("docs", "screenshots.py")]),
    "bench": (["test"], [os.path.join("benchmarks", "run.py")]),
    "conformance": ([], ["-m", "tests.conformance.table"]),
    "golden": ([], ["-m", "tests.golden.make"]),
}
NETWORK_WORDS = (
    "connection broken by",
    "Max retries exceeded",
    "Connection aborted",
    "Connection reset",
    "Read timed out",
    "name resolution",
    "getaddrinfo failed",
    "Network is unreachable",
)
FULL_DISK = "the disk is full: qtutor needs about 1.7 GB; make room, then run the same command again."
DISK_WORDS = ("No space left on device", "not enough space on the disk", "Disk quota exceeded")


def main(arguments: List[str]) -> int:
    """Do one command and return its exit code."""
    require_python(sys.version_info[:2])
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    if arguments[0] not in COMMANDS:
        stop(f"there is no command {arguments[0]!r}; choose from {', '.join(COMMANDS)}.")
    extras, program = COMMANDS[arguments[0]]
    try:
        prepare(extras)
    except KeyboardInterrupt:
        stop("stopped before everything was installed; the same command starts again.", 130)
    except OSError as problem:
        stop(explain(str(problem)) or f"{problem}.")
    return start([interpreter()] + program + arguments[1:])


def stop(sentence: str, code: int = 1) -> NoReturn:
    """Say in one sentence what is wrong and what to do, and end."""
    print("run.py: " + sentence, file=sys.stderr)
    raise SystemExit(code)


def require_python(version: Tuple[int, int]) -> None:
    """End with a sentence where this Python is too old or too new for the packages."""
    if not OLDEST <= version <= NEWEST:
        age = "old" if version < OLDEST else "new"
        stop(
            f"Python {version[0]}.{version[1]} is too {age}: qtutor needs 3.11, 3.12 or 3.13; "
            f"install one from python.org and start run.py with it: {'py -3.13' if os.name == 'nt' else 'python3.13'} run.py lab."
        )


def interpreter() -> str:
    """The Python of the environment."""
    parts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(VENV, *parts)


# ---- the environment: missing, broken, out of date or ready ----------------------------------------------------------


def prepare(extras: List[str]) -> None:
    """Make the environment where it is missing or broken, and install what the stamp does not vouch for."""
    found = read_stamp()
    if must_be_made_anew(found):
        make_environment()
        found = []
    installed = found[3].split() if len(found) > 3 else []
    wanted = stamp(sorted({*installed, *extras}))
    if found != wanted:
        install(wanted, found)
    set_up_jupyterlab()


def stamp(extras: List[str]) -> List[str]:
    """What is installed, from what: folder, Python, the two files that decide, and the extras."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read().replace(b"\r\n", b"\n"))
    return [ROOT, "Python {}.{}".format(*sys.version_info[:2]), digest.hexdigest(), " ".join(extras)]


def read_stamp() -> List[str]:
    """The stamp's lines; [] where there is none."""
    try:
        with open(STAMP, encoding="utf-8") as file:
            return file.read().split("\n")
    except OSError:
        return []


def write_stamp(lines: List[str]) -> None:
    """Vouch for what is installed."""
    with open(STAMP, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def must_be_made_anew(found: List[str]) -> bool:
    """True where the environment is missing, was left unfinished, has moved, or its Python does not run."""
    here = [ROOT, "Python {}.{}".format(*sys.version_info[:2])]
    if found == [UNFINISHED] or (len(found) > 1 and found[:2] != here):
        return True
    question = "import sys; print('Python %d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [interpreter(), "-I", "-S", "-c", question], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
    except OSError:
        return True
    return answer.stdout.strip() != here[1]


def make_environment() -> None:
    """An empty environment with pip in it, marked unfinished until it is complete."""
    require_venv()
    remove_environment()
    os.makedirs(VENV)
    write_stamp([UNFINISHED])
    made = subprocess.run(
        [getattr(sys, "_base_executable", None) or sys.executable, "-m", "venv", VENV],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if made.returncode:
        last = (made.stdout.strip() or "no reason given").splitlines()[-1]
        stop(explain(made.stdout) or f"Python could not make the environment .venv: {last}")


def require_venv() -> None:
    """End with a sentence where this Python came without the modules that make environments."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        stop(
            f"this Python came without its venv module; on Debian and Ubuntu 'sudo apt install {package}' brings it; "
            "then run the same command again."
        )


def remove_environment() -> None:
    """Remove what is left of an earlier environment."""
    import shutil

    if os.path.lexists(VENV):
        say("The environment in .venv is broken, unfinished or from another place: making it anew.")
        try:
            shutil.rmtree(VENV)
        except OSError as problem:
            stop(
                f"the old environment in .venv cannot be removed ({problem}); close the programs that use it, "
                "or delete the folder yourself, then run the same command again."
            )


# ---- installing ------------------------------------------------------------------------------------------------------


def install(wanted: List[str], found: List[str]) -> None:
    """Install qtutor and what it needs, at the versions of constraints.txt; stamp it when all is there."""
    say("Installing into .venv. The first time takes about two minutes and 1.7 GB of disk; later starts take none.")
    write_stamp([UNFINISHED])
    install_cpu_torch()
    extras = ",".join(wanted[3].split())
    project = f".[{extras}]" if extras else "."
    code, output = pip(["install", "-c", "constraints.txt", "-e", project])
    if code:
        if "Installing collected packages" not in output:
            write_stamp(found)  # pip fetches first and installs last: nothing has changed
        stop(explain(output) or f"pip could not install the packages: {last_error(output)} (all its words: {LOG}).")
    list_fonts()
    write_stamp(wanted)
    say("Installed.")


def install_cpu_torch() -> None:
    """On Linux, take PyTorch from its publisher's index of CPU builds: the usual index adds GPU libraries.

    It comes first and alone. As an --extra-index-url beside the usual index, an address that cannot be reached would
    not be an error: pip would take the GPU build without a word.
    """
    index = os.environ.get("QTUTOR_TORCH_INDEX", CPU_TORCH_INDEX).strip()
    if not index or not sys.platform.startswith("linux"):
        return
    code, output = pip(
        [
            "install",
            "--index-url",
            index,
            "--retries",
            "1",
            "--timeout",
            "15",
            "--no-deps",
            "-c",
            "constraints.txt",
            "torch",
        ]
    )
    if mentions(output, DISK_WORDS):
        stop(FULL_DISK)
    if code:
        say(
            f"No CPU build of PyTorch could be had from {index}: taking the one of the usual index, "
            "which may bring several gigabytes of GPU libraries (Ctrl-C stops)."
        )


def pip(arguments: List[str]) -> Tuple[int, str]:
    """Run the environment's pip, showing in one line what it is at; return its exit code and its words."""
    lines = ["> pip " + " ".join(arguments) + "\n"]
    command = [interpreter(), "-m", "pip"] + arguments
    # UTF-8, as environment() tells it to write
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as running:
        for line in running.stdout or []:
            lines.append(line)
            show_progress(line.strip())
    end_progress()
    with open(LOG, "a", encoding="utf-8") as log:
        log.writelines(lines)
    return running.returncode, "".join(lines)


def show_progress(line: str) -> None:
    """One line of pip's, shortened: rewritten in place on a terminal, elsewhere only the large downloads."""
    if line.startswith(("Downloading", "Using cached")) and "-" in line:
        name, size = line.split("-")[0], line[line.rfind("(") :]  # "Downloading torch (200.1 MB)"
        line = f"{name} {size}"
    if sys.stdout.isatty():
        if line.startswith(("Collecting", "Downloading", "Using cached", "Installing", "Building")):
            print("\r\033[K  " + line[:76], end="", flush=True)
    elif line.startswith("Installing collected") or (line.startswith("Downloading") and " MB)" in line):
        print("  " + line[:76], flush=True)


def end_progress() -> None:
    """Clear the line that show_progress rewrites."""
    if sys.stdout.isatty():
        print("\r\033[K", end="", flush=True)


def set_up_jupyterlab() -> None:
    """Give the environment's JupyterLab the settings of the course, where it has not got them yet."""
    folder = os.path.join(VENV, "etc", "jupyter", "labconfig")
    os.makedirs(folder, exist_ok=True)
    for name, settings in JUPYTERLAB.items():
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as file:
                file.write(settings)


def list_fonts() -> None:
    """Have matplotlib list the computer's fonts now: on a slow one it would say so in the first cell of a chapter."""
    command = [interpreter(), "-c", "import matplotlib.font_manager"]
    subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# ---- saying what is wrong --------------------------------------------------------------------------------------------


def mentions(output: str, words: Tuple[str, ...]) -> bool:
    """True where one of the words stands in the output."""
    return any(word in output for word in words)


def explain(output: str) -> Optional[str]:
    """The sentence for a failure that has a name, else None. A full disk comes first: it breaks downloads too."""
    if mentions(output, DISK_WORDS):
        return FULL_DISK
    if "CERTIFICATE_VERIFY_FAILED" in output:
        return (
            "the package index shows a certificate that this computer does not trust; where a school or company "
            "filters the network, ask for its certificate and name the file in PIP_CERT."
        )
    if "(from versions: none)" in output and not mentions(output, NETWORK_WORDS):
        return (
            "pip finds no release of a package at all: either the package index cannot be reached, or it has none for "
            f"this computer ({last_error(output)})."
        )
    if mentions(output, NETWORK_WORDS):
        return (
            "the package index cannot be reached: connect to the network, or name its proxy in HTTPS_PROXY, then run "
            f"the same command again (pip's own words, which may mislead: {last_error(output)})."
        )
    return None


def last_error(output: str) -> str:
    """pip's last line that says ERROR, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["pip said nothing"]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines)[-1]


def say(sentence: str) -> None:
    """A word on what happens now."""
    print(sentence, flush=True)


# ---- starting the work -----------------------------------------------------------------------------------------------


def environment() -> Dict[str, str]:
    """The environment variables of all that run.py starts: only what is in this folder counts, nothing is left outside.

    A kernel, a setting or a package of the user's own would otherwise come before those of the course.
    """
    mine = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME", "JUPYTER_PATH")}
    mine.update(
        {
            "VIRTUAL_ENV": VENV,
            "PATH": os.path.dirname(interpreter()) + os.pathsep + mine.get("PATH", os.defpath),
            "JUPYTER_CONFIG_DIR": os.path.join(STATE, "jupyter", "config"),
            "JUPYTER_DATA_DIR": os.path.join(STATE, "jupyter", "data"),
            "JUPYTER_RUNTIME_DIR": os.path.join(STATE, "jupyter", "runtime"),
            "IPYTHONDIR": os.path.join(STATE, "ipython"),
            "MPLCONFIGDIR": os.path.join(STATE, "matplotlib"),
            "PYTHONUTF8": "1",  # Windows: files and pipes in UTF-8, as elsewhere
            "PYTHONUNBUFFERED": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_USER": "0",
        }
    )
    # One thread: the course's tensors are tiny, and torch's threads would spend their time waiting for one another
    # (every kernel starts its own; measured: 10 times less processor time for the same work).
    mine.setdefault("OMP_NUM_THREADS", "1")
    return mine


def start(command: List[str]) -> int:
    """Run the work in this folder and return its exit code. Ctrl-C is the work's to answer; an order to end is passed on."""
    running = subprocess.Popen(command, cwd=ROOT, env=environment())
    signal.signal(signal.SIGTERM, lambda *_: running.terminate())
    while True:
        try:
            return running.wait()
        except KeyboardInterrupt:
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
