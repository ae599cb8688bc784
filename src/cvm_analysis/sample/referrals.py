"""Referrals between retail customers: a customer was brought by an earlier one of the region.

Who was referred is drawn at random, so the referred are worth what other new customers are: the
planted difference is 0.
"""

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import REGIONS
from cvm_analysis.sample.draws import dates, stream

SHARE = 0.12  # of the retail customers, but for the first tenth of a region
WITHIN = 30  # days from the referral to the first purchase: below
BUSY = 0.2  # share of customers who bring others; the rest brings nobody
N_CYCLES = 2  # records that contradict each other: both are said to have brought the other


def referrals(customers: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, list[list[str]]]:
    """Draw who brought whom.

    customers : retail customers with customer_id, region, first_at (day)

    Returns
    -------
    One row per referral, in order of day: customer_id (the referrer), referred_id, at (date); and
    the pairs of customers that form a cycle, each in order of customer_id.
    """
    rng = stream(seed, "referrals")
    rows = pd.concat([_of_region(customers, region.key, rng) for region in REGIONS])
    rows = rows.sort_values(["day", "referred_id"], kind="stable", ignore_index=True)
    unreferred = rows[~rows["customer_id"].isin(rows["referred_id"])]
    pairs = unreferred.drop_duplicates("customer_id").head(N_CYCLES)
    back = pd.DataFrame(
        {
            "customer_id": pairs["referred_id"],
            "referred_id": pairs["customer_id"],
            "day": pairs["day"] + 1,
        }
    )
    rows = pd.concat([rows, back]).sort_values(["day", "referred_id"], kind="stable")
    cycles = [sorted(pair) for pair in back[["customer_id", "referred_id"]].to_numpy().tolist()]
    found = rows.assign(at=dates(rows["day"]).to_numpy()).drop(columns="day")
    return found.reset_index(drop=True), cycles


def _of_region(customers: pd.DataFrame, region: str, rng: np.random.Generator) -> pd.DataFrame:
    own = customers[customers["region"] == region].sort_values("first_at", ignore_index=True)
    busy = np.flatnonzero(rng.random(len(own)) < BUSY)
    chosen = np.flatnonzero(rng.random(len(own)) < SHARE)
    n_before = np.searchsorted(busy, chosen)  # referrers who bought earlier
    is_possible = (chosen >= len(own) // 10) & (n_before > 0)
    chosen, n_before = chosen[is_possible], n_before[is_possible]
    referrer = busy[np.floor(rng.random(len(chosen)) * n_before).astype(int)]
    first = np.floor(own["first_at"].to_numpy())
    day = first[chosen] - rng.integers(0, WITHIN, len(chosen))
    names = own["customer_id"].to_numpy()
    return pd.DataFrame(
        {
            "customer_id": names[referrer],
            "referred_id": names[chosen],
            "day": np.maximum(day, first[referrer]),
        }
    )


def truth(rows: pd.DataFrame, cycles: list[list[str]]) -> dict[str, object]:
    """The content of truth.json on referrals; see `folder.make`."""
    return {
        "share": SHARE,
        "difference_of_the_referred": 0.0,
        "n_referred": len(rows) - len(cycles),
        "cycles": cycles,
    }
