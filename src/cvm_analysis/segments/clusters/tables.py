"""Tables of clusters for other notebooks: a summary, and each feature."""

from __future__ import annotations

import json

import pandas as pd

from cvm_analysis.segments.clusters.rules import Condition


def summary_table(
    described: pd.DataFrame, groups: pd.DataFrame, rules: pd.DataFrame
) -> pd.DataFrame:
    """Make table `cluster_summary`: one row per cluster.

    described : as describe.describe makes it; groups : `Clusters.groups`; rules : as rules.rules
    """
    size = described[["n_customers", "share_customers", "net_sales", "share_net_sales"]]
    written = rules.assign(conditions=[json.dumps(each) for each in rules["conditions"]])
    return size.join(groups).join(written).rename_axis("cluster")


def conditions(summary: pd.DataFrame) -> pd.Series:
    """Read the conditions of table `cluster_summary` back, a tuple of Condition each."""
    return summary["conditions"].map(lambda text: tuple(Condition(*c) for c in json.loads(text)))


def features_table(profile: pd.DataFrame, described: pd.DataFrame) -> pd.DataFrame:
    """Make table `cluster_features`: one row per cluster and feature.

    profile, described : as describe.profile and describe.describe make them
    """
    z_scores = profile.drop(columns="n_customers").rename_axis(columns="feature")
    long = z_scores.rename_axis("cluster").stack(future_stack=True).to_frame("z_score")
    typical = described.reindex(columns=z_scores.columns, index=z_scores.index)
    long["median_or_share"] = typical.rename_axis("cluster").stack(future_stack=True)
    place = {feature: at for at, feature in enumerate(z_scores.columns)}
    rows = long.reset_index()
    return rows.assign(position=rows["feature"].map(place)).set_index(["cluster", "position"])


def profile(features: pd.DataFrame, summary: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read both tables back as charts.cluster_profile takes them: z-scores, typical values."""
    flat = features.reset_index()
    order, rows = flat.sort_values("position")["feature"].unique(), summary.index
    z_scores, typical = (
        flat.pivot(index="cluster", columns="feature", values=value).reindex(rows, columns=order)
        for value in ("z_score", "median_or_share")
    )
    z_scores.insert(0, "n_customers", summary["n_customers"])
    return z_scores, typical
