"""Values with their intervals: one row each, drawn as a point on a line and written beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cvm_analysis.charts.style import PAGE
from cvm_analysis.texts import Words

Row = tuple[float, float, float]  # value, lower and upper end; ends may be NaN


def rows(table: pd.DataFrame, column: str) -> list[Row]:
    """Return the value in `column` with its interval, columns low and high, of each row."""
    values = table[[column, "low", "high"]].to_numpy(dtype=float)
    return [(float(value), float(low), float(high)) for value, low, high in values]


def write(say: Words, value: float, low: float, high: float, key: str = "charts.figure") -> str:
    """Write a value and its interval: `0.75 (0.61–0.92)`; without one, the value alone."""
    if np.isnan(low):
        return say.number(value, 2)
    return say(key, value=say.number(value, 2), low=say.number(low, 2), high=say.number(high, 2))


def draw(
    ax: Axes,
    rows: Sequence[Row],
    colors: Sequence[str],
    ends: tuple[float, float],
    hollow: Sequence[bool] | None = None,
) -> None:
    """Draw a point and its interval per row, cut at `ends`.

    hollow : rows whose point is hollow; None: those without an interval
    """
    for at, ((value, low, high), color) in enumerate(zip(rows, colors, strict=True)):
        if not np.isnan(low):
            ax.plot(np.clip([low, high], *ends), [at, at], color=color, linewidth=1.6,
                    solid_capstyle="butt")  # fmt: skip
        is_hollow = hollow[at] if hollow else np.isnan(low)
        fill = PAGE if is_hollow else color
        ax.plot([np.clip(value, *ends)], [at], "o", color=color, markersize=7, zorder=3,
                markerfacecolor=fill, markeredgewidth=1.6, clip_on=False)  # fmt: skip
