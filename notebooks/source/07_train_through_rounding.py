# %% [markdown]
# # 07 Train through rounding
# *About 75 minutes, after [Choose the scale](06_choose_the_scale.ipynb). Tested with torch 2.13.0 and brevitas 0.13.4.*
#
# **A network computes with weights of 2 bits. How does it learn them, and what does that gain over rounding the weights of a trained one?**
#
# After this chapter you can
# 1. write the straight-through estimator, and say where its gradient is 1 and where it is 0;
# 2. read a Brevitas model: what each layer quantizes, which tensors are integers times a scale, in which units the bias is;
# 3. say at which width training pays and what can be had without it, why a 1-bit tensor has no 0, and what folding batch normalization does to the scales.
#
# You bring scales per tensor and per channel from chapter 6, accumulators from chapter 4 and their rescaling from chapter 5. You have trained a network with PyTorch before; here it takes a few seconds.

# %%
import inspect
from itertools import product

import torch
from brevitas.function.ops_ste import round_ste
from brevitas.nn import QuantIdentity, QuantLinear, QuantReLU
from brevitas.nn.utils import merge_bn
from brevitas.quant import Int32Bias, SignedBinaryActPerTensorConst
from torch import nn

from qtutor import QParams, check, check_env, predict, quantize_trained, quiz, show, train
from qtutor.network import DigitsMLP, accuracy, load_checkpoint, load_pixels, measure_norms
from qtutor.pictures import draw_right_answers, draw_straight_through, loss_curve, new_axes

check_env()

# %% [markdown]
# ## 1 What does autograd do with round?
# Training asks of every weight: if you move a little, does the loss fall? The answer is the *gradient*, and PyTorch's autograd passes it back through every step of the computation, multiplying the slopes.
#
# Now let one of the steps be `torch.round`.

# %% tags=["predict"]
question = "y = round(w) at w = 0.3. Which gradient of y does autograd give to w?"
predict("7.1", question, options=[1, 0, "none: it raises an error"])

# %%
w = torch.tensor(0.3, requires_grad=True)
torch.round(w).backward()
print("gradient:", w.grad.item())

# %% [markdown]
# 0, and it is right: move 0.3 a little, and its rounded value stays 0. At 0.5 the value jumps, and a jump has no slope at all. So wherever a rounding stands in the way, no weight in front of it is ever told to move.
#
# What if we computed with the integers themselves? This cell fails on purpose:

# %% tags=["raises-exception"]
torch.tensor([1, 2, 3], requires_grad=True)

# %% [markdown]
# Autograd follows floats, and no integers. So training keeps a float for every weight, and *pretends*: forward, the float is quantized and dequantized at once, and the network computes with the value that the integer stands for. This is called *fake quantization*. The float behind it is what moves, and when training is done it is thrown away.
#
# There remains the slope of 0. The *straight-through estimator*, STE for short, lies about it:
#
# **forward: round(w) · backward: slope 1, as if nothing had been rounded**
#
# Brevitas calls this function `round_ste`. Let a single weight learn with it. It starts at 0.25, and its stored value should come near 2.625; the loss is (stored − 2.625)². Only 2 and 3 are in reach, and 3 is nearer.

# %% tags=["predict"]
question = "Eighteen steps of gradient descent. Where does w end up?"
predict("7.2", question, options=[
    "at 2.625: the loss is 0 there", "at 3: the nearest integer", "nowhere: it wanders around 2.5",
])

# %%
w, seen = torch.tensor(0.25, requires_grad=True), []
for _ in range(18):
    stored = round_ste(w)
    seen.append((round(w.item(), 2), int(stored)))
    (stored - 2.625).square().backward()
    w.data -= 0.25 * w.grad
    w.grad = None
print("w     ", [given for given, _ in seen])
print("stored", [stored for _, stored in seen])

# %% [markdown]
# It learns: from 0 to 2 in one step. Then it does not settle. Stored is 2, too low, and w climbs; w passes 2.5, stored is 3, too high, and w falls. Around the tie between the two best integers it goes to and fro, as weights in real training do.
#
# Now look at the last eight stored values: five times 3 and three times 2. Their *average* is 21 / 8 = 2.625, just what the loss asked for, though no step has it.
#
# Towards its end, training lowers the *learning rate*, here 0.25. Does w come to rest then? Here are 800 steps for each of three rates, with the gradient written out: 2 · (stored − 2.625).

# %%
for rate in (0.25, 0.05, 0.01):
    w, path, kept = 2.5, [], []
    for _ in range(800):
        path.append(w)
        kept.append(round(w))
        w -= rate * 2 * (kept[-1] - 2.625)
    changes = torch.tensor(kept).diff().count_nonzero()
    print(f"rate {rate:4}: w from {min(path):.3f} to {max(path):.3f};", end=" ")
    print(f"stored changes {changes} times, on average {sum(kept) / 800}")

# %% [markdown]
# As long as the rate is not 0, no. The swing of w gets smaller, not rarer: the stored integer changes as often as before, in three of four steps. When the rate reaches 0, as it does at the end of this chapter's training, which of the two integers is there is partly luck.
#
# ### The range
# Beyond the end of the format the value is clamped (chapter 2). There, moving further out changes nothing, however far you go. So the lie stops at the range: slope 1 where x rounds to an integer of the format, and slope 0 where it had to be clamped.

# %%
show(draw_straight_through(new_axes(7, 4), QParams(scale=1.0, bit_width=2)))

# %% [markdown]
# ### Exercise 7.A: fake_quantize
# Round, clamp, come back to real units, with the slope that the picture shows; zero point 0. In two to four lines of torch, without `round_ste`: what it does is the point here, though the check does not look. Autograd has a tool for lies: `t.detach()` has the value of t, and counts as a constant. The check looks at the value *and* at the gradient that comes back. (`qtutor.hint("7.A")`, `qtutor.solution("7.A")`.)


# %% tags=["ex-7.A"]
def fake_quantize(x, scale, bit_width):
    """Return x rounded to the signed integers of bit_width, clamped, and back in real units.

    x is a float32 tensor that autograd follows; ties go to even. A gradient comes back with
    slope 1 where the rounded integer is in the range, and with slope 0 where it had to be
    clamped.
    """
    ...


# %%
check("7.A", fake_quantize)

# %% [markdown]
# ## 2 Layers that quantize
# Brevitas is PyTorch with fake quantization inside its layers. Three kinds make most networks:
#
# | layer | it quantizes | what flows out |
# |---|---|---|
# | `QuantIdentity` | its input: signed as it comes | quantized values |
# | `QuantLinear`, `QuantConv2d` | its weight, and its bias if you ask | accumulators |
# | `QuantReLU` | the ReLU's output: unsigned, because nothing is below 0 | quantized values |
#
# With `return_quant_tensor=True` a layer hands on an `IntQuantTensor`, which you know from chapter 1: a float value with scale, zero point, width and sign. Without it, a plain float tensor. Here are three inputs in 4 bits with scale 1/8. (Brevitas would choose a scale from what it sees; `"const"` and two ends fix one, so that you can follow by hand: signed, 1.0 / 8 = 1/8, so that +1.0 itself saturates at 7. `.eval()` leaves training mode.)

# %%
fixed = {"scaling_impl_type": "const", "return_quant_tensor": True}
into = QuantIdentity(bit_width=4, min_val=-1.0, max_val=1.0, **fixed).eval()
x = into(torch.tensor([[0.5, -0.25, 0.3]]))
print(f"scale {x.scale:g}, zero point {x.zero_point:g},", end=" ")
print(f"{x.bit_width:g} bits, signed {bool(x.signed)}, integers", x.int().tolist())

# %% [markdown]
# 0.3 / 0.125 = 2.4 became 2. Next a layer of two neurons with weights of 3 bits. Its weight scale is min–max, symmetric, in the narrow range −3 … 3: the largest absolute weight, 0.75, becomes 3.

# %%
kind = {"weight_bit_width": 3, "bias_quant": Int32Bias, "return_quant_tensor": True}
layer = QuantLinear(3, 2, bias=True, **kind).eval()
layer.weight.data = torch.tensor([[0.75, -0.5, 0.1], [0.25, 0.2, -0.75]])
layer.bias.data = torch.tensor([0.1, -0.1])
weight = layer.quant_weight()
print(f"scale {weight.scale:g}, {weight.bit_width:g} bits, integers", weight.int().tolist())

# %% [markdown]
# The floats are still there, in `layer.weight`; they are what training moves. `layer.quant_weight()` is what the network computes with.
#
# The accumulator of neuron 0 is 4 · 3 + (−2) · (−2) + 2 · 0 = 16, that of neuron 1 is 4 · 1 − 2 · 1 − 2 · 3 = −4. And the bias, ±0.1, which is added to them?

# %% tags=["predict"]
question = "Scale of x 1/8, of w 1/4. Which integer is the bias 0.1, and which sum comes?"
predict("7.3", question, options=[
    "0.1 stays a float: 16.1", "1, in steps of 1/8: 17", "3, in steps of 1/32: 19",
])

# %%
out = layer(x)
print(f"scale 1/{1 / out.scale.item():g}, {out.bit_width:g} bits: integers", out.int().tolist())
y = QuantReLU(bit_width=3, max_val=0.875, **fixed).eval()(out)
print(f"scale 1/{1 / y.scale.item():g}, {y.bit_width:g} bits, integers", y.int().tolist())

# %% [markdown]
# The bias is added to accumulators, so it must be in their units, scale of x · scale of w = 1/32 (chapter 4). `Int32Bias` takes its scale from there and makes an integer of it: 0.1 · 32 = 3.2, so 3, and 16 + 3 = 19. (33 bits are Brevitas's guess for whatever may come: a bias of 32 bits, and one for the sum. 19 and −7 need 6; chapter 4 counted such bits.) 19/32 is 0.594 in real units. The ReLU's format is unsigned and has steps of 0.875 / 7 = 1/8: 4.75 of them, 5. The negative one becomes 0. This last step is the requantization of chapter 5, in floats: on hardware it is a multiplier of ¼, that is a shift by 2.
#
# A bias with a scale from the input needs an input that has one. Hand the layer a plain tensor, and this happens, on purpose:

# %% tags=["raises-exception"]
layer(torch.tensor([[0.5, -0.25, 0.3]]))

# %% [markdown]
# The sentence does not say it, but the cause is nearly always this: in the layer before, `return_quant_tensor=True` is missing, or something in between has returned a plain tensor.
#
# ### Read a model
# Now a whole network, `DigitsMLP(weight_bits, activation_bits)`: 64 pixels → 64 → 64 → 10 digits, written as a user of Brevitas writes it (in `qtutor/network/models.py`). These four lines are all that it does:

# %%
for line in inspect.getsource(DigitsMLP.forward).splitlines()[1:5]:
    print(line.strip())

# %% [markdown]
# `pixels` is a `QuantIdentity`, `fc1`, `fc2` and `fc3` are `QuantLinear`, `relu1` and `relu2` are `QuantReLU`, all with `return_quant_tensor=True`. `norm1` and `norm2` are PyTorch's own `BatchNorm1d`: *batch normalization* shifts and rescales what a neuron gives, so that it has about the same mean and spread for all neurons.

# %% tags=["predict"]
question = "x = relu1(norm1(fc1(x))): which of the three results are integers times one scale?"
predict("7.4", question, options=[
    "all three", "the results of fc1 and relu1", "that of relu1 only",
])

# %%
pixels, _ = load_pixels()
model = load_checkpoint("mlp_w2a2")
x = model.pixels(model.flatten(pixels))
sums = model.fc1(x)
normal = model.norm1(sums)
hidden, scores = model.relu1(normal), model(pixels)
seen = {"pixels": x, "fc1": sums, "norm1": normal, "relu1": hidden, "fc3": scores}
for name, found in seen.items():
    bits = f"{found.bit_width:g} bits" if hasattr(found, "bit_width") else "no width, no scale"
    print(f"{name:6} {type(found).__name__:14} {bits}")

# %% [markdown]
# - `pixels`: 0 … 16 sixteenths. The quantizer has the fixed scale 1/16 and 5 bits, and rounds nothing.
# - `fc1` gives accumulators: integers in units of scale of x · scale of w. `fc1` and `fc2` have no bias, for the batch normalization adds one anyway.
# - `norm1` hands on a plain tensor: each neuron was multiplied by a float of its own. A layer with an integer bias would fail here like the one above. A `QuantReLU` needs no scale from its input; it makes new integers, with its own scale.
# - `fc3` has an integer bias, and the ten scores are its accumulators. Nobody rescales them: the largest is the answer.
#
# `load_checkpoint("mlp_w2a2")` is a network that was trained, with weights and activations of 2 bits. Such networks are stored in several widths, so that everybody has the same. Here are some of its weights:

# %%
print("neuron 0:", model.fc1.quant_weight().int()[0, :16].tolist(), "… of 64 weights")

# %% [markdown]
# Narrow range: −1, 0 and 1.
#
# ## 3 Training against quantizing afterwards
# There are two ways to such a network.
# - **Afterwards.** Take a trained float network, quantize its weights, show it some scans so that the activations' scales can be chosen, and be done. This is *post-training quantization*; chapter 6 did it by hand.
# - **Train through the rounding**, with the STE, from the start: *quantization-aware training*.

# %% tags=["predict"]
question = "A float network names 567 of 597 scans rightly. In 2 bits, min–max, per tensor?"
predict("7.5", question, options=["about 560", "about 280", "less than guessing would"])

# %%
trained = load_checkpoint("mlp_float")
for bits in (8, 4, 3, 2, 1):
    right, share = accuracy(quantize_trained(DigitsMLP(bits, bits), trained))
    print(f"width {bits}, afterwards: {right} of 597 right, {share:.2f}")

# %% [markdown]
# At 8 bits nothing is lost, at 4 little. At 2 bits it is worse than guessing, which would get about 60. Is it the weights or the activations?

# %%
for weights, activations in ((8, 2), (2, 8)):
    right, _ = accuracy(quantize_trained(DigitsMLP(weights, activations), trained))
    print(f"width of weights {weights}, of activations {activations}: {right} right")
scores = quantize_trained(DigitsMLP(2, 2), trained).double()(pixels[1200:].double()).value
answers = scores.round(decimals=6).argmax(1).bincount(minlength=10)
print("with 2 and 2, how often it answers 0 … 9:", answers.tolist())

# %% [markdown]
# The weights, all alone: the network names far too many scans 2, and none 1, 3, 7 or 9. With min–max the scale reaches to the largest weight, and all below half of it becomes 0. Chapter 6 had two cures: a scale for each neuron (*per channel*), and a clipping point of least squared error (`mse`). The same at 2 bits:

# %%
for method in ("minmax", "mse"):
    for per_channel in (False, True):
        model = quantize_trained(DigitsMLP(2, 2, per_channel), trained, method)
        lost = (model.fc1.quant_weight().value - trained.fc1.weight).square().sum()
        kind = "per channel" if per_channel else "per tensor"
        print(f"{method:6} {kind:11} {accuracy(model)[0]} right,", end=" ")
        print(f"squared error of fc1 {lost / trained.fc1.weight.square().sum():.0%}")

# %% [markdown]
# Min–max 36, a scale for each neuron 284, a good clipping point 496. (The squared error is a share of the sum of all squared weights. This is another network than chapter 6's, where floats got 557 and the best choice at 2 bits 497.)
#
# 496 is not yet the whole of it. Rounded weights give sums of another mean and spread, and the batch normalization still has the old ones. `measure_norms` measures them again on the training scans; that takes no labels:

# %%
model = measure_norms(quantize_trained(DigitsMLP(2, 2), trained, "mse"))
print("mse    per tensor, measured again:", accuracy(model)[0], "right")

# %% [markdown]
# 558. That is what training has to beat.
#
# Now the other way. This trains a network of 2-bit weights and 2-bit activations before your eyes, in a few seconds: the same scans, the same number of epochs. (An *epoch* shows every training scan once.) The stop button above interrupts it; the model is then as good as it has become.

# %%
torch.manual_seed(7)
mine = DigitsMLP(weight_bits=2, activation_bits=2)
losses = train(mine, epochs=30, watch=loss_curve())

# %% [markdown]
# (The loss ends near 0.5 and not near 0 because `train` asks for about nine tenths of certainty instead of all of it, which is called *label smoothing*.)

# %%
right, _ = accuracy(mine)
before, _ = accuracy(quantize_trained(DigitsMLP(2, 2), trained, "mse"))
more = "more" if right > before else "no more"
print(f"Your network names {more} scans rightly than {before}.")

# %% [markdown]
# Does it beat 558 as well? Its own number may differ from that of another computer: floats are added in another order, and after thousands of steps that shows. So it is not printed here. Take the # away and run:

# %%
# accuracy(mine)

# %% [markdown]
# The chapter goes on with stored networks, the same for everybody. (`python -m qtutor.network.checkpoints` made them, with the same `train`.) The stored one of 2 bits gets 562.
#
# ### What did training choose?
# The weights first. This is the share of zeros in `fc1`, `fc2` and `fc3`, and the scale of `fc1`:

# %%
models = {
    "min–max": quantize_trained(DigitsMLP(2, 2), trained),
    "min–max, per channel": quantize_trained(DigitsMLP(2, 2, per_channel=True), trained),
    "mse": quantize_trained(DigitsMLP(2, 2), trained, "mse"),
    "trained": load_checkpoint("mlp_w2a2"),
}
for name, model in models.items():
    weights = [model.fc1.quant_weight(), model.fc2.quant_weight(), model.fc3.quant_weight()]
    zeros = [f"{(weight.int() == 0).double().mean():.0%}" for weight in weights]
    print(f"{name:20} zeros {zeros}, scale {weights[0].scale.mean():.3f}")

# %% [markdown]
# (The second line's scale is the mean of 64.) With min–max, 97 % of the first layer's weights are 0, and there is little left to compute with. A good clipping point leaves about half of them, training too, though other weights are −1, 0 and 1 now. From 496 to 562 there are 66 answers, and 62 of them were old means and spreads. What training's other weights add is no more than another seed would change.
#
# The scales of the activations are trained as well. During the first batches a `QuantReLU` follows what it sees, as in chapter 6 (the 99.999 % percentile); from then on its scale is a number that training moves like a weight. It has a slope: an output clamped at 3 is 3 · scale, so its slope in the scale is 3. Here are the steps of the first ReLU, how many of its outputs are stored as 3, and how many were clamped to it, from beyond 3.5 steps:

# %%
for name in ("mse", "trained"):
    model = models[name]
    normal = model.norm1(model.fc1(model.pixels(model.flatten(pixels))))
    hidden = model.relu1(normal)
    top, beyond = hidden.int() == 3, normal / hidden.scale > 3.5
    shares = f"{top.double().mean():.1%} stored as 3, {beyond.double().mean():.1%} clamped"
    print(f"{name:7} scale {hidden.scale.item():.2f}, {shares}")

# %% [markdown]
# Training nearly halves the step. One output in eight is stored as 3, one in twenty really clamped, and the others have finer steps: the trade of chapter 6, made by the loss itself. There is little to gain by it here: 2-bit activations alone, afterwards, cost 567 − 563 = 4 answers.
#
# ### All of it in one table

# %%
widths, rows = (8, 4, 3, 2, 1), {}
for kind, ending in (("per tensor", ""), ("per channel", "_channel")):
    stored = [load_checkpoint(f"mlp_w{bits}a{bits}{ending}") for bits in widths]
    rows[f"trained, {kind}"] = [accuracy(model)[0] for model in stored]
for method in ("mse", "minmax"):
    for kind, own in (("per tensor", False), ("per channel", True)):
        after = [quantize_trained(DigitsMLP(b, b, own), trained, method) for b in widths]
        if method == "mse":
            after = [measure_norms(model) for model in after]
        way = "mse, measured again" if method == "mse" else method
        rows[f"afterwards, {way}, {kind}"] = [accuracy(model)[0] for model in after]
print("\n".join(f"{name:44} {row}" for name, row in rows.items()))

# %%
show(draw_right_answers(new_axes(7, 4.5), widths, rows, 597))

# %% [markdown]
# Read it by rows.
# - **Afterwards, min–max**, nothing measured again: good at 8 bits, usable at 4, gone at 2. Per channel it holds out one bit longer, down to 3.
# - **Afterwards, mse, the normalization measured again**: 558 at 2 bits with one scale, where floats get 567. At 1 bit 358: far better than 89, and far from training.
# - **Trained**: 562 and 559 at 2 bits, hardly more. At 1 bit still about nine of ten: the network finds weights for which the integers are right, instead of integers near given weights.
# - Trained, it hardly matters whether the scales are per tensor or per channel. Differences of ten or twenty scans say little: another seed may turn them round, even at 1 bit.
#
# **In this network, quantizing afterwards is enough down to 2 bits, if scales are well chosen and the normalization is measured again; at 1 bit, train.** Other networks have their limit elsewhere: measure. Training costs data, time and the training code.
#
# **Two questions**
# 1. Afterwards with min–max, per tensor, 2 bits get 36 and 1 bit gets 89. How can one bit less be better?
# 2. A scale for each neuron helps min–max a lot (284 against 36), and `mse` not at all (494 against 496). Why?
#
# <details><summary>Answers</summary>
#
# 1. At 1 bit only the sign of a weight is stored, and the scale is the *mean* absolute weight, as the next section shows. At 2 bits it is the largest one, and 97, 92 and 78 % of the weights become 0. At 1 bit none does: 1-bit weights alone get 404 (section 4). (Why fewer than guessing: the few weights left never lead to 1, 3, 7 or 9.)
# 2. It cures what is different *between* neurons. *Within* a neuron, too, the largest of 64 weights is far from the others: 84, 79 and 70 % of them are still 0. A clipping point looks at where most weights are, and cures both: the squared error of `fc1` is 22 % with one scale and 21 % with 64.
#
# </details>
#
# ## 4 One bit: no zero
# With 2 bits the weights were −1, 0, 1. What are they with 1 bit? By the rule of chapter 2, 1 signed bit holds −1 and 0. Look:

# %%
one_bit = load_checkpoint("mlp_w1a1")
for name in ("fc1", "fc2", "fc3"):
    stored = getattr(one_bit, name).quant_weight().int()
    print(name, "weights:", stored.unique().tolist())

# %% [markdown]
# −1 and +1: *bipolar*. −1 and 0 would spend half of the weights on doing nothing, and after a ReLU could push a sum down only. In the register the bit 1 stands for +1 and the bit 0 for −1, and a product of two such numbers is +1 where the bits agree: a gate called XNOR, and no multiplier. A sum of k products is 2 · (number that agree) − k.
#
# The scale of such a weight is the mean absolute value: the sign says which way, the scale how far on average. The activations of this network are bipolar as well. A ReLU makes no sense there, for it needs a 0; a *sign* stands in its place, −1 below 0, else +1. A sign is trained as a rounding is: backward it has slope 1 from −scale to scale, and 0 outside; the scale of these activations is 1.
#
# Back to the 89 of a network quantized afterwards. Which half does the harm?

# %%
for weights, activations, own in ((1, 8, False), (1, 8, True), (8, 1, False), (1, 1, False)):
    model = quantize_trained(DigitsMLP(weights, activations, own), trained)
    right, again = accuracy(model)[0], accuracy(measure_norms(model))[0]
    kind = "per channel" if own else "per tensor"
    print(f"weights {weights}, activations {activations}, {kind:11}: {right} right,", end=" ")
    print(f"{again} with the normalization measured again")

# %% [markdown]
# Each half alone is mostly the old mean and spread of the batch normalization: measured again, 404 becomes 536 and 213 becomes 524. Both together come to 358 only; for the rest the network must be trained, and gets 529. A scale for each neuron changes nothing in this: 401 and 536.
#
# Next, the missing 0 in a convolution.

# %% tags=["predict"]
question = "3×3 convolution, inputs and weights ±1, no padding. Which sums can come?"
predict("7.6", question, options=[
    "all from −9 to 9", "the odd ones from −9 to 9", "−9 and 9 only",
])

# %%
image = torch.tensor([[[[1.0, -1, 1, 1], [-1, 1, -1, 1], [1, -1, 1, -1], [1, 1, 1, -1]]]])
weight = torch.tensor([[[[1.0, -1, 1], [-1, 1, -1], [1, -1, 1]]]])
for padding in (0, 1):
    total = nn.functional.conv2d(image, weight, padding=padding).round().int()
    print(f"padding {padding}:", total[0, 0].tolist())

# %% [markdown]
# Nine numbers of ±1 add up to an odd number, always: 2 · agreeing − 9. With padding there are even numbers at the border. They are sums of 4 or of 6 products, because the padding is 0, and **a 1-bit activation has no 0**. Brevitas computes with floats as PyTorch does here, so it does not mind. Hardware with one bit for each input cannot do it: it pads with −1 or with +1, and gets other sums than the network was trained with. (Weights of 1 bit alone are no trouble: if the activations have a 0, padding is what it should be.)
#
# So a convolution that takes 1-bit activations must not pad. `DigitsCNN` is the library's convolutional network, with three convolutions. It has a *residual* (chapter 3): the output of `conv2` is added to the input of `conv2`, so the two must have one size.

# %%
for name in ("cnn_w4a4", "cnn_w2a2", "cnn_w1a1"):
    model = load_checkpoint(name)
    parts = (model.conv1, model.conv2, model.conv3)
    sizes = [(part.kernel_size[0], part.padding[0]) for part in parts]
    print(f"{name}: {accuracy(model)[0]} right; kernel and padding", sizes)

# %% [markdown]
# `conv1` pads at any width: it takes the pixels, which have a 0. With 1 bit, `conv2` becomes 1×1, which keeps the size without padding, and `conv3` does without the border. The network sees less of each scan, has one bit less, and one scale for each layer instead of one for each channel: together that costs 578 − 507 = 71 answers.
#
# ## 5 Folding batch normalization
# Batch normalization stands between a layer and its ReLU. From y it takes off the mean, divides by the spread, and then multiplies and shifts by what training found:
#
# **normalized = gamma · (y − mean) / sqrt(variance + eps) + beta**
#
# All of it is known after training, one number of each kind for each neuron. So it can be *folded* into the layer: multiplied into the weight and the bias once, and never computed again.
#
# ### Exercise 7.B: fold_batch_norm
# In two lines of torch. `eps` is a small number that keeps the division away from 0. (`qtutor.hint("7.B")`, `qtutor.solution("7.B")`.)


# %% tags=["ex-7.B"]
def fold_batch_norm(weight, bias, gamma, beta, mean, variance, eps):
    """Return (weight, bias) of the one layer that does what linear and then batch norm do.

    weight is [outputs, inputs]; bias and the four parameters are [outputs], eps is a Python
    float. Batch normalization makes gamma * (y - mean) / sqrt(variance + eps) + beta of each
    output y.
    """
    ...


# %%
check("7.B", fold_batch_norm)

# %% [markdown]
# For floats that is all. For quantized weights, ask what happens to the integers. The trained network has integers q and a scale s. Folding multiplies each row of s · q by its own factor.

# %% tags=["predict"]
question = "A 2-bit network, one scale a layer: 562 right. And folded, then quantized again?"
predict("7.7", question, options=[
    "562: folding is exact", "between 300 and 500", "about 60: guessing",
])

# %%
for name in ("mlp_w2a2", "mlp_w2a2_channel", "mlp_w4a4", "mlp_w8a8"):
    model = load_checkpoint(name)
    before, integers = accuracy(model)[0], model.fc1.quant_weight().int().abs()
    for part in ("1", "2"):
        merge_bn(getattr(model, "fc" + part), getattr(model, "norm" + part))  # Brevitas folds
        setattr(model, "norm" + part, nn.Identity())
    change = (model.fc1.quant_weight().int().abs() - integers).abs()
    print(f"{name:16} {before} right before, {accuracy(model)[0]} after;", end=" ")
    print(f"{change.count_nonzero()} of 4,096 integers of fc1 moved, by {change.max()} at most")

# %% [markdown]
# - **Per channel the weights' integers stay.** A row's factor goes into the row's scale: s becomes s · |factor| (and all integers of a row change sign where its factor is negative). What is left over, beta − mean · factor, becomes a bias of `fc1`, which had none. That bias is still a float; chapter 8 gives it its integer.
# - **Per tensor it is not.** The rows are now of different size, one scale must do for all, and the largest row decides. At 2 bits nearly every third integer moves, and more than a quarter of the right answers is gone. Training cannot help: it saw other weights. At 8 bits nearly all integers move, some by 43, but steps are fine there: the values stay within half a step, and so do the answers (567, 568).
#
# Three ways out: per-channel scales; training with the folded weights; or not folding at all. For hardware rescales anyway (chapter 5), with a multiplier for each channel, and the factor fits in there. Chapter 8 does that: the integers stay those that were trained.
#
# ## 6 A width for each layer
# Widths need not be the same everywhere: *mixed precision*. `DigitsMLP((8, 2, 8), 4)` has weights of 2 bits in the middle layer, of 8 in the other two, and activations of 4 bits. Where should the few bits go? Ask one layer at a time.

# %% tags=["predict"]
question = "Afterwards, min–max: one layer has 2-bit weights, the others 8. Where is it worst?"
predict("7.8", question, options=[
    "fc1, which takes the pixels", "fc3, which gives the answer", "all three alike",
])

# %%
for method in ("minmax", "mse"):
    for bits in ((2, 8, 8), (8, 2, 8), (8, 8, 2)):
        right, _ = accuracy(quantize_trained(DigitsMLP(bits, 8), trained, method))
        print(f"{method:6} weights of {bits} bits: {right} right")

# %% [markdown]
# `fc1` alone goes down to 116: it did nearly all of the damage in section 3, with 97 % of its weights 0. With a good clipping point the other two lose almost nothing, and `fc1` still loses most, 519. It is usual to leave the first and the last layer at 8 bits. Here the first deserves it; the last gets it only by convention. **Measure per layer**, and spend the bits where they are missed:

# %%
for bits in ((2, 2, 2), (4, 2, 2), (8, 2, 2), (2, 8, 2), (3, 3, 3)):
    right, _ = accuracy(quantize_trained(DigitsMLP(bits, 2), trained, "mse"))
    size = (bits[0] * 4096 + bits[1] * 4096 + bits[2] * 640) // 8
    print(f"weights of {bits} bits, {size:,} bytes: {right} right")

# %% [markdown]
# `fc1` needs 4 bits, not 8: 58 answers for 1,024 bytes. 8 bits cost 3,072 and give no more; in `fc2` the same 3,072 bytes buy 17. Three bits everywhere get 551 for about as much as the second line, so mixing gains little here. And with the normalization measured again, 2 bits everywhere have 558 (section 3). In this network `fc1` is nearly half of all weights; in larger ones the first layer is a small part, and its bits cost little.
#
# ## 7 Pitfall: break a published validity test
# Brevitas's tensors know whether their values are integers of their format: `is_valid`. At 1 bit it should accept a tensor of −1 and +1, and refuse one with a 0. Here a picture of ±1 is padded with zeros, and the test notices. **Find an `image` of ±1 whose padding it does not notice.** Change some numbers and run the cell.

# %%
sign = QuantIdentity(act_quant=SignedBinaryActPerTensorConst, return_quant_tensor=True).eval()
image = torch.tensor([[[[1.0, -1], [-1, 1]]]])
around = nn.functional.pad(sign(image), (1, 1, 1, 1))
print(f"{around.bit_width:g} bit; valid {sign(image).is_valid}, padded {around.is_valid}")

# %% [markdown]
# How rare is it? This tries all 16 pictures of 2×2, and only counts.

# %%
images = [torch.tensor(four).reshape(1, 1, 2, 2) for four in product((-1.0, 1.0), repeat=4)]
padded = [nn.functional.pad(sign(image), (1, 1, 1, 1)).is_valid for image in images]
alone = [sign(image).is_valid for image in images]
print(f"of {len(images)} pictures with zeros around, it accepts {sum(padded)};", end=" ")
print(f"of those without, it refuses {alone.count(False)}")

# %% [markdown]
# So it errs both ways: it accepts one that is wrong, and refuses two that are right.
#
# <details><summary>Which are they, and why?</summary>
#
# `-torch.ones(1, 1, 2, 2)`, all −1, is accepted with zeros around it. At 1 bit the test counts how many different values there are: exactly two, one of them negative, and the tensor is valid, whichever they are. −1 and 0 pass.
#
# Without zeros the same picture is refused, and so is the one that is all +1: each holds one value only.
#
# </details>
#
# Values alone cannot say which two were meant. So do not rely on such a test: keep zeros away from 1-bit tensors where the network is built, as section 4 does, and look at the integers.
#
# ## Quiz

# %%
quiz("7")

# %% [markdown]
# ## Key points
# - Rounding has slope 0 and jumps. The straight-through estimator takes slope 1 where the rounded integer is in the range, and 0 where it is clamped.
# - Training keeps a float behind each weight and computes with the value of its integer: fake quantization. A weight whose best value lies between two integers wanders around their tie; a smaller learning rate makes the swing smaller, not rarer.
# - `QuantIdentity` and `QuantReLU` quantize what flows, `QuantLinear` and `QuantConv2d` their weight. `return_quant_tensor=True` hands the format on, and an integer bias needs it: its units are the accumulator's. A batch normalization hands on a plain tensor.
# - Here quantizing afterwards is enough down to 2 bits: 36 with min–max, 284 with a scale for each neuron, 496 with a good clipping point, 558 with the batch normalization measured again. Training gets 562. At 1 bit it gets 529 against 358.
# - 1-bit values are −1 and +1. There is no 0: nothing to pad with, and no ReLU.
# - Folding batch normalization keeps the weights' integers where each channel has its scale, and moves them where one scale serves all.
# - Layers need not have the same width. Lower one at a time, count, and spend bits where they are missed.
#
# ## Words
# | word | meaning |
# |---|---|
# | straight-through estimator, STE | forward the rounded value, backward slope 1 |
# | fake quantization | quantize and dequantize at once, in floats, so that the value is that of an integer |
# | post-training quantization, PTQ | a trained float network is quantized, and not trained again |
# | quantization-aware training, QAT | training with fake quantization in every layer |
# | epoch | one pass over all training data |
# | batch normalization | shifts and rescales each neuron's outputs to about the same mean and spread |
# | residual | the input of some layers, added to their output |
# | bipolar | of two values, −1 and +1 |
# | XNOR | the gate that says whether two bits agree; the product of two bipolar numbers |
# | folding | multiplying batch normalization into the layer before it |
# | mixed precision | not all layers have the same width |
#
# ## References
# - Y. Bengio, N. Léonard, A. Courville, *Estimating or Propagating Gradients Through Stochastic Neurons for Conditional Computation*, [arXiv 1308.3432](https://arxiv.org/abs/1308.3432), 2013: the straight-through estimator.
# - I. Hubara et al., *Binarized Neural Networks*, NeurIPS 2016, [arXiv 1602.02830](https://arxiv.org/abs/1602.02830): −1 and +1, XNOR, and slope 0 outside the range.
# - B. Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, [arXiv 1712.05877](https://arxiv.org/abs/1712.05877): training with fake quantization, folding batch normalization.
# - M. Nagel et al., *Overcoming Oscillations in Quantization-Aware Training*, ICML 2022, [arXiv 2203.11086](https://arxiv.org/abs/2203.11086): weights that wander around a tie.
# - Brevitas 0.13.4, [source](https://github.com/Xilinx/brevitas): `round_ste`, `QuantLinear`, `Int32Bias`, `merge_bn`.
#
# ## What next
# The network has learned, but it still computes with floats that stand for integers. [Chapter 8](08_an_integer_only_network.ipynb) takes the floats out: it finds the integers of each layer, the multiplier and the shift behind it, and compares every one of them with what Brevitas computes.
