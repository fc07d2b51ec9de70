from .audits.stored import stored_audits as stored_audits
from .compare import compare_frameworks as compare_frameworks
from .compare import stored_comparison as stored_comparison
from .examine import read_listing as read_listing
from .examine import run_listings as run_listings
from .explorers import explore_frameworks as explore_frameworks
from .figures import draw_differences as draw_differences
