"""explorer.js reads the table as Python does: the same places, sentences, moves and challenges, run in Node.

(The page itself, with a real browser, is tested elsewhere.)
"""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from all_explorers import EXPLORERS

from qtutor.explorers import quantizer_explorer
from qtutor.explorers.base import Explorer
from qtutor.explorers.table import Table

MODULE = Path(__file__).resolve().parent.parent.parent / "qtutor" / "explorers" / "explorer.js"
NODE = shutil.which("node")

# Reads {payload, places, moves, typed} and writes what the module makes of them.
ASK = """
import * as module from "./explorer.mjs";
import { readFileSync } from "node:fs";
const asked = JSON.parse(readFileSync(0, "utf8"));
const answer = {};
try {
  const table = module.open(asked.payload);
  const control = (name) => table.byName[name];
  answer.said = asked.places.map((place) => [table.readout, ...table.lines, ...table.controls.map((c) => c.spoken)]
    .map((template) => module.sentence(table, template, place)));
  answer.met = asked.places.map((place) => [0, 1, 2].map((progress) => module.met(table, place, progress)));
  answer.moved = asked.moves.map(([place, name, position]) => module.moved(table, place, name, position));
  answer.typed = asked.typed.map(([name, text]) => module.typed(control(name), module.starts(table), text));
  answer.starts = module.starts(table);
} catch (error) {
  answer.error = String(error);
}
process.stdout.write(JSON.stringify(answer));
"""


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    if NODE is None and "CI" not in os.environ:
        pytest.skip("node is not installed, so explorer.js cannot be run outside a browser")
    assert NODE is not None, "CI must have node to run explorer.js"
    shutil.copy(MODULE, tmp_path / "explorer.mjs")
    (tmp_path / "ask.mjs").write_text(ASK, "utf-8")

    def run(payload: dict[str, Any], places: Any = (), moves: Any = (), typed: Any = ()) -> dict[str, Any]:
        question = json.dumps({"payload": payload, "places": places, "moves": moves, "typed": typed})
        done = subprocess.run(
            [NODE, "ask.mjs"], cwd=tmp_path, input=question, capture_output=True, encoding="utf-8", check=True
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return run


def every_place(table: Table) -> list[dict[str, int]]:
    """Every reachable place of the controls, in order."""
    places: list[dict[str, int]] = [{}]
    for control in table.controls:
        places = [{**place, control.name: i} for place in places for i in range(len(control.values(place)))]
    return places


def some_places(table: Table) -> list[dict[str, int]]:
    """All places of an explorer that has few, and 4,000 of the others."""
    places = every_place(table)
    return places if len(places) < 4000 else random.Random(1).sample(places, 4000)


@pytest.mark.parametrize("name", EXPLORERS)
def test_the_browser_says_what_python_says(name: str, ask: Any) -> None:
    table = EXPLORERS[name]()._facts
    places = some_places(table)
    answer = ask(table.payload(), places=places)
    templates = [table.readout, *table.lines, *(c.spoken or f"{{{c.name}}}" for c in table.controls)]
    assert answer["said"] == [[table.sentence(template, place) for template in templates] for place in places]
    assert answer["met"] == [[table.met(place, progress) for progress in (0, 1, 2)] for place in places]


@pytest.mark.parametrize("name", EXPLORERS)
def test_the_browser_starts_where_python_starts(name: str, ask: Any) -> None:
    explorer = EXPLORERS[name]()
    assert ask(explorer.table)["starts"] == explorer._place


def put(explorer: Explorer, place: dict[str, int]) -> None:
    with explorer.hold_trait_notifications():
        for control in explorer._facts.controls:
            explorer.set_trait(control.name, control.values(place)[place[control.name]])


@pytest.mark.parametrize("name", EXPLORERS)
def test_the_browser_moves_dependent_controls_as_python_does(name: str, ask: Any) -> None:
    explorer, draw = EXPLORERS[name](), random.Random(2)
    table, expected, moves = explorer._facts, [], []
    for place in draw.sample(every_place(table), 150):
        control = draw.choice(table.controls[:2])
        position = draw.randrange(len(control.values(place)))
        put(explorer, place)
        if position != place[control.name]:
            explorer.set_trait(control.name, control.values(place)[position])
            moves.append([place, control.name, position])
            expected.append({"place": explorer._place, "message": explorer.message})
    assert ask(table.payload(), moves=moves)["moved"] == expected
    assert any(e["message"] for e in expected) == any(control.by for control in table.controls)


@pytest.mark.parametrize(
    ("name", "text", "position"),
    [
        ("scale", "0.5", 6),
        ("scale", " 0,5 ", 6),
        ("scale", "0.50", 6),
        ("scale", "0.6", -1),
        ("scale", "", -1),
        ("scale", "half", -1),
        ("zero_point", "-8", 0),
        ("zero_point", "−8", 0),
        ("zero_point", "8", -1),
        ("zero_point", "NaN", -1),
        ("bit_width", "0", -1),
        ("bit_width", "1e0", 0),
    ],
)
def test_a_typed_value_is_found_on_the_list_or_not(name: str, text: str, position: int, ask: Any) -> None:
    assert ask(quantizer_explorer().table, typed=[[name, text]])["typed"] == [position]


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_table_that_does_not_fit_its_controls_is_refused(name: str, ask: Any) -> None:
    payload = json.loads(json.dumps(EXPLORERS[name]().table))
    assert "error" not in ask(payload)
    payload["facts"]["met"]["data"] = "AAAA"  # three entries
    assert ask(payload)["error"] == "RangeError: fact met is too short"


def test_every_place_of_the_quantizer_is_tried() -> None:
    places = every_place(quantizer_explorer()._facts)
    assert len({tuple(place.items()) for place in places}) == len(places) == 2156
