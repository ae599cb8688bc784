"""The figures on net sales say what their tables say, in every language."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from test_charts import CHINESE, texts

from cvm_analysis import charts
from cvm_analysis.charts.style import ACCENT, BEFORE, SOFT, WARM
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words

SALES = [2.31e6, 2.75e6, 2.66e6, 3.31e6, 3.46e6, 3.91e6, 3.83e6, 3.86e6]


def quarters(sales=SALES, last_days=92, first="2024Q1"):
    starts = pd.period_range(first, periods=len(sales), freq="Q").start_time
    before = [np.nan] * 4 + list(sales[:-4])
    table = pd.DataFrame({"net_sales": sales, "net_sales_before": before[: len(sales)]})
    table = table.assign(customer_type="all", period_start=starts, n_days=91)
    table.loc[table.index[-1], "n_days"] = last_days
    retail = table.assign(customer_type="retail", net_sales=1.0)
    return pd.concat([retail, table]).set_index(["customer_type", "period_start"])


def months(n=13):
    starts = pd.date_range("2024-12-01", periods=n, freq="MS")
    table = pd.DataFrame({"period_start": starts, "n_days": starts.days_in_month})
    return table.assign(net_sales=np.arange(1.0, n + 1) * 1e5, net_sales_before=np.nan)


def company():
    falling = [2e6] * 4 + [1e6] * 4
    parts = {"north": falling, "east": SALES, "all_new": SALES[-3:]}
    return pd.concat([quarters(s).reset_index().assign(region=r) for r, s in parts.items()])


PICTURES = {
    "sales_trend": lambda **to: charts.sales_trend(quarters(), **to),
    "sales_trend_months": lambda **to: charts.sales_trend(months(), **to),
    "regions": lambda **to: charts.regions(company(), **to),
}


def written(picture):
    """The growths above the bars, with their colours."""
    return {t.get_text(): to_hex(t.get_color()) for t in picture.figure.axes[0].texts}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PICTURES)
def test_every_figure_is_drawn_in_every_language_with_the_same_bytes(name, language):
    picture = PICTURES[name](language=language)
    assert picture.svg() == PICTURES[name](language=language).svg()
    assert len(picture.svg()) < 40_000 and "{" not in picture.alt and picture.alt[-1] in ".。"
    assert bool(CHINESE.search("".join(texts(picture)))) == (language == "zh")


@pytest.mark.parametrize("name", ["sales_trend", "regions"])
def test_an_empty_table_says_so_and_a_wrong_one_why(name):
    draw = getattr(charts, name)
    assert draw(pd.DataFrame()).alt == words("en")("charts.nothing")
    with pytest.raises(InputError, match=f"{name}: the table lacks"):
        draw(pd.DataFrame({"odd": [1]}))


def test_each_quarter_has_its_amount_and_the_years_stand_where_they_begin():
    (ax,) = PICTURES["sales_trend"]().figure.axes
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels[0] == "¥2.31M\nQ1\n2024" and labels[1] == "¥2.75M\nQ2\n"
    assert labels[4] == "¥3.46M\nQ1\n2025" and labels[7] == "¥3.86M\nQ4\n"
    heights = {round(bar.get_height()) for bar in ax.patches}
    assert heights == {round(value) for value in SALES}


@pytest.mark.parametrize(
    ("first", "n", "years"),
    [
        ("2024Q3", 6, {0: "2024", 2: "2025"}),
        ("2024Q4", 3, {0: "2024", 1: "2025"}),
        ("2024Q4", 2, {0: "2024", 1: "2025\nso far"}),
        ("2025Q3", 2, {0: "2025", 1: "so far"}),
    ],
)
def test_a_log_that_begins_in_a_year_has_it_under_its_first_quarter(first, n, years):
    last_days = 40 if "so far" in years[max(years)] else 92
    (ax,) = charts.sales_trend(quarters(SALES[:n], last_days, first)).figure.axes
    found = [label.get_text().split("\n", 2)[2] for label in ax.get_xticklabels()]
    assert {i: text for i, text in enumerate(found) if text} == years


@pytest.mark.parametrize(
    ("first", "years"),
    [
        ("2024Q2", ["2024", "2025", "2026"]),
        ("2024Q4", ["2025", "2026"]),
        ("2024Q1", ["2024", "2025"]),
    ],
)
def test_a_small_panel_names_the_years_that_it_has_room_for(first, years):
    rows = quarters(first=first).reset_index().assign(region="east")
    (ax,) = (ax for ax in charts.regions(rows).figure.axes if ax.get_title(loc="left"))
    assert [label.get_text() for label in ax.get_xticklabels()] == years


def test_the_last_year_is_blue_and_the_one_before_grey():
    (ax,) = PICTURES["sales_trend"]().figure.axes
    bars = sorted(ax.patches, key=lambda bar: bar.get_x())
    assert [to_hex(bar.get_facecolor()) for bar in bars] == [BEFORE] * 4 + [ACCENT] * 4


def test_growth_is_that_on_the_same_quarter_a_year_before():
    growths = written(PICTURES["sales_trend"]())
    assert list(growths) == ["+50%", "+42%", "+44%", "+17%"]  # 3.46 / 2.31 - 1, ...
    assert list(growths.values()) == [SOFT, SOFT, SOFT, WARM]
    assert "Q4 2025 ¥3.86M (+17%)." in PICTURES["sales_trend"]().alt
    assert "Q1 2024 ¥2.31M, " in PICTURES["sales_trend"]().alt


@pytest.mark.parametrize(
    ("last", "color"),
    [(5.5e6, SOFT), (3.31e6 * 1.43, SOFT), (3.31e6 * 1.30, WARM), (3.0e6, WARM)],
)
def test_the_last_growth_is_warm_where_it_falls_behind(last, color):
    growths = written(charts.sales_trend(quarters([*SALES[:-1], last])))
    assert list(growths.values())[-1] == color


def test_one_growth_alone_is_behind_nothing_unless_sales_fell():
    assert list(written(charts.sales_trend(quarters([*SALES[:4], 2.4e6]))).values()) == [SOFT]
    assert list(written(charts.sales_trend(quarters([*SALES[:4], 2.2e6]))).values()) == [WARM]


def test_growth_from_next_to_nothing_is_not_written():
    assert list(written(charts.sales_trend(quarters([9e3, 1e6, 1e6, 1e6, 1e5, 2e6])))) == ["+100%"]


def test_an_incomplete_period_says_so():
    assert "so far" in texts(charts.sales_trend(quarters(last_days=40)))
    assert "so far" not in texts(PICTURES["sales_trend"]())


def test_months_are_named_and_every_other_has_its_amount():
    (ax,) = PICTURES["sales_trend_months"]().figure.axes
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels[-1] == "¥1.30M\nDec\n" and labels[-2] == "\nNov\n"
    assert labels[1] == "\nJan\n2025" and labels[0] == "¥0.10M\nDec\n2024"
    assert "Dec 2024 ¥0.10M, Jan 2025 ¥0.20M" in PICTURES["sales_trend_months"]().alt


def test_another_type_of_customer():
    alt = charts.sales_trend(quarters(), customer_type="retail").alt
    assert "Q4 2025 ¥1" in alt


def test_regions_stand_by_their_sales_on_one_scale_with_their_growth():
    picture = PICTURES["regions"]()
    panels = [ax for ax in picture.figure.axes if ax.get_title(loc="left")]
    assert [ax.get_title(loc="left") for ax in panels] == ["east", "all_new", "north"]
    assert len({ax.get_ylim() for ax in panels}) == 1
    assert {"¥15.1M", "+37%", "¥4.0M", "-50%"} <= set(texts(picture))  # 15.06 / 11.03 - 1
    assert picture.alt.endswith("east ¥15.1M (+37%), all_new ¥11.6M (–), north ¥4.0M (-50%).")


def test_the_key_may_be_the_index_or_columns():
    indexed = company().set_index(["region", "customer_type", "period_start"])
    numbered = company().reset_index(drop=True)
    drawn = [charts.regions(each).svg() for each in (company(), indexed, numbered)]
    assert drawn[0] == drawn[1] == drawn[2]


def test_a_region_is_named_by_the_business():
    say = words("en", {"en": {"values.region.east": "East China"}})
    assert "East China" in texts(charts.regions(company(), say))
