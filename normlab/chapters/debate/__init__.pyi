from .contest import defend as defend
from .contest import defend_from_briefs as defend_from_briefs
from .contest import defend_from_map as defend_from_map
from .defence import Brief as Brief
from .defence import Choice as Choice
from .explorers import explore_briefs as explore_briefs
from .figures import draw_defence as draw_defence
