from .rows import COLUMNS as COLUMNS
from .rows import ScanRow as ScanRow
from .rows import read_scan as read_scan
from .summary import summarize as summarize
from .units import folders as folders
from .work import scan as scan
