from .collapse import follow as follow
from .explorers import explore_warmup as explore_warmup
from .figures import draw_map as draw_map
from .rate_map import load_warmup_map as load_warmup_map
from .rate_map import outcome as outcome
from .run_figures import draw_followed as draw_followed
from .run_figures import draw_losses as draw_losses
from .run_figures import draw_rates as draw_rates
