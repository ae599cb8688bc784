"""Promised and actual delivery dates of orders."""

import numpy as np
import pandas as pd

from cvm_analysis.sample.draws import dates, known_dates

PROMISE = (3, 15)  # days from order to promised delivery: from, below
EARLY = (0, 3)  # days a punctual delivery is early
LATE = (1, 15)  # days a late delivery is late


def add_deliveries(orders: pd.DataFrame, late: float, rng: np.random.Generator) -> pd.DataFrame:
    """Add to each order its promised and actual delivery; `late` is the share of late ones.

    Adds is_late, delivered (day, also after AS_OF), promised_on and delivered_on (dates, the latter
    empty if not by AS_OF).
    """
    n = len(orders)
    promise = np.floor(orders["at"].to_numpy()) + rng.integers(*PROMISE, n)
    is_late = rng.random(n) < late
    delivered = promise + np.where(is_late, rng.integers(*LATE, n), -rng.integers(*EARLY, n))
    return orders.assign(
        is_late=is_late,
        delivered=delivered,
        promised_on=dates(promise).to_numpy(),
        delivered_on=known_dates(delivered).to_numpy(),
    )
