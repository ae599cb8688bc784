"""Figures on grades say what their tables say, in every language."""

import re
import xml.etree.ElementTree as ET

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest

from cvm_analysis import charts
from cvm_analysis.charts.comparisons import VERDICTS
from cvm_analysis.charts.labels import indicator
from cvm_analysis.charts.style import PAGE, styled
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words

NAN = np.nan
CHINESE = re.compile("[\u4e00-\u9fff]")
LIMITS = {"A": 70.0, "B": 40.0, "C": 0.0}


def mix():
    rows = {
        "n_customers": [4210, 312], "n_not_graded": [0, 40], "share_A": [0.1, 0.22],
        "share_B": [0.3, 0.41], "share_C": [0.57, 0.25], "share_not_graded": [0.03, 0.12],
        "best_share": [0.1, 0.22],
    }  # fmt: skip
    return pd.DataFrame(rows, index=["retail", "30_44"])


def fifths():
    rows = {
        "n_customers": [400, 300, 200, 100], "best_share": [0.2, 0.18, 0.16, 0.04],
        "ratio": [1.0, 0.9, 0.8, 0.2], "low": [NAN, 0.81, 0.6, 0.1], "high": [NAN, 1.0, 1.1, 0.4],
        "verdict": ["reference", "fine", "unclear", "below"],
    }  # fmt: skip
    return pd.DataFrame(rows, index=["under_30", "60_plus", "unknown", "other"])


def screened():
    rows = {
        "n_customers": [900, 900, 11], "correlation": [0.64, -0.05, NAN], "low": [0.59, -0.1, NAN],
        "high": [0.68, 0.02, NAN], "best_fifth_share": [0.4, 0.17, NAN],
    }  # fmt: skip
    return pd.DataFrame(rows, index=["spend", "net_sales", "margin"])


def parts(n=3):
    rows = {"spend": [40.0, 20, NAN], "margin": [30.0, 20, NAN], "potential": [2.5, NAN, NAN]}
    return pd.DataFrame(rows, index=["C1", "C2", "C3"]).iloc[:n]


PICTURES = {
    "grade_mix": lambda **to: charts.grade_mix(mix(), **to),
    "four_fifths": lambda **to: charts.four_fifths(fifths(), **to),
    "predictive_power": lambda **to: charts.predictive_power(screened(), **to),
    "contributions": lambda **to: charts.contributions(parts(), LIMITS, **to),
}


def texts(picture):
    drawn = (e for e in ET.fromstring(picture.svg()).iter() if e.tag.endswith("}text"))
    return ["".join(e.itertext()) for e in drawn]


def color(patch):
    return matplotlib.colors.to_hex(patch.get_facecolor())


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_table_gives_the_same_small_picture(name):
    picture = PICTURES[name]()
    assert picture.svg() == PICTURES[name]().svg() and len(picture.svg()) < 40_000
    assert "DejaVu" not in picture.svg() and "{" not in picture.alt and len(picture.alt) > 30


@pytest.mark.parametrize("name", PICTURES)
def test_a_chinese_picture_has_chinese_words_only(name):
    picture = PICTURES[name](language="zh")
    shown = texts(picture)
    assert any(CHINESE.search(text) for text in shown)
    for text in [*shown, picture.alt]:
        assert not re.search("[A-Za-z]", re.sub(r"C[123]|\b[ABC](?=级|$)", "", text)), text


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_text_lies_within_the_picture(name, language):
    figure = PICTURES[name](language=language).figure
    with styled():
        figure.draw_without_rendering()
        boxes = [
            t.get_window_extent() for t in figure.findobj(matplotlib.text.Text) if t.get_text()
        ]
    assert min(box.x0 for box in boxes) > -1 and max(box.x1 for box in boxes) < figure.bbox.x1 + 1


@pytest.mark.parametrize("name", ["grade_mix", "four_fifths", "predictive_power"])
def test_an_empty_table_says_so_and_a_wrong_one_is_an_error(name):
    table = {"grade_mix": mix(), "four_fifths": fifths(), "predictive_power": screened()}[name]
    assert getattr(charts, name)(table.iloc[:0]).alt == words("en")("charts.nothing")
    with pytest.raises(InputError, match=f"{name}: the table lacks"):
        getattr(charts, name)(table[["best_share" if name != "predictive_power" else "low"]])


def test_bars_are_the_shares_and_the_best_grade_is_darkest():
    picture = charts.grade_mix(mix())
    bars = picture.figure.axes[0].containers
    assert [bar.get_width() for bar in bars[0]] == [0.1, 0.22]
    assert [bar.get_x() for bar in bars[2]] == pytest.approx([0.4, 0.63])
    light = [np.dot(bar[0].get_facecolor()[:3], (0.299, 0.587, 0.114)) for bar in bars]
    assert light == sorted(light)
    assert {"10%", "57%", "Retail customers", "4,210", "30–44", "Not graded"} <= set(texts(picture))
    assert "Retail customers 10%" in picture.alt and "30–44 22%" in picture.alt


def test_a_share_without_room_is_not_written():
    assert "3%" not in texts(charts.grade_mix(mix()))


def test_a_business_names_its_groups_itself():
    picture = charts.grade_mix(mix().set_axis(["east", "<b>x</b>"]), "en", {"east": "Osten"})
    assert {"Osten", "<b>x</b>"} <= set(texts(picture))


def test_groups_have_names():
    codes = ["under_18", "18_24", "75_plus", "female", "other", "dealer", "level_3_plus"]
    table = pd.DataFrame({"n_customers": 5, "share_A": 1.0}, index=codes)
    names = charts.grade_mix(table).figure.axes[0].get_yticklabels()
    assert [name.get_text().partition("\n")[0] for name in names] == [
        "Under 18", "18–24", "75 and over", "Women", "All others", "Dealers", "level_3_plus",
    ]  # fmt: skip


def test_grades_of_any_number_and_name_are_drawn():
    shares = {f"share_{g}": [0.2] for g in ("S", "A", "B", "C", "vip_club")}
    picture = charts.grade_mix(pd.DataFrame({"n_customers": [5], **shares}, index=["x"]))
    shades = [color(bars[0]) for bars in picture.figure.axes[0].containers]
    assert len(set(shades)) == 5 and "vip_club" in texts(picture)


def test_verdicts_are_told_by_word_and_colour():
    picture = charts.four_fifths(fifths())
    shown = texts(picture)
    said = ["highest share", "clearly above 0.8", "may be below 0.8", "clearly below 0.8"]
    assert [text for text in shown if text in said] == said
    assert "0.20 (0.10 to 0.40)" in shown and "1.00" in shown
    assert {"Under 30", "20% of 400", "Not known"} <= set(shown)
    dots = [d for d in picture.figure.axes[0].lines if d.get_marker() == "o"]
    assert [d.get_markeredgecolor() for d in dots] == [VERDICTS[v] for v in fifths()["verdict"]]
    assert dots[0].get_markerfacecolor() == PAGE
    assert "All others 0.20 (0.10 to 0.40) clearly below 0.8" in picture.alt


def test_lines_at_one_and_at_four_fifths():
    ax = charts.four_fifths(fifths()).figure.axes[0]
    upright = [line.get_xdata() for line in ax.lines if line.get_marker() != "o"][:2]
    assert [list(x) for x in upright] == [[1.0, 1.0], [0.8, 0.8]] and ax.get_xlim()[0] == 0


def test_a_ratio_far_off_ends_at_the_edge_and_is_written_in_full():
    table = fifths().assign(ratio=[1, 0.9, 0.8, 7.5], high=[NAN, 1.0, 1.1, 90.0])
    picture = charts.four_fifths(table)
    ax = picture.figure.axes[0]
    assert max(np.max(line.get_xdata()) for line in ax.lines) == ax.get_xlim()[1] < 2.2
    assert "7.50 (0.10 to 90.00)" in texts(picture)


def test_where_nobody_has_the_best_grade_there_is_a_dash():
    table = fifths().assign(ratio=NAN, low=NAN, high=NAN, verdict="unclear")
    assert texts(charts.four_fifths(table)).count("–") == 4


def test_screening_greys_what_may_be_nothing_and_keeps_what_cannot_be_told():
    picture = charts.predictive_power(screened())
    dots = [d for d in picture.figure.axes[0].lines if d.get_marker() == "o"]
    assert [d.get_markeredgecolor() for d in dots] == ["#0b5d8f", "#5a6675", "#5a6675"]
    shown = texts(picture)
    assert {"0.64 (0.59 to 0.68)", "top fifth brought 40%", "not enough data", "Margin"} <= set(
        shown
    )
    assert "Margin not enough data" in picture.alt


def test_indicators_have_names():
    say = words("en")
    assert indicator(say, "frequency") == "Frequency"
    assert indicator(say, "net_sales") == "Net sales"
    assert indicator(say, "indicators.bid_rate") == "bid_rate"
    assert indicator(words("zh"), "付款") == "付款"


def test_parts_add_up_to_the_score_and_limits_are_marked():
    picture = charts.contributions(parts(), LIMITS)
    ax = picture.figure.axes[0]
    assert [bar.get_width() for bar in ax.containers[0]] == [40, 20, 0]
    assert [bar.get_x() for bar in ax.containers[1]] == [40, 20, 0]
    shown = texts(picture)
    assert {"72.5", "40.0", "Not graded", "A", "B", "C", "70", "Spend", "Potential"} <= set(shown)
    upright = [line.get_xdata()[0] for line in ax.lines]
    assert upright == [70, 40]
    assert "C1 72.5 points, most from Spend (40)" in picture.alt and "C3 not graded" in picture.alt


def test_many_indicators_are_drawn_as_five_and_the_rest():
    table = pd.DataFrame([[1.0, 9, 8, 7, 6, 5, 2, 3]], index=["C1"], columns=list("abcdefgh"))
    bars = charts.contributions(table, LIMITS).figure.axes[0].containers
    assert [bar[0].get_width() for bar in bars] == [9, 8, 7, 6, 5, 6]
    assert len({color(bar[0]) for bar in bars}) == 6


def test_a_grade_that_nobody_gets_has_no_line():
    shown = texts(charts.contributions(parts(1), {"A": NAN, "B": 40.0, "C": 0.0}))
    assert "A" not in shown and "B" in shown


def test_no_customers_and_nobody_graded():
    assert charts.contributions(parts(0), LIMITS).alt == words("en")("charts.nothing")
    picture = charts.contributions(parts() * NAN, LIMITS)
    assert texts(picture).count("Not graded") == 3


def test_hostile_ids_are_text():
    name = "<script>alert(1)</script>"
    picture = charts.contributions(parts(1).set_axis([name]), LIMITS)
    assert name in texts(picture) and "<script" not in picture.svg()


def test_groups_have_the_words_of_the_business_for_values_of_their_column():
    own = {"en": {"values.gender.M": "Gentlemen", "values.gender.F": "Ladies"}}
    table = fifths().iloc[:2].set_axis(pd.Index(["M", "F"], name="gender"))
    alt = charts.four_fifths(table, words("en", own)).alt
    assert "Gentlemen" in alt and "Ladies" in alt
    assert "Gentlemen" not in charts.four_fifths(table.rename_axis("region"), "en").alt
