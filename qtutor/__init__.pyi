# ruff: noqa: I001 - the order is the course's: the way of a value, not the alphabet.
# The public names. lazy_loader reads this file and the web site takes its groups: a new name is one new line here.

# Formats: Python numbers only
from .qparams import QParams as QParams
from .qparams import int_range as int_range
from .qparams import sum_format as sum_format
from .qparams import accumulator_bits as accumulator_bits

# Real numbers to integers and back
from .quantization import quantize as quantize
from .quantization import dequantize as dequantize
from .quantization import choose_qparams as choose_qparams

# What a register does: integers in, integers out
from .kernels import saturate as saturate
from .kernels import wrap as wrap
from .kernels import rounding_right_shift as rounding_right_shift
from .kernels import add as add
from .kernels import multiply as multiply
from .kernels import linear as linear
from .kernels import conv2d as conv2d
from .kernels import avg_pool2d as avg_pool2d
from .kernels import FixedPointMultiplier as FixedPointMultiplier
from .kernels import requantize as requantize
from .kernels import accumulator_range as accumulator_range

# Brevitas's float tensors and their integers
from .brevitas_bridge import from_brevitas as from_brevitas
from .brevitas_bridge import to_brevitas as to_brevitas
from .brevitas_bridge import quant_tensor as quant_tensor
from .brevitas_bridge import quant_transform as quant_transform
from .brevitas_bridge import quant_add as quant_add

# Networks of Brevitas's layers: made, trained through rounding or quantized afterwards, stored
from .network import DigitsMLP as DigitsMLP
from .network import DigitsCNN as DigitsCNN
from .network import train as train
from .network import accuracy as accuracy
from .network import quantize_trained as quantize_trained
from .network import load_checkpoint as load_checkpoint
from .network import lower as lower
from .network import compare as compare

# Data, pictures, explorers
from .network import load_digits as load_digits
from .pictures import show as show
from .explorers import quantizer_explorer as quantizer_explorer
from .explorers import saturation_explorer as saturation_explorer
from .explorers import two_sums_explorer as two_sums_explorer
from .explorers import accumulator_explorer as accumulator_explorer
from .explorers import requantize_explorer as requantize_explorer
from .explorers import scale_explorer as scale_explorer
from .explorers import network_explorer as network_explorer

# The course: predict, try, be checked
from .exercises import check_env as check_env
from .exercises import predict as predict
from .exercises import check as check
from .exercises import hint as hint
from .exercises import solution as solution
from .exercises import quiz as quiz
