"""A business that neither grows nor shrinks: its years differ by chance alone."""

import numpy as np
import pandas as pd

YEARS = pd.DataFrame(
    {
        "period": [0, 1, 2],
        "begins": pd.to_datetime(["2025-01-01", "2024-01-01", "2023-01-01"]),
        "ends": pd.to_datetime(["2025-12-31", "2024-12-31", "2023-12-31"]),
    }
)
LIFE = 1.5  # years, on average, from the first possible order to the last
OLDEST = 12.0  # years before the end: as long ago as customers may have come
NO_FEEDBACK = pd.DataFrame(columns=["customer_id", "at", "kind", "score"])


def simulate(rng, arrivals_per_year=120.0, last_year=1.0, last_value=1.0):
    """One row per customer and year with an order, as customers.in_periods makes them.

    Customers come by a Poisson process, stay for an exponential time, order at a gamma rate, and
    each order has a lognormal value around the customer's own; one in twenty is sent back.

    last_year, last_value : factors on the order rate and the order value of the last year
    """
    n = rng.poisson(arrivals_per_year * OLDEST)
    came = rng.uniform(0, OLDEST, n)  # years before the end
    left = came - rng.exponential(LIFE, n)
    rate, level = rng.gamma(1.5, 1.5, n), rng.lognormal(6, 0.7, n)
    names, rows = np.array([f"c{each:05d}" for each in range(n)]), []
    for year in YEARS["period"]:
        present = np.clip(np.minimum(came, year + 1) - np.maximum(left, year), 0, None)
        pace = rate * (last_year if year == 0 else 1.0)
        orders = rng.poisson(pace * present)
        who = np.repeat(np.arange(n), orders)
        value = level[who] * rng.lognormal(0, 0.6, len(who)) * (last_value if year == 0 else 1.0)
        sent_back = value * (rng.random(len(who)) < 0.05)
        found = pd.DataFrame(
            {
                "customer_id": names[who],
                "net_sales": value - sent_back,
                "gross_sales": value,
                "returned": sent_back,
                "n_orders": 1,
            }
        )
        rows.append(found.groupby("customer_id").sum().assign(period=year).reset_index())
    return pd.concat(rows, ignore_index=True)


def types_of(sums):
    """All of them are retail customers."""
    customers = sums["customer_id"].unique()
    return pd.Series("retail", index=pd.Index(customers, name="customer_id"))
