"""Kernels: what an accelerator's registers do. Integer tensors in, integer tensors out; no float below `quantize`.

A new kernel is one new file here and one new line below (and in qtutor/__init__.pyi, for the public).
"""

from qtutor.kernels.accumulation import accumulator_range as accumulator_range
from qtutor.kernels.accumulation import conv2d as conv2d
from qtutor.kernels.accumulation import linear as linear
from qtutor.kernels.addition import add as add
from qtutor.kernels.fixed_point import FixedPointMultiplier as FixedPointMultiplier
from qtutor.kernels.multiplication import multiply as multiply
from qtutor.kernels.overflow import saturate as saturate
from qtutor.kernels.overflow import wrap as wrap
from qtutor.kernels.requantization import avg_pool2d as avg_pool2d
from qtutor.kernels.requantization import requantize as requantize
from qtutor.kernels.rounding import ROUNDINGS as ROUNDINGS
from qtutor.kernels.rounding import rounding_right_shift as rounding_right_shift
