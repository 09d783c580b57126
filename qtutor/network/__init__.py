"""Networks: the data they learn from, and (chapters 7 and 8) their way from Brevitas layers to integers."""

from qtutor.network.activations import hidden_activations as hidden_activations
from qtutor.network.activations import right_answers as right_answers
from qtutor.network.activations import trained_layers as trained_layers
from qtutor.network.digits import load_digits as load_digits
