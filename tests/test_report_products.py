"""Products in words: the strongest pairs, the test, and what is recommended."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.report import products
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import words

EN = Writer("en", "CNY")
CARE = {
    lang: {"values.category.care": word} for lang, word in (("en", "Floor care"), ("zh", "养护"))
}


def pairs(*given, level="product"):
    names = [
        "product",
        "next_product",
        "n_customers",
        "confidence",
        "lift",
        "lift_low",
        "lift_high",
    ]
    return pd.DataFrame(given, columns=names).assign(level=level)


GIVEN = pairs(
    ("floor", "oil", 300, 0.4, 2.5, 2.2, 2.8),
    ("oil", "floor", 200, 0.3, 2.6, 2.1, 3.1),
    ("soap", "wax", 30, 0.2, 5.0, 1.5, 9.0),
    ("floor", "care", 90, 0.1, 2.0, 1.8, 2.3),
)


def test_the_strongest_pairs_are_those_whose_lift_is_high_for_certain_each_once():
    found = products.strongest(GIVEN)
    assert [*zip(found["product"], found["next_product"], strict=True)] == [
        ("floor", "oil"), ("floor", "care"), ("soap", "wax"),
    ]  # fmt: skip
    assert len(products.strongest(GIVEN, 1)) == 1


def test_a_pair_is_shown_with_its_interval():
    html = products.show(EN, GIVEN.set_index(["product", "next_product"])).html
    assert html.index("then oil") < html.index("then care") < html.index("then wax")
    assert "2.50" in html and "2.20 to 2.80" in html and "40%" in html
    assert "then floor" not in html, "the other order of the first pair"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Those who buy floor buy Floor care 2.0 times as often as by chance"),
        ("zh", "购买floor的客户，后续购买养护的人数是随机水平的2.0倍"),
    ],
)
def test_the_heading_is_the_strongest_pair_and_categories_have_words(language, said):
    writer = Writer(words(language, CARE), "CNY")
    assert products.heading(writer, GIVEN.tail(1)) == said
    assert products.heading(writer, GIVEN.head(0)) is None


def tested(low=1.9, used="together", n_shown=10):
    days = pd.to_datetime(["2025-01-01"] * 3 + ["2025-04-02"] * 3)
    table = pd.DataFrame({"day": days, "method": ["together", "after", "best_sellers"] * 2})
    return table.assign(
        n_customers=567,
        n_shown=n_shown,
        hit_rate=[0.3, 0.2, 0.15, 0.33, 0.2, 0.14],
        ratio=[np.nan] * 3 + [2.3572, 1.4, np.nan],
        ratio_low=[np.nan] * 3 + [low, 1.0, np.nan],
        ratio_high=[np.nan] * 3 + [2.9, 1.8, np.nan],
        is_used=table["method"] == used,
    )


def with_segments(table):
    more = table[table["method"] == "best_sellers"]
    more = more.assign(method="segment_favourites", hit_rate=0.1, is_used=False)
    return pd.concat([table, more])


def test_the_test_is_said_in_a_sentence():
    said = products.trial(EN, with_segments(tested())).html
    assert "33% of 567 customers bought one of the 10 products shown to them" in said
    assert "with best sellers instead, 14% did" in said and "2.36 times" in said
    assert "test of all regions" not in said
    one = products.trial(EN, with_segments(tested(n_shown=1))).html
    assert "bought the product shown to them" in one


def test_a_region_says_that_the_test_of_all_decides():
    said = products.trial(EN, with_segments(tested(low=0.8))).html
    assert "These are few customers, so the test of all regions decides" in said


def test_the_page_says_why_best_sellers_are_recommended():
    table = with_segments(tested(low=0.9, used="best_sellers")).set_index(["day", "method"])
    chapter = products.chapter(EN, GIVEN.head(0), table).html
    assert "did not forecast their next purchase clearly better: 2.36 times" in chapter
    assert "No two products" in chapter
    untested = products.chapter(EN, GIVEN, table.head(0)).html
    assert "too few for a test" in untested and "then oil" in untested
    assert not products.chapter(EN, GIVEN.head(0), table.head(0)).html


def test_the_test_is_shown_by_day_and_the_method_in_use_is_marked():
    days = pd.to_datetime(["2025-01-01", "2025-01-01", "2025-04-02", "2025-04-02"])
    table = pd.DataFrame(
        {
            "day": days,
            "method": ["together", "best_sellers"] * 2,
            "n_customers": [90, 90, 100, 100],
            "n_shown": 10,
            "hit_rate": [0.3, 0.2, 0.35, 0.25],
            "ratio": [None, None, 1.4, None],
            "ratio_low": [None, None, 1.2, None],
            "ratio_high": [None, None, 1.6, None],
            "is_used": [True, False] * 2,
        }
    ).set_index(["day", "method"])
    html = products.backtest(EN, table).html
    assert html.index("Apr 2, 2025") < html.index("Jan 1, 2025")
    assert html.count("✓") == 2 and "1.20 to 1.60" in html and "35.0%" in html
    assert "too few" in products.backtest(EN, table.head(0)).html


def test_products_recommended_most_come_first_with_their_usual_reason():
    rows = [
        *[(f"a{i}", 1, "oil", "floor", 0.2, 30.0) for i in range(3)],
        ("b", 1, "oil", "soap", 0.6, 30.0),
        ("c", 1, "wax", None, 0.1, 12.0),
        ("c", 2, "oil", "floor", 0.1, 30.0),
    ]
    columns = ["customer_id", "rank", "product", "because_of", "probability", "margin"]
    table = pd.DataFrame(rows, columns=columns).set_index(["customer_id", "rank"])
    html = products.recommended(EN, table).html
    assert html.index("oil") < html.index("floor") < html.index("wax")
    assert "30%" in html and "¥30" in html and "soap" not in html
    assert "neither products" in products.recommended(EN, table.head(0)).html
