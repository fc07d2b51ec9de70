"""A token whose features can be dragged, with the arithmetic of a norm live in the browser."""
