"""The customer base by what is recorded of customers: gender, age, city, industry, channel."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from cvm_analysis.segments.grades.fairness import age_bands
from cvm_analysis.segments.small_cells import OTHER, UNKNOWN, hide, pool
from cvm_analysis.tables import TABLES

AGE = "age_band"
RECORDED = (  # in this order; first_channel stands in for a channel that is not recorded
    *("customer_type", "gender", AGE, "occupation", "income_band"),
    *("industry", "company_size", "city", "channel", "first_channel"),
)
MOST_ROWS = 8  # of an attribute
MOST_VALUES = 30  # of an attribute of the business's own; one with more tells customers apart
COLUMNS = ("n_customers", "share_customers", "net_sales_365d", "share_net_sales", "active_share")


def describe(customers: pd.DataFrame, as_of: dt.date, min_shown: int) -> pd.DataFrame:
    """Count the customers with an order, and add up their sales, by each recorded attribute.

    Parameters
    ----------
    customers : one row per customer, columns of table `customers` and the business's own attributes
    as_of : the day that ages are of
    min_shown : no row is of fewer customers

    Returns
    -------
    One row per attribute and group, in the order of RECORDED, the business's own last; of an
    attribute the largest group first, ages from young to old, then `other` and `unknown`:

    n_customers : customers with an order
    share_customers : of those whose attribute is recorded; empty for `unknown`
    net_sales_365d, share_net_sales : net sales of the last 365 days, and the share as above; empty
        where they are those of fewer than min_shown active customers
    active_share : of these customers, those with an order in the last 365 days; empty where fewer
        than min_shown have one, or have none

    Groups below min_shown, and those beyond MOST_ROWS, are `other`, an `unknown` below min_shown
    among them; see `small_cells`. An attribute with fewer than two groups is left out.
    """
    bought = customers[customers["n_orders"] > 0]
    found = {}
    for attribute, values in _attributes(bought, as_of).items():
        groups = pool(values, min_shown, MOST_ROWS - int(values.eq(UNKNOWN).any()))
        table = _summarize(bought, groups, min_shown)
        if (table.index != UNKNOWN).sum() > 1:
            found[attribute] = table
    if not found:
        index = pd.MultiIndex.from_arrays([[], []], names=["attribute", "group"])
        return pd.DataFrame(index=index, columns=list(COLUMNS), dtype=float)
    return pd.concat(found, names=["attribute", "group"])


def _attributes(customers: pd.DataFrame, as_of: dt.date) -> dict[str, pd.Series]:
    """The value of each customer in each attribute that is recorded of anyone."""
    known = dict(customers.items())
    if "birth_date" in known:
        known[AGE] = age_bands(customers["birth_date"], as_of)
    if "channel" in known and customers["channel"].notna().any():
        known.pop("first_channel", None)
    own = [name for name in customers if name not in TABLES["customers"].columns]
    words = [name for name in own if _are_groups(customers[name])]
    values = {
        name: known[name].astype(object).replace("", None).fillna(UNKNOWN).astype(str)
        for name in (*RECORDED, *words)
        if name in known
    }
    return {name: column for name, column in values.items() if (column != UNKNOWN).any()}


def _are_groups(values: pd.Series) -> bool:
    """Tell whether an attribute of the business's own has few values, and not numbers."""
    given = values.dropna()
    is_number = pd.to_numeric(given, errors="coerce").notna()
    return given.nunique() <= MOST_VALUES and not is_number.any()


def _summarize(customers: pd.DataFrame, groups: pd.Series, min_shown: int) -> pd.DataFrame:
    """One row per group, in the order they are shown in."""
    active = customers["n_orders_365d"] > 0
    facts = pd.DataFrame({"sales": customers["net_sales_365d"].astype(float), "active": active})
    found = facts.groupby(groups).agg(
        n_customers=("active", "size"),
        net_sales_365d=("sales", "sum"),
        active_share=("active", "mean"),
    )
    recorded = found.drop(index=UNKNOWN, errors="ignore")
    sales = recorded["net_sales_365d"].sum()
    found["share_customers"] = recorded["n_customers"] / recorded["n_customers"].sum()
    found["share_net_sales"] = recorded["net_sales_365d"] / (sales if sales > 0 else np.nan)
    n_active = active.groupby(groups).sum()
    is_hidden = hide(n_active, min_shown)
    found.loc[is_hidden, ["net_sales_365d", "share_net_sales"]] = np.nan
    found.loc[is_hidden | hide(found["n_customers"] - n_active, min_shown), "active_share"] = np.nan
    return found.loc[_order(found["n_customers"], str(groups.name)), list(COLUMNS)]


def _order(sizes: pd.Series, attribute: str) -> list[str]:
    """Largest group first, ages from young to old; `other` and `unknown` last."""
    codes = sizes.sort_index().sort_values(ascending=False, kind="stable").index
    if attribute == AGE:
        codes = sorted(codes, key=lambda code: (not code.startswith("under"), code))
    last = (OTHER, UNKNOWN)
    return [*(c for c in codes if c not in last), *(c for c in last if c in codes)]
