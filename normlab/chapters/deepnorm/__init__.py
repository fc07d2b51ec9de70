"""Chapter 08: what do its two constants do, and do 1,000 layers train?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
