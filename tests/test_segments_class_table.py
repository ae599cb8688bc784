"""Classes of all schemes, of ten customers whose place is plain."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.segments import class_table, classes

AUTO = SimpleNamespace(high="auto", mid="auto")
LOYAL = SimpleNamespace(loyal=80, potentially_loyal=40)


@pytest.fixture
def retail():
    """Ten customers, the next better than the one before; and one who never bought."""
    n = np.arange(1.0, 11)
    bought = pd.DataFrame(
        {
            "n_orders": n,
            "net_sales": 100 * n,
            "x": n - 1,
            "days_since_last": 100.0,
            "T": 90.0,
            "gap_median_days": [np.nan, *[40.0] * 9],
            "gap_last_days": 30.0,
        },
        index=[f"c{i:02.0f}" for i in n],
    )
    never = pd.DataFrame({"n_orders": [0.0], "net_sales": [0.0]}, index=["c11"])
    return pd.concat([bought, never])


@pytest.fixture
def index(retail):
    return retail["n_orders"].mul(10).where(retail["n_orders"] > 0)


def test_auto_is_the_best_half_and_the_best_fifth_of_buyers(retail, index):
    found = class_table.find_thresholds(retail, index, AUTO, AUTO, LOYAL)
    assert found == {
        "frequency": {"mid": 6, "high": 9},
        "amount": {"mid": 600, "high": 900},
        "loyalty": {"potentially_loyal": 40, "loyal": 80},
    }


def test_every_customer_has_one_class_of_each_scheme(retail, index):
    thresholds = class_table.find_thresholds(retail, index, AUTO, AUTO, LOYAL)
    found = class_table.classify(
        retail, index, thresholds, 40.0, classes.LifeCycle(new_days=90, lost_gaps=4)
    )
    assert found["frequency"].tolist() == ["low"] * 5 + ["mid"] * 3 + ["high"] * 2 + ["prospect"]
    assert found["amount"].equals(found["frequency"])
    loyal = ["not_loyal"] * 3 + ["potentially_loyal"] * 4 + ["loyal"] * 3 + ["prospect"]
    assert found["loyalty"].tolist() == loyal
    # 100 days without a purchase, 40 being usual: more than two gaps, less than four
    assert found["life_cycle"].tolist() == ["declining"] * 10 + ["prospect"]
    # those who bought on one day, or have a single gap, are judged by the company's
    slower = class_table.classify(retail, index, thresholds, 60.0, classes.LifeCycle(new_days=90))
    assert slower["life_cycle"].tolist()[:3] == ["new", "mature", "declining"]


def test_sizes_count_all_customers_and_add_up_to_net_sales(retail, index):
    thresholds = class_table.find_thresholds(retail, index, AUTO, AUTO, LOYAL)
    found = class_table.classify(retail, index, thresholds, 40.0, classes.LifeCycle())
    sizes = class_table.size(retail, found["loyalty"])
    assert sizes.index.tolist() == ["loyal", "potentially_loyal", "not_loyal", "prospect"]
    assert sizes["n_customers"].tolist() == [3, 4, 3, 1]
    assert sizes["net_sales"].tolist() == [2700, 2200, 600, 0]
    by_name = class_table.size(retail, pd.Series(["b", "a"] * 5 + ["a"], retail.index, name="rfm"))
    assert by_name.index.tolist() == ["a", "b"]  # 3,000 and 2,500
