from .course import my_progress as my_progress
from .doctor import diagnose as diagnose
from .notebook import check as check
from .notebook import hint as hint
from .reviews import review as review
