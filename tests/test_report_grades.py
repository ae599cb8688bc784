"""Scores, classes and grades as tables: what a reader finds in them."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.report import grades as grades_tables
from cvm_analysis.report.writer import Writer
from cvm_analysis.segments import classes as classes_module
from cvm_analysis.segments import rfm
from cvm_analysis.segments.grades import fairness, summary, versions, weights
from cvm_analysis.segments.grades.points import assign_points, fit_bins
from cvm_analysis.segments.grades.reviews import Graded
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard
from cvm_analysis.texts import words

EN, ZH = Writer("en", "CNY"), Writer("zh", "CNY")
IN_YEAR = Writer(words("en", period_days=365), "CNY")
CARD = Scorecard(
    "retail",
    dt.date(2020, 1, 1),
    (
        Indicator("spend", "spend", 0.75, scale=(0, 100)),
        Indicator("pay", "days", 0.25, better="low", bins=4),
    ),
    {"A": 60, "B": 0},
)


def cells(block):
    """The rows of the first table, each as its texts."""
    rows = re.findall(r"<tr.*?</tr>", block.html, re.DOTALL)
    return [
        [re.sub(r"<.*?>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)]
        for row in rows
    ]


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    index = pd.Index([f"C{i}" for i in range(20)], name="customer_id")
    return pd.DataFrame({"spend": rng.uniform(0, 100, 20), "days": rng.uniform(0, 90, 20)}, index)


@pytest.fixture
def grades():
    return pd.DataFrame(
        {
            "customer_type": ["retail", "retail", "retail", "dealer"],
            "version": pd.Timestamp("2020-01-01"),
            "score": [59.0, 20.0, 90.0, np.nan],
            "score_grade": ["B", "C", "A", "not_graded"],
            "grade": ["B", "B", "A", "not_graded"],
            "next_grade": ["A", "A", None, None],
            "points_to_next": [1.0, 40.0, np.nan, np.nan],
            "reviews_to_next": [1.0, 2.0, np.nan, np.nan],
            "change": ["spend", "spend", None, None],
            "change_from": [79.5, 30.0, np.nan, np.nan],
            "change_to": [1250.0, 84.0, np.nan, np.nan],
            "change_cost": [200.0, 5000.0, np.nan, np.nan],
        },
        index=pd.Index(["C1", "C2", "C3", "C4"], name="customer_id"),
    )


def test_cut_points_stand_with_the_best_score_on_top():
    people = pd.DataFrame({"days_since_last": range(10), "n_orders": 1, "net_sales": range(10)})
    people = people.assign(net_sales=people["net_sales"].astype(float))
    cuts = rfm.cut_points(people, 2)
    table = cells(
        grades_tables.score_ranges(EN, rfm.score_ranges(rfm.score(people, 2, cuts), cuts))
    )
    assert [row[0] for row in table[1:]] == ["2", "1"]
    assert table[1][1:] == ["4", "–", "5", "5", "0", "5"]  # ties let nobody reach a second order


def test_class_limits_and_cross_tables_are_in_words():
    limits = {"amount": {"mid": 10.0, "high": 2000.0}, "loyalty": {"x": 5.0, "y": np.nan}}
    assert cells(grades_tables.class_thresholds(IN_YEAR, {"dealer": limits}))[1:] == [
        ["Dealers", "Net sales, last 12 months", "10", "2,000"],
        ["Dealers", "Loyalty index", "5", "–"],
    ]
    rows = pd.Series(["high", "low", "low"], name="amount")
    columns = pd.Series(["lost", "lost", "new"], name="life_cycle")
    table = classes_module.crosstab(rows, columns, amounts=pd.Series([1000.0, 2, 3]))
    assert cells(grades_tables.crosstab(EN, table, of="money"))[:2] == [
        ["", "New", "Lost"],
        ["High", "¥0", "¥1,000"],
    ]


def test_sizes_of_classes_name_the_period_and_the_type():
    sizes = pd.DataFrame(
        {"customer_type": ["dealer"], "class": ["inactive"], "n_customers": [7]}
    ).assign(share_customers=0.25, period_sales=0.0)
    assert cells(grades_tables.class_sizes(IN_YEAR, sizes)) == [
        [*("Type", "Class", "Customers", "Share of customers", "Net sales, last 12 months")],
        ["Dealers", "No order in the period", "7", "25%", "¥0"],
    ]


def test_names_replaced_are_in_words_or_said_to_be_none():
    rows = [("at_risk", "lapsed", "hibernating", 6)]
    table = pd.DataFrame(rows, columns=["segment", "activity", "instead", "n_customers"])
    assert cells(grades_tables.names_replaced(EN, table))[1:] == [
        ["At risk", "Lapsed", "Hibernating", "6"]
    ]
    assert "No segment name" in grades_tables.names_replaced(EN, table.iloc[:0]).html


def test_disagreements_name_both_sides_or_say_there_are_none():
    classes = pd.DataFrame({"amount": ["high"], "life_cycle": ["lost"]}, ["C1"])
    pairs = [(("amount", "high"), ("life_cycle", "lost"))]
    found = classes_module.disagreements(classes, pairs, pd.Series([5.0], ["C1"], name="net_sales"))
    assert cells(grades_tables.disagreements(EN, found))[1] == [
        *("C1", "Amount: High", "Life cycle: Lost", "¥5"),
    ]
    assert "No customer" in grades_tables.disagreements(EN, found.iloc[:0]).html


def test_a_mix_adds_up_to_the_customers_of_each_type(grades):
    found = summary.grade_shares(grades, ["B", "A"])
    assert found["n_customers"].to_dict() == {"retail": 3, "dealer": 1}
    assert list(found)[:-1] == ["share_B", "share_A", "share_not_graded"]
    assert found.drop(columns="n_customers").sum(axis=1).tolist() == [1, 1]


def test_limits_of_types_stand_side_by_side(people):
    card = fit_bins(CARD, people)
    given = assign_points(card, people)
    one = Graded(card, {"A": 60.0, "B": 0.0}, people, given, given.sum(axis=1))
    other = Graded(card, {"A": float("nan"), "B": 0.0}, people, given, given.sum(axis=1))
    table = cells(grades_tables.grade_thresholds(EN, {"retail": one, "dealer": other}))
    assert table == [
        ["", "A", "B"],
        ["Retail customers", "60.0", "0.0"],
        ["Dealers", "–", "0.0"],
    ]


def test_the_nearest_to_the_next_grade_are_those_with_the_fewest_points_missing(grades):
    grades = grades.assign(reviews_to_next=1.0)
    assert list(summary.closest_to_next(grades, "retail", 1).index) == ["C1"]
    both = summary.closest_to_next(grades, "retail", 2)
    assert list(both.index) == ["C1", "C2"]  # the higher score first
    assert summary.closest_to_next(grades, "project", 2).empty


def test_a_change_is_said_with_its_cost_if_the_next_review_can_bring_the_grade(grades):
    table = cells(grades_tables.next_grades(EN, grades, 10))
    assert len(table) == 2  # C2 must wait for one review more
    assert table[1] == [
        *(
            "C1",
            "Retail customers",
            "B",
            "59.0",
            "A",
            "1.00",
            "Spend from 79.50 to 1,250",
            "¥200",
        ),
    ]
    assert "消费" in grades_tables.next_grades(ZH, grades, 10).html
    assert "No customer can reach" in grades_tables.next_grades(EN, grades.iloc[2:], 10).html


def test_who_only_waits_for_the_review_or_the_margin_is_counted_not_listed(grades):
    waiting = grades.assign(points_to_next=[0.0, 0.0, np.nan, np.nan], change=None)
    assert list(summary.closest_to_next(waiting, "retail", 2).index) == []
    html = grades_tables.next_grades(EN, waiting, 10).html
    assert "1 customer scores enough" in html  # C2 must wait for one review more
    within = grades.assign(score_grade=["A", "B", "A", "not_graded"])
    html = grades_tables.next_grades(EN, within, 10).html
    assert "1 customer has reached the threshold" in html and "scores enough" not in html
    assert "缓冲分" in grades_tables.next_grades(ZH, within, 10).html


def test_parts_and_limits_are_those_of_the_customers_asked_for(grades):
    index = pd.MultiIndex.from_product([["C1", "C4"], ["spend", "pay"]])
    points = pd.DataFrame({"contribution": [40.0, 19.0, np.nan, np.nan]}, index)
    assert summary.contributions(points, grades.loc[["C1"]]).to_dict() == {
        "pay": {"C1": 19},
        "spend": {"C1": 40},
    }
    assert summary.contributions(points, grades.loc[["C4"]]).empty
    days = {"2025-09-30": {"A": 50.0}, "2025-12-31": {"A": 55.0}}
    reference = {"retail": {"2020-01-01": {"limits": days}}}
    assert summary.latest_thresholds(reference, grades.loc[["C1"]]) == {"A": 55.0}
    assert summary.latest_thresholds(reference, grades.iloc[:0]) == {}


@pytest.mark.parametrize(
    ("value", "said"),
    [(3.0, "3"), (-2.0, "-2"), (0.126, "0.13"), (1234.4, "1,234"), (float("nan"), "–")],
)
def test_a_figure_of_unknown_unit_has_few_digits_and_may_be_missing(value, said):
    assert grades_tables.figure(EN, value) == said


def test_sensitivity_and_stability_have_a_row_for_each_indicator_and_grade(people):
    card = fit_bins(CARD, people)
    given = assign_points(card, people)
    table = cells(grades_tables.sensitivity(EN, weights.sensitivity(card, given)))
    assert [row[:2] for row in table[1:]] == [["Spend", "75%"], ["pay", "25%"]]
    stable = weights.summary(card, weights.stability(card, given, draws=5))
    assert [row[0] for row in cells(grades_tables.stability(EN, stable))[1:]] == ["A", "B"]


def test_a_draft_is_compared_and_a_version_that_has_begun_is_not(people):
    draft = Scorecard("retail", dt.date(2030, 1, 1), CARD.indicators[::-1], {"A": 30, "B": 0})
    effect = versions.compare(CARD, draft, people, people["spend"])
    said = grades_tables.version(EN, draft, effect, dt.date(2025, 1, 1)).html
    n = (effect.regraded["move"] == "rose").sum()
    assert n > 0 and f"Upgraded: {n} (" in said and "Jan 1, 2030" in said
    assert "no future version" in grades_tables.version(EN, draft, effect, dt.date(2030, 1, 1)).html


def test_quotas_stand_beside_the_shares_by_score_and_after_the_rules(grades):
    """Of three retail customers one each has A, B and C by score; B keeps two after the rules."""
    versions = {
        "retail": [
            Scorecard("retail", dt.date(2020, 1, 1), (), {"A": 0.2, "B": 0.3, "C": 0.5}, True),
            Scorecard("retail", dt.date(2030, 1, 1), (), {"A": 0.9, "B": 0.1}, True),
        ],
        "project": [Scorecard("project", dt.date(2020, 1, 1), (), {"A": 50, "B": 0})],
    }
    table = summary.compare_quotas(grades, versions)
    assert table["grade"].tolist() == ["A", "B", "C"]
    assert table["quota"].tolist() == [0.2, 0.3, 0.5]
    assert table["score_share"].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert table["grade_share"].tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert table["n_customers"].tolist() == [1, 2, 0]
    shown = cells(grades_tables.quotas(EN, table))
    assert shown[2] == ["Retail customers", "B", "30%", "33%", "67%", "2"]
    assert "No customer has a grade" in grades_tables.quotas(EN, table.head(0)).html


def test_words_without_points_are_named_with_their_customers(people):
    scene = np.resize(["home", "home", "shop", None], 20)
    card = Scorecard(
        "retail",
        dt.date(2020, 1, 1),
        (Indicator("scene", "scene", 1.0, points={"commercial": 80, "office": 60}),),
        {"A": 60.0, "B": 0.0},
    )
    measures = people.assign(scene=scene)
    given = assign_points(card, measures)
    graded = Graded(card, {"A": 60.0, "B": 0.0}, measures, given, given.sum(axis=1))
    html = grades_tables.grade_thresholds(EN, {"retail": graded}).html
    assert "scene: the scorecard has no points for home (10), shop (5)" in html


def test_regions_stand_below_each_other_with_their_verdict():
    kinds = pd.DataFrame({"customer_type": "dealer", "score_grade": ["A"] * 40 + ["B"] * 40})
    region = pd.Series(np.repeat(["east", "west", "south"], [40, 34, 6]))
    found = fairness.compare_regions(kinds, region, {"dealer": ["A", "B"]})
    table = cells(
        grades_tables.regions(EN, found, {"east": "East", "west": "West", "south": "South"})
    )
    assert table[1] == ["Dealers", "East", "40", "100%", "1.00", "–", "highest share"]
    assert table[3][:5] == ["Dealers", "West", "34", "0%", "0.00"]
    assert table[3][-1] == "clearly below 0.8"
    alone = grades_tables.regions(ZH, found.head(0), {}).html
    assert "全部区域" in alone
