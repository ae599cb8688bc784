"""BG/NBD against Fader, Hardie & Lee (2005), the BTYD walkthrough, and plain quadrature."""

import itertools
import math
from fractions import Fraction

import derivatives
import numpy as np
import pandas as pd
import published
import pytest
from scipy.integrate import quad

from cvm_analysis.clv import bg_nbd, histories, nbd
from cvm_analysis.clv.numerics import mle
from cvm_analysis.errors import FitError, InputError

# BTYD walkthrough, section 4.2. The figures of its later sections agree with these parameters to
# five digits only, as if another run of its fit had made them.
BTYD = bg_nbd.Params(0.2425982, 4.4136842, 0.7929899, 2.4261667)
PAPER = bg_nbd.Params(0.243, 4.414, 0.793, 2.426)


def model(params):
    nan = bg_nbd.Params(*[np.nan] * 4)
    return bg_nbd.BgNbd(bg_nbd.Params(*params), nan, np.empty((4, 4)), 0.0, 1, True, "")


def history(x, t_x, T):
    return pd.DataFrame({"x": np.atleast_1d(x), "t_x": t_x, "T": T})


@pytest.fixture(scope="module")
def fitted(cdnow):
    h, _ = histories.distinct(cdnow)
    return bg_nbd.fit(h)


def simulated(n_customers, r, alpha, seed):
    """Histories of the NBD model: nobody ever leaves."""
    rng = np.random.default_rng(seed)
    T = rng.uniform(20, 80, n_customers)
    x = rng.poisson(rng.gamma(r, 1 / alpha, n_customers) * T)
    last = T * rng.uniform(size=n_customers) ** (1 / np.maximum(x, 1))
    return history(x, np.where(x > 0, last, 0.0), T)


# Is it right?


def test_parameters_are_the_published_ones(fitted):
    assert fitted.params == pytest.approx(PAPER, abs=0.0006)
    assert fitted.log_likelihood == pytest.approx(-9582.429, abs=0.0006)
    assert fitted.n_customers == 2357
    assert fitted.identified
    assert fitted.reason == ""
    assert fitted.aic == pytest.approx(19172.8584, abs=0.00006)  # CLVTools 0.12.1
    assert fitted.bic == pytest.approx(fitted.aic - 8 + 4 * np.log(2357))


def test_parameters_and_errors_are_those_of_two_r_packages_at_the_same_maximum(fitted):
    for package in ("CLVTools", "BTYD"):
        theirs = published.parameters("cdnow", "bgnbd", package, "polished")
        assert fitted.params == pytest.approx(theirs.estimate.to_numpy(), rel=1e-6)
        assert fitted.std_errors == pytest.approx(theirs.std_error.to_numpy(), rel=1e-4)


def test_single_likelihoods_are_the_published_ones():
    """Hardie, note 027, as quoted by PyMC-Marketing; the second overflows in plain formulas."""
    params = bg_nbd.Params(0.25, 4, 0.8, 2.5)
    assert bg_nbd.log_likelihood(params, history(0, 0, 40)) == pytest.approx(-0.59947382, abs=6e-9)
    assert bg_nbd.log_likelihood(params, history(200, 38, 40)) == pytest.approx(100.7957, abs=6e-5)


def test_customer_1516(cdnow):
    """BTYD walkthrough, section 4.3."""
    customer = cdnow.loc[["1516"]]
    assert customer["x"].item() == 26
    assert model(BTYD).expected_purchases(customer, 52).item() == pytest.approx(25.75659, rel=1e-5)
    assert model(BTYD).p_alive(customer).item() == pytest.approx(0.9688523, rel=1e-5)


def test_the_more_an_inactive_customer_bought_the_less_is_expected():
    """The increasing-frequency paradox, BTYD walkthrough, section 4.3."""
    silent = history([10, 15, 20, 25], 20.0, 39.0)
    expected = [0.3474606, 0.04283391, 0.004158973, 0.0003583685]
    assert model(BTYD).expected_purchases(silent, 52).tolist() == pytest.approx(expected, rel=1e-5)


def test_a_new_customer():
    """BTYD walkthrough, section 4.3, and Hardie's spreadsheet."""
    assert model(BTYD).expected_purchases_new(52) == pytest.approx(1.444004, rel=1e-5)
    weeks = np.array([0, 1 / 7, 1, 3, 31 + 6 / 7, 32, 78])
    printed = [0, 0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576]
    assert model(BTYD).expected_purchases_new(weeks) == pytest.approx(printed, abs=6e-4)


def test_forecast_by_number_of_purchases(cdnow):
    """BTYD walkthrough, section 4.4: mean forecast of 39 weeks for x = 0, ..., 6, 7 and more."""
    forecast = model(BTYD).expected_purchases(cdnow, 39)
    means = forecast.groupby(cdnow["x"].clip(upper=7)).mean()
    printed = [0.2250893, 0.5231364, 1.044126, 1.520256, 2.163824, 2.653789, 3.503957, 6.157036]
    assert means.tolist() == pytest.approx(printed, rel=1e-5)


def test_customers_as_in_clvtools(cdnow):
    table = published.read("cdnow_customers")
    ours = cdnow.set_axis(cdnow.index.astype(int)).loc[table["customer_id"]]
    at = model(published.parameters("cdnow", "bgnbd", "CLVTools", "polished").estimate)
    alive, expected = table["polished.bgnbd.PAlive"], table["polished.bgnbd.CET"]
    assert at.p_alive(ours).to_numpy() == pytest.approx(alive, rel=1e-9)
    assert at.expected_purchases(ours, 39).to_numpy() == pytest.approx(expected, rel=1e-9)


def test_hard_cases_as_in_the_peers_and_finite_where_they_fail():
    for params, points in published.functions("bgnbd"):
        at = model(params)
        forecast, alive = at.expected_purchases(points, 39), at.p_alive(points)
        assert np.isfinite(forecast).all()
        assert alive.between(0, 1).all()
        for peer in ("clv", "btyd"):
            there = points[f"{peer}.CET39"] > 0  # some of theirs underflow to 0
            assert forecast[there].tolist() == pytest.approx(
                points.loc[there, f"{peer}.CET39"].tolist(), rel=1e-8
            )
        for label, total in points["clv.LL"].items():
            ours = bg_nbd.log_likelihood(at.params, points.loc[[label]])
            assert ours == pytest.approx(total, rel=1e-10)


def test_apparel_as_in_clvtools(apparel):
    found = bg_nbd.fit(apparel)
    assert found.params == pytest.approx((0.607311, 20.956754, 1.275562, 8.860957), rel=1e-5)
    assert found.log_likelihood == pytest.approx(-5857.0197489, abs=6e-7)


def test_next_to_nothing_keeps_its_digits():
    """Who bought again on the last day stays as the drop-out alone says: b / (a + b)."""
    alive = model((1.0, 9.0, 3e-10, 1e-10)).p_alive(history(1, 9.0, 9.0))
    assert alive.tolist() == pytest.approx([0.25], rel=1e-12)


def test_gradient_and_curvature_are_those_of_the_likelihood(cdnow):
    data = histories.arrays(cdnow.iloc[::20])
    for params in (
        BTYD,
        (3.0, 0.5, 40.0, 0.2),
        (0.02, 300.0, 1e-4, 2000.0),
        (1.0, 9.0, 300.0, 5.0),
    ):
        derivatives.check(lambda logs: bg_nbd.derivatives(logs, data), np.log(params))


# Is the integral right everywhere?


def by_quadrature(params, x, T, horizon):
    """Expected purchases given alive: adaptive quadrature between every bend of the integrand."""
    r, alpha, a, b = params
    ratio, left = horizon / (alpha + T), b + x

    def density(s):
        log = -a * np.logaddexp(0, -s) - left * np.logaddexp(0, s)
        return np.exp(log - top)

    def both(s):
        p = np.exp(-np.logaddexp(0, -s))
        given = -np.expm1(-(r + x) * np.log1p(p * ratio)) / p if p > 1e-290 else (r + x) * ratio
        return given * density(s)

    mode = np.log(a / left)
    top = -a * np.logaddexp(0, -mode) - left * np.logaddexp(0, mode)
    width = np.sqrt(1 / a + 1 / left)
    bends = [mode, 0.0, np.log(a), -np.log(left), -np.log1p((r + x) * ratio)]
    steps = np.array([0, 1, 2, 4, 8, 16, 32, 64, 128])
    near = mode + width * np.array([-20, -8, -5, -3, -1.5, 1.5, 3, 5, 8, 20])
    tails = [-bend / a for bend in (50, 100, 200)] + [bend / left for bend in (50, 100, 200)]
    cuts = np.unique(
        np.concatenate([near, tails, *(bend + sign * steps for bend in bends for sign in (-1, 1))])
    )

    def total(function):
        pieces = itertools.pairwise(cuts)
        return sum(quad(function, *ends, epsabs=0, epsrel=1e-11, limit=200)[0] for ends in pieces)

    return total(both) / total(density)


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")  # of pieces that are 0
def test_expected_purchases_are_the_integral_for_hard_parameters():
    rng = np.random.default_rng(20)
    # Many rates above one a second, and the mean over p lies where its density is negligible.
    cases = [(bg_nbd.Params(1e6, 1e-4, 0.9, 2.0), 0, 0.0)]
    for case in range(24):
        params = bg_nbd.Params(*10 ** rng.uniform(-2.5, 5, 4))
        if case % 3 == 0:
            params = params._replace(a=1 + 1e-6 * rng.normal())
        cases.append((params, int(10 ** rng.uniform(-0.3, 3.5)), rng.uniform(0.1, 1000)))
    for params, x, T in cases:
        h = history(x, T if x else 0.0, T)
        expected = model(params).p_alive(h) * by_quadrature(params, x, T, 52.0)
        ours = model(params).expected_purchases(h, 52.0)
        assert ours.item() == pytest.approx(expected.item(), rel=1e-9), (params, x, T)


def test_discounted_purchases_are_those_of_many_short_periods():
    at = model(PAPER)
    h = history([0, 3, 26], [0.0, 20.0, 30.0], [30.0, 30.0, 31.0])
    rate, step = 0.002, 0.25
    ends = np.arange(step, 52 + step / 2, step)
    cumulative = np.column_stack([np.zeros(3)] + [at.expected_purchases(h, t) for t in ends])
    in_each = np.diff(cumulative, axis=1)
    expected = in_each @ np.exp(-rate * (ends - step / 2))
    assert at.discounted_purchases(h, rate, 52).to_numpy() == pytest.approx(expected, rel=1e-5)


def test_for_ever_is_the_limit_of_a_long_horizon():
    """CDNOW customers, 10 % a year as in CLVTools; after 400 years nothing counts any more."""
    h = history([0, 2, 26], [0.0, 30.43, 30.86], [38.86, 38.86, 31.0])
    rate = np.log(1.1) / 52
    for_ever = model(PAPER).discounted_purchases(h, rate)
    long = model(PAPER).discounted_purchases(h, rate, 400 * 52)
    assert for_ever.tolist() == pytest.approx(long.tolist(), rel=1e-9)


def test_for_ever_as_integrated_from_clvtools():
    table = published.read("cdnow_customers")
    params = (0.242594522120415, 4.41360200454059, 0.79292204861764, 2.42590688740136)
    ours = model(params).discounted_purchases(table, np.log(1.1) / 52)
    theirs = table["polished.bgnbd.DERT_ann10pct_NUMERIC"]
    # Theirs is integrated with an absolute tolerance: compare where it can hold.
    sizeable = theirs > 0.01
    assert ours[sizeable].tolist() == pytest.approx(theirs[sizeable].tolist(), rel=1e-6)


# Does it behave?


def test_the_longer_inactive_the_less_likely_alive(fitted, cdnow):
    buyers = cdnow[cdnow["x"] > 0]
    later = buyers.assign(T=buyers["T"] + 1)
    assert (fitted.p_alive(later) < fitted.p_alive(buyers)).all()


def test_one_time_buyers_are_alive_in_this_model(fitted, cdnow):
    assert (fitted.p_alive(cdnow[cdnow["x"] == 0]) == 1).all()


def test_a_weight_is_as_good_as_repeated_rows_in_any_order(cdnow):
    sample = cdnow.iloc[::10]
    h, _ = histories.distinct(sample)
    once, twice = bg_nbd.fit(sample), bg_nbd.fit(h)
    assert once.params == pytest.approx(twice.params, rel=1e-6)
    assert once.log_likelihood == pytest.approx(twice.log_likelihood, abs=1e-8)
    assert once.std_errors == pytest.approx(twice.std_errors, rel=1e-5)
    assert once.n_customers == twice.n_customers == len(sample)
    shuffled = h.sample(frac=1, random_state=1)
    assert bg_nbd.fit(shuffled).params == twice.params


def test_many_histories_are_fitted_like_few():
    """More than 8,000 take their start from a part of them."""
    rng = np.random.default_rng(5)
    rows = []
    for rate, leaves, T in zip(
        rng.gamma(0.75, 1 / 3, 9000),
        rng.beta(0.8, 2.5, 9000),
        rng.uniform(20, 80, 9000),
        strict=True,
    ):
        times = np.cumsum(rng.exponential(1 / rate, min(rng.geometric(max(leaves, 0.01)), 99)))
        times = times[times < T]
        rows.append((len(times), times.max(initial=0.0), T))
    h = pd.DataFrame(rows, columns=["x", "t_x", "T"])
    found, data = bg_nbd.fit(h), histories.arrays(h)
    far = mle.newton(lambda logs: bg_nbd.derivatives(logs, data), [1.0] * 4, 9000, "it")
    assert found.params == pytest.approx(far.params, rel=1e-5)
    assert found.log_likelihood == pytest.approx(far.log_likelihood, abs=1e-6)


def test_another_unit_of_time_changes_the_unit_and_nothing_else(fitted, cdnow):
    days = cdnow.assign(t_x=cdnow["t_x"] * 7, T=cdnow["T"] * 7)
    by_day = bg_nbd.fit(days)
    r, alpha, a, b = fitted.params
    assert by_day.params == pytest.approx((r, 7 * alpha, a, b), rel=1e-6)
    moved = by_day.log_likelihood + cdnow["x"].sum() * np.log(7)
    assert moved == pytest.approx(fitted.log_likelihood, abs=1e-6)


def test_forecasts_keep_the_index(fitted, cdnow):
    for forecast in (
        fitted.p_alive(cdnow),
        fitted.expected_purchases(cdnow, 39),
        fitted.discounted_purchases(cdnow, 0.002, 39),
    ):
        assert forecast.index.equals(cdnow.index)
    assert (fitted.expected_purchases(cdnow, 0) == 0).all()


def test_on_the_whole_the_forecast_is_the_published_one(fitted, cdnow):
    """CLVTools 0.12.1: 1,653.4 purchases in 39 weeks, 1,882 actual."""
    assert fitted.expected_purchases(cdnow, 39).sum() == pytest.approx(1653.4, abs=0.06)


# What if the data do not say it?


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_drop_out_it_says_so_and_forecasts_like_the_nbd(seed):
    h = simulated(1500, 0.75, 9.0, seed)
    found, without = bg_nbd.fit(h), nbd.fit(h)
    assert not found.identified
    assert found.reason == "no_drop_out_found"
    assert found.log_likelihood == pytest.approx(without.log_likelihood, abs=2)
    ours, theirs = found.expected_purchases(h, 52).sum(), without.expected_purchases(h, 52).sum()
    assert ours == pytest.approx(theirs, rel=0.05)
    assert np.isfinite(found.params).all()


def test_a_few_early_drop_outs_among_many_loyal_customers_are_found():
    """The likelihood has two tops: nobody leaves, or few do, after their first repeat purchase."""
    h, rng = simulated(1500, 0.75, 9.0, seed=42), np.random.default_rng(42)
    gone = (h["x"] > 0) & (rng.uniform(size=len(h)) < 0.03)
    h.loc[gone, ["x", "t_x"]] = np.column_stack([np.ones(gone.sum()), h["t_x"][gone] / 4])
    found = bg_nbd.fit(h)
    assert found.log_likelihood - nbd.fit(h).log_likelihood > 2
    assert found.params.a + found.params.b < 0.1


def test_rates_that_look_alike_without_drop_out_are_no_trap():
    """Most leave after the first repeat purchase: without drop-out, NBD finds one rate for all."""
    rng, n = np.random.default_rng(73), 400
    rate, leaves = rng.gamma(0.27, 1 / 0.79, n), rng.beta(2.4, 0.3, n)
    first = rng.exponential(1 / np.maximum(rate, 1e-12))
    second = first + rng.exponential(1 / np.maximum(rate, 1e-12))
    came, again = first < 100, (second < 100) & (rng.uniform(size=n) >= leaves)
    last = np.where(again, second, np.where(came, first, 0.0))
    h = history(came.astype(int) + again, last, 100.0)
    found, without = bg_nbd.fit(h), nbd.fit(h)
    assert without.params.r > 1e3
    assert found.log_likelihood > bg_nbd.log_likelihood(bg_nbd.Params(0.27, 0.79, 2.4, 0.3), h)
    assert found.params.r < 1


def test_drop_out_that_is_the_same_for_all_leaves_a_and_b_open():
    """Drop-out with probability .1 after each repeat purchase: only a / (a + b) is identified."""
    rng = np.random.default_rng(0)
    rows = []
    for rate in rng.gamma(2, 1 / 20, 2000):
        times = np.cumsum(rng.exponential(1 / rate, rng.geometric(0.1)))
        times = times[times < 104]
        rows.append((len(times), times.max(initial=0.0), 104.0))
    found = bg_nbd.fit(pd.DataFrame(rows, columns=["x", "t_x", "T"]))
    _, _, a, b = found.params
    assert found.reason == "parameters_diverged"
    assert a / (a + b) == pytest.approx(0.1, abs=0.01)
    assert np.isnan(found.std_errors.a)


def test_without_repeat_purchases_nothing_is_fitted():
    with pytest.raises(FitError, match="none of 3 customers bought again"):
        bg_nbd.fit(history([0, 0, 0], 0.0, 9.0))


@pytest.mark.parametrize(
    ("rate", "horizon"), [(-0.1, 52), (0.0, None), (0.1, -1.0), (np.nan, 52), (0.1, np.inf)]
)
def test_impossible_questions_are_refused(rate, horizon):
    with pytest.raises(InputError):
        model(PAPER).discounted_purchases(history(1, 1.0, 2.0), rate, horizon)


# How likely is a number of purchases?


def test_probabilities_of_r_btyd():
    """P(X(2)=10), P(X(39)=0), P(X(30)=11..20) of the R package BTYD, as lifetimes tests them."""
    paper = model(PAPER)
    assert paper.probability(10, 2) == pytest.approx(1.07869e-07, rel=1e-5)
    assert paper.probability(0, 39) == pytest.approx(0.5737864, abs=1e-7)
    printed = [0.0019995214, 0.0015170236, 0.0011633150, 0.0009003148, 0.0007023638]
    printed += [0.0005517902, 0.0004361913, 0.0003467171, 0.0002769613, 0.0002222260]
    assert [float(paper.probability(x, 30)) for x in range(11, 21)] == pytest.approx(
        printed, abs=1e-9
    )


def test_probabilities_add_up_to_one_and_their_mean_is_the_expectation():
    paper, weeks = model(PAPER), np.array([1.0, 30.0, 200.0])
    p = np.array([paper.probability(x, weeks) for x in range(2000)])
    assert p.sum(axis=0) == pytest.approx(1, abs=1e-6)
    mean = (p * np.arange(2000)[:, None]).sum(axis=0)
    assert mean == pytest.approx(paper.expected_purchases_new(weeks), rel=1e-4)


def by_fractions(r, alpha, a, b, x, t_x, T, horizon, most):
    """Exact, for whole numbers: P(0), ..., P(most - 1) after the history, and the rest."""
    shape, left, ratio = r + x, b + x, Fraction(horizon, alpha + T)
    odds = Fraction(a, left - 1) * Fraction(alpha + T, alpha + t_x) ** shape if x else Fraction(0)

    def buys(k):
        return math.comb(shape + k - 1, k) * ratio**k / (1 + ratio) ** (shape + k)

    def stays(k):
        return math.prod((Fraction(left + j, a + left + j) for j in range(k)), start=Fraction(1))

    counts = [buys(0)]
    for k in range(1, most):
        leaves = stays(k - 1) * Fraction(a, a + left + k - 1)
        counts.append(stays(k) * buys(k) + leaves * (1 - sum(buys(j) for j in range(k))))
    counts = [p / (1 + odds) for p in counts]
    counts[0] += odds / (1 + odds)
    return [*map(float, counts), float(1 - sum(counts))]


@pytest.mark.parametrize("history_", [(0, 0, 9), (3, 5, 12), (400, 30, 30), (2, 1, 900)])
@pytest.mark.parametrize("params", [(1, 4, 1, 2), (3, 10**6, 10**5, 2), (50, 1, 1, 10**6)])
def test_probabilities_after_a_history_as_in_exact_fractions(params, history_):
    found = model(params).purchase_probabilities(history(*history_), 26, 12)
    expected = by_fractions(*params, *history_, 26, 12)
    assert found[0].tolist() == pytest.approx(expected, rel=1e-10, abs=1e-280)


def test_probabilities_after_a_history_add_up_to_the_expectation(fitted, cdnow):
    """The expectation is an integral over the drop-out, the probabilities are products."""
    h = cdnow.iloc[::40]
    p = fitted.purchase_probabilities(h, 39, 400)
    assert p.shape == (len(h), 401)
    assert p.sum(axis=1) == pytest.approx(1, abs=1e-12)
    expected = fitted.expected_purchases(h, 39).to_numpy()
    assert p @ np.arange(401) == pytest.approx(expected, rel=1e-9)
    assert (p[:, 0] >= 1 - fitted.p_alive(h)).all()
