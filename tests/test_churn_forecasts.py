"""Forecasts of silence: chosen on one past, reported on the next, never from the future."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from cvm_analysis.churn import forecasts, landmarks
from cvm_analysis.customers import as_of, purchase_days

FIRST, LAST, HORIZON = dt.date(2022, 1, 1), dt.date(2024, 12, 31), 180


@pytest.fixture(scope="module")
def log():
    """Purchases of 400 invented customers, each at their own pace until they leave."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(400):
        day, pace = rng.integers(0, 700), rng.gamma(2, 30) + 5
        leaves = day + rng.exponential(700)
        while day < min(leaves, 1095):
            rows.append((f"c{i:03d}", FIRST + dt.timedelta(days=int(day)), 10.0))
            day += 1 + rng.exponential(pace)
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    return table.assign(ordered_at=pd.to_datetime(table["ordered_at"]), region="east")


def known(log, day):
    table = ibis.memtable(log).cast({"amount": "decimal(18, 4)"})
    return as_of(table, day).to_pandas().set_index("customer_id")


def tried(log, n_marks=2):
    marks, _ = landmarks.dates(LAST, FIRST, HORIZON)
    days = purchase_days(ibis.memtable(log), LAST).to_pandas()
    marks = marks[-n_marks:]
    return forecasts.trial([known(log, m) for m in marks], days, marks, HORIZON)


def test_silence_is_counted_from_the_purchases_after_the_landmark(log):
    trial = tried(log)
    mark = LAST - dt.timedelta(days=HORIZON)
    later = log[(log["ordered_at"].dt.date > mark) & (log["ordered_at"].dt.date <= LAST)]
    came = set(later["customer_id"])
    expected = [int(customer not in came) for customer in trial.silent.index]
    assert trial.silent.tolist() == expected
    assert set(trial.p_silent) == {"cox", "recency"}


def test_a_forecast_beats_a_coin_and_reports_both_models(log):
    scores = forecasts.report(tried(log), "cox", HORIZON)
    auc = scores[scores["metric"] == "auc"].set_index("model")["value"]
    assert (auc > 0.7).all()
    assert scores[scores["is_chosen"]]["model"].unique().tolist() == ["cox"]
    assert (scores["horizon_days"] == HORIZON).all()


def test_what_came_after_the_test_landmark_moves_no_forecast(log):
    mark = LAST - dt.timedelta(days=HORIZON)
    other = log[log["ordered_at"].dt.date <= mark]
    for model, p in tried(log).p_silent.items():
        pd.testing.assert_series_equal(p, tried(other).p_silent[model])


def test_with_one_landmark_there_is_no_trial_and_the_default_is_kept(log):
    trial = tried(log, n_marks=1)
    assert trial.p_silent == {}
    assert forecasts.choose(trial) == "cox"
    assert forecasts.report(trial, "cox", HORIZON).empty
    assert forecasts.calibration(trial, "cox").empty


def test_recency_alone_is_taken_where_it_was_clearly_better():
    silent = pd.Series([0, 1] * 50)
    trial = forecasts.Trial({"cox": 1 - silent * 0.9, "recency": silent * 0.9}, silent)
    assert forecasts.choose(trial) == "recency"


def learned(log, customers=slice(None)):
    start = landmarks.latest(LAST, FIRST, HORIZON)
    days = purchase_days(ibis.memtable(log), LAST).to_pandas()
    return forecasts.learn(known(log, start).iloc[customers], days, start, LAST)


def test_the_risk_is_the_silence_of_the_horizon_and_falls_with_time(log):
    table = forecasts.of(learned(log), known(log, LAST), "cox", 200, HORIZON)
    assert (table["churn_risk"] == table["p_silent_180d"]).all()
    assert (table["p_silent_90d"] >= table["p_silent_180d"]).all()
    assert (table["p_silent_180d"] >= table["p_silent_365d"]).all()
    assert table["reason_1"].str.fullmatch(r"[a-z_]+[+-]").all()
    silence = known(log, LAST)["days_since_last"]
    assert (table["lapsed"] == (silence >= 200)).all()


def test_too_few_customers_fall_back_on_recency_and_say_so(log):
    few = learned(log, slice(40))
    assert few.model is None
    assert few.notes[0].code == "recency_few_buyers"
    table = forecasts.of(few, known(log, LAST), "cox", None, HORIZON)
    assert set(table["model"]) == {"recency"}
    assert table["churn_risk"].between(0, 1).all()
    assert table["lapsed"].isna().all()


def test_where_nobody_had_bought_there_is_no_risk(log):
    nobody = learned(log, slice(0))
    table = forecasts.of(nobody, known(log, LAST), "cox", None, HORIZON)
    assert set(table["model"]) == {"none"}
    assert table["churn_risk"].isna().all()
