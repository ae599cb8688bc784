"""Rates by month: counted by hand on a handful of contracts and purchases."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.churn import rates
from cvm_analysis.tables import check

AS_OF = dt.date(2024, 4, 10)  # March is the last complete month


def contracts(*rows, **more):
    table = pd.DataFrame(rows, columns=["customer_id", "started_on", "ended_on"])
    return table.assign(**more)


def share(table, rate, month, segment="all"):
    row = table[(table["rate"] == rate) & (table["segment"] == segment)]
    row = row[row["month"] == pd.Timestamp(month)]
    return (row["n_kept"].item(), row["n_due"].item()) if len(row) else None


def test_retention_counts_those_who_run_at_the_start_of_the_month():
    table = contracts(
        ("a", "2024-01-31", None),
        ("b", "2024-01-01", "2024-03-01"),  # ends within March
        ("c", "2024-01-01", "2024-02-29"),  # ended before
        ("d", "2024-03-01", "2024-03-09"),  # did not run when March began
        ("e", "2023-01-01", "2024-04-01"),
    )
    found = rates.rates(table, AS_OF, segment=pd.Series({"a": "x", "b": "x"}))
    assert share(found, "retention", "2024-03-01") == (2, 3)
    assert share(found, "retention", "2024-02-01") == (3, 4)
    assert share(found, "retention", "2024-03-01", "x") == (1, 2)
    assert share(found, "retention", "2024-04-01") is None
    assert set(found["rate"]) == {"retention"}
    check("rates", found)


def test_a_month_that_ends_today_is_complete():
    table = contracts(("a", "2024-01-01", None))
    found = rates.rates(table, dt.date(2024, 4, 30))
    assert share(found, "retention", "2024-04-01") == (1, 1)


def test_renewal_counts_those_whose_term_is_over():
    table = contracts(
        ("a", "2023-03-31", None),  # due on the last of March
        ("b", "2023-03-15", "2024-03-14"),  # let it go
        ("c", "2022-03-01", "2024-02-10"),  # broke off before
        ("d", "2023-06-15", None),  # not due
        ("e", "2023-03-05", "2024-04-09"),  # renewed, and broke off later
        term_months=12,
    )
    found = rates.rates(table, AS_OF)
    assert share(found, "renewal", "2024-03-01") == (2, 3)
    monthly = rates.rates(table.assign(term_months=1), AS_OF)
    assert share(monthly, "renewal", "2024-02-01") == (5, 5)
    assert share(monthly, "renewal", "2024-03-01") == (3, 4)


def test_contracts_count_from_the_day_they_are_observed_and_tenures_not_at_all():
    table = contracts(("a", "2023-01-01", None), ("b", "2023-01-01", None))
    seen = table.assign(observed_from=[pd.Timestamp("2024-03-05"), pd.NaT])
    found = rates.rates(seen, AS_OF)
    assert share(found, "retention", "2024-03-01") == (1, 1)
    assert rates.rates(table.assign(tenure=9), AS_OF).empty


def test_repurchase_counts_buyers_of_a_year_with_two_days():
    days = pd.DataFrame(
        [("a", "2023-04-02"), ("a", "2024-03-31"), ("b", "2023-03-31"), ("b", "2024-01-01"),
         ("c", "2024-04-02")],
        columns=["customer_id", "day"],
    )  # fmt: skip
    none = contracts()
    found = rates.rates(none, AS_OF, days, dt.date(2023, 3, 31))
    assert share(found, "repurchase", "2024-03-01") == (1, 2)
    assert share(found, "repurchase", "2024-02-01") is None  # no whole year of sales before


def test_rates_are_the_mean_of_what_was_drawn():
    """A share of 10 % ends in each month, whoever they are."""
    rng = np.random.default_rng(2)
    lasts = rng.geometric(0.1, 20_000)
    start = pd.Timestamp("2023-01-01")
    ends = [start + pd.DateOffset(months=int(n)) - pd.Timedelta(1, "D") for n in lasts]
    table = pd.DataFrame({"customer_id": range(20_000), "started_on": start, "ended_on": ends})
    found = rates.rates(table.assign(term_months=1), AS_OF)
    for _, rows in found.groupby("rate"):
        shares = rows["n_kept"] / rows["n_due"]
        assert shares.tolist() == pytest.approx([0.9] * 12, abs=0.02)
    assert set(found["rate"]) == {"retention", "renewal"}
