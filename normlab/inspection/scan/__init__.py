"""Every model type of the installed transformers, read one by one into the rows of a CSV file.

`normlab scan --out scan.csv` on the command line. In Python:

    from normlab.inspection.scan import read_scan, scan, summarize
    from normlab.tools import Processes

    with Processes(2) as executor:
        scan(Path("scan.csv"), executor)
    print(summarize(read_scan(Path("scan.csv"))))
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
