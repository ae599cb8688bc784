"""Names of clusters that stay the same from one report to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Matched:
    """Today's clusters under the names of earlier ones; `match` makes one.

    labels : each customer's cluster today, under its matched name
    matches : one row per cluster of today, by matched name: today (the name it would have by
        itself), distance (of its centre from the earlier one, in standard deviations, NaN for a
        new cluster), retained_share (of its earlier members who are still customers, those in it
        today)
    """

    labels: pd.Series
    matches: pd.DataFrame

    @property
    def names(self) -> dict[str, str]:
        """Matched name of each cluster by the name it would have by itself."""
        return {today: str(name) for name, today in self.matches["today"].items()}


def match(
    labels_today: pd.Series,
    labels_then: pd.Series,
    features_today: pd.DataFrame,
    features_then: pd.DataFrame,
) -> Matched:
    """Name today's clusters after the earlier ones with the nearest centres, one each.

    The sum of squared distances is least, so a shift of all customers alike (a quiet season)
    changes no name. A cluster without an earlier one gets the next free number.

    labels_today, labels_then : each customer's cluster, as `assignment` names it
    features_today, features_then : `Features.table` of the two days, by the same scales
    """
    from scipy.optimize import linear_sum_assignment

    now, then = _centres(features_today, labels_today), _centres(features_then, labels_then)
    squared = ((now.to_numpy()[:, None] - then.to_numpy()[None]) ** 2).sum(axis=2)
    pairs = dict(zip(*linear_sum_assignment(squared), strict=True))
    codes = (f"c{n}" for n in range(1, len(now) + len(then) + 1))
    free = (code for code in codes if code not in then.index)
    names = [then.index[pairs[i]] if i in pairs else next(free) for i in range(len(now))]
    labels = labels_today.map(dict(zip(now.index, names, strict=True))).rename(labels_today.name)
    distance = [np.sqrt(squared[i, pairs[i]]) if i in pairs else np.nan for i in range(len(now))]
    columns = {"today": list(now.index), "distance": distance}
    columns["retained_share"] = [_retained(name, labels, labels_then) for name in names]
    matches = pd.DataFrame(columns, index=pd.Index(names, name="cluster"))
    return Matched(labels, matches.loc[sorted(names, key=cluster_number)])


def _centres(features: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    means = features.loc[labels.index].groupby(labels).mean()
    return means.loc[sorted(means.index, key=cluster_number)]


def _retained(name: str, today: pd.Series, then: pd.Series) -> float:
    members = today.reindex(then.index[then == name]).dropna()
    return float((members == name).mean()) if len(members) else float("nan")


def cluster_number(code: str) -> tuple[int, str]:
    """Sort key of a cluster's code: c2 comes before c10."""
    return len(code), code
