"""What all figures share: style, colours, and how a figure becomes bytes that never change."""

import io
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Any

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cvm_analysis.charts.digest import digest
from cvm_analysis.errors import InputError
from cvm_analysis.texts import Language, words

INK, SOFT, LINE, FAINT, ACCENT = "#1b2430", "#5a6675", "#e4e8ee", "#f1f4f7", "#0b5d8f"
SERIES = ("#0b5d8f", "#c8651b", "#2a8f7f", "#8a5a9e", "#b08d1a")  # told apart by colour-blind eyes
MARKERS = ("s", "^", "D", "v", "P")
SCALE = LinearSegmentedColormap.from_list("accent", ["#f3f8fb", "#7fb2d1", ACCENT, "#083d5f"])
WIDTH = 5.4  # inches: about 520 px, still readable at the width of a phone

FONTS = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'PingFang SC', "
    "'Hiragino Sans GB', 'Microsoft YaHei', 'Noto Sans CJK SC', 'WenQuanYi Micro Hei', sans-serif"
)
_CHINESE = "Noto Sans CJK SC"
_MEASURED = ["DejaVu Sans", _CHINESE]  # what text is measured with, not drawn
_FAMILY = f"font-family: {', '.join(map(repr, _MEASURED))}; "
_CSS = '<style type="text/css">'

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": SOFT,
    "axes.labelsize": 9.5,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.06,
    "font.family": _MEASURED,
    "font.size": 10.0,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "legend.borderaxespad": 0.0,
    "legend.fontsize": 9.5,
    "legend.edgecolor": "none",
    "legend.fancybox": False,
    "legend.framealpha": 1.0,
    "legend.labelcolor": INK,
    "lines.linewidth": 2.0,
    "lines.markersize": 5.0,
    "path.simplify": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "cvm-analysis",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": LINE,
    "xtick.labelcolor": SOFT,
    "xtick.labelsize": 9.5,
    "xtick.major.pad": 6.0,
    "xtick.major.size": 0.0,
    "ytick.color": LINE,
    "ytick.labelcolor": SOFT,
    "ytick.labelsize": 9.5,
    "ytick.major.size": 0.0,
}


@dataclass(frozen=True)
class Picture:
    """A figure and the sentence that stands for it where it cannot be seen.

    A notebook shows it as SVG whose text is drawn with the reader's own fonts; the same table gives
    the same bytes. No font is embedded: who has none for Chinese sees boxes in a Chinese figure.
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
        text = file.getvalue().replace(_FAMILY, "")
        fonts = f"text{{font-family:{FONTS};font-variant-numeric:tabular-nums}}"
        return text[text.index("<svg") :].replace(_CSS, _CSS + fonts, 1)

    def __repr__(self) -> str:
        return f"Picture({digest(self.figure)})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        return {"image/svg+xml": self.svg()}, {"image/svg+xml": {"alt": self.alt}}


def styled() -> AbstractContextManager[None]:
    """Return a context in which matplotlib draws in our style, whatever was set before."""
    _know_chinese()
    return matplotlib.style.context(["default", STYLE])


@cache
def _know_chinese() -> None:
    """Tell matplotlib, once in a process, of the font that Chinese is measured with.

    The file holds all weights but is known by its thinnest; Chinese is equally wide in each.
    """
    from matplotlib.font_manager import fontManager

    fontManager.addfont(str(resources.files("manimgx_fonts_cjk") / "NotoSansCJK-VF.otf.ttc"))
    thin = [font for font in fontManager.ttflist if font.name == _CHINESE]
    fontManager.ttflist += [replace(font, weight=w) for font in thin for w in (400, 700)]


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
        ax.add_patch(_cell(i, j, shade))
        dark = j != grey and np.dot(shades[i, j, :3], (0.299, 0.587, 0.114)) < 0.5
        ax.text(
            j, i, write(values[i, j]), ha="center", va="center",
            color="white" if dark else INK, fontsize=9.0,
        )  # fmt: skip
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)


def _cell(row: int, column: int, color: Any) -> Any:
    from matplotlib.patches import Rectangle

    corner = (column - 0.5, row - 0.5)
    return Rectangle(corner, 1, 1, facecolor=color, edgecolor="white", linewidth=1.5)
