"""Transitions between classes from one day to another, with those expected by chance."""
