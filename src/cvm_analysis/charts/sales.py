"""Figures on net sales: period after period, and in each region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from cvm_analysis.arrays import Array
from cvm_analysis.charts.picture import Picture, check, flatten, nothing
from cvm_analysis.charts.style import ACCENT, BEFORE, INK, SOFT, WARM, WIDTH, canvas, styled
from cvm_analysis.tables import ALL
from cvm_analysis.texts import Language, Words, words

_NEEDED = ["period_start", "net_sales", "net_sales_before", "n_days"]
_MOST_WRITTEN = 8  # periods with room for the amount of each
_ABOVE: dict[str, Any] = {  # where a line stands above a panel
    "xycoords": "axes fraction", "xytext": (0, 5), "textcoords": "offset points", "fontsize": 9.5
}  # fmt: skip
_MOST_GROWTH = 9.0  # ten times as much: a business that had just begun
_ACROSS = 3  # regions side by side


def sales_trend(
    table: pd.DataFrame, language: Language = "en", currency: str = "CNY", customer_type: str = ALL
) -> Picture:
    """Draw net sales per period, and above each bar its growth on the same days a year before.

    The last year is blue, what was before it grey. The last growth is orange where sales fell, or
    grew less than in any other period shown.

    Parameters
    ----------
    table : table `sales_trend`: one row per customer type and period, a quarter or a month:
        period_start, net_sales, net_sales_before (empty: not known), n_days (of the period so far)
    customer_type : whose rows are drawn
    """
    periods = _periods(table, customer_type, "sales_trend")
    if periods.empty:
        return nothing(language)
    say = words(language)
    growth = _growth(periods)
    with canvas(2.75) as (figure, ax):
        _bars(ax, periods)
        _write_growth(ax, say, periods["net_sales"].to_numpy(float), growth)
        amounts = _every_other(say.amounts(list(periods["net_sales"]), currency))
        ax.set_xticks(range(len(periods)), _labels(say, periods, amounts))
        ax.tick_params(axis="x", labelcolor=INK, labelsize=9.0 if len(periods) <= 8 else 8.0)
        ax.set(ylabel="", xlabel="", yticks=[])
    return Picture(figure, _trend_alt(say, periods, growth, currency))


def regions(table: pd.DataFrame, language: Language = "en", currency: str = "CNY") -> Picture:
    """Draw one small panel per region, net sales per period on one scale, the largest first.

    Parameters
    ----------
    table : rows of `sales_trend` of each region, as for `sales_trend`, with their `region`, a code;
        only those of all customer types are drawn. The title of a panel has the net sales of the
        last year and their growth.
    """
    if table.empty:
        return nothing(language)
    rows = flatten(table)
    check(rows, ["region"], "regions")
    of_region = {
        str(code): _periods(part, ALL, "regions")
        for code, part in rows.groupby("region", sort=False)
    }
    last = {code: rows.tail(_in_a_year(rows)) for code, rows in of_region.items() if len(rows)}
    if not last:
        return nothing(language)
    say = words(language)
    order = sorted(last, key=lambda code: -float(last[code]["net_sales"].sum()))
    sums = [float(last[code]["net_sales"].sum()) for code in order]
    growths = [_growth_of_sum(last[code]) for code in order]
    down = -(-len(order) // _ACROSS)
    with styled():
        layout = ConstrainedLayoutEngine(wspace=0.08, hspace=0.08)
        figure = Figure((WIDTH, 0.25 + 1.35 * down), layout=layout)
        grid = figure.subplots(down, min(_ACROSS, len(order)), sharey=True, squeeze=False).ravel()
        for ax in grid[len(order) :]:
            ax.set_axis_off()
        panels = zip(grid, order, say.amounts(sums, currency), growths, strict=False)
        for ax, code, amount, growth in panels:
            _panel(ax, say, of_region[code], (say.level("region", code), amount), growth)
    figures = zip(order, say.amounts(sums, currency), growths, strict=True)
    written = [
        say(
            "charts.regions.row",
            name=say.level("region", code),
            amount=amount,
            growth=_sign(say, g),
        )
        for code, amount, g in figures
    ]
    return Picture(figure, say("charts.regions.alt", rows=say.listed(written)))


def _periods(table: pd.DataFrame, customer_type: str, figure: str) -> pd.DataFrame:
    """The rows of a customer type in order of time, with the months in a period."""
    if table.empty:
        return table
    rows = flatten(table)
    check(rows, _NEEDED, figure)
    if "customer_type" in rows:
        rows = rows[rows["customer_type"] == customer_type]
    rows = rows.astype({"net_sales": float, "net_sales_before": float, "n_days": float})
    rows = rows.assign(period_start=pd.to_datetime(rows["period_start"]))
    return rows.sort_values("period_start", ignore_index=True)


def _months(periods: pd.DataFrame) -> int:
    """Months in a period: 3 if every one begins a quarter and none follows within two, else 1."""
    starts = pd.DatetimeIndex(periods["period_start"])
    is_quarter = (starts.month % 3 == 1).all() and (len(starts) > 1 or periods["n_days"].max() > 31)
    return 3 if is_quarter else 1


def _in_a_year(periods: pd.DataFrame) -> int:
    return 12 // _months(periods)


def _growth(periods: pd.DataFrame) -> Array:
    """Growth of each period; empty without a year before, or where that had next to no sales."""
    now, before = (periods[c].to_numpy(float) for c in ("net_sales", "net_sales_before"))
    growth = np.divide(now, before, out=np.full(len(now), np.nan), where=before > 0) - 1
    return np.where(growth < _MOST_GROWTH, growth, np.nan)


def _growth_of_sum(periods: pd.DataFrame) -> float:
    """Growth of the sum of periods; empty if one of them has no year before."""
    now, before = (periods[c].sum(skipna=False) for c in ("net_sales", "net_sales_before"))
    return float(now / before - 1) if before > 0 else np.nan


def _bars(ax: Axes, periods: pd.DataFrame) -> None:
    import seaborn as sns

    at = np.arange(len(periods))
    is_last_year = at >= len(at) - _in_a_year(periods)
    sns.barplot(
        x=at, y=periods["net_sales"].to_numpy(float), hue=is_last_year, dodge=False, width=0.86,
        palette={True: ACCENT, False: BEFORE}, saturation=1, errorbar=None, legend=False, ax=ax,
    )  # fmt: skip
    ax.grid(False)
    ax.spines["bottom"].set_color(INK)


def _write_growth(ax: Axes, say: Words, values: Array, growth: Array) -> None:
    """Write each growth above its bar, the last one bold; in WARM where it falls behind."""
    last_color = WARM if _falls_behind(growth) else SOFT
    for i in np.flatnonzero(np.isfinite(growth)):
        is_last = i == len(growth) - 1
        ax.annotate(
            _sign(say, growth[i]), (i, max(values[i], 0)), (0, 3), textcoords="offset points",
            ha="center", fontsize=9.0 if len(values) <= _MOST_WRITTEN else 7.5,
            weight="bold" if is_last else "normal",
            color=last_color if is_last else SOFT,
        )  # fmt: skip
    ax.set_ylim(top=1.1 * max(float(values.max()), 0.0) or 1.0)


def _falls_behind(growth: Array) -> bool:
    """Tell whether sales fell in the last period, or grew less than in any other one."""
    known = growth[np.isfinite(growth)].round(2)
    return bool((known[-1:] < 0).any() or (len(known) > 1 and known[-1] < known[:-1].min()))


def _sign(say: Words, growth: float) -> str:
    return f"{'+' if round(growth, 2) > 0 else ''}{say.percent(growth)}"


def _every_other(written: Sequence[str]) -> list[str]:
    """All of them if there is room, else every other one, with the last."""
    if len(written) <= _MOST_WRITTEN:
        return list(written)
    return [text if (len(written) - i) % 2 else "" for i, text in enumerate(written)]


def _labels(say: Words, periods: pd.DataFrame, amounts: Sequence[str]) -> list[str]:
    """Amount, name of the period, and the year where one begins; the last may be incomplete."""
    months = _months(periods)
    starts = pd.DatetimeIndex(periods["period_start"])
    names = [_name(say, day, months) for day in starts]
    years = [
        say("charts.sales_trend.year", year=str(day.year)) if i == 0 or day.month == 1 else ""
        for i, day in enumerate(starts)
    ]
    end = starts[-1] + pd.DateOffset(months=months)
    if periods["n_days"].iloc[-1] < (end - starts[-1]).days:
        years[-1] = f"{years[-1]}\n{say('charts.sales_trend.so_far')}".strip()
    return ["\n".join(lines) for lines in zip(amounts, names, years, strict=True)]


def _name(say: Words, day: pd.Timestamp, months: int, with_year: bool = False) -> str:
    """Name the quarter or month that begins on a day."""
    if months == 1:
        return say.month(day) if with_year else say.month_name(day)
    key = "quarter_of_year" if with_year else "quarter"
    return say(f"charts.sales_trend.{key}", n=str(day.quarter), year=str(day.year))


def _trend_alt(say: Words, periods: pd.DataFrame, growth: Array, currency: str) -> str:
    amounts = say.amounts(list(periods["net_sales"]), currency)
    starts = pd.DatetimeIndex(periods["period_start"])
    names = [_name(say, day, _months(periods), with_year=True) for day in starts]
    rows = [
        say(f"charts.sales_trend.{'row_alone' if np.isnan(each) else 'row'}", name=name,
            amount=amount, growth=_sign(say, each))
        for name, amount, each in zip(names, amounts, growth, strict=True)
    ]  # fmt: skip
    return say("charts.sales_trend.alt", rows=say.listed(rows))


def _panel(
    ax: Axes, say: Words, periods: pd.DataFrame, title: tuple[str, str], growth: float
) -> None:
    """A region's bars under its name, its net sales of the last year and their growth."""
    _bars(ax, periods)
    ax.set_title(title[0], pad=18)
    ax.annotate(title[1], (0, 1), color=SOFT, **_ABOVE)
    if not np.isnan(growth):
        ax.annotate(_sign(say, growth), (1, 1), ha="right", weight="bold",
                    color=WARM if round(growth, 2) < 0 else SOFT, **_ABOVE)  # fmt: skip
    starts = pd.DatetimeIndex(periods["period_start"])
    begun = [i for i, day in enumerate(starts) if day.month == 1]
    is_room = not begun or begun[0] > _in_a_year(periods) // 4  # for two years
    years = [0, *begun] if is_room else begun
    named = [say("charts.sales_trend.year", year=str(starts[i].year)) for i in years]
    ax.set_xticks([i - 0.43 for i in years], named, ha="left")
    ax.set(xlabel="", ylabel="", yticks=[])
