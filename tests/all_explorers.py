"""Every explorer, by name: what the tests of their common ground go through. A new one is one new line here."""

from qtutor.explorers import (
    accumulator_explorer,
    network_explorer,
    quantizer_explorer,
    requantize_explorer,
    saturation_explorer,
    scale_explorer,
    two_sums_explorer,
)

EXPLORERS = {
    "quantizer": quantizer_explorer,
    "saturation": saturation_explorer,
    "two sums": two_sums_explorer,
    "accumulator": accumulator_explorer,
    "requantize": requantize_explorer,
    "scale": scale_explorer,
    "network": network_explorer,
}
