"""The forecast to use: the default, unless another was clearly more accurate.

Choose by the outcome of earlier origins and report the last one: scores of the trial that made the
choice would be too good.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError

_CLEAR = 2.0  # standard errors


def choose_by_score(scores: pd.DataFrame, default: str, order: Sequence[str] = ()) -> str:
    """Choose the forecast by scores of which more is better (log scores).

    A rival replaces the default if its mean score, over rows where both have one, is higher by more
    than two standard errors of the paired differences, clustered by customer. Of several rivals the
    one with the largest difference.

    Parameters
    ----------
    scores : one row per customer and origin, indexed by customer_id (several origins: it repeats);
        one column per model, empty where it made no forecast
    default : the model to keep otherwise
    order : models from the most to the least preferred; the first one with a forecast replaces a
        default without one, and the earlier one wins a tie

    Raises
    ------
    InputError : neither the default nor a model of `order` has a score
    """
    have = [name for name in scores if scores[name].notna().any()]
    ranking = [name for name in dict.fromkeys([default, *order]) if name in have]
    if not ranking:
        raise InputError(
            f"no forecast to choose: none of {', '.join([default, *order])} is among the "
            f"forecasts ({', '.join(map(str, have)) or 'none were given'})"
        )
    start, best, most = ranking[0], ranking[0], 0.0
    for rival in [*ranking[1:], *(name for name in have if name not in ranking)]:
        gain, error = paired_difference(scores[rival] - scores[start])
        if gain > _CLEAR * error and gain > most:
            best, most = rival, gain
    return best


def paired_difference(differences: pd.Series) -> tuple[float, float]:
    """Mean of paired differences and its standard error, clustered by customer.

    differences : one row per customer and origin, indexed by customer_id; empty rows do not count
    """
    known = differences.dropna()
    by_customer = known.groupby(level=0).agg(["sum", "size"])
    n, mean = len(by_customer), float(known.mean())
    if n < 2:
        return mean, np.nan
    rest = by_customer["sum"] - mean * by_customer["size"]
    return mean, float(np.sqrt((rest**2).sum() * n / (n - 1)) / len(known))


def align(forecasts: Mapping[str, pd.Series], actual: pd.Series) -> dict[str, pd.Series]:
    """The forecasts in the order of `actual`, as floats.

    InputError : other customers than in `actual`, or empty values; all errors in one message
    """
    wrong = [] if len(actual) and actual.notna().all() else ["the outcome is empty for some or all"]
    for model, forecast in forecasts.items():
        others = len(actual.index.symmetric_difference(forecast.index))
        if others or not forecast.index.is_unique:
            wrong.append(f"{model}: {others:,} customers are only in the forecast or the outcome")
        elif forecast.isna().any():
            wrong.append(f"{model}: {forecast.isna().sum():,} of {len(forecast):,} are empty")
    if wrong:
        raise InputError("forecasts cannot be scored: " + "; ".join(wrong))
    return {name: each.reindex(actual.index).astype(float) for name, each in forecasts.items()}


def captured_share(forecast: pd.Series, actual: pd.Series, share: float) -> float:
    """Share of the actual total held by the top customers of a forecast; NaN if the total is 0.

    forecast, actual : of the same customers, in the same order
    share : of all customers that are the top; ties at its edge count by their expected share
    """
    total = actual.sum()
    if not total > 0:
        return float("nan")
    _, codes, n = np.unique(-forecast.to_numpy(float), return_inverse=True, return_counts=True)
    sums = np.bincount(codes, weights=actual.to_numpy(float))
    room = np.clip(share * len(codes) - (np.cumsum(n) - n), 0, n)
    return float((sums * room / n).sum() / total)
