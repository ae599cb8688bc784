"""Text and marks of every chart stand out from what lies behind them (WCAG 2.2, level AA).

Measured in what is drawn: each figure is drawn without its text, and each text is compared with the
colours of the pixels it covers. Dark colours are those that `colors.darken` gives.
"""

import numpy as np
import pytest
import test_charts
import test_charts_acquisition
import test_charts_budget
import test_charts_churn
import test_charts_churn_by_segment
import test_charts_churn_profiles
import test_charts_clusters
import test_charts_concentration
import test_charts_grades
import test_charts_margin
import test_charts_products
import test_charts_rates
import test_charts_risk
import test_charts_sales
import test_charts_timeline
import test_charts_transitions
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex, to_rgba
from matplotlib.text import Text

from cvm_analysis import charts
from cvm_analysis.charts import colors, style

TEXT, MARK = 4.5, 3.0  # least contrast
BEHIND = 0.1  # of the area of a text: what covers less of it crosses it, as a grid line does
EXAMPLES = {
    **test_charts.PICTURES,
    **test_charts_churn.PICTURES,
    **test_charts_churn_profiles.PICTURES,
    **test_charts_concentration.PICTURES,
    **test_charts_grades.PICTURES,
    **test_charts_margin.PICTURES,
    **test_charts_products.PICTURES,
    **test_charts_rates.PICTURES,
    **test_charts_risk.PICTURES,
    **test_charts_sales.PICTURES,
    **test_charts_timeline.PICTURES,
    "acquisition": lambda: charts.acquisition(test_charts_acquisition.table()),
    "budget_curve": lambda: charts.budget_curve(test_charts_budget.CURVE, "CNY", 800.0),
    "churn_by_segment": lambda: charts.churn_by_segment(test_charts_churn_by_segment.table()),
    "cluster_profile": lambda: charts.cluster_profile(
        test_charts_clusters.profile(), "en", test_charts_clusters.medians()
    ),
    "survival_of_six": lambda: charts.survival(test_charts_churn.curves(tuple("abcdef"))),
    "transitions": lambda: charts.transitions(test_charts_transitions.table()),
}


def _seen(patch):
    """The colour by which an area is told from the page: of its edge, if it has one."""
    has_edge = patch.get_linewidth() and to_rgba(patch.get_edgecolor())[3]
    return patch.get_edgecolor() if has_edge else patch.get_facecolor()


def _on_page(color):
    """What a colour looks like on white; a pale shade between edges, or below a line, is none."""
    *rgb, alpha = to_rgba(color)
    return style.PAGE if alpha < 0.2 else to_hex(1 - alpha * (1 - np.array(rgb)))


LINES_TO_READ_BY = {style.LINE}


@pytest.fixture(scope="module")
def figures():
    return {name: EXAMPLES[name]().figure for name in EXAMPLES}


def test_every_chart_has_an_example():
    assert {*charts.__all__} - {"Picture"} <= {*EXAMPLES}


@pytest.mark.parametrize("name", EXAMPLES)
def test_text_can_be_read_on_what_lies_behind_it(name, figures):
    drawn, pixels = _drawn(figures[name])
    assert drawn
    for text, box in drawn:
        for behind in _behind(pixels, box):
            ink = to_hex(text.get_color())
            light = colors.contrast_ratio(ink, behind)
            dark = colors.contrast_ratio(colors.darken(ink), colors.darken(behind))
            assert min(light, dark) >= TEXT, (text.get_text(), ink, behind, light, dark)


@pytest.mark.parametrize("name", EXAMPLES)
def test_marks_stand_out_from_the_page(name, figures):
    for color in _marks(figures[name]) - LINES_TO_READ_BY:
        light = colors.contrast_ratio(color, style.PAGE)
        dark = colors.contrast_ratio(colors.darken(color), colors.DARK_PAGE)
        assert min(light, dark) >= MARK, (color, light, dark)


def _drawn(figure):
    """Every text with its box in pixels, and the figure without them."""
    with style.styled():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        shown = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
        boxes = [t.get_window_extent(canvas.get_renderer()) for t in shown]
        for text in shown:
            text.set_alpha(0)
        figure.set_layout_engine("none")
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()
        for text in shown:
            text.set_alpha(None)
    return list(zip(shown, boxes, strict=True)), pixels


def _behind(pixels, box):
    """The colours that cover a good part of a box."""
    height, width = pixels.shape[:2]
    top, bottom = np.clip([height - box.y1, height - box.y0], 0, height).astype(int)
    left, right = np.clip([box.x0, box.x1], 0, width).astype(int)
    part = pixels[top : bottom + 1, left : right + 1].reshape(-1, 3)
    found, counts = np.unique(part, axis=0, return_counts=True)
    return [to_hex(color / 255) for color in found[counts >= BEHIND * len(part)]]


def _marks(figure):
    """Colours of the lines, markers, bars and areas of a figure; heat maps have figures in them."""
    found = set()
    for ax in figure.axes:
        for line in ax.lines:
            filled = line.get_markerfacecolor() not in ("none", style.PAGE)
            found |= {line.get_color()} | ({line.get_markerfacecolor()} if filled else set())
        found |= {_seen(patch) for patch in ax.patches}
        for collection in ax.collections:
            if isinstance(collection, QuadMesh):
                continue
            found |= {tuple(color) for color in collection.get_edgecolor()}
            found |= {tuple(color) for color in collection.get_facecolor()}
    return {_on_page(color) for color in found} - {style.PAGE}
