"""Clusters as a reader finds them."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.minimum_data import Note
from cvm_analysis.report import clusters as clusters_tables
from cvm_analysis.report.writer import Writer
from cvm_analysis.segments.clusters.assignment import Clusters
from cvm_analysis.segments.clusters.names import Matched
from cvm_analysis.texts import words

EN = Writer(words("en", horizon_weeks=52), "CNY")


def found(silhouette, k=2, short=()):
    table = pd.DataFrame(
        {"silhouette": [silhouette], "null_silhouette": [0.2], "smallest": [40]},
        pd.Index([k], name="k"),
    )
    groups = pd.DataFrame({"jaccard": [0.9], "stability": ["stable"]}, ["c1"])
    return Clusters(pd.Series(["c1"]), k, table, groups, (0.05,), short)


@pytest.mark.parametrize(
    ("silhouette", "said"), [(0.28, "are distinct"), (0.26, "No distinct groups")]
)
def test_groups_are_believed_only_above_the_bar(silhouette, said):
    html = clusters_tables.structure(EN, found(silhouette)).html
    assert said in html and f"{silhouette}" in html and "0.27" in html


def test_one_group_says_why():
    html = clusters_tables.structure(
        EN, found(np.nan, 1, (Note("clusters", "one_cluster_alike", 1),))
    ).html
    assert "too similar" in html


def test_every_number_tried_has_a_row():
    html = clusters_tables.scanned_k(EN, found(0.28).table).html
    assert ">2<" in html and "0.28" in html and "0.20" in html and "40" in html


def test_a_rule_stands_in_words_beside_how_far_it_is_right():
    figures = pd.DataFrame(
        {
            "n_customers": [30],
            "net_sales": [900.0],
            "precision": [0.8],
            "stability": ["doubtful"],
            "conditions": ['[["net_sales_per_order", ">", 9.5], ["channel", "!=", "web"]]'],
        },
        pd.Index(["c3"], name="cluster"),
    )
    html = clusters_tables.rules(EN, figures, pd.Series({"c3": 77.0})).html
    assert "Net sales per order above ¥9.5 and channel is not web" in html
    assert "Cluster 3" in html and "80%" in html and "doubtful" in html and "¥77" in html
    assert "¥77" not in clusters_tables.rules(EN, figures).html


def test_how_far_groups_moved_is_shown_under_their_kept_names():
    moved = pd.DataFrame(
        {"today": ["c2", "c1"], "distance": [0.25, np.nan], "retained_share": [0.9, np.nan]},
        pd.Index(["c1", "c2"], name="cluster"),
    )
    html = clusters_tables.renamed(EN, Matched(pd.Series(dtype=object), moved)).html
    assert "Cluster 1" in html and "0.25" in html and "90%" in html and "–" in html


def test_what_was_left_out_is_named_with_the_reason():
    html = clusters_tables.formed_by(
        EN, ["net_sales_per_order"], {"nps": "missing", "late_share": "alike"}
    ).html
    assert "net sales per order" in html
    assert "likelihood to recommend" in html and "share delivered late" in html
