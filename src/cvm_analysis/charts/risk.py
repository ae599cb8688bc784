"""Figures on the churn model: effects on the return rate, and calibration of the risks."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from cvm_analysis.charts import intervals
from cvm_analysis.charts.picture import Picture, categories, check, nothing, ticks, titled
from cvm_analysis.charts.style import ACCENT, BEFORE, INK, PAGE, RANGE, SOFT, WARM, canvas
from cvm_analysis.texts import Language, Words, words

_FACTORS = (  # ticks of a logarithmic axis, from wide to narrow
    (0.01, 0.1, 1, 10, 100),
    (0.1, 0.2, 0.5, 1, 2, 5, 10),
    (0.25, 0.5, 1, 2, 4),
    (0.5, 0.75, 1, 1.5, 2),
    (0.6, 0.8, 1, 1.25, 1.6),
    (0.8, 0.9, 1, 1.1, 1.2),
    (0.9, 0.95, 1, 1.05, 1.1),
)
_BELOW: Any = "outside lower left"
_WIDEST = 100.0  # factor up or down where the axis of hazard ratios ends


def hazards(
    table: pd.DataFrame,
    language: Language = "en",
    of: str = "buyers",
    bent: Collection[str] = (),
    drifting: Collection[str] = (),
) -> Picture:
    """Draw hazard ratios with their 95 % intervals, one row per feature, on a logarithmic axis.

    Intervals that hold 1 are grey. Those wider than the axis end at its edge; their figures do not.
    Where a ratio is an average, the point is hollow and the name says over what.

    Parameters
    ----------
    table : one row per feature, indexed by its code, drawn in this order, as `Cox.hazards`;
        hazard_ratio, low, high : of the event, per step of the feature. A code is named by
        `features` in the texts, which say what the step is; one that is not there stands as it is.
    of : whose event: buyers (they buy again), contracts (they end)
    bent, drifting : features whose ratio is an average over their values, over time
    """
    if table.empty:
        return nothing(language)
    check(table, ["hazard_ratio", "low", "high"], "hazards")
    say = words(language)
    means = {**dict.fromkeys(bent, "bent"), **dict.fromkeys(drifting, "drifting")}
    named = [_named(say, str(code), means.get(code)) for code in table.index]
    ratios = intervals.rows(table, "hazard_ratio")
    figures = [intervals.write(say, *row) for row in ratios]
    with canvas(1.15 + 0.4 * len(table)) as (figure, ax):
        _factor_axis(ax, say, table)
        ax.axvline(1, color=INK, linewidth=0.8)
        colors = [SOFT if low <= 1 <= high else ACCENT for _, low, high in ratios]
        hollow = [code in means for code in table.index]
        intervals.draw(ax, ratios, colors, ax.get_xlim(), hollow)
        for at, text in enumerate(figures):
            ax.annotate(text, (1, at), (8, 0), xycoords=ax.get_yaxis_transform(),
                        textcoords="offset points", va="center", fontsize=9.5)  # fmt: skip
        ax.set_ylim(len(table) - 0.4, -0.6)
        titled(figure, say(f"charts.hazards.{of}.title"))
        ax.set_xlabel(say(f"charts.hazards.{of}.x"))
        categories(ax.yaxis, [re.sub(r" ?([(（])", r"\n\1", name) for name in named])
        ax.tick_params(axis="y", labelcolor=INK)
    rows = say.listed(f"{n} {f}" for n, f in zip(named, figures, strict=True))
    return Picture(figure, say(f"charts.hazards.{of}.alt", n=str(len(table)), rows=rows))


def reliability(table: pd.DataFrame, language: Language = "en") -> Picture:
    """Draw predicted and actual shares without an order, by group from low to high risk.

    Parameters
    ----------
    table : one row per group, as `churn.evaluation.calibration`
        bin : 1 is the lowest risk
        n : customers
        predicted, actual : mean probability, and share without an order, in [0, 1]
        low, high : where the actual share falls 95 times of 100 if every probability is right
    """
    if table.empty:
        return nothing(language)
    check(table, ["bin", "n", "predicted", "actual", "low", "high"], "reliability")
    say = words(language)
    inside = table["actual"].between(table["low"], table["high"])
    ends = table[["predicted", "actual", "low", "high"]].to_numpy(dtype=float)
    span = (np.floor(ends.min() * 10 - 1e-9) / 10, np.ceil(ends.max() * 10 + 1e-9) / 10)
    span = (max(0.0, span[0]), min(1.0, span[1]))
    with canvas(4.2) as (figure, ax):
        ax.plot(span, span, color=SOFT, linewidth=1, linestyle=(0, (4, 3)), clip_on=False)
        ax.vlines(table["predicted"], table["low"], table["high"], color=RANGE, linewidth=6,
                  label=say("charts.reliability.range"))  # fmt: skip
        for part, name, marker, color in (
            (table[inside], "inside", "o", INK), (table[~inside], "outside", "D", WARM)
        ):  # fmt: skip
            if len(part):
                ax.plot(part["predicted"], part["actual"], marker, color=color, markersize=7,
                        markeredgecolor=PAGE, clip_on=False, zorder=3,
                        label=say(f"charts.reliability.{name}"))  # fmt: skip
        above = (table["actual"] - table["predicted"]).mean() > 0
        ax.legend(loc="lower right" if above else "upper left")
        ax.set(xlim=span, ylim=span, xlabel=say("charts.reliability.x"))
        ax.set_title(say("charts.reliability.y"))
        ticks(ax.xaxis, say.percent, most=5)
        ticks(ax.yaxis, say.percent, most=5)
    return Picture(figure, _calibration_alt(say, "reliability", table, inside))


def risk_groups(table: pd.DataFrame, language: Language = "en") -> Picture:
    """Draw for each group of customers what share did not order (bars), and what was forecast.

    The share is written above the bar, in orange where it is outside of the range expected.

    Parameters
    ----------
    table : one row per group, as for `reliability`
    """
    if table.empty:
        return nothing(language)
    check(table, ["bin", "n", "predicted", "actual", "low", "high"], "risk_groups")
    import seaborn as sns

    say = words(language)
    table = table.sort_values("bin", ignore_index=True)
    inside = table["actual"].between(table["low"], table["high"])
    x = np.arange(len(table))
    with canvas(3.0) as (figure, ax):
        sns.barplot(
            x=x, y=table["actual"].to_numpy(), color=BEFORE, saturation=1, width=0.86,
            errorbar=None, label=say("charts.risk_groups.actual"), legend=False, ax=ax,
        )  # fmt: skip
        ax.vlines(x, table["low"], table["high"], color=ACCENT, linewidth=1.6)
        ax.plot(x, table["predicted"], "o", color=ACCENT, markersize=6, markeredgecolor=PAGE,
                label=say("charts.risk_groups.predicted"))  # fmt: skip
        ax.set_xlim(-0.5, len(x) - 0.5)
        for at, row, is_inside in zip(x, table.itertuples(), inside, strict=True):
            top = max(float(row.actual), float(row.high), float(row.predicted))
            ax.annotate(say.percent(row.actual), (at, top), (0, 6), textcoords="offset points",
                        ha="center", fontsize=9.0, color=SOFT if is_inside else WARM,
                        weight="normal" if is_inside else "bold")  # fmt: skip
        figure.legend(loc=_BELOW, ncols=2, handlelength=0.9, columnspacing=1.4)
        ax.set(ylim=(0, 1.12 * float(table[["actual", "high"]].to_numpy().max())), ylabel="")
        ax.set(title=say("charts.risk_groups.title"), xlabel=say("charts.risk_groups.x"), yticks=[])
        categories(ax.xaxis, [say.number(number) for number in table["bin"]])
    return Picture(figure, _calibration_alt(say, "risk_groups", table, inside))


def _calibration_alt(say: Words, figure: str, table: pd.DataFrame, inside: pd.Series) -> str:
    first, last = table.iloc[0], table.iloc[-1]
    return say(
        f"charts.{figure}.alt",
        groups=str(len(table)),
        n=say.count("customers", table["n"].sum()),
        inside=str(int(inside.sum())),
        low_predicted=say.percent(first["predicted"]),
        low_actual=say.percent(first["actual"]),
        high_predicted=say.percent(last["predicted"]),
        high_actual=say.percent(last["actual"]),
    )


def _named(say: Words, code: str, mean: str | None) -> str:
    """The name of a feature, its step, and of what its ratio is a mean if it is one."""
    name = say.feature(code)
    return say(f"charts.hazards.{mean}", name=name) if mean else name


def _factor_axis(ax: Axes, say: Words, table: pd.DataFrame) -> None:
    """A logarithmic axis that holds 1 and the intervals, up to a factor of _WIDEST either way."""
    low, high = table["low"].min(), table["high"].max()
    left, right = max(min(low, 0.95), 1 / _WIDEST) / 1.06, min(max(high, 1.05), _WIDEST) * 1.06
    marks = [[f for f in factors if left <= f <= right] for factors in _FACTORS]
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    ax.xaxis.set_minor_locator(NullLocator())
    best = next((found for found in marks if len(found) >= 3), marks[-1])
    ax.set_xticks(best, [say.short(factor) for factor in best])
    ax.grid(True, axis="x")
    ax.grid(False, axis="y")
