"""Grades: weighted scores of every kind of customer, from what a manager wrote to a letter."""
