"""BG/BB against Fader, Hardie & Shang (2010), the BTYD walkthrough, and plain sums."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import bg_bb
from cvm_analysis.errors import FitError, InputError

BTYD = bg_bb.Params(1.203528, 0.7497260, 0.6567808, 2.783796)  # walkthrough 5.2, third run


def model(params):
    nan = bg_bb.Params(*[np.nan] * 4)
    return bg_bb.BgBb(bg_bb.Params(*params), nan, np.empty((4, 4)), 0.0, 1, True, "")


def history(x, t_x, T):
    return pd.DataFrame({"x": np.atleast_1d(x), "t_x": t_x, "T": T})


@pytest.fixture(scope="module")
def donors(lifetimes_data):
    """11,104 people who first gave in 1995, and whether they did in each year 1996 to 2001."""
    path = lifetimes_data / "donations.csv"
    return pd.read_csv(path).set_axis(["x", "t_x", "T", "n"], axis=1)


@pytest.fixture(scope="module")
def fitted(donors):
    return bg_bb.fit(donors)


def simulated(params, n_customers, T, seed):
    """Histories, and what follows at the next five opportunities."""
    rng, (alpha, beta, gamma, delta) = np.random.default_rng(seed), params
    buys, stays = rng.beta(alpha, beta, n_customers), np.full(n_customers, T + 5)
    if gamma:
        stays = rng.geometric(rng.beta(gamma, delta, n_customers)) - 1
    number = np.arange(1, T + 6)
    used = (rng.uniform(size=(n_customers, T + 5)) < buys[:, None]) & (number <= stays[:, None])
    seen = used[:, :T]
    last = np.where(seen, number[:T], 0).max(axis=1)
    return history(seen.sum(axis=1), last, T), used[:, T:].sum(axis=1)


# Is it right?


def test_parameters_are_the_published_ones(fitted):
    assert fitted.params == pytest.approx((1.204, 0.750, 0.657, 2.783), abs=0.0006)
    # Computed independently from the same file.
    assert fitted.params == pytest.approx((1.20352218, 0.74971631, 0.65671845, 2.7834437), rel=1e-6)
    assert fitted.log_likelihood == pytest.approx(-33225.581274, abs=6e-7)
    assert fitted.n_customers == 11104
    assert fitted.identified
    assert fitted.reason == ""
    assert fitted.aic == pytest.approx(66459.162548, abs=2e-6)
    assert fitted.bic == pytest.approx(4 * np.log(11104) + 66451.162548, abs=2e-6)


def test_log_likelihood_at_the_walkthrough_parameters(donors):
    assert bg_bb.log_likelihood(BTYD, donors) == pytest.approx(-33225.58, abs=0.006)


def test_a_new_donor_and_two_known_ones():
    """BTYD walkthrough, section 5.3."""
    assert model(BTYD).expected_purchases_new(10) == pytest.approx(3.179805, abs=2e-6)
    found = model(BTYD).expected_purchases(history([0, 4], [0, 5], 6), 10)
    assert found.tolist() == pytest.approx([0.1302169, 3.627858], rel=5e-7)


def test_who_is_alive_in_2002(fitted):
    """Table 6 of the paper: x = 0; x = 2, last in 1999; x = 6."""
    alive = fitted.p_alive(history([0, 2, 6], [0, 4, 6], 6))
    assert alive.tolist() == pytest.approx([0.11, 0.59, 0.93], abs=0.006)


def test_totals_of_the_published_spreadsheet(fitted, donors):
    """Hardie's spreadsheet: gifts in the five years 2002 to 2006, donors with none and with six."""
    total = (fitted.expected_purchases(donors, 5) * donors["n"]).sum()
    assert total == pytest.approx(12884.2, abs=0.06)
    assert 11104 * fitted.probability(0, 6) == pytest.approx(3454.9, abs=0.06)
    assert 11104 * fitted.probability(6, 6) == pytest.approx(1253.1, abs=0.06)


def test_forecast_by_number_of_gifts_and_by_the_last_one(donors):
    """BTYD walkthrough: mean forecast of the five years 2002 to 2006."""
    total = model(BTYD).expected_purchases(donors, 5) * donors["n"]
    by_x = total.groupby(donors["x"]).sum() / donors.groupby("x")["n"].sum()
    printed = [0.07286318, 0.3248841, 0.7089417, 1.333666, 2.031203, 2.784482, 3.752500]
    assert by_x.tolist() == pytest.approx(printed, rel=4e-7)
    by_last = total.groupby(donors["t_x"]).sum() / donors.groupby("t_x")["n"].sum()
    printed = [0.07286318, 0.0856939, 0.1798423, 0.4041111, 0.8510811, 1.726323, 3.027190]
    assert by_last.tolist() == pytest.approx(printed, rel=4e-7)


def test_gifts_of_each_year(donors):
    """BTYD walkthrough: expected gifts of all donors, 1996 to 2006."""
    each = 11104 * np.diff(model(BTYD).expected_purchases_new(np.arange(12)))
    printed = [5535.833, 4717.059, 4147.621, 3724.665, 3395.888, 3131.647]
    printed += [2913.778, 2730.482, 2573.731, 2437.854, 2318.727]
    assert each == pytest.approx(printed, abs=0.002)


def by_fractions(params, x, t_x, T, ahead):
    """Exact: likelihood, P(alive at T + 1), and P(k purchases at the next opportunities)."""
    alpha, beta, gamma, delta = map(Fraction, params)

    def rising(z, k):
        return math.prod((z + j for j in range(k)), start=Fraction(1))

    def bought(k, m):
        return rising(alpha, k) * rising(beta, m - k) / rising(alpha + beta, m)

    def stays(m):
        return rising(delta, m) / rising(gamma + delta, m)

    def leaves(m):
        return stays(m) * gamma / (gamma + delta + m)

    alive = bought(x, T) * stays(T)
    likelihood = alive + sum(bought(x, m) * leaves(m) for m in range(t_x, T))
    counts = []
    for k in range(ahead + 1):
        after = [math.comb(i, k) * bought(x + k, T + i) for i in range(ahead + 1)]
        gone = sum(after[i] * leaves(T + i) for i in range(ahead))
        counts.append((after[ahead] * stays(T + ahead) + gone) / likelihood)
    counts[0] += 1 - alive / likelihood
    going_on = bought(x, T) * stays(T + 1) / likelihood
    return float(likelihood), float(going_on), [float(p) for p in counts]


@pytest.mark.parametrize("params", [(1, 2, 3, 4), (0.001, 500, 0.25, 7), (1e6, 1e5, 0.0001, 0.01)])
@pytest.mark.parametrize(("x", "t_x", "T"), [(0, 0, 0), (0, 0, 9), (3, 5, 12), (12, 12, 12)])
def test_as_summed_in_exact_fractions(params, x, t_x, T):
    likelihood, alive, counts = by_fractions(params, x, t_x, T, 6)
    h, at = history(x, t_x, T), model(params)
    assert bg_bb.log_likelihood(at.params, h) == pytest.approx(np.log(likelihood), rel=1e-9)
    assert at.p_alive(h).item() == pytest.approx(alive, rel=1e-9, abs=0)
    assert at.purchase_probabilities(h, 6, 7)[0, :7].tolist() == pytest.approx(
        counts, rel=1e-9, abs=0
    )
    mean = sum(k * p for k, p in enumerate(counts))
    assert at.expected_purchases(h, 6).item() == pytest.approx(mean, rel=1e-9, abs=0)
    three = at.purchase_probabilities(h, 6, 3)[0]
    assert three.tolist() == pytest.approx([*counts[:3], sum(counts[3:])], rel=1e-9, abs=0)


def test_hard_histories_are_finite():
    rng = np.random.default_rng(3)
    for _ in range(20):
        at = model(10 ** rng.uniform(-4, 6, 4))
        h = history([0, 1, 4000, 10_000], [0, 10_000, 9000, 10_000], 10_000)
        assert np.isfinite([bg_bb.log_likelihood(at.params, h.iloc[[i]]) for i in range(4)]).all()
        assert at.p_alive(h).between(0, 1).all()
        sooner, later = at.discounted_purchases(h, 0.01, 500), at.discounted_purchases(h, 0.01)
        assert (np.isfinite(later) & (sooner <= later * (1 + 1e-9))).all()


def test_no_other_parameters_are_better(fitted, donors):
    for place in range(4):
        for factor in (1.01, 1 / 1.01):
            other = list(fitted.params)
            other[place] *= factor
            assert bg_bb.log_likelihood(bg_bb.Params(*other), donors) < fitted.log_likelihood


def test_simulated_donors_are_found_and_forecast():
    params = bg_bb.Params(1.2, 0.75, 0.66, 2.8)
    h, came = simulated(params, 8000, 8, seed=2)
    found = bg_bb.fit(h)
    assert (np.abs((np.array(found.params) - params) / found.std_errors) < 3).all()
    error = 4 * came.std() / len(came) ** 0.5
    assert found.expected_purchases(h, 5).mean() == pytest.approx(came.mean(), abs=error)


# Does it behave?


def test_discounted_purchases_are_those_of_each_opportunity(fitted, donors):
    ends = np.array([fitted.expected_purchases(donors, k) for k in range(401)])
    at = np.exp(-0.1 * np.arange(1, 401))
    within = (np.diff(ends, axis=0) * at[:, None])[:5].sum(axis=0)
    assert fitted.discounted_purchases(donors, 0.1, 5).to_numpy() == pytest.approx(within, rel=1e-9)
    for_ever = (np.diff(ends, axis=0) * at[:, None]).sum(axis=0)
    assert fitted.discounted_purchases(donors, 0.1).to_numpy() == pytest.approx(for_ever, rel=1e-9)
    assert (fitted.expected_purchases(donors, 0) == 0).all()


def test_donors_of_many_ages_are_forecast_as_each_alone(fitted):
    h = history([0, 2, 1, 4, 0], [0, 4, 9, 5, 0], [6, 9, 9, 5, 0])
    for forecast in (
        lambda rows: fitted.p_alive(rows).tolist(),
        lambda rows: fitted.expected_purchases(rows, 5).tolist(),
        lambda rows: fitted.discounted_purchases(rows, 0.1).tolist(),
        lambda rows: fitted.purchase_probabilities(rows, 5, 1)[:, 0].tolist(),
    ):
        alone = [forecast(h.iloc[[i]])[0] for i in range(len(h))]
        assert forecast(h) == pytest.approx(alone, rel=1e-12)


def test_at_a_pace_with_who_is_alive_the_next_opportunity_is_told(fitted, donors):
    one = fitted.pace(donors) * fitted.p_alive(donors)
    assert fitted.expected_purchases(donors, 1).tolist() == pytest.approx(one.tolist(), rel=1e-12)
    assert one.index.equals(donors.index)


def test_probabilities_of_new_donors_add_up_to_the_expectation(fitted):
    years = np.array([0, 1, 6, 30])
    p = np.array([fitted.probability(x, years) for x in range(31)])
    assert p.sum(axis=0) == pytest.approx(1, abs=1e-12)
    mean = (p * np.arange(31)[:, None]).sum(axis=0)
    assert mean == pytest.approx(fitted.expected_purchases_new(years), rel=1e-9)


def test_weights_and_order_do_not_matter(donors):
    few = donors.assign(n=(donors["n"] // 20).clip(lower=1))
    one_by_one = (
        few.loc[few.index.repeat(few["n"])].drop(columns="n").sample(frac=1, random_state=4)
    )
    once, again = bg_bb.fit(few), bg_bb.fit(one_by_one.reset_index(drop=True))
    assert once.params == pytest.approx(again.params, rel=1e-6)
    assert once.n_customers == again.n_customers == len(one_by_one)


# What if the data do not say it?


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_drop_out_it_says_so(seed):
    h, came = simulated((1.2, 1.5, 0, 1), 1500, 10, seed)
    found = bg_bb.fit(h)
    assert found.reason == "no_drop_out_found"
    assert not found.identified
    assert np.isfinite(found.params).all()
    assert found.expected_purchases(h, 5).sum() == pytest.approx(came.sum(), rel=0.05)


def test_one_probability_of_leaving_for_all_leaves_gamma_and_delta_open():
    rng = np.random.default_rng(0)
    stays = rng.geometric(0.1, 3000) - 1
    buys = rng.beta(1.2, 1.5, 3000)
    number = np.arange(1, 13)
    used = (rng.uniform(size=(3000, 12)) < buys[:, None]) & (number <= stays[:, None])
    h = history(used.sum(axis=1), np.where(used, number, 0).max(axis=1), 12)
    found = bg_bb.fit(h)
    _, _, gamma, delta = found.params
    assert gamma / (gamma + delta) == pytest.approx(0.1, abs=0.02)
    assert found.reason in ("", "parameters_run_off")
    assert found.identified == (found.reason == "")


def test_where_nobody_came_back_nothing_is_fitted():
    with pytest.raises(FitError, match="none of 3 customers bought again"):
        bg_bb.fit(history([0, 0, 0], 0, 9))


def test_what_is_no_history_of_opportunities_is_refused():
    with pytest.raises(InputError, match="not a whole number in 1 of 2 rows"):
        bg_bb.fit(history([1, 1], [2.0, 2.5], 6))
    with pytest.raises(InputError, match="more purchases than opportunities up to the last in 1"):
        bg_bb.fit(history([1, 3], 2, 6))
    for horizon in (2.5, -1, np.inf):
        with pytest.raises(InputError):
            model(BTYD).expected_purchases(history(1, 1, 2), horizon)
        with pytest.raises(InputError):
            model(BTYD).purchase_probabilities(history(1, 1, 2), horizon, 2)
    with pytest.raises(InputError):
        model(BTYD).discounted_purchases(history(1, 1, 2), 0.0)
