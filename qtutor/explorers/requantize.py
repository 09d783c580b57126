"""The requantize explorer: a real multiplier in few bits, a rounding, and the error of every accumulator."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import traitlets
from torch import Tensor

from qtutor.explorers.base import Explorer, Setting
from qtutor.explorers.own import finished, raised
from qtutor.explorers.table import Control, Fact, Table, numbers, words
from qtutor.kernels import ROUNDINGS
from qtutor.pictures.requantizer import (
    ACCUMULATORS,
    REQUANTIZER_SENTENCE,
    TWICE,
    Rescaled,
    mantissa_and_shift,
    mean_text,
    missed_text,
    pair_text,
    rescale,
    rounding_name,
    value_text,
)
from qtutor.pictures.words import number, signed_number

MULTIPLIERS = (0.1, 0.2, 0.25, 0.3, 0.375, 0.4, 0.5, 0.7, 0.75, 0.8)
BITS = tuple(range(2, 9))
OWN = "own"
PLACES = len(ACCUMULATORS)

Requantize = Callable[[Tensor, int, int, int, int, bool], Tensor]


@dataclass(frozen=True)
class RequantizeSettings:
    """Where the explorer starts."""

    multiplier: float = 0.3
    bits: int = 3
    rounding: str = "half_even"
    accumulator: int = 12


def requantize_explorer(requantize: Requantize | None = None) -> "RequantizeExplorer":
    """Return a widget that multiplies the accumulators −32 … 32 by a mantissa of 2 to 8 bits, and shifts and rounds.

    requantize   None, or a function of your own (accumulators, mantissa, shift, zero_point, bit_width, signed) ->
                 integers, as in exercise 5.B: one more rounding, named "own", at zero point 0 and 8 signed bits
    returns      an ipywidget with the traits multiplier (a list of 10), bits (2 … 8), rounding (six, and gemmlowp's
                 two in a row), accumulator (−32 … 32), requantize, and readout, challenge and message, all to read,
                 set and observe
    raises       nothing for a value off its list, or for a function that fails: the last picture stays, and
                 `message` says why
    source       every number in it is qtutor's FixedPointMultiplier and rounding_right_shift (or your function),
                 against exact fractions, computed before the first move

    >>> explorer = requantize_explorer()
    >>> explorer.bits = 4
    >>> for sentence in explorer.readout.split(". "): print(sentence)
    0.3 in 4 bits is 10 / 2^5 = 0.3125
    Rounding half to even: 10 of 65 accumulators miss the nearest integer, mean error 0
    At accumulator 12: exact 3.6, kept 4, error +0.4.
    """
    return RequantizeExplorer(requantize)


class RequantizeExplorer(Explorer):
    """Sliders for multiplier, bits and accumulator, a choice of roundings, and the errors of all accumulators."""

    multiplier = Setting().tag(sync=True)
    bits = Setting().tag(sync=True)
    rounding = Setting().tag(sync=True)
    accumulator = Setting().tag(sync=True)
    requantize = traitlets.Any()

    def __init__(self, requantize: Requantize | None = None) -> None:
        super().__init__(standard_table())
        self.observe(self._take_function, names=["requantize"])
        self.requantize = requantize

    @traitlets.validate("multiplier", "bits", "rounding", "accumulator")
    def _listed(self, proposal: Any) -> Any:
        return self._on_list(proposal)

    def _take_function(self, change: Any) -> None:
        own = change["new"]
        self._rebuild(standard_table if own is None else lambda: finished(lambda: requantize_table(own)))


@cache
def standard_table() -> Table:
    """Return the table of the six roundings, and of two in a row."""
    return requantize_table()


def requantize_table(own: Requantize | None = None) -> Table:
    """Return what becomes of every accumulator at every setting.

    own   None, or a learner's function: an eighth rounding
    """
    roundings = (*ROUNDINGS, TWICE) + (() if own is None else (OWN,))
    once = {(m, b): rescale(m, b, "half_even") for m in MULTIPLIERS for b in BITS}
    every = [
        rescaled_by(own, once[m, b]) if own is not None and r == OWN else rescale(m, b, r)
        for m in MULTIPLIERS
        for b in BITS
        for r in roundings
    ]
    met, tasks = challenge(every, roundings)
    return Table(
        picture="errors",
        title="Requantize explorer",
        controls=controls(roundings),
        facts={
            **setting_facts(every, list(once.values()), len(roundings)),
            **accumulator_facts(every, len(roundings)),
            "met": numbers(met, by_setting(len(roundings))),
        },
        readout=REQUANTIZER_SENTENCE,
        lines=("{accumulator} × {mantissa} = {product}, shifted by {shift}: {quotient} → {kept}",),
        tasks=tasks,
        view={
            "given": ACCUMULATORS.tolist(),
            "texts": [number(n) for n in (-32, -16, 0, 16, 32)],
            "places": [0, 16, 32, 48, 64],
            "errors": [-2, -1, 0, 1, 2],
            "error_texts": [signed_number(n) for n in (-2, -1, 0, 1, 2)],
            "limit": 3,
        },
    )


def rescaled_by(own: Requantize, once: Rescaled) -> Rescaled:
    """Return what a learner's function makes of the accumulators; raise a sentence where it gives no such integers."""
    mantissa, shift = mantissa_and_shift(once.pair)
    call = f"{getattr(own, '__name__', 'your function')}(accumulators, {mantissa}, {shift}, 0, 8, True)"
    try:
        kept = own(ACCUMULATORS.to(torch.int32), mantissa, shift, 0, 8, True)
    except BaseException as error:  # the learner's code may raise anything, SystemExit too
        raise ValueError(f"{call} {raised(error)}") from error
    if not isinstance(kept, Tensor) or kept.is_floating_point() or kept.is_complex() or kept.dtype == torch.bool:
        kind = str(kept.dtype) if isinstance(kept, Tensor) else type(kept).__name__
        raise TypeError(f"{call} returned {kind}: return an integer tensor of the accumulators' shape.")
    if kept.shape != ACCUMULATORS.shape:
        raise ValueError(f"{call} returned shape {tuple(kept.shape)} for {tuple(ACCUMULATORS.shape)}: return one each.")
    return Rescaled(once.pair, once.real, kept.to(torch.int64))


def controls(roundings: tuple[str, ...]) -> tuple[Control, ...]:
    """Return the four controls."""
    start, places = RequantizeSettings(), tuple(ACCUMULATORS.tolist())
    return (
        Control("multiplier", "multiplier", (MULTIPLIERS,), start.multiplier, spoken="{multiplier}, {missed}"),
        Control("bits", "bits", (BITS,), start.bits, spoken="{bits} bits: {pair} = {value}, {missed}"),
        Control("rounding", "rounding", (roundings,), start.rounding, kind="choice", text=rounding_name),
        Control("accumulator", "accumulator", (places,), start.accumulator, spoken="{accumulator} is kept as {kept}"),
    )


def by_setting(roundings: int) -> dict[str, int]:
    """Return the strides of a fact for each multiplier, number of bits and rounding."""
    return {"multiplier": len(BITS) * roundings, "bits": roundings, "rounding": 1}


def setting_facts(every: list[Rescaled], once: list[Rescaled], roundings: int) -> dict[str, Fact]:
    """Return what holds for all accumulators at a setting: the pair, the errors, and their words."""
    by, by_pair = by_setting(roundings), {"multiplier": len(BITS), "bits": 1}
    pairs = [mantissa_and_shift(facts.pair) for facts in once]
    return {
        "pair": words((pair_text(facts.pair) for facts in once), by_pair),
        "value": words((value_text(facts.pair) for facts in once), by_pair),
        "mantissa": words((number(mantissa) for mantissa, _ in pairs), by_pair),
        "shift": words((number(shift) for _, shift in pairs), by_pair),
        "missed": words((missed_text(int(facts.missed.sum()), PLACES) for facts in every), by),
        "mean": words(map(mean_text, every), by),
        "errors": numbers(torch.stack([facts.errors for facts in every]).float(), by, width=PLACES),
        "far": numbers(torch.stack([facts.missed for facts in every]).int(), by, width=PLACES),
    }


def accumulator_facts(every: list[Rescaled], roundings: int) -> dict[str, Fact]:
    """Return the words about one accumulator at every setting."""
    by_pair = {"multiplier": len(BITS) * PLACES, "bits": PLACES, "accumulator": 1}
    by = {name: stride * PLACES for name, stride in by_setting(roundings).items()} | {"accumulator": 1}
    exact = torch.stack([facts.exact for facts in every[:: len(BITS) * roundings]])
    kept, errors = torch.stack([facts.kept for facts in every]), torch.stack([facts.errors for facts in every])
    products = [
        (mantissa * n, shift)
        for mantissa, shift in (mantissa_and_shift(facts.pair) for facts in every[::roundings])
        for n in ACCUMULATORS.tolist()
    ]
    return {
        "exact": words(map(number, exact.flatten().tolist()), {"multiplier": PLACES, "accumulator": 1}),
        "product": words((number(product) for product, _ in products), by_pair),
        "quotient": words((number(product / 2**shift) for product, shift in products), by_pair),
        "kept": words(map(number, kept.flatten().tolist()), by),
        "error": words(map(signed_number, errors.flatten().tolist()), by),
    }


def challenge(every: list[Rescaled], roundings: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """Return which settings meet which task, and the sentences: enough bits; a bias; a second rounding."""
    misses = np.array([int(facts.missed.sum()) for facts in every]).reshape(len(MULTIPLIERS), len(BITS), -1)
    sums = np.array([int(facts.excess.sum()) for facts in every]).reshape(misses.shape)
    met = np.zeros(misses.shape, dtype=np.uint8)
    three, even, twice = MULTIPLIERS.index(0.3), roundings.index("half_even"), roundings.index(TWICE)
    fewest = int(np.flatnonzero(misses[three, :, even] == 0)[0])
    met[three, fewest, even] = 1
    half = MULTIPLIERS.index(0.5)
    met[half][(misses[half] == 0) & (sums[half] != 0)] = 2
    met[:, :, twice] |= ((misses[:, :, twice] > 0) & (misses[:, :, even] == 0)).astype(np.uint8) * 4
    return met, (
        "Challenge: multiplier 0.3, half to even. Find the fewest bits at which no accumulator misses the nearest"
        " integer.",
        f"✓ Met: {BITS[fewest]} bits. Next: multiplier 0.5. Find a rounding that misses no nearest integer, and still"
        " is off on average.",
        "✓ Met: it sends every tie the same way. Next: half up, then half away. Find a multiplier and bits that miss"
        " nothing half to even, and something when rounded twice.",
        "✓ All met: bits enough for the multiplier, ties by turns, and one rounding.",
    )
