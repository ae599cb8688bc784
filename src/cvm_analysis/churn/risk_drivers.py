"""Why a customer's risk is what it is: the parts of the model's own sum that move it most.

The model adds up one part per feature, on the logarithmic scale of the pace at which customers come
back. A part below 0 slows the return, so it raises the risk of silence.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError
from cvm_analysis.survival.cox import Cox

_FELT = 0.01  # a part that changes the pace by less than one percent is no reason


def describe(
    contributions: pd.DataFrame, plain: pd.DataFrame, told: Collection[str], n: int = 3
) -> pd.DataFrame:
    """What moves each customer's risk of staying silent most, against the average customer.

    Parameters
    ----------
    contributions : one row per customer, one column per feature: its part of the log hazard of
        coming back, 0 for the average customer of the training
    plain : the same customers, the same features in the unit a reader understands; empty where
        nobody knows, and then no reason
    told : the features the data tell the effect of (the interval of the ratio leaves out 1); no
        other is a reason

    Returns
    -------
    Same index, for k = 1 .. n, strongest first (ties: the feature that comes first)
        reason_<k> : the feature and `+` if it raises the risk of silence (`silence_gaps+`), `-` if
            it lowers it; empty where no further feature moves it
        reason_<k>_value : the feature's plain value; empty with its reason

    Raises
    ------
    InputError : the two tables are not of the same customers, or a feature has no plain value
    """
    names = [name for name in contributions if name in told]
    absent = [name for name in names if name not in plain]
    if absent or not contributions.index.equals(plain.index):
        raise InputError(
            f"reasons: parts of {len(contributions):,} customers, plain values of {len(plain):,}, "
            f"without {', '.join(absent) or 'none'}; give the same customers and features"
        )
    if not names:
        nothing = dict.fromkeys(_columns(n), np.nan) | dict.fromkeys(_columns(n)[::2])
        return pd.DataFrame(nothing, contributions.index)
    parts, values = (t[names].to_numpy(dtype=float) for t in (contributions, plain))
    size = np.where(np.isnan(values), 0.0, np.abs(parts))
    size[size <= _FELT] = 0.0
    codes = np.array([f"{name}{sign}" for name in names for sign in "-+"] + [None], dtype=object)
    rows, found = np.arange(len(parts)), []
    for _ in range(n):
        column = size.argmax(axis=1)
        felt = size[rows, column] > 0
        code = np.where(felt, 2 * column + (parts[rows, column] < 0), len(codes) - 1)
        found += [codes[code], np.where(felt, values[rows, column], np.nan)]
        size[rows, column] = 0.0
    table = dict(zip(_columns(n), found, strict=True))
    return pd.DataFrame(table, contributions.index)


def list_reasons(
    cox: Cox | None, features: pd.DataFrame, plain: pd.DataFrame, hazards: pd.DataFrame
) -> pd.DataFrame:
    """List the reasons of each customer by a fitted model; no column without one.

    features : one row per customer, as the model takes them; plain : as for `describe`
    hazards : of the model; only features whose effect they tell are reasons
    """
    if cox is None:
        return pd.DataFrame(index=features.index)
    return describe(cox.contributions(features), plain, significant(hazards))


def _columns(n: int) -> list[str]:
    return [f"reason_{k}{suffix}" for k in range(1, n + 1) for suffix in ("", "_value")]


def significant(hazards: pd.DataFrame) -> list[str]:
    """The features whose interval leaves out 1; hazards as `survival.Cox` has them."""
    return [str(name) for name in hazards.index[(hazards["low"] > 1) | (hazards["high"] < 1)]]


def hazards_table(**of: Cox | None) -> pd.DataFrame:
    """Hazard ratios as table `hazards`, event by event: ratios(buyers=..., contracts=...).

    One row per event and feature, strongest first; no row of an event without a model.
    """
    tables = [_ratios(event, model) for event, model in of.items() if model]
    columns = ["event", "position", "feature", "hazard_ratio", "low", "high", "mean_over"]
    return pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)


def _ratios(event: str, model: Cox) -> pd.DataFrame:
    table = model.hazards[["hazard_ratio", "low", "high"]].rename_axis("feature").reset_index()
    over = dict.fromkeys(model.drifting, "time")
    over |= dict.fromkeys(model.bent, "values")
    return table.assign(event=event, position=table.index, mean_over=table["feature"].map(over))
