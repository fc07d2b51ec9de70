"""The learner's desk: check and hint, quizzes, the record, and `normlab doctor`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
