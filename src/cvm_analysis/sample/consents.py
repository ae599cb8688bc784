"""Consents of customers to be contacted, by channel."""

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import AS_OF
from cvm_analysis.sample.draws import stream

CHANNELS = ("phone", "sms", "email", "wechat")
RECORDED = 0.9  # share of customers who were asked, for all channels
GIVEN = 0.75  # of the answers
WITHDRAWN = 0.08  # of the consents given, on a later day


def consents(customers: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Draw the answers of customers when they joined, and the later withdrawals, up to AS_OF.

    customers : customer_id, joined_on

    Returns
    -------
    One row per customer, channel and answer, in order of day and customer: customer_id, channel,
    given (True or False), at (date).
    """
    rng = stream(seed, "consents")
    asked = customers.loc[rng.random(len(customers)) < RECORDED, ["customer_id", "joined_on"]]
    rows = asked.loc[asked.index.repeat(len(CHANNELS))].reset_index(drop=True)
    joined = pd.to_datetime(rows["joined_on"])
    found = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "channel": np.tile(CHANNELS, len(asked)),
            "given": rng.random(len(rows)) < GIVEN,
            "at": joined,
        }
    )
    later = 1 + np.floor(rng.random(len(rows)) * (pd.Timestamp(AS_OF) - joined).dt.days)
    is_withdrawn = found["given"] & (rng.random(len(rows)) < WITHDRAWN)
    refused = found.assign(given=False, at=joined + pd.to_timedelta(later, unit="D"))
    both = pd.concat([found, refused[is_withdrawn & (refused["at"] <= pd.Timestamp(AS_OF))]])
    return both.sort_values(["at", "customer_id"], kind="stable", ignore_index=True)
