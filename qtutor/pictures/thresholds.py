"""The thresholds of one channel: which accumulators become which integer, and where the exact line runs that they stand for."""

from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from torch import Tensor

from qtutor.network.integer_layers import IntegerRequantize
from qtutor.pictures.axes import BLUE, GREY, INK, ORANGE, describe
from qtutor.pictures.words import counted, listed, number

MOST_LABELS = 20  # thresholds that still find room under the axis


@dataclass(frozen=True)
class Channel:
    """One channel of a requantizing layer.

    thresholds   accumulators, rising; where direction is −1 they are met by minus the accumulator
    constants    mantissa, offset and shift of the exact line
    """

    layer: IntegerRequantize
    index: int

    @property
    def direction(self) -> int:
        """1, or −1 where a larger accumulator gives a smaller integer."""
        return int(self.layer.direction[self.index % len(self.layer.direction)])

    @property
    def thresholds(self) -> list[int]:
        """The lowest accumulators, turned where the direction is −1, that reach each integer above the lowest."""
        return self.layer.thresholds[self.index % len(self.layer.thresholds)].tolist()

    def integers(self, accumulators: Tensor) -> Tensor:
        """Return what these accumulators become, by the layer's thresholds."""
        channels = max(len(self.layer.thresholds), len(self.layer.direction))
        rows = accumulators[:, None].expand(-1, channels)
        return self.layer.by_thresholds(rows)[:, self.index % channels]

    def exact(self, accumulators: Tensor) -> Tensor:
        """Return (accumulator * mantissa + offset) / 2**shift, not rounded, as float64."""
        mantissa, offset = (int(v[self.index % len(v)]) for v in (self.layer.mantissa, self.layer.offset))
        steps: Tensor = (accumulators.double() * mantissa + offset) * 2.0**-self.layer.shift
        return steps


def draw_thresholds(ax: Axes, layer: IntegerRequantize, channel: int, accumulator: int = 0) -> Axes:
    """Draw the staircase of one channel, its thresholds, and the line that it rounds; one accumulator is marked.

    ax            axes to draw on, about 7 by 4 inches
    layer         a requantizing layer of an integer network, `network.layer("relu1")`
    channel       which of its channels, from 0
    accumulator   the marked one
    returns       ax; ax.alt holds its words (`thresholds_text`)
    raises        TypeError for another layer; ValueError for a channel that there is not

    >>> from qtutor.network import load_checkpoint, lower
    >>> from qtutor.pictures import new_axes
    >>> draw_thresholds(new_axes(7, 4), lower(load_checkpoint("mlp_w4a4")).layer("relu1"), 1, 100).alt.split(". ")[0]
    'relu1, channel 1: 15 thresholds from 39 to 224, 13 or 14 apart'
    """
    words, shown = thresholds_text(layer, channel, accumulator), _channel(layer, channel)
    places = [shown.direction * t for t in shown.thresholds]
    margin = max((max(places) - min(places)) // 6, abs(places[0]) // 10, 4)
    first, last = min(*places, accumulator) - margin, max(*places, accumulator) + margin
    every = torch.arange(first, last + 1)
    ax.plot(every, shown.exact(every), color=ORANGE, linestyle="--", linewidth=1.2, label="before rounding")
    ax.step(every, shown.integers(every), where="post", color=BLUE, linewidth=2, label="integer")
    for place in places:
        ax.axvline(place, color=GREY, linestyle=":", linewidth=0.8, label="threshold" if place == places[0] else None)
    here = int(shown.integers(torch.tensor([accumulator])))
    ax.scatter([accumulator], [here], s=170, facecolors="none", edgecolors=INK, linewidth=2, label="marked", zorder=4)
    ax.set(xlabel="accumulator", ylabel="integer", xlim=(first, last), ylim=(layer.low - 1, layer.high + 1))
    if len(places) <= MOST_LABELS:
        ax.set_xticks(places, [number(place) for place in places], rotation=90, fontsize=8)
    ax.set_title(f"{layer.name}, channel {channel}")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.27), ncol=4, frameon=False, fontsize=9)
    return describe(ax, words)


def thresholds_text(layer: IntegerRequantize, channel: int, accumulator: int) -> str:
    """Return the words of the picture: how many thresholds, from where to where, and what the marked accumulator becomes.

    >>> from qtutor.network import load_checkpoint, lower
    >>> layer = lower(load_checkpoint("mlp_w4a4")).layer("relu1")
    >>> for sentence in thresholds_text(layer, 1, 100).split(". "): print(sentence)
    relu1, channel 1: 15 thresholds from 39 to 224, 13 or 14 apart
    Accumulator 100 is 5.18 before rounding and has reached 5 of them: its integer is 5.
    """
    shown, one = _channel(layer, channel), torch.tensor([accumulator])
    places = [shown.direction * t for t in shown.thresholds]
    reached = sum(shown.direction * accumulator >= t for t in shown.thresholds)
    apart = sorted({abs(b - a) for a, b in zip(places, places[1:], strict=False)})
    spaced = f", {apart_text(apart)} apart" if apart else ""
    turned = "; the larger the accumulator, the smaller the integer" if shown.direction < 0 else ""
    return (
        f"{layer.name}, channel {channel}: {counted(len(places), 'threshold')} from {number(places[0])} to "
        f"{number(places[-1])}{spaced}{turned}. Accumulator {number(accumulator)} is "
        f"{number(float(f'{float(shown.exact(one)):.3g}'))} before rounding and has reached {reached} of them: "
        f"its integer is {number(int(shown.integers(one)))}."
    )


def apart_text(distances: list[int]) -> str:
    """Return distances in words, smallest first.

    >>> apart_text([14]), apart_text([13, 14]), apart_text([1, 2, 3])
    ('14', '13 or 14', 'from 1 to 3')
    """
    return " or ".join(map(str, distances)) if len(distances) <= 2 else listed(distances, most=2)


def _channel(layer: IntegerRequantize, channel: int) -> Channel:
    if not isinstance(layer, IntegerRequantize):
        raise TypeError(f"{type(layer).__name__} holds no thresholds: give a requantizing layer, such as relu1's.")
    channels = max(len(layer.mantissa), len(layer.thresholds))
    if channel not in range(channels):
        raise ValueError(f"channel {channel} is none of {layer.name}, which has 0 … {channels - 1}: use one of them.")
    return Channel(layer, channel)
