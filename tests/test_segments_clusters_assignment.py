"""Planted groups are found, none are found without groups, and row order does not matter."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score
from three_kinds import cloud, customers, once

from cvm_analysis.minimum_data import Note
from cvm_analysis.segments.clusters import (
    assignment,
    describe,
    features,
    measures,
    rules,
    structure,
)
from cvm_analysis.segments.clusters.assignment import Clusters

METHODS = ["k_means", "gaussian_mixture"]
NO_GROUPS = Note("clusters", "no_distinct_groups")


@pytest.fixture(autouse=True)
def few_null_samples(monkeypatch):
    monkeypatch.setattr(structure, "NULL_SAMPLES", 12)


@pytest.fixture(scope="module")
def people():
    return customers()


@pytest.fixture(scope="module")
def made(people):
    return features.build(measures.build(people), people)


@pytest.fixture(scope="module")
def found(people, made):
    return assignment.choose(made, people["net_sales"], ks=range(2, 5))


def cut(measured, customers=None, **how):
    made = features.build(measured, once(measured) if customers is None else customers)
    return assignment.choose(made, made.spend, **how)


@pytest.mark.parametrize("method", METHODS)
def test_planted_groups_are_recovered(people, made, method):
    found = assignment.choose(made, people["net_sales"], method, ks=range(2, 5))
    assert found.k == 3 and found.is_structure and found.notes == []
    assert adjusted_rand_score(people["kind"], found.labels) > 0.95
    assert found.groups["stability"].tolist() == ["stable"] * 3


def test_clusters_are_numbered_by_their_mean_spend(people, found):
    spend = people["net_sales"].groupby(found.labels).mean()
    assert list(spend.index) == ["c1", "c2", "c3"]
    assert spend.is_monotonic_decreasing


CLOUDS = {
    "normal": cloud(300, 1),
    "even": pd.DataFrame(np.random.default_rng(0).uniform(size=(300, 3)), columns=list("uvw")),
    "skewed": np.exp(cloud(300, 2)),
    "skewed below zero": np.exp(cloud(300, 3)) - 50,
    "equal values": cloud(300, 4).assign(u=lambda t: t["u"].clip(lower=0.7) * 3),
}


@pytest.mark.parametrize("kind", CLOUDS)
def test_no_groups_are_found_without_groups_however_stable_the_clusters(kind):
    cloud = cut(CLOUDS[kind], ks=range(2, 6))
    assert not cloud.is_structure
    assert NO_GROUPS in cloud.notes


def test_attributes_and_single_purchases_alone_make_no_groups():
    rng = np.random.default_rng(0)
    channel = np.array(["web", "store"], dtype=object)[(cloud(300, 5)["u"] > 0).astype(int)]
    assert not cut(cloud(300, 5).assign(channel=channel), ks=range(2, 6)).is_structure
    orders = rng.geometric(0.6, 300)
    money = rng.multinomial(orders, [0.5, 0.3, 0.2]) * rng.gamma(4, size=(300, 3))
    parts = ["category:a", "category:b", "category:c"]
    shares = pd.DataFrame(money / money.sum(axis=1, keepdims=True), columns=parts)
    bought = pd.DataFrame({"n_orders": orders, "gross_sales": money.sum(axis=1)})
    assert not cut(shares, bought, ks=range(2, 6)).is_structure


def test_stability_is_no_evidence_of_groups():
    points = cloud(600, 0).assign(v=lambda t: t["u"] * 3)
    long = cut(points, ks=[2])
    assert long.groups["jaccard"].min() > 0.9
    assert not long.is_structure


def test_groups_of_tastes_are_found_where_they_show_in_many_purchases():
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], 100)
    mix = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])[kind]
    orders = np.where(rng.random(300) < 0.8, 12, 1)
    money = rng.multinomial(orders, mix) * rng.gamma(4, size=mix.shape)
    parts = ["category:a", "category:b", "category:c"]
    shares = pd.DataFrame(money / money.sum(axis=1, keepdims=True), columns=parts)
    bought = pd.DataFrame({"n_orders": orders, "gross_sales": money.sum(axis=1)})
    three = cut(shares, bought, ks=range(2, 6))
    often = orders > 1
    assert three.k == 3 and three.is_structure
    assert adjusted_rand_score(kind[often], three.labels[often]) > 0.8


@pytest.mark.parametrize("method", METHODS)
def test_permuting_rows_and_renaming_ids_gives_the_same_groups(people, method):
    order = np.random.default_rng(3).permutation(len(people))
    mixed = people.iloc[order].set_axis([f"X{i}" for i in range(len(people))])
    cuts = [
        assignment.choose(features.build(measures.build(p), p), p["net_sales"], method, ks=[2, 3])
        for p in (people, mixed)
    ]
    assert (cuts[1].labels.to_numpy() == cuts[0].labels.iloc[order].to_numpy()).all()
    pd.testing.assert_frame_equal(cuts[1].table, cuts[0].table, check_exact=True)
    pd.testing.assert_frame_equal(cuts[1].groups, cuts[0].groups, check_exact=True)
    assert cuts[1].null_excess == cuts[0].null_excess


def test_an_outlier_changes_no_other_customers_cluster(people, found):
    odd = people.copy()
    odd.loc["C0300", ["net_sales_per_order", "net_sales", "gross_sales"]] = 1e9
    again = assignment.choose(
        features.build(measures.build(odd), odd), people["net_sales"], ks=[2, 3, 4]
    )
    same = again.labels.drop("C0300") == found.labels.drop("C0300")
    assert again.k == found.k and same.all()


def test_many_customers_are_assigned_by_the_model_of_the_sample(monkeypatch):
    monkeypatch.setattr(assignment, "MOST_ROWS", 200)
    people = customers(300)
    made = features.build(measures.build(people), people)
    many = assignment.choose(made, people["net_sales"], ks=[3])
    assert len(many.labels) == 900
    assert adjusted_rand_score(people["kind"], many.labels) > 0.95
    assert many.table.loc[3, "smallest"] < 100


def test_the_silhouette_is_that_of_the_chosen_division(made, found):
    assert found.silhouette == pytest.approx(silhouette_score(made.table, found.labels), abs=1e-9)
    gain = found.table["silhouette"] - found.table["null_silhouette"]
    assert gain.idxmax() == found.k
    reach = max(found.null_excess)
    assert found.threshold == found.table.loc[3, "null_silhouette"] + reach + assignment.MARGIN


@pytest.mark.parametrize(
    ("jaccard", "code"),
    [(0.59, "unstable"), (0.6, "doubtful"), (0.75, "doubtful"), (0.76, "stable")],
)
def test_bounds_of_stability(jaccard, code):
    table = assignment._groups(np.array([jaccard]), {0: "c1"})
    assert table.loc["c1", "stability"] == code


def test_an_unstable_group_is_noted():
    groups = pd.DataFrame({"jaccard": [0.9, 0.4], "stability": ["stable", "unstable"]})
    table = pd.DataFrame({"silhouette": [0.5], "null_silhouette": [0.2]}, index=[2])
    one = Clusters(pd.Series(dtype=object), 2, table, groups, (0.01,))
    assert one.notes == [Note("clusters", "unstable_clusters", 1, 2)]


@pytest.mark.parametrize(
    ("people", "note"),
    [
        (customers(3), Note("clusters", "one_cluster_few_buyers", 9, 30)),
        (customers(1).iloc[:1], Note("clusters", "one_cluster_few_buyers", 1, 30)),
        (customers(1).iloc[:0], Note("clusters", "one_cluster_few_buyers", 0, 30)),
        (
            pd.concat([customers(1).iloc[:1]] * 50, ignore_index=True),
            Note("clusters", "one_cluster_alike", 1, 2),
        ),
    ],
    ids=["few", "single", "none", "alike"],
)
def test_bad_input_gives_one_cluster_and_the_reason(people, note):
    measured = measures.build(people)
    made = features.build(measured, people)
    one = assignment.choose(made, people["net_sales"])
    assert one.notes == [note]
    assert (one.k, one.is_structure, len(one.table)) == (1, False, 0)
    assert list(one.labels) == ["c1"] * len(people)
    assert (assignment.assign(made, people["net_sales"], 3) == "c1").all()
    assert len(rules.rules(measured, one.labels)) == min(1, len(people))
    assert describe.describe(people, measured, one.labels)["n_customers"].sum() == len(people)
    describe.profile(made.table, one.labels)


def test_more_clusters_than_customers_are_not_tried():
    points = cloud(40, 0)
    one = cut(points, ks=[50, 60])
    assert one.k == 1 and [note.code for note in one.notes] == ["one_cluster_alike"]
    few = cut(points, ks=[3, 50])
    assert few.k == 3 and list(few.table.index) == [3]
    made = features.build(points, once(points))
    assert (assignment.assign(made, made.spend, 50) == "c1").all()


@pytest.mark.filterwarnings("error")
def test_a_few_distinct_customers_raise_no_error():
    points = pd.DataFrame({"u": [0.0, 1.0, 5.0] * 20, "v": [1.0, 0, 0] * 20})
    found = cut(points)
    assert list(found.table.index) == [2, 3]
    assert len(found.labels.unique()) == found.k


@pytest.mark.filterwarnings("error")
def test_a_resample_may_lack_a_customer_who_is_one_of_a_kind():
    points = pd.DataFrame({"u": [0.0] * 30 + [1.0] * 29 + [2.0]})
    found = cut(points)
    assert found.k == 2 and found.table.loc[3, "smallest"] == 1


def test_assign_gives_the_clusters_of_choose(people, made, found):
    again = assignment.assign(made, people["net_sales"], 3)
    assert adjusted_rand_score(again, found.labels) == 1
    assert (again == found.labels).all()
