"""The questions of the course: one TOML file per chapter, read and checked by `question`."""

from normlab.quizzes.question import Option, Question, find_question, load_questions

__all__ = ["Option", "Question", "find_question", "load_questions"]
