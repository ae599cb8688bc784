"""Backtests of forecasts on held-out periods, and the choice between forecasts."""
