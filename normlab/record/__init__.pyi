from .history import MARKS as MARKS
from .history import Answer as Answer
from .history import History as History
from .history import Mark as Mark
from .history import Result as Result
from .history import Verdict as Verdict
from .record import Record as Record
from .record import open_record as open_record
