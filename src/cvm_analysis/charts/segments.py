"""Figures on segments: how large each is, where customers stand, and how many moved up."""

import textwrap
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cvm_analysis import tables
from cvm_analysis.charts.picture import (
    Picture,
    bare_rows,
    categories,
    check,
    heat,
    nothing,
    ticks,
    titled,
)
from cvm_analysis.charts.style import (
    ACCENT,
    BEFORE,
    INK,
    PAGE,
    SOFT,
    WARM,
    WIDTH,
    canvas,
    styled,
)
from cvm_analysis.texts import Language, Words, words


def segment_bars(
    table: pd.DataFrame, language: Language = "en", names: str = "segments"
) -> Picture:
    """Draw one row per segment and one panel per column, each bar labelled with its share.

    Parameters
    ----------
    table : one row per segment, indexed by its code (`champions`), drawn in this order; columns are
        amounts that add up over segments, named as in the texts under `columns`: n_customers,
        net_sales, expected_margin, ...
    language : or the words, if a name tells the horizon
    names : the section of the texts that names the codes: segments, classes
    """
    if table.empty:
        return nothing(language)
    import seaborn as sns

    say = words(language)
    rows = [say(f"{names}.{code}") for code in table.index]
    titles = [say(f"columns.{column}") for column in table]
    shares = (table / table.sum()).astype(float)
    y = np.arange(len(table))
    with styled():
        figure = Figure((WIDTH, 0.75 + 0.29 * len(table)))
        panels = figure.subplots(1, table.shape[1], sharey=True, squeeze=False)[0]
        for ax, column, title in zip(panels, table, titles, strict=True):
            share = shares[column].to_numpy()
            sns.barplot(x=np.nan_to_num(share), y=y, orient="h", color=ACCENT, saturation=1,
                        width=0.62, errorbar=None, ax=ax)  # fmt: skip
            for at, part in zip(y, share, strict=True):
                end = max(0.0, float(np.nan_to_num(part)))
                ax.annotate(say.percent(part), (end, at), (4, 0), textcoords="offset points",
                            va="center", fontsize=9.5)  # fmt: skip
            ax.set_title(textwrap.fill(title, 12), va="bottom")
            ax.set_xlim(min(0.0, np.nanmin([*share, 0.0])), 1.35 * np.nanmax([*share, 0.01]))
            ax.set_ylim(len(table) - 0.5, -0.5)
            ax.set_xticks([])
            ax.grid(False)
            ax.spines["bottom"].set_visible(False)
        categories(panels[0].yaxis, rows)
        panels[0].tick_params(axis="y", labelcolor=INK)
    first = shares.iloc[:, 0].fillna(0)
    largest = int(first.to_numpy().argmax())
    alt = say(
        "charts.segment_bars.alt",
        columns=say.listed(titles),
        column=titles[0],
        segment=rows[largest],
        share=say.percent(first.iloc[largest]),
    )
    return Picture(figure, alt)


def rfm_grid(
    table: pd.DataFrame,
    column: str = "n_customers",
    language: Language = "en",
    currency: str = "CNY",
) -> Picture:
    """Draw a figure for each pair of recency and frequency scores, best at the top right.

    Parameters
    ----------
    table : index r, the recency score (1..5, 5 is best); columns f, the frequency score; values
        of `column`, NaN where there is no customer
    column : what the values are, a name under `columns` in the texts: n_customers,
        net_sales_per_order, ...
    """
    if table.isna().all(axis=None):
        return nothing(language)
    say = words(language)
    table = table.sort_index(ascending=False).sort_index(axis=1)
    values = table.to_numpy(dtype=float)
    kind = tables.kind(column)
    write = say.percent if kind == "share" else say.short
    with canvas(0.95 + 0.5 * len(values)) as (figure, ax):
        heat(ax, values, write, top=np.nanmax(values))
        unit = {"name": say(f"columns.{column}"), "currency": currency}
        ax.set_title(say("charts.in_currency", **unit) if kind == "money" else unit["name"])
        ax.set(xlabel=say("charts.rfm_grid.f"), ylabel=say("charts.rfm_grid.r"))
        categories(ax.xaxis, table.columns, 0.5)
        categories(ax.yaxis, table.index, 0.5)
    i, j = np.unravel_index(np.nanargmax(values), values.shape)
    alt = say(
        "charts.rfm_grid.alt",
        column=say(f"columns.{column}"),
        high=say.value(column, values[i, j], currency),
        r=str(table.index[i]),
        f=str(table.columns[j]),
    )
    return Picture(figure, alt)


def conversions(table: pd.DataFrame, scheme: str, language: Language = "en") -> Picture:
    """Draw the share of each class that moved up as a dot, beside the range expected by chance.

    A dot outside the range is blue (more than chance) or orange (less), one inside is grey.

    Parameters
    ----------
    table : one row per customer type and class, drawn in this order, as
        `conversions.select_upgrades`: customer_type, before, n_customers, rose, low, high (shares;
        low and high are empty without an expectation)
    scheme : frequency, amount or loyalty; the first two are of a period that the words must know
    """
    if table.empty:
        return nothing(language)
    check(table, ["customer_type", "before", "n_customers", "rose", "low", "high"], "conversions")
    import seaborn as sns

    say = words(language)
    rows = [
        say("charts.conversions.row", n=say.number(row["n_customers"]), **_names(say, row))
        for row in table.to_dict("records")
    ]
    title = say(f"schemes.{scheme}")
    shares, low, high = (table[column].to_numpy(float) for column in ("rose", "low", "high"))
    above, below = shares > high, shares < low
    colors = np.select([above, below], [ACCENT, WARM], SOFT).tolist()
    y = np.arange(len(table))
    with canvas(1.1 + 0.46 * len(table)) as (figure, ax):
        ax.barh(y, high - low, left=low, color=BEFORE, height=0.5)
        sns.scatterplot(x=shares, y=y, hue=y, palette=dict(zip(y, colors, strict=True)), s=64,
                        edgecolor=PAGE, linewidth=1.2, zorder=3, legend=False, ax=ax)  # fmt: skip
        for at, share, color in zip(y, shares, colors, strict=True):
            place = {"xycoords": ax.get_yaxis_transform(), "color": color, "va": "center"}
            ax.annotate(say.percent(share), (1.02, at), annotation_clip=False, **place)
        ax.set(xlim=(-0.01, 1.05 * np.nanmax([*shares, *high, 0.05])), ylim=(len(y) - 0.4, -0.6))
        ticks(ax.xaxis, say.percent)
        ax.set(xlabel=say("charts.conversions.x"), ylabel="")
        titled(figure, say("charts.conversions.title", scheme=title))
        bare_rows(ax, rows, keep=True)
    parts = [_conversion(say, row) for row in table.to_dict("records")]
    return Picture(figure, say("charts.conversions.alt", scheme=title, rows=say.listed(parts)))


def _conversion(say: Words, row: Mapping[Hashable, Any]) -> str:
    """Say what a row shows, with the range by chance if there is one."""
    figures = {column: say.percent(row[column]) for column in ("rose", "low", "high")}
    code = "alone" if pd.isna(row["low"]) else "beside_chance"
    return say(f"charts.conversions.{code}", **_names(say, row), **figures)


def _names(say: Words, row: Mapping[Hashable, Any]) -> dict[str, str]:
    return {"type": say(f"types.{row['customer_type']}"), "level": say(f"classes.{row['before']}")}
