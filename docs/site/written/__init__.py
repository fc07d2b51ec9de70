"""The pages of the site that are written from the course and not from notebooks.

Where the course is published, and the table of its chapters, are known in `lessons/`, whose modules
import each other from there, as `lessons/build.py` does.
"""

import sys

from docs.site.links import ROOT

if str(ROOT / "lessons") not in sys.path:
    sys.path.append(str(ROOT / "lessons"))
