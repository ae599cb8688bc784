"""Are there groups, or does k-means cut one cloud?

Three measures of a division of points. The silhouette [1] says how much nearer points are to their
own cluster than to the next one. Stability [2] says whether the same clusters come back when the
points are drawn again; one normal cloud reaches 0.9 and more, so it is necessary and no evidence.
The evidence is a comparison, in the spirit of [3]: sets drawn from one normal cloud with the
points' covariance are divided in the same way, and real groups must have a clearly larger
silhouette than all of them.

Sources: [1] Rousseeuw (1987), "Silhouettes", Journal of Computational and Applied Mathematics 20,
53-65. [2] Hennig (2007), "Cluster-wise assessment of cluster stability", Computational Statistics &
Data Analysis 52, 258-271. [3] Liu, Hayes, Nobel & Marron (2008), "Statistical Significance of
Clustering for High-Dimension, Low-Sample Size Data", JASA 103, 1281-1293.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd

MARGIN = 0.05  # in silhouette: a cloud that is merely not normal exceeds normal ones by 0.03
SMALLEST = 5  # customers; a division with a smaller cluster, or one below 1 %, is not chosen
TIED = 0.1  # a column whose commonest value has this share of the points keeps its ties in a cloud
Labels = dict[int, np.ndarray]


@contextmanager
def one_thread() -> Iterator[None]:
    """Add up in one order, so that no digit changes; points are not checked again at every fit."""
    from sklearn import config_context
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), config_context(assume_finite=True, skip_parameter_validation=True):
        yield


def drawn(points: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Draw at most `most` points without replacement, in their order."""
    if len(points) <= most:
        return points
    chosen = np.random.default_rng(seed).choice(len(points), most, replace=False)
    return points[np.sort(chosen)]


def tried(
    points: np.ndarray, ks: Iterable[int], seed: int, starts: int = 10
) -> tuple[pd.DataFrame, Labels]:
    """Divide points by k-means into each number of clusters that is possible.

    Returns
    -------
    One row per k: silhouette (mean over points), smallest (points in the smallest cluster); and
    each division, as one integer a point.
    """
    from sklearn.metrics import pairwise_distances, silhouette_score

    most = min(len(np.unique(points, axis=0)), len(points) - 1)
    labels = {k: _divided(points, k, seed, starts) for k in ks if 2 <= k <= most}
    distances = pairwise_distances(points)
    rows = {
        k: {
            "silhouette": float(silhouette_score(distances, found, metric="precomputed")),
            "smallest": int(np.bincount(found).min()),
        }
        for k, found in labels.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["silhouette", "smallest"])
    return table.rename_axis("k"), labels


def best(table: pd.DataFrame, n: int) -> int | None:
    """Name the k of the largest silhouette among divisions without a very small cluster."""
    fit = table.loc[table["smallest"] >= max(SMALLEST, 0.01 * n), "silhouette"]
    return None if fit.empty else int(fit.idxmax())


def _divided(points: np.ndarray, k: int, seed: int, starts: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    return KMeans(k, n_init=starts, random_state=seed).fit(points).labels_


def stability(points: np.ndarray, labels: Labels, seed: int, times: int = 20) -> pd.Series:
    """Mean over clusters and resamples of the best Jaccard overlap with a cluster found anew.

    Resamples have at most 1,000 points; the overlap counts each point once. One value per k.
    """
    rng = np.random.default_rng(seed)
    found: dict[int, list[float]] = {k: [] for k in labels}
    for _ in range(times):
        rows = rng.integers(0, len(points), min(len(points), 1000))
        once, first = np.unique(rows, return_index=True)
        most = len(np.unique(points[once], axis=0))
        for k, before in labels.items():
            after = _divided(points[rows], min(k, most), seed, 2)[first]
            found[k].append(overlap(before[once], after))
    return pd.Series({k: float(np.mean(each)) for k, each in found.items()}, dtype=float)


def overlap(before: np.ndarray, after: np.ndarray) -> float:
    """Mean over the clusters of `before` of the best Jaccard overlap with one of `after`."""
    both = np.zeros((before.max() + 1, after.max() + 1))
    np.add.at(both, (before, after), 1)
    both = both[both.sum(axis=1) > 0]
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    return float((both / either).max(axis=1).mean())


def clouds(
    points: np.ndarray, ks: Iterable[int], seed: int, times: int = 20, size: int = 400
) -> list[float]:
    """Best silhouette of each of `times` sets of at most `size` points from one normal cloud.

    The cloud has the points' mean and covariance. A column with many equal values (one-time
    buyers, customers without a return) keeps them: ties alone make no groups of customers.
    """
    rng = np.random.default_rng(seed)
    n, ks = min(len(points), size), list(ks)
    found = []
    for _ in range(times):
        table, _labels = tried(_cloud(points, n, rng), ks, seed, starts=3)
        k = best(table, n)
        found.append(0.0 if k is None else float(table.loc[k, "silhouette"]))
    return found


def _cloud(points: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    covariance = np.atleast_2d(np.cov(points.T))
    cloud = rng.multivariate_normal(points.mean(axis=0), covariance, n, method="eigh")
    for column, values in enumerate(points.T):
        commonest = np.unique(values, return_counts=True)[1].max()
        if commonest >= TIED * len(values):
            share = (cloud[:, column].argsort().argsort() + 0.5) / n
            cloud[:, column] = np.quantile(values, share, method="inverted_cdf")
    return cloud


def extended(points: np.ndarray, sample: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Carry a division of a sample over to all points, starting from the sample's centres."""
    from sklearn.cluster import KMeans

    if len(points) == len(sample):
        return labels
    k = labels.max() + 1
    centres = np.array([sample[labels == label].mean(axis=0) for label in range(k)])
    return KMeans(k, init=centres, n_init=1).fit(points).labels_
