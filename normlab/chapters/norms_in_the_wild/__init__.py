"""Chapter 11: which model has which norm, where, and how can you tell from outside?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
