from .explorers import explore_moved_token as explore_moved_token
