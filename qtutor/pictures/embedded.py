"""A widget written into a page: its module, its state and its words in one piece of HTML that needs no kernel and no net."""

import base64
import json
import os
from html import escape
from pathlib import Path
from typing import Any

PAGE = """\
<div class="qtutor-embedded"><p>{words}</p></div>
<style>{css}</style>
<script type="module">
const el = document.querySelector(".qtutor-embedded:not([data-taken])");
el.dataset.taken = "";
const state = {state};
const heard = {{}};
const model = {{
  get: (name) => state[name],
  set: (name, value) => {{ state[name] = value; (heard["change:" + name] ?? []).forEach((hear) => hear()); }},
  save_changes: () => {{}},
  on: (event, hear) => (heard[event] ??= []).push(hear),
  off: (event, hear) => {{ heard[event] = (heard[event] ?? []).filter((other) => hear && other !== hear); }},
}};
const widget = await import("data:text/javascript;base64,{module}");
el.replaceChildren();
widget.default.render({{ model, el }});
</script>
"""


def wanted() -> bool:
    """Say whether widgets are to be written into the notebook's outputs: only where QTUTOR_EMBED is set.

    The web site and the export to HTML set it; the committed notebooks hold the words alone.
    """
    return bool(os.environ.get("QTUTOR_EMBED"))


def html(widget: Any, module: Path, css: Path, words: str) -> str:
    """Return HTML that shows a widget without a kernel: its ES module gets a model that holds the widget's traits.

    widget        an anywidget; its synchronised traits that begin with no underscore are written as JSON
    module, css   the widget's files
    words         what stands there until, or in place of, the widget
    """
    state = {name: getattr(widget, name) for name in own_traits(widget)}
    source = base64.b64encode(module.read_bytes()).decode()
    data = json.dumps(state, ensure_ascii=False).replace("</", "<\\/")  # a closing tag in a text would end the script
    paragraphs = "<br>".join(escape(line) for line in words.splitlines())
    return PAGE.format(words=paragraphs, css=css.read_text(encoding="utf-8"), state=data, module=source)


def own_traits(widget: Any) -> list[str]:
    """Return the names of the traits that the widget's own module reads: not those that every widget has."""
    return [
        name
        for name in widget.trait_names(sync=True)
        if name[0] != "_" and name not in ("layout", "tabbable", "tooltip")
    ]
