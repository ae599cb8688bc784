"""Figures that compare with one line: groups with four fifths, indicators with zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cvm_analysis.charts import intervals
from cvm_analysis.charts.labels import group_names, indicator
from cvm_analysis.charts.picture import Picture, bare_rows, check, nothing, ticks, titled
from cvm_analysis.charts.style import ACCENT, INK, SOFT, WARM, canvas
from cvm_analysis.texts import Language, words

VERDICTS = {"below": WARM, "unclear": SOFT, "fine": ACCENT, "reference": ACCENT}
WIDEST = 2.0  # ratio at which the axis of four fifths ends


def four_fifths(
    table: pd.DataFrame, language: Language = "en", names: Mapping[str, str] | None = None
) -> Picture:
    """Draw each group's share with the best grade as a ratio to the largest, with its interval.

    Parameters
    ----------
    table : one row per group, indexed by its code, drawn in this order, as
        `fairness.compare_groups`: n_customers, best_share, ratio, low, high, verdict; one group
        alone is compared with none
    names : as for `grade_mix`
    """
    columns = ["n_customers", "best_share", "ratio", "low", "high", "verdict"]
    if len(table) < 2:
        return nothing(language)
    check(table, columns, "four_fifths")
    say = words(language)
    named = group_names(say, table, names)
    verdicts = [say(f"charts.four_fifths.{code}") for code in table["verdict"]]
    figures = [intervals.write(say, *row) for row in intervals.rows(table, "ratio")]
    with canvas(1.2 + 0.46 * len(table)) as (figure, ax):
        top = float(np.nanmax([1.1, *table[["ratio", "high"]].clip(upper=WIDEST).max()]))
        ax.set(xlim=(0, 1.04 * top), ylim=(len(table) - 0.4, -0.6))
        for at, style in ((1.0, "-"), (0.8, (0, (4, 3)))):
            ax.axvline(at, color=INK, linewidth=0.8, linestyle=style, zorder=1)
        colors = [VERDICTS[code] for code in table["verdict"]]
        intervals.draw(ax, intervals.rows(table, "ratio"), colors, (0, 1.04 * top))
        _beside(ax, figures, verdicts, colors)
        ax.set_xticks([0, 0.4, 0.8, 1, *([1.5] if top >= 1.5 else [])])
        ax.xaxis.set_major_formatter(lambda value, _: say.number(value, 1))
        ax.set_xlabel(say("charts.four_fifths.x"))
        titled(figure, say("charts.four_fifths.title"))
        sizes = [
            say("charts.four_fifths.size", name=name, share=say.percent(share), n=say.number(n))
            for name, share, n in zip(named, table["best_share"], table["n_customers"], strict=True)
        ]
        bare_rows(ax, sizes, keep=True)
    rows = say.listed(" ".join(row) for row in zip(named, figures, verdicts, strict=True))
    return Picture(figure, say("charts.four_fifths.alt", rows=rows))


def predictive_power(table: pd.DataFrame, language: Language = "en") -> Picture:
    """Draw the rank correlation of each indicator with later margin, with its 95% interval.

    Intervals that hold 0 are grey; indicators with too few values have a name and no point.

    Parameters
    ----------
    table : one row per indicator, indexed by its code, drawn in this order, as
        `predictive_power.rank_indicators`: correlation, low, high, best_fifth_share
    """
    if table.empty:
        return nothing(language)
    check(table, ["correlation", "low", "high", "best_fifth_share"], "predictive_power")
    say = words(language)
    named = [indicator(say, code) for code in table.index]
    unknown = say("charts.predictive_power.too_little")
    figures = [
        unknown if np.isnan(row[0]) else intervals.write(say, *row)
        for row in intervals.rows(table, "correlation")
    ]
    captured = [
        "" if np.isnan(share) else say("charts.predictive_power.captured", share=say.percent(share))
        for share in table["best_fifth_share"]
    ]
    ends = table[["correlation", "low", "high"]].to_numpy(dtype=float)
    reach = (
        min(-0.1, np.nanmin(ends, initial=0) - 0.05),
        max(0.5, np.nanmax(ends, initial=0) + 0.05),
    )
    with canvas(1.2 + 0.46 * len(table)) as (figure, ax):
        ax.set(xlim=reach, ylim=(len(table) - 0.4, -0.6), xlabel=say("charts.predictive_power.x"))
        ax.axvline(0, color=INK, linewidth=0.8, zorder=1)
        sure = (table["low"] > 0) | (table["high"] < 0)
        colors = [ACCENT if each else SOFT for each in sure]
        intervals.draw(ax, intervals.rows(table, "correlation"), colors, reach)
        _beside(ax, figures, captured, [SOFT] * len(table))
        ticks(ax.xaxis, lambda value: say.number(value, 1))
        titled(figure, say("charts.predictive_power.title"))
        bare_rows(ax, named, keep=True)
    rows = say.listed(f"{n} {f}" for n, f in zip(named, figures, strict=True))
    return Picture(figure, say("charts.predictive_power.alt", rows=rows))


def _beside(ax: Axes, figures: Sequence[str], below: Sequence[str], colors: Sequence[str]) -> None:
    """Write two short lines right of each row, the second smaller."""
    for at, (first, second, color) in enumerate(zip(figures, below, colors, strict=True)):
        place: dict[str, Any] = {
            "xycoords": ax.get_yaxis_transform(),
            "textcoords": "offset points",
        }
        ax.annotate(first, (1, at), (8, 6 if second else 0), va="center", fontsize=9.5, **place)
        ax.annotate(second, (1, at), (8, -6), va="center", fontsize=8.5, color=color, **place)
