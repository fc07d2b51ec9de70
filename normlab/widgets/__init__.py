"""Explorers: pictures that move. `normlab.pictures.explorer` is the mechanism of all of them."""
