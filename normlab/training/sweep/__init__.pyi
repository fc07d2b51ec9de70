from .plan import SweepPlan as SweepPlan
from .plan import parse_plan as parse_plan
from .plan import read_plan as read_plan
from .results import read_results as read_results
from .run import run_sweep as run_sweep
from .summary import SweepSummary as SweepSummary
