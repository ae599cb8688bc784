"""Leads by hand: what was known when, the funnel, who is due."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.experience import leads
from cvm_analysis.experience.leads import Stage

AS_OF = dt.date(2025, 6, 30)
STAGES = (Stage("new", 2), Stage("visit", 7), Stage("quote", None))
ORDER = ["new", "visit", "quote"]
COLUMNS = [
    *("lead_id", "created_on", "stage", "stage_at", "source", "owner", "value", "customer_id"),
    *("closed_on", "outcome"),
]


def table(*rows):
    found = pd.DataFrame(rows, columns=COLUMNS)
    for name in ("created_on", "stage_at", "closed_on"):
        found[name] = pd.to_datetime(found[name])
    return found


LEADS = table(
    ("L1", "2025-01-01", "new", "2025-01-01", "web", "Li", 100.0, None, None, None),
    ("L1", "2025-01-01", "visit", "2025-01-10", "web", "Wu", 120.0, "c1", "2025-02-01", "won"),
    ("L2", "2025-01-05", "quote", "2025-02-05", "web", "Li", 50.0, None, "2025-03-01", "lost"),
    ("L3", "2025-05-01", "new", None, "fair", "Li", None, "c3", None, None),
    ("L4", "2025-06-01", "visit", "2025-06-20", "fair", "Wu", 80.0, "c3", None, "open"),
    ("L5", "2025-07-01", "new", "2025-07-01", "web", "Wu", 10.0, None, None, None),
)


def test_a_lead_is_as_it_was_known_on_the_day():
    found = leads.latest(LEADS, ORDER, AS_OF)
    assert list(found.index) == ["L1", "L2", "L3", "L4"]
    assert found["outcome"].tolist() == ["won", "lost", "open", "open"]
    assert found["days"].tolist() == [31, 55, 60, 29]
    assert found["furthest"].tolist() == [1, 2, 0, 1]
    assert found.loc["L1", ["owner", "value", "customer_id"]].tolist() == ["Wu", 120.0, "c1"]
    assert found.loc["L3", "stage_at"] == pd.Timestamp("2025-05-01")  # the day it came in
    early = leads.latest(LEADS, ORDER, dt.date(2025, 1, 8))
    assert early.loc["L1", ["stage", "owner", "value"]].tolist() == ["new", "Li", 100.0]
    assert early["outcome"].tolist() == ["open", "open"]
    assert pd.isna(early.loc["L2", "stage"]) and early.loc["L2", "furthest"] == -1
    assert pd.isna(early.loc["L1", "customer_id"])


def test_the_funnel_by_hand():
    found = leads.funnel(leads.latest(LEADS, ORDER, AS_OF), ORDER).set_index("stage")
    assert found["n_reached"].to_dict() == {"new": 4, "visit": 3, "quote": 2, "won": 1}
    assert found["share_of_last"].tolist() == pytest.approx([1, 3 / 4, 2 / 3, 1 / 2])
    assert found["n_open"].to_dict() == {"new": 1, "visit": 1, "quote": 0, "won": 0}
    assert found["n_lost"].to_dict() == {"new": 0, "visit": 0, "quote": 1, "won": 0}
    by_source = leads.funnel(leads.latest(LEADS, ORDER, AS_OF), ORDER, "source")
    won = by_source[by_source["stage"] == "won"].set_index("segment")["n_reached"]
    assert won.to_dict() == {"fair": 0, "web": 1}


def test_conversion_by_hand():
    """Four at risk at day 31, one won; two were censored at 29 and 60, one lost at 55."""
    found = leads.conversion(leads.latest(LEADS, ORDER, AS_OF), 58).loc["all"]
    assert found[["n", "n_won", "n_lost", "n_open"]].tolist() == [4, 1, 1, 2]
    assert found["won"] == pytest.approx(1 / 3)
    assert found["lost"] == pytest.approx(2 / 3 * 1 / 2)
    assert found["won_low"] < 1 / 3 < found["won_high"]
    longer = leads.conversion(leads.latest(LEADS, ORDER, AS_OF), 90).loc["all"]
    assert np.isnan(longer["won"])  # nobody was observed so long


def test_stages_are_in_the_order_of_the_config_then_of_the_days():
    assert leads.find_stages(LEADS, STAGES) == ORDER
    assert leads.find_stages(LEADS, ()) == ["new", "visit", "quote"]
    assert leads.find_stages(LEADS, (Stage("quote"),)) == ["quote", "new", "visit"]


def test_who_is_due_most_overdue_first():
    found = leads.follow_ups(leads.latest(LEADS, ORDER, AS_OF), STAGES, AS_OF)
    assert found["due_on"].dt.strftime("%m-%d").to_dict() == {"L3": "05-03", "L4": "06-27"}
    assert found["days_overdue"].tolist() == [58, 3]


def test_a_customer_has_the_open_lead_that_moved_last():
    found = leads.by_customer(leads.latest(LEADS, ORDER, AS_OF), AS_OF)
    assert found.to_dict("index") == {
        "c3": {"lead_stage": "visit", "days_since_stage": 10.0, "lead_value": 80.0}
    }


def test_no_leads_give_no_rows():
    found = leads.latest(LEADS, ORDER, dt.date(2024, 1, 1))
    assert found.empty and leads.funnel(found, ORDER).empty
    assert leads.follow_ups(found, STAGES, AS_OF).empty
    assert leads.conversion(found, 30).empty
    assert leads.by_customer(found, AS_OF).empty


def test_several_days_at_once_are_each_day_alone():
    days = [dt.date(2025, 1, 7), dt.date(2025, 2, 10), AS_OF]
    together = leads.latest_on(LEADS, ORDER, days)
    for day in days:
        alone = leads.latest(LEADS, ORDER, day)
        pd.testing.assert_frame_equal(
            together.xs(pd.Timestamp(day)), alone, check_dtype=False, check_names=False
        )
