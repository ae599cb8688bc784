"""The figure on changes in class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path

from cvm_analysis.charts.picture import Picture, check, nothing
from cvm_analysis.charts.style import INK, PAGE, SOFT, WARM, WIDTH, canvas, outline
from cvm_analysis.texts import Language, Words, words

SIDES = ("before", "after")
ALPHA = 0.88  # of the bands: where they cross, both are seen
COLORS = {"other": "#edf0f4", "stayed": "#d3dbe4", "rose": "#4c88ad", "fell": WARM}  # layers
_LEGEND: Any = "outside lower left"
_BARS, _LEAST, _GAP, _HEAD = 2.5, 0.36, 0.1, 0.26  # inches: all bars, least class, gap, top
_BAR, _PAD, _READABLE = 0.09, 0.07, 0.13  # inches: a bar's width, from it to words, a line's height
_LETTER, _MOST = (0.079, 0.14), (22, 11)  # a letter's inches, most letters: Latin, Chinese


@dataclass(frozen=True)
class _Layout:
    """Where classes stand, in inches from the top left; alike on both sides."""

    middles: dict[str, float]
    per_customer: float
    height: float
    margin: float  # for the words on each side

    def edge(self, side: str) -> float:
        """Where the bands of a side end: at the inner edge of its bars."""
        inner = self.margin + _BAR
        return inner if side == "before" else WIDTH - inner

    def top(self, code: str, n: float) -> float:
        return self.middles[code] - n * self.per_customer / 2


def transitions(table: pd.DataFrame, names: str = "classes", language: Language = "en") -> Picture:
    """Draw customers as bands from their class before (left) to that after (right), best on top.

    Parameters
    ----------
    table : one row per pair of classes, as `transition_matrix.count` or
        `transition_matrix.mean_counts` before, after : code; classes are drawn in the order in
        which they first appear
        move : fell, rose, stayed or other, the colour of the band
        n_customers : its height; bands high enough have it written where they begin
    names : the section of the texts that names the codes: classes, segments, grades; a code that
        has no word there or under `charts.flows` is written as it is
    """
    if table.empty:
        return nothing(language)
    check(table, [*SIDES, "move", "n_customers"], "transitions")
    bands = table[table["n_customers"] > 0]
    if bands.empty:
        return nothing(language)
    say = words(language)
    order = list(dict.fromkeys([*table["before"], *table["after"]]))
    named = {code: _name(code, names, say) for code in order}
    sizes = {side: bands.groupby(side)["n_customers"].sum() for side in SIDES}
    layout = _lay_out(order, named, sizes)
    with canvas(layout.height + 0.36) as (figure, ax):
        ax.set(xlim=(0, WIDTH), ylim=(layout.height, 0))
        ax.set_axis_off()
        _draw_bands(ax, say, _stacked(bands, sizes, layout), layout)
        for side in SIDES:
            _draw_side(ax, say, side, sizes[side], named, layout)
        _legend(figure, say, bands.groupby("move")["n_customers"].sum())
    return Picture(figure, _alt(say, bands, named))


def _name(code: str, names: str, say: Words) -> str:
    keys = [key for key in (f"{names}.{code}", f"charts.transitions.{code}") if key in say]
    name = say(keys[0]) if keys else str(code)
    most = _MOST[not name.isascii()]
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _lay_out(order: list[str], named: dict[str, str], sizes: dict[str, pd.Series]) -> _Layout:
    """Give each class that has customers the room of its larger bar, at least of two lines."""
    per_customer = _BARS / float(sizes["before"].sum())
    largest = pd.concat(sizes, axis=1).max(axis=1) * per_customer
    at, middles = _HEAD, {}
    for code in (each for each in order if each in largest):
        room = max(float(largest[code]), _LEAST)
        middles[code] = at + room / 2
        at += room + _GAP
    letters = (len(named[code]) * _LETTER[not named[code].isascii()] for code in middles)
    return _Layout(middles, per_customer, at, max(0.6, *letters) + _PAD)


def _stacked(bands: pd.DataFrame, sizes: dict[str, pd.Series], layout: _Layout) -> pd.DataFrame:
    """Add where each band begins and ends: in a bar, bands lie in the order of the rows."""
    placed = bands.assign(high=bands["n_customers"] * layout.per_customer)
    for side in SIDES:
        tops = placed[side].map({code: layout.top(code, n) for code, n in sizes[side].items()})
        above = placed.groupby(side)["high"].cumsum() - placed["high"]
        placed[f"{side}_top"] = tops + above
    return placed


def _draw_bands(ax: Axes, say: Words, bands: pd.DataFrame, layout: _Layout) -> None:
    left, right = (layout.edge(side) for side in SIDES)
    layers = {move: layer for layer, move in enumerate(COLORS)}
    for band in bands.itertuples():
        color = COLORS[str(band.move)]
        shape = _band(left, float(band.before_top), right, float(band.after_top), float(band.high))
        layer = layers[str(band.move)]
        edge = outline(color)
        ax.add_patch(PathPatch(shape, facecolor=(color, ALPHA), zorder=layer, **edge))
        if band.high >= _READABLE:
            ax.text(
                left + _PAD, band.before_top + band.high / 2, say.number(band.n_customers),
                va="center_baseline", fontsize=8.5, zorder=9,
                color=PAGE if band.move == "fell" else INK,
            )  # fmt: skip


def _band(left: float, top_left: float, right: float, top_right: float, high: float) -> Path:
    """A ribbon of even height that leaves and arrives level."""
    middle = (left + right) / 2
    upper = [(left, top_left), (middle, top_left), (middle, top_right), (right, top_right)]
    lower = [(x, y + high) for x, y in reversed(upper)]
    curve = [Path.CURVE4] * 3
    codes = [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY]
    return Path([*upper, *lower, upper[0]], codes)


def _draw_side(
    ax: Axes, say: Words, side: str, sizes: pd.Series, named: dict[str, str], layout: _Layout
) -> None:
    """The bars of one side, each with its name and customers beside it."""
    is_left = side == "before"
    edge, outward = layout.edge(side), -1 if is_left else 1
    text: dict[str, Any] = {"ha": "right" if is_left else "left", "color": SOFT, "fontsize": 9.0}
    beside = edge + outward * (_BAR + _PAD)
    ax.text(beside, 0.0, say(f"charts.transitions.{side}"), va="top", **text)
    for code, n in sizes.items():
        high, middle = n * layout.per_customer, layout.middles[str(code)]
        corner = (min(edge, edge + outward * _BAR), middle - high / 2)
        ax.add_patch(Rectangle(corner, _BAR, high, facecolor=INK, linewidth=0))
        ax.text(beside, middle, named[str(code)], va="bottom", **text | {"color": INK})
        ax.text(beside, middle + 0.02, say.number(n), va="top", **text)


def _legend(figure: Figure, say: Words, counts: pd.Series) -> None:
    labels = {
        move: say(f"charts.transitions.{move}", n=say.number(n)) for move, n in counts.items()
    }
    order = [move for move in reversed(COLORS) if move in labels]
    patches = [
        Patch(facecolor=COLORS[move], label=labels[move], **outline(COLORS[move])) for move in order
    ]
    figure.legend(
        handles=patches, loc=_LEGEND, ncols=4, handlelength=0.9, handleheight=0.9, columnspacing=1.0
    )


def _alt(say: Words, bands: pd.DataFrame, named: dict[str, str]) -> str:
    counts = bands.groupby("move")["n_customers"].sum()
    figures = {move: say.number(counts.get(move, 0)) for move in COLORS}
    alt = say("charts.transitions.alt", n=say.count("customers", counts.sum()), **figures)
    fell = bands[bands["move"] == "fell"]
    if fell.empty:
        return alt
    most = fell.loc[fell["n_customers"].idxmax()]
    pair = {side: named[most[side]] for side in SIDES}
    return say("charts.transitions.alt_fall", alt=alt, n=say.number(most["n_customers"]), **pair)
