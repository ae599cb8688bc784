"""The size, net sales and typical values of each cluster."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.segments.clusters.measures import LEVEL, composition, is_attribute


def describe(
    customers: pd.DataFrame,
    measured: pd.DataFrame,
    labels: pd.Series,
    value: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per cluster: its size, its net sales, and what is typical of it, in its own unit.

    customers : one row per customer, columns of table `customers`
    measured : one row per customer, as `measures.build` makes them
    labels : each customer's cluster
    value : table `value`; None: no value is shown

    Returns
    -------
    n_customers, net_sales, expected_margin (where given), share_customers, share_net_sales; the
    median of each number; the mean share of each part of a composition (`category:care`); the share
    of customers at each level of an attribute (`channel=web`), where known.
    """
    groups = customers.loc[labels.index].groupby(labels)
    found = pd.DataFrame({"n_customers": groups.size(), "net_sales": groups["net_sales"].sum()})
    if value is not None:
        margin = value["expected_margin"].reindex(labels.index)
        found["expected_margin"] = margin.groupby(labels).sum()
    for share, total in (("share_customers", "n_customers"), ("share_net_sales", "net_sales")):
        found[share] = found[total] / found[total].sum()
    typical = [_typical(measured.loc[labels.index, column], labels) for column in measured]
    return pd.concat([found, *typical], axis=1).rename_axis("cluster")


def _typical(values: pd.Series, labels: pd.Series) -> pd.DataFrame:
    if is_attribute(values):
        levels = pd.get_dummies(values.dropna().astype(str), prefix=values.name, prefix_sep=LEVEL)
        return levels.astype(float).groupby(labels).mean()
    by = values.groupby(labels)
    return (by.mean() if composition(str(values.name)) else by.median()).to_frame()


def profile(features: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """One row per cluster: n_customers, and the z-score of its mean in each feature.

    features : one row per customer, as `Features.table`; labels : each customer's cluster
    """
    spread = features.std(ddof=0)
    z_scores = (features.groupby(labels).mean() - features.mean()) / spread.where(spread > 0, 1.0)
    z_scores.insert(0, "n_customers", labels.value_counts())
    return z_scores.rename_axis("cluster")
