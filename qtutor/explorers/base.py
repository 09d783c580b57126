"""The ground of every explorer: traits that Python and the browser share, and one table that both look up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from qtutor.explorers.table import MOVED, OFF_LIST, Control, Table
from qtutor.pictures import embedded
from qtutor.pictures.words import number
from qtutor.qparams import float32

HERE = Path(__file__).parent


class Setting(traitlets.TraitType[Any, Any]):
    """A trait that a control moves. It takes anything, None too: the explorer's list decides, and answers in a sentence."""


class Explorer(anywidget.AnyWidget):
    """A widget whose every answer is looked up; a subclass has one trait for each control, and gives the table.

    readout    the sentence that says what the picture shows (the browser fills in the same one from the table)
    challenge  the challenge's present sentence
    message    a sentence where a value was refused or moved, else empty
    progress   how many tasks of the challenge are met
    busy       True while a new table is computed
    table      what the browser looks up
    """

    _esm = HERE / "explorer.js"
    _css = HERE / "explorer.css"

    table = traitlets.Dict().tag(sync=True)
    message = traitlets.Unicode("").tag(sync=True)
    progress = traitlets.Int(0).tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)
    readout = traitlets.Unicode("")
    challenge = traitlets.Unicode("")

    def __init__(self, facts: Table) -> None:
        self._facts = facts
        self._from_browser = False
        starts = {control.name: control.start for control in facts.controls}
        self._place = facts.place(starts)
        super().__init__(table=facts.payload(), **starts)
        self.observe(self._settle, names=list(starts))
        self.observe(self._say, names=["progress"])
        self._say()

    def reset(self) -> None:
        """Put every control back to its start and the challenge to its first task."""
        with self.hold_trait_notifications():
            for control in self._facts.controls:
                self.set_trait(control.name, control.start)
        self.message, self.progress = "", self._facts.met(self._place, 0)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take the browser's settings. It has said itself what it moved; several of its moves may arrive as one."""
        self._from_browser = True
        try:
            super().set_state(sync_data)
        finally:
            self._from_browser = False

    def __repr__(self) -> str:
        return "\n".join(sentence for sentence in (self.message, self.readout) if sentence)

    def _on_list(self, proposal: Any) -> Any:
        """Return the listed value that a proposed one stands for; where none does, say so and return the last good one."""
        control: Control = next(c for c in self._facts.controls if c.name == proposal["trait"].name)
        place = self._facts.place({c.name: self._standing(c) for c in self._facts.controls})
        values = control.values(place)
        found = [value for value in values if same(value, proposal["value"])]
        if found:
            return found[0]
        kept = self._last(control)
        refused, choices = written(proposal["value"]), control.choices(values)
        self.message = OFF_LIST.format(label=control.label, value=refused, choices=choices, kept=control.text(kept))
        return kept

    def _last(self, control: Control) -> Any:
        return control.values(self._place)[self._place[control.name]]

    def _standing(self, control: Control) -> Any:
        """Return the control's trait, or its last good value while the trait holds one that is on none of its lists."""
        value = getattr(self, control.name)
        return value if any(same(known, value) for known in control.everything()) else self._last(control)

    def _settle(self, change: Any = None) -> None:
        """Follow the traits: move what a list no longer holds, and say the new sentences."""
        place = self._facts.place({control.name: self._standing(control) for control in self._facts.controls})
        moves = [self._move(control, place) for control in self._facts.controls]
        if place != self._place:
            self._place = place
            self.message = self.message if self._from_browser else " ".join(filter(None, moves))
            self.progress = self._facts.met(place, self.progress)
            self._say()

    def _move(self, control: Control, place: dict[str, int]) -> str:
        """Set a control to where place has it; return the sentence that says so if its last value is gone."""
        last, values = self._last(control), control.values(place)
        kept = values[place[control.name]]
        self.set_trait(control.name, kept)
        if last in values or control.nearest(last, values) != place[control.name]:
            return ""
        texts = {"value": control.text(last), "choices": control.choices(values), "kept": control.text(kept)}
        return MOVED.format(label=control.label, **texts)

    def _say(self, change: Any = None) -> None:
        self.readout = self._facts.sentence(self._facts.readout, self._place)
        self.challenge = self._facts.task(self.progress)

    def _rebuild(self, compute: Callable[[], Table]) -> None:
        """Replace the table by a newly computed one; where that fails, keep the last good one and say why."""
        self.busy = True
        try:
            facts = compute()
        except (TypeError, ValueError) as error:
            self.message = f"{error} Until then the last picture stays."
        else:
            self._facts, self.table, self.message = facts, facts.payload(), ""
            self._place = facts.place({control.name: getattr(self, control.name) for control in facts.controls})
            self._settle()
            self.progress = facts.met(self._place, 0)
            self._say()
        finally:
            self.busy = False

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        data = {**data, "text/plain": repr(self)}
        if embedded.wanted():
            data["text/html"] = embedded.html(self, HERE / "explorer.js", HERE / "explorer.css", repr(self))
        return data, metadata


def same(listed: Any, given: Any) -> bool:
    """Return whether a given value stands for a listed one: the same number (a scale also as float32), word or flag.

    >>> same(4, 4.0), same(0.1, 0.10000000149011612), same(1, True), same(4, float("nan")), same(4, "4")
    (True, True, False, False, False)
    """
    if isinstance(listed, bool | str) or isinstance(given, bool | str):
        return type(listed) is type(given) and bool(listed == given)
    try:
        value = float(given)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return False
    return value in (listed, float32(listed))


def written(value: Any) -> str:
    """Return a refused value as a message writes it: a number in digits, all else as Python does, shortened.

    >>> written(-9), written("x"), written(float("nan"))
    ('−9', "'x'", 'nan')
    """
    text = number(value) if type(value) in (int, float) else " ".join(repr(value).split())
    return text if len(text) <= 40 else f"{text[:39]}…"
