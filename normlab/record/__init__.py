"""What a learner read, predicted and solved, kept on the learner's own machine."""

from normlab.record.history import Answer, History, Result
from normlab.record.record import Record, open_record

__all__ = ["Answer", "History", "Record", "Result", "open_record"]
