"""Figures on churn: customer profiles, nonlinear effects, and cohorts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import MultipleLocator

from cvm_analysis.charts.churn import COLORS, ROUND, label_ends, step
from cvm_analysis.charts.picture import Picture, categories, check, nothing, ticks
from cvm_analysis.charts.style import ACCENT, INK, PAGE, RANGE, canvas
from cvm_analysis.texts import Language, words


def customer_profiles(table: pd.DataFrame, language: Language = "en") -> Picture:
    """Draw the probability of no order by days ahead, one line per customer profile.

    Parameters
    ----------
    table : one row per customer, indexed by what they stand for (a key under `customer_profiles`
        in the texts: regular_on_time, ...); columns are days ahead, rising; values the probability
        of no purchase up to that day, empty where nothing is said of it
    """
    if table.empty or table.isna().all(axis=None):
        return nothing(language)
    say = words(language)
    lines = {code: row.dropna() for code, row in table.iterrows() if row.notna().any()}
    named = say.names("customer_profiles", map(str, lines))
    last = max(float(line.index[-1]) for line in lines.values())
    with canvas(3.6) as (figure, ax):
        for color, line in zip(COLORS, lines.values(), strict=False):
            ax.plot(line.index.to_numpy(dtype=float), line.to_numpy(dtype=float), color=color)
        ax.set(xlim=(0, last or 1), ylim=(0, 1.005), xlabel=say("charts.customer_profiles.x"))
        ax.set_title(say("charts.customer_profiles.y"))
        ax.xaxis.set_major_locator(MultipleLocator(step(last, ROUND["day"])))
        ticks(ax.yaxis, say.percent, most=5)
        ends = [(float(line.index[-1]), float(line.iloc[-1])) for line in lines.values()]
        label_ends(ax, ends, list(named.values()))
    rows = (
        say("charts.customer_profiles.row", name=name, share=say.percent(line.iloc[-1]))
        for name, line in zip(named.values(), lines.values(), strict=True)
    )
    alt = say("charts.customer_profiles.alt", days=say.count("days", last), rows=say.listed(rows))
    return Picture(figure, alt)


def partial_effect(
    table: pd.DataFrame, code: str, language: Language = "en", of: str = "buyers"
) -> Picture:
    """Draw the rate of the event over the values of a feature.

    Parameters
    ----------
    table : one row per value, rising; plain : the value as a reader understands it, hazard_ratio :
        of the event, against the average customer
    code : of the feature, named by `features` in the texts
    of : whose event: buyers (they buy again), contracts (they end)
    """
    if table.empty:
        return nothing(language)
    check(table, ["plain", "hazard_ratio"], "partial_effect")
    say = words(language)
    x, y = (table[c].to_numpy(dtype=float) for c in ("plain", "hazard_ratio"))
    with canvas(3.0) as (figure, ax):
        ax.axhline(1, color=INK, linewidth=0.8)
        ax.plot(x, y, color=ACCENT)
        ax.set_ylim(0, 1.1 * max(float(y.max()), 1.0))
        ax.set(title=say(f"charts.partial_effect.{of}"), xlabel=say.feature(code, step=False))
        ticks(ax.xaxis, say.short, most=6)
        ticks(ax.yaxis, say.short)
    ends = {"x_low": x[0], "x_high": x[-1], "y_low": y[0], "y_high": y[-1]}
    peak = int(y.argmax())
    alt = say(
        f"charts.partial_effect.{of}_alt",
        feature=say.feature(code, step=False),
        peak=say.number(y[peak], 2),
        at=say.short(x[peak]),
        **{name: say.short(value) for name, value in ends.items()},
    )
    return Picture(figure, alt)


def cohorts(table: pd.DataFrame, days: int = 365, language: Language = "en") -> Picture:
    """Draw the share of each quarter's new customers inactive at the same age.

    Parameters
    ----------
    table : as `churn.cohorts.inactive_by_cohort`: one row per quarter, indexed by it; n_customers,
        inactive, low, high
    days : the age, from the first purchase
    """
    if table.empty:
        return nothing(language)
    check(table, ["n_customers", "inactive", "low", "high"], "cohorts")
    say = words(language)
    x = np.arange(len(table))
    share, low, high = (table[c].to_numpy(dtype=float) for c in ("inactive", "low", "high"))
    with canvas(3.0) as (figure, ax):
        ax.vlines(x, low, high, color=RANGE, linewidth=6)
        ax.plot(x, share, color=ACCENT, marker="o", markeredgecolor=PAGE, markersize=7,
                linewidth=1.2)  # fmt: skip
        ax.set(ylim=(0, min(1.02, 1.15 * float(high.max()) + 0.01)), xlim=(-0.5, len(x) - 0.5))
        ax.set_title(say("charts.cohorts.y", days=say.duration(days)))
        ax.set_xlabel(say("charts.cohorts.x"))
        every = -(-len(x) // 8)
        labels = [str(c) if i % every == 0 else "" for i, c in enumerate(table.index)]
        categories(ax.xaxis, labels)
        ticks(ax.yaxis, say.percent, most=5)
    ends = table.iloc[sorted({0, len(x) - 1})].rename(columns={"inactive": "share"})
    written = ends[["share", "low", "high"]].map(say.percent).to_dict("index")
    said = [say("charts.cohorts.row", name=str(name), **row) for name, row in written.items()]
    alt = say("charts.cohorts.alt", days=say.duration(days), n=str(len(x)), rows=say.listed(said))
    return Picture(figure, alt)
