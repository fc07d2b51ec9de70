"""Exercise 05: gradients by layer, warmup, and the slope of a power law."""
