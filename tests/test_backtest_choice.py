"""A forecast is replaced only by a clearly better one."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.backtest import choice
from cvm_analysis.errors import InputError


@pytest.fixture
def outcome():
    rng = np.random.default_rng(0)
    actual = pd.Series(rng.poisson(3, 400).astype(float))
    noise = pd.Series(rng.normal(size=400))
    return actual, noise


def choose(forecasts, actual, default, order=()):
    """The choice by squared errors, of which less is better."""
    errors = {model: -((each - actual) ** 2) for model, each in forecasts.items()}
    return choice.choose_by_score(pd.DataFrame(errors), default, order)


def test_a_clearly_better_rival_is_chosen(outcome):
    actual, noise = outcome
    forecasts = {"default": actual + 2 * noise, "best": actual + noise / 2, "good": actual + noise}
    assert choose(forecasts, actual, "default") == "best"


def test_a_rival_that_is_better_by_chance_is_not(outcome):
    actual, noise = outcome
    luck = actual - noise  # the same error, the other way round
    luck[0] = actual[0]
    forecasts = {"luck": luck, "default": actual + noise}
    mean = {m: ((f - actual) ** 2).mean() for m, f in forecasts.items()}
    assert mean["luck"] < mean["default"]
    assert choose(forecasts, actual, "default") == "default"


@pytest.mark.parametrize(("last", "chosen"), [(4.35, "default"), (4.3, "rival")])
def test_two_standard_errors_decide(last, chosen):
    """Squared errors 4, 4, 4, 4 against 3, 3, 3, last: 1.96 and 2.08 paired standard errors."""
    forecasts = {"default": pd.Series([2.0] * 4), "rival": pd.Series([3.0, 3.0, 3.0, last]) ** 0.5}
    assert choose(forecasts, pd.Series([0.0] * 4), "default") == chosen


def test_the_next_in_order_stands_in_for_an_absent_default(outcome):
    actual, noise = outcome
    forecasts = {"nbd": actual + noise, "bg_nbd": actual + noise}
    order = ["pareto_nbd", "bg_nbd", "nbd"]
    assert choose(forecasts, actual, "pareto_nbd", order) == "bg_nbd"
    with pytest.raises(InputError, match="none of pareto_nbd is among"):
        choose(forecasts, actual, "pareto_nbd")


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
        choice.align({"m": forecast}, pd.Series({"a": 1, "b": 2}))


def test_an_empty_outcome_is_refused():
    with pytest.raises(InputError, match="the outcome is empty"):
        choice.align({}, pd.Series(dtype=float))


def scores(**columns):
    return pd.DataFrame(columns)


def test_by_scores_more_is_better():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=300)
    table = scores(default=noise, better=noise + 1 + rng.normal(size=300), worse=noise - 1)
    assert choice.choose_by_score(table, "default") == "better"
    assert choice.choose_by_score(table, "better") == "better"
    assert choice.choose_by_score(table.sample(frac=1, random_state=2), "default") == "better"


def test_one_customer_at_three_origins_is_one_draw():
    """Four customers 1.7 standard errors apart stay so, however often they are repeated."""
    once = pd.Series([0.0, 0.0, 1.0, 1.0], list("abcd"))
    mean, error = choice.paired_difference(once)
    assert (mean, error) == pytest.approx((0.5, once.std(ddof=1) / 2))
    thrice = pd.concat([once] * 3)
    assert choice.paired_difference(thrice) == pytest.approx((mean, error))
    assert choice.paired_difference(pd.Series(thrice.to_numpy()))[1] < 0.6 * error
    table = scores(default=0.0 * thrice, rival=thrice)
    assert choice.choose_by_score(table, "default") == "default"
    assert choice.choose_by_score(table.reset_index(drop=True), "default") == "rival"


def test_rivals_are_compared_where_both_made_a_forecast():
    """The rival was not there on the bad day that the default had to forecast."""
    easy, hard = [-1.0, -1.1] * 20, [-9.0, -9.2] * 20
    table = scores(default=easy + hard, rival=[-1.2, -1.3] * 20 + [np.nan] * 40)
    assert table["rival"].mean() > table["default"].mean()
    assert choice.choose_by_score(table, "default") == "default"


def test_an_absent_default_gives_way_to_the_next_in_order():
    table = scores(default=[np.nan] * 4, b=[-1.0, -2, -3, -4], a=[-1.1, -1.9, -3, -4.1])
    assert choice.choose_by_score(table, "default", ["x", "a", "b"]) == "a"
    with pytest.raises(InputError, match="no forecast to choose"):
        choice.choose_by_score(table[["default"]], "default", ["x"])


def test_the_best_tenth_is_shared_where_forecasts_are_equal():
    actual = pd.Series([5.0] * 10 + [1.0] * 90)
    told = pd.Series([2.0] * 10 + [1.0] * 90)
    assert choice.captured_share(told, actual, 0.1) == pytest.approx(50 / 140)
    equal = pd.Series([2.0] * 100)
    assert choice.captured_share(equal, actual, 0.1) == pytest.approx(0.1)
    twenty = pd.Series([2.0] * 20 + [1.0] * 80)
    assert choice.captured_share(twenty, actual, 0.1) == pytest.approx((50 + 10) / 2 / 140)
    other = np.random.default_rng(0).permutation(100)
    assert choice.captured_share(twenty[other], actual[other], 0.1) == pytest.approx(30 / 140)
    assert np.isnan(choice.captured_share(told, 0 * actual, 0.1))
