"""The figure on products: the pairs that go together most."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd

from cvm_analysis.charts import intervals
from cvm_analysis.charts.picture import Picture, categories, check, flatten, nothing, titled
from cvm_analysis.charts.style import ACCENT, INK, canvas
from cvm_analysis.texts import Language, Words, words

_WIDE = 34  # letters of a name on one line


def product_pairs(table: pd.DataFrame, language: Language = "en") -> Picture:
    """Draw the lift of each pair with its interval; 1, which is chance, is a line.

    table : one row per pair, drawn in this order: product, next_product, lift, lift_low, lift_high
    """
    if table.empty:
        return nothing(language)
    columns = ["product", "next_product", "lift", "lift_low", "lift_high"]
    table, say = flatten(table), words(language)
    check(table, columns, "product_pairs")
    rows = [(float(v), float(low), float(high)) for v, low, high in table[columns[2:]].to_numpy()]
    figures = [intervals.write(say, *row) for row in rows]
    names = [_name(say, *pair) for pair in table[columns[:2]].to_numpy()]
    with canvas(0.9 + 0.42 * len(table)) as (figure, ax):
        ax.set_xlim(0, 1.05 * np.nanmax([high for *_, high in rows]))
        ax.axvline(1, color=INK, linewidth=0.8)
        intervals.draw(ax, rows, [ACCENT] * len(rows), ax.get_xlim())
        for at, text in enumerate(figures):
            ax.annotate(text, (1, at), (8, 0), xycoords=ax.get_yaxis_transform(),
                        textcoords="offset points", va="center", fontsize=9.5)  # fmt: skip
        ax.set_ylim(len(table) - 0.4, -0.6)
        titled(figure, say("charts.product_pairs.title"))
        categories(ax.yaxis, ["\n".join(textwrap.wrap(name, _WIDE)) for name in names])
        ax.tick_params(axis="y", labelcolor=INK)
    listed = say.listed(f"{name} {text}" for name, text in zip(names, figures, strict=True))
    return Picture(figure, say("charts.product_pairs.alt", n=str(len(table)), rows=listed))


def _name(say: Words, product: str, following: str) -> str:
    product, following = (say.level("next_product", each) for each in (product, following))
    return say("charts.product_pairs.row", product=product, next=following)
