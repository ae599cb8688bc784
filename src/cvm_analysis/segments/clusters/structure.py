"""Are clusters distinct groups, or an arbitrary division?

The silhouette [1] says how much nearer points are to their own cluster than to the next one.
Stability [2] says of each cluster whether bootstrap samples show it again; without groups it
still reaches 0.9 and more, so it is necessary, not sufficient. The evidence is a test in the spirit
of [3]: samples of `null_distribution` are divided alike, and real groups must exceed them.

Gaussian mixtures are rated by the silhouette too, not by BIC: equal values and levels of attributes
have unbounded density, and BIC counts them as groups (eight of eight possible in a normal sample
with two rounded columns, six in one with two attributes).

Sources: [1] Rousseeuw (1987), "Silhouettes", Journal of Computational and Applied Mathematics 20,
53-65. [2] Hennig (2007), "Cluster-wise assessment of cluster stability", Computational Statistics &
Data Analysis 52, 258-271. [3] Liu, Hayes, Nobel & Marron (2008), "Statistical Significance of
Clustering for High-Dimension, Low-Sample Size Data", JASA 103, 1281-1293.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.one_thread import one_thread
from cvm_analysis.segments.clusters import null_distribution
from cvm_analysis.segments.clusters.features import Features
from cvm_analysis.segments.clusters.measures import Method

SMALLEST = 5  # customers; a division with a smaller cluster, or one below 1 %, is not chosen
FLOOR = 0.05  # least variance of a normal in any direction, for equal values
NULL_SAMPLES, NULL_SIZE = 50, 400  # samples, and customers in each


@contextmanager
def quick_fits() -> Iterator[None]:
    """Use one thread, so that no digit changes; skip input checks at every fit."""
    from sklearn import config_context

    with one_thread(), config_context(assume_finite=True, skip_parameter_validation=True):
        yield


def fit(points: np.ndarray, k: int, method: Method, seed: int, starts: int) -> Any:
    """Fit a division into k clusters, by k-means or by normals each with a covariance of its own.

    The result has `predict`. It is the best of so many starts.
    """
    from sklearn.cluster import KMeans
    from sklearn.mixture import GaussianMixture

    if method == "k_means":
        return KMeans(k, n_init=starts, random_state=seed).fit(points)
    shape = {"reg_covar": FLOOR, "tol": 0.01, "max_iter": 500}
    return GaussianMixture(k, n_init=starts, random_state=seed, **shape).fit(points)


def scan_k(
    points: np.ndarray, ks: Iterable[int], method: Method, seed: int, starts: int
) -> tuple[pd.DataFrame, dict[int, Any]]:
    """Divide points into each possible number of clusters.

    Returns
    -------
    One row per k: silhouette (mean over points), smallest (points in the smallest cluster); and the
    fitted models. A k with an empty cluster has no row.
    """
    most = min(len(np.unique(points, axis=0)), len(points) - 1)
    models = {k: fit(points, k, method, seed, starts) for k in ks if 2 <= k <= most}
    labels = {k: model.predict(points) for k, model in models.items()}
    full = {k: found for k, found in labels.items() if len(np.unique(found)) == k}
    mean = silhouettes(points, full)
    rows = {k: (mean[k], int(np.bincount(full[k]).min())) for k in full}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["silhouette", "smallest"])
    return table.rename_axis("k"), models


def feasible(table: pd.DataFrame, n: int) -> pd.Series:
    """Silhouettes of the divisions of n points without a very small cluster."""
    return table.loc[table["smallest"] >= max(SMALLEST, 0.01 * n), "silhouette"]


def silhouettes(points: np.ndarray, labels: Mapping[int, np.ndarray]) -> dict[int, float]:
    """Mean silhouette for each k; all distances are computed once, unlike in scikit-learn."""
    members = np.hstack([np.empty((len(points), 0)), *(np.eye(k)[labels[k]] for k in labels)])
    sums, squares = np.empty(members.shape), (points**2).sum(axis=1)
    for at in range(0, len(points), 500):
        some = slice(at, at + 500)
        distances = squares[some, None] + squares - 2 * points[some] @ points.T
        rows = np.arange(len(distances))
        distances[rows, at + rows] = 0.0
        sums[some] = np.sqrt(distances.clip(min=0.0)) @ members
    each = np.split(sums, np.cumsum(list(labels))[:-1], axis=1)
    return {k: _silhouette(own, labels[k]) for k, own in zip(labels, each, strict=False)}


def _silhouette(sums: np.ndarray, labels: np.ndarray) -> float:
    """Mean silhouette from summed distances to each cluster; one point alone counts 0 ([1])."""
    sizes, rows = np.bincount(labels), np.arange(len(labels))
    inner = sums[rows, labels] / (sizes[labels] - 1).clip(min=1)
    others = sums / sizes
    others[rows, labels] = np.inf
    outer = others.min(axis=1)
    larger = np.maximum(inner, outer)
    alone = (sizes[labels] == 1) | (larger == 0)
    return float(np.where(alone, 0.0, (outer - inner) / np.where(alone, 1.0, larger)).mean())


def null_silhouettes(
    features: Features, ks: Sequence[int], method: Method, seed: int
) -> pd.DataFrame:
    """Silhouettes without groups: one row per null sample, one column per k.

    A division that is impossible, or has a very small cluster, counts 0.
    """
    rng = np.random.default_rng(seed)
    null, n = null_distribution.fit(features, rng), min(len(features.table), NULL_SIZE)
    starts = 2 if method == "k_means" else 1
    rows = [
        feasible(scan_k(null.draw(n, rng), ks, method, seed, starts)[0], n)
        for _ in range(NULL_SAMPLES)
    ]
    return pd.DataFrame(rows).reindex(columns=list(ks)).fillna(0.0).reset_index(drop=True)


def bootstrap_stability(
    points: np.ndarray,
    labels: np.ndarray,
    method: Method,
    seed: int,
    times: int = 30,
    size: int = 2000,
) -> np.ndarray:
    """Mean over bootstrap samples of each cluster's best Jaccard overlap ([2]).

    Samples have at most `size` points; the overlap counts each point once.
    """
    rng, k = np.random.default_rng(seed), int(labels.max()) + 1
    found = []
    for _ in range(times):
        rows = rng.integers(0, len(points), min(len(points), size))
        once, first = np.unique(rows, return_index=True)
        most = min(k, len(np.unique(points[rows], axis=0)))
        after = fit(points[rows], most, method, seed, 2).predict(points[rows])[first]
        found.append(jaccard(labels[once], after, k))
    return pd.DataFrame(found).mean().to_numpy()


def jaccard(before: np.ndarray, after: np.ndarray, k: int) -> np.ndarray:
    """Best Jaccard overlap of each of k clusters with one of `after`; NaN if it has no points."""
    both = np.zeros((k, int(after.max()) + 1))
    np.add.at(both, (before, after), 1)
    sizes = both.sum(axis=1, keepdims=True)
    best = (both / (sizes + both.sum(axis=0) - both).clip(min=1)).max(axis=1)
    return np.where(sizes[:, 0] > 0, best, np.nan)
