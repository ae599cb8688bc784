"""MBG/NBD against BTYDplus (R), plain simulation, and what follows from its story."""

import numpy as np
import pandas as pd
import published
import pytest

from cvm_analysis.clv import histories, mbg_nbd, nbd
from cvm_analysis.errors import FitError, InputError

POLISHED = mbg_nbd.Params(
    0.524843151573406, 6.18308527097873, 0.891359386045814, 1.61400230180938
)  # BTYDplus 1.2.0 on CDNOW, at a gradient of zero


def model(params):
    nan = mbg_nbd.Params(*[np.nan] * 4)
    return mbg_nbd.MbgNbd(mbg_nbd.Params(*params), nan, np.empty((4, 4)), 0.0, 1, True, "")


def history(x, t_x, T):
    return pd.DataFrame({"x": np.atleast_1d(x), "t_x": t_x, "T": T})


def simulated(params, n_customers, seed, weeks=None):
    """Histories of customers who may drop out right after any purchase, the first included."""
    rng, (r, alpha, a, b) = np.random.default_rng(seed), params
    T = rng.uniform(20, 80, n_customers) if weeks is None else np.full(n_customers, weeks)
    rows = []
    for rate, leaves, end in zip(
        rng.gamma(r, 1 / alpha, n_customers), rng.beta(a, b, n_customers), T, strict=True
    ):
        x, t_x = 0, 0.0
        while rng.uniform() >= leaves:
            following = t_x + rng.exponential(1 / rate)
            if following > end:
                break
            x, t_x = x + 1, following
        rows.append((x, t_x, end))
    return pd.DataFrame(rows, columns=["x", "t_x", "T"])


@pytest.fixture(scope="module")
def fitted(cdnow):
    h, _ = histories.distinct(cdnow)
    return mbg_nbd.fit(h)


# Is it right?


def test_parameters_are_the_published_ones(fitted):
    """lifetimes quotes BTYDplus: .525, 6.183, .891, 1.614."""
    assert fitted.params == pytest.approx((0.525, 6.183, 0.891, 1.614), abs=0.0006)
    assert fitted.n_customers == 2357
    assert fitted.identified
    assert fitted.reason == ""


def test_parameters_errors_and_likelihood_as_in_btydplus(fitted):
    theirs = published.parameters("cdnow", "mbgnbd", "BTYDplus", "polished")
    assert fitted.params == pytest.approx(theirs.estimate.to_numpy(), rel=1e-6)
    assert fitted.std_errors == pytest.approx(theirs.std_error.to_numpy(), rel=1e-4)
    total = theirs.log_likelihood
    assert fitted.log_likelihood == pytest.approx(total, abs=1e-8)
    assert fitted.aic == pytest.approx(8 - 2 * total)
    assert fitted.bic == pytest.approx(4 * np.log(2357) - 2 * total)


def test_customers_as_in_btydplus(cdnow):
    table = published.read("cdnow_customers")
    ours = cdnow.set_axis(cdnow.index.astype(int)).loc[table["customer_id"]]
    at = model(POLISHED)
    alive, forecast = table["polished.mbgnbd.PAlive"], table["polished.mbgnbd.CET"]
    assert at.p_alive(ours).to_numpy() == pytest.approx(alive, rel=1e-9, abs=0)
    assert at.expected_purchases(ours, 39).to_numpy() == pytest.approx(forecast, rel=1e-9, abs=0)


def test_hard_cases_as_in_btydplus_and_finite_where_it_fails():
    for params, points in published.functions("mbgnbd"):
        at = model(params)
        forecast, alive = at.expected_purchases(points, 39), at.p_alive(points)
        assert np.isfinite(forecast).all()
        assert alive.tolist() == pytest.approx(
            points["btydplus.PAlive"].tolist(), rel=1e-9, abs=1e-290
        )
        if abs(at.params.a - 1) < 0.005:  # for such a BTYDplus forecasts with a + .01
            moved = model(at.params._replace(a=at.params.a + 0.01))
            forecast = moved.expected_purchases(points, 39) / moved.p_alive(points) * alive
        there = points["btydplus.CET39"] > 0  # some of theirs underflow to 0 or are empty
        assert forecast[there].tolist() == pytest.approx(
            points.loc[there, "btydplus.CET39"].tolist(), rel=1e-9, abs=1e-290
        )
        for label, total in points["btydplus.LL"].items():
            ours = mbg_nbd.log_likelihood(at.params, points.loc[[label]])
            assert np.isfinite(ours)
            if np.isfinite(total):
                assert ours == pytest.approx(total, rel=1e-10)


def test_no_other_parameters_are_better(fitted, cdnow):
    h, _ = histories.distinct(cdnow)
    for place in range(4):
        for factor in (1.01, 1 / 1.01):
            other = list(fitted.params)
            other[place] *= factor
            found = mbg_nbd.log_likelihood(mbg_nbd.Params(*other), h)
            assert found < fitted.log_likelihood


def test_simulated_customers_are_what_is_expected_of_new_ones():
    params = mbg_nbd.Params(0.8, 6.0, 0.9, 2.0)
    x = simulated(params, 20_000, seed=5, weeks=52.0)["x"].to_numpy()
    at = model(params)
    assert at.expected_purchases_new(52.0) == pytest.approx(x.mean(), abs=4 * x.std() / 20_000**0.5)
    for k in range(6):
        p = float(at.probability(k, 52.0))
        assert (x == k).mean() == pytest.approx(p, abs=4 * (p * (1 - p) / 20_000) ** 0.5)


def test_simulated_parameters_are_found_within_their_errors():
    params = mbg_nbd.Params(0.8, 6.0, 0.9, 2.0)
    found = mbg_nbd.fit(simulated(params, 6000, seed=3))
    assert (np.abs((np.array(found.params) - params) / found.std_errors) < 3).all()


# Does it behave?


def test_one_time_buyers_may_be_inactive(fitted, cdnow):
    one_time = fitted.p_alive(cdnow[cdnow["x"] == 0])
    assert one_time.between(0, 1, inclusive="neither").all()
    assert one_time.max() < 0.7  # even who came last week left with probability a / (a + b)


def test_the_longer_inactive_the_less_likely_alive(fitted, cdnow):
    later = cdnow.assign(T=cdnow["T"] + 1)
    assert (fitted.p_alive(later) < fitted.p_alive(cdnow)).all()


def test_probabilities_add_up_and_their_mean_is_the_expectation(fitted, cdnow):
    """The expectation is an integral over the drop-out, the probabilities are products."""
    h = cdnow.iloc[::40]
    p = fitted.purchase_probabilities(h, 39, 400)
    assert p.shape == (len(h), 401)
    assert p.sum(axis=1) == pytest.approx(1, abs=1e-12)
    expected = fitted.expected_purchases(h, 39).to_numpy()
    assert p @ np.arange(401) == pytest.approx(expected, rel=1e-9)
    assert (p[:, 0] >= 1 - fitted.p_alive(h)).all()


def test_probabilities_of_a_new_customer_add_up_to_the_expectation(fitted):
    weeks = np.array([0.0, 1.0, 39.0])
    p = np.array([fitted.probability(x, weeks) for x in range(400)])
    assert p.sum(axis=0) == pytest.approx(1, abs=1e-9)
    assert p[:, 0].tolist() == pytest.approx([1.0] + 399 * [0.0])
    mean = (p * np.arange(400)[:, None]).sum(axis=0)
    assert mean == pytest.approx(fitted.expected_purchases_new(weeks), rel=1e-8)


def test_for_ever_is_the_limit_of_a_long_horizon_and_discounting_takes_away():
    at, rate = model(POLISHED), np.log(1.1) / 52
    h = history([0, 2, 26], [0.0, 30.43, 30.86], [38.86, 38.86, 31.0])
    for_ever = at.discounted_purchases(h, rate)
    assert for_ever.tolist() == pytest.approx(
        at.discounted_purchases(h, rate, 400 * 52).tolist(), rel=1e-9
    )
    ends = np.arange(0, 52.25, 0.25)
    in_each = np.diff(np.column_stack([at.expected_purchases(h, t) for t in ends]))
    expected = in_each @ np.exp(-rate * (ends[1:] - 0.125))
    assert at.discounted_purchases(h, rate, 52).to_numpy() == pytest.approx(expected, rel=1e-5)


def test_weights_order_and_unit_of_time_do_not_matter(fitted, cdnow):
    shuffled = cdnow.sample(frac=1, random_state=1)
    days = shuffled.assign(t_x=shuffled["t_x"] * 7, T=shuffled["T"] * 7)
    by_day = mbg_nbd.fit(days)
    r, alpha, a, b = fitted.params
    assert by_day.params == pytest.approx((r, 7 * alpha, a, b), rel=1e-6)
    moved = by_day.log_likelihood + cdnow["x"].sum() * np.log(7)
    assert moved == pytest.approx(fitted.log_likelihood, abs=1e-6)


def test_forecasts_keep_the_index(fitted, cdnow):
    h = cdnow.iloc[:50]
    for forecast in (
        fitted.p_alive(h),
        fitted.purchase_rate(h),
        fitted.expected_purchases(h, 39),
        fitted.discounted_purchases(h, 0.002, 39),
    ):
        assert forecast.index.equals(h.index)


# What if the data do not say it?


@pytest.mark.parametrize("seed", [1, 2])
def test_without_drop_out_it_says_so_and_forecasts_like_the_nbd(seed):
    rng = np.random.default_rng(seed)
    T = rng.uniform(20, 80, 1500)
    x = rng.poisson(rng.gamma(0.75, 1 / 9, 1500) * T)
    last = T * rng.uniform(size=1500) ** (1 / np.maximum(x, 1))
    h = history(x, np.where(x > 0, last, 0.0), T)
    found, without = mbg_nbd.fit(h), nbd.fit(h)
    assert found.reason == "no_drop_out_found"
    assert not found.identified
    assert np.isfinite(found.params).all()
    ours, theirs = found.expected_purchases(h, 52).sum(), without.expected_purchases(h, 52).sum()
    assert ours == pytest.approx(theirs, rel=0.05)


def test_without_repeat_purchases_nothing_is_fitted():
    with pytest.raises(FitError, match="none of 3 customers bought again"):
        mbg_nbd.fit(history([0, 0, 0], 0.0, 9.0))


@pytest.mark.parametrize(("horizon", "most"), [(-1.0, 3), (np.inf, 3), (np.nan, 3), (52, 0)])
def test_impossible_questions_are_refused(horizon, most):
    with pytest.raises(InputError):
        model(POLISHED).purchase_probabilities(history(1, 1.0, 2.0), horizon, most)
