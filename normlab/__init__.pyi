from . import norms as norms
from . import torch_norms as torch_norms
from .inspection.inspecting import inspect as inspect
from .study.attempts import attempt as attempt
from .study.attempts import my_attempts as my_attempts
from .study.course import my_progress as my_progress
from .study.notebook import check as check
from .study.notebook import hint as hint
from .study.own_answers import use as use
from .study.quiz.widget import quiz as quiz
from .study.reviews import review as review
from .tools.table import Table as Table

__version__: str
