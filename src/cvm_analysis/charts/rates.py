"""The figure on rates: retention, renewal or repurchase, month by month, by segment."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cvm_analysis.charts.picture import Picture, categories, check, flatten, nothing, write_cells
from cvm_analysis.charts.style import INK, SCALE, WIDTH, styled
from cvm_analysis.tables import ALL
from cvm_analysis.texts import Language, Words, words

MOST_MONTHS, MOST_SEGMENTS = 12, 10
_LEAST_SPAN = 0.1  # of the colours: a rate that hardly changes has one colour


def rates(table: pd.DataFrame, language: Language = "en", rate: str = "retention") -> Picture:
    """Draw a rate as a heat map: one row per segment, one column per month, all customers on top.

    The segments drawn are the MOST_SEGMENTS with most customers due.

    Parameters
    ----------
    table : table `rates`: one row per rate, segment and month: n_due, n_kept; the last 12 months
        are drawn
    rate : retention, renewal or repurchase
    """
    rows = flatten(table)
    if rows.empty:
        return nothing(language)
    check(rows, ["rate", "segment", "month", "n_due", "n_kept"], "rates")
    rows = rows[(rows["rate"] == rate) & (rows["n_due"] > 0)]
    if rows.empty:
        return nothing(language)
    say = words(language)
    wide = _shares(rows)
    named = [_name(say, str(code)) for code in wide.index]
    months = [
        f"{say.month_name(month)}\n{_year(say, month) if i == 0 or month.month == 1 else ''}"
        for i, month in enumerate(wide.columns)
    ]
    values = wide.to_numpy(dtype=float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    with styled():
        figure = Figure((WIDTH, 0.95 + 0.3 * len(wide)))
        ax = figure.subplots()
        ends = (min(low, high - _LEAST_SPAN), high + (high - low + _LEAST_SPAN) / 3)
        write_cells(ax, values, lambda share: say.percent(share).rstrip("%"), SCALE, ends)
        categories(ax.xaxis, months, 0.5)
        categories(ax.yaxis, named, 0.5)
        ax.tick_params(axis="y", labelcolor=INK, rotation=0)
        title = say(f"report.rates.{rate}.share")
        ax.set_title(say("charts.rates.title", name=title))
    first, last = (say.month(month) for month in wide.columns[[0, -1]])
    written = [
        say("charts.rates.row", name=name, first=say.percent(row[0]), last=say.percent(row[-1]))
        for name, row in zip(named, values, strict=True)
    ]
    alt = say("charts.rates.alt", title=title, first=first, last=last, rows=say.listed(written))
    return Picture(figure, alt)


def _shares(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per segment, all customers first, and one column per month."""
    shares = rows.assign(share=rows["n_kept"] / rows["n_due"], month=pd.to_datetime(rows["month"]))
    wide = shares.pivot(index="segment", columns="month", values="share").iloc[:, -MOST_MONTHS:]
    due = rows.groupby("segment", sort=False)["n_due"].sum().drop(index=ALL, errors="ignore")
    largest = due.index.isin(due.nlargest(MOST_SEGMENTS).index)
    order = [ALL, *due.index[largest]]
    return wide.loc[[code for code in order if code in wide.index]].dropna(how="all")


def _year(say: Words, month: pd.Timestamp) -> str:
    return say("charts.sales_trend.year", year=str(month.year))


def _name(say: Words, code: str) -> str:
    return say("charts.rates.all") if code == ALL else say(f"segments.{code}")
