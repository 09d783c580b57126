# %% [markdown]
# # 00 Welcome
# *15 to 20 minutes; you write nothing. Tested with torch 2.13.0 and brevitas 0.13.4.*
#
# **The question of the course**: a quantized network is trained with floats and runs on integers. Which integers, exactly, and who computed them?
#
# You know PyTorch, and you know what a register is. You need to know nothing about quantization. In each chapter you predict what happens to a few small numbers, run it, find out why you were right or wrong, and write the few lines that do it correctly. Every integer printed here is the one that the hardware would hold.
#
# After this page you will be able to
#
# 1. use the tools of a chapter: predict, run, drag, check, hint, quiz;
# 2. read the verdicts ○, ✓ and ✗, and the counterexample that comes with ✗;
# 3. say what 0.1 + 0.2 is in 4 bits.

# %% [markdown]
# ## Setup
#
# A grey cell is code. Click into it and press **Shift + Enter**: it runs, its output appears below it, and the next cell is selected. Work from top to bottom, one cell at a time. The first cell of every chapter holds all of its imports; `check_env()` then looks at your installation, and says what to do if something is missing.

# %%
import torch

import qtutor
from qtutor import QParams, check, check_env, dequantize, predict, quantize, quantizer_explorer, quiz, show
from qtutor.pictures import draw_number_line, new_axes

check_env()

# %% [markdown]
# ## Predict, then run
#
# Here is the oldest surprise in computing, in Python's floats, which have 64 bits.

# %%
print("0.1 + 0.2 =", 0.1 + 0.2)
print("0.1 + 0.2 == 0.3 is", 0.1 + 0.2 == 0.3)

# %% [markdown]
# None of 0.1, 0.2, 0.3 is a float exactly: each is replaced by the nearest one, and the errors of 0.1 and 0.2 together are not the error of 0.3.
#
# Now put the same numbers into **4 bits**. Four unsigned bits hold the integers 0 … 15, so we also say what one step from an integer to the next is worth in real units: the **scale**. With scale 0.1, the integer 1 stands for 0.1, 2 for 0.2, 15 for 1.5. To **quantize** a real number is to turn it into its integer: divide by the scale, round.
#
# Before each surprise you commit yourself. Run the cell below, choose an answer, run the cell after it, and then press the button to see what your choice was worth. A wrong guess costs nothing, and it makes the reason stick.

# %% tags=["predict"]
predict(
    "0.1",
    "Scale 0.1, 4 unsigned bits. Is the integer of 0.1, plus the integer of 0.2, the integer of 0.3?",
    options=["yes, exactly", "no, for the same reason as in floats", "only after rounding the sum"],
)

# %%
tenths = QParams(scale=0.1, bit_width=4, signed=False)
q = quantize(torch.tensor([0.1, 0.2, 0.3]), tenths)
print("integers of 0.1, 0.2, 0.3:", q.tolist())
print("the first two added:      ", int(q[0] + q[1]))

# %% [markdown]
# 1 + 2 = 3, exactly. Integers add without an error. `QParams` holds the format (scale, width, sign), `quantize` gives the integers. A value beyond the range, such as 2.0, would **saturate**: it gets the nearest end of the range, 15. Chapter 2 is about that.
#
# So where did the error go? Read the 3 back into a real number, that is, multiply it by the scale:

# %%
print("3 * 0.1 in 64-bit floats =", 3 * 0.1)

# %% [markdown]
# The error is in the *reading*. In memory there is a 3, and it is right.
#
# Is the error always there in floats? PyTorch computes in 32-bit floats unless you say otherwise. Is 0.1 + 0.2 equal to 0.3, and 0.1 + 0.6 to 0.7?

# %%
x = torch.tensor([0.1, 0.2, 0.3, 0.6, 0.7])
q = quantize(x, tenths)
print("64-bit floats: ", 0.1 + 0.2 == 0.3, 0.1 + 0.6 == 0.7)
print("32-bit floats: ", bool(x[0] + x[1] == x[2]), bool(x[0] + x[3] == x[4]))
print("4-bit integers:", bool(q[0] + q[1] == q[2]), bool(q[0] + q[3] == q[4]))

# %% [markdown]
# Whether a float sum hits is luck: the small errors cancel or they do not, and another width has other errors. In the last line there are no errors to cancel: 1 + 2 is 3, and 1 + 6 is 7.
#
# ## One surprise more
#
# A scale of 0.1 was made for these numbers. Take scale ¼ instead: the integer 1 now stands for 0.25, 2 for 0.5.

# %% tags=["predict"]
predict(
    "0.2",
    "Scale ¼. Which integers stand for 0.1, 0.2 and 0.3?",
    options=["1 1 2", "0 1 1", "0 0 1", "1 2 3"],
)

# %%
quarters = QParams(scale=0.25, bit_width=4, signed=False)
q = quantize(torch.tensor([0.1, 0.2, 0.3]), quarters)
print("integers of 0.1, 0.2, 0.3:", q.tolist())
print("the first two added:      ", int(q[0] + q[1]))
print("they stand for:           ", dequantize(q, quarters).tolist())

# %% [markdown]
# By hand: 0.1 / 0.25 = 0.4, which rounds to 0; 0.2 / 0.25 = 0.8, which rounds to 1; 0.3 / 0.25 = 1.2, which rounds to 1.
#
# The sum agrees once more, 0 + 1 = 1. But this is another story: 0.1 has vanished, 0.2 has become 0.25, and 0.3 has become 0.25 as well. The picture shows it: crosses are what we gave, dots are what is stored, and the row named *integer* holds the integers. The marks on the line are the **grid**: the real numbers that have an integer. From the lowest of them to the highest is the **window** of the format, 0 … 3.75 here. What lies more than half a step outside the window saturates.

# %%
show(draw_number_line(new_axes(), torch.tensor([0.1, 0.2, 0.3]), quarters))

# %% [markdown]
# Each picture comes with its words, as above, for those who cannot see it or want to be sure of what they see.
#
# Is the sum always right, then? Try 0.1 + 0.1, at the same scale.

# %%
q = quantize(torch.tensor([0.1, 0.1, 0.2]), quarters)
print("integers of 0.1, 0.1, 0.2:", q.tolist())
print("the first two added:      ", int(q[0] + q[1]), "where 0.2 itself is", int(q[2]))

# %% [markdown]
# No. Two numbers that were each rounded to nothing stay nothing. When sums survive, and when they do not, is chapter 3.
#
# **What 0.1 + 0.2 is in 4 bits**
#
# | scale | 0.1 | 0.2 | their sum | 0.3 | read back |
# |---|---|---|---|---|---|
# | 0.1 | 1 | 2 | 3 | 3 | 3 steps of 0.1: the integers are exact, only the reading is rounded |
# | ¼ | 0 | 1 | 1 | 1 | 0.25 for both: 0.3 lost 0.05, and the sum lost 0.05 as well, by another way (0.1 lost, 0.05 gained) |

# %% [markdown]
# ## Drag
#
# Some cells show sliders. What you see is looked up in a table that was computed exactly, so it follows your hand. The mouse works, and so do the keys: **Tab** to a slider, arrow keys to move it. The line below the picture says in words what it shows. (If you see a line of text here but no sliders, run the cell.)

# %%
quantizer_explorer()

# %% [markdown]
# 65 values, −4 … 4 in eighths, and what is stored for each. Move the scale and watch the stairs: the line of words says how large a step is, where the window lies, how many values saturate, and the largest error. Some things here wait for chapter 1: the zero point, the line that begins with *Challenge*, and why the stairs are not equally wide.
#
# The chapters ask two or three questions beside each explorer; you answer them by dragging. Answers are folded, like this:
#
# <details><summary>Which slider makes the steps finer?</summary>
#
# The scale: it is the size of one step. The bit width decides how many steps there are.
#
# </details>

# %% [markdown]
# ## Check
#
# From chapter 1 on you write short functions, one to three lines each. A cell gives you the first line and the task; you replace the `...`, run it, and run the next cell, which calls `check`. The answer is one of three:
#
# | sign | means |
# |---|---|
# | ○ | not attempted yet: there is no answer to judge |
# | ✓ | right on every input that was tried |
# | ✗ | wrong, and here is the smallest input that shows it |
#
# You can see all three now, with functions that exist already. Chapter 2 asks you to write `saturate`: 17 becomes 15 in 4 unsigned bits. Our library has that function, and one called `wrap`, which goes round as an odometer does: 17 becomes 17 − 16 = 1. First an empty answer, then the wrong one, then the right one:

# %%
check("2.A", lambda x, bit_width, signed: ...)
check("2.A", qtutor.wrap)
check("2.A", qtutor.saturate)

# %% [markdown]
# Look at the ✗. It names one input, what was expected, what came instead, and asks a question. The checker does not pick that input at random: it tries *every* small input in one fixed order and shows the first that fails: small before large, few bits before many. There is no smaller one to look for.
#
# <details><summary>The whole order, here and in all chapters</summary>
#
# 1. single numbers before longer tensors;
# 2. few bits before many;
# 3. unsigned before signed;
# 4. inputs near zero first: the sum of their absolute values grows, counted in steps and with the zero point among them;
# 5. the larger scale first (where the input is a ratio of two scales, in chapter 3, the one nearest to 1);
# 6. the smaller zero point first (chapter 1 says what a zero point is);
# 7. of two inputs of the same size, the one that is not negative.
#
# After the small inputs come large tensors, and last a library that is not ours.
#
# </details>
#
# A check never stops the notebook: a function that raises, prints or never ends gets one sentence, too.
#
# **Hint.** Stuck? `qtutor.hint("2.A")` gives a small push; call it again and it says more, three times in all. `qtutor.solution("2.A")` shows our lines and the reason for them. Nobody counts how often you ask.

# %%
qtutor.hint("2.A")

# %% [markdown]
# ## Quiz
#
# A chapter closes with a few questions. Each option has its reason, the wrong ones too: they are the mistakes that people make.

# %%
quiz("0")

# %% [markdown]
# ## Your work is a file
#
# What you type is saved in the notebook itself: **Ctrl + S** (**⌘ + S** on a Mac), and JupyterLab saves by itself every two minutes. What the cells have *computed* lives in the kernel, the Python process behind the page, and is gone when it stops. So when you come back, choose **Run › Run All Cells**: nothing in a chapter raises an error except the cells that are meant to, and Run All goes on past it.
#
# Nothing leaves your machine. The course needs no network once it is installed.

# %% [markdown]
# ## The map
#
# | no. | chapter | its surprise |
# |---|---|---|
# | 00 | Welcome | you are here |
# | 01 | [Tensor basics](01_tensor_basics.ipynb) | ½, 1½, 2½, 3½ become 2 2 4 4 or 1 3 3 5, depending on the library |
# | 02 | [Out of range: saturate or wrap](02_out_of_range.ipynb) | 4 bits hold 91, until you ask |
# | 03 | [Addition pitfalls](03_addition_pitfalls.ipynb) | the same two tensors have two sums |
# | 04 | [Multiply and accumulate](04_multiply_and_accumulate.ipynb) | an accumulator too narrow costs the network, not a bit |
# | 05 | [Requantize](05_requantize.ipynb) | multiplying by 0.3 without a float |
# | 06 | [Choose the scale](06_choose_the_scale.ipynb) | fewer clipped values can mean more error |
# | 07 | [Train through rounding](07_train_through_rounding.ipynb) | 2 bits can be enough, if the network knows |
# | 08 | [An integer-only network](08_an_integer_only_network.ipynb) | the same integers from four sides |
# | 09 | To gates (planned) | what a bit costs in logic |
#
# Each chapter takes about an hour and needs only the ones before it.
#
# The course grew from a public notebook tutorial on the `IntQuantTensor` of Brevitas 0.11, a library that trains quantized networks. It showed three things and stopped: what such a tensor is, what happens out of range, how two of them are added. Chapters 1 to 3 show all that it showed, and where they say "the tutorial", they mean this one.
#
# ## Key points
#
# - A quantized number is an integer and a scale: the integer is what is stored, the scale is what one step is worth.
# - Sums of integers are exact, as long as they fit (chapter 2). Errors come in when a real number is rounded to its integer, or read back.
# - ○ not attempted, ✓ right, ✗ wrong with the smallest input that shows it.
#
# **Words.** *Bit width*: how many bits one integer has. *Scale*: the size of one step in real units. *Grid*: the real numbers that have an integer. *Window*: from the lowest grid point to the highest. *Quantize*: from a real number to its integer. *Dequantize*: from the integer back to the real number that it stands for. *Saturate*: stop at the end of the range. *Wrap*: keep the low bits only.
#
# **Next**: [Tensor basics](01_tensor_basics.ipynb), where we open a quantized tensor and look for its integers.
