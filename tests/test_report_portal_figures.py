"""The figures of the portal: from tables made by hand, into words."""

import datetime as dt
import math

import pandas as pd
import pytest

from cvm_analysis.report import portal_figures
from cvm_analysis.texts import words

EN, ZH = words("en", horizon_weeks=52), words("zh", horizon_weeks=52)
DAY = dt.date(2025, 12, 31)


def year_on_year(*rows):
    names = ["customer_type", "figure", "value", "before"]
    return pd.DataFrame(rows, columns=names).set_index(names[:2])


YEAR = year_on_year(
    ("all", "net_sales", 880.0, 1000.0),
    ("all", "kept_share", 0.58, 0.66),
    ("retail", "net_sales", 1.0, 2.0),
)


def actions(*rows):
    return pd.DataFrame(rows, columns=["in_plan", "arm"])


def lists(*rows):
    table = pd.DataFrame(rows, columns=["as_of", "action", "n_done"])
    return table.assign(as_of=pd.to_datetime(table["as_of"])).set_index(["as_of", "action"])


def summarize(year=YEAR, planned=(), done=()):
    churn = pd.DataFrame({"margin_at_stake": [1.5, 2.0, None]})
    return portal_figures.summarize(year, churn, actions(*planned), lists(*done), DAY)


def test_a_region_in_figures():
    planned = [(True, ""), (True, "treated"), (True, "control"), (False, ""), (True, None)]
    done = [("2025-12-01", "call", 4), ("2025-01-31", "call", 3), ("2024-12-31", "call", 100)]
    assert summarize(planned=planned, done=done) == {
        "net_sales_year": 880.0,
        "net_sales_before": 1000.0,
        "kept_share": 0.58,
        "margin_at_stake": 3.5,
        "n_actions_open": 3.0,  # not the control, not what is out of the plan
        "n_actions_done": 7.0,  # not of a list more than 365 days ago
    }


def test_a_figure_that_is_not_there_is_not_a_number():
    found = summarize(year_on_year(("all", "net_sales", 880.0, math.nan)))
    assert math.isnan(found["net_sales_before"]) and math.isnan(found["kept_share"])
    assert (found["n_actions_open"], found["n_actions_done"]) == (0.0, 0.0)


def entry(region, now=None, before=None, **figures):
    sales = {"net_sales_year": now, "net_sales_before": before}
    known = {name: value for name, value in sales.items() if value is not None}
    return {"region": region, "name": region.title(), "figures": known | figures, "currency": "CNY"}


@pytest.mark.parametrize(
    ("regions", "english", "chinese"),
    [
        (
            {"east": (88, 100), "south": (110, 100), "north": (104, 100)},
            "East fell behind: sales -12% on the year before; 2 of 3 regions grew.",
            "East业绩落后：销售额同比-12%；3个区域中有2个增长。",
        ),
        (
            {"east": (88, 100), "south": (100, 100)},
            "East fell behind: sales -12% on the year before; 0 of 2 regions grew.",
            "East业绩落后：销售额同比-12%；2个区域中有0个增长。",
        ),
        (
            {"east": (88, 100), "south": (90, 100)},
            "Sales fell in all 2 regions, most in East: -12% on the year before.",
            "2个区域销售额全部下滑，East降幅最大：同比-12%。",
        ),
        (
            {"east": (104, 100), "south": (320, 300)},
            "No region fell behind: sales of all 2 regions together +6% on the year before.",
            "没有区域落后：2个区域合计销售额同比+6%。",
        ),
        (
            {"east": (99.8, 100), "south": (100, 100)},
            "No region fell behind: sales of all 2 regions together 0% on the year before.",
            "没有区域落后：2个区域合计销售额同比0%。",
        ),
        ({"east": (93, 100)}, "East: sales -7% on the year before.", "East销售额同比-7%。"),
        ({"east": (103, 100)}, "East: sales +3% on the year before.", "East销售额同比+3%。"),
        ({"east": (103, 0)}, "", ""),
        ({"east": (None, None)}, "", ""),
    ],
)
def test_the_worst_region_is_named_first(regions, english, chinese):
    company = entry("all", 1, 2)
    entries = [*(entry(key, *sales) for key, sales in regions.items())]
    assert portal_figures.compare(entries, EN) == english
    assert portal_figures.compare(entries, ZH) == chinese
    if english:
        assert portal_figures.compare([company, *entries], EN) == english, "regions come first"


def test_the_company_speaks_where_no_region_has_figures():
    entries = [entry("all", 93, 100), entry("east")]
    assert portal_figures.compare(entries, EN) == "All: sales -7% on the year before."


def test_columns_have_an_order_and_new_figures_replace_older_ones():
    old = entry("east", n_customers=5, net_sales=7e6, repeat_share=0.5, expected_margin=1e6)
    new = entry("west", 2e6, 1e6, kept_share=0.6, n_actions_open=3, n_actions_done=2)
    headings = [column.heading for column in portal_figures.columns([old], EN)]
    assert headings == [
        "Net sales", "Repeat customers", "Expected margin, next 12 months", "Customers",
    ]  # fmt: skip
    found = portal_figures.columns([old, new], EN)
    assert [column.heading for column in found] == [
        "Net sales, last 365 days", "Customers retained", "Expected margin, next 12 months",
        "Actions open",
    ]  # fmt: skip
    assert [column.cells[0].value for column in found] == ["–", "–", "¥1.00M", "–"]
    sales, kept, margin, todo = (column.cells[1] for column in found)
    assert sales == ("¥2.00M", "+100%", False)
    assert (kept.value, margin.value) == ("60%", "–")
    assert todo == ("3", "2 done", False)


def test_a_fall_is_marked():
    (column,) = portal_figures.columns([entry("east", 88.0, 100.0)], EN)
    assert column.cells == [("¥88", "-12%", True)]


def test_figures_of_contracts_are_shown_as_before():
    found = portal_figures.columns([entry("east", n_under_contract=12, expected_ends=3.4)], EN)
    assert [column.cells[0].value for column in found] == ["12", "3.4"]
