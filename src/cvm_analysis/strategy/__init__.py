"""What to do for each segment: figures that call for an action, its cost and expected gain."""
