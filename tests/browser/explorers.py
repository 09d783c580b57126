"""Every explorer with settings spread over its whole table, and the words that the kernels have for each of them.

A new explorer is one more line in EXPLORERS. The words come from the pictures, which ask the kernels at that one
setting; the page looks them up in the table.
"""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass

from qtutor import QParams, int_range
from qtutor.explorers.network import SCANS
from qtutor.explorers.quantizer import SCALES, zero_points
from qtutor.explorers.requantize import BITS, MULTIPLIERS
from qtutor.kernels import ROUNDINGS
from qtutor.network import hidden_activations
from qtutor.pictures.accumulator import accumulator_text, example_product
from qtutor.pictures.clipping import clipping_text
from qtutor.pictures.network import LAYER_NAMES, PART_NAMES, network_walk_text
from qtutor.pictures.requantizer import TWICE, requantizer_text, rounding_name
from qtutor.pictures.ring import ring_text
from qtutor.pictures.staircase import EIGHTHS, staircase_text
from qtutor.pictures.two_sums_map import two_sums_text

Setting = dict[str, object]  # label of a control -> its value: a number to type, True or False, the name of a choice


@dataclass(frozen=True)
class Driven:
    """An explorer, how to make it, settings to go to (in the order of their controls), and its words for a setting."""

    make: str
    settings: list[Setting]
    words: Callable[[Setting], str]


def spread(settings: list[Setting], count: int = 24) -> list[Setting]:
    """A fixed sample of all settings: the first, the last, and others drawn with a seed."""
    middle = random.Random(7).sample(settings[1:-1], count - 2)
    return [settings[0], *middle, settings[-1]]


def quantizer_settings() -> list[Setting]:
    formats = itertools.product(range(1, 9), (False, True), SCALES)
    return [
        {"signed": signed, "bit width": bits, "scale": scale, "zero point": zero_point}
        for bits, signed, scale in formats
        for zero_point in zero_points(bits, signed)
    ]


def quantizer_words(s: Setting) -> str:
    return staircase_text(EIGHTHS, QParams(s["scale"], s["zero point"], s["bit width"], s["signed"]))


def saturation_settings() -> list[Setting]:
    pairs = []
    for bits, signed in itertools.product(range(2, 9), (False, True)):
        low, high = int_range(bits, signed)
        ends = {low, low + 1, (low + high) // 2, high - 1, high}
        pairs += [{"signed": signed, "bit width": bits, "a": a, "b": b} for a in sorted(ends) for b in sorted(ends)]
    return pairs


def two_sums_settings() -> list[Setting]:
    halves, eighths = [n / 2 for n in range(6)], [n / 8 for n in range(-16, 17)]
    return [
        {"rounding": rounding, "zero point of a": z_a, "zero point of b": z_b, "a (steps)": a, "b (steps)": b}
        for rounding in ("half_even", "half_up", "floor")
        for z_a, z_b, a, b in itertools.product(halves, halves, eighths[::5], eighths[::3])
    ]


def two_sums_words(s: Setting) -> str:
    return two_sums_text((s["zero point of a"], s["zero point of b"]), s["rounding"], (s["a (steps)"], s["b (steps)"]))


def accumulator_settings() -> list[Setting]:
    return [
        {"overflow": overflow, "accumulator bits": bits, "weight bits": weight_bits, "input bits": x_bits}
        for overflow in ("wrap", "saturate")
        for bits, weight_bits, x_bits in itertools.product(range(3, 15), range(2, 7), range(2, 7))
    ]


def accumulator_words(s: Setting) -> str:
    return accumulator_text(*example_product(s["input bits"], s["weight bits"]), s["accumulator bits"], s["overflow"])


def requantize_settings() -> list[Setting]:
    return [
        {"rounding": rounding, "multiplier": multiplier, "bits": bits, "accumulator": accumulator}
        for rounding in (*ROUNDINGS, TWICE)
        for multiplier, bits, accumulator in itertools.product(MULTIPLIERS, BITS, range(-32, 33, 7))
    ]


def requantize_words(s: Setting) -> str:
    return requantizer_text(s["multiplier"], s["bits"], s["rounding"], s["accumulator"])


def scale_settings() -> list[Setting]:
    return [{"bit width": bits, "clip at (%)": clip} for bits in range(2, 9) for clip in range(1, 101)]


def scale_words(s: Setting) -> str:
    return clipping_text(hidden_activations(), s["bit width"], s["clip at (%)"])


def network_settings() -> list[Setting]:
    return [
        {"scan": scan, "look at": layer, "narrow": part, "bit width": bits}
        for scan, layer, part, bits in itertools.product(SCANS, LAYER_NAMES.values(), PART_NAMES.values(), range(1, 9))
    ]


def network_words(s: Setting) -> str:
    (layer,) = (name for name, text in LAYER_NAMES.items() if text == s["look at"])
    (part,) = (name for name, text in PART_NAMES.items() if text == s["narrow"])
    return network_walk_text(s["scan"], part, s["bit width"], layer)


EXPLORERS = {
    "quantizer": Driven("qtutor.quantizer_explorer()", spread(quantizer_settings()), quantizer_words),
    "saturation": Driven(
        "qtutor.saturation_explorer()",
        spread(saturation_settings()),
        lambda s: ring_text(s["a"], s["b"], s["bit width"], s["signed"]),
    ),
    "two_sums": Driven("qtutor.two_sums_explorer()", spread(two_sums_settings()), two_sums_words),
    "accumulator": Driven("qtutor.accumulator_explorer()", spread(accumulator_settings()), accumulator_words),
    "requantize": Driven("qtutor.requantize_explorer()", spread(requantize_settings()), requantize_words),
    "scale": Driven("qtutor.scale_explorer()", spread(scale_settings()), scale_words),
    "network": Driven("qtutor.network_explorer()", spread(network_settings()), network_words),
}

CHOICES = {
    **{rounding: rounding_name(rounding) for rounding in (*ROUNDINGS, TWICE)},
    **{text: text for text in ("wrap", "saturate", *LAYER_NAMES.values(), *PART_NAMES.values())},
}
