from .collect import Collection as Collection
from .command import Options as Options
from .command import grade_command as grade_command
from .policy import Policy as Policy
from .policy import read_policy as read_policy
