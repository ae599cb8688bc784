"""The style of all figures: colours, width, matplotlib settings, the font of measured text."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure

from cvm_analysis.charts import colors

PAGE, INK, SOFT, LINE, FAINT = "#ffffff", "#1b2430", "#5a6675", "#e4e8ee", "#f1f4f7"
ACCENT, WARM = "#0b5d8f", "#a8480b"  # this year, what is forecast; less than it should be
BEFORE = "#8793a1"  # last year; what happened, beside its forecast; what chance would do
RANGE = "#5f93b7"  # where values may lie, behind a point
DARK = {  # the same on a dark page, as `colors.darken` has it; for the page that shows the pictures
    PAGE: colors.DARK_PAGE,
    INK: "#e5f0ff",
    SOFT: "#8894a3",
    LINE: "#222933",
    FAINT: "#1a2129",
    ACCENT: "#6da8d7",
    WARM: "#d27d56",
    BEFORE: "#5c6775",
}
SERIES = (ACCENT, WARM, "#23806f", "#6b2c6e", "#5b4a00")  # distinct to colour-blind readers
MARKERS = ("s", "^", "D", "v", "P")
WIDTH = 5.4  # inches: about 520 px, still readable at the width of a phone

_SEEN = 3.0  # contrast of an area that a reader must see
_LEGIBLE = 4.55  # contrast of text in a cell: 4.5, and what rounding may take
_CHINESE = "Noto Sans CJK SC"
BOX = {"facecolor": PAGE, "edgecolor": "none", "pad": 0.6}  # a box behind text
MEASURED = ["DejaVu Sans", _CHINESE]  # what text is measured with, not drawn

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
    "font.family": MEASURED,
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


@contextmanager
def canvas(height: float, width: float = WIDTH) -> Iterator[tuple[Figure, Axes]]:
    """Give an empty figure, in inches, and its axes, to be drawn on in our style."""
    with styled():
        figure = Figure((width, height))
        yield figure, figure.subplots()


def ink_on(color: Any) -> str:
    """Return the colour in which text can be read on another: the page's or that of text."""
    return max(PAGE, INK, key=lambda ink: colors.contrast_ratio(ink, color))


def outline(color: Any) -> dict[str, Any]:
    """Return the edge of an area: one that is seen where the area is nearly as pale as paper."""
    is_pale = colors.contrast_ratio(color, PAGE) < _SEEN
    return {"edgecolor": BEFORE, "linewidth": 0.6} if is_pale else {"linewidth": 0.0}


def shades(*ends: str) -> Colormap:
    """Return the colours from one to the next, but for those on which no text can be read.

    Between light shades, for dark text, and dark ones, for light text, lies a narrow band where the
    contrast of both is too low; a shade in it gives way to the nearer of its ends.
    """
    smooth = LinearSegmentedColormap.from_list("smooth", ends)(np.linspace(0, 1, 256))
    contrasts = [max(colors.contrast_ratio(ink, c) for ink in (PAGE, INK)) for c in smooth]
    legible = np.flatnonzero(np.array(contrasts) >= _LEGIBLE)
    nearest = [legible[np.abs(legible - i).argmin()] for i in range(len(smooth))]
    return ListedColormap(smooth[nearest])


SCALE = shades("#f3f8fb", "#7fb2d1", ACCENT, "#083d5f")
