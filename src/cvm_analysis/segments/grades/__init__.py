"""Grades: scorecards for every customer type, reviews, and checks of a scorecard."""
