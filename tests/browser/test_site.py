"""The built web site and an exported page, without any kernel: explorers, links, accessibility."""

import functools
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.explorers import EXPLORERS
from browser.lab import readout
from browser.test_lab import CHAPTERS, go_to
from playwright.sync_api import Locator, Page, expect

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "site"


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of the site, built as `run.py site` builds it."""
    done = subprocess.run(
        [sys.executable, "docs/build.py"], cwd=ROOT, capture_output=True, encoding="utf-8", env=utf8()
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    yield from serving(SITE)


def utf8() -> dict[str, str]:
    return {**os.environ, "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"}


def serving(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine; yield the address."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing of each request."""


PAGES = ["index", "api", "search", *(f"chapters/{chapter}" for chapter in CHAPTERS)]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_offline_and_accessible_in_both_themes(page: Page, site: str, name):
    page.goto(f"{site}/{name}.html")
    page.wait_for_load_state("networkidle")
    for theme in ("light", "dark"):
        page.evaluate(f"document.body.dataset.theme = '{theme}'")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    assert page.complaints == []


def explorer_titled(page: Page, title: str) -> Locator:
    return page.locator(".qtutor-explorer", has=page.locator(".q-title", has_text=title)).first


PLACES = {
    "quantizer": ("01", "Quantizer"),
    "saturation": ("02", "Saturation"),
    "two_sums": ("03", "Two sums"),
    "accumulator": ("04", "Accumulator"),
    "requantize": ("05", "Requantize"),
    "scale": ("06", "Scale"),
    "network": ("08", "Network"),
}


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_works_on_the_site_without_a_kernel(page: Page, site: str, name):
    number, title = PLACES[name]
    chapter = next(chapter for chapter in CHAPTERS if chapter.startswith(number))
    page.goto(f"{site}/chapters/{chapter}.html")
    explorer = explorer_titled(page, title)
    expect(explorer).to_be_visible()
    for setting in EXPLORERS[name].settings:
        go_to(explorer, setting)
        assert readout(explorer) == EXPLORERS[name].words(setting), setting
    assert page.complaints == []


def test_a_prediction_is_answered_by_keys_without_a_kernel_and_the_focus_stays(page: Page, site: str):
    page.goto(f"{site}/chapters/{CHAPTERS[2]}.html")
    question = page.locator(".qtutor-choice").first
    chosen, said = question.get_by_role("radio").first, question.get_by_role("status").first
    chosen.press("Space")
    expect(said).to_contain_text("The next cell shows it.")
    question.get_by_role("button").press("Enter")
    expect(said).not_to_contain_text("Noted")
    expect(said).not_to_be_empty()
    expect(question.get_by_role("button")).to_be_hidden()
    expect(chosen).to_be_focused()


@pytest.mark.parametrize("name", EXPLORERS)
@pytest.mark.parametrize(("width", "zoom"), [(360, 1), (1280, 2)])
def test_an_explorer_fits_a_small_screen_and_a_large_zoom(page: Page, site: str, name, width, zoom):
    number, title = PLACES[name]
    page.set_viewport_size({"width": width // zoom, "height": 900})
    page.goto(f"{site}/chapters/{next(c for c in CHAPTERS if c.startswith(number))}.html")
    explorer = explorer_titled(page, title)
    box = explorer.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width // zoom
    assert explorer.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_an_exported_notebook_is_one_file_that_works_alone(page: Page, tmp_path: Path):
    source = ROOT / "notebooks" / "02_out_of_range.ipynb"
    done = subprocess.run(
        [sys.executable, "docs/export.py", str(source)], cwd=ROOT, capture_output=True, encoding="utf-8", env=utf8()
    )
    assert done.returncode == 0, done.stderr[-3000:]
    alone = tmp_path / "alone.html"
    alone.write_bytes((ROOT / "build" / "export" / "02_out_of_range.html").read_bytes())
    page.goto(alone.as_uri())
    explorer = explorer_titled(page, "Saturation")
    for setting in EXPLORERS["saturation"].settings[:6]:
        go_to(explorer, setting)
        assert readout(explorer) == EXPLORERS["saturation"].words(setting), setting
    assert page.complaints == []
    assert said_of_pictures(page)
    assert all(len(words) > 40 and "No description" not in words for words in said_of_pictures(page))
    assert page.locator("a[href*='.ipynb'], a[href*='../docs']").count() == 0
    page.set_viewport_size({"width": 400, "height": 900})
    assert cut_off(page) == []
    page.add_style_tag(content=".jp-InputArea-editor pre { white-space: pre !important; }")
    assert len(cut_off(page)) > 10


@pytest.mark.parametrize("maker", ["export.py", "build.py"])
def test_the_examples_of_what_makes_the_pages_hold(maker):
    done = subprocess.run([sys.executable, "-m", "doctest", maker], cwd=ROOT / "docs", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def said_of_pictures(page: Page) -> list[str]:
    return page.eval_on_selector_all("img[src^='data:image/png'], .cell_output img", "all => all.map(i => i.alt)")


def cut_off(page: Page) -> list[str]:
    """The code cells whose lines go on beyond what can be seen."""
    wide = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText.slice(0, 40))"
    return page.eval_on_selector_all(".jp-InputArea-editor", wide)


def test_pictures_of_the_site_say_what_they_show(page: Page, site: str):
    for chapter in CHAPTERS:
        page.goto(f"{site}/chapters/{chapter}.html")
        assert [words for words in said_of_pictures(page) if len(words) <= 40 or words.endswith(".png")] == []
        assert page.get_by_text("Here explorers and questions work, and cells do not run").count() == 1
    page.goto(f"{site}/chapters/{CHAPTERS[1]}.html")
    assert said_of_pictures(page)


class Links(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.links.append(value)
            if name in ("id", "name") and value:
                self.anchors.add(value)


def broken_links(folder: Path) -> list[str]:
    """Every link of a site that leads to no file, or to no anchor of it; addresses elsewhere are left out."""
    parsed = {path: Links(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    broken = []
    for path, links in parsed.items():
        for link in links.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                broken.append(f"{path.name}: {link} leads to no file")
            elif parts.fragment and target in parsed and unquote(parts.fragment) not in parsed[target].anchors:
                broken.append(f"{path.name}: {link} leads to no anchor")
    return broken


def test_all_links_and_anchors_of_the_site_hold(site: str):
    assert broken_links(SITE.resolve()) == []


def test_a_broken_link_or_anchor_would_be_seen(tmp_path: Path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html">b</a><a href="#here">here</a><p id="there"></p><a href="#there">ok</a>'
    )
    assert sorted(broken_links(tmp_path.resolve())) == [
        "a.html: #here leads to no anchor",
        "a.html: b.html leads to no file",
    ]


def test_a_page_that_is_not_accessible_would_be_seen(page: Page):
    page.set_content('<html lang="en"><title>bad</title><main><h1>bad</h1><input type="range"></main></html>')
    found = Axe().run(page)
    assert [violation["id"] for violation in found.response["violations"]] == ["label"]


def test_the_search_finds_a_word_of_a_chapter(page: Page, site: str):
    page.goto(f"{site}/search.html?q=saturate")
    expect(page.locator("#search-results li").first).to_be_visible()
    assert page.complaints == []
