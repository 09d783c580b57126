# %% [markdown]
# # 07 Train through rounding
# *About 70 minutes, after Choose the scale. Tested with torch 2.13.0 and brevitas 0.13.4.*
#
# **Rounding has no slope that training could follow. How does a network learn weights of 2 bits all the same, and what does it gain?**
#
# After this chapter you can
# 1. write the straight-through estimator, and say where its gradient is 1 and where it is 0;
# 2. read a Brevitas model: what each layer quantizes, which format flows on, in which units the bias is;
# 3. say at which width training pays, why a 1-bit tensor has no 0, and what folding batch normalization does to the scales.
#
# You bring scales per tensor and per channel from chapter 6, accumulators from chapter 4 and their rescaling from chapter 5. You have trained a network with PyTorch before; here it takes a few seconds.

# %%
import torch
from brevitas.function.ops_ste import round_ste
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear, QuantReLU
from brevitas.nn.utils import merge_bn
from brevitas.quant import Int32Bias, SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst
from torch import nn

from qtutor import QParams, check, check_env, predict, quiz, show
from qtutor.network import DigitsMLP, accuracy, load_checkpoint, load_pixels, quantize_trained, train
from qtutor.pictures import draw_right_answers, draw_straight_through, loss_curve, new_axes

check_env()

# %% [markdown]
# ## 1 A slope of zero
# Training asks of every weight: if you move a little, does the loss fall? The answer is the *gradient*, and PyTorch's autograd passes it back through every step of the computation, multiplying the slopes.
#
# Now let one of the steps be `torch.round`.

# %% tags=["predict"]
predict("7.1", "y = round(w) at w = 0.3. Which gradient of y does autograd give to w?", options=[1, 0, "none: it raises an error"])

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
# Autograd follows real numbers only. So training keeps a float for every weight, and *pretends*: forward, the float is quantized and dequantized at once, and the network computes with the value that the integer stands for. This is called *fake quantization*. The float behind it is what moves, and when training is done it is thrown away.
#
# There remains the slope of 0. The *straight-through estimator*, STE for short, lies about it:
#
# **forward: round(w) · backward: slope 1, as if nothing had been rounded**
#
# Brevitas calls this function `round_ste`. Let a single weight learn with it. It starts at 0.25, and its stored value should come near 2.625; the loss is (stored − 2.625)². Only 2 and 3 are in reach, and 3 is nearer.

# %% tags=["predict"]
question = "Eighteen steps of gradient descent. Where does w end up?"
predict("7.2", question, options=["at 2.625: the loss is 0 there", "at 3: the nearest integer", "nowhere: it wanders around 2.5"])

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
# It learns: from 0 to 2 in one step. Then it does not settle. Stored is 2, too low, and w climbs; w passes 2.5, stored is 3, too high, and w falls. Around the tie between the two best integers it goes to and fro for ever, as weights in real training do. That is why the *learning rate*, here 0.25, is lowered towards the end of training, and why the last few steps decide about integers.
#
# ### The range
# Beyond the end of the format the value is clamped (chapter 2). There, moving further out changes nothing, however far you go. So the lie stops at the range: slope 1 where x rounds to an integer of the format, and slope 0 where it had to be clamped.

# %%
show(draw_straight_through(new_axes(7, 4), QParams(scale=1.0, bit_width=2)))

# %% [markdown]
# ### Exercise 7.A: fake_quantize
# Round, clamp, come back to real units, with the slope that the picture shows; zero point 0. In two to four lines of torch. Autograd has a tool for lies: `t.detach()` has the value of t, and counts as a constant. The check looks at the value *and* at the gradient that comes back. (`qtutor.hint("7.A")`, `qtutor.solution("7.A")`.)


# %% tags=["ex-7.A"]
def fake_quantize(x, scale, bit_width):
    """Return x rounded to the signed integers of bit_width (ties to even), clamped to their range, and back in real units.

    x is a float32 tensor that autograd follows. A gradient comes back with slope 1 where the rounded integer is in the
    range, and with slope 0 where it had to be clamped.
    """
    ...


# %%
check("7.A", fake_quantize)

# %% [markdown]
# ## 2 Layers that quantize
# Brevitas is PyTorch with fake quantization inside its layers. Four of them make most networks:
#
# | layer | it quantizes | what flows out |
# |---|---|---|
# | `QuantIdentity` | its input: signed as it comes | quantized values |
# | `QuantLinear`, `QuantConv2d` | its weight, and its bias if you ask | accumulators |
# | `QuantReLU` | the ReLU's output: unsigned, because nothing is below 0 | quantized values |
#
# With `return_quant_tensor=True` a layer hands on an `IntQuantTensor`, which you know from chapter 1: a float value with scale, zero point, width and sign. Without it, a plain float tensor. Here are three inputs in 4 bits with scale 1/8. (Brevitas would choose a scale from what it sees; `"const"` and two ends fix one, so that you can follow by hand. `.eval()` leaves training mode.)

# %%
into = QuantIdentity(bit_width=4, scaling_impl_type="const", min_val=-1.0, max_val=1.0, return_quant_tensor=True).eval()
x = into(torch.tensor([[0.5, -0.25, 0.3]]))
print(f"scale {x.scale.item()}, zero point {x.zero_point.item():.0f}, {x.bit_width.item():.0f} bits, signed {bool(x.signed)}")
print("integers", x.int().tolist())

# %% [markdown]
# 0.3 / 0.125 = 2.4 became 2. Next a layer of two neurons with weights of 3 bits. Its weight scale is min–max, symmetric, in the narrow range −3 … 3: the largest absolute weight, 0.75, becomes 3.

# %%
layer = QuantLinear(3, 2, bias=True, weight_bit_width=3, bias_quant=Int32Bias, return_quant_tensor=True).eval()
layer.weight.data = torch.tensor([[0.75, -0.5, 0.1], [0.25, 0.2, -0.75]])
layer.bias.data = torch.tensor([0.1, -0.1])
weight = layer.quant_weight()
print(f"scale {weight.scale.item()}, {weight.bit_width.item():.0f} bits: integers", weight.int().tolist())

# %% [markdown]
# The floats are still there, in `layer.weight`; they are what training moves. `layer.quant_weight()` is what the network computes with.
#
# The accumulator of neuron 0 is 4 · 3 + (−2) · (−2) + 2 · 0 = 16, that of neuron 1 is 4 · 1 − 2 · 1 − 2 · 3 = −4. And the bias, ±0.1? It is added to accumulators, so it must be in their units, scale of x · scale of w (chapter 4). `Int32Bias` takes its scale from there.

# %% tags=["predict"]
question = "Input scale 1/8, weight scale 1/4. Which integer is the bias 0.1, and what does neuron 0 add up to?"
predict("7.3", question, options=["0.1 stays a float: 16.1", "1, in steps of 1/8: 17", "3, in steps of 1/32: 19"])

# %%
out = layer(x)
print(f"scale 1/{1 / out.scale.item():.0f}, {out.bit_width.item():.0f} bits, integers", out.int().tolist())
relu = QuantReLU(bit_width=3, scaling_impl_type="const", max_val=0.875, return_quant_tensor=True).eval()
y = relu(out)
print(f"scale 1/{1 / y.scale.item():.0f}, {y.bit_width.item():.0f} bits, signed {bool(y.signed)}: integers", y.int().tolist())

# %% [markdown]
# 0.1 · 32 = 3.2, so 3, and 16 + 3 = 19. (33 bits are Brevitas's guess for whatever may come: a bias of 32 bits, and one for the sum. 19 and −7 need 6; chapter 4 counted such bits.) 19/32 is 0.594 in real units. The ReLU's format has steps of 1/8: 4.75 of them, 5. The negative one becomes 0. This last step is the requantization of chapter 5, in floats: on hardware it is a multiplier of ¼, that is a shift by 2.
#
# A bias with a scale from the input needs an input that has one. Hand the layer a plain tensor, and this happens, on purpose:

# %% tags=["raises-exception"]
layer(torch.tensor([[0.5, -0.25, 0.3]]))

# %% [markdown]
# The sentence does not say it, but the cause is nearly always this: in the layer before, `return_quant_tensor=True` is missing, or something in between (a plain function, a batch normalization) has returned a plain tensor.
#
# ## 3 Training against quantizing afterwards
# Now a whole network, `DigitsMLP(weight_bits, activation_bits)`: 64 pixels → 64 → 64 → 10 digits, written as a user of Brevitas writes it. Its source is one screen long, in `qtutor/network/models.py`. Pixels are 0 … 16 sixteenths, so the first quantizer has the fixed scale 1/16, and rounds nothing. Some are stored, trained: here is a piece of one with weights of 2 bits.

# %%
print("neuron 0:", load_checkpoint("mlp_w2a2").fc1.quant_weight().int()[0, :16].tolist(), "… of 64 weights")

# %% [markdown]
# Narrow range: −1, 0 and 1. There are two ways to such a network.
# - **Afterwards.** Take a trained float network, quantize its weights, show it some scans so that the activations' scales can be chosen, and be done. This is *post-training quantization*; chapter 6 did it by hand.
# - **Train through the rounding**, with the STE, from the start: *quantization-aware training*.

# %% tags=["predict"]
question = "The float network names 567 of 597 unseen scans rightly. Quantized afterwards to 2 bits, one scale for each tensor?"
predict("7.4", question, options=["about 560", "about 280", "less than guessing would"])

# %%
trained = load_checkpoint("mlp_float")
for bits in (8, 4, 3, 2, 1):
    right, share = accuracy(quantize_trained(DigitsMLP(bits, bits), trained))
    print(f"width {bits}, afterwards: {right} of 597 right, {share:.2f}")

# %% [markdown]
# At 8 bits nothing is lost, at 4 little. At 2 bits it is worse than guessing, which would get about 60. The scale reaches to the largest weight, and all below half of it becomes 0 (chapter 6); the three layers multiply the damage.
#
# Now the other way. This trains a network of 2-bit weights and 2-bit activations before your eyes, in a few seconds: the same scans, the same number of epochs. (An *epoch* shows every training scan once.) The stop button above interrupts it; the model is then as good as it has become.

# %%
torch.manual_seed(7)
model = DigitsMLP(weight_bits=2, activation_bits=2)
losses = train(model, epochs=30, watch=loss_curve())

# %% [markdown]
# (The loss ends near 0.5 and not near 0 because `train` asks for about nine tenths of certainty instead of all of it, which is called *label smoothing*.)

# %%
right, share = accuracy(model)
print("more than nine of ten right:", share > 0.9)

# %% [markdown]
# (Your exact number may differ from that of another computer: floats are added in another order, and after thousands of steps that shows. `right` has it. This is why the chapter goes on with stored networks, which everybody has alike: `load_checkpoint("mlp_w2a2")` has weights and activations of 2 bits. `python -m qtutor.network.checkpoints` made them, with the same `train`.)
#
# What did training choose? The weights, and the scales of the activations too. During the first batches a `QuantReLU` follows what it sees, as in chapter 6 (the 99.999 % percentile); from then on its scale is a number that training moves like a weight. Here are the steps of the first ReLU in 2 bits, both ways, and how many of its outputs are at the top, 3:

# %%
pixels, _ = load_pixels()
for name, model in (("afterwards", quantize_trained(DigitsMLP(2, 2), trained)), ("trained", load_checkpoint("mlp_w2a2"))):
    hidden = model.relu1(model.norm1(model.fc1(model.pixels(pixels.flatten(1)))))
    print(f"{name:10} scale {hidden.scale.item():.2f}, {(hidden.int() == 3).float().mean():.0%} at the top")

# %% [markdown]
# Training nearly halves the step. It lets one output in eight saturate, and the others have finer steps: the trade of chapter 6, made by the loss itself.
#
# All of it in one table. *Per channel* means one weight scale for each neuron.

# %%
names = {width: f"mlp_w{width}a{width}" for width in (8, 4, 3, 2, 1)}
rows = {}
for per_channel, kind in ((False, "per tensor"), (True, "per channel")):
    ending = "_channel" if per_channel else ""
    rows[f"trained, {kind}"] = [accuracy(load_checkpoint(name + ending))[0] for name in names.values()]
    models = [quantize_trained(DigitsMLP(width, width, per_channel), trained) for width in names]
    rows[f"afterwards, {kind}"] = [accuracy(model)[0] for model in models]
for name, row in rows.items():
    print(f"{name:24}", row)

# %%
show(draw_right_answers(new_axes(7, 4), list(names), rows, 597))

# %% [markdown]
# Read it by rows.
# - **Afterwards, per tensor**: good at 8 bits, usable at 4, gone at 2.
# - **Afterwards, per channel**: a scale for each neuron holds out one bit longer, down to 3. At 2 bits it gets 284, half.
# - **Trained**: 562 and 559 at 2 bits, where floats get 567. Even at 1 bit about nine of ten are right. The network finds weights for which the integers are right, instead of integers near given weights.
# - Trained, it hardly matters whether the scales are per tensor or per channel, but at 1 bit. Differences of five scans or so say little: another seed may turn them round.
#
# **From 8 bits down to 4, quantize afterwards; from 3 down, train.** Training costs data, time and the training code; where they are missing, per channel and a well chosen clipping point are the first to try.
#
# **Two questions**
# 1. At 1 bit, quantized afterwards, it is 89 and 99. Why does a scale for each neuron help so little here, when it helps so much at 2 bits?
# 2. The trained 2-bit network loses 5 answers. Where would you spend a few more bits first?
#
# <details><summary>Answers</summary>
#
# 1. At 1 bit only the sign of a weight is left. A scale says how large a value is, and batch normalization or the next sign takes that away anyway; the information lost is in the weights that were small, and now count as much as the large ones.
# 2. Section 6 tries it: the first and the last layer.
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
# −1 and +1: *bipolar*. −1 and 0 would waste half of them on doing nothing, and could push a sum down only. In the register the bit 1 stands for +1 and the bit 0 for −1, and a product of two such numbers is +1 where the bits agree: a gate called XNOR, and no multiplier. A sum of k products is 2 · (number that agree) − k.
#
# The activations of this network are bipolar as well. A ReLU makes no sense there, for it needs a 0; a *sign* stands in its place, −1 below 0, else +1.

# %% tags=["predict"]
question = "3×3 convolution, inputs and weights ±1, no padding. Which sums can one output be?"
predict("7.5", question, options=["all from −9 to 9", "the odd ones from −9 to 9", "−9 and 9 only"])

# %%
sign = QuantIdentity(act_quant=SignedBinaryActPerTensorConst, return_quant_tensor=True).eval()
quantizer = {"weight_quant": SignedBinaryWeightPerTensorConst, "return_quant_tensor": True}
conv, padded = (QuantConv2d(1, 1, 3, padding=pad, bias=False, **quantizer).eval() for pad in (0, 1))
for part in (conv, padded):
    part.weight.data = torch.tensor([[[[0.1, -0.1, 0.1], [-0.1, 0.1, -0.1], [0.1, -0.1, 0.1]]]])
image = torch.tensor([[[[1.0, -1, 1, 1], [-1, 1, -1, 1], [1, -1, 1, -1], [1, 1, 1, -1]]]])
print("without padding", (conv(sign(image)).value / 0.1).round().int()[0, 0].tolist())
print("with padding   ", (padded(sign(image)).value / 0.1).round().int()[0, 0].tolist())

# %% [markdown]
# Nine numbers of ±1 add up to an odd number, always: 2 · agreeing − 9. With padding there are even numbers at the border. They are sums of 4 or of 6 products, because the padding is 0, and **a 1-bit activation has no 0**. Brevitas computes with floats, so it does not mind. Hardware with one bit for each input cannot do it: it pads with −1 or with +1, and gets other sums than the network was trained with. (Weights of 1 bit alone are no trouble: if the activations have a 0, padding is what it should be.)
#
# So a convolution that takes 1-bit activations must not pad. `DigitsCNN` is the library's convolutional network; here are its three convolutions:

# %%
for name in ("cnn_w4a4", "cnn_w2a2", "cnn_w1a1"):
    model = load_checkpoint(name)
    sizes = [(part.kernel_size[0], part.padding[0]) for part in (model.conv1, model.conv2, model.conv3)]
    print(f"{name}: {accuracy(model)[0]} right; kernel and padding", sizes)

# %% [markdown]
# conv1 pads at any width: it takes the pixels, which have a 0. With 1 bit, conv2 becomes 1×1, because its output is added to its input and both must keep one size, and conv3 does without the border. The network sees less of each scan; with the lost bit that costs 578 − 507 = 71 answers.
#
# ## 5 Folding batch normalization
# Between a layer and its ReLU stands *batch normalization*: y is shifted by its mean, divided by its spread, and multiplied and shifted again by what training found.
#
# **normalized = gamma · (y − mean) / sqrt(variance + eps) + beta**
#
# All of it is known after training, one number of each kind for each neuron. So it can be *folded* into the layer: multiplied into the weight and the bias once, and never computed again.
#
# ### Exercise 7.B: fold_batch_norm
# In two lines of torch. `eps` is a small number that keeps the division away from 0. (`qtutor.hint("7.B")`, `qtutor.solution("7.B")`.)


# %% tags=["ex-7.B"]
def fold_batch_norm(weight, bias, gamma, beta, mean, variance, eps):
    """Return (weight, bias) of the one linear layer that does what a linear layer and then batch normalization do.

    weight is [outputs, inputs]; bias and the four parameters are [outputs], eps is a Python float. Batch normalization
    makes gamma * (y - mean) / sqrt(variance + eps) + beta of each output y.
    """
    ...


# %%
check("7.B", fold_batch_norm)

# %% [markdown]
# For floats that is all. For quantized weights, ask what happens to the integers. The trained network has integers q and a scale s. Folding multiplies each row of s · q by its own factor.

# %% tags=["predict"]
question = "A 2-bit network, one scale for each layer, 562 right. Fold, and quantize again with one scale for each layer. Right?"
predict("7.6", question, options=["562: folding is exact", "between 300 and 500", "about 60: guessing"])

# %%
for name in ("mlp_w2a2", "mlp_w2a2_channel", "mlp_w4a4", "mlp_w8a8"):
    model = load_checkpoint(name)
    before, integers = accuracy(model)[0], model.fc1.quant_weight().int().abs()
    for part in ("1", "2"):
        merge_bn(getattr(model, "fc" + part), getattr(model, "norm" + part))  # Brevitas's own folding
        setattr(model, "norm" + part, nn.Identity())
    moved = int((model.fc1.quant_weight().int().abs() != integers).sum())
    print(f"{name:16} right: {before} before, {accuracy(model)[0]} after; {moved} of 4,096 integers of fc1 moved")

# %% [markdown]
# - **Per channel it is exact.** A row's factor goes into the row's scale: s becomes s · |factor|, and the integers stay (all of them change sign where the factor is negative).
# - **Per tensor it is not.** The rows are now of different size, one scale must do for all, and the largest row decides. At 2 bits nearly every third integer moves, and more than a quarter of the right answers is gone. Training cannot help: it saw other weights. At 8 bits nearly all integers move as well, but only by a little.
#
# Three ways out: per-channel scales; training with the folded weights; or not folding at all. For hardware rescales anyway (chapter 5), with a multiplier for each channel, and the factor fits in there. Chapter 8 does that: the integers stay those that were trained.
#
# ## 6 A width for each layer
# Widths need not be the same everywhere: *mixed precision*. `DigitsMLP((8, 2, 8), (4, 4))` has 8-bit weights in the first and last layer, 2-bit weights in the middle, and activations of 4 bits.

# %%
for name in ("mlp_w8a8", "mlp_mixed", "mlp_w2a2", "mlp_w1a1"):
    model = load_checkpoint(name)
    layers = [model.fc1.quant_weight(), model.fc2.quant_weight(), model.fc3.quant_weight()]
    bits = sum(int(layer.bit_width) * layer.value.numel() for layer in layers)
    widths = [int(layer.bit_width) for layer in layers]
    print(f"{name:9} weights of {widths} bits: {bits // 8:5,} bytes, {accuracy(model)[0]} right")

# %% [markdown]
# The network is small, and its first layer is as large as the second: the middle one at 2 bits saves about a third of the bytes. All three at 2 bits save three quarters, for 5 answers. In larger networks the first and the last layer are a small part of all weights and the most sensitive one, and people often leave them at 8 bits. **Measure per layer**: lower one width at a time, train, count.
#
# ## 7 Pitfall: break a published validity test
# Brevitas's tensors know whether their values are integers of their format: `is_valid`. At 1 bit it should refuse a tensor with a 0. Here a picture of ±1 is padded with zeros, and the test says so. **Find an `image` of ±1 whose padding it does not notice.** Change some numbers and run the cell.

# %%
image = torch.tensor([[[[1.0, -1], [-1, 1]]]])
around = nn.functional.pad(sign(image), (1, 1, 1, 1))
print(f"{around.bit_width.item():.0f} bit, valid: {around.is_valid}")

# %% [markdown]
# Have you found it? The answer is the next cell.

# %%
paper = -torch.ones(1, 1, 2, 2)
around = nn.functional.pad(sign(paper), (1, 1, 1, 1))
print(f"padded: valid {around.is_valid}, integers", around.int()[0, 0].tolist())
print(f"as it was: valid {sign(paper).is_valid}")

# %% [markdown]
# At 1 bit the test counts how many different values there are: exactly two, one of them negative, and the tensor is valid, whichever they are. A picture that is all −1 passes with zeros around it. And without them, when it is right, it fails, because it holds one value only. Values alone cannot say which two were meant. So do not rely on such a test: keep zeros away from 1-bit tensors where the network is built, as section 4 does, and look at the integers.
#
# ## Quiz

# %%
quiz("7")

# %% [markdown]
# ## Key points
# - Rounding has slope 0 and jumps. The straight-through estimator takes slope 1 where the rounded integer is in the range, and 0 where it is clamped.
# - Training keeps a float behind each weight and computes with the value of its integer: fake quantization. Weights wander around ties until the learning rate is small.
# - `QuantIdentity` and `QuantReLU` quantize what flows, `QuantLinear` and `QuantConv2d` their weight. `return_quant_tensor=True` hands the format on, and an integer bias needs it: its units are the accumulator's.
# - Afterwards is enough at 8 bits, mostly at 4. At 2 bits training gets 562 right and quantizing afterwards 36 or, per channel, 284.
# - 1-bit values are −1 and +1. There is no 0: nothing to pad with, and no ReLU.
# - Folding batch normalization keeps the integers where each channel has its scale, and moves them where one scale serves all.
#
# ## Words
# | word | meaning |
# |---|---|
# | straight-through estimator, STE | forward the rounded value, backward slope 1 |
# | fake quantization | quantize and dequantize at once, in floats, so that the value is that of an integer |
# | post-training quantization, PTQ | a trained float network is quantized, and not trained again |
# | quantization-aware training, QAT | training with fake quantization in every layer |
# | epoch | one pass over all training data |
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
# The network has learned, but it still computes with floats that stand for integers. Chapter 8 takes the floats out: it finds the integers of each layer, the multiplier and the shift behind it, and compares every one of them with what Brevitas computes.
