"""A room for each chapter: what it measures, its pictures, explorers, quiz and stored data."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
