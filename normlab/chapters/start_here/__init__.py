"""Chapter 00: how does a chapter work, and is the machine ready?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
