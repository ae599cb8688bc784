"""Segments: RFM names, classes, grades and clusters of customers, and transitions between them."""
