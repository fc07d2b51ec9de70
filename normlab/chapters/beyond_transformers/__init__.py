"""Chapter 09: what does layer norm do in LSTMs, graphs and images?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
