from .question import Option as Option
from .question import Question as Question
from .question import find_question as find_question
from .question import load_questions as load_questions
from .widget import Quiz as Quiz
from .widget import quiz as quiz
