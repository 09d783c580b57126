"""What `lower` does not follow is refused in one sentence before any integer is wrong; what it follows has Brevitas's integers."""

import functools
import operator

import pytest
import torch
from brevitas import nn as qnn
from brevitas.quant import (
    Int8AccumulatorAwareWeightQuant,
    Int8AccumulatorAwareZeroCenterWeightQuant,
    Int8ActPerTensorFloat,
    Int8WeightPerChannelFloat,
    Int32Bias,
    mx_quant_ocp,
)
from brevitas.quant import SignedBinaryActPerTensorConst as BinaryAct
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune

from qtutor import compare, lower
from qtutor.network.comparison import brevitas_integers

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # what it compiles is refused
DYNAMIC = pytest.importorskip("brevitas_examples.common.generative.quantizers", reason="no examples in this Brevitas")


def identity(bits=8, **options):
    return qnn.QuantIdentity(bit_width=bits, return_quant_tensor=True, **options)


def relu(bits=4, **options):
    return qnn.QuantReLU(bit_width=bits, return_quant_tensor=True, **options)


def linear(inputs, outputs, bias=False, **options):
    return qnn.QuantLinear(inputs, outputs, bias=bias, **({"weight_bit_width": 4} | options))


def conv(inputs, outputs, size=3, **options):
    return qnn.QuantConv2d(inputs, outputs, size, bias=False, weight_bit_width=4, **options)


class Written(nn.Module):
    """A model of layers and a forward."""

    def __init__(self, forward, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.written = forward

    def forward(self, x):
        return self.written(self, x)


@functools.cache
def inputs(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


@pytest.fixture(autouse=True)
def seeded():
    """Weights are the same in each run, so that ties are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        yield


def settled(model, *shape):
    """The model after two batches in training mode, its scales settled."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for _ in range(2):
            model.train()(inputs(*(shape or (40, 20))))
    return model.eval()


def chain(*layers, shape=(40, 20)):
    return settled(nn.Sequential(*layers), *shape)


def written(forward, shape=(40, 20), **layers):
    return settled(Written(forward, **layers), *shape)


def joined(a, b, **layers):
    """A model that quantizes, does two things to it, and adds both on one scale: nothing is rounded on the way there."""
    return written(
        lambda s, x: (lambda v: s.j(a(s, v)) + s.j(b(s, v)))(s.q(x).value), q=identity(), j=identity(), **layers
    )


# ---- refused ---------------------------------------------------------------------------------------------------------------


class Doubled(nn.ReLU):
    def forward(self, x):
        return 2 * super().forward(x)


class Shifted(nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x) + 1


class OtherProducts(qnn.QuantLinear):
    def inner_forward_impl(self, x, weight, bias):
        return 2 * super().inner_forward_impl(x, weight, bias)


class Swish(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x)


class Asks(nn.Module):
    def forward(self, x):
        return x if (x.value > 0).all() else -x


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.q = identity()

    def forward(self, x, scale=None):
        return self.q(x) if scale is None else self.q(x * scale)


def flattened(reshape, *layers):
    return lambda: written(
        lambda s, x: s.rest(reshape(s.q(x))), shape=(4, 4, 1, 1), q=identity(), rest=nn.Sequential(*layers)
    )


def hooked(*, before=False):
    model = chain(identity(), linear(20, 4))
    if before:
        model[1].register_forward_pre_hook(lambda module, given: (2 * given[0],))
    else:
        model[1].register_forward_hook(lambda module, given, result: 2 * result)
    return model


def pruned():
    model = chain(identity(), linear(20, 4))
    prune.l1_unstructured(model[1], "weight", amount=0.5)
    return model


def no_number(where):
    model = chain(identity(), linear(20, 4, bias=True), nn.BatchNorm1d(4), relu())
    with torch.no_grad():
        dict(model.named_parameters())[where][0] = float("nan")
    return model


def method_replaced():
    model = chain(identity(), linear(20, 4), nn.ReLU(), identity(4))
    model[2].forward = lambda x: 2 * x
    return model


def _adds_to_a_second_name(s, x):
    a = s.q(x)
    c = a
    c += x
    return s.j(c) + s.j(a)


REFUSED = {
    # wrong integers
    "add with alpha": (
        lambda: written(lambda s, x: (lambda v: torch.add(s.j(v), s.j(v), alpha=2))(s.q(x)), q=identity(), j=identity()),
        "add is called with alpha=2, and only input, other can be given to it here: leave it out.",
    ),
    "the sign behind a ReLU": (
        lambda: chain(identity(), linear(20, 4), nn.ReLU(), identity(1, act_quant=BinaryAct), linear(4, 2)),
        r"layer 3 \(QuantIdentity\) takes the sign of what a ReLU gives, which is \+1 always: take the ReLU out.",
    ),
    "the sign inside a QuantReLU": (
        lambda: chain(identity(), linear(20, 4), qnn.QuantReLU(act_quant=BinaryAct), linear(4, 2)),
        r"layer 2 \(QuantReLU\) takes the sign of what a ReLU gives",
    ),
    "one integer behind a ReLU": (
        lambda: chain(identity(), linear(20, 4), nn.ReLU(), identity(1), linear(4, 2)),
        r"layer 3 \(QuantIdentity\) has only the integer 0 left after a ReLU: use an unsigned quantizer, or more bits.",
    ),
    "the batch flattened": (
        flattened(lambda x: x.flatten(end_dim=1)),
        "flatten flattens from dimension 0 to 1: use flatten",
    ),
    "all flattened": (flattened(torch.flatten), "flatten flattens from dimension 0 to -1: use flatten.1., of all but"),
    "flatten by name": (flattened(lambda x: torch.flatten(x, end_dim=1)), "flatten flattens from dimension 0 to 1"),
    "one row": (flattened(lambda x: x.view(1, -1)), "flatten reshapes in a way that may mix the inputs of a batch: use"),
    "rows of the channels": (flattened(lambda x: x.view(x.size(1), -1)), "may mix the inputs"),
    "three dimensions": (flattened(lambda x: x.view(x.size(0), 2, 2)), "may mix the inputs"),
    "flattened from another dimension": (
        lambda: chain(identity(), nn.Flatten(2), shape=(4, 3, 5, 5)),
        r"layer 1 \(Flatten\) flattens from dimension 2 to -1: use flatten.1., of all but the first.",
    ),
    "dropout that never stops": (
        lambda: written(lambda s, x: s.a(functional.dropout(s.q(x), 0.5)), q=identity(), a=linear(20, 4)),
        "dropout drops values in eval mode too: call it with training=self.training.",
    ),
    "a value used after an in-place ReLU": (
        lambda: joined(lambda s, v: s.r(v), lambda s, v: v, r=nn.ReLU(inplace=True)),
        "getattr_1 is overwritten by r, which works in place, and is used again after it: use inplace=False, or a .",
    ),
    "a value used after an in-place relu": (
        lambda: joined(lambda s, v: functional.relu(v, inplace=True), lambda s, v: v),
        "is overwritten by relu, which works in place",
    ),
    "a view of it used": (
        lambda: joined(lambda s, v: functional.relu(v.view(v.size(0), -1), inplace=True), lambda s, v: v),
        "is overwritten by relu, which works in place",
    ),
    "a value used after +=": (
        lambda: written(
            lambda s, x: (lambda a, b: s.j(operator.iadd(a, b)) + s.j(a))(s.q(x).value, x),
            q=identity(), j=identity(),
        ),
        "is overwritten by iadd, which works in place",
    ),
    "a second name for what += overwrites": (
        lambda: written(_adds_to_a_second_name, q=qnn.QuantIdentity(), j=identity()),
        "q is overwritten by iadd, which works in place",
    ),
    "a ReLU with its own forward": (
        lambda: chain(identity(), linear(20, 4), Doubled(), identity(4)),
        "layer 2 is a Doubled, with a forward of its own, which has no integer layer here: use QuantLinear",
    ),
    "a batch normalization with its own forward": (
        lambda: chain(identity(), conv(2, 4), Shifted(4), relu(), shape=(4, 2, 5, 5)),
        "layer 2 is a Shifted, with a forward of its own",
    ),
    "a linear layer with its own products": (
        lambda: chain(identity(), OtherProducts(20, 4, bias=False)),
        "layer 1 is a OtherProducts, with a forward of its own",
    ),
    "a forward put in place": (method_replaced, "layer 2 is a ReLU, with a forward of its own"),
    "a hook": (hooked, r"layer 1 \(QuantLinear\) has a forward hook, which may change its numbers: remove it"),
    "a hook before": (lambda: hooked(before=True), r"layer 1 \(QuantLinear\) has a forward hook"),
    "a hook of pruning": (pruned, "has a forward hook, .* as prune.remove.module, 'weight'. does"),
    "indices of a pool": (
        lambda: written(
            lambda s, x: s.f(s.p(s.q(x))[0]), shape=(4, 2, 4, 4),
            q=identity(), p=nn.MaxPool2d(2, return_indices=True), f=nn.Flatten(),
        ),
        "p has a dilation, ceil_mode or return_indices: use a plain max pool.",
    ),
    # raw errors
    "a single layer": (
        lambda: settled(linear(20, 4, input_quant=Int8ActPerTensorFloat)),
        r"the model is a single QuantLinear, and its layers need names: make it nn.Sequential\(model\).",
    ),
    "a single quantizer": (lambda: settled(identity(4)), "the model is a single QuantIdentity"),
    "a wrapper": (lambda: nn.DataParallel(chain(identity(), linear(20, 4))).eval(), "is wrapped in a DataParallel: give mod"),
    "a model compiled for speed": (lambda: torch.compile(chain(identity(), linear(20, 4))), "the model is compiled, so that"),
    "a compiled model": (
        lambda: torch.jit.trace(nn.Sequential(nn.ReLU()).eval(), inputs(4, 4)),
        "the model is compiled, so that its forward cannot be followed: give what it was made from.",
    ),
    "accumulator-aware weights": (
        lambda: chain(identity(), linear(20, 4, weight_quant=Int8AccumulatorAwareWeightQuant)),
        r"layer 1 \(QuantLinear\) has accumulator-aware weights, which depend on its input's format: use Int8WeightPerTen",
    ),
    "accumulator-aware weights around zero": (
        lambda: chain(identity(), linear(20, 4, weight_quant=Int8AccumulatorAwareZeroCenterWeightQuant)),
        "has accumulator-aware weights",
    ),
    "dynamic scales": (
        lambda: chain(identity(act_quant=DYNAMIC.Int8DynamicActPerTensorFloat), linear(20, 4)),
        r"layer 0 \(QuantIdentity\) takes its scale from each input anew, and integer layers have one: use Int8ActPerTensor",
    ),
    "scales of groups": (
        lambda: chain(qnn.QuantIdentity(act_quant=mx_quant_ocp.MXInt8Act, bit_width=8, group_dim=1, group_size=4), linear(20, 4)),
        r"layer 0 \(QuantIdentity\) has a scale for each group of inputs, and integer layers have one: use one a tensor.",
    ),
    "weights in groups": (
        lambda: chain(identity(), qnn.QuantLinear(20, 4, weight_quant=mx_quant_ocp.MXInt8Weight, group_size=4)),
        r"layer 1 \(QuantLinear\) has weights that are GroupwiseIntQuantTensor, no plain integers: use Int8WeightPerTens",
    ),
    # sentences that misled
    "two inputs": (
        lambda: settled(TwoInputs()),
        "the forward of TwoInputs takes x and scale, and a network here has one input: leave one.",
    ),
    "a part of the input": (
        lambda: written(lambda s, x: s.a(s.q(x[:, :8])), q=identity(), a=linear(8, 4)),
        r"forward takes a part of a tensor by \[ \], which has no integer layer here: take it out.",
    ),
    "a function in an own layer": (
        lambda: written(lambda s, x: s.swish(s.a(s.q(x))), q=identity(), a=linear(20, 4), swish=Swish()),
        r"the forward of swish \(Swish\) calls sigmoid, which has no integer layer here: use QuantLinear",
    ),
    "a condition in an own layer": (
        lambda: written(lambda s, x: s.asks(s.q(x)), q=identity(), asks=Asks()),
        "the forward of Asks cannot be followed",
    ),
    "a pool at the end": (
        lambda: chain(identity(), conv(2, 4), nn.MaxPool2d(3), shape=(4, 2, 5, 5)),
        "the model ends in a ReLU or a pooling of the sums of layer 1: quantize them, or take it out.",
    ),
    "a bias without its scale": (
        lambda: nn.Sequential(
            *chain(identity(), linear(20, 8), qnn.QuantReLU(bit_width=4)), linear(8, 4, bias=True, bias_quant=Int32Bias)
        ).eval(),
        r"layer 3 \(QuantLinear\) has a bias that takes its scale from the input, which comes without one: use return_quant_t",
    ),
    "1-bit integer weights": (
        lambda: chain(identity(), linear(20, 4, weight_bit_width=1)),
        r"layer 1 \(QuantLinear\) has integer weights of 1 bit, a range of 0 alone where it is narrow: use SignedBinary",
    ),
    "a bias that is no number": (
        lambda: no_number("1.bias"),
        r"layer 1 \(QuantLinear\) has a bias that is NaN or infinite: train it again.",
    ),
    "a weight that is no number": (
        lambda: no_number("1.weight"),
        r"layer 1 \(QuantLinear\) has a weight that is NaN or infinite",
    ),
    "a normalization that is no number": (
        lambda: no_number("2.weight"),
        r"layer 2 \(BatchNorm1d\) holds a number that is NaN or infinite: train it again.",
    ),
    "an average of other than all": (
        lambda: chain(identity(), nn.AdaptiveAvgPool2d(2), shape=(4, 2, 4, 4)),
        r"layer 1 \(AdaptiveAvgPool2d\) gives images of 2: use AdaptiveAvgPool2d\(1\), or AvgPool2d.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_followed_is_refused_in_one_sentence(name):
    build, message = REFUSED[name]
    with pytest.raises(ValueError, match=message) as caught:
        lower(build())
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


# ---- what a network is given -----------------------------------------------------------------------------------------------


class Pooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.conv, self.r, self.pool = identity(), conv(3, 4), relu(), nn.AdaptiveAvgPool2d(1)
        self.after, self.fc = identity(), linear(4, 3)

    def forward(self, x):
        return self.fc(self.after(self.pool(self.r(self.conv(self.q(x))))).flatten(1))


GIVEN = {
    "rows of rows": (
        lambda: chain(identity(), linear(5, 2), shape=(4, 3, 5)), (4, 3, 5), (4, 3, 5),
        r"layer 1 takes \[N, features\] and is given \[\d, 3, 5\]: flatten.1. it before.",
    ),
    "channels elsewhere": (
        lambda: chain(identity(), linear(11, 11, weight_quant=Int8WeightPerChannelFloat), relu(), shape=(4, 11, 11)),
        (4, 11, 11), (4, 11, 11), r"layer 1 takes \[N, features\] and is given \[\d, 11, 11\]: flatten",
    ),
    "images of another size": (
        lambda: settled(Pooled(), 4, 3, 9, 11), (4, 3, 9, 11), (2, 3, 16, 20),
        "pool averages images of 7 × 9 and is given 14 × 18: lower the model with an example of that size.",
    ),
    "images that are too small": (
        lambda: chain(identity(), nn.AvgPool2d(3), shape=(4, 3, 9, 9)), (4, 3, 9, 9), (2, 3, 2, 2),
        r"layer 1 does not take inputs of shape \(2, 3, 2, 2\) \(.*\): give others.",
    ),
    "a vector": (
        lambda: chain(identity(), conv(2, 3), shape=(4, 2, 5, 5)), (4, 2, 5, 5), (7,),
        r"layer 1 does not take inputs of shape \(7,\) \(x of shape .*\): give others.",
    ),
    "a column of all inputs": (
        flattened(lambda x: x.reshape(-1, 1)), (4, 4, 1, 1), (4, 4, 1, 1),
        r"flatten makes rows of 1, and an input has 4 here: use flatten\(1\).",
    ),
    "rows of half an input": (
        lambda: written(
            lambda s, x: s.b(s.r(s.a(s.q(x))).view(-1, 8)), q=identity(), a=linear(20, 16), r=relu(), b=linear(8, 3)
        ),
        (40, 20), (40, 20), "flatten makes rows of 8, and an input has 16 here: use flatten",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GIVEN)
def test_integers_of_another_shape_are_refused_in_one_sentence(name):
    build, lowered, given, message = GIVEN[name]
    model = build()
    network = lower(model, inputs(*lowered))
    with pytest.raises(ValueError, match=message):
        network(network.quantize_input(inputs(*given)))


@pytest.mark.parametrize("q", [None, [1], inputs(4, 3), torch.zeros(4, 3, dtype=torch.bool)])
def test_what_is_no_integer_tensor_has_no_real_numbers(q):
    with pytest.raises(TypeError, match="x is .*kernels take"):
        lower(chain(identity(), linear(20, 3))).real(q)


@pytest.mark.parametrize(
    ("example", "kind", "message"),
    [
        (
            inputs(2, 5, 9, 11),
            ValueError,
            r"the model does not take inputs of shape \(2, 5, 9, 11\) \(.*\): give others.",
        ),
        (inputs(7), ValueError, r"the model does not take inputs of shape \(7,\)"),
        ("digits", TypeError, "example is a str: give one batch of inputs, a float tensor."),
    ],
)
def test_an_example_that_the_model_does_not_take_is_refused(example, kind, message):
    with pytest.raises(kind, match=message):
        lower(settled(Pooled(), 4, 3, 9, 11), example)


# ---- followed --------------------------------------------------------------------------------------------------------------


class Wide(qnn.QuantConv2d):
    """A class that only sets what it likes."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, 3, bias=False, weight_bit_width=3, input_quant=Int8ActPerTensorFloat)


class Flatten(nn.Module):
    def forward(self, x):
        return x.view(x.shape[0], -1)


def added_twice(s, x):
    x = s.q(x)
    y = s.add(s.fc1(x), s.fc1(x))
    return s.j(s.add(y, x)) + s.j(y)


def relu_beside_relu(s, x):
    return s.b(s.relu(functional.relu(s.a(s.q(x)))))


def add_beside_add(s, x):
    x = s.q(x)
    return s.add(s.r(x) + s.r(s.a(x)))


def twice(s, x):
    x = s.q(x)
    return s.j(s.a(x)) + s.j(s.a(s.b(x)))


FOLLOWED = {
    "a derived class": lambda: chain(Wide(2, 4), relu(), Flatten(), linear(36, 2), shape=(4, 2, 5, 5)),
    "a sum that is called twice": lambda: written(
        added_twice, q=identity(), fc1=linear(20, 20), j=identity(),
        add=qnn.QuantEltwiseAdd(input_quant=Int8ActPerTensorFloat, output_quant=Int8ActPerTensorFloat, return_quant_tensor=True),
    ),
    "a relu beside a layer of that name": lambda: written(
        relu_beside_relu, q=identity(), a=linear(20, 8), relu=relu(), b=linear(8, 3)
    ),
    "a + beside a layer called add": lambda: written(
        add_beside_add, q=identity(), a=linear(20, 20), r=identity(), add=identity(5)
    ),
    "a layer called view": lambda: written(
        lambda s, x: s.view(s.a(s.q(x).view(-1, 20))), q=identity(), a=linear(20, 4), view=identity(4)
    ),
    "a layer with its input quantizer, twice": lambda: written(
        twice, a=linear(20, 20, input_quant=Int8ActPerTensorFloat, output_quant=Int8ActPerTensorFloat, return_quant_tensor=True),
        q=identity(), b=identity(), j=identity(),
    ),
    "in place, and not used again": lambda: written(
        lambda s, x: s.r(s.norm(s.a(s.q(x)))).view(x.size(0), -1), q=identity(), a=linear(20, 4), norm=nn.BatchNorm1d(4),
        r=nn.Sequential(nn.ReLU(inplace=True), identity(4)),
    ),
    "dropout that stops": lambda: written(
        lambda s, x: s.a(functional.dropout(s.q(x), 0.5, s.training)), q=identity(), a=linear(20, 4)
    ),
    "arguments by name": lambda: written(lambda s, x: s.a(input=torch.flatten(s.q(input=x), start_dim=1)), q=identity(), a=linear(20, 4)),
    "the same value twice": lambda: written(lambda s, x: (lambda v: v + v)(s.q(x)), q=identity()),
    "nothing but convolutions": lambda: chain(identity(), conv(2, 4), relu(), conv(4, 5), nn.Flatten(), shape=(4, 2, 5, 5)),
    "nothing but convolutions, a scale a channel": lambda: chain(
        identity(), qnn.QuantConv2d(2, 5, 5, bias=True, weight_quant=Int8WeightPerChannelFloat), nn.Flatten(), shape=(4, 2, 5, 5)
    ),
}  # fmt: skip
IMAGES = ("a derived class", "nothing but convolutions", "nothing but convolutions, a scale a channel")


@pytest.mark.parametrize("name", FOLLOWED)
def test_what_is_followed_has_brevitas_s_integers_at_every_place(name):
    model, x = FOLLOWED[name](), inputs(*((4, 2, 5, 5) if name in IMAGES else (40, 20)))
    network = lower(model, x)
    places = compare(model, network, x)
    assert [place.name for place in places] == [place for place, _ in network.places]
    assert len(set(network.names)) == len(network.names)
    assert sum(place.unexplained for place in places) == 0
    assert all(max(place.differing.values()) <= place.count * 1e-2 for place in places)
    with torch.no_grad():
        output = model(x)
    reals = network.real(network(network.quantize_input(x)))
    assert reals.shape == output.shape
    apart = (reals - getattr(output, "value", output)).abs() > 1e-3  # only where a tie was decided otherwise
    assert float(apart.double().mean()) < 0.02


def test_a_place_that_the_model_does_not_have_is_not_left_out():
    network = lower(chain(identity(), linear(20, 8), relu(), linear(8, 3)))
    with pytest.raises(
        ValueError, match="the model gives no integers for 3 of the network: give the model that the netw"
    ):
        brevitas_integers(chain(identity(), linear(20, 8), relu()), inputs(40, 20), network)
