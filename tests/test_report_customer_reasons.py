"""The figures of one customer are those of the tables; reasons, grade and answers beside them."""

import pandas as pd
import pytest
from invented_customer import EN, ZH, customer, prospect, text

from cvm_analysis.report import customer_reasons


def figures(**facts):
    return text(customer_reasons.figures(EN, customer(facts), 364))


def test_figures_are_those_of_the_tables():
    said = figures()
    assert (
        "Without an order 90 days 60 days overdue usually 30 days; next order expected Nov 1, 2025"
        in said
    )
    assert "Risk of not ordering 34% in the next 12 months" in said
    assert "Expected margin €640 next 12 months; range €120 to €1,330" in said
    assert "Margin at stake €812" in said
    assert "Net sales €1,500 ▼ 25% last 365 days" in said
    assert "Grade B 55 of 100 points; 4.3 more for A" in said


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"churn_risk": 0.9991}, "Risk of not ordering over 99%"),
        ({"churn_risk": 0.99}, "Risk of not ordering 99%"),
        ({"expected_margin_low": 0.0, "expected_margin_high": 0.0}, "most likely none at all"),
        ({"expected_margin_low": None}, "Expected margin €640 next 12 months Margin"),
        ({"sales_change": 12.0}, "Net sales €1,500 last 365 days Grade"),
        ({"sales_change": 0.5}, "Net sales €1,500 ▲ 50%"),
        ({"next_grade": None}, "Grade B 55 of 100 points; the best grade"),
        ({"days_overdue": -4.0}, "Without an order 90 days due in 4 days"),
        ({"usual_gap_days": float("nan")}, "last order Oct 2, 2025; usual gap not known yet"),
    ],
)
def test_a_figure_says_what_is_known(facts, expected):
    assert expected in figures(**facts)


def test_what_is_unknown_is_left_out():
    said = figures(churn_risk=float("nan"), expected_margin=None, score=None)
    assert "Risk" not in said and "Expected" not in said and "Grade" not in said
    assert not customer_reasons.figures(EN, prospect(), 364).html


def test_the_risk_has_its_reasons_the_strongest_first():
    said = text(customer_reasons.risk(EN, customer()))
    assert said == (
        "Why the risk of not ordering is 34% 90 days without an order, usually 30 One open "
        "complaint"
    )
    lapsed = text(customer_reasons.risk(EN, customer({"lapsed": True})))
    assert lapsed.endswith("No order for so long that customers like this rarely come back")
    none = customer(dict.fromkeys(("reason_1", "reason_2"), None))
    assert not customer_reasons.risk(EN, none).html


def test_the_grade_shows_the_weakest_figure_first_and_the_next_step():
    said = text(customer_reasons.grade(EN, customer()))
    assert said == (
        "Grade B since Sep 30, 2025, now 55 of 100 points Fell from A; most points were lost in: "
        "Frequency. 4.3 points to A. Easiest step: Spend from 1,500 to 1,800. Figure Points of 100 "
        "Pay 56 20 Spend 1,500 80"
    )


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"points_to_next": 0.0}, "Has enough points: rises to A at the next review."),
        ({"change": None}, "4.3 points to A; no single step is enough."),
        ({"largest_drop": None}, "Fell from A. 4.3"),
        ({"grade": "A", "score_grade": "B"}, "By points alone B today, kept by the reviews; most"),
        ({"next_grade": None, "fell_from": None}, "now 55 of 100 points Figure"),
    ],
)
def test_the_way_to_the_next_grade(facts, expected):
    assert expected in text(customer_reasons.grade(EN, customer(facts)))


def test_answers_stand_with_the_lowest_first():
    said = text(customer_reasons.satisfaction(EN, customer()))
    assert said == (
        "What they said, last on Aug 22, 2025 Would recommend us 3 of 10: ask what to put right "
        "price 2 of 5 product 4 of 5"
    )
    for score, words in ((9.0, "9 of 10: ask for a referral"), (7.0, "7 of 10 price")):
        assert words in text(customer_reasons.satisfaction(EN, customer({"nps": score})))
    silent = customer(dict.fromkeys(("nps", "satisfaction_product", "satisfaction_price"), None))
    assert not customer_reasons.satisfaction(EN, silent).html


def test_what_to_offer_next_is_in_the_order_of_its_rank():
    said = text(customer_reasons.next_products(EN, customer()))
    assert said == "What to offer next: Flooring Product Goes with Flooring glue glue Flooring"
    tested = customer().next_products.assign(
        level="product", because_of=[None, "oak"], probability=[None, 0.126]
    )
    assert text(customer_reasons.next_products(EN, customer(next_products=tested))) == (
        "What to offer next: floor Product Goes with In the next new purchase floor oak 13% glue "
        "bought by many –"
    )
    assert "下一步推荐：地板" in text(customer_reasons.next_products(ZH, customer()))
    assert not customer_reasons.next_products(EN, customer(next_products=pd.DataFrame())).html
