"""Who a student is, as far as a learning system or a roster says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """What is known of a student; "" where it is not known.

    Args:
        name: in full.
        id: the learning system's own number.
        login: the name that he or she signs in with.
        sis_id: the school's number.
        email: the address.
        section: of the course.
    """

    name: str = ""
    id: str = ""
    login: str = ""
    sis_id: str = ""
    email: str = ""
    section: str = ""
