"""Who a student is, as far as a learning system or a roster says."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Person:
    """What is known of a student; "" where it is not known.

    Args:
        name: in full.
        id: Canvas's own number.
        login: the name that he or she signs in with.
        sis_id: the school's number.
        email: the address.
        section: of the course.
        due: (exercise, when it is late for this student); "" stands for every exercise.
    """

    name: str = ""
    id: str = ""
    login: str = ""
    sis_id: str = ""
    email: str = ""
    section: str = ""
    due: tuple[tuple[str, datetime], ...] = ()

    def due_of(self, exercise: str) -> datetime | None:
        """When an exercise is late for this student; None if it is as for everybody."""
        due = dict(self.due)
        return due.get(exercise, due.get(""))
