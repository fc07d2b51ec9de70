"""What knows nothing of norms: tables, progress bars, processes, timing, files."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
