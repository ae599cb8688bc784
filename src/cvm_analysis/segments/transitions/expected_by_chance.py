"""What would have moved had nobody changed: chance, and the fall back to the mean.

Who bought often last year did so partly by luck. If nobody changes, many of them buy less often
this year, and others more; so some customers fall out of the top class and others rise into it
although nothing has happened. Here an unchanged customer goes on at their own pace, which differs
between customers as in the NBD of Ehrenberg (1959), "The Pattern of Consumer Purchases", Applied
Statistics 8(1), 26-41. Purchases are drawn, measures and classes computed from them as ever, and
the moves counted: those are the moves to be expected.
"""

from __future__ import annotations

import datetime as dt
from typing import Protocol

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError

YEAR_OF_WEEKS = 364  # days; every weekday as often as any other
WEEK = 7


class Fitted(Protocol):
    """An NBD fitted to `count_purchases`: r, and alpha in weeks."""

    @property
    def params(self) -> tuple[float, float]:
        """Shape r and scale alpha."""
        ...


def count_purchases(
    days: pd.DataFrame, before: dt.date, window_days: int = YEAR_OF_WEEKS
) -> pd.DataFrame:
    """Count each customer's purchases in the last `window_days` up to a day, to fit an NBD to.

    Who first bought within the window is counted from then on, without the first purchase: it is
    why they are in the data, and says nothing of how often they buy.

    Parameters
    ----------
    days : one row per customer and day with a purchase: customer_id, day; others are passed over
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
    paces: pd.DataFrame,
    r: float,
    alpha: float,
    before: dt.date,
    until: dt.date,
    seed: int,
) -> pd.DataFrame:
    """Draw the purchases that unchanged customers might make after `before`, up to `until`.

    A customer's rate is drawn from what is known of it, Gamma(r + x, alpha + T), the number of
    purchases from a Poisson distribution; each is a copy of one of the customer's own purchases of
    the last 364 days (of the last one, if there is none), on a day drawn at random. Two may fall on
    one day. Random numbers go to customers in the order of their ids: rows in another order give
    the same draw; other ids another one, as good.

    Parameters
    ----------
    days : as for `count_purchases`
    paces : as `count_purchases` makes them, of the customers to draw for
    r, alpha : parameters of the NBD fitted to `paces`; alpha in weeks
    seed : the same seed, the same draw

    Returns
    -------
    One row per purchase: customer_id, copy_of (day of the purchase it copies), day

    Raises
    ------
    InputError : `until` is not after `before`, or customers without a purchase by then
    """
    span = (until - before).days
    if span < 1:
        raise InputError(f"nothing to draw: {until} is not after {before}")
    random = np.random.default_rng(seed)
    paces = paces.sort_index()
    rates = random.gamma(r + paces["x"].to_numpy(float)) / (alpha + paces["T"].to_numpy(float))
    counts = random.poisson(rates * span / WEEK)
    who = np.repeat(np.arange(len(paces)), counts)
    own = _to_copy(days, before)
    own = own[own["customer_id"].isin(paces.index)]
    held = own.groupby("customer_id").size().reindex(paces.index, fill_value=0).to_numpy()
    if (held == 0).any():
        raise InputError(
            f"nothing to copy: {(held == 0).sum():,} of {len(held):,} customers have a pace but no "
            f"purchase by {before}; take both from the same days"
        )
    copied = (held.cumsum() - held)[who] + (random.random(len(who)) * held[who]).astype(int)
    later = random.integers(1, span + 1, len(who)).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "customer_id": paces.index.to_numpy()[who],
            "copy_of": own["day"].to_numpy()[copied],
            "day": np.datetime64(before, "s") + later,
        }
    )


def draw_repeatedly(
    days: pd.DataFrame,
    paces: pd.DataFrame,
    model: Fitted | None,
    before: dt.date,
    until: dt.date,
    times: int = 5,
) -> list[pd.DataFrame]:
    """Draw several times, with seeds 0, 1, ...; see `draw_purchases`. None at all without a
    model."""
    if model is None:
        return []
    r, alpha = model.params
    return [draw_purchases(days, paces, r, alpha, before, until, seed) for seed in range(times)]


def _past(days: pd.DataFrame, before: dt.date) -> pd.DataFrame:
    """The purchase days up to `before`, each once, by customer and day."""
    table = days[["customer_id", "day"]].assign(day=pd.to_datetime(days["day"]))
    table = table[table["day"] <= pd.Timestamp(before)].drop_duplicates()
    return table.sort_values(["customer_id", "day"], ignore_index=True)


def _to_copy(days: pd.DataFrame, before: dt.date) -> pd.DataFrame:
    """Of each customer the purchase days of the last 364 days, else the last one."""
    past = _past(days, before)
    last = past.groupby("customer_id")["day"].transform("max")
    start = pd.Timestamp(before) - pd.Timedelta(days=YEAR_OF_WEEKS)
    return past[(past["day"] > start) | (past["day"] == last)]
