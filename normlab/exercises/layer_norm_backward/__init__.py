"""Exercise 02: the backward pass of layer norm."""
