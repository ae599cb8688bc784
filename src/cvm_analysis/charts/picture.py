"""What all figures share: how a figure becomes bytes that never change, its axes and its parts."""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cvm_analysis.charts.colors import follow_setting
from cvm_analysis.charts.digest import digest
from cvm_analysis.charts.style import FAINT, INK, MEASURED, SCALE, SOFT, WIDTH, ink_on, styled
from cvm_analysis.errors import InputError
from cvm_analysis.texts import Language, Words, words

FONTS = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'PingFang SC', "
    "'Hiragino Sans GB', 'Microsoft YaHei', 'Noto Sans CJK SC', 'WenQuanYi Micro Hei', sans-serif"
)
_FAMILY = f"font-family: {', '.join(map(repr, MEASURED))}; "
_CSS = '<style type="text/css">'


@dataclass(frozen=True)
class Picture:
    """A figure and the sentence that stands for it where it cannot be seen.

    A notebook shows it as SVG whose text is drawn with the reader's own fonts; the same table gives
    the same bytes. Its colours follow the reader's light or dark setting, and paper is light; a page
    in dark must say `color-scheme: light dark`, for browsers ask the page about its pictures. No font is embedded: without one for Chinese, a Chinese figure shows boxes.
    `figure` is the matplotlib figure, to be changed before it is shown.
    """

    figure: Figure = field(repr=False)
    alt: str

    def svg(self) -> str:
        """Return the figure as SVG text."""
        file = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        with styled():
            self.figure.savefig(file, format="svg", metadata=nothing)
        text = follow_setting(file.getvalue().replace(_FAMILY, ""))
        fonts = f"text{{font-family:{FONTS};font-variant-numeric:tabular-nums}}"
        return text[text.index("<svg") :].replace(_CSS, _CSS + fonts, 1)

    def __repr__(self) -> str:
        return f"Picture({digest(self.figure)})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        return {"image/svg+xml": self.svg()}, {"image/svg+xml": {"alt": self.alt}}


def nothing(language: Language) -> Picture:
    """Return the picture that stands where a table has no rows: a sentence that says so."""
    said = words(language)("charts.nothing")
    with styled():
        figure = Figure((WIDTH, 0.6))
        figure.text(0.0, 0.5, said, color=SOFT, va="center")
    return Picture(figure, said)


def check(table: pd.DataFrame | pd.Series, columns: Iterable[Any], figure: str) -> None:
    """Raise InputError if the table lacks one of `columns`."""
    absent = [str(c) for c in columns if c not in table]
    if absent:
        have = ", ".join(map(str, table.columns))
        raise InputError(f"{figure}: the table lacks {', '.join(absent)}; it has {have}")


def ticks(axis: Any, write: Callable[[Any], str], most: int = 4) -> None:
    """Label an axis with at most `most` + 1 round values, written by `write`."""
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))


def categories(axis: Any, labels: Iterable[Any]) -> None:
    """Label positions 0, 1, 2, ... of an axis."""
    names = [str(label) for label in labels]
    axis.set_ticks(range(len(names)), names)


def titled(figure: Figure, title: str) -> None:
    """Put a title at the left edge of the whole figure."""
    figure.suptitle(title, x=0.005, ha="left", size=10.5, weight="bold")


def title_of_largest(say: Words, title: str, largest: str, drawn: int, groups: int) -> str:
    """Return a title; a second line, the text `largest`, if only some of the groups are drawn."""
    if drawn == groups:
        return say(title)
    return f"{say(title)}\n{say(largest, drawn=str(drawn), groups=str(groups))}"


def bare_rows(ax: Axes, labels: Sequence[str], keep: bool = False) -> None:
    """Rows with names and no lines; `keep` leaves the lines of the x axis."""
    categories(ax.yaxis, labels)
    ax.tick_params(axis="y", labelcolor=INK, pad=9)
    ax.grid(False, axis="y")
    ax.grid(keep, axis="x")
    ax.spines["bottom"].set_visible(False)


def heat(
    ax: Axes, values: np.ndarray, write: Callable[[Any], str], top: float, grey: int | None = None
) -> None:
    """Draw a grid of coloured cells with their values written in, first row on top.

    `top` is the value of the darkest colour; empty cells stay white; column `grey` is not coloured.
    """
    rows, columns = values.shape
    shades = SCALE(np.clip(np.nan_to_num(values) / top, 0, 1) * 0.9 if top > 0 else values * 0)
    for i, j in np.argwhere(~np.isnan(values)):
        shade = FAINT if j == grey else shades[i, j]
        cell(ax, i, j, shade, write(values[i, j]), ink_on(shade))
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)


def cell(ax: Axes, row: int, column: int, color: Any, text: str, ink: Any) -> None:
    """Draw one cell of a heat map and the text in it."""
    corner = (column - 0.5, row - 0.5)
    ax.add_patch(Rectangle(corner, 1, 1, facecolor=color, edgecolor="white", linewidth=1.5))
    ax.text(column, row, text, ha="center", va="center", color=ink, fontsize=9.0)
