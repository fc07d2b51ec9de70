"""Chapter 06: how large is the gradient at each depth, from 1 layer to 1,000?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
