"""Kaplan-Meier curves: the share still without the event, by duration.

Rows may be observed from later than their start (late entry): a contract that started before the
records did is known only because it lasted until then, and counts from that day on.

Sources: [1] Kaplan & Meier (1958), "Nonparametric Estimation from Incomplete Observations", JASA
53, 457-481. [2] Klein & Moeschberger (2003), "Survival Analysis", 2nd ed., chapter 4.
Own code because lifelines rejects late entry where at some time no row is at risk; the two agree
elsewhere.
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
    """Estimate the share of each group that is still without the event.

    Parameters
    ----------
    outcome : one row each; duration (any one unit), event (1 or 0); optional `entry`: duration from
        which on the row was observed (absent: 0)
    groups : each row's segment, same index, as known at the start: a group that rows join by
        lasting long looks immortal. None: one segment named `all`
    step : distance of the curve's points, in the unit of duration

    Returns
    -------
    One row per segment and point: segment, duration (0, step, 2 step, ... as far as observed),
    survival, low, high (95 %, log-log; empty where survival is 0), n_at_risk. If no row is observed
    from the start, the curve starts later, for rows that lasted until then.
    """
    tables = [
        _curve(rows, step).assign(segment=segment)
        for segment, rows in split_by_group(outcome, groups)
    ]
    if not tables:
        return pd.DataFrame(columns=_COLUMNS)
    return pd.concat(tables, ignore_index=True)[_COLUMNS]


def product_limit(outcome: pd.DataFrame) -> pd.DataFrame:
    """Compute the product limit of one group ([1]), one row per distinct event time, in order.

    outcome : as `check_outcome` returns

    Returns
    -------
    duration, n_at_risk, events, survival (just after that time), variance of its logarithm
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
    """Return the survival just after each time; curve : as `product_limit` returns."""
    place = np.searchsorted(curve["duration"], at, side="right")
    return np.concatenate([[1.0], curve["survival"]])[place]


def at_risk(outcome: pd.DataFrame, times: Array) -> Ints:
    """Count the rows at risk just before each time: entry < t <= duration.

    Rows observed from their start are at risk at time 0, too.
    """
    left = np.searchsorted(np.sort(outcome["duration"].to_numpy()), times)
    return np.searchsorted(np.sort(_entry(outcome)), times) - left


def observed_range(outcome: pd.DataFrame) -> tuple[float, pd.DataFrame]:
    """Find the range of durations with most rows and a row at risk at every time.

    Returns where it starts (0 without late entry), and its rows. Rows beyond a gap say nothing
    about survival to it.
    """
    entry = _entry(outcome)
    order = np.argsort(entry, kind="stable")
    longest = np.maximum.accumulate(outcome["duration"].to_numpy()[order])
    part = np.zeros(len(outcome), dtype=int)
    part[order[1:]] = np.cumsum(entry[order[1:]] > longest[:-1])
    rows = outcome[part == np.bincount(part).argmax()]
    return max(float(_entry(rows).min()), 0.0), rows


def check_outcome(outcome: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """Return duration, event and, where given, entry as numbers; InputError for impossible rows.

    An entry is 0, or before the end of its row; the rows are those of `index`, in its order.
    """
    observed = outcome[[c for c in ("duration", "event", "entry") if c in outcome]].astype(float)
    valid = (
        np.isfinite(observed["duration"])
        & (observed["duration"] >= 0)
        & observed["event"].isin([0, 1])
    )
    late = ""
    if "entry" in observed:
        entry = observed["entry"]
        valid &= (entry == 0) | ((entry > 0) & (entry < observed["duration"]))
        late = ", or are observed only from their end on (entry)"
    if not valid.all() or not observed.index.equals(index):
        raise InputError(
            f"{(~valid).sum():,} of {len(observed):,} outcomes have no duration of 0 or more or no "
            f"event of 0 or 1{late}; and they must be of the {len(index):,} rows given, in "
            "their order"
        )
    return observed


def split_by_group(
    outcome: pd.DataFrame, groups: pd.Series | None
) -> list[tuple[Any, pd.DataFrame]]:
    """Check the rows and split them by segment, in order; one named `all` without groups.

    InputError for impossible outcomes and rows without a segment.
    """
    observed = check_outcome(outcome, outcome.index)
    if groups is None:
        return [("all", observed)] if len(observed) else []
    check_groups("groups", groups, observed.index)
    return list(observed.groupby(groups.to_numpy()))


def check_groups(what: str, codes: pd.Series, index: pd.Index) -> None:
    """Raise InputError if a row has no code, or the codes are of other rows."""
    if codes.isna().any() or not codes.index.equals(index):
        raise InputError(
            f"{what}: {codes.isna().sum():,} of {len(codes):,} rows have none; give each of the "
            f"{len(index):,} rows one, in their order"
        )


def _curve(rows: pd.DataFrame, step: float) -> pd.DataFrame:
    begin, observed = observed_range(rows)
    points = np.arange(0, observed["duration"].max() + step * 1e-9, step)
    points = points[points >= begin]
    found = product_limit(observed)
    at = np.searchsorted(found["duration"], points, side="right")
    survival = survival_at(found, points)
    low, high = log_log(survival, np.concatenate([[0.0], found["variance"]])[at])
    return pd.DataFrame(
        {
            "duration": points,
            "survival": survival,
            "low": low,
            "high": high,
            "n_at_risk": at_risk(observed, points),
        }
    )


def log_log(survival: Array, variance: Array) -> tuple[Array, Array]:
    """95 % interval on the scale of log(-log S) ([2], formula 4.3.2); see `product_limit`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.exp(Z * np.sqrt(variance) / np.abs(np.log(survival)))
        low, high = survival**reach, survival ** (1 / reach)
    return np.where(survival == 1, 1.0, low), np.where(survival == 1, 1.0, high)


def _entry(outcome: pd.DataFrame) -> Array:
    """Entry of each row; -inf if observed from the start, so that it is at risk at time 0."""
    if "entry" not in outcome:
        return np.full(len(outcome), -np.inf)
    entry = outcome["entry"].to_numpy(dtype=float)
    return np.where(entry == 0, -np.inf, entry)
