"""Renewals: counted from durations, chosen on held-out contracts, and added up by hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import renewals
from cvm_analysis.clv import shifted_beta_geometric as sbg
from cvm_analysis.tables import check

AS_OF = dt.date(2024, 6, 30)


def spans(duration, event, entry=None):
    table = pd.DataFrame({"duration": duration, "event": event})
    return table if entry is None else table.assign(entry=entry)


def drawn(n, leave, seed=1, term=12, most=8):
    """Contracts due once a term, each with its own probability of leaving, for `most` terms."""
    rng = np.random.default_rng(seed)
    lasts = rng.geometric(leave(rng, n))  # the renewal that is not made
    lost = lasts <= most
    return pd.DataFrame(
        {"term_months": float(term), "renewals": np.where(lost, lasts - 1, most), "lost": lost,
         "entered": 0}
    )  # fmt: skip


def test_renewals_are_counted_in_terms_of_the_contract():
    """A year of 365 days; a month of 28 days, too, is a month."""
    contracts = pd.DataFrame({"term_months": [12, 12, 12, 12, 1, 1, np.nan, 12]})
    table = spans(
        [364, 366, 365, 800, 28, 61, 9, 1100],
        [0, 0, 1, 1, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 800],
    )
    found = renewals.count_periods(contracts, table)
    assert found.index.tolist() == [0, 1, 2, 3, 4, 5, 7]
    assert found["renewals"].tolist() == [1, 1, 0, 2, 1, 1, 3]
    assert found["entered"].tolist() == [0, 0, 0, 0, 0, 0, 2]
    assert renewals.count_periods(table[["event"]], table).empty


def test_no_date_of_a_calendar_moves_a_month():
    """Contracts of one month that start on any day and end on the same day k months later."""
    starts = pd.date_range("2023-01-01", "2024-02-29")
    for months in (1, 2, 11, 12, 35):
        ends = starts + pd.DateOffset(months=months)
        table = spans((ends - starts).days, 1)
        found = renewals.count_periods(pd.DataFrame({"term_months": 1.0}, table.index), table)
        assert (found["renewals"] == months - 1).all()
        running = renewals.count_periods(
            pd.DataFrame({"term_months": 1.0}, table.index), table.assign(event=0)
        )
        assert (running["renewals"] == months).all()


def test_where_holders_differ_the_model_of_differing_holders_is_used():
    """Beta(.5, 1) against few contracts: the rates of late renewals rest on a handful each."""
    periods = drawn(400, lambda rng, n: rng.beta(0.5, 1.0, n), most=12)
    scores = renewals.score(periods)
    by_model = scores.set_index("model")["log_score"]
    assert by_model.idxmax() == sbg.ShiftedBetaGeometric.code
    assert by_model[renewals.BY_PERIOD] > by_model[renewals.CONSTANT] + 0.02
    assert scores.loc[scores["is_chosen"], "model"].tolist() == [by_model.idxmax()]
    assert renewals.fit(periods, scores)[12.0].params == pytest.approx((0.5, 1.0), abs=0.25)


def test_where_all_are_alike_one_rate_is_enough():
    periods = drawn(3000, lambda rng, n: np.full(n, 0.2))
    scores = renewals.score(periods)
    assert scores.loc[scores["is_chosen"], "model"].tolist() == [renewals.CONSTANT]
    assert renewals.fit(periods, scores)[12.0].retention(5) == pytest.approx(0.8, abs=0.02)


def test_the_log_score_is_that_of_the_contracts_left_out():
    """Four equal contracts: each half sees one of two renewals due made."""
    periods = pd.DataFrame({"term_months": 1.0, "renewals": [1] * 4, "lost": True, "entered": 0})
    scores = renewals.score(periods).set_index("model")
    assert scores.loc[renewals.CONSTANT, ["n_due", "log_score"]].tolist() == pytest.approx(
        [8, np.log(0.5)]
    )
    first, second = (2 + 0.5) / 3, 0.5 / 3
    assert scores.loc[renewals.BY_PERIOD, "log_score"] == pytest.approx(
        (np.log(first) + np.log(1 - second)) / 2
    )
    rows = renewals.backtest_rows(renewals.score(periods))
    check("backtest", rows)
    assert set(rows["part"]) == {"renewals"} and set(rows["horizon_days"]) == {30}


def test_terms_are_chosen_apart_and_none_without_a_term():
    both = pd.concat(
        [
            drawn(400, lambda rng, n: rng.beta(0.5, 1.0, n), most=12),
            drawn(3000, lambda rng, n: np.full(n, 0.2), term=1),
        ],
        ignore_index=True,
    )
    scores = renewals.score(both)
    chosen = scores[scores["is_chosen"]].set_index("term_months")["model"].to_dict()
    assert chosen == {1.0: renewals.CONSTANT, 12.0: sbg.ShiftedBetaGeometric.code}
    assert renewals.score(both.head(0)).empty and renewals.fit(both, scores.head(0)) == {}


def test_revenue_adds_up_by_hand():
    """A year ahead: paid up to 30 September, then half stay for each further quarter."""
    contracts = pd.DataFrame(
        {
            "customer_id": ["a", "b", "b", "c", "d"],
            "started_on": ["2023-12-31", "2024-06-01", "2024-05-15", "2024-01-01", "2024-01-01"],
            "ended_on": [None, None, None, "2024-08-30", None],
            "term_months": [3, 12, 3, np.nan, np.nan],
            "monthly_value": [100.0, 10.0, 20.0, 30.0, 40.0],
        }
    )
    ages = (pd.Timestamp(AS_OF) - pd.to_datetime(contracts["started_on"])).dt.days
    models = {term: renewals.Rates("x", np.array([0.5])) for term in (3.0, 12.0)}
    found = renewals.forecast(contracts, spans(ages, 0), models, AS_OF, 365, AS_OF)
    assert found.index.tolist() == ["a", "b", "c"]  # of d nothing is known
    due = pd.to_datetime(found["due_on"]).dt.strftime("%Y-%m-%d").tolist()
    assert due == ["2024-09-30", "2024-08-15", "2024-08-30"]
    assert found["p_renewal"].tolist()[:2] == [0.5, 0.5] and np.isnan(found["p_renewal"]["c"])
    assert found["renewal_value"].tolist()[:2] == [300, 10 * 12 + 20 * 3]
    month = renewals.DAYS_PER_MONTH
    to_due = (pd.Timestamp("2024-09-30") - pd.Timestamp(AS_OF)).days / month
    last = 365 / month - to_due - 6
    expected = 100 * (to_due + 3 * 0.5 + 3 * 0.25 + last * 0.125)
    assert found.loc["a", "expected_revenue"] == pytest.approx(expected)
    assert found.loc["c", "expected_revenue"] == pytest.approx(30 * 61 / month)


def test_without_a_term_or_a_contract_there_is_nothing_to_renew():
    contracts = pd.DataFrame(
        {"customer_id": ["a"], "started_on": ["2024-01-31"], "ended_on": [None]}
    )
    for rows in (contracts, contracts.head(0)):
        table = spans([151] * len(rows), 0)
        periods = renewals.count_periods(rows, table)
        scores = renewals.score(periods)
        models = renewals.fit(periods, scores)
        found = renewals.forecast(rows, table, models, AS_OF, 365, AS_OF)
        assert periods.empty and models == {} and found.empty
        assert {each.kind for each in found.drop(columns="due_on").dtypes} == {"f"}
        check("backtest", renewals.backtest_rows(scores))


def test_without_money_only_the_days_are_known():
    contracts = pd.DataFrame(
        {"customer_id": ["a"], "started_on": ["2024-01-31"], "ended_on": [None], "term_months": [1]}
    )
    models = {1.0: renewals.Rates("x", np.array([0.5]))}
    found = renewals.forecast(contracts, spans([151], 0), models, AS_OF, 365, AS_OF)
    assert found["p_renewal"].tolist() == [0.5] and found["expected_revenue"].isna().all()
