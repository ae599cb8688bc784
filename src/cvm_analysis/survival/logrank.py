"""Do groups differ in how long they last? Log-rank tests, all pairs, and mean times without event.

Sources: [1] Mantel (1966), Cancer Chemotherapy Reports 50, 163-170, for many groups as in Klein &
Moeschberger (2003), "Survival Analysis", 2nd ed., section 7.3. [2] Holm (1979), "A Simple
Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6, 65-70.
[3] Klein & Moeschberger, section 4.5. [4] Harrington & Fleming (1982), "A Class of Rank Test
Procedures for Censored Survival Data", Biometrika 69(3), 553-566.
The sums are taken here and not by lifelines, whose log-rank test knows no late entry, and whose
variance of the restricted mean is that of the times themselves, not of their mean.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.survival import kaplan_meier


class LogRank(NamedTuple):
    """A log-rank test; without events, or with one group, chisq and p are empty."""

    chisq: float
    df: int
    p: float  # that groups alike would differ as much


def logrank(outcome: pd.DataFrame, groups: pd.Series, rho: float = 0.0) -> LogRank:
    """Test whether all groups have the event at the same pace at every age ([1]).

    Parameters
    ----------
    outcome : one row each; duration (any one unit), event (1 or 0), optional entry
    groups : each row's segment, same index, as known at the start. A group that was never at risk
        when somebody had the event takes no part
    rho : power of the share still without the event that weighs each difference ([4]): 0 weighs
        all alike, 1 the early ones more (Peto & Peto's test)

    Raises
    ------
    InputError : impossible outcomes, or rows without a group
    """
    from scipy import stats

    parts = [rows for _, rows in kaplan_meier.split_by_group(outcome, groups)]
    ends = [rows.loc[rows["event"] == 1, "duration"].to_numpy() for rows in parts]
    times = np.unique(np.concatenate([*ends, []]))
    at_risk = np.array([kaplan_meier.at_risk(rows, times) for rows in parts], dtype=float)
    parts_in = at_risk.sum(axis=1) > 0 if parts else np.zeros(0, dtype=bool)
    if parts_in.sum() < 2:
        return LogRank(np.nan, 0, np.nan)
    at_risk = at_risk[parts_in]
    places = [np.searchsorted(times, of) for of, used in zip(ends, parts_in, strict=True) if used]
    events = np.array([np.bincount(place, minlength=len(times)) for place in places])
    n, d = at_risk.sum(axis=0), events.sum(axis=0)
    weight = np.append(1.0, np.cumprod(1 - d / n))[:-1] ** rho
    surplus = (events - at_risk * d / n) @ weight
    spread = weight**2 * d * (n - d) / (np.maximum(n - 1, 1) * n**2)
    covariance = np.diag(at_risk @ (spread * n)) - (at_risk * spread) @ at_risk.T
    chisq = surplus[:-1] @ np.linalg.pinv(covariance[:-1, :-1]) @ surplus[:-1]
    df = len(surplus) - 1
    return LogRank(float(chisq), df, float(stats.chi2.sf(chisq, df)))


def pairwise(outcome: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Test every two groups against each other, with p adjusted for their number ([2]).

    Arguments and errors as for `logrank`. One row per pair: first, second, chisq, p, p_adjusted;
    empty where neither had an event.
    """
    rows = []
    for first, second in combinations(np.unique(groups.dropna()), 2):
        both = groups.isin([first, second])
        found = logrank(outcome[both], groups[both])
        rows.append((first, second, found.chisq, found.p))
    table = pd.DataFrame(rows, columns=["first", "second", "chisq", "p"])
    return table.assign(p_adjusted=holm(table["p"]))


def holm(p: pd.Series) -> pd.Series:
    """Adjust the p of several tests for their number ([2]); empty ones are no tests and stay empty.

    Where all groups are alike, any adjusted p falls below .05 at most one time in 20.
    """
    tested = p.dropna().astype(float).sort_values(kind="stable")
    steps = tested * np.arange(len(tested), 0, -1)
    return steps.cummax().clip(upper=1.0).reindex(p.index)


def restricted_mean(
    outcome: pd.DataFrame, groups: pd.Series | None = None, until: float | None = None
) -> pd.DataFrame:
    """The mean time without the event within the first `until`: the area under each curve ([3]).

    Parameters
    ----------
    outcome, groups : as for `curves.kaplan_meier`
    until : in the unit of duration; None: as long as every segment was watched, or had members
        without the event, so that a segment which has only just begun makes it short

    Returns
    -------
    One row per segment: segment, n, events; until; mean, std_error, low, high (95 %), in the unit
    of duration. Empty where the segment was not watched for so long, or not from the begin.
    """
    parts = kaplan_meier.split_by_group(outcome, groups)
    if until is None:
        until = _watched_by_all([rows for _, rows in parts])
    table = pd.DataFrame(
        [(s, len(rows), int(rows["event"].sum()), *_mean(rows, until)) for s, rows in parts],
        columns=["segment", "n", "events", "mean", "std_error"],
    )
    table.insert(3, "until", until)
    reach = kaplan_meier.Z * table["std_error"]
    return table.assign(
        low=(table["mean"] - reach).clip(lower=0), high=(table["mean"] + reach).clip(upper=until)
    )


def _watched_by_all(parts: list[pd.DataFrame]) -> float:
    """The longest time of the segment watched least; those that are all gone hold nobody up."""
    longest = [
        (rows["duration"].max(), _gone(kaplan_meier.observed_range(rows)[1])) for rows in parts
    ]
    left = [time for time, gone in longest if not gone]
    return min(left) if left else max((time for time, _ in longest), default=np.nan)


def _gone(observed: pd.DataFrame) -> bool:
    """Whether the last who were watched had the event, all of them."""
    last = observed["duration"] == observed["duration"].max()
    return bool((observed.loc[last, "event"] == 1).all())


def _mean(rows: pd.DataFrame, until: float) -> tuple[float, float]:
    """Mean within `until` and its standard error; empty if not watched."""
    begin, observed = kaplan_meier.observed_range(rows)
    table = kaplan_meier.product_limit(observed)
    if begin > 0 or (until > observed["duration"].max() and not _gone(observed)):
        return np.nan, np.nan
    table = table[table["duration"] < until]
    widths = np.diff(np.array([0.0, *table["duration"], until]))
    areas = np.array([1.0, *table["survival"]]) * widths
    n, d = table["n_at_risk"].to_numpy(float), table["events"].to_numpy(float)
    ahead = areas[:0:-1].cumsum()[::-1]
    variance = np.divide(ahead**2 * d, n * (n - d), out=np.zeros(len(n)), where=n > d).sum()
    return float(areas.sum()), float(np.sqrt(variance))
