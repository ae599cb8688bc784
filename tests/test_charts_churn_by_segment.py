"""The heat map of hazard ratios by segment says what its table says, in every language."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from test_charts import texts

from cvm_analysis import charts
from cvm_analysis.charts.style import FAINT, INK, SOFT
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words

RATIOS = {  # segment: (feature, ratio, low, high), ...
    "champions": [("rate", 1.67, 1.5, 1.9), ("late_share", 0.96, 0.94, 0.98)],
    "loyal": [("rate", 1.21, 0.9, 1.6), ("late_share", 0.36, 0.3, 0.4)],
    "lost": [("rate", np.nan, np.nan, np.nan), ("late_share", 0.99, 0.8, 1.2)],
}


def table(ratios=RATIOS):
    rows = [(s, f, 100 - i, *v) for i, s in enumerate(ratios) for f, *v in ratios[s]]
    columns = ["segment", "feature", "events", "hazard_ratio", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def many(n=11):
    return table({f"s_{i}": [("rate", 1 + i / 10, 0.5, 3)] for i in range(n)})


def cells(picture):
    """Colour, text and colour of the text of each cell, row by row; without colour: white."""
    (ax,) = picture.figure.axes
    shades = {}
    for mesh in ax.collections:
        known = ~np.ma.getmaskarray(mesh.get_array())
        colors = mesh.get_facecolor().reshape(*known.shape, 4)[..., :3]
        shades |= {(i + 0.5, j + 0.5): tuple(colors[i, j]) for i, j in np.argwhere(known)}
    written = {t.get_position()[::-1]: (t.get_text(), t.get_color()) for t in ax.texts}
    assert set(shades) <= set(written)
    return [(shades.get(at, (1.0, 1.0, 1.0)), *written[at]) for at in sorted(written)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_figure_is_drawn_in_every_language(language):
    picture = charts.churn_by_segment(table(), language, ["rate"])
    assert len(picture.alt) > 30 and "{" not in picture.alt and picture.alt[-1] in ".。"
    assert picture.svg() == charts.churn_by_segment(table(), language, ["rate"]).svg()
    names = {words(language)(f"segments.{code}") for code in RATIOS}
    assert names <= set(texts(picture))


@pytest.mark.parametrize("nothing", [pd.DataFrame(), table().assign(hazard_ratio=np.nan)])
def test_where_nothing_can_be_told_the_picture_says_so(nothing):
    assert charts.churn_by_segment(nothing).alt == words("en")("charts.nothing")


def test_each_cell_has_its_ratio_and_what_is_not_known_a_dash():
    found = [text for _, text, _ in cells(charts.churn_by_segment(table()))]
    assert found == ["1.67", "1.21", "–", "0.96", "0.36", "0.99"]


def test_colour_says_which_way_how_far_and_how_sure():
    more, unsure, empty, little, less, unsure_too = cells(charts.churn_by_segment(table()))
    assert more[0][2] > more[0][0] and less[0][0] > less[0][2] and little[0][0] > little[0][2]
    assert unsure[0] == unsure_too[0] == to_rgb(FAINT) and empty[0] == to_rgb("white")
    assert np.mean(less[0]) < np.mean(little[0])
    assert {unsure[2], empty[2], unsure_too[2]} == {SOFT} and more[2] == INK


def test_a_factor_and_its_reciprocal_are_equally_deep():
    pair = {s: [("rate", r, r / 1.1, r * 1.1)] for s, r in {"new": 2.0, "lost": 0.5}.items()}
    up, down = cells(charts.churn_by_segment(table(pair)))
    farther, beyond = (
        cells(charts.churn_by_segment(table({"new": [("rate", r, r / 1.1, r * 1.1)]})))[0][0]
        for r in (3.0, 30.0)
    )
    assert farther == beyond and np.mean(farther) < np.mean(up[0])
    colors = cells(charts.churn_by_segment(table({"new": [("rate", 1.2, 1.1, 1.3)]})))[0][0]
    assert np.mean(colors) > np.mean(up[0])
    assert np.mean(down[0]) == pytest.approx(np.mean(up[0]), abs=0.12)


def test_features_that_differ_are_marked_and_said():
    picture = charts.churn_by_segment(table(), differing=["rate"])
    said = texts(picture)
    assert {"Purchase days per year ≠", "(doubled)", "Share delivered late"} <= set(said)
    assert picture.alt.endswith("by more than chance in: Purchase days per year.")
    assert "Purchase days per year from 1.21 (Loyal) to 1.67 (Champions)" in picture.alt
    assert "excludes 1 in 3 of 5 cells" in picture.alt
    assert "more than chance" not in charts.churn_by_segment(table()).alt


def test_segments_stand_in_the_order_of_the_table_and_the_largest_are_drawn():
    turned = table().iloc[::-1]
    names = [
        t for t in texts(charts.churn_by_segment(turned)) if t in ("Champions", "Loyal", "Lost")
    ]
    assert names == ["Lost", "Loyal", "Champions"]
    picture = charts.churn_by_segment(many().iloc[::-1])
    found = [t for t in texts(picture) if t.startswith("s_")]
    assert found == [f"s_{i}" for i in reversed(range(8))]
    assert "The 8 of 11 segments with the most returning customers" in texts(picture)
    assert "from 1.00 (s_0) to 1.70 (s_7)" in picture.alt


def test_a_single_segment_and_large_ratios():
    picture = charts.churn_by_segment(
        table({"new": [("rate", 123.4, 2, 9000), ("nps", np.nan, np.nan, np.nan)]})
    )
    assert [text for _, text, _ in cells(picture)] == ["123", "–"]
    assert "Purchase days per year 123 (New)." in picture.alt


def test_a_ratio_that_may_be_anything_is_a_dash():
    """An interval that holds 1 and spans a tenfold; a wide one that leaves 1 out says its way."""
    rows = {"new": [("rate", 1.1, 0.3, 4.0), ("nps", 1.1, 0.3, 2.9), ("grade", 9.0, 1.5, 54)]}
    picture = charts.churn_by_segment(table(rows))
    assert [text for _, text, _ in cells(picture)] == ["–", "1.10", "9.00"]
    assert "in 1 of 2 cells" in picture.alt and "Purchase days" not in picture.alt
    vague = table({"new": [("rate", 1.1, 0.1, 9.0)]})
    assert charts.churn_by_segment(vague).alt == words("en")("charts.nothing")


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="churn_by_segment: the table lacks events"):
        charts.churn_by_segment(table().drop(columns="events"))
