"""The customer base in tables: groups by name, shares of those recorded."""

import pandas as pd

from cvm_analysis.report import customer_base
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import words

OWN = {"zh": {"values.industry.office": "写字楼"}, "en": {"columns.shop_size": "Shop size"}}


def base():
    rows = {
        ("gender", "female"): (30, 0.75, 1234.0, 0.6, 0.5),
        ("gender", "other"): (10, 0.25, 800.0, 0.4, 0.2),
        ("gender", "unknown"): (5, None, 99.0, None, 0.0),
        ("age_band", "30_44"): (25, 0.5, 10.0, 0.5, 1.0),
        ("age_band", "60_plus"): (25, 0.5, 10.0, 0.5, 1.0),
        ("industry", "office"): (25, 0.5, 10.0, 0.5, 1.0),
        ("shop_size", "S"): (25, 0.5, 10.0, 0.5, 1.0),
    }
    index = pd.MultiIndex.from_tuples(rows, names=["attribute", "group"])
    names = ["n_customers", "share_customers", "net_sales_365d", "share_net_sales", "active_share"]
    return pd.DataFrame(list(rows.values()), index, names)


def test_each_attribute_is_a_table_under_its_name():
    html = customer_base.chapter(Writer(words("en", OWN), "EUR"), base(), 5).html
    assert html.count("<table") == 4
    captions = [f"<caption>{name}</caption>" for name in ("Gender", "Age", "Industry", "Shop size")]
    assert [html.index(each) for each in captions] == sorted(map(html.index, captions))
    for said in (">Women<", ">All others<", ">Not known<", ">30–44<", ">60 and over<", ">S<"):
        assert said in html, said
    assert ">75%<" in html and ">€1,234<" in html and ">60%<" in html and ">50%<" in html
    assert html.count(">–</td>") == 2, "those not known have no share"
    assert 'id="base-gender"' in html


def test_chinese_words_come_from_the_texts_and_the_config():
    html = customer_base.chapter(Writer(words("zh", OWN), "CNY"), base(), 5).html
    assert ">女<" in html and ">30～44岁<" in html and ">写字楼<" in html
    assert "<caption>行业</caption>" in html


def test_where_nothing_is_recorded_the_report_says_so():
    html = customer_base.chapter(Writer(words("en"), "EUR"), base().iloc[:0], 5).html
    assert "groups of at least 5 customers" in html and "<table" not in html
