"""The regions of the company side by side."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.tables import ALL

OF_YEAR = ("net_sales", "kept_share", "n_active")


def compare(
    year_on_year: pd.DataFrame,
    customers: pd.DataFrame,
    expected_margin: pd.Series,
    margin_at_stake: pd.Series,
    planned: pd.DataFrame,
) -> pd.DataFrame:
    """Compare the regions: one row per region, its index, the highest net sales first.

    Parameters
    ----------
    year_on_year : table of this name, the rows of all regions
    customers : one row per customer of all regions: region
    expected_margin, margin_at_stake : money of the same customers
    planned : the planned actions of all regions, rows of table `actions`

    Returns
    -------
    net_sales, kept_share, n_active : of the 12 months up to the day; with `_change`, the change on
        the 12 months before: a share, of kept_share a difference; with `_clear`, whether it is
        beyond chance
    expected_margin, margin_at_stake : sums
    action : code of the planned action with the highest expected gain less cost; empty: none
    n_contacts : customers it is planned for
    """
    of_all = year_on_year.reset_index()
    of_all = of_all[(of_all["customer_type"] == ALL) & (of_all["region"] != ALL)]
    found = pd.DataFrame(index=pd.Index(sorted(of_all["region"].unique()), name="region"))
    for figure in OF_YEAR:
        rows = of_all[of_all["figure"] == figure].set_index("region").reindex(found.index)
        change = rows["value"] - rows["before"]
        is_share = figure == "kept_share"
        found[figure] = rows["value"]
        found[f"{figure}_change"] = (
            change if is_share else change / rows["before"].where(rows["before"] > 0)
        )
        found[f"{figure}_clear"] = rows["beyond_chance"].eq(True)
    money = {"expected_margin": expected_margin, "margin_at_stake": margin_at_stake}
    for name, amounts in money.items():
        found[name] = amounts.astype(float).groupby(customers["region"]).sum()
    return found.join(_first_actions(planned)).sort_values("net_sales", ascending=False)


def _first_actions(planned: pd.DataFrame) -> pd.DataFrame:
    """Find each region's action that should bring most."""
    gain = planned["expected_gain"].where(planned["counts_gain"].astype(bool), 0.0)
    rows = planned.assign(net=gain - planned["cost"]).reset_index()
    sums = rows.groupby(["region", "action"], as_index=False).agg(
        net=("net", "sum"), n_contacts=("net", "size")
    )
    best = sums.sort_values(["net", "action"], ascending=[False, True])
    return best.drop_duplicates("region").set_index("region")[["action", "n_contacts"]]
