"""Figures say what the table says: the texts in the SVG are the numbers a reader should find."""

import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from cvm_analysis import charts
from cvm_analysis.charts.style import ACCENT, SERIES, SOFT, styled
from cvm_analysis.errors import InputError
from cvm_analysis.texts import MissingTextError, words

NAN = np.nan
HOSTILE = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", 'javascript:"x"', "$x^$", "& ${a}"]


def monthly():
    months = pd.period_range("2025-01", periods=3, freq="M")
    rows = {"customers": [10, 12, 1500], "orders": [11, 15, 1800], "net_sales": [1e5, 2e5, 3e5]}
    return pd.DataFrame(rows, index=months)


def cohorts():
    values = [[1.0, 0.31, 0.2], [1.0, 0.27, NAN], [1.0, NAN, NAN]]
    return pd.DataFrame(values, index=["2025Q1", "2025Q2", "2025Q3"], columns=[0, 1, 2])


def bins(**columns):
    return pd.DataFrame(columns, index=["0", "1", "2+"])


def weeks(seen=(True, True, False, False)):
    ends = pd.date_range("2025-01-07", periods=4, freq="7D")
    rows = {"actual": [10.0, 20, 30, 1500], "expected": [12.0, 18, 31, 40]}
    table = pd.DataFrame(rows, index=ends)
    return table.join(table.cumsum().add_suffix("_so_far")).assign(seen=seen)


def segments():
    rows = {"n_customers": [10, 30], "expected_margin": [750.0, 250.0]}
    return pd.DataFrame(rows, index=["champions", "lost"])


def upgrades():
    rows = [
        ("retail", "mid", 42, 0.3, 0.11, 0.27),
        ("retail", "low", 142, 0.05, 0.01, 0.07),
        ("dealer", "inactive", 90, 0.01, 0.02, 0.1),
        ("dealer", "mid", 33, 0.25, NAN, NAN),
    ]
    columns = ["customer_type", "before", "n_customers", "rose", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def grid():
    return pd.DataFrame(np.arange(25.0).reshape(5, 5), index=range(1, 6), columns=range(1, 6))


PICTURES = {
    "monthly": lambda **to: charts.monthly(monthly(), **to),
    "retention": lambda **to: charts.retention(cohorts(), **to),
    "concentration": lambda **to: charts.concentration(pd.Series([80.0, 5, 5, 5, 5]), **to),
    "segment_bars": lambda language="en": charts.segment_bars(
        segments(), words(language, horizon_weeks=52)
    ),
    "rfm_grid": lambda **to: charts.rfm_grid(grid(), **to),
    "conversions": lambda language="en": charts.conversions(
        upgrades(), "frequency", words(language, period_days=365)
    ),
    "calibration": lambda **to: charts.calibration(
        bins(actual=[70, 20, 10], expected=[67.0, 25, 8]), **to
    ),
    "holdout": lambda **to: charts.holdout(
        bins(actual=[0.2, 1, 3.5], bg_nbd=[0.1, 1.2, 3.25]), **to
    ),
    "deciles": lambda **to: charts.deciles(
        bins(actual=[0.1, 0.5, 2.25], expected=[0.2, 0.5, 3.5]), **to
    ),
    "tracking": lambda **to: charts.tracking(weeks(), **to),
    "p_alive": lambda **to: charts.p_alive(pd.Series([0.0, 0.1, 0.85, 0.9, 1.0]), **to),
    "nothing": lambda **to: charts.monthly(monthly().iloc[:0], **to),
}
CHINESE = re.compile("[\u4e00-\u9fff]")
NAMES = {"BG/NBD"}  # what is called the same in every language


def texts(picture):
    """All texts of the SVG, in the order they are drawn."""
    return ["".join(e.itertext()) for e in ET.fromstring(picture.svg()).iter() if _is(e, "text")]


def _is(element, name):
    return element.tag.rpartition("}")[2] == name


@pytest.mark.parametrize("name", PICTURES)
def test_every_figure_has_alt_text_and_svg_in_the_readers_fonts(name):
    picture = PICTURES[name]()
    data, metadata = picture._repr_mimebundle_()
    assert metadata["image/svg+xml"]["alt"] == picture.alt
    assert len(picture.alt) > 30 and "{" not in picture.alt
    assert "DejaVu" not in data["image/svg+xml"] and "PingFang SC" in data["image/svg+xml"]
    assert len(data["image/svg+xml"]) < 40_000


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_table_gives_the_same_bytes(name):
    assert PICTURES[name]().svg() == PICTURES[name]().svg()


@pytest.mark.parametrize("name", PICTURES)
def test_a_chinese_figure_has_only_chinese_words_and_a_glyph_for_each(name, caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = PICTURES[name](language="zh")
        svg = picture.svg()
    assert not caplog.records, "matplotlib looked for a font in vain"
    shown = texts(picture)
    assert any(CHINESE.search(text) for text in shown)
    for text in [*shown, picture.alt]:
        plain = re.sub("|".join(NAMES), "", text)
        assert not re.search("[A-Za-z]", re.sub("CNY|2025Q[1-4]", "", plain)), text
    assert svg.count("Noto Sans CJK SC") == 1 and "@font-face" not in svg
    assert svg == PICTURES[name](language="zh").svg()


def test_chinese_is_measured_as_wide_as_it_will_be_drawn():
    """A Chinese character is as wide as the font is high; matplotlib's own font would say 0.6."""
    picture = PICTURES["segment_bars"](language="zh")
    label = picture.figure.axes[0].get_yticklabels()[0]
    with styled():
        width = label.get_window_extent().width * 72 / picture.figure.dpi
    assert label.get_text() == "重要价值客户"
    assert width == pytest.approx(6 * label.get_fontsize(), rel=0.03)


def test_the_style_does_not_depend_on_what_was_set_before():
    import matplotlib

    before = PICTURES["calibration"]().svg()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert PICTURES["calibration"]().svg() == before


def test_charts_leave_pyplot_alone():
    code = "import sys, cvm_analysis.charts; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_monthly_tells_the_last_month():
    picture = PICTURES["monthly"]()
    assert "In Mar 2025: net sales ¥300K, customers 1,500, orders 1,800." in picture.alt
    assert {"Jan 2025", "Net sales per month (CNY)", "Orders"} <= set(texts(picture))


def test_a_month_without_a_row_is_a_gap():
    picture = charts.monthly(monthly().drop(pd.Period("2025-02")))
    assert "Feb 2025" in texts(picture)
    middles = [bar.get_x() + bar.get_width() / 2 for bar in picture.figure.axes[0].patches]
    assert middles == [0, 2]
    assert np.isnan(picture.figure.axes[1].lines[0].get_ydata()[1])


def test_retention_writes_each_share_and_leaves_the_future_empty():
    picture = PICTURES["retention"]()
    (ax,) = picture.figure.axes
    shares = {t.get_position(): t.get_text() for t in ax.texts}
    assert [shares[at] for at in ((0.5, 0.5), (1.5, 0.5), (2.5, 0.5))] == ["100%", "31%", "20%"]
    assert [shares[at] for at in ((0.5, 1.5), (1.5, 1.5), (0.5, 2.5))] == ["100%", "27%", "100%"]
    assert len(shares) == 6
    assert "27% to 31% of a cohort" in picture.alt


def test_retention_of_first_quarters_only():
    assert "No later quarter is" in charts.retention(cohorts()[[0]]).alt


def test_the_best_fifth_of_five_customers_is_the_best_one():
    picture = PICTURES["concentration"]()
    assert "The top 20% bring 80%" in texts(picture)
    assert "Net sales: cumulative share" in picture.alt
    assert "The top 20% of customers bring 80%." in picture.alt


def test_concentration_of_a_million_customers_stays_small():
    assert len(charts.concentration(pd.Series(np.arange(1.0, 1e6))).svg()) < 30_000


@pytest.mark.parametrize(
    "picture",
    [
        lambda: charts.concentration(pd.Series([1.0, -2.0])),
        lambda: charts.monthly(monthly().iloc[:0]),
        lambda: charts.rfm_grid(grid() * NAN),
    ],
)
def test_where_there_is_nothing_to_draw_a_sentence_says_so(picture):
    assert texts(picture()) == [words("en")("charts.nothing")] == [picture().alt]


def test_segment_bars_label_shares_by_name():
    shown = texts(PICTURES["segment_bars"]())
    assert [t for t in shown if t.endswith("%")] == ["25%", "75%", "75%", "25%"]
    assert {"Champions", "Lost", "Customers"} <= set(shown)


def test_conversions_are_coloured_where_they_are_no_chance():
    picture = PICTURES["conversions"]()
    (ax,) = picture.figure.axes
    dots = [to_hex(color) for color in ax.collections[0].get_facecolors()]
    assert dots == [ACCENT, SOFT, SERIES[1], SOFT]
    assert {"30%", "5%", "1%", "25%"} <= set(texts(picture))
    assert picture.alt.startswith("Orders, last 12 months: share of")
    assert "Retail customers, Mid: 30% (by chance 11% to 27%)" in picture.alt
    assert picture.alt.endswith("Dealers, Mid: 25%.")


def test_the_best_scores_are_at_the_top_right():
    picture = PICTURES["rfm_grid"]()
    cells = [t.get_text() for t in picture.figure.axes[0].texts]
    assert cells[:5] == ["20", "21", "22", "23", "24"] and cells[-1] == "4"
    assert "The highest, 24, is at recency 5 and frequency 5." in picture.alt


def test_money_in_the_grid_names_its_currency():
    assert "Net sales per order (USD)" in texts(
        charts.rfm_grid(grid(), "net_sales_per_order", currency="USD")
    )


def test_calibration_names_the_widest_gap():
    assert "at 1: actual 20, model 25" in PICTURES["calibration"]().alt


def test_holdout_names_models_and_their_last_forecast():
    picture = PICTURES["holdout"]()
    assert "At 2+: actual 3.50; BG/NBD 3.25." in picture.alt
    assert {"Actual", "BG/NBD"} <= set(texts(picture))


def test_deciles_say_what_came_of_the_best_tenth():
    assert "In decile 2+: actual 2.25, forecast 3.50." in PICTURES["deciles"]().alt


def test_tracking_says_the_sums_and_those_the_model_did_not_see():
    picture = PICTURES["tracking"]()
    assert "Up to Jan 28, 2025: actual 1,560, model 101." in picture.alt
    assert "In the test period: actual 1,530, model 71." in picture.alt
    assert "test period" in picture.svg()
    whole = charts.tracking(weeks(seen=True))
    assert "not seen" not in whole.svg() and "not seen" not in whole.alt


def test_p_alive_counts_both_ends():
    picture = PICTURES["p_alive"]()
    assert "at 80% or more: 3; at 20% or less: 2" in picture.alt
    assert sum(bar.get_height() for bar in picture.figure.axes[0].patches) == 5


def test_hostile_labels_are_text():
    table = pd.DataFrame({"actual": 1, "expected": 2}, index=HOSTILE)
    picture = charts.calibration(table)
    assert set(HOSTILE) <= set(texts(picture))
    assert not any(_is(e, "script") for e in ET.fromstring(picture.svg()).iter())


def test_a_segment_of_a_business_is_named_by_its_code():
    picture = charts.segment_bars(
        segments().rename(index={"lost": "<vip>_club"}), words("en", horizon_weeks=52)
    )
    assert "&lt;vip&gt;_club" in picture.svg()


def test_a_class_or_model_without_a_word_is_an_error():
    with pytest.raises(MissingTextError, match=r"classes\.champions"):
        charts.segment_bars(segments(), words("en", horizon_weeks=52), names="classes")
    with pytest.raises(MissingTextError, match=r"models\.magic"):
        charts.holdout(bins(actual=[1, 2, 3], magic=[1, 2, 3]))


def test_a_table_that_cannot_be_drawn_says_why():
    with pytest.raises(InputError, match="calibration: the table lacks expected; it has actual"):
        charts.calibration(bins(actual=[1, 2, 3]))


def test_a_picture_leaves_out_what_is_not_seen_and_keeps_what_is_written():
    with styled():
        figure = Figure((2, 2))
        figure.text(0.123456, 0.5, 'about 0.123456 of "x=1.23456"')
    svg = charts.Picture(figure, "alt").svg()
    assert "about 0.123456 of " in svg and "1.23456" in svg.partition("about")[2]
    assert not re.search(r'="[^"]*\d\.\d{3}', svg) and "\n" not in svg and "rotate(-0" not in svg
