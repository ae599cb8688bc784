"""The figure on customers first seen: whether the data begin in mid-business."""

import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from cvm_analysis.charts.picture import Picture, check, nothing, ticks
from cvm_analysis.charts.style import ACCENT, BEFORE, canvas
from cvm_analysis.texts import Language, words


def acquisition(table: pd.DataFrame, language: Language = "en") -> Picture:
    """Draw customers first seen per week, those of the first wave in a colour of their own.

    Parameters
    ----------
    table : one row per week, indexed by its first day, as `Inflow.table` of clv.inflow makes it
        n_customers : first seen in the week
        initial : whether the week belongs to the first wave
    """
    if table.empty:
        return nothing(language)
    check(table, ["n_customers", "is_initial_stock"], "acquisition")
    say = words(language)
    counts = table["n_customers"].to_numpy(float)
    initial = table["is_initial_stock"].to_numpy(bool)
    days = pd.DatetimeIndex(table.index)
    colors = np.where(initial, BEFORE, ACCENT)
    with canvas(2.6) as (figure, ax):
        ax.bar(np.arange(len(counts)), counts, width=0.85, color=colors)
        ax.set_title(say("charts.acquisition.title"))
        ticks(ax.yaxis, say.short)
        step = -(-len(counts) // 5)
        ax.set_xticks(range(0, len(counts), step), [say.month(day) for day in days[::step]])
        if initial.any():
            names = (("charts.acquisition.wave", BEFORE), ("charts.acquisition.later", ACCENT))
            handles = [Patch(facecolor=color, label=say(name)) for name, color in names]
            ax.legend(handles=handles, loc="upper right", handlelength=0.9, handleheight=0.9)
    later = counts[~initial]
    said = {"weeks": say.number(len(counts)), "mean": say.number(later.mean() if len(later) else 0)}
    if not initial.any():
        return Picture(figure, say("charts.acquisition.alt", **said))
    said |= {"first": say.count("weeks", initial.sum()), "n": say.number(counts[initial].sum())}
    return Picture(figure, say("charts.acquisition.alt_wave", **said))
