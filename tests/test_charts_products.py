"""The figure of pairs says what its table says."""

import pandas as pd
import pytest
from test_charts import CHINESE, texts

from cvm_analysis import charts
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words

LONG = "JUMBO BAG WITH RED SPOTS AND A LONG NAME"


def table():
    rows = [("floor", "oil", 2.5, 2.2, 2.8), (LONG, "care", 1.4, 1.2, 1.7)]
    columns = ["product", "next_product", "lift", "lift_low", "lift_high"]
    return pd.DataFrame(rows, columns=columns)


def draw(language="en"):
    own = {lang: {"values.category.care": w} for lang, w in (("en", "Floor care"), ("zh", "养护"))}
    return charts.product_pairs(table(), words(language, own))


PICTURES = {"product_pairs": draw}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_drawn_in_every_language_with_the_same_bytes(language):
    assert draw(language).svg() == draw(language).svg() and "{" not in draw(language).alt
    assert bool(CHINESE.search("".join(texts(draw(language))))) == (language == "zh")


def test_rows_are_in_order_with_their_figures_and_long_names_on_two_lines():
    (ax,) = draw().figure.axes
    assert [t.get_text() for t in ax.texts] == ["2.50 (2.20 to 2.80)", "1.40 (1.20 to 1.70)"]
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert labels[0] == "floor → oil" and labels[1].replace("\n", " ") == f"{LONG} → Floor care"
    assert "\n" in labels[1]


def test_points_and_lines_are_where_the_figures_are():
    (ax,) = draw().figure.axes
    chance, *drawn = [line.get_xydata().tolist() for line in ax.lines]
    assert chance[0][0] == 1
    assert drawn == [[[2.2, 0], [2.8, 0]], [[2.5, 0]], [[1.2, 1], [1.7, 1]], [[1.4, 1]]]


def test_the_alternative_says_every_pair():
    alt = draw().alt
    assert "2 pairs" in alt and "floor → oil 2.50 (2.20 to 2.80)" in alt


def test_nothing_to_draw_says_so_and_a_wrong_table_why():
    assert charts.product_pairs(table().head(0)).alt == words("en")("charts.nothing")
    with pytest.raises(InputError, match="product_pairs: the table lacks lift_low"):
        charts.product_pairs(table().drop(columns="lift_low"))
