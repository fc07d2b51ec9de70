from .attempts import attempt as attempt
from .attempts import my_attempts as my_attempts
from .course import my_progress as my_progress
from .doctor import diagnose as diagnose
from .notebook import check as check
from .notebook import hint as hint
from .own_answers import use as use
from .reviews import review as review
