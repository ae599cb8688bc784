"""One day's rules applied to customers of any day."""

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.segments import classes, classification_rules, rfm
from cvm_analysis.segments.classification_rules import SCHEMES, ClassificationRules, Naming
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


def naming(retail, segments=RULES):
    rules, life_cycle = rfm.Rfm(segments, bins=2), classes.LifeCycle(new_days=90)
    return Naming(rules, rfm.cut_points(retail, 2), classes.usual_gap(retail), life_cycle)


@pytest.fixture
def by_rules(people):
    retail = people[people["customer_type"] == "retail"]
    return ClassificationRules(naming(retail), {"dealer": (CARD, {"A": 50.0, "B": 0.0})})


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
    better = retail["days_since_last"] <= -by_rules.naming.cuts["r"][0]
    assert ((found.loc[retail.index, "rfm"] == "best") == better).all()


def test_the_thresholds_stay_when_the_customers_change(people, by_rules):
    later = people.assign(days_since_last=people["days_since_last"] + 1000)
    found = by_rules.classes(later)
    assert set(found["rfm"].dropna()) == {"rest"}  # by their own thresholds half would be best
    assert set(found["life_cycle"].dropna()) == {"lost"}


def test_names_of_several_days_are_by_the_thresholds_of_each(people):
    retail = people[(people["customer_type"] == "retail") & (people["n_orders"] > 0)]
    own = naming(retail)
    days = [dt.date(2025, 1, 1), dt.date(2025, 6, 1)]
    found = classification_rules.name_on_days(
        days, [retail, retail.iloc[:5]], own.rules, own.life_cycle
    )
    assert found[days[0]].equals(own.name(retail))
    assert found[days[1]].equals(naming(retail.iloc[:5]).name(retail.iloc[:5]))
    added = classification_rules.add_segment(retail, own)
    assert added["segment"].tolist() == found[days[0]].tolist()
    assert added.drop(columns="segment").equals(retail)
    everybody = people[people["n_orders"] > 0]
    found = classification_rules.add_segment(everybody, own)["segment"]
    assert found.loc[retail.index].equals(added["segment"])
    assert set(found.drop(retail.index)) == {"dealer"}


def test_a_name_that_activity_contradicts_is_replaced_and_shown(people):
    retail = people[(people["customer_type"] == "retail") & (people["n_orders"] > 0)]
    segments = {"best": {"r": 2, "lapsed": "gone"}, "rest": {"r": 1, "lapsed": "gone"}}
    own = naming(retail, segments | {"gone": {"r": 1, "f": 1, "m": 1}})
    own = dataclasses.replace(own, rules=dataclasses.replace(own.rules, matching="first"))
    by_score, named = own.name_by_score(retail), own.name(retail)
    lapsed = retail["days_since_last"] > 4 * 30  # 30 days being the usual gap
    assert set(named[lapsed]) == {"gone"}
    assert named[~lapsed].equals(by_score[~lapsed])
    shown = own.replaced(retail).set_index("segment")
    assert shown["activity"].tolist() == ["lapsed", "lapsed"]
    assert shown["n_customers"].sum() == lapsed.sum()
    assert shown.loc["best", "n_customers"] == (by_score[lapsed] == "best").sum()
