"""Which actions of the strategy answer an alert: by their kind and the reason they are done for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

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


def find_answers(alert: str, figure: str, reasons: pd.DataFrame) -> str:
    """Name the actions that answer an alert: their codes with commas between; empty: none.

    reasons : one row per action of the catalogue: action, kind, reason
    """
    kinds, columns = ANSWERS.get(alert if alert in ANSWERS else figure, ((), ()))
    fits = reasons["kind"].isin(kinds) & reasons["reason"].isin(columns)
    return ",".join(reasons.loc[fits, "action"])
