"""Unchanged customers change class as often as drawn; if customers leave, more are downgraded.

The simulated population has a known truth: rates from a Gamma distribution, purchases at random,
no customer leaves (Ehrenberg's NBD).
"""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import nbd
from cvm_analysis.errors import InputError
from cvm_analysis.segments.transitions import expected_by_chance, transition_matrix

BEFORE, UNTIL = dt.date(2025, 6, 30), dt.date(2025, 12, 29)
ORDER = ["high", "mid", "low"]
R, ALPHA, N = 0.8, 16.0, 6_000


def buying(leave=0.0, seed=5):
    """One row per purchase day of N customers, who begin within two years before BEFORE."""
    random = np.random.default_rng(seed)
    end = (UNTIL - BEFORE).days
    first = random.integers(-730, 0, N)
    rate = random.gamma(R, 1 / ALPHA / 7, N)
    stops = np.where(random.random(N) < leave, 0, end)
    counts = random.poisson(rate * (stops - first))
    who = np.repeat(np.arange(N), counts)
    later = first[who] + 1 + np.floor(random.random(len(who)) * (stops - first)[who])
    at = np.concatenate([first, later]).astype("timedelta64[D]")
    days = pd.DataFrame({"customer_id": np.concatenate([np.arange(N), who])})
    days["day"] = np.datetime64(BEFORE, "s") + at
    return days.drop_duplicates()


def classes(days, on):
    """By purchase days in the last 364 days: 4 or more are high, 1 to 3 mid."""
    recent = days[(days["day"] <= np.datetime64(on)) & (days["day"] > np.datetime64(on) - 364)]
    everybody = days.loc[days["day"] <= np.datetime64(BEFORE), "customer_id"].unique()
    n = recent.drop_duplicates().groupby("customer_id").size().reindex(everybody, fill_value=0)
    return pd.Series(np.select([n >= 4, n >= 1], ["high", "mid"], "low"), n.index, dtype=object)


def moves(days):
    return transition_matrix.count(classes(days, BEFORE), classes(days, UNTIL), None, ORDER)


def expected(days, draws=10):
    histories = expected_by_chance.count_purchases(days, BEFORE)
    r, alpha = nbd.fit(histories).params
    past = days[days["day"] <= np.datetime64(BEFORE)]
    found = []
    for seed in range(draws):
        drawn = expected_by_chance.draw_purchases(past, histories, r, alpha, BEFORE, UNTIL, seed)
        found.append(moves(pd.concat([past, drawn[["customer_id", "day"]]])))
    return transition_matrix.mean_counts(found)


def compared(leave):
    days = buying(leave)
    return transition_matrix.with_expected(moves(days), expected(days))


@pytest.fixture(scope="module")
def stationary():
    return compared(leave=0.0)


def test_without_changes_the_transitions_are_the_expected_ones(stationary):
    """Of each class and of each pair, within 3 binomial standard errors."""
    n = stationary.groupby("before")["n_customers"].transform("sum")
    p = stationary["expected"] / n
    error = np.sqrt(n * p * (1 - p))
    assert (stationary["difference"].abs() <= 3 * error + 0.5).all()
    rates = transition_matrix.compare_downgrades(stationary)
    assert (rates["n_customers"] > 500).all() and len(rates) == 2


def test_without_changes_some_customers_still_change_class(stationary):
    """Of those at the top a fifth rates by chance alone: regression to the mean."""
    rates = transition_matrix.compare_downgrades(stationary)
    assert rates.loc["high", "fell"] > 0.15
    assert rates.loc["high", "low"] > 0.15


def test_if_a_fifth_leaves_more_are_downgraded_than_expected():
    rates = transition_matrix.compare_downgrades(compared(leave=0.2))
    assert (rates["fell"] > rates["high"]).all()
    assert rates.loc["high", "fell"] - rates.loc["high", "expected"] > 0.05


def test_purchases_counted_by_hand():
    days = pd.DataFrame(
        [
            ("old", "2023-01-02"),
            ("old", "2024-07-01"),  # the first day of the window's start: not in it
            ("old", "2024-07-15"),
            ("old", "2025-06-16"),
            ("old", "2025-06-16"),
            ("old", "2025-07-07"),  # later than `before`
            ("new", "2025-05-05"),
            ("new", "2025-05-19"),
            ("once", "2025-06-30"),
            ("silent", "2022-01-01"),
            ("later", "2025-07-01"),
        ],
        columns=["customer_id", "day"],
    )
    found = expected_by_chance.count_purchases(days, BEFORE)
    assert found.to_dict("index") == {
        "new": {"x": 1, "t_x": 2.0, "T": 8.0},
        "old": {"x": 2, "t_x": 50.0, "T": 52.0},
        "once": {"x": 0, "t_x": 0.0, "T": 0.0},
        "silent": {"x": 0, "t_x": 0.0, "T": 52.0},
    }
    assert nbd.fit(found).n_customers == 4


def test_the_fitted_rate_is_that_of_the_customers():
    fitted = nbd.fit(expected_by_chance.count_purchases(buying(), BEFORE))
    for found, error, truth in zip(fitted.params, fitted.std_errors, (R, ALPHA), strict=True):
        assert abs(found - truth) < 3 * error + 0.02 * truth  # one day counts once


def few():
    days = pd.DataFrame(
        [("a", "2023-01-01"), ("a", "2025-01-01"), ("a", "2025-06-01"), ("b", "2022-02-02")],
        columns=["customer_id", "day"],
    )
    return days.assign(day=pd.to_datetime(days["day"]))


def drawn(days, histories=None, seed=1, r=30.0):
    histories = expected_by_chance.count_purchases(days, BEFORE) if histories is None else histories
    return expected_by_chance.draw_purchases(days, histories, r, 4.0, BEFORE, UNTIL, seed)


def test_each_purchase_copies_one_of_the_customers_own_last_year_or_the_last_one():
    found = drawn(few(), r=300.0)
    pairs = set(zip(found["customer_id"], found["copy_of"].dt.strftime("%Y-%m-%d"), strict=True))
    assert pairs == {("a", "2025-01-01"), ("a", "2025-06-01"), ("b", "2022-02-02")}
    assert found["day"].between(pd.Timestamp("2025-07-01"), pd.Timestamp(UNTIL)).all()
    assert found["day"].nunique() > 100


def test_as_many_purchases_as_the_model_expects():
    """(r + x) / (alpha + T) a week for 26 weeks; mean and variance of the NBD."""
    histories = pd.DataFrame({"x": 3, "t_x": 10.0, "T": 20.0}, index=range(4_000))
    days = pd.DataFrame({"customer_id": histories.index, "day": pd.Timestamp("2025-06-01")})
    counts = drawn(days, histories, r=1.0).groupby("customer_id").size()
    counts = counts.reindex(histories.index, fill_value=0)
    mean, p = 4 / 24 * 26, 24 / (24 + 26)
    variance = mean / p
    assert counts.mean() == pytest.approx(mean, abs=3 * np.sqrt(variance / 4_000))
    assert counts.var() == pytest.approx(variance, rel=0.12)


def test_the_order_of_rows_does_not_matter_and_the_seed_does():
    days = few()
    found = drawn(days)
    histories = expected_by_chance.count_purchases(days, BEFORE)
    pd.testing.assert_frame_equal(found, drawn(days[::-1], histories[::-1]))
    assert not found.equals(drawn(days, seed=2))


def test_purchases_are_drawn_only_for_customers_with_a_history():
    histories = expected_by_chance.count_purchases(few(), BEFORE)
    found = drawn(few(), histories.loc[["b"]], r=300.0)
    assert set(found["customer_id"]) == {"b"}
    assert set(found["copy_of"]) == {pd.Timestamp("2022-02-02")}


def test_the_future_is_not_looked_at():
    later = pd.DataFrame({"customer_id": ["a", "z"], "day": pd.Timestamp("2025-08-01")})
    more = pd.concat([few(), later])
    pd.testing.assert_frame_equal(
        expected_by_chance.count_purchases(more, BEFORE),
        expected_by_chance.count_purchases(few(), BEFORE),
    )
    pd.testing.assert_frame_equal(drawn(more), drawn(few()))


def test_what_cannot_be_drawn_says_why():
    histories = expected_by_chance.count_purchases(few(), BEFORE)
    with pytest.raises(InputError, match="not after"):
        expected_by_chance.draw_purchases(few(), histories, 1.0, 1.0, BEFORE, BEFORE, 1)
    with pytest.raises(InputError, match="1 of 2 customers have a history but no purchase"):
        drawn(few()[:3], histories)
    assert drawn(few(), histories[:0]).empty


def test_several_draws_differ_and_without_a_model_there_are_none(monkeypatch):
    days = few()
    histories = expected_by_chance.count_purchases(days, BEFORE)
    model = SimpleNamespace(params=(30.0, 5.0))
    again = days, histories, model, BEFORE, UNTIL
    assert len(expected_by_chance.draw_repeatedly(*again)) == 5
    monkeypatch.setattr(expected_by_chance, "CUSTOMERS", 3)  # two customers, drawn twice
    first, second = expected_by_chance.draw_repeatedly(*again)
    pd.testing.assert_frame_equal(
        second, expected_by_chance.draw_purchases(days, histories, 30.0, 5.0, BEFORE, UNTIL, seed=1)
    )
    assert not first.equals(second)
    assert expected_by_chance.draw_repeatedly(days, histories, None, BEFORE, UNTIL) == []
