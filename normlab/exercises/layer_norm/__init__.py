"""Exercise 01: layer norm, forward."""
