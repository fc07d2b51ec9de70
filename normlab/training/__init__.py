"""Training runs: the tasks, the settings of a run, one run, and a sweep of many."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
