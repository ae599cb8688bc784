"""The figure on concentration says what its table says."""

import pandas as pd
import pytest
from test_charts import CHINESE, texts

from cvm_analysis import charts
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words


def table():
    """All: ten customers, two of whom bring 80%; retail: all alike."""
    shares = [0.0, 0.1, 0.2, 0.5, 1.0]
    rows = {"share_customers": shares, "share_net_sales": [0.0, 0.5, 0.8, 0.9, 1.0], "gini": 0.66}
    alike = {"share_customers": shares, "share_net_sales": shares, "gini": 0.0}
    parts = {"retail": alike, "all": rows}
    return pd.concat([pd.DataFrame(r).assign(customer_type=t) for t, r in parts.items()])


PICTURES = {"sales_concentration": lambda **to: charts.sales_concentration(table(), **to)}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_drawn_in_every_language_with_the_same_bytes(language):
    picture = PICTURES["sales_concentration"](language=language)
    assert picture.svg() == PICTURES["sales_concentration"](language=language).svg()
    assert "{" not in picture.alt
    assert bool(CHINESE.search("".join(texts(picture)))) == (language == "zh")


def test_the_top_fifth_and_the_gini_coefficient_are_written():
    picture = PICTURES["sales_concentration"]()
    assert {"The top 20% bring 80%", "Gini coefficient 0.66"} <= set(texts(picture))
    assert "The top 20% of customers bring 80%. Gini coefficient: 0.66." in picture.alt


def test_the_curve_goes_through_the_rows_of_the_table():
    (ax,) = PICTURES["sales_concentration"]().figure.axes
    curves = [line.get_xydata().tolist() for line in ax.lines]
    assert [[0.0, 0.0], [0.1, 0.5], [0.2, 0.8], [0.5, 0.9], [1.0, 1.0]] in curves


def test_customers_who_are_all_alike():
    indexed = table().set_index(["customer_type", "share_customers"])
    alt = charts.sales_concentration(indexed, customer_type="retail").alt
    assert "bring 20%. Gini coefficient: 0.00." in alt


def test_nothing_to_draw_says_so_and_a_wrong_table_why():
    assert charts.sales_concentration(table().iloc[:0]).alt == words("en")("charts.nothing")
    with pytest.raises(InputError, match="sales_concentration: the table lacks gini"):
        charts.sales_concentration(table().drop(columns="gini"))
