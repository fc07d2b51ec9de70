"""Chapter 02: what does the gradient lose, and where do the outputs lie?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
