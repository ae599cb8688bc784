"""The figure on margin by segment says what its table says."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from test_charts import CHINESE, texts

from cvm_analysis import charts
from cvm_analysis.charts.style import ACCENT, BEFORE
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words


def table():
    rows = {"margin_last_year": [1.67e6, 1.45e6, 15e3], "expected_margin": [1.08e6, np.nan, 75e3]}
    return pd.DataFrame(rows, index=["champions", "dealers_a", "lost"])


def draw(language="en", of=None):
    return charts.margin_by_segment(
        table() if of is None else of, words(language, horizon_weeks=52)
    )


PICTURES = {"margin_by_segment": draw}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_drawn_in_every_language_with_the_same_bytes(language):
    picture = draw(language)
    assert picture.svg() == draw(language).svg() and "{" not in picture.alt
    assert bool(CHINESE.search("".join(texts(picture)))) == (language == "zh")


def test_both_margins_of_each_segment_are_bars_on_one_scale():
    bars = draw().figure.axes[0].patches
    found = {(to_hex(bar.get_facecolor()), round(bar.get_width())) for bar in bars}
    known = {(BEFORE, 1_670_000), (BEFORE, 1_450_000), (BEFORE, 15_000)}
    known |= {(ACCENT, 1_080_000), (ACCENT, 75_000)}
    assert {each for each in found if each[1]} == known


def test_what_was_stands_above_what_is_expected():
    bars = draw().figure.axes[0].patches
    before = [bar.get_y() for bar in bars if to_hex(bar.get_facecolor()) == BEFORE]
    expected = [bar.get_y() for bar in bars if to_hex(bar.get_facecolor()) == ACCENT]
    assert min(before) < min(expected) and draw().figure.axes[0].yaxis_inverted()


def test_amounts_have_one_unit_and_a_missing_forecast_says_so():
    picture = draw()
    assert {"¥1.67M", "¥1.08M", "¥0.02M", "¥0.08M", "no forecast"} <= set(texts(picture))
    assert "Champions ¥1.67M, expected ¥1.08M" in picture.alt
    assert "dealers_a ¥1.45M, expected no forecast" in picture.alt
    assert "expected margin of the next 12 months" in picture.alt


def test_segments_without_any_margin_are_still_drawn():
    assert "Champions ¥0" in draw(of=table() * 0).alt


def test_nothing_to_draw_says_so_and_a_wrong_table_why():
    assert draw(of=table().iloc[:0]).alt == words("en")("charts.nothing")
    with pytest.raises(InputError, match="margin_by_segment: the table lacks expected_margin"):
        draw(of=table().drop(columns="expected_margin"))
