"""Write pictures of every explorer, at three settings, in both themes, to look at: `python3 run.py screenshots`.

They go to build/screenshots. Nothing compares them: eyes do.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "screenshots"
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from browser.explorers import EXPLORERS  # noqa: E402
from browser.server import launch  # noqa: E402
from browser.test_lab import go_to  # noqa: E402
from explorers import without_kernel  # noqa: E402


def main() -> None:
    """Take the pictures, and say where they are."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        for page in without_kernel(launch(playwright), Path(folder)):
            for number, (name, driven) in enumerate(EXPLORERS.items()):
                explorer = page.locator(".qtutor-explorer").nth(number)
                for shot, setting in enumerate(driven.settings[i] for i in (0, 12, -1)):
                    go_to(explorer, setting)
                    for theme in ("light", "dark"):
                        page.evaluate(f"document.body.dataset.theme = '{theme}'")
                        explorer.screenshot(path=TARGET / f"{name}_{shot + 1}_{theme}.png")
    print(f"{len(list(TARGET.glob('*.png')))} pictures in {TARGET.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
