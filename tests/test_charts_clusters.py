"""The profile of clusters says what its table says, in every language."""

import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from cvm_analysis import charts
from cvm_analysis.charts.clusters import LESS, MORE
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words

CODES = pd.Index(["c1", "c2"], name="cluster")


def profile():
    rows = {"n_customers": [300, 900], "days_since_last": [-0.9, 0.3], "return_share": [1.8, -0.6]}
    return pd.DataFrame(rows, index=CODES)


def medians():
    return pd.DataFrame({"days_since_last": [12.0, 1234], "return_share": [0.25, 0.0]}, index=CODES)


def texts(picture):
    drawn = (e for e in ET.fromstring(picture.svg()).iter() if e.tag.endswith("}text"))
    return ["".join(e.itertext()) for e in drawn]


def mixed():
    """Numbers, an attribute and a whole."""
    table = profile()
    for column, apart in {"channel=web": 0.9, "channel=store": -0.5, "category:care": 1.1}.items():
        table[column] = [apart, -apart / 3]
    return table


def bars(picture, panel):
    return [bar.get_width() for bar in picture.figure.axes[panel].patches]


def labels(picture):
    return [label.get_text() for label in picture.figure.axes[0].get_yticklabels()]


def test_bars_are_the_distances_from_the_average_customer():
    picture = charts.cluster_profile(profile())
    assert bars(picture, 0) == [-0.9, 1.8]
    assert bars(picture, 1) == [0.3, -0.6]
    reach = [ax.get_xlim() for ax in picture.figure.axes]
    assert reach[0] == reach[1] and -reach[0][0] == reach[0][1] > 1.8


def test_less_and_more_differ_in_colour_and_in_side():
    import matplotlib.colors

    first = charts.cluster_profile(profile()).figure.axes[0]
    shades = [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in first.patches]
    assert shades == [LESS, MORE]


def test_sizes_and_typical_values_are_written_in_their_own_units():
    shown = texts(charts.cluster_profile(profile(), "en", medians()))
    assert {"Cluster 1", "300 (25%)", "Cluster 2", "900 (75%)"} <= set(shown)
    assert {"12", "1,234", "25%", "0%"} <= set(shown)
    assert {"Days since last order", "Share returned"} <= set(shown)
    assert any("Figures: medians or shares." in text for text in shown)


@pytest.mark.parametrize(
    ("values", "written"),
    [([4.0, 1.5], {"4.0", "1.5"}), ([4, 1], {"4", "1"}), ([25_000, 900], {"25K", "900"})],
)
def test_the_figures_of_a_measure_have_equally_many_digits(values, written):
    typical = medians().assign(days_since_last=values)
    assert written <= set(texts(charts.cluster_profile(profile(), "en", typical)))


def test_levels_and_parts_stand_under_their_headings():
    assert labels(charts.cluster_profile(mixed())) == [
        "Days since last order",
        "Share returned",
        "Channel",
        "web",
        "store",
        "Share of spend by category",
        "care",
    ]
    assert bars(charts.cluster_profile(mixed()), 0) == [-0.9, 1.8, 0.9, -0.5, 1.1]


def test_shares_are_written_as_percentages():
    typical = medians().assign(**{"channel=web": 0.85, "channel=store": 0.15, "category:care": 0.6})
    shown = texts(charts.cluster_profile(mixed(), "zh", typical))
    assert {"85%", "15%", "60%", words("zh")("attributes.channel")} <= set(shown)


def test_of_many_levels_those_that_differ_most_are_drawn():
    table = profile()
    for n in range(10):
        table[f"city=x{n}"] = [n / 10, -n / 10]
    shown = labels(charts.cluster_profile(table))
    assert shown[2:] == ["City", "x4", "x5", "x6", "x7", "x8", "x9"]


def test_many_groups_stand_in_two_rows():
    six = pd.concat([profile()] * 3).set_axis([f"c{i}" for i in range(1, 7)])
    shown = [ax.get_title().split("\n")[0] for ax in charts.cluster_profile(six).figure.axes]
    assert [title for title in shown if title] == [f"Cluster {i}" for i in range(1, 7)]


def test_without_typical_values_no_figure_is_written():
    shown = texts(charts.cluster_profile(profile()))
    assert "12" not in shown and not any("medians" in text for text in shown)


def test_alt_text_names_what_makes_each_group():
    alt = charts.cluster_profile(profile()).alt
    assert "Cluster 1, 300 customers: the largest difference is in Share returned (+1.8)." in alt
    assert "Cluster 2, 900 customers: the largest difference is in Share returned (-0.6)." in alt
    assert "{" not in alt
    care = mixed().assign(**{"category:care": [9.0, 0]})
    assert "in Share of spend by category, care (+9.0)" in charts.cluster_profile(care).alt


def test_it_is_drawn_in_chinese():
    shown = texts(charts.cluster_profile(mixed(), "zh"))
    assert words("zh")("report.clusters.name", n="1") in shown


def test_the_same_table_gives_the_same_bytes_in_the_readers_fonts():
    svg = charts.cluster_profile(profile(), "en", medians()).svg()
    assert svg == charts.cluster_profile(profile(), "en", medians()).svg()
    assert "DejaVu" not in svg and "PingFang SC" in svg and len(svg) < 40_000


def test_one_group_without_measures_is_still_drawn():
    one = pd.DataFrame({"n_customers": [7]}, index=CODES[:1])
    picture = charts.cluster_profile(one)
    assert "7 (100%)" in texts(picture)


def test_an_empty_value_is_no_bar():
    table = profile().assign(days_since_last=[np.nan, 0.3])
    assert bars(charts.cluster_profile(table), 0) == [0, 1.8]


def test_an_empty_table_says_so():
    assert charts.cluster_profile(profile().iloc[:0]).alt == words("en")("charts.nothing")


def test_a_table_without_sizes_is_an_error():
    with pytest.raises(InputError, match="cluster_profile: the table lacks n_customers"):
        charts.cluster_profile(profile().drop(columns="n_customers"))


def test_a_measure_without_words_has_the_name_it_came_with():
    table = profile().assign(**{"indicators.visits: web": 0.1, "magic": 0.2})
    assert {"visits: web", "magic"} <= set(labels(charts.cluster_profile(table)))
