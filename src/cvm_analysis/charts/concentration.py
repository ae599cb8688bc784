"""Figures on concentration: how much of a sum few customers bring."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cvm_analysis.arrays import Array
from cvm_analysis.charts.picture import Picture, check, flatten, nothing, ticks
from cvm_analysis.charts.style import ACCENT, INK, SOFT, canvas
from cvm_analysis.tables import ALL
from cvm_analysis.texts import Language, Words, words

_TOP = 0.2  # the share of customers that is marked


def concentration(money: pd.Series, of: str = "net_sales", language: Language = "en") -> Picture:
    """Draw the share of the money that the best customers bring, and mark the best 20 %.

    Parameters
    ----------
    money : one value per customer, in any currency; negative values (returns only) make the curve
        pass 100 % before it comes back. Nothing is drawn if they add up to nothing.
    of : what it is, a name under `columns` in the texts: net_sales, expected_margin
    language : or the words, if the name tells the horizon
    """
    best_first = np.sort(money.to_numpy(dtype=float))[::-1]
    total = best_first.sum()
    if not total > 0:
        return nothing(language)
    say = words(language)
    name = say(f"columns.{of}")
    curve = np.concatenate([[0.0], best_first.cumsum() / total])
    at = np.linspace(0, 1, 201)
    share = np.interp(at * len(best_first), np.arange(len(curve)), curve)
    top = float(np.interp(_TOP * len(best_first), np.arange(len(curve)), curve))
    mark = {"customers": say.percent(_TOP), "share": say.percent(top), "name": name}
    with canvas(3.5) as (figure, ax):
        _draw(ax, say, at, share, top)
        _mark(ax, say("charts.concentration.mark", **mark), top)
        ax.set_title(say("charts.concentration.share", name=name))
    return Picture(figure, say("charts.concentration.alt", **mark))


def sales_concentration(
    table: pd.DataFrame, language: Language = "en", customer_type: str = ALL
) -> Picture:
    """Draw the share of net sales that the largest customers bring, and mark the top 20%.

    Parameters
    ----------
    table : table `concentration`: one row per customer type and share of its customers, the largest
        first: share_customers, share_net_sales, gini
    customer_type : whose rows are drawn
    """
    rows = flatten(table)
    if "customer_type" in rows:
        rows = rows[rows["customer_type"] == customer_type]
    if rows.empty:
        return nothing(language)
    check(rows, ["share_customers", "share_net_sales", "gini"], "sales_concentration")
    say = words(language)
    rows = rows.sort_values("share_customers")
    at, share = (rows[c].to_numpy(float) for c in ("share_customers", "share_net_sales"))
    top = float(np.interp(_TOP, at, share))
    gini = say.number(rows["gini"].iloc[0], 2)
    figures = {"customers": say.percent(_TOP), "share": say.percent(top), "gini": gini}
    with canvas(3.2) as (figure, ax):
        _draw(ax, say, at, share, top)
        _mark(ax, say("charts.concentration.mark", **figures), top)
        ax.annotate(say("charts.sales_concentration.gini", gini=gini), (_TOP, top), (10, -21),
                    textcoords="offset points", va="top", color=SOFT, fontsize=9)  # fmt: skip
        ax.set_title(say("charts.sales_concentration.title"))
    return Picture(figure, say("charts.sales_concentration.alt", **figures))


def _draw(ax: Axes, say: Words, at: Array, share: Array, top: float) -> None:
    """Draw the share of a sum over the share of customers, and the line of equal shares."""
    import seaborn as sns

    ax.fill_between(at, share, at, color=ACCENT, alpha=0.08, linewidth=0)
    ax.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
    sns.lineplot(x=at, y=share, color=ACCENT, estimator=None, ax=ax)
    ax.plot([_TOP, _TOP], [0, top], color=INK, linewidth=0.8)
    ax.plot([_TOP], [top], "o", color=INK, markersize=7)
    ax.text(0.72, 0.66, say("charts.concentration.equal"), color=SOFT, va="top", fontsize=9)
    ax.set(xlim=(0, 1), ylim=(0, max(1.0, share.max()) * 1.02))
    ax.set_xlabel(say("charts.concentration.customers"))
    ticks(ax.xaxis, say.percent, most=5)
    ticks(ax.yaxis, say.percent)


def _mark(ax: Axes, text: str, top: float) -> None:
    ax.annotate(text, (_TOP, top), (10, -4), textcoords="offset points", va="top", weight="bold")
