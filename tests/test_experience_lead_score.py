"""Scores of leads: used where they tell more than the source, and only then."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.experience import lead_score, leads

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
    assert score.is_model and score.gain_low > 0
    assert score.log_loss == pytest.approx(score.log_loss_by_source - score.gain)
    now = lead_score.known_on(table, ORDER, AS_OF)
    p = score.p_won(now)
    assert p[now["stage"] == "quote"].mean() > 2 * p[now["stage"] == "new"].mean()


def test_a_model_that_tells_nothing_is_not_used_in_nearly_all_samples():
    used = sum(lead_score.fit(draw(400, s, False), ORDER, AS_OF, 60).is_model for s in range(20))
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
    assert (whole.rate, whole.log_loss) == (then.rate, then.log_loss)


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
    assert not score.is_model and np.isnan(score.log_loss)
    none = draw(1, 1, True).iloc[:0]
    empty = lead_score.fit(none, ORDER, AS_OF, 60)
    assert not empty.is_model and leads.latest(none, ORDER, AS_OF).empty
