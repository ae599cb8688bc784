"""Forecasts against what happened: how far off each was, and which one to use.

Choosing and reporting are apart: `choose` is called with the outcome of an earlier origin, `score`
with that of the last, so a model is never praised for the luck it was chosen for.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError


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
        for model, forecast in _aligned(forecasts, actual).items()
        for metric, value in _metrics(forecast, actual).items()
    ]
    return pd.DataFrame(rows, columns=["model", "metric", "value"])


def choose(
    forecasts: Mapping[str, pd.Series], actual: pd.Series, default: str, order: Sequence[str] = ()
) -> str:
    """The forecast to use from now on: the default, unless a rival was clearly better.

    A rival is clearly better if its squared error per customer is lower than the default's by more
    than two standard errors of the paired differences. Of several, the one with the lowest squared
    error.

    Parameters
    ----------
    forecasts, actual : as for `score`, at an earlier origin
    default : the model to keep if nothing speaks against it
    order : models from the most to the least preferred; the first of them that made a forecast
        stands in for a default that made none, and the earlier one wins a tie

    Raises
    ------
    InputError : as for `score`, or neither the default nor a model of `order` made a forecast
    """
    aligned = _aligned(forecasts, actual)
    ranking = [name for name in dict.fromkeys([default, *order]) if name in aligned]
    if not ranking:
        raise InputError(
            f"nothing to choose from: none of {', '.join([default, *order])} is among the "
            f"forecasts ({', '.join(forecasts) or 'none were given'})"
        )
    ranking += [name for name in aligned if name not in ranking]
    errors = {name: (aligned[name] - actual) ** 2 for name in ranking}
    best = ranking[0]
    for rival in ranking[1:]:
        gain = errors[ranking[0]] - errors[rival]
        clear = gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain))
        if clear and errors[rival].mean() < errors[best].mean():
            best = rival
    return best


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


def _aligned(forecasts: Mapping[str, pd.Series], actual: pd.Series) -> dict[str, pd.Series]:
    """The forecasts in the order of `actual`, as floats; all that is wrong in one message."""
    wrong = [] if len(actual) and actual.notna().all() else ["the outcome is empty for some or all"]
    for model, forecast in forecasts.items():
        others = len(actual.index.symmetric_difference(forecast.index))
        if others or not forecast.index.is_unique:
            wrong.append(f"{model}: {others:,} customers are only in the forecast or the outcome")
        elif forecast.isna().any():
            wrong.append(f"{model}: {forecast.isna().sum():,} of {len(forecast):,} are empty")
    if wrong:
        raise InputError("forecasts cannot be scored: " + "; ".join(wrong))
    return {
        model: forecast.reindex(actual.index).astype(float) for model, forecast in forecasts.items()
    }
