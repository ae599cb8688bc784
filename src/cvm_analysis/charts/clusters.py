"""The figure on clusters: in what each group differs from the average customer."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cvm_analysis import tables
from cvm_analysis.charts.picture import Picture, categories, check, nothing
from cvm_analysis.charts.style import ACCENT, INK, LINE, SOFT, WARM, WIDTH, styled
from cvm_analysis.texts import Language, Words, words

LESS, MORE = WARM, ACCENT  # orange and blue: distinct for colour-blind readers
ACROSS = 4  # groups side by side; more stand below
MOST_PARTS = 6  # levels of an attribute, or parts of a whole, that are drawn


class _Row(NamedTuple):
    """A line of the figure: a heading, or the column drawn in it."""

    label: str
    column: str | None


def cluster_profile(
    table: pd.DataFrame, language: Language = "en", typical: pd.DataFrame | None = None
) -> Picture:
    """Draw one panel per cluster and one row per measure: left is less than average, right more.

    Parameters
    ----------
    table : one row per cluster, indexed by its code (`c1`), drawn in this order; n_customers, and
        for each measure how far the cluster's mean lies from the average, in standard deviations;
        levels of an attribute (`channel=web`) and parts of a whole (`category:care`) stand under a
        heading, those that differ most if there are more than six
    typical : the same rows; what is typical of each cluster in the measures' own units (the share
        of customers of a level), written beside the bars; may be absent
    """
    if table.empty:
        return nothing(language)
    check(table, ["n_customers"], "cluster_profile")
    say = words(language)
    z_scores = table.drop(columns="n_customers").astype(float)
    rows = _rows(z_scores, say)
    reach = 1.12 * max(1.0, float(np.nanmax(np.abs(z_scores.to_numpy()), initial=0.0)))
    down = -(-len(table) // ACROSS)
    with styled():
        figure = Figure((WIDTH, 0.35 + down * (0.62 + 0.225 * max(1, len(rows)))))
        grid = figure.subplots(down, min(ACROSS, len(table)), sharey=True, squeeze=False)
        for ax in grid.ravel()[len(table) :]:
            ax.set_axis_off()
        for ax, code in zip(grid.ravel(), table.index, strict=False):
            _panel(ax, rows, z_scores.loc[code], typical, reach, say)
            title = _size(code, table["n_customers"], say)
            ax.set_title(title, loc="center", fontsize=8.5, fontweight="normal")
        for first in grid[:, 0]:
            _label(first, rows)
        read = "charts.cluster_profile." + ("read" if typical is None else "read_typical")
        figure.supxlabel(say(read), color=SOFT, fontsize=8.5, x=0.01, ha="left")
    return Picture(figure, _alt(z_scores, table["n_customers"], say))


def _rows(z_scores: pd.DataFrame, say: Words) -> list[_Row]:
    """Numbers first; then the levels of each attribute and the parts of each whole."""
    kinds = {column: _kind(str(column)) for column in z_scores}
    numbers = [column for column, (sign, _, _) in kinds.items() if not sign]
    rows = [_Row(_measure(str(column), say), column) for column in numbers]
    for block in dict.fromkeys((sign, name) for sign, name, _ in kinds.values() if sign):
        own = [column for column, (sign, name, _) in kinds.items() if (sign, name) == block]
        most = z_scores[own].abs().max().nlargest(MOST_PARTS).index
        rows.append(_Row(_heading(*block, say), None))
        rows += [_Row(say.level(*kinds[c][1:]), c) for c in own if c in most]
    return rows


def _kind(column: str) -> tuple[str, str, str]:
    """Split `channel=web` and `category:care`; no sign: a number."""
    for sign in ("=", ":"):
        name, found, part = column.partition(sign)
        if found and "." not in name:
            return sign, name, part
    return "", column, column


def _heading(sign: str, name: str, say: Words) -> str:
    said = say.measure(name)
    return _sentence(say("report.clusters.by_whole", whole=said) if sign == ":" else said)


def _measure(column: str, say: Words) -> str:
    """Name a number; one without words keeps the name it came with."""
    said = say.measure(column)
    return said if column.endswith(said) else _sentence(said)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _size(code: object, sizes: pd.Series, say: Words) -> str:
    n, share = say.number(sizes[code]), say.percent(sizes[code] / sizes.sum())
    name = say("report.clusters.name", n=str(code).removeprefix("c"))
    return say("charts.cluster_profile.size", name=name, n=n, share=share)


def _panel(
    ax: Axes,
    rows: Sequence[_Row],
    z_scores: pd.Series,
    typical: pd.DataFrame | None,
    reach: float,
    say: Words,
) -> None:
    ax.axvline(0, color=LINE, linewidth=1.2, zorder=0)
    for y, row in enumerate(rows):
        if row.column is None:
            continue
        value = float(np.nan_to_num(z_scores[row.column]))
        ax.barh(y, value, color=MORE if value > 0 else LESS, height=0.55)
        side = -1 if value > 0 else 1  # the figure stands where the bar is not
        text = "" if typical is None else _written(typical[row.column], z_scores.name, say)
        ax.annotate(text, (0, y), (3 * side, 0), textcoords="offset points", fontsize=8.0,
                    va="center", ha="right" if side < 0 else "left")  # fmt: skip
    ax.set(xlim=(-reach, reach), xticks=[], ylim=(len(rows) - 0.4, -0.6))
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)


def _written(typical: pd.Series, code: object, say: Words) -> str:
    """Write a cluster's figure with as many digits as those of the other clusters need."""
    column, values = str(typical.name), typical.astype(float)
    if tables.kind(column) == "share" or _kind(column)[0]:
        return say.percent(values[code])
    if values.abs().max() >= 10_000:
        return say.short(values[code])
    is_small = bool((values.abs() < 10).all() and (values != values.round()).any())
    return say.number(values[code], int(is_small))


def _label(ax: Axes, rows: Sequence[_Row]) -> None:
    categories(ax.yaxis, [row.label for row in rows])
    ax.tick_params(axis="y", labelleft=True, labelcolor=INK, labelsize=8.5, pad=4)
    for label, row in zip(ax.get_yticklabels(), rows, strict=True):
        if row.column is None:
            label.set(color=SOFT, fontsize=8.0)


def _alt(z_scores: pd.DataFrame, sizes: pd.Series, say: Words) -> str:
    """Name of every cluster the measure in which it is furthest from the average."""
    said = [say("charts.cluster_profile.alt")]
    for code, values in z_scores.iterrows():
        if not values.abs().max() > 0:
            continue
        column = str(values.abs().idxmax())
        sign, name, part = _kind(column)
        level = f"{_heading(sign, name, say)}, {say.level(name, part)}"
        figures = {
            "name": say("report.clusters.name", n=str(code).removeprefix("c")),
            "n": say.count("customers", sizes[code]),
            "column": level if sign else _measure(column, say),
            "difference": f"{'+' if values[column] > 0 else ''}{say.number(values[column], 1)}",
        }
        said.append(say("charts.cluster_profile.alt_row", **figures))
    return "".join(said) if not said[0].isascii() else " ".join(said)
