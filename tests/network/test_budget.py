"""What a network costs, counted again by hand and by other ways."""

import pytest
import torch

from qtutor import QParams, accumulator_range
from qtutor.network import load_checkpoint, load_pixels, lower
from qtutor.network.budget import BudgetRow, budget, table, totals, weight_width, worst_bits
from qtutor.network.integer_layers import IntegerLinear
from qtutor.network.integer_network import Meaning


def rows_of(name):
    network = lower(load_checkpoint(name))
    return {row.name: row for row in budget(network, network.quantize_input(load_pixels()[0][:3]))}


def test_an_mlp_of_4_bits_by_hand():
    rows = rows_of("mlp_w4a4")
    assert [row.multiplications for row in rows.values()] == [64 * 64, 64, 64 * 64, 64, 640]
    assert rows["fc2"].weight_bits == 64 * 64 * 4
    assert rows["fc2"].bit_operations == 64 * 64 * 4 * 4
    assert (rows["fc1"].bits_in, rows["fc1"].bits_out) == (64 * 5, 0)  # 5-bit pixels in; sums wait for relu1
    assert (rows["relu1"].bits_in, rows["relu1"].bits_out) == (0, 64 * 4)
    assert rows["relu1"].multiplier_bits == 64 * 32 + 64 * 64
    assert rows["relu1"].threshold_bits == 64 * 15 * rows["fc1"].tight
    assert rows["fc3"].bits_out == 10 * lower(load_checkpoint("mlp_w4a4")).meanings[-1].bit_width


def test_a_cnn_by_hand():
    rows = rows_of("cnn_w2a2")
    assert rows["conv2"].multiplications == 16 * 8 * 8 * (16 * 3 * 3)
    assert rows["conv3"].multiplications == 32 * 4 * 4 * (16 * 3 * 3)
    assert rows["add"].bits_in == 2 * (16 * 8 * 8) * 2
    assert (rows["add"].multiplications, rows["add"].bits_out) == (0, 0)
    assert (rows["pool1"].bits_in, rows["pool1"].bits_out) == (1024 * 2, 256 * 2)
    assert "flatten" not in rows


def test_memory_falls_with_the_width_and_products_do_not():
    found = [totals(rows_of(f"mlp_w{bits}a{bits}").values()) for bits in (8, 4, 3, 2, 1)]
    assert [row.weight_bits for row in found] == [8832 * bits for bits in (8, 4, 3, 2, 1)]
    assert len({row.multiplications for row in found}) == 1
    assert sorted(found, key=lambda row: -row.bit_operations) == found


@pytest.mark.parametrize(
    ("weights", "bits"), [([1, -1, -1], 1), ([1, 0, -1], 2), ([-2, 1, 0], 2), ([7, -7, 1], 4), ([-128, 5, 0], 8)]
)
def test_weights_need_the_bits_of_their_farthest(weights, bits):
    assert weight_width(IntegerLinear("fc", torch.tensor([weights], dtype=torch.int8), None)) == bits


@pytest.mark.parametrize(
    ("weight_ends", "weights", "low", "high", "zero_point"),
    [
        ((-1, 1), [-1, 1], -1, 1, 0),
        ((-7, 7), [-7, 3], 0, 15, 0),  # narrow range: -8 does not occur
        ((-8, 7), [-8, 3], -7, 7, 0),
        ((-7, 7), [-2, 7], 0, 31, 0),
        ((-127, 127), [-127, 5], 0, 255, 130),
    ],
)
@pytest.mark.parametrize("terms", [2, 9, 64])
def test_the_worst_case_is_as_wide_as_the_worst_sum(weight_ends, weights, low, high, zero_point, terms):
    layer = IntegerLinear("fc", torch.tensor([(weights * terms)[:terms]], dtype=torch.int8), None, zero_point)
    bits = worst_bits(layer, Meaning(1.0, zero_point, low, high))
    sums = [terms * (x - zero_point) * w for x in (low, high) for w in weight_ends]
    assert all(-(2 ** (bits - 1)) <= total < 2 ** (bits - 1) for total in sums)
    assert not all(-(2 ** (bits - 2)) <= total < 2 ** (bits - 2) for total in sums)


def test_no_scan_leaves_the_tight_accumulators_and_the_tight_never_pass_the_worst():
    for name in ("mlp_w8a8", "mlp_w1a1", "cnn_w2a2"):
        network = lower(load_checkpoint(name))
        values = network.trace(network.quantize_input(load_pixels()[0]))
        for row in budget(network, network.quantize_input(load_pixels()[0][:1])):
            if row.worst:
                low, high = (int(end) for end in torch.aminmax(values[row.name]))
                assert -(2 ** (row.tight - 1)) <= low <= high < 2 ** (row.tight - 1)
            if row.worst and network.layer(row.name).bias is None:
                assert row.tight <= row.worst


def test_inputs_of_one_bit_reach_both_ends_of_the_tight_range():
    network = lower(load_checkpoint("mlp_w1a1"))
    signs = QParams(1.0, 0, 2, narrow_range=True)  # -1 … 1
    assert (network.meaning("fc2").low, network.meaning("fc2").high) == (-64, 64)
    assert accumulator_range(network.layer("fc2").weight, signs) == (-64, 64)


def test_the_table_has_a_row_for_each_layer_and_the_total():
    lines = table(rows_of("mlp_w4a4").values()).splitlines()
    assert [line.split()[0] for line in lines] == ["layer", "fc1", "relu1", "fc2", "relu2", "fc3", "total"]
    assert len({len(line) for line in lines}) == 1
    assert lines[-1].split()[1:5] == ["8,960", "35,328", "4", "12,608"]
    assert table([]).splitlines()[1].split() == ["total", *["-"] * 9]


def test_totals_add_what_adds_up_and_keep_the_widest():
    found = totals(
        [BudgetRow("a", "", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), BudgetRow("b", "", 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)]
    )
    assert found == BudgetRow("total", "", 2, 2, 4, 5, 6, 7, 8, 9, 9, 10)
