"""Texts about the course, and the program that makes a site of it."""
