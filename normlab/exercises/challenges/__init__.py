"""Open challenges: no answer is right, each trains small models and gets a score from 0 to 100."""
