"""Which forecast to use: the default, unless another was clearly nearer to what happened.

Choosing and reporting are apart: choose by the outcome of earlier origins, report the last one,
so that a forecast is never praised for the luck it was chosen for.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError

_CLEAR = 2.0  # standard errors


def choose(
    forecasts: Mapping[str, pd.Series], actual: pd.Series, default: str, order: Sequence[str] = ()
) -> str:
    """The forecast to use from now on: the default, unless a rival was clearly better.

    A rival is clearly better if its squared error per customer is lower than the default's by more
    than two standard errors of the paired differences. Of several, the one with the lowest squared
    error.

    Parameters
    ----------
    forecasts, actual : of the same customers, at an earlier origin
    default : the model to keep if nothing speaks against it
    order : models from the most to the least preferred; the first of them that made a forecast
        stands in for a default that made none, and the earlier one wins a tie

    Raises
    ------
    InputError : other customers than in `actual`, empty values, or neither the default nor a model
        of `order` made a forecast
    """
    given = align(forecasts, actual)
    scores = pd.DataFrame({name: -((each - actual) ** 2) for name, each in given.items()})
    return choose_by_score(scores, default, order)


def choose_by_score(scores: pd.DataFrame, default: str, order: Sequence[str] = ()) -> str:
    """The forecast to use from now on, by scores of which more is better (log scores).

    A rival is clearly better if its mean score, where both have one, is higher than the default's
    by more than two standard errors of the paired differences, in which all rows of one customer
    count as one draw. Of several, the one that is better by the most.

    Parameters
    ----------
    scores : one row per customer and origin, indexed by customer_id (several origins: it repeats);
        one column per model, empty where it made no forecast
    default, order : as for `choose`

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
    """Mean of paired differences and its standard error, all rows of a customer being one draw.

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


def captured_share(forecast: pd.Series, actual: pd.Series, share: float) -> float:
    """Share of what came that the best customers by a forecast held; NaN if nothing came.

    forecast, actual : of the same customers, in the same order
    share : how many are the best, of all; ties at the edge count as expected if drawn by chance
    """
    total = actual.sum()
    if not total > 0:
        return float("nan")
    _, codes, n = np.unique(-forecast.to_numpy(float), return_inverse=True, return_counts=True)
    sums = np.bincount(codes, weights=actual.to_numpy(float))
    room = np.clip(share * len(codes) - (np.cumsum(n) - n), 0, n)
    return float((sums * room / n).sum() / total)
