"""A forecast is replaced only by a clearly better one."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis import choice
from cvm_analysis.errors import InputError


@pytest.fixture
def outcome():
    rng = np.random.default_rng(0)
    actual = pd.Series(rng.poisson(3, 400).astype(float))
    noise = pd.Series(rng.normal(size=400))
    return actual, noise


def test_a_clearly_better_rival_is_chosen(outcome):
    actual, noise = outcome
    forecasts = {"default": actual + 2 * noise, "best": actual + noise / 2, "good": actual + noise}
    assert choice.choose(forecasts, actual, "default") == "best"


def test_a_rival_that_is_better_by_chance_is_not(outcome):
    actual, noise = outcome
    luck = actual - noise  # the same error, the other way round
    luck[0] = actual[0]
    forecasts = {"luck": luck, "default": actual + noise}
    mean = {m: ((f - actual) ** 2).mean() for m, f in forecasts.items()}
    assert mean["luck"] < mean["default"]
    assert choice.choose(forecasts, actual, "default") == "default"


@pytest.mark.parametrize(("last", "chosen"), [(4.35, "default"), (4.3, "rival")])
def test_two_standard_errors_decide(last, chosen):
    """Squared errors 4, 4, 4, 4 against 3, 3, 3, last: 1.96 and 2.08 paired standard errors."""
    forecasts = {"default": pd.Series([2.0] * 4), "rival": pd.Series([3.0, 3.0, 3.0, last]) ** 0.5}
    assert choice.choose(forecasts, pd.Series([0.0] * 4), "default") == chosen


def test_the_next_in_order_stands_in_for_an_absent_default(outcome):
    actual, noise = outcome
    forecasts = {"nbd": actual + noise, "bg_nbd": actual + noise}
    order = ["pareto_nbd", "bg_nbd", "nbd"]
    assert choice.choose(forecasts, actual, "pareto_nbd", order) == "bg_nbd"
    with pytest.raises(InputError, match="none of pareto_nbd is among"):
        choice.choose(forecasts, actual, "pareto_nbd")


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
        choice.aligned({"m": forecast}, pd.Series({"a": 1, "b": 2}))


def test_an_empty_outcome_is_refused():
    with pytest.raises(InputError, match="the outcome is empty"):
        choice.aligned({}, pd.Series(dtype=float))
