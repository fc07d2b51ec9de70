"""How `.venv` is understood, made and mended, with the standard library alone."""
