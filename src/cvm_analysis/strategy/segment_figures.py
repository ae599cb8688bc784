"""Key figures of each segment."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.tables import TABLES

FIGURES = tuple(c for c in TABLES["segment_summary"].columns if c != "segment")


def summary(customers: pd.DataFrame, segment: pd.Series, value: pd.DataFrame) -> pd.DataFrame:
    """One row per segment, the largest expected margin first; columns FIGURES.

    A segment whose customers are not valued (project customers, or prospects) has no margin.

    customers, value : tables of these names; `value` may be empty; segment : of each customer
    """
    joined = customers[["x", "net_sales", "days_since_last"]].join(
        value[["expected_orders", "expected_margin"]]
    )
    groups = joined.assign(repeats=joined["x"] > 0).groupby(segment)
    found = pd.DataFrame(
        {
            "n_customers": groups.size(),
            "net_sales": groups["net_sales"].sum(),
            "expected_margin": groups["expected_margin"].sum(min_count=1),
            "mean_net_sales": groups["net_sales"].mean(),
            "mean_expected_margin": groups["expected_margin"].mean(),
            "mean_expected_orders": groups["expected_orders"].mean(),
            "mean_days_since_last": groups["days_since_last"].mean(),
            "repeat_share": groups["repeats"].mean(),
        }
    ).rename_axis("segment")
    totals = {"share_customers": "n_customers"}
    totals |= {f"share_{column}": column for column in ("net_sales", "expected_margin")}
    for share, total in totals.items():
        found[share] = found[total] / found[total].sum()
    return found[list(FIGURES)].sort_values(["expected_margin", "n_customers"], ascending=False)
