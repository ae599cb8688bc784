"""The figure on one customer's history: orders as bars, below them what else happened."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cvm_analysis.charts.picture import Picture, check, nothing, ticks
from cvm_analysis.charts.style import ACCENT, BEFORE, INK, SOFT, WARM, WIDTH, styled
from cvm_analysis.texts import Language, Words, words

LANES = ("contract", "complaint", "contact")  # from top to bottom, below the orders
_COLORS = {"contract": ACCENT, "complaint": WARM, "contact": BEFORE}
_TICKS, _BARS = 5, 130  # dates written at most; bars that would fill the width
_ABOVE = 21  # points between a panel and its title: the expected day stands there
_SHORT = 1 / 80  # of the width: what a mark without a duration takes
_MARGIN = 0.02


def timeline(
    table: pd.DataFrame,
    as_of: Any,
    language: Language = "en",
    currency: str = "CNY",
    next_order_on: Any = None,
) -> Picture:
    """Draw a customer's orders over time, and below them contracts, complaints and contacts.

    What is open on the last day reaches to the end. The day of the expected order is a line, orange
    if it has passed.

    Parameters
    ----------
    table : one row per event: kind (order, return or one of LANES), start (day), end (empty: still
        open; of others not used), amount (of orders, and of returns, negative)
    as_of : the last day; next_order_on : the day on which the next order is expected, if known
    """
    check(table, ["kind", "start", "end", "amount"], "timeline")
    if table.empty:
        return nothing(language)
    say, last = words(language), pd.Timestamp(as_of)
    lanes = [kind for kind in LANES if (table["kind"] == kind).any()]
    expected = None if pd.isna(next_order_on) else pd.Timestamp(next_order_on)
    first = table["start"].min()
    end = last if expected is None else max(last, expected)
    with styled():
        figure = Figure((WIDTH, 2.1 + 0.24 * len(lanes)))
        heights = [1.5, *([0.24 * len(lanes)] if lanes else [])]
        axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[
            :, 0
        ]
        span = max((end - first).days, 30)
        _draw_orders(axes[0], say, table, first, span, currency)
        if expected is not None:
            _draw_expected(axes[0], say, (expected - first).days, expected, last, span)
        if lanes:
            _draw_lanes(axes[1], say, table, lanes, first, last, span)
        _write_dates(axes[-1], say, first, first + pd.Timedelta(days=span))
        axes[0].set_xlim(-_MARGIN * span, (1 + _MARGIN) * span)
    return Picture(figure, _alt(say, table, lanes, first, last, expected))


def _draw_orders(
    ax: Axes, say: Words, table: pd.DataFrame, first: pd.Timestamp, span: int, currency: str
) -> None:
    """Bars of orders upwards, of returns downwards."""
    for kind, color in (("order", ACCENT), ("return", WARM)):
        rows = table[table["kind"] == kind]
        days = (rows["start"] - first).dt.days
        ax.bar(days, rows["amount"].to_numpy(float), width=max(span / _BARS, 1.0), color=color)
    ticks(ax.yaxis, lambda value: say.short(value, currency), most=3)
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.set_title(say("charts.timeline.orders"), pad=_ABOVE)
    ax.spines["bottom"].set_visible(False)


def _draw_expected(
    ax: Axes, say: Words, at: int, day: pd.Timestamp, last: pd.Timestamp, span: int
) -> None:
    """A dashed line on the day of the expected order, and the day beside it."""
    color = WARM if day < last else ACCENT
    ax.axvline(at, color=color, linewidth=1.4, linestyle=(0, (4, 2)))
    is_right = at > span / 2
    ax.annotate(
        say("charts.timeline.expected", day=say.date(day)), (at, 1.0),
        (-5 if is_right else 5, 4), xycoords=ax.get_xaxis_transform(),
        textcoords="offset points", ha="right" if is_right else "left", fontsize=9.5, color=color,
    )  # fmt: skip


def _draw_lanes(
    ax: Axes,
    say: Words,
    table: pd.DataFrame,
    lanes: list[str],
    first: pd.Timestamp,
    last: pd.Timestamp,
    span: int,
) -> None:
    """One row per kind: from its start to its end, or to the last day; contacts are points."""
    for row, kind in enumerate(lanes):
        rows = table[table["kind"] == kind]
        start = (rows["start"] - first).dt.days.to_numpy(float)
        if kind == "contact":
            ax.plot(start, np.full(len(start), row), "o", color=_COLORS[kind], markersize=4.5)
            continue
        ends = pd.to_datetime(rows["end"]).fillna(last).clip(upper=last)
        length = np.maximum((ends - rows["start"]).dt.days, span * _SHORT)
        ax.barh(np.full(len(start), row), length, left=start, height=0.5, color=_COLORS[kind])
    ax.set_yticks(range(len(lanes)), [say(f"charts.timeline.{kind}") for kind in lanes])
    ax.tick_params(axis="y", labelcolor=INK)
    ax.set_ylim(len(lanes) - 0.5, -0.5)
    ax.grid(False, axis="y")
    ax.spines["bottom"].set_visible(False)


def _write_dates(ax: Axes, say: Words, first: pd.Timestamp, end: pd.Timestamp) -> None:
    """Months along the axis, a whole number of quarters or months apart."""
    months = pd.date_range(first.to_period("M").to_timestamp(), end, freq="MS")
    shown = months[months >= first]
    steps = (1, 2, 3, 6, 12, 24, 60)
    step = next((each for each in steps if len(shown) <= each * _TICKS), steps[-1])
    shown = shown[[(day.month - 1 + 12 * day.year) % step == 0 for day in shown]]
    ax.set_xticks((shown - first).days, [say.month(day) for day in shown])
    ax.tick_params(axis="x", labelcolor=SOFT)


def _alt(
    say: Words,
    table: pd.DataFrame,
    lanes: list[str],
    first: pd.Timestamp,
    last: pd.Timestamp,
    expected: pd.Timestamp | None,
) -> str:
    """Count what is drawn, and say when the next order is expected."""
    counts = table["kind"].value_counts()
    parts = [say.count("purchase_days", counts.get("order", 0))]
    parts += [say(f"charts.timeline.count.{kind}", n=say.number(counts[kind])) for kind in lanes]
    said = say(
        "charts.timeline.alt",
        first=say.date(first),
        last=say.date(last),
        events=say.listed(parts),
    )
    if expected is None:
        return said
    return say("charts.timeline.alt_expected", text=said, day=say.date(expected))
