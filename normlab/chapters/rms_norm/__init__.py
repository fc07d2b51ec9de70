"""Chapter 04: what does RMSNorm drop, and what does that save?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
