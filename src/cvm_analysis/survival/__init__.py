"""Models of the time to an event: survival curves, tests, hazard and time ratios."""
