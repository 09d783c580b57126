"""One scan on its way through an integer-only network: the integers of a layer, and the answer at every width of one part."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from qtutor.network import load_digits
from qtutor.network.integer_layers import IntegerRequantize
from qtutor.network.integer_network import IntegerNetwork, Meaning
from qtutor.network.narrowing import FULL, PARTS, WEIGHTS, Stage, narrowed
from qtutor.pictures.axes import BLUE, GREY, INK, ORANGE, describe
from qtutor.pictures.words import counted
from qtutor.qparams import narrowest_format

CHECKPOINT = "mlp_w8a8"
WIDTHS = tuple(range(1, FULL + 1))
LAYERS = ("pixels", *PARTS)
LAYER_NAMES = {
    "pixels": "pixels",
    "fc1": "sums of fc1",
    "relu1": "integers of relu1",
    "fc2": "sums of fc2",
    "relu2": "integers of relu2",
    "fc3": "sums of fc3",
}
PART_NAMES = {part: f"weights of {part}" if part in WEIGHTS else f"integers of {part}" for part in PARTS}
COLUMNS = {layer: 1 if layer == "fc3" else 8 for layer in LAYERS}  # of the grid: 64 integers, or ten scores
# the sentence that the picture and its explorer share
NETWORK_SENTENCE = (
    "Scan {scan}, digit {digit}, {part} in {width}: {answer}. {shown}: {range}, this scan reaches {reach}, {clipped}."
)


@dataclass(frozen=True, eq=False)
class Walk:
    """What scans become on their way: by layer, the integers [scans, n] and what they mean.

    beyond   of relu1 and relu2: −1 where the integer before clipping was below the format, +1 where above, else 0
    """

    values: dict[str, Tensor]
    meanings: dict[str, Meaning]
    beyond: dict[str, Tensor]

    @property
    def answers(self) -> list[int]:
        """The digit of the largest score, of each scan: the smaller of two digits with the same."""
        return [row.index(max(row)) for row in self.values["fc3"].tolist()]


@cache
def trained() -> tuple[Any, IntegerNetwork]:
    """Return (model, network): the stored MLP of 8 bits and its integers."""
    from qtutor.network import load_checkpoint, lower  # here: the other pictures need no Brevitas

    model = load_checkpoint(CHECKPOINT)
    return model, lower(model)


def stages(part: str, bits: int) -> tuple[Stage, ...]:
    """Return the layers of the stored network with one part in so many bits."""
    return narrowed(*trained(), part, bits)


def walk(layers: tuple[Stage, ...], scans: Tensor) -> Walk:
    """Return the integers of every layer for scans [N, 8, 8], grey levels 0 … 16, which are the network's pixels.

    >>> walk(stages("fc1", 8), load_digits()[0][:3]).answers
    [0, 1, 2]
    """
    values, beyond = {"pixels": scans.flatten(1)}, {}
    given = values["pixels"]
    for stage in layers:
        layer = stage.layer
        if isinstance(layer, IntegerRequantize):
            beyond[layer.name] = outside(layer, given)
        given = values[layer.name] = layer.run(given)
    return Walk(values, {"pixels": trained()[1].meaning("pixels")} | {s.layer.name: s.meaning for s in layers}, beyond)


def outside(layer: IntegerRequantize, accumulators: Tensor) -> Tensor:
    """Return −1 where the rounded integer lies below the layer's format, +1 where above, else 0."""
    wide = replace(layer, low=-(2**31), high=2**31, dtype=torch.int64).run(accumulators)
    return (wide > layer.high).to(torch.int8) - (wide < layer.low).to(torch.int8)


def require_setting(scan: int, part: str, bit_width: int, layer: str) -> None:
    """Raise a sentence where the setting has no picture."""
    scans = len(load_digits()[0])
    if scan not in range(scans):
        raise ValueError(f"scan {scan} is outside 0 … {scans - 1}, the scans there are: use 1491, for example.")
    if part not in PARTS:
        raise ValueError(f"part {part!r} cannot be narrowed here: use one of {', '.join(PARTS)}.")
    if bit_width not in WIDTHS:
        raise ValueError(
            f"bit_width {bit_width} is outside 1 … {FULL}, the widths of this network: use 3, for example."
        )
    if layer not in LAYERS:
        raise ValueError(f"layer {layer!r} is not in this network: use one of {', '.join(LAYERS)}.")


def draw_network_walk(ax: Axes, scan: int, part: str = "fc1", bit_width: int = 3, layer: str = "relu1") -> Axes:
    """Draw the integers of one layer for one scan, one part of the network in fewer bits, and the answer at every width.

    ax         axes to draw on, about 7 by 5 inches
    scan       number of a scan of `load_digits`, 0 … 1796; the network learned from 0 … 1199
    part       what is narrowed: fc1, fc2, fc3 (the layer's weights), relu1, relu2 (the integers that it gives)
    bit_width  of that part, 1 … 8
    layer      whose integers are shown: pixels, fc1, relu1, fc2, relu2, fc3
    returns    ax; ax.alt holds its words (`network_walk_text`)
    raises     ValueError for a scan, part, width or layer that there is not
    source     the stored network mlp_w8a8, in integers: qtutor's linear and one multiplier after it

    >>> from qtutor.pictures import new_axes
    >>> draw_network_walk(new_axes(7, 5), 1491).alt.split(". ")[0]
    'Scan 1491, digit 8, weights of fc1 in 3 bits: answer 1, flipped from 8'
    """
    words, scans = network_walk_text(scan, part, bit_width, layer), load_digits()[0][scan : scan + 1]
    here = walk(stages(part, bit_width), scans)
    draw_integers(ax, here, layer)
    draw_answers(ax, [walk(stages(part, bits), scans).answers[0] for bits in WIDTHS], bit_width)
    ax.set_title(f"scan {scan}: {LAYER_NAMES[layer]}; {PART_NAMES[part]} in {counted(bit_width, 'bit')}")
    ax.imshow(scans[0].tolist(), cmap="Greys", extent=(-2.4, -0.9, 10.5, 8.6), aspect="auto")
    ax.set(xlim=(-2.5, 8.1), ylim=(11.2, -0.1))
    ax.axis("off")
    return describe(ax, words)


def draw_integers(ax: Axes, here: Walk, layer: str) -> None:
    """Draw one layer's integers as numbers in cells, each with a bar for its size: filled above 0, hollow below."""
    values, columns = here.values[layer][0].tolist(), COLUMNS[layer]
    largest = max(map(abs, values)) or 1
    width, height = 8 / columns, 8 * columns / len(values)
    for i, (value, text) in enumerate(zip(values, cell_texts(here, layer), strict=True)):
        x, y = i % columns * width, i // columns * height
        ax.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=GREY, linewidth=0.5))
        style = {"color": BLUE} if value > 0 else {"fill": False, "edgecolor": BLUE}
        ax.add_patch(
            Rectangle((x, y + height - 0.22), 0.98 * width * abs(value) / largest, 0.18, linewidth=0.8, **style)
        )
        color = ORANGE if text.endswith("▲") else INK
        ax.text(x + width / 2, y + (height - 0.2) / 2, text, ha="center", va="center", fontsize=9, color=color)


def cell_texts(here: Walk, layer: str) -> list[str]:
    """Return what stands in the cells of the first scan: its integer, and ▲ or ▼ where one was clipped, ● at the answer."""
    values = here.values[layer][0].tolist()
    if layer == "fc3":
        return [f"{i}: {whole(v)}{' ●' if i == here.answers[0] else ''}" for i, v in enumerate(values)]
    beyond = here.beyond[layer][0].tolist() if layer in here.beyond else [0] * len(values)
    return [whole(v) + ("", " ▲", " ▼")[side] for v, side in zip(values, beyond, strict=True)]


def draw_answers(ax: Axes, answers: list[int], bit_width: int) -> None:
    """Draw the answer at every width of the narrowed part: ≠ beside one that is not that of 8 bits, a frame at the present."""
    for label, y in (("bits", 9.0), ("answer", 10.0)):
        ax.text(-0.1, y, label, ha="right", va="center", fontsize=9)
    for bits, answer in zip(WIDTHS, answers, strict=True):
        ax.text(bits - 0.5, 9.0, str(bits), ha="center", va="center", fontsize=9)
        text, color = (f"{answer} ≠", ORANGE) if answer != answers[-1] else (str(answer), INK)
        ax.text(bits - 0.5, 10.0, text, ha="center", va="center", fontsize=12, color=color)
    ax.add_patch(Rectangle((bit_width - 0.95, 8.5), 0.9, 2.1, fill=False, edgecolor=INK, linewidth=2))
    marks = "▲ saturated   ▼ was below 0   ● largest score   ≠ flipped   bars: size, hollow below 0"
    ax.text(4, 11.2, marks, ha="center", va="bottom", fontsize=9)


def network_walk_text(scan: int, part: str, bit_width: int, layer: str) -> str:
    """Return the words of the picture: the answer, the range of the layer, what this scan reaches of it, what is clipped.

    >>> for sentence in network_walk_text(1491, "fc1", 3, "fc1").split(". "): print(sentence)
    Scan 1491, digit 8, weights of fc1 in 3 bits: answer 1, flipped from 8
    Sums of fc1: the weights allow −1023 … 837 (11 bits), this scan reaches −95 … 89, none clipped.
    """
    require_setting(scan, part, bit_width, layer)
    scans, labels = load_digits()
    here, full = (walk(stages(part, bits), scans[scan : scan + 1]) for bits in (bit_width, FULL))
    return NETWORK_SENTENCE.format(
        scan=scan,
        digit=int(labels[scan]),
        part=PART_NAMES[part],
        width=counted(bit_width, "bit"),
        answer=answer_text(here.answers[0], full.answers[0], int(labels[scan]), bit_width),
        shown=LAYER_NAMES[layer].capitalize(),
        range=range_text(here.meanings[layer], layer),
        reach=span(*ends_of(here.values[layer][0])),
        clipped=clipped_text(here.beyond[layer][0]) if layer in here.beyond else NOTHING_CLIPPED,
    )


NOTHING_CLIPPED = "none clipped"


def answer_text(answer: int, full: int, digit: int, bits: int) -> str:
    """Return the answer beside that of 8 bits and beside the digit.

    >>> answer_text(8, 8, 8, 3), answer_text(1, 8, 8, 3), answer_text(8, 8, 6, 8), answer_text(6, 8, 6, 2)
    ('answer 8, as in 8 bits', 'answer 1, flipped from 8', 'answer 8, wrong', 'answer 6, flipped from 8 and right')
    """
    if answer != full:
        return f"answer {answer}, flipped from {full}{' and right' if answer == digit else ''}"
    as_full = "" if bits == FULL else f", as in {FULL} bits"
    return f"answer {answer}{as_full}{'' if answer == digit else ', wrong'}"


def range_text(meaning: Meaning, layer: str) -> str:
    """Return a layer's range: of sums what the weights allow, else what the format holds, and its bits.

    >>> range_text(Meaning(1.0, 0, -6, 9), "fc1"), range_text(Meaning(1.0, 0, 0, 15), "relu1")
    ('the weights allow −6 … 9 (5 bits)', 'the format holds 0 … 15 (4 bits)')
    """
    who, low = ("the weights allow", min(meaning.low, -1)) if layer in WEIGHTS else ("the format holds", meaning.low)
    bits = narrowest_format(low, meaning.high)[0]  # sums are signed
    return f"{who} {span(meaning.low, meaning.high)} ({counted(bits, 'bit')})"


def clipped_text(beyond: Tensor) -> str:
    """Return how many integers were clipped, at the top and at 0.

    >>> clipped_text(torch.tensor([0, 1, -1, -1]))
    '1 of 4 saturates, 2 were below 0'
    """
    above, below = (int((beyond == side).sum()) for side in (1, -1))
    saturate, were = "saturates" if above == 1 else "saturate", "was" if below == 1 else "were"
    return f"{above} of {beyond.numel()} {saturate}, {below} {were} below 0"


def ends_of(values: Tensor) -> tuple[int, int]:
    """Return the lowest and the highest of integers.

    >>> ends_of(torch.tensor([3, -2]))
    (-2, 3)
    """
    low, high = torch.aminmax(values)
    return int(low), int(high)


def whole(value: int) -> str:
    """Return an integer with all its digits and a true minus sign.

    >>> whole(-1234567)
    '−1234567'
    """
    return str(value).replace("-", "−")


def span(low: int, high: int) -> str:
    """Return two integers as a range.

    >>> span(-1234567, 3)
    '−1234567 … 3'
    """
    return f"{whole(low)} … {whole(high)}"
