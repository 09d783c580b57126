# %% [markdown]
# # 03 Addition pitfalls
# *About 60 minutes, after [Out of range](02_out_of_range.ipynb). Tested with torch 2.13.0 and brevitas 0.13.4.*
#
# **When may two quantized tensors be added as integers, and what must the sum's format be?**
#
# After this chapter you can
# 1. say which scale, zero point, width and sign a sum has, so that nothing is lost;
# 2. bring two tensors to one scale, and bound the error before you run anything;
# 3. explain why the same two tensors add up to 21 31 41 51 and to 22 30 42 50, and say when the two sums agree.
#
# You bring from chapter 1: real = scale · (q − zero_point), where q is the stored integer, and the tie rule of torch: a number half way
# between two integers goes to the even one. From chapter 2: saturate and wrap. As there, you will write functions whose names the
# library has too; the library's are called by their full names, `qtutor.add` for example.

# %%
import torch
from brevitas.quant_tensor import IntQuantTensor

import qtutor
from qtutor import QParams, check, check_env, predict, quant_add, quant_tensor, quiz, show, to_brevitas
from qtutor.pictures import draw_number_line, draw_two_sums_map, new_axes

check_env()

# %% [markdown]
# ## 1 One scale: the integers add, and so do the zero points
# Two tensors of 4 unsigned bits. One step is ½ in both; the zero points are 1 and 2.

# %%
a_ints, a_format = torch.tensor([3, 5, 12]), QParams(scale=0.5, zero_point=1, bit_width=4, signed=False)
b_ints, b_format = torch.tensor([6, 9, 15]), QParams(scale=0.5, zero_point=2, bit_width=4, signed=False)
print("a stands for", qtutor.dequantize(a_ints, a_format).tolist())
print("b stands for", qtutor.dequantize(b_ints, b_format).tolist())

# %% [markdown]
# An adder sees 3 + 6 = 9. The real sum is 1 + 2 = 3, which is 6 steps of ½. Before you go on: which zero point makes 9 stand for 3?
#
# Write both tensors by the formula of chapter 1 and collect the integers:
#
# **s · (qa − za) + s · (qb − zb) = s · ((qa + qb) − (za + zb))**
#
# This is the chapter's one formula: s is the scale, q are stored integers, z zero points. It says three things: the scale s must be the same on both sides, or it cannot be taken out of the
# brackets; the integers add; the zero points add too.

# %%
total, total_format = qtutor.add(a_ints, a_format, b_ints, b_format)
print("integers", total.tolist(), "zero point", total_format.zero_point)
print("stands for", qtutor.dequantize(total, total_format).tolist())

# %% [markdown]
# 9 − 3 = 6 steps. Nothing was rounded, so nothing is lost: each real sum is exact.
#
# But the last integer is 27, and 4 unsigned bits end at 15. Who makes room for it? Not torch. Without looking back at the end of chapter 2:

# %% tags=["predict"]
predict("3.1", "uint8 200 + uint8 100 in torch:", options=[300, 255, 44])

# %%
u8_200, u8_100 = torch.tensor([200], dtype=torch.uint8), torch.tensor([100], dtype=torch.uint8)
print("added as uint8", (u8_200 + u8_100).item())
print("widened first ", (u8_200.to(torch.int32) + u8_100).item())

# %% [markdown]
# 300 − 256 = 44: the adder wrapped. The ninth bit is gone before anyone can saturate, so the order matters: widen first, then add. `qtutor.add` does, and picks the format of the sum: for a and b above it took this one.

# %%
bits, signed = total_format.bit_width, total_format.signed
print(bits, "bits, signed:", signed, "range", qtutor.int_range(bits, signed))

# %% [markdown]
# ## 2 How many bits does a sum need?
# 15 + 15 = 30 fits 5 unsigned bits: one more than the operands. Now mix the signs. A common case: one operand has passed a ReLU and is
# unsigned (0 … 15, written u4), the other has not and is signed (−8 … 7, written s4).

# %% tags=["predict"]
question = "u4 plus s4, for example 15 + 7: how many bits does the format of all such sums need?"
predict("3.2", question, options=[5, 6, 8])

# %%
u4, s4 = QParams(scale=1.0, bit_width=4, signed=False), QParams(scale=1.0, bit_width=4, signed=True)
fifteen, seven = to_brevitas(torch.tensor([15]), u4), to_brevitas(torch.tensor([7]), s4)
mixed = fifteen + seven
bits = int(mixed.bit_width)
print("Brevitas gives it", bits, "bits, signed:", mixed.signed, "range", qtutor.int_range(bits, mixed.signed))
print("the sum is", int(mixed.value), "valid:", mixed.is_valid)

# %% [markdown]
# Brevitas gives its own sum 5 bits, then finds 22 outside −16 … 15. The tensor is not valid, and `int()` refuses what is not valid.
# (The reference tutorial takes "the wider one plus one": 5 as well.)
#
# What went wrong? The sums run from −8 + 0 to 7 + 15, that is −8 … 22. These are 31 different values, and 5 bits have 32 patterns: enough
# patterns, in the wrong place. Signed patterns lie evenly about 0, and −8 … 22 does not. A format must hold **both ends**.
#
# ### Exercise 3.A
# Give the narrowest format that holds every sum. Begin with the two ends. `qtutor.hint("3.A")` helps, three times; `qtutor.solution("3.A")` shows ours.


# %% tags=["ex-3.A"]
def sum_format(bits_a, signed_a, bits_b, signed_b):
    """Return (bit_width, signed) of the narrowest format that holds every sum of an integer of a and one of b.

    bits_a and bits_b are Python ints, signed_a and signed_b True or False. Unsigned where no sum is negative.
    """
    ...


# %%
check("3.A", sum_format)

# %% [markdown]
# What the library's `sum_format` says, and that `quant_add`, which asks it and which section 5 looks at, keeps 22:

# %%
print("u4 + u4", qtutor.sum_format(4, False, 4, False), " s4 + s4", qtutor.sum_format(4, True, 4, True))
print("u4 + s4", qtutor.sum_format(4, False, 4, True), " u8 + s4", qtutor.sum_format(8, False, 4, True))
kept = quant_add(fifteen, seven, keep_scale=True)
print("15 + 7 by quant_add:", kept.int().item(), "in", int(kept.bit_width), "bits")

# %% [markdown]
# ## 3 Two scales: first bring them to one
# From here on a and b are Brevitas tensors. One step of a is 0.2, one step of b is 0.5. 8 + 8 steps would be 16 steps: of what?
# Of the next two cells the second fails on purpose.

# %%
a = IntQuantTensor(torch.tensor([1.0, 2, 3, 4]), 0.2, 2.5, bit_width=6, signed=False, training=False)
b = IntQuantTensor(torch.tensor([2.0, 3, 4, 5]), 0.5, 3.5, bit_width=8, signed=False, training=False)

# %% tags=["raises-exception"]
a + b

# %% [markdown]
# Brevitas refuses: with two scales s cannot be taken out of the brackets. It refuses only outside training, though. Here is the same
# pair in training mode. Decide: which scale does the sum get, 0.2, 0.5 or something else?

# %%
in_training = a.set(training_t=torch.tensor(True)) + b.set(training_t=torch.tensor(True))
print("value", in_training.value.tolist(), "scale", round(in_training.scale.item(), 2))
print("in steps", [round(n, 2) for n in in_training._pre_round_int_value.tolist()], "valid:", in_training.is_valid)

# %% [markdown]
# In training the check is skipped and the scale is averaged: (0.2 + 0.5) / 2 = 0.35. The real sums 3 5 7 9 are right, but only one of
# them is a whole number of such steps. The sum lies on no grid, and no hardware can hold it. The error waits until you evaluate.
#
# **The way out** is to move one tensor to the other's scale. A stored integer q is q − z steps of the old scale s. On the new scale s′
# that is (q − z) · s/s′ steps: round them, put the zero point back, saturate.
#
# q′ = saturate( round( (q − z) · s / s′ ) + z )
#
# How wrong can q′ be? You can say so before you run anything. Rounding goes to the nearest step of s′, and the nearest is never further
# than half a step. So **the error is at most s′/2**, where nothing saturates. The picture shows all 16 integers of 4 bits, from scale
# 0.2 to scale 0.5: no line may lean further than 0.25.

# %%
at_02 = qtutor.dequantize(torch.arange(16), QParams(scale=0.2, bit_width=4, signed=False))
show(draw_number_line(new_axes(), at_02, QParams(scale=0.5, bit_width=3, signed=False)))

# %% [markdown]
# Now a and b. What a stores is not 1 2 3 4, because its zero point 2.5 is no integer. (Section 4 is about that. Chapter 2's
# `quant_tensor` gives the stored integers; with `keep_scale=True` also the numbers that they stand for.)

# %%
a_stored, b_stored = quant_tensor(a, keep_scale=True), quant_tensor(b, keep_scale=True)
print("a stores", a_stored.int().tolist(), "which stand for", [round(v, 2) for v in a_stored.value.tolist()])
print("b stores", b_stored.int().tolist(), "which stand for", [round(v, 2) for v in b_stored.value.tolist()])

# %% [markdown]
# The reference tutorial names a function for the move, `quant_transform`, and leaves it empty. Here it is, in both directions.

# %%
a_coarse, b_fine = qtutor.quant_transform(a, 0.5), qtutor.quant_transform(b, 0.2)
for name, moved, stored in (("a at 0.5", a_coarse, a_stored), ("b at 0.2", b_fine, b_stored)):
    print(name, moved.int().tolist(), f"largest error {(moved.value - stored.value).abs().max():.2f}")

# %% [markdown]
# 0.15 is within 0.5/2, and 0.05 within 0.2/2. By hand, first entry of a: (8 − 2.5) · 0.2/0.5 = 2.2 steps, plus the zero point 2.5 is 4.7,
# so 5. (A whole zero point is added after rounding: ONNX's order in chapter 1. Of a fractional one the fraction goes in before, or q′
# would be no integer.)
#
# On one scale the sum is allowed. `quant_add` adds the stored integers:

# %%
print("at scale 0.5", quant_add(a_coarse, b).int().tolist())
print("at scale 0.2", quant_add(a, b_fine).int().tolist())

# %% [markdown]
# Had you left the scales at 0.2 and 0.5, `quant_add` would have refused by name. The tutorial's version adds them in silence.
#
# "Where nothing saturates" is not a detail. Take every integer of 8 unsigned bits at scale ½, zero point 3, and move it four times.
# Which of the four keeps the promise s′/2?

# %%
every = to_brevitas(torch.arange(256), QParams(scale=0.5, zero_point=3, bit_width=8, signed=False))
for new_scale, bits in ((2.0, 8), (0.25, 8), (0.25, 9), (0.2, 10)):
    moved = qtutor.quant_transform(every, new_scale, bits)
    error = (moved.value - every.value).abs().max().item()
    print(f"to {new_scale} in {bits} bits: promised {new_scale / 2}, error {error:.2f}, top {moved.int().max()}")

# %% [markdown]
# Only the first. A finer scale needs more integers. At the top, (255 − 3) · 2 + 3 = 507 needs 9 bits; to 0.2, (255 − 3) · 2.5 + 3 = 633
# needs 10. That cures the top, but an error of 0.75 is left, and it comes from the bottom: q = 0 becomes (0 − 3) · 2 + 3 = −3, and no
# unsigned format of any width holds −3. To saturate nowhere takes *signed* bits: 10 of them (−512 … 511) for −3 … 507, 11 for the move to 0.2.
#
# | move | error, at most | more bits |
# |---|---|---|
# | the fine tensor to the coarse scale c | c/2 | none |
# | the coarse tensor to the fine scale f | f/2; none where c/f is whole | about log2(c/f) |
# | both to a third scale t, the one that the next layer wants | t/2 each | as t asks |
#
# ### Exercise 3.B
# Write the move for integers and a whole zero point. `ratio` is old scale / new scale. Use what you know: the tie rule of `torch.round`,
# and what saturating means. (`qtutor.hint("3.B")`, `qtutor.solution("3.B")`.)


# %% tags=["ex-3.B"]
def quant_transform(q, zero_point, ratio, bit_width, signed):
    """Return the integers q on another scale, zero point and format kept; halves to even, saturated.

    q is an int32 tensor, zero_point a Python int, ratio (old scale / new scale) a Python float.
    """
    ...


# %%
check("3.B", quant_transform)

# %% [markdown]
# ## 4 One scale, and still two sums
# Give b the scale of a, 0.2. Both zero points end in ½: 2.5 and 3.5. There are two ways to come to integers:
# add the tensors and ask the sum for its integers, or ask each tensor and add the integers.

# %% tags=["predict"]
question = "The integers of a + b, and the integers of a plus those of b: are they the same?"
predict("3.3", question, options=["the same everywhere", "one apart somewhere", "further apart"])

# %%
b = IntQuantTensor(torch.tensor([2.0, 3, 4, 5]), 0.2, 3.5, bit_width=8, signed=False, training=False)
print("integers of the sum ", (a + b).int().tolist())
print("sum of the integers ", (quant_tensor(a) + quant_tensor(b)).int().tolist())

# %% [markdown]
# One too many, one too few, one too many, one too few. Look at what stands just before each rounding:

# %%
a_steps, b_steps = a._pre_round_int_value, b._pre_round_int_value
print("a before rounding", a_steps.tolist(), "after", a_steps.round().int().tolist())
print("b before rounding", b_steps.tolist(), "after", b_steps.round().int().tolist())
both = a_steps + b_steps
print("added before rounding", both.tolist(), "after", both.round().int().tolist())

# %% [markdown]
# Each entry is a tie. 7.5 and 13.5 both go up, to the even 8 and 14; 12.5 and 18.5 both go down. Added first, the two halves make a whole,
# and nothing needs rounding. Even the library is of two minds about these tensors:

# %%
both = a + b
print("a valid:", a.is_valid, " b valid:", b.is_valid, " a + b valid:", both.is_valid)
print("a + b: value", both.value.tolist(), "zero point", both.zero_point.item(), "bits", int(both.bit_width))

# %% [markdown]
# `int()` refuses a, and it refuses b: by Brevitas's own test neither stands for integers. It accepts their sum, because 2.5 + 3.5 is whole.
#
# ### Three causes, one at a time
# **Cause 1, fractional zero points.** Same values, zero points 2 and 3. Every value is now a whole number of steps.

# %%
whole_a, whole_b = a.set(zero_point=torch.tensor(2.0)), b.set(zero_point=torch.tensor(3.0))
print("integers of the sum ", (whole_a + whole_b).int().tolist())
print("sum of the integers ", (quant_tensor(whole_a) + quant_tensor(whole_b)).int().tolist())

# %% [markdown]
# The difference is gone. A zero point that ends in ½ moves *every* value of the grid on to a tie: the worst place there is.
#
# **Cause 2, the tie rule.** The fractional zero points again, but round half up: the floor of x + ½.

# %%
print("integers of the sum ", torch.floor(a_steps + b_steps + 0.5).int().tolist())
print("sum of the integers ", (torch.floor(a_steps + 0.5) + torch.floor(b_steps + 0.5)).int().tolist())

# %% [markdown]
# Now all four are one too many. The zero points make the ties; the rule decides which way they fall.
#
# **Cause 3, values off the grid.** Scale 1, zero points 0, no fraction anywhere but in the values. Decide each line before you run it.

# %%
for x, y in ((0.375, 0.375), (1.0, 0.5), (2.0, 0.5)):
    x, y = torch.tensor([x, y])
    print(f"{x:g} and {y:g}: round then add {x.round() + y.round():g}, add then round {(x + y).round():g}")

# %% [markdown]
# First line: two small fractions vanish one by one, and make a step together. There is no tie in it, so no rule helps.
# Second line: 1 *is* on the grid, and still 1 + 0 is not round(1½) = 2. Half to even asks which of the two neighbours is even, and
# adding an odd number swaps the answer. Third line: adding an even number does not. The same cause made two libraries disagree at odd zero
# points in chapter 1.
#
# **When do they agree?** Always, if both operands lie on the grid and both zero points are whole: then nothing is rounded.
# Else they are at most 1 apart, with any rounding to the nearest: there are three roundings, of a, of b and of the sum; each moves by at
# most ½, so together by 1½ at most, and two integers differ by a whole number. With three operands there are four roundings, so at most 2
# apart: ½ three times is 0 + 0 + 0, or round(1½) = 2.
#
# How often? Take a and b from −2 to 2 steps, in eighths of a step, zero points 0. Eighths are integers, and a right shift by 3 bits
# rounds them to steps (8 eighths), so every tie is exact.

# %%
eighths = torch.arange(-16, 17)
for rule in ("half_even", "half_up", "floor"):
    alone = qtutor.rounding_right_shift(eighths, 3, rule)
    together = qtutor.rounding_right_shift(eighths[:, None] + eighths, 3, rule)
    differ = alone[:, None] + alone != together  # a row for each a, a column for each b
    print(f"{rule}: differ at {differ.sum()} of {differ.numel():,} pairs")
    print(f"  with a = -2, -1, 0, 1, 2: {differ[::8].sum()} of {differ[::8].numel()}")

# %% [markdown]
# With half up and with floor one operand on the grid is enough; with half to even it is not. Both operands off the grid: no rule is safe.
#
# ### Explore
# Move a and b, the zero points and the rounding. On the map each mark is a pair (a, b) whose two sums differ.

# %%
qtutor.two_sums_explorer()

# %% [markdown]
# The same as a still picture, at a = 1, b = ½:

# %%
show(draw_two_sums_map(new_axes(5, 5), zero_points=(0, 0), rounding="half_even", point=(1, 0.5)))

# %% [markdown]
# **Challenge.** Whole zero points, a on the grid, and still a difference: find one with a = −1. Then change the rounding until it vanishes.
#
# **Two questions**
# 1. Half to even, zero points 0, a = 1. At which b do the sums differ, and why at none of them when a = 2?
# 2. Set both zero points to ½. Which pairs of *whole* a and b now differ?
#
# A rule of your own works too: `qtutor.two_sums_explorer(int)` cuts the fraction off.
#
# <details><summary>Answers</summary>
#
# Challenge: a = −1, b = ½. Alone: −1 + 0 = −1. Together: −½ is a tie and goes to 0. With half up, ½ alone is already 1, and −½ goes to 0:
# both sums are 0.
#
# 1. At b = −1½, −½, ½, 1½: the ties. 1 is odd, so it moves each tie to one whose even neighbour is on the other side. 2 is even
#    and moves nothing.
# 2. Those whose sum is even. 0 and 0: ½ rounds to 0 twice, the sum of the halves is 1. 1 and 0: 1½ rounds up to 2, ½ down to 0, and their sum
#    is 2 either way.
#
# </details>
#
# ## 5 What the addition is not
# The reference tutorial shows both sums and begins a sentence about what Brevitas's addition is not. Here is the end of it:
#
# > `a + b` is not the addition that hardware does. **Hardware has only the stored integers, so it computes the sum of the integers.
# > The simulation adds the real numbers, and so computes the integer of the sum.** The two are equal where nothing had to be rounded.
#
# `quant_add` is the hardware's addition, for Brevitas tensors. It returns the integers; or a tensor of them, with scale 1 and zero point 0;
# or the numbers that they stand for, with scale and zero point kept.

# %%
print("integers  ", quant_add(a, b).tolist())
for kind, out in (("quant_type", quant_add(a, b, quant_type=True)), ("keep_scale", quant_add(a, b, keep_scale=True))):
    print(f"{kind}: {int(out.bit_width)} bits, scale {out.scale:.1f}, zero point {out.zero_point:.0f}")
    print("  value", [round(v, 2) for v in out.value.tolist()], " int()", out.int().tolist())

# %% [markdown]
# The tutorial stops at `quant_type`: with scale 1 and zero point 0 the next layer would read 22 as the real number 22. `keep_scale` says
# what the register means: (22 − 6) · 0.2 = 3.2. The true sum is 3; the 0.2 too much is the price of two ties. Its `int()` gives the
# hardware's integers, and it is valid.
#
# ### Exercise 3.C
# One line: the hardware's addition without Brevitas. Two 8-bit tensors on one scale; return the integers and the zero point of the sum.
# The checker tries all 65,536 pairs. (`qtutor.hint("3.C")`, `qtutor.solution("3.C")`.)


# %% tags=["ex-3.C"]
def add(a, a_zero_point, b, b_zero_point):
    """Return (the integers of the sum, its zero point) of two tensors on one scale, so that nothing is lost.

    a and b are both uint8 or both int8 tensors, the zero points Python ints.
    """
    ...


# %%
check("3.C", add)

# %% [markdown]
# ## 6 Pitfall: break the published sum
# Section 2 showed one pair of formats for which Brevitas's sum is too narrow. Ask Brevitas about all pairs to 8 bits. For each format the
# next cell lists the partners with which the sum gets too few bits. Can you say the rule in two sentences?

# %%
formats = {f"u{bits}": (bits, False) for bits in range(1, 9)}
formats |= {f"s{bits}": (bits, True) for bits in range(1, 9)}
zeros = {name: IntQuantTensor(torch.zeros(1), 1.0, 0.0, *formats[name], training=False) for name in formats}
needed = {(f, g): qtutor.sum_format(*formats[f], *formats[g])[0] for f in formats for g in formats}
narrow = [(f, g) for f, g in needed if int((zeros[f] + zeros[g]).bit_width) < needed[f, g]]
print(len(narrow), "of", len(needed), "pairs are too narrow")
for f in formats:
    print(f, "with", " ".join(g for g in formats if (f, g) in narrow))

# %% [markdown]
# <details><summary>Our answer</summary>
#
# Every pair with a 1-bit operand: all 16 on the lines u1 and s1, and u1 and s1 on the 14 other lines, 60 in all. And every mixed pair
# whose unsigned side is at least as wide as the signed one: from 2 bits on, 1 + 2 + … + 7 = 28 in either order, 56 in all. 60 + 56 = 116.
#
# The library computes ceil(log2(highest − lowest)). That misses twice. From 0 to 2 there are *three* values, but log2(2) = 1 bit: u1 + u1.
# And it asks how many values there are, where it should ask whether both ends fit: u4 + s4. To break it yourself: 1 + 1 in u1.
#
# </details>
#
# The smallest find, run:

# %%
u1 = QParams(scale=1.0, bit_width=1, signed=False)
one = to_brevitas(torch.tensor([1, 1]), u1)
print("u1 + u1: value", (one + one).value.tolist(), "in", int((one + one).bit_width), "bit")

# %% [markdown]
# ### Same label, other scale?
# When are two scales different? Brevitas asks `torch.allclose`. Which of these three pairs does it call the same? And what becomes of
# integers and zero point when you add a plain 0.1 to a tensor of scale 0.2?

# %%
for first, second in ((0.2, 0.200002), (0.2, 0.20002), (1e-8, 2e-8)):
    print(f"{first:g} and {second:g} the same:", torch.allclose(torch.tensor(first), torch.tensor(second)))
plus = whole_a + 0.1
print("before: integers", whole_a.int().tolist(), "zero point", whole_a.zero_point.item())
print("after:  integers", plus.int().tolist(), "zero point", plus.zero_point.item())

# %% [markdown]
# A relative difference of 1e-5 passes, 1e-4 does not: fine. But `allclose` also tolerates an absolute 1e-8, so a scale that small passes
# for its own double. (A bias has the product of two scales, so small ones do occur.) `quant_add` compares with `==`.
#
# A plain number leaves the integers alone and moves the zero point: 0.1 is half a step of 0.2, so the zero point ends in ½, and the tensor
# is where section 4 began.

# %% [markdown]
# ## 7 All of it at once: a shortcut around a block
# A residual network adds a block's output to its input. The two come from different layers, so they have different scales: whoever
# quantizes such a network meets the error of section 3 first. Here the block gives s4 at scale ½, and the shortcut u4 at scale ¼.

# %%
block = to_brevitas(torch.tensor([-3, 0, 5, 7]), QParams(scale=0.5, bit_width=4, signed=True))
shortcut = to_brevitas(torch.tensor([1, 6, 9, 15]), QParams(scale=0.25, bit_width=4, signed=False))
print("block", block.value.tolist(), " shortcut", shortcut.value.tolist())
print("exact sums", (block.value + shortcut.value).tolist())

# %% [markdown]
# Two ways lead to one scale. Before you run the next cell: to ¼, how many bits does the block need, and then the sum? Is there an error?
# To ½, how large can the error be?

# %%
fine = quant_add(qtutor.quant_transform(block, 0.25, bit_width=5), shortcut, keep_scale=True)
coarse = quant_add(block, qtutor.quant_transform(shortcut, 0.5), keep_scale=True)
for name, out in (("at 0.25", fine), ("at 0.5 ", coarse)):
    print(name, out.int().tolist(), "in", int(out.bit_width), "bits, that is", out.value.tolist())

# %% [markdown]
# To ¼: ½ / ¼ = 2 is whole, so no error; −16 … 14 needs 5 signed bits, and s5 + u4 needs 6. To ½: at most ¼ off, and it is: −1.5 for −1.25,
# 4.5 for 4.75, 7.5 for 7.25. This way rounded the shortcut *before* the sum. An adder with a wider register inside can add first
# and round once, at the end. `qtutor.add` with `out` does that, in integers only:

# %%
half = QParams(scale=0.5, bit_width=6, signed=True)
once = qtutor.add(*qtutor.from_brevitas(block), *qtutor.from_brevitas(shortcut), out=half)
print("rounded before the sum", coarse.int().tolist())
print("rounded after the sum ", once.tolist())

# %% [markdown]
# The two sums of section 4 again, this time inside one chip. Neither is wrong. What counts is that the simulation does what the chip does.
# (Brevitas's own way around it is one quantizer that both sides share before the addition, so that they arrive on one scale.)
#
# ## Quiz

# %%
quiz("3")

# %% [markdown]
# ## Key points
# - Integers add where the scales are equal. Zero points add with them.
# - The sum's format must hold both ends, lowest and highest. One more bit is not always enough: u4 + s4 needs 6.
# - To move to scale s′ costs at most s′/2, where nothing saturates. To a finer scale, count the bits first, at both ends.
# - Hardware computes the sum of the integers, a simulation the integer of the sum. They agree where nothing is rounded: values on the grid, zero points whole.
#
# ## Words
# | word | meaning |
# |---|---|
# | grid | the real numbers that a format can hold: scale · (q − zero_point) for every integer q of its range |
# | tie | a number half way between two integers; the rounding rule decides |
# | lossless | every result is exact: no rounding, nothing saturates |
# | u4, s4 | 4 bits unsigned, 4 bits signed |
# | rescale | to move integers from one scale to another, with one rounding |
# | residual add, shortcut | a block's output plus its input |
#
# ## References
# - B. Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, [arXiv 1712.05877](https://arxiv.org/abs/1712.05877): the addition of two scales is in the appendix.
# - K. He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016, [arXiv 1512.03385](https://arxiv.org/abs/1512.03385): the shortcut.
# - Brevitas 0.13.4, [source](https://github.com/Xilinx/brevitas): `IntQuantTensor.__add__`, with the average of the scales and the width of the sum.
#
# ## What next
# You can add two numbers without losing one. Chapter 4 adds thousands: a dot product multiplies and accumulates, and its register must hold every partial sum.
# `sum_format` is where it begins.
