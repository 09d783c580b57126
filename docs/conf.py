"""Sphinx's settings for the web site of the course; docs/build.py lays out the pages and calls it."""

import re
from pathlib import Path
from typing import Any

import qtutor

project = "qtutor"
author = "the qtutor authors"
copyright = f"2026, {author}. Text: CC BY 4.0, code: MIT"  # the name that Sphinx asks for
release = version = qtutor.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton"]
nb_execution_mode = "off"  # docs/build.py has run them
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "text/html", 0), ("html", "image/png", 1)]
suppress_warnings = ["mystnb.unknown_mime_type"]  # a widget's view, whose explorer stands beside it as HTML
myst_enable_extensions = ["dollarmath", "attrs_inline"]
myst_heading_anchors = 3
autodoc_typehints = "none"  # the signature has them
add_module_names = False

html_theme = "furo"
html_title = "qtutor"
html_static_path = ["static"]
html_favicon = "static/favicon.svg"
html_css_files = ["qtutor.css"]
html_show_sourcelink = False

FIELD = re.compile(r"^(?P<name>\S+(?:, \S+)*(?: \S+)?)\s{2,}(?P<text>\S.*)$")


def as_fields(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Turn the columns of our docstrings ('bit_width     1 … 32') into a field list, in place."""
    page: list[str] = []
    inside = False
    for line in lines:
        found = FIELD.match(line)
        if found and not line.startswith((">>>", " ")):
            page.append(f":{found['name']}: {found['text']}")
            inside = True
        elif inside and line.startswith("  "):
            page.append(f"    {line.strip()}")
        else:
            inside = inside and not line.strip()
            page.append(line)
    lines[:] = [line if line.lstrip().startswith(">>>") else line.replace("|", "\\|") for line in page]


MENDED = {  # what axe-core finds in the theme's pages, and what it asks for
    "<pre>": '<pre tabindex="0">',  # what scrolls must be reachable with the keyboard
    '<aside class="sidebar-drawer"': '<aside aria-label="Course" class="sidebar-drawer"',
    '<div id="search-results">': '<h1>Search</h1>\n<div id="search-results">',
    '<aside class="toc-drawer': '<aside aria-label="This page" class="toc-drawer',
}


def mend_pages(app: Any, problem: Exception | None) -> None:
    """Write what accessibility asks for into the finished pages."""
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for old, new in MENDED.items():
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", as_fields)
    app.connect("build-finished", mend_pages)
