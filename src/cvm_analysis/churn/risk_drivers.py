"""Reasons of a customer's risk: the features that raise it most.

The model adds up one contribution per feature to the log hazard of a return. One below 0 raises the
risk of no purchase. A reason must also read as one: a customer who is not late, or who has not
complained, is not at risk for that, whatever a model of many features adds up.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Bools
from cvm_analysis.errors import InputError
from cvm_analysis.survival.cox import Cox

_MIN_CONTRIBUTION = 0.01  # a change of the hazard by less than one percent is no reason
_LATE = ("silence_gaps",)  # reasons above 1: longer than usual
_LESS = ("rate_trend", "spend_trend")  # reasons below 1: less than before
_NEVER = ("customer_type", "tenure_weeks", "grade")  # nothing a caller could take up
_PRESENT = (  # reasons above 0: the customer has it
    *("only_once", "complaints_open", "complaint_days", "channel"),
    *("discount_share", "return_share", "late_share"),
)


def describe(
    contributions: pd.DataFrame, plain: pd.DataFrame, clear: Collection[str], n: int = 3
) -> pd.DataFrame:
    """Find the features that raise each customer's risk most, against the average customer.

    Parameters
    ----------
    contributions : one row per customer, one column per feature: contribution to the log hazard of
        a return, 0 for the average customer of the training data
    plain : the same customers and features in units for a reader; an empty value is no reason
    clear : the features with a clear effect; no other is a reason
    n : reasons per customer

    Returns
    -------
    Same index, for k = 1 .. n, strongest first (ties: the earlier feature)
        reason_<k> : the feature; empty without a further reason
        reason_<k>_value : its plain value; empty with its reason

    Raises
    ------
    InputError : the two tables are not of the same customers, or a feature has no plain value
    """
    names = [name for name in contributions if name in clear]
    absent = [name for name in names if name not in plain]
    if absent or not contributions.index.equals(plain.index):
        raise InputError(
            f"reasons: contributions of {len(contributions):,} customers, values of "
            f"{len(plain):,}, without {', '.join(absent) or 'none'}; give the same customers "
            "and features"
        )
    if not names:
        nothing = dict.fromkeys(_columns(n), np.nan) | dict.fromkeys(_columns(n)[::2])
        return pd.DataFrame(nothing, contributions.index)
    values = plain[names].to_numpy(dtype=float)
    size = np.where(_reads_as_reason(plain[names]), -contributions[names].to_numpy(float), 0.0)
    size[size <= _MIN_CONTRIBUTION] = 0.0
    codes = np.array([*names, None], dtype=object)
    rows, found = np.arange(len(size)), []
    for _ in range(n):
        column = size.argmax(axis=1)
        present = size[rows, column] > 0
        found.append(codes[np.where(present, column, len(names))])
        found.append(np.where(present, values[rows, column], np.nan))
        size[rows, column] = 0.0
    table = dict(zip(_columns(n), found, strict=True))
    return pd.DataFrame(table, contributions.index)


def _reads_as_reason(plain: pd.DataFrame) -> Bools:
    """Whether each value, read alone, is a reason to expect no purchase."""
    reads = plain.notna()
    for name in plain:
        attribute = str(name).partition("=")[0]
        if attribute in _NEVER:
            reads[name] = False
        elif attribute in _LATE:
            reads[name] &= plain[name] > 1
        elif attribute in _LESS:
            reads[name] &= plain[name] < 1
        elif attribute in _PRESENT:
            reads[name] &= plain[name] > 0
    return reads.to_numpy()


def list_reasons(
    cox: Cox | None, features: pd.DataFrame, plain: pd.DataFrame, hazards: pd.DataFrame
) -> pd.DataFrame:
    """List each customer's reasons by a fitted model (`describe`); no column without one.

    features, plain : one row per customer, in the model's units and in a reader's
    hazards : of the model; only features with a clear effect are reasons
    """
    if cox is None:
        return pd.DataFrame(index=features.index)
    return describe(cox.contributions(features), plain, significant(hazards))


def _columns(n: int) -> list[str]:
    return [f"reason_{k}{suffix}" for k in range(1, n + 1) for suffix in ("", "_value")]


def significant(hazards: pd.DataFrame) -> list[str]:
    """Return the features whose interval excludes 1; hazards : as `Cox.hazards`."""
    return [str(name) for name in hazards.index[(hazards["low"] > 1) | (hazards["high"] < 1)]]


def hazards_table(**models: Cox | None) -> pd.DataFrame:
    """Collect hazard ratios as table `hazards`: hazards_table(buyers=..., contracts=...).

    One row per event and feature, strongest first; no row of an event without a model. Features
    left out because their ratio diverged come last, without a ratio.
    """
    tables = [_ratios(event, model) for event, model in models.items() if model]
    columns = ["event", "position", "feature", "hazard_ratio", "low", "high", "mean_over"]
    return pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)


def _ratios(event: str, model: Cox) -> pd.DataFrame:
    diverged = [name for name, reason in model.dropped.items() if reason == "diverged"]
    ratios = model.hazards[["hazard_ratio", "low", "high"]]
    table = ratios.reindex([*ratios.index, *diverged]).rename_axis("feature").reset_index()
    over = dict.fromkeys(model.time_varying, "time")
    over |= dict.fromkeys(model.nonlinear, "values")
    return table.assign(event=event, position=table.index, mean_over=table["feature"].map(over))
