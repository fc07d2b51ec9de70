"""Exercise 04: post-norm, pre-norm, and a pre-norm model with its final norm."""
