"""Driver of exercise 08 for the failing inputs; the repaired functions need `call` only."""

from normlab.checks.drivers import WrongReturn, named
from normlab.checks.exercise import Answer, Outputs


def returned_arguments(answer: Answer) -> Outputs:
    """The arguments that an answer proposes, by name.

    >>> returned_arguments(lambda: {"alpha": 2.0})
    {'alpha': 2.0}

    Raises:
        WrongReturn: if it is not a dict with names as keys.
    """
    arguments = named(answer(), "arguments")["arguments"]
    if not isinstance(arguments, dict):
        raise WrongReturn(
            f"it returns a {type(arguments).__name__}; expected a dict of the arguments by name, "
            'such as {"x": np.array([1.0, 2.0])}.'
        )
    strange = [key for key in arguments if not isinstance(key, str)]
    if strange:
        raise WrongReturn(f"the dict has the key {strange[0]!r}; expected names, such as 'x'.")
    return arguments
