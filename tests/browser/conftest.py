"""A real browser and a real JupyterLab for the tests of this folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.server import launch, started_lab
from playwright.sync_api import Browser, Page, sync_playwright


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless browser for all tests; without one they are skipped, but never in CI."""
    with sync_playwright() as playwright:
        try:
            launched = launch(playwright)
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
    """A fresh page that collects errors of its console, and requests to elsewhere, in `page.complaints`."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    complaints: list[str] = []
    opened.complaints = complaints  # type: ignore[attr-defined]
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda problem: complaints.append(str(problem)))
    opened.on("request", lambda request: complaints.append(f"asks {request.url}") if outside(request.url) else None)
    yield opened
    context.close()


def outside(url: str) -> bool:
    """Whether a request leaves this machine."""
    return url.startswith(("http:", "https:")) and not url.startswith(("http://127.0.0.1", "http://localhost"))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A JupyterLab ('address|token') and the folder that it serves."""
    home = tmp_path_factory.mktemp("lab")
    with started_lab(home) as address:
        yield address, home / "notebooks"


@pytest.fixture
def lab(served: tuple[str, Path]) -> str:
    """The JupyterLab, as `open_notebook` takes it."""
    return served[0]


@pytest.fixture
def notebooks(served: tuple[str, Path]) -> Path:
    """The folder that the lab serves."""
    return served[1]
