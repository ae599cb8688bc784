"""Pareto/NBD against the published CDNOW figures, two R packages, and plain quadrature."""

import functools

import derivatives
import numpy as np
import pandas as pd
import published
import pytest

from cvm_analysis.clv import histories, nbd, pareto_nbd
from cvm_analysis.clv.numerics import mle
from cvm_analysis.errors import FitError, InputError

# BTYD 2.4.3, cdnowSummary$est.params. The figures of its walkthrough, section 3, agree with these
# parameters to three digits only, as if other runs of its fit had made them.
BTYD = pareto_nbd.Params(0.55339714, 10.58019854, 0.6060625, 11.65622367)
PAPER = pareto_nbd.Params(0.553, 10.578, 0.606, 11.669)
A_YEAR = np.log(1.1) / 52  # 10 % a year, per week


def model(params):
    nan = pareto_nbd.Params(*[np.nan] * 4)
    return pareto_nbd.ParetoNbd(pareto_nbd.Params(*params), nan, np.empty((4, 4)), 0.0, 1, True, "")


def history(x, t_x, T):
    return pd.DataFrame({"x": np.atleast_1d(x), "t_x": t_x, "T": T})


def simulated(n_customers, params, seed, longest=100):
    """Purchases until leaving; nobody leaves if s is 0."""
    r, alpha, s, beta = params
    rng = np.random.default_rng(seed)
    T = rng.uniform(longest / 4, longest, n_customers)
    rate = rng.gamma(r, 1 / alpha, n_customers)
    leaving = rng.gamma(s, 1 / beta, n_customers) if s else np.full(n_customers, 1e-12)
    stayed = np.minimum(T, rng.exponential(1 / np.maximum(leaving, 1e-12)))
    x = rng.poisson(rate * stayed)
    last = stayed * rng.uniform(size=n_customers) ** (1 / np.maximum(x, 1))
    return history(x, np.where(x > 0, last, 0.0), T)


def climbed(h, start):
    """The top nearest to a start."""
    data = histories.arrays(h)
    return mle.newton(lambda logs: pareto_nbd.derivatives(logs, data), start, len(h), "it")


@pytest.fixture(scope="module")
def fitted(cdnow):
    h, _ = histories.distinct(cdnow)
    return pareto_nbd.fit(h)


# Is it right?


def test_parameters_are_the_published_ones(fitted):
    """Fader, Hardie & Lee (2005): 0.553, 10.578, 0.606, 11.669 and -9595.0; -9594.976 in BTYD."""
    assert fitted.params == pytest.approx(PAPER, abs=0.0006)
    assert fitted.log_likelihood == pytest.approx(-9594.976, abs=0.0006)
    assert fitted.n_customers == 2357
    assert fitted.identified
    assert fitted.reason == ""
    assert fitted.aic == pytest.approx(19197.9524, abs=0.00006)  # CLVTools 0.12.1
    assert fitted.bic == pytest.approx(19221.0129, abs=0.00006)


def test_standard_errors_are_the_published_ones(fitted):
    """CLVTools, test_correctness_pnbd_nocovstaticcov.R, at parameters a little off the maximum."""
    printed = (0.0476264, 0.8427222, 0.1872594, 6.2105448)
    assert fitted.std_errors == pytest.approx(printed, rel=2e-4)


def test_parameters_and_errors_are_those_of_two_r_packages_at_the_same_maximum(fitted):
    for package in ("CLVTools", "BTYD"):
        theirs = published.parameters("cdnow", "pnbd", package, "polished")
        assert fitted.params == pytest.approx(theirs.estimate.to_numpy(), rel=3e-6)
        assert fitted.std_errors == pytest.approx(theirs.std_error.to_numpy(), rel=1e-5)
        assert fitted.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-7)


def test_all_cdnow_customers(full_cdnow):
    """The full log of 23,570 customers, fitted elsewhere."""
    h, _ = histories.distinct(full_cdnow)
    found = pareto_nbd.fit(h)
    assert found.n_customers == 23570
    assert found.params == pytest.approx(
        (0.59742001, 11.58565847, 0.52218548, 8.82775399), rel=1e-5
    )
    assert found.log_likelihood == pytest.approx(-95415.118617, abs=1e-5)
    total = (found.expected_purchases(h, 39) * h["n"]).sum()
    assert total == pytest.approx(17153.2, abs=0.06)


def test_apparel_as_in_clvtools(apparel):
    found = pareto_nbd.fit(apparel)
    theirs = published.parameters("apparel", "pnbd", "CLVTools", "polished")
    assert found.params == pytest.approx(theirs.estimate.to_numpy(), rel=1e-5)
    assert found.std_errors == pytest.approx(theirs.std_error.to_numpy(), rel=1e-4)
    assert found.log_likelihood == pytest.approx(-5848.0978269, abs=6e-7)


def test_customer_1516(cdnow):
    """BTYD walkthrough, section 3.3."""
    customer = cdnow.loc[["1516"]]
    assert model(BTYD).expected_purchases(customer, 52).item() == pytest.approx(25.45647, rel=1e-3)
    assert model(BTYD).p_alive(customer).item() == pytest.approx(0.997874, abs=1.6e-6)


def test_a_one_time_buyer_may_have_dropped_out():
    """BTYD, man/pnbd.PAlive.Rd, whose parameters are rounded to two or three digits."""
    alive = model(BTYD).p_alive(history([0, 23], [0.0, 39.0], 39.0))
    assert alive.tolist() == pytest.approx([0.2941633, 1.0], abs=2e-4)


def test_the_more_an_inactive_customer_bought_the_less_is_expected():
    """The increasing-frequency paradox, BTYD walkthrough, section 3.3."""
    silent = history([10, 15, 20, 25], 20.0, 39.0)
    expected = [0.7062289, 0.1442396, 0.02250658, 0.00309267]
    assert model(BTYD).expected_purchases(silent, 52).tolist() == pytest.approx(expected, rel=1e-3)


def test_a_new_customer():
    """BTYD walkthrough, section 3.3, and CLVTools for weeks 1 to 104."""
    table = published.read("cdnow_new_customers")
    at = model((0.553277000841958, 10.5776830308662, 0.606240351673511, 11.6687474582265))
    assert at.expected_purchases_new(52) == pytest.approx(1.473434, abs=6e-7)
    ours = at.expected_purchases_new(table["weeks"].to_numpy(float))
    assert ours == pytest.approx(table["pnbd_expectation_polished"].to_numpy(), rel=1e-9)


def test_a_new_customer_in_the_first_weeks():
    """lifetimes, tests of the Pareto/NBD fitter: purchases in 0 to 9 weeks."""
    printed = [0, 0.05077821, 0.09916088, 0.14542507, 0.18979930, 0.23247466]
    printed += [0.27361274, 0.31335159, 0.35181024, 0.38909211]
    ours = model((0.5531, 10.578, 0.6061, 11.66)).expected_purchases_new(np.arange(10.0))
    assert ours == pytest.approx(printed, abs=0.01)


def test_forecast_by_number_of_purchases(cdnow):
    """BTYD walkthrough, section 3.4: mean forecast of 39 weeks for x = 0, ..., 6, 7 and more."""
    forecast = model(BTYD).expected_purchases(cdnow, 39)
    means = forecast.groupby(cdnow["x"].clip(upper=7)).mean()
    printed = [0.138, 0.600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403]
    assert means.tolist() == pytest.approx(printed, abs=1e-3)


@pytest.mark.parametrize(
    ("data", "name", "horizon"),
    [("cdnow", "cdnow_customers", 39), ("apparel", "apparel_points", 1450 / 7)],
)
def test_customers_as_in_clvtools(data, name, horizon):
    h = published.read(name)
    at = model(published.parameters(data, "pnbd", "CLVTools", "polished").estimate)
    # Theirs loses digits of P(alive) where it is nearly 0 or 1.
    ours = {
        "PAlive": at.p_alive(h),
        "CET": at.expected_purchases(h, horizon),
        "DERT_clvdefault": at.discounted_purchases(h, np.log(1.1)),
        "DERT_ann10pct": at.discounted_purchases(h, A_YEAR),
        "DERT_cont0.1": at.discounted_purchases(h, 0.1 / 52),
    }
    for name, values in ours.items():
        assert values.to_numpy() == pytest.approx(h[f"polished.pnbd.{name}"], rel=1e-8), name
    total = pareto_nbd.log_likelihood(at.params, h)
    assert total == pytest.approx(h["polished.pnbd.LL"].sum(), abs=1e-6)


def test_hard_cases_as_in_the_peers_and_finite_where_they_fail():
    compared = 0
    for params, points in published.functions("pnbd"):
        at = model(params)
        one_by_one = [pareto_nbd.log_likelihood(at.params, points.loc[[i]]) for i in points.index]
        ours = {
            "PAlive": at.p_alive(points),
            "CET39": at.expected_purchases(points, 39),
            "DERT_ann10pct": at.discounted_purchases(points, A_YEAR),
            "LL": pd.Series(one_by_one, points.index),
        }
        assert ours["PAlive"].between(0, 1).all()
        for name, values in ours.items():
            assert np.isfinite(values).all()
            for peer in ("clv", "btyd"):
                theirs = points[f"{peer}.{name}"]
                there = theirs.notna() & (theirs != 0)  # some of theirs underflow to 0
                compared += there.sum()
                assert values[there].tolist() == pytest.approx(theirs[there].tolist(), rel=1e-11)
    assert compared > 1100


def test_points_where_others_underflow():
    """lifetimes: purchases in 10 weeks of someone with 132 and 133 repeats in 200 weeks."""
    at = model((0.55, 10.58, 0.61, 11.67))
    expected = [6.2060517889632418, 6.2528722475748113]
    ours = at.expected_purchases(history([132, 133], 200.0, 200.0), 10)
    assert ours.tolist() == pytest.approx(expected, rel=1e-12)


def test_points_where_others_are_not_finite():
    """CLVTools: P(alive) of frequent customers."""
    T = np.array([103.57143, 97.28571, 98, 99.42857])
    h = history([221, 254, 161, 204], [103.42857, 97.14286, 94.71429, 98.57143], T)
    alive = model((0.5143, 2.8845, 0.2856, 14.1087)).p_alive(h)
    assert alive.between(0, 1, inclusive="neither").all()


# Are the integrals right everywhere?


def log_integral(log_f, end):
    """Log of the integral of exp(log_f) from 0 to end, in extended precision.

    By the trapezoidal rule of w, v = end / (1 + exp(-w)), halving the step until two agree.
    """
    before, step = np.inf, 0.2
    for _ in range(9):
        w = np.arange(-130, 60, step).astype(np.longdouble)
        small = np.exp(-np.abs(w))
        v = end * np.where(w >= 0, 1, small) / (1 + small)
        terms = log_f(v) + np.log(v * np.where(w >= 0, small, 1) / (1 + small))
        total = terms.max() + np.log(np.exp(terms - terms.max()).sum() * np.longdouble(step))
        if abs(total - before) < 1e-12:
            return total
        before, step = total, step / 2
    raise AssertionError("the reference does not settle")


def long(*numbers):
    return (np.longdouble(number) for number in numbers)


def by_quadrature(params, x, t_x, T, horizon, rate):
    """Log-likelihood, P(alive), expected and discounted purchases from their definitions."""
    r, alpha, s, beta, t_x, T, rate = long(*params, t_x, T, rate)
    a, b = alpha + t_x, beta + t_x
    stayed = -(r + x) * np.log1p((T - t_x) / a) - s * np.log1p((T - t_x) / b)
    total = stayed
    if t_x < T:
        curve = log_integral(
            lambda v: -(r + x) * np.log1p(v / a) - (s + 1) * np.log1p(v / b), T - t_x
        )
        total = np.logaddexp(stayed, np.log(s / b) + curve)
    rising = np.log(r + np.arange(x).astype(np.longdouble)).sum()
    before = r * np.log1p(t_x / alpha) + x * np.log(a) + s * np.log1p(t_x / beta)
    alive, pace, left = np.exp(stayed - total), (r + x) / (alpha + T), beta + T
    weeks = np.exp(log_integral(lambda v: -s * np.log1p(v / left), horizon))
    within = np.exp(log_integral(lambda v: -s * np.log1p(v / left) - rate * v, horizon))
    ever = np.exp(log_integral(lambda v: -s * np.log1p(v / left) - rate * v, 100 / rate))
    forecasts = [float(alive * pace * each) for each in (weeks, within, ever)]
    return float(rising - before + total), [float(alive), *forecasts]


def hard_point(rng):
    params = 10 ** rng.uniform(-4, 6, 4)
    if rng.random() < 0.2:
        params[3] = params[1]
    if rng.random() < 0.2:
        params[2] = 1 + rng.choice([0, 1e-12, -1e-7])
    x, T = int(10 ** rng.uniform(-0.5, 4)), 10 ** rng.uniform(-1, 4)
    shares = [1, 1 - 10 ** rng.uniform(-6, 0), 10 ** rng.uniform(-4, 0)]
    return params, x, rng.choice(shares) * T if x else 0.0, T


def test_every_function_is_the_integral_for_hard_parameters():
    rng = np.random.default_rng(11)
    for _ in range(60):
        params, x, t_x, T = hard_point(rng)
        horizon, rate = 10 ** rng.uniform(-2, 4), 10 ** rng.uniform(-5, 0)
        total, expected = by_quadrature(params, x, t_x, T, horizon, rate)
        at, h = model(params), history(x, t_x, T)
        ours = [
            at.p_alive(h).item(),
            at.expected_purchases(h, horizon).item(),
            at.discounted_purchases(h, rate, horizon).item(),
            at.discounted_purchases(h, rate).item(),
        ]
        point = (params, x, t_x, T, horizon, rate)
        assert ours == pytest.approx(expected, rel=1e-10, abs=1e-290), point
        likelihood = pareto_nbd.log_likelihood(at.params, h)
        assert likelihood == pytest.approx(total, rel=1e-10, abs=1e-10), point


def log_leaving(x, r, alpha, s, beta, v):
    """Log of the chance of x purchases in v weeks and leaving then, up to a constant."""
    return x * np.log(v / alpha) - (r + x) * np.log1p(v / alpha) - (s + 1) * np.log1p(v / beta)


def test_probabilities_are_the_integral_for_hard_parameters():
    rng = np.random.default_rng(12)
    for _ in range(40):
        params, x, _, t = hard_point(rng)
        r, alpha, s, beta, weeks = long(*params, t)
        steps = np.arange(x).astype(np.longdouble)
        ways = np.log((r + steps) / (1 + steps)).sum()
        stays = x * np.log(weeks / (alpha + weeks)) - r * np.log1p(weeks / alpha)
        leaves = log_integral(functools.partial(log_leaving, x, r, alpha, s, beta), weeks)
        both = np.logaddexp(stays - s * np.log1p(weeks / beta), np.log(s / beta) + leaves)
        ours = model(params).probability(x, t)
        assert ours == pytest.approx(float(np.exp(ways + both)), rel=1e-10, abs=1e-290)


def test_gradient_and_curvature_are_those_of_the_likelihood(cdnow):
    data = histories.arrays(cdnow.iloc[::20])
    for params in (BTYD, (3.0, 0.5, 40.0, 0.2), (0.02, 300.0, 0.05, 2000.0)):
        derivatives.check(lambda logs: pareto_nbd.derivatives(logs, data), np.log(params))


# How likely is a number of purchases?


def test_numbers_of_customers_by_purchases_as_in_clvtools(cdnow):
    table = published.read("purchase_counts", data="cdnow", model="pnbd")
    expected = table.set_index("num.transactions")["expected_customers"]
    at = model((0.553270010355278, 10.5778006840234, 0.606019997753176, 11.663914533565))
    ours = [at.probability(x, cdnow["T"].to_numpy()).sum() for x in range(10)]
    theirs = [expected[str(x)] for x in range(10)]
    assert ours == pytest.approx(theirs, rel=1e-6)
    assert len(cdnow) - sum(ours) == pytest.approx(expected["10+"], rel=1e-6)


def test_probabilities_add_up_to_one_and_their_mean_is_the_expectation():
    at, weeks = model((2.0, 3.0, 1.5, 20.0)), np.array([0.0, 1.0, 30.0])
    p = np.array([at.probability(x, weeks) for x in range(400)])
    assert p.sum(axis=0) == pytest.approx(1, abs=1e-12)
    mean = (p * np.arange(400)[:, None]).sum(axis=0)
    assert mean == pytest.approx(at.expected_purchases_new(weeks), rel=1e-9)


def test_purchases_to_come_add_up_to_one_and_their_mean_is_the_forecast(cdnow):
    at, some = model(PAPER), cdnow.iloc[::50]
    p = at.purchase_probabilities(some, 39, 120)
    assert p.shape == (len(some), 121)
    assert p.sum(axis=1) == pytest.approx(1, abs=1e-12)
    mean = p @ np.arange(121)
    assert mean == pytest.approx(at.expected_purchases(some, 39).to_numpy(), rel=1e-6)
    few = at.purchase_probabilities(some, 39, 3)
    assert few[:, :3] == pytest.approx(p[:, :3], rel=1e-12)
    assert few[:, 3] == pytest.approx(p[:, 3:].sum(axis=1), rel=1e-9)


def test_someone_alive_goes_on_as_a_new_customer_with_parameters_of_their_own():
    bought_today = history(3, 20.0, 20.0)
    r, alpha, s, beta = PAPER
    new = model((r + 3, alpha + 20, s, beta + 20))
    ours = model(PAPER).purchase_probabilities(bought_today, 30, 6)[0, :6]
    assert ours == pytest.approx([float(new.probability(x, 30)) for x in range(6)], rel=1e-12)
    forecast = model(PAPER).expected_purchases(bought_today, 30).item()
    assert forecast == pytest.approx(new.expected_purchases_new(30.0), rel=1e-12)


def test_no_purchase_is_as_likely_as_the_history_without_purchases():
    total = pareto_nbd.log_likelihood(PAPER, history(0, 0.0, 39.0))
    assert model(PAPER).probability(0, 39.0) == pytest.approx(np.exp(total), rel=1e-13)


# Does it forecast?


def test_holdout_of_cdnow(fitted, cdnow):
    """CLVTools 0.12.1: MAE .7545, RMSE 1.603; 1,665.5 purchases in 39 weeks, 1,882 actual."""
    forecast = fitted.expected_purchases(cdnow, 39)
    error = forecast - cdnow["holdout"]
    assert error.abs().mean() == pytest.approx(0.754546889, abs=6e-5)
    assert np.sqrt((error**2).mean()) == pytest.approx(1.602848767, abs=6e-5)
    assert forecast.sum() == pytest.approx(1665.5, abs=0.06)
    median = fitted.purchase_probabilities(cdnow, 39, 60).cumsum(axis=1) >= 0.5
    assert (median.argmax(axis=1) - cdnow["holdout"]).abs().mean() < 0.67


def test_planted_parameters_are_found():
    planted = (0.8, 6.0, 1.2, 40.0)
    found = pareto_nbd.fit(simulated(30_000, planted, seed=3))
    assert found.identified
    off = (np.array(found.params) - planted) / found.std_errors
    assert np.abs(off).max() < 2.5
    assert np.array(found.std_errors) / planted == pytest.approx([0, 0, 0, 0], abs=0.08)


# Does it behave?


def test_the_longer_inactive_the_less_likely_alive(fitted, cdnow):
    later = cdnow.assign(T=cdnow["T"] + 1)
    assert (fitted.p_alive(later) < fitted.p_alive(cdnow)).all()


def test_a_weight_is_as_good_as_repeated_rows_in_any_order(cdnow):
    sample = cdnow.iloc[::10]
    h, _ = histories.distinct(sample)
    once, twice = pareto_nbd.fit(sample), pareto_nbd.fit(h)
    assert once.params == pytest.approx(twice.params, rel=1e-6)
    assert once.log_likelihood == pytest.approx(twice.log_likelihood, abs=1e-8)
    assert once.std_errors == pytest.approx(twice.std_errors, rel=1e-5)
    assert once.n_customers == twice.n_customers == len(sample)
    shuffled = h.sample(frac=1, random_state=1)
    assert pareto_nbd.fit(shuffled).params == twice.params


def test_another_unit_of_time_changes_the_unit_and_nothing_else(fitted, cdnow):
    days = cdnow.assign(t_x=cdnow["t_x"] * 7, T=cdnow["T"] * 7)
    by_day = pareto_nbd.fit(days)
    r, alpha, s, beta = fitted.params
    assert by_day.params == pytest.approx((r, 7 * alpha, s, 7 * beta), rel=1e-6)
    moved = by_day.log_likelihood + cdnow["x"].sum() * np.log(7)
    assert moved == pytest.approx(fitted.log_likelihood, abs=1e-6)


def test_forecasts_keep_the_index(fitted, cdnow):
    for forecast in (
        fitted.p_alive(cdnow),
        fitted.purchase_rate(cdnow),
        fitted.expected_purchases(cdnow, 39),
        fitted.discounted_purchases(cdnow, 0.002, 39),
    ):
        assert forecast.index.equals(cdnow.index)
    assert (fitted.expected_purchases(cdnow, 0) == 0).all()
    assert (fitted.discounted_purchases(cdnow, 0.002, 0) == 0).all()


def test_for_ever_is_the_limit_of_a_long_horizon(fitted, cdnow):
    for_ever = fitted.discounted_purchases(cdnow, A_YEAR)
    long_ago = fitted.discounted_purchases(cdnow, A_YEAR, 800 * 52)
    assert for_ever.tolist() == pytest.approx(long_ago.tolist(), rel=1e-12)


# What if the data do not say it?


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_drop_out_it_says_so_and_forecasts_like_the_nbd(seed):
    h = simulated(1500, (0.75, 9.0, 0.0, 1.0), seed, longest=80)
    found, without = pareto_nbd.fit(h), nbd.fit(h)
    assert not found.identified
    assert found.reason == "no_drop_out_found"
    assert -1e-6 < found.log_likelihood - without.log_likelihood < 2
    ours, theirs = found.expected_purchases(h, 52).sum(), without.expected_purchases(h, 52).sum()
    assert ours == pytest.approx(theirs, rel=0.05)
    assert np.isfinite(found.params).all()


def test_drop_out_that_is_the_same_for_all_leaves_s_and_beta_open():
    """Everybody leaves at a rate of .02 a week: only s / beta is identified."""
    found = pareto_nbd.fit(simulated(3000, (2.0, 8.0, 1e6, 5e7), seed=4))
    assert found.reason == "parameters_diverged"
    assert found.params.s / found.params.beta == pytest.approx(0.02, rel=0.1)
    assert np.isnan(found.std_errors.beta)


def test_of_two_tops_the_higher_one_is_found():
    """Some leave within minutes, the others hardly ever: a start in the middle finds less."""
    h = simulated(150, (2.0, 5.0, 0.05, 1e-6), seed=15, longest=20)
    found, without = pareto_nbd.fit(h), nbd.fit(h)
    middle = climbed(h, (*without.params, 1.0, h["T"].mean()))
    assert found.log_likelihood > middle.log_likelihood + 2


def test_many_histories_are_fitted_like_few():
    """More than 8,000 take their start from a part of them."""
    h = simulated(9000, (0.8, 6.0, 0.6, 10.0), seed=6)
    found = pareto_nbd.fit(h)
    top = climbed(h, (1.0, 10.0, 1.0, 10.0))
    assert found.params == pytest.approx(top.params, rel=1e-5)
    assert found.log_likelihood == pytest.approx(top.log_likelihood, abs=1e-6)


def test_without_repeat_purchases_nothing_is_fitted():
    with pytest.raises(FitError, match="none of 3 customers bought again"):
        pareto_nbd.fit(history([0, 0, 0], 0.0, 9.0))


@pytest.mark.parametrize(
    ("rate", "horizon"), [(-0.1, 52), (0.0, None), (0.1, -1.0), (np.nan, 52), (0.1, np.inf)]
)
def test_impossible_questions_are_refused(rate, horizon):
    with pytest.raises(InputError):
        model(PAPER).discounted_purchases(history(1, 1.0, 2.0), rate, horizon)


def test_probabilities_of_no_number_of_purchases_are_refused():
    with pytest.raises(InputError, match="ask for 1 or more"):
        model(PAPER).purchase_probabilities(history(1, 1.0, 2.0), 39, 0)
