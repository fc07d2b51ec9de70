"""What the open challenges are called; it loads no torch."""

NOTEBOOK = "09_open_challenges"
POST_NORM, DEEP_LAYERS = "post_norm_recipe", "pre_norm_change"
CHALLENGE_FUNCTIONS = POST_NORM, DEEP_LAYERS
"""What the learner writes."""
