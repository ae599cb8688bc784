"""Contracts that end soon, with the money that goes with them."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from cvm_analysis.churn.contracts import DAYS

WITHIN = DAYS[0]  # days ahead


def find_due(contract_churn: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Find the contracts that come up for renewal, or end as agreed, within `WITHIN` days.

    contract_churn : table `contract_churn`; an agreed end renews nothing

    Returns
    -------
    One row per customer, the largest expected loss first
        due_on : day of the renewal or end
        renewal_value : money of the next term
        p_renewal : probability that it is renewed
        expected_loss : renewal_value x (1 - p_renewal); empty if one of them is not known
    """
    columns = ["due_on", "renewal_value", "p_renewal"]
    if "due_on" not in contract_churn:
        return pd.DataFrame(columns=[*columns, "expected_loss"], index=contract_churn.index[:0])
    days = pd.to_datetime(contract_churn["due_on"])
    last = pd.Timestamp(as_of) + pd.Timedelta(WITHIN, "D")
    due = contract_churn.loc[days <= last, columns].astype({"renewal_value": float})
    lost = due["renewal_value"] * (1 - due["p_renewal"].astype(float))
    return _largest_first(due.assign(expected_loss=lost))


def find_likely(contract_churn: pd.DataFrame, value: pd.DataFrame) -> pd.DataFrame:
    """Find the running contracts that may end within `WITHIN` days, with their customers' margin.

    For contracts without a term. Those without a probability are left out.

    contract_churn, value : tables of these names

    Returns
    -------
    One row per customer, the largest expected loss first
        p_end : probability that the contract ends
        expected_margin : of the customer, all purchases within the horizon
        expected_loss : p_end x expected_margin; empty without a forecast of the margin
    """
    p_end = contract_churn[f"p_end_{WITHIN}d"].astype(float).dropna().rename("p_end")
    margin = value["expected_margin"].reindex(p_end.index).astype(float)
    return _largest_first(
        pd.DataFrame({"p_end": p_end, "expected_margin": margin, "expected_loss": p_end * margin})
    )


def _largest_first(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_index().sort_values("expected_loss", ascending=False, kind="stable")
