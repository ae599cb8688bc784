"""The groups of the invented company are found from what, where and how customers buy."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from cvm_analysis.sample import baskets, churn, retail
from cvm_analysis.sample.business import AS_OF, GROUPS, REGIONS
from cvm_analysis.segments.clusters import assignment, features, measures, structure

SEED, N = 20260101, 4000


@pytest.fixture(scope="module")
def planted():
    """Retail customers of the sample as of its last day: columns of `customers`, and the group."""
    people = retail.customers(N, SEED)
    lives = [churn.live(people, region, SEED) for region in REGIONS]
    rng = np.random.default_rng(SEED)
    lines = pd.concat([baskets.lines(each.orders, GROUPS, rng) for each in lives])
    lines = lines.assign(money=lines["amount"] / 100, day=lines["ordered_at"].dt.normalize())
    by = lines.groupby("customer_id")
    table = pd.DataFrame(
        {
            "n_orders": by["order_id"].nunique(),
            "n_purchase_days": by["day"].nunique(),
            "gross_sales": by["money"].sum(),
            "T": (pd.Timestamp(AS_OF) - by["day"].min()).dt.days / 7,
        }
    )
    table["net_sales_per_order"] = table["gross_sales"] / table["n_orders"]
    shares = by.apply(_shares, include_groups=False).unstack(fill_value=0.0)
    known = people.set_index("customer_id")[["channel", "group"]]
    return table.join(known).assign(customer_type="retail"), shares


def _shares(lines):
    spent = lines.groupby("category")["money"].sum()
    return (spent / spent.sum()).add_prefix("category:")


def test_planted_groups_are_found(planted, monkeypatch):
    """0.78 of all customers and 0.90 of those with three purchase days or more on 12,000."""
    monkeypatch.setattr(structure, "NULL_SAMPLES", 12)
    people, shares = planted
    numbers = ["net_sales_per_order", "orders_per_year"]
    measured = measures.build(people, numbers, ["channel"], ["category"], shares)
    found = assignment.choose(features.build(measured, people), people["gross_sales"])
    often = people["n_purchase_days"] >= 3
    assert found.k == len(GROUPS) and found.is_structure
    assert (found.groups["stability"] == "stable").all()
    assert adjusted_rand_score(people["group"], found.labels) > 0.73
    assert adjusted_rand_score(people["group"][often], found.labels[often]) > 0.86


def test_what_they_did_alone_does_not_show_them(planted, monkeypatch):
    monkeypatch.setattr(structure, "NULL_SAMPLES", 12)
    people, _shares = planted
    measured = measures.build(people, ["net_sales_per_order", "orders_per_year"])
    found = assignment.choose(features.build(measured, people), people["gross_sales"])
    assert not found.is_structure
