"""Rules of clusters read as a sentence, in every language."""

import pandas as pd
import pytest

from cvm_analysis.report import cluster_words
from cvm_analysis.report import clusters as clusters_tables
from cvm_analysis.report.writer import Writer
from cvm_analysis.segments.clusters import assignment, tables
from cvm_analysis.texts import languages, words

RULE = (("days_since_last", "<=", 45.0), ("orders_per_year", ">", 6.0))


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        (RULE, "Days since last order up to 45 and purchase days per year above 6"),
        ((("orders_per_year", ">", 1.78),), "Purchase days per year above 1.8"),
        ((("net_sales_per_order", "<=", 1470.0),), "Net sales per order up to ¥1,470"),
        ((("return_share", ">", 0.084),), "Share returned above 8.4%"),
        ((("late_share", "<=", 0.321),), "Share delivered late up to 32%"),
        ((("n_categories", ">", 3.0),), "Number of categories above 3"),
        ((("channel", "==", "web"),), "Channel is web"),
        (
            (("channel", "!=", "web"), ("x", ">", 2.0)),
            "Channel is not web and repeat purchase days above 2",
        ),
        ((("category:care", ">", 0.317),), "Share of spend on care above 32%"),
        (
            (("net_sales_change_365d", "<=", -250.4),),
            "Change in net sales on the year before up to -¥250",
        ),
        ((("indicators.visits: web", ">", 3.0),), "Visits: web above 3"),
        ((("shoe_size", "<=", -1.25),), "Shoe_size up to -1.3"),
        ((), "All customers"),
    ],
)
def test_a_rule_in_english(conditions, says):
    assert cluster_words.rule(conditions, words("en"), "CNY") == says


def test_a_rule_in_chinese():
    assert cluster_words.rule(RULE, words("zh"), "CNY") == "未下单天数不超过45，且年均购买天数高于6"
    named = (("channel", "!=", "web"), ("category:care", ">", 0.5))
    assert (
        cluster_words.rule(named, words("zh"), "CNY") == "渠道不是web，且care占消费额的比例高于50%"
    )


def test_what_groups_are_formed_by_names_a_whole_once():
    used = ["net_sales_per_order", "channel", "category:care", "category:tools"]
    said = cluster_words.formed_by(
        used, {"return_share": "alike", "late_share": "missing"}, words("en")
    )
    assert said == (
        "The clusters are formed by net sales per order, channel, share of spend by category. Left "
        "out because nearly all customers have the same value: share returned. Left out because "
        "too few customers have a value: share delivered late."
    )
    assert cluster_words.formed_by(used[:1], {}, words("zh")) == "分群依据：客单价。"
    features = ["channel=web", "channel=store", "category:care"]
    assert "by channel, share of spend by category." in cluster_words.formed_by(
        features, {}, words("en")
    )


@pytest.mark.parametrize("language", languages())
def test_the_panel_shows_rule_size_money_and_stability(language):
    writer = Writer(words(language, horizon_weeks=52), "CNY")
    index = pd.Index(["c1"], name="cluster")
    described = {
        "n_customers": 1234,
        "share_customers": 1.0,
        "net_sales": 5e6,
        "share_net_sales": 1.0,
    }
    rules = pd.DataFrame({"conditions": [RULE], "precision": [0.87]}, index=index)
    stable = pd.DataFrame({"jaccard": [0.5], "stability": ["unstable"]}, index=index)
    figures = tables.summary_table(pd.DataFrame(described, index=index), stable, rules)
    html = clusters_tables.rules(writer, figures).html
    assert cluster_words.rule(RULE, writer.say, "CNY") in html
    assert "1,234" in html and "5,000,000" in html and "87%" in html
    assert writer.say("report.clusters.stability.unstable") in html
    assert writer.say("columns.expected_margin") not in html
    worth = clusters_tables.rules(writer, figures, pd.Series([99.0], index)).html
    assert writer.say("columns.expected_margin") in worth


def found(silhouette):
    table = pd.DataFrame({"silhouette": [silhouette], "null_silhouette": [0.25]}, index=[2])
    stable = pd.DataFrame({"stability": ["stable"] * 2})
    return assignment.Clusters(pd.Series(dtype=object), 2, table, stable, null_excess=(0.01, 0.02))


def test_a_cut_is_a_caution_and_a_structure_a_note():
    writer = Writer("en", "CNY")
    cut, real = (clusters_tables.structure(writer, found(s)).html for s in (0.27, 0.6))
    assert "convenient split" in cut and "0.27" in cut and "0.29" in cut and "Caution" in cut
    assert "distinct: their silhouette is 0.60" in real and "Note" in real


def test_measures_of_no_use_are_named():
    writer = Writer("en", "CNY")
    assert (
        "formed by net sales per order."
        in clusters_tables.formed_by(writer, ["net_sales_per_order"], {}).html
    )
    left = clusters_tables.formed_by(
        writer, ["net_sales_per_order"], {"return_share": "alike"}
    ).html
    assert "the same value: share returned." in left
