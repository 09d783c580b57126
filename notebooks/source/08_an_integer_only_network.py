# %% [markdown]
# # 08 An integer-only network
# *About 90 minutes, after [Train through rounding](07_train_through_rounding.ipynb). Tested with torch 2.13.0 and brevitas 0.13.4.*
#
# **A network was trained with Brevitas, in floats that stand for integers. Where are the integers, and do they alone give the same answers, bit for bit?**
#
# After this chapter you can
# 1. take a trained layer apart: its integer weights, and the mantissa, the offset and the shift that lead from its accumulators to the next layer's integers;
# 2. show that a lowered network is right: every integer of every layer, on every scan, by two routes and in three programs; and say where a difference may come from;
# 3. hand a network on, as ONNX, as arrays or as C, with its memory and its bits counted.
#
# You bring accumulators from chapter 4, mantissa and shift from chapter 5, and trained networks, batch normalization and per-channel weights from chapter 7.

# %%
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx
import torch
from qonnx.custom_op.general.multithreshold import multithreshold

import qtutor
from qtutor import check, check_env, compare, from_brevitas, linear, load_checkpoint, lower, predict, quiz, show
from qtutor.network import compare_onnx, export_integers, export_qcdq, export_qonnx, load_npz, load_pixels, save_npz
from qtutor.network.budget import budget, table, totals
from qtutor.pictures import draw_network_walk, draw_thresholds, new_axes

check_env()

# %% [markdown]
# ## 1 A layer that fits a hand
# A layer of one neuron. Its inputs are the integers 3 and 1 in steps of ¼; its weights are 2 and −1 in steps of ½. The accumulator is 3 · 2 − 1 · 1 = 5, and it counts steps of ⅛. While it trains, Brevitas has the real number 5/8 instead, and goes on in floats: batch normalization multiplies by a *gain*, here 1.2, and adds 0.075. The next layer wants steps of 0.3.

# %%
accumulator = (torch.tensor([3, 1]) * torch.tensor([2, -1])).sum().item()
normalized = accumulator / 8 * 1.2 + 0.075
print(f"accumulator {accumulator}, real {accumulator / 8}")
print(f"normalized {normalized:.3f}, in steps of 0.3 {normalized / 0.3:.2f}")

# %% [markdown]
# Now without floats. The accumulator's share of it is ⅛ · 1.2 / 0.3 = ½ step each; that is chapter 5's multiplier, with the gain in it. And 0.075 is 0.075 / 0.3 = ¼ step, whatever the accumulator is: that is the *offset*. Chapter 5 added a whole number, the zero point, *after* the rounding. A quarter is none.

# %% tags=["predict"]
question = "Accumulator 5, multiplier ½, offset ¼, half to even. Which integer does Brevitas store?"
predict("8.1", question, options=["2: 2.5 becomes 2, and ¼ is lost", "2.75", "3: 2.75 is rounded once"])

# %%
print("5 / 2 + 1 / 4 =", 5 / 2 + 1 / 4, "becomes", round(5 / 2 + 1 / 4))
print("in integers: (5 * 2 + 1) / 2**2 =", (5 * 2 + 1) / 2**2)

# %% [markdown]
# One rounding must see both. So the offset gets the same shift as the multiplier, and is added before it: ½ is 2 / 2², ¼ is 1 / 2². That is the chapter's **one formula**, and the end of every layer in this chapter:
#
# **q = clamp( round( (accumulator · mantissa + offset) / 2^shift ), low, high )**
#
# *Offset* takes in all that is added on the way: a bias in floats, what batch normalization adds, a zero point. (Brevitas adds its zero point before the rounding: chapter 5, section 4.) *Mantissa* takes in all that is multiplied: three scales and the gain. *Clamp* is the saturation, and the ReLU too, where `low` is the integer of real 0.
#
# ### Exercise 8.A
# A whole layer: sums of products, one mantissa and one offset for each output, one shift. Integers only. In which type is there room for the product? Chapter 5's `qtutor.rounding_right_shift` may be used; `>>` and a comparison do it too. (`qtutor.hint("8.A")` helps, three times; `qtutor.solution("8.A")` shows ours.)


# %% tags=["ex-8.A"]
def integer_layer(x, weight, mantissa, offset, shift, low, high):
    """Return a layer's outputs, integers [N, outputs], with nothing but integers on the way.

    x [N, inputs] and weight [outputs, inputs] are tensors of any integer types, the weights of 16 bits at most; int32 holds
    the sums of products. mantissa and offset are int64 [outputs]; shift (0 … 62), low and high are Python ints. To each output:
    its sum of products times its mantissa, plus its offset, and all of that divided by 2**shift, rounded once, half to even,
    and clamped to low … high.
    """
    ...


# %%
check("8.A", integer_layer)

# %% [markdown]
# ## 2 A trained layer, taken apart
# `mlp_w4a4` is chapter 7's network with 4-bit weights and activations: 64 pixels → `fc1` → `norm1` → `relu1` → `fc2` → `norm2` → `relu2` → `fc3` → 10 scores. We take `fc1`, `norm1` and `relu1` apart by hand.
#
# **The weights.** Brevitas keeps them as float32 and rounds them anew at each call. `quant_weight()` gives what the layer really multiplies by; `from_brevitas`, of chapter 1, turns that into integers and their format.

# %%
model, (pixels, labels) = load_checkpoint("mlp_w4a4"), load_pixels()
weight, weight_format = from_brevitas(model.fc1.quant_weight())
print(weight.dtype, list(weight.shape), f"from {weight.min()} to {weight.max()}, in steps of {weight_format.scale:.5f}")
print("neuron 1 begins", weight[1, :12].tolist())

# %% [markdown]
# **The accumulators.** Pixels are grey levels 0 … 16 in sixteenths. Our sums are sums of integers; Brevitas's are sums of floats, 64 products each. Divide them by their scale.

# %%
grey = (pixels.flatten(1) * 16).to(torch.uint8)
sums = linear(grey, weight)
with torch.no_grad():
    theirs = model.fc1(model.pixels(model.flatten(pixels)))
print("ours    ", sums[0, :5].tolist())
print("Brevitas", [f"{step:.4f}" for step in (theirs.value / theirs.scale)[0, :5].tolist()])
print("differ in", int((torch.round(theirs.value / theirs.scale) != sums).sum()), f"of {sums.numel():,}")

# %% [markdown]
# **The multiplier and the offset.** Batch normalization has four numbers for each neuron: the mean and the variance that it saw, and two that it learned, here `norm.weight` and `norm.bias`. In evaluation they are constants.

# %% tags=["predict"]
question = "Four numbers of batch normalization for each neuron. How many for each does the chip hold in their place?"
predict("8.2", question, options=["4", "2", "none: the layer multiplies already"])

# %%
norm, step = model.norm1, model.relu1.act_quant.scale().double()
gain = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
multiplier = (theirs.scale.double() * gain / step).flatten().detach()
offset = ((norm.bias.double() - norm.running_mean.double() * gain) / step).detach()
print(f"neuron 1: times {multiplier[1]:.5f}, plus {offset[1]:.5f}")
print(f"all 64: times {multiplier.min():.4f} … {multiplier.max():.4f}, plus {offset.min():.1f} … {offset.max():.1f}")
print(f"multipliers: {len(multiplier.unique())}; without batch normalization: {(theirs.scale / step).numel()}")

# %% [markdown]
# Two for each: one that multiplies, one that adds. The weights have one scale for all, so a layer without batch normalization would do with one multiplier; here each neuron has its own, for its gain is in it. (With a weight scale for each neuron, and a bias, it would hold two for each anyway, and batch normalization costs nothing.) Now both in fixed point. One shift for the layer is enough, as large as the largest mantissa allows in 31 bits; the smaller ones fill a bit less of theirs: they are all within a factor of two.

# %%
shift = 34
mantissa, plus = torch.round(multiplier * 2**shift).long(), torch.round(offset * 2**shift).long()
print("neuron 1:", mantissa[1].item(), "and", plus[1].item())
print("the largest mantissa has", int(mantissa.max()).bit_length(), "bits")
hidden = qtutor.rounding_right_shift(sums.long() * mantissa + plus, shift).clamp(0, 15)
print("scan 0 begins", hidden[0, :12].tolist())

# %% [markdown]
# That is the layer. And Brevitas's? Its `relu1` gives a tensor of floats, with a scale.

# %%
with torch.no_grad():
    relu = model.relu1(model.norm1(theirs))
integers = torch.round(relu.value / relu.scale)
print("scan 0 begins", integers[0, :12].int().tolist())
print("differ in", int((integers != hidden).sum()), f"of {hidden.numel():,}")

# %% [markdown]
# Every one of 115,008 integers, on all scans, though one side added floats and the other integers. (Have you solved 8.A? Try yours on `grey, weight, mantissa, plus, shift, 0, 15`.)
#
# ## 3 `lower` does all of it
# `lower` walks through a trained model and does this to each layer. What it returns holds integers, and nothing else; at each place it says which ones there can be. The range of an accumulator is the least and the greatest that *these* weights can give, to any integers that the format before them holds: `pixels` has 5 bits, 0 … 31, and `fc1`'s range counts with 31, although ink ends at 16.

# %%
net = lower(model)
print(net)

# %% [markdown]
# What if a layer has no integers? A sigmoid is a curve: no multiplier and no shift make it. This cell fails on purpose.

# %% tags=["raises-exception"]
lower(torch.nn.Sequential(model.pixels, torch.nn.Sigmoid()).eval())

# %% [markdown]
# Floats that hide between two layers are the usual reason why a network does not reach a chip, so `lower` names the layer (one in a `Sequential` is a number, with its kind) and returns nothing half done. The same goes for a model in training mode, where statistics still move, for a quantizer that has seen no data, and for widths above 8.
#
# Now the proof. `compare` runs both networks. For each place it counts the integers of ours that are not `round(value / scale)` of Brevitas's own tensors, once with Brevitas's integers given to the layer (*differing*), and once with our network on its own from the pixels on, where an error would travel (*travelled*).

# %% tags=["predict"]
question = "Three convolutions and an addition, on 1,797 scans: 13 million integers. How many differ?"
predict("8.3", question, options=["none", "a few: floats and integers round differently", "about one in a thousand"])

# %%
noise = torch.randint(0, 17, (500, 1, 8, 8), generator=torch.Generator().manual_seed(3)) / 16
for name, images in (("mlp_w4a4", pixels), ("cnn_w4a4", pixels), ("cnn_w4a4", noise)):
    places = compare(load_checkpoint(name), lower(load_checkpoint(name)), images)
    travelled = [sum(place.travelled[route] for place in places) for route in ("multipliers", "thresholds")]
    print(f"{name}: {sum(place.count for place in places):,} integers, differ by multipliers, thresholds: {travelled}")
print("places:", ", ".join(place.name for place in places))

# %% [markdown]
# None, and none on 500 images of noise either, which the network was never trained for. *Multipliers* is the route that you took by hand; thresholds are the next section. (`join` is where both sides of the addition get one scale. It is called twice.) Here are the right answers among the 597 scans that training has not seen, by integers alone:

# %%
right = {}
for name in ("mlp_w8a8", "mlp_w4a4", "mlp_w2a2", "mlp_w1a1"):
    scores = lower(load_checkpoint(name))(grey[1200:])
    right[name] = int((scores.argmax(1) == labels[1200:]).sum())
    ties = int(((scores == scores.amax(1, keepdim=True)).sum(1) > 1).sum())
    print(f"{name} {right[name]} of 597, ties for the largest score: {ties}")

# %% [markdown]
# The last layer, `fc3`, is not requantized: its accumulators *are* the scores. The largest of ten is the largest in any unit, so no scale is needed. With few bits two scores may be equal and the largest: a tie. The integers say so, and `argmax` takes the first; Brevitas adds floats, and takes the one whose float is a last bit larger. So at a tie, and only there, the two may name different digits, although no integer differs.
#
# (Two things ask for more: last weights with a scale for each output, where ten units stand side by side, and a last bias that is a float, as Brevitas leaves it unless you say `bias_quant=Int32Bias`. Then `lower` adds a layer `logits`, which multiplies each score by an integer of its own and adds one.)
#
# ## 4 No multiplier at all: thresholds
# A 4-bit output has few values. So for each one write down the lowest accumulator that reaches it: its *threshold*. The layer's end is then to compare, and to count:
#
# **q = low + how many thresholds the accumulator has reached**

# %% tags=["predict"]
question = "relu1 gives integers of 4 bits, 0 … 15. How many thresholds does a neuron need?"
predict("8.4", question, options=["4", "15", "16"])

# %%
layer = net.layer("relu1")
print("all thresholds:", list(layer.thresholds.shape))
print("of neuron 1:", layer.thresholds[1].tolist())

# %%
show(draw_thresholds(new_axes(7, 4), layer, channel=1, accumulator=100))

# %% [markdown]
# They lie 13 or 14 apart, since 1 / 0.07564 is 13.2 accumulators a step. Batch normalization, three scales, rounding, ReLU: it is all in these 15 integers, and none of it needs a multiplier. FINN, which builds dataflow accelerators from Brevitas's networks, works this way. At 1 bit a neuron is left with one threshold; at 8 bits it has 255, and a multiplier is cheaper (section 9 counts both).
#
# ### Exercise 8.B
# From mantissa, offset and shift to thresholds, exactly. With thresholds a tie must be settled beforehand: which of the two neighbours gets it? (`qtutor.hint("8.B")`, `qtutor.solution("8.B")`.)


# %% tags=["ex-8.B"]
def thresholds(mantissa, offset, shift, low, high):
    """Return the list of the lowest accumulators that reach each of the integers low + 1, low + 2 … high, as Python ints.

    An accumulator a becomes (a * mantissa + offset) / 2**shift, rounded half to even; it reaches an integer where it
    becomes that one or a higher one. All arguments are Python ints, mantissa and shift such that mantissa >= 1, shift >= 0.
    """
    ...


# %%
check("8.B", thresholds)

# %% [markdown]
# (Solved? Then try yours on neuron 1: `thresholds(mantissa[1].item(), plus[1].item(), shift, 0, 15)`.) `lower` finds its thresholds another way, which shares nothing with mantissas: it asks Brevitas's own float32 batch normalization and quantizer which integer an accumulator becomes, and halves the range until the border is found. So the two routes check each other. And a third program can read the thresholds: qonnx's `multithreshold`, the operator that FINN's networks are made of.

# %%
counted = multithreshold(sums.numpy(), layer.thresholds.numpy())
print("differ in", int((counted != hidden.numpy()).sum()), f"of {counted.size:,}")

# %% [markdown]
# ### A neuron upside down
# Turn the signs of neuron 1's weights, of its mean and of its gain, which batch normalization may well learn to be negative. It computes what it computed before, from accumulators of the other sign.

# %%
turned = load_checkpoint("mlp_w4a4")
with torch.no_grad():
    for part in (turned.fc1.weight[1], turned.norm1.running_mean[1:2], turned.norm1.weight[1:2]):
        part.neg_()

# %% tags=["predict"]
question = "Accumulator −100 of the turned neuron must become what 100 became. When does it reach the threshold t?"
predict("8.5", question, options=["where it is ≥ t, as before", "where minus it is ≥ t", "never"])

# %%
upside_down = lower(turned)
there = upside_down.layer("relu1")
print("mantissa", there.mantissa[1].item(), "direction", there.direction[1].item())
print("thresholds", there.thresholds[1, :3].tolist(), "…")
print("same scores:", torch.equal(upside_down(grey), net(grey)))
careless = multithreshold(upside_down.trace(grey)["fc1"].numpy(), there.thresholds.numpy())
wrong = (careless != hidden.numpy())[:, 1]
print("without the direction, neuron 1 is wrong on", int(wrong.sum()), "of", len(wrong), "scans")

# %% [markdown]
# A negative gain makes the staircase fall. Multipliers take it as it comes, with a negative mantissa. Thresholds need the *direction* beside them, or weights with their signs turned once and for all. It matters in one more place: a max pool may change places with a requantizer only if the staircase rises, since the largest accumulator is the smallest integer where it falls. `lower` refuses such a model.
#
# ## 5 Explore
# One scan on its way through the 8-bit network, in integers. Choose where to look, choose a part, and take bits from it: its weights are rounded anew, the largest at the end of the shorter range (at 1 bit they are −1 and +1), or its integers get fewer levels over the same real range (at 1 bit 0 and 1), and the mantissas behind it follow. Watch where the answer flips.

# %%
qtutor.network_explorer()

# %% [markdown]
# The same as a still picture: scan 1491, an eight, with the weights of `fc1` in 3 bits.

# %%
show(draw_network_walk(new_axes(7, 5), 1491, part="fc1", bit_width=3, layer="relu1"))

# %% [markdown]
# **Challenge.** It stands under the picture, in two steps.
#
# **Two questions**
# 1. Scan 1491, weights of `fc1` in 8 bits, look at the sums of `fc1`. Their range takes 17 bits. How many would do for this scan, and where do the others go?
# 2. Scan 1491, weights of `fc1` from 4 bits down to 1. Is one bit better than three?
#
# <details><summary>Answers</summary>
#
# Challenge: 1221, 1412, 1598 or 1773; then the weights of `fc2` in 4 bits.
#
# 1. It reaches −3,347 … 4,210, and 14 bits hold −8,192 … 8,191. The range is that of the worst image for each neuron: 31, the largest pixel of 5 bits, wherever a weight has one sign, and 0 elsewhere. No digit looks like that, and ink ends at 16. But it is a promise for *every* input, and a chip is built for that.
# 2. For this scan it is: 8 at 4 bits, 1 at 3, 4 at 2, and 8 again at one. For all 597 it is not: 539 right with 3 bits, 482 with one. One scan is an anecdote. But one bit is better than *two*, which have 220: two bits hold −1, 0 and 1 in steps of the largest weight, and most weights become 0 (chapter 6). A sign makes none 0. (A network that was trained in 2 bits chose its weights for them, and has 562.)
#
# </details>
#
# ## 6 Pitfall: the same accumulator, twice
# At 4 bits nothing differed. At 8 bits something does, and the cause is not in our integers. Break the arithmetic of Brevitas's layers, which is float32: a neuron with two products, a and b, in steps of 0.3. The accumulator is a + b, its real value is 0.3 · a + 0.3 · b, added as it stands there, and the output's step is 0.2. **Find a and b with a + b = 7 that give another integer than 0 and 7 do.**

# %%
a, b = 0, 7
scale, step = torch.tensor(0.3), torch.tensor(0.2)
real = scale * a + scale * b
print("accumulator", a + b, "becomes", torch.round(real / step).int().item())

# %% [markdown]
# Have you found one? The next cell tries all.

# %%
for a in range(8):
    real = scale * a + scale * (7 - a)
    print(f"{a} and {7 - a}: {real:.10f}, in steps {real / step:.6f}, becomes {torch.round(real / step).int()}")
print(f"in float64: {scale.double() * 7 / step.double():.9f}")

# %% [markdown]
# 2 and 5, or 5 and 2: five times 0.3 takes more bits than float32 has, and is rounded to 1.5. **One accumulator, two integers.** What Brevitas stores depends on *which* products made the sum and, with more than two, on the order in which they are added; no integer layer, whatever its rounding, can follow both. It shows only next to a tie. And on another processor, which adds in another order, other accumulators do it.
#
# So for a network of 8 bits the question is no longer "do any differ?" but "how many, and how far from a tie?" Which numbers come depends on your processor, so the cell prints what holds on all of them, and counts a layer's own differences: it is given Brevitas's integers.

# %%
model8 = load_checkpoint("cnn_w8a8")
places = compare(model8, lower(model8), pixels)
apart, count = sum(place.differing["multipliers"] for place in places), sum(place.count for place in places)
print(f"{count:,} integers; fewer than one in 100,000 differ:", apart * 100_000 < count)
print("all of them within 1 / 10,000 of a step of a tie:", all((p.farthest or 0) < 1e-4 for p in places))
sums_of_products = [place for place in places if place.name.startswith(("conv", "fc"))]
print("sums of products that differ:", sum(place.differing["multipliers"] for place in sums_of_products))

# %% [markdown]
# Here every sum of products is the same: they have few enough bits. From about 24 bits on float32 misses sums too, and `compare` counts them at the sums' own place. What differs here is how a sum next to a tie was rounded. `place.each` lists such integers one by one: where, the accumulator, Brevitas's integer and ours, the `distance` to the tie, and `both_ways`, whether Brevitas itself rounds that accumulator to another integer elsewhere. See yours in a cell of your own: `for place in places: print(place.name, *place.each, sep="\n")`.
#
# There is a cure, if bit for bit is what you must promise: scales that are powers of two. Then float32 holds every product, and every sum of up to 24 bits, exactly, in any order. (Batch normalization still computes in floats, one accumulator at a time: a function, which thresholds follow exactly. A 31-bit mantissa is a better approximation of the real gain than float32 is, so by multipliers an accumulator next to a tie may fall to the other side: few do, and which ones depends on your processor.)

# %%
exact8 = load_checkpoint("cnn_w8a8_power_of_two")
places = compare(exact8, lower(exact8), pixels)
apart = sum(place.travelled["thresholds"] for place in places)
print(f"by thresholds {apart} of {count:,} differ")
apart = sum(place.differing["multipliers"] for place in places)
print("by multipliers fewer than one in 100,000:", apart * 100_000 < count)
print("all of them within 1 / 10,000 of a step of a tie:", all((p.farthest or 0) < 1e-4 for p in places))

# %% [markdown]
# ## 7 The same network in ONNX
# ONNX is a file format for networks. A network of integers can be written in three forms:
#
# | form | what stands in the file | who runs it |
# |---|---|---|
# | **QCDQ** | float layers between *quantize, clip, dequantize*: `QuantizeLinear`, `Clip`, `DequantizeLinear` | any ONNX runtime; 2 to 8 bits |
# | **QONNX** | float layers, and one operator `Quant` with its bit width | qonnx's executor, FINN, hls4ml; any width |
# | **integers** | `MatMulInteger`, `Mul`, `Add`, and an exact division by 2^shift: our formula | any ONNX runtime |
#
# The first two say what the network *means*, in floats, as Brevitas does. The third says what the chip *computes*. All files go to a folder that is removed at the end.

# %%
folder = tempfile.TemporaryDirectory()
files = {name: Path(folder.name) / f"{name}.onnx" for name in ("qcdq", "qonnx", "integers")}
export_qcdq(model, pixels, files["qcdq"])
export_qonnx(model, pixels, files["qonnx"])
export_integers(net, grey.reshape(pixels.shape), files["integers"])
for name, path in files.items():
    print(f"{name:8}", ", ".join(sorted({node.op_type for node in onnx.load(str(path)).graph.node})))

# %% [markdown]
# Run each file on all scans, and put its integers beside ours, place by place. The first file is run by ONNX Runtime as it stands, and again *optimized*: the runtime may then rewrite the graph, and multiply integers where the file says floats.

# %%
for name, optimized in (("qcdq", False), ("qcdq", True), ("qonnx", False), ("integers", False)):
    places = compare_onnx(net, files[name], pixels, optimized)
    apart, count = sum(place.travelled for place in places), sum(place.count for place in places)
    print(f"{name:8} {'optimized' if optimized else '':9} {apart} of {count:,} differ, {len(places)} places")

# %% [markdown]
# Two runtimes, four runs, one set of integers, and Brevitas's own makes five. Must it be so? For the third form, yes: it has no floats. The first two add floats in an order of their own, so what section 6 said holds for them: at 8 bits, next to ties, they may differ from Brevitas and from us, and from themselves on another processor. And the optimized one has a second trap, chapter 4's: on PC processors without the newer instructions (VNNI), fused kernels multiply unsigned by signed bytes and saturate the sum of each two products at 16 bits. With 4-bit activations, 2 · 15 · 7 = 210 is far from the end. With 8 bits, 2 · 255 · 127 is 64,770, and beyond it. (Our integer file multiplies signed by signed, which is exact everywhere.)
#
# ## 8 Where do I find the integers?
# The question that Brevitas's users ask most. By hand, from a Brevitas layer, as in section 2; or by name, from a lowered network:
#
# | what | in Brevitas | in `net = lower(model)` |
# |---|---|---|
# | integer weights | `layer.quant_weight().int()` | `net.layer("fc1").weight` |
# | integer bias, in accumulator steps | `layer.bias_quant(layer.bias, x, layer.quant_weight()).int()`, x what the layer is given | `net.layer("fc3").bias` |
# | scale, zero point, range of a place | `tensor.scale`, `tensor.zero_point`, `tensor.bit_width` | `net.meaning("relu1")` |
# | mantissa, offset, shift | nowhere: scales and batch normalization, as in section 2 | `net.layer("relu1").mantissa`, `.offset`, `.shift` |
# | thresholds | nowhere | `net.layer("relu1").thresholds`, `.direction` |
# | the integers of a scan, at each place | `value / scale`, rounded, of each layer's output | `net.trace(q)["relu1"]` |

# %%
print("bias of fc3:", net.layer("fc3").bias.tolist())
meaning = net.meaning("relu1")
print(f"relu1 gives: {meaning.low} … {meaning.high} in steps of {meaning.scale:.5f}")
print("scan 0, scores:", net.trace(grey)["fc3"][0].tolist())

# %% [markdown]
# Everything in one file: `.npz` is a set of arrays that NumPy reads anywhere, without this library, called `fc1.weight`, `relu1.mantissa` and so on; and a C header holds the arrays together with the loops that use them.

# %%
arrays, header = Path(folder.name) / "digits.npz", Path(folder.name) / "digits.h"
save_npz(net, arrays)
qtutor.network.save_c_header(net, header, grey)
print(f"{arrays.stat().st_size // 1000} kB of arrays")
print("same scores from the file:", torch.equal(load_npz(arrays)(grey), net(grey)))
lines = header.read_text().splitlines()
print(next(line for line in lines if line.startswith("static inline void qtutor_network")))

# %% [markdown]
# A C program includes the header, hands over 64 pixels and gets ten scores. The library's tests compile it, run it on the scans, and ask for the same integers.
#
# ## 9 What does it cost?
# No chip yet, but its main costs can be counted: products, the memory of weights and constants, bits moved in and out, and how wide the accumulators must be, in the worst case of the formats (chapter 4) and with these weights.

# %%
print(table(budget(net, grey)))

# %% [markdown]
# `constants` are mantissas of 32 bits, offsets of 64 and biases of 32 (`relu1`: 64 neurons, each 32 + 64 = 96, are 6,144); `or thresholds` is what would stand there instead. (A dash is nothing: sums that only wait for their requantizer do not leave their registers.) At 4 bits thresholds take twice the memory and save the 128 products of a 13-bit accumulator by a mantissa. And with other widths? *Bit operations* are products, each times the widths of its two factors: a rough measure of a multiplier's size and energy.

# %% tags=["predict"]
question = "fc2, from 8 bits for weights and activations to 4 bits for both: how many bit operations are left?"
predict("8.6", question, options=["half", "a quarter", "a sixteenth"])

# %%
print("bits  fc2 bit operations  weights  constants  thresholds  right")
for name in right:
    rows = budget(lower(load_checkpoint(name)), grey)
    whole, fc2 = totals(rows), next(row for row in rows if row.name == "fc2")
    sizes = f"{whole.weight_bits:8,} {whole.multiplier_bits:10,} {whole.threshold_bits:11,}"
    print(f"{name[5]:4} {fc2.bit_operations:19,} {sizes} {right[name]:6}")

# %% [markdown]
# A quarter, and at 1 bit a sixty-fourth. The thresholds fall faster than anything else: 255, 15, 3 and 1 for each neuron. At 2 bits and at 1 they are cheaper than mantissas and offsets. The right answers are section 3's. Against 8 bits, 2 bits give up five of 597 answers and keep a quarter of the weights' memory; 1 bit gives up 38 and keeps an eighth.
#
# ## 10 Bring your own
# A network of yours goes the same way, if it is made of Brevitas's layers, 1 to 8 bits wide, and of those that the error of section 3 lists. A command lowers it and reports what you have seen in this chapter. It wants a Python file with
# - `model`, your Brevitas model with its trained weights, in evaluation mode. Its scales must have seen data: until then they are only a start, and `lower` refuses;
# - `inputs`, a batch of floats as the model takes them. Every integer of every one is compared with Brevitas's, so give many;
# - `labels`, the right classes, only if you want to see accuracies.
#
# Here is one, for images of 28 × 28.

# %%
my_file = Path(folder.name) / "my_model.py"
_ = my_file.write_text("""import torch
from brevitas import nn as qnn
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(
    nn.Flatten(), qnn.QuantIdentity(bit_width=8),
    qnn.QuantLinear(784, 64, bias=False, weight_bit_width=4), nn.BatchNorm1d(64),
    qnn.QuantReLU(bit_width=4), qnn.QuantLinear(64, 10, bias=True, weight_bit_width=4))
inputs = torch.rand(300, 1, 28, 28)
for batch in inputs.split(50):
    model(batch)  # in place of your training
model.eval()
""")

# %% [markdown]
# The command is `python -m qtutor.network.report my_model.py --into integers`, with this course's own Python: `.venv/bin/python` in the project's folder (Windows: `.venv\Scripts\python`), or `!{sys.executable} -m …` in a cell. `--into` names the folder for the files that it writes; without it they go to where you are. We show the first lines of what it prints, and the last.

# %%
command = [sys.executable, "-m", "qtutor.network.report", str(my_file), "--into", folder.name]
printed = subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout.splitlines()
print(*printed[:11], "…", printed[-1], sep="\n")

# %% [markdown]
# Between them stand the budget, the comparison with Brevitas, the number of answers that are the model's own, and the inputs whose two largest scores are equal. (Why is `logits` there? The last bias is a float.) [docs/bring_your_own.md](../docs/bring_your_own.md) shows all of it and explains each line and each refusal; [docs/recipe.md](../docs/recipe.md) is section 8 for every kind of layer. Or in a cell of your own: `net = lower(my_model)`, then `compare(my_model, net, my_inputs)`.
#
# If a place differs, ask where:
# - A layer's *sums* differ, `farthest` is None: they are wider than float32 holds. Ours are exact.
# - A *quantizer* differs, and `farthest` is tiny: section 6. `each` shows the accumulators.
# - Otherwise something computes in floats that should not, and we would like to know.

# %%
folder.cleanup()

# %% [markdown]
# ## Quiz

# %%
quiz("8")

# %% [markdown]
# ## Key points
# - A trained layer is integer weights, and for each output a mantissa and an offset, with one shift. Scales, bias, batch normalization and zero point are all inside.
# - The offset is added before the shift, because one rounding must see everything. The clamp is the ReLU.
# - Thresholds are the same layer without a multiplier: the lowest accumulator that reaches each integer. Ties are settled when they are computed, and a negative gain needs a direction.
# - Show that a lowered network is right place by place, on all the data you have, by two routes that share no code.
# - Float32 sums are no function of the accumulator. At few bits, or with powers of two, nothing differs; else count the differences and say how far from a tie they lie.
# - QCDQ and QONNX say in floats what a network means; an integer file says what a chip computes, and gives the same integers everywhere.
#
# ## Words
# | word | meaning |
# |---|---|
# | to lower | to turn a trained network into what a chip computes |
# | gain | what batch normalization multiplies by |
# | offset | what is added to accumulator · mantissa, counted in 1 / 2^shift of a step |
# | threshold | the lowest accumulator that reaches an integer |
# | direction | −1 where a larger accumulator gives a smaller integer |
# | route | multipliers or thresholds |
# | QCDQ, QONNX | a quantized network in ONNX with quantize, clip, dequantize; with the operator `Quant` |
# | bit operations | products, each times the widths of its two factors |
#
# ## References
# - B. Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, [arXiv 1712.05877](https://arxiv.org/abs/1712.05877): multipliers as mantissa and shift, batch normalization folded.
# - Y. Umuroglu et al., *FINN: A Framework for Fast, Scalable Binarized Neural Network Inference*, FPGA 2017, [arXiv 1612.07119](https://arxiv.org/abs/1612.07119): batch normalization and activation as thresholds.
# - S. Ioffe and C. Szegedy, *Batch Normalization*, ICML 2015, [arXiv 1502.03167](https://arxiv.org/abs/1502.03167).
# - A. Pappalardo et al., *QONNX: Representing Arbitrary-Precision Quantized Neural Networks*, 2022, [arXiv 2206.07527](https://arxiv.org/abs/2206.07527): QCDQ and QONNX.
# - ONNX operators [MatMulInteger](https://onnx.ai/onnx/operators/onnx__MatMulInteger.html), [QuantizeLinear](https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html), and [QLinearConv](https://onnx.ai/onnx/operators/onnx__QLinearConv.html), which 8.A is compared with.
# - C. Baskin et al., *UNIQ: Uniform Noise Injection for Non-Uniform Quantization of Neural Networks*, 2018, [arXiv 1804.10969](https://arxiv.org/abs/1804.10969): bit operations.
#
# ## What next
# The network is integers from the first pixel to the last score, and you can prove it. Chapter 9, which is planned, makes gates of them: a module in Verilog, tested against these very integers.
