# %% [markdown]
# # 03 Addition pitfalls
# *About 60 minutes, after [Out of range](02_out_of_range.ipynb). Tested with torch 2.13.0 and brevitas 0.13.4.*
#
# **When may two quantized tensors be added as integers, and what must the sum's format be?**
#
# After this chapter you can
# 1. say which scale, zero point, width and sign a sum has, so that nothing is lost;
# 2. bring two tensors to one scale, and bound the error before you run anything;
# 3. say when it makes a difference whether you round first or add first, and which of the two an adder does.
#
# You bring from chapter 1: real = scale · (q − zero_point), where q is the stored integer, and torch's tie rule: a number half way between two integers goes to the even one. From chapter 2: saturate and wrap. The library's functions are called by their full names, `qtutor.add`: you will write your own of the same names.

# %%
import torch
from brevitas.quant_tensor import IntQuantTensor

import qtutor
from qtutor import QParams, check, check_env, predict, quant_add, quant_tensor, quiz, show, to_brevitas
from qtutor.pictures import draw_number_line, draw_two_sums_map, new_axes

check_env()

# %% [markdown]
# ## 1 One scale: the integers add, and so do the zero points
# Two tensors of 4 unsigned bits. One step is ½ in both; the zero points are 1 and 4.

# %%
a_ints, a_format = torch.tensor([3, 5, 12]), QParams(scale=0.5, zero_point=1, bit_width=4, signed=False)
b_ints, b_format = torch.tensor([8, 11, 14]), QParams(scale=0.5, zero_point=4, bit_width=4, signed=False)
print("a stands for", qtutor.dequantize(a_ints, a_format).tolist())
print("b stands for", qtutor.dequantize(b_ints, b_format).tolist())

# %% [markdown]
# An adder sees 3 + 8 = 11. The real sum is 1 + 2 = 3.

# %% tags=["predict"]
predict("3.1", "Steps of ½: with which zero point does the integer 11 stand for 3?", options=[1, 2.5, 4, 5])

# %%
total, total_format = qtutor.add(a_ints, a_format, b_ints, b_format)
print("integers", total.tolist(), "zero point", total_format.zero_point)
print("stands for", qtutor.dequantize(total, total_format).tolist())
print("bits", total_format.bit_width, "range", qtutor.int_range(total_format.bit_width, total_format.signed))

# %% [markdown]
# 3 is 6 steps of ½, and 11 − 5 = 6. Write both tensors by the formula of chapter 1 and collect the integers:
#
# **s · (qa − za) + s · (qb − zb) = s · ((qa + qb) − (za + zb))**
#
# This is the chapter's one formula: s is the scale, q are stored integers, z zero points. The scale must be the same on both sides, or it cannot be taken out of the brackets. The integers add, and the zero points add too. Nothing was rounded, so each real sum is exact.
#
# The last integer is 26, and 4 unsigned bits end at 15. `qtutor.add` made room: 5 bits. torch makes none.

# %% tags=["predict"]
predict("3.2", "int8 100 + int8 100 in torch:", options=[200, 127, -56])

# %%
i8, u8 = torch.tensor([100], dtype=torch.int8), torch.tensor([200, 100], dtype=torch.uint8)
print("int8  100 + 100      ", (i8 + i8).item())
print("uint8 200 + 100      ", (u8[0] + u8[1]).item())
print("the same, widened    ", (u8[0].to(torch.int32) + u8[1]).item())

# %% [markdown]
# 200 − 256 = −56, and 300 − 256 = 44: the adder wrapped, as in chapter 2, and what is gone cannot be saturated any more. Widen first, then add.
#
# ## 2 How many bits does a sum need?
# 15 + 15 = 30 fits 5 unsigned bits: one more than the operands. Now mix the signs. A common case: one operand has passed a ReLU and is unsigned (0 … 15, written u4), the other has not and is signed (−8 … 7, written s4). (`to_brevitas`, two cells on, makes a Brevitas tensor from integers and their format.)

# %% tags=["predict"]
question = "u4 plus s4, for example 15 + 7: how many bits does the format of all such sums need?"
predict("3.3", question, options=[5, 6, 8])

# %%
u4, s4 = QParams(scale=1.0, bit_width=4, signed=False), QParams(scale=1.0, bit_width=4, signed=True)
fifteen, seven = to_brevitas(torch.tensor([15]), u4), to_brevitas(torch.tensor([7]), s4)
mixed = fifteen + seven
print("the sums run from", u4.int_min + s4.int_min, "to", u4.int_max + s4.int_max)
for bits in (5, 6):
    print(bits, "signed bits hold", qtutor.int_range(bits, signed=True))
print("Brevitas gives its sum", int(mixed.bit_width), "bits: it is", int(mixed.value), "and valid:", mixed.is_valid)

# %% [markdown]
# So 6. Brevitas gives its own sum 5 bits, finds that 22 does not fit, and calls it not valid: `int()` refuses it. (The reference tutorial's "wider one plus one" is 5 as well.)
#
# −8 … 22 are 31 values, and 5 bits have 32 patterns: enough of them, in the wrong place. Signed patterns lie evenly about 0, and −8 … 22 does not. A format must hold **both ends**.
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
# The library's `sum_format` says the following. `quant_add` (section 5) uses it, and keeps 22:

# %%
print("u4 + u4", qtutor.sum_format(4, False, 4, False), " u4 + s4", qtutor.sum_format(4, False, 4, True))
kept = quant_add(fifteen, seven, keep_scale=True)
print("15 + 7 by quant_add:", kept.int().item(), "in", int(kept.bit_width), "bits")

# %% [markdown]
# ## 3 Two scales: first bring them to one
# From here on a and b are Brevitas tensors. One step of a is 0.2, one of b 0.5. Their first values are 1.0, which is 5 steps of a, and 2.0, which is 4 steps of b. Together 9 steps: of what? The second of the next two cells fails on purpose.

# %%
a = IntQuantTensor(torch.tensor([1.0, 2, 3, 4]), 0.2, 2.5, bit_width=6, signed=False, training=False)
b = IntQuantTensor(torch.tensor([2.0, 3, 4, 5]), 0.5, 3.5, bit_width=8, signed=False, training=False)

# %% tags=["raises-exception"]
a + b

# %% [markdown]
# With two scales, s cannot be taken out of the brackets. Brevitas refuses only outside training, though. Here is the same pair in training mode. Which scale will the sum get: 0.2, 0.5 or another?

# %%
in_training = a.set(training_t=torch.tensor(True)) + b.set(training_t=torch.tensor(True))
print("value", in_training.value.tolist(), "scale", round(in_training.scale.item(), 2))
print("in steps", [round(n, 2) for n in (in_training.value / in_training.scale).tolist()])
print("valid:", in_training.is_valid)

# %% [markdown]
# The scale is averaged: (0.2 + 0.5) / 2 = 0.35. The real sums are right, but only one of them is a whole number of such steps. No register can hold the others, and the error waits until you evaluate.
#
# **The way out** is to move one tensor to the other's scale. A stored integer q is q − z steps of the old scale s. On the new scale s′ that is (q − z) · s/s′ steps: round them, put the zero point back, saturate.
#
# q′ = saturate( round( (q − z) · s / s′ ) + z )
#
# We keep the zero point z; that is a choice. How wrong can q′ be? The nearest step of s′ is never further away than half a step, so you know before you run anything: **the error is at most s′/2**, where nothing saturates.
#
# The picture moves all 16 integers of 4 bits from scale 0.2 to scale 0.5, zero point 0. The crosses are the old numbers, 0.2 · q, up to 3.0. That is 6 of the new steps, so 3 bits are enough. By hand, q = 8: 8 · 0.2/0.5 = 3.2 steps, so 3. No line leans further than 0.25.

# %%
at_02 = qtutor.dequantize(torch.arange(16), QParams(scale=0.2, bit_width=4, signed=False))
show(draw_number_line(new_axes(), at_02, QParams(scale=0.5, bit_width=3, signed=False)))

# %% [markdown]
# Now a and b. Their zero points, 2.5 and 3.5, are no integers (section 4 is about that), so what they store does not stand for exactly 1 2 3 4 and 2 3 4 5. Chapter 2's `quant_tensor` shows it:

# %%
a_stored, b_stored = quant_tensor(a, keep_scale=True), quant_tensor(b, keep_scale=True)
print("a stores", a_stored.int().tolist(), "which stand for", [round(v, 2) for v in a_stored.value.tolist()])
print("b stores", b_stored.int().tolist(), "which stand for", [round(v, 2) for v in b_stored.value.tolist()])

# %% [markdown]
# The reference tutorial names a function for the move, `quant_transform`, and leaves it empty. Here it is, in both directions. Of a fractional zero point the ½ is added before the rounding, or q′ would be no integer. The first entry of a: (8 − 2.5) · 0.2/0.5 = 2.2 steps, plus ½ is 2.7, which rounds to 3, plus 2 is 5.

# %%
a_coarse, b_fine = qtutor.quant_transform(a, 0.5), qtutor.quant_transform(b, 0.2)
for name, moved, stored in (("a at 0.5", a_coarse, a_stored), ("b at 0.2", b_fine, b_stored)):
    print(name, moved.int().tolist(), f"largest error {(moved.value - stored.value).abs().max():.2f}")

# %% [markdown]
# 0.15 is within 0.5/2, and 0.05 within 0.2/2. On one scale, `quant_add` adds the stored integers:

# %%
print("goal  ", [round(v, 2) for v in (a_stored.value + b_stored.value).tolist()])
for name, left, right in (("at 0.5", a_coarse, b), ("at 0.2", a, b_fine)):
    moved_sum = quant_add(left, right, keep_scale=True)
    print(name, moved_sum.int().tolist(), "which stand for", [round(v, 2) for v in moved_sum.value.tolist()])

# %% [markdown]
# The goal is the sum of the stored numbers; it is missed by what the move cost, 0.15 or 0.05. (With the scales left as they were, `quant_add` refuses with a message that names both. The tutorial's version adds in silence.)
#
# "Where nothing saturates" is not a detail. Take 8 unsigned bits at scale ½ and zero point 3, and move to ¼. By the formula, which integers do the two ends, 255 and 0, become before they are saturated?
#
# <details><summary>Answer, and which format loses nothing</summary>
#
# (255 − 3) · 2 + 3 = 507 takes 9 bits. (0 − 3) · 2 + 3 = −3, and with the zero point kept at 3 no unsigned width holds that: it takes 10 *signed* bits (−512 … 511). The other cure is to move the zero point as well: (q − 3) · 2 + 6 = 2q is 0 … 510, and 9 unsigned bits hold it.
#
# </details>
#
# | move | error, at most | more bits |
# |---|---|---|
# | the fine tensor to the coarse scale c | c/2 | none |
# | the coarse tensor to the fine scale f | f/2; none where c/f is whole | about log2(c/f) |
# | both to a third scale t, the one that the next layer wants | t/2 each | as t asks |
#
# ### Exercise 3.B
# Write the move for integers and a whole zero point; the result is an integer tensor again. You know the tie rule of `torch.round`, and what saturating means. (`qtutor.hint("3.B")`, `qtutor.solution("3.B")`.)


# %% tags=["ex-3.B"]
def quant_transform(q, zero_point, ratio, bit_width, signed):
    """Return the integers q on another scale, zero point and format kept; halves to even, saturated.

    q is an int32 tensor, zero_point a Python int, ratio (old scale / new scale) a Python float, bit_width 1 … 16.
    The result is a tensor of an integer type.
    """
    ...


# %%
check("3.B", quant_transform)

# %% [markdown]
# ## 4 One scale, and still two sums
# Give b the scale of a, 0.2. The zero points stay 2.5 and 3.5. There are two ways to integers: add the tensors and ask the sum for its integers, or ask each tensor and add the integers.

# %% tags=["predict"]
question = "The integers of a + b, and the integers of a plus those of b: are they the same?"
predict("3.4", question, options=["the same everywhere", "one apart somewhere", "further apart"])

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
# Each entry is a tie. 7.5 and 13.5 both go up, to the even 8 and 14; 12.5 and 18.5 both go down. Added first, the two halves make a whole, and nothing needs rounding. Brevitas itself is of two minds:

# %%
both = a + b
print("a valid:", a.is_valid, " b valid:", b.is_valid, " a + b valid:", both.is_valid)
print(f"scale {both.scale:.1f}, zero point {both.zero_point:g}, {both.bit_width:g} bits, value {both.value.tolist()}")

# %% [markdown]
# `int()` refuses a, and it refuses b, for neither stands for integers. It accepts their sum, because 2.5 + 3.5 is whole.
#
# ### Three causes, one at a time
# **Cause 1, fractional zero points.** Same values, zero points 2 and 3: each value is now a whole number of steps.

# %%
whole_a, whole_b = a.set(zero_point=torch.tensor(2.0)), b.set(zero_point=torch.tensor(3.0))
print("integers of the sum ", (whole_a + whole_b).int().tolist())
print("sum of the integers ", (quant_tensor(whole_a) + quant_tensor(whole_b)).int().tolist())

# %% [markdown]
# The difference is gone. A zero point that ends in ½ moves *every* whole multiple of the scale on to a tie: the worst place there is.
#
# **Cause 2, values off the grid.** Scale 1, zero points 0: no fraction anywhere but in the values.

# %%
x, y = torch.tensor([0.375, 0.375])
print(f"round then add {x.round() + y.round():g}, add then round {(x + y).round():g}")

# %% [markdown]
# Two small fractions vanish one by one, and make a step together. There is no tie in it, so no tie rule helps.
#
# **Cause 3, the tie rule.** Count in halves of a step: a right shift by one bit rounds them to steps, by the rule that you name. Half up sends every tie up. First come 1 and ½, then 2 and ½, then the four pairs from above. At which of these six does half up bring the two sums together?

# %%
left = torch.cat([torch.tensor([2, 4]), (2 * a_steps).int()])  # 1, 2, then a
right = torch.cat([torch.tensor([1, 1]), (2 * b_steps).int()])  # ½, ½, then b
for rule in ("half_even", "half_up"):
    alone = qtutor.rounding_right_shift(left, 1, rule) + qtutor.rounding_right_shift(right, 1, rule)
    print(f"{rule:9} round then add", alone.tolist())
    print(f"{'':9} add then round", qtutor.rounding_right_shift(left + right, 1, rule).tolist())

# %% [markdown]
# Only at the first, and there the rule alone is the cause. 1 *is* on the grid, and still 1 + round(½) = 1 is not round(1½) = 2. Half to even asks which neighbour is even, and adding an odd number swaps the answer; adding the even 2 does not. (So two libraries disagreed at odd zero points in chapter 1.) Half up does not ask.
#
# In the last four *both* operands are ties, and half up is one too many each time instead of by turns. There the rule only decides which way the ties fall.
#
# **When do they agree?** Always, if both operands already lie on their own grids, scale · (q − zero_point): then nothing is rounded. Whole multiples of the scale lie there only when the zero point is whole. Else they are at most 1 apart, with any rounding to the nearest.
#
# <details><summary>Why not 2?</summary>
#
# Three roundings, of a, of b and of the sum, move by at most ½ each, together 1½ at most, and two integers differ by a whole number. With three operands there are four roundings: at most 2.
#
# </details>
#
# ### Explore
# Move a and b, the zero points and the rounding. On the map each mark is a pair (a, b) whose two sums differ; the sentence below counts them.

# %%
qtutor.two_sums_explorer()

# %% [markdown]
# The same as a still picture, at a = 1, b = ½:

# %%
show(draw_two_sums_map(new_axes(5, 5), zero_points=(0, 0), rounding="half_even", point=(1, 0.5)))

# %% [markdown]
# **Challenge.** It stands under the picture, and it has two steps. Meet the first with a negative a and a negative b.
#
# **Two questions**
# 1. Half to even, zero points 0, a = 1. At which b do the sums differ, and why at none of them when a = 2?
# 2. Half up, then floor, zero points 0. At which whole a do the sums differ?
#
# A rule of your own works too: call `qtutor.two_sums_explorer(int)`, which cuts the fraction off, and choose *own* under rounding.
#
# <details><summary>Answers</summary>
#
# Challenge: a = −1, b = −½ for example. Alone: −1 + 0 = −1. Together: −1½ is a tie and goes to −2. With half up both are −1.
#
# 1. At b = −1½, −½, ½, 1½: the ties. 1 is odd, so it moves each tie to one whose even neighbour is on the other side. 2 is even and moves nothing.
# 2. At none: with these rules one operand on the grid is enough. With both off the grid no rule is safe.
#
# </details>
#
# ## 5 What the addition is not
# The reference tutorial shows both sums and begins a sentence about what Brevitas's addition is not. Here is the end of it:
#
# > `a + b` is not what an adder does. **An adder on two registers of one scale has only the stored integers, and computes the sum of the integers. The simulation adds the real numbers, and computes the integer of the sum.** The two are equal where nothing had to be rounded.
#
# `quant_add` is that adder for Brevitas tensors. It returns the integers; or a tensor of them, with scale 1 and zero point 0; or the numbers that they stand for, with scale and zero point kept.

# %%
print("integers  ", quant_add(a, b).tolist())
for kind, out in (("quant_type", quant_add(a, b, quant_type=True)), ("keep_scale", quant_add(a, b, keep_scale=True))):
    print(f"{kind}: {int(out.bit_width)} bits, scale {out.scale:.1f}, zero point {out.zero_point:.0f}")
    print("  value", [round(v, 2) for v in out.value.tolist()], " int()", out.int().tolist())

# %% [markdown]
# The tutorial stops at `quant_type`: with scale 1 and zero point 0 the next layer would read 22 as the real number 22. `keep_scale` says what the register means: (22 − 6) · 0.2 = 3.2. The true sum is 3; the 0.2 too much is the price of two ties.
#
# ### Exercise 3.C
# One line: the adder without Brevitas. Two 8-bit tensors on one scale; return the integers and the zero point of the sum. The checker tries all 65,536 pairs. (`qtutor.hint("3.C")`, `qtutor.solution("3.C")`.)


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
# For u4 + s4 Brevitas's sum is too narrow. For which others? The next cell asks about all pairs to 8 bits, and lists for each format the partners with which the sum gets too few bits. Can you say the rule in two sentences, and name the smallest sum that breaks it?

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
# Every pair with a 1-bit operand: 60. And every mixed pair whose unsigned side is at least as wide as the signed one: from 2 bits on, 1 + 2 + … + 7 = 28 in either order, 56. Together 116.
#
# Brevitas computes ceil(log2(highest − lowest)). That misses twice. From 0 to 2 there are *three* values, but log2(2) = 1 bit: 1 + 1 in u1 is the smallest sum that breaks it. It hits 1-bit operands only, because highest − lowest, 2^m + 2^n − 2 for m and n bits, is a power of two only if one of them has 1 bit. The second miss you know: it counts values, where it should ask whether both ends fit.
#
# </details>
#
# ## 7 All of it at once: a shortcut around a block
# A residual network adds a block's output to its input, which comes by a shortcut. The two have different scales: whoever quantizes such a network meets the error of section 3 first. Here the block gives s4 at scale ½, the shortcut u4 at scale ¼, and the next layer wants scale 1.

# %%
block = to_brevitas(torch.tensor([-3, 1, 5, 7]), QParams(scale=0.5, bit_width=4, signed=True))
shortcut = to_brevitas(torch.tensor([1, 2, 2, 15]), QParams(scale=0.25, bit_width=4, signed=False))
exact = block.value + shortcut.value
print("block", block.value.tolist(), " shortcut", shortcut.value.tolist())
print("exact sums", exact.tolist())

# %% [markdown]
# There are three ways. At ¼: how many bits do the block and the sum need, and is there an error? Both moved to 1: how large can the error of the sum be? The third rounds once, *after* the sum. It is `qtutor.add` with `out`, the format that you want; `from_brevitas` takes a tensor apart into its integers and their format.

# %%
fine = quant_add(qtutor.quant_transform(block, 0.25, bit_width=5), shortcut, keep_scale=True)
coarse = quant_add(qtutor.quant_transform(block, 1.0), qtutor.quant_transform(shortcut, 1.0), keep_scale=True)
wanted = QParams(scale=1.0, bit_width=6, signed=True)
once = qtutor.add(*qtutor.from_brevitas(block), *qtutor.from_brevitas(shortcut), out=wanted)
ways = {"at 0.25": fine.value, "both at 1": coarse.value, "once, to 1": qtutor.dequantize(once, wanted)}
for name, real in ways.items():
    print(f"{name:10} {real.tolist()} largest error {(real - exact).abs().max():g}")
print("bits at 0.25:", int(fine.bit_width))

# %% [markdown]
# At ¼: ½ / ¼ = 2 is whole, so no error; −16 … 14 needs 5 signed bits, and s5 + u4 needs 6. Both at 1: ½ for each operand, so 1 at most, and it comes true: ½ + ½ and 2½ + ½ lose a whole step. Once: ½ at most.
#
# Does the last one compute the integer of the sum after all? Of the *stored* numbers, yes: a wide register holds their exact sum at ¼ before it is rounded. What was rounded away when they were stored stays lost; only a simulation still has it. So two chips can differ, too, and what counts is that the simulation does what yours does. (Brevitas's own way is one quantizer that both sides share before the addition.)
#
# ## Two boxes for later
# **Same label, other scale?** When are two scales different? Brevitas asks `torch.allclose`:

# %%
for first, second in ((0.2, 0.200002), (0.2, 0.20002), (1e-8, 2e-8)):
    print(f"{first:g} and {second:g} the same:", torch.allclose(torch.tensor(first), torch.tensor(second)))

# %% [markdown]
# A relative difference of 1e-5 passes, 1e-4 does not. But an absolute 1e-8 passes too, so a scale that small (a bias has the product of two scales) passes for its own double. `quant_add` compares with `==`.
#
# **A plain number.** What becomes of integers and zero point when you add a plain 0.1 to a tensor of scale 0.2?

# %%
before = to_brevitas(torch.tensor([7, 12]), QParams(scale=0.2, zero_point=2, bit_width=6, signed=False))
after = before + 0.1
print("before: integers", before.int().tolist(), "zero point", before.zero_point.item())
print("after:  integers", after.int().tolist(), "zero point", after.zero_point.item())

# %% [markdown]
# The integers stay, and the zero point moves: 0.1 is half a step of 0.2, so it ends in ½, and the tensor is where section 4 began.
#
# ## Quiz

# %%
quiz("3")

# %% [markdown]
# ## Key points
# - Integers add where the scales are equal. Zero points add with them.
# - The sum's format must hold both ends, lowest and highest. One more bit is not always enough: u4 + s4 needs 6.
# - To move to scale s′ costs at most s′/2, where nothing saturates. To a finer scale, count the bits first, at both ends.
# - An adder computes the sum of the integers, a simulation the integer of the sum. They agree where nothing is rounded: both operands on their own grids.
#
# ## Words
# | word | meaning |
# |---|---|
# | grid | the real numbers that a format can hold: scale · (q − zero_point) for every integer q of its range |
# | tie | a number half way between two integers; the rounding rule decides |
# | widen | to give integers a type, or a register, of more bits before they are added |
# | u4, s4 | 4 bits unsigned, 4 bits signed |
# | half up | the tie rule that sends every tie to the larger neighbour |
# | residual network, shortcut | a network that adds a block's output to its input; the way by which the input gets there |
#
# ## References
# - B. Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, [arXiv 1712.05877](https://arxiv.org/abs/1712.05877): the addition of two scales is in the appendix.
# - K. He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016, [arXiv 1512.03385](https://arxiv.org/abs/1512.03385): the shortcut.
# - Brevitas 0.13.4, [source](https://github.com/Xilinx/brevitas): `IntQuantTensor.__add__`, with the average of the scales and the width of the sum.
#
# ## What next
# You can add two numbers without losing one. [Chapter 4](04_multiply_and_accumulate.ipynb) adds thousands: a dot product multiplies and accumulates, and its register must hold every partial sum. `sum_format` is where it begins.
