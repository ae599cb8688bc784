"""The customer base by attribute: counts by hand, and no group too small to be shown."""

import datetime as dt

import pandas as pd
import pytest

from cvm_analysis.segments import customer_base

DAY = dt.date(2025, 12, 31)


def customers(n=10, **attributes):
    """So many customers; sales of the last year are 10 each, the first half ordered in it."""
    facts = {
        "n_orders": 1,
        "n_orders_365d": [int(i < n / 2) for i in range(n)],
        "net_sales_365d": 10.0,
        **attributes,
    }
    return pd.DataFrame(facts, index=pd.Index([f"C{i}" for i in range(n)], name="customer_id"))


def test_groups_by_hand():
    people = customers(gender=["female"] * 3 + ["male"] * 5 + [None] * 2)
    found = customer_base.describe(people, DAY, 2)
    assert list(found.index) == [
        ("gender", "male"), ("gender", "female"), ("gender", "unknown"),
    ]  # fmt: skip
    assert list(found["n_customers"]) == [5, 3, 2]
    assert list(found["share_customers"][:2]) == pytest.approx([5 / 8, 3 / 8])
    assert list(found["net_sales_365d"]) == [50.0, 30.0, 20.0]
    assert list(found["share_net_sales"][:2]) == pytest.approx([5 / 8, 3 / 8])
    assert found["share_customers"].isna().tolist() == [False, False, True]
    assert list(found["active_share"]) == pytest.approx([2 / 5, 1, 0])


def test_customers_without_an_order_do_not_count():
    people = customers(gender=["female"] * 5 + ["male"] * 5).assign(n_orders=[1] * 8 + [0] * 2)
    assert list(customer_base.describe(people, DAY, 2)["n_customers"]) == [5, 3]


def test_ages_run_from_young_to_old():
    born = ["1950-01-01"] * 4 + ["1990-01-01"] * 3 + ["2000-01-01"] * 2 + [None]
    people = customers(birth_date=pd.to_datetime(born))
    found = customer_base.describe(people, DAY, 1)
    groups = ["under_30", "30_44", "60_plus", "unknown"]
    assert list(found.index.get_level_values("group")) == groups
    assert list(found["n_customers"]) == [2, 3, 4, 1]


def test_small_groups_are_pooled_and_the_rest_beyond_eight_rows():
    sizes = [20, 18, 16, 14, 12, 10, 8, 6, 5]
    cities = [f"city {i}" for i, n in enumerate(sizes) for _ in range(n)]
    people = customers(sum(sizes), city=cities)
    found = customer_base.describe(people, DAY, 5)
    assert list(found["n_customers"]) == [20, 18, 16, 14, 12, 10, 8, 11]
    assert list(found.index.get_level_values("group"))[-1] == "other"
    found = customer_base.describe(people, DAY, 9)
    assert list(found["n_customers"]) == [20, 18, 16, 14, 12, 10, 19]


def test_a_pool_too_small_itself_takes_the_smallest_group():
    people = customers(13, gender=["female"] * 6 + ["male"] * 5 + ["other sex"] * 2)
    found = customer_base.describe(people, DAY, 5)
    assert list(found["n_customers"]) == [6, 7]
    people = customers(gender=["female"] * 8 + ["male"] * 2)
    assert customer_base.describe(people, DAY, 5).empty, "one group divides nobody"


def test_few_who_are_not_known_are_pooled_not_left_out():
    """The total of all customers, less those shown, would be the one whose gender is not known."""
    people = customers(13, gender=["female"] * 6 + ["male"] * 6 + [None])
    found = customer_base.describe(people, DAY, 2)
    assert found["n_customers"].to_dict() == {("gender", "female"): 6, ("gender", "other"): 7}


def test_sales_of_few_active_customers_are_hidden_and_those_of_another_group():
    """By hand: 2 of 10 dealers active; their sales would follow from the total, so b goes, too."""
    active = {"a": (2, 8), "b": (6, 6), "c": (9, 9), "d": (12, 0), "e": (8, 3)}
    city = [name for name, (n, m) in active.items() for _ in range(n + m)]
    is_active = [i < n for n, m in active.values() for i in range(n + m)]
    people = customers(len(city), city=city).assign(n_orders_365d=is_active)
    found = customer_base.describe(people, DAY, 5).loc["city"]
    hidden = {column: sorted(found.index[found[column].isna()]) for column in found}
    assert hidden == {
        **dict(n_customers=[], share_customers=[]),
        **dict(net_sales_365d=["a", "b"], share_net_sales=["a", "b"]),
        "active_share": ["a", "b", "e"],  # 3 of e are inactive, and with them b's 6
    }


def test_attributes_come_in_order_the_businesss_own_last():
    people = customers(
        shop_size=["S"] * 5 + ["L"] * 5,
        floor_area=[str(i % 2) for i in range(10)],
        note=[f"note {i}" for i in range(10)],
        channel=["web"] * 5 + ["store"] * 5,
        first_channel=["web"] * 4 + ["store"] * 6,
        gender=["female", "male"] * 5,
        customer_type="retail",
        industry=None,
    )
    found = customer_base.describe(people, DAY, 1)
    assert list(found.index.get_level_values("attribute").unique()) == [
        "gender", "channel", "shop_size", "note",
    ]  # fmt: skip
    without = customer_base.describe(people.drop(columns="channel"), DAY, 1)
    assert "first_channel" in without.index.get_level_values("attribute")


def test_free_texts_are_no_groups():
    people = customers(62, note=[f"note {i // 2}" for i in range(62)])
    assert customer_base.describe(people, DAY, 1).empty, "31 values"


def test_shares_of_sales_are_empty_where_returns_exceed_them():
    people = customers(gender=["female", "male"] * 5).assign(net_sales_365d=-1.0)
    found = customer_base.describe(people, DAY, 1)
    assert found["share_net_sales"].isna().all() and (found["net_sales_365d"] == -5).all()
