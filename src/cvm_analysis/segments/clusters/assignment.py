"""Divide customers into the groups that the data show, and say how far these can be believed.

Customers mostly form one cloud, and any method cuts any cloud into tidy, repeatable pieces; so the
cut is compared with cuts of clouds that have no groups (`structure`), and the result says which.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.minimum_data import Note, shortfalls
from cvm_analysis.segments.clusters import structure
from cvm_analysis.segments.clusters.features import Features
from cvm_analysis.segments.clusters.measures import Grouping, Method

PART = "clusters"
DEFAULT = Grouping()
MOST_ROWS = 5000  # k is chosen on a sample of at most so many customers
MARGIN = 0.02  # in silhouette: by how much clouds that are not quite normal may exceed all others
UNSTABLE, DOUBTFUL = 0.6, 0.75  # Jaccard overlap; bounds of Hennig (2007), section 3


@dataclass(frozen=True)
class Clusters:
    """Customers in groups, and how far the groups can be believed; `choose` makes one.

    labels : code of each customer's cluster; c1 has the largest mean spend, then c2, ...
    k : how many clusters; 1 where the customers could not be divided
    table : one row per k tried: silhouette; one_cloud, the mean silhouette of cuts of clouds
        without groups; smallest (customers)
    groups : one row per cluster: jaccard, the mean overlap with what is found when customers are
        drawn again, in [0, 1]; stability: unstable (below 0.6), doubtful (up to 0.75), stable
    reach : by how much the silhouettes of each cloud exceed their mean at most
    short : why there is only one cluster
    """

    labels: pd.Series
    k: int
    table: pd.DataFrame
    groups: pd.DataFrame
    reach: tuple[float, ...] = ()
    short: tuple[Note, ...] = ()

    @property
    def silhouette(self) -> float:
        """The silhouette of the clusters; NaN for one."""
        return float(self.table["silhouette"].get(self.k, np.nan))

    @property
    def bar(self) -> float:
        """The silhouette above which so many groups are more than a cut of one cloud."""
        cloud = float(self.table["one_cloud"].get(self.k, np.nan))
        return cloud + max(self.reach, default=np.nan) + MARGIN

    @property
    def is_structure(self) -> bool:
        """Whether the groups are more than a convenient cut of one cloud."""
        return self.silhouette > self.bar

    @property
    def notes(self) -> list[Note]:
        """What the reader must know: why there is one cluster, that the groups are a cut."""
        if self.short:
            return list(self.short)
        unstable = int((self.groups["stability"] == "unstable").sum())
        cut = [] if self.is_structure else [Note(PART, "one_cloud")]
        return cut + ([Note(PART, "unstable_clusters", unstable, self.k)] if unstable else [])


def choose(
    features: Features,
    spend: pd.Series,
    method: Method = DEFAULT.method,
    ks: Iterable[int] = DEFAULT.ks,
    seed: int = 0,
) -> Clusters:
    """Divide customers into the number of clusters that stands out most from cuts of one cloud.

    Parameters
    ----------
    features : customers made comparable
    spend : of each customer; clusters are numbered by its mean, the largest first
    ks : numbers of clusters to try; those with a very small cluster are not chosen

    Returns
    -------
    The same customers get the same clusters in whatever order they come. k is that of the largest
    silhouette less its mean among clouds without groups: any silhouette is larger for some k.
    Where the customers are too few or too alike there is one cluster, and the note says why.
    """
    index, features, ks = features.table.index, _ordered(features), list(dict.fromkeys(ks))
    distinct = int((~features.table.duplicated()).sum()) if len(features.table.columns) else 1
    short = shortfalls("clusters", buyers=len(features.table), distinct=distinct)
    if short:
        return _one(index, short[0])
    with structure.one_thread():
        sample = _sample(features, seed)
        points = sample.table.to_numpy()
        table, models = structure.scan_k(points, ks, method, seed, starts=5)
        fit = structure.feasible(table, len(points))
        if fit.empty:
            return _one(index, Note(PART, "one_cluster_alike", distinct))
        clouds = structure.null_silhouettes(sample, ks, method, seed)
        table.insert(1, "one_cloud", clouds.mean())
        k = int((fit - clouds.mean()).idxmax())
        found = models[k].predict(features.table.to_numpy())
        jaccard = structure.bootstrap_stability(points, models[k].predict(points), method, seed)
    labels = pd.Series(found, features.table.index, name="cluster").reindex(index)
    names = _names(labels, spend)
    reach = (clouds - clouds.mean()).max(axis=1)
    return Clusters(labels.map(names), k, table, _groups(jaccard, names), tuple(reach))


def assign(
    features: Features, spend: pd.Series, k: int, method: Method = DEFAULT.method, seed: int = 0
) -> pd.Series:
    """Divide customers into k clusters without asking whether they are groups.

    Returns
    -------
    Code of each customer's cluster as in `Clusters.labels`; c1 for all who are too few for k.
    """
    index, features = features.table.index, _ordered(features)
    most = int((~features.table.duplicated()).sum()) if len(features.table.columns) else 1
    if k < 2 or most < k or shortfalls("clusters", buyers=len(features.table)):
        return pd.Series("c1", index, name="cluster", dtype=object)
    with structure.one_thread():
        points = _sample(features, seed).table.to_numpy()
        model = structure.fit(points, k, method, seed, starts=5)
        found = pd.Series(
            model.predict(features.table.to_numpy()), features.table.index, name="cluster"
        ).reindex(index)
    return found.map(_names(found, spend))


def _ordered(features: Features) -> Features:
    """Put customers in an order that depends neither on their rows nor on their ids."""
    keys = [features.spend, features.purchases, *features.table.to_numpy().T[::-1]]
    return features.some(np.lexsort(keys))


def _sample(features: Features, seed: int) -> Features:
    n = len(features.table)
    if n <= MOST_ROWS:
        return features
    return features.some(np.sort(np.random.default_rng(seed).choice(n, MOST_ROWS, replace=False)))


def _one(index: pd.Index, note: Note) -> Clusters:
    table = pd.DataFrame(columns=["silhouette", "one_cloud", "smallest"], dtype=float)
    labels = pd.Series("c1", index=index, name="cluster", dtype=object)
    groups = pd.DataFrame({"jaccard": 1.0, "stability": "stable"}, pd.Index(labels.unique()))
    return Clusters(labels, 1, table.rename_axis("k"), groups.rename_axis("cluster"), (), (note,))


def _names(labels: pd.Series, spend: pd.Series) -> dict[int, str]:
    """Name clusters c1, c2, ... by falling mean spend, then by size."""
    groups = spend.reindex(labels.index).astype(float).sort_values().groupby(labels)
    by = pd.DataFrame({"spend": groups.mean().fillna(0.0), "size": labels.value_counts()})
    order = by.sort_values(["spend", "size"], ascending=False, kind="stable").index
    return {label: f"c{i}" for i, label in enumerate(order, start=1)}


def _groups(jaccard: np.ndarray, names: dict[int, str]) -> pd.DataFrame:
    rows = {name: (jaccard[label], _stability(jaccard[label])) for label, name in names.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["jaccard", "stability"])
    return table.rename_axis("cluster")


def _stability(jaccard: float) -> str:
    if jaccard > DOUBTFUL:
        return "stable"
    return "doubtful" if jaccard >= UNSTABLE else "unstable"
