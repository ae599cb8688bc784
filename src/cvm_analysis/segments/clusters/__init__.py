"""Groups that the data show: what they are formed by, whether they are real, and their names."""
