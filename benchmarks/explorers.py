"""From a slider's event to the changed picture, in a real browser: with a kernel, without one, and with a distant one.

`python3 run.py bench explorers` prints the table and writes it to docs/benchmarks/explorers.md. A move is an input event of
the bit width, scale or operand slider; its picture is there when the frame that shows it has been painted (the message
posted in that frame's animation callback arrives after the paint). Times are the browser's own clock.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, WebSocketRoute, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from browser.explorers import EXPLORERS  # noqa: E402
from browser.lab import open_notebook, run_all, write_notebook  # noqa: E402
from browser.server import launch, started_lab  # noqa: E402

MOVES, DELAY = 80, 0.150
MOVE = """async ([number, moves]) => {
  const sliders = [...document.querySelectorAll(".qtutor-explorer")[number].querySelectorAll("input[type=range]")];
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = () => done(performance.now());
    after.port2.postMessage("");
  }));
  const times = [];
  for (let i = 0; i < moves; i += 1) {
    await new Promise((rest) => setTimeout(rest, 40 + (i * 7) % 17)); // events come at every phase of a frame
    const slider = sliders[i % sliders.length];
    slider.value = (Number(slider.value) + 1) % (Number(slider.max) + 1);
    const begun = performance.now();
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    times.push(await painted() - begun);
  }
  return times;
}"""
DRAG = """async (number) => {
  const explorer = document.querySelectorAll(".qtutor-explorer")[number];
  const slider = explorer.querySelector("input[type=range]");
  const readout = explorer.querySelector(".q-readout");
  let drawn = 0, seen = readout.textContent, running = true;
  const count = () => {
    if (readout.textContent !== seen) { drawn += 1; seen = readout.textContent; }
    if (running) requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
  const begun = performance.now();
  let events = 0;
  while (performance.now() - begun < 3000) {
    slider.value = (Number(slider.value) + 1) % (Number(slider.max) + 1);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    events += 1;
    await new Promise((rest) => setTimeout(rest, begun + events * 1000 / 60 - performance.now()));
  }
  await new Promise((rest) => setTimeout(rest, 100));
  running = false;
  const field = slider.parentElement.querySelector("input[type=text]");
  return { pictures: drawn / 3, last: readout.textContent.includes(field.value) };
}"""


def without_kernel(browser: Browser, folder: Path) -> Iterator[Page]:
    """A page with the explorers written into it."""
    code = f"import qtutor\nfor e in ({', '.join(e.make for e in EXPLORERS.values())}): print(e._repr_mimebundle_()[0]['text/html'])"
    environment = {**os.environ, "QTUTOR_EMBED": "1", "PYTHONUTF8": "1"}
    made = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    (folder / "alone.html").write_text(f"<!doctype html><meta charset=utf-8>{made.stdout}", encoding="utf-8")
    page = browser.new_page()
    page.goto((folder / "alone.html").as_uri())
    page.locator(".qtutor-explorer").nth(len(EXPLORERS) - 1).wait_for()
    yield page


def with_kernel(browser: Browser, folder: Path, delay: float) -> Iterator[Page]:
    """A JupyterLab with the explorers; delay (seconds) is added to each message to and from the kernel."""
    home = folder / f"lab{int(delay * 1000)}"
    home.mkdir()
    with started_lab(home) as lab:
        count = write_notebook(
            home / "notebooks" / "bench.ipynb", "import qtutor", *(e.make for e in EXPLORERS.values())
        )
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        if delay:
            page.route_web_socket("**/channels*", lambda socket: slow(socket, delay))
        open_notebook(page, lab, "bench.ipynb")
        run_all(page, count)
        page.locator(".qtutor-explorer").nth(len(EXPLORERS) - 1).wait_for()
        yield page


def slow(socket: WebSocketRoute, delay: float) -> None:
    """Hold every message back, in both directions."""
    server = socket.connect_to_server()

    def hold(send):
        def late(message):
            time.sleep(delay)
            send(message)

        return late

    socket.on_message(hold(server.send))
    server.on_message(hold(socket.send))


def measured(condition: str, page: Page) -> list[str]:
    """One row for each explorer: median, 95th percentile, pictures a second in a drag."""
    rows = []
    for number, name in enumerate(EXPLORERS):
        times = sorted(page.evaluate(MOVE, [number, MOVES]))
        drag = page.evaluate(DRAG, number)
        row = f"| {condition} | {name} | {statistics.median(times):.1f} | {times[int(0.95 * len(times))]:.1f} |"
        rows.append(f"{row} {drag['pictures']:.0f} | {'yes' if drag['last'] else 'NO'} |")
        print(rows[-1], flush=True)
    return rows


def main() -> str:
    """Measure the three conditions; return the table."""
    lines = [
        "| condition | explorer | median ms | 95th percentile ms | pictures a second in a 3 s drag | last picture is the last position |",
        "|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = launch(playwright)
        for condition, pages in {
            "no kernel": without_kernel(browser, Path(folder)),
            "local kernel": with_kernel(browser, Path(folder), 0),
            f"kernel {DELAY * 1000:.0f} ms away": with_kernel(browser, Path(folder), DELAY),
        }.items():
            for page in pages:
                lines += measured(condition, page)
                page.close()
    return "\n".join(lines)


if __name__ == "__main__":
    main()
