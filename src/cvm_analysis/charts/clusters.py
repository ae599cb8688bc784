"""The figure on clusters: in what each group differs from the average customer."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cvm_analysis.charts.picture import (
    ACCENT,
    INK,
    LINE,
    SERIES,
    SOFT,
    WIDTH,
    Picture,
    categories,
    check,
    nothing,
    styled,
)
from cvm_analysis.texts import Words, words

LESS, MORE = SERIES[1], ACCENT  # orange and blue: told apart by colour-blind eyes


def cluster_profile(
    table: pd.DataFrame, language: str = "en", medians: pd.DataFrame | None = None
) -> Picture:
    """Draw one row per cluster and one panel per measure: left is less than average, right more.

    Parameters
    ----------
    table : one row per cluster, indexed by its code (`c1`), drawn in this order; n_customers, and
        for each measure how far the cluster's mean lies from the average, in standard deviations
    medians : the same rows; the measures in their own units, written beside the bars; may be absent
    """
    if table.empty:
        return nothing(language)
    check(table, ["n_customers"], "cluster_profile")
    say = words(language)
    apart = table.drop(columns="n_customers").astype(float)
    names = [_name(code, say) for code in table.index]
    share = table["n_customers"] / table["n_customers"].sum()
    sizes = [
        say("charts.cluster_profile.size", name=each, n=say.number(n), share=say.percent(part))
        for each, n, part in zip(names, table["n_customers"], share, strict=True)
    ]
    reach = max(1.0, float(np.nanmax(np.abs(apart.to_numpy()), initial=0.0)))
    with styled():
        figure = Figure((WIDTH, 1.25 + 0.44 * len(table)))
        panels = figure.subplots(1, max(1, apart.shape[1]), sharey=True, squeeze=False)[0]
        for ax, column in zip(panels, apart, strict=False):
            written = _medians(medians, column, table.index, say)
            _panel(ax, apart[column].to_numpy(), written, 1.12 * reach)
            title = _short(say(f"columns.{column}"))
            ax.set_title(title, fontsize=8.5, fontweight="normal", loc="center", va="bottom")
        panels[0].set_ylim(len(table) - 0.5, -0.5)
        categories(panels[0].yaxis, sizes)
        panels[0].tick_params(axis="y", labelcolor=INK, pad=9)
        read = "charts.cluster_profile." + ("read" if medians is None else "read_medians")
        figure.supxlabel(say(read), color=SOFT, fontsize=8.5, x=0.01, ha="left")
    return Picture(figure, _alt(apart, table["n_customers"], names, say))


def _name(code: object, say: Words) -> str:
    return say("clusters.name", n=str(code).removeprefix("c"))


def _panel(ax: Axes, apart: np.ndarray, written: list[str], reach: float) -> None:
    y = np.arange(len(apart))
    ax.axvline(0, color=LINE, linewidth=1.2, zorder=0)
    ax.barh(y, np.nan_to_num(apart), color=[MORE if v > 0 else LESS for v in apart], height=0.5)
    for at, value, text in zip(y, apart, written, strict=True):
        side = -1 if value > 0 else 1  # the figure stands where the bar is not
        ax.annotate(text, (0, at), (3 * side, 0), textcoords="offset points", fontsize=8.5,
                    va="center", ha="right" if side < 0 else "left")  # fmt: skip
    ax.set(xlim=(-reach, reach), xticks=[])
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)


def _medians(medians: pd.DataFrame | None, column: str, rows: pd.Index, say: Words) -> list[str]:
    if medians is None:
        return [""] * len(rows)
    return [_written(column, value, say) for value in medians.loc[rows, column].astype(float)]


def _written(column: str, value: float, say: Words) -> str:
    if "share" in column:
        return say.percent(value)
    small = abs(value) < 10 and value != round(value)
    return say.number(value, 1) if small else say.short(value)


def _short(title: str) -> str:
    """Break a title into short lines, a Chinese one into lines of equal length."""
    lines = -(-len(title) // 5)
    return textwrap.fill(title, 11 if title.isascii() else -(-len(title) // lines))


def _alt(apart: pd.DataFrame, sizes: pd.Series, names: list[str], say: Words) -> str:
    """Name of every cluster the measure in which it is furthest from the average."""
    said = [say("charts.cluster_profile.alt")]
    for row, (code, values) in zip(names, apart.iterrows(), strict=True):
        furthest = values.abs().max()
        if furthest > 0:
            column = str(values.abs().idxmax())
            said.append(
                say(
                    "charts.cluster_profile.alt_row",
                    name=row,
                    n=say.number(sizes[code]),
                    column=say(f"columns.{column}"),
                    apart=f"{'+' if values[column] > 0 else ''}{say.number(values[column], 1)}",
                )
            )
    return "".join(said) if not said[0].isascii() else " ".join(said)
