"""The invented company's groups come back from what customers do, buy and where they buy it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from cvm_analysis.sample import baskets, leaving, retail
from cvm_analysis.sample.business import AS_OF, GROUPS, REGIONS
from cvm_analysis.segments.clusters import divide, features, measures, structure

SEED, N = 20260101, 4000


@pytest.fixture(scope="module")
def planted():
    """Retail customers of the sample as of its last day: columns of `customers`, and the group."""
    people = retail.customers(N, SEED)
    lives = [leaving.live(people, region, SEED) for region in REGIONS]
    rng = np.random.default_rng(SEED)
    lines = pd.concat([baskets.lines(each.orders, GROUPS, rng) for each in lives])
    lines = lines.assign(money=lines["amount"] / 100, day=lines["ordered_at"].dt.normalize())
    by = lines.groupby("customer_id")
    table = pd.DataFrame(
        {
            "n_orders": by["order_id"].nunique(),
            "n_days": by["day"].nunique(),
            "spend_gross": by["money"].sum(),
            "T": (pd.Timestamp(AS_OF) - by["day"].min()).dt.days / 7,
        }
    )
    table["spend_mean"] = table["spend_gross"] / table["n_orders"]
    shares = by.apply(_shares, include_groups=False).unstack(fill_value=0.0)
    known = people.set_index("customer_id")[["channel", "group"]]
    return table.join(known).assign(customer_type="retail"), shares


def _shares(lines):
    spent = lines.groupby("category")["money"].sum()
    return (spent / spent.sum()).add_prefix("category:")


def test_planted_groups_are_found(planted, monkeypatch):
    """0.78 of all customers and 0.90 of those with three purchase days or more on 12,000."""
    monkeypatch.setattr(structure, "CLOUDS", 12)
    people, shares = planted
    numbers = ["spend_mean", "orders_per_year"]
    measured = measures.of(people, numbers, ["channel"], ["category"], shares)
    found = divide.choose(features.of(measured, people), people["spend_gross"])
    often = people["n_days"] >= 3
    assert found.k == len(GROUPS) and found.is_structure
    assert (found.groups["stability"] == "stable").all()
    assert adjusted_rand_score(people["group"], found.labels) > 0.73
    assert adjusted_rand_score(people["group"][often], found.labels[often]) > 0.86


def test_what_they_did_alone_does_not_show_them(planted, monkeypatch):
    monkeypatch.setattr(structure, "CLOUDS", 12)
    people, _shares = planted
    measured = measures.of(people, ["spend_mean", "orders_per_year"])
    found = divide.choose(features.of(measured, people), people["spend_gross"])
    assert not found.is_structure
