"""The heat map of rates says what its table says."""

import pandas as pd
import pytest
from test_charts import CHINESE, texts

from cvm_analysis import charts
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words


def table(n=3):
    """Retention of n months: all 90%, champions 98%, lost 50% and, at last, nobody due."""
    kept = {"champions": 98, "lost": 50, "all": 90}
    rows = [
        ("retention", segment, month, 100 if (segment, i) != ("lost", n - 1) else 0, of_100 - i)
        for segment, of_100 in kept.items()
        for i, month in enumerate(pd.date_range("2025-11-01", periods=n, freq="MS"))
    ]
    rows += [("renewal", "all", pd.Timestamp("2025-11-01"), 4, 1)]
    return pd.DataFrame(rows, columns=["rate", "segment", "month", "n_due", "n_kept"])


PICTURES = {"rates": lambda **to: charts.rates(table(), **to)}


def cells(picture):
    (ax,) = picture.figure.axes
    return {t.get_position()[::-1]: t.get_text() for t in ax.texts}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_drawn_in_every_language_with_the_same_bytes(language):
    picture = PICTURES["rates"](language=language)
    assert picture.svg() == PICTURES["rates"](language=language).svg() and "{" not in picture.alt
    assert bool(CHINESE.search("".join(texts(picture)))) == (language == "zh")


def test_all_customers_are_on_top_and_a_month_without_anybody_is_empty():
    found = cells(PICTURES["rates"]())
    assert [found[0.5, x] for x in (0.5, 1.5, 2.5)] == ["90", "89", "88"]
    assert [found[1.5, x] for x in (0.5, 1.5, 2.5)] == ["98", "97", "96"]
    assert [found[2.5, x] for x in (0.5, 1.5)] == ["50", "49"] and (2.5, 2.5) not in found
    assert {"All", "Champions", "Lost", "Nov", "Jan"} <= set(texts(PICTURES["rates"]()))


def test_the_alternative_says_first_and_last():
    alt = PICTURES["rates"]().alt
    assert "In Nov 2025 and in Jan 2026: All 90%, then 88%, Champions 98%, then 96%" in alt


def test_the_last_twelve_months_of_one_rate_are_drawn():
    assert len(cells(charts.rates(table(15)))) == 35
    assert cells(charts.rates(table(), rate="renewal")) == {(0.5, 0.5): "25"}


def test_nothing_to_draw_says_so_and_a_wrong_table_why():
    assert charts.rates(table(), rate="repurchase").alt == words("en")("charts.nothing")
    with pytest.raises(InputError, match="rates: the table lacks n_kept"):
        charts.rates(table().drop(columns="n_kept"))
