"""A real browser and a real JupyterLab: Chromium or Chrome as the machine has it, nothing is downloaded."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--no-sandbox",  # containers, and whoever runs as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


def program() -> str | None:
    """The browser's path, or None."""
    named = os.environ.get("QTUTOR_BROWSER")
    return named or next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless browser for all tests; without one they are skipped, but never in CI."""
    found = program()
    channel = None if found else "chrome"  # where Chrome is installed out of the path, as on macOS and Windows
    with sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(executable_path=found, channel=channel, args=FLAGS)
        except Exception as problem:
            if os.environ.get("CI"):
                raise
            pytest.skip(
                f"no Chromium or Chrome starts here ({str(problem).splitlines()[0]}): install chromium to run these tests"
            )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page that remembers what its console says, and refuses to leave this machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    watch(opened)
    yield opened
    context.close()


def watch(opened: Page) -> None:
    """Collect errors and outside requests in page.complaints."""
    complaints: list[str] = []
    opened.complaints = complaints  # type: ignore[attr-defined]
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda problem: complaints.append(str(problem)))
    opened.on("request", lambda request: complaints.append(f"asks {request.url}") if outside(request.url) else None)


def outside(url: str) -> bool:
    """Whether a request leaves this machine."""
    return url.startswith(("http:", "https:")) and not url.startswith(("http://127.0.0.1", "http://localhost"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab on a copy of the notebooks: `lab + "/lab/tree/..." + "?token=" ...` by `url`."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(
        ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns("source", ".ipynb_checkpoints")
    )
    settings = home / "settings" / "@jupyterlab"
    for plugin, values in {
        "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page, where a test can see it
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "apputils-extension/themes": {"theme": "JupyterLab Light"},
    }.items():
        (settings / plugin).parent.mkdir(parents=True, exist_ok=True)
        (settings / f"{plugin}.jupyterlab-settings").write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(8)
    folders = {
        name: str(home / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    environment = {**os.environ, **folders, "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "OMP_NUM_THREADS": "1"}
    options = [
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
    ]
    options += [f"--ServerApp.root_dir={home / 'notebooks'}", "--allow-root"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    wait_for(f"{address}/api/status?token={token}", server, home / "log")
    yield f"{address}|{token}"
    server.terminate()
    server.wait(20)


def wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    """Return when the server answers; fail with its log where it does not within a minute."""
    for _ in range(240):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            assert server.poll() is None, log.read_text()
            time.sleep(0.25)
    raise AssertionError(log.read_text())
