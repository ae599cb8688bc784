"""What all figures share: how a figure becomes bytes that never change, its axes and its parts."""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cvm_analysis.charts.colors import follow_setting
from cvm_analysis.charts.digest import digest
from cvm_analysis.charts.style import FAINT, INK, MEASURED, PAGE, SCALE, SOFT, WIDTH, ink_on, styled
from cvm_analysis.errors import InputError
from cvm_analysis.texts import Language, Words, words

FONTS = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'PingFang SC', "
    "'Hiragino Sans GB', 'Microsoft YaHei', 'Noto Sans CJK SC', 'WenQuanYi Micro Hei', sans-serif"
)
_FAMILY = f"font-family: {', '.join(map(repr, MEASURED))}; "
_UNSEEN = {
    r' transform="rotate\(-0 [^"]*\)"': "",
    r'<g id="[^"]*"/>': "",
    r"\s*\n\s*": " ",
    r"> <": "><",
}
_CSS = '<style type="text/css">'


@dataclass(frozen=True)
class Picture:
    """A figure and the sentence that stands for it where it cannot be seen.

    A notebook shows it as SVG whose text is drawn with the reader's own fonts; the same table gives
    the same bytes. No font is embedded: without one for Chinese, a Chinese figure shows boxes.
    Colours follow the reader's light or dark setting; paper is light. A page that is dark must say
    `color-scheme: light dark`, for a browser tells its pictures the setting of the page.
    `figure` is the matplotlib figure, to be changed before it is shown.
    """

    figure: Figure = field(repr=False)
    alt: str

    def svg(self) -> str:
        """Return the figure as SVG text."""
        file = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        with styled():  # savefig would draw everything twice, first to lay it out
            FigureCanvasSVG(self.figure).print_svg(file, metadata=nothing)
        text = follow_setting(_shorten(file.getvalue().replace(_FAMILY, "")))
        fonts = f"text{{font-family:{FONTS};font-variant-numeric:tabular-nums}}"
        return text[text.index("<svg") :].replace(_CSS, _CSS + fonts, 1)

    def __repr__(self) -> str:
        return f"Picture({digest(self.figure)})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        return {"image/svg+xml": self.svg()}, {"image/svg+xml": {"alt": self.alt}}


def _shorten(svg: str) -> str:
    """Leave out what is not seen: empty groups, rotations by nothing, the third decimal, blanks."""
    for pattern, kept in _UNSEEN.items():
        svg = re.sub(pattern, kept, svg)
    return re.sub(r'="[^"<>]*"', lambda found: re.sub(r"(\d\.\d\d)\d+", r"\1", found[0]), svg)


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


def flatten(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose key may be its index, as result tables have it, with it in columns."""
    return table.reset_index(drop=table.index.names == [None])


def ticks(axis: Any, write: Callable[[Any], str], most: int = 4) -> None:
    """Label an axis with at most `most` + 1 round values, written by `write`."""
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))


def categories(axis: Any, labels: Iterable[Any], first: float = 0.0) -> None:
    """Label positions 0, 1, 2, ... of an axis; in a heat map the first middle is at 0.5."""
    names = [str(label) for label in labels]
    axis.set_ticks(first + np.arange(len(names)), names)


def titled(figure: Figure, title: str) -> None:
    """Put a title at the left edge of the whole figure."""
    figure.suptitle(title, x=0.005, ha="left", size=10.5, weight="bold")


def title_of_largest(say: Words, title: str, largest: str, drawn: int, groups: int) -> str:
    """Return a title; a second line, the text `largest`, if only some of the groups are drawn."""
    if drawn == groups:
        return say(title)
    return f"{say(title)}\n{say(largest, drawn=str(drawn), groups=str(groups))}"


def bare_rows(ax: Axes, labels: Sequence[str], keep: bool = False, first: float = 0.0) -> None:
    """Rows with names and no lines; `keep` leaves the lines of the x axis; `first`: categories."""
    categories(ax.yaxis, labels, first)
    ax.tick_params(axis="y", labelcolor=INK, pad=9)
    ax.grid(False, axis="y")
    ax.grid(keep, axis="x")
    ax.spines["bottom"].set_visible(False)


def heat(
    ax: Axes, values: np.ndarray, write: Callable[[Any], str], top: float, grey: int | None = None
) -> None:
    """Draw a heat map with the values written in, first row on top; cells begin at 0, 1, 2, ...

    `top` is the value of the darkest colour; empty cells stay white; column `grey` is not coloured.
    """
    is_grey = np.arange(values.shape[1]) == grey
    write_cells(ax, np.where(is_grey, np.nan, values), write, SCALE, (0, top / 0.9 or 1))
    if is_grey.any():
        write_cells(ax, np.where(is_grey, values, np.nan), write, ListedColormap([FAINT]), (0, 1))


def write_cells(
    ax: Axes,
    values: np.ndarray,
    write: Callable[[Any], str],
    scale: Colormap,
    ends: tuple[float, float],
    ink: str | None = None,
) -> None:
    """Add the cells that are not empty to a heat map, coloured by `scale` from end to end.

    ink : of the text; None: what can be read on each cell
    """
    import seaborn as sns

    written = len(ax.texts)
    texts = [["" if np.isnan(value) else write(value) for value in row] for row in values]
    sns.heatmap(
        values, ax=ax, cmap=scale, vmin=ends[0], vmax=ends[1], cbar=False, linecolor=PAGE,
        linewidths=1.5, annot=np.array(texts, dtype=object), fmt="",
        annot_kws={"fontsize": 9.0}, xticklabels=False, yticklabels=False,
    )  # fmt: skip
    colors = np.asarray(ax.collections[-1].get_facecolor())[~np.isnan(values).ravel()]
    for text, color in zip(ax.texts[written:], colors, strict=True):
        text.set_color(ink or ink_on(color))
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)
