"""Regions side by side: their year, their customers' money, and what each should do first."""

import pandas as pd
import pytest

from cvm_analysis.performance import regions


@pytest.fixture
def year():
    rows = [
        ("all", "all", "net_sales", 300.0, 200.0, True),
        ("east", "all", "net_sales", 100.0, 80.0, True),
        ("east", "retail", "net_sales", 40.0, 80.0, True),
        ("west", "all", "net_sales", 200.0, 0.0, False),
        ("east", "all", "kept_share", 0.5, 0.6, True),
        ("west", "all", "kept_share", 0.4, None, None),
        ("east", "all", "n_active", 10.0, 8.0, False),
        ("west", "all", "n_active", 20.0, 20.0, False),
    ]
    key = ["region", "customer_type", "figure"]
    columns = [*key, "value", "before", "beyond_chance"]
    return pd.DataFrame(rows, columns=columns).set_index(key)


CUSTOMERS = pd.DataFrame({"region": ["east", "east", "west"]}, index=["C1", "C2", "C3"])
MONEY = pd.Series([1.0, 2.0, 4.0], index=CUSTOMERS.index)


def planned(*rows):
    columns = ["region", "action", "expected_gain", "cost", "counts_gain"]
    return pd.DataFrame(rows, columns=columns)


def test_the_year_of_each_region_is_that_of_all_its_types(year):
    found = regions.compare(year, CUSTOMERS, MONEY, 10 * MONEY, planned())
    assert list(found.index) == ["west", "east"]
    east, west = found.loc["east"], found.loc["west"]
    assert (east["net_sales"], east["net_sales_change"]) == (100, pytest.approx(0.25))
    assert (east["kept_share"], east["kept_share_change"]) == (0.5, pytest.approx(-0.1))
    assert east["net_sales_clear"] and not east["n_active_clear"]
    assert pd.isna(west["net_sales_change"]) and pd.isna(west["kept_share_change"])
    assert not west["kept_share_clear"]


def test_money_of_customers_adds_up_to_the_company(year):
    found = regions.compare(year, CUSTOMERS, MONEY, 10 * MONEY, planned())
    assert found["expected_margin"].to_dict() == {"east": 3.0, "west": 4.0}
    assert found["margin_at_stake"].to_dict() == {"east": 30.0, "west": 40.0}


def test_the_first_step_should_bring_most_after_cost_and_counts_no_gain_twice(year):
    actions = planned(
        ("east", "call", 5.0, 1.0, True),
        ("east", "mail", 3.0, 0.0, True),
        ("east", "mail", 2.5, 0.0, True),
        ("east", "visit", 99.0, 1.0, False),
    )
    found = regions.compare(year, CUSTOMERS, MONEY, MONEY, actions)
    assert (found.loc["east", "action"], found.loc["east", "n_contacts"]) == ("mail", 2)
    assert pd.isna(found.loc["west", "action"])
