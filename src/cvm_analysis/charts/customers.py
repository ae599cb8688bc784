"""Figures on all customers: months and cohorts."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cvm_analysis.charts.picture import Picture, categories, check, heat, nothing, ticks
from cvm_analysis.charts.style import ACCENT, SERIES, WIDTH, styled
from cvm_analysis.texts import Language, words


def monthly(table: pd.DataFrame, language: Language = "en", currency: str = "CNY") -> Picture:
    """Draw net sales per month, and below it customers who bought and orders.

    Parameters
    ----------
    table : one row per month, indexed by month (Period, or any day of it); a month without a row
        is a gap
        customers : customers who bought in the month
        orders : orders in the month
        net_sales : in `currency`
    """
    if table.empty:
        return nothing(language)
    check(table, ["customers", "orders", "net_sales"], "monthly")
    import seaborn as sns

    say = words(language)
    months = pd.PeriodIndex(pd.Index(table.index), freq="M")
    full = pd.period_range(months.min(), months.max(), freq="M")
    table = table.set_axis(months).reindex(full).astype(float)
    x = np.arange(len(table))
    with styled():
        figure = Figure((WIDTH, 4.1))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.1, 1])
        sns.barplot(x=x, y=table["net_sales"].to_numpy(), color=ACCENT, saturation=1, width=0.75,
                    errorbar=None, ax=above)  # fmt: skip
        above.set(title=say("charts.monthly.net_sales", currency=currency), ylabel="")
        for name, color in zip(("orders", "customers"), (SERIES[2], ACCENT), strict=True):
            below.plot(x, table[name], color=color, label=say(f"charts.monthly.{name}"))
        below.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1.02), handlelength=1.2)
        below.set_ylim(bottom=0)
        for ax in (above, below):
            ticks(ax.yaxis, say.short)
        step = -(-len(x) // 6)
        below.set_xticks(x[::step], [say.month(m.to_timestamp()) for m in full[::step]])
    last = table.iloc[-1]
    return Picture(
        figure,
        say(
            "charts.monthly.alt",
            first=say.month(full[0].to_timestamp()),
            last=say.month(full[-1].to_timestamp()),
            net_sales=say.short(last["net_sales"], currency),
            customers=say.number(last["customers"]),
            orders=say.number(last["orders"]),
        ),
    )


def retention(cohorts: pd.DataFrame, language: Language = "en") -> Picture:
    """Draw which share of each cohort bought in the quarters after its first purchase.

    Parameters
    ----------
    cohorts : one row per quarter of first purchase, indexed by it (`2023Q1`); columns 0, 1, 2, ...
        quarters later; values in [0, 1], the share of the cohort that bought, NaN where the quarter
        has not happened yet. Column 0 is 1 by definition and is not coloured.
    """
    if cohorts.empty:
        return nothing(language)
    check(cohorts, [0], "retention")
    say = words(language)
    values = cohorts.to_numpy(dtype=float)
    later = values[:, 1:]
    seen = later[~np.isnan(later)]
    with styled():
        figure = Figure((max(WIDTH, 1.0 + 0.47 * values.shape[1]), 1.1 + 0.27 * len(values)))
        ax = figure.subplots()
        heat(ax, values, say.percent, top=seen.max() if seen.size else 0.0, grey=0)
        ax.set(title=say("charts.retention.title"), xlabel=say("charts.retention.later"))
        categories(ax.xaxis, cohorts.columns, 0.5)
        categories(ax.yaxis, cohorts.index, 0.5)
    first, last = str(cohorts.index[0]), str(cohorts.index[-1])
    if not seen.size:
        alt = say("charts.retention.alt_short", n=str(len(cohorts)), first=first, last=last)
        return Picture(figure, alt)
    low, high = say.percent(np.nanmin(later[:, 0])), say.percent(np.nanmax(later[:, 0]))
    alt = say(
        "charts.retention.alt", n=str(len(cohorts)), first=first, last=last, low=low, high=high
    )
    return Picture(figure, alt)
