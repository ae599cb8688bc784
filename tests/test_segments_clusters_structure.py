"""Silhouettes are scikit-learn's, overlaps by hand; null samples are like the customers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_score
from three_kinds import cloud, once

from cvm_analysis.segments.clusters import features, structure


@pytest.fixture(scope="module")
def points():
    return cloud(1203, 0).to_numpy()


def test_silhouettes_are_those_of_scikit_learn(points):
    rng = np.random.default_rng(0)
    labels = {k: rng.integers(0, k, len(points)) for k in (2, 3, 7)}
    expected = {k: silhouette_score(points, found) for k, found in labels.items()}
    assert structure.silhouettes(points, labels) == pytest.approx(expected, abs=1e-9)


def test_one_alone_and_equal_points_count_as_scikit_learn_says():
    points = np.array([[0.0], [0.0], [0.0], [5.0]])
    for labels in ([0, 0, 0, 1], [0, 0, 1, 1]):
        found = structure.silhouettes(points, {2: np.array(labels)})[2]
        assert found == pytest.approx(silhouette_score(points, labels))
    assert structure.silhouettes(points, {}) == {}


def test_overlaps_by_hand():
    """{a, b, c} comes back as {a, b} (2/3), {d} as {c, d} (1/2); nobody was in the third."""
    before, after = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    found = structure.jaccard(before, after, 3)
    assert found[:2] == pytest.approx([2 / 3, 1 / 2]) and np.isnan(found[2])
    assert structure.jaccard(before, 1 - before, 2).tolist() == [1, 1]


def test_a_division_with_a_tiny_cluster_is_not_possible():
    table = pd.DataFrame({"silhouette": [0.3, 0.9], "smallest": [40, 4]}, index=[2, 3])
    assert list(structure.feasible(table, 100).index) == [2]
    assert list(structure.feasible(table.assign(smallest=[40, 9]), 1000).index) == [2]


@pytest.mark.parametrize("method", ["k_means", "gaussian_mixture"])
def test_more_clusters_than_points_are_not_tried(method):
    few = cloud(6, 0).to_numpy()
    table, models = structure.scan_k(few, [2, 3, 6, 50], method, 0, starts=1)
    assert set(table.index) <= {2, 3} and 50 not in models


def test_separate_groups_come_back_and_a_cut_through_a_lump_does_not():
    rng = np.random.default_rng(0)
    points = np.vstack([rng.normal(at, 0.2, (80, 2)) for at in ((0, 0), (9, 9))])
    with structure.quick_fits():
        two = structure.fit(points, 2, "k_means", 0, 5).predict(points)
        assert structure.bootstrap_stability(points, two, "k_means", 0).tolist() == [1, 1]
        six = structure.fit(points, 6, "k_means", 0, 5).predict(points)
        assert structure.bootstrap_stability(points, six, "k_means", 0).min() < 0.75


def test_null_silhouettes_have_a_row_each_and_hardly_vary():
    made = features.build(cloud(300, 1), once(cloud(300, 1)))
    with structure.quick_fits():
        found = structure.null_silhouettes(made, [2, 3], "k_means", 0)
    assert found.shape == (structure.NULL_SAMPLES, 2)
    assert found[2].between(0.2, 0.5).all() and found[2].std() < 0.03
