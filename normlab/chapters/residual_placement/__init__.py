"""Chapter 05: where does the norm stand, and what does the stream do then?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
