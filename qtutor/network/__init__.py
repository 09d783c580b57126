"""Networks: the data they learn from, and (chapters 7 and 8) their way from Brevitas layers to integers."""

from qtutor.network.digits import load_digits as load_digits
