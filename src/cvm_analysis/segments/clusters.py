"""Which groups the data itself shows: k-means on what customers did, and what each group is like.

Customers mostly form one cloud, and k-means cuts any cloud into tidy, repeatable pieces; so the
cut is compared with cuts of clouds that have no groups (`structure`), and the result says which.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.least_data import Note, lacking
from cvm_analysis.segments import structure

PART, RETAIL = "clusters", "retail"
LOGGED = ("spend_mean", "orders_per_year")  # what multiplies: twice as much is one step
COUNTED = ("days_since_last", "n_categories")  # the same, from nought
SHARES = ("return_share", "late_share")
MOST_ROWS = 3000  # k is chosen on a sample of at most so many customers
LEAST_VARIED = (
    0.05  # a measure in which fewer customers differ from the commonest value is left out
)
FARTHEST = 3.0  # standard deviations; a customer further out counts as just so far


@dataclass(frozen=True)
class Clusters:
    """Customers in groups, and how far the groups can be believed; `choose` makes one.

    labels : code of each customer's cluster; c1 has the largest mean spend, then c2, ...
    k : how many clusters; 1 where the customers could not be divided
    table : one row per k tried: silhouette, stability (both at most 1), smallest (customers)
    silhouette : of the chosen k
    clouds : the best silhouette of each set drawn from one cloud without groups
    short : why there is only one cluster
    """

    labels: pd.Series
    k: int
    table: pd.DataFrame
    silhouette: float
    clouds: tuple[float, ...]
    short: tuple[Note, ...] = ()

    @property
    def bar(self) -> float:
        """The silhouette above which the groups are more than a cut of one cloud."""
        return max(self.clouds, default=float("nan")) + structure.MARGIN

    @property
    def is_structure(self) -> bool:
        """Whether the groups are more than a convenient cut of one cloud."""
        return self.silhouette > self.bar

    @property
    def notes(self) -> list[Note]:
        """What the reader must know: why there is one cluster, or that the groups are a cut."""
        cut = [] if self.is_structure else [Note(PART, "one_cloud")]
        return list(self.short) or cut


def measures(customers: pd.DataFrame) -> pd.DataFrame:
    """One row per retail customer who bought: what the groups are formed by, in its own unit.

    Parameters
    ----------
    customers : one row per customer, columns of table `customers`

    Returns
    -------
    spend_mean : net spend per order, in the config's currency
    orders_per_year : purchase days per year since the first one; a year at least is counted, so
        that one purchase yesterday is not hundreds a year
    days_since_last : days; n_categories; return_share and late_share, in [0, 1], where known
    """
    bought = customers[(customers["n_orders"] > 0) & (customers["customer_type"] == RETAIL)]
    years = (bought["T"].astype(float) * 7 / 365).clip(lower=1)
    found = {"orders_per_year": bought["n_days"] / years}
    for column in ("spend_mean", *COUNTED, *SHARES):
        if column in bought:
            found[column] = bought[column]
    order = [c for c in (*LOGGED, *COUNTED, *SHARES) if c in found]
    return pd.DataFrame(found, index=bought.index)[order].astype(float)


def features(measured: pd.DataFrame) -> pd.DataFrame:
    """Make measures comparable: skew tamed, mean 0 and standard deviation 1, none beyond 3.

    Parameters
    ----------
    measured : one row per customer, as `measures` makes them; other columns are taken as they are

    Returns
    -------
    The same index. A missing value is the median of the others. Left out are columns with an
    infinite value or no value, and those in which all or nearly all customers are alike.
    """
    kept = {}
    for column, values in measured.dropna(axis=1, how="all").items():
        filled = values.fillna(values.median())
        if np.isfinite(filled).all() and (filled != filled.mode().iloc[0]).mean() >= LEAST_VARIED:
            kept[column] = _standardised(_tamed(filled))
    return pd.DataFrame(kept, index=measured.index)


def _tamed(values: pd.Series) -> pd.Series:
    if values.name in LOGGED:
        positive = values[values > 0]
        return np.log(values.clip(lower=positive.min())) if len(positive) else values * 0.0
    if values.name in COUNTED:
        return np.log1p(values.clip(lower=0))
    return np.sqrt(values.clip(0, 1)) if values.name in SHARES else values


def _standardised(values: pd.Series) -> pd.Series:
    """Take mean and deviation over sorted values: the order of the rows changes no digit."""
    ordered = np.sort(values.to_numpy(float))
    spread = ordered.std()
    return ((values - ordered.mean()) / (spread or 1.0)).clip(-FARTHEST, FARTHEST)


def choose(
    features: pd.DataFrame, spend: pd.Series, ks: Iterable[int] = range(2, 9), seed: int = 0
) -> Clusters:
    """Divide customers by k-means into as many clusters as the largest mean silhouette asks for.

    Parameters
    ----------
    features : one row per customer, comparable finite columns, as `features` makes them
    spend : of each customer; clusters are numbered by its mean, the largest first
    ks : numbers of clusters to try; those with a very small cluster are not chosen

    Returns
    -------
    The same customers get the same clusters in whatever order they come. Where the customers are
    too few or too alike there is one cluster, and the note says why.
    """
    points, ks = features.to_numpy(float), list(ks)
    distinct = int((~features.duplicated()).sum()) if len(features.columns) else 1
    short = lacking("clusters", buyers=len(points), distinct=distinct)
    if short:
        return _one(features.index, short[0])
    order = np.lexsort(points.T[::-1])
    points = points[order]
    with structure.one_thread():
        sample = structure.drawn(points, MOST_ROWS, seed)
        table, labels = structure.tried(sample, ks, seed)
        k = structure.best(table, len(sample))
        if k is None:
            return _one(features.index, Note(PART, "one_cluster_alike", distinct), table)
        clouds = structure.clouds(sample, ks, seed)
        table["stability"] = structure.stability(sample, labels, seed)
        found = structure.extended(points, sample, labels[k])
    coded = _coded(pd.Series(found, features.index[order]).reindex(features.index), spend)
    return Clusters(coded, k, table, float(table.loc[k, "silhouette"]), tuple(clouds))


def _one(index: pd.Index, note: Note, table: pd.DataFrame | None = None) -> Clusters:
    labels = pd.Series("c1", index=index, name="cluster", dtype=object)
    empty = pd.DataFrame(columns=["silhouette", "stability", "smallest"], dtype=float)
    empty.index.name = "k"
    return Clusters(labels, 1, empty if table is None else table, float("nan"), (), (note,))


def _coded(labels: pd.Series, spend: pd.Series) -> pd.Series:
    """Name clusters c1, c2, ... by falling mean spend, then by size."""
    groups = spend.reindex(labels.index).astype(float).groupby(labels)
    by = pd.DataFrame({"spend": groups.mean().fillna(0.0), "size": labels.value_counts()})
    order = by.sort_values(["spend", "size"], ascending=False, kind="stable").index
    names = {label: f"c{i}" for i, label in enumerate(order, start=1)}
    return labels.map(names).rename("cluster")


def describe(
    customers: pd.DataFrame, labels: pd.Series, value: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One row per cluster: its size, its money, and the median of each measure, in its own unit.

    Parameters
    ----------
    customers : one row per customer, columns of table `customers`
    labels : each customer's cluster
    value : one row per customer, columns of table `value`; None: no value is shown

    Returns
    -------
    n_customers, share_customers, revenue, share_revenue, value_12m (where given), and the columns
    of `measures`.
    """
    members = customers.loc[labels.index]
    groups = members.groupby(labels)
    found = pd.DataFrame({"n_customers": groups.size(), "revenue": groups["spend_total"].sum()})
    if value is not None:
        found["value_12m"] = value["value_12m"].reindex(labels.index).groupby(labels).sum()
    found["share_customers"] = found["n_customers"] / found["n_customers"].sum()
    found["share_revenue"] = found["revenue"] / found["revenue"].sum()
    medians = measures(members).groupby(labels).median()
    return found.join(medians).rename_axis("cluster")


def profile(features: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """One row per cluster: n_customers, and how far its mean lies from that of all customers.

    The other columns are those of `features`, in standard deviations; 0 is the average customer.
    """
    apart = features.groupby(labels).mean() - features.mean()
    apart.insert(0, "n_customers", labels.value_counts())
    return apart.rename_axis("cluster")
