"""Many training runs: a TOML file crosses settings, and a table of results is filled.

`normlab sweep CONFIG.toml --out RESULTS` on the command line. In Python:

    from normlab.tools import Processes
    from normlab.training.sweep import read_plan, read_results, run_sweep

    with Processes(2) as executor:
        summary = run_sweep(read_plan(Path("grid.toml")), Path("results.csv"), executor)

The work goes through any `concurrent.futures.Executor`. A Dask cluster's is
`distributed.Client(address).get_executor()`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
