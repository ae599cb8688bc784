"""Past totals, their errors, and the factor between a company and the sum of its regions."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.backtest import past_totals
from cvm_analysis.clv import naive

TODAY = dt.date(2025, 12, 31)
PEOPLE = pd.DataFrame({"x": [0, 3], "t_x": [0.0, 5.0], "T": [10.0, 12.0]}, index=["a", "b"])
WEEKLY = 0.25  # purchases expected of the two, 3 / 12
DAYS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "b", "b", "new"],
        "day": pd.to_datetime(
            ["2025-01-02", "2025-03-01", "2025-08-01", "2025-12-31", "2025-09-01"]
        ),
    }
)


def tried(*weeks_ago, people=PEOPLE):
    origins = [
        SimpleNamespace(
            date=TODAY - dt.timedelta(weeks=n), customers=people, models={"own": naive.OwnRate()}
        )
        for n in (*weeks_ago, 0)
    ]
    return SimpleNamespace(origins=origins, chosen=["own"] * len(origins))


def test_errors_are_logs_of_actual_over_forecast_within_the_horizon():
    (error,) = past_totals.measure({"retail": tried(52, 26)}, DAYS, TODAY, 52)
    assert error.until == "2025-12-31"
    assert error.log_error == pytest.approx(np.log(4 / (52 * WEEKLY)))
    assert error.variance == pytest.approx(1 / 13, rel=0.4)  # Poisson


def test_periods_do_not_overlap():
    of_a_year = past_totals.measure({"retail": tried(104, 78, 52, 26)}, DAYS, TODAY, 52)
    assert [each.until for each in of_a_year] == ["2025-01-01", "2025-12-31"]
    of_periods = past_totals.measure({"retail": tried(52, 26)}, DAYS, TODAY, 53)
    assert [each.until for each in of_periods] == ["2025-07-02", "2025-12-31"]
    assert [each.log_error for each in of_periods] == pytest.approx([np.log(2 / 6.5)] * 2)


def test_a_period_without_a_purchase_counts():
    nothing = DAYS[DAYS["day"] < "2025-01-01"]
    (error,) = past_totals.measure({"retail": tried(52)}, nothing, TODAY, 52)
    assert error.log_error == pytest.approx(np.log(0.5 / 13))


def test_types_are_added_up():
    dealers = PEOPLE.rename(index={"a": "c", "b": "new"})
    both = {"retail": tried(52), "dealer": tried(52, people=dealers)}
    (error,) = past_totals.measure(both, DAYS, TODAY, 52)
    assert error.log_error == pytest.approx(np.log(5 / 26))
    assert error.variance == pytest.approx(1 / 26, rel=0.4)


def test_without_a_past_origin_there_is_no_error():
    assert past_totals.measure({"retail": tried()}, DAYS, TODAY, 52) == []
    assert past_totals.measure({}, DAYS, TODAY, 52) == []
    assert past_totals.measure({"retail": tried(52, people=PEOPLE.head(0))}, DAYS, TODAY, 52) == []
