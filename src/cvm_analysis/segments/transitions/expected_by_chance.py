"""Transitions expected by chance, of customers whose behaviour does not change.

Some customers bought often last year by luck. If nobody changes, many of them buy less often this
year, and others more (regression to the mean); so customers leave and enter the top class although
nothing has happened. Here an unchanged customer keeps their own purchase rate; rates differ as in
the NBD of Ehrenberg (1959), "The Pattern of Consumer Purchases", Applied Statistics 8(1), 26-41.
Purchases are drawn, and customers measured and classed by them as usual.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError

YEAR_OF_WEEKS = 364  # days; every weekday as often as any other
WEEK = 7
TIMES, CUSTOMERS = 5, 100_000  # draws of all customers at most; customers drawn that are enough


def count_purchases(
    days: pd.DataFrame, before: dt.date, window_days: int = YEAR_OF_WEEKS
) -> pd.DataFrame:
    """Count each customer's purchases in the last `window_days` up to a day, to fit an NBD to.

    A customer who first bought within the window is counted from then on, without the first
    purchase: it is why they are in the data, and says nothing about their purchase rate.

    days : one row per customer and day with a purchase: customer_id, day; repeats are dropped
    before : the last day that counts

    Returns
    -------
    One row per customer who has bought by then, indexed by customer_id, sorted
    x : purchase days counted; t_x : weeks to the last of them, 0 if x is 0; T : weeks counted, from
        the start of the window or the first purchase in it
    """
    past = _past(days, before)
    start = pd.Timestamp(before) - pd.Timedelta(days=window_days)
    begin = past.groupby("customer_id")["day"].min().clip(lower=start)
    counted = past[past["day"] > past["customer_id"].map(begin)].groupby("customer_id")["day"]
    last = counted.max().reindex(begin.index).fillna(begin)
    return pd.DataFrame(
        {
            "x": counted.size().reindex(begin.index, fill_value=0),
            "t_x": (last - begin).dt.days / WEEK,
            "T": (pd.Timestamp(before) - begin).dt.days / WEEK,
        }
    )


def draw_purchases(
    days: pd.DataFrame,
    histories: pd.DataFrame,
    r: float,
    alpha: float,
    before: dt.date,
    until: dt.date,
    seed: int,
) -> pd.DataFrame:
    """Draw the purchases that unchanged customers might make after `before`, up to `until`.

    A customer's rate is drawn from its posterior, Gamma(r + x, alpha + T), the number of purchases
    from a Poisson distribution; each copies one of the customer's own purchases of the last 364
    days (the last one, if there is none), on a day drawn at random. Two may be on one day.
    Customers are drawn in the order of their ids, so the order of the rows does not matter.

    days : as for `count_purchases`
    histories : as `count_purchases` makes them, of the customers to draw for
    r, alpha : parameters of the NBD fitted to `histories`; alpha in weeks

    Returns
    -------
    One row per purchase: customer_id, copy_of (day of the purchase it copies), day

    Raises InputError: `until` is not after `before`, or customers without a purchase by then
    """
    span = (until - before).days
    if span < 1:
        raise InputError(f"nothing to draw: {until} is not after {before}")
    random, histories = np.random.default_rng(seed), histories.sort_index()
    x, weeks = (histories[column].to_numpy(float) for column in ("x", "T"))
    rates = random.gamma(r + x) / (alpha + weeks)
    buyer = np.repeat(np.arange(len(histories)), random.poisson(rates * span / WEEK))
    own = _to_copy(days, before)
    own = own[own["customer_id"].isin(histories.index)]
    n_own = own.groupby("customer_id").size().reindex(histories.index, fill_value=0).to_numpy()
    if (n_own == 0).any():
        raise InputError(
            f"nothing to copy: {(n_own == 0).sum():,} of {len(n_own):,} customers have a history "
            f"but no purchase by {before}; take both from the same days"
        )
    start = (n_own.cumsum() - n_own)[buyer]
    copied = start + (random.random(len(buyer)) * n_own[buyer]).astype(int)
    later = random.integers(1, span + 1, len(buyer)).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "customer_id": histories.index.to_numpy()[buyer],
            "copy_of": own["day"].to_numpy()[copied],
            "day": np.datetime64(before, "s") + later,
        }
    )


def draw_repeatedly(
    days: pd.DataFrame,
    histories: pd.DataFrame,
    model: Any,
    before: dt.date,
    until: dt.date,
) -> list[pd.DataFrame]:
    """Draw with the seeds 0, 1, ... as `draw_purchases` does.

    As often as TIMES, or until about CUSTOMERS are drawn: of many customers the first draw tells
    how many change class by chance.

    model : a fitted NBD, with params r and alpha; None: no draws
    """
    if model is None:
        return []
    r, alpha = model.params
    times = min(TIMES, math.ceil(CUSTOMERS / max(1, len(histories))))
    return [draw_purchases(days, histories, r, alpha, before, until, seed) for seed in range(times)]


def _past(days: pd.DataFrame, before: dt.date) -> pd.DataFrame:
    """Purchase days up to `before`, each once, sorted by customer and day."""
    table = days[["customer_id", "day"]].assign(day=pd.to_datetime(days["day"]))
    table = table[table["day"] <= pd.Timestamp(before)].drop_duplicates()
    return table.sort_values(["customer_id", "day"], ignore_index=True)


def _to_copy(days: pd.DataFrame, before: dt.date) -> pd.DataFrame:
    """Each customer's purchase days of the last 364 days, else the last one."""
    past = _past(days, before)
    last = past.groupby("customer_id")["day"].transform("max")
    start = pd.Timestamp(before) - pd.Timedelta(days=YEAR_OF_WEEKS)
    return past[(past["day"] > start) | (past["day"] == last)]
