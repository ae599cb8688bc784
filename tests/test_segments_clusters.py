"""Clusters: planted groups are found, one cloud is called one, and no order of rows matters."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from cvm_analysis.least_data import Note
from cvm_analysis.segments import cluster_rules, clusters, structure
from cvm_analysis.segments.cluster_rules import Condition

GROUPS = {"regular": (900, 12, 20), "big": (9000, 2, 60), "gone": (150, 1, 700)}


def customers(n=200, seed=0):
    """Three kinds of customers, far apart in spend per order, pace and silence."""
    rng = np.random.default_rng(seed)
    kinds = []
    for kind, (spend, days, silence) in GROUPS.items():
        each = {
            "kind": kind,
            "spend_mean": spend * rng.lognormal(0, 0.15, n),
            "n_days": np.maximum(1, np.round(days * 3 * rng.lognormal(0, 0.1, n))),
            "days_since_last": np.round(silence * rng.lognormal(0, 0.15, n)),
        }
        kinds.append(pd.DataFrame(each))
    table = pd.concat(kinds, ignore_index=True)
    table = table.assign(n_orders=table["n_days"].astype(int), T=3 * 365 / 7, return_share=0.0)
    table["spend_total"] = table["spend_mean"] * table["n_orders"]
    table["customer_type"] = "retail"
    return table.set_index(pd.Index([f"C{i:04}" for i in range(len(table))], name="customer_id"))


def cloud(n, seed):
    """One normal cloud of customers, correlated like theirs."""
    covariance = [[1, 0.5, -0.6], [0.5, 1, 0.2], [-0.6, 0.2, 1]]
    points = np.random.default_rng(seed).multivariate_normal(np.zeros(3), covariance, n)
    return pd.DataFrame(points, columns=["spend_mean", "orders_per_year", "days_since_last"])


@pytest.fixture(scope="module")
def people():
    return customers()


@pytest.fixture(scope="module")
def measured(people):
    return clusters.measures(people)


@pytest.fixture(scope="module")
def found(people, measured):
    return clusters.choose(clusters.features(measured), people["spend_total"], ks=range(2, 5))


def test_planted_groups_are_recovered(people, found):
    assert found.k == 3
    assert found.is_structure and found.notes == []
    assert adjusted_rand_score(people["kind"], found.labels) > 0.95


def test_clusters_are_numbered_by_their_mean_spend(people, found):
    spend = people["spend_total"].groupby(found.labels).mean()
    assert list(spend.index) == ["c1", "c2", "c3"]
    assert spend.is_monotonic_decreasing


def test_one_cloud_is_called_one_cloud_however_stable_the_cut():
    for seed in range(10):
        points = cloud(200, seed)
        cut = clusters.choose(points, points["spend_mean"], ks=[2, 3])
        assert not cut.is_structure and cut.table.loc[2, "silhouette"] > 0.2
        assert cut.notes == [Note("clusters", "one_cloud")]


def test_stability_is_no_evidence_of_groups():
    points = cloud(1000, 0).assign(orders_per_year=lambda t: t["spend_mean"] * 3)
    cut = clusters.choose(points, points["spend_mean"], ks=[2])
    assert cut.table.loc[2, "stability"] > 0.9
    assert not cut.is_structure


def test_ties_alone_make_no_groups():
    """Three quarters never returned anything; that splits customers neatly and says nothing."""
    points = cloud(600, 1)
    points["days_since_last"] = points["days_since_last"].clip(lower=0.7) * 3
    assert not clusters.choose(points, points["spend_mean"], ks=[2, 3]).is_structure


def test_permuting_rows_gives_the_same_groups(people, found):
    mixed = people.sample(frac=1, random_state=3)
    features = clusters.features(clusters.measures(mixed))
    again = clusters.choose(features, mixed["spend_total"], ks=range(2, 5))
    pd.testing.assert_series_equal(again.labels.loc[found.labels.index], found.labels)
    pd.testing.assert_frame_equal(again.table, found.table, check_exact=True)
    assert again.clouds == found.clouds


def test_a_cloud_too_is_cut_alike_in_any_order():
    points = cloud(400, 5)
    mixed = points.sample(frac=1, random_state=1)
    cuts = [clusters.choose(p, p["spend_mean"], ks=[4]).labels for p in (points, mixed)]
    assert (cuts[1].loc[cuts[0].index] == cuts[0]).all()


def test_the_whole_of_many_customers_is_divided_like_the_sample(monkeypatch):
    monkeypatch.setattr(clusters, "MOST_ROWS", 200)
    people = customers(300)
    features = clusters.features(clusters.measures(people))
    found = clusters.choose(features, people["spend_total"], ks=[3])
    assert len(found.labels) == 900
    assert adjusted_rand_score(people["kind"], found.labels) > 0.95
    assert found.table.loc[3, "smallest"] < 100


def test_silhouettes_are_those_of_the_chosen_division(measured, found):
    points = clusters.features(measured)
    assert found.silhouette == pytest.approx(silhouette_score(points, found.labels), abs=1e-12)
    assert found.silhouette == found.table["silhouette"].max()


def test_overlap_by_hand():
    """{a, b, c} comes back as {a, b} (2/3), {d} as {c, d} (1/2)."""
    before, after = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    assert structure.overlap(before, after) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert structure.overlap(before, before[::-1].max() - before) == 1


def test_a_division_with_a_tiny_cluster_is_not_chosen():
    table = pd.DataFrame({"silhouette": [0.3, 0.9], "smallest": [40, 4]}, index=[2, 3])
    assert structure.best(table, 100) == 2
    assert structure.best(table.loc[[3]], 100) is None


def test_features_are_comparable_and_measures_keep_their_units(people, measured):
    features = clusters.features(measured)
    assert list(features) == ["spend_mean", "orders_per_year", "days_since_last"]  # nobody returned
    assert features.mean().abs().max() < 0.02
    assert features.abs().max().max() <= 3
    first = people.iloc[0]
    assert measured.iloc[0]["orders_per_year"] == pytest.approx(first["n_days"] / 3)
    assert measured.iloc[0]["days_since_last"] == first["days_since_last"]


def test_only_retail_customers_who_bought_are_grouped(people):
    some = people.head(40).copy()
    some.iloc[0, some.columns.get_loc("n_orders")] = 0
    some.iloc[1, some.columns.get_loc("customer_type")] = "dealer"
    assert list(clusters.measures(some).index) == list(some.index[2:])


def test_one_purchase_yesterday_is_not_hundreds_a_year(people):
    new = people.head(1).assign(T=1 / 7, n_days=1)
    assert clusters.measures(new)["orders_per_year"].item() == 1


def test_useless_columns_are_left_out_and_gaps_filled(measured):
    n = len(measured)
    odd = measured.assign(
        late_share=[np.nan] * n, n_categories=[1] * (n - 3) + [2] * 3, return_share=np.inf
    )
    odd.iloc[0, 0] = np.nan
    features = clusters.features(odd)
    assert list(features) == ["spend_mean", "orders_per_year", "days_since_last"]
    assert features.notna().all(axis=None)
    rest = features["spend_mean"].iloc[1:]
    assert features["spend_mean"].iloc[0] == pytest.approx(rest.median(), abs=0.01)


def test_a_spend_of_nought_or_less_counts_as_the_smallest(measured):
    odd = measured.copy()
    odd.iloc[:2, 0] = [0.0, -50.0]
    features = clusters.features(odd)["spend_mean"]
    assert features.iloc[0] == features.iloc[1] == features.min()
    assert features.iloc[2:].std() > 0.95  # and the others stay apart


@pytest.mark.parametrize(
    ("people", "note"),
    [
        (customers(3), Note("clusters", "one_cluster_few_buyers", 9, 30)),
        (customers(1).iloc[:0], Note("clusters", "one_cluster_few_buyers", 0, 30)),
        (
            pd.concat([customers(1).iloc[:1]] * 50, ignore_index=True),
            Note("clusters", "one_cluster_alike", 1, 2),
        ),
    ],
    ids=["few", "none", "alike"],
)
def test_bad_input_gives_one_cluster_and_the_reason(people, note):
    measured = clusters.measures(people)
    one = clusters.choose(clusters.features(measured), people["spend_total"])
    assert one.notes == [note]
    assert (one.k, one.is_structure, len(one.table)) == (1, False, 0)
    assert list(one.labels) == ["c1"] * len(people)
    assert len(cluster_rules.rules(measured, one.labels)) == min(1, len(people))
    assert clusters.describe(people, one.labels)["n_customers"].sum() == len(people)
    clusters.profile(clusters.features(measured), one.labels)


def test_more_clusters_than_customers_are_not_tried():
    points = cloud(40, 0)
    one = clusters.choose(points, points["spend_mean"], ks=[50, 60])
    assert one.k == 1 and [note.code for note in one.notes] == ["one_cluster_alike"]
    few = clusters.choose(points, points["spend_mean"], ks=[3, 50])
    assert few.k == 3 and list(few.table.index) == [3]


@pytest.mark.filterwarnings("error")
def test_a_few_distinct_customers_are_no_trouble():
    points = pd.DataFrame({"spend_mean": [0.0, 1.0, 5.0] * 20, "days_since_last": [1.0, 0, 0] * 20})
    found = clusters.choose(points, points["spend_mean"])
    assert found.k == 3
    assert found.table.loc[3, "stability"] == 1
    assert list(found.table.index) == [2, 3]


@pytest.mark.filterwarnings("error")
def test_a_resample_may_lack_a_customer_who_is_one_of_a_kind():
    values = [0.0] * 30 + [1.0] * 29 + [2.0]
    found = clusters.choose(pd.DataFrame({"spend_mean": values}), pd.Series(values))
    assert found.k == 2 and found.table.loc[3, "smallest"] == 1


def test_describe_counts_everyone_and_all_money_once(people, found):
    worth = pd.DataFrame({"value_12m": 1.0}, index=people.index)
    table = clusters.describe(people, found.labels, worth)
    assert table["n_customers"].tolist() == [200, 200, 200]
    assert table["revenue"].sum() == pytest.approx(people["spend_total"].sum())
    assert table["value_12m"].sum() == 600
    big = people[people["kind"] == "big"]
    assert table.loc["c1", "spend_mean"] == pytest.approx(big["spend_mean"].median())


def test_profile_is_measured_from_the_average_customer(measured, found):
    features = clusters.features(measured)
    table = clusters.profile(features, found.labels)
    weighted = table.drop(columns="n_customers").mul(table["n_customers"], axis=0)
    assert weighted.sum().abs().max() < 1e-9
    assert table.loc["c1", "spend_mean"] > 0.8


def test_the_rule_says_what_its_accuracy_claims(measured, found):
    table = cluster_rules.rules(measured, found.labels)
    for code, rule in table.iterrows():
        said, inside = cluster_rules.holds(rule["conditions"], measured), found.labels == code
        assert (said == inside).mean() == rule["accuracy"]
        assert inside[said].mean() == rule["precision"]
        assert said[inside].mean() == rule["coverage"]
        assert 1 <= len(rule["conditions"]) <= 3
    assert table["accuracy"].min() > 0.98


def test_a_rule_is_the_shortest_that_will_do():
    measured = pd.DataFrame({"days_since_last": range(100), "spend_mean": 1.0}, dtype=float)
    labels = pd.Series(np.where(measured["days_since_last"] <= 45, "c1", "c2"))
    table = cluster_rules.rules(measured, labels)
    assert table.loc["c1", "conditions"] == (Condition("days_since_last", "<=", 45),)
    assert table.loc["c2", "conditions"] == (Condition("days_since_last", ">", 45),)
    assert (table["accuracy"] == 1).all()


def test_a_condition_for_one_customer_in_a_hundred_is_not_worth_it():
    measured = pd.DataFrame({"days_since_last": np.arange(200.0), "spend_mean": 1.0})
    measured.loc[[20, 40], "spend_mean"] = 99.0
    labels = pd.Series(np.where(measured["days_since_last"] < 100, "c1", "c2"))
    labels[[20, 40]] = "c2"
    rule = cluster_rules.rules(measured, labels).loc["c1"]
    assert rule["conditions"] == (Condition("days_since_last", "<=", 99),)
    assert rule["accuracy"] == 0.99


def test_of_two_limits_on_one_side_the_narrower_is_said():
    """The tree first parts off who is above 20, then, of the rest, who is above 10."""
    values = np.concatenate(
        [np.linspace(0, 10, 100), np.linspace(10.1, 20, 100), 21 + np.arange(1e3)]
    )
    inside = [True] * 100 + [i % 10 < 3 for i in range(100)] + [False] * 1000
    measured, labels = pd.DataFrame({"spend_mean": values}), pd.Series(np.where(inside, "c1", "c2"))
    (only,) = cluster_rules.rules(measured, labels).loc["c1", "conditions"]
    assert only.comparison == "<=" and 10 <= only.value < 10.5


def test_a_rule_with_two_limits_on_one_measure():
    measured = pd.DataFrame({"spend_mean": np.linspace(10, 20, 201)})
    labels = pd.Series(np.where(measured["spend_mean"].between(13, 16), "c1", "c2"))
    rule = cluster_rules.rules(measured, labels).loc["c1"]
    assert {c.comparison for c in rule["conditions"]} == {"<=", ">"}
    assert rule["accuracy"] > 0.98


def test_everyone_in_one_cluster_needs_no_rule(measured):
    rule = cluster_rules.rules(measured, pd.Series("c1", measured.index)).loc["c1"]
    assert rule["conditions"] == () and rule["accuracy"] == 1


def test_rules_come_in_the_order_of_their_numbers():
    measured = pd.DataFrame({"spend_mean": np.arange(60.0)})
    labels = pd.Series([f"c{1 + i // 5}" for i in range(60)])
    assert list(cluster_rules.rules(measured, labels).index) == [f"c{i}" for i in range(1, 13)]
