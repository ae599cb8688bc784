"""Forecasts scored on a past they had not seen, and the choice between them."""
