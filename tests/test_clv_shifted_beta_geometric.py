"""Shifted beta-geometric against the two segments of Fader & Hardie (2007), and exact sums."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy.special import hyp2f1

from cvm_analysis.clv import shifted_beta_geometric as sbg
from cvm_analysis.errors import FitError, InputError

# Of 1,000 customers of each segment, those still there after 0, 1, ..., 7 years.
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]


def model(alpha, beta):
    nan = sbg.Params(np.nan, np.nan)
    params = sbg.Params(alpha, beta)
    return sbg.ShiftedBetaGeometric(params, nan, np.empty((2, 2)), 0.0, 1, True, "")


def running(renewals):
    return pd.DataFrame({"renewals": np.atleast_1d(renewals), "lost": False})


# Is it right?


@pytest.mark.parametrize(
    ("there", "alpha", "beta", "total"),
    [(HIGH_END, 0.668, 3.806, -1611.2), (REGULAR, 0.704, 1.182, -1680.3)],
    ids=["High End", "Regular"],
)
def test_parameters_are_the_published_ones(there, alpha, beta, total):
    found = sbg.fit(sbg.cohort(there))
    assert found.params == pytest.approx((alpha, beta), abs=0.0006)
    assert found.log_likelihood == pytest.approx(total, abs=0.06)
    assert found.n_customers == 1000
    assert found.identified
    assert found.aic == pytest.approx(4 - 2 * total, abs=0.2)
    assert found.bic == pytest.approx(2 * np.log(1000) - 2 * total, abs=0.2)


@pytest.mark.parametrize("params", [(2, 3), (0.001, 4), (5000, 0.01), (0.5, 1e6)])
def test_survival_and_retention_as_in_exact_fractions(params):
    alpha, beta = map(Fraction, params)

    def stays(k, since=0):
        return float(math.prod((beta + j) / (alpha + beta + j) for j in range(since, since + k)))

    at = model(*params)
    assert at.survival(np.arange(9)) == pytest.approx(
        [stays(k) for k in range(9)], rel=1e-12, abs=0
    )
    ratios = [stays(1, k) for k in range(8)]
    assert at.retention(np.arange(1, 9)) == pytest.approx(ratios, rel=1e-12, abs=0)
    found = at.p_renewing(running([0, 4]), 5)
    assert found.tolist() == pytest.approx([stays(5), stays(5, 4)], rel=1e-12, abs=0)
    for rate in (0.0, 0.1):
        sums = [sum(stays(k, s) * np.exp(-rate * k) for k in range(1, 13)) for s in (0, 4)]
        ours = at.discounted_renewals(running([0, 4]), rate, 12)
        assert ours.tolist() == pytest.approx(sums, rel=1e-11, abs=0)
    assert at.expected_renewals(running([0, 4]), 12).tolist() == pytest.approx(
        at.discounted_renewals(running([0, 4]), 0.0, 12).tolist()
    )


def test_residual_lifetime_is_the_closed_form():
    """[2]: after n - 1 renewals, the next one due, at a discount rate of d a period."""
    d, n = 0.1, np.arange(1, 6)
    for alpha, beta in ((0.668, 3.806), (0.704, 1.182)):
        first = (beta + n - 1) / (alpha + beta + n - 1)
        closed = first * hyp2f1(1, beta + n, alpha + beta + n, 1 / (1 + d))
        ours = model(alpha, beta).discounted_renewals(running(n - 1), np.log1p(d)) * (1 + d)
        assert ours.to_numpy() == pytest.approx(closed, rel=1e-10)


def test_likelihood_is_that_of_when_each_contract_ended():
    at, h = model(0.7, 1.2), sbg.cohort([10, 6, 3])
    ends = at.survival(np.arange(2)) - at.survival(np.arange(1, 3))
    expected = 4 * np.log(ends[0]) + 3 * np.log(ends[1]) + 3 * np.log(at.survival(2))
    assert sbg.log_likelihood(at.params, h) == pytest.approx(float(expected))
    assert h.to_dict("list") == {
        "renewals": [0, 1, 2],
        "lost": [True, True, False],
        "n": [4.0, 3.0, 3.0],
    }


def test_no_other_parameters_are_better():
    h = sbg.cohort(REGULAR)
    found = sbg.fit(h)
    for place in range(2):
        for factor in (1.01, 1 / 1.01):
            other = list(found.params)
            other[place] *= factor
            assert sbg.log_likelihood(sbg.Params(*other), h) < found.log_likelihood


def test_simulated_contracts_of_many_ages_are_found_within_their_errors():
    rng = np.random.default_rng(6)
    renewals = rng.geometric(rng.beta(0.7, 1.2, 6000)) - 1
    age = rng.integers(1, 12, 6000)
    h = pd.DataFrame({"renewals": np.minimum(renewals, age), "lost": renewals < age})
    found = sbg.fit(h)
    assert (np.abs((np.array(found.params) - (0.7, 1.2)) / found.std_errors) < 3).all()
    grouped = h.groupby(["renewals", "lost"]).size().rename("n").reset_index()
    assert sbg.fit(grouped.iloc[::-1]).params == pytest.approx(found.params, rel=1e-6)


# Does it behave?


def test_retention_rises_and_survival_falls_though_nobody_changes():
    at = model(0.668, 3.806)
    assert (np.diff(at.retention(np.arange(1, 40))) > 0).all()
    assert (np.diff(at.survival(np.arange(40))) < 0).all()
    assert at.survival(0) == 1


def test_the_lost_renew_no_more_and_the_index_is_kept():
    h = pd.DataFrame({"renewals": [2, 2], "lost": [True, False]}, index=["a", "b"])
    at = model(0.668, 3.806)
    forecasts = at.p_renewing(h, 1), at.expected_renewals(h, 4), at.discounted_renewals(h, 0.1)
    for forecast in forecasts:
        assert forecast["a"] == 0
        assert forecast["b"] > 0
        assert forecast.index.equals(h.index)


def test_hard_parameters_are_finite():
    rng = np.random.default_rng(5)
    for _ in range(30):
        at = model(*10 ** rng.uniform(-4, 6, 2))
        h = running([0, 10_000])
        within, for_ever = at.discounted_renewals(h, 1e-4, 10_000), at.discounted_renewals(h, 1e-4)
        assert (np.isfinite(for_ever) & (within <= for_ever * (1 + 1e-9))).all()
        each = np.cumprod(at.retention(np.arange(1, 10_001)))
        assert at.expected_renewals(h, 10_000)[0] == pytest.approx(each.sum(), rel=1e-9)


# What if the data do not say it?


def test_one_renewal_only_tells_the_mean_and_not_the_spread():
    found = sbg.fit(sbg.cohort([1000, 700]))
    assert found.reason == "parameters_diverged"
    assert not found.identified
    assert found.retention(1) == pytest.approx(0.7, rel=1e-3)


def test_one_probability_for_all_runs_off_and_still_projects():
    found = sbg.fit(sbg.cohort([10000, 8000, 6400, 5120, 4096]))
    assert found.reason == "parameters_diverged"
    assert np.isfinite(found.params).all()
    assert found.survival(6) == pytest.approx(0.8**6, rel=1e-2)


def test_where_none_ended_or_none_was_renewed_nothing_is_fitted():
    for there, message in (([50, 50], "50 contracts 0 ended"), ([50, 0], "and 0 renewals were")):
        with pytest.raises(FitError, match=message):
            sbg.fit(sbg.cohort(there))


def test_what_is_no_contract_is_refused():
    h = pd.DataFrame({"renewals": [1.5, 2], "lost": [True, None]})
    with pytest.raises(InputError, match=r"whole number of 0 or more in 1 of 2 .* lost is neither"):
        sbg.fit(h)
    with pytest.raises(InputError, match=r"missing: .*lost"):
        sbg.fit(h[["renewals"]])
    for there in ([10], [10, 11], [10, -1], [10, np.nan]):
        with pytest.raises(InputError, match="two or more numbers that never rise"):
            sbg.cohort(there)
    for wrong in (0.5, -1, np.inf):
        with pytest.raises(InputError):
            model(1, 2).survival(wrong)
        with pytest.raises(InputError):
            model(1, 2).discounted_renewals(running(1), 0.1, wrong)
    with pytest.raises(InputError):
        model(1, 2).discounted_renewals(running(1), 0.0)


# Contracts that were not seen from their start


def test_who_is_seen_late_counts_from_there_on():
    """S(renewals) / S(entered), from exact products; the hidden renewals say nothing."""
    rows = pd.DataFrame(
        {"renewals": [3, 5, 2], "lost": [True, False, True], "entered": [2, 4, 0], "n": [1, 2, 3]}
    )
    params = sbg.Params(0.7, 1.9)
    at = model(*params)
    left, stays = (lambda k: at.survival(k) - at.survival(k + 1)), at.survival
    by_hand = (
        math.log(left(3) / stays(2)) + 2 * math.log(stays(5) / stays(4)) + 3 * math.log(left(2))
    )
    assert sbg.log_likelihood(params, rows) == pytest.approx(by_hand, rel=1e-12)


def test_late_entry_leaves_the_parameters_as_they_were():
    """Who has left before being seen is not in the table; without `entered` all seem to stay."""
    rng = np.random.default_rng(3)
    n, most = 40_000, 6
    lasts, entered = rng.geometric(rng.beta(0.668, 3.806, n)), rng.integers(0, 4, n)
    lost = lasts <= most
    rows = pd.DataFrame(
        {"renewals": np.where(lost, lasts - 1, most), "lost": lost, "entered": entered}
    )
    seen = rows[rows["renewals"] >= rows["entered"]]
    assert sbg.fit(seen).params == pytest.approx((0.668, 3.806), rel=0.15)
    naive = sbg.fit(seen.drop(columns="entered")).retention(1)
    assert naive > sbg.fit(seen).retention(1) + 0.03


@pytest.mark.parametrize("entered", [-1, 0.5, 4, np.nan])
def test_nobody_enters_after_the_end(entered):
    rows = pd.DataFrame({"renewals": [3, 3], "lost": [True, False], "entered": [0, entered]})
    with pytest.raises(InputError, match=r"entered is no whole number .* 1 of 2 rows"):
        sbg.fit(rows)
