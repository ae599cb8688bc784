"""Typical customers are real, few, and the same whatever the order of rows."""

import numpy as np
import pandas as pd

from cvm_analysis.churn import customer_profiles
from cvm_analysis.survival import cox


def people(n=200, seed=3):
    rng = np.random.default_rng(seed)
    once = rng.random(n) < 0.4
    table = {
        "silence_gaps": np.log2(1 + rng.exponential(1.5, n)),
        "rate": rng.normal(2, 1, n),
        "only_once": once.astype(float),
        "complaints_open": rng.binomial(1, 0.1, n).astype(float),
    }
    return pd.DataFrame(table, index=[f"c{i:03}" for i in range(n)])


def test_each_is_a_customer_of_its_kind():
    features = people()
    found = customer_profiles.typical_customers(features)
    kinds = ["regular_on_time", "regular_overdue", "once_recent", "once_inactive", "complaint_open"]
    assert found.index.tolist() == kinds
    real = {tuple(row) for row in features.to_numpy()}
    assert all(tuple(row) in real for row in found.to_numpy())
    assert found["only_once"].tolist()[:4] == [0, 0, 1, 1]
    gaps = 2 ** found["silence_gaps"] - 1
    assert gaps["regular_on_time"] <= 1 and gaps["once_recent"] <= 1
    assert gaps["regular_overdue"] >= 2 and gaps["once_inactive"] >= 2
    assert found.loc["complaint_open", "complaints_open"] == 1


def test_it_is_the_one_in_the_middle():
    features = pd.DataFrame(
        {"silence_gaps": [0.5] * 5, "only_once": 0.0, "rate": [1.0, 2, 3, 4, 90]}, list("abcde")
    )
    assert customer_profiles.typical_customers(features).loc["regular_on_time", "rate"] == 3


def test_a_kind_nobody_is_of_is_absent():
    features = people().assign(complaints_open=0.0, only_once=0.0)
    assert customer_profiles.typical_customers(features).index.tolist() == [
        "regular_on_time",
        "regular_overdue",
    ]
    without = people().drop(columns="complaints_open")
    assert "complaint_open" not in customer_profiles.typical_customers(without).index
    assert customer_profiles.typical_customers(people().head(0)).empty


def test_who_is_neither_on_time_nor_overdue_stands_for_nobody():
    features = pd.DataFrame({"silence_gaps": np.log2(1 + 1.5), "only_once": [0.0, 1.0]})
    assert customer_profiles.typical_customers(features).empty


def test_order_and_ids_do_not_matter():
    features = people()
    mixed = features.sample(frac=1, random_state=1).set_axis(range(200), axis=0)
    pd.testing.assert_frame_equal(
        customer_profiles.typical_customers(mixed), customer_profiles.typical_customers(features)
    )
    pair = pd.DataFrame({"silence_gaps": [0.5] * 2, "only_once": 0.0, "rate": [1.0, 2]})
    assert customer_profiles.typical_customers(pair).equals(
        customer_profiles.typical_customers(pair.iloc[::-1])
    )


def test_values_along_a_feature_are_those_of_customers():
    values = pd.Series(np.log2(1 + np.arange(1001.0)))
    found = customer_profiles.value_grid(values, pd.Series(np.arange(1001.0)), n=11)
    assert found["plain"].iloc[[0, 5, 10]].tolist() == [10, 500, 990]
    assert np.allclose(found["value"], np.log2(1 + found["plain"]))
    flags = pd.Series([0.0, 1.0] * 50)
    assert customer_profiles.value_grid(flags, flags)["plain"].tolist() == [0, 1]
    assert customer_profiles.value_grid(flags * np.nan, flags).empty


def fitted(features):
    rng = np.random.default_rng(1)
    pace = np.exp(-1.2 * features["silence_gaps"] + 0.2 * features["rate"])
    came = pd.Series(rng.exponential(40 / pace), features.index)
    outcome = pd.DataFrame({"duration": came.clip(upper=180), "event": (came < 180).astype(int)})
    return cox.fit_plain(features[["silence_gaps", "only_once", "rate"]], outcome)


def test_who_is_overdue_comes_back_later():
    features = people()
    table = customer_profiles.survival_curves(fitted(features), features, 180, step=60)
    assert table.columns.tolist() == [0, 60, 120, 180] and (table[0] == 1).all()
    assert (table.diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)
    assert (table.loc["regular_overdue", 60:] > table.loc["regular_on_time", 60:]).all()
    assert customer_profiles.survival_curves(None, features, 180).empty


def test_the_effect_of_the_strongest_feature_is_that_of_its_coefficient():
    features, model = people(), fitted(people())
    code, table = customer_profiles.partial_effect(model, features, features * 7)
    assert code == "silence_gaps" and np.allclose(table["plain"], 7 * table["value"])
    steps = np.log(table["hazard_ratio"]).diff() / table["value"].diff()
    assert np.allclose(steps.dropna(), model.hazards.loc[code, "coef"])
    assert customer_profiles.partial_effect(None, features, features)[1].empty
