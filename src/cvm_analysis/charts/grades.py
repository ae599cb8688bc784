"""Figures on grades: how many customers have each, and why a customer has theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cvm_analysis.charts.labels import group_names, indicator
from cvm_analysis.charts.picture import Picture, bare_rows, check, nothing, titled
from cvm_analysis.charts.style import (
    ACCENT,
    BEFORE,
    BOX,
    INK,
    LINE,
    SCALE,
    SERIES,
    SOFT,
    canvas,
    ink_on,
    outline,
)
from cvm_analysis.texts import Language, Words, words

SHARE, NOT_GRADED = "share_", "not_graded"
MOST_PARTS = 6  # indicators with a colour of their own
OTHERS = "*"  # no code of an indicator
PARTS = (ACCENT, "#6196b7", SERIES[2], "#559d8f", SERIES[3], "#a984ab")
REST = BEFORE  # indicators drawn as one
_BELOW: Any = "outside lower left"
_SIZES, _CHARACTER = (9.0, 7.5), 0.68  # of figures in bars: points; width in sizes
_BAR = 285.0  # points: the width of a whole bar


def grade_mix(
    table: pd.DataFrame, language: Language = "en", names: Mapping[str, str] | None = None
) -> Picture:
    """Draw one bar per group, divided by grade, with the shares written in.

    Parameters
    ----------
    table : one row per group, indexed by its code, drawn in this order, as
        `fairness.compare_groups`; more columns may be there
        n_customers : in the group
        share_<grade> : one column a grade, best first, in [0, 1]; the best is darkest, not_graded
            is grey
    names : words of the groups that the texts do not know (regions); codes of age bands, genders
        and customer types are known, any other stands as it is
    """
    if table.empty:
        return nothing(language)
    check(table, ["n_customers"], "grade_mix")
    say = words(language)
    shares = table.filter(regex=f"^{SHARE}").astype(float)
    grades = [str(column).removeprefix(SHARE) for column in shares]
    named = group_names(say, table, names)
    colors = _grade_colors(grades)
    with canvas(0.95 + 0.46 * len(table)) as (figure, ax):
        left = np.zeros(len(table))
        for column, code in zip(shares, grades, strict=True):
            part = shares[column].fillna(0).to_numpy()
            name = say(f"grades.{code}")
            ax.barh(range(len(table)), part, left=left, color=colors[code], height=0.62, label=name,
                    **outline(colors[code]))  # fmt: skip
            _write_in(ax, left, part, [say.percent(p) for p in part], colors[code], _BAR)
            left += part
        ax.set(xlim=(0, 1), ylim=(len(table) - 0.5, -0.5), xticks=[])
        titled(figure, say("charts.grade_mix.title"))
        sizes = map(say.number, table["n_customers"])
        bare_rows(ax, [f"{name}\n{n}" for name, n in zip(named, sizes, strict=True)])
        _legend(figure, 6)
    best = say(f"grades.{grades[0]}")
    rows = [
        say("charts.grade_mix.row", name=n, share=say.percent(s))
        for n, s in zip(named, shares.iloc[:, 0], strict=True)
    ]
    return Picture(figure, say("charts.grade_mix.alt", best=best, rows=say.listed(rows)))


def contributions(
    table: pd.DataFrame, limits: Mapping[str, float], language: Language = "en"
) -> Picture:
    """Draw what each customer's score is made of, between the limits of the grades.

    Parameters
    ----------
    table : one row per customer (about ten at most), indexed by customer_id, drawn in this order;
        one column per indicator: its part of the score, in points, as `points.contributions`; empty
        if not graded. Of more than six indicators the smallest are drawn as one
    limits : grade -> least score, best first, as `grade.thresholds`; NaN: not given
    """
    if table.empty:
        return nothing(language)
    say = words(language)
    parts = _largest(table.astype(float))
    scores = table.sum(axis=1, min_count=1).astype(float)
    colors = {**dict(zip(parts, PARTS, strict=False)), OTHERS: REST}
    with canvas(1.15 + 0.34 * len(table)) as (figure, ax):
        left = np.zeros(len(table))
        for code in parts:
            part = parts[code].fillna(0).to_numpy()
            name = say("charts.contributions.others") if code == OTHERS else indicator(say, code)
            ax.barh(range(len(table)), part, left=left, color=colors[code], height=0.62, label=name)
            _write_in(ax, left, part, [say.number(p) for p in part], colors[code], _BAR / 105)
            left += part
        ax.set(xlim=(0, 105), ylim=(len(table) - 0.5, -0.5), xlabel=say("charts.contributions.x"))
        _mark_limits(ax, say, limits)
        for at, score in enumerate(scores):
            text = say("grades.not_graded") if np.isnan(score) else say.number(score, 1)
            ax.annotate(text, (np.nan_to_num(score), at), (4, 0), textcoords="offset points",
                        va="center", weight="bold", bbox=BOX)  # fmt: skip
        titled(figure, say("charts.contributions.title"))
        bare_rows(ax, [str(each) for each in table.index], keep=True)
        ax.grid(False)
        _legend(figure, 3)
    return Picture(figure, _contributions_alt(say, parts, scores))


def _grade_colors(grades: Sequence[str]) -> dict[str, Any]:
    """From dark to light, best first; grey for not graded."""
    ranked = [code for code in grades if code != NOT_GRADED]
    shades = np.linspace(0.92, 0.12, max(2, len(ranked)))
    return {**{c: SCALE(s) for c, s in zip(ranked, shades, strict=False)}, NOT_GRADED: LINE}


def _write_in(
    ax: Axes, left: np.ndarray, part: np.ndarray, written: list[str], color: Any, unit: float
) -> None:
    """Write each figure in the middle of its part of the bar, if there is room; `unit`: points."""
    for at, (start, width, text) in enumerate(zip(left, part, written, strict=True)):
        size = next((s for s in _SIZES if width * unit >= _CHARACTER * s * len(text) + 1), None)
        if size is not None:
            ax.text(start + width / 2, at, text, ha="center", va="center", fontsize=size,
                    color=ink_on(color))  # fmt: skip


def _legend(figure: Figure, columns: int) -> None:
    figure.legend(loc=_BELOW, ncols=columns, handlelength=0.9, handleheight=0.9, columnspacing=1.4)


def _largest(table: pd.DataFrame) -> pd.DataFrame:
    """The indicators with the largest parts, in the order of the table; the rest together."""
    if table.shape[1] <= MOST_PARTS:
        return table
    large = set(table.mean().nlargest(MOST_PARTS - 1).index)
    largest = table[[code for code in table if code in large]]
    return largest.assign(**{OTHERS: table.drop(columns=largest.columns).sum(axis=1, min_count=1)})


def _mark_limits(ax: Axes, say: Words, limits: Mapping[str, float]) -> None:
    """A line where each grade begins, and its letter above the middle of its range."""
    top = 100.0
    for code, least in limits.items():
        if np.isnan(least):
            continue
        if least > 0:
            ax.axvline(least, color=INK, linewidth=0.8, zorder=0)
        ax.annotate(say(f"grades.{code}"), ((least + top) / 2, 1), (0, 3), ha="center", va="bottom",
                    xycoords=ax.get_xaxis_transform(), textcoords="offset points",
                    weight="bold", color=SOFT)  # fmt: skip
        top = least
    ax.set_xticks([0, *sorted(v for v in limits.values() if 0 < v < 100), 100])
    ax.xaxis.set_major_formatter(lambda value, _: say.number(value))


def _contributions_alt(say: Words, parts: pd.DataFrame, scores: pd.Series) -> str:
    """Each customer's score and what brings the most of it."""
    rows = []
    for customer, score in scores.items():
        if np.isnan(score):
            rows.append(say("charts.contributions.row_none", name=str(customer)))
            continue
        largest = parts.loc[customer].drop(OTHERS, errors="ignore").idxmax()
        figures = {"score": say.number(score, 1), "part": say.number(parts.loc[customer, largest])}
        most = indicator(say, largest)
        rows.append(say("charts.contributions.row", name=str(customer), most=most, **figures))
    return say("charts.contributions.alt", rows=say.listed(rows))
