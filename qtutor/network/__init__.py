"""Networks: the data they learn from, and (chapters 7 and 8) their way from Brevitas layers to integers."""

from qtutor.network.activations import hidden_activations as hidden_activations
from qtutor.network.activations import right_answers as right_answers
from qtutor.network.activations import trained_layers as trained_layers
from qtutor.network.checkpoints import load_checkpoint as load_checkpoint
from qtutor.network.digits import load_digits as load_digits
from qtutor.network.models import DigitsCNN as DigitsCNN
from qtutor.network.models import DigitsMLP as DigitsMLP
from qtutor.network.models import FloatCNN as FloatCNN
from qtutor.network.models import FloatMLP as FloatMLP
from qtutor.network.training import accuracy as accuracy
from qtutor.network.training import load_pixels as load_pixels
from qtutor.network.training import quantize_trained as quantize_trained
from qtutor.network.training import train as train
