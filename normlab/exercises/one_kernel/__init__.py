"""Exercise 09: the forward pass of RMSNorm as a kernel of Triton."""
