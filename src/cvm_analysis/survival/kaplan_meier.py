"""Kaplan-Meier curves: how many are still without the event, by how long they have lasted.

Rows may be observed from later than their start on (late entry): a contract that began before the
records did is in them only because it lasted until then, and counts from that day on.

Sources: [1] Kaplan & Meier (1958), "Nonparametric Estimation from Incomplete Observations", JASA
53, 457-481. [2] Klein & Moeschberger (2003), "Survival Analysis", 2nd ed., chapter 4.
The product is taken here and not by lifelines, which refuses late entry where at some time nobody
was watched; the two agree elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.errors import InputError

Z = 1.959963984540054  # standard errors to each side that hold 95 %
_COLUMNS = ["segment", "duration", "survival", "low", "high", "n_at_risk"]


def kaplan_meier(
    outcome: pd.DataFrame, groups: pd.Series | None = None, step: float = 1
) -> pd.DataFrame:
    """The share of each group that is still without the event.

    Parameters
    ----------
    outcome : one row each; duration (any one unit), event (1 or 0); optional `entry`: duration from
        which on the row was watched, so that its event would have been observed (absent: 0)
    groups : each row's segment, same index; as known at the start, for a group that rows enter by
        lasting long looks immortal. None: one segment named `all`
    step : distance of the curve's points, in the unit of duration

    Returns
    -------
    One row per segment and point: segment, duration (0, step, 2 step, ... as far as observed),
    survival, low, high (95 %, log-log; empty where survival is 0), n_at_risk. Where rows enter so
    late that nobody was watched at first the curve begins later, for those who lasted until then.
    """
    tables = [
        _curve(rows, step).assign(segment=segment)
        for segment, rows in split_by_group(outcome, groups)
    ]
    return (
        pd.concat(tables, ignore_index=True)[_COLUMNS]
        if tables
        else pd.DataFrame([], None, _COLUMNS)
    )


def medians(outcome: pd.DataFrame, groups: pd.Series | None = None) -> pd.DataFrame:
    """After how long half of each group has had the event; arguments as for `kaplan_meier`.

    One row per segment: segment, n, events, median (unit of duration; the middle where the curve
    lies at one half for a while; empty if never reached, or if the begin was not watched).
    """
    rows = []
    for segment, part in split_by_group(outcome, groups):
        begin, observed = observed_range(part)
        median = np.nan if begin > 0 else _median(product_limit(observed))
        rows.append((segment, len(part), int(part["event"].sum()), median))
    return pd.DataFrame(rows, columns=["segment", "n", "events", "median"])


def product_limit(outcome: pd.DataFrame) -> pd.DataFrame:
    """The product limit of one group ([1]), one row per distinct time with an event, in order.

    outcome : as `check_outcome` gives

    Returns
    -------
    duration, n_at_risk, events; survival (just after that time), variance of its logarithm
    (Greenwood's sum; infinite once survival is 0).
    """
    ends = outcome.loc[outcome["event"] == 1, "duration"]
    times, events = np.unique(ends.to_numpy(), return_counts=True)
    n = at_risk(outcome, times)
    with np.errstate(divide="ignore"):
        variance = np.cumsum(events / (n * (n - events)))
    return pd.DataFrame(
        {
            "duration": times,
            "n_at_risk": n,
            "events": events,
            "survival": np.cumprod(1 - events / n),
            "variance": variance,
        }
    )


def survival_at(curve: pd.DataFrame, at: ArrayLike) -> Array:
    """The share still without the event just after each time; curve : as `product_limit` gives
    it."""
    place = np.searchsorted(curve["duration"], at, side="right")
    return np.concatenate([[1.0], curve["survival"]])[place]


def at_risk(outcome: pd.DataFrame, times: Array) -> Ints:
    """How many rows are watched and without the event just before each time: entry < t <= duration.

    Rows watched from their start on are at risk at time 0, too.
    """
    left = np.searchsorted(np.sort(outcome["duration"].to_numpy()), times)
    return np.searchsorted(np.sort(_entry(outcome)), times) - left


def observed_range(outcome: pd.DataFrame) -> tuple[float, pd.DataFrame]:
    """The stretch of durations in which most rows were watched, without a time that nobody was.

    Returns where it begins (0 without late entry), and its rows. What lies beyond a gap says
    nothing about survival to it: nobody was there to have an event, or everybody just had.
    """
    entry = _entry(outcome)
    order = np.argsort(entry, kind="stable")
    longest = np.maximum.accumulate(outcome["duration"].to_numpy()[order])
    stretch = np.zeros(len(outcome), dtype=int)
    stretch[order[1:]] = np.cumsum(entry[order[1:]] >= longest[:-1])
    rows = outcome[stretch == np.bincount(stretch).argmax()]
    return max(float(_entry(rows).min()), 0.0), rows


def check_outcome(outcome: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """Duration, event and, where given, entry as numbers, of these rows in this order.

    InputError if impossible: an entry is 0 or lies before the end of its row.
    """
    observed = outcome[[c for c in ("duration", "event", "entry") if c in outcome]].astype(float)
    sound = np.isfinite(observed["duration"]) & (observed["duration"] >= 0) & observed["event"].isin([0, 1])
    said = ""
    if "entry" in observed:
        entry = observed["entry"]
        sound &= (entry == 0) | ((entry > 0) & (entry < observed["duration"]))
        said = ", or are watched only from their end on (entry)"
    if not sound.all() or not observed.index.equals(index):
        raise InputError(
            f"{(~sound).sum():,} of {len(observed):,} outcomes have no duration of 0 or more or no "
            f"event of 0 or 1{said}; and they must be of the {len(index):,} rows given, in their "
            "order"
        )
    return observed


def split_by_group(
    outcome: pd.DataFrame, groups: pd.Series | None
) -> list[tuple[Any, pd.DataFrame]]:
    """The checked rows of each segment, in order of the segments; one named `all` without groups.

    InputError for impossible outcomes and rows without a segment.
    """
    observed = check_outcome(outcome, outcome.index)
    if groups is None:
        return [("all", observed)] if len(observed) else []
    if groups.isna().any() or not groups.index.equals(observed.index):
        raise InputError(
            f"groups: {groups.isna().sum():,} of {len(observed):,} rows have none; give each row one"
        )
    return list(observed.groupby(groups.to_numpy()))


def _curve(rows: pd.DataFrame, step: float) -> pd.DataFrame:
    begin, observed = observed_range(rows)
    points = np.arange(0, observed["duration"].max() + step * 1e-9, step)
    points = points[points >= begin]
    found = product_limit(observed)
    at = np.searchsorted(found["duration"], points, side="right")
    survival = survival_at(found, points)
    low, high = _log_log(survival, np.concatenate([[0.0], found["variance"]])[at])
    return pd.DataFrame(
        {
            "duration": points,
            "survival": survival,
            "low": low,
            "high": high,
            "n_at_risk": at_risk(observed, points),
        }
    )


def _log_log(survival: Array, variance: Array) -> tuple[Array, Array]:
    """95 % bounds on the scale of log(-log S) ([2], formula 4.3.2)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.exp(Z * np.sqrt(variance) / np.abs(np.log(survival)))
        low, high = survival**reach, survival ** (1 / reach)
    return np.where(survival == 1, 1.0, low), np.where(survival == 1, 1.0, high)


def _median(table: pd.DataFrame) -> float:
    times, survival = table["duration"].to_numpy(), table["survival"].to_numpy()
    half = np.flatnonzero(survival < 0.5 + 1e-9)
    lower = np.flatnonzero(survival < 0.5 - 1e-9)
    if not len(half):
        return np.nan
    return float((times[half[0]] + times[lower[0] if len(lower) else half[0]]) / 2)


def _entry(outcome: pd.DataFrame) -> Array:
    """From when on rows are watched; those from the start on are watched at time 0 itself."""
    if "entry" not in outcome:
        return np.full(len(outcome), -np.inf)
    entry = outcome["entry"].to_numpy(dtype=float)
    return np.where(entry == 0, -np.inf, entry)
