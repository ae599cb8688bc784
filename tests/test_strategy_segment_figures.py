"""Key figures of segments by hand."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.strategy import segment_figures
from cvm_analysis.strategy.segment_figures import FIGURES

PEOPLE = pd.DataFrame(
    {
        "net_sales": [100.0, 300.0, 50.0, -10.0, 0.0],
        "days_since_last": [10.0, 30.0, 100.0, 200.0, float("nan")],
        "x": [3.0, 0.0, 0.0, 0.0, float("nan")],
    },
    index=pd.Index(list("abcde"), name="customer_id"),
)
SEGMENT = pd.Series(["loyal", "loyal", "lost", "lost", "prospect"], index=PEOPLE.index)
VALUE = pd.DataFrame(
    {"expected_orders": [4.0, 2.0, 0.5, 0.0], "expected_margin": [200.0, 100.0, 20.0, 0.0]},
    index=pd.Index(list("abcd"), name="customer_id"),
)


def figures():
    return segment_figures.summary(PEOPLE, SEGMENT, VALUE)


def test_a_segment_in_figures():
    found = figures()
    assert list(found.columns) == list(FIGURES)
    assert list(found.index) == ["loyal", "lost", "prospect"]  # the largest value first
    loyal = found.loc["loyal"]
    assert loyal[["n_customers", "net_sales", "expected_margin"]].tolist() == [2, 400, 300]
    assert loyal["mean_net_sales"] == 200 and loyal["mean_expected_margin"] == 150
    assert loyal["mean_expected_orders"] == 3 and loyal["mean_days_since_last"] == 20
    assert loyal["repeat_share"] == 0.5
    assert found.loc["lost", "mean_net_sales"] == 20


def test_shares_are_of_all_customers_and_add_up():
    found = figures()
    assert found["share_customers"].tolist() == pytest.approx([0.4, 0.4, 0.2])
    assert found["share_net_sales"].tolist() == pytest.approx([400 / 440, 40 / 440, 0])
    assert found["share_expected_margin"].tolist() == pytest.approx(
        [300 / 320, 20 / 320, np.nan], nan_ok=True
    )
    assert found.filter(like="share_").sum().tolist() == pytest.approx([1, 1, 1])


def test_customers_without_a_value_count_as_customers_only():
    prospect = figures().loc["prospect"]
    assert prospect["n_customers"] == 1
    assert (
        prospect[
            [
                "expected_margin",
                "mean_expected_margin",
                "mean_expected_orders",
                "mean_days_since_last",
            ]
        ]
        .isna()
        .all()
    )
    assert len(segment_figures.summary(PEOPLE, SEGMENT, VALUE.head(0))) == 3
