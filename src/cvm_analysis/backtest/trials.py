"""Trials: forecasts from a past day (an origin), and what came in the period after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.backtest import holdout
from cvm_analysis.clv import NAIVE, forecasts, naive
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.tables import TABLES

DEFAULT = next(iter(forecasts.FITTED))


class Trial(NamedTuple):
    """Forecasts from an origin and the outcome: one row per customer modelled then.

    Frames have one column per forecast, by code.
    """

    mean: pd.DataFrame  # purchase days expected in the period
    median: pd.DataFrame  # predictive median; without a distribution the mean, rounded half up
    log_score: pd.DataFrame  # log probability of the outcome; empty without a distribution
    actual: pd.Series  # purchase days in the period
    repeats: pd.Series  # repeat purchases before


def report(trial: Trial, chosen: str, weeks: float, part: str = forecasts.PART) -> pd.DataFrame:
    """Score a trial: rows of table `backtest` (see `holdout.score`); none without customers."""
    if trial.actual.empty:
        return pd.DataFrame(columns=list(TABLES["backtest"].columns))
    scores = holdout.score(trial.mean, trial.median, trial.log_score, trial.actual)
    return scores.assign(
        part=part, horizon_days=round(weeks * 7), is_chosen=scores["model"] == chosen
    )


def compare_by_repeats(trial: Trial, chosen: str, most: int = 7) -> pd.DataFrame:
    """Mean purchases per customer, actual and forecast, by number of earlier repeat purchases.

    One row per label `0`, `1`, ..., `7+`; columns actual, the chosen forecast, the default, and the
    naive ones.
    """
    shown = dict.fromkeys([chosen, DEFAULT, *NAIVE])
    table = trial.mean[[code for code in shown if code in trial.mean]]
    table.insert(0, "actual", trial.actual)
    return table.groupby(forecasts.label_repeats(trial.repeats, most)).mean()


def deciles(trial: Trial, chosen: str) -> pd.DataFrame:
    """Mean purchases per customer, actual and forecast, by decile of the forecast.

    One row per decile, 1 the lowest; n_customers, actual, expected. Customers with equal forecasts
    share a decile, so deciles may be larger or absent. No row if the trial has no such forecast.
    """
    if chosen not in trial.mean or trial.actual.empty:
        return pd.DataFrame(columns=["n_customers", "actual", "expected"])
    expected = trial.mean[chosen]
    lower = (expected.rank(method="min") - 1) / len(expected)
    table = pd.DataFrame({"actual": trial.actual, "expected": expected})
    groups = table.groupby((1 + np.floor(10 * lower + 1e-9)).astype(int).rename("decile"))
    found = groups.mean()
    found.insert(0, "n_customers", groups.size())
    return found


def try_forecasts(
    models: Mapping[str, Any],
    buyers: pd.DataFrame,
    days: pd.DataFrame,
    date: dt.date,
    weeks: int,
    medians: bool = True,
) -> Trial:
    """Forecast the period after a day and add the outcome.

    Parameters
    ----------
    models : code -> fitted model
    buyers : the customers they were fitted to, one row each
    days : customer_id, day with a purchase, up to the end of the period
    medians : False leaves them empty, which is faster and enough for a choice
    """
    if buyers.empty:
        return no_trial()
    actual = naive.purchases_between(days, buyers.index, date, date + dt.timedelta(weeks=weeks))
    found = {code: forecast(each, buyers, weeks, actual, medians) for code, each in models.items()}
    mean, median, log_score = (pd.DataFrame({c: f[i] for c, f in found.items()}) for i in range(3))
    return Trial(mean, median, log_score, actual, buyers["x"])


def forecast(
    model: Any,
    buyers: pd.DataFrame,
    weeks: float,
    actual: pd.Series | None = None,
    medians: bool = True,
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Mean and median of each customer's purchases, and the log score of a known outcome."""
    mean = forecasts.expected_purchases(model, buyers, weeks)
    unscored = mean * np.nan
    if not predictive_distribution.is_known(model):
        return mean, np.floor(mean + 0.5).astype(int), unscored
    median = unscored
    if medians:
        h, key = forecasts.model_rows(model, buyers)
        median = predictive_distribution.median(model, h, weeks).loc[key].set_axis(key.index)
    if actual is None:
        return mean, median, unscored
    return mean, median, predictive_distribution.log_score(model, buyers, weeks, actual)


def no_trial() -> Trial:
    """A trial of nobody."""
    none = pd.Series(dtype=float)
    return Trial(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), none, none)
