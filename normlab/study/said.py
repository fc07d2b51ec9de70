"""What a function says to a learner in a notebook."""


class Said(str):
    """A text that a notebook shows without quotes."""

    __slots__ = ()
    __repr__ = str.__str__
