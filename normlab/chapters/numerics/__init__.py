"""Chapter 03: what is eps for, and what does rounding do to a variance?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
