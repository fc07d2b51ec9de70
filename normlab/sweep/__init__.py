"""Many training runs: a TOML file crosses settings, and a table of results is filled.

`normlab sweep CONFIG.toml --out RESULTS` on the command line. In Python:

    from normlab.tools.processes import Processes
    from normlab.sweep import read_plan, read_results, run_sweep

    with Processes(2) as executor:
        summary = run_sweep(read_plan(Path("grid.toml")), Path("results.csv"), executor)

The work goes through any `concurrent.futures.Executor`. A Dask cluster's is
`distributed.Client(address).get_executor()`.
"""

from normlab.sweep.plan import SweepPlan as SweepPlan
from normlab.sweep.plan import parse_plan as parse_plan
from normlab.sweep.plan import read_plan as read_plan
from normlab.sweep.results import read_results as read_results
from normlab.sweep.run import run_sweep as run_sweep
from normlab.sweep.summary import SweepSummary as SweepSummary
from normlab.tools.processes import Processes as Processes
