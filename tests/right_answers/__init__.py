"""Right answers, written in other ways than the references: one module per exercise.

`RIGHT` holds at least five for each function. `EQUIVALENT` holds the single-token mutations of a
reference that change no result, each with the reason.
"""
