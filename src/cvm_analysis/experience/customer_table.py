"""One row per customer: what each last said, and what is open."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from cvm_analysis.experience import complaints, measures
from cvm_analysis.experience.answers import NPS, last_scores


def build(
    customers: pd.Index,
    answers: pd.DataFrame,
    cases: pd.DataFrame,
    asked: pd.DataFrame,
    as_of: dt.date,
    period_days: int,
    contacted: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Make table `experience`, indexed by customer_id.

    Parameters
    ----------
    customers : customer_id of each row
    answers : one row per answer (`answers.read`); those after as_of do not count
    cases : one row per complaint (`complaints.cases`)
    asked : one row per customer and period (`nonresponse.asked`); the period that ends on as_of
        counts
    period_days : its length
    contacted : one row per customer with a contact (`contacts.by_customer`); its columns are absent
        without any

    Returns
    -------
    Columns of the table, and satisfaction_<dimension>: the last score of each dimension, empty if
    never given.
    """
    end = pd.Timestamp(as_of)
    known = answers[answers["at"] <= end]
    last = last_scores(known, as_of)
    now = asked.loc[asked["until"] == end, "customer_id"]
    counted = complaints.by_customer(cases).reindex(customers).fillna(0)
    found = pd.DataFrame(
        {
            "nps": last.get(NPS, pd.Series(dtype=float)).reindex(customers),
            "last_answer": known.groupby("customer_id")["at"].max().reindex(customers),
            "n_answered": measures.count_answers(known, as_of, period_days).reindex(customers),
            "was_asked": customers.isin(now),
            "complaints_open": counted["complaints_open"].astype(int),
            "complaint_days": counted["complaint_days"].astype(float),
            "n_complaints": counted["n_complaints"].astype(int),
        },
        index=customers.rename("customer_id"),
    )
    found["n_answered"] = found["n_answered"].fillna(0).astype(int)
    if contacted is not None and len(contacted):
        found = found.join(contacted)
    return found.join(measures.satisfaction(last))
