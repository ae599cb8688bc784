"""What the rule files of the project say, as the core takes it."""

import dataclasses
import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from cvm_analysis import rulebook
from cvm_analysis import settings as settings_module
from cvm_analysis.segments.grades import scorecard

REAL = Path(__file__).parent.parent / "config"


@pytest.fixture(scope="module")
def settings():
    return settings_module.load(REAL / "sample.yaml")


def test_the_catalogue_is_what_the_file_says(settings):
    actions = rulebook.actions(settings)
    assert [action.code for action in actions][:2] == ["personal_contact", "loyalty_benefits"]
    assert actions[1].segments == ("champions", "loyal")
    assert (actions[1].column, actions[1].at_least, actions[1].at_most) == (
        "repeat_share",
        0.5,
        None,
    )
    assert (actions[1].cost_per_customer, actions[1].effect) == (10, (0.01, 0.03, 0.06))


def test_every_version_of_a_scorecard_is_whole(settings):
    cards = rulebook.scorecards(settings)
    assert sorted(cards) == ["dealer", "project", "retail"]
    for versions in cards.values():
        scorecard.check_versions(versions)
        for card in versions:
            scorecard.check(card)
    now, draft = cards["retail"]
    assert (now.by_quota, now.grades) == (True, {"A": 0.1, "B": 0.3, "C": 0.6})
    assert draft.valid_from == dt.date(2026, 4, 1)
    sales = cards["dealer"][0].indicators[0]
    assert (sales.column, sales.per) == ("net_sales_365d", "indicators.sales_target")
    assert cards["project"][0].indicators[1].bands == ((30, 100), (60, 60), (90, 20))


def test_graded_types_name_their_segments_by_grade(settings):
    assert rulebook.graded_segments(settings) == [
        *("project_a", "project_b", "project_c"),
        *("dealer_a", "dealer_b", "dealer_c"),
    ]


def test_given_cut_points_win_over_learned_ones(settings):
    people = pd.DataFrame({c: range(1, 11) for c in ("days_since_last", "n_orders", "net_sales")})
    learned = rulebook.cut_points(settings, people)
    rules = settings.segments.rfm.model_copy(update={"cut_points": {"f": (2.0, 3, 4, 5)}})
    segments = settings.segments.model_copy(update={"rfm": rules})
    given = rulebook.cut_points(dataclasses.replace(settings, segments=segments), people)
    assert given == learned | {"f": [2, 3, 4, 5]}


def test_what_the_data_lack_is_left_out_of_the_groups_and_said(settings):
    ids = pd.Index(["a", "b"], name="customer_id")
    people = pd.DataFrame(
        {
            "customer_type": "retail",
            "n_orders": 2,
            "n_purchase_days": 2,
            "T": 60.0,
            "net_sales_per_order": [5.0, 6],
            "days_since_last": [5, 6],
            "return_share": 0.0,
        },
        index=ids,
    )
    measured, lacking = rulebook.compared(settings, people, pd.DataFrame(index=ids))
    assert list(measured) == ["net_sales_per_order", "orders_per_year"]
    assert set(lacking) == {"channel", "category"}
    shares = pd.DataFrame({"category:care": [0.5, 1.0], "category:tools": [0.5, 0.0]}, ids)
    measured, lacking = rulebook.compared(settings, people.assign(channel="web"), shares)
    assert list(measured)[-3:] == ["channel", "category:care", "category:tools"]
    assert not lacking
    assert rulebook.compared(settings, people.drop(columns="net_sales_per_order"), shares)[1] == {
        **dict.fromkeys(["net_sales_per_order", "channel"], "missing")
    }


def test_reviews_are_on_the_days_written_or_on_quarter_ends(settings):
    as_of, first = dt.date(2025, 12, 31), dt.date(2023, 1, 1)
    assert rulebook.review_days(settings, as_of, first)[-1] == as_of
    assert len(rulebook.review_days(settings, as_of, first)) == 8
    asked = settings.scorecards.reviews.model_copy(update={"dates": (dt.date(2025, 5, 1),)})
    cards = settings.scorecards.model_copy(update={"reviews": asked})
    written = dataclasses.replace(settings, scorecards=cards)
    assert rulebook.review_days(written, as_of, first) == (dt.date(2025, 5, 1),)
