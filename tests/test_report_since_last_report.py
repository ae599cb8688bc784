"""What changed since the last report, in words."""

import re

import pandas as pd

from cvm_analysis.report import since_last_report
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import TABLES, empty
from cvm_analysis.texts import words

EN, ZH = (Writer(words(each, horizon_weeks=52), "CNY") for each in ("en", "zh"))


def table(then=1e6, again=999_000.0, now=1_011_000.0, changed="", models=("bg_nbd", "bg_nbd")):
    """Net sales, kept customers and the expected margin of two reports."""
    rows = [
        ("net_sales", then, again, now, ""),
        ("kept_share", 0.5, 0.5, 0.52, ""),
        ("expected_margin", 3e5, None, 2e5, changed),
    ]
    figures = pd.DataFrame(
        [
            {
                "figure": figure,
                "last_as_of": pd.Timestamp("2025-11-30"),
                "value_then": before,
                "value_recomputed": middle,
                "value_now": after,
                "change_data": None if middle is None else middle - before,
                "change_customers": None if middle is None else after - middle,
                "change_model": bool(why),
                "changed": why,
                "model_then": models[0],
                "model_now": models[1],
            }
            for figure, before, middle, after, why in rows
        ]
    )
    figures[["change_data", "change_customers"]] = figures[
        ["change_data", "change_customers"]
    ].astype(float)
    return figures[list(TABLES["since_last_report"].columns)].set_index("figure")


def said(block):
    """Its text, without the joiners that keep a minus with its figure."""
    text = re.sub("<[^>]+>", " ", block.html).replace("\u2060", "")
    return re.sub(r"\s+", " ", text).strip()


def test_the_sentence_says_customers_data_and_forecast():
    found = table(changed="model", models=("bg_nbd", "last_period"))
    assert (
        "Since the report of Nov 30, 2025: net sales of 12 months +1.2% (customers); corrected "
        "data -0.1%; the forecast is another one (before: BG/NBD; now: Same as last period)."
    ) in said(since_last_report.sentence(EN, found))
    chinese = said(since_last_report.sentence(ZH, found))
    assert "自2025年11月30日的报告以来：近12个月销售额因客户购买变动+1.2%；因数据" in chinese


def test_of_several_forecasts_those_that_changed_are_named():
    mixed = table(changed="model", models=("nbd,pool", "bg_nbd,pool"))
    text = said(since_last_report.sentence(EN, mixed))
    assert "(before: NBD; now: BG/NBD)" in text
    added = table(changed="model", models=("pool", "bg_nbd,pool"))
    text = said(since_last_report.sentence(EN, added))
    assert "(before: Pool of all forecasts; now: BG/NBD, Pool of all forecasts)" in text


def test_what_did_not_change_is_not_said():
    text = said(since_last_report.sentence(EN, table(again=1e6, now=1e6)))
    assert "net sales of 12 months 0.0% (customers)." in text
    assert "corrected" not in text and "forecast" not in text


def test_settings_and_program_are_named():
    text = said(since_last_report.sentence(EN, table(changed="settings,program")))
    assert "the settings of the forecast have changed; the program is another version." in text


def test_the_first_report_says_so():
    first = empty("since_last_report").set_index("figure")
    assert "This is the first report." in said(since_last_report.sentence(EN, first))
    assert "这是首份报告" in said(since_last_report.sentence(ZH, first))
    assert since_last_report.table(EN, first).html == ""


def test_the_table_shows_then_and_now_and_what_changed_it():
    text = said(since_last_report.table(EN, table(changed="model")))
    assert "Net sales ¥1M -¥1,000 +¥12K ¥1.01M –" in text
    assert "Customers retained 50.0% 0.0 points +2.0 points 52.0% –" in text
    assert "Expected margin, 12 months ¥300K – – ¥200K Forecast" in text
