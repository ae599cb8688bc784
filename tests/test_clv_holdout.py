"""Holdout: the measures of the peers, and a choice that needs evidence."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import bg_nbd, histories, holdout
from cvm_analysis.errors import InputError


def test_bg_nbd_on_cdnow_scores_as_in_clvtools(cdnow):
    """CLVTools 0.12.1 on the 39 weeks after 1997-09-30."""
    h, _ = histories.distinct(cdnow)
    forecast = bg_nbd.fit(h).expected_purchases(cdnow, 39)
    scores = holdout.score({"bg_nbd": forecast}, cdnow["holdout"])
    assert list(scores) == ["model", "metric", "value"]
    found = scores.set_index("metric")["value"]
    assert found["n_customers"] == 2357
    assert found["actual_total"] == 1882
    assert found["forecast_total"] == pytest.approx(1653.40884, abs=1e-3)
    assert found["bias_total"] == pytest.approx(-228.592 / 1882, abs=1e-6)
    assert found["mae"] == pytest.approx(0.785454, abs=1e-6)
    assert found["rmse"] == pytest.approx(1.607982, abs=1e-6)
    assert found["correlation"] == pytest.approx(0.449287, abs=1e-6)


def test_scores_by_hand():
    actual = pd.Series({"a": 0, "b": 2, "c": 4})
    scores = holdout.score({"m": pd.Series({"c": 1.0, "b": 3.0, "a": 0.0})}, actual)
    found = scores.set_index("metric")["value"]
    assert found["mae"] == pytest.approx(4 / 3)
    assert found["rmse"] == pytest.approx(np.sqrt(10 / 3))
    assert found["bias_total"] == pytest.approx(4 / 6 - 1)
    assert found["correlation"] == pytest.approx(0.5)


@pytest.fixture
def outcome():
    rng = np.random.default_rng(0)
    actual = pd.Series(rng.poisson(3, 400).astype(float))
    noise = pd.Series(rng.normal(size=400))
    return actual, noise


def test_a_clearly_better_rival_is_chosen(outcome):
    actual, noise = outcome
    forecasts = {"default": actual + 2 * noise, "best": actual + noise / 2, "good": actual + noise}
    assert holdout.choose(forecasts, actual, "default") == "best"


def test_a_rival_that_is_better_by_chance_is_not(outcome):
    actual, noise = outcome
    luck = actual - noise  # the same error, the other way round
    luck[0] = actual[0]
    forecasts = {"luck": luck, "default": actual + noise}
    mean = {m: ((f - actual) ** 2).mean() for m, f in forecasts.items()}
    assert mean["luck"] < mean["default"]
    assert holdout.choose(forecasts, actual, "default") == "default"


@pytest.mark.parametrize(("last", "chosen"), [(4.35, "default"), (4.3, "rival")])
def test_two_standard_errors_decide(last, chosen):
    """Squared errors 4, 4, 4, 4 against 3, 3, 3, last: 1.96 and 2.08 paired standard errors."""
    forecasts = {"default": pd.Series([2.0] * 4), "rival": pd.Series([3.0, 3.0, 3.0, last]) ** 0.5}
    assert holdout.choose(forecasts, pd.Series([0.0] * 4), "default") == chosen


def test_the_next_in_order_stands_in_for_an_absent_default(outcome):
    actual, noise = outcome
    forecasts = {"nbd": actual + noise, "bg_nbd": actual + noise}
    order = ["pareto_nbd", "bg_nbd", "nbd"]
    assert holdout.choose(forecasts, actual, "pareto_nbd", order) == "bg_nbd"
    with pytest.raises(InputError, match="none of pareto_nbd is among"):
        holdout.choose(forecasts, actual, "pareto_nbd")


@pytest.mark.parametrize(
    ("forecast", "said"),
    [
        (pd.Series({"a": 1.0}), "1 customers are only in the forecast or the outcome"),
        (pd.Series({"a": 1.0, "b": np.nan}), "1 of 2 are empty"),
        (pd.Series([1.0, 1.0, 1.0], ["a", "b", "b"]), "m: "),
    ],
)
def test_forecasts_of_other_customers_are_refused(forecast, said):
    with pytest.raises(InputError, match=said):
        holdout.score({"m": forecast}, pd.Series({"a": 1, "b": 2}))


def test_an_empty_outcome_is_refused():
    with pytest.raises(InputError, match="the outcome is empty"):
        holdout.score({}, pd.Series(dtype=float))
