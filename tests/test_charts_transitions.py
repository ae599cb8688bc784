"""Bands are as high as their customers are many, and begin and end in their classes."""

import re
from itertools import pairwise

import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch, Rectangle
from test_charts import CHINESE, HOSTILE, texts

from cvm_analysis import charts
from cvm_analysis.charts.transitions import COLORS
from cvm_analysis.errors import InputError
from cvm_analysis.segments.transitions import transition_matrix
from cvm_analysis.texts import words

ORDER = ["high", "mid", "low"]


def moved(**pairs):
    """`high_mid=30`: 30 customers went from high to mid; not_yet has no class before."""
    both = [
        (before if before != "new" else None, after)
        for pair, n in pairs.items()
        for before, after in [pair.split("_", 1)] * n
    ]
    before, after = (pd.Series(side, dtype=object) for side in zip(*both, strict=True))
    return transition_matrix.count(before, after, None, ORDER)


def table():
    return moved(
        high_high=500, high_mid=300, high_low=200, mid_high=100, mid_mid=900, low_low=1000,
        new_low=400,
    )  # fmt: skip


def bands(picture):
    (ax,) = picture.figure.axes
    return [patch for patch in ax.patches if isinstance(patch, PathPatch)]


def bars(picture):
    (ax,) = picture.figure.axes
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def sides(band):
    """Top and bottom of a band where it begins and where it ends."""
    points = band.get_path().vertices
    return (points[0, 1], points[7, 1]), (points[3, 1], points[4, 1])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_drawn_in_every_language_with_the_same_bytes(language):
    picture = charts.transitions(table(), language=language)
    assert "{" not in picture.alt and "3,400" in picture.alt
    assert picture.svg() == charts.transitions(table(), language=language).svg()
    assert len(picture.svg()) < 40_000


def test_in_chinese_every_word_is():
    picture = charts.transitions(table(), language="zh")
    for text in [*texts(picture), picture.alt]:
        assert not re.search("[A-Za-z]", text), text
    assert any(CHINESE.search(text) for text in texts(picture))


def test_the_sentence_counts_the_moves_and_names_the_largest_fall():
    alt = charts.transitions(table()).alt
    assert "Flows of 3,400 customers from" in alt
    assert "The largest downgrade: 300 from High to Mid." in alt
    assert "largest fall" not in charts.transitions(moved(low_high=3, mid_mid=2)).alt


def test_classes_carry_their_names_and_customers_on_both_sides():
    shown = texts(charts.transitions(table()))
    for text in (
        "High",
        "Mid",
        "Low",
        "New customers",
        "Start of period",
        "End of period",
        "Down: 500",
    ):
        assert text in shown
    (ax,) = charts.transitions(table()).figure.axes
    at = {}
    for text in ax.texts:
        at.setdefault(text.get_text(), []).append(text.get_ha())
    assert at["1,600"] == ["left"] and at["600"] == ["left"]  # low and high, now
    assert at["400"].count("right") == 1  # new, before


def test_bands_are_as_high_as_their_customers_are_many():
    picture = charts.transitions(table())
    heights = sorted(abs(bottom - top) for (top, bottom), _ in map(sides, bands(picture)))
    counts = [100, 200, 300, 400, 500, 900, 1000]
    assert [height / heights[0] for height in heights] == pytest.approx([n / 100 for n in counts])
    for (top, bottom), (end_top, end_bottom) in map(sides, bands(picture)):
        assert bottom - top == pytest.approx(end_bottom - end_top)


def test_the_bands_of_a_bar_fill_it_without_overlap():
    picture = charts.transitions(table())
    for side in (0, 1):
        spans = sorted(sides(band)[side] for band in bands(picture))
        for (_, bottom), (top, _) in pairwise(spans):
            assert top >= bottom - 1e-9
        filled = sum(bottom - top for top, bottom in spans)
        of_side = sorted(bars(picture), key=lambda bar: bar.get_x())
        of_side = of_side[:4] if side == 0 else of_side[4:]
        assert filled == pytest.approx(sum(bar.get_height() for bar in of_side))
        for bar in of_side:
            top, bottom = bar.get_y(), bar.get_y() + bar.get_height()
            inside = [s for s in spans if top - 1e-9 <= s[0] and s[1] <= bottom + 1e-9]
            assert sum(b - t for t, b in inside) == pytest.approx(bar.get_height())


def test_only_falls_are_warm():
    colors = {}
    for band in bands(charts.transitions(table())):
        (top, _), (end, _) = sides(band)
        colors.setdefault(to_hex(band.get_facecolor()), []).append((top, end))
    assert len(colors[COLORS["fell"]]) == 2
    assert all(end > top for top, end in colors[COLORS["fell"]])
    assert [end < top for top, end in colors[COLORS["rose"]]] == [True]


def test_the_best_class_is_on_top_whatever_the_order_of_the_rows_of_customers():
    (ax,) = charts.transitions(table()).figure.axes
    heights = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert heights["High"] < heights["Mid"] < heights["Low"] < heights["New customers"]


def test_words_never_overlap_however_many_classes_and_however_few_customers():
    order = [f"c{i}" for i in range(12)]
    before = pd.Series(order + ["c0"] * 5_000)
    picture = charts.transitions(
        transition_matrix.count(before, before, None, order), names="grades"
    )
    (ax,) = picture.figure.axes
    lines = sorted(t.get_position()[1] for t in ax.texts if t.get_text() in order)
    gaps = [b - a for a, b in zip(lines[::2], lines[2::2], strict=False)]
    assert len(lines) == 24 and min(gaps) > 0.3


def test_a_code_without_a_word_is_written_as_it_is():
    order = [*HOSTILE, "not_graded"]
    classes = pd.Series(order)
    picture = charts.transitions(
        transition_matrix.count(classes, classes[::-1].reset_index(drop=True), None, order),
        names="grades",
    )
    assert {"=cmd|' /C calc'!A0", "$x^$", "& ${a}", "Not graded"} <= set(texts(picture))
    assert "<script>" not in picture.svg()


def test_mean_matrices_are_drawn_in_whole_customers():
    picture = charts.transitions(transition_matrix.mean_counts([table(), moved(high_high=1000)]))
    assert "Down: 250" in texts(picture)


@pytest.mark.parametrize("empty", [pd.DataFrame(), table().assign(n_customers=0)])
def test_nothing_to_draw_says_so(empty):
    assert charts.transitions(empty).alt == words("en")("charts.nothing")


def test_a_table_that_cannot_be_drawn_says_why():
    with pytest.raises(InputError, match="transitions: the table lacks before, after, move"):
        charts.transitions(pd.DataFrame({"n_customers": [1]}))
