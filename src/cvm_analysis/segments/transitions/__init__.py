"""Customers who changed class between two days, beside what chance alone explains."""
