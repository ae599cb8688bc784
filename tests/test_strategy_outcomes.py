"""Margins and purchases of members before and after their assignment, counted by hand."""

import pandas as pd
import pytest

from cvm_analysis.strategy import outcomes
from cvm_analysis.strategy.outcomes import Criterion

CRITERIA = {
    "letter": Criterion("margin", 30, "expected_margin"),
    "call": Criterion("purchase", 10, "purchase"),
}
MEMBERS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "a", "c", "a"],
        "campaign_id": ["one", "one", "two", "two", "three"],
        "action": ["letter", "letter", "call", "call", "unknown"],
        "arm": ["treated", "control", "treated", "control", "treated"],
        "at": pd.to_datetime(
            ["2025-03-01", "2025-03-05", "2025-03-20", "2025-03-20", "2025-01-01"]
        ),
    },
    index=[10, 11, 12, 13, 14],
)
MARGINS = pd.DataFrame(
    {
        "customer_id": ["a", "a", "a", "a", "b", "b", "z"],
        "day": pd.to_datetime(
            ["2024-02-29", "2025-02-28", "2025-03-01", "2025-03-31", "2025-04-03", "2025-04-04",
             "2025-03-10"]
        ),
        "amount": [64.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
    }
)  # fmt: skip


def add(**changed):
    purchases = MARGINS.assign(amount=1)
    daily = {"margin": MARGINS, "purchase": purchases}
    return outcomes.add_outcomes(MEMBERS, daily, CRITERIA, **changed)


def test_a_window_begins_on_the_day_of_assignment_and_ends_before_its_length():
    found = add()["outcome"]
    assert found[10] == 2  # the day of assignment counts, 31 March is day 30 and does not
    assert found[11] == 8  # 3 April is day 29
    assert found[12] == 0 and found[13] == 0  # 31 March is day 11
    assert pd.isna(found[14])


def test_a_purchase_counts_once():
    later = outcomes.add_outcomes(
        MEMBERS.assign(at=pd.Timestamp("2025-03-25")),
        {"purchase": pd.concat([MARGINS] * 3).assign(amount=1)},
        CRITERIA,
    )
    assert later["outcome"].dropna().tolist() == [1, 0]


def test_before_ends_the_day_before_assignment():
    found = add()["before"]
    assert found[10] == 1  # 29 February 2024 is 366 days before 1 March 2025
    assert found[11] == 0
    assert found[12] == 2  # days with a purchase
    assert add(before_days=366)["before"][10] == 65


def test_nothing_else_changes():
    pd.testing.assert_frame_equal(add()[MEMBERS.columns], MEMBERS)
    assert add().loc[13, "before"] == 0  # c never bought
    again = outcomes.add_outcomes(MEMBERS.set_axis([0] * 5), {"margin": MARGINS}, CRITERIA)
    assert again["outcome"].dropna().tolist() == [2, 8]  # whatever the index is


def test_members_treated_elsewhere_within_the_window_overlap():
    found = outcomes.find_overlaps(MEMBERS, CRITERIA)
    # a: letter 1 to 30 March, call 20 to 29 March; the unknown action counts for its day.
    assert found.tolist() == [True, False, True, False, False]


@pytest.mark.parametrize(("at", "overlaps"), [("2025-03-30", True), ("2025-03-31", False)])
def test_windows_that_only_touch_do_not_overlap(at, overlaps):
    later = MEMBERS.assign(
        at=MEMBERS["at"].where(MEMBERS["campaign_id"] != "two", pd.Timestamp(at))
    )
    assert outcomes.find_overlaps(later, CRITERIA)[10] == overlaps


def test_a_control_of_another_campaign_was_not_contacted():
    arms = MEMBERS.assign(arm=["treated", "control", "control", "control", "treated"])
    assert outcomes.find_overlaps(arms, CRITERIA).tolist() == [False, False, True, False, False]
