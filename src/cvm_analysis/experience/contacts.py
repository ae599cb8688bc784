"""Contacts: the last one of each customer, and the channel through which customers answer.

A customer has few contacts, so the share answered is shrunk to that of the channel. With k of n
contacts answered by a customer, p the share of the channel and rho the correlation of the answers
of one customer, k is beta-binomial (Skellam, 1948, JRSS B 10, 257-261). With a + b =
(1 - rho) / rho the expected share is

    p + w (k / n - p),    w = n / (n + a + b) = n rho / (1 + (n - 1) rho)

an empirical Bayes estimate (Casella, 1985, The American Statistician 39, 83-87). p and rho are the
moment estimates of Kleinman (1973, JASA 68, 46-54, weights n): the sum S of n (k / n - p)^2 over C
customers with N contacts has expectation p (1 - p) [C - 1 + rho (N - sum n^2 / N - C + 1)].

A description: who is contacted through which channel was not drawn at random.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import numpy as np
import pandas as pd

from cvm_analysis.experience.proportions import wilson
from cvm_analysis.experience.surveys import ALL
from cvm_analysis.minimum_data import Note
from cvm_analysis.tables import TABLES

LEAST_CUSTOMERS = 10  # with a known result: for an interval, or for a channel to be the best
RATES = ["n_customers", "share", "correlation"]
_TABLE = TABLES["contact_channels"]
_KNOWN = ("channel", "owner", "result")


def read(contact_log: pd.DataFrame, as_of: dt.date, answered: Collection[str]) -> pd.DataFrame:
    """Read the contacts by as_of from table `contact_log`, in order of time.

    answered : results that count as answered, in any case

    Returns
    -------
    One row per contact: customer_id, at, channel, owner, result (empty if not recorded), and
    answered (1 or 0, empty without a result).
    """
    at = pd.to_datetime(contact_log["at"])
    missing = pd.Series(None, contact_log.index, object)
    words = {name: contact_log.get(name, missing).astype(object) for name in _KNOWN}
    found = contact_log[["customer_id"]].assign(at=at, **words)[at <= pd.Timestamp(as_of)]
    found = found.mask(found.isna() | found.eq(""), None)
    result = found["result"].astype("string").str.strip().str.casefold()
    said = result.isin([each.strip().casefold() for each in answered]).astype(float)
    found["answered"] = said.where(result.notna())
    return found.sort_values("at", kind="stable", ignore_index=True)


def rates(contacts: pd.DataFrame) -> pd.DataFrame:
    """Estimate the share answered of each channel, and how alike the answers of a customer are.

    contacts : as `read` returns; those without a channel or result do not count

    Returns
    -------
    One row per channel, indexed by it, the highest share first: n_customers, share, correlation (of
    the answers of one customer, in [0, 1]; 0: nothing says that customers differ).
    """
    rows = {
        str(channel): _rate(part)
        for channel, part in _count(contacts).groupby("channel", sort=True)
    }
    found = pd.DataFrame.from_dict(rows, orient="index", columns=RATES).rename_axis("channel")
    return found.sort_values("share", ascending=False, kind="stable")


def by_customer(contacts: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """Find the last contact of each customer, and the channel that they should answer best.

    Parameters
    ----------
    contacts : as `read` returns
    rates : as `rates` returns, also of more customers than these

    Returns
    -------
    One row per customer with a contact, indexed by customer_id: last_contact (day), last_contact_by
    and last_contact_channel (as recorded; of several on one day the last row), best_channel: the
    one with the highest expected share answered, of the channels with results of LEAST_CUSTOMERS
    customers; of equal ones that with the higher rate. Empty if no result of the customer is known.
    """
    last = contacts.drop_duplicates("customer_id", keep="last").set_index("customer_id")
    names = {"at": "last_contact", "owner": "last_contact_by", "channel": "last_contact_channel"}
    useful = (rates["n_customers"] >= LEAST_CUSTOMERS) & (rates["share"] > 0)
    expected = expect(contacts, rates[useful])
    best = pd.Series(None, last.index, object)
    if expected.size:
        best = expected.idxmax(axis=1).astype(object).reindex(last.index)
    return (
        last[list(names)].rename(columns=names).assign(best_channel=best.where(best.notna(), None))
    )


def expect(contacts: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """Expect the share of contacts that each customer would answer, by channel.

    One row per customer with a known result in any channel, one column per channel of `rates`: the
    own share, shrunk to that of the channel, which itself stands where the customer has no contact.
    """
    counts = _count(contacts).set_index(["customer_id", "channel"])
    wide = {name: counts[name].unstack("channel").reindex(columns=rates.index) for name in counts}
    n, k = wide["n"].fillna(0.0), wide["k"].fillna(0.0)
    p, rho = rates["share"], rates["correlation"]
    weight = n * rho / (1 + (n - 1) * rho).where(n > 0, 1.0)
    return p + weight * (k / n.where(n > 0, 1.0) - p)


def by_segment(contacts: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Count contacts and answers by channel, of all and by group: table `contact_channels`.

    groups : one row per customer; each column divides customers, such as segment
    """
    known = contacts.dropna(subset="channel").join(groups, on="customer_id")
    found = [_sum_up(known.assign(level=ALL), ALL)]
    found += [_sum_up(known.assign(level=known[group]), group) for group in groups]
    table = pd.concat(found, ignore_index=True)
    alike = table["channel"].map(rates(contacts)["correlation"])
    table["correlation"] = alike.where(table["group"] == ALL).astype(float)
    return table.sort_values(["channel", "group", "level"], ignore_index=True)[list(_TABLE.columns)]


def notes(contacts: pd.DataFrame) -> list[Note]:
    """Note that results are recorded and none of them counts as answered."""
    known = contacts["answered"].dropna()
    nothing = len(known) > 0 and not known.any()
    return [Note("contacts", "no_result_is_answered", float(len(known)))] if nothing else []


def _count(contacts: pd.DataFrame) -> pd.DataFrame:
    """One row per customer and channel: n contacts with a result, k of them answered."""
    known = contacts.dropna(subset=["channel", "answered"])
    by = known.groupby(["customer_id", "channel"], sort=True)["answered"]
    return by.agg(n="size", k="sum").astype(float).reset_index()


def _rate(counts: pd.DataFrame) -> tuple[int, float, float]:
    """Customers, share and correlation of one channel; counts : n and k of each customer."""
    n, k = counts["n"].to_numpy(), counts["k"].to_numpy()
    total, customers = n.sum(), len(n)
    p = k.sum() / total
    observed = (n * (k / n - p) ** 2).sum()
    room = p * (1 - p) * (total - (n**2).sum() / total - (customers - 1))
    excess = observed - p * (1 - p) * (customers - 1)
    rho = float(np.clip(excess / room, 0.0, 1.0)) if room > 1e-9 else 0.0
    return customers, float(p), rho


def _sum_up(contacts: pd.DataFrame, group: str) -> pd.DataFrame:
    """One row per channel and level; without a known result its share is empty."""
    by = ["channel", "level"]
    each = contacts.groupby([*by, "customer_id"], sort=True)["answered"]
    each = each.agg(n_contacts="size", n_results="count", n_answered="sum").reset_index()
    sums = each.groupby(by, sort=True)
    found = sums[["n_contacts", "n_results", "n_answered"]].sum().astype(int)
    found["n_customers"] = sums.size()
    share = found["n_answered"] / found["n_results"].where(found["n_results"] > 0)
    clusters = (each["n_results"] > 0).groupby([each["channel"], each["level"]]).sum()
    expected = each["n_results"] * share.reindex(pd.MultiIndex.from_frame(each[by])).to_numpy()
    squares = ((each["n_answered"] - expected) ** 2).groupby([each["channel"], each["level"]]).sum()
    n = _independent(found["n_results"], share, squares, clusters)
    low, high = wilson(share, n.where(clusters >= LEAST_CUSTOMERS))
    return found.assign(answered_share=share, low=low, high=high, group=group).reset_index()


def _independent(
    n: pd.Series, share: pd.Series, squares: pd.Series, clusters: pd.Series
) -> pd.Series:
    """Number of independent contacts: n by the design effect, as `tone_shares.design_effect`.

    squares : sum over customers of (answered less expected) squared; where all or no contacts were
    answered, each customer counts as one
    """
    variance = n * share * (1 - share)
    effect = (squares / variance.where(variance > 0)).clip(lower=1.0)
    return (n / effect).where(variance > 0, clusters.astype(float))
