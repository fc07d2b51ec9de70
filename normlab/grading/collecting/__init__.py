"""Whose each file is that a class has handed in, and which exercise it answers."""
