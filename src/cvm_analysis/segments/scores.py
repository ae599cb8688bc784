"""Scores in which equal values always share a score, whatever the order of the rows.

A value's place is the share of customers strictly worse. With 95 % one-time buyers nobody is worse
than they are, so they all get the lowest score; a bin that ties leave empty shows in the cut
points as empty (NaN) and is never filled by an arbitrary rule.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def cut_points(values: pd.Series, parts: Sequence[tuple[int, int]]) -> list[float]:
    """Find the least value of which at least the share i / n of all values is strictly worse.

    Parameters
    ----------
    values : one per customer, larger is better
    parts : shares as fractions (i, n), rising; so that 2 / 10 is exact

    Returns
    -------
    One cut point a share, rising; NaN where ties let no value reach it.
    """
    levels, counts = np.unique(values.dropna().to_numpy(float), return_counts=True)
    worse = np.cumsum(counts) - counts
    found = [levels[worse * n >= i * counts.sum()] for i, n in parts]
    return [float(reached[0]) if len(reached) else float("nan") for reached in found]


def score(values: pd.Series, cuts: Sequence[float]) -> pd.Series:
    """Count the cut points a value reaches, plus one: int, 1 is worst; the same index."""
    reached = values.to_numpy(float)[:, None] >= np.asarray(cuts, dtype=float)[None, :]
    return pd.Series(1 + reached.sum(axis=1), index=values.index, dtype=int)


def empty_bins(values: pd.Series, cuts: Sequence[float]) -> list[int]:
    """Name the scores that no customer gets, because ties make them impossible."""
    scores = score(values, cuts)
    return sorted(set(range(1, len(cuts) + 2)) - set(scores))
