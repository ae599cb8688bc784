"""Descriptions: all customers and net sales once, each measure in its own unit."""

import numpy as np
import pandas as pd
import pytest
from three_kinds import customers

from cvm_analysis.segments.clusters import describe, features, measures


@pytest.fixture(scope="module")
def people():
    channel = np.array(["web"] * 150 + ["store"] * 450, dtype=object)
    return customers().assign(channel=channel)


@pytest.fixture(scope="module")
def measured(people):
    care = pd.Series(np.resize([0.0, 0.5], 600), people.index)
    shares = pd.DataFrame({"category:care": care, "category:tools": 1 - care})
    numbers = ["net_sales_per_order", "days_since_last"]
    return measures.build(people, numbers, ["channel"], ["category"], shares)


@pytest.fixture(scope="module")
def labels(people):
    return people["kind"].map({"big": "c1", "regular": "c2", "gone": "c3"}).rename("cluster")


def test_all_customers_and_net_sales_count_once(people, measured, labels):
    worth = pd.DataFrame({"expected_margin": 1.0}, index=people.index)
    table = describe.describe(people, measured, labels, worth)
    assert table["n_customers"].tolist() == [200, 200, 200]
    assert table["net_sales"].sum() == pytest.approx(people["net_sales"].sum())
    assert table["expected_margin"].sum() == 600
    assert table[["share_customers", "share_net_sales"]].sum().tolist() == pytest.approx([1, 1])


def test_numbers_are_medians_shares_are_means(people, measured, labels):
    table = describe.describe(people, measured, labels)
    big = people[people["kind"] == "big"]
    assert table.loc["c1", "net_sales_per_order"] == pytest.approx(
        big["net_sales_per_order"].median()
    )
    assert table["category:care"].tolist() == pytest.approx([0.25] * 3)
    assert table.loc["c2", ["channel=web", "channel=store"]].tolist() == [0.75, 0.25]
    assert table.loc["c3", ["channel=web", "channel=store"]].tolist() == [0, 1]
    assert "expected_margin" not in table


def test_unknown_levels_do_not_count(people, measured, labels):
    unknown = measured.assign(channel=measured["channel"].where(labels != "c3", None))
    table = describe.describe(people, unknown, labels)
    assert table.loc["c2", "channel=web"] == 0.75
    assert np.isnan(table.loc["c3", "channel=web"])


def test_profile_is_measured_from_the_average_customer(people, measured, labels):
    made = features.build(measured, people)
    table = describe.profile(made.table, labels)
    weighted = table.drop(columns="n_customers").mul(table["n_customers"], axis=0)
    assert weighted.sum().abs().max() < 1e-9
    assert table.loc["c1", "net_sales_per_order"] > 0.8
    everybody = made.table["channel=web"]
    far = (everybody[labels == "c2"].mean() - everybody.mean()) / everybody.std(ddof=0)
    assert table.loc["c2", "channel=web"] == pytest.approx(far)


def test_a_column_in_which_all_are_alike_is_no_distance(labels):
    same = pd.DataFrame({"net_sales_per_order": 1.0}, index=labels.index)
    assert (describe.profile(same, labels)["net_sales_per_order"] == 0).all()
