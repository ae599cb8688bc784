"""The figures by which the portal compares regions: where they come from, how they are written.

net_sales_year, net_sales_before   of the 12 months up to the report's day, and of those before
kept_share       customers retained, a share
margin_at_stake  within the horizon
n_actions_open   contacts of the current list
n_actions_done   contacts of earlier lists that were made

Reports made earlier may lack any of them; other figures of a report are shown in the same way.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from cvm_analysis import tables
from cvm_analysis.strategy.segment_strategies import select_planned
from cvm_analysis.tables import ALL
from cvm_analysis.texts import Words

Entry = Mapping[str, Any]
KINDS = {"net_sales_year": "money", "kept_share": "share", "n_actions_open": "count"}
ORDER = (
    *("net_sales_year", "net_sales", "kept_share", "repeat_share"),
    *("expected_margin", "margin_at_stake", "n_actions_open"),
)
REPLACED = {"net_sales": "net_sales_year", "repeat_share": "kept_share"}
REPLACED |= {"n_customers": "net_sales_year"}  # by what says more, where any region has it
BESIDE = ("net_sales_before", "n_actions_done")  # no column of their own
SMALLEST = 0.005  # a smaller change of sales is none
YEAR = dt.timedelta(days=365)


class Cell(NamedTuple):
    """A figure of a region as text, with a remark on it and whether that is bad."""

    value: str
    remark: str = ""
    is_bad: bool = False


class Column(NamedTuple):
    """A figure of all regions: its heading, how to read it, and one cell per region."""

    heading: str
    how_to_read: str
    cells: list[Cell]


def summarize(
    year_on_year: pd.DataFrame,
    churn: pd.DataFrame,
    actions: pd.DataFrame,
    ledger_results: pd.DataFrame,
    as_of: dt.date,
) -> dict[str, float]:
    """Take a region's figures from its tables; a figure that is not there is not a number.

    Parameters
    ----------
    year_on_year : table of this name: value and before by customer_type (`all` is used) and figure
    churn : table of this name: margin_at_stake
    actions : table of this name; the planned contacts are open, control groups are not
    ledger_results : table of this name; what was done of the lists of the 365 days before as_of
    """
    flat = year_on_year.reset_index()
    whole = flat[flat["customer_type"] == ALL].set_index("figure")
    days = pd.to_datetime(ledger_results.reset_index()["as_of"])
    is_recent = (days > pd.Timestamp(as_of - YEAR)).to_numpy()
    return {
        "net_sales_year": _figure(whole, "net_sales", "value"),
        "net_sales_before": _figure(whole, "net_sales", "before"),
        "kept_share": _figure(whole, "kept_share", "value"),
        "margin_at_stake": float(churn["margin_at_stake"].sum()),
        "n_actions_open": float(len(select_planned(actions))),
        "n_actions_done": float(ledger_results.loc[is_recent, "n_done"].sum()),
    }


def _figure(rows: pd.DataFrame, figure: str, column: str) -> float:
    return float(rows[column].get(figure, math.nan))


def columns(entries: Sequence[Entry], say: Words) -> list[Column]:
    """Return the columns of the portal: a figure is shown if any region has it."""
    found = dict.fromkeys(name for each in entries for name in each.get("figures", {}))
    shown = [name for name in found if REPLACED.get(name) not in found and name not in BESIDE]
    shown.sort(key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    return [
        Column(say(f"columns.{name}"), _how_to_read(name, say), _cells(entries, name, say))
        for name in shown
    ]


def _how_to_read(name: str, say: Words) -> str:
    key = f"portal.how_to_read.{name}"
    return say(key) if key in say else ""


def _cells(entries: Sequence[Entry], name: str, say: Words) -> list[Cell]:
    """Return a figure of every region; amounts of money have one unit."""
    values = [entry.get("figures", {}).get(name) for entry in entries]
    currency = next((each["currency"] for each in entries if each.get("currency")), "")
    kind = KINDS.get(name, tables.kind(name))
    if kind == "money":
        written = say.amounts(values, currency)
    elif name in KINDS:
        write = say.percent if kind == "share" else say.number
        written = [write(value) for value in values]
    else:
        written = [say.value(name, value, currency) for value in values]
    return [_remark(name, text, each, say) for text, each in zip(written, entries, strict=True)]


def _remark(name: str, value: str, entry: Entry, say: Words) -> Cell:
    """Add to sales their change, and to open actions those that are done."""
    change, done = change_of(entry), entry.get("figures", {}).get("n_actions_done")
    if name == "net_sales_year" and change is not None:
        return Cell(value, signed(change, say), change <= -SMALLEST)
    if name == "n_actions_open" and done is not None:
        return Cell(value, say("portal.done", n=say.number(done)))
    return Cell(value)


def sales(entry: Entry) -> float:
    """Return the sales by which regions are sorted: of 12 months, else all; 0 without any."""
    figures = entry.get("figures", {})
    return float(figures.get("net_sales_year", figures.get("net_sales", 0.0)))


def change_of(entry: Entry) -> float | None:
    """Return the change of a region's sales on the year before, as a share; None if unknown."""
    figures = entry.get("figures", {})
    now, before = figures.get("net_sales_year"), figures.get("net_sales_before")
    return now / before - 1 if now is not None and before is not None and before > 0 else None


def change_or_none_last(entry: Entry) -> float:
    """Return the change of a region's sales, for sorting: unknown ones come last."""
    change = change_of(entry)
    return math.inf if change is None else change


def signed(change: float, say: Words) -> str:
    """Write a change with its sign: `+4%`."""
    written = say.percent(change)
    return f"+{written}" if change >= SMALLEST else written


def compare(entries: Sequence[Entry], say: Words) -> str:
    """Say which region's sales fell most, or that none fell; empty without an earlier year."""
    known = [each for each in entries if change_of(each) is not None]
    regions = [each for each in known if each["region"] != ALL] or known
    if not regions:
        return ""
    worst = min(regions, key=change_or_none_last)
    change, n = change_or_none_last(worst), len(regions)
    grew = sum(change_or_none_last(each) >= SMALLEST for each in regions)
    figures = {"region": worst["name"], "n": say.number(n), "grew": say.number(grew)}
    if change > -SMALLEST and n > 1:
        sums = [sum(e["figures"][key] for e in regions) for key in ("net_sales_year", BESIDE[0])]
        return say("portal.alarm.held", **figures, change=signed(sums[0] / sums[1] - 1, say))
    has_all_fallen = all(change_or_none_last(each) <= -SMALLEST for each in regions)
    code = "one" if n == 1 else "all_fell" if has_all_fallen else "fell"
    return say(f"portal.alarm.{code}", **figures, change=signed(change, say))
