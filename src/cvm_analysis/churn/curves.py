"""Kaplan-Meier curves: how many are still without the event, by how long they have lasted.

Source: Kaplan & Meier (1958), "Nonparametric Estimation from Incomplete Observations", JASA 53,
457-481. lifelines estimates them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError


def kaplan_meier(
    outcome: pd.DataFrame, groups: pd.Series | None = None, step: float = 1
) -> pd.DataFrame:
    """The share of each group that is still without the event.

    Parameters
    ----------
    outcome : one row each; duration (any one unit), event (1 or 0)
    groups : each row's segment, same index; as known at the start, for a group that rows enter by
        lasting long looks immortal. None: one segment named `all`
    step : distance of the curve's points, in the unit of duration

    Returns
    -------
    One row per segment and point: segment, duration (0, step, 2 step, ... as far as observed),
    survival, low, high (95 %, log-log), n_at_risk.
    """
    from lifelines import KaplanMeierFitter

    tables = []
    for segment, rows in _by_group(outcome, groups):
        points = np.arange(0, rows["duration"].max() + step * 1e-9, step)
        km = KaplanMeierFitter().fit(rows["duration"], rows["event"], timeline=points)
        bounds = km.confidence_interval_
        last = np.sort(rows["duration"].to_numpy())
        tables.append(
            pd.DataFrame(
                {
                    "segment": segment,
                    "duration": points,
                    "survival": km.survival_function_.iloc[:, 0].to_numpy(),
                    "low": bounds.iloc[:, 0].to_numpy(),
                    "high": bounds.iloc[:, 1].to_numpy(),
                    "n_at_risk": len(last) - np.searchsorted(last, points),
                }
            )
        )
    columns = ["segment", "duration", "survival", "low", "high", "n_at_risk"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def medians(outcome: pd.DataFrame, groups: pd.Series | None = None) -> pd.DataFrame:
    """After how long half of each group has had the event; arguments as for `kaplan_meier`.

    One row per segment: segment, n, events, median (unit of duration; empty if never reached).
    """
    from lifelines import KaplanMeierFitter

    rows = []
    for segment, part in _by_group(outcome, groups):
        median = KaplanMeierFitter().fit(part["duration"], part["event"]).median_survival_time_
        rows.append((segment, len(part), int(part["event"].sum()), float(median)))
    table = pd.DataFrame(rows, columns=["segment", "n", "events", "median"])
    return table.replace({"median": {np.inf: np.nan}})


def checked(outcome: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """Duration and event as numbers, of these rows in this order; InputError if impossible."""
    seen = outcome[["duration", "event"]].astype(float)
    bad = int((~(seen["duration"] >= 0) | ~seen["event"].isin([0, 1])).sum())
    if bad or not seen.index.equals(index):
        raise InputError(
            f"{bad:,} of {len(seen):,} outcomes have no duration of 0 or more or no event of 0 or "
            f"1, and they must be of the {len(index):,} rows given, in their order"
        )
    return seen


def _by_group(outcome: pd.DataFrame, groups: pd.Series | None) -> list[tuple[Any, pd.DataFrame]]:
    seen = checked(outcome, outcome.index)
    if groups is None:
        return [("all", seen)] if len(seen) else []
    if groups.isna().any() or not groups.index.equals(seen.index):
        raise InputError(
            f"groups: {groups.isna().sum():,} of {len(seen):,} rows have none; give each row one"
        )
    return list(seen.groupby(groups.to_numpy()))
