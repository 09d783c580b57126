"""qtutor: the integer arithmetic of quantized neural networks, by experiment.

The public names stand, grouped, in __init__.pyi; each is loaded when it is first used,
so that `import qtutor` is instant.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
