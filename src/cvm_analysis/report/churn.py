"""Churn in tables and sentences: the call list, effects, changes and accuracy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from cvm_analysis.churn.cohorts import Change
from cvm_analysis.churn.list_rankings import BEST, RANKINGS
from cvm_analysis.report import blocks
from cvm_analysis.report import risk_drivers as risk_drivers_tables
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.survival.logrank import LogRank
from cvm_analysis.texts import Words

LISTED = {"margin_at_stake": "money", "reasons": "text", "churn_risk": "percent"}
LISTED |= {"contact_on": "text", "next_order_on": "date", "sales_change": "percent"}
_ACCURACY = {"n_inactive": "number"} | dict.fromkeys(("auc", "brier", "log_loss"), "number:3")
_ACCURACY |= dict.fromkeys(
    ("top_decile_lift", "calibration_slope", "calibration_intercept"), "number:2"
)
_SMALLEST = 0.001  # a smaller p is written as below this
_LEVEL = 0.05  # of significance


def backtest(writer: Writer, backtest: pd.DataFrame, beside: Collection[str] = ()) -> Block:
    """Show the accuracy of each churn forecast on unseen past periods, by days ahead.

    beside : the forecasts to show beside the one in use; none: all that were tested
    """
    say = writer.say
    if "churn" not in backtest.index.get_level_values("part"):
        return writer.note("report.writer.untested")
    rows = backtest.xs("churn", level="part")
    keys = ["horizon_days", "model"]
    used = rows["is_chosen"].astype(bool).groupby(keys).first()
    wide = rows["value"].astype(float).unstack("metric").reindex(columns=list(_ACCURACY))
    wide = wide.assign(chosen=used).reset_index()
    wide = wide[wide["chosen"] | wide["model"].isin(beside)] if beside else wide
    wide = wide.sort_values(["horizon_days", "chosen", "auc"], ascending=[True, False, False])
    labels = [
        say("report.churn.ahead", days=say.count("days", days), model=say(f"models.{model}"))
        for days, model in zip(wide["horizon_days"], wide["model"], strict=True)
    ]
    shown = wide.assign(used=wide["chosen"].map({True: say("report.writer.yes"), False: ""}))
    return writer.table(shown.set_axis(labels), {"used": "text", **_ACCURACY}, id="backtest-churn")


def watchlist(writer: Writer, customers: pd.DataFrame, as_of: dt.date) -> Block:
    """Show the call list: margin at stake, churn risk, contact date, reasons and action.

    customers : as churn.watchlist gives them: margin_at_stake, churn_risk, contact_on,
        next_order_on, sales_change, reasons with their values; the action is shown where
        there is such a column, and so are the days without an order where there is days_since_last
    as_of : the day of the list; earlier contact dates are written as "now"
    """
    say = writer.say
    if customers.empty:
        return writer.note("report.churn.empty_list")
    because = [_because(writer, row) for row in customers.to_dict("records")]
    today, now = pd.Timestamp(as_of), say("report.churn.now")
    by = [now if day <= today else say.date(day) for day in customers["contact_on"]]
    shown = customers.assign(reasons=because, contact_on=by)
    formats = {column: kind for column, kind in LISTED.items() if column in shown}
    return writer.table(shown, formats, id="watchlist")


def _because(writer: Writer, row: Mapping[str, Any]) -> str:
    """A customer's risk drivers, and the customer's first action, if there is one."""
    say = writer.say
    said = risk_drivers_tables.describe(row, say, writer.currency) or say.number(None)
    if pd.isna(row.get("action")):
        return said
    return say("report.churn.with_action", reasons=said, action=say(f"actions.{row['action']}"))


def list_precision(writer: Writer, lists: pd.DataFrame, days: int) -> Block:
    """Say how the list is ranked, and how precise it would have been a horizon ago.

    lists : as churn.list_rankings.from_backtest; no row where the history is too short for one
    days : before the last day that counts, on which the lists were drawn up; their horizon
    """
    say = writer.say
    used = lists[lists["is_chosen"]] if len(lists) else lists
    if used.empty or not used["listed"].iloc[0]:
        return writer.note("report.churn.list_untested")
    ranking, row = used.index[0], used.iloc[0]
    name = say(f"list_rankings.{ranking}")
    code = "list_naive" if ranking == RANKINGS[0] else "list_ranking"
    how = writer.note(f"report.churn.{code}", ranking=name)
    shares = _shares(lists)
    tested = writer.note(
        "report.churn.list_precision",
        days=say.duration(days),
        listed=say.count("customers", int(row["listed"])),
        inactive=say.number(row["listed_inactive"]),
        precision=say.percent(shares.loc[ranking, "list_precision"]),
        equal=say.percent(shares.loc[ranking, "equal_precision"]),
        captured=say.percent(shares.loc[ranking, "captured_share"]),
        best=say.percent(shares.loc[BEST, "captured_share"]),
    )
    return blocks.join([how, tested])


def list_rankings(writer: Writer, lists: pd.DataFrame) -> Block:
    """Compare the rankings of a past list; lists : as for `list_precision`."""
    say = writer.say
    if lists.empty:
        return writer.note("report.churn.list_untested")
    used = lists["is_chosen"].map({True: say("report.writer.yes"), False: ""})
    formats = {"used": "text", "captured_share": "percent:1"}
    formats |= {"list_precision": "percent", "equal_precision": "percent"}
    shown = _shares(lists).assign(used=used)
    return writer.table(shown, formats, "list_rankings", id="list-rankings")


def _shares(lists: pd.DataFrame) -> pd.DataFrame:
    """Share of the margin lost that each list held; share of it, and of equals, that was lost."""
    n = lists["listed"].where(lists["listed"] > 0)
    return pd.DataFrame(
        {
            "captured_share": lists["listed_lost"] / lists["lost"].where(lists["lost"] > 0),
            "list_precision": lists["listed_inactive"] / n,
            "equal_precision": lists["inactive_of_equal_value"] / n,
        }
    )


def by_type(writer: Writer, counts: pd.DataFrame) -> Block:
    """Show the overdue accounts of each type of customer; as churn.watchlist.count_by_type."""
    formats = {"n_customers": "number", "overdue": "number", "overdue_share": "percent"}
    formats |= {"net_sales_365d": "money", "sales_change": "percent"}
    return writer.table(counts, formats, "types", id="overdue-by-type")


def hazard_ratios(writer: Writer, table: pd.DataFrame, of: str) -> Block:
    """Show the effect of each feature on the return rate, or on the end of contracts.

    table : table `hazards`; features whose interval includes 1 are named together, and so are
        those without a ratio
    of : whose event: buyers (they return), contracts (they end)
    """
    say = writer.say
    hazards = table[table.index.get_level_values("event") == of].set_index("feature")
    if hazards.empty:
        return writer.note("report.hazard_ratios.nothing")
    is_clear = (hazards["low"] > 1) | (hazards["high"] < 1)
    clear = hazards[is_clear]
    diverged = hazards["hazard_ratio"].isna()
    remarks = {
        "unclear": hazards.index[~is_clear & ~diverged],
        "diverged": hazards.index[diverged],
        "bent": clear.index[clear["mean_over"] == "values"],
        "drifting": clear.index[clear["mean_over"] == "time"],
    }
    notes = [writer.note(f"report.hazard_ratios.how_to_read.{of}")]
    notes += [
        writer.note(f"report.hazard_ratios.{code}", names=say.listed(_names(features, say)))
        for code, features in remarks.items()
        if len(features)
    ]
    if clear.empty:
        return blocks.join(notes)
    rows = clear.to_dict("index").items()
    meaning = [risk_drivers_tables.ratio(str(code), row, say, of) for code, row in rows]
    shown = clear.assign(meaning=meaning).set_axis(_names(clear.index, say))
    formats = {"hazard_ratio": "number:2", "meaning": "text"}
    labels = {"hazard_ratio": say(f"report.hazard_ratios.{of}.rate")}
    return blocks.join([writer.table(shown, formats, labels=labels), *notes])


def _names(features: Iterable[Any], say: Words) -> list[str]:
    return [say.feature(str(code), step=False) for code in features]


def calibration(writer: Writer, calibration: pd.DataFrame) -> Block:
    """Show predicted and actual shares by risk decile, highest risk first.

    calibration : as churn.evaluation.calibration: bin, n, predicted, actual
    """
    if calibration.empty:
        return writer.note("report.writer.untested")
    table = calibration.sort_values("bin", ascending=False)
    inactive = table["actual"] * table["n"]
    mean = inactive.sum() / table["n"].sum()
    shown = pd.DataFrame(
        {
            "n_customers": table["n"],
            "predicted": table["predicted"],
            "actual": table["actual"],
            "lift": table["actual"] / mean if mean else float("nan"),
            "found": inactive.cumsum() / inactive.sum() if mean else float("nan"),
        }
    ).set_axis(table["bin"].astype(str))
    formats = {"n_customers": "number", "predicted": "percent", "actual": "percent"}
    formats |= {"lift": "number:2", "found": "percent"}
    return writer.table(shown, formats, id="deciles")


def restricted_mean(
    writer: Writer, means: pd.DataFrame, test: LogRank, rows: str | None = None
) -> Block:
    """Show how long customers of each group keep buying, and whether the groups differ.

    means : as survival.kaplan_meier.restricted_mean gives them, in days
    rows : the section of the texts that names the groups (values.channel); None: as they are
    """
    say = writer.say
    if means.empty:
        return writer.note("report.churn.restricted_mean.nothing")
    ends = zip(means["low"], means["high"], strict=True)
    ranges = [writer.range(low, high, say.number) for low, high in ends]
    shown = means.set_index("segment").assign(range=ranges)
    formats = {"n": "number", "events": "number", "mean": "number", "range": "text"}
    labels = {code: say(f"report.churn.restricted_mean.{code}") for code in formats}
    code = "differ" if test.p < _LEVEL else "alike" if test.p >= _LEVEL else "untested"
    until, p = say.number(means["until"].iloc[0]), p_value(writer, test.p)
    note = writer.note(f"report.churn.restricted_mean.{code}", until=until, p=p)
    return blocks.join([writer.table(shown, formats, rows, labels, id="restricted-mean"), note])


def p_value(writer: Writer, p: float) -> str:
    """Write the p-value of a test; a dash without one."""
    say = writer.say
    if pd.isna(p):
        return say.number(None)
    code = "p" if p >= _SMALLEST else "p_below"
    return say(f"report.churn.restricted_mean.{code}", p=say.number(max(p, _SMALLEST), 3))


def change(writer: Writer, change: Change, days: int, rows: str | None = None) -> Block:
    """Say what changed between two days, and show it group by group.

    days : length of the period without an order, after each of the two days
    rows : the section of the texts that names the groups (grades); None: as they are
    """
    say = writer.say
    if pd.isna(change.now - change.before):
        return writer.note("report.churn.change.unknown")
    points = {"change": change.now - change.before, "within": change.within, "mix": change.mix}
    said = writer.note(
        "report.churn.change.said",
        days=say.duration(days),
        before=say.percent(change.before, 1),
        now=say.percent(change.now, 1),
        **{name: _points(writer, value) for name, value in points.items()},
    )
    table = change.groups.assign(change_points=100 * change.groups["change"])
    shown = table.rename(columns={"n_now": "n_customers"})
    formats = {"n_customers": "number", "inactive_before": "percent:1", "inactive_now": "percent:1"}
    formats |= {"change_points": "number:1"}
    return blocks.join([said, writer.table(shown, formats, rows, id="change")])


def _points(writer: Writer, share: float) -> str:
    """Write a difference of shares in points, with its sign."""
    points = round(100 * share, 1) + 0.0
    return ("+" if points > 0 else "") + writer.say.number(points, 1)
