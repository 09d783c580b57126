"""What an explorer knows: its controls and, for every setting of them, the facts that the kernels computed.

Python and the browser read the same table with the same two rules: a fact's place is a sum of strides times positions,
and a sentence is a template whose {slots} are controls or facts.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qtutor.pictures.words import number

Place = Mapping[str, int]  # the position of each control in its list

INTEGER_TYPES = ("u1", "i1", "u2", "i2", "i4")


@dataclass(frozen=True)
class Control:
    """One trait that a learner moves, and the list of values that it takes.

    name    the trait, and the slot in sentences
    label   as it is written beside the slider
    lists   the values; one list for each setting of the controls in `by`
    by      control -> stride: which list holds (none: there is only one)
    start   the value at first and after a reset
    kind    slider, switch (two values: off, on) or choice
    spoken  template of what a screen reader says for the present value
    text    how a value is written
    """

    name: str
    label: str
    lists: tuple[tuple[Any, ...], ...]
    start: Any
    by: Mapping[str, int] = field(default_factory=dict)
    kind: str = "slider"
    spoken: str = ""
    text: Callable[[Any], str] = number

    def values(self, place: Place) -> tuple[Any, ...]:
        """Return the list that holds where the controls stand at place."""
        return self.lists[sum(stride * place[name] for name, stride in self.by.items())]

    def everything(self) -> list[Any]:
        """Return every value of every list, once, in order."""
        return list(dict.fromkeys(value for values in self.lists for value in values))

    def nearest(self, value: Any, values: Sequence[Any]) -> int:
        """Return the position in values of the one nearest to value: itself where it is there, the first of two."""
        if value in values:
            return values.index(value)
        if isinstance(value, str):
            return values.index(self.start)
        return min(range(len(values)), key=lambda i: abs(values[i] - value))

    def choices(self, values: Sequence[Any]) -> str:
        """Return a list in words: its ends where it is every whole number between them."""
        whole = all(type(value) is int for value in values)
        if whole and len(values) > 2 and values[-1] - values[0] == len(values) - 1:
            return f"{self.text(values[0])} … {self.text(values[-1])}"
        return ", ".join(value if isinstance(value, str) else self.text(value) for value in values)

    def payload(self) -> dict[str, Any]:
        """Return the control as the browser gets it; `nearest` says where a value goes that a list does not hold."""
        every = self.everything()
        return {
            "name": self.name,
            "label": self.label,
            "kind": self.kind,
            "by": dict(self.by),
            "start": self.start,
            "spoken": self.spoken or f"{{{self.name}}}",
            "lists": self.lists,
            "texts": [[self.text(v) for v in values] for values in self.lists],
            "choices": [self.choices(values) for values in self.lists],
            "every": every if self.by else [],
            "nearest": [[self.nearest(v, values) for v in every] for values in self.lists] if self.by else [],
        }


@dataclass(frozen=True)
class Fact:
    """Numbers, or words, for every setting: the entry for a place is number sum(stride * position).

    data    one row for each entry: [entries] or [entries, width]
    by      control -> stride
    words   where data are positions in a list of words: that list
    """

    data: NDArray[Any]
    by: Mapping[str, int]
    words: tuple[str, ...] = ()

    def row(self, place: Place) -> Any:
        """Return the number, the row of numbers, or the words that hold at place."""
        entry = self.data[sum(stride * place[name] for name, stride in self.by.items())]
        return self.words[int(entry)] if self.words else entry

    def payload(self) -> dict[str, Any]:
        """Return the fact as the browser gets it: the bytes of the smallest type that holds every number."""
        kind = "f4" if self.data.dtype.kind == "f" else smallest_type(self.data)
        packed = base64.b64encode(np.ascontiguousarray(self.data, dtype=f"<{kind}").tobytes()).decode("ascii")
        width = self.data.shape[1] if self.data.ndim == 2 else 1
        return {"by": dict(self.by), "type": kind, "width": width, "data": packed, "words": list(self.words)}


def smallest_type(data: NDArray[Any]) -> str:
    """Return the smallest integer type that holds all of data.

    >>> smallest_type(np.array([0, 255])), smallest_type(np.array([-1, 255]))
    ('u1', 'i2')
    """
    low, high = int(data.min(initial=0)), int(data.max(initial=0))
    return next(t for t in INTEGER_TYPES if np.iinfo(t).min <= low and high <= np.iinfo(t).max)


def numbers(data: ArrayLike, by: Mapping[str, int], width: int = 1) -> Fact:
    """Return a fact of numbers, `width` of them for each setting.

    >>> numbers([[1, 2], [3, 4]], {"a": 1}, width=2).row({"a": 1}).tolist()
    [3, 4]
    """
    flat = np.asarray(data)
    return Fact(flat.reshape(-1, width) if width > 1 else flat.reshape(-1), by)


def words(texts: Iterable[str], by: Mapping[str, int]) -> Fact:
    """Return a fact of words: each different one is kept once.

    >>> words(["no", "yes", "no"], {"a": 1}).row({"a": 2})
    'no'
    """
    known: dict[str, int] = {}
    return Fact(np.array([known.setdefault(text, len(known)) for text in texts]), by, tuple(known))


@dataclass(frozen=True)
class Table:
    """Everything that an explorer can show.

    picture   the name of the drawing in explorer.js
    title     what the explorer is called
    controls  in the order of the page; one that depends on others stands after them
    facts     by name; "met" holds one bit for each task: is it met at this setting?
    readout   template of the sentence that says what the picture shows
    lines     templates of further lines under the picture
    tasks     the challenge's sentences: one before each task, and one when all are met
    view      constants of the drawing, such as the positions on its axes
    raises    ValueError where a fact has no entry for some setting
    """

    picture: str
    title: str
    controls: tuple[Control, ...]
    facts: Mapping[str, Fact]
    readout: str
    lines: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ("",)
    view: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        longest = {control.name: max(map(len, control.lists)) for control in self.controls}
        for name, fact in self.facts.items():
            needed = 1 + sum(stride * (longest[control] - 1) for control, stride in fact.by.items())
            if needed > len(fact.data):
                raise ValueError(
                    f"fact {name!r} has {len(fact.data)} entries and the controls reach {needed}: add them."
                )

    def place(self, settings: Mapping[str, Any]) -> dict[str, int]:
        """Return the position of each setting in its list: of the nearest where a list does not hold it."""
        place: dict[str, int] = {}
        for control in self.controls:
            place[control.name] = control.nearest(settings[control.name], control.values(place))
        return place

    def sentence(self, template: str, place: Place) -> str:
        """Return template with every {slot} filled by the control's text or the fact's words at place."""
        return re.sub(r"\{(\w+)\}", lambda slot: self._slot(slot[1], place), template)

    def _slot(self, name: str, place: Place) -> str:
        for control in self.controls:
            if control.name == name:
                return control.text(control.values(place)[place[name]])
        return str(self.facts[name].row(place))

    def met(self, place: Place, progress: int) -> int:
        """Return how many tasks are met once the controls stand at place: progress, or more."""
        while progress < len(self.tasks) - 1 and int(self.facts["met"].row(place)) >> progress & 1:
            progress += 1
        return progress

    def task(self, progress: int) -> str:
        """Return the challenge's sentence once `progress` tasks are met."""
        return self.tasks[min(max(progress, 0), len(self.tasks) - 1)]

    def payload(self) -> dict[str, Any]:
        """Return the table as the browser gets it."""
        return {
            "picture": self.picture,
            "title": self.title,
            "controls": [control.payload() for control in self.controls],
            "facts": {name: fact.payload() for name, fact in self.facts.items()},
            "readout": self.readout,
            "lines": list(self.lines),
            "tasks": list(self.tasks),
            "view": dict(self.view),
            "messages": {"off_list": OFF_LIST, "moved": MOVED},
        }


OFF_LIST = "{label} {value} is not on its list: choose one of {choices}. Until then the last setting, {kept}, stays."
MOVED = "{label} {value} is not among {choices} here, so it moved to {kept}."
