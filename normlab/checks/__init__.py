"""The engine of the checks: it names the mistake in a wrong answer, and knows no exercise.

`exercise` says what an exercise is, as data; `examiner` puts it to an answer.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
