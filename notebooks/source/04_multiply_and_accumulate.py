# %% [markdown]
# # 04 Multiply and accumulate
# *About 70 minutes, after [Addition pitfalls](03_addition_pitfalls.ipynb). Tested with torch 2.13.0 and brevitas 0.13.4.*
#
# **How wide must the register be that collects a sum of products, and what happens where it is not?**
#
# After this chapter you can
# 1. write down the four terms of a quantized dot product, and say which are known before any input comes;
# 2. give the width of an accumulator: from the formats alone, and from the weights at hand;
# 3. say where an accumulator may wrap, where it must not saturate, and how to find out whether a runtime does.
#
# You bring from chapter 1: real = scale · (q − zero_point). From chapter 2: wrap and saturate. From chapter 3: a format must hold both ends. You will write functions `dot` and `accumulator_bits`; the library's are called by their full names.

# %%
import torch
from torch.nn.functional import one_hot, pad

import qtutor
from qtutor import QParams, accumulator_explorer, check, check_env, load_digits, predict, quiz, show
from qtutor.exercises.runtimes import onnx_matmul_integer
from qtutor.pictures import draw_accumulator, example_product, new_axes, partial_sums
from qtutor.qparams import narrowest_format

check_env()

# %% [markdown]
# ## 1 One bit less, and the network is gone
# Here is a network small enough to see through: one layer that tells handwritten digits apart. Its input is a scan of 64 pixels, 0 … 16. It has ten rows of 64 weights, one row for each digit; the row whose sum of products is the largest wins. Where the weights come from does not matter here, so you need not read the next cell. It fits them to every second scan (by least squares: score 1 for the right digit, −1 for the others) and returns `weights`, int8 in the shape [10, 64], one scale for all. The other scans are `test`, and `right` their digits.

# %%
# You need not read this cell. What follows uses weights, test and right; section 5 also reals, the weights unrounded.
scans, labels = load_digits()
pixels = scans.flatten(1)
learn, test, right = pixels[::2].double(), pixels[1::2], labels[1::2]
wanted = 2 * one_hot(labels[::2]).double() - 1
reals = torch.linalg.solve(learn.T @ learn + 10 * torch.eye(64).double(), learn.T @ wanted).T
weights = (127 * reals / reals.abs().max()).round().to(torch.int8)

# %% [markdown]
# Now multiply and *accumulate*, that is, add up the products. `qtutor.linear` does it exactly, in a register of 32 bits.

# %%
scores = qtutor.linear(test, weights)
print("right:", int((scores.argmax(1) == right).sum()), "of", len(right))
print("scores from", scores.min().item(), "to", scores.max().item(), "in", scores.dtype)

# %% [markdown]
# A register of 32 bits, for scores that 13 bits hold, −4096 … 4095. Narrow registers are smaller and faster, so take bits away, one at a time.

# %%
for bits in (13, 12):
    kept = qtutor.wrap(scores, bits, signed=True)
    print(bits, "bits:", int((kept.argmax(1) == right).sum()), "right,", int((kept != scores).sum()), "scores wrapped")

# %% [markdown]
# 12 bits hold −2048 … 2047. Two scores lie outside, and one scan is lost. Now 11 bits, −1024 … 1023.

# %% tags=["predict"]
question = "830 of 898 scans were right. How many are right with an accumulator of 11 bits that wraps?"
predict("4.1", question, options=["about 820", "about 600", "about 90, as by guessing", "about 30"])

# %%
for bits in (11, 10):
    kept = qtutor.wrap(scores, bits, signed=True)
    print(bits, "bits:", int((kept.argmax(1) == right).sum()), "right,", int((kept != scores).sum()), "scores wrapped")

# %% [markdown]
# From 829 to 26, by one bit. Guessing gives about 90. How can a network be worse than a guess? Look at one scan, a 1:

# %%
print("exact  ", scores[0].tolist())
print("11 bits", qtutor.wrap(scores[0], 11, signed=True).tolist())

# %% [markdown]
# The score of the 1 is 822, and it fits. But the score of the 6, −1072, lies just past the bottom, −1024, and so it comes in at the very top: −1072 + 2048 = 976, the highest of all. (The firmest no, −1255 for the 0, lies farther out and comes in lower, at 793.) Every scan has nine wrong digits with low scores, and one of them just past the bottom is enough. Nothing warns: no error, and every number looks like a score.
#
# (A register that saturates these same scores would keep −1024 for the 6. Hold that thought until section 4: it is half of the truth.)
#
# ## 2 Four terms
# The pixels had zero point 0. Now take one dot product with zero points: x in 4 unsigned bits, w in 4 signed bits. The two steps of a real product are (qx − zx) and (qw − zw), so this is the sum that the layer wants, in units of sx · sw:
#
#     Σ (qx − zx)(qw − zw)
#
# Can torch multiply the stored bytes? The next cell fails on purpose.

# %%
x, x_zero = torch.tensor([3, 1, 15, 8], dtype=torch.uint8), 3
w, w_zero = torch.tensor([2, -8, 7, 4], dtype=torch.int8), 1

# %% tags=["raises-exception"]
x @ w

# %% [markdown]
# Unsigned inputs with signed weights are the usual case, since inputs have often passed a ReLU; torch does not mix them. Whoever casts both to int8 gets an answer, and it is worse:

# %%
hundred, one = torch.tensor([100, 100], dtype=torch.int8), torch.tensor([1, 1], dtype=torch.int8)
print("int8 100 · 1 + 100 · 1 =", (hundred @ one).item())
print("with * and .sum()       ", (hundred * one).sum().item())
print("int8 100 · 2, .sum()    ", (hundred[:1] * 2).sum().item())

# %% [markdown]
# `@` keeps the type, and the sum wraps in int8. `.sum()` widens to int64; the product before it does not: 100 · 2 has wrapped to 200 − 256 before anything is added up. So widen first. Then multiply the brackets out: there are four terms (K is the number of products).
#
# **Σ (qx − zx)(qw − zw) = Σ qx·qw − zw · Σ qx − zx · Σ qw + K · zx · zw**

# %% tags=["predict"]
question = "The weights are known when the network is built, the inputs are not. Which terms are known then?"
predict("4.2", question, options=["none", "the last", "the last two", "all but the first"])

# %%
xs, ws = x.int(), w.int()
print("qx·qw     ", int((xs * ws).sum()))
print("− zw·Σqx  ", int(-w_zero * xs.sum()))
print("− zx·Σqw  ", int(-x_zero * ws.sum()))
print("+ K·zx·zw ", 4 * x_zero * w_zero)
print("in steps  ", int(((xs - x_zero) * (ws - w_zero)).sum()))

# %% [markdown]
# 135 − 27 − 15 + 12 = 105. By hand: the steps of x are 0, −2, 12, 5, those of w 1, −9, 6, 3, and 0 + 18 + 72 + 15 = 105.
#
# | term | when is it known? | what hardware does |
# |---|---|---|
# | Σ qx·qw | with each input | K multipliers and an adder tree: the real work |
# | zw · Σ qx | with each input | one more sum, shared by all rows; none if zw = 0 |
# | zx · Σ qw | when the network is built | a constant for each row, folded into the bias |
# | K · zx · zw | when the network is built | the same constant |
#
# That is why weights are usually *symmetric*, that is, have zero point 0: the second term and the fourth are gone, and the third is a bias. Watch it being folded, with zw = 0 from here on: no zero point reaches the second layer, and its answer is the same.

# %%
fold = -x_zero * ws.sum()
print("with the zero point", qtutor.linear(x[None], w[None], x_zero_point=x_zero).item())
print("folded into a bias ", qtutor.linear(x[None], w[None], bias=fold[None]).item())

# %% [markdown]
# ### Exercise 4.A: dot
# Write the whole sum, zero points and all. The inputs come in their bytes. (`qtutor.hint("4.A")`, three times if you like; `qtutor.solution("4.A")` when you have tried.)


# %% tags=["ex-4.A"]
def dot(x, w, x_zero_point, w_zero_point):
    """Return the sum of (x - x_zero_point) * (w - w_zero_point) over all elements, as one integer: exact, however long.

    x is a uint8 tensor, w an int8 tensor of the same length (or both int8), the zero points are Python ints.
    """
    ...


# %%
check("4.A", dot)

# %% [markdown]
# ## 3 How wide must it be?
# First from the formats alone, for any inputs and any weights. A product is largest or smallest where both factors stand at an end of their range. s4 is −8 … 7.

# %% tags=["predict"]
predict("4.3", "Two products of s4 by s4 are added. How many signed bits hold every such sum?", options=[7, 8, 9, 10])

# %%
u4, s4 = QParams(1.0, bit_width=4, signed=False), QParams(1.0, bit_width=4)
narrow = QParams(1.0, bit_width=4, narrow_range=True)
print("products      s4·s4  s4·narrow s4  u4·s4  u4·u4  rule")
for k in (1, 2, 3, 16, 17, 1024):
    bits = [qtutor.accumulator_bits(k, *pair) for pair in ((s4, s4), (s4, narrow), (u4, s4), (u4, u4))]
    print(f"{k:8} {bits[0]:10} {bits[1]:9} {bits[2]:11} {bits[3]:6} {8 + (k - 1).bit_length():7}")

# %% [markdown]
# 9, because of one value. (−8) · (−8) = 64, and 2 · 64 = 128 lies just beyond 127. The lowest sum, 2 · (−8) · 7 = −112, would fit 8 bits. Weights in narrow range, −7 … 7, never meet that corner: their largest sum is 2 · 56 = 112, and they save a bit in nearly every row of the table. (Chapter 2 gave up one pattern in 16 for symmetry. Here it pays.)
#
# The *rule* in the last column is the usual one: the two widths, and ceil(log2(k)) more. It is safe where at least one factor is signed with zero point 0, and there sometimes too generous: 17 products of u4 by s4 reach −17 · 120 = −2040, and 12 bits end at −2048. Where both are unsigned it can be one bit short: 15 · 15 = 225, and 8 signed bits end at 127. A zero point at an end is the same trap: s4 with zero point −8 has the steps 0 … 15 of a u4.
#
# ### Exercise 4.B: accumulator_bits
# The zero points are taken off already, so you get the ends of x and of w in steps: a u4 with zero point 3 comes as (−3, 12). The register is two's complement, also where no sum is negative. (`qtutor.hint("4.B")`, `qtutor.solution("4.B")`.)


# %% tags=["ex-4.B"]
def accumulator_bits(k, x_ends, w_ends):
    """Return how many two's complement bits hold every sum of k products x * w: no bit fewer, no bit more.

    k is a Python int from 1 up. x_ends and w_ends are the pairs (lowest, highest) of x and of w, zero points taken off.
    """
    ...


# %%
check("4.B", accumulator_bits)

# %% [markdown]
# ### From the weights at hand
# The worst case wants every weight at −128. Trained weights are not like that, and they are known. So ask each row for its own worst input: where the weight is positive, the highest input makes the sum largest, and where it is negative the lowest. `accumulator_range` does so, and `narrowest_format` gives the width that holds two ends. (It turns unsigned where the lower end is not negative; here it is negative. In exercise 4.B that would cost the sign bit.) How much narrower will the digits' accumulator be? (Pixels to 16 need 5 unsigned bits.)

# %%
u5, s8 = QParams(1.0, bit_width=5, signed=False), QParams(1.0, bit_width=8)
low, high = qtutor.accumulator_range(weights, u5)
seen = scores.min().item(), scores.max().item()
print("any weights, any input:  ", qtutor.accumulator_bits(64, u5, s8), "bits")
print("these weights, any input:", narrowest_format(low, high)[0], "bits, for", low, "…", high)
print("these weights, the tests:", narrowest_format(*seen)[0], "bits, for", seen[0], "…", seen[1])

# %% [markdown]
# Three widths, three promises. 19 bits hold whatever is loaded. 16 bits hold these weights, whatever the camera sends: a proof, and three bits saved. 13 bits held the 898 scans that we tried: no proof at all. And 12 bits are a bet that two wrong scores in 8,980 do not matter.
#
# ## 4 Wrap on the way, never saturate there
# An accumulator gets its products one after the other, so it can leave its range on the way and come back. In 4 signed bits, −8 … 7, add 6, 6 and −6. Chapter 2 showed with 7 + 7 − 8 that a wrapping adder gets home and a saturating one does not. Now change the order.

# %% tags=["predict"]
question = "Add 6, 6 and −6 in 4 signed bits that saturate after each step, in any order. What can stand at the end?"
predict("4.4", question, options=["6", "1", "6 or 1", "7"])

# %%
for products in ([6, 6, -6], [6, -6, 6], [-6, 6, 6]):
    kept = [partial_sums(torch.tensor(products), 4, overflow).tolist() for overflow in ("wrap", "saturate")]
    print(products, "wrap", kept[0], "saturate", kept[1])

# %% [markdown]
# `partial_sums` shows the register after 0, 1, 2 and 3 products. Wrapped, all three orders end at 6: each overflow loses a whole turn of 16, and only the turns of the final sum count. It fits, so they cancel. You could add without any wrap and wrap once at the end: the same.
#
# Saturated, the result depends on the order. And who decides the order? A compiler, the way in which a matrix is cut into tiles, the number of multipliers. The same network gives different answers on two chips, and no model of it can be exact that does not know the order.
#
# So there are two rules, and they ask for opposite things:
# - **inside the sum: wrap**, in a register that holds the final sum. It costs nothing;
# - **at the output: saturate**, once. That is the next chapter.
#
# ### Explorer: where does it overflow?
# Sixteen products, one after the other: two rows of the first scan, with a filter that takes the lower row from the upper. The sum climbs over the upper row and falls over the lower one. Make the accumulator narrower until it leaves its range on the way, and watch where it ends.

# %%
accumulator_explorer()

# %% [markdown]
# The same picture at 6 bits, saturating, for paper and for readers without a running kernel:

# %%
show(draw_accumulator(new_axes(7, 4), *example_product(3, 3), bit_width=6, overflow="saturate"))

# %% [markdown]
# **1.** Weights and inputs of 4 bits, wrap. Below which width do partial sums leave the range, and below which is the end wrong?
#
# <details><summary>Answer</summary>
#
# From 9 bits down they leave it: the highest is 363, and 10 bits hold 511. The end is 147, which 9 bits hold (−256 … 255); at 8 bits it is wrong. So one bit may be saved that a saturating register needs.
# </details>
#
# **2.** The same, saturate, 9 bits. The end fits, so why is it 39 and not 147?
#
# <details><summary>Answer</summary>
#
# At the top, 255 of 363 were kept: 108 steps are cut off. On the way down nothing brings them back, and 147 − 108 = 39.
# </details>
#
# **Challenge.** It stands under the picture, in two steps.
#
# <details><summary>Answer</summary>
#
# With 3-bit weights and inputs: 6 bits, which end exactly at 24 although 11 of 16 partial sums lie outside. With saturate: −24.
# </details>
#
# ### The digits again
# Three ways to keep the scores in a narrow register: wrap at each of the 64 steps, saturate at each step, or add exactly and saturate once. Count the scans that are right, the scores that are wrong, and those wrong scores whose exact sum would fit: for these the register has no excuse.

# %%
products = test[:, None].int() * weights.int()
print("bits                 scans right  scores wrong  wrong though they fit")
for bits in (12, 11, 10):
    ends = {f"{overflow} each": partial_sums(products, bits, overflow)[..., -1] for overflow in ("wrap", "saturate")}
    once = ends["saturate once"] = qtutor.saturate(scores, bits, signed=True)
    for name, kept in ends.items():
        wrong, hits = kept != scores, int((kept.argmax(1) == right).sum())
        print(f"{bits:4}  {name:13} {hits:13} {int(wrong.sum()):13} {int((wrong & (once == scores)).sum()):23}")

# %% [markdown]
# By accuracy saturating looks better: 830 to 829 at 12 bits. Count the integers: wrapping spoils only the 2 scores that do not fit, saturating spoils 48 more that do. The zeros in the last column are the rule: a wrapped sum that fits is exact, at every width.
#
# At 11 and 10 bits 3,181 and 7,736 of the 8,980 final scores do not fit. There the rule promises nothing, and wrapping gives 26 and 118 scans, as in section 1: such a register is too narrow, and any test shows it. Saturating hides it for longer, since scores kept at the ends keep most of their order. Look *where* it saturates, too: at 10 bits, of 830 scans, saturating once at the end loses 3, and saturating at each step loses 404. So wrap inside, in a register that holds the final sum, and saturate once.
#
# ## 5 Pitfall: a processor that saturates inside
# You buy no such register, you say. You may own one. On x86 processors before VNNI (an instruction set for dot products), the instruction for bytes multiplies unsigned by signed bytes, adds the products *in pairs*, and keeps each pair in 16 signed bits, −32768 … 32767. The *pair* saturates there; the pairs are then added in 32 bits, and that accumulator is fine. Fast integer libraries were built on it, and so the uint8 × int8 product of ONNX Runtime is wrong on such a machine, in silence.

# %% tags=["predict"]
predict("4.5", "Inputs 255, 255 and weights 127, 127 on such a processor. What is the sum?", options=[64770, 32767, -766])

# %%
pair = torch.tensor(255 * 127 + 255 * 127)
print("exact   ", pair.item())
print("saturate", qtutor.saturate(pair, 16, signed=True).item())
print("wrap    ", qtutor.wrap(pair, 16, signed=True).item())

# %% [markdown]
# Nearly half of the sum is gone. Now both weights are 127 and both inputs x. Which is the smallest x that goes wrong, so that the two numbers differ?

# %%
x_both = 100
print(2 * x_both * 127, qtutor.saturate(torch.tensor(2 * x_both * 127), 16, signed=True).item())

# %% [markdown]
# <details><summary>Our answer</summary>
#
# 130. 2 · 129 · 127 = 32766 fits by one, 2 · 130 · 127 = 33020 does not. (With weights of −128 it is 129: 2 · 128 · 128 = 32768, and −32768 is in the range.) So inputs to 128 are safe, and a test with small inputs sees nothing.
# </details>
#
# The cure follows: take a bit from one of the factors. With weights of 7 bits, −64 … 63, a pair is at most 2 · 255 · 64 = 32640 in magnitude, and fits.
#
# Here are the digits as such a processor computes them, with weights of 7 and of 8 bits. (The arithmetic is the cell's own, so the numbers are the same on every machine.) The pixels are spread to 0 … 240, and the weights are scaled up four times, the largest saturated: a usual choice, as chapter 6 will show. `unflatten(2, (32, 2))` cuts the 64 products into 32 neighbouring pairs.

# %%
bright = test * 15
for bits, largest in ((7, 63), (8, 127)):
    loud = (4 * largest * reals / reals.abs().max()).round().clamp(-largest, largest).to(torch.int8)
    pairs = (bright[:, None].int() * loud.int()).unflatten(2, (32, 2)).sum(3)
    inside, exact = qtutor.saturate(pairs, 16, signed=True).int().sum(2).int(), qtutor.linear(bright, loud)
    hits = [int((kept.argmax(1) == right).sum()) for kept in (exact, inside)]
    print(bits, "bits:", int((inside != exact).sum()), "of", exact.numel(), "scores wrong, the worst by", end=" ")
    print(int((inside - exact).abs().max()), "- scans right: exact", hits[0], "pairs", hits[1])

# %% [markdown]
# With 8 bits 2,523 of 8,980 scores are wrong, some by 28,192, and the accuracy falls by 4 scans of 898. Nobody who looks at accuracy alone would notice. Whoever compares integers sees it in the first batch. With 7 bits none is wrong, and the lost bit costs a single scan against the exact 827.
#
# The option is called `reduce_range`, and the name hides which factor pays. ONNX Runtime's takes the bit from the weights, as here. Torch's usual settings for x86 (`fbgemm`, `x86`) take it from the inputs, which then end at 127: 2 · 127 · 128 = 32512 fits as well.
#
# And your machine? ONNX Runtime is installed with the course, and this asks it, with the weights of 8 bits:

# %%
here = onnx_matmul_integer(bright, loud.T)
print("exact, or saturated in pairs:", torch.equal(here, exact) or torch.equal(here, inside))

# %% [markdown]
# To learn which of the two it is, run `torch.equal(here, exact)` in a cell of your own. (uint8 × uint8 and int8 × int8 go another way there, and that one is exact.)
#
# ## 6 Padding: a frame of zeros, but which?
# A convolution slides a small window of weights over an image, and takes a dot product at each place. At the border the window hangs over, so the image gets a frame of real zeros. Here is an image that is real 0.0 everywhere: zero point 3, and every integer is 3. All nine weights are 1, so every sum must be 0.

# %% tags=["predict"]
question = "Somebody frames this image with the integer 0. What is the sum in a corner?"
predict("4.6", question, options=[0, -3, -15, -27])

# %%
image, window = torch.full((1, 1, 3, 3), 3, dtype=torch.uint8), torch.ones(1, 1, 3, 3, dtype=torch.int8)
framed = pad(image, (1, 1, 1, 1), value=0)
print("integer 0 ", qtutor.conv2d(framed, window, x_zero_point=3)[0, 0].tolist())
print("zero point", qtutor.conv2d(image, window, x_zero_point=3, padding=1)[0, 0].tolist())

# %% [markdown]
# The integer 0 stands for −3 steps. In a corner five of the nine places are frame, and that makes −15: a false edge around a blank image. `qtutor.conv2d` subtracts the zero point first and pads then, so that its frame is real zero.
#
# The constant of section 2, −zx · Σ qw, counts all nine weights at every place. It is right at the border only where the frame holds zx: whoever folds the zero point into the bias must pad with the zero point.
#
# ## Quiz

# %%
quiz("4")

# %% [markdown]
# ## Key points
# - A quantized dot product has four terms. Two are known when the network is built, and with symmetric weights only one sum of products is left.
# - The width of an accumulator has two ends. From the formats: k times the extreme products. From the weights at hand: `accumulator_range`, often a few bits less, and still a proof. What tests have shown is none.
# - Wrap inside the sum, saturate once at the output. Wrapping is exact where the final sum fits, in any order; saturating on the way is not, and depends on the order.
# - Runtimes and processors can saturate inside: compare integers, not accuracies. 7 bits for one of the factors make uint8 × int8 safe.
# - Pad with the zero point: that is real zero.
#
# ## Words
# | word | meaning |
# |---|---|
# | dot product | the sum of the products of two rows of numbers |
# | multiply-accumulate, MAC | one product, added to a register: what an accelerator has thousands of |
# | partial sum | what the accumulator holds after some of the products |
# | symmetric | with zero point 0 |
# | fold | to put a constant into another one, when the network is built |
# | VNNI | x86 instructions for dot products of bytes, which add into 32 bits |
# | padding | the frame around an image; here always real zero |
#
# ## References
# - B. Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, [arXiv 1712.05877](https://arxiv.org/abs/1712.05877), section 2.3: the four terms.
# - ONNX operators [MatMulInteger](https://onnx.ai/onnx/operators/onnx__MatMulInteger.html) and [ConvInteger](https://onnx.ai/onnx/operators/onnx__ConvInteger.html).
# - Intel, [_mm256_maddubs_epi16](https://www.intel.com/content/www/us/en/docs/intrinsics-guide/index.html#text=_mm256_maddubs_epi16): the instruction that saturates pairs.
# - ONNX Runtime, [Quantize ONNX models](https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html): when to use `reduce_range`.
# - I. Colbert et al., *A2Q: Accumulator-Aware Quantization with Guaranteed Overflow Avoidance*, ICCV 2023, [arXiv 2308.13504](https://arxiv.org/abs/2308.13504): weights trained so that a chosen accumulator holds them.
#
# ## What next
# The accumulator is exact, and far too wide for the next layer. [Chapter 5](05_requantize.ipynb) brings it back to 8 bits: a real multiplier as an integer and a shift, one rounding, and a saturation at the end.
