"""Explorers: tables from the kernels, looked up and drawn in the browser; one file each, and one line here."""

from qtutor.explorers.accumulator import accumulator_explorer
from qtutor.explorers.network import network_explorer
from qtutor.explorers.quantizer import quantizer_explorer
from qtutor.explorers.requantize import requantize_explorer
from qtutor.explorers.saturation import saturation_explorer
from qtutor.explorers.scale import scale_explorer
from qtutor.explorers.two_sums import two_sums_explorer

__all__ = [
    "accumulator_explorer",
    "network_explorer",
    "quantizer_explorer",
    "requantize_explorer",
    "saturation_explorer",
    "scale_explorer",
    "two_sums_explorer",
]
