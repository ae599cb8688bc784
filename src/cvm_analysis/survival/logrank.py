"""Comparison of groups: log-rank test and restricted mean time without the event.

Sources: [1] Mantel (1966), Cancer Chemotherapy Reports 50, 163-170, for many groups as in Klein &
Moeschberger (2003), "Survival Analysis", 2nd ed., section 7.3. [2] Holm (1979), "A Simple
Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6, 65-70.
[3] Klein & Moeschberger, section 4.5.
Own code because lifelines' log-rank test ignores late entry, and its variance of the restricted
mean is that of the times, not of their mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.survival import kaplan_meier


class LogRank(NamedTuple):
    """A log-rank test; chisq and p are empty without events, or with one group."""

    chisq: float
    df: int
    p: float


def logrank(outcome: pd.DataFrame, groups: pd.Series) -> LogRank:
    """Test whether all groups have the same hazard of the event at every duration ([1]).

    Parameters
    ----------
    outcome : one row each; duration (any one unit), event (1 or 0), optional entry
    groups : each row's segment, same index, as known at the start; a group never at risk at an
        event is left out

    Raises
    ------
    InputError : impossible outcomes, or rows without a group
    """
    from scipy import stats

    parts = [rows for _, rows in kaplan_meier.split_by_group(outcome, groups)]
    ends = [rows.loc[rows["event"] == 1, "duration"].to_numpy() for rows in parts]
    times = np.unique(np.concatenate([*ends, []]))
    at_risk = np.array([kaplan_meier.at_risk(rows, times) for rows in parts], dtype=float)
    used = at_risk.sum(axis=1) > 0 if parts else np.zeros(0, dtype=bool)
    if used.sum() < 2:
        return LogRank(np.nan, 0, np.nan)
    at_risk = at_risk[used]
    places = [np.searchsorted(times, own) for own, keep in zip(ends, used, strict=True) if keep]
    events = np.array([np.bincount(place, minlength=len(times)) for place in places])
    n, d = at_risk.sum(axis=0), events.sum(axis=0)
    surplus = (events - at_risk * d / n).sum(axis=1)
    spread = d * (n - d) / (np.maximum(n - 1, 1) * n**2)
    covariance = np.diag(at_risk @ (spread * n)) - (at_risk * spread) @ at_risk.T
    chisq = surplus[:-1] @ np.linalg.pinv(covariance[:-1, :-1]) @ surplus[:-1]
    df = len(surplus) - 1
    return LogRank(float(chisq), df, float(stats.chi2.sf(chisq, df)))


def holm(p: pd.Series) -> pd.Series:
    """Adjust p values for the number of tests ([2]); empty ones stay empty and do not count."""
    tested = p.dropna().astype(float).sort_values(kind="stable")
    steps = tested * np.arange(len(tested), 0, -1)
    return steps.cummax().clip(upper=1.0).reindex(p.index)


def restricted_mean(outcome: pd.DataFrame, groups: pd.Series | None, until: float) -> pd.DataFrame:
    """Estimate the mean time without the event up to `until`: the area under each curve ([3]).

    Parameters
    ----------
    outcome, groups : as for `kaplan_meier.kaplan_meier`
    until : in the unit of duration

    Returns
    -------
    One row per segment: segment, n, events, until, mean, std_error, low, high (95 %), in the unit
    of duration. Empty where the segment was not observed for so long, or not from the start.
    """
    parts = kaplan_meier.split_by_group(outcome, groups)
    table = pd.DataFrame(
        [(s, len(rows), int(rows["event"].sum()), *_mean(rows, until)) for s, rows in parts],
        columns=["segment", "n", "events", "mean", "std_error"],
    )
    table.insert(3, "until", until)
    reach = kaplan_meier.Z * table["std_error"]
    return table.assign(
        low=(table["mean"] - reach).clip(lower=0), high=(table["mean"] + reach).clip(upper=until)
    )


def _all_ended(observed: pd.DataFrame) -> bool:
    """Whether all rows with the longest duration had the event."""
    last = observed["duration"] == observed["duration"].max()
    return bool((observed.loc[last, "event"] == 1).all())


def _mean(rows: pd.DataFrame, until: float) -> tuple[float, float]:
    """Mean up to `until` and its standard error; empty if not observed."""
    begin, observed = kaplan_meier.observed_range(rows)
    table = kaplan_meier.product_limit(observed)
    if begin > 0 or (until > observed["duration"].max() and not _all_ended(observed)):
        return np.nan, np.nan
    table = table[table["duration"] < until]
    widths = np.diff(np.array([0.0, *table["duration"], until]))
    areas = np.array([1.0, *table["survival"]]) * widths
    n, d = table["n_at_risk"].to_numpy(float), table["events"].to_numpy(float)
    ahead = areas[:0:-1].cumsum()[::-1]
    variance = np.divide(ahead**2 * d, n * (n - d), out=np.zeros(len(n)), where=n > d).sum()
    return float(areas.sum()), float(np.sqrt(variance))
