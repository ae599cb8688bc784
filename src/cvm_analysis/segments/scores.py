"""Scores in which equal values always share a score, whatever the order of the rows.

A value's place is the share of customers strictly worse. If 95% bought once, none is worse, so all
of them get the lowest score; a score that ties make impossible has an empty cut point (NaN).

Source: [1] Hyndman & Fan (1996), "Sample Quantiles in Statistical Packages", The American
Statistician 50(4), 361-365.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError


def cut_points(values: pd.Series, parts: Sequence[tuple[int, int]]) -> list[float]:
    """Find the least value for which at least the share i / n of all values is strictly worse.

    values : one per customer, larger is better; empty ones do not count
    parts : shares as fractions (i, n), rising; so that 2 / 10 is exact

    Returns
    -------
    One cut point per share, rising; NaN where ties let no value reach it.
    """
    levels, counts = np.unique(values.dropna().to_numpy(float), return_counts=True)
    worse = np.cumsum(counts) - counts
    total = int(counts.sum())
    least = [-(-i * total // n) for i, n in parts]  # customers who must be worse, rounded up
    reached = np.searchsorted(worse, least)
    return [float(levels[at]) if at < len(levels) else float("nan") for at in reached]


def quantiles(values: pd.Series, parts: Sequence[tuple[int, int]]) -> list[float]:
    """Interpolate the quantiles of some shares: type 7 of [1], the default of R.

    values : one per customer; empty ones do not count
    parts : shares as fractions (i, n), rising; so that a quantile on a value is that value

    Returns
    -------
    One quantile per share, rising; NaN if there are no values.
    """
    ordered = np.sort(values.dropna().to_numpy(float))
    if not len(ordered):
        return [float("nan")] * len(parts)
    places = [(*divmod(i * (len(ordered) - 1), n), n) for i, n in parts]
    after = np.append(ordered[1:], ordered[-1])
    return [float(ordered[at] + (after[at] - ordered[at]) * rest / n) for at, rest, n in places]


def score(values: pd.Series, cuts: Sequence[float]) -> pd.Series:
    """Count the cut points each value reaches, plus one: int, 1 is worst; an empty value has 1."""
    found = values.to_numpy(float)
    reached = np.searchsorted(np.sort(np.asarray(cuts, dtype=float)), found, side="right")
    return pd.Series(1 + np.where(np.isnan(found), 0, reached), index=values.index, dtype=int)


def check_finite(table: pd.DataFrame) -> None:
    """Raise InputError if a measure of a customer is empty or infinite; all columns at once.

    table : one row per customer, a column per measure
    """
    counts = (~np.isfinite(table.astype(float))).sum()
    wrong = [f"{name}: {n:,} of {len(table):,} customers" for name, n in counts.items() if n]
    if wrong:
        raise InputError(
            f"empty or infinite values cannot be scored ({'; '.join(wrong)}); correct them or "
            "leave these customers out"
        )
