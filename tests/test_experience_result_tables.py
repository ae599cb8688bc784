"""The tables of the experience have the columns that `tables` describes."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis import tables
from cvm_analysis.experience import breakage, leads, membership, points, referrals, result_tables
from cvm_analysis.experience.comparison import Difference
from cvm_analysis.experience.membership import Level

AS_OF = dt.date(2025, 12, 31)
MOVES = pd.DataFrame(
    [(f"c{i}", f"2025-0{1 + i % 9}-01", "earn", 10 * i + 1) for i in range(40)]
    + [(f"c{i}", "2025-10-01", "redeem", 5) for i in range(1, 20)],
    columns=["customer_id", "at", "kind", "points"],
)
LEADS = pd.DataFrame(
    {
        "lead_id": ["L1", "L2", "L3"],
        "created_on": "2025-01-01",
        "stage": ["new", "new", "quote"],
        "stage_at": "2025-01-02",
        "source": ["web", "web", "fair"],
        "owner": "Li",
        "value": [10.0, 20, 30],
        "customer_id": [None, "c3", "c4"],
        "closed_on": ["2025-02-01", None, None],
        "outcome": ["won", None, None],
    }
)
BROUGHT = pd.DataFrame({"customer_id": ["c1"], "referred_id": ["c2"], "at": ["2025-01-01"]})


@pytest.fixture(scope="module")
def ledger():
    moved = points.movements(MOVES, AS_OF, 300)
    return moved, points.match(moved)


def test_one_row_per_customer_with_all_that_is_known(ledger):
    totals = points.totals(*ledger, AS_OF, 300, 30)
    earned = membership.earned_within(ledger[0], AS_OF, 365).rename("points").to_frame()
    levels = membership.find_levels(earned.assign(net_sales=0), (Level("silver", from_points=100),))
    chains = referrals.find_chains(BROUGHT, AS_OF)
    own = pd.Index(["c1", "c2"])
    referrers = referrals.summarise_referrers(chains, pd.Series({"c2": 7.0}), own)
    by = referrals.referred_by(chains, own)
    prospects = leads.by_customer(leads.latest(LEADS, ["new", "quote"], AS_OF), AS_OF)
    found = result_tables.membership(totals, levels, by, referrers, prospects)
    tables.check("membership", found.reset_index())
    assert set(found) == set(tables.TABLES["membership"].columns) - {"customer_id"}
    assert found.loc["c1", ["n_referred", "brought_value"]].tolist() == [1, 7.0]
    assert found.loc["c2", "referred_by"] == "c1" and found.loc["c3", "lead_stage"] == "new"
    assert found.loc["c39", "level"] == "silver" and pd.isna(found.loc["c1", "level"])
    alone = result_tables.membership(None, None, None, None, prospects)
    assert list(alone) == ["lead_stage", "days_since_stage", "lead_value"]
    assert result_tables.membership(None, None, None, None, None).empty


def test_figures_of_points(ledger):
    fates = breakage.estimate(ledger[1], AS_OF, 300, 50, 0)
    owed = breakage.liability(ledger[1], fates, AS_OF, 0.01)
    found = result_tables.points_figures(fates, owed)
    tables.check("points_figures", found.reset_index())
    assert found.loc["breakage", "estimate"] == fates.breakage.mean
    assert found.loc["face_value", "estimate"] == pytest.approx(owed.points * 0.01)
    none = result_tables.points_figures(None, None)
    tables.check("points_figures", none.reset_index())
    assert none.empty


def test_funnels_conversion_and_comparisons():
    order = ["new", "quote"]
    latest = leads.latest(LEADS, order, AS_OF)
    funnel = result_tables.lead_funnel(latest, order)
    tables.check("lead_funnel", funnel.reset_index())
    assert funnel.loc[("source", "web", "won"), "n_reached"] == 1
    p_won = pd.Series({"L2": 0.5, "L3": 0.1})
    table = result_tables.lead_conversion(latest, p_won, 30)
    tables.check("lead_conversion", table.reset_index())
    assert table.loc[("all", "all"), "expected_value"] == pytest.approx(13)
    assert table.loc[("source", "fair"), "expected_won"] == pytest.approx(0.1)
    one = Difference(30, 2, 5.0, 4.0, 1.0, -1.0, 3.0)
    both = result_tables.comparisons({"members": one, "referred": None}, 90)
    tables.check("comparisons", both.reset_index())
    assert both.loc["members"].tolist() == [90, 30, 2, 5, 4, 1, -1, 3]
    due = leads.follow_ups(latest, (leads.Stage("new", 3),), AS_OF)
    tables.check("follow_ups", due.reset_index())


def test_shares_of_new_customers():
    first = pd.to_datetime(pd.Series({"c1": "2025-01-01", "c2": "2025-01-03"}))
    found = referrals.share_of_new(referrals.find_chains(BROUGHT, AS_OF), first, "M")
    tables.check("referral_share", found.reset_index())
    assert found["n_referred_new"].tolist() == [1] and np.isclose(found["share"].iloc[0], 0.5)
