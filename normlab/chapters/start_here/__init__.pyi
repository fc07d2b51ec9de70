from .deep_runs import load_deep_runs as load_deep_runs
from .explorers import explore_deep_network as explore_deep_network
from .explorers import explore_moved_token as explore_moved_token
