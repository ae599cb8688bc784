"""What changed since the last report, in a sentence and a table."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from cvm_analysis.performance.figures import FIGURES
from cvm_analysis.performance.since_last_report import FORECASTS
from cvm_analysis.report import performance
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer

SEEN = 0.0005  # share of a figure from which on corrected data are worth a word
FORMATS = dict.fromkeys(
    ("value_then", "change_data", "change_customers", "value_now", "changed"), "text"
)


def sentence(writer: Writer, changes: pd.DataFrame) -> Block:
    """Say how net sales changed, by what, and whether the forecast is another one.

    changes : table `since_last_report`
    """
    if changes.empty:
        return writer.note("report.since_last.first")
    parts, say = list(_parts(writer, changes)), writer.say
    day = say.date(changes["last_as_of"].iloc[0])
    if not parts:
        return writer.note("report.since_last.same", date=day)
    said = say("report.since_last.separator").join(parts)
    return writer.note("report.since_last.sentence", date=day, parts=said)


def table(writer: Writer, changes: pd.DataFrame) -> Block:
    """Show each figure then and now, and what changed it; nothing in a first report."""
    if changes.empty:
        return Block("")
    say = writer.say
    order = [name for name in (*FIGURES, "n_customers", *FORECASTS) if name in changes.index]
    rows = [row for _, row in changes.loc[order].reset_index().iterrows()]
    shown = pd.DataFrame(
        {
            "value_then": [_write(writer, r["figure"], r["value_then"]) for r in rows],
            "change_data": [_change(writer, r["figure"], r["change_data"]) for r in rows],
            "change_customers": [_change(writer, r["figure"], r["change_customers"]) for r in rows],
            "value_now": [_write(writer, r["figure"], r["value_now"]) for r in rows],
            "changed": [_causes(writer, r["changed"]) for r in rows],
        },
        index=[_name(writer, row["figure"]) for row in rows],
    )
    labels = {column: say(f"report.since_last.{column}") for column in FORMATS}
    return writer.table(shown, FORMATS, labels=labels, id="since-last-report")


def _parts(writer: Writer, changes: pd.DataFrame) -> Iterator[str]:
    """Say what customers did, what was corrected, and what the forecast rests on now."""
    say = writer.say
    if "net_sales" in changes.index:
        sales = changes.loc["net_sales"]
        by_customers = sales["change_customers"] / abs(sales["value_recomputed"])
        by_data = sales["change_data"] / abs(sales["value_then"])
        yield say("report.since_last.customers", change=_signed(writer, by_customers))
        if abs(by_data) >= SEEN:
            yield say("report.since_last.data", change=_signed(writer, by_data))
    for _, row in changes[changes["change_model"].astype(bool)].head(1).iterrows():
        causes = row["changed"].split(",")
        if "model" in causes:
            names = _models(writer, row["model_then"], row["model_now"])
            yield say("report.since_last.model", then=names[0], now=names[1])
        if "settings" in causes:
            yield say("report.since_last.settings")
        if "program" in causes:
            yield say("report.since_last.program")


def _models(writer: Writer, then: str, now: str) -> tuple[str, str]:
    """Name the models of both reports; if each had others, those that the other had not."""
    before, after = then.split(","), now.split(",")
    gone = [code for code in before if code not in after]
    come = [code for code in after if code not in before]
    both = (gone, come) if gone and come else (before, after)
    names = [writer.say.listed(writer.say(f"models.{code}") for code in codes) for codes in both]
    return names[0], names[1]


def _causes(writer: Writer, changed: str) -> str:
    """Name what of a forecast changed; a dash if nothing did."""
    say = writer.say
    names = [say(f"report.since_last.causes.{code}") for code in changed.split(",") if code]
    return say.listed(names) or say.number(None)


def _name(writer: Writer, figure: str) -> str:
    own = f"report.since_last.figures.{figure}"
    return writer.say(own if own in writer.say else f"report.performance.figures.{figure}")


def _write(writer: Writer, figure: str, value: float) -> str:
    """Write a figure in its unit."""
    if figure in FORECASTS:
        return writer.money(value)
    if figure == "n_customers":
        return writer.say.number(value)
    return performance.write(writer, figure, value)


def _change(writer: Writer, figure: str, change: float) -> str:
    """Write a change in the unit of the figure, of shares in points, with its sign."""
    written = _write(writer, figure, change)
    if performance.UNITS.get(figure) == "percent" and pd.notna(change):
        points = writer.say.number(100 * change, 1)
        written = writer.say("report.since_last.points", n=points)
    return f"+{written}" if change > 0 and re.search("[1-9]", written) else written


def _signed(writer: Writer, share: float) -> str:
    """Write a share with one digit and its sign."""
    written = writer.say.percent(share, 1)
    return f"+{written}" if share > 0 and re.search("[1-9]", written) else written
