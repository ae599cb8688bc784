"""Figures on model accuracy: expected (blue) beside actual (grey or black)."""

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cvm_analysis.charts.picture import Picture, categories, check, nothing, ticks
from cvm_analysis.charts.style import (
    ACCENT,
    BEFORE,
    INK,
    MARKERS,
    PAGE,
    SERIES,
    SOFT,
    WIDTH,
    canvas,
    styled,
)
from cvm_analysis.errors import InputError
from cvm_analysis.texts import Language, Words, words

Corner = Literal["upper left", "upper right"]


def calibration(table: pd.DataFrame, language: Language = "en") -> Picture:
    """Draw how many customers made 0, 1, 2, ... repeat purchases: bars are real, the line expected.

    Parameters
    ----------
    table : one row per number of repeat purchases, indexed by its label (`0`, `1`, ..., `7+`)
        actual : customers
        expected : customers the model expects
    """
    if table.empty:
        return nothing(language)
    check(table, ["actual", "expected"], "calibration")
    say = words(language)
    figure = _bars_and_line(table, say, "calibration", "upper right")
    widest = int((table["actual"] - table["expected"]).abs().to_numpy().argmax())
    alt = say(
        "charts.calibration.alt",
        x=str(table.index[widest]),
        actual=say.number(table["actual"].iloc[widest]),
        expected=say.number(table["expected"].iloc[widest]),
    )
    return Picture(figure, alt)


def holdout(table: pd.DataFrame, language: Language = "en") -> Picture:
    """Draw mean purchases in a period the models did not see, actual and forecast by each model.

    Parameters
    ----------
    table : one row per number of repeat purchases before the period, indexed by its label
        actual : mean purchases per customer in the period
        every other column : the same as forecast by a model; its name is a key under `models` in
        the texts (pareto_nbd, naive, ...)
    """
    if table.empty:
        return nothing(language)
    check(table, ["actual"], "holdout")
    say = words(language)
    names = {c: say(f"models.{c}") for c in table if c != "actual"}
    if len(names) > len(SERIES):
        raise InputError(f"holdout: {len(names)} models are too many for one figure; at most 5")
    x = np.arange(len(table))
    with canvas(3.4) as (figure, ax):
        ax.plot(x, table["actual"], color=INK, marker="o", markersize=7, linewidth=2.5, zorder=3,
                label=say("charts.holdout.actual"))  # fmt: skip
        for (column, name), color, marker in zip(names.items(), SERIES, MARKERS, strict=False):
            ax.plot(x, table[column], color=color, marker=marker, linewidth=1.5, label=name,
                    linestyle=(0, (4, 2)))  # fmt: skip
        ax.legend(loc="upper left")
        ax.set(title=say("charts.holdout.y"), xlabel=say("charts.holdout.x"))
        ax.set_ylim(bottom=0)
        categories(ax.xaxis, table.index)
        ticks(ax.yaxis, say.short)
    last = table.iloc[-1]
    alt = say(
        "charts.holdout.alt",
        models=say.listed(names.values()),
        x=str(table.index[-1]),
        actual=say.number(last["actual"], 2),
        forecasts=say.listed(f"{name} {say.number(last[c], 2)}" for c, name in names.items()),
    )
    return Picture(figure, alt)


def deciles(table: pd.DataFrame, language: Language = "en") -> Picture:
    """Draw mean purchases by tenths of customers by the forecast: bars are real, the line forecast.

    Parameters
    ----------
    table : one row per tenth, indexed by its number, 1 the lowest
        actual, expected : mean purchases per customer in the period held back
    """
    if table.empty:
        return nothing(language)
    check(table, ["actual", "expected"], "deciles")
    say = words(language)
    figure = _bars_and_line(table, say, "deciles", "upper left")
    last = table.iloc[-1]
    alt = say(
        "charts.deciles.alt",
        x=str(table.index[-1]),
        actual=say.number(last["actual"], 2),
        expected=say.number(last["expected"], 2),
    )
    return Picture(figure, alt)


def tracking(table: pd.DataFrame, language: Language = "en") -> Picture:
    """Draw repeat purchases week by week and added up, actual and as the model expects them.

    Parameters
    ----------
    table : one row per week, indexed by the day it ends
        actual, expected : repeat purchases in the week
        actual_so_far, expected_so_far : up to its end
        seen : whether the model was fitted to the week; a line marks the first it was not
    """
    if table.empty:
        return nothing(language)
    pairs = {"weekly": ("actual", "expected"), "so_far": ("actual_so_far", "expected_so_far")}
    check(table, [*pairs["weekly"], *pairs["so_far"], "seen"], "tracking")
    say = words(language)
    with styled():
        figure = Figure((WIDTH, 4.6))
        for ax, (name, columns) in zip(figure.subplots(2, sharex=True), pairs.items(), strict=True):
            _both(ax, table, columns, say)
            ax.set_title(say(f"charts.tracking.{name}"))
        top = figure.axes[0]
        top.legend(loc="upper left")
        if not table["seen"].all():
            top.text(1.0, 1.0, say("charts.tracking.unseen"), transform=top.transAxes, ha="right",
                     va="top", color=SOFT, fontsize=9.0)  # fmt: skip
        ticks(figure.axes[1].xaxis, lambda day: say.month(pd.Timestamp(day, unit="D")))
    last, unseen = table.iloc[-1], table.loc[~table["seen"], ["actual", "expected"]].sum()
    alt = say(
        "charts.tracking.alt",
        date=say.date(table.index[-1]),
        actual=say.number(last["actual_so_far"]),
        expected=say.number(last["expected_so_far"]),
    )
    if not table["seen"].all():
        counts = {name: say.number(count) for name, count in unseen.items()}
        alt = f"{alt} {say('charts.tracking.unseen_alt', **counts)}"
    return Picture(figure, alt)


def _bars_and_line(table: pd.DataFrame, say: Words, name: str, legend: Corner) -> Figure:
    """Draw what was as bars and what was expected as a line; words are under `charts.<name>`."""
    import seaborn as sns

    x = np.arange(len(table))
    with canvas(3.0) as (figure, ax):
        sns.barplot(
            x=x, y=table["actual"].to_numpy(), color=BEFORE, saturation=1, width=0.7,
            errorbar=None, label=say(f"charts.{name}.actual"), legend=False, ax=ax,
        )  # fmt: skip
        ax.plot(x, table["expected"], color=ACCENT, marker="o", markeredgecolor=PAGE,
                markersize=7, label=say(f"charts.{name}.expected"))  # fmt: skip
        ax.legend(loc=legend, reverse=True)
        ax.set(title=say(f"charts.{name}.y"), xlabel=say(f"charts.{name}.x"), ylabel="")
        categories(ax.xaxis, table.index)
        ticks(ax.yaxis, say.short)
    return figure


def _both(ax: Axes, table: pd.DataFrame, columns: tuple[str, str], say: Words) -> None:
    """Draw what was actual and expected over the days, and mark the weeks the model did not see."""
    days = (pd.DatetimeIndex(table.index) - pd.Timestamp(0)).days.to_numpy()
    actual, expected = columns
    ax.plot(days, table[actual], color=INK, linewidth=1.2, label=say("charts.tracking.actual"))
    ax.plot(days, table[expected], color=ACCENT, linestyle=(0, (4, 2)),
            label=say("charts.tracking.expected"))  # fmt: skip
    ax.set_ylim(0, 1.35 * float(table[list(columns)].to_numpy().max()) or 1.0)
    ticks(ax.yaxis, say.short)
    if not table["seen"].all():
        start = days[~table["seen"].to_numpy()][0] - 7
        ax.axvline(start, color=SOFT, linewidth=1.0)


def p_alive(values: pd.Series, language: Language = "en") -> Picture:
    """Draw how many customers are how likely to be still active.

    Parameters
    ----------
    values : one probability in [0, 1] per customer
    """
    if values.empty:
        return nothing(language)
    import seaborn as sns

    say = words(language)
    with canvas(2.6) as (figure, ax):
        sns.histplot(values.to_numpy(dtype=float), bins=20, binrange=(0, 1), shrink=0.9, alpha=1,
                     color=ACCENT, edgecolor="none", legend=False, ax=ax)  # fmt: skip
        ax.set(
            xlim=(0, 1), xlabel=say("charts.p_alive.x"), title=say("charts.p_alive.y"), ylabel=""
        )
        ticks(ax.xaxis, say.percent, most=5)
        ticks(ax.yaxis, say.short)
    alt = say(
        "charts.p_alive.alt",
        n=say.number(len(values)),
        high=say.number(int((values >= 0.8).sum())),
        upper=say.percent(0.8),
        low=say.number(int((values <= 0.2).sum())),
        lower=say.percent(0.2),
    )
    return Picture(figure, alt)
