"""Customers of three kinds, far apart in spend per order, pace and silence; and one cloud."""

import numpy as np
import pandas as pd

KINDS = {"regular": (900, 12, 20), "big": (9000, 2, 60), "gone": (150, 1, 700)}


def customers(n=200, seed=0):
    """One row per customer, n of each kind."""
    rng = np.random.default_rng(seed)
    kinds = []
    for kind, (spend, days, silence) in KINDS.items():
        each = {
            "kind": kind,
            "net_sales_per_order": spend * rng.lognormal(0, 0.15, n),
            "n_purchase_days": np.maximum(1, np.round(days * 3 * rng.lognormal(0, 0.1, n))),
            "days_since_last": np.round(silence * rng.lognormal(0, 0.15, n)),
        }
        kinds.append(pd.DataFrame(each))
    table = pd.concat(kinds, ignore_index=True)
    table = table.assign(
        n_orders=table["n_purchase_days"].astype(int), T=3 * 365 / 7, return_share=0.0
    )
    table["net_sales"] = table["gross_sales"] = table["net_sales_per_order"] * table["n_orders"]
    table["customer_type"] = "retail"
    return table.set_index(pd.Index([f"C{i:04}" for i in range(len(table))], name="customer_id"))


def cloud(n, seed):
    """Measures of one correlated normal cloud."""
    covariance = [[1, 0.5, -0.6], [0.5, 1, 0.2], [-0.6, 0.2, 1]]
    points = np.random.default_rng(seed).multivariate_normal(np.zeros(3), covariance, n)
    return pd.DataFrame(points, columns=["u", "v", "w"])


def once(measured, spend=1.0):
    """What shares rest on, if everybody bought once."""
    return pd.DataFrame({"n_orders": 1, "gross_sales": spend}, index=measured.index)
