"""Referrals by hand, in trees and in cycles; the referred against other new customers."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.experience import referrals

AS_OF = dt.date(2025, 12, 31)


def chains(*rows):
    table = pd.DataFrame(rows, columns=["customer_id", "referred_id", "at"])
    return referrals.find_chains(table, AS_OF)


FAMILY = (
    ("ann", "bob", "2025-01-01"),
    ("ann", "cai", "2025-02-01"),
    ("bob", "dan", "2025-03-01"),
    ("dan", "eva", "2025-04-01"),
    ("zoe", "yan", "2025-04-01"),
)


EVERYBODY = pd.Index(["ann", "bob", "cai", "dan", "eva", "yan", "zoe"])
NORTH, SOUTH = pd.Index(["ann", "cai", "dan", "zoe"]), pd.Index(["bob", "eva", "yan"])


def test_chains_are_followed_to_where_they_began():
    found = chains(*FAMILY).referrals.set_index("referred_id")
    assert found["generation"].to_dict() == {"bob": 1, "cai": 1, "dan": 2, "eva": 3, "yan": 1}
    assert found["origin"].to_dict() == {
        "bob": "ann", "cai": "ann", "dan": "ann", "eva": "ann", "yan": "zoe"
    }  # fmt: skip


def test_a_referrer_is_worth_what_came_through_them():
    worth = pd.Series({"ann": 100.0, "bob": 10.0, "dan": 5.0, "eva": 2.0, "yan": 1.0})
    found = referrals.summarise_referrers(chains(*FAMILY), worth, EVERYBODY)
    assert found.loc["ann"].tolist() == [2, 1, 100, 10, 17]  # cai never bought
    assert found.loc["bob"].tolist() == [1, 1, 10, 5, 7]
    assert found.loc["zoe", "own_value"] == 0
    assert found.index[0] == "ann"


def test_a_chain_is_followed_out_of_the_region_and_regions_add_up_to_the_company():
    worth = pd.Series({"ann": 100.0, "bob": 10.0, "cai": 1.0, "dan": 5.0, "eva": 2.0, "yan": 1.0})
    family = chains(*FAMILY)
    north = referrals.summarise_referrers(family, worth, NORTH)
    assert north["chain_value"].to_dict() == {"ann": 18, "dan": 2, "zoe": 1}  # bob's 10 and dan's 5
    assert referrals.referred_by(family, NORTH).to_dict() == {"cai": "ann", "dan": "bob"}
    south = referrals.summarise_referrers(family, worth, SOUTH)
    assert south["chain_value"].to_dict() == {"bob": 7}
    assert referrals.referred_by(family, SOUTH).to_dict() == {
        "bob": "ann", "eva": "dan", "yan": "zoe"
    }  # fmt: skip
    company = referrals.summarise_referrers(family, worth, EVERYBODY)
    both = pd.concat([north, south])
    pd.testing.assert_frame_equal(both.sort_index(), company.sort_index())
    first = pd.Series(pd.Timestamp("2025-06-01"), EVERYBODY)
    shares = [referrals.share_of_new(family, first[own], "Q") for own in (NORTH, SOUTH, EVERYBODY)]
    counts = [each[["n_new", "n_referred_new"]].sum().tolist() for each in shares]
    assert counts == [[4, 2], [3, 3], [7, 5]]


def test_a_cycle_is_named_and_its_latest_referral_does_not_count():
    found = chains(
        ("b", "c", "2025-01-02"), ("c", "a", "2025-01-03"), ("a", "b", "2025-01-01"),
        ("c", "d", "2025-01-04"),
    )  # fmt: skip
    assert found.cycles == [("a", "b", "c")]
    assert found.referrals["referred_id"].tolist() == ["b", "c", "d"]
    assert found.referrals["generation"].tolist() == [1, 2, 3]
    assert set(found.referrals["origin"]) == {"a"}


def test_only_the_earliest_referral_by_the_day_counts_and_nobody_refers_themselves():
    found = chains(
        ("x", "c", "2025-05-01"), ("y", "c", "2025-04-01"), ("c", "c", "2025-01-01"),
        ("x", "z", "2026-01-01"),
    )  # fmt: skip
    assert found.referrals[["customer_id", "referred_id"]].to_numpy().tolist() == [["y", "c"]]
    assert found.cycles == []


edges = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"), st.integers(1, 28)),
    max_size=20,
)


@given(edges)
@settings(max_examples=200, deadline=None)
def test_without_the_named_referrals_nobody_is_their_own_ancestor(rows):
    found = chains(*((a, b, f"2025-01-{day:02d}") for a, b, day in rows))
    parent = found.referrals.set_index("referred_id")["customer_id"].to_dict()
    for start in parent:
        above, steps = start, 0
        while above in parent:
            above, steps = parent[above], steps + 1
            assert steps <= len(parent)
        row = found.referrals.set_index("referred_id").loc[start]
        assert (row["origin"], row["generation"]) == (above, steps)
    n_kept = len({b for a, b, _ in rows if a != b}) - len(found.cycles)
    assert len(found.referrals) == n_kept


def test_new_customers_count_as_referred_only_if_that_came_first():
    first = pd.Series({"bob": "2025-01-05", "cai": "2025-01-20", "dan": "2025-03-01", "x": None})
    first = pd.concat([first, pd.Series({"n1": "2025-01-01", "n2": "2025-03-31"})])
    found = referrals.share_of_new(chains(*FAMILY), pd.to_datetime(first), "Q")
    assert found[["n_new", "n_referred_new"]].to_numpy().tolist() == [[5, 2]]
    assert found["share"].iloc[0] == pytest.approx(0.4)
    # Wilson's interval of 2 of 5
    assert found[["share_low", "share_high"]].iloc[0].tolist() == pytest.approx(
        [0.1176, 0.7693], abs=1e-4
    )


@pytest.mark.parametrize("more", [0.0, 0.5])
def test_the_referred_spend_more_by_what_was_planted(more):
    rng = np.random.default_rng(8)
    rows, brought = [], []
    for i in range(3_000):
        day = pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(rng.integers(0, 500)))
        size = rng.lognormal(3, 0.6)
        is_referred = rng.random() < 0.2
        rows.append((f"c{i}", day, size))
        if is_referred:
            brought.append(("ref", f"c{i}", day))
        for _ in range(rng.poisson(2 * (1 + more * is_referred))):
            rows.append((f"c{i}", day + pd.Timedelta(days=int(rng.integers(1, 181))), size))
    purchases = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    found = referrals.compare_referred(purchases, chains(*brought), AS_OF, 180)
    assert found.n > 550
    assert found.low <= more * found.mean_others <= found.high
    assert (found.low > 0) == (more > 0)


def test_no_referrals_give_no_rows():
    none = chains()
    assert none.referrals.empty and none.cycles == []
    assert referrals.summarise_referrers(none, pd.Series(dtype=float), EVERYBODY).empty
