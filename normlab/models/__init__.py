"""What is built of norms: placements, transformers, recurrent cells, graph networks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
