"""A name means the same cluster from one report to the next."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.segments.clusters import names

CENTRES = {"c1": (3.0, 0.0), "c2": (0.0, 3.0), "c3": (-3.0, -3.0)}


def drawn(centres, n=50, seed=0):
    """Customers around named centres: their features and their clusters."""
    rng = np.random.default_rng(seed)
    points = [rng.normal(at, 0.3, (n, 2)) for at in centres.values()]
    index = pd.Index([f"C{i:03}" for i in range(n * len(centres))], name="customer_id")
    features = pd.DataFrame(np.vstack(points), index, ["net_sales_per_order", "orders_per_year"])
    labels = pd.Series(np.repeat(list(centres), n), index, name="cluster")
    return features, labels


@pytest.fixture(scope="module")
def then():
    return drawn(CENTRES)


def test_a_planted_swap_is_undone(then):
    features, labels = then
    swapped = labels.map({"c1": "c2", "c2": "c1", "c3": "c3"})
    found = names.match(swapped, labels, features, features)
    pd.testing.assert_series_equal(found.labels, labels)
    assert found.names == {"c2": "c1", "c1": "c2", "c3": "c3"}
    assert found.matches["distance"].tolist() == pytest.approx([0, 0, 0], abs=1e-9)
    assert found.matches["retained_share"].tolist() == [1, 1, 1]


def test_the_distance_from_the_earlier_centre_is_reported(then):
    features, labels = then
    later = features.add(np.where(labels == "c2", 2.0, 0.0), axis=0)
    found = names.match(labels, labels, later, features)
    assert found.matches["distance"].tolist() == pytest.approx([0, np.sqrt(8), 0])


def test_what_shifts_all_alike_changes_no_name(then):
    features, labels = then
    swapped = labels.map({"c1": "c3", "c2": "c1", "c3": "c2"})
    found = names.match(swapped, labels, features - [4.0, 5.0], features)
    pd.testing.assert_series_equal(found.labels, labels)


def test_customers_who_changed_cluster_are_counted(then):
    features, labels = then
    today = labels.copy()
    today.iloc[:5] = "c2"
    found = names.match(today, labels, features, features)
    assert found.matches.loc["c1", "retained_share"] == 0.9
    assert found.matches.loc["c3", "retained_share"] == 1


def test_members_who_are_no_longer_there_do_not_count(then):
    features, labels = then
    found = names.match(labels.iloc[10:], labels, features.iloc[10:], features)
    assert found.matches["retained_share"].tolist() == [1, 1, 1]


def test_a_new_group_gets_the_next_number(then):
    features, labels = then
    now, found_now = drawn({"c1": (9.0, 9.0), **{f"c{i + 1}": CENTRES[f"c{i}"] for i in (1, 2, 3)}})
    found = names.match(found_now, labels, now, features)
    assert found.names == {"c2": "c1", "c3": "c2", "c4": "c3", "c1": "c4"}
    assert np.isnan(found.matches.loc["c4", "distance"])
    assert list(found.matches.index) == ["c1", "c2", "c3", "c4"]


def test_fewer_groups_than_before_keep_the_names_of_the_nearest(then):
    features, labels = then
    some = labels.isin(["c2", "c3"])
    today = labels[some].map({"c2": "c1", "c3": "c2"})
    found = names.match(today, labels, features[some], features)
    assert set(found.labels) == {"c2", "c3"}


def test_one_group_before_and_now_is_one(then):
    features, labels = then
    one = pd.Series("c1", labels.index, name="cluster")
    assert set(names.match(one, one, features, features).labels) == {"c1"}


def test_without_earlier_customers_todays_names_stay(then):
    features, labels = then
    found = names.match(labels, labels.iloc[:0], features, features.iloc[:0])
    pd.testing.assert_series_equal(found.labels, labels)
    assert found.matches[["distance", "retained_share"]].isna().all(axis=None)


def test_rows_do_not_matter(then):
    features, labels = then
    mixed = labels.sample(frac=1, random_state=1)
    swapped = mixed.map({"c1": "c2", "c2": "c1", "c3": "c3"})
    found = names.match(swapped, labels, features, features.sample(frac=1, random_state=2))
    assert (found.labels.reindex(labels.index) == labels).all()
