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
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

INK, SOFT, LINE, FAINT, ACCENT = "#1b2430", "#5a6675", "#e4e8ee", "#f1f4f7", "#0b5d8f"
SERIES = (
    "#0b5d8f",
    "#c8651b",
    "#2a8f7f",
    "#8a5a9e",
    "#b08d1a",
)  # distinct to colour-blind readers
MARKERS = ("s", "^", "D", "v", "P")
SCALE = LinearSegmentedColormap.from_list("accent", ["#f3f8fb", "#7fb2d1", ACCENT, "#083d5f"])
WIDTH = 5.4  # inches: about 520 px, still readable at the width of a phone

_CHINESE = "Noto Sans CJK SC"
BOX = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}  # a box behind text
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
    """Return the colour in which text can be read on another."""
    return "white" if np.dot(to_rgb(color), (0.299, 0.587, 0.114)) < 0.5 else INK
