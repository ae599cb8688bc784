"""What an effect multiplies, and forecasts of a window between the horizons of others."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.strategy import baselines

ROWS = pd.DataFrame(
    {
        **{"expected_margin": [2000.0, None, -10.0], "order_margin": [100.0, 80.0, None]},
        **{"p_no_purchase_90d": [0.5, None, 1.0], "p_no_purchase_180d": [0.3, None, 0.9]},
        **{"p_no_purchase_365d": [0.1, None, 0.0]},
    },
    index=list("abc"),
)


def action(measure, days, on="expected_margin"):
    success = SimpleNamespace(measure=measure, within_days=days)
    return SimpleNamespace(success=success, effect=SimpleNamespace(on=on))


@pytest.mark.parametrize(
    ("multiplies", "base"),
    [
        ("expected_margin", [2000, 0, 0]),
        ("purchase", [100, 80, 0]),
        ("renewal_value", [0, 0, 0]),  # a column that is not there
    ],
)
def test_money_that_is_unknown_or_negative_counts_as_nothing(multiplies, base):
    assert baselines.find_base(multiplies, ROWS).tolist() == base


def test_a_window_of_half_the_horizon_has_half_of_the_margin_and_the_whole_of_an_order():
    base = pd.Series([2000.0])
    assert baselines.within_window(action("margin", 182), base, 52).tolist() == [1000]
    assert baselines.within_window(action("purchase", 182, "purchase"), base, 52).tolist() == [2000]


def test_the_forecast_is_what_comes_without_the_action():
    margin = baselines.forecast(action("margin", 182), ROWS, 52)
    assert margin.tolist() == pytest.approx([1000, np.nan, -5], nan_ok=True)
    purchase = baselines.forecast(action("purchase", 60), ROWS, 52)
    assert purchase["a"] == pytest.approx(1 - 0.5 ** (60 / 90))  # constant rate up to 90 days
    assert np.isnan(purchase["b"])


@pytest.mark.parametrize(
    ("days", "p"),
    [(90, 0.5), (180, 0.3), (365, 0.1), (135, (0.5 * 0.3) ** 0.5), (730, 0.1**2)],
)
def test_a_purchase_is_forecast_between_the_horizons_of_churn(days, p):
    assert baselines.p_no_purchase(ROWS, days)["a"] == pytest.approx(p)


def test_a_risk_of_0_is_nearly_0_between_the_horizons():
    found = baselines.p_no_purchase(ROWS, 300)["c"]
    assert 0 < found < 1e-4


def test_who_never_bought_has_no_forecast():
    prospects = ROWS[["order_margin"]]
    for each in (action("margin", 90), action("purchase", 90)):
        assert baselines.forecast(each, prospects, 52).isna().all()
