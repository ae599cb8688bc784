"""A few customers that stand for many, and the values along which a feature is shown.

Averages of features describe nobody; each of these customers exists.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cvm_analysis.survival.cox import Cox

_ON_TIME, _OVERDUE = 1.0, float(np.log2(3))  # silence_gaps at one usual gap, at two


def typical_customers(features: pd.DataFrame) -> pd.DataFrame:
    """Choose customers whose risks are worth seeing side by side.

    Parameters
    ----------
    features : one row per customer, as `features.build` makes them; silence_gaps, only_once, and
        complaints_open where there are complaints

    Returns
    -------
    Rows of `features`, indexed by what each stands for; a kind nobody is of is absent.
        regular_on_time : bought on several days, silent for no longer than the usual gap
        regular_overdue : the same, silent for at least two usual gaps
        once_recent, once_silent : bought on one day only; the same two silences
        complaint_open : has an open complaint
    Of each kind the customer nearest to the kind's medians, in standard deviations of all.
    """
    silence, once = features["silence_gaps"], features["only_once"] > 0
    kinds = {
        "regular_on_time": ~once & (silence <= _ON_TIME),
        "regular_overdue": ~once & (silence >= _OVERDUE),
        "once_recent": once & (silence <= _ON_TIME),
        "once_silent": once & (silence >= _OVERDUE),
    }
    if "complaints_open" in features:
        kinds["complaint_open"] = features["complaints_open"] > 0
    spread = features.std(ddof=0).replace(0, 1.0).fillna(1.0)
    rows = {kind: _middle(features[of_it], spread) for kind, of_it in kinds.items() if of_it.any()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=features.columns)


def survival_curves(
    model: Cox | None, features: pd.DataFrame, days: int, step: int = 6
) -> pd.DataFrame:
    """Draw up how likely each typical customer has not come back by each day ahead.

    Returns
    -------
    One row per typical customer of `features`, indexed by what each stands for; columns 0, step, 2
    step, ... up to `days`; empty beyond what was observed. No rows without a model.
    """
    if model is None:
        return pd.DataFrame()
    return model.survival(typical_customers(features), list(range(0, days + 1, step)))


def partial_effect(
    model: Cox | None, features: pd.DataFrame, plain: pd.DataFrame
) -> tuple[str, pd.DataFrame]:
    """Follow one feature along its values: the strongest that bends, else the strongest.

    features, plain : of each customer, as the model takes them and as a reader understands them

    Returns
    -------
    The feature, and one row per value as `value_grid` gives them, with hazard_ratio: of the event,
    against the average customer of the training. No rows without a model.
    """
    if model is None:
        return "", pd.DataFrame()
    strongest = [str(code) for code in model.hazards.index]
    code = next((code for code in strongest if code in model.bent), strongest[0])
    table = value_grid(features[code], plain[code])
    return code, table.assign(hazard_ratio=model.effect(code, table["value"]).to_numpy())


def _middle(rows: pd.DataFrame, spread: pd.Series) -> list[float]:
    """The row nearest to the medians; of several the one with the smallest values."""
    distance = ((rows - rows.median()) / spread).abs().sum(axis=1).round(9)
    nearest = rows[distance == distance.min()]
    return nearest.sort_values(list(rows.columns)).iloc[0].tolist()


def value_grid(values: pd.Series, plain: pd.Series, n: int = 40) -> pd.DataFrame:
    """Values of a feature at which to show its effect, from low to high, as customers have them.

    Parameters
    ----------
    values, plain : of each customer, as the model takes the feature and as a reader understands it
    n : at most so many; evenly spread over the customers, without the last hundredth at either end

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
