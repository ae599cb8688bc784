"""The figure on the return rate: effects by segment."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from cvm_analysis.charts.picture import (
    Picture,
    bare_rows,
    categories,
    check,
    nothing,
    title_of_largest,
    titled,
    write_cells,
)
from cvm_analysis.charts.style import ACCENT, FAINT, INK, SOFT, WARM, canvas, shades
from cvm_analysis.texts import Language, Words, words

MOST_SEGMENTS = 8
LESS, MORE = shades("#fae6d8", "#e5a878", WARM), shades("#dcebf4", "#7fb2d1", ACCENT)
_SCALE = ListedColormap([*LESS(np.arange(256))[::-1], *MORE(np.arange(256))])  # later to sooner
_VAGUE = 10.0  # an interval that holds 1 and is as many times as high as low tells nothing
_TOP = np.log(3.0)  # logarithm of the factor up or down from which a colour deepens no more


def churn_by_segment(
    table: pd.DataFrame, language: Language = "en", differing: Collection[str] = ()
) -> Picture:
    """Draw hazard ratios as a heat map: one row per feature, one column per segment.

    Ratios whose 95% interval holds 1 are grey; those with a tenfold interval and missing ones
    are a dash.

    Parameters
    ----------
    table : one row per segment and feature, as `churn.by_segment.hazard_ratios`, drawn in the
        order of appearance; of more than eight segments the eight with the most events are drawn,
        and the title says so
        segment, feature : codes; hazard_ratio, low, high : of buying again, per step of the
        feature, empty where not estimated; events : of the segment
    differing : features whose ratios differ between segments by more than chance, marked
    """
    if table.empty:
        return nothing(language)
    check(
        table, ["segment", "feature", "events", "hazard_ratio", "low", "high"], "churn_by_segment"
    )
    ratios, clear = _informative(_largest(table))
    if ratios.isna().all(axis=None):
        return nothing(language)
    say = words(language)
    segments = [say(f"segments.{code}") for code in ratios]
    labels = [_label(say, str(code), code in differing) for code in ratios.index]
    with canvas(1.75 + 0.4 * len(ratios)) as (figure, ax):
        _cells(ax, say, ratios.to_numpy(), clear.to_numpy())
        bare_rows(ax, labels, first=0.5)
        categories(ax.xaxis, segments, 0.5)
        ax.tick_params(axis="x", labelcolor=INK, labeltop=True, labelbottom=False)
        for name in ax.get_xticklabels():
            name.set(rotation=45, ha="left", rotation_mode="anchor")
        drawn, groups = ratios.shape[1], table["segment"].nunique()
        key = "charts.churn_by_segment"
        titled(figure, title_of_largest(say, f"{key}.title", f"{key}.largest", drawn, groups))
        read: dict[str, Any] = {"color": SOFT, "fontsize": 8.5, "x": 0.01, "ha": "left"}
        figure.supxlabel(say("charts.churn_by_segment.read"), **read)
    return Picture(figure, _alt(say, ratios.set_axis(segments, axis=1), clear, differing))


def _largest(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the segments to be drawn."""
    events = table.groupby("segment", sort=False)["events"].max()
    largest = events.sort_values(ascending=False, kind="stable").index[:MOST_SEGMENTS]
    return table[table["segment"].isin(largest)]


def _informative(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the ratios precise enough to show, and whether their intervals exclude 1."""
    ratio, low, high = (_grid(table, column) for column in ("hazard_ratio", "low", "high"))
    clear = (low > 1) | (high < 1)
    return ratio.where(clear | (high < _VAGUE * low)), clear


def _grid(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row per feature, one column per segment, both in the order of appearance."""
    wide = table.pivot(index="feature", columns="segment", values=column).astype(float)
    return wide.loc[table["feature"].unique(), table["segment"].unique()]


def _label(say: Words, code: str, differs: bool) -> str:
    """A feature's name, what one step is on a second line, and whether segments differ."""
    name, step = say.feature(code, step=False), say.feature(code)
    marked = say("charts.churn_by_segment.differing", name=name) if differs else name
    return "\n".join(part for part in (marked, step.removeprefix(name).strip()) if part)


def _cells(ax: Axes, say: Words, ratios: np.ndarray, clear: np.ndarray) -> None:
    """Draw the cells with their ratios, first row on top: coloured, grey, or with a dash."""

    def write(logarithm: float) -> str:
        return _written(say, np.exp(logarithm))

    logarithms = np.log(ratios)
    reach, grey = (-_TOP, _TOP), ListedColormap([FAINT])
    write_cells(ax, np.where(clear, logarithms, np.nan), write, _SCALE, reach)
    write_cells(ax, np.where(clear, np.nan, logarithms), write, grey, reach, SOFT)
    for i, j in np.argwhere(np.isnan(ratios)):
        ax.text(j + 0.5, i + 0.5, say.number(None), ha="center", va="center", color=SOFT)


def _written(say: Words, ratio: float) -> str:
    return say.number(ratio, 2 if ratio < 10 else 0)


def _alt(say: Words, ratios: pd.DataFrame, clear: pd.DataFrame, differing: Collection[str]) -> str:
    """Say of each feature in which of the segments drawn it is least and most, and what differs."""
    shown = [row.dropna() for _, row in ratios.iterrows()]
    rows = [_row(say, say.feature(str(row.name), step=False), row) for row in shown if len(row)]
    alt = say(
        "charts.churn_by_segment.alt",
        n=str(len(ratios)),
        m=str(ratios.shape[1]),
        clear=str(int(clear.to_numpy().sum())),
        shown=str(int(ratios.notna().to_numpy().sum())),
        rows=say.listed(rows),
    )
    differ = [say.feature(str(code), step=False) for code in ratios.index if code in differing]
    return (
        say("charts.churn_by_segment.alt_differing", alt=alt, names=say.listed(differ))
        if differ
        else alt
    )


def _row(say: Words, name: str, ratios: pd.Series) -> str:
    low, high = ratios.idxmin(), ratios.idxmax()
    figures = {"low": _written(say, ratios[low]), "high": _written(say, ratios[high])}
    code = "row" if len(ratios) > 1 else "row_one"
    at = {"low_segment": str(low), "high_segment": str(high)}
    return say(f"charts.churn_by_segment.{code}", feature=name, **figures, **at)
