"""Exercise 06: DeepNorm's constants, its step, and its initialization."""
