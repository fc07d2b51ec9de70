"""Pictures of data: each `draw_…(data, ax)` draws, and computes nothing."""
