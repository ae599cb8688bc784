"""Seasons: a planted one is found and forecast, and none is found where there is none."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.backtest import by_type, purchases, trials
from cvm_analysis.backtest.origins import Records
from cvm_analysis.clv import histories, nbd, pareto_nbd, seasons
from cvm_analysis.clv.naive import purchases_between

BEGIN, R, ALPHA, S, BETA = dt.date(2022, 1, 3), 1.0, 12.0, 0.6, 60.0
QUARTER, YEARS = 13, 3
# Purchases in the four quarters; the last one has twice as many as each of the others.
DOUBLED = np.array([1.0, 1.0, 1.0, 2.0]) / 1.25
FLAT = np.ones(4)


def log(season=DOUBLED, n=2_500, seed=0, years=YEARS + 1, growth=0.0, drop_out=True):
    """Purchase days of customers who begin within the first 60 weeks and may drop out."""
    rng = np.random.default_rng(seed)
    begin = rng.integers(0, 60 * 7, n)
    rate = rng.gamma(R, 1 / ALPHA, n) / 7
    stay = 7 * rng.exponential(1 / rng.gamma(S, 1 / BETA, n)) if drop_out else np.full(n, np.inf)
    day = np.arange(years * 364)
    pace = np.asarray(season)[day % 364 // 91] * np.exp(growth * day / 364)
    bought = rng.random((n, len(day))) < rate[:, None] * pace
    bought &= (day > begin[:, None]) & (day <= (begin + stay)[:, None])
    bought[np.arange(n), begin] = True
    who, when = np.nonzero(bought)
    return pd.DataFrame(
        {"customer_id": who, "day": pd.Timestamp(BEGIN) + pd.to_timedelta(when, "D")}
    )


def known(days, weeks):
    """The purchases of the first weeks, their last day, and the customers known then."""
    date = BEGIN + dt.timedelta(days=7 * weeks - 1)
    seen = days[days["day"] <= pd.Timestamp(date)]
    return seen, date, purchases.customers(purchases.by_day(seen), date)


def fitted(days, weeks, kind=pareto_nbd):
    seen, date, customers = known(days, weeks)
    return kind.fit(histories.distinct(customers, "week")[0]), seen, date, customers


def test_a_planted_season_is_found():
    """Learned before a fourth quarter: seasons 0 to 2 ahead lie in it, and the last is cut."""
    model, seen, date, _ = fitted(log(), 52 * YEARS - QUARTER)
    season = seasons.learn(model, seen, date)
    quarters = [season.factor(QUARTER, after=QUARTER * k) for k in range(4)]
    assert quarters == pytest.approx([1.6, 0.8, 0.8, 0.8], abs=0.12)
    assert np.mean(quarters) == pytest.approx(1)


@pytest.mark.parametrize("season", [FLAT, DOUBLED], ids=["flat", "doubled"])
@pytest.mark.parametrize("growth", [-0.5, 0.5])
def test_a_trend_is_no_season(season, growth):
    days = log(season, growth=growth, drop_out=False)
    model, seen, date, _ = fitted(days, 52 * YEARS, nbd)
    found = seasons.learn(model, seen, date)
    quarters = [found.factor(QUARTER, after=QUARTER * k) for k in range(4)]
    assert quarters == pytest.approx(season, abs=0.12)


@pytest.mark.parametrize("seed", range(3))
def test_without_a_season_the_factor_is_near_one(seed):
    model, seen, date, _ = fitted(log(FLAT, seed=seed), 52 * YEARS)
    season = seasons.learn(model, seen, date)
    assert [season.factor(QUARTER, after=13.0 * k) for k in range(4)] == pytest.approx(
        FLAT, abs=0.05
    )


def test_few_purchases_are_shrunk_more():
    def distance(n):
        model, seen, date, _ = fitted(log(n=n), 52 * YEARS)
        return seasons.learn(model, seen, date).factor(QUARTER, after=3 * QUARTER) - 1

    assert 0 <= distance(60) < distance(2_500)


def test_the_credibility_is_that_of_buhlmann_and_straub():
    """With weights that are all equal: 1 - within / (weight of a season x variance of indices)."""
    by_year = np.array([[0.5, 1.2, 1.3], [0.7, 1.0, 1.3]])
    index, weight = by_year.mean(axis=0), np.full((2, 3), 400.0)
    within = 400 * (4 * 0.01) / 2  # four of the six differ by .1, the others by 0
    share = 1 - within / (800 * np.var(index, ddof=1))
    found = seasons._shrink(index, by_year, weight)
    assert found == pytest.approx(1 + share * (index - 1))


def test_factors_of_a_period_are_means_over_its_days():
    season = seasons.Season((*(0.9,) * 12, 2.2))
    assert season.factor(52) == season.factor(104) == pytest.approx(1)
    assert season.factor(4) == pytest.approx(0.9) and season.factor(4, after=48) == pytest.approx(
        2.2
    )
    assert season.factor(4, after=-2) == pytest.approx((0.9 + 2.2) / 2)
    assert season.factor(52, after=-30.5) == pytest.approx(1) and season.factor(0) == 1
    week = np.arange(0, 52, 0.001) + 0.0005
    each = np.where(week < 48, 0.9, 2.2)
    discounted = np.average(each, weights=np.exp(-0.02 * week))
    assert season.factor(52, 0.02) == pytest.approx(discounted, rel=1e-5)
    assert season.factor(None, 0.02) == pytest.approx(season.factor(52 * 100, 0.02))


def test_the_dispersion_is_that_around_the_seasonal_mean():
    """Poisson numbers around 1.6 times the plain forecast: hardly any dispersion is left."""
    model, seen, date, customers = fitted(log(), 52 * YEARS)
    expected = pd.Series(np.linspace(2, 10, len(customers)), customers.index)
    came = pd.Series(np.random.default_rng(0).poisson(1.6 * expected), customers.index)
    found = seasons.fit(model, seen, date, expected, came, QUARTER).dispersion
    mean = 1.6 * expected
    size = np.exp(found.log_size + found.power * np.log(mean))
    assert (mean / size).max() < 0.1  # variance / mean - 1


def test_another_horizon_has_another_factor():
    days = log()
    model, seen, date, customers = fitted(days, 52 * YEARS - QUARTER)
    expected = model.expected_purchases(customers, 26.0)
    found = seasons.fit(model, seen, date, expected, expected.round(), 26.0)
    for weeks, factor in ((QUARTER, 1.6), (26, 1.2), (52, 1.0)):
        ratio = found.expected_purchases(customers, weeks) / model.expected_purchases(
            customers, weeks
        )
        assert ratio.to_numpy() == pytest.approx(factor, abs=0.1) and ratio.nunique() < 5
    now = found.discounted_purchases(customers, 0.0, QUARTER)
    assert now.to_numpy() == pytest.approx(found.expected_purchases(customers, QUARTER).to_numpy())
    assert (found.discounted_purchases(customers, 0.002, QUARTER) < now).all()
    assert found.p_alive(customers).equals(model.p_alive(customers))
    drawn = found.draw(customers, QUARTER, 200, np.random.default_rng(0))
    assert drawn.sum(axis=0).mean() == pytest.approx(now.sum(), rel=0.05)


def test_a_season_needs_two_years_and_a_purchase():
    model, seen, date, customers = fitted(log(n=300), 112)
    expected = model.expected_purchases(customers, 26.0)
    assert seasons.fit(model, seen, date, expected, expected.round() + 1, 26.0)
    assert seasons.fit(model, seen, date, expected, expected * 0, 26.0) is None
    last = seen["day"].min().date() + dt.timedelta(days=727)
    two_years = seen[seen["day"] <= pd.Timestamp(last)]
    assert seasons.learn(model, two_years, last)
    less = two_years[two_years["day"] < pd.Timestamp(last)]
    assert seasons.learn(model, less, last - dt.timedelta(days=1)) is None
    once = seen.drop_duplicates("customer_id")
    assert seasons.learn(model, once, date) is None
    assert seasons.learn(model, once.iloc[:0], date) is None


# In the race


@pytest.fixture(scope="module")
def tried():
    """Chosen before the fourth quarter of the third year, and what came in it."""
    days, _, _ = known(log(n=900), 52 * YEARS)
    wanted = frozenset(["pareto_nbd", "seasonal"])
    records = []
    for weeks in (65, 91, 117, 143):
        _, date, customers = known(days, weeks)
        past = weeks < 143
        records.append(Records(date, customers, days, BEGIN, wanted=wanted, is_past=past))
    retail = by_type.try_type(records, 26)
    ids, end = retail.origins[-1].customers.index, date + dt.timedelta(weeks=QUARTER)
    return retail, purchases_between(days, ids, date, end)


def test_the_forecast_of_a_planted_quarter_beats_the_plain_one(tried):
    now, actual = tried[0].origins[-1], tried[1]
    (plain, _, before), (seasonal, _, after) = (
        trials.forecast(now.models[code], now.customers, QUARTER, actual, medians=False)
        for code in ("pareto_nbd", "seasonal")
    )
    assert plain.sum() < 0.7 * actual.sum()
    assert seasonal.sum() == pytest.approx(actual.sum(), rel=0.2)
    assert after.mean() > before.mean() + 0.02


def test_it_takes_part_from_two_years_on_and_in_the_pool(tried):
    """Periods of 26 weeks: the origins have 65, 91, 117 and 143 weeks of records."""
    found = tried[0]
    assert ["seasonal" in each.models for each in found.origins] == [False, False, True, True]
    assert found.last.log_score["seasonal"].notna().all()
    assert found.origins[-1].weights["seasonal"] > 0.1
    assert "seasonal" in [member.code for member in found.origins[-1].models["pool"].members]
