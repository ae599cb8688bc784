"""Retail customers who are recorded twice: their later order lines carry a second id.

The second record repeats the phone of the first in another notation. The rule of identity in
config/sample.yaml finds both, and gives the person the id of the first. Some of these customers
referred themselves.
"""

import numpy as np
import pandas as pd

from cvm_analysis.sample.draws import stream

SHARE = 0.0025  # of the retail customers
SHARE_OF_SELF_REFERRALS = 0.2  # of them
FIRST_ID = 98_000_001


def draw(people: pd.DataFrame, orders: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Draw who has a second id, and from which order on.

    people : customers with customer_id, customer_type, phone
    orders : of retail customers: customer_id, ordered_at

    Returns
    -------
    One row per person, in order of customer_id: customer_id, second_id, since (the time of the
    first order under the second id, on a later day than the first of all), refers_self.
    """
    rng = stream(seed, "second ids")
    known = people[(people["customer_type"] == "retail") & (people["phone"] != "")]
    later = orders[orders["customer_id"].isin(known["customer_id"])]
    first = later.groupby("customer_id")["ordered_at"].transform("min").dt.normalize()
    later = later[later["ordered_at"].dt.normalize() > first]
    candidates = np.sort(later["customer_id"].unique())
    n = max(1, round(SHARE * (people["customer_type"] == "retail").sum()))
    chosen = np.sort(rng.choice(candidates, n, replace=False))
    own = later[later["customer_id"].isin(chosen)].sort_values("ordered_at", kind="stable")
    times = own.groupby("customer_id")["ordered_at"].agg(list)
    n_self = round(SHARE_OF_SELF_REFERRALS * n)
    return pd.DataFrame(
        {
            "customer_id": chosen,
            "second_id": [str(FIRST_ID + i) for i in range(n)],
            "since": [times[each][rng.integers(len(times[each]))] for each in chosen],
            "refers_self": np.isin(np.arange(n), rng.choice(n, n_self, replace=False)),
        }
    )


def rename(lines: pd.DataFrame, seconds: pd.DataFrame) -> pd.DataFrame:
    """Give lines their customer's second id from its first order on."""
    known = seconds.set_index("customer_id")
    is_later = lines["ordered_at"] >= lines["customer_id"].map(known["since"])
    second = lines["customer_id"].map(known["second_id"])
    return lines.assign(customer_id=lines["customer_id"].where(~is_later, second))


def records(people: pd.DataFrame, seconds: pd.DataFrame) -> pd.DataFrame:
    """Return the second customer records: the phone with its country code, no birth date."""
    found = seconds.merge(people, on="customer_id")
    phone = "+86 " + found["phone"].str[:3] + "-" + found["phone"].str[3:7]
    return found.assign(
        customer_id=found["second_id"],
        joined_on=found["since"].dt.normalize(),
        birth_date=pd.NaT,
        email="",
        phone=phone + "-" + found["phone"].str[7:],
    )[list(people.columns)]


def self_referrals(seconds: pd.DataFrame) -> pd.DataFrame:
    """One row per customer who referred themselves: customer_id, referred_id, at (date)."""
    found = seconds[seconds["refers_self"]]
    names = {"second_id": "referred_id", "since": "at"}
    rows = found.rename(columns=names)[["customer_id", *names.values()]]
    return rows.assign(at=rows["at"].dt.normalize())


def truth(seconds: pd.DataFrame) -> dict[str, object]:
    """The content of truth.json on second ids; see `folder.make`."""
    pairs = seconds.assign(since=seconds["since"].dt.strftime("%Y-%m-%d"))
    return {
        "customers": pairs[["customer_id", "second_id", "since"]].to_dict("records"),
        "self_referrals": self_referrals(seconds)["customer_id"].tolist(),
    }
