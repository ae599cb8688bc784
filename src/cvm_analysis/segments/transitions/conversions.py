"""Conversions between classes of one scheme: who moved up from one day to another, beside chance.

Both days are classed by the thresholds of the earlier one. Some customers of a middle class are
there by bad luck, and are higher next time although nothing has happened; see `expected_by_chance`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cvm_analysis.minimum_data import shortfalls
from cvm_analysis.segments import class_table, classes
from cvm_analysis.segments.transitions import transition_matrix

KEY = ["customer_type", "scheme", "before", "after"]


def count(
    before: pd.DataFrame,
    after: pd.DataFrame,
    drawn: Sequence[pd.DataFrame],
    thresholds: class_table.Thresholds,
) -> pd.DataFrame:
    """Make table `conversions`: count the customers of each pair of classes, for each type.

    before, after, drawn : customers on the earlier day, on the later day, and on the later day by
        chance alone, one table per draw; as `class_table.measure` makes them
    thresholds : of the earlier day

    Returns
    -------
    One row per customer type, scheme and pair of classes, indexed by these, also those without
    customers: move (rose, fell, stayed, other), n_customers, expected (NaN without draws)
    """
    sides = [_classify_buyers(table, thresholds) for table in (before, after, *drawn)]
    parts = [
        _count([side.loc[side["customer_type"] == kind, scheme] for side in sides], scheme).assign(
            customer_type=kind, scheme=scheme
        )
        for kind in thresholds
        for scheme in class_table.SCHEMES
    ]
    columns = [*KEY, "move", "n_customers", "expected"]
    table = pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)
    return table.set_index(KEY)


def select_upgrades(table: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """Compare the share of each class that moved up with the share expected by chance.

    table : table `conversions`

    Returns
    -------
    One row per customer type and class of the scheme but the best: customer_type, before,
    n_customers, rose, expected, low, high as `transition_matrix.compare_upgrades`, and the
    customers they stand for: n_rose, n_expected. Types with too few customers are left out.
    """
    rows = table.reset_index()
    rows = rows[rows["scheme"] == scheme]
    found = [
        transition_matrix.compare_upgrades(each).reset_index().assign(customer_type=kind)
        for kind, each in rows.groupby("customer_type", sort=False)
        if not shortfalls("transitions", customers=each["n_customers"].sum())
    ]
    columns = ["customer_type", "before", "n_customers", "rose", "expected", "low", "high"]
    shares = pd.concat(found)[columns] if found else pd.DataFrame(columns=columns, dtype=float)
    counted = {f"n_{side}": shares[side] * shares["n_customers"] for side in ("rose", "expected")}
    return shares.assign(**counted).reset_index(drop=True)


def _classify_buyers(customers: pd.DataFrame, thresholds: class_table.Thresholds) -> pd.DataFrame:
    """Class the customers who bought; a type that nobody had on the earlier day has no class."""
    bought = customers[customers["n_orders"] > 0]
    known = bought[bought["customer_type"].isin(list(thresholds))]
    return class_table.classify(known, thresholds).assign(customer_type=known["customer_type"])


def _count(sides: Sequence[pd.Series], scheme: str) -> pd.DataFrame:
    before, after, *drawn = sides
    order = [level for level in classes.ORDERS[scheme] if level != classes.PROSPECT]
    observed = transition_matrix.count(before, after, None, order).drop(columns="net_sales")
    if not drawn:
        return observed.assign(expected=float("nan"))
    draws = [transition_matrix.count(before, each, None, order) for each in drawn]
    expected = transition_matrix.mean_counts(draws)
    return transition_matrix.with_expected(observed, expected).drop(columns="difference")
