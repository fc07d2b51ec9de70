"""What the open challenges are called; it loads no torch."""

NOTEBOOK = "10_open_challenges"
FORMER = "09_open_challenges"
"""What it was called while there were eight exercises."""
POST_NORM, DEEP_LAYERS = "post_norm_recipe", "pre_norm_change"
CHALLENGE_FUNCTIONS = POST_NORM, DEEP_LAYERS
"""What the learner writes."""
