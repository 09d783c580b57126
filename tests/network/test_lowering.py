"""Every integer of a lowered network is the one of Brevitas's own tensors; what cannot be lowered is named."""

import copy
import dataclasses
from collections.abc import Iterator

import pytest
import torch
from brevitas import nn as qnn
from brevitas.quant import Int8ActPerTensorFloat, Int32Bias, ShiftedUint8ActPerTensorFloat
from brevitas.quant import SignedBinaryActPerTensorConst as BinaryAct
from brevitas.quant_tensor import IntQuantTensor
from torch import nn

from qtutor import compare, load_checkpoint, lower
from qtutor.network import DigitsCNN, DigitsMLP, IntegerNetwork, load_pixels
from qtutor.network.checkpoints import CHECKPOINTS
from qtutor.network.integer_layers import IntegerRequantize
from qtutor.network.models import quant_conv, quant_linear, quant_relu
from qtutor.network.training import reals

WIDTHS = (1, 2, 3, 4, 8)
NEAR = 1e-4  # of an output step: as far as float32 sums of a few hundred 8-bit products stray
PIXELS, LABELS = load_pixels()


class PlainCNN(nn.Module):
    """Two convolutions without batch normalization, a float bias in one, and an average pool."""

    def __init__(self, bits: int, activation_bits: int, per_channel: bool, power_of_two: bool) -> None:
        super().__init__()
        has_zero = activation_bits > 1
        self.pixels = DigitsMLP(2, 2).pixels
        self.conv1 = quant_conv(1, 8, bits, per_channel, power_of_two, 3, True)
        self.relu1 = quant_relu(activation_bits, power_of_two)
        self.conv2 = quant_conv(8, 8, bits, per_channel, power_of_two, 3, has_zero)
        self.conv2.bias = nn.Parameter(torch.linspace(-0.2, 0.2, 8))
        self.relu2 = quant_relu(activation_bits, power_of_two)
        self.pool = nn.AvgPool2d(2)
        self.relu3 = quant_relu(activation_bits, power_of_two)
        self.fc = quant_linear(8 * (16 if has_zero else 9), 10, bits, per_channel, power_of_two, bias=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu2(self.conv2(self.relu1(self.conv1(self.pixels(x)))))
        return self.fc(self.relu3(self.pool(x)).flatten(1))  # type: ignore[no-any-return]


def settled(model: nn.Module, steps: int = 12) -> nn.Module:
    """A few steps of training: weights, statistics and scales are no longer those of the start."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        optimizer = torch.optim.Adam(model.train().parameters(), lr=3e-3)
        for _ in range(steps):
            batch = torch.randint(0, 1200, (64,))
            loss = nn.functional.cross_entropy(reals(model(PIXELS[batch])), LABELS[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()


def made(kind: type, bits: int, per_channel: bool, power_of_two: bool) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(bits)
        return settled(kind(bits, bits, per_channel, power_of_two))


def differing(model: nn.Module, network: IntegerNetwork, x: torch.Tensor) -> dict[str, int]:
    """By route: integers that are not Brevitas's anywhere in the network, run on its own from its input."""
    places = compare(model, network, x)
    return {route: sum(place.travelled[route] for place in places) for route in ("thresholds", "multipliers")}


# ---- bit for bit -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [DigitsMLP, PlainCNN, DigitsCNN])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bits", WIDTHS)
def test_thresholds_give_every_integer_of_brevitas_where_float32_is_exact(
    kind: type, bits: int, per_channel: bool
) -> None:
    model = made(kind, bits, per_channel, power_of_two=True)
    network = lower(model)
    places = compare(model, network, PIXELS)
    assert sum(place.count for place in places) > 250_000
    assert [place.travelled["thresholds"] for place in places] == [0] * len(places)
    apart = [place for place in places if place.differing["multipliers"]]
    assert all(place.farthest is not None and place.farthest < NEAR for place in apart), apart  # batch norm in float32


@pytest.mark.parametrize("name", [name for name in CHECKPOINTS if "float" not in name])
def test_a_stored_network_is_the_same_in_integers_on_every_scan(name: str) -> None:
    model = load_checkpoint(name)
    network = lower(model)
    if name == "cnn_w8a8":  # 8 bits and scales as they come: float32 sums are no function of the integers
        places = compare(model, network, PIXELS)
        assert all(p.farthest is None or p.farthest < NEAR for p in places)
        assert all(p.farthest is not None for p in places if any(p.differing.values()))  # no sum differs
        for place in places:  # each one is listed, and is one
            assert len(place.each) >= max(place.differing.values())
            assert all(
                one.brevitas != one.ours["multipliers"] or one.brevitas != one.ours["thresholds"] for one in place.each
            )
            assert all(one.distance <= (place.farthest or 0) for one in place.each)
    else:
        assert differing(model, network, PIXELS)["thresholds"] == 0


@pytest.mark.parametrize("name", ["mlp_w4a4", "mlp_w2a2_channel", "mlp_w1a1", "cnn_w4a4", "cnn_w2a2", "cnn_w1a1"])
def test_random_images_give_the_same_integers_by_both_routes(name: str) -> None:
    model = load_checkpoint(name)
    x = torch.randint(0, 17, (300, 1, 8, 8), generator=torch.Generator().manual_seed(1)) / 16
    assert differing(model, lower(model), x) == {"thresholds": 0, "multipliers": 0}


def test_the_logits_are_brevitas_s_own_integers_and_their_meaning_its_reals() -> None:
    model = load_checkpoint("cnn_w4a4")
    network = lower(model)
    with torch.no_grad():
        output = model(PIXELS)
    theirs = torch.round(output.value.double() / output.scale.double())
    scaled = network.trace(network.quantize_input(PIXELS))["fc"]
    assert torch.equal(scaled.double(), theirs)
    logits = network(network.quantize_input(PIXELS))
    assert torch.equal(logits.argmax(1), output.value.argmax(1))
    assert float((network.real(logits) - output.value.double()).abs().max()) < 1e-4


@pytest.mark.parametrize("name", ["mlp_w8a8_power_of_two", "cnn_w8a8_power_of_two", "mlp_w4a4"])
def test_one_scan_alone_gives_what_it_gives_among_others(name: str) -> None:
    network = lower(load_checkpoint(name))
    q = network.quantize_input(PIXELS[:8])
    for route in ("thresholds", "multipliers"):
        together = network(q, route)
        assert [network(q[i : i + 1], route).tolist()[0] for i in range(8)] == together.tolist()
        assert network(q[:0], route).shape == (0, 10)


def by_plain_python(layer: IntegerRequantize, accumulator: int, channel: int) -> tuple[int, int]:
    """(by multiplier, by thresholds), in Python's own integers."""
    mantissa, offset = (int(v[channel % len(v)]) for v in (layer.mantissa, layer.offset))
    total, unit = accumulator * mantissa + offset, 2**layer.shift
    steps, rest = divmod(total, unit)
    steps += rest * 2 > unit or (rest * 2 == unit and steps % 2)
    turned = accumulator * int(layer.direction[channel % len(layer.direction)])
    reached = sum(turned >= t for t in layer.thresholds[channel % len(layer.thresholds)].tolist())
    return min(max(steps, layer.low), layer.high), layer.low + reached


@pytest.mark.parametrize("name", ["mlp_w4a4", "mlp_w3a3_channel", "mlp_w8a8_power_of_two"])
def test_every_accumulator_of_a_channel_is_requantized_as_python_does(name: str) -> None:
    network = lower(load_checkpoint(name))
    layer, sums = network.layer("relu1"), network.meaning("fc1")
    assert isinstance(layer, IntegerRequantize)
    every = torch.arange(max(sums.low, -3000), min(sums.high, 3000), dtype=torch.int32)
    accumulators = every[:, None].expand(-1, len(layer.mantissa)).contiguous()
    ours = torch.stack([layer.by_multipliers(accumulators), layer.by_thresholds(accumulators)], -1)
    for channel in (0, 1, 33, 63):
        assert ours[:, channel].tolist() == [list(by_plain_python(layer, a, channel)) for a in every.tolist()]


def test_a_wide_register_gives_what_a_float64_one_does() -> None:
    layer = lower(load_checkpoint("mlp_w8a8_power_of_two")).layer("relu1")
    assert isinstance(layer, IntegerRequantize)
    assert layer.reach <= 2**53
    accumulators = torch.randint(-40_000, 40_000, (500, 64), generator=torch.Generator().manual_seed(3))
    wide = dataclasses.replace(layer, reach=2**54)
    assert torch.equal(layer.by_multipliers(accumulators), wide.by_multipliers(accumulators))


def test_a_planted_half_up_rounding_is_caught() -> None:
    model = nn.Sequential(
        qnn.QuantIdentity(return_quant_tensor=True),
        quant_linear(4, 2, 2, False, True),
        qnn.QuantIdentity(act_quant=HalfSteps, return_quant_tensor=True),
    ).eval()
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, 1, 1, 1], [1, -1, 1, -1]]))
    model[0] = qnn.QuantIdentity(act_quant=HalfSteps, return_quant_tensor=True).eval()
    x = torch.cartesian_prod(*[torch.arange(-2.0, 2.0)] * 4)
    network = lower(model)
    assert differing(model, network, x) == {"thresholds": 0, "multipliers": 0}
    steps = [
        dataclasses.replace(s, layer=dataclasses.replace(s.layer, rounding="half_up"))
        if isinstance(s.layer, IntegerRequantize)
        else s
        for s in network.steps
    ]
    planted = dataclasses.replace(network, steps=tuple(steps))
    assert differing(model, planted, x)["multipliers"] > 0


class HalfSteps(Int8ActPerTensorFloat):  # type: ignore[misc]
    """A fixed step of 2: odd sums are ties."""

    scaling_impl_type = "const"
    scaling_const = 256.0
    min_val, max_val = -256.0, 254.0


# ---- nothing but integers --------------------------------------------------------------------------------------------


def tensors(thing: object) -> Iterator[torch.Tensor]:
    """Every tensor in dataclasses, tuples and dicts."""
    if isinstance(thing, torch.Tensor):
        yield thing
    elif dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from tensors(getattr(thing, field.name))
    elif isinstance(thing, (tuple, list, dict)):
        for part in thing.values() if isinstance(thing, dict) else thing:
            yield from tensors(part)
    elif isinstance(thing, nn.Module):
        yield from thing.state_dict().values()


@pytest.mark.parametrize("name", ["mlp_w4a4", "cnn_w2a2", "cnn_w1a1", "mlp_w8a8_channel"])
def test_a_lowered_network_holds_no_float_tensor(name: str) -> None:
    found = list(tensors(lower(load_checkpoint(name))))
    assert len(found) > 10
    assert not [t.dtype for t in found if t.is_floating_point()]


def test_the_walk_finds_a_float_that_is_planted() -> None:
    network = lower(load_checkpoint("mlp_w4a4"))
    step = dataclasses.replace(network.steps[0], layer=dataclasses.replace(network.steps[0].layer, name=torch.ones(1)))
    planted = dataclasses.replace(network, steps=(step, *network.steps[1:]))
    assert any(t.is_floating_point() for t in tensors(planted))


def test_lowering_leaves_the_model_as_it_was() -> None:
    model = load_checkpoint("mlp_w4a4")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    lower(model)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(module.training for module in model.modules())


# ---- other arrangements ----------------------------------------------------------------------------------------------


def identity(**options: object) -> qnn.QuantIdentity:
    return qnn.QuantIdentity(return_quant_tensor=True, **options)


def chain(*layers: nn.Module, shape: tuple[int, ...] = (200, 6)) -> tuple[nn.Module, torch.Tensor]:
    """A model that has seen random inputs, and these inputs."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    model = nn.Sequential(*layers).train()
    for _ in range(3):
        model(x)
    return model.eval(), x


ARRANGEMENTS = {
    "a float bias, and plain floats between the layers": lambda: chain(
        qnn.QuantIdentity(), qnn.QuantLinear(6, 5), qnn.QuantReLU(bit_width=4), qnn.QuantLinear(5, 3)
    ),
    "quantizers inside the layer": lambda: chain(
        qnn.QuantLinear(6, 5, input_quant=Int8ActPerTensorFloat, output_quant=Int8ActPerTensorFloat),
        qnn.QuantLinear(5, 3, bias=False),
    ),
    "a zero point": lambda: chain(
        identity(act_quant=ShiftedUint8ActPerTensorFloat), qnn.QuantLinear(6, 5, bias=False),
        identity(act_quant=ShiftedUint8ActPerTensorFloat, bit_width=4), qnn.QuantLinear(5, 3, bias=False),
    ),
    "a plain ReLU before a quantizer": lambda: chain(
        identity(), qnn.QuantLinear(6, 5, bias=False), nn.ReLU(), identity(bit_width=4), qnn.QuantLinear(5, 3, bias=False)
    ),
    "a pool before the quantizer": lambda: chain(
        identity(), qnn.QuantConv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.MaxPool2d(2),
        qnn.QuantReLU(bit_width=4, return_quant_tensor=True), nn.Flatten(), qnn.QuantLinear(36, 3, bias=False),
        shape=(60, 2, 6, 6),
    ),
    "a padded pool, strides and groups": lambda: chain(
        identity(), qnn.QuantConv2d(2, 4, 3, stride=2, groups=2, bias=False), identity(bit_width=4), nn.MaxPool2d(3, 2, 1),
        nn.Flatten(), qnn.QuantLinear(16, 3, bias=False, bias_quant=Int32Bias), shape=(60, 2, 8, 8),
    ),
    "dropout, and a quantizer at the end": lambda: chain(
        identity(), nn.Dropout(0.5), qnn.QuantLinear(6, 5, bias=False), nn.BatchNorm1d(5), identity(bit_width=3)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_an_arrangement_gives_brevitas_s_integers(name: str) -> None:
    model, x = ARRANGEMENTS[name]()
    network = lower(model)
    places = compare(model, network, x)
    assert len(places) >= 3
    assert all(p.farthest is not None and p.farthest < NEAR for p in places if p.differing["multipliers"])
    assert sum(p.differing["thresholds"] for p in places) == 0


def test_batch_normalization_with_negative_and_no_gain() -> None:
    model, x = chain(identity(), qnn.QuantLinear(6, 5, bias=False), nn.BatchNorm1d(5), identity(bit_width=4))
    with torch.no_grad():
        model[2].weight.copy_(torch.tensor([1.0, -1.0, 0.0, -0.3, 2.0]))
    network = lower(model)
    assert differing(model, network, x) == {"thresholds": 0, "multipliers": 0}
    assert sorted(network.layer("3").direction.tolist())[0] == -1  # type: ignore[union-attr]


class AveragesAll(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.quant, self.pool, self.fc = (
            identity(bit_width=6),
            nn.AdaptiveAvgPool2d(1),
            qnn.QuantLinear(2, 3, bias=False),
        )
        self.conv = qnn.QuantConv2d(2, 2, 1, bias=False)
        self.again = qnn.QuantReLU(bit_width=6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.again(self.conv(self.quant(x))))
        return self.fc(x.view(x.shape[0], -1))  # type: ignore[no-any-return]


def test_an_average_over_whole_images_asks_for_an_example() -> None:
    model, x = AveragesAll().train(), torch.randn(50, 2, 4, 4, generator=torch.Generator().manual_seed(4))
    model(x)
    with pytest.raises(ValueError, match="call lower.model, example."):
        lower(model.eval())
    network = lower(model, x)
    assert network.trace(network.quantize_input(x))["pool"].shape == (50, 2, 1, 1)
    assert differing(model, network, x)["thresholds"] == 0


def test_what_the_model_does_before_its_quantizer_is_done_in_floats() -> None:
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.quant, self.fc = qnn.QuantIdentity(bit_width=4), qnn.QuantLinear(6, 3, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = 2.0 * x.view(x.shape[0], -1) - torch.tensor([1.0], device=x.device)
            return self.fc(self.quant(x))  # type: ignore[no-any-return]

    model, x = Shifted().train(), torch.rand(50, 1, 2, 3, generator=torch.Generator().manual_seed(4))
    model(x)
    network = lower(model.eval())
    assert network.input.before == (("mul", 2.0), ("sub", 1.0))
    assert differing(model, network, x) == {"thresholds": 0, "multipliers": 0}


# ---- bad input -------------------------------------------------------------------------------------------------------


def settled_chain(*layers: nn.Module, shape: tuple[int, ...] = (20, 6)) -> nn.Module:
    return chain(*layers, shape=shape)[0]


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.quant = identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.quant(x) if x.sum() > 0 else self.quant(-x)  # type: ignore[no-any-return]


class TwoScales(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.quant, self.a, self.b = identity(), identity(bit_width=4), identity(bit_width=3)
        self.fc, self.last = qnn.QuantLinear(6, 6, bias=False), identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.quant(x)
        return self.last(self.a(x).value + self.b(self.fc(x)).value)  # type: ignore[no-any-return]


class Softmax(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.quant, self.fc = identity(), qnn.QuantLinear(6, 6, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.softmax(self.fc(self.quant(x)), dim=1)


class FreeZeroPoint(ShiftedUint8ActPerTensorFloat):  # type: ignore[misc]
    """A zero point as it comes, no integer."""

    quantize_zero_point = False


REFUSED = {
    "in training mode": (lambda: settled_chain(identity()).train(), "Sequential is in training mode"),
    "one layer in training mode": (
        lambda: _with(settled_chain(identity(), nn.Dropout(), qnn.QuantLinear(6, 2)), lambda m: m[1].train()),
        r"layer 1 \(Dropout\) is in training mode",
    ),
    "not calibrated": (
        lambda: nn.Sequential(identity(), qnn.QuantLinear(6, 2)).eval(),
        r"layer 0 \(QuantIdentity\) has seen no data",
    ),
    "a float layer": (
        lambda: settled_chain(identity(), nn.Linear(6, 3)),
        "layer 1 is a Linear, which has no integer layer here: use QuantLinear.$",
    ),
    "a float convolution": (
        lambda: settled_chain(identity(), nn.Conv2d(2, 2, 3), shape=(4, 2, 5, 5)),
        "is a Conv2d, .* here: use QuantConv2d.$",
    ),
    "a softmax in forward": (
        lambda: seen(Softmax()),
        "forward calls softmax, .* leave it out at the end, the largest score is the same.$",
    ),
    "float weights": (
        lambda: settled_chain(identity(), qnn.QuantLinear(6, 3, weight_quant=None)),
        r"layer 1 \(QuantLinear\) has float weights",
    ),
    "no quantizer between": (
        lambda: settled_chain(identity(), qnn.QuantLinear(6, 3), qnn.QuantLinear(3, 3)),
        r"layer 2 \(QuantLinear\) is given accumulators of layer 1 without a quantizer",
    ),
    "no quantizer at all": (lambda: settled_chain(qnn.QuantLinear(6, 3)), r"layer 0 \(QuantLinear\) is given floats"),
    "weights of 9 bits": (
        lambda: settled_chain(identity(), qnn.QuantLinear(6, 3, weight_bit_width=9)),
        r"layer 1 \(QuantLinear\) has weights of 9 bits",
    ),
    "activations of 12 bits": (
        lambda: settled_chain(identity(bit_width=12)),
        r"layer 0 \(QuantIdentity\) has bit_width 12",
    ),
    "a zero point with a fraction": (
        lambda: settled_chain(identity(act_quant=FreeZeroPoint), qnn.QuantLinear(6, 2)),
        r"layer 0 \(QuantIdentity\) has zero_point",
    ),
    "a layer that is not supported": (
        lambda: settled_chain(identity(), qnn.QuantLinear(6, 3), nn.Softmax(1)),
        "layer 2 is a Softmax, .* leave it out at the end, the largest score is the same.$",
    ),
    "an activation that is not supported": (
        lambda: settled_chain(qnn.QuantTanh()),
        "layer 0 is a QuantTanh, which has no integer layer here: use QuantLinear, QuantConv2d",
    ),
    "zero padding of bipolar values": (
        lambda: settled_chain(identity(act_quant=BinaryAct), qnn.QuantConv2d(2, 2, 3, padding=1), shape=(4, 2, 5, 5)),
        r"layer 1 \(QuantConv2d\) pads with zeros, and its inputs are -1 and \+1",
    ),
    "a forward that asks for values": (Branches, "the forward of Branches cannot be followed"),
    "two scales in one sum": (lambda: seen(TwoScales()), "adds a of scale"),
    "a dilation": (
        lambda: settled_chain(identity(), qnn.QuantConv2d(2, 2, 3, dilation=2), shape=(4, 2, 9, 9)),
        r"layer 1 \(QuantConv2d\) has a dilation",
    ),
    "half precision": (lambda: settled_chain(identity(), qnn.QuantLinear(6, 2)).double(), "call model.float"),
}


def _with(model: nn.Module, change: object) -> nn.Module:
    change(model)  # type: ignore[operator]
    return model


def seen(model: nn.Module) -> nn.Module:
    model.train()(torch.randn(20, 6, generator=torch.Generator().manual_seed(5)))
    return model.eval()


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_lowered_is_named_in_one_sentence(name: str) -> None:
    build, message = REFUSED[name]
    model = build()
    if name == "a forward that asks for values":
        model.eval()
    with pytest.raises(ValueError, match=message) as caught:
        lower(model)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_something_else_than_a_model_is_refused() -> None:
    with pytest.raises(TypeError, match="model is a dict"):
        lower({})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("x", "kind", "message"),
    [
        (torch.full((1, 1, 8, 8), 32), ValueError, r"x holds 32, outside \[0, 31\], the integers of pixels"),
        (torch.full((1, 1, 8, 8), 0.3), ValueError, "x holds 0.3, which is off the grid of pixels .step 0.0625"),
        ([[1]], TypeError, "x is a list"),
    ],
)
def test_inputs_that_are_no_integers_of_the_first_quantizer_are_refused(
    x: object, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        lower(load_checkpoint("mlp_w4a4"))(x)  # type: ignore[arg-type]


def test_floats_on_the_grid_are_taken_as_the_integers_that_they_are() -> None:
    network = lower(load_checkpoint("mlp_w4a4"))
    assert torch.equal(network(PIXELS[:20]), network(network.quantize_input(PIXELS[:20])))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda net: net(PIXELS[:1], "floats"), "route 'floats' is no way"),
        (lambda net: net.layer("fc9"), "there is no layer 'fc9'"),
        (lambda net: net.meaning("fc9"), "there is no layer 'fc9'"),
        (lambda net: net.quantize_input(PIXELS[:1] * float("nan")), "NaN"),
    ],
)
def test_a_wrong_question_to_a_network_is_answered_with_the_choices(ask: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ask(lower(load_checkpoint("mlp_w4a4")))  # type: ignore[operator]


def test_the_oracle_shares_nothing_with_lower() -> None:
    """Brevitas's integers come from its own tensors: a model whose weights change gives others."""
    model = load_checkpoint("mlp_w4a4")
    network, other = lower(model), copy.deepcopy(model)
    with torch.no_grad():
        other.fc1.weight.mul_(-1)
        output = other(PIXELS)
    assert isinstance(output, IntQuantTensor)
    assert differing(other, network, PIXELS)["thresholds"] > 0
