"""Attributes as covariates: a planted difference is found and used; odd columns do no harm."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis import backtest
from cvm_analysis.backtest import choice, origins, purchases, trials
from cvm_analysis.backtest.origins import Records
from cvm_analysis.clv import covariate_forecast, histories, intervals, nbd, pareto_nbd, value
from cvm_analysis.clv.naive import OwnMean, purchases_between
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.errors import InputError
from cvm_analysis.minimum_data import Note

BEGIN, WEEKS, AHEAD = dt.date(2023, 1, 2), 78, 26
TODAY = BEGIN + dt.timedelta(weeks=WEEKS)
THREE = 3.0  # times as many purchases of customers who came by referral


def draw(n=1_500, seed=0, times=THREE, s=0.8):
    """Purchase days of Pareto/NBD customers who begin within a year, and how each came."""
    rng = np.random.default_rng(seed)
    came = rng.choice(["web", "referral"], n, p=[0.6, 0.4])
    begin = rng.integers(0, 52 * 7, n)
    rate = rng.gamma(3.0, 1 / 75, n) * np.where(came == "referral", times, 1.0)
    stay = rng.exponential(1 / rng.gamma(s, 1 / 40, n)) if s else np.full(n, np.inf)
    weeks = np.minimum(stay, WEEKS + AHEAD - begin / 7)
    bought = rng.poisson(rate * weeks)
    who = np.repeat(np.arange(n), bought)
    when = begin[who] + np.ceil(7 * weeks[who] * rng.random(len(who)))
    day = pd.Timestamp(BEGIN) + pd.to_timedelta(np.concatenate([begin, when]), "D")
    log = pd.DataFrame({"customer_id": np.concatenate([np.arange(n), who]), "day": day})
    return log, pd.DataFrame({"came": came}, pd.RangeIndex(n, name="customer_id"))


def table(log, attributes):
    """Day -> the customers as of it, with their attributes."""
    days = purchases.by_day(log)
    return lambda day: purchases.customers(days, day).join(attributes)


@pytest.fixture(scope="module")
def planted():
    return draw()


@pytest.fixture(scope="module")
def known(planted):
    return table(*planted)(TODAY)


@pytest.fixture(scope="module")
def forecast(known):
    return covariate_forecast.fit(known, ["came"])[0]["covariates"]


def run(log, attributes, names):
    given = {"customers": table(log, attributes), "covariates": names}
    return backtest.run(log, TODAY, AHEAD, **given)


@pytest.fixture(scope="module")
def with_it(planted):
    return run(*planted, ["came"])


@pytest.fixture(scope="module")
def without(planted):
    return run(*planted, [])


# Is it right?


def test_a_planted_difference_is_chosen_and_forecasts_better(planted, with_it, without):
    """The pool gives it most weight; both are better beyond noise on later purchases."""
    weights = with_it.weights["retail"][TODAY.isoformat()]
    assert max(weights, key=weights.get) == "covariates" and weights["covariates"] > 0.5
    now = with_it.types["retail"].origins[-1]
    days = purchases.by_day(planted[0])
    later = trials.try_forecasts(now.models, now.customers, days, TODAY, AHEAD).log_score
    old = without.types["retail"].origins[-1]
    pool = trials.try_forecasts(old.models, old.customers, days, TODAY, AHEAD).log_score["pool"]
    for gain in (later["covariates"] - later["pareto_nbd"], later["pool"] - pool):
        mean, error = choice.paired_difference(gain)
        assert mean > 2 * error
    past = with_it.scores().query("metric == 'log_score'").set_index("model")["value"]
    assert past["covariates"] > past["pareto_nbd"]


def test_the_coefficient_is_the_planted_one_and_leaving_does_not_differ(forecast):
    table = forecast.model.coefficients.set_index("of")
    assert table.loc["trans", "covariate"] == "came=referral"
    errors = (table["estimate"] - [np.log(THREE), 0.0]) / table["std_error"]
    assert (errors.abs() < 2.5).all() and table.loc["trans", "std_error"] < 0.15


def test_two_customers_with_one_history_differ_by_attribute(forecast, known):
    """Who should buy often is more probably lost after the same silence; alive, they buy more."""
    pair = known.groupby("came").head(1).sort_values("came")
    h = pd.DataFrame({"x": 2.0, "t_x": 20.0, "T": 40.0}, pair.index)
    p_alive, rate = forecast.p_alive(h).to_numpy(), forecast.purchase_rate(h).to_numpy()
    assert list(pair["came"]) == ["referral", "web"]
    assert p_alive[0] < p_alive[1] and rate[0] > rate[1]


def test_its_distribution_has_its_mean_and_so_have_its_draws(forecast, known):
    h = known[["x", "t_x", "T"]].astype(float).iloc[:200]
    mean = forecast.expected_purchases(h, AHEAD).to_numpy()
    p = forecast.purchase_probabilities(h, AHEAD, 60)
    assert p.sum(axis=1) == pytest.approx(1)
    assert p @ np.arange(61) == pytest.approx(mean, rel=1e-4)
    drawn = forecast.draw(h, AHEAD, 4_000, np.random.default_rng(1))
    error = drawn.std(axis=1) / np.sqrt(4_000)
    assert (np.abs(drawn.mean(axis=1) - mean) < 5 * error + 1e-9).all()
    assert abs(drawn.mean() - mean.mean()) < 4 * drawn.std() / np.sqrt(drawn.size)


def test_without_drop_out_it_is_nbd_with_covariates():
    log, attributes = draw(seed=1, s=0)
    known = table(log, attributes)(TODAY)
    found = covariate_forecast.fit(known, ["came"])[0]["covariates"]
    assert found.model.code == "nbd" and found.model.life == ()
    estimate = found.model.coefficients["estimate"].item()
    assert estimate == pytest.approx(np.log(THREE), abs=0.2)
    h = known[["x", "t_x", "T"]].astype(float)
    assert found.p_alive(h).isna().all()
    split = known["came"] == "referral"  # one r for both, and an alpha of each
    r, alpha = found.model.params
    for rows, own in ((split, alpha * np.exp(-estimate)), (~split, alpha)):
        theirs = (r + h.loc[rows, "x"]) / (own + h.loc[rows, "T"])
        assert found.purchase_rate(h)[rows].to_numpy() == pytest.approx(theirs.to_numpy())


def test_a_single_value_for_all_gives_the_plain_model(known):
    """No column remains; with a coefficient of 0 the model is the plain one."""
    h, _ = histories.distinct(known)
    plain = pareto_nbd.fit(h)
    half = known.assign(coin=np.arange(len(known)) % 2)
    found = covariate_forecast.fit(half, ["coin"])[0]["covariates"]
    still = found.with_logs(np.concatenate([np.log(plain.params), [0.0, 0.0]]))
    rows = known[["x", "t_x", "T"]].astype(float)
    assert still.expected_purchases(rows, AHEAD).to_numpy() == pytest.approx(
        plain.expected_purchases(rows, AHEAD).to_numpy()
    )


# Does it go through the rest?


def test_value_and_intervals_by_it(forecast, known):
    models, spends = {"retail": forecast}, {"retail": OwnMean(10.0)}
    values = value.estimate_by_type(known, models, spends, AHEAD, 0.1, 0.5)
    assert set(values["model"]) == {"covariates"}
    assert values["expected_orders_median"].notna().all()
    ends = intervals.customer_intervals(known, values, models, spends, AHEAD)
    orders = values["expected_orders"].to_numpy()
    assert (ends["expected_orders_low"] <= orders + 1).all()
    width = ends["expected_margin_high"] - ends["expected_margin_low"]
    assert (width[orders > 1] > 0).all()


def test_draws_include_the_uncertainty_of_the_coefficients(forecast):
    moved = forecast.logs + np.array([0, 0, 0, 0, 0.5, 0])
    again = forecast.with_logs(moved).model
    assert again.coefficients["estimate"].iloc[0] == pytest.approx(moved[4])
    assert again.params == pytest.approx(forecast.model.params)
    assert forecast.covariance_log.shape == (6, 6)


def test_its_log_score_is_that_of_a_row_by_row_forecast(forecast, known, planted):
    days = purchases.by_day(planted[0])
    rows = known.iloc[:300]
    actual = purchases_between(days, rows.index, TODAY, TODAY + dt.timedelta(weeks=AHEAD))
    _, _, scores = trials.forecast(forecast, rows, AHEAD, actual)
    for customer in rows.index[:20]:
        h = rows.loc[[customer], ["x", "t_x", "T"]].astype(float)
        z = {"came=referral": float(rows.loc[customer, "came"] == "referral")}
        alone = forecast.model.with_values(**z)
        own = predictive_distribution.log_score(alone, h, AHEAD, actual.loc[[customer]])
        assert scores[customer] == pytest.approx(own.item())


def test_without_the_setting_no_attribute_takes_part(planted, without):
    """Not even one that is there: the tables are those of a log without attributes."""
    plain = backtest.run(planted[0], TODAY, AHEAD)
    pd.testing.assert_frame_equal(plain.forecasts, without.forecasts)
    pd.testing.assert_frame_equal(plain.scores(), without.scores())
    assert plain.weights == without.weights


def test_a_region_with_prior_data_goes_without_and_so_does_one_that_does_not_want_it(planted):
    """The histories it borrows have no attributes."""
    log, attributes = planted
    customers, days = table(log, attributes)(TODAY), purchases.by_day(log)
    alone = Records(TODAY, customers, days, BEGIN, covariates=("came",))
    few = alone._replace(customers=customers.iloc[:900], others=customers)
    unwanted = alone._replace(wanted=frozenset({"nbd"}))
    assert "covariates" in origins.fit(alone, 26, None, None).models
    assert "covariates" not in origins.fit(few, 26, None, None).models
    assert "covariates" not in origins.fit(unwanted, 26, None, None).models


# Odd columns


def test_rare_values_are_pooled_and_missing_ones_are_a_value(known):
    """60 customers of whom 35 bought again are enough for a value, 40 are not."""
    rng = np.random.default_rng(0)
    again = known.index[known["x"] > 0].to_numpy()
    taken = rng.permutation(again)
    shop = pd.Series("web", known.index)
    for name, n in (("fair", 60), ("kiosk", 40), ("stall", 30), (None, 60)):
        own, taken = taken[:n], taken[n:]
        shop[own] = name
    z = covariate_forecast.encode(known.assign(shop=shop), ["shop"])
    assert list(z.sum()) == [70, 60, 60]
    assert list(z) == ["shop=other", "shop=", "shop=fair"]


def test_too_few_others_count_as_the_most_frequent_value(known):
    shop = pd.Series("web", known.index).where(np.arange(len(known)) >= 20, "kiosk")
    assert covariate_forecast.encode(known.assign(shop=shop), ["shop"]).empty


def test_unique_and_constant_columns_and_copies_are_left_out_with_a_note(known):
    odd = known.assign(id=known.index.astype(str), one="a", copy=known["came"].str.upper())
    found, notes = covariate_forecast.fit(odd, ["came", "id", "one", "copy"])
    assert list(found["covariates"].z) == ["came=referral"]
    assert notes == [Note("value", "covariates_left_out", 3.0)]
    assert covariate_forecast.fit(odd, ["one"]) == ({}, [Note("value", "covariates_left_out", 1.0)])


def test_the_order_of_rows_does_not_matter(forecast, known):
    shuffled = known.sample(frac=1, random_state=0)
    again = covariate_forecast.fit(shuffled, ["came"])[0]["covariates"]
    assert again.logs == pytest.approx(forecast.logs, rel=1e-6, abs=1e-9)


def test_a_column_that_is_not_there_is_named(planted):
    with pytest.raises(InputError, match="no column 'cane'; did you mean 'came'"):
        run(*planted, ["cane"])


def test_a_customer_it_was_not_made_for_is_refused(forecast):
    with pytest.raises(InputError, match="no customers this forecast was made for"):
        forecast.p_alive(pd.DataFrame({"x": [1.0], "t_x": [1.0], "T": [2.0]}, index=["stranger"]))


def test_nbd_alone_is_not_the_plain_fit_of_all(known):
    """The covariates leave less heterogeneity: a larger shape r than without them."""
    log, attributes = draw(seed=1, s=0)
    everyone = table(log, attributes)(TODAY)
    plain = nbd.fit(histories.distinct(everyone)[0])
    found = covariate_forecast.fit(everyone, ["came"])[0]["covariates"]
    assert found.model.params.r > plain.params.r
