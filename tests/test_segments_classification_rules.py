"""One day's rules applied to customers of any day."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.segments import classes, classification_rules, rfm
from cvm_analysis.segments.classification_rules import SCHEMES, ClassificationRules
from cvm_analysis.segments.grades import points
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

RULES = {"best": {"r": 2}, "rest": {"r": 1}}
CARD = Scorecard(
    "dealer",
    dt.date(2020, 1, 1),
    (Indicator("spend", "net_sales", 1.0, scale=(0, 100)),),
    {"A": 50, "B": 0},
)


@pytest.fixture
def people():
    rng = np.random.default_rng(1)
    n = 40
    return pd.DataFrame(
        {
            "customer_type": ["retail"] * 30 + ["dealer"] * 10,
            "n_orders": [0, *rng.integers(1, 9, n - 1)],
            "days_since_last": rng.integers(0, 300, n).astype(float),
            "net_sales": rng.gamma(2, 30, n),
            "gap_median_days": 30.0,
            "gap_last_days": 20.0,
            "T": 60.0,
            "x": 3,
        },
        index=[f"C{i:02}" for i in range(n)],
    )


@pytest.fixture
def by_rules(people):
    retail = people[people["customer_type"] == "retail"]
    return ClassificationRules(
        rfm.Rfm(RULES, bins=2),
        rfm.cut_points(retail, 2),
        classes.usual_gap(retail),
        classes.LifeCycle(new_days=90),
        {"dealer": (CARD, {"A": 50.0, "B": 0.0})},
    )


def test_every_buyer_has_a_class_of_their_type(people, by_rules):
    found = by_rules.classes(people)
    assert list(found) == list(SCHEMES)
    assert list(found.index) == list(people.index[people["n_orders"] > 0])
    retail = people.loc[found.index, "customer_type"] == "retail"
    assert set(found.loc[retail, "grade"]) == {"not_graded"}  # retail has no scorecard here
    assert found.loc[~retail, ["rfm", "life_cycle"]].isna().all(axis=None)
    assert found.loc[retail].notna().all(axis=None)


def test_classes_are_those_of_the_parts_it_is_made_of(people, by_rules):
    found = by_rules.classes(people)
    dealers = people[people["customer_type"] == "dealer"]
    expected = np.where(points.score(CARD, dealers) >= 50, "A", "B")
    assert found.loc[dealers.index, "grade"].tolist() == expected.tolist()
    retail = people[(people["customer_type"] == "retail") & (people["n_orders"] > 0)]
    better = retail["days_since_last"] <= -by_rules.cuts["r"][0]
    assert ((found.loc[retail.index, "rfm"] == "best") == better).all()


def test_the_thresholds_stay_when_the_customers_change(people, by_rules):
    later = people.assign(days_since_last=people["days_since_last"] + 1000)
    found = by_rules.classes(later)
    assert set(found["rfm"].dropna()) == {"rest"}  # by their own thresholds half would be best
    assert set(found["life_cycle"].dropna()) == {"lost"}


def test_names_of_several_days_are_by_the_cut_points_of_each(people):
    retail = people[(people["customer_type"] == "retail") & (people["n_orders"] > 0)]
    rules, cuts = rfm.Rfm(RULES, bins=2), rfm.cut_points(retail, 2)
    days = [dt.date(2025, 1, 1), dt.date(2025, 6, 1)]
    strict = cuts | {"r": [1.0]}  # nobody can be so recent
    found = classification_rules.name_on_days(
        days, [retail, retail.iloc[:5]], rules, [cuts, strict]
    )
    assert found[days[0]].equals(classification_rules.score_and_name(retail, rules, cuts)[1])
    assert found[days[1]].tolist() == ["rest"] * 5
    added = classification_rules.add_segment(retail, rules, cuts)
    assert added["segment"].tolist() == found[days[0]].tolist()
    assert added.drop(columns="segment").equals(retail)
