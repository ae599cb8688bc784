"""Each table: one row per what, which columns, in which unit.

Cells hold codes (`champions`, `win_back`), never words; `texts` turns codes into words. Money is in
the config's currency. A column marked optional may be absent; an unknown column is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from cvm_analysis.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["text", "integer", "number", "money", "date", "time", "yes_no"]


class Column(NamedTuple):
    """A column: what kind of value, what it says, and whether a table may lack it."""

    kind: Kind
    says: str
    optional: bool = False


@dataclass(frozen=True)
class Table:
    """A table: its grain ("one row per ..."), the columns that name a row, and all columns."""

    grain: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    others: Kind | None = None  # the kind of columns a business may add; None: none


def _text(says: str, optional: bool = False) -> Column:
    return Column("text", says, optional)


def _integer(says: str, optional: bool = False) -> Column:
    return Column("integer", says, optional)


def _number(says: str, optional: bool = False) -> Column:
    return Column("number", says, optional)


def _money(says: str, optional: bool = False) -> Column:
    return Column("money", says, optional)


def _date(says: str, optional: bool = False) -> Column:
    return Column("date", says, optional)


_CUSTOMER = _text("pseudonym of the customer, the same in every region, run and date")

ATTRIBUTES = {
    "customer_type": _text("retail, project or dealer", optional=True),
    "joined_on": _date("day of joining", optional=True),
    "birth_date": _date("day of birth", optional=True),
    "gender": _text("as recorded", optional=True),
    "occupation": _text("as recorded", optional=True),
    "income_band": _text("as recorded", optional=True),
    "industry": _text("as recorded", optional=True),
    "company_size": _text("as recorded", optional=True),
    "city": _text("as recorded", optional=True),
    "channel": _text("channel of acquisition, as recorded", optional=True),
    "consent": _text("consent to be contacted, as recorded", optional=True),
}

TABLES = MappingProxyType(
    {
        "transactions": Table(
            "one row per order line",
            ("customer_id", "ordered_at"),
            {
                "customer_id": _CUSTOMER,
                "ordered_at": Column("time", "when, in the config's time zone"),
                "amount": _money("net of discount; a return is negative"),
                "order_id": _text("the order the line belongs to", optional=True),
                "product_id": _text("code of the product", optional=True),
                "product": _text("name of the product", optional=True),
                "category": _text("category of the product", optional=True),
                "quantity": _number("pieces; negative in a return", optional=True),
                "unit_price": _money("price of a piece", optional=True),
                "discount": _money("money taken off the line", optional=True),
                "cost": _money("cost of the line", optional=True),
                "channel": _text("where it was sold", optional=True),
                "promised_on": _date("day of delivery promised", optional=True),
                "delivered_on": _date("day of delivery", optional=True),
                "sold_in": _text("the row's own region, a key of the config", optional=True),
            },
        ),
        "customers_raw": Table(
            "one row per person of the customer records",
            ("customer_id",),
            {
                "customer_id": _CUSTOMER,
                "region": _text("a key of the config's regions", optional=True),
                **ATTRIBUTES,
            },
        ),
        "feedback": Table(
            "one row per answer or complaint",
            ("customer_id", "at", "kind"),
            {
                "customer_id": _CUSTOMER,
                "at": _date("day it was given"),
                "kind": _text("nps, csat or complaint"),
                "dimension": _text("what it is about: product, after_sale, ...", optional=True),
                "score": _number("0 to 10 for nps, 1 to 5 for csat", optional=True),
                "text": _text("in the customer's words", optional=True),
                "closed_at": _date("day a complaint was closed; empty is open", optional=True),
            },
        ),
        "contracts": Table(
            "one row per contract",
            ("customer_id", "started_on"),
            {
                "customer_id": _CUSTOMER,
                "contract_id": _text("as recorded", optional=True),
                "started_on": _date("first day"),
                "ended_on": _date("day it ended; empty is running", optional=True),
            },
            others="number",  # what was known at the start: covariates of its end
        ),
        "indicators": Table(
            "one row per imported figure of a customer",
            ("customer_id", "at", "name"),
            {
                "customer_id": _CUSTOMER,
                "at": _date("day from which it was known"),
                "name": _text("which figure"),
                "value": _number("in its own unit"),
            },
        ),
        "customers": Table(
            "one row per customer who bought, returned or joined by as_of",
            ("customer_id",),
            {
                "customer_id": _CUSTOMER,
                "region": _text("a key of the config's regions"),
                "n_orders": _integer("distinct orders with a positive line; 0 if never bought"),
                "n_days": _integer("distinct days with a positive line"),
                "first_order": _date("day of the first purchase; empty if never bought"),
                "last_order": _date("day of the last purchase; empty if never bought"),
                "days_since_last": _integer("days from the last purchase to as_of"),
                "x": _integer("repeat purchase days: n_days - 1"),
                "t_x": _number("weeks from the first to the last purchase"),
                "T": _number("weeks from the first purchase to as_of"),
                "spend_gross": _money("sum of positive lines"),
                "spend_total": _money("net of returns"),
                "spend_mean": _money("spend_total / n_orders"),
                "spend_repeat_mean": _money("gross, per purchase day after the first"),
                "return_share": _number("returns / spend_gross"),
                "gap_median_days": _number("median days between purchase days"),
                "gap_last_days": _number("days between the last two purchase days"),
                "gap_cv": _number("standard deviation of those gaps / their mean"),
                "margin_total": _money("spend_total less cost, empty where unknown", optional=True),
                "n_categories": _integer("distinct categories bought", optional=True),
                "n_channels": _integer("distinct channels used", optional=True),
                "late_share": _number("deliveries later than promised / due ones", optional=True),
                "n_complaints": _integer("complaints so far", optional=True),
                "complaints_open": _integer("of them not closed by as_of", optional=True),
                "complaint_days": _integer("age of the oldest open one", optional=True),
                "nps": _number("last answer, 0 to 10", optional=True),
                "satisfaction": _number("mean of the answers so far, 1 to 5", optional=True),
                **ATTRIBUTES,
                "customer_type": _text("retail, project or dealer; retail where not recorded"),
            },
        ),
        "segments": Table(
            "one row per customer",
            ("customer_id",),
            {
                "customer_id": _CUSTOMER,
                "r": _integer("recency score, 1 to bins, best is a recent purchase"),
                "f": _integer("frequency score, 1 to bins, best is many orders"),
                "m": _integer("monetary score, 1 to bins, best is a high net spend"),
                "rfm": _text("named segment of segments.yaml; prospect if never bought"),
                "frequency": _text("high, mid or low number of orders; prospect"),
                "amount": _text("high, mid or low net spend; prospect"),
                "life_cycle": _text(
                    "prospect, returns_only, new, growing, mature, declining, lost, returned"
                ),
            },
        ),
        "clusters": Table(
            "one row per retail customer with a purchase",
            ("customer_id",),
            {
                "customer_id": _CUSTOMER,
                "cluster": _text("c1, c2, ...; c1 has the largest mean spend"),
            },
        ),
        "value": Table(
            "one row per customer with a purchase",
            ("customer_id",),
            {
                "customer_id": _CUSTOMER,
                "model": _text("bg_nbd, nbd or own_rate"),
                "p_alive": _number("probability of still being a customer; empty without drop-out"),
                "orders_12m": _number("expected purchase days within the horizon"),
                "value_12m": _money("expected margin within the horizon, discounted"),
                "value_12m_if_retained": _money("the same if who is still a customer never left"),
                "value_at_risk": _money("value_12m_if_retained - value_12m"),
                "lost_value": _money("the same margin of those who have left already"),
            },
        ),
        "churn": Table(
            "one row per retail customer with a purchase",
            ("customer_id",),
            {
                "customer_id": _CUSTOMER,
                "model": _text("cox, recency or none"),
                "lapsed": Column("yes_no", "silent beyond the bound at as_of; empty: no bound"),
                "p_silent_90d": _number("probability of no purchase within 90 days"),
                "p_silent_180d": _number("the same within 180 days"),
                "p_silent_365d": _number("the same within 365 days"),
                "churn_risk": _number("the same within the config's churn.horizon_days"),
                "reason_1": _text("what moves the risk most, + up or - down", optional=True),
                "reason_2": _text("the next", optional=True),
                "reason_3": _text("the next", optional=True),
            },
        ),
        "contract_churn": Table(
            "one row per customer with a running contract",
            ("customer_id",),
            {
                "customer_id": _CUSTOMER,
                "p_end_90d": _number("probability that it ends within 90 days"),
                "p_end_180d": _number("the same within 180 days"),
                "p_end_365d": _number("the same within 365 days"),
            },
        ),
        "trust": Table(
            "one row per part, forecast and measure, on days the forecast had not seen",
            ("part", "model", "metric"),
            {
                "part": _text("value or churn"),
                "model": _text("the forecast"),
                "metric": _text("of value: mae, rmse, bias_total, ...; of churn: auc, brier, ..."),
                "horizon_days": _integer("length of the forecast in days"),
                "value": _number("the measure, in its own unit"),
                "is_chosen": Column("yes_no", "whether the report uses this forecast"),
            },
        ),
        "strategy": Table(
            "one row per segment and recommended action",
            ("segment", "rank"),
            {
                "segment": _text("code of the segment"),
                "rank": _integer("1 is the action to take first"),
                "action": _text("code of the action in strategies.yaml"),
                "n_customers": _integer("customers it addresses"),
                "cost": _money("all contacts together"),
                "gain": _money("expected additional margin within the horizon"),
                "gain_low": _money("at the low end of the assumed effect"),
                "gain_high": _money("at the high end of the assumed effect"),
                "evidence": _text("assumed or measured"),
                "trigger": _text("the figure that called for it: column, comparison, value"),
            },
        ),
        "quality": Table(
            "one row per check of the raw data",
            ("check", "table"),
            {
                "check": _text("name of the rule"),
                "table": _text("transactions or customers_raw"),
                "column": _text("the column it looks at"),
                "level": _text("error: quarantined; warn: kept with the cell emptied; info: kept"),
                "n_rows": _integer("rows concerned"),
                "share": _number("of all rows read for this table"),
            },
        ),
        "quarantine": Table(
            "one row per rejected line of a raw file",
            ("file", "line"),
            {
                "file": _text("as named in the config"),
                "line": _integer("line of the file, the header being line 1"),
                "rule": _text("the first rule it breaks"),
                "column": _text("the column that breaks it"),
                "value": _text("what stands there", optional=True),
            },
        ),
    }
)


def check(name: str, table: pd.DataFrame) -> None:
    """Raise InputError unless `table` (key as columns) is what this name says."""
    spec = TABLES[name].columns
    missing = [c for c, column in spec.items() if c not in table and not column.optional]
    unknown = [c for c in table if c not in spec and not TABLES[name].others]
    if missing or unknown:
        said = [f"{c}: missing" for c in missing] + [f"{c}: not in tables.py" for c in unknown]
        raise InputError(f"not a table of {name} ({TABLES[name].grain})\n  " + "\n  ".join(said))
    repeated = int(table.duplicated(list(TABLES[name].key)).sum())
    if repeated and name not in ("transactions",):
        raise InputError(
            f"table {name}: {repeated:,} rows repeat a key; it has {TABLES[name].grain}"
        )
