"""Where the norms stand, as classes: one for each placement, and the drawing of each."""
