"""The figure on margin: what each segment brought, and what it is expected to bring."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cvm_analysis.charts.picture import Picture, bare_rows, check, nothing
from cvm_analysis.charts.style import ACCENT, BEFORE, INK, SOFT, WIDTH, styled
from cvm_analysis.texts import Language, Words, words

COLUMNS = ("margin_last_year", "expected_margin")
COLORS = dict(zip(COLUMNS, (BEFORE, ACCENT), strict=True))
_RIGHT = dict(zip(COLUMNS, (0.46, 1.0), strict=True))  # where figures end, of the room for them


def margin_by_segment(
    by_segment: pd.DataFrame, language: Language = "en", currency: str = "CNY"
) -> Picture:
    """Draw the margin of the past 365 days (grey) beside the expected margin (blue), on one scale.

    Parameters
    ----------
    by_segment : one row per segment, indexed by its code, drawn in this order: margin_last_year,
        expected_margin (empty: no forecast)
    language : or the words, which must know the horizon
    """
    if by_segment.empty:
        return nothing(language)
    check(by_segment, COLUMNS, "margin_by_segment")
    say = words(language)
    margins = by_segment[list(COLUMNS)].astype(float)
    named = [say(f"segments.{code}") for code in margins.index]
    flat = say.amounts(margins.to_numpy().ravel().tolist(), currency)
    written = pd.DataFrame(np.reshape(flat, margins.shape), margins.index, margins.columns)
    written = written.where(margins.notna(), say("charts.margin_by_segment.none"))
    with styled():
        figure = Figure((WIDTH, 0.6 + 0.34 * len(margins)))
        bars, figures = figure.subplots(1, 2, sharey=True, width_ratios=[1.3, 1])
        _bars(bars, margins)
        bars.set(xlabel="", ylabel="", xticks=[])
        bare_rows(bars, named)
        _figures(figures, say, written)
    rows = [
        say("charts.margin_by_segment.row", name=name, before=before, expected=expected)
        for name, (before, expected) in zip(named, written.to_numpy(), strict=True)
    ]
    return Picture(figure, say("charts.margin_by_segment.alt", rows=say.listed(rows)))


def _bars(ax: Axes, margins: pd.DataFrame) -> None:
    import seaborn as sns

    long = margins.reset_index(drop=True).melt(
        ignore_index=False, var_name="column", value_name="margin"
    )
    sns.barplot(
        x=long["margin"].to_numpy(), y=long.index.to_numpy(), hue=long["column"].to_numpy(),
        hue_order=COLUMNS, palette=COLORS, orient="h", width=0.6, saturation=1, errorbar=None,
        legend=False, ax=ax,
    )  # fmt: skip
    largest = float(np.nanmax(margins.to_numpy(), initial=0.0)) or 1.0
    ax.set(xlim=(min(0.0, float(np.nanmin(margins.to_numpy(), initial=0.0))), 1.02 * largest))
    ax.set_ylim(len(margins) - 0.5, -0.5)


def _figures(ax: Axes, say: Words, written: pd.DataFrame) -> None:
    """Write both margins in columns, under headings in the colours of the bars."""
    ax.set(xlim=(0, 1))
    ax.set_axis_off()
    for column, ink, weight in zip(COLUMNS, (SOFT, ACCENT), ("normal", "bold"), strict=True):
        right = _RIGHT[column]
        heading = say(f"charts.margin_by_segment.{column}")
        ax.text(right, -0.6, heading, ha="right", va="bottom", color=ink, fontsize=9.0)
        for at, text in enumerate(written[column]):
            ax.text(right, at, text, ha="right", va="center", weight=weight, fontsize=9.5,
                    color=ink if ink == SOFT else INK)  # fmt: skip
