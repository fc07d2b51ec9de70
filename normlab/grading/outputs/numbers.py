"""How outputs write points."""


def number(value: float) -> str:
    """Without needless digits.

    >>> number(3.0), number(2.675), number(1 / 3)
    ('3', '2.675', '0.3333')
    """
    return f"{value:.4f}".rstrip("0").rstrip(".")
