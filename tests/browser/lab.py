"""What a learner does in JupyterLab, as functions: open a notebook, run all of it, move a control, read what is said."""

import re
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, Page, expect

IDLE = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'


def open_notebook(page: Page, lab: str, name: str) -> None:
    """Open a notebook of the lab and wait until its kernel is ready."""
    address, token = lab.split("|")
    page.goto(f"{address}/lab/tree/notebooks/{name}?token={token}&reset")
    kernel_is_ready(page)


def kernel_is_ready(page: Page) -> None:
    """Wait until the notebook is shown and has a kernel; before that its indicator says idle as well."""
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    expect(page.locator(".jp-KernelName").first).to_contain_text("Python 3", timeout=60_000)
    page.wait_for_selector(IDLE, timeout=60_000)


def run_all(page: Page, cells: int) -> None:
    """Clear the stored outputs, run all cells from the menu, and wait until each of the code cells was run."""
    choose(page, "Edit", "Clear Outputs of All Cells")
    expect(page.locator(".jp-CodeCell .jp-OutputArea-output")).to_have_count(0)
    choose(page, "Run", "Run All Cells")
    last = page.locator(".jp-CodeCell .jp-InputArea-prompt").nth(cells - 1)
    expect(last).to_have_text(re.compile(r"\[\d+\]:"), timeout=120_000)  # cleared, it was [ ]
    page.wait_for_selector(IDLE, timeout=60_000)


def choose(page: Page, menu: str, item: str) -> None:
    """Choose an item of JupyterLab's menu bar."""
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def code_cells(path: Path) -> list:
    """The code cells of a notebook that hold something."""
    return [
        cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code" and cell.source.strip()
    ]


def write_notebook(path: Path, *sources: str) -> int:
    """Write a notebook of code cells; return how many there are."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, path)
    return len(sources)


def readout(explorer: Locator) -> str:
    """The sentence that says what the picture shows."""
    return explorer.locator(".q-readout").inner_text()


def type_value(explorer: Locator, label: str, value: str) -> None:
    """Type a value into the field beside a slider, as a learner does."""
    field = explorer.get_by_label(f"{label}, type a value")
    field.fill(value)
    field.press("Enter")


def slider(explorer: Locator, label: str) -> Locator:
    """The slider with that label."""
    return explorer.locator(f'input[type="range"][aria-label="{label}"]')
