"""One scan at several bit widths: its grey levels, and the integers that stand for them."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from torch import Tensor

from qtutor.pictures.axes import GREY, describe
from qtutor.pictures.words import counted, integers
from qtutor.qparams import int_range

GAP = 1.6  # between two scans, in pixels of a scan: room for the title


def draw_digit(ax: Axes, scans: Mapping[int, Tensor], columns: int = 2) -> Axes:
    """Draw a scan once for each bit width: the grey level of each pixel, and in it the integer that is stored.

    ax        axes to draw on, about 7 by 7.6 inches for four scans in two columns
    scans     bit width -> unsigned integers [rows, columns] of that width; 0 is paper, the largest ink
    columns   how many scans stand side by side
    returns   ax; ax.alt holds its words (`digit_text`)
    raises    TypeError for floats; ValueError for no scans, other shapes, or integers that the width does not hold

    >>> import torch
    >>> from qtutor.pictures import new_axes
    >>> draw_digit(new_axes(3, 3), {1: torch.tensor([[0, 1], [1, 0]])}).alt
    '1 scan of 2 by 2 pixels. 1 bit: 2 different integers of 2, from 0 to 1.'
    """
    words = digit_text(scans)
    rows, cols = next(iter(scans.values())).shape
    for place, (bit_width, scan) in enumerate(scans.items()):
        left, top = (place % columns) * (cols + GAP), -(place // columns) * (rows + GAP)
        _draw_scan(ax, scan, bit_width, left, top)
    lines = -(-len(scans) // columns)
    ax.set(
        xlim=(-0.2, min(len(scans), columns) * (cols + GAP) - GAP + 0.2), ylim=(-lines * (rows + GAP) + GAP - 0.2, GAP)
    )
    ax.set_aspect("equal")
    ax.axis("off")
    return describe(ax, words)


def _draw_scan(ax: Axes, scan: Tensor, bit_width: int, left: float, top: float) -> None:
    rows, cols = scan.shape
    ink = int_range(bit_width, False)[1]
    extent = (left, left + cols, top - rows, top)
    ax.imshow(scan.tolist(), cmap="Greys", vmin=0, vmax=ink, extent=extent, interpolation="nearest")
    ax.plot(
        [left, left + cols, left + cols, left, left], [top, top, top - rows, top - rows, top], color=GREY, linewidth=1
    )
    ax.text(
        left + cols / 2, top + 0.25, f"{counted(bit_width, 'bit')}: 0 … {ink}", ha="center", va="bottom", fontsize=11
    )
    for i, q in enumerate(integers(scan)):
        x, y = left + i % cols + 0.5, top - i // cols - 0.5
        ax.text(x, y, str(q), ha="center", va="center", fontsize=9, color="white" if 5 * q > 3 * ink else "black")


def digit_text(scans: Mapping[int, Tensor]) -> str:
    """Return the words of the scans: for each width, how many different integers are left.

    >>> import torch
    >>> digit_text({2: torch.tensor([[0, 3]]), 1: torch.tensor([[0, 1]])})
    '2 scans of 1 by 2 pixels. 2 bits: 2 different integers of 4, from 0 to 3. 1 bit: 2 different integers of 2, from 0 to 1.'
    """
    _require_scans(scans)
    rows, cols = next(iter(scans.values())).shape
    return f"{counted(len(scans), 'scan')} of {rows} by {cols} pixels. " + " ".join(
        f"{counted(bits, 'bit')}: {counted(len(set(integers(scan))), 'different integer')} of {2**bits}, "
        f"from {min(integers(scan))} to {max(integers(scan))}."
        for bits, scan in scans.items()
    )


def _require_scans(scans: Mapping[int, Tensor]) -> None:
    shapes = {tuple(scan.shape) for scan in scans.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2 or 0 in next(iter(shapes)):
        raise ValueError(
            f"scans have the shapes {sorted(shapes)}: give one or more of the same shape, rows by columns."
        )
    for bit_width, scan in scans.items():
        low, high = int_range(bit_width, False)
        outside = [q for q in integers(scan) if not low <= q <= high]
        if outside:
            raise ValueError(
                f"the scan at {counted(bit_width, 'bit')} holds {outside[0]}, outside [{low}, {high}]: saturate it first."
            )
