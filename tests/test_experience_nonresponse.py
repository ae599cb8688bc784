"""Response rates by hand, and weights that undo a planted inclination to answer."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cvm_analysis.experience import nonresponse, surveys
from cvm_analysis.tables import check

DAY, BEFORE = pd.Timestamp("2025-12-31"), pd.Timestamp("2025-10-01")


def people(n_asked, n_answered, until=DAY, **columns):
    """A class of customers of whom the first answered."""
    start = "".join(f"{value}-" for value in columns.values())
    return pd.DataFrame(
        {
            "customer_id": [f"{start}{i}" for i in range(n_asked)],
            "until": until,
            "answered": np.arange(n_asked) < n_answered,
        }
        | columns
    )


def two_classes():
    """Of 200 rich customers 100 answered, of 400 poor ones 40."""
    rich = people(200, 100, segment="a", value="rich")
    return pd.concat([rich, people(400, 40, segment="a", value="poor")], ignore_index=True)


def test_who_answered_without_a_purchase_counts_as_asked():
    bought = pd.DataFrame({"customer_id": ["a", "a", "b", "a"], "until": [DAY, DAY, DAY, BEFORE]})
    answers = pd.DataFrame({"customer_id": ["b", "b", "c"], "until": [DAY, DAY, DAY]})
    found = nonresponse.asked(bought, answers).set_index(["until", "customer_id"])["answered"]
    expected = {(BEFORE, "a"): False, (DAY, "a"): False, (DAY, "b"): True, (DAY, "c"): True}
    assert found.to_dict() == expected


def test_a_weight_is_one_over_the_rate_of_the_class():
    rows = two_classes()
    weights = nonresponse.weights(rows, ["segment", "value"])
    assert weights.isna().sum() == len(rows) - 140
    by_class = weights.groupby(rows["value"]).mean()
    assert by_class["poor"] / by_class["rich"] == pytest.approx(0.5 / 0.1)
    assert weights.mean() == pytest.approx(1)
    assert weights[rows["value"] == "poor"].sum() == pytest.approx(140 * 400 / 600)


def test_weights_are_trimmed_at_five_medians():
    rare = people(1000, 10, segment="b", value="shy")
    rows = pd.concat([people(300, 150, segment="a", value="open"), rare], ignore_index=True)
    weights = nonresponse.weights(rows, ["segment", "value"])
    assert weights.max() / weights.median() == pytest.approx(5)  # not (1 / 0.01) / (1 / 0.5) = 50
    assert weights.mean() == pytest.approx(1)


def test_small_classes_are_joined_within_the_segment_and_then_over_all():
    rows = pd.concat(
        [
            people(100, 50, segment="a", value="x"),
            people(40, 8, segment="a", value="y"),
            people(60, 8, segment="a", value="z"),
            people(30, 3, segment="b", value="x"),
            people(20, 9, segment="c", value="x"),
        ],
        ignore_index=True,
    )
    weights = nonresponse.weights(rows, ["segment", "value"])
    mean = weights.groupby([rows["segment"], rows["value"]]).mean()
    assert mean["a", "y"] == mean["a", "z"] == pytest.approx(mean["a", "x"] * 0.5 / (16 / 100))
    assert mean["b", "x"] == mean["c", "x"] == pytest.approx(mean["a", "x"] * 0.5 / (12 / 50))


def test_customers_in_no_class_are_one_together_and_each_period_is_weighed_alone():
    rows = two_classes()
    unknown = people(100, 50, segment="u", value="u").assign(segment=None, value=None)
    earlier = people(50, 25, BEFORE, segment="a", value="rich")
    every = pd.concat([rows, unknown, earlier], ignore_index=True)
    weights = nonresponse.weights(every, ["segment", "value"])
    assert weights[every["until"] == BEFORE].dropna().eq(1).all()
    now = weights[every["until"] == DAY]
    rich = now[every["value"] == "rich"].mean()
    assert now[every["segment"].isna()].mean() == pytest.approx(rich)


def test_rates_are_shares_with_wilsons_interval():
    rows = two_classes()
    rows["weight"] = nonresponse.weights(rows, ["segment", "value"])
    table = nonresponse.response_rates(rows, 91, ["segment", "value"])
    check("response_rates", table)
    found = table.set_index(["group", "level"])
    poor = found.loc[("value", "poor")]
    interval = stats.binomtest(40, 400).proportion_ci(method="wilson")
    assert (poor["n_asked"], poor["n_answered"], poor["response_rate"]) == (400, 40, 0.1)
    assert (poor["low"], poor["high"]) == pytest.approx((interval.low, interval.high))
    assert found.loc[("all", "all"), "response_rate"] == pytest.approx(140 / 600)
    assert found.loc[("all", "all"), "weight"] == pytest.approx(1)


def test_weights_bring_the_score_back_to_that_of_all_customers():
    """Content customers are rich and answer more often: the unweighted score is too high."""
    rows = two_classes()
    rows["weight"] = nonresponse.weights(rows, ["segment", "value"])
    who = rows[rows["answered"]]
    score = np.where(who["value"] == "rich", 5, 3)
    answers = pd.DataFrame({"dimension": "price", "score": score}, index=who.index)
    answers = answers.join(who[["customer_id", "until"]])
    found = surveys.scores(nonresponse.add_weights(answers, rows), 91, [], rows).iloc[0]
    assert found["unweighted"] == pytest.approx((100 * 5 + 40 * 3) / 140)
    assert found["score"] == pytest.approx((200 * 5 + 400 * 3) / 600)
    assert found["effective_n"] < 140
    assert found["period_high"] - found["period_low"] < found["high"] - found["low"]


def test_nobody_asked_gives_empty_tables():
    nobody = people(0, 0, segment="a").assign(weight=np.nan)
    check("response_rates", nonresponse.response_rates(nobody, 91, ["segment"]))
    assert nonresponse.weights(nobody, ["segment"]).empty


def test_where_nobody_answered_there_are_no_weights_and_no_warning(recwarn):
    silent = pd.concat([people(30, 0, segment="a"), people(30, 20, BEFORE, segment="a")])
    silent = silent.reset_index(drop=True)
    weights = nonresponse.weights(silent, ["segment"])
    assert weights[silent["until"] == DAY].isna().all() and weights.sum() == pytest.approx(20)
    assert not recwarn.list
