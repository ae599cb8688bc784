"""Who brings whom: new customers by referral, what referrers are worth with those they brought.

Each customer was referred by one other at most (the earliest referral counts, see intake), so
referrals are trees, unless a record says that somebody brought the one who brought them. Such a
cycle is named, and its latest referral does not count.

A chain may leave its region, so referrals are those of all regions; each customer is counted in the
own region only, and the regions add up to the company.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.experience import comparison
from cvm_analysis.experience.comparison import Difference
from cvm_analysis.experience.proportions import wilson


class Chains(NamedTuple):
    """Referrals without cycles, and the cycles.

    referrals : one row per referral that counts: customer_id, referred_id, at, generation (1: the
        referrer was referred by nobody known), origin (who began the chain)
    cycles : customers in each cycle, in the order of referring, the first by id first
    """

    referrals: pd.DataFrame
    cycles: list[tuple[str, ...]]


def find_chains(referrals: pd.DataFrame, as_of: dt.date) -> Chains:
    """Follow referrals to where they began.

    referrals : the raw table of all regions: customer_id (the referrer), referred_id, at
    """
    rows = referrals[["customer_id", "referred_id", "at"]].assign(
        at=pd.to_datetime(referrals["at"], cache=False)
    )
    rows = rows[(rows["at"] <= pd.Timestamp(as_of)) & (rows["customer_id"] != rows["referred_id"])]
    rows = rows.sort_values(["at", "referred_id"], kind="stable").drop_duplicates("referred_id")
    cycles = _find_cycles(dict(zip(rows["referred_id"], rows["customer_id"], strict=True)))
    for cycle in cycles:
        rows = rows.drop(index=rows.index[rows["referred_id"].isin(cycle)][-1])
    origin, generation = _trace(dict(zip(rows["referred_id"], rows["customer_id"], strict=True)))
    found = rows.assign(
        generation=rows["referred_id"].map(generation).astype(int),
        origin=rows["referred_id"].map(origin),
    )
    return Chains(found.reset_index(drop=True), cycles)


def _find_cycles(referrer: dict[str, str]) -> list[tuple[str, ...]]:
    """Cycles in `referrer` (by referred), each from its first customer on, referrer first."""
    seen: dict[str, int] = {}
    found = []
    for walk, start in enumerate(sorted(referrer)):
        path, each = [], start
        while each in referrer and each not in seen:
            seen[each] = walk
            path.append(each)
            each = referrer[each]
        if seen.get(each) == walk:
            cycle = path[path.index(each) :][::-1]  # who referred comes before who was referred
            first = cycle.index(min(cycle))
            found.append(tuple(cycle[first:] + cycle[:first]))
    return sorted(found)


def _trace(referrer: dict[str, str]) -> tuple[dict[str, str], dict[str, int]]:
    """Origin of each referred customer's chain, and the number of referrals from there."""
    origin: dict[str, str] = {}
    generation: dict[str, int] = {}
    for start in referrer:
        path, each = [], start
        while each in referrer and each not in origin:
            path.append(each)
            each = referrer[each]
        known, count = origin.get(each, each), generation.get(each, 0)
        for below in reversed(path):
            count += 1
            origin[below], generation[below] = known, count
    return origin, generation


def referred_by(chains: Chains, customers: pd.Index) -> pd.Series:
    """Name who referred each of these customers: one row per referred one, by customer_id."""
    by = chains.referrals.set_index("referred_id")["customer_id"].rename("referred_by")
    return by[by.index.isin(customers)].rename_axis("customer_id")


def summarise_referrers(chains: Chains, worth: pd.Series, customers: pd.Index) -> pd.DataFrame:
    """Sum up what each referrer among these customers brought, wherever the referred belong.

    Parameters
    ----------
    worth : money, indexed by customer_id: net sales, or expected margin; of everybody who bought,
        in all regions
    customers : those of the region

    Returns
    -------
    One row per referrer, most brought first, indexed by customer_id: n_referred, n_bought (of these
    who bought), own_value, brought_value (of those they referred), chain_value (of all who came
    through them, those of those included).
    """
    rows = chains.referrals
    own = rows[rows["customer_id"].isin(customers)]
    value = own["referred_id"].map(worth)
    direct = own.assign(value=value.fillna(0.0), bought=value.notna()).groupby("customer_id")
    found = pd.DataFrame({"n_referred": direct.size(), "n_bought": direct["bought"].sum()})
    found = found.assign(
        own_value=worth.reindex(found.index).fillna(0.0).astype(float),
        brought_value=direct["value"].sum(),
    )
    chain = _chain_values(rows, worth)
    found = found.assign(chain_value=chain.reindex(found.index))
    return found.sort_values(["brought_value", "chain_value"], ascending=False, kind="stable")


def _chain_values(rows: pd.DataFrame, worth: pd.Series) -> pd.Series:
    """Value of all who came through each referrer; the last generation is added first."""
    through: dict[str, float] = {}
    last_first = rows.sort_values("generation", ascending=False, kind="stable")
    own = last_first["referred_id"].map(worth).fillna(0.0)
    for referrer, referred, value in zip(
        last_first["customer_id"], last_first["referred_id"], own, strict=True
    ):
        through[referrer] = through.get(referrer, 0.0) + value + through.get(referred, 0.0)
    return pd.Series(through, dtype=float)


def share_of_new(chains: Chains, first_order: pd.Series, freq: str) -> pd.DataFrame:
    """Count new customers who were referred before they first bought.

    Parameters
    ----------
    first_order : day of the first purchase, indexed by customer_id; of those who bought
    freq : period of pandas: `M`, `Q` or `Y`

    Returns
    -------
    One row per period with a new customer, in order, indexed by period (its first day): n_new,
    n_referred_new, share, share_low, share_high (95 %, Wilson, 1927, JASA 22, 209-212).
    """
    first = pd.to_datetime(first_order.dropna())
    referred = chains.referrals.set_index("referred_id")["at"].reindex(first.index) <= first
    period = first.dt.to_period(freq).dt.start_time.rename("period")
    counts = referred.groupby(period).agg(["size", "sum"])
    found = counts.set_axis(["n_new", "n_referred_new"], axis=1).astype(int)
    n, p = found["n_new"], found["n_referred_new"] / found["n_new"]
    low, high = wilson(p, n)
    return found.assign(share=p, share_low=low, share_high=high)


def compare_referred(
    purchases: pd.DataFrame, chains: Chains, as_of: dt.date, window_days: int
) -> Difference | None:
    """Compare the later net sales of referred customers with those of other new customers.

    Parameters
    ----------
    purchases : one row per customer and day with a purchase by as_of: customer_id, day, amount (net
        sales)
    window_days : net sales of so many days after the first purchase are compared

    Returns
    -------
    Customers referred by the day of their first purchase, against others who first bought in the
    same month for as much. Whose window is not over is left out. None if too few can be compared.
    """
    rows = purchases.assign(day=pd.to_datetime(purchases["day"], cache=False))
    rows = rows.sort_values(["customer_id", "day"], kind="stable")
    first = rows.drop_duplicates("customer_id").set_index("customer_id")
    since = rows["day"] - rows["customer_id"].map(first["day"])
    within = (since > pd.Timedelta(0)) & (since <= pd.Timedelta(days=window_days))
    later = rows["amount"].where(within, 0.0).groupby(rows["customer_id"]).sum()
    first = first[first["day"] <= pd.Timestamp(as_of) - pd.Timedelta(days=window_days)]
    size = np.floor(np.log2(first["amount"].clip(lower=1.0))).astype(int).astype(str)
    found = pd.DataFrame(
        {
            "customer_id": first.index,
            "cell": (first["day"].dt.strftime("%Y%m") + "v" + size).to_numpy(),
            "outcome": later.reindex(first.index).to_numpy(),
        }
    )
    at = chains.referrals.set_index("referred_id")["at"].reindex(first.index)
    is_referred = (at <= first["day"]).to_numpy()
    return comparison.difference(found[is_referred], found[~is_referred & at.isna().to_numpy()])
