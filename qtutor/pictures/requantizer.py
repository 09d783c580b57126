"""The requantizer: how far each accumulator's integer lies from accumulator × multiplier, in steps of the output."""

from dataclasses import dataclass
from fractions import Fraction

import torch
from matplotlib.axes import Axes
from torch import Tensor

from qtutor.kernels import FixedPointMultiplier, rounding_right_shift
from qtutor.pictures.axes import BLUE, GREY, INK, ORANGE, describe
from qtutor.pictures.two_sums_map import rounding_text
from qtutor.pictures.words import counted, number, signed_number

ACCUMULATORS = torch.arange(-32, 33)
TWICE = "half_up_then_away"  # gemmlowp's two roundings: the mantissa's bits are dropped first, then the rest
# the sentence that the picture and its explorer share
REQUANTIZER_SENTENCE = (
    "{multiplier} in {bits} bits is {pair} = {value}. Rounding {rounding}: {missed}, mean error {mean}. "
    "At accumulator {accumulator}: exact {exact}, kept {kept}, error {error}."
)


@dataclass(frozen=True)
class Rescaled:
    """What becomes of the accumulators −32 … 32: one entry each.

    pair   the mantissa and the shift
    real   the multiplier as it is written: 0.3 is three tenths
    kept   the integers, before zero point and saturation
    """

    pair: FixedPointMultiplier
    real: Fraction
    kept: Tensor

    @property
    def excess(self) -> Tensor:
        """Kept minus exact, in units of 1 / real.denominator: whole numbers."""
        return self.kept * self.real.denominator - ACCUMULATORS * self.real.numerator

    @property
    def exact(self) -> Tensor:
        """Accumulator times multiplier, as float64."""
        return (ACCUMULATORS * self.real.numerator).double() / self.real.denominator

    @property
    def errors(self) -> Tensor:
        """Kept minus exact, in steps, as float64."""
        return self.excess.double() / self.real.denominator

    @property
    def missed(self) -> Tensor:
        """Where the kept integer is further than half a step from the exact number."""
        return 2 * self.excess.abs() > self.real.denominator


def draw_requantizer(
    ax: Axes, multiplier: float, bits: int, rounding: str = "half_even", accumulator: int = 12
) -> Axes:
    """Draw the error of each accumulator from −32 to 32: dots within half a step, triangles beyond.

    ax            axes to draw on, about 7 by 4 inches
    multiplier    the real number wanted, 0 < multiplier < 2**bits; 0.3 is taken as three tenths
    bits          of the mantissa, 1 … 31
    rounding      a name in qtutor.kernels.ROUNDINGS, or "half_up_then_away", gemmlowp's two
    accumulator   the marked one, −32 … 32
    returns       ax; ax.alt holds its words (`requantizer_text`)
    raises        ValueError as `FixedPointMultiplier.from_real`; for another rounding or accumulator

    >>> from qtutor.pictures import new_axes
    >>> draw_requantizer(new_axes(7, 4), 0.3, bits=3).alt.split(". ")[0]
    '0.3 in 3 bits is 5 / 2^4 = 0.3125'
    """
    words, facts = requantizer_text(multiplier, bits, rounding, accumulator), rescale(multiplier, bits, rounding)
    ax.axhspan(-0.5, 0.5, color=GREY, alpha=0.15, linewidth=0, label="within ½ step")
    near, far = (False, BLUE, "o", "nearest integer"), (True, ORANGE, "^", "further than ½ step")
    for missed, color, marker, label in (near, far):
        shown = facts.missed == missed
        if shown.any():
            ax.scatter(
                ACCUMULATORS[shown], facts.errors[shown], s=22, marker=marker, color=color, label=label, zorder=3
            )
    here = facts.errors[accumulator == ACCUMULATORS].item()
    ax.scatter([accumulator], [here], s=170, facecolors="none", edgecolors=INK, linewidth=2, label="marked", zorder=4)
    ax.set(xlabel="accumulator", ylabel="error (steps of the output)", xlim=(-33.5, 33.5), ylim=(-3, 3))
    ax.set_title(f"{number(multiplier)} as {pair_text(facts.pair)}, {rounding_name(rounding)}")
    ax.grid(color=GREY, alpha=0.3, linewidth=0.6)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncol=4, frameon=False, fontsize=9)
    return describe(ax, words)


def requantizer_text(multiplier: float, bits: int, rounding: str, accumulator: int) -> str:
    """Return the words of the picture: the pair, how many accumulators miss the nearest integer, and the marked one.

    >>> for sentence in requantizer_text(0.3, 3, "half_even", 12).split(". "): print(sentence)
    0.3 in 3 bits is 5 / 2^4 = 0.3125
    Rounding half to even: 10 of 65 accumulators miss the nearest integer, mean error 0
    At accumulator 12: exact 3.6, kept 4, error +0.4.
    """
    facts = rescale(multiplier, bits, rounding)
    if accumulator not in range(-32, 33):
        nearest = min(max(accumulator, -32), 32)
        raise ValueError(f"accumulator {accumulator} is outside −32 … 32, what the picture shows: use {nearest}.")
    place = ACCUMULATORS.tolist().index(accumulator)
    return REQUANTIZER_SENTENCE.format(
        multiplier=number(multiplier),
        bits=number(bits),
        pair=pair_text(facts.pair),
        value=value_text(facts.pair),
        rounding=rounding_name(rounding),
        missed=missed_text(int(facts.missed.sum()), len(ACCUMULATORS)),
        mean=mean_text(facts),
        accumulator=number(accumulator),
        exact=number(facts.exact[place].item()),
        kept=number(int(facts.kept[place])),
        error=signed_number(facts.errors[place].item()),
    )


def rescale(multiplier: float, bits: int, rounding: str) -> Rescaled:
    """Return what the kernels make of the accumulators −32 … 32.

    >>> rescale(0.5, 2, "floor").kept[-4:].tolist()     # of 29, 30, 31, 32
    [14, 15, 15, 16]
    """
    real = Fraction(str(multiplier))
    pair = FixedPointMultiplier.from_real(real, bits)
    return Rescaled(pair, real, rescaled(pair, bits, rounding))


def rescaled(pair: FixedPointMultiplier, bits: int, rounding: str) -> Tensor:
    """Return the accumulators times mantissa / 2**shift, rounded once by a rule, or twice.

    >>> rescaled(FixedPointMultiplier(5, 4), 3, "half_even")[33].item()     # accumulator 1: 5 / 16
    0
    >>> rescaled(FixedPointMultiplier(5, 4), 3, TWICE)[33].item()     # 5 / 8 is 1, and 1 / 2 is 1
    1
    """
    mantissa, shift = mantissa_and_shift(pair)
    if rounding != TWICE:
        return rounding_right_shift(ACCUMULATORS * mantissa, shift, rounding)
    first = min(bits, shift)
    upper = rounding_right_shift(ACCUMULATORS * mantissa, first, "half_up")
    return rounding_right_shift(upper, shift - first, "half_away")


def mantissa_and_shift(pair: FixedPointMultiplier) -> tuple[int, int]:
    """Return both of a per-tensor multiplier; raise ValueError for a per-channel one.

    >>> mantissa_and_shift(FixedPointMultiplier(5, 4))
    (5, 4)
    """
    if isinstance(pair.mantissa, tuple) or isinstance(pair.shift, tuple):
        raise ValueError("this multiplier holds one pair a channel and a picture shows one: draw them one by one.")
    return pair.mantissa, pair.shift


def pair_text(pair: FixedPointMultiplier) -> str:
    """Return a multiplier as it is written.

    >>> pair_text(FixedPointMultiplier(5, 4))
    '5 / 2^4'
    """
    mantissa, shift = mantissa_and_shift(pair)
    return f"{mantissa} / 2^{shift}"


def value_text(pair: FixedPointMultiplier) -> str:
    """Return the number that a multiplier stands for.

    >>> value_text(FixedPointMultiplier(5, 4))
    '0.3125'
    """
    mantissa, shift = mantissa_and_shift(pair)
    return number(mantissa / 2**shift)


def rounding_name(rounding: str) -> str:
    """Return a rounding in words; both, where there are two.

    >>> rounding_name("half_away"), rounding_name(TWICE)
    ('half away', 'half up, then half away')
    """
    return "half up, then half away" if rounding == TWICE else rounding_text(rounding)


def missed_text(count: int, of: int) -> str:
    """Return how many accumulators do not get the nearest integer.

    >>> missed_text(1, 65), missed_text(0, 65)
    ('1 of 65 accumulators misses the nearest integer', '0 of 65 accumulators miss the nearest integer')
    """
    return f"{count} of {counted(of, 'accumulator')} {'misses' if count == 1 else 'miss'} the nearest integer"


def mean_text(facts: Rescaled) -> str:
    """Return the mean error, to three digits.

    >>> mean_text(rescale(0.5, 2, "floor")), mean_text(rescale(0.5, 2, "half_even"))
    ('−0.246', '0')
    """
    mean = facts.excess.sum().item() / (facts.real.denominator * len(ACCUMULATORS))
    return signed_number(float(f"{mean:.3g}"))
