"""What a manager reads on the year: a change beyond chance, one that may be chance, or none."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.performance import figures
from cvm_analysis.report import performance
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import empty
from cvm_analysis.texts import words

EN, ZH = (Writer(words(language), "CNY") for language in ("en", "zh"))
DAY = dt.date(2025, 12, 31)


def year_on_year(*rows):
    """Rows of type, figure, value, before, beyond_chance; the interval is 10% to either side."""
    table = pd.DataFrame(
        rows, columns=["customer_type", "figure", "value", "before", "beyond_chance"]
    ).set_index(["customer_type", "figure"])
    change, width = table["value"] - table["before"], 0.1 * table["before"].abs()
    return table.assign(low=change - width, high=change + width)


@pytest.mark.parametrize(
    ("value", "before", "beyond", "english", "chinese"),
    [
        (15_100_000, 11_000_000, True, "grew 37% (by ¥4.1M) to ¥15.1M in the 12 months to Dec 31",
         "截至2025年12月31日的12个月，销售额¥1,510万，同比增长37%（增加¥410万）。"),
        (9_500_000, 10_000_000, True, "Net sales fell 5.0% (by ¥500K) to ¥9.5M in",
         "销售额¥950万，同比下降5.0%（减少¥50万）。"),
        (10_100_000, 10_000_000, False, "hardly changed in the 12 months to Dec 31, 2025: ¥10.1M",
         "销售额¥1,010万，与上年同期（¥1,000万）基本持平。"),
        (12_000_000, 10_000_000, False, "in the 12 months to Dec 31, 2025, up 20% on the year",
         "同比增长20%，但这一变化可能只是随机波动。"),
        (8_000_000, 10_000_000, False, "down 20% on the year before; a change of this size can",
         "同比下降20%，但这一变化可能只是随机波动。"),
        (8_000_000, -10_000, True, "¥8M in the 12 months to Dec 31, 2025, -¥10K the year",
         "上年同期为-¥1万。"),
        (8_000_000, np.nan, False, "the records do not cover the year before", "无法做同比。"),
    ],
)  # fmt: skip
def test_the_headline_says_what_happened_and_whether_it_may_be_chance(
    value, before, beyond, english, chinese
):
    table = year_on_year(("all", "net_sales", value, before, beyond))
    assert english in performance.headline_result(EN, table, DAY)
    assert chinese in performance.headline_result(ZH, table, DAY)


def test_margin_is_told_where_it_is_known():
    table = year_on_year(
        ("all", "margin", 5_000_000, 4_000_000, True), ("all", "net_sales", 15e6, 11e6, True)
    )
    english = performance.headline_result(EN, table, DAY)
    assert english.endswith("2025. Margin grew 25% (by ¥1M) to ¥5M.")
    assert performance.headline_result(ZH, table, DAY).endswith(
        "。毛利¥500万，同比增长25%（增加¥100万）。"
    )


@pytest.mark.parametrize(
    ("value", "before", "beyond", "english", "chinese", "fell"),
    [
        (15_100_000, 11_000_000, True, "Sales grew 37% to ¥15.1M",
         "销售额¥1,510万，同比增长37%", False),
        (9_500_000, 10_000_000, True, "Sales fell 5.0% to ¥9.5M",
         "销售额¥950万，同比下降5.0%", True),
        (10_100_000, 10_000_000, False, "Sales hardly changed (¥10.1M)",
         "销售额¥1,010万，与上年基本持平", False),
        (12_000_000, 10_000_000, False, "Sales were ¥12M, up 20% (within chance)",
         "销售额¥1,200万，同比增长20%（不显著）", False),
        (8_000_000, 10_000_000, False, "Sales were ¥8M, down 20% (within chance)",
         "销售额¥800万，同比下降20%（不显著）", False),
        (8_000_000, -10_000, True, "Sales were ¥8M, -¥10K the year before",
         "销售额¥800万，上年为-¥1万", False),
        (8_000_000, np.nan, False, "Sales were ¥8M in the 12 months on record",
         "近12个月销售额¥800万", False),
    ],
)  # fmt: skip
def test_in_short_the_year_is_a_clause_and_only_a_fall_beyond_chance_is_one(
    value, before, beyond, english, chinese, fell
):
    table = year_on_year(
        ("all", "net_sales", value, before, beyond), ("retail", "net_sales", 1.0, 2.0, True)
    )
    assert performance.in_short(EN, table) == english
    assert performance.in_short(ZH, table) == chinese
    assert performance.has_fallen(table) is fell


def trend(*rows, of="all"):
    """Rows of first day, net sales and those a year before."""
    table = pd.DataFrame(rows, columns=["period_start", "net_sales", "net_sales_before"])
    table["period_start"] = pd.to_datetime(table["period_start"])
    return table.assign(customer_type=of).set_index(["customer_type", "period_start"])


@pytest.mark.parametrize(
    ("rows", "english", "chinese"),
    [
        ([("2025-07-01", 112.0, 100.0), ("2025-10-01", 105.0, 100.0)],
         "In the last quarter sales grew 5%, after growth of 12% in the one before",
         "最近一个季度销售额同比增长5%，上一期为增长12%"),
        ([("2025-07-01", 112.0, 100.0), ("2025-10-01", 60.0, 80.0)],
         "In the last quarter sales fell 25%, after growth of 12% in the one before",
         "最近一个季度销售额同比下降25%，上一期为增长12%"),
        ([("2025-02-01", 90.0, 100.0), ("2025-03-01", 44.0, 40.0)],
         "In the last month sales grew 10%, after a fall of 10% in the one before",
         "最近一个月销售额同比增长10%，上一期为下降10%"),
        ([("2024-12-01", 50.0, 100.0), ("2025-01-01", 20.0, 40.0)],
         "In the last month sales fell 50%, after a fall of 50% in the one before",
         "最近一个月销售额同比下降50%，上一期为下降50%"),
        ([("2025-07-01", 100.4, 100.0), ("2025-10-01", 99.6, 100.0)],
         "In the last quarter sales hardly changed, after little change in the one before",
         "最近一个季度销售额与上年同期基本持平，上一期基本持平"),
    ],
)  # fmt: skip
def test_the_last_period_is_told_with_the_one_before(rows, english, chinese):
    table = pd.concat([trend(*rows[::-1]), trend(("2025-10-01", 1.0, 9.0), of="retail")])
    assert performance.last_period(EN, table) == english
    assert performance.last_period(ZH, table) == chinese


@pytest.mark.parametrize("before", [np.nan, 0.0, -3.0])
def test_without_two_periods_to_compare_no_growth_is_told(before):
    table = trend(("2025-07-01", 112.0, before), ("2025-10-01", 60.0, 80.0))
    assert performance.last_period(EN, table) == "Sales by period"
    assert performance.last_period(ZH, table) == "各期销售额"


def sales_change(*rows):
    table = pd.DataFrame(rows, columns=["factor", "value", "before", "effect", "beyond_chance"])
    return table.assign(customer_type="all").set_index(["customer_type", "factor"])


def test_factors_beyond_chance_are_told_largest_first_and_the_others_named():
    table = sales_change(
        ("customers", 950, 1000, -300_000, True),
        ("orders_per_customer", 2.46, 2, 2_300_000, True),
        ("value_per_order", 2010, 2000, 50_000, False),
    )
    assert performance.why_changed(EN, table) == (
        "More orders per customer (+23%) added ¥2.3M to net sales. Fewer customers (-5.0%) took "
        "¥300K from net sales. Within chance: value per order."
    )
    assert performance.why_changed(ZH, table) == (
        "人均订单数增加23%，拉动销售额增加¥230万。下单客户减少5.0%，使销售额减少¥30万。"
        "客单价的变化未超出随机波动。"
    )


def test_where_all_may_be_chance_nothing_else_is_told():
    rows = [("customers", 9, 10, -3.0, False), ("orders_per_customer", 2, 2, 0.0, False)]
    said = performance.why_changed(EN, sales_change(*rows, ("value_per_order", 9, 8, 2.0, False)))
    assert said == "Within chance: number of customers, value per order, orders per customer."


def test_types_are_told_largest_first():
    table = year_on_year(
        ("all", "net_sales", 30e6, 24e6, True), ("dealer", "net_sales", 8e6, 7e6, False),
        ("project", "net_sales", 10e6, 10.01e6, False), ("retail", "net_sales", 12e6, 15e6, True),
        ("retail", "n_orders", 5, 4, True),
    )  # fmt: skip
    assert performance.by_type(EN, table) == (
        "Retail customers: down 20% to ¥12M. Project customers: ¥10M, hardly changed. "
        "Dealers: ¥8M, up 14% (within chance)."
    )
    assert performance.by_type(ZH, table).startswith(
        "零售客户销售额¥1,200万，同比下降20%。工程客户"
    )


def test_a_short_log_is_told():
    nothing = empty("year_on_year").set_index(["customer_type", "figure"])
    for writer, said in ((EN, "less than 12 months"), (ZH, "数据不足12个月")):
        assert said in performance.headline_result(writer, nothing, DAY)
        assert said in performance.in_short(writer, nothing)
        assert said in performance.by_type(writer, nothing)
        assert said in performance.table(writer, nothing).html
    assert performance.has_fallen(nothing) is False
    unknown = empty("sales_change").set_index(["customer_type", "factor"])
    assert "do not cover the year before" in performance.why_changed(EN, unknown)


def test_the_table_writes_each_figure_in_its_unit():
    table = year_on_year(
        ("all", "kept_share", 0.45, 0.4, True), ("all", "net_sales", 12e6, 10e6, True),
        ("all", "nps", -10.0, 5.0, False), ("all", "orders_per_customer", 2.5, np.nan, False),
        ("retail", "n_new", 7, 6, False),
    )  # fmt: skip
    html = performance.table(EN, table).html
    order = ["Net sales", "Customers retained", "Orders per customer", "NPS"]
    assert sorted(order, key=html.index) == order and "New customers" not in html
    for written in ("¥12M", "+20%", "+10% to +30%", "45.0%", "+5.0 points", "+1.0 to +9.0", "2.50",
                    "-\u206015.0", "✓", "–"):  # fmt: skip
        assert written in html, written
    assert html.count("✓") == 2


@pytest.mark.parametrize("writer", [EN, ZH], ids=["en", "zh"])
def test_every_figure_has_a_unit_and_a_name(writer):
    assert set(figures.FIGURES) < set(performance.UNITS)
    for figure in figures.FIGURES:
        assert f"report.performance.figures.{figure}" in writer.say
        assert performance.write(writer, figure, 0.5)
