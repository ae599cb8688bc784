"""What each group is like: its size, its money, and in what it differs from the others."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.segments.clusters.measures import IS, composition, is_attribute


def describe(
    customers: pd.DataFrame,
    measured: pd.DataFrame,
    labels: pd.Series,
    value: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per cluster: its size, its money, and what is typical of it, in its own unit.

    Parameters
    ----------
    customers : one row per customer, columns of table `customers`
    measured : one row per customer, as `measures.build` makes them
    labels : each customer's cluster
    value : one row per customer, columns of table `value`; None: no value is shown

    Returns
    -------
    n_customers, share_customers, revenue, share_net_sales, expected_margin (where given); the
    median of each number; the mean share of each part of a whole (`category:care`); the share of
    customers at each level of an attribute (`channel=web`), where known.
    """
    groups = customers.loc[labels.index].groupby(labels)
    found = pd.DataFrame({"n_customers": groups.size(), "net_sales": groups["net_sales"].sum()})
    if value is not None:
        found["expected_margin"] = (
            value["expected_margin"].reindex(labels.index).groupby(labels).sum()
        )
    found["share_customers"] = found["n_customers"] / found["n_customers"].sum()
    found["share_net_sales"] = found["net_sales"] / found["net_sales"].sum()
    typical = [_typical(measured.loc[labels.index, column], labels) for column in measured]
    return pd.concat([found, *typical], axis=1).rename_axis("cluster")


def _typical(values: pd.Series, labels: pd.Series) -> pd.DataFrame:
    if is_attribute(values):
        levels = pd.get_dummies(values.dropna().astype(str), prefix=values.name, prefix_sep=IS)
        return levels.astype(float).groupby(labels).mean()
    by = values.groupby(labels)
    return (by.mean() if composition(str(values.name)) else by.median()).to_frame()


def profile(features: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """One row per cluster: n_customers, and how far its mean lies from that of all customers.

    Parameters
    ----------
    features : one row per customer, as `Features.table`
    labels : each customer's cluster

    Returns
    -------
    The other columns are those of `features`, each in standard deviations of its own; 0 is the
    average customer.
    """
    spread = features.std(ddof=0)
    apart = (features.groupby(labels).mean() - features.mean()) / spread.where(spread > 0, 1.0)
    apart.insert(0, "n_customers", labels.value_counts())
    return apart.rename_axis("cluster")
