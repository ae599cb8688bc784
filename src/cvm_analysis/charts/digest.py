"""A figure in one line: how many values it shows, and their means; not its words or colours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cvm_analysis.arrays import Array
from cvm_analysis.charts.style import PAGE
from cvm_analysis.texts import figures_in


def digest(figure: Figure) -> str:
    """Say what is drawn: the number of points, their mean place, shades, and the figures written.

    Means are of all points and of the first half of them, so that the same points in another order
    give another line. Hollow markers say something else than full ones, so they are counted.
    """
    points = [part.reshape(-1, 2) for ax in figure.axes for part in _points(ax)]
    every = np.concatenate(points) if points else np.empty((0, 2))
    shades = [np.ravel(each) for ax in figure.axes for each in _shades(ax)]
    written = [t.get_text() for ax in figure.axes for t in (*ax.texts, ax.title)]
    parts = [f"{len(every)} points", _means(every[:, 0]), _means(every[:, 1])]
    parts += [_means(each) for each in shades]
    lines = [line for ax in figure.axes for line in ax.lines]
    hollow = sum([np.size(line.get_xdata()) for line in lines if _is_hollow(line)])
    parts += [f"{hollow} hollow"] if hollow else []
    return "; ".join([*parts, *figures_in(" ".join(written))])


def _points(ax: Axes) -> Iterator[Array]:
    """The points of lines, bars, areas and markers, in the units of the axes."""
    for line in ax.lines:
        yield np.asarray(line.get_xydata(), float)
    for patch in ax.patches:
        yield patch.get_patch_transform().transform(patch.get_path().vertices)
    for collection in ax.collections:
        yield np.ma.filled(np.ma.asarray(collection.get_offsets(), float), np.nan)
        for path in collection.get_paths():
            yield np.asarray(path.vertices, float)


def _shades(ax: Axes) -> Iterator[Array]:
    """The values that colours stand for."""
    for mappable in (*ax.collections, *ax.images):
        values = mappable.get_array()
        if values is not None:
            yield np.ma.filled(np.ma.asarray(values, float), np.nan)


def _is_hollow(line: Line2D) -> bool:
    return line.get_marker() != str(None) and line.get_markerfacecolor() in (PAGE, "none")


def _means(values: Array) -> str:
    known = values[np.isfinite(values)]
    half = known[: (len(known) + 1) // 2]
    return f"{known.mean():.5g} {half.mean():.5g}" if len(known) else "-"
