"""The figure on groups of risk says what its table says; test_charts_churn has the others."""

import pandas as pd
import pytest
from matplotlib.colors import to_hex
from test_charts import CHINESE, texts
from test_charts_churn import deciles

from cvm_analysis import charts
from cvm_analysis.charts.style import BEFORE, SOFT, WARM
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words

PICTURES = {"risk_groups": lambda **to: charts.risk_groups(deciles(), **to)}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_drawn_in_every_language_with_the_same_bytes(language):
    picture = PICTURES["risk_groups"](language=language)
    assert picture.svg() == PICTURES["risk_groups"](language=language).svg()
    assert "{" not in picture.alt
    assert bool(CHINESE.search("".join(texts(picture)))) == (language == "zh")


def test_bars_are_what_happened_and_dots_what_was_forecast():
    (ax,) = PICTURES["risk_groups"]().figure.axes
    bars = [(to_hex(b.get_facecolor()), b.get_height()) for b in ax.patches if b.get_height()]
    assert bars == [(BEFORE, 0.13), (BEFORE, 0.7), (BEFORE, 0.89)]
    assert ax.lines[-1].get_ydata().tolist() == [0.12, 0.5, 0.91]


def test_a_share_outside_of_its_range_is_warm():
    (ax,) = PICTURES["risk_groups"]().figure.axes
    assert {t.get_text(): t.get_color() for t in ax.texts} == {
        "13%": SOFT, "70%": WARM, "89%": SOFT
    }  # fmt: skip
    alt = PICTURES["risk_groups"]().alt
    assert "1,234 customers" in alt and "In 2 of 3 the actual share" in alt
    assert "Highest risk: forecast 91%, actual 89%." in alt


def test_nothing_to_draw_says_so_and_a_wrong_table_why():
    assert charts.risk_groups(pd.DataFrame()).alt == words("en")("charts.nothing")
    with pytest.raises(InputError, match="risk_groups: the table lacks high"):
        charts.risk_groups(deciles().drop(columns="high"))
