# Loaded when first used: most chapters need the digits alone, and no training.
from .activations import hidden_activations as hidden_activations
from .activations import right_answers as right_answers
from .activations import trained_layers as trained_layers
from .checkpoints import load_checkpoint as load_checkpoint
from .comparison import Place as Place
from .comparison import compare as compare
from .digits import load_digits as load_digits
from .integer_network import IntegerNetwork as IntegerNetwork
from .lowering import lower as lower
from .models import DigitsCNN as DigitsCNN
from .models import DigitsMLP as DigitsMLP
from .models import FloatCNN as FloatCNN
from .models import FloatMLP as FloatMLP
from .training import accuracy as accuracy
from .training import load_pixels as load_pixels
from .training import quantize_trained as quantize_trained
from .training import train as train
