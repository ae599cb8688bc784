"""Corrections of the default: they find what was planted, and leave alone what is right."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import challengers, dispersed, forecasts, histories, purchase_model
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.errors import InputError

R, ALPHA, T, WEEKS = 0.8, 10.0, 52.0, 26.0


class Told:
    """A default model: NBD at the parameters the customers were drawn with."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def p_alive(self, h):
        return pd.Series(0.5, h.index)

    def purchase_rate(self, h):
        return self.factor * purchase_model.posterior_rate(R, ALPHA, h)

    def expected_purchases(self, h, horizon):
        return self.purchase_rate(h) * horizon

    def discounted_purchases(self, h, rate, horizon=None):
        return self.purchase_rate(h) * (horizon or 1 / rate)


def people(n=4_000, seed=0, leaver=0.0):
    """Customers at an origin and what comes; with `leaver`, a low spend buys that much less."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(R, 1 / ALPHA, n)
    x = rng.poisson(rate * T)
    spend = rng.lognormal(3, 1, n)
    low = spend < np.exp(3)
    came = rng.poisson(rate * WEEKS * np.where(low, 1 - leaver, 1 + leaver))
    t_x = np.where(x > 0, np.round(T * 7 * x / (x + 1)) / 7, 0.0)
    table = pd.DataFrame({"x": x.astype(float), "t_x": t_x, "T": T, "net_sales": spend})
    table.index = [f"c{seed}-{i}" for i in range(n)]
    return table.assign(recent=0.0), pd.Series(came.astype(float), table.index), low


def learned(leaver=0.0, factor=1.0, then=None):
    before, came, _ = then or people(leaver=leaver)
    now, later, low = people(seed=1, leaver=leaver)
    default = Told(factor)
    origins = challengers.Origin(before, default), challengers.Origin(now, default)
    return challengers.fit(*origins, came, WEEKS), now, later, low


def test_a_default_at_half_of_the_actual_purchases_is_doubled():
    found, now, later, _ = learned(factor=0.5)
    assert found["rescaled"].forecast.factor == pytest.approx(2, rel=0.05)
    for model in found.values():
        assert model.expected_purchases(now, WEEKS).sum() == pytest.approx(later.sum(), rel=0.1)


def test_a_default_that_is_right_is_left_nearly_as_it_is():
    found, *_ = learned()
    assert found["rescaled"].forecast.factor == pytest.approx(1, abs=0.05)
    assert found["boosted"].forecast.factors.between(0.8, 1.25).mean() > 0.9


def test_trees_find_customers_who_buy_less_than_the_model_expects():
    found, now, later, low = learned(leaver=0.6)
    factors = found["boosted"].forecast.factors
    assert factors[low].mean() == pytest.approx(0.4, abs=0.1)
    assert factors[~low].mean() == pytest.approx(1.6, abs=0.15)
    scores = {
        code: predictive_distribution.log_score(model, now, WEEKS, later).mean()
        for code, model in found.items()
    }
    assert scores["boosted"] > scores["rescaled"] + 0.05


def test_trees_without_a_split_do_as_rescaling_does():
    """Purchases weigh, not customers: a mean of ratios would be far off for rare buyers."""
    before, came, low = people(n=30, seed=3)
    came = came + (before["x"] == 0)  # more than expected, from those of whom little was
    found, *_ = learned(then=(before, came, low))
    factor = found["rescaled"].forecast.factor
    assert (came / Told().expected_purchases(before, WEEKS)).mean() > 1.2 * factor
    assert found["boosted"].forecast.factors.to_numpy() == pytest.approx(factor)


def test_the_dispersion_of_the_trees_is_out_of_sample():
    """In the histories they grew on, trees look nearer to the truth than they are."""
    small = people(n=300)
    found, now, later, _ = learned(then=small)
    model = found["boosted"]
    told = predictive_distribution.log_score(model, now, WEEKS, later).mean()
    best = dispersed.Dispersed(Told(), found["rescaled"].dispersion, WEEKS)
    assert told > predictive_distribution.log_score(best, now, WEEKS, later).mean() - 0.1


def test_neither_the_order_of_rows_nor_ids_count_and_the_same_data_give_the_same():
    before, came, low = people(leaver=0.5)
    other = np.random.default_rng(5).permutation(len(before))
    renamed = [f"z{i}" for i in range(len(before))]
    mixed = before.iloc[other].set_axis(renamed), came.iloc[other].set_axis(renamed), low
    one, again = learned(then=(before, came, low))[0], learned(then=mixed)[0]
    pd.testing.assert_series_equal(
        one["boosted"].forecast.factors, again["boosted"].forecast.factors
    )
    assert one["boosted"].dispersion == again["boosted"].dispersion
    assert one["rescaled"].forecast.factor == again["rescaled"].forecast.factor


def test_columns_that_one_origin_lacks_are_left_out():
    before, came, low = people()
    found, *_ = learned(then=(before.drop(columns="net_sales"), came, low))
    assert found["boosted"].forecast.factors.notna().all()


@pytest.mark.parametrize(("n", "known"), [(4_000, 0), (60, 0), (60, 5), (12, 0)])
def test_a_feature_of_hardly_any_customer_changes_nothing(n, known):
    before, came, _ = people(n=n)
    now, _, _ = people(seed=1)
    origins = [challengers.Origin(each, Told()) for each in (before, now)]
    scarce = [
        each._replace(customers=each.customers.assign(return_share=np.nan)) for each in origins
    ]
    scarce[0].customers.iloc[:known, -1] = np.linspace(0, 1, known)
    without = challengers.fit(*origins, came, WEEKS)["boosted"]
    found = challengers.fit(*scarce, came, WEEKS)["boosted"]
    pd.testing.assert_series_equal(found.forecast.factors, without.forecast.factors)


def test_nothing_is_fitted_without_purchases():
    before, came, low = people(n=200)
    assert learned(then=(before, came * 0, low))[0] == {}


def test_both_answer_the_calls_of_a_model():
    found, now, *_ = learned(leaver=0.5)
    for code, model in found.items():
        h, key = forecasts.model_rows(model, now)
        assert model.code == code and model.p_alive(h).eq(0.5).all() and len(key) == len(now)
        expected = model.expected_purchases(h, WEEKS)
        assert expected.to_numpy() == pytest.approx((model.purchase_rate(h) * WEEKS).to_numpy())
        assert model.discounted_purchases(h, 0.0, WEEKS).sum() == pytest.approx(expected.sum())
    with pytest.raises(InputError, match="are no customers this forecast was made for"):
        found["boosted"].expected_purchases(histories.distinct(now)[0], WEEKS)


def test_trees_need_a_period_of_eight_weeks():
    before, came, _ = people(n=300)
    origins = [challengers.Origin(before, Told())] * 2
    assert set(challengers.fit(*origins, came, 7)) == {"rescaled"}
    assert set(challengers.fit(*origins, came, 8)) == {"rescaled", "boosted"}
