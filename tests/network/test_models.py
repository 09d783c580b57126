"""The models are what their widths say, at every width: 1 bit has no 0, and nothing is padded with one."""

import pytest
import torch
from brevitas.nn import QuantConv2d, QuantLinear
from torch import nn

from qtutor.network import DigitsCNN, DigitsMLP, load_pixels
from qtutor.network.models import FloatCNN, FloatMLP

WIDTHS = (1, 2, 3, 4, 8)


def levels(bits):
    """The most integers that a weight of so many bits may take: narrow, and at 1 bit −1 and +1."""
    return {-1, 1} if bits == 1 else set(range(1 - 2 ** (bits - 1), 2 ** (bits - 1)))


@pytest.mark.parametrize("make", [DigitsMLP, DigitsCNN])
@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("per_channel", [False, True])
def test_the_weights_are_integers_of_the_width_with_one_scale_or_one_a_channel(make, bits, per_channel):
    model = make(bits, bits, per_channel).eval()
    for layer in (m for m in model.modules() if isinstance(m, (QuantLinear, QuantConv2d))):
        weight = layer.quant_weight()
        assert set(weight.int().unique().tolist()) <= levels(bits)
        assert weight.scale.numel() == (len(weight.value) if per_channel else 1)


@pytest.mark.parametrize("make", [DigitsMLP, DigitsCNN])
@pytest.mark.parametrize("bits", WIDTHS)
def test_what_flows_between_the_layers_are_integers_of_the_width(make, bits):
    seen = {}
    model = make(bits, bits).eval()
    for name, layer in model.named_modules():
        if name in ("relu1", "relu2", "relu3"):
            layer.register_forward_hook(lambda _, __, out, name=name: seen.update({name: out}))
    out = model(load_pixels()[0][:20])
    low, high = (-1, 1) if bits == 1 else (0, 2**bits - 1)
    for tensor in seen.values():
        q = tensor.int()
        assert low <= int(q.min()) <= int(q.max()) <= high
        assert bits > 1 or not (q == 0).any()
    assert len(seen) == (2 if make is DigitsMLP else 3)
    assert out.scale is not None
    assert torch.equal(out.int(), (out.value / out.scale).round().to(out.int().dtype))


def test_the_pixels_are_on_the_grid_of_the_first_quantizer():
    pixels, _ = load_pixels()
    stored = DigitsCNN(4, 4).eval().pixels(pixels)
    assert torch.equal(stored.int().float() / 16, pixels)
    assert (float(stored.scale), float(stored.bit_width), stored.signed) == (1 / 16, 5, False)


def test_a_convolution_of_1_bit_activations_does_not_pad():
    sizes = [(c.kernel_size[0], c.padding[0]) for c in DigitsCNN(1, 1).modules() if isinstance(c, QuantConv2d)]
    assert sizes == [(3, 1), (1, 0), (3, 0)]
    sizes = [(c.kernel_size[0], c.padding[0]) for c in DigitsCNN(1, 2).modules() if isinstance(c, QuantConv2d)]
    assert sizes == [(3, 1)] * 3


def test_each_layer_may_have_its_own_width():
    model = DigitsMLP((8, 2, 4), (3, 5)).eval()
    assert [int(layer.weight_quant.bit_width()) for layer in (model.fc1, model.fc2, model.fc3)] == [8, 2, 4]
    model(load_pixels()[0][:2])
    assert [int(layer.act_quant.bit_width()) for layer in (model.relu1, model.relu2)] == [3, 5]


@pytest.mark.parametrize("make", [DigitsMLP, DigitsCNN])
def test_both_sides_of_a_sum_have_one_scale_and_a_bias_is_in_units_of_the_accumulators(make):
    model = make(4, 4).eval()
    inputs = {}
    for name, layer in model.named_modules():
        if isinstance(layer, QuantLinear):
            layer.register_forward_hook(lambda module, args, _, name=name: inputs.update({name: (module, args[0])}))
    model(load_pixels()[0][:5])
    layer, given = inputs["fc3" if make is DigitsMLP else "fc"]
    layer.bias.data.uniform_(-1, 1)
    bias = layer.bias_quant(layer.bias, given, layer.quant_weight())
    assert torch.allclose(bias.scale, given.scale * layer.quant_weight().scale)


@pytest.mark.parametrize("pair", [(DigitsMLP, FloatMLP), (DigitsCNN, FloatCNN)])
def test_the_float_model_has_the_same_layers(pair):
    quantized, plain = pair[0](8, 8), pair[1]()
    shapes = {name: part.shape for name, part in quantized.named_parameters() if "quant" not in name}
    assert {name: part.shape for name, part in plain.named_parameters()} == shapes


@pytest.mark.parametrize(
    ("bits", "said"),
    [
        ((4, 4), "weight_bits has 2 widths for 3 layers: give one number, or one for each layer"),
        (9, "weight_bits holds 9, and these models have widths of 1 to 8 bits"),
        (0, "weight_bits holds 0"),
        (True, "weight_bits holds True"),
        ((4, 2.5, 4), "weight_bits holds 2.5"),
        ((4.0, 4, 4), "weight_bits holds 4.0, and these models have widths of 1 to 8 bits"),
        ("444", "weight_bits holds '4', and"),
        (None, "weight_bits holds None"),
    ],
)
def test_another_width_is_refused(bits, said):
    with pytest.raises(ValueError, match=said):
        DigitsMLP(bits, 4)


def test_batch_normalization_is_there_to_fold():
    assert [type(m) for m in DigitsMLP(4, 4).children()].count(nn.BatchNorm1d) == 2
