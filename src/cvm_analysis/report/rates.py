"""Retention, renewal and repurchase rates in tables: by month, and by segment."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.churn.rates import ALL, RENEWAL, REPURCHASE, RETENTION
from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer

_RATES = (RETENTION, RENEWAL, REPURCHASE)


def chapter(writer: Writer, rates: pd.DataFrame) -> Block:
    """Show the part of a report on rates; nothing where no month has any.

    rates : table `rates`
    """
    if rates.empty:
        return Block("")
    parts = [writer.section("rates"), by_month(writer, rates)]
    if (rates.index.get_level_values("segment") != ALL).any():
        parts.append(by_segment(writer, rates))
    return blocks.join(parts)


def by_month(writer: Writer, rates: pd.DataFrame) -> Block:
    """Show the rates of all customers, one row per month, each beside the number it is of.

    rates : table `rates`
    """
    return _table(writer, rates[rates.index.get_level_values("segment") == ALL], "month")


def by_segment(writer: Writer, rates: pd.DataFrame) -> Block:
    """Show the rates of each segment: of contracts the mean month, of purchases the last one.

    rates : table `rates`; its months count by the number due in them
    """
    rows = rates[rates.index.get_level_values("segment") != ALL].reset_index()
    last = rows["month"].where(rows["rate"] == REPURCHASE).max()
    rows = rows[(rows["rate"] != REPURCHASE) | (rows["month"] == last)]
    groups = rows.groupby(["rate", "segment"])
    mean = groups[["n_due", "n_kept"]].sum().div(groups["month"].nunique(), axis=0)
    return _table(writer, mean, "segment")


def _table(writer: Writer, rates: pd.DataFrame, rows: str) -> Block:
    """One row per month or segment, two columns per rate that anybody was due for."""
    say = writer.say
    if rates.empty:
        return writer.note("report.rates.nothing")
    shares = rates.assign(share=rates["n_kept"] / rates["n_due"]).reset_index()
    wide = shares.pivot(index=rows, columns="rate", values=["share", "n_due"])
    wide = wide.swaplevel(axis=1)
    present = [rate for rate in _RATES if rate in wide]
    columns = [(rate, part) for rate in present for part in ("share", "n_due")]
    names = [f"{rate}_{part}" for rate, part in columns]
    kinds = ["percent:1", "number"] * len(present)
    labels = [say(f"report.rates.{rate}.{part}") for rate, part in columns]
    shown = wide[columns].set_axis(names, axis=1)
    formats, headings = dict(zip(names, kinds, strict=True)), dict(zip(names, labels, strict=True))
    if rows == "segment":
        return writer.table(shown, formats, "segments", headings, "rates-by-segment")
    shown = shown.set_axis([say.month(month) for month in shown.index])
    return writer.table(shown, formats, labels=headings, id="rates-by-month")
