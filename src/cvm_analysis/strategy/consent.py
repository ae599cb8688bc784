"""The channel of each action: the first one on which the customer agreed to be contacted.

The latest record of a customer and channel decides; without one, the customer's attribute consent
does, for all channels. Where nothing at all is recorded, nothing is left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cvm_analysis.strategy.catalogue import Action

GIVEN, NOT_NEEDED, NOT_RECORDED, REFUSED = "given", "not_needed", "not_recorded", "refused"


def choose_channels(
    rows: pd.DataFrame,
    actions: Sequence[Action],
    as_of: dt.date,
    consents: pd.DataFrame | None,
    attribute: pd.Series | None,
) -> pd.DataFrame:
    """Choose the channel of each customer and action.

    Parameters
    ----------
    rows : one row per customer and action: customer_id, action
    consents : one row per customer, channel and day: customer_id, channel, given (true or false),
        at; later records than as_of are unknown
    attribute : of each customer, consent in general, as `read_attribute` makes it

    Returns
    -------
    The same index: channel, and consent - given, not_needed, not_recorded (nobody's consent is), or
    refused, where no channel of the action may be used.
    """
    latest = find_latest(consents, as_of)
    recorded = latest is not None or attribute is not None
    found = pd.DataFrame({"channel": None, "consent": NOT_NEEDED}, rows.index, dtype=object)
    for action in actions:
        where = rows.index[rows["action"] == action.code]
        found.loc[where, "channel"] = action.channel[0]
        if action.needs_consent and not recorded:
            found.loc[where, "consent"] = NOT_RECORDED
        elif action.needs_consent and len(where):
            who = pd.Index(rows.loc[where, "customer_id"])
            first = _first_allowed(who, action.channel, latest, attribute)
            found.loc[where, "channel"] = np.array([*action.channel, None], dtype=object)[first]
            found.loc[where, "consent"] = np.where(first < 0, REFUSED, GIVEN)
    return found


def read_attribute(recorded: pd.Series | None, given: Sequence[str]) -> pd.Series | None:
    """Read the customers' attribute consent: 1 or 0, empty where nothing is recorded.

    recorded : words as recorded, None without such an attribute; given : the words that mean yes,
        in lower case
    None if nobody's is recorded.
    """
    if recorded is None or recorded.isna().all():
        return None
    words = recorded.astype(str).str.strip().str.lower()
    return words.isin(given).astype(float).where(recorded.notna())


def find_latest(consents: pd.DataFrame | None, as_of: dt.date) -> pd.DataFrame | None:
    """Find what was recorded last: one row per customer, one column per channel, 1 or 0.

    None without any record.

    Of several records on the last day a refusal counts.
    """
    if consents is None:
        return None
    known = consents[pd.to_datetime(consents["at"]) <= pd.Timestamp(as_of)]
    if known.empty:
        return None
    known = known.assign(at=pd.to_datetime(known["at"]), given=known["given"].astype(float))
    known = known.sort_values(["at", "given"], ascending=[True, False], kind="stable")
    last = known.drop_duplicates(["customer_id", "channel"], keep="last")
    return last.pivot(index="customer_id", columns="channel", values="given")


def find_refused(
    consents: pd.DataFrame,
    attribute: pd.Series | None,
    actions: Sequence[Action],
    as_of: dt.date,
) -> pd.Series:
    """Find the channels on which customers refused to be contacted: tuples of codes, in order.

    Indexed by customer_id, without customers who refused none; what nobody recorded is no refusal.

    consents, attribute : as for `choose_channels`; a refusal in general is one of every channel
    that is recorded or that an action uses
    """
    latest = find_latest(consents, as_of)
    if latest is None:
        latest = pd.DataFrame(index=pd.Index([], name="customer_id", dtype=object))
    channels = sorted({*latest, *(each for action in actions for each in action.channel)})
    given = latest.reindex(columns=channels)
    if attribute is not None:
        given = given.reindex(given.index.union(attribute.index))
        given = given.apply(lambda each: each.fillna(attribute))
    refused = given[(given == 0).any(axis=1)] == 0
    found = [tuple(refused.columns[row]) for row in refused.to_numpy()]
    return pd.Series(found, refused.index, dtype=object)


def _first_allowed(
    who: pd.Index,
    channels: Sequence[str],
    latest: pd.DataFrame | None,
    attribute: pd.Series | None,
) -> np.ndarray:
    """Number of the first channel that each customer allows; -1 if there is none."""
    allowed = pd.DataFrame(index=who, columns=list(channels), dtype=float)
    if latest is not None:
        allowed = latest.reindex(index=who, columns=list(channels)).astype(float)
    if attribute is not None:
        in_general = attribute.reindex(who).to_numpy()
        allowed = allowed.apply(lambda each: each.where(each.notna(), in_general))
    may = allowed.to_numpy() == 1
    return np.where(may.any(axis=1), may.argmax(axis=1), -1)
