"""The claims of the seed text: each with its verdict, and an experiment that may fail."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
