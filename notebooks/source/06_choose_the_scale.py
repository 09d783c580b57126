# %% [markdown]
# # 06 Choose the scale
# *About 70 minutes, after [Requantize](05_requantize.ipynb). Tested with torch 2.13.0 and brevitas 0.13.4.*
#
# **A format has a few integers, and your values have a range. How large should one step be, and what do you lose either way?**
#
# After this chapter you can
# 1. split the error of a format into what clipping and what rounding cost, and say which grows when the scale shrinks;
# 2. choose a scale from the values at hand: for all of them or for each channel, with a zero point or without, free or a power of two;
# 3. read an SQNR in decibels, use the rule of 6 dB a bit, and name three places where it fails.
#
# You bring real = scale · (q − zero_point) from chapter 1, saturation from chapter 2, and from chapters 4 and 5 that sums are collected in an accumulator and then multiplied back into few bits.

# %%
import torch
from brevitas.core.stats import AbsPercentile

import qtutor
from qtutor import QParams, check, check_env, choose_qparams, dequantize, predict, quantize, quiz, show
from qtutor.network import hidden_activations, load_digits, right_answers, trained_layers
from qtutor.pictures import draw_clipping, draw_number_line, new_axes

check_env()

# %% [markdown]
# ## 1 Eight readings, four integers
# Eight readings of a sensor: seven times 1.0, once 6.0. They must go into 2 unsigned bits, 0 … 3, zero point 0. With scale s the window of the format is 0 … 3s. Its top end is the *clipping point*: what lies beyond saturates there, it is *clipped*.
#
# To choose the scale is to choose the clipping point. At 6 nothing is clipped. At 4.5 and at 3 the 6.0 is. Count the error as the sum of (stored − given)² over the eight.

# %% tags=["predict"]
question = "Seven 1.0 and one 6.0 in 2 unsigned bits: which clipping point has the least squared error?"
predict("6.1", question, options=["6: nothing is clipped", "4.5", "3: the seven ones are exact"])

# %%
readings = torch.tensor([1.0] * 7 + [6.0])
for top in (6, 4.5, 3):
    steps = QParams(scale=top / 3, bit_width=2, signed=False)
    stored = dequantize(quantize(readings, steps), steps)
    print(f"clipped at {top:3}: stored {stored.tolist()[-2:]}, squared error {(stored - readings).square().sum():g}")

# %% [markdown]
# (Printed are a 1.0 and the 6.0.) By hand:
#
# | clipping point | step | the ones | the 6.0 | together |
# |---|---|---|---|---|
# | 6 | 2 | 7 · 1² = 7 | 0 | 7 |
# | 4.5 | 1.5 | 7 · 0.5² = 1.75 | 1.5² = 2.25 | 4 |
# | 3 | 1 | 0 | 3² = 9 | 9 |
#
# The best of the three clips a value *and* rounds the others. **Fewer clipped values can mean more error**, because the clipping point also sets the size of the step, and every value pays for that.
#
# ### The formula
#
# **squared error = Σ (stored − x)² over the values inside the window, plus Σ (top − x)² over the values beyond it**
#
# The first part is the *rounding error*, at most half a step for each value, so it shrinks with the scale. The second is the *clipping error*; it has no limit, and grows when the scale shrinks. Lower the clipping point, and one falls while the other rises: somewhere in between their sum has its minimum. (Why squares? Independent errors partly cancel in a sum; their squares are what adds up on average.)

# %%
show(draw_number_line(new_axes(), readings, QParams(scale=1.5, bit_width=2, signed=False)))

# %% [markdown]
# ## 2 The usual first choice: min–max
# *Min–max* lets the values say where the window ends: the smallest gets the smallest integer, the largest the largest. Try it on values that are all far from 0, say 5 … 8, in 4 unsigned bits.

# %% tags=["predict"]
question = "Values 5 … 8 in 4 unsigned bits, min–max. At which real number does the window begin?"
predict("6.2", question, options=["5: the smallest value", "0: real 0.0 needs an integer", "4.9: half a step below 5"])

# %%
for low, high in ((5.0, 8.0), (-1.0, 3.0), (-8.0, -5.0)):
    chosen = choose_qparams(torch.tensor([low, high]), bit_width=4, signed=False)
    first, last = dequantize(torch.tensor([0, 15]), chosen).tolist()
    print(f"{low:g} … {high:g}: scale {chosen.scale:.4f}, zero point {chosen.zero_point}, window {first:.2f} … {last:.2f}")

# %% [markdown]
# The range is widened to 0 first. Chapter 2 said why: zero padding and ReLU put exact zeros into a tensor, and without it real 0.0 has no integer. The price for 5 … 8 is high: the step is 8/15 instead of 3/15.
#
# Count the steps: 16 integers in a row have 15 steps between them. And a zero point must be an integer, so it is rounded: the place of 0.0 in −1 … 3 is 1 / (4/15) = 3.75 steps above the lowest integer, and the zero point is 4. This moves the window to −1.07 … 2.93: as wide as asked for, and up to half a step aside. So 3.0 is stored as 2.93: **with a zero point, min–max may clip up to half a step.**
#
# ### With a zero point, or symmetric
# *Symmetric* means zero point 0, and the same reach up and down. Chapter 4 told why hardware likes this for weights: of the four terms of a product of sums, those with the weight's zero point vanish. What should it do with −1 … 3 in an *unsigned* format? This cell fails on purpose.

# %% tags=["raises-exception"]
choose_qparams(torch.tensor([-1.0, 3.0]), bit_width=4, signed=False, symmetric=True)

# %% [markdown]
# With zero point 0 an unsigned format has nothing below 0.0. Signed, it works. How many of its 16 integers can values from −1 to 3 reach?

# %%
chosen = choose_qparams(torch.tensor([-1.0, 3.0]), bit_width=4, signed=True, symmetric=True)
print(f"symmetric: scale {chosen.scale:.4f}, integers", quantize(torch.tensor([-1.0, 3.0]), chosen).tolist())
shifted = choose_qparams(torch.tensor([-1.0, 3.0]), bit_width=4, signed=True)
print(f"shifted:   scale {shifted.scale:.4f}, integers", quantize(torch.tensor([-1.0, 3.0]), shifted).tolist())

# %% [markdown]
# −2 … 7 are 10 of 16: the step is larger, 3/7 against 4/15. Weights lie about evenly on both sides of 0 and lose little. What a ReLU leaves lies on one side only: unsigned, zero point 0, and nothing is lost.
#
# ### Exercise 6.A: choose_scale
# Min–max with a zero point, from the two ends of the values, in two to four lines of plain Python. Where 0.0 falls half way between two integers both would be right, so the check does not ask there. A scale counts as right within one part in a million. (`qtutor.hint("6.A")`, `qtutor.solution("6.A")`.)


# %% tags=["ex-6.A"]
def choose_scale(low, high, bit_width, signed):
    """Return (scale, zero_point) of the format whose window is as wide as low … high, widened where it must be to hold 0.

    low and high are Python floats, low < high; signed is True or False. zero_point is the integer nearest to where 0.0 lies.
    """
    ...


# %%
check("6.A", choose_scale)

# %% [markdown]
# ## 3 Real activations
# Now a trained network: 64 pixels → 32 neurons and a ReLU → 10 digits, trained on the first 1,200 scans of handwritten digits. We look at what the 32 neurons give for all 1,797 scans, and let the second layer name the 597 scans that training has not seen.

# %%
activations = hidden_activations()
print(f"{activations.numel():,} activations, {int((activations == 0).sum()):,} of them 0")
print(f"mean {activations.mean():.2f}, largest {activations.max():.2f}")
print("right answers with floats:", right_answers(activations), "of 597")

# %% [markdown]
# Put them into 3 unsigned bits, in three ways:
#
# | `method` | clipping point | knows |
# |---|---|---|
# | `minmax` | the largest value | the ends only: one odd value decides about all others |
# | `percentile` | the 99.9 % *percentile*: 99.9 % of the values lie below it, one in a thousand above (below 0, the same at the other end) | how many values lie out there, but not how far, and not how many bits there are |
# | `mse` | of 100 tried (the largest value, 99 % of it, 98 %, … 1 %) the one with the least *mean squared error* | all of it: every value, and the bits |

# %% tags=["predict"]
question = "57,504 activations in 3 bits. How many of them does the best of the 100 clipping points cut off?"
predict("6.3", question, options=["none", "about 60: one in a thousand", "about 600: one in a hundred", "about 6,000: one in ten"])

# %%
for method in ("minmax", "percentile", "mse"):
    chosen = choose_qparams(activations, bit_width=3, signed=False, method=method)
    stored, top = dequantize(quantize(activations, chosen), chosen), 7 * chosen.scale
    error = (stored - activations).double().square().sum()
    print(f"{method:10} top {top:.2f}, {int((activations > top).sum()):3} clipped,", end=" ")
    print(f"squared error {error:.0f}, {right_answers(stored)} right answers")

# %% [markdown]
# The surprise once more: of these three, the one that clips most has the least error. (Zero point 0, so min–max clips nothing here.)
#
# The right answers follow only roughly: all three stand within ten of the float network's 557, and the least error has not the most. A squared error is about numbers, an answer is about which of ten is largest. Choose by error, and count answers at the end.
#
# ## 4 Explore
# Bars are the activations by value. Drag the clipping point down from 100 %, and watch the two errors, then change the width. (Errors are shown rounded, so the parts may miss the sum by 1 in the last digit.)

# %%
qtutor.scale_explorer()

# %% [markdown]
# The same as a still picture, at 3 bits and 63 % of the largest value:

# %%
show(draw_clipping(new_axes(7, 4), activations, bit_width=3, percent=63))

# %% [markdown]
# **Challenge.** It stands under the picture, and has two steps.
#
# **Two questions**
# 1. From 2 bits up to 8, where does the best clipping point go, and why?
# 2. 8 bits. Go from 100 % to 50 %. By which factor does the *rounding* error shrink, and why does it not help?
#
# <details><summary>Answers</summary>
#
# Challenge: 63 % at 3 bits, 52 % at 2 bits.
#
# 1. To the right: 52, 63, 71, 79, 85, 91, 96 %. Clipping costs the same at any width, but with more bits there is less rounding error left to save by it.
# 2. From 1.62 to 0.372, which is by about 4: half the step, a quarter of its square. But the clipping error goes from 0 to 1,308.
#
# </details>
#
# Your own values work as well: `qtutor.scale_explorer(values)` in a cell of your own takes a tensor or a list, and is signed and symmetric where some values are negative.
#
# ## 5 How much is one bit worth?
# An error of 2,143 means nothing until you know how large the signal is. The *signal-to-quantization-noise ratio*, SQNR, divides the two, in decibels:
#
# **SQNR = 10 · log10( Σ x² / Σ (stored − x)² ) dB**
#
# Rounding can be foretold. Where values lie anywhere between two grid points with the same chance, the mean of the squared error is step² / 12. Try it at 8 bits and 100 %, where nothing is clipped: 31,677 activations are not 0, the step is 0.0249, and 31,677 · 0.0249² / 12 = 1.64. The explorer says 1.62.
#
# One bit more at the same clipping point halves the step, or nearly so. The squared error falls to a quarter, and 10 · log10(4) = 6.02: **6 dB a bit**. Here is the table for all three methods. Before you run it:

# %% tags=["predict"]
question = "The 99.9 % percentile, from 7 bits to 8 bits: by how much does the SQNR rise?"
predict("6.4", question, options=["by 6 dB", "by 3 dB", "by 1 dB", "not at all"])

# %%
power = activations.double().square().sum()
print("bits  minmax  percentile   mse")
for bits in range(2, 9):
    said = []
    for method in ("minmax", "percentile", "mse"):
        chosen = choose_qparams(activations, bits, signed=False, method=method)
        noise = (dequantize(quantize(activations, chosen), chosen) - activations).double().square().sum()
        said.append(f"{10 * torch.log10(power / noise):.1f}")
    print(f"{bits:4}  {said[0]:>6}  {said[1]:>10}  {said[2]:>4}")

# %% [markdown]
# From 5 bits on min–max keeps the rule: 30.0, 36.1, 42.2, 48.3, six and a bit each time. From 2 bits to 3 it is 7.2 and from 3 to 4 it is 6.6, because 3 steps become 7, and 7 become 15: more than twice as many. The rule fails in three places:
# - **Clipping.** The percentile clips the same 58 values at every width, and no bit brings them back: from 39.0 to 40.0 dB for the eighth bit. From 7 bits on it is worse than min–max.
# - **Values smaller than half a step.** They become 0, and their error is as large as they are. You meet them in section 6.
# - **Values that lie on a grid already.** The pixels of the scans are 0 … 16 sixteenths. What is their SQNR with 4, 5 and 6 bits, when the scale of min–max is rounded up to a power of two?

# %%
pixels = load_digits()[0].float() / 16
for bits in (4, 5, 6):
    chosen = choose_qparams(pixels, bits, signed=False, power_of_two=True)
    noise = (dequantize(quantize(pixels, chosen), chosen) - pixels).double().square().sum()
    print(f"{bits} bits, scale 1/{1 / chosen.scale:.0f}: SQNR {10 * torch.log10(pixels.double().square().sum() / noise):.1f} dB")

# %% [markdown]
# From 24.3 dB to no error at all (`inf`, infinite), and the sixth bit adds nothing.
#
# Back to the table of the activations. Compare its columns: at 2 bits a good clipping point is worth 4.5 dB, three quarters of a bit. At 8 bits it is worth 0.2 dB. Choosing well pays where bits are few.
#
# ### Powers of two
# If every scale is a power of two, the multiplier of chapter 5 becomes a plain shift. What does it cost? `power_of_two=True` rounds the scale *up*, so that the window does not shrink.

# %%
for bits in (3, 4, 8):
    for power_of_two in (False, True):
        chosen = choose_qparams(activations, bits, signed=False, power_of_two=power_of_two)
        noise = (dequantize(quantize(activations, chosen), chosen) - activations).double().square().sum()
        print(f"{bits} bits, scale {chosen.scale:.5f}: SQNR {10 * torch.log10(power / noise):.1f} dB")

# %% [markdown]
# Between 0.9 and 2.0 dB here. It depends on luck: a scale just above a power of two is nearly doubled, which costs about 6 dB, one bit, where the rule of 6 dB holds. A scale just below one costs almost nothing. The step grows by less than a factor of 2, whatever the values are; what that does to the error depends on them.
#
# ## 6 One scale for all, or one for each neuron
# Now the weights of the first layer: 32 neurons, 64 weights each. The neurons differ in how large their weights are, as they often do: the network was trained with batch normalization, which is then multiplied into the weights, by another factor for each neuron. The largest absolute weight of each neuron, smallest and largest of the 32:

# %%
(weight, _), _ = trained_layers()
largest = sorted(max(row) for row in weight.abs().tolist())
print(f"{weight.numel():,} weights; largest of a neuron: from {largest[0]:.2f} to {largest[-1]:.2f}")

# %% [markdown]
# 2 signed bits, symmetric, narrow range (chapter 2): the integers −1, 0, 1. One scale for the whole tensor, *per-tensor*, and min–max: it reaches to 4.83. What rounds to 0?

# %% tags=["predict"]
question = "2 bits, one scale for all 2,048 weights. How many of the 32 neurons are left with zeros only?"
predict("6.5", question, options=[0, 3, 23, 32])

# %%
signal = weight.double().square().sum()
for bits in (2, 3, 4):
    chosen = choose_qparams(weight, bits, signed=True, symmetric=True, narrow_range=True)
    stored = dequantize(quantize(weight, chosen), chosen)
    sqnr = 10 * torch.log10(signal / (stored - weight).double().square().sum())
    silent, right = int((stored == 0).all(dim=1).sum()), right_answers(hidden_activations(stored))
    print(f"{bits} bits: {silent:2} neurons all zero, SQNR {sqnr:4.1f} dB, {right} right answers")

# %% [markdown]
# 62 of 597 is guessing: one of ten digits. Half of 4.83 is 2.41, and a neuron whose largest weight is below that has nothing that rounds to 1. Here the rule of 6 dB fails: from 2 bits to 3 the steps on one side go from 1 to 3, which should give 9.5 dB, and 4.6 − 0.4 = 4.2 come. Nearly every weight is its own error at 2 bits; if every weight became 0, error and signal would be equal: 0 dB.
#
# Two cures offer themselves. The window need not reach to 4.83: `mse` looks for a better clipping point, as in section 3. Or each neuron gets a scale of its own: that is *per-channel*, one scale for each output channel. **Which one helps more?** Guess for 3 bits, then try each alone, and both.

# %%
print("bits  scales       method  SQNR     right")
for bits in (2, 3, 4):
    for axis, name in ((None, "per-tensor"), (0, "per-channel")):
        for method in ("minmax", "mse"):
            chosen = choose_qparams(weight, bits, True, method, axis, symmetric=True, narrow_range=True)
            stored = dequantize(quantize(weight, chosen), chosen)
            sqnr = 10 * torch.log10(signal / (stored - weight).double().square().sum())
            print(f"{bits:4}  {name:11}  {method:6}  {sqnr:4.1f} dB  {right_answers(hidden_activations(stored))}")

# %% [markdown]
# At 3 bits either cure alone does most of it: from 4.6 to 10.7 dB by a clipping point, to 10.0 by a scale for each neuron. Both together give 11.8. At 2 bits the clipping point is the better cure (5.9 against 2.7), at 4 bits the own scales are (17.4 against 14.9): with more bits there is less rounding error left to save by clipping, but small neurons still waste integers. **Per-channel against per-tensor is a fair comparison only where both are clipped well.**
#
# Least error comes with both cures at each width, but the answers follow only roughly. At 3 bits 543, 528 and 539 are too close together to rank on 597 scans. At 2 bits per-tensor `mse` has 503 and per-channel `mse` 456, though its error is smaller: a squared error does not know which weights matter.
#
# Why may each *neuron* have a scale of its own, and not each *input*? A neuron's accumulator adds 64 products. Their common unit is scale of x · scale of w, and it can be taken out of the sum only if it is the same for all 64 (chapter 3). Different neurons are never added. They just need a multiplier each when they are requantized (chapter 5), and `axis=0` says along which dimension of the weight the scales run.
#
# ### Exercise 6.B: channel_scales
# Symmetric scales, one for each row, in one line of torch. (`qtutor.hint("6.B")`, `qtutor.solution("6.B")`.)


# %% tags=["ex-6.B"]
def channel_scales(weight, bit_width):
    """Return one scale for each row of weight, zero point 0: the largest absolute value gets the largest signed integer.

    weight is a float32 tensor [rows, columns] in which no row is all 0, bit_width 2 or more; the result a float tensor [rows].
    """
    ...


# %%
check("6.B", channel_scales)

# %% [markdown]
# ### All of it at once
# The first layer's weights in few bits, then its activations; the second layer stays in floats. The same four choices, and now the method chooses for weights and activations alike. The scales of the activations are chosen from the 1,200 scans of training only: in earnest you have no others. (This is called *calibration*.)

# %%
for bits in (2, 3, 4):
    for axis, name in ((None, "per-tensor"), (0, "per-channel")):
        for method in ("minmax", "mse"):
            chosen = choose_qparams(weight, bits, True, method, axis, symmetric=True, narrow_range=True)
            hidden = hidden_activations(dequantize(quantize(weight, chosen), chosen))
            out = choose_qparams(hidden[:1200], bits, signed=False, method=method)
            right = right_answers(dequantize(quantize(hidden, out), out))
            print(f"{bits} bits, {name:11} weights, {method:6} for weights and activations: {right} right")

# %% [markdown]
# The float network has 557. At four bits all four come near it. At three the choice decides: 396 with neither cure, 529 to 540 with one or both. At two bits a good choice gets 497 of 557, where the first choice guesses; training must find the rest, and chapter 7 does that.
#
# ## 7 Pitfall: break a published percentile
# Brevitas's activation quantizers, as they come, take the 99.999 % percentile of the absolute values they have seen. It is there so that one odd value does not decide. But a value can be rare and right. Here is one 5.0 among zeros. **How many zeros does it take until the percentile does not see the 5.0 any more?** Change `zeros`, and find the smallest such number.

# %%
zeros = 1000
percentile = AbsPercentile(99.999, None)
print(percentile(torch.cat([torch.zeros(zeros), torch.tensor([5.0])])).item())

# %% [markdown]
# Have you found it? The answer is the next cell.

# %%
for zeros in (49_999, 50_000):
    print(f"{zeros:,} zeros:", percentile(torch.cat([torch.zeros(zeros), torch.tensor([5.0])])).item())

# %% [markdown]
# Brevitas sorts the n absolute values and takes number ⌊0.99999 · n + ½⌋. For n = 50,000 that is 50,000, the last. For n = 50,001 it is 50,000 still, the last but one: a zero. Such a scale stores nothing of the signal.
#
# Our own `percentile` fades instead. It *interpolates*: where 99.9 % of the way falls between two of the sorted values, it takes a point between them. And it needs fewer zeros. Here with one 0.2:

# %%
for zeros in (100, 500, 999, 1_000):
    values = torch.cat([torch.zeros(zeros), torch.tensor([0.2])])
    chosen = choose_qparams(values, bit_width=8, signed=False, method="percentile")
    stored, top = dequantize(quantize(values, chosen), chosen), 255 * chosen.scale
    lost, clipped = int(((stored == 0) & (values != 0)).sum()), int((values > top).sum())
    sqnr = 10 * torch.log10(values.double().square().sum() / (stored - values).double().square().sum())
    print(f"{zeros:5,} zeros: 0.2 comes back as {stored[-1]:.4f}, {sqnr:4.1f} dB, {lost} became 0, {clipped} clipped")

# %% [markdown]
# With 500 zeros, 99.9 % of the way is half way between the last zero and the 0.2, and 0.1 comes back. With 999 it is 0.0002. With 1,000 the percentile is 0, which is no range: the scale falls back to 1, and 0.2 rounds to 0. (So it is 0.2 here, and not 5.0: with a scale of 1, a 5.0 would be stored exactly, by luck.)
#
# Nearly half of our activations are zeros (25,827 of 57,504), so a neuron that fires rarely and matters is no far-fetched case. The cure is to look. But count the clipped values alone, and the last line looks fine: none is clipped, and everything is lost. So print the total error against the signal, the SQNR, and how many nonzero values become 0; then the clipped ones. Do it for each channel, because in one sum over all a rare neuron drowns.
#
# ## Quiz

# %%
quiz("6")

# %% [markdown]
# ## Key points
# - A scale is a clipping point in disguise. Squared error = rounding error + clipping error, and the minimum lies in between.
# - Min–max clips nothing, or with a zero point up to half a step, and lets one value decide. Percentiles know how many, not how far. Least squared error looks at both, and at the bits.
# - The range is widened to 0, there is one step less than there are integers, and the zero point is an integer.
# - 6 dB a bit, as long as nothing is clipped, most values are larger than a step, and they lie on no grid of their own.
# - Weights: symmetric; a good clipping point helps most at few bits, one scale for each output channel at more, and both together give the least error here.
# - Scales that are powers of two turn multipliers into shifts. The step grows by less than a factor of 2, about one bit at most where the rule of 6 dB holds.
# - Look at SQNR and at the values that became 0, not only at what was clipped; and count answers at the end.
#
# ## Words
# | word | meaning |
# |---|---|
# | clipping point, clipped | the end of the window; a value beyond it, which saturates |
# | clipping error, rounding error | the two parts of the squared error: beyond the window, and inside it |
# | min–max, percentile, mse | three ways to choose the clipping point: the ends of the values, a fixed share beyond, the least squared error |
# | symmetric | zero point 0, the same reach up and down |
# | per-tensor, per-channel | one scale for all values; one for each index along an axis |
# | SQNR | signal-to-quantization-noise ratio, in decibels (dB): 10 · log10 of the ratio of the sums of squares |
# | calibration | choosing scales from sample inputs |
#
# ## References
# - R. Krishnamoorthi, *Quantizing deep convolutional networks for efficient inference: A whitepaper*, [arXiv 1806.08342](https://arxiv.org/abs/1806.08342), 2018: per-channel weights.
# - M. Nagel et al., *A White Paper on Neural Network Quantization*, [arXiv 2106.08295](https://arxiv.org/abs/2106.08295), 2021: clipping against rounding error, range setting.
# - W. R. Bennett, *Spectra of Quantized Signals*, Bell System Technical Journal 27, 1948: where the step squared over 12, and with it 6 dB a bit, comes from.
# - ONNX operator [DynamicQuantizeLinear](https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html): min–max that includes 0, what 6.A was compared with.
# - Brevitas 0.13.4, [source](https://github.com/Xilinx/brevitas): `AbsPercentile`, `Int8WeightPerChannelFloat`.
#
# ## What next
# You can choose a scale for numbers that are given. At 2 bits a good choice gets 497 right where floats get 557. For the rest, [chapter 7](07_train_through_rounding.ipynb) lets the numbers move: it trains the network *through* the rounding, so that weights settle where the integers are.
