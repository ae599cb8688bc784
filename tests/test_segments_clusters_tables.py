"""Tables of clusters are read back as they were written."""

import pandas as pd
import pytest

from cvm_analysis.segments.clusters import tables
from cvm_analysis.segments.clusters.rules import Condition
from cvm_analysis.tables import check

CODES = pd.Index(["c1", "c2"], name="cluster")
DESCRIBED = pd.DataFrame(
    {
        "n_customers": [3, 7],
        "net_sales": [30.0, 70.0],
        "share_customers": [0.3, 0.7],
        "share_net_sales": [0.3, 0.7],
        "net_sales_per_order": [12.0, 8.0],
        "channel=web": [0.5, 0.1],
    },
    CODES,
)
GROUPS = pd.DataFrame({"jaccard": [0.5, 0.9], "stability": ["unstable", "stable"]}, CODES)
CONDITIONS = [(Condition("net_sales_per_order", ">", 9.5), Condition("channel", "==", "web")), ()]
RULES = pd.DataFrame(
    {"conditions": CONDITIONS, "accuracy": 0.8, "precision": 0.9, "coverage": 0.7}, CODES
)
PROFILE = pd.DataFrame(
    {"n_customers": [3, 7], "net_sales_per_order": [1.5, -0.6], "channel=web": [0.8, -0.3]}, CODES
)


@pytest.fixture
def figures():
    return tables.summary_table(DESCRIBED, GROUPS, RULES)


def test_figures_are_the_table_described_and_rules_come_back(figures):
    check("cluster_summary", figures.reset_index())
    assert figures["n_customers"].tolist() == [3, 7]
    assert tables.conditions(figures).tolist() == CONDITIONS


def test_a_profile_comes_back_in_its_order(figures):
    long = tables.features_table(PROFILE, DESCRIBED)
    check("cluster_features", long.reset_index())
    apart, typical = tables.profile(long.sample(frac=1, random_state=0), figures)
    pd.testing.assert_frame_equal(apart, PROFILE, check_names=False)
    expected = DESCRIBED[["net_sales_per_order", "channel=web"]]
    pd.testing.assert_frame_equal(typical, expected, check_names=False)
