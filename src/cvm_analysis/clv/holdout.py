"""Forecasts of purchases against what happened: how far off each was."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cvm_analysis.choice import aligned


def score(forecasts: Mapping[str, pd.Series], actual: pd.Series) -> pd.DataFrame:
    """How far each forecast was off, on customers it did not see the outcome of.

    Parameters
    ----------
    forecasts : model -> forecast of each customer (purchases or money), indexed by customer_id
    actual : what happened, for the same customers

    Returns
    -------
    One row per model and metric: model, metric, value.
        n_customers : how many were forecast
        actual_total, forecast_total : sums over customers
        bias_total : forecast total / actual total - 1; empty if nothing happened
        mae : mean absolute error per customer; the lower, the better; a forecast that is too low on
            the whole may win here
        rmse : root mean squared error per customer; the lower, the better
        correlation : of ranks (Spearman); near 1 if the best customers were named; empty where
            the forecasts are all equal

    Raises
    ------
    InputError : no customers, other customers than in `actual`, or empty values
    """
    rows = [
        {"model": model, "metric": metric, "value": value}
        for model, forecast in aligned(forecasts, actual).items()
        for metric, value in _metrics(forecast, actual).items()
    ]
    return pd.DataFrame(rows, columns=["model", "metric", "value"])


def _metrics(forecast: pd.Series, actual: pd.Series) -> dict[str, float]:
    error = forecast - actual
    totals = {"actual_total": float(actual.sum()), "forecast_total": float(forecast.sum())}
    varies = forecast.nunique() > 1 and actual.nunique() > 1
    return {
        "n_customers": float(len(actual)),
        **totals,
        "bias_total": float(error.sum() / actual.sum()) if actual.sum() else np.nan,
        "mae": float(error.abs().mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "correlation": float(forecast.rank().corr(actual.rank())) if varies else np.nan,
    }
