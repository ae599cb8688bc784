"""The content of truth.json: the parameters of the company, and facts about what was drawn.

Parameters are those of retail customers; totals name the types of customers they count.
"""

import dataclasses

import pandas as pd

from cvm_analysis.sample import churn, consents, contracts, feedback
from cvm_analysis.sample.business import (
    AS_OF,
    BIG,
    EXTRACTED_ON,
    FIRST_DAY,
    FREQUENT,
    GROUPS,
    Region,
)
from cvm_analysis.sample.draws import dates, known_dates

PARAMETERS = ("growth", "r", "alpha", "drop_out", "late", "p", "q", "gamma")
TYPES = ("retail", "project", "dealer")
Truth = dict[str, object]


def company_parameters() -> Truth:
    """The parameters that apply to the whole company."""
    thresholds = {"frequent_above_per_week": FREQUENT, "big_above_cny": BIG}
    return {
        "first_day": FIRST_DAY.isoformat(),
        "as_of": AS_OF.isoformat(),
        "extracted_on": EXTRACTED_ON.isoformat(),
        "groups": {group.key: {**dataclasses.asdict(group), **thresholds} for group in GROUPS},
        "drop_out": {
            "baseline": "regions.<key>.parameters.drop_out, per week from the first purchase",
            "hazard_ratios": churn.HAZARD_RATIOS,
            "from": "the day of the first complaint; the day the first late order is delivered",
        },
        "complaints": {
            "chance_per_order": feedback.COMPLAINTS,
            "within_days_of_delivery": feedback.COMPLAINT_WITHIN,
            "share_closed": feedback.SHARE_CLOSED,
            "names_order": feedback.NAMES_ORDER,
            "names_product": feedback.NAMES_PRODUCT,
        },
        "surveys": {
            "answered": feedback.ANSWERED,
            "dimension_answered": feedback.DIMENSION_ANSWERED,
            "nps": feedback.NPS,
            "csat": {
                each.key: {"mean": each.csat, "late": each.late, "complaint": each.complaint}
                for each in feedback.DIMENSIONS
            },
        },
        "contracts": {
            "baseline": {"kind": "weibull", **contracts.BASELINE, "unit": "weeks"},
            "hazard_ratios": contracts.HAZARD_RATIOS,
            "prevalence": contracts.PREVALENCE,
        },
        "consents": {
            "channels": consents.CHANNELS,
            "recorded": consents.RECORDED,
            "given": consents.GIVEN,
            "withdrawn": consents.WITHDRAWN,
        },
    }


def region(region: Region, orders: pd.DataFrame, returns: pd.DataFrame) -> Truth:
    """The parameters of a region, and its totals of orders and returned lines."""
    by_type = {
        kind: _totals(
            orders[orders["customer_type"] == kind], returns[returns["customer_type"] == kind]
        )
        for kind in TYPES
    }
    return {
        "parameters": {parameter: getattr(region, parameter) for parameter in PARAMETERS},
        "totals": {"all_types": _totals(orders, returns), **by_type},
    }


def _totals(orders: pd.DataFrame, returns: pd.DataFrame) -> Truth:
    return {
        "n_customers": orders["customer_id"].nunique(),
        "n_orders": len(orders),
        "gross_sales": int(orders["cents"].sum()) / 100,
        "net_sales": int(orders["cents"].sum() + returns["amount"].sum()) / 100,
    }


def customers(customers: pd.DataFrame, orders: pd.DataFrame) -> list[Truth]:
    """One record per retail customer, in order of customer_id; columns as `folder.make` says."""
    customers = customers.sort_values("customer_id", ignore_index=True)
    amounts = (orders["cents"] / 100).groupby(orders["customer_id"]).agg(list)
    known = customers[["customer_id", "region", "group", "preferred_channel"]].assign(
        purchase_rate=customers["purchase_rate"].round(6),
        order_value=customers["order_value"].round(2),
        first_order=dates(customers["first_at"]).dt.strftime("%Y-%m-%d"),
        first_late=_iso(customers["first_late"]),
        first_complaint=_iso(customers["first_complaint"]),
        dropped_on=_iso(customers["left_at"]),
        amounts=customers["customer_id"].map(amounts),
    )
    return known.to_dict("records")


def trade(firms: pd.DataFrame) -> list[Truth]:
    """One record per project customer or dealer, in order of customer_id."""
    firms = firms.sort_values("customer_id", ignore_index=True)
    known = firms[["customer_id", "customer_type", "region"]].assign(
        first_order=dates(firms["first_at"]).dt.strftime("%Y-%m-%d")
    )
    return known.to_dict("records")


def _iso(days: pd.Series) -> pd.Series:
    """ISO dates up to AS_OF, None for later ones."""
    known = known_dates(days)
    return known.dt.strftime("%Y-%m-%d").astype(object).where(known.notna(), None)
