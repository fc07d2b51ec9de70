"""Exercise 07: layer norm in an LSTM cell and in a graph network."""
