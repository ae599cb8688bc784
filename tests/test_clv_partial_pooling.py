"""Small regions forecast better with prior data; large ones hardly change."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import bg_nbd, histories, nbd, pareto_nbd, partial_pooling
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.errors import FitError, InputError


def region(n, seed, r=0.7, alpha=9.0):
    """Customers of an NBD business, and what they buy in the next 26 weeks."""
    rng = np.random.default_rng(seed)
    T = rng.integers(70, 500, n) / 7
    rate = rng.gamma(r, 1 / alpha, n)
    x = rng.poisson(rate * T)
    customers = pd.DataFrame({"x": x, "t_x": np.where(x > 0, T, 0.0), "T": T})
    return customers, pd.Series(rng.poisson(rate * 26))


def score_of(customers, came):
    return lambda model: predictive_distribution.log_score(model, customers, 26, came)


@pytest.fixture(scope="module")
def others():
    return histories.distinct(region(5000, 0, r=0.8, alpha=10)[0])[0]


def test_small_regions_forecast_better_together(others):
    """80 regions of 12 customers, each fitted on the past and scored on the future."""
    alone, together = [], []
    for seed in range(1, 81):
        customers, came = region(12, seed)
        score = score_of(customers, came)
        alone.append(score(nbd.fit(customers)).mean())
        found = partial_pooling.fit(nbd, customers, others, [100.0])
        together.append(score(found.model).mean())
        assert partial_pooling.PriorData(others, found.kappa).own_share(12) == pytest.approx(
            12 / 112
        )
    gain = np.subtract(together, alone)
    assert gain.mean() > 2 * gain.std() / np.sqrt(len(gain))


def test_a_large_region_keeps_nearly_its_own_fit(others):
    customers, came = region(5000, 50)
    own = nbd.fit(customers)
    found = partial_pooling.fit(nbd, customers, others, score=score_of(customers, came))
    assert partial_pooling.PriorData(others, found.kappa).own_share(5000) >= 5000 / 6000
    assert found.model.params == pytest.approx(own.params, rel=0.05)
    expected = own.expected_purchases(customers, 26).sum()
    assert found.model.expected_purchases(customers, 26).sum() == pytest.approx(expected, rel=0.01)


def test_small_countries_of_online_retail(online_retail):
    """Chosen on 13 weeks to June, scored on 23 weeks after: -1.76 alone, better together."""
    country = online_retail.groupby("customer_id")["country"].first()
    days = online_retail[["customer_id", "day"]].drop_duplicates()
    then, now = known(days, "2011-03-31", 13), known(days, "2011-06-30", 23)
    log_scores = []
    for name in ("France", "Germany", "Belgium", "Spain", "Portugal", "Switzerland", "Australia"):
        (own_then, others_then), (own, others) = (
            (table[here], table[~here])
            for table, here in ((t, country.reindex(t.index) == name) for t in (then, now))
        )
        score = lambda m, c=own_then: predictive_distribution.log_score(m, c, 13, c["came"])  # noqa: E731
        kappa = partial_pooling.fit(nbd, own_then, others_then, score=score).kappa
        alone, together = (
            predictive_distribution.log_score(
                partial_pooling.fit(nbd, own, others, [k]).model, own, 23, own["came"]
            )
            for k in (0, kappa)
        )
        log_scores.append(pd.DataFrame({"alone": alone, "together": together}))
    every = pd.concat(log_scores)
    assert len(every) == 193
    assert every["alone"].mean() == pytest.approx(-1.79, abs=0.01)
    assert every["together"].mean() > every["alone"].mean() + 0.03


def known(days, end, weeks):
    end = pd.Timestamp(end)
    seen = days[days["day"] <= end].groupby("customer_id")["day"].agg(["size", "min", "max"])
    until = end + pd.Timedelta(weeks=weeks)
    came = days[(days["day"] > end) & (days["day"] <= until)].groupby("customer_id").size()
    weeks_between = (seen["max"] - seen["min"]).dt.days / 7
    return pd.DataFrame(
        {
            "x": seen["size"] - 1,
            "t_x": weeks_between,
            "T": (end - seen["min"]).dt.days / 7,
            "came": came.reindex(seen.index, fill_value=0),
        }
    )


@pytest.mark.parametrize("module", [nbd, bg_nbd, pareto_nbd])
def test_kappa_customers_weigh_as_much_as_kappa_customers(module, cdnow):
    """Others that are copies of the own: whatever kappa, the fit is the same."""
    own, _ = histories.distinct(cdnow.iloc[::4])
    copies = own.assign(n=own["n"] * 7)
    found = partial_pooling.fit(module, own, copies, [100.0]).model
    assert found.params == pytest.approx(module.fit(own).params, rel=1e-4)
    assert found.n_customers == own["n"].sum() + 100


def test_the_others_count_as_kappa_customers_however_many_they_are(others):
    own = region(30, 3)[0]
    table = partial_pooling.combine(own, others, 120)
    assert table["n"].sum() == pytest.approx(150)
    assert partial_pooling.combine(own, others, 0)["n"].sum() == 30
    few = partial_pooling.fit(nbd, own, others.head(5).assign(n=1), [1000.0])
    assert few.kappa == 5
    none = partial_pooling.fit(nbd, own, others.head(0), [100.0])
    assert none.kappa == 0 and partial_pooling.PriorData(others, none.kappa).own_share(30) == 1
    assert none.model.params == pytest.approx(nbd.fit(own).params)


def test_the_best_score_wins_and_of_equal_ones_the_smallest_kappa(others):
    own, came = region(30, 4)
    found = partial_pooling.fit(nbd, own, others, (0, 30, 300), score_of(own, came))
    assert found.kappa == found.scores.idxmax()
    assert found.scores.index.tolist() == [0, 30, 300] and found.scores.notna().all()
    same = partial_pooling.fit(nbd, own, others, (300, 30), lambda _: pd.Series([1.0]))
    assert same.kappa == 30


def test_a_region_without_repeat_purchases_uses_prior_data_only(others):
    own = pd.DataFrame({"x": [0, 0], "t_x": 0.0, "T": [10.0, 20.0]})
    found = partial_pooling.fit(nbd, own, others, (0, 30), lambda _: pd.Series([1.0]))
    assert found.kappa == 30 and np.isnan(found.scores[0])
    with pytest.raises(FitError, match="2 own customers with kappas"):
        partial_pooling.fit(nbd, own, others, [0])


def test_order_does_not_matter(others):
    own, came = region(40, 5)
    once = partial_pooling.fit(nbd, own, others, score=score_of(own, came))
    order = np.random.default_rng(1).permutation(40)
    mixed = own.iloc[order], others.sample(frac=1, random_state=2)
    again = partial_pooling.fit(nbd, *mixed, score=score_of(own.iloc[order], came.iloc[order]))
    assert again.kappa == once.kappa and again.model.params == once.model.params


@pytest.mark.parametrize("kappas", [[], [-1], [np.inf], [np.nan]])
def test_kappas_that_are_no_customers_are_refused(kappas, others):
    with pytest.raises(InputError, match="give numbers of customers"):
        partial_pooling.fit(nbd, others, others, kappas)


def test_a_choice_needs_a_score(others):
    with pytest.raises(InputError, match="2 kappas and no score"):
        partial_pooling.fit(nbd, others, others, [10, 30])
