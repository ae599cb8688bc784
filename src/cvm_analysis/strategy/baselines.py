"""What the effect of an action multiplies, and what is expected without the action."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cvm_analysis.strategy.catalogue import PURCHASE, Action

_FORECAST_DAYS = (90, 180, 365)  # of table churn
P_NO_PURCHASE = {days: f"p_no_purchase_{days}d" for days in _FORECAST_DAYS}


def find_base(multiplies: str, rows: pd.DataFrame) -> pd.Series:
    """Find the money that an effect multiplies; of a purchase the margin of an order.

    multiplies : a column of facts, or purchase; rows : one row per customer, columns of facts
    0 where the money is unknown or negative.
    """
    column = "order_margin" if multiplies == PURCHASE else multiplies
    known = rows[column] if column in rows else pd.Series(0.0, rows.index)
    return known.astype(float).fillna(0.0).clip(lower=0.0)


def within_window(action: Action, base: pd.Series, weeks: float) -> pd.Series:
    """Take the part of what an effect multiplies that falls into the action's success window.

    base : as `find_base`; weeks : horizon of the expected margin
    """
    if action.effect.on == PURCHASE:
        return base
    return base * (action.success.within_days / (7 * weeks))


def forecast(action: Action, rows: pd.DataFrame, weeks: float) -> pd.Series:
    """Forecast the outcome within the success window without the action; empty without a forecast.

    rows : one row per customer, columns of facts; weeks : horizon of the expected margin
    A margin, or the probability of a purchase, as the action is measured.
    """
    days = action.success.within_days
    if action.success.measure == PURCHASE:
        return 1 - p_no_purchase(rows, days)
    margin = pd.Series(rows.get("expected_margin", np.nan), rows.index, dtype=float)
    return margin * days / (7 * weeks)


def p_no_purchase(rows: pd.DataFrame, days: int) -> pd.Series:
    """Compute the probability of no purchase within `days`, from the horizons of table churn.

    Between two of them the logarithm is linear, as at a constant rate; after the last it goes on at
    the mean rate.
    """
    if not set(P_NO_PURCHASE.values()) <= set(rows):
        return pd.Series(np.nan, rows.index)
    logs = {h: np.log(rows[name].astype(float).clip(1e-9, 1)) for h, name in P_NO_PURCHASE.items()}
    before, after = 0, _FORECAST_DAYS[-1]
    if days <= after:
        after = next(h for h in _FORECAST_DAYS if h >= days)
        before = max((h for h in _FORECAST_DAYS if h < days), default=0)
    start = logs.get(before, pd.Series(0.0, rows.index))
    return np.exp(start + (logs[after] - start) * (days - before) / (after - before))
