"""Exercise 03: RMSNorm in NumPy, forward and backward, and as a module of torch."""
