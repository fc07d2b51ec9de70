"""Chapter 03: what is eps for, and when does the variance come out negative?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
