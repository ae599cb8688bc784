"""The bridge from last year's margin to the margin expected.

The margin expected is that of today's customers. Last year's had a part that is not in it: that of
customers who were new in the year.
"""

import datetime as dt

import numpy as np
import pandas as pd

from cvm_analysis.clv import margins

YEAR = 365  # days


def compare(
    customers: pd.DataFrame, values: pd.DataFrame, date: dt.date, otherwise: float
) -> pd.DataFrame:
    """Compare the margin of the last 365 days with the margin expected, for the same customers.

    Parameters
    ----------
    customers : one row per customer, as table `customers`; those not in `values` do not count
    values : one row per customer, as table `value`: expected_margin
    date : the last day of the year
    otherwise : margin as a share of net sales, where no cost is known

    Returns
    -------
    Three rows, `known` (customers since before the year), `new` (first purchase within it) and
    `all`: n_customers; margin_last_year, from net sales and the customer's share where a cost is
    unknown; expected_margin.
    """
    start = pd.Timestamp(date) - pd.Timedelta(days=YEAR)
    is_new = pd.to_datetime(customers.loc[values.index, "first_order"]) > start
    group = pd.Series(np.where(is_new, "new", "known"), values.index)
    table = _by_customer(customers, values, otherwise)
    parts = table.groupby(group).sum().reindex(["known", "new"], fill_value=0)
    return pd.concat([parts, parts.sum().to_frame("all").T]).astype({"n_customers": int})


def by_segment(
    customers: pd.DataFrame, values: pd.DataFrame, segment: pd.Series, otherwise: float
) -> pd.DataFrame:
    """Compare the same two margins segment by segment.

    segment : of each customer; the others as for `compare`

    Returns
    -------
    One row per segment, the largest expected margin first: n_customers, margin_last_year,
    expected_margin.
    """
    table = _by_customer(customers, values, otherwise)
    sums = table.groupby(segment.reindex(values.index)).sum().rename_axis("segment")
    return sums.sort_values("expected_margin", ascending=False, kind="stable")


def _by_customer(customers: pd.DataFrame, values: pd.DataFrame, otherwise: float) -> pd.DataFrame:
    """One row per customer with a value: n_customers (1) and the two margins."""
    rows = customers.loc[values.index]
    margin = rows["net_sales_365d"].astype(float) * margins.estimate(rows, otherwise)
    if "margin_365d" in rows:
        margin = rows["margin_365d"].astype(float).fillna(margin)
    return pd.DataFrame(
        {"n_customers": 1, "margin_last_year": margin, "expected_margin": values["expected_margin"]}
    )
