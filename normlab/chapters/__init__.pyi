from .course import Chapter as Chapter
from .course import chapters as chapters
from .course import find_chapter as find_chapter
