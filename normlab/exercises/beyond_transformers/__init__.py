"""Exercise 07: layer norm in an LSTM cell and in a graph network."""

from normlab.checks.exercise import Exercise
from normlab.exercises.beyond_transformers.graph import GRAPH
from normlab.exercises.beyond_transformers.lstm import LSTM

EXERCISE = Exercise("07_beyond_transformers", (LSTM, GRAPH))
