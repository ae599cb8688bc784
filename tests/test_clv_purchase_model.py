"""A model's record is all that fitting, drawing and tracking need; rates are drawn as they lie."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gamma, kstest

from cvm_analysis.backtest import holdout
from cvm_analysis.clv import forecasts, naive, purchase_model
from cvm_analysis.clv.numerics import simulation
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words


def test_rates_of_customers_alive_are_gamma():
    model = SimpleNamespace(params=(0.8, 9.0))
    x, T, alive = np.array([3.0, 0.0]), np.array([40.0, 10.0]), pd.Series([0.25, np.nan])
    found = purchase_model.rates(model, x, T, alive, 20_000, np.random.default_rng(1))
    assert (found[0] > 0).mean() == pytest.approx(0.25, abs=0.015)
    assert (found[1] > 0).all(), "nothing known of leaving: nobody has left"
    for row, at, weeks in zip(found, x, T, strict=True):
        there = row[row > 0]
        assert kstest(there, gamma(0.8 + at, scale=1 / (9 + weeks)).cdf).pvalue > 0.01


def test_purchases_without_limit_are_drawn_all_the_same():
    found = purchase_model.poisson(np.array([1e300, 0.0]), np.random.default_rng(1))
    assert found[0] == pytest.approx(1e9, rel=1e-3) and found[1] == 0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_model_has_its_words(language):
    say = words(language)
    for code, record in forecasts.FITTED.items():
        assert record.code == code and say(f"models.{code}")
        assert say(f"notes.{code}_not_fitted")


def test_a_new_model_is_known_by_its_record_alone(cdnow, monkeypatch):
    """One purchase a week of everybody: fitted, drawn, and tracked from the first purchase."""

    class Weekly(naive.OwnRate):
        code, reason, params = "weekly", "", (1.0, 1.0)

        def expected_purchases_new(self, t):
            return np.asarray(t)

    def draw(model, h, horizon, draws, rng):
        return np.full((len(h), draws), horizon)

    record = purchase_model.PurchaseModel("weekly", lambda h: Weekly(), draw)
    known = {**forecasts.FITTED, "weekly": record}
    for module in (forecasts, simulation, holdout):
        monkeypatch.setattr(module, "FITTED", known)
    monkeypatch.setattr(forecasts, "ORDER", (*known, *forecasts.NAIVE))
    people = cdnow.assign(customer_type="retail").iloc[::10]
    models, _ = forecasts.fit(people)
    assert "weekly" in models and simulation.has_distribution(models["weekly"])
    rows = people.assign(spend_per_repeat_day=1.0)[simulation.HISTORY]
    ahead = simulation.Forecast(rows, np.ones(len(rows)))
    orders, _ = simulation.simulate(ahead, (models["weekly"], naive.OwnMean(1.0)), 26.0, 80)
    assert (orders == 26).all()
    days = pd.DataFrame({"customer_id": ["a"], "day": [dt.date(2025, 1, 1)]})
    told = holdout.tracking(models["weekly"], days, dt.date(2025, 1, 14))
    assert told["expected_so_far"].tolist() == pytest.approx([6 / 7, 13 / 7])
    left = record._replace(is_from_first_purchase=False)
    monkeypatch.setattr(holdout, "FITTED", {"weekly": left})
    assert holdout.tracking(models["weekly"], days, dt.date(2025, 1, 14)).empty


class Half(purchase_model.ConstantRate):
    def purchase_rate(self, h):
        return pd.Series(0.5, h.index)


def test_the_present_value_of_a_constant_stream_is_its_integral():
    """0.5 a week for 10 weeks are 5; at 1 % a week 0.5 (1 - e^-0.1) / 0.01, and 50 for ever."""
    h = pd.DataFrame({"x": [1, 2]}, index=["a", "b"])
    assert Half().expected_purchases(h, 10).to_dict() == {"a": 5, "b": 5}
    within = Half().discounted_purchases(h, 0.01, 10)
    assert within.tolist() == pytest.approx([50 * (1 - np.exp(-0.1))] * 2)
    assert Half().discounted_purchases(h, 0.01).tolist() == pytest.approx([50, 50])
    assert Half().p_alive(h).isna().all() and within.index.equals(h.index)
    with pytest.raises(InputError):
        Half().discounted_purchases(h, 0.0)


def test_purchases_are_expected_from_the_day_after_the_first():
    class Daily:
        def expected_purchases_new(self, t):
            return 7 * t

    at = pd.Timestamp("2023-01-02") + pd.to_timedelta([0, 3, 2, 3, 4], "D")
    days = pd.DataFrame({"customer_id": ["a", "a", "b", "b", "b"], "day": at})
    found = purchase_model.repeats_by_day(Daily(), days, dt.date(2023, 1, 7))
    assert found["actual"].tolist() == [0, 0, 0, 2, 1, 0]
    assert found["expected"].tolist() == pytest.approx([0, 1, 1, 2, 2, 2])
