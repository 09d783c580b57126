# %% [markdown]
# # 05 Requantize
# *About 70 minutes, after [Multiply and accumulate](04_multiply_and_accumulate.ipynb). Tested with torch 2.13.0 and brevitas 0.13.4.*
#
# **An accumulator is exact and 20 bits or more wide. How do integers alone make the next layer's 8 bits of it?**
#
# After this chapter you can
# 1. write a real multiplier as an integer and a shift, and bound its error before you run anything;
# 2. round in integers by any of six rules, say what each costs, and recognize a result that was rounded twice;
# 3. put the zero point and the saturation in their places, and say which published quantizer puts them elsewhere.
#
# You bring from chapter 1: real = scale · (q − zero_point), and four quantizers that give four answers; here they come back in integers. From chapter 2: saturate and wrap. From chapter 3: ties, half to even, half up. From chapter 4: accumulators. You will write a function `requantize`; the library's is called `qtutor.requantize`.

# %%
import json
from fractions import Fraction
from pathlib import Path

import torch
from brevitas.quant_tensor import IntQuantTensor

import qtutor
from qtutor import FixedPointMultiplier, QParams, check, check_env, predict, quiz, requantize_explorer, show
from qtutor.exercises.runtimes import onnx_quantize
from qtutor.kernels import ROUNDINGS, rounding_right_shift
from qtutor.pictures import draw_requantizer, new_axes

check_env()

# %% [markdown]
# ## 1 A multiplier without floats
# An accumulator counts steps of s_x · s_w, the scales of inputs and weights (chapter 4). The next layer counts steps of its own scale s_y. So each accumulator is multiplied by one real number, known when the network is built:
#
# **M = s_x · s_w / s_y**
#
# To *requantize* is to multiply by M and make an integer of the result again. Take s_x = ½, s_w = ¾, s_y = 1: M = 0.375. An accumulator of 22 stands for 8.25 of the new steps. The chip has no floats, but 0.375 is 3/8: multiply by 3, and drop three bits.

# %%
print("22 * 3      ", 22 * 3, f"= {22 * 3:b} in bits")
print("22 * 3 >> 3 ", 22 * 3 >> 3, f"   = {22 * 3 >> 3:b} in bits")

# %% [markdown]
# An integer, called the *mantissa*, and a *shift*, which divides by a power of two: `>> 3` by 8. This is *fixed point*. Multipliers are seldom so kind. Suppose that M is 0.3, and that your multiplier takes 3 bits: its integers are 0 … 7.

# %% tags=["predict"]
predict("5.1", "Which of these is nearest to 0.3?", options=["3 / 10", "2 / 8", "5 / 16", "10 / 32"])

# %%
for numerator, denominator in ((2, 8), (5, 16), (6, 16)):
    print(f"{numerator} / {denominator} =", numerator / denominator)
multiplier = FixedPointMultiplier.from_real(0.3, bits=3)
print("the library's choice:", multiplier.mantissa, "/ 2 **", multiplier.shift)

# %% [markdown]
# 5/16. It pays to take a mantissa as large as the bits allow, here 4 … 7: 2/8 leaves the top bit unused, and then the grid is twice as coarse. A mantissa that fills its bits is *normalized*.
#
# How wrong is 5/16? The nearest mantissa is half a unit away at most, and a normalized one is 2^(bits − 1) at least. So **the multiplier's relative error is at most 2^−bits**: an eighth for 3 bits. Here is 0.3 in more bits. (`Fraction("0.3")` is three tenths, which no float is.)

# %%
for bits in (3, 8, 16, 31):
    near = FixedPointMultiplier.from_real(0.3, bits)
    error = Fraction(near.mantissa, 2**near.shift) / Fraction("0.3") - 1
    fixed = f"{near.mantissa:10} / 2**{near.shift:<2}"
    print(f"{bits:2} bits: {fixed}  off by {float(error):+.1e}, at most {2.0**-bits:.1e}")

# %% [markdown]
# What does that do to an 8-bit output, 255 at most? With 8 bits of mantissa the error grows to 255 · 2^−8, nearly a whole step at the top of the range; with 16 to 0.004 steps. So 16 would do; gemmlowp, which you meet below, and this library take 31. Why not 32? The mantissa lives in an int32 register, whose top bit is the sign. Its product with an int32 accumulator then takes 63 bits with the sign, and the spare bit of an int64 leaves room to add half a step for the rounding.
#
# With a shift to the right a mantissa reaches down, not up. This cell fails on purpose:

# %% tags=["raises-exception"]
FixedPointMultiplier.from_real(5.0, bits=2)

# %% [markdown]
# Two bits end at 3. In a network M is below 1 nearly always, since an accumulator must become narrower.
#
# ### Exercise 5.A
# Find mantissa and shift. Python's `round` takes halves to the even neighbour, as `torch.round` does. What becomes of 0.97 in 3 bits, which is 7.76 / 2³? (`qtutor.hint("5.A")` helps, three times; `qtutor.solution("5.A")` shows ours.)


# %% tags=["ex-5.A"]
def to_fixed_point(real, bits):
    """Return (mantissa, shift): mantissa / 2**shift is the number nearest to real, with a mantissa of exactly `bits` bits.

    real is a Python float above 0, of a size that gives a shift of 0 … 62; bits is a Python int.
    Both answers are Python ints; 2**(bits - 1) <= mantissa < 2**bits. A tie goes to the even mantissa.
    """
    ...


# %%
check("5.A", to_fixed_point)

# %% [markdown]
# A float is such a pair, too: float32 keeps 24 bits of mantissa, float16 eleven. So the check asks these two for a second opinion.
#
# ## 2 Six ways to drop bits
# 22 · 3 = 66 is `1000010`, and the three bits that were dropped, `010`, were worth 0.25. Nobody asked them. Now take −1 and drop one bit. Half of −1 is −½, a tie.

# %% tags=["predict"]
predict("5.2", "int8: what is −1 >> 1 in torch?", options=[0, -1, 127])

# %%
print("-1 >> 1 is", (torch.tensor([-1], dtype=torch.int8) >> 1).item())
print("-7 >> 3 is", (torch.tensor([-7], dtype=torch.int8) >> 3).item(), "and -7 / 8 is", -7 / 8)

# %% [markdown]
# −1, and it stays −1 however often you shift. For signed integers, `>>` in torch and Python repeats the sign bit: an *arithmetic* shift. A *logical* one puts zeros in front, which would give 127. (In Verilog `>>` is logical even for signed numbers; the arithmetic one is `>>>`.) What an arithmetic shift drops is never worth less than 0. So **a bare shift is a floor**: it goes down, never to the nearest.
#
# To do better, look at what is dropped. It is a number from 0 to 2^shift − 1: `rest`. The floor is one too small where `rest` is more than half of 2^shift; at exactly half, a tie, the rule decides. Here are halves from −2½ to 2½ by the library's six:

# %%
halves = torch.tensor([-5, -3, -1, 1, 3, 5])
print(f"{'':12} −2.5 −1.5 −0.5  0.5  1.5  2.5")
for rule in ROUNDINGS:
    print(f"{rule:12}", *[f"{q:4}" for q in rounding_right_shift(halves, 1, rule).tolist()])

# %% [markdown]
# | rule | what is added to the floor | where you meet it |
# |---|---|---|
# | half_even | 1 if rest > half, or rest = half and the floor is odd | ONNX, torch.round, Brevitas |
# | half_up | the top bit of what was dropped: one carry | Verilog: `(x + half) >>> n`, with `x` declared `signed` and a bit of room for the sum |
# | half_away | as half_up, but a negative tie stays | C's `round`, TensorFlow Lite |
# | floor | nothing | `>>` |
# | ceil | 1 if anything was dropped | |
# | toward_zero | 1 if anything was dropped and the number is negative | C's cast to int, `/` in C |
#
# Half up is nearly free: the top one of the dropped bits becomes the carry of an adder that is often there anyway. Half to even needs an OR over all the other dropped bits besides. Is it worth that? Round every accumulator from −32768 to 32767, drop one bit, and take the mean of the errors. The last column is the largest single error.

# %% tags=["predict"]
predict("5.3", "One bit dropped, half up: the mean error, in steps?", options=["0", "1/4", "1/2"])

# %%
every, positive = torch.arange(-(2**15), 2**15), torch.arange(2**16)
print(f"{'bits dropped':12} {1:7} {4:7} {8:7}  1, none negative  largest, 8")
for rule in ROUNDINGS:
    cases = [(positive, 1), (every, 1), (every, 4), (every, 8)]
    errors = [rounding_right_shift(x, n, rule) - x / 2**n for x, n in cases]
    none_negative, *means = [f"{error.mean().item():+7.4f}" for error in errors]
    print(f"{rule:12}", *means, f"{none_negative:>17} {errors[-1].abs().max().item():11.4f}")

# %% [markdown]
# Half of all accumulators are ties when one bit is dropped, and half up sends them all the same way: + ¼ step on average. Such a mean error is called a *bias*. It does not cancel in the next sum: a thousand inputs, each ¼ step too high, move the sum by 250. With 8 bits dropped, ties are rare, and half up has next to no bias left. Floor's grows, to half a step.
#
# Half away from zero is fair only where as many numbers are negative as positive. Where none is negative, as after a ReLU, it is as biased as half up. And a mean of 0 is not all: toward zero has it too, as long as the signs balance, but a single error of its is nearly a whole step. The three that go to the nearest are never off by more than half.
#
# So the rule matters where bits are few: power-of-two multipliers with small shifts, averages, residual additions. And it matters whenever two implementations must agree bit for bit.
#
# ## 3 Twice is not once
# Drop three bits of 11, `1011`. 11/8 is 1.375, so 1. A chip may have a shifter of its own behind the multiplier and drop the bits in two strides: two, then one. Each stride rounds, half up.

# %% tags=["predict"]
predict("5.4", "11 / 4, rounded, then that / 2, rounded, half up both times:", options=[1, 2, 3])

# %%
eleven = torch.tensor([11])
stride = rounding_right_shift(eleven, 2, "half_up")
print("once ", rounding_right_shift(eleven, 3, "half_up").item())
print("twice", stride.item(), "and then", rounding_right_shift(stride, 1, "half_up").item())

# %% [markdown]
# The first rounding made 2.75 a 3, and 3/2 is a tie that 11/8 never was. The error is 0.625, more than half a step: no rule that goes to the nearest, applied once, does that.
#
# This happens in practice. gemmlowp, the integer library behind TensorFlow Lite, computes on 32-bit registers. It multiplies, keeps the rounded upper half of the product (31 bits dropped), and then drops the rest with a second rounding; TensorFlow Lite can be built to round once. gemmlowp's first rounding is half up, its second half away from zero.
#
# Take 1583594044 / 2^40, about 0.00144, as an ordinary layer may have it: 31 bits are dropped first, and 9 are left for the second rounding. The accumulator 7984 below was searched for; the cell after it shows how rare such a one is.

# %%
mantissa, shift = 1583594044, 31 + 9
product = torch.tensor([7984]) * mantissa
upper = rounding_right_shift(product, 31, "half_up")
print(f"exact {product.item() / 2**shift:.4f}")
print("once ", rounding_right_shift(product, shift, "half_away").item())
print("twice", rounding_right_shift(upper, 9, "half_away").item())
print("on the way:", upper.item(), "/ 512 =", upper.item() / 512)

# %% [markdown]
# The first rounding went up a little and met 11½ exactly, a tie; the second went up again. How often is the integer another one? That depends on how many bits are left for the second rounding. The cell tries, for five multipliers, every accumulator whose output is below 128:

# %%
for real in (0.9, 0.3, 0.1, 0.00144, 0.0001):
    near, every = FixedPointMultiplier.from_real(real), torch.arange(int(128 / real))
    products = every * near.mantissa
    upper = rounding_right_shift(products, 31, "half_up")
    twice = rounding_right_shift(upper, near.shift - 31, "half_away")
    wrong = every[twice != rounding_right_shift(products, near.shift, "half_away")]
    print(f"{real:<7} {near.shift - 31:2} bits left: {len(wrong):3} of {len(every):7}, first {wrong[:3].tolist()}")

# %% [markdown]
# With a multiplier of 0.3, one output in five, and the first of them is accumulator 1. One bit is left for the second rounding, so the first one counts halves of a step: 0.3 is 0.6 of them, rounded to 1 half; and ½ is rounded to 1. **1 · 0.3 becomes 1.** With small multipliers it is rare: one in a thousand, one in ten thousand. A test with a few random numbers misses it.
#
# ## 4 The zero point, and the end of the range
# Two steps are left: the zero point must be added, and the result must fit. Chapter 1 put the four numbers 0.5, 1.5, 2.5, −0.5 at scale 1 and zero point 1 through published quantizers. As accumulators they are 1, 3, 5, −1 with M = ½, so that all is integers now. Add the zero point after the rounding, or before, as 1 · 2 halves:

# %%
accumulators, zero_point = torch.tensor([1, 3, 5, -1]), 1
for rule in ("half_even", "half_away"):
    print(f"{rule}, then + 1", (rounding_right_shift(accumulators, 1, rule) + zero_point).tolist())
    print(f"+ 1, then {rule}", rounding_right_shift(accumulators + (zero_point << 1), 1, rule).tolist())

# %% [markdown]
# All four are different. Half to even asks whether the floor is odd. Any odd zero point swaps the answer; an even one does not (section 4 of chapter 3 met the same cause). Half away and toward zero ask on which side of zero a number lies, and adding 1 moves −½ to the other side. Floor, ceil and half up ask neither: for them the order makes no difference.
#
# This has a practical side. Brevitas, with which many networks are trained, adds the zero point *before* the rounding. Train there with an odd zero point, build a chip that adds it afterwards, and every tie comes out differently. Choose one order, and say so. Who does what? Three you can ask here.

# %%
x = torch.tensor([0.5, 1.5, 2.5, -0.5])
ours = IntQuantTensor(x, scale=1.0, zero_point=1.0, bit_width=4, signed=False, training=False)
fake = torch.fake_quantize_per_tensor_affine(x, scale=1.0, zero_point=1, quant_min=0, quant_max=255)
print("Brevitas           ", torch.round(ours._pre_round_int_value).int().tolist())
print("ONNX Runtime       ", onnx_quantize(x, scale=1.0, zero_point=1, signed=False).tolist())
print("torch.fake_quantize", (fake + 1).int().tolist())

# %% [markdown]
# The others' answers are stored with the course. They were computed for the *conformance table*, to which section 8 comes. (Without that file the cell says so, and the chapter goes on: the next table has these answers too.)

# %%
path = Path("../docs/conformance.json")
conformance = {"rows": [], "pitfall": {"answers": []}}
if path.exists():
    conformance = json.loads(path.read_text("utf-8"))
else:
    print("The table is not beside this notebook: it is docs/conformance.md in the project's repository.")
for answer in conformance["pitfall"]["answers"]:
    print(answer["integers"], answer["who"])

# %% [markdown]
# | who | the zero point comes | ties go | 0.5, 1.5, 2.5, −0.5 become |
# |---|---|---|---|
# | Brevitas; `torch.quantize_per_tensor` on x86 (chapter 1: elsewhere it may be 1 3 3 1) | before the rounding | to even | 2 2 4 0 |
# | ONNX Runtime; `torch.fake_quantize` | after | to even | 1 3 3 1 |
# | gemmlowp's example | before | away from zero | 2 3 4 1 |
# | TensorFlow Lite | after | away from zero | 2 3 4 0 |
#
# In hardware, after the rounding is the simpler place: the zero point is then a whole number of a few bits, added to a short result. And saturation? In 4 unsigned bits with zero point 3, take the rounded results −2, 5 and 14.

# %% tags=["predict"]
question = "−2, 5 and 14, zero point 3, 4 unsigned bits: saturate first and then add 3. What comes?"
predict("5.5", question, options=["1, 8, 15", "3, 8, 17", "3, 8, 15"])

# %%
rounded, zero_point = torch.tensor([-2, 5, 14]), 3
early = qtutor.saturate(rounded, bit_width=4, signed=False).to(torch.int32) + zero_point
print("saturate, then + 3", early.tolist())
print("+ 3, then saturate", qtutor.saturate(rounded + zero_point, bit_width=4, signed=False).tolist())

# %% [markdown]
# Saturated early, −2 is lost (it should become 1), and 17 does not fit. What must fit the register is the number that goes into it, so saturation comes last. That is the whole step, and the chapter's **one formula**:
#
# **q = saturate( round( accumulator · mantissa / 2^shift ) + zero_point )**
#
# One rounding, then the zero point, then one saturation. ReLU comes for nothing: take the zero point for the lower end, and what is negative becomes real zero. In an unsigned format with zero point 0 the lower end *is* the zero point.
#
# ### Exercise 5.B
# Write it in integers only, half to even. A network's every layer ends in this function; chapter 8 builds one with it. How many bits does the product need? (`qtutor.hint("5.B")`, `qtutor.solution("5.B")`.)


# %% tags=["ex-5.B"]
def requantize(accumulators, mantissa, shift, zero_point, bit_width, signed):
    """Return accumulators * mantissa / 2**shift, rounded once, half to even, then + zero_point, then saturated.

    accumulators is an int32 tensor; mantissa (1 … 2**31 - 1), shift (0 … 62), zero_point and bit_width (1 … 32) are Python
    ints, signed True or False. Integers only: no float on the way. The result is a tensor of an integer type.
    """
    ...


# %%
check("5.B", requantize)

# %% [markdown]
# The library's function takes the pair as a `FixedPointMultiplier` and the rest as a format. It does not read the format's own scale: s_y is in M already. A multiplier may also hold one pair for each output channel, where weights have one scale each:

# %%
sums = torch.tensor([[22, 22], [-9, 300]])
each = FixedPointMultiplier.from_real((0.375, 0.3), axis=-1)
print(qtutor.requantize(sums, each, QParams(scale=1.0, zero_point=3, bit_width=4, signed=False)).tolist())

# %% [markdown]
# 22 · 0.375 = 8.25 is 8 + 3 = 11; 22 · 0.3 = 6.6 is 7 + 3 = 10; −9 · 0.375 = −3.375 is −3 + 3 = 0; 300 · 0.3 = 90 saturates at 15.
#
# ## 5 Explore
# Choose a multiplier, the bits of its mantissa and a rounding. For each accumulator from −32 to 32 the map shows the error: the integer that is kept minus accumulator × multiplier. Inside the band, ½ step up and down, no integer is nearer.

# %%
requantize_explorer()

# %% [markdown]
# The same as still pictures, at accumulator 24: with a mantissa of 3 bits, and of 8.

# %%
show(draw_requantizer(new_axes(7, 4), 0.3, bits=3, rounding="half_even", accumulator=24))

# %%
show(draw_requantizer(new_axes(7, 4), 0.3, bits=8, rounding="half_even", accumulator=24))

# %% [markdown]
# The first cloud is tilted: 5/16 is too large by 1/80, so the error grows with the accumulator, and leaves the band at 24, for one. With 8 bits the tilt is too small to see.
#
# **Two questions**
# 1. Multiplier 0.3: 4 bits are no better than 3. Why, and when does the next bit help?
# 2. Multiplier 0.375 in 2 bits, half to even: nothing is missed. Switch to *half up, then half away*: two roundings, as in section 3. Which accumulators are missed, and why those?
#
# **Challenge.** It stands under the picture, in three steps. (Your own function works too: `requantize_explorer(requantize)`, in a cell of your own, and choose *own* under rounding.)
#
# <details><summary>Answers</summary>
#
# 1. 0.3 in 4 bits is 10/32, which is 5/16 again: 9.6 rounds to an even number. In 5 bits, 19.2/64 rounds to 19: the error is −1/320.
# 2. The first stride is as long as the mantissa: 2 bits of 3 · accumulator; the second is the one bit that is left. Missed are the accumulators where the first rounding goes up or down to a tie that was none. For 1: ¾ becomes 1, and ½ becomes 1; 0.375 should be 0. The map is not symmetric, because half up is not: 6 is 4½, then 5, then 2½, then 3, and 2.25 should be 2. But −6 is −4½, then −4, then −2, which is right.
#
# Challenge: 5 bits. Then half up, floor or ceil: each sends all ties the same way. Then, for example, 0.375 in any bits.
#
# </details>
#
# ## 6 Pitfall: one float32 multiplication
# Many runtimes keep M as a float32 and requantize with one multiplication and one rounding, half to even; ONNX Runtime's quantized matrix product does. It is quick, and nearly always right. Find an accumulator at which it gives another integer than 31-bit integers do: change `accumulator` and run the cell again. M is 0.3, or rather the float32 number nearest to it: both start from the same M. The smallest such accumulator is below 20. Where would you look?

# %%
accumulator = 7
M, wide = torch.tensor(0.3), QParams(scale=1.0, bit_width=32)
in_integers = FixedPointMultiplier.from_real(M.item())
print("float32 ", torch.round(torch.tensor([accumulator]).float() * M).int().item())
print("integers", qtutor.requantize(torch.tensor([accumulator]), in_integers, wide).item())

# %% [markdown]
# Have you found one? It must lie close to a tie. The next cell tries a million, and counts.

# %%
every = torch.arange(1_000_000)
as_float = torch.round(every.float() * M).int()
differ = every[as_float != qtutor.requantize(every, in_integers, wide)]
print(f"{len(differ):,} of {len(every):,} differ, the first at", differ[:4].tolist())
for n in (1, 5, 15):
    print(f"{n:2} * M is", float(Fraction(M.item()) * n), "and in float32", (torch.tensor(float(n)) * M).item())

# %% [markdown]
# float32 cannot hold 0.3; M, the number that it holds, is a little larger. 15 times M lies above 4.5, so 5 is the nearest integer. But the product of two mantissas of 24 bits needs 48, and float32 rounds it to 24: to 4.5, a tie, and half to even makes it 4. **It is double rounding again**: once into float32, once to an integer.
#
# Why not at 5? There float32 makes a tie too, 1.5; but the even neighbour of 1.5 is the upper one, 2, and that is right by luck.
#
# Neither is far off: they differ by one step where the exact number lies almost half way. 0.3 is an unlucky multiplier, with every tenth accumulator close to a tie; at most others it is far rarer, and section 8 has a rate. But a hardware test that compares bit for bit stops at the first. So say *how* you rescale, not only by what.
#
# Sections 7 and 8 are for looking things up. If you have been here an hour, go on to the quiz, and come back when you need them.
#
# ## 7 Box: `ap_fixed`, in our words
# High-level synthesis, which makes circuits from C++, has a type for fixed point: `ap_fixed<W, I>` is a signed integer of W bits with scale 2^−(W − I) and zero point 0 (chapter 1). To assign a wide one to a narrow one is to requantize with a power of two: a shift by the difference of their fraction bits. Unless you say otherwise it floors and *wraps*. Here four numbers of `ap_fixed<16, 8>`, with 8 bits of fraction, are assigned to `ap_fixed<8, 4>`, with 4:

# %%
wide_integers = torch.tensor([-1, 40, 2040, 2047])
print("real      ", (wide_integers / 256).tolist())
default = qtutor.wrap(rounding_right_shift(wide_integers, 4, "floor"), bit_width=8, signed=True)
careful = qtutor.saturate(rounding_right_shift(wide_integers, 4, "half_even"), bit_width=8, signed=True)
half_careful = qtutor.wrap(rounding_right_shift(wide_integers, 4, "half_even"), bit_width=8, signed=True)
print("default   ", (default / 16).tolist())
print("round only", (half_careful / 16).tolist())
print("both      ", (careful / 16).tolist())

# %% [markdown]
# The default makes −1/256 a −1/16. The line in the middle is a trap: whoever asks for rounding and leaves the wrapping *creates* an overflow. Cut off, 7.97 fits; rounded to the nearest it is 8, and 8 wraps to −8. Rounding can make the top value one step larger: so saturate, or add a bit in front.
#
# <details><summary>Its modes, as far as they have names here</summary>
#
# | its mode | in our words |
# |---|---|
# | `AP_TRN` (default) | floor |
# | `AP_TRN_ZERO` | toward_zero |
# | `AP_RND` | half_up |
# | `AP_RND_INF` | half_away |
# | `AP_RND_CONV` | half_even |
# | `AP_RND_ZERO`, `AP_RND_MIN_INF` | ties toward zero, ties down: not among our six |
# | `AP_WRAP` (default), `AP_SAT` | wrap, saturate |
# | `AP_SAT_SYM` | saturate with narrow_range |
# | `AP_SAT_ZERO`, `AP_WRAP_SM` | 0 for what does not fit; wrapping by sign and magnitude: no functions of ours |
#
# </details>
#
# ## 8 For reference: who agrees with whom
# Is each published quantizer one of our settings? For every one we looked for settings of this library's kernels that give the same integers, bit for bit, and tried them on all inputs of a domain, or on many. The *conformance table* has the result, in rows: a quantizer, a setting, and how many cases differ. (Without the file of section 4 these cells stay empty.) `x86` stands for one instruction of PC processors, VPMADDUBSW, which multiplies bytes and saturates the sum of each two products at 16 bits.

# %%
rows = conformance["rows"]
print(f"{'library':12} {'version':12} rows  no mismatch      cases")
for library in dict.fromkeys(row["library"] for row in rows):
    own = [row for row in rows if row["library"] == library]
    version = own[0]["version"] if own[0]["source"] == "library" else "as described"
    same = sum(row["mismatches"] == 0 for row in own)
    print(f"{library:12} {version:12} {len(own):4} {same:12} {sum(row['cases'] for row in own):10,}")

# %% [markdown]
# *As described* means that we wrote the quantizer down from its published description, and ran that: the library itself was not there. All other rows ran the library. Where are the mismatches?

# %%
for row in rows:
    if row["mismatches"]:
        kind = "unmatched" if row["id"].endswith("other_scales") else "compared"
        print(f"{kind:9} {row['id']:50} {row['mismatches'] / row['cases']:8.4%}")

# %% [markdown]
# *Unmatched*: no setting of ours gives the same, because these quantizers compute in float32, as in section 6. *Compared*: another row matches this quantizer, and this one counts how far it is from a setting that you might have expected: `plain` from that of ONNX, `against_once` two roundings from one, `against_exact` a sum that saturates inside (chapter 4) from the exact one.
#
# To look a row up, change the name. `settings` is what was evaluated, in this library's words. (TensorFlow Lite's shift counts to the left, so it is negative here, and ours is `-shift`.)

# %%
name = "TFLite.MultiplyByQuantizedMultiplier"
for row in rows:
    if row["id"] == name:
        print(f"settings: {row['settings']}\nmismatches: {row['mismatches']} of {row['cases']:,}")

# %% [markdown]
# All rows are written out in `docs/conformance.md`, which the web site shows too. `python3 run.py conformance` counts them again.
#
# ## Quiz

# %%
quiz("5")

# %% [markdown]
# ## Key points
# - M = s_x · s_w / s_y becomes mantissa / 2^shift. With a normalized mantissa the relative error is at most 2^−bits.
# - A bare shift is a floor: a quarter to half a step too low on average, and nearly a whole one at worst. Half up is cheap, and biased where ties are common; half to even is not.
# - Round once. Two roundings in a row make ties that were none, in a chip's second shifter as in a float32 product.
# - The order is: multiply, round, add the zero point, saturate. Half to even (with an odd zero point), half away and toward zero give something else if the zero point comes before the rounding.
# - Multiplier, rounding and order belong to the specification: published quantizers agree on none of them.
#
# ## Words
# | word | meaning |
# |---|---|
# | requantize | to bring accumulators to the scale, zero point and range of the next layer |
# | multiplier | the real number s_x · s_w / s_y |
# | mantissa, shift | the integer and the power of two that stand for it: mantissa / 2^shift |
# | normalized | with a mantissa that fills its bits |
# | fixed point | integers with an agreed power of two behind them |
# | arithmetic shift | a shift to the right that keeps the sign |
# | rest | what a shift drops |
# | bias | a mean error that is not zero (not the bias that a layer adds) |
# | double rounding | to round, and round the result |
#
# ## References
# - B. Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, [arXiv 1712.05877](https://arxiv.org/abs/1712.05877), section 2.2: the multiplier as a mantissa and a shift.
# - gemmlowp, [fixedpoint.h](https://github.com/google/gemmlowp/blob/master/fixedpoint/fixedpoint.h) and [quantization.md](https://github.com/google/gemmlowp/blob/master/doc/quantization.md): the two roundings, and the example that adds the zero point first.
# - ONNX operators [QuantizeLinear](https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html) and [QLinearMatMul](https://onnx.ai/onnx/operators/onnx__QLinearMatMul.html).
# - AMD, *Vitis High-Level Synthesis User Guide*, UG1399, [quantization modes](https://docs.amd.com/r/en-US/ug1399-vitis-hls/Quantization-Modes) of `ap_fixed`.
#
# ## What next
# Every layer now ends in integers. But M came from three scales, and nobody has said yet where a scale comes from. [Chapter 6](06_choose_the_scale.ipynb) chooses one, from the values at hand.
