"""Accuracy of purchase forecasts: scores on a holdout period, and the weekly tracking plot."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import xlogy

from cvm_analysis.backtest.choice import align, captured_share
from cvm_analysis.clv import purchase_model
from cvm_analysis.clv.forecasts import FITTED

BEST_TENTH = 0.1


def score(
    mean: pd.DataFrame, median: pd.DataFrame, log_score: pd.DataFrame, actual: pd.Series
) -> pd.DataFrame:
    """Score each forecast on outcomes after the data it was fitted to.

    Parameters
    ----------
    mean, median, log_score : one row per customer, indexed by customer_id, one column per model:
        purchases expected, predictive median, log probability of the outcome (may be empty)
    actual : purchases of the same customers

    Returns
    -------
    One row per model and metric: model, metric, value.
        n_customers
        actual_total, forecast_total : sums over customers, of the means
        log_score : mean log probability of the outcome; the higher, the better; empty for a
            forecast without a distribution
        rmse : root mean squared error of the means; the lower, the better
        poisson_deviance : mean of 2 (y log(y / m) - y + m), m the mean forecast; the lower, the
            better; empty if a customer bought of whom exactly 0 was expected
        bias_total : forecast total / actual total - 1; empty without purchases
        mae : mean absolute error of the medians; the lower, the better
        correlation : of ranks (Spearman); empty if all forecasts are equal
        top_decile : share of all purchases made by the 10 % of customers with the highest forecast;
            .1 is no better than chance

    Raises
    ------
    InputError : no customers, other customers than in `actual`, or empty means or medians
    """
    means, medians = (align({str(c): f[c] for c in f}, actual) for f in (mean, median))
    logs = log_score.reindex(actual.index)
    rows = [
        (model, metric, value)
        for model in means
        for metric, value in _metrics(means[model], medians[model], logs[model], actual).items()
    ]
    return pd.DataFrame(rows, columns=["model", "metric", "value"])


def tracking(
    model: Any, days: pd.DataFrame, until: dt.date, fitted_on: dt.date | None = None
) -> pd.DataFrame:
    """Repeat purchases of all customers week by week, actual and expected (tracking plot).

    The expectation uses only the date of each customer's first purchase. No row for a model that
    does not start at the first purchase.

    Parameters
    ----------
    days : customer_id, day with a purchase; of the customers in the model
    until : the last week ends on or before this day
    fitted_on : the last day of the data the model was fitted to; default: until

    Returns
    -------
    One row per full week of the records, indexed by the day it ends (the first ends 6 days after
    the first purchase).
        actual, expected : repeat purchases in the week
        actual_so_far, expected_so_far : up to its end
        seen : whether the model was fitted to it
    """
    record = FITTED.get(model.code)
    if not (record and record.is_from_first_purchase) or days.empty:
        return pd.DataFrame()
    so_far = purchase_model.repeats_by_day(model, days, until).cumsum().iloc[6::7]
    if so_far.empty:
        return pd.DataFrame()
    so_far = so_far.rename_axis("week")
    seen = so_far.index <= pd.Timestamp(fitted_on or until)
    return so_far.diff().fillna(so_far).join(so_far.add_suffix("_so_far")).assign(seen=seen)


def _metrics(
    mean: pd.Series, median: pd.Series, log_score: pd.Series, actual: pd.Series
) -> dict[str, float]:
    error = mean - actual
    varies = mean.nunique() > 1 and actual.nunique() > 1
    return {
        "n_customers": float(len(actual)),
        "actual_total": float(actual.sum()),
        "forecast_total": float(mean.sum()),
        "log_score": float(log_score.mean(skipna=False)),
        "rmse": float(np.sqrt((error**2).mean())),
        "poisson_deviance": _deviance(mean, actual),
        "bias_total": float(error.sum() / actual.sum()) if actual.sum() else np.nan,
        "mae": float((median - actual).abs().mean()),
        "correlation": float(mean.rank().corr(actual.rank())) if varies else np.nan,
        "top_decile": captured_share(mean, actual, BEST_TENTH),
    }


def _deviance(mean: pd.Series, actual: pd.Series) -> float:
    y, m = actual.to_numpy(float), mean.to_numpy(float)
    if ((m <= 0) & (y > 0)).any():
        return np.nan
    ratio = np.divide(y, m, out=np.ones_like(y), where=m > 0)
    return float(np.mean(2 * (xlogy(y, ratio) - y + m)))
