"""Recommended actions per segment: the figure that triggers them, cost and expected gain."""
