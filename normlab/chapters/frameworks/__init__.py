"""Chapter 10: do PyTorch, Keras and Flax compute the same norm, and what do weights not carry?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
