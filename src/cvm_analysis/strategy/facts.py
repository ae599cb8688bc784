"""All that a condition may ask of a customer: the tables of a run, joined and derived.

`kinds` names every column the program knows, `needs` the records it comes from. A column that it
knows and a business lacks leaves an action at rest; one that nobody knows is an error.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import pandas as pd

from cvm_analysis.strategy.conditions import AS_RECORDED
from cvm_analysis.tables import ATTRIBUTES, IMPORTED, SATISFACTION, TABLES

# Of two tables with a column of the same name the first counts: margin_at_stake is that of churn,
# which fills in what models without drop-out do not say.
JOINED = (
    *("customers", "segments", "grades", "churn", "value", "contract_churn"),
    *("membership", "experience"),
)
READ = (*JOINED[1:], "downgrades", "grade_points", "next_products")  # tables of a run
_LEFT_OUT = ("customer_id", "model", "version")  # say how a figure was made
_SHARES = ("churn_risk", "late_share", "return_share", "discount_share", "repeat_share")
_RANGES = {
    **{"nps": (0.0, 10.0), "satisfaction": (1.0, 5.0)},
    **{"score": (0.0, 100.0), "weakest_points": (0.0, 100.0)},
}
DERIVED: Mapping[str, str] = MappingProxyType(  # column -> kind
    {
        "usual_gap_days": "days",  # from one order to the next
        "days_overdue": "days",  # days since the last order less the usual gap
        "days_since_first": "days",
        "days_since_joined": "days",
        "days_to_birthday": "days",  # 0 on the day
        "days_to_contract_end": "days",  # next renewal or agreed end
        "days_since_contact": "days",  # since the last contact
        "days_since_late": "days",  # since a delivery came late; 0: one is overdue
        "days_to_service": "days",  # to the next maintenance; below 0: overdue
        "days_to_warranty_end": "days",  # of the warranty that ends next
        "order_margin": "money",  # mean margin of an order: own, else that of the type
        "fell_from": "text",  # grade at the earlier date, of those who fell
        "largest_drop": "text",  # indicator that cost them most points
        "weakest_indicator": "text",  # of a graded customer: the one with the fewest points
        "weakest_points": "number",  # its points, 0 to 100
        "next_product": "text",  # recommended first, because of what they have
    }
)
_SINCE: Mapping[str, str] = MappingProxyType(  # date -> days since then
    {
        "first_order": "days_since_first",
        "joined_on": "days_since_joined",
        "last_contact": "days_since_contact",
    }
)
_SOURCES = (  # columns of tables that DERIVED is made from
    *("customer_type", "n_orders", "net_sales", "margin_total", "days_since_last", *_SINCE),
    *("last_order", "next_order_on", "due_on", "birth_date", "before", "largest_drop"),
    *("points", "product", "because_of"),
)
_NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(  # column -> columns of raw tables
    {
        **dict.fromkeys(("margin_total", "margin_365d"), ("transactions.cost",)),
        "discount_share": ("transactions.discount",),
        "n_categories": ("transactions.category",),
        **dict.fromkeys(("n_channels", "first_channel"), ("transactions.channel",)),
        **dict.fromkeys(
            ("late_share", "days_since_late"),
            ("transactions.promised_on", "transactions.delivered_on"),
        ),
        **dict.fromkeys(
            ("n_complaints", "complaints_open", "complaint_days"), ("feedback.customer_id",)
        ),
        **dict.fromkeys(
            ("nps", "satisfaction", "n_answered", "last_answer", "was_asked"), ("feedback.score",)
        ),
        **dict.fromkeys(TABLES["contract_churn"].columns, ("contracts.customer_id",)),
        "days_to_contract_end": ("contracts.customer_id",),
        **{
            name: ("points.points",)
            for name in TABLES["membership"].columns
            if name.startswith("points_") or name.endswith(("level", "earned_on", "expires_on"))
        },
        **dict.fromkeys(
            ("n_referred", "brought_value", "chain_value", "referred_by"),
            ("referrals.referred_id",),
        ),
        **dict.fromkeys(("lead_stage", "days_since_stage", "lead_value"), ("leads.stage",)),
        **dict.fromkeys(("last_contact", "days_since_contact"), ("contact_log.at",)),
        "last_contact_by": ("contact_log.owner",),
        "last_contact_channel": ("contact_log.channel",),
        "best_channel": ("contact_log.channel", "contact_log.result"),
        **dict.fromkeys(("last_answer", "n_answered", "was_asked"), ("feedback.score",)),
        **{name: (f"customers_raw.{name}",) for name in ATTRIBUTES if name != "customer_type"},
        "days_since_joined": ("customers_raw.joined_on",),
        "days_to_birthday": ("customers_raw.birth_date",),
        "days_to_service": ("service.maintenance_every_days",),
        "days_to_warranty_end": ("service.warranty_days",),
        "next_product": ("transactions.product",),
    }
)


def kinds(used: Iterable[str], own: Iterable[str] = ()) -> dict[str, str]:
    """Name the kind of every known column, as `tables` does.

    used : columns of conditions; those of a family (indicators.<name>, satisfaction_<dimension>)
        are known by their prefix
    own : attributes of the business's own: AS_RECORDED
    """
    known: dict[str, str] = {
        name: column.kind
        for table in reversed(JOINED)
        for name, column in TABLES[table].columns.items()
        if name not in _LEFT_OUT
    }
    families = (IMPORTED, SATISFACTION)
    known |= {name: "number" for name in used if name.startswith(families) and name not in known}
    known |= dict(DERIVED)
    return dict.fromkeys(own, AS_RECORDED) | known


def ranges(kinds: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """Find the least and greatest value of columns for which they are known; kinds : as `kinds`."""
    found = {name: (0.0, math.inf) for name, kind in kinds.items() if kind == "count"}
    shares = [name for name, kind in kinds.items() if kind == "share" and _is_bounded(name)]
    scores = [name for name in kinds if name.startswith(SATISFACTION)]
    found |= dict.fromkeys(shares, (0.0, 1.0)) | dict.fromkeys(scores, (1.0, 5.0))
    return found | _RANGES


def _is_bounded(share: str) -> bool:
    """Tell whether a share cannot exceed 1, as a probability; a change of sales can."""
    return share.startswith("p_") or share in _SHARES


def needs(column: str) -> tuple[str, ...]:
    """List the columns of raw tables that a column is made from, beside those everybody has.

    `indicators.value` stands for any imported indicator; `service.<field>` for what the config says
    under `service`.
    """
    if column.startswith(IMPORTED):
        return ("indicators.value",)
    if column.startswith(SATISFACTION):
        return ("feedback.score", "feedback.dimension")
    return _NEEDS.get(column, ())


def sources(columns: Iterable[str]) -> list[str]:
    """List the columns that tables must have so that `join` gives these columns."""
    return sorted({*columns, *_SOURCES})


def join(
    tables: Mapping[str, pd.DataFrame], as_of: dt.date, margin_share: float = 1.0
) -> pd.DataFrame:
    """Join the tables of a run to one row per customer, also those who never bought.

    Parameters
    ----------
    tables : by name, each as `tables` describes it, keyed by its index: customers (with imported
        indicators and attributes of the business's own), segments, grades, value, churn,
        contract_churn, membership, experience, downgrades, grade_points, next_products,
        late_deliveries (`Prepared.late_deliveries`), service_due (`Prepared.service_due`). Only
        customers must be there. Of each the columns `sources` are enough
    margin_share : share of net sales that is margin, where no cost is known

    Returns
    -------
    The rows of customers, indexed by customer_id: all columns of the tables with one row per
    customer, and those of DERIVED, as far as the tables have what they need. An attribute of the
    business's own that is called like one of ours is left out.
    """
    found = tables["customers"]
    known, ours = kinds(()), TABLES["customers"].columns
    found = found.drop(columns=[c for c in found if c in known and c not in ours])
    for name in (*JOINED[1:], "late_deliveries", "service_due"):
        if (table := tables.get(name)) is not None:
            found = found.join(table.drop(columns=[c for c in table if c in found]))
    found = found.drop(columns=[c for c in found if c in _LEFT_OUT])
    if "n_referred" in found:  # of the others nothing is recorded
        found = found.assign(n_referred=found["n_referred"].fillna(0))
    derived = _dates(found, pd.Timestamp(as_of)) | _order_margin(found, margin_share)
    find = {"downgrades": _downgrade, "grade_points": find_weakest, "next_products": _next_product}
    for name, find_in in find.items():
        if (table := tables.get(name)) is not None:
            derived |= find_in(table)
    return found.join(pd.DataFrame(derived, index=found.index))


def _dates(found: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, pd.Series]:
    """Turn dates into days from or to as_of."""
    days: dict[str, pd.Series] = {}

    def date(column: str) -> pd.Series:
        return pd.to_datetime(found[column])

    for column, name in _SINCE.items():
        if column in found:
            days[name] = (as_of - date(column)).dt.days
    if "due_on" in found:
        days["days_to_contract_end"] = (date("due_on") - as_of).dt.days
    if "birth_date" in found:
        days["days_to_birthday"] = _days_to_birthday(date("birth_date"), as_of)
    if "next_order_on" in found:
        days["usual_gap_days"] = (date("next_order_on") - date("last_order")).dt.days
        days["days_overdue"] = found["days_since_last"] - days["usual_gap_days"]
    return {name: each.astype(float) for name, each in days.items()}


def _days_to_birthday(born: pd.Series, as_of: pd.Timestamp) -> pd.Series:
    """Days to the next birthday, 0 on the day; born on 29 February: 28 February in other years."""

    def in_year(year: int) -> pd.Series:
        february = (born.dt.month == 2) & (born.dt.day == 29)
        day = born.dt.day.where(~february | pd.Timestamp(year, 1, 1).is_leap_year, 28)
        parts = {"year": year, "month": born.dt.month, "day": day}
        return pd.to_datetime(pd.DataFrame(parts))

    this, following = in_year(as_of.year), in_year(as_of.year + 1)
    return (this.where(this >= as_of, following) - as_of).dt.days


def _order_margin(found: pd.DataFrame, margin_share: float) -> dict[str, pd.Series]:
    """Mean margin of an order: the customer's own, else that of all orders of the type."""
    margin = found["net_sales"].astype(float) * margin_share
    if "margin_total" in found:
        margin = found["margin_total"].astype(float).fillna(margin)
    orders = found["n_orders"].astype(float)
    bought = orders > 0
    totals = pd.DataFrame({"margin": margin[bought], "orders": orders[bought]})
    totals = totals.groupby(found["customer_type"]).sum()
    typical = found["customer_type"].map(totals["margin"] / totals["orders"]).astype(float)
    return {"order_margin": (margin / orders.where(bought)).fillna(typical)}


def _downgrade(downgrades: pd.DataFrame) -> dict[str, pd.Series]:
    """Of customers who fell a grade: from which, and what cost them most points."""
    rows = downgrades.reset_index()
    fell = rows[rows["scheme"] == "grade"].set_index("customer_id")
    found = {"fell_from": fell["before"]}
    return found | ({"largest_drop": fell["largest_drop"]} if "largest_drop" in fell else {})


def _next_product(products: pd.DataFrame) -> dict[str, pd.Series]:
    """The product recommended first; none where popularity alone speaks for it."""
    rows = products.reset_index()
    first = rows[(rows["rank"] == 1) & rows["because_of"].notna()].set_index("customer_id")
    return {"next_product": first["product"]}


def find_weakest(points: pd.DataFrame) -> dict[str, pd.Series]:
    """The indicator with the fewest points of each graded customer; of equal ones one by code."""
    rows = points.reset_index().dropna(subset="points")
    first = rows.sort_values(["points", "indicator"]).drop_duplicates("customer_id")
    first = first.set_index("customer_id")
    return {"weakest_indicator": first["indicator"], "weakest_points": first["points"]}
