"""The network explorer: every integer of every setting against Brevitas's own evaluation, its sentences, its challenge."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
import torch
from brevitas.nn import QuantReLU
from brevitas.quant import Uint8ActPerTensorFloat

from qtutor import DigitsMLP, load_checkpoint, load_digits, lower
from qtutor.explorers.network import SCANS, NetworkExplorer, network_explorer, network_table
from qtutor.network.narrowing import levels, narrowed, sums

LAYERS, PARTS, BITS = (
    ("pixels", "fc1", "relu1", "fc2", "relu2", "fc3"),
    ("fc1", "relu1", "fc2", "relu2", "fc3"),
    range(1, 9),
)
SETTINGS = [(part, bits) for part in PARTS for bits in BITS]


@dataclass(frozen=True)
class Oracle:
    """What becomes of the 597 test scans by Brevitas's weights and scales.

    integers  by layer: whole sums, and in float64, without any multiplier of integers, what a ReLU makes of them
    steps     of relu1 and relu2: those float64 numbers before they are rounded and clipped
    brevitas  the integers of Brevitas's own float32 evaluation
    """

    integers: dict[str, torch.Tensor]
    steps: dict[str, torch.Tensor]
    brevitas: dict[str, torch.Tensor]
    weights: dict[str, torch.Tensor]
    bias: list[int]
    high: dict[str, int]

    def answers(self) -> list[int]:
        return self.integers["fc3"].argmax(1).tolist()


def brevitas_model(part: str, bits: int) -> Any:
    """The trained network as Brevitas makes it with this part so narrow: the same numbers in other quantizers."""
    model = DigitsMLP([bits if part == name else 8 for name in ("fc1", "fc2", "fc3")], 8)
    for name in ("relu1", "relu2"):
        width = bits if part == name else 8
        relu = QuantReLU(
            act_quant=Uint8ActPerTensorFloat, bit_width=width, collect_stats_steps=1, return_quant_tensor=True
        )
        setattr(model, name, relu)
    assert not model.load_state_dict(load_checkpoint("mlp_w8a8").state_dict(), strict=False).missing_keys
    return model.eval()


def whole(t: Any) -> torch.Tensor:
    return torch.round(t.value.double() / t.scale.double()).long()


@cache
def oracle(part: str, bits: int) -> Oracle:
    model, seen = brevitas_model(part, bits), {}
    for name in LAYERS:
        getattr(model, name).register_forward_hook(lambda _m, _x, out, name=name: seen.update({name: out}))
    with torch.no_grad():
        model(load_digits()[0][1200:, None].float() / 16)
        weights = {name: whole(getattr(model, name).quant_weight()) for name in ("fc1", "fc2", "fc3")}
        bias = torch.round(model.fc3.bias.double() / float(seen["fc3"].scale)).long()
        high = {"pixels": 31} | {name: 2**bits - 1 if name == part else 255 for name in ("relu1", "relu2")}
        integers, steps = {"pixels": load_digits()[0][1200:].flatten(1).long()}, {}
        for n in (1, 2):
            before, linear, relu = LAYERS[2 * n - 2 : 2 * n + 1]
            integers[linear] = integers[before] @ weights[linear].T
            norm = getattr(model, f"norm{n}").double()
            steps[relu] = norm(integers[linear].double() * float(seen[linear].scale)) / float(seen[relu].scale)
            integers[relu] = torch.round(steps[relu]).clamp(0, high[relu]).long()
        integers["fc3"] = integers["relu2"] @ weights["fc3"].T + bias
    return Oracle(integers, steps, {name: whole(seen[name]) for name in LAYERS}, weights, bias.tolist(), high)


def place(scan: int, layer: str, part: str, bits: int) -> dict[str, int]:
    return {
        "scan": SCANS.index(scan),
        "layer": LAYERS.index(layer),
        "part": PARTS.index(part),
        "bit_width": bits - 1,
    }


def shown(name: str, here: dict[str, int]) -> list[int]:
    """The integers that the browser would take for a place."""
    facts, layer = network_table().facts, name.removesuffix("_beyond")
    count = 10 if layer == "fc3" else 64
    at = count * int(facts[f"{layer}_at"].row(here))
    return [int(v) for v in facts[name].row(here)[at : at + count]]


@pytest.mark.parametrize(("part", "bits"), SETTINGS)
def test_every_integer_is_that_of_whole_sums_and_float64(part: str, bits: int) -> None:
    truth, wrong = oracle(part, bits), 0
    for scan in SCANS:
        for layer in LAYERS:
            wrong += shown(layer, place(scan, layer, part, bits)) != truth.integers[layer][scan - 1200].tolist()
        for layer in ("relu1", "relu2"):
            rounded = torch.round(truth.steps[layer][scan - 1200]).tolist()
            expected = [(step > truth.high[layer]) - (step < 0) for step in rounded]
            wrong += shown(f"{layer}_beyond", place(scan, layer, part, bits)) != expected
    assert wrong == 0


@pytest.mark.parametrize(("part", "bits"), SETTINGS)
def test_brevitas_computes_the_same_integers_but_where_float32_meets_a_tie(part: str, bits: int) -> None:
    truth = oracle(part, bits)
    for scan in SCANS:
        row = scan - 1200
        differ = any(truth.brevitas[layer][row].tolist() != truth.integers[layer][row].tolist() for layer in LAYERS)
        from_tie = min(float((steps[row] % 1 - 0.5).abs().min()) for steps in truth.steps.values())
        assert not differ or from_tie < 1e-4, scan


def test_sums_of_narrow_weights_in_fractions_and_plain_integers() -> None:
    real = [[Fraction(w) for w in row] for row in load_checkpoint("mlp_w8a8").fc1.weight.tolist()]
    step = Fraction(float(torch.tensor(float(max(abs(w) for row in real for w in row))) / 3))
    weights = [[min(max(round(w / step), -3), 3) for w in row] for row in real]
    pixels = load_digits()[0][1491].flatten().tolist()
    sums = [sum(w * x for w, x in zip(row, pixels, strict=True)) for row in weights]
    assert shown("fc1", place(1491, "fc1", "fc1", 3)) == sums


def test_a_layer_made_anew_in_eight_bits_is_the_lowered_one() -> None:
    model = load_checkpoint("mlp_w8a8")
    net = lower(model)
    for before, name in zip(LAYERS, PARTS, strict=False):
        given, linear = net.meaning(before), name in ("fc1", "fc2", "fc3")
        made = sums(name, model, given, 8) if linear else levels(name, model, net, given, 8)
        held = vars(net.layer(name))
        fields = ("weight", "bias") if linear else ("mantissa", "offset")
        same = [torch.equal(getattr(made.layer, f), held[f]) for f in fields if held[f] is not None]
        assert all(same)
        assert len(same) == (1 if name in ("fc1", "fc2") else 2)
        assert (made.meaning.low, made.meaning.high) == (net.meaning(name).low, net.meaning(name).high)
        assert linear or (made.layer.shift, made.layer.reach) == (held["shift"], held["reach"])


def test_eight_bits_are_the_lowered_network_itself() -> None:
    model = load_checkpoint("mlp_w8a8")
    net, pixels = lower(model), load_digits()[0][1200:]
    for part in PARTS:
        values = pixels.flatten(1)
        for stage in narrowed(model, net, part, 8):
            values = stage.layer.run(values)
            assert (stage.meaning.low, stage.meaning.high) == (
                net.meaning(stage.layer.name).low,
                net.meaning(stage.layer.name).high,
            )
        assert torch.equal(values, net(pixels))


@pytest.mark.parametrize(("part", "bits"), [("fc4", 3), ("pixels", 3), ("fc1", 0), ("fc1", 9)])
def test_what_cannot_be_narrowed_is_refused(part: str, bits: int) -> None:
    model = load_checkpoint("mlp_w8a8")
    with pytest.raises(ValueError, match=f"'{part}' in {bits} bits is no narrowing: use one of fc1, relu1, fc2, relu2"):
        narrowed(model, lower(model), part, bits)


def allowed(truth: Oracle, layer: str) -> tuple[int, int]:
    """The lowest and the highest sum of a layer, one weight after another in Python integers."""
    before, ends = LAYERS[LAYERS.index(layer) - 1], []
    for row, plus in zip(truth.weights[layer].tolist(), truth.bias if layer == "fc3" else [0] * 64, strict=True):
        parts = [w * truth.high[before] for w in row]
        ends.append((plus + sum(p for p in parts if p < 0), plus + sum(p for p in parts if p > 0)))
    return min(low for low, _ in ends), max(high for _, high in ends)


def bits_of(low: int, high: int, signed: bool) -> int:
    return next(b for b in range(1, 40) if (-(2**b) <= 2 * low and 2 * high < 2**b if signed else high < 2**b))


def sentence(scan: int, layer: str, part: str, bits: int) -> str:
    truth, full, digit = oracle(part, bits), oracle(part, 8), int(load_digits()[1][scan])
    answer, before = truth.answers()[scan - 1200], full.answers()[scan - 1200]
    told = f"answer {answer}, flipped from {before}{' and right' if answer == digit else ''}"
    if answer == before:
        told = f"answer {answer}{'' if bits == 8 else ', as in 8 bits'}{'' if answer == digit else ', wrong'}"
    name = {"f": f"sums of {layer}", "r": f"integers of {layer}", "p": "pixels"}[layer[0]].capitalize()
    narrow = f"{'weights' if part[0] == 'f' else 'integers'} of {part} in {bits} bit{'s' if bits > 1 else ''}"
    low, high = allowed(truth, layer) if layer[0] == "f" else (0, truth.high[layer])
    width = bits_of(low, high, layer[0] == "f")
    holds = "the weights allow" if layer[0] == "f" else "the format holds"
    values = truth.integers[layer][scan - 1200].tolist()
    clipped = "none clipped"
    if layer[0] == "r":
        steps = torch.round(truth.steps[layer][scan - 1200]).tolist()
        above, below = sum(s > high for s in steps), sum(s < 0 for s in steps)
        clipped = (
            f"{above} of 64 saturate{'s' if above == 1 else ''}, {below} {'was' if below == 1 else 'were'} below 0"
        )
    said = (
        f"Scan {scan}, digit {digit}, {narrow}: {told}. {name}: {holds} {low} … {high} "
        f"({width} bit{'s' if width > 1 else ''}), this scan reaches {min(values)} … {max(values)}, {clipped}."
    )
    return said.replace("-", "−")


@pytest.fixture
def explorer() -> NetworkExplorer:
    return network_explorer()


def test_the_readout_follows_every_trait(explorer: NetworkExplorer) -> None:
    every = [(scan, layer, part, bits) for scan in SCANS for layer in LAYERS for part, bits in SETTINGS]
    for setting in every[::19]:
        explorer.scan, explorer.layer, explorer.part, explorer.bit_width = setting
        assert explorer.readout == sentence(*setting)


@pytest.mark.parametrize(("part", "bits"), SETTINGS)
def test_the_bars_and_the_lines_are_those_of_the_whole_layer(part: str, bits: int) -> None:
    table, truth = network_table(), oracle(part, bits)
    labels = load_digits()[1][1200:].tolist()
    for layer in LAYERS:
        here = place(1471, layer, part, bits)
        ends = allowed(truth, layer) if layer[0] == "f" else (0, truth.high[layer])
        assert table.facts["ends"].row(here).tolist() == list(ends)
        values = truth.integers[layer][271].tolist()
        assert table.facts["reached"].row(here).tolist() == [min(values), max(values)]
    narrowing, whole_set = (table.sentence(line, here) for line in table.lines)
    assert whole_set.endswith(f": {sum(a == b for a, b in zip(truth.answers(), labels, strict=True))} right")
    if part in truth.weights:
        assert narrowing.endswith(
            f" {int((truth.weights[part] == 0).sum()):,} of {truth.weights[part].numel():,} are 0"
        )
    else:
        assert narrowing.endswith(f": 0 … {truth.high[part]}")


def flips(scan: int, part: str) -> list[int]:
    """The widths at which the answer is not that of 8 bits."""
    answers = [oracle(part, bits).answers()[scan - 1200] for bits in BITS]
    return [bits for bits, answer in zip(BITS, answers, strict=True) if answer != answers[-1]]


def test_the_answers_of_all_widths_are_drawn() -> None:
    for scan in SCANS:
        for part in PARTS:
            here = place(scan, "fc3", part, 1)
            expected = [oracle(part, bits).answers()[scan - 1200] for bits in BITS]
            assert network_table().facts["answers"].row(here).tolist() == expected


def test_the_scans_were_not_learned_from_and_flip_early_late_and_never() -> None:
    widest = {scan: max(max(flips(scan, part), default=0) for part in PARTS) for scan in SCANS}
    digits = load_digits()[1][list(SCANS)].tolist()
    assert min(SCANS) >= 1200
    assert set(digits) == set(range(10))
    assert 0 in widest.values()
    assert 2 in widest.values()
    assert max(widest.values()) == 7
    wrong = [a != b for a, b in zip((oracle("fc1", 8).answers()[s - 1200] for s in SCANS), digits, strict=True)]
    assert sum(wrong) == 2


def test_one_bit_of_weights_can_be_better_than_two(explorer: NetworkExplorer) -> None:
    """Two bits go by the largest weight, so that most of the others become 0; one bit keeps every sign."""
    labels = load_digits()[1][1200:].tolist()
    right = [sum(a == b for a, b in zip(oracle("fc1", b).answers(), labels, strict=True)) for b in (1, 2)]
    assert right[0] > 2 * right[1]


def test_the_challenge_knows_every_setting_that_meets_it() -> None:
    widest = {part: max(flips(1412, part), default=0) for part in PARTS}
    first = max(widest, key=lambda part: widest[part])
    assert sorted(widest.values())[-2] < widest[first]
    for part, bits in SETTINGS:
        for scan in SCANS:
            keeps = (part, bits) == ("fc1", 2) and bits not in flips(scan, part)
            flipped_first = scan == 1412 and (part, bits) == (first, widest[first])
            met = network_table().facts["met"].row(place(scan, "fc1", part, bits))
            assert int(met) == keeps + 2 * flipped_first, (part, bits, scan)


def test_both_tasks_are_met_from_the_start(explorer: NetworkExplorer) -> None:
    explorer.bit_width = 2
    assert explorer.progress == 0
    explorer.scan = 1412
    assert explorer.progress == 1
    assert explorer.challenge.startswith("✓ Met: of these scans 1221, 1412, 1598, 1773 keep theirs.")
    explorer.part, explorer.bit_width = "fc2", 3
    assert explorer.progress == 1
    explorer.bit_width = 4
    assert explorer.progress == 2
    assert explorer.challenge.startswith("✓ Both met: the weights of fc2 in 4 bits")


@pytest.mark.parametrize(
    ("trait", "value", "said"),
    [
        ("bit_width", 9, "bit width 9 is not on its list: choose one of 1 … 8."),
        ("bit_width", float("nan"), "bit width nan is not on its list"),
        ("scan", 0, "scan 0 is not on its list: choose one of 1221, 1241, 1412,"),
        ("layer", "fc4", "look at 'fc4' is not on its list: choose one of pixels, fc1, relu1, fc2, relu2, fc3."),
        ("part", "pixels", "narrow 'pixels' is not on its list: choose one of fc1, relu1, fc2, relu2, fc3."),
    ],
)
def test_a_value_off_its_list_keeps_the_picture_and_says_why(
    explorer: NetworkExplorer, trait: str, value: Any, said: str
) -> None:
    before = explorer.readout
    setattr(explorer, trait, value)
    assert explorer.readout == before
    assert explorer.message.startswith(said)
