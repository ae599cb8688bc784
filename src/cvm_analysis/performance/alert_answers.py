"""Which planned actions answer an alert: by their kind and the reason they are done for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from cvm_analysis.tables import TABLES

ACCOUNT, COMPLAINTS, AT_STAKE = "account_lost", "complaints_overdue", "margin_at_stake"
_PUT_RIGHT, _ANY = ("recovery", "service"), ("recovery", "service", "marketing")
_SCORES = tuple(
    f"satisfaction_{part}" for part in ("product", "pre_sale", "in_sale", "after_sale", "price")
)
# figure or alert -> kinds and reasons of the actions that answer it
ANSWERS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("net_sales", "margin"), (_ANY, ("sales_change", "days_since_last", "days_overdue"))
        ),
        **dict.fromkeys(
            ("kept_share", "n_active", ACCOUNT, AT_STAKE),
            (_ANY, ("days_since_last", "days_overdue")),
        ),
        "n_new": (("marketing",), ("nps", "days_since_joined", "days_since_stage")),
        **dict.fromkeys(
            ("n_orders", "orders_per_customer"), (_ANY, ("n_orders_365d", "days_overdue"))
        ),
        "value_per_order": (_ANY, ("n_categories", "net_sales_365d")),
        "return_share": (_PUT_RIGHT, ("satisfaction_product",)),
        "late_share": (_PUT_RIGHT, ("days_since_late", "satisfaction_in_sale")),
        **dict.fromkeys(("complaints_per_100", COMPLAINTS), (_PUT_RIGHT, ("complaint_days",))),
        "nps": (_PUT_RIGHT, ("nps", "complaint_days", *_SCORES)),
    }
)


def add(alerts: pd.DataFrame, reasons: pd.DataFrame, planned: pd.DataFrame) -> pd.DataFrame:
    """Complete table `alerts`: add the planned actions that answer each, in order of the catalogue.

    A key account is answered by what is planned for this customer: what wins it back, else all.

    alerts : as `alerts.find` gives them; planned : rows of table `actions`
    reasons : one row per action of the catalogue: action, kind, reason
    """
    contacts = planned.reset_index().sort_values("rank", kind="stable")
    there, answered = set(contacts["action"]), []
    for row in alerts.itertuples():
        answers = find_answers(row.alert, row.figure, reasons)
        if row.alert == ACCOUNT:
            own = contacts.loc[contacts["customer_id"] == row.customer_id, "action"]
            answered.append(own[own.isin(answers)].tolist() or own.tolist())
        else:
            answered.append([code for code in answers if code in there])
    codes = pd.Series(map(",".join, answered), alerts.index, dtype=object)
    complete = alerts.assign(answered_by=codes)
    return complete[[name for name in TABLES["alerts"].columns if name in complete]]


def find_answers(alert: str, figure: str, reasons: pd.DataFrame) -> list[str]:
    """List the actions of the catalogue that answer an alert; parameters as for `add`."""
    kinds, columns = ANSWERS.get(alert if alert in ANSWERS else figure, ((), ()))
    fits = reasons["kind"].isin(kinds) & reasons["reason"].isin(columns)
    return reasons.loc[fits, "action"].tolist()
