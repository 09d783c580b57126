"""Kernels: what an accelerator's registers do. Integer tensors in, integer tensors out; no float below `quantize`.

A new kernel is one new file here and one new line below (and in qtutor/__init__.pyi, for the public).
"""

from qtutor.kernels.addition import add as add
from qtutor.kernels.fixed_point import FixedPointMultiplier as FixedPointMultiplier
from qtutor.kernels.overflow import saturate as saturate
from qtutor.kernels.overflow import wrap as wrap
from qtutor.kernels.rounding import ROUNDINGS as ROUNDINGS
from qtutor.kernels.rounding import rounding_right_shift as rounding_right_shift
