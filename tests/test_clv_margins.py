"""Margins by credibility: the less a customer spent, the nearer to their type's margin."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import margins


@pytest.fixture(scope="module")
def people():
    """4,000 customers whose true margins vary around .4 by .1; orders' margins vary by .2."""
    rng = np.random.default_rng(4)
    n = 4000
    orders = np.stack([rng.geometric(0.3, n), rng.geometric(0.3, n) - 1])
    true = 0.4 + 0.1 * rng.standard_normal(n)
    drawn = [true + 0.2 * rng.standard_normal(n) / np.sqrt(np.maximum(k, 1)) for k in orders]
    spend = 100.0 * orders
    margin = spend * np.stack(drawn)
    return pd.DataFrame(
        {
            "customer_type": np.where(np.arange(n) % 4, "retail", "dealer"),
            "net_sales": spend.sum(axis=0),
            "margin_total": margin.sum(axis=0),
            "net_sales_365d": spend[1],
            "margin_365d": margin[1],
            "true": true,
        },
        [f"C{i}" for i in range(n)],
    )


def test_shares_times_past_spend_are_the_known_margin_of_each_type(people):
    some = people.assign(margin_total=people["margin_total"].mask(people["net_sales"] > 900))
    shares = margins.estimate(some, 0.3)
    known = some[some["margin_total"].notna()]
    for _, rows in known.groupby("customer_type"):
        again = (shares.loc[rows.index] * rows["net_sales"]).sum()
        assert again == pytest.approx(rows["margin_total"].sum(), rel=1e-12)


def test_the_known_margin_is_reproduced_with_customers_who_returned_more_than_they_bought(people):
    some = people.copy()
    some.iloc[:40, some.columns.get_loc("net_sales")] = -10.0
    shares = margins.estimate(some, 0.3)
    assert (shares * some["net_sales"]).sum() == pytest.approx(some["margin_total"].sum())


def test_credibility_is_that_of_the_planted_variances(people):
    """s^2 = .2^2 x 100 a unit of spend and a = .1^2: so K = 400, an order of 100 has Z = 1/5."""
    retail = people[people["customer_type"] == "retail"]
    shares = margins.estimate(retail, 0.3)
    own = retail["margin_total"] / retail["net_sales"]
    for spend, z in ((100, 1 / 5), (400, 1 / 2)):
        rows = retail["net_sales"] == spend
        slope = np.polyfit(own[rows], shares[rows], 1)[0]
        assert slope == pytest.approx(z, abs=0.04)


def test_shares_are_closer_to_the_truth_than_own_or_common_ones(people):
    shares = margins.estimate(people, 0.3)
    own = people["margin_total"] / people["net_sales"]
    error = {
        name: np.sqrt(((each - people["true"]) ** 2).mean())
        for name, each in {"shares": shares, "own": own, "common": 0.4}.items()
    }
    assert error["shares"] < 0.9 * min(error["own"], error["common"])


def test_one_share_for_all_where_nothing_tells_customers_apart(people):
    once = people.assign(net_sales_365d=0.0, margin_365d=0.0)
    for _, rows in once.groupby("customer_type"):
        shares = margins.estimate(rows, 0.3)
        together = rows["margin_total"].sum() / rows["net_sales"].sum()
        assert shares.to_numpy() == pytest.approx(together)
    alike = people.assign(margin_total=0.4 * people["net_sales"],
                          margin_365d=0.4 * people["net_sales_365d"])  # fmt: skip
    assert margins.estimate(alike, 0.3).to_numpy() == pytest.approx(0.4)


def test_unknown_costs_take_the_types_margin_and_an_unknown_type_that_of_all(people):
    some = people.assign(
        margin_total=people["margin_total"].where(people["customer_type"] == "retail")
    )
    some.iloc[1, some.columns.get_loc("margin_total")] = np.nan  # a retail customer
    shares = margins.estimate(some, 0.3)
    dealers = shares[people["customer_type"] == "dealer"]
    assert dealers.to_numpy() == pytest.approx(margins.share_of_all(some, 0.3))
    assert shares.iloc[1] == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize(
    "customers",
    [
        pd.DataFrame({"net_sales": [1.0]}),
        pd.DataFrame({"net_sales": [1.0], "margin_total": [np.nan]}),
        pd.DataFrame({"net_sales": [-1.0], "margin_total": [0.5]}),
    ],
)
def test_without_a_known_margin_the_given_one_counts(customers):
    assert margins.share_of_all(customers, 0.3) == 0.3
    assert margins.estimate(customers.assign(customer_type="retail"), 0.3).tolist() == [0.3]


def test_the_share_of_returns_is_of_all_customers_together():
    customers = pd.DataFrame({"gross_sales": [100.0, 300.0, 0.0], "net_sales": [100, 240, -20]})
    assert margins.return_share(customers) == pytest.approx(0.2)
    assert margins.return_share(customers.assign(net_sales=[-100, -400, 0])) == 1
    assert margins.return_share(customers * 0) == 0


def test_a_negative_margin_is_noted():
    customers = pd.DataFrame(
        {"net_sales": [100.0, 300, 50], "margin_total": [-50.0, 10, np.nan]}
    ).assign(customer_type="retail")
    shares = margins.estimate(customers, 0.3)
    assert shares.to_numpy() == pytest.approx(-0.1)
    assert [(n.code, n.have) for n in margins.notes(customers, shares)] == [
        ("negative_margin", -10.0)
    ]
    assert margins.notes(customers, shares.abs()) == []
