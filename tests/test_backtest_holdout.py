"""Holdout: the measures of the peers, by hand where they have none, and the weekly curve."""

import datetime as dt

import numpy as np
import pandas as pd
import published
import pytest
from sklearn.metrics import mean_poisson_deviance

from cvm_analysis.backtest import holdout
from cvm_analysis.clv import bg_nbd, histories, mbg_nbd, nbd, pareto_nbd
from cvm_analysis.clv import zero_truncated_nbd as ztnbd
from cvm_analysis.clv.numerics import predictive_distribution


@pytest.fixture(scope="module")
def models(cdnow):
    h, _ = histories.distinct(cdnow)
    return {m.__name__.split(".")[-1]: m.fit(h) for m in (pareto_nbd, bg_nbd, mbg_nbd, nbd, ztnbd)}


def scored(model, cdnow):
    code = model.code
    frames = (
        pd.DataFrame({code: each})
        for each in (
            model.expected_purchases(cdnow, 39),
            predictive_distribution.median(model, cdnow, 39),
            predictive_distribution.log_score(model, cdnow, 39, cdnow["holdout"]),
        )
    )
    table = holdout.score(*frames, cdnow["holdout"])
    assert list(table) == ["model", "metric", "value"] and set(table["model"]) == {code}
    return table.set_index("metric")["value"]


def of(mean, actual, median=None):
    """Scores of one forecast without a scatter."""
    mean, actual = pd.DataFrame({"m": mean}), pd.Series(actual)
    median = mean if median is None else pd.DataFrame({"m": median})
    return holdout.score(mean, median, mean * np.nan, actual).set_index("metric")["value"]


def test_pareto_nbd_on_cdnow_scores_as_in_clvtools(models, cdnow):
    """CLVTools 0.12.1 on the 39 weeks after 1997-09-30; MAE there is of the mean, .7546."""
    found = scored(models["pareto_nbd"], cdnow)
    assert found["n_customers"] == 2357 and found["actual_total"] == 1882
    assert found["forecast_total"] == pytest.approx(1665.688, abs=0.5)
    assert found["rmse"] == pytest.approx(1.603, abs=0.0005)
    assert found["correlation"] == pytest.approx(0.45973, abs=5e-4)
    mean = models["pareto_nbd"].expected_purchases(cdnow, 39)
    assert (mean - cdnow["holdout"]).abs().mean() == pytest.approx(0.7546, abs=1e-4)
    assert found["mae"] <= 0.67  # the median is made for it


def test_bg_nbd_on_cdnow_scores_as_in_clvtools(models, cdnow):
    found = scored(models["bg_nbd"], cdnow)
    assert found["forecast_total"] == pytest.approx(1653.40884, abs=1e-3)
    assert found["bias_total"] == pytest.approx(-228.592 / 1882, abs=1e-6)
    assert found["rmse"] == pytest.approx(1.607982, abs=1e-6)
    assert found["correlation"] == pytest.approx(0.449287, abs=1e-6)
    mean = models["bg_nbd"].expected_purchases(cdnow, 39)
    assert found["poisson_deviance"] == pytest.approx(mean_poisson_deviance(cdnow["holdout"], mean))


def test_scores_by_hand():
    found = of({"c": 1.0, "b": 3.0, "a": 0.0}, {"a": 0, "b": 2, "c": 4}, {"a": 0, "b": 2, "c": 1})
    assert found["mae"] == pytest.approx(3 / 3)
    assert found["rmse"] == pytest.approx(np.sqrt(10 / 3))
    assert found["bias_total"] == pytest.approx(4 / 6 - 1)
    assert found["correlation"] == pytest.approx(0.5)
    deviance = 2 * (2 * np.log(2 / 3) + 1 + 4 * np.log(4) - 3) / 3
    assert found["poisson_deviance"] == pytest.approx(deviance)
    assert np.isnan(found["log_score"])


def test_a_purchase_that_was_ruled_out_has_no_deviance():
    assert np.isnan(of({"a": 0.0, "b": 1.0}, {"a": 1, "b": 1})["poisson_deviance"])


# Week by week


@pytest.fixture(scope="module")
def days(cdnow_log):
    return cdnow_log[["customer_id", "date"]].drop_duplicates().rename(columns={"date": "day"})


@pytest.mark.parametrize(("code", "name"), [("pareto_nbd", "pnbd"), ("bg_nbd", "bgnbd")])
def test_weekly_tracking_is_that_of_clvtools(models, days, code, name):
    """CLVTools 0.12.1, read at the ends of its weeks (Sundays)."""
    peer = published.read("tracking_clvtools", data="cdnow", model=name)
    peer = peer.set_index(pd.to_datetime(peer["until"]))
    begin = days["day"].min()
    assert begin == pd.Timestamp("1997-01-01")
    found = holdout.tracking(models[code], days, dt.date(1998, 6, 30), dt.date(1997, 9, 30))
    # ours end on Tuesdays; theirs, on Sundays, lie between
    there = peer["cum_expected"].reindex(found.index.union(peer.index)).interpolate("time")
    late = found.index[10:-1]
    ratio = found.loc[late, "expected_so_far"] / there[late]
    assert ratio.between(0.97, 1.03).all() and ratio[-30:].between(0.99, 1.01).all()
    repeat = days[days["day"] > days["customer_id"].map(days.groupby("customer_id")["day"].min())]
    for week in found.index[::10]:
        assert found.loc[week, "actual_so_far"] == (repeat["day"] <= week).sum()
    assert found["seen"].sum() == 39 and len(found) == 78
    assert (
        found["actual"].sum()
        == found["actual_so_far"].iloc[-1]
        == 4339 - (repeat["day"] > found.index[-1]).sum()
    )


def test_what_is_expected_is_the_sum_over_customers(models, days):
    some = days[days["customer_id"].isin(days["customer_id"].unique()[::100])]
    found = holdout.tracking(models["mbg_nbd"], some, dt.date(1997, 6, 30))
    end = found.index[-1]
    first = some.groupby("customer_id")["day"].min()
    weeks = ((end - first[first <= end]).dt.days / 7).to_numpy()
    by_hand = models["mbg_nbd"].expected_purchases_new(weeks).sum()
    assert found["expected_so_far"].iloc[-1] == pytest.approx(by_hand)
    assert found["expected"].sum() == pytest.approx(by_hand) and found["seen"].all()


def test_a_model_that_knows_no_new_customers_has_no_curve(models, days):
    assert holdout.tracking(models["zero_truncated_nbd"], days, dt.date(1998, 6, 30)).empty
    assert holdout.tracking(models["nbd"], days.head(0), dt.date(1998, 6, 30)).empty
    assert holdout.tracking(models["nbd"], days, dt.date(1997, 1, 3)).empty
