"""Chapter 12: which of the seed's claims hold, and which norm do you choose?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
