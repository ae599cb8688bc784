"""Six accounts by hand: who cut back, who is overdue, whom to help and whom to reward."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.strategy import accounts
from cvm_analysis.strategy.accounts import Summary

DAY = dt.date(2025, 12, 31)
IDS = pd.Index(["big", "gone", "good", "new", "shop", "weak", "wish"], name="customer_id")
CUSTOMERS = pd.DataFrame(
    {
        "customer_type": ["project", "project", "dealer", "dealer", "retail", "dealer", "project"],
        "region": "north",
        "city": ["A", "B", "C", "D", "E", "F", "G"],
        "n_orders": [9, 4, 7, 1, 5, 3, 0],
        "net_sales_365d": [500.0, 0, 300, 40, 10, 80, 0],
        "net_sales_change_365d": [-100.0, -700, 60, 40, -90, 0, 0],
        "days_since_last": [70.0, 400, 5, 20, 9, 30, np.nan],
        "last_order": pd.to_datetime(
            ["2025-10-22", "2024-11-26", "2025-12-26", "2025-12-11", "2025-12-22", "2025-12-01",
             None]
        ),
    },
    IDS,
)  # fmt: skip
CHURN = pd.DataFrame(
    {
        "contact_on": pd.to_datetime(
            ["2025-12-31", "2025-12-31", "2026-01-01", None, "2025-12-31", "2026-02-01"]
        ),
        "next_order_on": pd.to_datetime(
            ["2025-11-21", "2024-12-26", "2026-01-05", None, "2025-12-31", "2025-12-31"]
        ),
    },
    IDS[:-1],
)
SEGMENTS = pd.DataFrame(
    {
        "score": [90.0, 95, 80, np.nan, 99, 20, np.nan],
        "grade": ["A", "A", "A", "not_graded", "A", "C", "not_graded"],
    },
    IDS,
)
POINTS = pd.DataFrame(
    {"points": [60.0, 10.0, 70.0, 75.0]},
    pd.MultiIndex.from_tuples(
        [("weak", "growth"), ("weak", "payment"), ("good", "growth"), ("big", "growth")],
        names=["customer_id", "indicator"],
    ),
)


@pytest.fixture
def found():
    return accounts.find(CUSTOMERS, CHURN, SEGMENTS, POINTS, DAY, 180)


def test_accounts_are_project_customers_and_dealers_who_bought_largest_loss_first(found):
    assert found.index.tolist() == ["gone", "big", "weak", "new", "good"]
    assert found["usual_gap_days"].dropna().to_dict() == {
        **{"gone": 30, "big": 30, "weak": 30, "good": 10}
    }


def test_an_account_is_overdue_from_its_contact_date_on_until_it_is_gone(found):
    assert found.index[found["is_overdue"]].tolist() == ["big"]
    assert found.index[~found["is_recent"]].tolist() == ["gone"]


def test_the_weakest_indicator_has_the_fewest_points(found):
    assert found.loc["weak", ["weakest_indicator", "weakest_points"]].tolist() == ["payment", 10]


def test_what_was_lost_and_gained_is_counted_apart(found):
    assert accounts.add_up(found) == Summary(5, 2, 800.0, 100.0, 4, 1, 500.0)
    assert accounts.add_up(found.head(0)) == Summary(0, 0, 0.0, 0.0, 0, 0, 0.0)


def test_the_largest_losses_come_first_then_one_to_help_and_one_to_reward(found):
    """The best score of all is gone, the next best cut back: neither is rewarded."""
    chosen = accounts.choose(found, 6)
    assert list(chosen["why"].items()) == [
        *(("gone", "cut_back"), ("big", "overdue"), ("weak", "help"), ("good", "reward"))
    ]
    punctual = found.assign(is_overdue=False)
    assert list(accounts.choose(punctual, 4)["why"].items()) == [
        *(("gone", "cut_back"), ("big", "cut_back"), ("weak", "help"), ("good", "reward"))
    ]
    late = found.assign(is_overdue=True)  # by sales big 500, good 300, weak 80, new 40, gone 0
    assert list(accounts.choose(late, 4)["why"].items()) == [
        *(("gone", "cut_back"), ("big", "overdue"), ("weak", "help"), ("good", "reward"))
    ]


def test_one_account_is_chosen_once(found):
    alone = found.loc[["good"]]
    assert accounts.choose(alone, 6)["why"].tolist() == ["reward"]
    poor = found.assign(score=np.nan)
    assert accounts.choose(poor, 6)["why"].tolist() == ["cut_back", "overdue"]
    assert accounts.choose(found.head(0), 6).empty


def test_without_cities_and_grades_accounts_are_found_all_the_same():
    bare = accounts.find(
        CUSTOMERS.drop(columns="city"),
        CHURN,
        SEGMENTS.assign(score=np.nan),
        POINTS.head(0),
        DAY,
        180,
    )
    assert "city" not in bare and bare["weakest_indicator"].isna().all()
