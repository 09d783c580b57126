"""A figure without pyplot's global state, the words that belong to it, and the one way to show both."""

import html
import io
from typing import Any

from IPython import get_ipython
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DOTS_PER_INCH = 144  # twice the size at which it is shown, so that it stays sharp at 200 % zoom

BLUE, ORANGE, GREY, INK = "#0072B2", "#B34700", "#6B6B6B", "#1A1A1A"  # 4.5 : 1 on white, and told apart without hue


def new_axes(width: float = 7, height: float = 2.5) -> Axes:
    """Return empty axes on a figure of their own, to draw on and to `show`.

    width, height   of the figure, in inches
    returns         matplotlib axes; no pyplot figure is opened, so nothing is shown twice and none is left open
    raises          ValueError for a size that is not above 0

    >>> new_axes(3, 2).figure.get_size_inches().tolist()
    [3.0, 2.0]
    """
    if not (width > 0 and height > 0):
        raise ValueError(
            f"a figure of {width} by {height} inches has no room: use sizes above 0, for example 7 by 2.5."
        )
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def describe(ax: Axes, words: str) -> Axes:
    """Give axes their words: what a reader who does not see the picture is told. Returns the axes.

    >>> describe(new_axes(), "Nothing yet.").alt
    'Nothing yet.'
    """
    ax.alt = words  # type: ignore[attr-defined]
    return ax


def words_of(ax: Axes) -> str:
    """Return the words of a picture; its title where nobody gave it any.

    >>> words_of(describe(new_axes(), "Nothing yet."))
    'Nothing yet.'
    """
    return str(getattr(ax, "alt", "") or ax.get_title() or "A picture without a description.")


def show(ax: Axes) -> None:
    """Show a picture once, with its words as caption.

    ax        axes that a draw_* function has drawn on
    returns   nothing; the notebook gets a PNG with the words as its text form and as its alternative text, then the
              words as a visible caption (JupyterLab shows no alternative text). Elsewhere the words are printed
    raises    TypeError for what is no axes
    source    WCAG 2.2, success criterion 1.1.1: what a picture shows stands beside it in words

    >>> show(describe(new_axes(), "A line from 0 to 1."))
    A line from 0 to 1.
    """
    if not isinstance(ax, Axes):
        raise TypeError(f"show takes the axes that a draw_* function returned, not a {type(ax).__name__}.")
    picture = Picture(ax)
    if get_ipython() is None:
        print(picture)
        return
    display(picture)  # type: ignore[no-untyped-call]
    display({"text/html": caption_html(picture.words)}, raw=True)  # type: ignore[no-untyped-call]


class Picture:
    """A finished picture as a notebook stores it: PNG bytes and words."""

    def __init__(self, ax: Axes) -> None:
        self.words = words_of(ax)
        self.png = png_bytes(ax, self.words)

    def __repr__(self) -> str:
        return self.words

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"image/png": self.png, "text/plain": self.words}, {"image/png": {"alt": self.words}}


def png_bytes(ax: Axes, words: str) -> bytes:
    """Return the figure of ax as PNG, with words as its Description; no date, no version of a program.

    >>> png_bytes(new_axes(1, 1), "Empty.")[:4]
    b'\\x89PNG'
    """
    figure, store = ax.get_figure(root=True), io.BytesIO()
    assert figure is not None
    figure.savefig(store, format="png", dpi=DOTS_PER_INCH, metadata={"Description": words, "Software": None})
    return store.getvalue()


def caption_html(words: str) -> str:
    """Return the visible caption of a picture.

    >>> caption_html("3 < 4")
    '<p>3 &lt; 4</p>'
    """
    return f"<p>{html.escape(words)}</p>"
