from .catalogue import FUNCTIONS as FUNCTIONS
from .catalogue import all_exercises as all_exercises
from .catalogue import find_exercise as find_exercise
from .catalogue import load_exercise as load_exercise
from .catalogue import not_judged_here as not_judged_here
