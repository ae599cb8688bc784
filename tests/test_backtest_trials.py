"""Trials are scored on what came, and past totals on theirs."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.backtest import purchases, trials
from cvm_analysis.clv import NAIVE, forecasts, naive
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import check

WEEKS = 12
DAY = dt.date(1998, 4, 7)


@pytest.fixture(scope="module")
def days(cdnow_log):
    return purchases.by_day(cdnow_log.rename(columns={"date": "day", "dollars": "amount"}))


@pytest.fixture(scope="module")
def buyers(days):
    return purchases.customers(days, DAY)


@pytest.fixture(scope="module")
def models(buyers):
    found, _ = forecasts.fit(buyers, wanted=["pareto_nbd"])
    return {**found, "last_period": naive.LastPeriod(buyers["x"] / 100)}


@pytest.fixture(scope="module")
def last(models, buyers, days):
    return trials.try_forecasts(models, buyers, days, DAY, WEEKS)


def test_the_outcome_is_what_came_in_the_period(last, cdnow_log):
    log, end = cdnow_log[cdnow_log["dollars"] > 0], pd.Timestamp(DAY) + pd.Timedelta(weeks=WEEKS)
    came = log[(log["date"] > str(DAY)) & (log["date"] <= end)].drop_duplicates(
        ["customer_id", "date"]
    )
    expected = came.groupby("customer_id").size().reindex(last.actual.index, fill_value=0)
    assert last.actual.to_dict() == expected.to_dict() and last.actual.sum() > 100


def test_means_medians_and_scores_are_those_of_the_models(last, models, buyers):
    model = models["pareto_nbd"]
    mean = model.expected_purchases(buyers, WEEKS)
    assert last.mean["pareto_nbd"].to_numpy() == pytest.approx(mean[last.mean.index].to_numpy())
    score = predictive_distribution.log_score(model, buyers, WEEKS, last.actual)
    assert last.log_score["pareto_nbd"].mean() == pytest.approx(score.mean())
    median = predictive_distribution.median(model, buyers, WEEKS)
    assert last.median["pareto_nbd"].sum() == median.sum()


def test_a_mean_without_a_distribution_is_rounded_and_has_no_score(last):
    rounded = np.floor(last.mean["own_rate"] + 0.5)
    assert (last.median["own_rate"] == rounded).all()
    assert last.log_score["own_rate"].isna().all()


def test_medians_may_be_left_out(models, buyers, days, last):
    quick = trials.try_forecasts(models, buyers, days, DAY, WEEKS, medians=False)
    assert quick.median["pareto_nbd"].isna().all() and last.median.notna().all(axis=None)
    pd.testing.assert_frame_equal(quick.log_score, last.log_score)


def test_the_report_is_a_table_of_trust(last):
    table = trials.report(last, "pareto_nbd", WEEKS)
    check("backtest", table)
    assert set(table["horizon_days"]) == {84} and set(table["part"]) == {"value"}
    assert set(table.loc[table["is_chosen"], "model"]) == {"pareto_nbd"}
    assert set(table["metric"]) == {
        "n_customers", "actual_total", "forecast_total", "log_score", "rmse", "poisson_deviance",
        "bias_total", "mae", "correlation", "top_decile",
    }  # fmt: skip
    scores = table[table["metric"] == "log_score"].set_index("model")["value"]
    assert scores["pareto_nbd"] == pytest.approx(last.log_score["pareto_nbd"].mean())


def test_without_a_trial_the_report_says_nothing_and_still_appears():
    nobody = trials.no_trial()
    table = trials.report(nobody, "bg_nbd", WEEKS)
    check("backtest", table)
    assert table.empty and trials.compare_by_repeats(nobody, "nbd").empty
    assert trials.deciles(nobody, "nbd").empty
    keys = ["part", "horizon_days", "model", "metric"]
    assert Writer("en", "EUR").backtest(table.set_index(keys)) is not None


def test_means_by_repeats_are_those_of_the_customers_with_as_many(last):
    table = trials.compare_by_repeats(last, "recency_rule")
    assert list(table.index) == ["0", "1", "2", "3", "4", "5", "6", "7+"]
    assert list(table) == ["actual", "recency_rule", "pareto_nbd", "own_rate", "last_period"]
    often = last.repeats >= 7
    assert table.loc["7+", "actual"] == pytest.approx(last.actual[often].mean())
    assert table.loc["7+", "recency_rule"] == pytest.approx(last.mean["recency_rule"][often].mean())
    assert set(trials.compare_by_repeats(last, "pareto_nbd")) == {"actual", "pareto_nbd", *NAIVE}


def test_tenths_hold_every_customer_once_and_equal_forecasts_together(last):
    table = trials.deciles(last, "pareto_nbd")
    assert table["n_customers"].sum() == len(last.actual)
    assert table["expected"].is_monotonic_increasing
    total = (table["actual"] * table["n_customers"]).sum()
    assert total == pytest.approx(last.actual.sum())
    few = trials.deciles(last, "last_period")  # 6 in 10 had bought once
    assert few.loc[1, "expected"] == 0 and few.loc[1, "n_customers"] > len(last.actual) / 2
    ten = trials.Trial(pd.DataFrame({"m": range(10)}), *[pd.DataFrame()] * 2,
                       pd.Series(range(10)), pd.Series(range(10)))  # fmt: skip
    assert trials.deciles(ten, "m")["actual"].tolist() == list(range(10))
    assert trials.deciles(ten, "boosted").empty
