"""Baskets of invented customers, with or without products that go together."""

import numpy as np
import pandas as pd

START = pd.Timestamp("2024-01-01")


def draw(n_customers, seed, n_products=40, days=364, companion=0.0, follows=None):
    """Draw baskets by popularity alone; follows : product -> the one bought after it.

    companion : the chance that a customer's later basket then has it
    """
    rng = np.random.default_rng(seed)
    popularity = 1 / np.arange(2, n_products + 2)
    popularity /= popularity.sum()
    rows = []
    for customer in range(n_customers):
        has = set()
        dates = np.sort(rng.choice(days, 1 + rng.geometric(0.3), replace=False))
        for number, day in enumerate(dates):
            size = min(rng.geometric(0.4), n_products // 2)
            basket = set(rng.choice(n_products, size, replace=False, p=popularity).tolist())
            wanted = {b for a, b in (follows or {}).items() if a in has and b not in has}
            basket |= {b for b in wanted if rng.random() < companion}
            has |= basket
            rows += [(f"c{customer:05}", f"o{number:03}", name(p), day) for p in sorted(basket)]
    found = pd.DataFrame(rows, columns=["customer_id", "basket", "product", "day"])
    found["at"] = START + pd.to_timedelta(found.pop("day"), unit="D")
    return found.assign(margin=np.nan)


def name(product):
    return f"p{product:02}"
