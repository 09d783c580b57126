# %% [markdown]
# # 02 Out of range: saturate or wrap
# *About 60 minutes, after [Tensor basics](01_tensor_basics.ipynb). Tested with torch 2.13.0 and brevitas 0.13.4.*
#
# **An integer does not fit into its register. What does the register hold then, and who decided?**
#
# After this chapter you can
# 1. give the saturated and the wrapped result of any integer at any width by hand, in bits;
# 2. choose between the two, and name the price of each in error and in logic;
# 3. tell what a zero point out of range does to real 0.0, and what a clamp does to gradients.
#
# You bring from chapter 1: integer = round(real / scale + zero_point), as Brevitas computes it, and ties that go to the even neighbour.

# %%
import torch
from brevitas.function.ops_ste import round_ste, tensor_clamp_ste
from brevitas.quant_tensor import IntQuantTensor

import qtutor
from qtutor import QParams, check, check_env, predict, quant_tensor, quiz, saturation_explorer, show
from qtutor.pictures import draw_ring, new_axes

check_env()

# %% [markdown]
# The library has functions `saturate` and `wrap`, and you will write your own of the same names. So the library's are called by their full names here: `qtutor.saturate`, `qtutor.wrap`.
#
# ## Four bits that hold 91
# Four unsigned bits hold the integers 0 … 15. Chapter 1 claimed them for 0.0 … 9.0 at scale 0.1 and zero point 1: the tensor was accepted, and not valid. Now you need the integer of its last value. There are three ways to ask: the formula, `int()`, and `int(float_datatype=True)`, which gives integers in a float tensor.

# %% tags=["predict"]
predict(
    "2.1",
    "9.0 in 4 unsigned bits, scale 0.1, zero point 1. What do the formula, int() and int(float_datatype=True) give?",
    options=["91, an error, 91.0", "91, 15, 15.0", "91, an error, an error", "15, 15, 15.0"],
)

# %%
t = IntQuantTensor(torch.arange(10.0), scale=0.1, zero_point=1.0, bit_width=4, signed=False, training=False)
integer = torch.round(t.value[9] / t.scale + t.zero_point)
print("value  ", t.value[9].item())
print("formula", int(integer))

# %% [markdown]
# 91, in a tensor that says it has 4 bits. The formula does not look at `bit_width`, which is a note beside ten floats. `int()` reads the note. The next two cells fail on purpose.

# %% tags=["raises-exception"]
t.int()

# %% tags=["raises-exception"]
t.int(float_datatype=True)

# %% [markdown]
# A float could hold 91. But before it looks at the type that you want, `int()` asks `is_valid`: is every integer whole, and inside the range? If not, it stops, and says neither which of the two went wrong nor where. The way out is to decide yourself what becomes of the integers that do not fit.
#
# For that you need them. Here they are, once by hand and once with the straight-through rounding of chapter 1:

# %%
manual = torch.round(t.value / t.scale + t.zero_point)
print("is_valid ", t.is_valid)
print("manual   ", manual.tolist())
print("round_ste", round_ste(t._pre_round_int_value).tolist())

# %% [markdown]
# Eight of the ten, 21 … 91, are above 15. The tutorial that this course follows, a public notebook on Brevitas 0.11's `IntQuantTensor`, now replaces what is too large. `torch.where(condition, p, q)` takes p where the condition holds and q elsewhere:

# %%
clamped = torch.where(manual >= 15, 15.0, manual)
print("clamped", clamped.tolist())

# %% [markdown]
# Now everything fits: a value beyond the end becomes the end. This is called *saturating*, or *clamping*. Remember the line, though: it has two slips, and you will meet both. What would it make of −3? And does it matter that it says `>=` and not `>`?
#
# ## Who decided on 15?
# We did, in Python. An adder made of gates has no such line. It adds, and the register behind it takes as many bits as it has. After the question we add twice: 7 + 1, and 6 + (−8), which fits.

# %% tags=["predict"]
predict(
    "2.2",
    "7 + 1 with a plain adder and a register of 4 signed bits, which holds −8 … 7. What does the register hold?",
    options=[8, 7, -8],
)

# %%
total = torch.tensor([7, 6]) + torch.tensor([1, -8])
print("exact   ", total.tolist())
print("wrap    ", qtutor.wrap(total, bit_width=4, signed=True).tolist())
print("saturate", qtutor.saturate(total, bit_width=4, signed=True).tolist())

# %% [markdown]
# Both answers exist in hardware.
#
# - **Wrap** keeps the low four bits and does nothing else. 8 is `1000`, and a signed reader gives the top bit the weight −8 (*two's complement*). The *error*, stored minus exact, is −8 − 8 = −16.
# - **Saturate** stops at 7, `0111`. The error is 7 − 8 = −1. It costs overflow detection and a multiplexer, which picks the end instead. Detection is a gate on the carries after an adder (in `0111` + `0001` a 1 is carried into the top bit and none out of it), and two comparisons where a wider number is cut.
#
# 6 + (−8) = −2 fits, and there the two agree. How would the ten integers from above have ended in a register that wraps? Work out 21 before you run the cell: 21 is `10101`, and four bits remain.

# %%
print("rounded ", manual.int().tolist())
print("wrap    ", qtutor.wrap(manual.int(), bit_width=4, signed=False).tolist())
print("saturate", qtutor.saturate(manual.int(), bit_width=4, signed=False).tolist())

# %% [markdown]
# 21 leaves `0101`, which is 5. And 91 leaves 11, the integer that the value 1.0 has by right: nothing about a wrapped integer tells you that it is wrong. A saturated one is no proof either, since 1.4 is 15 by right. But it stands at the end of the range, where suspects can be counted: a pile at 15 is a warning.
#
# ### The formula
# For a range low … high, which holds 2^bits integers:
#
#     saturate(x) = low if x < low, high if x > high, else x
#     wrap(x)     = x - k * 2^bits, with the one whole k that leads into the range
#
# Try 8 in 4 signed bits: 8 − 1 · 16 = −8. And 91 in 4 unsigned bits: 91 − 5 · 16 = 11. So the integers of a register that wraps lie on a *ring*, and k counts the turns. Where −8 follows 7 is the *seam*. The integers of a register that saturates lie on a bar with two ends. Here is the same 8 as the sum 5 + 3:

# %%
show(draw_ring(new_axes(7, 4), a=5, b=3, bit_width=4, signed=True))

# %% [markdown]
# ## Below the bottom
# So much for the top. The integer of −0.4 at scale 0.1 and zero point 1 is −4 + 1 = −3, and the tensor is unsigned.

# %% tags=["predict"]
predict(
    "2.3",
    "Integer −3 and 4 unsigned bits: what does it become saturated, wrapped, and by the line with torch.where?",
    options=["0, 13, 0", "0, 13, −3", "0, 3, 0", "−3 cannot occur in an unsigned tensor"],
)

# %%
reals = torch.tensor([-0.4, 0.0, 2.0])
below = IntQuantTensor(reals, scale=0.1, zero_point=1.0, bit_width=4, signed=False, training=False)
q = round_ste(below._pre_round_int_value)
print("rounded    ", q.tolist())
print("saturate   ", qtutor.saturate(q.int(), bit_width=4, signed=False).tolist())
print("wrap       ", qtutor.wrap(q.int(), bit_width=4, signed=False).tolist())
print("torch.where", torch.where(q >= 15, 15.0, q).tolist())
print("clamp      ", q.clamp(0, 15).tolist())

# %% [markdown]
# −3 can occur in an unsigned tensor. The smallest real number that this one holds is 0.1 · (0 − 1) = −0.1, and whatever lies below wants a negative integer. Bits know no minus: −3 is …`11111101`, and its low four, `1101`, read as 13.
#
# This is the first slip: the line tests the upper end only, and leaves an "unsigned" −3 behind. The mended line is `clamp`, with both ends.
#
# ## Exercise 2.A: saturate
# Write it for any width from 1 to 30 bits, and for both signs. (With 31 and 32 bits `2**bit_width` itself has no place in an int32.) One to three lines are enough.


# %% tags=["ex-2.A"]
def saturate(x, bit_width, signed):
    """Return x with every integer that the format cannot hold replaced by the end of the range nearest to it.

    x is an int32 tensor, bit_width a Python int (1 … 30), signed True or False.
    """
    ...


# %%
check("2.A", saturate)

# %% [markdown]
# The check tries every small integer at 2 to 6 bits, then whole tensors at 1 to 30 bits, and shows the smallest input on which yours differs. Stuck? Type `qtutor.hint("2.A")` into a cell of your own, three times if you like; `qtutor.solution("2.A")` when you have tried.
#
# ## A zero with no place
# The tutorial's second tensor has 4 *signed* bits, so −8 … 7, and zero point 15. Its values are 0, −1, … −9. Being signed, it is clamped at both ends, one `torch.where` for each:

# %%
s = IntQuantTensor(-torch.arange(10.0), scale=0.1, zero_point=15.0, bit_width=4, signed=True, training=False)
rounded = round_ste(s._pre_round_int_value)
clamped = torch.where(rounded >= 7, 7.0, rounded)
clamped = torch.where(clamped <= -8, -8.0, clamped)
print("is_valid ", s.is_valid)
print("manual   ", torch.round(s.value / s.scale + s.zero_point).tolist())
print("round_ste", rounded.tolist())
print("clamped  ", clamped.tolist())

# %% [markdown]
# Look at the first value. Real 0.0 wants the integer 15, because that is the zero point. The largest integer there is, 7, was stored for it.

# %% tags=["predict"]
predict(
    "2.4",
    "4 signed bits, scale 0.1, zero point 15. You store 0.0 and read it back. Which real number comes?",
    options=["0.0", "0.7", "−0.8", "−1.5"],
)

# %%
back = s.scale * (clamped - s.zero_point)
print([round(real, 1) for real in back.tolist()])

# %% [markdown]
# (7 − 15) · 0.1 = −0.8. At the other end stands (−8 − 15) · 0.1 = −2.3. So −2.3 … −0.8 is all that this format can say. It is the format's *window* on the real numbers, and 0.0 is not in it.
#
# A zero point outside the range is not impossible in silicon: it may sit in a wider register of its own. But it means that real 0.0 has no integer. Three things break with it:
# - zero padding, the frame of zeros that a convolution puts around its input, is no longer exact: the frame would be −0.8;
# - ReLU, which replaces what is negative by exactly 0.0, is no longer exact either;
# - ONNX, the format in which networks travel between tools, stores a zero point in the tensor's own integer type, and cannot even write this one down.
#
# That is why `QParams`, our description of a format, refuses it. This cell fails on purpose too.

# %% tags=["raises-exception"]
QParams(scale=0.1, zero_point=15, bit_width=4, signed=True)

# %% [markdown]
# The sentence names two ways out. Wider: 5 signed bits hold −16 … 15, and 15 just fits. Or nearer: with zero point 7 the window is (−8 − 7) · 0.1 = −1.5 … (7 − 7) · 0.1 = 0.0, and the zero is back. It is as wide as before: a zero point moves the window, it never stretches it.
#
# ## Narrow range
# −8 … 7 is lopsided. Negate both ends and see:

# %%
ends = torch.tensor([-8, 7])
print("negated ", (-ends).tolist())
print("wrap    ", qtutor.wrap(-ends, bit_width=4, signed=True).tolist())
print("saturate", qtutor.saturate(-ends, bit_width=4, signed=True).tolist())

# %% [markdown]
# 8 has no place in the range: a register that wraps gives −8 back as its own opposite, and one that saturates is off by 1. The *narrow range* gives up the lowest integer of a signed format. An unsigned format gives up its highest: its lowest is 0, which stands for real 0.0 wherever the zero point is 0.

# %%
print("signed, full    ", qtutor.int_range(4, signed=True))
print("signed, narrow  ", qtutor.int_range(4, signed=True, narrow_range=True))
print("unsigned, narrow", qtutor.int_range(4, signed=False, narrow_range=True))
print("-8 becomes      ", qtutor.saturate(ends, bit_width=4, signed=True, narrow_range=True)[0].item())

# %% [markdown]
# In −7 … 7 every integer has its opposite, and 0 lies in the middle (0 … 14 is the same range moved up by 7, around a zero point of 7). Brevitas's usual weight quantizers work in it. The price is one bit pattern of sixteen, `1000`, that never occurs; at 8 bits it is one of 256. Only saturation can respect a narrow range: whoever keeps the low bits keeps `1000` too.
#
# ## What training feels
# The second slip hides until a network is trained. Training moves a weight against its *gradient*: how much the result changes when the weight does. Rounding is flat, so its true gradient is 0 nearly everywhere; `round_ste` (chapter 1) passes a 1 straight through instead. What should a clamp pass on?
#
# Here are four ways to round and clamp, for five numbers in units of the step, in 4 unsigned bits. One of them uses `tensor_clamp_ste`, which clamps forward and passes 1 back, as `round_ste` does. Decide for each number whether training should be able to move it: 14, 15, 15.4, 16, −1.

# %%
u = torch.tensor([14.0, 15.0, 15.4, 16.0, -1.0], requires_grad=True)
ways = {
    "the tutorial's torch.where": torch.where(round_ste(u) >= 15, 15.0, round_ste(u)),
    "round_ste, then clamp": round_ste(u).clamp(0, 15),
    "clamp, then round_ste": round_ste(u.clamp(0, 15)),
    "straight through both": tensor_clamp_ste(round_ste(u), torch.tensor(0.0), torch.tensor(15.0)),
}
print(f"{'gradient at':28} 14   15 15.4   16   −1")
for name, way in ways.items():
    (slope,) = torch.autograd.grad(way.sum(), u)
    print(f"{name:26}", *[f"{int(g):4}" for g in slope])

# %% [markdown]
# - 14 and 15 fit, so training must be able to move them. The tutorial's line gives 15 a 0: `>=` where `>` belongs. It gives −1 a 1, because its lower end is missing. These are the two slips. `>=` changes no integer, so no print of integers shows it.
# - 15.4 depends on the order. It rounds to 15, which fits, but it lies beyond 15 before it is rounded. Rows two and three differ here alone.
# - 16 and −1 are a choice. 0 is the true gradient: pushed a little, up or down, 16 still becomes 15. 1 is untrue and useful: only with it can the number come back.
#
# Activations (the numbers that travel between layers) are computed anew for each input, so none of them is stuck: they are often trained with row two. A weight is kept from step to step, and once its gradient is 0 it stays where it is: weights are often trained with row four.
#
# | row | who uses it |
# |---|---|
# | `torch.where` | the tutorial |
# | round, then clamp | Brevitas's activation quantizers |
# | clamp, then round | TensorFlow's `fake_quant` operators; the order is also that of PACT, a method that learns the upper end |
# | straight through both | Brevitas's weight quantizers, as they come |
#
# You can find out to which row a function belongs. Two more: torch's own fake quantizer, and `quant_tensor`, which comes next. Which two of the five numbers decide?

# %%
fake = torch.fake_quantize_per_tensor_affine(u, scale=1.0, zero_point=0, quant_min=0, quant_max=15)
ours = quant_tensor(IntQuantTensor(u, scale=1.0, zero_point=0.0, bit_width=4, signed=False, training=True))
for name, way in {"torch.fake_quantize": fake, "quant_tensor": ours}.items():
    (slope,) = torch.autograd.grad(way.sum(), u)
    print(f"{name:26}", *[f"{int(g):4}" for g in slope])

# %% [markdown]
# Both are row two, round and then clamp: 15.4 passes, 16 does not.
#
# ## The whole step: `quant_tensor`
# Divide, add the zero point, round, saturate: the tutorial puts this into one function. Ours has its name and, on its three tests, its results; the slips are mended. The first test has scale 0.5 and zero point 1.5. Work out the first three integers and the last before you run the cell. Every one of them is a tie.

# %%
halves = IntQuantTensor(torch.arange(10.0), scale=0.5, zero_point=1.5, bit_width=4, signed=False, training=False)
print(halves._pre_round_int_value.tolist())
quant_tensor(halves, quant_type=True)

# %% [markdown]
# 1.5, 3.5 and 5.5 go to their even neighbours 2, 4 and 6. From 15.5 on all saturate at 15.
#
# With `quant_type=True` an `IntQuantTensor` comes back, with scale 1 and zero point 0: the integers are kept, and what they stand for is forgotten. Without it they come in a plain float tensor, so that gradients can flow. With `keep_scale=True`, which chapter 3 uses, nothing is forgotten, and the first 2 stands for 0.5 · (2 − 1.5) = 0.25. What was given is 0.0: a fractional zero point has no integer for it, only one close by.
#
# The two other tests have two and three dimensions. Shape changes nothing, since every value is treated alone; look at the second value of each.

# %%
square, cube = -torch.arange(16.0).reshape(4, 4), torch.arange(32.0).reshape(2, 4, 4)
square = IntQuantTensor(square, scale=0.2, zero_point=2.5, bit_width=4, signed=True, training=False)
cube = IntQuantTensor(cube, scale=0.1, zero_point=3.5, bit_width=4, signed=False, training=False)
print(quant_tensor(square).int().tolist())
print(quant_tensor(cube).int().tolist())

# %% [markdown]
# −1.0 at scale 0.2 is −5 + 2.5 = −2.5, a tie, and goes to −2. 1.0 at scale 0.1 is 10 + 3.5 = 13.5, a tie, and goes to 14. Nearly all the rest sits at one end, 14 of the 16 values and 30 of the 32: these windows are too small for values down to −15 and up to 31. How to choose a better one is the subject of chapter 6.
#
# ## Explorer: saturate against wrap
# Choose a width, a sign and two numbers. The ring shows what a plain adder leaves, the bar what a saturating one does. 5 + 2 fits, so move one of them, and watch both answers leave each other.

# %%
saturation_explorer()

# %% [markdown]
# The same picture at 5 + 6, for paper and for readers without a running kernel:

# %%
show(draw_ring(new_axes(7, 4), a=5, b=6, bit_width=4, signed=True))

# %% [markdown]
# **1.** 4 bits, signed, a = 7. Move b from 0 up to 7. How do the two errors move?
#
# <details><summary>Answer</summary>
#
# Wrapped: exact at b = 0, then −16 at b = 1, and it stays −16. Saturated: exact, then −1, −2, … −7. A wrapped error is always a whole turn: the answer enters at the opposite end and walks on from there, −8, −7, … −2. A saturated error starts at one step and grows.
# </details>
#
# **2.** Is there a pair whose wrapped answer is nearer to the exact sum than its saturated one?
#
# <details><summary>Answer</summary>
#
# No. In 4 bits the wrapped error is 16 steps, up or down, whenever there is one. The largest saturated error of all is that of the unsigned sum 15 + 15 = 30, kept as 15: 15 steps. So why would anyone wrap? It costs nothing, and there is a second reason: exercise 2.B leads to it.
# </details>
#
# **Challenge.** It stands under the picture, in two steps, for 4 signed bits.
#
# <details><summary>Answer</summary>
#
# Farthest apart: 7 + 1, saturated 7 and wrapped −8, which is 15 (so is −8 + (−1)). The largest saturated error is the 8 of −8 + (−8). Its wrapped answer is 0.
# </details>
#
# ## Exercise 2.B: wrap
# Keep the low bits, and read them as the format does. Chapter 3 adds with this function.


# %% tags=["ex-2.B"]
def wrap(x, bit_width, signed):
    """Return what a register of the format keeps of each integer in x: its lowest bit_width bits, read in the format.

    x is an int32 tensor, bit_width a Python int (1 … 30), signed True or False.
    """
    ...


# %%
check("2.B", wrap)

# %% [markdown]
# A common mistake in this function shows at one position of the ring only. At 8 bits that is one of 256, so a test with a few random numbers would most likely miss it. The check tries every position at 2 to 6 bits, then whole tensors, large integers among them. (`qtutor.hint("2.B")`, `qtutor.solution("2.B")`.)
#
# Both ✓? `saturation_explorer(wrap=wrap, saturate=saturate)`, in a cell of your own, draws ring and bar with your two functions.
#
# ### An overflow that mends itself
# A long sum leaves the range on its way, and its end fits. In 4 signed bits: 7 + 7 − 8, which is 6. Decide which of the two adders gives 6.

# %%
half_way = torch.tensor([7 + 7])
print("wrap    ", qtutor.wrap(qtutor.wrap(half_way, 4, True) - 8, 4, True).item())
print("saturate", qtutor.saturate(qtutor.saturate(half_way, 4, True) - 8, 4, True).item())

# %% [markdown]
# The wrapping one. It is off by a whole turn after 7 + 7 = 14 (it holds 14 − 16 = −2), and the next step takes the turn back: −2 − 8 = −10, and −10 + 16 = 6. The saturating one keeps 7 of the 14, and what it has dropped is gone: 7 − 8 = −1.
#
# So the choice depends on the place. Where a result is final, as at the output of a layer, saturate: the error is small, and it costs overflow detection and a multiplexer. Inside a long sum, use an accumulator (the register that collects a sum) whose final value fits, and let it wrap: it is free, and exact at the end.
#
# ## Pitfall: torch wraps without a word
# torch computes with bytes as a plain adder does. Change a and b (0 … 255 each) in the next cell until its two lines differ. What is the smallest sum that goes wrong? Then two riddles:
# - Which int8 value, other than 0, is its own opposite?
# - 5 lies in −8 … 7, and `clamp(-8, 7)` makes it 7. Which type has the 5?

# %%
a, b = 100, 100
print("torch ", (torch.tensor([a], dtype=torch.uint8) + torch.tensor([b], dtype=torch.uint8)).item())
print("Python", a + b)

# %% [markdown]
# Have you found them? The next cell holds our answers.

# %%
lowest, five = torch.tensor([-128], dtype=torch.int8), torch.tensor([5], dtype=torch.uint8)
print("uint8 200 + 100 ", (torch.tensor([200], dtype=torch.uint8) + torch.tensor([100], dtype=torch.uint8)).item())
print("uint8 255 + 1   ", (torch.tensor([255], dtype=torch.uint8) + torch.tensor([1], dtype=torch.uint8)).item())
print("int8 -(-128)    ", (-lowest).item())
print("int8 abs(-128)  ", lowest.abs().item())
print("uint8 5, clamped", five.clamp(-8, 7).item())
print("with min=-8 only", five.clamp(min=-8).item())
print("int8, float ends", lowest.clamp(-7.0, 7.0).dtype)

# %% [markdown]
# - 300 − 256 = 44. The smallest sum that goes wrong is 256, which becomes 0.
# - −128 is its own opposite, and its own absolute value: the narrow range again.
# - The type is uint8. It cannot hold the lower end −8, which wraps to 248 before `clamp` begins: with that end alone, 5 becomes 248. With both, the lower end lies above the upper one, and torch then gives the upper end to everything.
# - `clamp` with an end like −7.0 turns int8 into float32: the result is no integer tensor any more.
#
# The cure is the same each time: widen, for example with `.to(torch.int32)`, compute, saturate or wrap on purpose, and only then narrow. The library's kernels do so:

# %%
wide = torch.tensor([200], dtype=torch.uint8).to(torch.int32) + 100
print("saturate", qtutor.saturate(wide, bit_width=8, signed=False).item())
print("wrap    ", qtutor.wrap(wide, bit_width=8, signed=False).item())
print("5 kept  ", qtutor.saturate(five, bit_width=4, signed=True).item())

# %% [markdown]
# ## Quiz

# %%
quiz("2")

# %% [markdown]
# ## Key points
# - `bit_width` on an `IntQuantTensor` is a note. Nothing is clamped until you do it; `int()` only refuses.
# - Saturate: the nearest end. The error starts at one step and grows; it costs overflow detection and a multiplexer.
# - Wrap: whole turns of 2^bits are lost. The error is large, the logic free, and a sum whose final value fits is exact at its end.
# - Both ends count. Unsigned formats have a lower end too.
# - A zero point outside the range leaves real 0.0 without an integer.
# - Round straight-through, then clamp: the gradient is 1 on all that fits and 0 on what saturates. Other rules exist; know which one yours is.
#
# ## Words
# | word | meaning |
# |---|---|
# | saturate, clamp | replace a value outside the range by the nearest end |
# | wrap | keep the low bits, drop the rest |
# | overflow | a result outside the range of its format |
# | error | stored minus exact |
# | ring, seam | the integers of a format that wraps, in a circle; the place where the lowest follows the highest |
# | two's complement | signed integers in bits: the top bit weighs −2^(bits − 1) |
# | narrow range | the range without its lowest integer (signed) or its highest (unsigned) |
# | window | the real numbers between scale · (low − zero_point) and scale · (high − zero_point) |
# | gradient | how much a result changes when an input does; training follows it |
# | accumulator | the register that collects a sum |
#
# ## References
# - ONNX operator [QuantizeLinear](https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html): the ranges, and the zero point in the tensor's own type.
# - Brevitas 0.13.4, [source](https://github.com/Xilinx/brevitas): `TensorClamp` and `TensorClampSte`, the second and the last row of the table.
# - torch, [fake_quantize_per_tensor_affine](https://docs.pytorch.org/docs/stable/generated/torch.fake_quantize_per_tensor_affine.html).
# - TensorFlow, [fake_quant_with_min_max_args_gradient](https://www.tensorflow.org/api_docs/python/tf/quantization/fake_quant_with_min_max_args_gradient): the gradient passes where min ≤ input ≤ max.
# - J. Choi et al., *PACT: Parameterized Clipping Activation for Quantized Neural Networks*, [arXiv 1805.06085](https://arxiv.org/abs/1805.06085), 2018.
# - B. Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, [arXiv 1712.05877](https://arxiv.org/abs/1712.05877).
#
# ## What next
# You can now say what one register does with one sum. [Chapter 3](03_addition_pitfalls.ipynb) adds whole tensors, and asks what a sum needs so that nothing is lost: which scale, which zero point, how many bits.
