"""The chance that each customer buys nothing for some time, by a model of purchases.

It is the probability of no purchase within h given the history, not 1 - P(alive): who is alive may
stay silent, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cvm_analysis.clv import forecasts, histories
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.errors import FitError
from cvm_analysis.minimum_data import Note, shortfalls


def for_landmark(
    customers: pd.DataFrame, code: str, days: Sequence[int]
) -> tuple[pd.DataFrame, list[Note]]:
    """Fit the model to what was known on a day and forecast silence from that day on.

    Parameters
    ----------
    customers : one row per customer as of the day, columns of table `customers`; only those that
        `forecasts.with_purchase` keeps count
    code : the forecast in use, as table `value` names it; where it gives no probabilities of its
        own (a naive one, a correction of another) or cannot be fitted, the next of
        `forecasts.FITTED` takes its place
    days : horizons

    Returns
    -------
    One row per customer modelled; columns p_no_purchase_<h>d, in [0, 1], falling with h. No
    column, and the reason in the notes, where no model can be fitted.
    """
    buyers = forecasts.with_purchase(customers)
    few = shortfalls("purchase_model", buyers=len(buyers), repeat_buyers=(buyers["x"] > 0).sum())
    model = None if few else fit(buyers, code)
    if model is None:
        return pd.DataFrame(index=buyers.index), [Note("churn", "no_value_model")]
    return forecast(model, buyers, days), []


def forecast_at_landmarks(
    customers: Sequence[pd.DataFrame], code: str, days: Sequence[int]
) -> tuple[list[pd.DataFrame], list[Note]]:
    """Forecast silence from each of several days on, as `for_landmark` does; notes of the last.

    customers : for each day, one row per customer as of it
    """
    said = [for_landmark(each, code, days) for each in customers]
    return [table for table, _ in said], said[-1][1]


def fit(buyers: pd.DataFrame, code: str) -> Any:
    """Fit the model `code`, else the first of `forecasts.FITTED` that can be and finds drop-out.

    NBD, which knows none, is among them. A small region borrows no histories here. None: no model
    could be fitted.
    """
    h, _ = histories.distinct(buyers)
    for each in dict.fromkeys([code, *forecasts.FITTED]):
        record = forecasts.FITTED.get(each)
        try:
            model = record.fit(h) if record else None
        except FitError:
            continue
        if model and model.reason != "no_drop_out_found":
            return model
    return None


def forecast(model: Any, customers: pd.DataFrame, days: Sequence[int]) -> pd.DataFrame:
    """Forecast the silence of each customer by a fitted model; columns p_no_purchase_<h>d.

    model : one of `forecasts.FITTED`
    """
    h, key = histories.distinct(customers)
    told = {f"p_no_purchase_{d}d": predictive_distribution.p_none(model, h, d / 7) for d in days}
    return pd.DataFrame(told).loc[key].set_axis(key.index)
