"""Figures that tell how far a model can be trusted: what it expected beside what happened."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cvm_analysis.charts.picture import (
    ACCENT,
    INK,
    MARKERS,
    SERIES,
    WIDTH,
    Picture,
    categories,
    check,
    nothing,
    styled,
    ticks,
)
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words


def calibration(table: pd.DataFrame, language: str = "en") -> Picture:
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
    x = np.arange(len(table))
    with styled():
        figure = Figure((WIDTH, 3.0))
        ax = figure.subplots()
        ax.bar(x, table["actual"], color=ACCENT, width=0.7, label=say("charts.calibration.actual"))
        ax.plot(x, table["expected"], color=SERIES[1], marker="o", markeredgecolor="white",
                markersize=7, label=say("charts.calibration.expected"))  # fmt: skip
        ax.legend(loc="upper right", reverse=True)
        ax.set_title(say("charts.calibration.customers"))
        ax.set_xlabel(say("charts.calibration.x"))
        categories(ax.xaxis, table.index)
        ticks(ax.yaxis, say.short)
    widest = int((table["actual"] - table["expected"]).abs().to_numpy().argmax())
    alt = say(
        "charts.calibration.alt",
        x=str(table.index[widest]),
        actual=say.number(table["actual"].iloc[widest]),
        expected=say.number(table["expected"].iloc[widest]),
    )
    return Picture(figure, alt)


def holdout(table: pd.DataFrame, language: str = "en") -> Picture:
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
    with styled():
        figure = Figure((WIDTH, 3.4))
        ax = figure.subplots()
        ax.plot(x, table["actual"], color=INK, marker="o", markersize=7, linewidth=2.5, zorder=3,
                label=say("charts.holdout.actual"))  # fmt: skip
        for (column, name), color, marker in zip(names.items(), SERIES, MARKERS, strict=False):
            ax.plot(x, table[column], color=color, marker=marker, linewidth=1.5, label=name,
                    linestyle=(0, (4, 2)))  # fmt: skip
        ax.legend(loc="upper left")
        ax.set_title(say("charts.holdout.y"))
        ax.set_xlabel(say("charts.holdout.x"))
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


def p_alive(values: pd.Series, language: str = "en") -> Picture:
    """Draw how many customers are how likely to be still active.

    Parameters
    ----------
    values : one probability in [0, 1] per customer
    """
    if values.empty:
        return nothing(language)
    say = words(language)
    counts, edges = np.histogram(values.to_numpy(dtype=float), bins=20, range=(0, 1))
    with styled():
        figure = Figure((WIDTH, 2.6))
        ax = figure.subplots()
        ax.bar(edges[:-1], counts, width=0.045, align="edge", color=ACCENT)
        ax.set(xlim=(0, 1), xlabel=say("charts.p_alive.x"))
        ax.set_title(say("charts.p_alive.y"))
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
