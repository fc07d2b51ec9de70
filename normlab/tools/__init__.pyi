from .cluster import cluster_executor as cluster_executor
from .processes import Processes as Processes
from .processes import available_cores as available_cores
from .table import Table as Table
from .timing import Race as Race
from .timing import one_thread as one_thread
from .timing import race as race
from .whole_files import written_whole as written_whole
