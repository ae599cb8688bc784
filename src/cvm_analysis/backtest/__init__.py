"""Backtests of forecasts on held-out periods, and the choice between forecasts."""

from cvm_analysis.backtest.by_type import Backtest, run

__all__ = ["Backtest", "run"]
