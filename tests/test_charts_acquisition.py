"""Weeks of the first wave have a colour of their own, and the sentence counts them."""

import re

import pandas as pd
import pytest
from matplotlib.colors import to_hex
from test_charts import CHINESE, texts

from cvm_analysis import charts
from cvm_analysis.charts.style import ACCENT, BEFORE
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words


def table(wave=3):
    counts = [423, 291, 158, *[20] * 27]
    weeks = pd.date_range("2024-01-03", periods=30, freq="7D").date
    is_initial_stock = [i < wave for i in range(30)]
    return pd.DataFrame({"n_customers": counts, "is_initial_stock": is_initial_stock}, weeks)


def bars(picture):
    (ax,) = picture.figure.axes
    return ax.patches


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_drawn_in_every_language_with_the_same_bytes(language):
    picture = charts.acquisition(table(), language)
    assert "{" not in picture.alt and "872" in picture.alt
    assert picture.svg() == charts.acquisition(table(), language).svg()


def test_in_chinese_every_word_is():
    picture = charts.acquisition(table(), "zh")
    for text in [*texts(picture), picture.alt]:
        assert not re.search("[A-Za-z]", text), text
    assert any(CHINESE.search(text) for text in texts(picture))


def test_the_wave_is_marked_and_every_week_has_its_height():
    drawn = bars(charts.acquisition(table()))
    assert [bar.get_height() for bar in drawn] == table()["n_customers"].tolist()
    colors = [to_hex(bar.get_facecolor()) for bar in drawn]
    assert colors == [BEFORE] * 3 + [ACCENT] * 27


def test_the_sentence_counts_the_wave_and_the_later_weeks():
    alt = charts.acquisition(table()).alt
    assert (
        "Weeks: 30." in alt
        and "first 3 weeks bring 872" in alt
        and "20 new customers a week" in alt
    )


def test_without_a_wave_there_is_no_legend():
    picture = charts.acquisition(table(wave=0))
    assert "No initial stock" in picture.alt
    assert words("en")("charts.acquisition.wave") not in texts(picture)
    assert words("en")("charts.acquisition.wave") in texts(charts.acquisition(table()))


def test_nothing_to_draw_says_so():
    assert charts.acquisition(pd.DataFrame()).alt == words("en")("charts.nothing")


def test_a_table_that_cannot_be_drawn_says_why():
    with pytest.raises(InputError, match="acquisition: the table lacks is_initial_stock"):
        charts.acquisition(pd.DataFrame({"n_customers": [1]}))
