"""Figures on how long customers and contracts last, and on the lapse threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import MultipleLocator, NullLocator

from cvm_analysis.arrays import Array
from cvm_analysis.charts.picture import Picture, check, nothing, ticks, title_of_largest
from cvm_analysis.charts.style import ACCENT, BOX, INK, PAGE, SERIES, SOFT, canvas
from cvm_analysis.texts import Language, Words, words

COLORS = (*SERIES, SOFT)
MOST_GROUPS, MOST_POINTS = len(COLORS), 80
DAYS = {"week": 7, "day": 1}
ROUND = {"week": (1, 2, 4, 13, 26, 52, 104), "day": (1, 7, 30, 60, 90, 180, 365, 730)}


def survival(
    table: pd.DataFrame,
    language: Language = "en",
    names: str | None = None,
    unit: str = "week",
    of: str = "buyers",
) -> Picture:
    """Draw Kaplan-Meier curves with their 95% bands, each named where it ends.

    Parameters
    ----------
    table : one row per segment and time, as `churn.lapse.survival_curves` or
        `survival.kaplan_meier` give; of more than six segments the six with the most at risk
        at the start are drawn, and the title says so
        segment : code, drawn in order of appearance; a single segment `all` is not named
        week or duration : since the start, in weeks or in days
        survival, low, high : in [0, 1]
        n_at_risk : needed only if there are more than six segments
    names : the section of the texts that names the segments (segments, classes); None: as they are
    unit : of the x axis: week, day
    of : what lasts: buyers (until they lapse), contracts (until they end)
    """
    if table.empty:
        return nothing(language)
    time = "week" if "week" in table else "duration"
    check(table, ["segment", time, "survival", "low", "high"], "survival")
    say = words(language)
    since = table[time] * (7 if time == "week" else 1) / DAYS[unit]
    curves = _curves(table.assign(since=since))
    longest = max(curve["since"].iloc[-1] for curve in curves.values())
    named = {s: say(f"{names}.{s}") if names else str(s) for s in curves}
    with canvas(3.6) as (figure, ax):
        for color, curve in zip(COLORS, curves.values(), strict=False):
            _draw_curve(ax, curve, color)
        ax.set(xlim=(0, longest or 1), ylim=(0, 1.005))
        ax.set_xlabel(say(f"charts.survival.{of}.{unit}"))
        title, largest = f"charts.survival.{of}.title", "charts.survival.largest"
        groups = table["segment"].nunique()
        ax.set_title(title_of_largest(say, title, largest, len(curves), groups))
        ax.xaxis.set_major_locator(MultipleLocator(step(longest, ROUND[unit])))
        ticks(ax.yaxis, say.percent, most=5)
        if list(curves) != ["all"]:
            ends = [curve.iloc[-1][["since", "survival"]] for curve in curves.values()]
            label_ends(ax, [(float(x), float(y)) for x, y in ends], [*named.values()])
    return Picture(figure, _survival_alt(say, curves, named, unit, of))


def return_rate(
    table: pd.DataFrame, threshold: int | None = None, language: Language = "en"
) -> Picture:
    """Draw the share of customers who still returned, by time without an order.

    Parameters
    ----------
    table : one row per threshold tested, as `churn.lapse.candidate_thresholds`
        threshold_days : 1 or more
        n_spells : inactive periods at least as long
        return_rate : share that ended with an order within the follow-up; not drawn where empty
    threshold : the days without an order after which customers count as lapsed; need not be among
        those tested; None: nothing is marked
    """
    if table.empty:
        return nothing(language)
    check(table, ["threshold_days", "n_spells", "return_rate"], "return_rate")
    observed = table.dropna(subset="return_rate").sort_values("threshold_days")
    if observed.empty:
        return nothing(language)
    say = words(language)
    days, shares = (observed[c].to_numpy(dtype=float) for c in ("threshold_days", "return_rate"))
    chosen = days == threshold
    with canvas(3.2) as (figure, ax):
        ax.set_xscale("log")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.plot(days, shares, color=ACCENT, marker="o", markeredgecolor=PAGE, markersize=7)
        for day, share, mark in zip(days, shares, chosen, strict=True):
            ax.annotate(say.percent(share), (day, share), (5, 3), textcoords="offset points",
                        weight="bold" if mark else "normal", bbox=BOX)  # fmt: skip
        if threshold is not None:
            _mark_threshold(ax, say, threshold, days)
        ax.set(ylim=(0, min(1.15, 1.18 * shares.max() + 0.01)), xlabel=say("charts.return_rate.x"))
        ax.set_title(say("charts.return_rate.y"))
        ax.set_xticks(days, [say.number(day) for day in days])
        ticks(ax.yaxis, say.percent)
    return Picture(figure, _return_rate_alt(say, observed, threshold))


def _curves(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each segment to be drawn, in order of time."""
    segments = table["segment"].drop_duplicates()
    if len(segments) > MOST_GROUPS:
        check(table, ["n_at_risk"], "survival")
        largest = table.groupby("segment")["n_at_risk"].max().nlargest(MOST_GROUPS).index
        segments = segments[segments.isin(largest)]
    return {s: table[table["segment"] == s].sort_values("since") for s in segments}


def _draw_curve(ax: Axes, curve: pd.DataFrame, color: str) -> None:
    """A curve and its band, through at most MOST_POINTS of its points and the last."""
    at = np.arange(len(curve))
    curve = curve[(at % -(-len(at) // MOST_POINTS) == 0) | (at == at[-1])]
    since = curve["since"].to_numpy(dtype=float)
    low, share, high = (curve[c].to_numpy(dtype=float) for c in ("low", "survival", "high"))
    shade = (*to_rgb(color), 0.14)
    ax.fill_between(since, low, high, step="post", facecolor=shade, edgecolor=color, linewidth=0.6)
    ax.plot(since, share, color=color, drawstyle="steps-post", linewidth=1.8)


def label_ends(ax: Axes, ends: Sequence[tuple[float, float]], names: Sequence[str]) -> None:
    """Name each line right of the axes, at the height where it ends or as near as there is room."""
    heights = _spread(np.array([height for _, height in ends], dtype=float), 0.075)
    for end, height, name, color in zip(ends, heights, names, COLORS, strict=False):
        most = 22 if name.isascii() else 11
        ax.annotate(
            name if len(name) <= most else f"{name[: most - 1]}…",
            end, (1.035, height), va="center", color=color,
            textcoords=ax.get_yaxis_transform(), weight="bold", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.7, "alpha": 0.7,
                        "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)},
        )  # fmt: skip


def _spread(heights: Array, gap: float) -> Array:
    """Heights in [0, 1] moved as little as keeps each `gap` from the next, in the same order."""
    order = np.argsort(heights, kind="stable")
    placed = heights[order]
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    placed[-1] = min(placed[-1], 1.0)
    for i in range(len(placed) - 2, -1, -1):
        placed[i] = min(placed[i], placed[i + 1] - gap)
    spread = np.empty_like(heights)
    spread[order] = placed
    return spread


def step(longest: float, steps: Sequence[int]) -> int:
    """The smallest step that makes at most six."""
    return next((step for step in steps if longest <= 6 * step), -(-int(longest) // 6))


def _survival_alt(
    say: Words, curves: dict[str, pd.DataFrame], named: dict[str, str], unit: str, of: str
) -> str:
    """What each curve says at the last time that all of them reach."""
    common = min(curve["since"].iloc[-1] for curve in curves.values())
    rows = []
    for segment, curve in curves.items():
        at = curve[curve["since"] <= common].iloc[-1]
        figures = {c: say.percent(at[c]) for c in ("survival", "low", "high")}
        name = "" if list(curves) == ["all"] else named[segment]
        rows.append(say("charts.survival.row", name=name, **figures).strip())
    after = say.count(f"{unit}s", common)
    return say(f"charts.survival.{of}.alt", after=after, rows=say.listed(rows))


def _mark_threshold(ax: Axes, say: Words, threshold: int, days: Array) -> None:
    """Draw a line at the threshold, labelled on the side with more room."""
    is_left = np.log(threshold) > np.log([days.min(), days.max()]).mean()
    ax.axvline(threshold, color=INK, linewidth=0.8, zorder=1)
    ax.annotate(
        say("charts.return_rate.threshold", days=say.number(threshold)), (threshold, 1),
        (-6 if is_left else 6, -2), xycoords=ax.get_xaxis_transform(), weight="bold", va="top",
        textcoords="offset points", ha="right" if is_left else "left", bbox=BOX,
    )  # fmt: skip


def _return_rate_alt(say: Words, table: pd.DataFrame, threshold: int | None) -> str:
    written = {
        row["threshold_days"]: {
            "days": say.number(row["threshold_days"]), "share": say.percent(row["return_rate"])
        }
        for row in table.to_dict("records")
    }  # fmt: skip
    rows = say.listed(say("charts.return_rate.row", **row) for row in written.values())
    alt = say("charts.return_rate.alt", rows=rows)
    if threshold is None:
        return alt
    if threshold not in written:
        return say("charts.return_rate.alt_set", alt=alt, days=say.number(threshold))
    n = say.number(table.set_index("threshold_days").loc[threshold, "n_spells"])
    return say("charts.return_rate.alt_threshold", alt=alt, n=n, **written[threshold])
