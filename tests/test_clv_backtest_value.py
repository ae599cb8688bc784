"""What customers were worth on a past day is what notebook 04 would have said on it."""

import pandas as pd
import pytest

from cvm_analysis.clv import backtest_value, forecasts, histories, pareto_nbd, value


@pytest.fixture(scope="module")
def people(cdnow):
    return cdnow.assign(
        customer_type="retail",
        n_orders=cdnow["x"] + 1,
        gross_sales=10.0 * (cdnow["x"] + 1),
        net_sales=10.0 * (cdnow["x"] + 1),
    )


def test_it_is_the_value_of_the_model_fitted_to_that_day(people):
    found = backtest_value.expected_margin(people, "pareto_nbd", 52, 0.1, 0.35)
    model = pareto_nbd.fit(histories.distinct(people)[0])
    spend, _ = forecasts.fit_spend(people)
    pd.testing.assert_frame_equal(found, value.estimate(people, model, spend, 52, 0.1, 0.35, 0.0))


def test_where_nothing_can_be_fitted_nobody_is_valued(people):
    none = backtest_value.expected_margin(people.head(0), "pareto_nbd", 52, 0.1, 0.35)
    assert none.empty and "margin_at_stake" in none
    dealers = people.assign(customer_type="dealer")
    assert backtest_value.expected_margin(dealers, "pareto_nbd", 52, 0.1, 0.35).empty
