"""The network explorer: one scan on its way through an integer-only network. Take bits from one part: when does the answer flip?"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import traitlets

from qtutor.explorers.base import Explorer, Setting
from qtutor.explorers.table import Control, Fact, Table, numbers, words
from qtutor.network import load_digits
from qtutor.network.narrowing import FULL, PARTS, WEIGHTS, Stage
from qtutor.pictures.network import (
    COLUMNS,
    LAYER_NAMES,
    LAYERS,
    NETWORK_SENTENCE,
    NOTHING_CLIPPED,
    PART_NAMES,
    WIDTHS,
    Walk,
    answer_text,
    clipped_text,
    ends_of,
    range_text,
    span,
    stages,
    walk,
)
from qtutor.pictures.words import counted

# of the 597 scans that the network did not learn from: answers that flip at once, late, and never; two wrong ones
SCANS = (1221, 1241, 1412, 1471, 1491, 1551, 1575, 1595, 1598, 1605, 1730, 1773)
TESTED = 1200  # the first of them
ASKED_PART, ASKED_BITS, ASKED_SCAN = "fc1", 2, 1412  # by the challenge


@dataclass(frozen=True)
class NetworkSettings:
    """Where the explorer starts: one bit more than the answer needs."""

    scan: int = 1491
    layer: str = "relu1"
    part: str = "fc1"
    bit_width: int = 4


def network_explorer() -> "NetworkExplorer":
    """Return a widget that takes one of twelve scans through a trained integer-only network, one part of it in fewer bits.

    returns   an ipywidget with the traits scan (a number of `load_digits`), layer (whose integers are shown: "pixels",
              "fc1", "relu1", "fc2", "relu2", "fc3"), part (what is narrowed: the weights of "fc1", "fc2" or "fc3", the
              integers of "relu1" or "relu2"), bit_width (1 … 8, of that part), and readout, challenge and message, all
              to read, set and observe
    raises    nothing for a value off its list: the last picture stays, and `message` says what is possible
    source    every number in it is an integer of the stored network mlp_w8a8 by qtutor's linear and its multipliers,
              computed before the first move

    >>> explorer = network_explorer()
    >>> explorer.layer, explorer.bit_width = "relu2", 3
    >>> for sentence in explorer.readout.split(". "): print(sentence)
    Scan 1491, digit 8, weights of fc1 in 3 bits: answer 1, flipped from 8
    Integers of relu2: the format holds 0 … 255 (8 bits), this scan reaches 0 … 255, 3 of 64 saturate, 29 were below 0.
    """
    return NetworkExplorer(network_table())


class NetworkExplorer(Explorer):
    """A slider for the scan, choices of the layer that is shown and of the part that is narrowed, a slider for its bits."""

    scan = Setting().tag(sync=True)
    layer = Setting().tag(sync=True)
    part = Setting().tag(sync=True)
    bit_width = Setting().tag(sync=True)

    @traitlets.validate("scan", "layer", "part", "bit_width")
    def _listed(self, proposal: Any) -> Any:
        return self._on_list(proposal)


@dataclass(frozen=True, eq=False)
class Narrowed:
    """The network at one setting: its layers, the twelve scans in them, and how many of the 597 it names rightly."""

    layers: tuple[Stage, ...]
    walk: Walk
    right: int


Every = dict[tuple[str, int], Narrowed]
BY_PART = {"part": len(WIDTHS), "bit_width": 1}
BY_ANSWER = {name: stride * len(SCANS) for name, stride in BY_PART.items()} | {"scan": 1}
BY_RANGE = {"layer": len(PARTS) * len(WIDTHS)} | BY_PART
BY_REACH = {name: stride * len(SCANS) for name, stride in BY_RANGE.items()} | {"scan": 1}


@cache
def network_table() -> Table:
    """Return the integers of every layer, for every scan, with every part at every width."""
    every = every_network()
    answers = np.array([network.walk.answers for network in every.values()])  # [parts and widths, scans]
    met, tasks = challenge(answers.reshape(len(PARTS), len(WIDTHS), -1))
    return Table(
        picture="walk",
        title="Network explorer",
        controls=controls(),
        facts={
            **answer_facts(every, answers),
            **layer_facts(every),
            **{name: fact for layer in LAYERS for name, fact in integer_facts(every, layer).items()},
            "met": numbers(met, BY_ANSWER),
        },
        readout=NETWORK_SENTENCE,
        lines=(
            "{part} in {width}: {weights}",
            "all 597 scans that it did not learn from: {right}",
        ),
        tasks=tasks,
        view={
            "layers": LAYERS,
            "columns": [COLUMNS[layer] for layer in LAYERS],
            "counts": [every[PARTS[0], FULL].walk.values[layer].shape[1] for layer in LAYERS],
            "parts": [LAYERS.index(part) for part in PARTS],
            "ink": int(load_digits()[0].max()),
        },
    )


def every_network() -> Every:
    """Return every part at every width; 8 bits are the same network each time."""
    scans, labels = (part[TESTED:] for part in load_digits())
    shown = scans[[scan - TESTED for scan in SCANS]]
    full = network_of(stages(PARTS[0], FULL), shown, scans, labels)
    return {
        (part, bits): full if bits == FULL else network_of(stages(part, bits), shown, scans, labels)
        for part in PARTS
        for bits in WIDTHS
    }


def network_of(layers: tuple[Stage, ...], shown: torch.Tensor, scans: torch.Tensor, labels: torch.Tensor) -> Narrowed:
    """Return the network of these layers: the twelve scans on their way, and the right answers of all."""
    right = sum(a == b for a, b in zip(walk(layers, scans).answers, labels.tolist(), strict=True))
    return Narrowed(layers, walk(layers, shown), right)


def controls() -> tuple[Control, ...]:
    """Return the four controls."""
    start = NetworkSettings()
    return (
        Control("scan", "scan", (SCANS,), start.scan, spoken="scan {scan}, digit {digit}: {answer}"),
        Control("layer", "look at", (LAYERS,), start.layer, kind="choice", text=LAYER_NAMES.__getitem__),
        Control("part", "narrow", (PARTS,), start.part, kind="choice", text=PART_NAMES.__getitem__),
        Control("bit_width", "bit width", (WIDTHS,), start.bit_width, spoken="{part} in {width}: {answer}"),
    )


def answer_facts(every: Every, answers: Any) -> dict[str, Fact]:
    """Return the answers of all widths, and the words about the answer and the narrowed part."""
    digits = load_digits()[1][list(SCANS)].tolist()
    told = [
        answer_text(answer, full, digit, bits)
        for (_, bits), row in zip(every, answers.tolist(), strict=True)
        for answer, full, digit in zip(row, answers[-1].tolist(), digits, strict=True)
    ]
    by_width = answers.reshape(len(PARTS), len(WIDTHS), len(SCANS)).transpose(0, 2, 1)
    return {
        "digit": words(map(str, digits), {"scan": 1}),
        "width": words((counted(bits, "bit") for bits in WIDTHS), {"bit_width": 1}),
        "answer": words(told, BY_ANSWER),
        "answers": numbers(by_width, {"part": len(SCANS), "scan": 1}, width=len(WIDTHS)),
        "right": words((f"{network.right} right" for network in every.values()), BY_PART),
        "weights": words((part_text(part, network.layers) for (part, _), network in every.items()), BY_PART),
    }


def part_text(part: str, layers: tuple[Stage, ...]) -> str:
    """Return the integers that a part can have; of weights, how many are 0.

    >>> part_text("relu1", stages("relu1", 3)), part_text("fc1", stages("fc1", 3))
    ('0 … 7', '−3 … 3, 1,901 of 4,096 are 0')
    """
    layer, meaning = layers[PARTS.index(part)].layer, layers[PARTS.index(part)].meaning
    if part not in WEIGHTS:
        return span(meaning.low, meaning.high)
    weight = layer.weight  # type: ignore[union-attr]
    return f"{span(*ends_of(weight))}, {int((weight == 0).sum()):,} of {weight.numel():,} are 0"


def layer_facts(every: Every) -> dict[str, Fact]:
    """Return the range of every layer, and what each scan reaches of it: as words and as ends of bars."""
    ranges = [network.walk.meanings[layer] for layer in LAYERS for network in every.values()]
    of_layer = [layer for layer in LAYERS for _ in every]
    reached: list[tuple[int, int]] = []
    clipped: list[str] = []
    for layer in LAYERS:
        for network in every.values():
            reached += [ends_of(row) for row in network.walk.values[layer]]
            beyond = network.walk.beyond.get(layer)
            clipped += [NOTHING_CLIPPED] * len(SCANS) if beyond is None else map(clipped_text, beyond)
    return {
        "shown": words((LAYER_NAMES[layer].capitalize() for layer in LAYERS), {"layer": 1}),
        "range": words(map(range_text, ranges, of_layer), BY_RANGE),
        "ends": numbers([(meaning.low, meaning.high) for meaning in ranges], BY_RANGE, width=2),
        "reach": words((span(*ends) for ends in reached), BY_REACH),
        "reached": numbers(reached, BY_REACH, width=2),
        "clipped": words(clipped, BY_REACH),
    }


def integer_facts(every: Every, layer: str) -> dict[str, Fact]:
    """Return the integers of a layer: for each scan those of every network that differ up to here, one after another.

    What is narrowed later in the network changes nothing here; `<layer>_at` says which of them a setting has.
    """
    place = LAYERS.index(layer)  # so many parts stand before it, or are it
    differing = [(p, b) for p in PARTS[:place] for b in WIDTHS[:-1]] + [(PARTS[-1], FULL)]
    at = [differing.index(key) if key in differing else len(differing) - 1 for key in every]
    walks = [every[key].walk for key in differing]
    facts = {layer: torch.stack([w.values[layer] for w in walks], 1)}
    if layer in walks[0].beyond:
        facts[f"{layer}_beyond"] = torch.stack([w.beyond[layer] for w in walks], 1)
    in_rows = {name: numbers(all_.flatten(1), {"scan": 1}, width=all_[0].numel()) for name, all_ in facts.items()}
    return in_rows | {f"{layer}_at": numbers(at, BY_PART)}


def challenge(answers: Any) -> tuple[Any, tuple[str, ...]]:
    """Return the met bits and the sentences: a scan that keeps its answer in 2 bits, and what flips another one first."""
    kept, met = answers == answers[:, -1:], np.zeros(answers.shape, dtype=np.uint8)
    narrow = (PARTS.index(ASKED_PART), WIDTHS.index(ASKED_BITS))
    met[narrow] = kept[narrow]
    widest = [max(np.flatnonzero(~row).tolist(), default=-1) for row in kept[:, :, SCANS.index(ASKED_SCAN)]]
    first = widest.index(max(widest))
    met[first, widest[first], SCANS.index(ASKED_SCAN)] |= 2
    stays = ", ".join(str(scan) for scan, keeps in zip(SCANS, kept[narrow], strict=True) if keeps)
    asked = f"{PART_NAMES[ASKED_PART]} in {counted(ASKED_BITS, 'bit')}"
    return met, (
        f"Challenge: {asked}. Find a scan that keeps its answer.",
        f"✓ Met: of these scans {stays} keep theirs. Next: scan {ASKED_SCAN}. Take bits from one part after another:"
        " which flips the answer first, at the most bits?",
        f"✓ Both met: the {PART_NAMES[PARTS[first]]} in {counted(WIDTHS[widest[first]], 'bit')} flip it first;"
        " the other parts can be narrower.",
    )
