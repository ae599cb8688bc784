"""Contract end forecasts in tables and sentences: effects, expected numbers, accuracy."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from cvm_analysis.churn.contracts import DAYS
from cvm_analysis.report import blocks
from cvm_analysis.report import churn as churn_tables
from cvm_analysis.report.blocks import Block, Figure
from cvm_analysis.report.writer import Writer


def feature_tests(writer: Writer, tests: pd.DataFrame) -> Block:
    """Show by which features contract durations differ.

    tests : one row per feature, feature, chisq, p_adjusted
    """
    say = writer.say
    if tests.empty:
        return writer.note("report.contracts.feature_tests.nothing")
    names = [say.feature(str(code), step=False) for code in tests["feature"]]
    shown = tests.assign(p=[churn_tables.p_value(writer, p) for p in tests["p_adjusted"]]).set_axis(
        names
    )
    formats = {"chisq": "number:1", "p": "text"}
    labels = {code: say(f"report.contracts.feature_tests.{code}") for code in formats}
    return writer.table(shown, formats, labels=labels, id="feature-tests")


def time_ratios(writer: Writer, times: pd.DataFrame) -> Block:
    """Show the duration ratio of one step more of each feature.

    times : indexed by feature: time_ratio, low, high
    """
    say = writer.say
    if times.empty:
        return writer.note("report.hazard_ratios.nothing")
    names = [say.feature(str(code), step=False) for code in times.index]
    formats = dict.fromkeys(("time_ratio", "low", "high"), "number:2")
    labels = {code: say(f"report.contracts.time_ratios.{code}") for code in formats}
    return writer.table(times.set_axis(names), formats, labels=labels, id="time-ratios")


def backtest(writer: Writer, backtest: pd.DataFrame) -> Block:
    """Show the accuracy of past contract forecasts; part `contracts` of table `backtest`."""
    if "contracts" not in backtest.index.get_level_values("part"):
        return writer.note("report.writer.untested")
    rows = backtest.xs("contracts", level="part").droplevel("horizon_days")
    wide = rows["value"].astype(float).unstack("metric").sort_values("integrated_brier")
    formats = {"n_contracts": "number", "n_ended": "number"}
    formats |= {"mean_auc": "number:3", "integrated_brier": "number:3"}
    return writer.table(wide, formats, rows="models", id="backtest-contracts")


def headline(writer: Writer, p_end: pd.DataFrame) -> Block:
    """Say how many customers are under contract, and how many contracts should end within a year.

    p_end : columns of table `contract_churn`
    """
    say, year = writer.say, p_end["p_end_365d"].astype(float)
    text = say(
        "report.contracts.headline" if year.notna().any() else "report.contracts.headline_unknown",
        running=say.count("customers", len(p_end)),
        ends=say.number(year.sum()),
        n=say.number(year.notna().sum()),
        days=say.duration(365),
    )
    return blocks.headline(text)


def figures(p_end: pd.DataFrame) -> dict[str, float]:
    """Give the figures by which regions are compared, named as under `columns` in the texts."""
    ends = p_end["p_end_365d"].astype(float).sum(min_count=1)
    return {"n_under_contract": len(p_end), "expected_ends": float(ends)}


def expected_ends(writer: Writer, p_end: pd.DataFrame) -> Block:
    """Show how many customers' contracts are expected to end within 90, 180 and 365 days.

    p_end : columns of table `contract_churn`; a contract that no comparable one has outlasted has
        no probability and is not counted
    """
    say = writer.say
    if p_end.empty:
        return writer.note("report.contracts.none")
    figures = [_figure(writer, "running", len(p_end))]
    for days in DAYS:
        known = p_end[f"p_end_{days}d"].dropna().astype(float)
        ends = float(known.sum()) if len(known) else float("nan")
        figures.append(_figure(writer, "within", ends, n=say.number(len(known)), days=days))
    return blocks.key_figures(figures)


def _figure(writer: Writer, name: str, value: float, n: str = "", days: int = 0) -> Figure:
    say = writer.say
    label = say(f"report.contracts.{name}.label", days=say.count("days", days))
    return Figure(label, say.number(value), say(f"report.contracts.{name}.note", n=n))


def next_to_end(writer: Writer, p_end: pd.DataFrame, n: int) -> Block:
    """Show the `n` customers with the highest probabilities of contract end."""
    if p_end.empty:
        return writer.note("report.contracts.none")
    columns = [f"p_end_{days}d" for days in DAYS]
    shown = p_end.sort_index().sort_values(columns, ascending=False, kind="stable").head(n)
    return writer.table(shown, dict.fromkeys(columns, "percent"), id="contract-ends")


def chapter(writer: Writer, contract_churn: pd.DataFrame, as_of: dt.date) -> Block:
    """Show the part of a report on contracts; nothing where no contract runs."""
    if contract_churn.empty:
        return Block("")
    parts = [
        writer.section("contracts"),
        expected_ends(writer, contract_churn),
        due_soon(writer, contract_churn, as_of),
    ]
    return blocks.join(parts)


def due_soon(writer: Writer, contract_churn: pd.DataFrame, as_of: dt.date) -> Block:
    """Show the customers whose contract is up for renewal or ends within 90 days, with the money.

    contract_churn : table `contract_churn`. What is expected to be renewed is the value of the next
        term times its probability; an agreed end renews nothing
    """
    say, days = writer.say, DAYS[0]
    if "due_on" not in contract_churn or contract_churn["due_on"].isna().all():
        return writer.note("report.contracts.no_due")
    last = pd.Timestamp(as_of) + pd.Timedelta(days, "D")
    due = contract_churn[pd.to_datetime(contract_churn["due_on"]) <= last]
    value = due["renewal_value"].astype(float)
    renewed = value * due["p_renewal"].astype(float)
    money = {
        "monthly": due["monthly_value"].astype(float),
        "renewal": value,
        "renewed": renewed,
    }
    within = say.count("days", days)
    label = say("report.contracts.due.customers.label", days=within)
    note = say("report.contracts.due.customers.note", n=say.number(len(contract_churn)))
    figures = [Figure(label, say.number(len(due)), note)]
    for name, amounts in money.items():
        total = amounts.sum(min_count=1)
        written = say.number(None) if pd.isna(total) else writer.money(float(total))
        key = f"report.contracts.due.{name}"
        figures.append(Figure(say(f"{key}.label"), written, say(f"{key}.note")))
    return blocks.key_figures(figures)


def renewal_forecasts(writer: Writer, backtest: pd.DataFrame) -> Block:
    """Show how well each forecast of renewals did on contracts left out of its fit, by term.

    backtest : part `renewals` of table `backtest`; horizon_days is the term
    """
    say = writer.say
    if "renewals" not in backtest.index.get_level_values("part"):
        return writer.note("report.contracts.no_terms")
    rows = backtest.xs("renewals", level="part")
    keys = ["horizon_days", "model"]
    wide = rows["value"].astype(float).unstack("metric")
    wide["used"] = rows["is_chosen"].astype(bool).groupby(keys).first()
    wide = wide.reset_index().sort_values(["horizon_days", "log_score"], ascending=[True, False])
    names = [
        say("report.churn.ahead", days=say.count("days", days), model=say(f"models.{model}"))
        for days, model in zip(wide["horizon_days"], wide["model"], strict=True)
    ]
    shown = wide.assign(used=wide["used"].map({True: say("report.writer.yes"), False: ""}))
    formats = {"used": "text", "n_due": "number", "log_score": "number:4"}
    return writer.table(shown.set_axis(names), formats, id="renewal-forecasts")
