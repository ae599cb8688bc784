"""Typical customers, and the effect of one feature over its values.

Average features describe nobody; each typical customer here exists.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cvm_analysis.survival.cox import Cox

_ON_TIME, _OVERDUE = 1.0, float(np.log2(3))  # silence_gaps at one usual gap, at two


def typical_customers(features: pd.DataFrame) -> pd.DataFrame:
    """Choose typical customers whose risks are worth comparing.

    features : one row per customer, as `features.build` returns: silence_gaps, only_once, and
        complaints_open where there are complaints

    Returns
    -------
    Rows of `features`, indexed by kind; a kind without customers is absent. Of each kind the
    customer closest to its medians, in standard deviations of all customers.
        regular_on_time : bought on several days, no purchase for at most the usual gap
        regular_overdue : the same, no purchase for at least two usual gaps
        once_recent, once_inactive : bought on one day only; the same two limits
        complaint_open : has an open complaint
    """
    gaps, once = features["silence_gaps"], features["only_once"] > 0
    kinds = {
        "regular_on_time": ~once & (gaps <= _ON_TIME),
        "regular_overdue": ~once & (gaps >= _OVERDUE),
        "once_recent": once & (gaps <= _ON_TIME),
        "once_inactive": once & (gaps >= _OVERDUE),
    }
    if "complaints_open" in features:
        kinds["complaint_open"] = features["complaints_open"] > 0
    spread = features.std(ddof=0).replace(0, 1.0).fillna(1.0)
    rows = {
        kind: _closest_to_median(features[members], spread)
        for kind, members in kinds.items()
        if members.any()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=features.columns)


def survival_curves(
    model: Cox | None, features: pd.DataFrame, days: int, step: int = 6
) -> pd.DataFrame:
    """Forecast the probability that each typical customer has not returned, by days ahead.

    Returns
    -------
    One row per typical customer of `features`, indexed by kind; columns 0, step, 2 step, ... up to
    `days`; empty beyond the longest observed duration. No rows without a model.
    """
    if model is None:
        return pd.DataFrame()
    return model.survival(typical_customers(features), list(range(0, days + 1, step)))


def partial_effect(
    model: Cox | None, features: pd.DataFrame, plain: pd.DataFrame
) -> tuple[str, pd.DataFrame]:
    """Compute the effect of the strongest nonlinear feature, else of the strongest, by value.

    features, plain : of each customer, in the model's units and in units for a reader

    Returns
    -------
    The feature, and the table of `value_grid` with hazard_ratio: of a return, against the average
    customer of the training data. No rows without a model.
    """
    if model is None:
        return "", pd.DataFrame()
    strongest = [str(code) for code in model.hazards.index]
    code = next((code for code in strongest if code in model.nonlinear), strongest[0])
    table = value_grid(features[code], plain[code])
    return code, table.assign(hazard_ratio=model.effect(code, table["value"]).to_numpy())


def _closest_to_median(rows: pd.DataFrame, spread: pd.Series) -> list[float]:
    """The row closest to the medians; of several the one with the smallest values."""
    distance = ((rows - rows.median()) / spread).abs().sum(axis=1).round(9)
    nearest = rows[distance == distance.min()]
    return nearest.sort_values(list(rows.columns)).iloc[0].tolist()


def value_grid(values: pd.Series, plain: pd.Series, n: int = 40) -> pd.DataFrame:
    """Choose values of a feature at which to show its effect, ascending.

    Parameters
    ----------
    values, plain : of each customer, in the model's unit and in a reader's
    n : at most so many, spread evenly over the customers, without the outer 1 % at either end

    Returns
    -------
    One row per distinct value: value, plain.
    """
    pairs = pd.DataFrame({"value": values, "plain": plain}).dropna()
    if pairs.empty:
        return pairs
    pairs = pairs.sort_values(["value", "plain"], ignore_index=True)
    at = np.linspace(0.01, 0.99, n) * (len(pairs) - 1)
    return pairs.iloc[np.unique(at.round().astype(int))].drop_duplicates("value", ignore_index=True)
