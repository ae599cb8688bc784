"""Names that mean the same group from one report to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Matched:
    """Today's clusters under the names of earlier ones; `match` makes one.

    labels : each customer's cluster today, under its kept name
    moved : one row per cluster of today, by its kept name: today (the name it would have by
        itself), distance (of its centre from the earlier one, in standard deviations of one
        measure, NaN for a new cluster), retained_share (of its earlier members who are still
        customers, those in it today)
    """

    labels: pd.Series
    moved: pd.DataFrame

    @property
    def names(self) -> dict[str, str]:
        """Kept name of each cluster by the name it would have today."""
        return {today: str(name) for name, today in self.moved["today"].items()}


def match(
    labels_today: pd.Series,
    labels_then: pd.Series,
    features_today: pd.DataFrame,
    features_then: pd.DataFrame,
) -> Matched:
    """Name today's clusters after the earlier ones whose centres are nearest, one each.

    The sum of squared distances is least; whatever shifts all customers alike (a quiet season)
    changes no name. Numbers are those of the earlier day, so c1 had the largest mean spend then;
    a cluster without an earlier one gets the next free number.

    Parameters
    ----------
    labels_today, labels_then : each customer's cluster, as divide.choose and divide.into name it
    features_today, features_then : `Features.table` of the two days, made by the same scales
    """
    from scipy.optimize import linear_sum_assignment

    now, then = _centres(features_today, labels_today), _centres(features_then, labels_then)
    apart = ((now.to_numpy()[:, None] - then.to_numpy()[None]) ** 2).sum(axis=2)
    pairs = {now.index[i]: j for i, j in zip(*linear_sum_assignment(apart), strict=True)}
    free = iter(f"c{n}" for n in range(1, len(now) + len(then) + 1) if f"c{n}" not in then.index)
    named = {code: then.index[pairs[code]] if code in pairs else next(free) for code in now.index}
    labels = labels_today.map(named).rename(labels_today.name)
    at = {code: number for number, code in enumerate(now.index)}
    moved = pd.DataFrame(
        {
            "today": list(named),
            "distance": [
                np.sqrt(apart[at[code], pairs[code]]) if code in pairs else np.nan for code in named
            ],
            "retained_share": [_stayed(name, labels, labels_then) for name in named.values()],
        },
        index=pd.Index(list(named.values()), name="cluster"),
    )
    return Matched(labels, moved.loc[sorted(moved.index, key=number)])


def _centres(features: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    means = features.loc[labels.index].groupby(labels).mean()
    return means.loc[sorted(means.index, key=number)]


def _stayed(name: str, today: pd.Series, then: pd.Series) -> float:
    members = today.reindex(then.index[then == name]).dropna()
    return float((members == name).mean()) if len(members) else float("nan")


def number(code: str) -> tuple[int, str]:
    """Order of a cluster's code: c2 comes before c10."""
    return len(code), code
