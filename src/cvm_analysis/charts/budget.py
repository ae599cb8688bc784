"""What money brings: the net gain of the best plan for each budget."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.charts.picture import Picture, check, nothing, ticks
from cvm_analysis.charts.style import ACCENT, INK, canvas
from cvm_analysis.texts import Language, words

ENOUGH = 0.999  # of the largest net gain: more money adds nothing


def budget_curve(
    curve: pd.DataFrame, currency: str, budget: float | None = None, language: Language = "en"
) -> Picture:
    """Draw the expected net gain against the budget, and mark today's budget.

    Parameters
    ----------
    curve : one row per budget, rising, as `strategy.budget.curve`: budget, net_gain
    budget : today's, in the currency; None: no limit, the last row is marked
    """
    if len(curve) < 2:
        return nothing(language)
    check(curve, ["budget", "net_gain"], "budget_curve")
    say = words(language)
    at = min(budget, curve["budget"].max()) if budget is not None else curve["budget"].max()
    gain = _find_gain(curve, at)
    enough = curve.loc[curve["net_gain"] >= ENOUGH * curve["net_gain"].max(), "budget"].iloc[0]
    mark = {"budget": say.short(at, currency), "gain": say.short(gain, currency)}
    with canvas(2.9) as (figure, ax):
        ax.fill_between(
            curve["budget"], 0, curve["net_gain"], color=ACCENT, alpha=0.08, linewidth=0
        )
        ax.plot(curve["budget"], curve["net_gain"], color=ACCENT)
        ax.plot([at], [gain], "o", color=INK, markersize=7, clip_on=False)
        ax.annotate(
            say("charts.budget_curve.mark", **mark), (at, gain), (-8, -16),
            textcoords="offset points", ha="right", va="top", weight="bold",
        )  # fmt: skip
        ax.set(xlim=(0, curve["budget"].max()), ylim=(0, max(curve["net_gain"].max(), 1) * 1.08))
        ax.set_title(say("charts.budget_curve.title"))
        ax.set_xlabel(say("charts.budget_curve.x"))
        ticks(ax.xaxis, lambda value: say.short(value, currency))
        ticks(ax.yaxis, lambda value: say.short(value, currency))
    written = say.short(enough, currency)
    return Picture(figure, say("charts.budget_curve.alt", enough=written, **mark))


def _find_gain(curve: pd.DataFrame, budget: float) -> float:
    """The net gain of the largest budget of the curve within this one."""
    upto = curve[curve["budget"] <= budget]
    return float(upto["net_gain"].iloc[-1]) if len(upto) else 0.0
