"""NPS and satisfaction: a plain count of the sample's file, formulas by hand, q values."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import small_feedback
from scipy import stats

from cvm_analysis.experience import answers, surveys
from cvm_analysis.experience.surveys import Sample
from cvm_analysis.tables import check

FIRST, AS_OF = dt.date(2023, 1, 1), dt.date(2025, 12, 31)


def feedback(**columns):
    """Answers to the question of recommendation on one day, if not said otherwise."""
    return pd.DataFrame(
        {"at": pd.Timestamp("2025-12-01"), "kind": "nps", "dimension": None} | columns
    )


def in_one_period(rows, days=91):
    return answers.add_period(answers.read(rows), AS_OF, days, FIRST)


def nps(values, customers=None, weights=None):
    customers = np.arange(len(values)) if customers is None else np.asarray(customers)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, float)
    return Sample(customers, np.asarray(values, float), weights, True)


def satisfaction(values, customers=None, weights=None):
    return nps(values, customers, weights)._replace(is_nps=False)


def test_the_sample_has_the_scores_that_a_plain_count_of_its_file_gives():
    start, end = "2025-01-01", "2025-12-31"
    rows = [r for r in small_feedback.records() if start <= r["at"] <= end]
    given = [int(r["score"]) for r in rows if r["kind"] == "nps"]
    expected = {"nps": 100 * (sum(s > 8 for s in given) - sum(s < 7 for s in given)) / len(given)}
    for name in ("product", "pre_sale", "in_sale", "after_sale", "price"):
        stars = [int(r["score"]) for r in rows if (r["kind"], r["dimension"]) == ("csat", name)]
        expected[name] = sum(stars) / len(stars)
    assert len(given) > 100

    table = surveys.scores(in_one_period(small_feedback.table(), 365), 365, [], None)
    last = table[table["until"] == pd.Timestamp(AS_OF)].set_index("dimension")
    assert last["score"].to_dict() == pytest.approx(expected)
    assert last.loc["nps", "n_answers"] == len(given)
    check("survey_scores", table)


def test_one_answer_each_gives_the_textbook_errors():
    """Bonett & Price add a promoter and a detractor; a mean has its t interval."""
    values = [100.0] * 12 + [0.0] * 5 + [-100.0] * 3
    found = surveys.describe(nps(values))
    more = np.array([*values, 100.0, -100.0])
    se = more.std(ddof=1) / np.sqrt(len(more))
    half = stats.t.ppf(0.975, 19) * se
    assert found["score"] == pytest.approx(45)
    assert found["se"] == pytest.approx(se)
    assert (found["low"], found["high"]) == pytest.approx((more.mean() - half, more.mean() + half))
    assert (found["top_share"], found["bottom_share"]) == pytest.approx((0.6, 0.15))

    stars = [5.0] * 6 + [4.0] * 6 + [2.0] * 3
    found = surveys.describe(satisfaction(stars))
    low, high = stats.t.interval(0.95, 14, np.mean(stars), stats.sem(stars))
    assert (found["low"], found["high"]) == pytest.approx((low, high))
    assert (found["top_share"], found["bottom_share"]) == pytest.approx((0.8, 0.2))


def test_answers_of_the_same_customers_count_once_for_errors():
    stars = [5.0, 4, 2, 3, 5, 5, 4, 1, 3, 4, 4, 2]
    once, four_times = surveys.describe(satisfaction(stars)), surveys.describe(
        satisfaction(stars * 4, [*range(12)] * 4)
    )  # fmt: skip
    assert four_times["n_answers"] == 48 and four_times["n_customers"] == 12
    for name in ("score", "se", "low", "high", "effective_n"):
        assert four_times[name] == pytest.approx(once[name])


def test_weights_move_the_score_and_the_unweighted_one_stays_beside_it():
    found = surveys.describe(satisfaction([5.0] * 10 + [1.0] * 10, weights=[1] * 10 + [3] * 10))
    assert found["score"] == pytest.approx(2) and found["unweighted"] == pytest.approx(3)
    assert found["effective_n"] == pytest.approx(40**2 / (10 * 1 + 10 * 9))  # Kish


def test_a_period_whose_customers_all_answered_is_known_exactly():
    values = [100.0] * 8 + [0.0] * 4 + [-100.0] * 4
    every, third = surveys.describe(nps(values), 16), surveys.describe(nps(values), 48)
    assert every["period_low"] == every["period_high"] == pytest.approx(25)
    width = third["high"] - third["low"]
    assert third["period_high"] - third["period_low"] == pytest.approx(width * np.sqrt(2 / 3))
    assert every["low"] == third["low"] < 25  # what it says about other customers stays as it is


def test_who_was_asked_counts_for_the_period_with_those_who_answered_unasked():
    rows = feedback(customer_id=[f"c{i}" for i in range(20)], score=[9, 3] * 10)
    periods = in_one_period(rows)
    ids = [f"c{i}" for i in range(1, 60)]
    asked = pd.DataFrame({"customer_id": ids, "until": periods["until"].iloc[0]})
    found = surveys.scores(periods, 91, [], asked).iloc[0]
    direct = surveys.describe(nps([100.0, -100.0] * 10), 60)
    assert (found["period_low"], found["low"]) == (direct["period_low"], direct["low"])
    unknown = surveys.scores(periods, 91, [], None).iloc[0]
    assert np.isnan(unknown["period_low"]) and unknown["low"] == found["low"]


def test_few_customers_have_a_score_and_no_interval():
    found = surveys.describe(nps([100.0] * 9))
    assert found["score"] == 100 and "low" not in found
    ten = surveys.describe(nps([100.0] * 10))
    assert ten["low"] < 80 and ten["high"] == 100  # all of one mind is no certainty
    assert surveys.compare(nps([100.0] * 9), nps([0.0] * 50)) is None


def test_two_different_groups_are_compared_as_by_welch():
    rng = np.random.default_rng(1)
    a, b = rng.integers(1, 6, 40).astype(float), rng.integers(2, 6, 25).astype(float)
    found = surveys.compare(satisfaction(a), satisfaction(b, np.arange(100, 125)))
    welch = stats.ttest_ind(a, b, equal_var=False)
    interval = welch.confidence_interval()
    assert found.p_value == pytest.approx(welch.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_customers_who_answer_twice_are_compared_with_themselves():
    rng = np.random.default_rng(2)
    before = rng.integers(1, 6, 60).astype(float)
    after = np.clip(before + rng.integers(0, 2, 60), 1, 5)
    found = surveys.compare(satisfaction(after), satisfaction(before))
    paired = stats.ttest_rel(after, before)
    assert found.effect == pytest.approx((after - before).mean())
    half = stats.sem(after - before) * stats.t.ppf(0.975, 118)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.02)
    assert found.p_value == pytest.approx(paired.pvalue, abs=1e-4)
    apart = surveys.compare(satisfaction(after), satisfaction(before, np.arange(100, 160)))
    assert apart.high - apart.low > 2 * (found.high - found.low)


def two_regions(n=200, lift=0.0, seed=3):
    """Two periods and two regions; region b is more satisfied by `lift`."""
    rng = np.random.default_rng(seed)
    region = np.repeat(["a", "b"], n)
    score = np.clip(np.rint(rng.normal(3.2, 0.9, 2 * n) + lift * (region == "b")), 1, 5)
    days = pd.Timestamp(AS_OF) - pd.to_timedelta(rng.integers(0, 182, 2 * n), unit="D")
    return feedback(
        customer_id=[f"c{i}" for i in range(2 * n)], at=days, kind="csat", dimension="price",
        score=score, region=region,
    )  # fmt: skip


def test_a_group_that_stands_out_is_ranked_first_and_beyond_chance():
    table = surveys.scores(in_one_period(two_regions(lift=0.8)), 91, ["region"], None)
    now = table[(table["until"] == pd.Timestamp(AS_OF)) & (table["group"] == "region")]
    now = now.set_index("level")
    assert now["rank"].to_dict() == {"a": 2, "b": 1}
    assert (now["rest_q"] < 0.001).all() and now.loc["b", "rest_low"] > 0.4
    assert now.loc["a", "score_rest"] == pytest.approx(-now.loc["b", "score_rest"])
    assert (table.loc[table["group"] == "all", "rank"] == 0).all()


def test_the_p_values_of_a_period_are_corrected_together():
    table = surveys.scores(in_one_period(two_regions()), 91, ["region"], None)
    now = table[table["until"] == pd.Timestamp(AS_OF)]
    changes = now[now["change_p"].notna()]
    assert len(changes) == 3  # all, a, b
    ordered = np.sort(changes["change_p"])
    by_hand = np.minimum.accumulate((ordered * 3 / [1, 2, 3])[::-1])[::-1]
    assert np.sort(changes["change_q"]) == pytest.approx(by_hand)
    earlier = table[table["until"] < pd.Timestamp(AS_OF)]
    assert earlier["change_p"].isna().all() and earlier["rest_q"].notna().any()


def test_the_change_is_that_from_the_period_before_not_from_any_earlier_one():
    rows = feedback(customer_id=[f"c{i}" for i in range(40)], score=[9, 3] * 20)
    long_ago = rows.assign(at=pd.Timestamp("2025-06-01"))
    table = surveys.scores(in_one_period(pd.concat([rows, long_ago])), 91, [], None)
    assert len(table) == 2 and table["score_change"].isna().all()


def test_without_answers_the_tables_are_empty():
    complaints = feedback(customer_id=["a"], kind="complaint")
    assert answers.read(complaints).empty and answers.count_outside_scale(complaints) == 0
    rows = in_one_period(feedback(customer_id=[], score=[]))
    check("survey_scores", surveys.scores(rows, 91, [], None))
    assert answers.last_scores(answers.read(feedback(customer_id=[], score=[])), AS_OF).empty


def test_the_answers_added_to_two_net_promoter_scores_are_of_different_people():
    one, other = [100.0] * 15 + [-100.0] * 5, [100.0] * 8 + [0.0] * 10
    found = surveys.compare(nps(one), nps(other, np.arange(100, 118)))
    welch = stats.ttest_ind([*one, 100, -100], [*other, 100, -100], equal_var=False)
    assert found.effect == pytest.approx(50 - 800 / 18)
    assert found.p_value == pytest.approx(welch.pvalue)
