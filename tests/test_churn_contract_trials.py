"""Trials of contract forecasts: nothing of the future is learned, and the truth wins."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.churn import contract_trials, contracts
from cvm_analysis.tables import check

LANDMARK, AS_OF = dt.date(2023, 12, 31), dt.date(2024, 12, 31)


def begun(n=2000, seed=4, ratio=3.0):
    """Contracts from 2022 and 2023 that last 500 days, a third of it with a plan (exponential)."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 730, n), unit="D")
    plan = rng.integers(0, 2, n)
    lasted = pd.to_timedelta(np.ceil(rng.exponential(500 / ratio**plan)), unit="D")
    table = pd.DataFrame({"customer_id": [f"c{i}" for i in range(n)], "started_on": start})
    return table.assign(ended_on=start + lasted, plan=plan)


@pytest.fixture(scope="module")
def tried():
    return contract_trials.trial(begun(), LANDMARK, AS_OF)


def test_models_that_know_the_plan_beat_the_one_that_does_not(tried):
    assert list(tried.survival) == ["cox", "weibull", "alike"]
    scores = tried.scores.pivot(index="model", columns="metric", values="value")
    assert (scores["n_contracts"] == len(tried.outcome)).all()
    assert scores.loc[["cox", "weibull"], "mean_auc"].min() > scores.loc["alike", "mean_auc"] + 0.05
    error = scores["integrated_brier"]
    assert error[["cox", "weibull"]].max() < error["alike"] - 0.005
    assert set(tried.scores["model"]) == {"cox", "weibull", "alike"}


def test_forecasts_are_right_on_the_whole(tried):
    """No one is lost from sight within the year, so shares can be counted."""
    assert (tried.outcome.loc[tried.outcome["event"] == 0, "duration"] == 366).all()
    for p in tried.survival.values():
        for days in p.columns[::6]:
            share = (tried.outcome["duration"] > days).mean()
            assert p[days].mean() == pytest.approx(share, abs=0.05)


def test_what_happens_later_changes_no_forecast(tried):
    table = begun()
    later = pd.to_datetime(table["ended_on"]) > pd.Timestamp(LANDMARK)
    moved = table.assign(
        ended_on=table["ended_on"].mask(later, table["ended_on"] + pd.Timedelta(3, "D"))
    )
    other = contract_trials.trial(moved, LANDMARK, AS_OF)
    assert not other.outcome.equals(tried.outcome)
    for name, forecast in tried.survival.items():
        pd.testing.assert_frame_equal(other.survival[name], forecast)


@pytest.mark.parametrize(
    "table",
    [
        begun(5).head(0),
        begun(50).assign(ended_on=pd.NaT),
        begun(50).assign(ended_on=lambda t: t["started_on"] + pd.Timedelta(1, "D")),
        begun(50).assign(started_on="2024-05-01", ended_on="2024-06-01"),
        begun(50).assign(
            ended_on=lambda t: pd.Timestamp("2023-12-29") + pd.to_timedelta(t.index % 6, "D")
        ),
    ],
    ids=["none", "none ended", "all ended", "none yet", "all ended at once"],
)
def test_without_contracts_to_try_the_trial_is_empty(table):
    found = contract_trials.trial(table, LANDMARK, AS_OF)
    assert found.survival == {}
    assert found.scores.empty
    assert list(found.scores) == ["model", "metric", "value"]


def test_where_no_model_could_be_fitted_those_alike_are_tried():
    table = begun(60)
    early = table["started_on"] < "2023-01-01"
    kept = table.index[~early | (np.arange(60) % 9 == 0)]
    found = contract_trials.trial(table.loc[kept], LANDMARK, AS_OF)
    assert set(found.survival) >= {"alike"}


def test_its_scores_are_rows_of_the_table_of_trust(tried):
    rows = contract_trials.backtest_rows(tried, 365)
    check("backtest", rows)
    assert set(rows["part"]) == {"contracts"} and set(rows["horizon_days"]) == {365}
    assert set(rows.loc[rows["is_chosen"], "model"]) == {"cox"}


def test_tenures_are_tried_on_contracts_left_out_of_the_fit():
    """What comes of the half that is held out changes no forecast; the other half does."""
    dated = begun()
    spans, _ = contracts.durations(dated, AS_OF)
    table = dated.assign(tenure=spans["duration"])
    found = contract_trials.trial(table, LANDMARK, AS_OF)
    assert [(note.code, note.have) for note in found.notes] == [("held_out_contracts", 1000)]
    scores = found.scores.pivot(index="model", columns="metric", values="value")
    assert scores.loc["cox", "mean_auc"] > scores.loc["alike", "mean_auc"] + 0.05
    assert scores.loc["cox", "integrated_brier"] < scores.loc["alike", "integrated_brier"]
    held = found.outcome.index
    assert (found.outcome["duration"] == spans.loc[held, "duration"]).all()
    later = table["ended_on"] + pd.Timedelta(1, "D")
    moved = table.assign(ended_on=later.where(table.index.isin(held), table["ended_on"]))
    same = contract_trials.trial(moved, LANDMARK, AS_OF)
    assert not same.outcome.equals(found.outcome)
    pd.testing.assert_frame_equal(same.survival["cox"], found.survival["cox"])
    swapped = table.assign(plan=table["plan"].where(table.index.isin(held), 1 - table["plan"]))
    other = contract_trials.trial(swapped, LANDMARK, AS_OF)
    assert other.outcome.equals(found.outcome)
    assert not other.survival["cox"].equals(found.survival["cox"])


def test_recent_leavers_are_tried_from_the_age_at_which_they_were_seen():
    table = begun().assign(observed_from=pd.Timestamp(AS_OF) - pd.Timedelta(60, "D"))
    table = table[~(table["ended_on"] <= table["observed_from"])]
    found = contract_trials.trial(table, LANDMARK, AS_OF)
    assert found.outcome["duration"].max() == 60 and found.notes


def test_before_the_records_begin_nothing_can_be_tried():
    table = begun(200)
    first = pd.to_datetime(table["started_on"]).min().date()
    found = contract_trials.trial(
        table, first - dt.timedelta(days=1), first + dt.timedelta(days=365), first
    )
    assert found.survival == {} and found.scores.empty
