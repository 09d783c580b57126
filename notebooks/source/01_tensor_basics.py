# %% [markdown]
# # 01 Tensor basics
# *About 55 minutes, after [Welcome](00_welcome.ipynb). Tested with torch 2.13.0 and brevitas 0.13.4.*
#
# **A tensor says "4 bits, scale 0.1". Which integers does it hold, and who computed them?**
#
# After this chapter you will be able to
#
# 1. give the integer of any value, scale and zero point by hand, ties included, and say in which order rounding and zero point act;
# 2. name the six attributes that are stored, tell them from what is derived, and say whether `int()` will accept a tensor;
# 3. find an input on which two published quantizers give different integers, and say why.

# %%
import warnings
from fractions import Fraction

import onnx
import onnxruntime
import torch
from brevitas.function.ops_ste import round_ste
from brevitas.quant_tensor import IntQuantTensor
from brevitas.quant_tensor.base_quant_tensor import TOLERANCE

import qtutor
from qtutor import QParams, check, check_env, dequantize, predict, quantize, quantizer_explorer, quiz, show
from qtutor.pictures import draw_digit, draw_number_line, draw_staircase, new_axes

warnings.filterwarnings("ignore", message="torch.quantize_per_tensor")  # torch announces that it will remove it
check_env()

# %% [markdown]
# ## What is in memory?
#
# Brevitas is a library that trains quantized networks in PyTorch. Its quantized tensor is called `IntQuantTensor`. You give it six things:
#
# | field | here | means |
# |---|---|---|
# | `value` | 0.0 … 9.0 | the numbers that you pass in |
# | `scale` | 0.1 | what one step of the integers is worth |
# | `zero_point` | 1 | the integer that stands for real 0.0 |
# | `bit_width` | 8 | how many bits an integer has |
# | `signed` | False | the integers start at 0: 0 … 255 |
# | `training` | False | we evaluate; nothing is being trained |
#
# Each number has its integer: divide by the scale, add the zero point, round. So 3.0 has 3.0 / 0.1 + 1 = 31, and the ten have 1, 11, …, 91.

# %% tags=["predict"]
predict(
    "1.1",
    "IntQuantTensor of 0.0 … 9.0, scale 0.1, zero point 1, 8 bits, unsigned: what is in memory?",
    options=["ten uint8: 1, 11, …, 91", "ten float32: 0.0, 1.0, …, 9.0", "ten float32: 1.0, 11.0, …, 91.0"],
)

# %%
t = IntQuantTensor(torch.arange(10.0), scale=0.1, zero_point=1.0, bit_width=8.0, signed=False, training=False)
print(t.value.tolist())
print(t.value.dtype, "of", t.value.element_size(), "bytes each")

# %% [markdown]
# Floats, the ones that we gave. No integer has been computed, and nothing is smaller: each element takes 32 bits, whatever `bit_width` says. A *training* library works this way on purpose. It simulates integers with floats, so that PyTorch can differentiate through them.
#
# It has a consequence. Claim 4 bits for the same ten numbers, though 4 unsigned bits end at 15:

# %%
claim = IntQuantTensor(torch.arange(10.0), scale=0.1, zero_point=1.0, bit_width=4.0, signed=False, training=False)
print(claim.value.tolist(), "accepted")
print("is_valid:", claim.is_valid)

# %% [markdown]
# Accepted, and not valid. `bit_width` is a claim, and it is checked only when somebody asks. Chapter 2 begins here.
#
# ## Six attributes
#
# This is what the tensor prints. Look at the scale.

# %%
print(t)

# %% [markdown]
# We gave a Python number, 0.1, which is a 64-bit float. Brevitas keeps a float32 tensor, and the float32 nearest to 0.1 is a little larger: 0.10000000149. The same happens to a zero point and a bit width that you pass as Python numbers. They become float32 tensors, integers or not. (Only `value` stays as you give it. Give it floats: with `torch.arange(10)`, an integer tensor, `is_valid` stops with a bare `KeyError`.)

# %%
for name in t._fields:
    print(f"{name:11} {getattr(t, name).dtype}")
print(f"scale       {t.scale.item():.11f}")

# %% [markdown]
# `signed` and `training` were stored under other names: `signed_t` and `training_t`, with *t* for tensor. Without the *t* you get a Python bool, made from it at that moment.

# %%
print("signed  ", t.signed, "  signed_t  ", t.signed_t)
print("training", t.training, "  training_t", t.training_t)

# %% [markdown]
# | stored, a tensor each | derived, computed each time you ask |
# |---|---|
# | `value`, `scale`, `zero_point`, `bit_width`, `signed_t`, `training_t` | `signed`, `training`, `is_valid`, `int()`, `_pre_round_int_value` |
#
# One more thing about `value`. It is tempting to read it as the raw data that is still to be quantized. By the library's contract it is the opposite end: the **dequantized** number, the real number for which an integer stands. `int()` goes back to that integer.
#
# ## Who computes the integers?
#
# `int()` does, at each call. It takes the three steps from above; here they are by hand as well (*manual*), and from inside the library.

# %%
manual = torch.round(t.value / t.scale + t.zero_point)
print("int()                    ", t.int().tolist(), t.int().dtype)
print("int(float_datatype=True) ", t.int(float_datatype=True).tolist(), t.int(float_datatype=True).dtype)
print("manual                   ", manual.tolist())
print("_pre_round_int_value     ", t._pre_round_int_value.tolist())
print("round_ste of it          ", round_ste(t._pre_round_int_value).tolist())

# %% [markdown]
# Five roads, one result. Follow one element: 3.0 / 0.1 = 30 steps, plus 1, is 31.
#
# - `int()` gives a real integer type: int8 or uint8 up to 8 bits, int32 beyond.
# - `int(float_datatype=True)` gives the same integers in a float tensor. Why anyone wants that comes below, in *Integers and training*.
# - `_pre_round_int_value` is the number before rounding. The underscore says that it is private: a later release may rename it without notice.
# - `round_ste` is the rounding that Brevitas uses. To the numbers it does what `torch.round` does.
#
# Does the formula need its rounding? On the tensor above you cannot tell, because every quotient is whole. Here you can:

# %%
steps = torch.tensor([0.9]) / 0.3 + 1
print("before rounding:", steps.item())
print("cut to int:", steps.int().item(), "  rounded:", torch.round(steps).int().item())

# %% [markdown]
# 0.9 is three steps of 0.3, plus 1 is 4. In float32 the quotient falls just short of 3, and without rounding the stored integer would be 3. Rounding belongs to the formula.
#
# <details><summary>Three slips of the tutorial from which this course grew</summary>
#
# This chapter shows all that its first part shows (it is a public notebook on Brevitas 0.11), so you may compare. There, `value` is called the raw data; the formula lacks its rounding; and some prints are labelled *manual* or *round_ste* but print another variable, which rows that are all equal hide. Here each label stands in front of what it names.
#
# </details>
#
# ### The same in two and three dimensions
#
# Nothing changes but the shape: scale and zero point belong to the whole tensor, and each element goes its own way. In the first tensor below the scale is 0.2 and the zero point 2; in the second they are 0.5 and 3.

# %%
a, b = torch.arange(16.0).reshape(4, 4), torch.arange(32.0).reshape(2, 4, 4)
t2 = IntQuantTensor(a, scale=0.2, zero_point=2.0, bit_width=8.0, signed=False, training=False)
t3 = IntQuantTensor(b, scale=0.5, zero_point=3.0, bit_width=8.0, signed=False, training=False)
for t in (t2, t3):
    before = t._pre_round_int_value
    others = [t.int(float_datatype=True), torch.round(t.value / t.scale + t.zero_point), round_ste(before)]
    print(t.int())
    print("_pre_round_int_value:", before.tolist())
    print("manual, round_ste and int(float_datatype=True) are the same:", all(torch.equal(before, x) for x in others))

# %% [markdown]
# <details><summary>Check one of each by hand: 5.0 in the first, 21.0 in the second.</summary>
#
# 5.0 / 0.2 + 2 = 27: second row, second column. 21.0 / 0.5 + 3 = 45: second block, second row, second column.
#
# </details>
#
# ## Half way between two integers
#
# Everything was whole so far. Now the values lie exactly half way between two integers: each is a **tie**.

# %% tags=["predict"]
predict(
    "1.2",
    "Values 0.5 1.5 2.5 3.5, scale 1, zero point 0. Which integers?",
    options=["1 2 3 4", "0 1 2 3", "0 2 2 4", "1 1 3 3"],
)

# %% [markdown]
# `int()` would refuse these values, because they are too far from an integer (more on that below). So we do its work by hand, in two steps: the number before rounding, then `round_ste`.

# %%
ties = torch.tensor([0.5, 1.5, 2.5, 3.5])
t = IntQuantTensor(ties, scale=1.0, zero_point=0.0, bit_width=4.0, signed=False, training=False)
print(round_ste(t._pre_round_int_value).int().tolist())

# %% [markdown]
# 0 2 2 4. A tie goes to the **even** neighbour, in `torch.round` as in Python's `round` and in most hardware that computes with floats. The reason is fairness: 0.5 + 1.5 + 2.5 + 3.5 = 8, and so is 0 + 2 + 2 + 4. The rule from school, *half up*, gives 1 + 2 + 3 + 4 = 10. Over a million sums that is a bias.
#
# Now move the zero point by one.

# %% tags=["predict"]
predict(
    "1.3",
    "The same values, scale 1, zero point 1. Which integers does Brevitas give?",
    options=["1 3 3 5", "2 2 4 4", "2 3 4 5", "1 2 3 4"],
)

# %%
t = IntQuantTensor(ties, scale=1.0, zero_point=1.0, bit_width=4.0, signed=False, training=False)
print("Brevitas             ", round_ste(t._pre_round_int_value).int().tolist())
onnx_like = QParams(scale=1.0, zero_point=1, bit_width=4, signed=False)
print("quantize, as ONNX has", quantize(ties, onnx_like).tolist())

# %% [markdown]
# If you said 1 3 3 5, you gave ONNX Runtime's answer, and `quantize` of this course follows it. Both libraries round ties to even. They differ in *when*:
#
# | library | 0.5 | becomes |
# |---|---|---|
# | Brevitas | adds the zero point first, then rounds: 0.5 + 1 = 1.5 | 2 |
# | ONNX | rounds first, then adds: 0 + 1 | 1 |
#
# The added 1 moves each tie from between an even and an odd number to between an odd and an even one, so the even neighbour lies on the other side. An odd zero point turns every tie around; an even one changes nothing. One order is not better than the other, but a network trained with one and run with the other is off by one wherever a tie meets an odd zero point.
#
# ## The formula
#
# One line holds the chapter. An integer *q* stands for the real number
#
# ```
# real = scale * (q - zero_point)
# ```
#
# `value` is the left side. Backwards, from real to integer, there is a division and so a rounding. This course keeps ONNX's order, and a number beyond the range gets the nearest end of it (it *saturates*):
#
# ```
# q = saturate(round(real / scale) + zero_point)
# ```
#
# Five values in 4 signed bits, scale ½, zero point 2. Crosses are given, dots are stored, and the row named *integer* holds the integers. The marks on the line are the **grid**, the real numbers that have an integer; neighbours are one **step** apart. From the lowest mark to the highest is the **window**.

# %%
halves = QParams(scale=0.5, zero_point=2, bit_width=4, signed=True)
x = torch.tensor([-4.3, -2.6, 0.0, 0.4, 2.2])
show(draw_number_line(new_axes(), x, halves))

# %%
q = quantize(x, halves)
print("stored:", q.tolist())
print("real:  ", dequantize(q, halves).tolist())

# %% [markdown]
# Real 0.0 sits on the integer 2, the zero point, and comes back as exactly 0.0. No other value here is that lucky: each is moved, by up to half a step.

# %% [markdown]
# ## A tensor that `int()` refuses
#
# `int()` asks `is_valid` first. Is the number before rounding close enough to an integer, and is that integer inside the range? One step is 0.1 below, so 0.39 is 3.9 steps.

# %% tags=["predict"]
predict(
    "1.4",
    "Value 0.39, scale 0.1, zero point 0, 8 bits unsigned. What does int() do?",
    options=["it gives 4", "it gives 3", "it refuses: 3.9 is no integer"],
)

# %%
near = IntQuantTensor(torch.tensor([0.39]), scale=0.1, zero_point=0.0, bit_width=8.0, signed=False, training=False)
print(near.is_valid, near.int().tolist())
print({str(kind): tolerance for kind, tolerance in TOLERANCE.items()})

# %% [markdown]
# It gives 4. The second line is Brevitas's own list: a float32 tensor may be off the grid by less than 0.2 of a step, and a float16 tensor may be nearly anywhere. The room is meant for rounding errors of the floats, and it is a wide room. 0.35 is 3.5 steps, half a step off. `set` makes a copy with another value. The next cell fails, and is meant to:

# %% tags=["raises-exception"]
far = near.set(value=torch.tensor([0.35]))
far.int()

# %% [markdown]
# "Not valid" does not say which of the two it is, so ask for the number before rounding. There are two ways on: round it yourself, or quantize the real numbers first and build the tensor from what is on the grid.

# %%
print("steps:      ", round(far._pre_round_int_value.item(), 4))
print("round_ste:  ", round_ste(far._pre_round_int_value).int().tolist())
eight = QParams(scale=0.1, bit_width=8, signed=False)
on_grid = dequantize(quantize(far.value, eight), eight)
print("on the grid:", round(on_grid.item(), 4), "valid:", far.set(value=on_grid).is_valid)

# %% [markdown]
# ## Exercise 1.A: from integers to real numbers
#
# Write the first formula. Replace the `...`, run the cell, then run the check. If you are stuck: `qtutor.hint("1.A")`, three times if you like; `qtutor.solution("1.A")` shows our lines.


# %% tags=["ex-1.A"]
def to_real(q, scale, zero_point):
    """Return the real numbers for which the stored integers q stand: a float tensor in the shape of q.

    q is a tensor of uint8 or int32, scale a Python float, zero_point a Python int.
    """
    ...


# %%
check("1.A", to_real)

# %% [markdown]
# <details><summary>The check shows 255, and you expected −1?</summary>
#
# Then the subtraction was done in uint8, the type in which the integers came. It has no −1: from 0 it goes round to 255, without a word. Before you subtract, give `q` a type that has negative numbers and is wide enough for an int32. Chapter 2 looks at this more closely.
#
# </details>

# %% [markdown]
# ## Explore: step and window
#
# 65 values, −4 … 4 in eighths, and what is stored for each. Move one control at a time, and read the line of words. **Which of the four changes the step? Which changes the length of the window, and which only moves it?**

# %%
quantizer_explorer()

# %% [markdown]
# <details><summary>Our answer</summary>
#
# The scale changes the step, and with it the length of the window. The bit width changes the length alone: one bit more doubles the number of integers, and the step stays. `signed` and the zero point only move the window, by whole steps.
#
# </details>
#
# <details><summary>How do you make the steps finer and keep the window?</summary>
#
# Halve the scale, and pay with one bit. At step 0.25, 5 bits give the window −4 … 3.75.
#
# </details>
#
# Now look at the stairs, here at the explorer's start. They are not equally wide. **Is that a bug?**

# %%
half_steps = QParams(scale=0.5, bit_width=4, signed=True)
show(draw_staircase(new_axes(6, 4), half_steps))

# %%
eighths = torch.arange(-32, 33) / 8
per_integer = torch.bincount(quantize(eighths, half_steps).int() + 8)
print("values stored as −8, −7, …, 7:", per_integer.tolist())

# %% [markdown]
# <details><summary>Our answer</summary>
#
# Ties to even, at work. At step 0.5 the values 0.25, 0.75, 1.25, … are ties. An even integer gets the ties on both of its sides, so 5 of our values; an odd one gets neither, so 3. (The two ends are cut off: below −4 there are no values, and the last stair takes in what saturates.)
#
# </details>
#
# **Challenge.** It stands below the sliders, too. 4 bits, signed, zero point 0: which is the smallest scale on the list at which none of −4 … 4 saturates? Keep that scale and switch to unsigned: which zero points keep all values inside?
#
# <details><summary>Our answer</summary>
#
# Scale 0.7. The largest signed integer is 7: at 0.5 the value 4 wants 4 / 0.5 = 8, at 0.7 it wants 5.7, which rounds to 6. Unsigned at 0.7, the values need the integers −6 … 6 plus the zero point, and these must lie in 0 … 15: zero points 6, 7, 8 and 9.
#
# </details>
#
# The one insight to keep: **the scale sets the step and, with the width, the length of the window; sign and zero point only slide it.**

# %% [markdown]
# ## Integers and training
#
# Why does Brevitas carry floats at all? Training asks one question of every operation: *if the input moves a little, how does the output move?* An integer cannot move a little, and torch does not let an integer tensor take part. Follow three weights, with `requires_grad`. (`training=True` is a note for other code; it changes nothing in this cell.)

# %%
w = torch.tensor([0.0, 0.3, 0.6], requires_grad=True)
t = IntQuantTensor(w, scale=0.1, zero_point=1.0, bit_width=8.0, signed=False, training=True)
print("int()                   ", t.int().tolist(), "  takes part:", t.int().requires_grad)
as_floats = t.int(float_datatype=True)
print("int(float_datatype=True)", as_floats.tolist(), "takes part:", as_floats.requires_grad)

# %% [markdown]
# The step to an integer type cuts the graph: the first line has left training, the second has not. `float_datatype=True` is for this: integers by value, floats by type, so that a gradient can pass.
#
# But can it? Rounding is a staircase: flat almost everywhere. Its true slope is 0, and with 0 nothing is ever learnt. Compare:

# %%
(true_slope,) = torch.autograd.grad(torch.round(w / 0.1 + 1).sum(), w)
(straight,) = torch.autograd.grad(as_floats.sum(), w)
print("through torch.round:", true_slope.tolist())
print("through round_ste:  ", straight.tolist())

# %% [markdown]
# `round_ste` rounds on the way forward and, on the way back, pretends that it did nothing: its slope is taken to be 1. The name says so: a **s**traight-**t**hrough **e**stimator. What is left is the slope of the division, 1 / 0.1 = 10. So the sentence that the tutorial leaves unfinished ends like this: *`round_ste` is `torch.round` with a gradient that training can use.* Chapter 7 trains with it.
#
# ## Exercise 1.B: from real numbers to integers
#
# Now the way back, **as Brevitas does it**: the order matters. The next chapters begin with it. Help: `qtutor.hint("1.B")`, `qtutor.solution("1.B")`.


# %% tags=["ex-1.B"]
def to_integers(value, scale, zero_point):
    """Return the integers of value as Brevitas computes them: a tensor of an integer type in the shape of value.

    value is a float32 tensor, scale a Python float, zero_point a Python int. Nothing is clamped,
    and int32 holds every integer.
    """
    ...


# %%
check("1.B", to_integers)

# %% [markdown]
# ## A handwritten digit in 8, 4, 2 and 1 bits
#
# Real data: a scan of 8 by 8 pixels, grey levels from 0 (paper) to 16 (ink). For each width we choose the scale so that the largest integer stands for 16: with *b* bits, 16 / (2^*b* − 1). How few bits do you need to read it? Decide, then run.

# %%
scans, labels = qtutor.load_digits()
scan = scans[2].float()
formats = {bits: QParams(scale=16 / (2**bits - 1), bit_width=bits, signed=False) for bits in (8, 4, 2, 1)}
stored = {bits: quantize(scan, formats[bits]) for bits in formats}
show(draw_digit(new_axes(7, 7.6), stored))

# %%
print("someone wrote a", labels[2].item(), "with", len(scan.unique()), "different grey levels")
for bits, q in stored.items():
    step, error = formats[bits].scale, (dequantize(q, formats[bits]) - scan).abs().max().item()
    print(f"width {bits}: step {step:6.3f}, largest error {error:.3f}, third row {q[2].tolist()}")
print("third row of the scan:", scan[2].int().tolist())
print("grey level 8, in steps:", [round((torch.tensor(8.0) / qparams.scale).item(), 7) for qparams in formats.values()])

# %% [markdown]
# The largest error is about half a step at every width: that is all rounding can do, as long as nothing saturates. 4 bits keep all the grey levels of this scan apart; 1 bit keeps only ink or paper, and you can read it still.
#
# <details><summary>A pixel of grey level 8 lies half way between paper and ink. What does 1 bit make of it, and why?</summary>
#
# Paper. 8 / 16 = 0.5 is a tie, and its even neighbour is 0. You see it twice in the third row.
#
# </details>
#
# <details><summary>At 8 and at 4 bits the same pixel shows 127 and 7. By hand it is 127.5 and 7.5, two ties, and the even neighbours are 128 and 8. What happened?</summary>
#
# The scale was rounded as well. Neither 16/255 nor 16/15 is a float32. Both times the nearest one is a little larger, so the quotient falls a little short of the tie: read the last line of the output. (16/3 is rounded up, too, but there the division itself rounds back to 1.5.) Ties by hand need not be ties in the machine.
#
# </details>

# %% [markdown]
# ## Pitfall: break a published quantizer
#
# Here are two published quantizers side by side: Brevitas, and QuantizeLinear as ONNX Runtime executes it. The next cell builds a model that holds this one operator.

# %%
text = '<ir_version: 8, opset_import: ["": 13]> q (float[n] x, float s, uint8 z) => (uint8[n] y) { y = QuantizeLinear(x, s, z) }'
session = onnxruntime.InferenceSession(
    onnx.parser.parse_model(text).SerializeToString(), providers=["CPUExecutionProvider"]
)

# %% [markdown]
# **Your turn.** Change `x` (as many values as you like, all in eighths) or `zero_point` (a whole number, 0 … 255) until the two lines differ. Both lines saturate at 0 and 255, so that cannot be the reason. Then make the change as small as you can.

# %%
x, zero_point = torch.tensor([0.25, 0.5, 0.75]), 2
feed = {"x": x.numpy(), "s": torch.tensor(1.0).numpy(), "z": torch.tensor(zero_point, dtype=torch.uint8).numpy()}
t = IntQuantTensor(x, scale=1.0, zero_point=float(zero_point), bit_width=8.0, signed=False, training=False)
print("Brevitas    ", round_ste(t._pre_round_int_value).clamp(0, 255).int().tolist())
print("ONNX Runtime", session.run(None, feed)[0].tolist())

# %% [markdown]
# <details><summary>Our answer</summary>
#
# Leave `x` and set the zero point to 1: 0.5 is 2 for Brevitas and 1 for ONNX Runtime. You need a tie *and* an odd zero point. At even zero points the two agree.
#
# </details>
#
# Is that all there is to find? Let us count over the 65 eighths from −4 to 4, with each order:

# %%
for zero_point in range(4):
    differ = torch.round(eighths + zero_point) != torch.round(eighths) + zero_point
    print(f"zero point {zero_point}: {int(differ.sum())} of 65 differ")
print("the last ones:", eighths[differ].tolist())

# %% [markdown]
# Eight of 65, and they are the eight ties between −4 and 4. At zero points 0 and 2 nothing differs.
#
# Now the strangest of them. PyTorch has a quantizer, and a *fake* quantizer: the simulator that training uses so as to know what the quantizer will do. Here is the quantizer, on three ties and a negative one:

# %% tags=["nbval-ignore-output"]
x = torch.tensor([0.5, 1.5, 2.5, -0.5])
real = torch.quantize_per_tensor(x, scale=1.0, zero_point=1, dtype=torch.quint8).int_repr().tolist()
order = {(2, 2, 4, 0): "adds first", (1, 3, 3, 1): "rounds first"}
print("torch.quantize_per_tensor", real, order[tuple(real)])

# %% [markdown]
# And here are its simulator, and the four orders that published quantizers use. (The simulator returns real numbers; we add the zero point back to see the integers.)

# %%
fake = torch.fake_quantize_per_tensor_affine(x, scale=1.0, zero_point=1, quant_min=0, quant_max=255)
whole = QParams(scale=1.0, zero_point=0, bit_width=4, signed=False)
print("torch.fake_quantize      ", (fake + 1).int().tolist())
print("+ 1, then half to even   ", quantize(x + 1, whole).tolist())
print("half to even, then + 1   ", quantize(x, onnx_like).tolist())
print("+ 1, then half away      ", quantize(x + 1, whole, rounding="half_away").tolist())
print("half away, then + 1      ", quantize(x, onnx_like, rounding="half_away").tolist())

# %% [markdown]
# | who | adds the zero point | ties go | 0.5, 1.5, 2.5, −0.5 become |
# |---|---|---|---|
# | Brevitas; `torch.quantize_per_tensor` (*) | before rounding | to even | 2 2 4 0 |
# | ONNX Runtime; `torch.fake_quantize` | after rounding | to even | 1 3 3 1 |
# | gemmlowp's example | before rounding | away from zero | 2 3 4 1 |
# | TensorFlow Lite | after rounding | away from zero | 2 3 4 0 |
#
# One library contradicts its own simulator, and four families give four answers for the same four numbers.
#
# (*) On x86 processors, where the output above was made. Where torch is built without FBGEMM, as on ARM, its source rounds first, and your line may read 1 3 3 1.
#
# The rule to take home: a format (scale, zero point, bits) does not say which integer a number becomes. The order of operations and the tie rule belong to it.

# %% [markdown]
# ## Quiz

# %%
quiz("1")

# %% [markdown]
# ## Key points
#
# - real = scale · (q − zero_point). The zero point is the integer that stands for 0.0.
# - An `IntQuantTensor` stores six tensors, all for *real* numbers and their format. Integers are computed when you ask; `bit_width` is a claim until then.
# - Ties go to the even neighbour. Brevitas adds the zero point before it rounds, ONNX after: they differ at ties with an odd zero point.
# - `int()` refuses what is 0.2 of a step or more off the grid (float32), or out of range.
# - Integer types stop the gradient. `int(float_datatype=True)` and `round_ste` let it pass.
#
# **Words.** *Value* (of an `IntQuantTensor`): the dequantized number. *Zero point*: the integer of real 0.0. *Grid*: the real numbers that have an integer. *Step*: from one grid point to the next; the scale. *Window*: from the lowest grid point to the highest. *Saturate*: stop at the end of the range. *Tie*: a number half way between two integers. *Half to even*: the tie rule of IEEE 754, Python and torch. *Straight-through estimator*: an operation whose gradient is taken to be 1. *Fake quantization*: integers simulated by floats.
#
# **References.** B. Jacob et al., [Quantization and training of neural networks for efficient integer-arithmetic-only inference](https://arxiv.org/abs/1712.05877), CVPR 2018, equation 1 (the formula) · gemmlowp, [doc/quantization.md](https://github.com/google/gemmlowp/blob/master/doc/quantization.md) · Y. Bengio et al., [Estimating or propagating gradients through stochastic neurons for conditional computation](https://arxiv.org/abs/1308.3432), 2013 (straight-through) · [QuantizeLinear](https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html) in the ONNX standard · [Brevitas](https://github.com/Xilinx/brevitas), class `IntQuantTensor` · AMD, Vitis HLS user guide UG1399, `ap_fixed` · E. Alpaydin and C. Kaynak, [Optical recognition of handwritten digits](https://doi.org/10.24432/C50P49), UCI repository, 1998.
#
# **Next**: [Out of range: saturate or wrap](02_out_of_range.ipynb). The integer was 91, the register has 4 bits. What does it hold?

# %% [markdown]
# ## To look up later: three boxes
#
# The chapter is done. Nothing below is needed to go on.
#
# **Fixed point, the hardware engineer's name for it.** `ap_fixed<W, I>` of high-level synthesis is a signed W-bit integer with scale 2^−(W − I) and zero point 0. Its defaults are not round and saturate; they are *floor* and *wrap*. `ap_fixed<8, 3>` has scale 1/32:

# %%
fixed = QParams(scale=1 / 32, bit_width=8, signed=True)
x = torch.tensor([-0.01, 4.0])
default = quantize(x, fixed, rounding="floor", overflow="wrap")
careful = quantize(x, fixed)
print("floor and wrap:    ", default.tolist(), "which stand for", dequantize(default, fixed).tolist())
print("round and saturate:", careful.tolist(), "which stand for", dequantize(careful, fixed).tolist())

# %% [markdown]
# −0.01 is kept as −1/32, and 4.0 comes back as −4.0. The manual's rounding modes in our words: round to plus infinity is `half_up`, convergent is `half_even`, round to infinity is `half_away`, truncation is `floor`, truncation to zero is `toward_zero`. Its rounding of ties to zero and of ties to minus infinity are not among our six, and our sixth, `ceil`, is not among its.
#
# **Which division?** Quantizers divide in float32. Where the scale is no power of two, the rounded quotient can land on a tie that the exact one misses:

# %%
tenth = QParams(scale=0.1)
exact = Fraction(0.75) / Fraction(tenth.scale)
print("exact quotient:", float(exact), "gives", round(exact))
print("float32 gives: ", quantize(torch.tensor([0.75]), tenth).item())

# %% [markdown]
# Both lines divide the same two stored floats. This is why we study ties at powers of two only: there the division is exact.
#
# **One bit.** At `bit_width=1` Brevitas tests validity in its own way: it counts whether there are two *different* integers and compares signs, and does not look at the range.

# %%
for pair in ([5.0, 9.0], [1.0, 1.0]):
    t = IntQuantTensor(torch.tensor(pair), scale=1.0, zero_point=0.0, bit_width=1.0, signed=False, training=False)
    print(pair, "in 1 bit, valid:", t.is_valid)

# %% [markdown]
# 5 and 9 "fit" into one bit, and 1 and 1 do not. Do not build on `is_valid` there.
