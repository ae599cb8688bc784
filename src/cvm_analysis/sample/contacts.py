"""Contacts that no campaign asked for, and which of all contacts retail customers answer.

Each customer has one channel that they answer more often than the others. Whether they answer
changes nothing else.
"""

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import AS_OF, FIRST_DAY
from cvm_analysis.sample.draws import stream

CHANNELS = {"phone": 0.5, "sms": 0.3, "wechat": 0.2}  # of contacts
PREFERRED = {"phone": 0.45, "sms": 0.2, "wechat": 0.35}  # of customers
ANSWERED = {"preferred": 0.85, "other": 0.35}  # probability of an answer, by channel
DECLINED = 0.2  # of the answers
NOT_RECORDED = 0.03  # of the results
SPELLED = {"reached": "Reached"}  # by some who keep the log
SPELLED_SHARE = 0.05
OWNERS = ("sales", "service")
WITHIN = 7  # days from a list to the contact: below

ACTION = "keep_in_touch"
FROM, UNTIL = AS_OF.replace(year=2024, month=1, day=8), AS_OF.replace(year=2024, month=12, day=1)
KEPT_UP = 0.4  # of the customers with an order by then
PER_CUSTOMER = 4.0  # contacts, on average


def prefer(customers: pd.DataFrame, seed: int) -> pd.Series:
    """Draw the channel that each customer answers best."""
    rng = stream(seed, "preferred channel")
    channel = rng.choice(list(PREFERRED), len(customers), p=list(PREFERRED.values()))
    return pd.Series(channel, customers.index)


def regular(customers: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Draw the regular contacts of a year with some of the customers who had bought before.

    One row per contact: customer_id, action, at and listed_on (days), channel, owner.
    """
    rng = stream(seed, "regular contacts")
    start, end = (FROM - FIRST_DAY).days, (UNTIL - FIRST_DAY).days
    known = customers.loc[customers["first_at"] < start, "customer_id"].to_numpy()
    chosen = known[rng.random(len(known)) < KEPT_UP]
    rows = np.repeat(chosen, rng.poisson(PER_CUSTOMER, len(chosen)))
    at = rng.integers(start, end, len(rows))
    found = pd.DataFrame(
        {
            "customer_id": rows,
            "action": ACTION,
            "at": at,
            "listed_on": at - rng.integers(0, WITHIN, len(rows)),
            "channel": rng.choice(list(CHANNELS), len(rows), p=list(CHANNELS.values())),
            "owner": rng.choice(OWNERS, len(rows)),
        }
    )
    return found.drop_duplicates(["customer_id", "at"], ignore_index=True)


def add_results(contacts: pd.DataFrame, preferred: pd.Series, seed: int) -> pd.DataFrame:
    """Add column result to contacts: reached, declined, no_answer, or empty: not recorded.

    preferred : channel of each customer, indexed by customer_id
    """
    rng = stream(seed, "contact results")
    n = len(contacts)
    is_preferred = contacts["channel"].to_numpy() == preferred.loc[contacts["customer_id"]]
    chance = np.where(is_preferred, ANSWERED["preferred"], ANSWERED["other"])
    said = np.where(rng.random(n) < DECLINED, "declined", "reached")
    result = pd.Series(np.where(rng.random(n) < chance, said, "no_answer"), contacts.index)
    result = result.mask(rng.random(n) < SPELLED_SHARE, result.replace(SPELLED))
    return contacts.assign(result=result.mask(rng.random(n) < NOT_RECORDED, ""))


def truth() -> dict[str, object]:
    """The content of truth.json on contacts; see `folder.make`."""
    return {"preferred": PREFERRED, "answered": ANSWERED, "declined": DECLINED}
