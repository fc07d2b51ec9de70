"""What a learner predicted, solved, marked and bet on, kept on the learner's own machine."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
