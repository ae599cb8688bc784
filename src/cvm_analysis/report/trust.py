"""How far to trust a report, in four sentences: data, expected margin, churn risk, gains."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy.effects import MEASURED
from cvm_analysis.strategy.segment_strategies import select_planned

ROWS = ("data", "value", "risk", "gains")
LINES, EXCLUDED = "transactions", "error"  # of table quality
ALL, DONE = "all", "measured"  # of table campaign_results


class Trust(NamedTuple):
    """What was counted, tested and measured: tables of these names.

    Of `risk_calibration`, attrs holds horizon_days.
    """

    quality: pd.DataFrame
    customers: pd.DataFrame
    backtest: pd.DataFrame
    value_totals: pd.DataFrame
    risk_calibration: pd.DataFrame
    actions: pd.DataFrame
    campaign_results: pd.DataFrame


def heading(writer: Writer, trust: Trust) -> str:
    """Say how far off the forecasts were, and whether gains are assumed or measured."""
    say, gains = writer.say, _gains_in_short(writer, trust)
    purchases = _purchases(trust)
    if purchases is None:
        return say("report.trust.heading_untested", gains=gains)
    error, groups = _error(writer, purchases), trust.risk_calibration
    if groups.empty:
        return say("report.trust.heading_value", error=error, gains=gains)
    return say("report.trust.heading", error=error, gains=gains, **_groups(writer, groups))


def chapter(writer: Writer, trust: Trust) -> Block:
    """Show the part on how far to trust the report."""
    return writer.part(heading(writer, trust), show(writer, trust))


def show(writer: Writer, trust: Trust) -> Block:
    """Show the four sentences: data, expected margin, churn risk, gains of actions."""
    say = writer.say
    sentences = {"data": _data, "value": _value, "risk": _risk, "gains": _gains}
    texts = [sentences[row](writer, trust) for row in ROWS]
    names = [say(f"report.trust.rows.{row}") for row in ROWS]
    shown = pd.DataFrame({"column": texts}, names)
    labels = {"column": say("report.trust.column")}
    return writer.table(shown, {"column": "text"}, labels=labels, id="trust")


class _Purchases(NamedTuple):
    """Purchases of the past period of the backtest, of all customer types."""

    days: int
    forecast: float
    actual: float


def _purchases(trust: Trust) -> _Purchases | None:
    rows = trust.backtest.reset_index()
    is_value = (rows["part"] == "value") | rows["part"].str.startswith("value_")
    rows = rows[is_value & rows["is_chosen"].astype(bool)]
    sums = rows["value"].astype(float).groupby(rows["metric"]).sum()
    if not {"forecast_total", "actual_total"} <= set(sums.index) or not sums["actual_total"] > 0:
        return None
    return _Purchases(int(rows["horizon_days"].max()), sums["forecast_total"], sums["actual_total"])


def _error(writer: Writer, purchases: _Purchases) -> str:
    """Write by what share the forecast was too high or too low."""
    error = purchases.forecast / purchases.actual - 1
    share = writer.say.percent(abs(error))
    if share == writer.say.percent(0):
        return writer.say("report.trust.exact")
    return writer.say(f"report.trust.{'too_high' if error > 0 else 'too_low'}", share=share)


def _data(writer: Writer, trust: Trust) -> str:
    """Say how many order lines are left out, and of whom the margin is assumed."""
    say, quality = writer.say, trust.quality.reset_index()
    errors = quality[(quality["table"] == LINES) & (quality["level"] == EXCLUDED)]
    n, share = float(errors["n_rows"].sum()), float(errors["share"].sum())
    lines = say("report.trust.no_line_excluded")
    if n:
        excluded, read = say.number(n), say.number(n / share)
        written = say.percent(share, 1)
        lines = say("report.trust.excluded", n=excluded, read=read, share=written)
    bought = trust.customers[trust.customers["n_orders"] > 0]
    known = bought["margin_total"].notna().mean() if "margin_total" in bought else 0.0
    if known == 1:
        return say("report.trust.data", lines=lines)
    unknown = say.percent(1 - known)
    return say("report.trust.data_assumed", lines=lines, unknown=unknown)


def _value(writer: Writer, trust: Trust) -> str:
    say, purchases = writer.say, _purchases(trust)
    ends = trust.value_totals.loc["all", ["expected_margin_low", "expected_margin_high"]]
    low, high = map(writer.money, ends)
    if purchases is None:
        return say("report.trust.value_untested", low=low, high=high)
    return say(
        "report.trust.value",
        days=say.duration(purchases.days),
        forecast=say.number(purchases.forecast),
        actual=say.number(purchases.actual),
        error=_error(writer, purchases),
        low=low,
        high=high,
    )


def _risk(writer: Writer, trust: Trust) -> str:
    if trust.risk_calibration.empty:
        return writer.say("report.trust.risk_untested")
    days = int(trust.risk_calibration.attrs["horizon_days"])
    figures = _groups(writer, trust.risk_calibration)
    return writer.say("report.trust.risk", days=writer.say.duration(days), **figures)


def _groups(writer: Writer, groups: pd.DataFrame) -> dict[str, str]:
    """Count the risk groups whose outcome is what the forecast allows, above it, and below it."""
    low, high = groups["actual"] > groups["high"], groups["actual"] < groups["low"]
    counts = {"right": (~low & ~high).sum(), "groups": len(groups)}
    counts |= {"low": low.sum(), "high": high.sum()}
    return {name: writer.say.number(n) for name, n in counts.items()}


def _gains(writer: Writer, trust: Trust) -> str:
    say, measured = writer.say, _share_measured(trust)
    if measured is None:
        return say("report.trust.gains_none")
    if measured > 0:
        return say("report.trust.gains_measured", share=say.percent(measured))
    results = trust.campaign_results.reset_index()
    n = int(((results["segment"] == ALL) & (results["status"] == DONE)).sum())
    return say("report.trust.gains_assumed", campaigns=say.count("campaigns", n))


def _gains_in_short(writer: Writer, trust: Trust) -> str:
    say, measured = writer.say, _share_measured(trust)
    if measured is None:
        return say("report.trust.heading_gains.none")
    if measured > 0:
        return say("report.trust.heading_gains.measured", share=say.percent(measured))
    return say("report.trust.heading_gains.assumed")


def _share_measured(trust: Trust) -> float | None:
    """The share of the planned gain whose effect was measured; None: no gain is planned."""
    planned = select_planned(trust.actions)
    gains = planned["expected_gain"].astype(float).where(planned["counts_gain"].astype(bool), 0.0)
    if not gains.sum() > 0:
        return None
    return float(gains[planned["evidence"].isin(MEASURED)].sum() / gains.sum())
