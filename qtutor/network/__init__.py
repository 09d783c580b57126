"""Networks: the data they learn from, and (chapters 7 and 8) their way from Brevitas layers to integers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
