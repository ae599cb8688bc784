"""Contracts that end soon, by hand: the days, the money, the order."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.churn import endings

DAY = dt.date(2025, 12, 31)
CONTRACTS = pd.DataFrame(
    {
        "p_end_90d": [0.5, 0.1, np.nan, 0.0],
        "due_on": pd.to_datetime(["2026-03-31", "2026-01-15", "2026-04-01", None]),
        "renewal_value": [1000.0, 900, 5000, np.nan],
        "p_renewal": [0.8, 0.0, 0.5, np.nan],
    },
    pd.Index(["a", "b", "c", "d"], name="customer_id"),
)
VALUE = pd.DataFrame({"expected_margin": [200.0, 3000, 10]}, pd.Index(["a", "b", "c"]))


def test_contracts_due_in_90_days_stand_by_what_they_should_lose():
    """31 March is the 90th day after 31 December, 1 April the 91st; b ends as agreed."""
    found = endings.find_due(CONTRACTS, DAY)
    assert found["expected_loss"].to_dict() == pytest.approx({"b": 900, "a": 200})
    assert found.index.tolist() == ["b", "a"]
    assert endings.find_due(CONTRACTS[["p_end_90d"]], DAY).empty


def test_contracts_without_a_term_stand_by_the_margin_of_their_customers():
    found = endings.find_likely(CONTRACTS, VALUE)
    assert found.index.tolist() == ["b", "a", "d"]
    assert found["expected_loss"].tolist() == pytest.approx([300, 100, np.nan], nan_ok=True)
    assert endings.find_likely(CONTRACTS.head(0), VALUE).empty
