from .course import my_progress as my_progress
from .doctor import diagnose as diagnose
from .notebook import chapter_read as chapter_read
from .notebook import check as check
from .notebook import hint as hint
from .record.record import open_record as open_record
