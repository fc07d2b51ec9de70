from .diagnosis import Diagnosis as Diagnosis
from .diagnosis import Fault as Fault
from .examiner import examine as examine
from .exercise import Exercise as Exercise
from .exercise import Law as Law
from .exercise import Mistake as Mistake
from .exercise import Probe as Probe
from .exercise import Question as Question
