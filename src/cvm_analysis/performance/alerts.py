"""What needs attention: alerts by rule, ranked by the margin that is lost or at stake.

A figure of the year is worth what its fall took from the margin, as far as the year's figures say:
net sales are customers x orders per customer x value of an order, so a fall of any of them by a
share costs that share of the margin of the year before. What went wrong in service puts at stake
the margin of the customers it happened to. What a lost key account explains counts once, with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.performance.alert_answers import ACCOUNT, AT_STAKE, COMPLAINTS
from cvm_analysis.performance.alert_rules import HIGH_IS_GOOD, Alerts, Rule
from cvm_analysis.tables import TABLES

YEAR = 365  # days
DETRACTOR = 6  # a recommendation score up to it
LARGER = 3  # times the mean of customers at least, for a key account: of ten, each has a tenth
REPEATS = 2  # purchase days after the first, for a usual gap that a key account can exceed
FEW = 10  # complaints of a year; the share of fewer tells nothing
WATCHED = 10  # customers whose margin at stake is the worry where nothing is wrong
MISSING = "data_missing"
FACTORS = ("net_sales", "n_active", "n_orders", "orders_per_customer", "value_per_order")


class Breach(NamedTuple):
    """How a figure breaks a rule: it fell, rose, or is below or above the limit.

    limit : of the rule, for fell and rose a share of the year before; empty: beyond chance
    """

    code: str
    limit: float


class Year(NamedTuple):
    """The year and the year before, in figures of all customers."""

    figures: pd.DataFrame  # rows of year_on_year of type `all`, indexed by figure
    margin_before: float  # margin of the year before
    sales_before: float  # its net sales

    def get(self, figure: str, column: str) -> float:
        """Look up a figure; not a number where it cannot be told."""
        known = figure in self.figures.index
        return float(self.figures.at[figure, column]) if known else np.nan


def read_year(year_on_year: pd.DataFrame, margin_share: float) -> Year:
    """Take the figures of all customers.

    year_on_year : table of this name; margin_share : of net sales, where no margin is known
    """
    flat = year_on_year.reset_index()
    figures = flat[flat["customer_type"] == "all"].set_index("figure")
    found = Year(figures, np.nan, np.nan)
    sales, margin = found.get("net_sales", "before"), found.get("margin", "before")
    return Year(figures, sales * margin_share if np.isnan(margin) else margin, sales)


def find(
    year: Year,
    customers: pd.DataFrame,
    complaints: pd.DataFrame,
    missing: pd.DataFrame,
    as_of: dt.date,
    rules: Alerts,
    close_within_days: int,
) -> pd.DataFrame:
    """Find the alerts of a region: table `alerts` without the actions that answer them.

    Parameters
    ----------
    year : as `read_year` gives it
    customers : one row per customer, indexed by customer_id: x, net_sales_365d,
        net_sales_change_365d, lapsed, contact_on, list_priority, margin_at_stake;
        days_since_late and nps where recorded
    complaints : one row per complaint: customer_id, at, duration (days), event (0: open)
    missing : as `missing_data.find` gives it
    close_within_days : the target for complaints
    """
    accounts = list(_accounts(year, customers, as_of, rules))
    explained = sum(each.pop("lost") for each in accounts)
    recent = complaints[_days(complaints["at"], as_of) < YEAR]
    concerned = _concerned(customers, recent)
    rows = [*accounts, *_figures(year, rules, concerned, customers, explained)]
    rows += _complaints(recent, customers, rules, close_within_days)
    rows += [
        {"alert": MISSING, "figure": each.table, "value": each.days, "limit": rules.missing_days}
        for each in missing.itertuples()
    ]
    if not rows:
        rows = _most_at_stake(customers)
    columns = [name for name in TABLES["alerts"].columns if name != "answered_by"]
    return _rank(pd.DataFrame(rows, columns=columns))


def _figures(
    year: Year,
    rules: Alerts,
    concerned: Mapping[str, pd.Index],
    customers: pd.DataFrame,
    explained: float,
) -> Iterator[dict[str, Any]]:
    """Check the rules on the year's figures: one alert for each, by its first broken rule."""
    enough = year.get("n_active", "before") >= rules.min_customers
    broken: dict[str, Breach] = {}
    for rule in rules.rules:
        if breach := _check(rule, year, enough):
            broken.setdefault(rule.figure, breach)
    both = {"net_sales", "margin"} <= set(broken)
    for figure, breach in broken.items():
        value, before = year.get(figure, "value"), year.get(figure, "before")
        if figure in concerned:
            money = float(customers[AT_STAKE].reindex(concerned[figure]).sum())
            n = float(len(concerned[figure]))
        else:
            reference = breach.limit if breach.code in ("below", "above") else before
            money, n = _worth(year, figure, value, reference, both), _count(year, figure)
            money = money - explained if figure in (*FACTORS, "margin") else money
        yield {
            "alert": f"{figure}_{breach.code}",
            "figure": figure,
            "value": value,
            "before": before,
            "limit": breach.limit,
            "money": max(money, 0.0) if np.isfinite(money) else np.nan,
            "n_customers": n,
        }


def _check(rule: Rule, year: Year, enough: bool) -> Breach | None:
    """Tell how a figure breaks its rule; None: it does not.

    enough : customers, for what is beyond chance
    """
    value, before = year.get(rule.figure, "value"), year.get(rule.figure, "before")
    fell = value < before
    below, above, falls_by, rises_by = (
        np.nan if limit is None else limit
        for limit in (rule.below, rule.above, rule.falls_by, rule.rises_by)
    )
    sure = enough and bool(year.figures["beyond_chance"].get(rule.figure, False))
    broken = {
        Breach("below", below): value < below,
        Breach("above", above): value > above,
        Breach("fell", falls_by): value <= before - abs(before) * falls_by,
        Breach("rose", rises_by): value >= before + abs(before) * rises_by,
        Breach("fell" if fell else "rose", np.nan): (
            rule.beyond_chance and sure and fell == HIGH_IS_GOOD[rule.figure]
        ),
    }
    return next((breach for breach, is_broken in broken.items() if is_broken), None)


def _worth(year: Year, figure: str, value: float, reference: float, both: bool) -> float:
    """Margin lost by a figure that is `value` instead of `reference`.

    both : net sales are an alert, too; then the margin's is what their fall does not explain
    """
    margin = year.margin_before
    if figure in FACTORS:
        return margin * (1 - value / reference)
    if figure == "margin":
        sales = year.get("net_sales", "value") / year.sales_before
        return (reference * sales if both else reference) - value
    if figure == "n_new":
        return (reference - value) * margin / year.get("n_active", "before")
    return abs(value - reference) * margin  # shares: of customers kept, of sales returned


def _count(year: Year, figure: str) -> float:
    """Customers a figure is about: those who are fewer or more than before, else all."""
    change = abs(year.get(figure, "before") - year.get(figure, "value"))
    if figure in ("n_active", "n_new"):
        return change
    if figure == "kept_share":
        return change * year.get("n_active", "before")
    return year.get("n_active", "value")


def _concerned(customers: pd.DataFrame, recent: pd.DataFrame) -> dict[str, pd.Index]:
    """Whom bad service reached: customers with a late delivery or a complaint, detractors."""
    found = {"complaints_per_100": pd.Index(recent["customer_id"].unique())}
    if "days_since_late" in customers:
        found["late_share"] = customers.index[customers["days_since_late"] < YEAR]
    if "nps" in customers:
        found["nps"] = customers.index[customers["nps"] <= DETRACTOR]
    return found


def _accounts(
    year: Year, customers: pd.DataFrame, as_of: dt.date, rules: Alerts
) -> Iterator[dict[str, Any]]:
    """Find customers with a large share of the year before's net sales who are overdue.

    `lost`: margin that they brought less than the year before, as net sales fell by it.
    """
    before = (customers["net_sales_365d"] - customers["net_sales_change_365d"]).astype(float)
    due = pd.to_datetime(customers["contact_on"]) <= pd.Timestamp(as_of)
    is_gone = due | customers["lapsed"].eq(True).fillna(False).astype(bool)
    if rules.key_account_share is None or not year.sales_before > 0:
        return
    share = before / year.sales_before  # of the company, also where a region is missing in `all`
    rate = year.margin_before / year.sales_before
    least = max(rules.key_account_share, LARGER * float(share[share > 0].mean()))
    is_account = (share >= least) & (customers["x"].astype(float) >= REPEATS)
    gone = share[is_gone & is_account].sort_values(ascending=False)
    for customer, part in gone.items():
        fall = max(float(-customers.at[customer, "net_sales_change_365d"]), 0.0)
        yield {
            "alert": ACCOUNT,
            "figure": "net_sales",
            "value": float(customers.at[customer, "net_sales_365d"]),
            "before": float(part),
            "limit": rules.key_account_share,
            "money": float(before[customer]) * rate,
            "n_customers": 1,
            "customer_id": customer,
            "lost": fall * rate,
        }


def _complaints(
    recent: pd.DataFrame, customers: pd.DataFrame, rules: Alerts, target: int
) -> list[dict[str, Any]]:
    """Complaints of the year that are open beyond the target, if they are too large a share."""
    waiting = recent[(recent["event"] == 0) & (recent["duration"] > target)]
    share = len(waiting) / len(recent) if len(recent) else 0.0
    limit = rules.open_complaints_share
    if limit is None or share <= limit or len(recent) < FEW:
        return []
    who = waiting["customer_id"].unique()
    return [
        {
            "alert": COMPLAINTS,
            "figure": "complaints_per_100",
            "value": share,
            "limit": limit,
            "money": float(customers[AT_STAKE].reindex(who).sum()),
            "n_customers": len(who),
        }
    ]


def _most_at_stake(customers: pd.DataFrame) -> list[dict[str, Any]]:
    """The first customers of the watch list, and their margin at stake."""
    listed = customers[customers["list_priority"] > 0].sort_index()
    first = listed.sort_values("list_priority", ascending=False, kind="stable").head(WATCHED)
    stake = float(first[AT_STAKE].sum())
    row = {"alert": AT_STAKE, "figure": AT_STAKE, "value": stake, "money": stake}
    return [row | {"n_customers": len(first)}] if len(first) else []


def _rank(table: pd.DataFrame) -> pd.DataFrame:
    """Order by money, unknown last, and give each column its type."""
    ranked = table.sort_values("money", ascending=False, kind="stable", ignore_index=True)
    numbers = ["value", "before", "limit", "money", "n_customers"]
    ranked[numbers] = ranked[numbers].astype(float)
    return ranked.assign(
        rank=range(1, len(ranked) + 1),
        n_customers=ranked["n_customers"].fillna(0).round().astype(int),
        customer_id=ranked["customer_id"].fillna("").astype(object),
        is_alert=ranked["alert"] != AT_STAKE,
    ).set_index("rank")


def _days(at: pd.Series, as_of: dt.date) -> pd.Series:
    """Days from each date to as_of."""
    return (pd.Timestamp(as_of) - pd.to_datetime(at)).dt.days
