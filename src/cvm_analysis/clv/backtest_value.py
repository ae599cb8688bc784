"""Value and probability of no purchase as of a past day, by the data known on that day.

The probability of no purchase within h is not 1 - P(alive): a customer who is alive may also buy
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cvm_analysis.clv import forecasts, histories, margins, value
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.errors import FitError
from cvm_analysis.minimum_data import Note, shortfalls


def estimate_margin(
    customers: pd.DataFrame,
    code: str,
    horizon_weeks: float,
    annual_rate: float,
    assumed_margin: float,
) -> pd.DataFrame:
    """Fit the model to the data of a past day and value the customers of that day.

    Parameters
    ----------
    customers : one row per customer as of the day, columns of table `customers`; only those that
        `forecasts.with_purchase` keeps count
    code : the forecast in use; see `fit` for its substitutes
    horizon_weeks, annual_rate : as for `value.estimate`
    assumed_margin : share of net spend, where costs are not known

    Returns
    -------
    One row per customer modelled; columns of `value.estimate`. No row where no model can be fitted.
    """
    buyers = forecasts.with_purchase(customers)
    model = fit(buyers, code) if len(buyers) else None
    if model is None:
        return pd.DataFrame(columns=["expected_margin_if_retained", "margin_at_stake"], dtype=float)
    spend, _ = forecasts.fit_spend(buyers)
    margin, returned = margins.estimate(buyers, assumed_margin), margins.return_share(buyers)
    return value.estimate(buyers, model, spend, horizon_weeks, annual_rate, margin, returned)


def forecast_no_purchase(
    customers: Sequence[pd.DataFrame], code: str, days: Sequence[int]
) -> tuple[list[pd.DataFrame], list[Note]]:
    """Fit the model to the data of each day and forecast the probability of no purchase.

    Parameters
    ----------
    customers : for each day, one row per customer as of it, columns of table `customers`; only
        those that `forecasts.with_purchase` keeps count
    code : the forecast in use, as table `value` names it; see `fit` for its substitutes
    days : horizons

    Returns
    -------
    For each day, one row per customer modelled; columns p_no_purchase_<h>d, in [0, 1], falling
    with h; no column where no model can be fitted. And the notes of the last day.
    """
    tables, notes = [], []
    for each in customers:
        buyers = forecasts.with_purchase(each)
        few = shortfalls(
            "purchase_model", buyers=len(buyers), repeat_buyers=(buyers["x"] > 0).sum()
        )
        model = None if few else fit(buyers, code)
        table = pd.DataFrame(index=buyers.index)
        tables.append(table if model is None else no_purchase_probabilities(model, buyers, days))
        notes = [Note("churn", "no_value_model")] if model is None else []
    return tables, notes


def fit(buyers: pd.DataFrame, code: str) -> Any:
    """Fit the model `code`, else the first of `forecasts.FITTED` that can be fitted.

    A model in which no drop-out was found does not count; NBD, which has none, does. A small region
    uses only its own histories here. None: no model could be fitted.
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


def no_purchase_probabilities(
    model: Any, customers: pd.DataFrame, days: Sequence[int]
) -> pd.DataFrame:
    """One row per customer; columns p_no_purchase_<h>d by a fitted model of `forecasts.FITTED`."""
    h, key = histories.distinct(customers)
    found = {
        f"p_no_purchase_{d}d": predictive_distribution.p_no_purchase(model, h, d / 7) for d in days
    }
    return pd.DataFrame(found).loc[key].set_axis(key.index)
