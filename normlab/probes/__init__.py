"""What happens at each depth of an untrained transformer, and how it grows with depth."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
