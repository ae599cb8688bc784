"""Scores of leads: used where they tell more than the source, and only then."""

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cvm_analysis.experience import lead_score, leads
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard
from cvm_analysis.tables import check

AS_OF = dt.date(2025, 12, 31)
ORDER = ["new", "quote"]


def draw(n, seed, telling):
    """Half of the leads get a quote on the next day; of these more are won if `telling`.

    Leads close at a constant rate, so that their age tells nothing.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        created = pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(rng.integers(0, 730)))
        source = rng.choice(["web", "fair"])
        quoted = rng.random() < 0.5
        chance = (0.6 if quoted else 0.1) if telling else (0.4 if source == "web" else 0.3)
        closed = created + pd.Timedelta(days=1 + int(rng.exponential(50)))
        end = {"closed_on": closed, "outcome": "won" if rng.random() < chance else "lost"}
        lead = {"lead_id": f"L{i}", "created_on": created, "source": source, "owner": "Li",
                "value": 100.0, "customer_id": None, **end}  # fmt: skip
        rows.append({**lead, "stage": "new", "stage_at": created})
        if quoted:
            rows.append({**lead, "stage": "quote", "stage_at": created + pd.Timedelta(days=1)})
    return pd.DataFrame(rows)


def test_a_model_that_tells_more_than_the_source_is_used():
    table = draw(1_500, 1, True)
    score = lead_score.fit(table, ORDER, AS_OF, 60)
    assert score.used == "model" and score.tested.loc["model", "improvement_low"] > 0
    loss = score.tested["log_loss"]
    assert score.tested.loc["model", "improvement"] == pytest.approx(loss["source"] - loss["model"])
    check("lead_scores", score.tested.reset_index())
    now = lead_score.known_on(table, ORDER, AS_OF)
    p = score.p_won(now)
    assert p[now["stage"] == "quote"].mean() > 2 * p[now["stage"] == "new"].mean()


@pytest.mark.slow
def test_a_model_that_tells_nothing_is_not_used_in_nearly_all_samples():
    scores = [lead_score.fit(draw(400, s, False), ORDER, AS_OF, 60) for s in range(20)]
    used = sum(score.used == "model" for score in scores)
    assert used <= 3


def test_the_rate_by_source_is_the_share_won_within_the_horizon_of_open_leads():
    table = draw(800, 3, False)
    score = lead_score.fit(table, ORDER, AS_OF, 60)
    last = pd.Timestamp(AS_OF) - pd.Timedelta(days=60)
    won = total = 0
    first = table["created_on"].min()
    days = [last - pd.Timedelta(days=30 * k) for k in range((last - first).days // 30 + 1)]
    one_row = table.drop_duplicates("lead_id")
    for day in days:
        is_open = (one_row["created_on"] <= day) & (one_row["closed_on"] > day)
        within = one_row["closed_on"] <= day + pd.Timedelta(days=60)
        total += is_open.sum()
        won += (is_open & within & (one_row["outcome"] == "won")).sum()
    assert score.rate == pytest.approx(won / total)


def test_nothing_of_the_future_is_known():
    table = draw(400, 4, True)
    day = dt.date(2025, 6, 30)
    cut = table[
        (table["stage_at"] <= pd.Timestamp(day)) & (table["created_on"] <= pd.Timestamp(day))
    ]
    later = cut["closed_on"] > pd.Timestamp(day)
    cut = cut.assign(closed_on=cut["closed_on"].mask(later), outcome=cut["outcome"].mask(later))
    pd.testing.assert_frame_equal(
        lead_score.known_on(table, ORDER, day), lead_score.known_on(cut, ORDER, day)
    )
    whole, then = (lead_score.fit(each, ORDER, day, 60) for each in (table, cut))
    assert whole.rate == then.rate
    pd.testing.assert_frame_equal(whole.tested, then.tested)


def test_the_pipeline_by_hand():
    table = pd.DataFrame(
        {"value": [100.0, 200, np.nan], "source": ["web", "web", None]}, index=["a", "b", "c"]
    )
    p = pd.Series({"a": 0.5, "b": 0.1, "c": 0.2})
    found = lead_score.pipeline(table, p).loc["all"]
    assert found.tolist() == pytest.approx([3, 1, 450, 0.8, 50 + 20 + 30])
    by = lead_score.pipeline(table, p, "source")
    assert by["expected_value"].to_dict() == pytest.approx({"unknown": 30, "web": 70})


def test_too_few_leads_use_the_rate():
    score = lead_score.fit(draw(30, 5, True), ORDER, AS_OF, 60)
    assert score.used == "source" and score.tested.empty
    check("lead_scores", score.tested.reset_index())
    none = draw(1, 1, True).iloc[:0]
    empty = lead_score.fit(none, ORDER, AS_OF, 60)
    assert empty.used == "source" and leads.latest(none, ORDER, AS_OF).empty


def card(by, **points):
    """A scorecard of one attribute of leads: the points of its words."""
    indicator = Indicator(by, by, 1.0, points=points)
    return Scorecard(
        customer_type="lead", valid_from=dt.date(2020, 1, 1), indicators=(indicator,),
        grades={"A": 60, "B": 40, "C": 0},
    )  # fmt: skip


def draw_owners(n, seed):
    """Half of 60 owners win their leads; each has too few for a coefficient of the model."""
    table = draw(n, seed, False)
    rng = np.random.default_rng(seed)
    ids = table["lead_id"].unique()
    owner = pd.Series(rng.integers(0, 60, len(ids)), ids)
    good = owner % 2 == 0
    won = pd.Series(rng.random(len(ids)) < np.where(good, 0.9, 0.1), ids)
    outcome = table["lead_id"].map(won).map({True: "won", False: "lost"})
    return table.assign(owner="o" + table["lead_id"].map(owner).astype(str), outcome=outcome)


GOOD = {f"o{i}": 100.0 if i % 2 == 0 else 10.0 for i in range(60)}


def test_a_scorecard_that_knows_more_than_the_model_is_used_and_its_auc_is_that_of_its_points():
    table = draw_owners(1_500, 1)
    score = lead_score.fit(table, ORDER, AS_OF, 60, [card("owner", **GOOD)])
    assert score.used == "scorecard"
    assert score.tested.index[score.tested["is_used"]].tolist() == ["scorecard"]
    rows = lead_score._landmarks(table, ORDER, AS_OF, 60)
    days = np.sort(rows["day"].unique())
    test = rows[rows["day"] >= days[len(days) * 2 // 3]]
    expected = roc_auc_score(test["won"], test["owner"].map(GOOD))
    assert score.tested.loc["scorecard", "auc"] == pytest.approx(expected, abs=1e-12)
    now = lead_score.known_on(table, ORDER, AS_OF)
    p, is_good = score.p_won(now), now["owner"].map(GOOD) == 100
    shares = rows["won"].groupby(rows["owner"].map(GOOD) == 100).mean()  # two scores: their shares
    assert p[is_good].to_numpy() == pytest.approx(shares[True], abs=1e-4)
    assert p[~is_good].to_numpy() == pytest.approx(shares[False], abs=1e-4)


def test_a_scorecard_that_knows_less_is_shown_but_not_used():
    table = draw(1_500, 1, True)
    score = lead_score.fit(table, ORDER, AS_OF, 60, [card("source", web=100.0, fair=10.0)])
    assert score.used == "model" and list(score.tested.index) == ["source", "model", "scorecard"]
    assert score.tested.loc["scorecard", "improvement_low"] < 0


def test_grades_of_open_leads_by_hand():
    """A stage is worth half the points, its days the other half; one without a source keeps 0.5."""
    two = Scorecard(
        customer_type="lead", valid_from=dt.date(2020, 1, 1), grades={"A": 60, "B": 40, "C": 0},
        min_weight=0.5,
        indicators=(
            Indicator("source", "source", 0.5, points={"web": 20, "fair": 100}),
            Indicator("in_stage", "in_stage", 0.5, better="low", bands=((7, 100), (30, 60))),
        ),
    )  # fmt: skip
    now = pd.DataFrame(
        {"source": ["fair", "web", None, "web"], "in_stage": [8.0, 7, 31, 90]}, index=list("abcd")
    )
    score = lead_score.fit(draw(30, 5, True), ORDER, AS_OF, 60, [two])
    found = lead_score.grade(score, now)
    assert found["score"].tolist() == [80, 60, 0, 10]
    assert found["grade"].tolist() == ["A", "A", "C", "C"]
    without = lead_score.fit(draw(30, 5, True), ORDER, AS_OF, 60)
    assert list(lead_score.grade(without, now)) == []


def test_a_scorecard_counts_from_its_day_on():
    later = dataclasses.replace(card("source", web=1.0), valid_from=dt.date(2026, 1, 1))
    assert lead_score.fit(draw(30, 5, True), ORDER, AS_OF, 60, [later]).card is None


def test_landmarks_in_parts_are_those_in_one(monkeypatch):
    table = draw(60, 6, True)
    whole = lead_score._landmarks(table, ORDER, AS_OF, 60)
    monkeypatch.setattr(lead_score, "_MOST_ROWS", 3 * len(table))
    pd.testing.assert_frame_equal(lead_score._landmarks(table, ORDER, AS_OF, 60), whole)
