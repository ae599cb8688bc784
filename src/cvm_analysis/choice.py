"""Which forecast to use: the default, unless another was clearly nearer to what happened.

Choosing and reporting are apart: choose by the outcome of an earlier origin, report the last one,
so that a forecast is never praised for the luck it was chosen for.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError


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
    given = aligned(forecasts, actual)
    ranking = [name for name in dict.fromkeys([default, *order]) if name in given]
    if not ranking:
        raise InputError(
            f"nothing to choose from: none of {', '.join([default, *order])} is among the "
            f"forecasts ({', '.join(forecasts) or 'none were given'})"
        )
    ranking += [name for name in given if name not in ranking]
    errors = {name: (given[name] - actual) ** 2 for name in ranking}
    best = ranking[0]
    for rival in ranking[1:]:
        gain = errors[ranking[0]] - errors[rival]
        clear = gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain))
        if clear and errors[rival].mean() < errors[best].mean():
            best = rival
    return best


def aligned(forecasts: Mapping[str, pd.Series], actual: pd.Series) -> dict[str, pd.Series]:
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
