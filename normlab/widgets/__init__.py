"""Explorers: pictures that move. `normlab.widgets.explorer` is the mechanism of all of them."""
