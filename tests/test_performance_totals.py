"""Sums as they are; their chance as theory has it; and which changes are none of chance."""

import time

import numpy as np
import pandas as pd
import pytest
import stable_business
from scipy.stats import binom

from cvm_analysis.performance import decomposition, figures, histories, totals

BUSINESSES = 100
SEEDS = range(BUSINESSES)


def wide(values):
    """One measure, one year: one value per customer."""
    columns = pd.MultiIndex.from_tuples([("m", 0)])
    index = pd.Index([f"c{n}" for n in range(len(values))], name="customer_id")
    return pd.DataFrame({"m": values}, index=index).set_axis(columns, axis=1)


def test_types_add_up_to_all_in_every_draw():
    table = wide(np.arange(10.0))
    types = pd.Series(["retail", "dealer"] * 5, table.index)
    found = totals.draw(table, types)
    parts = [found[kind].year("m", 0) for kind in ("retail", "dealer")]
    assert found["all"].year("m", 0) == pytest.approx(sum(parts))
    assert [each[0] for each in parts] == [20, 25] and len(parts[0]) == totals.DRAWS + 1
    assert np.isnan(found["all"].year("m", 1)).all() and not found["all"].has("other")


def test_a_sum_varies_as_a_compound_poisson_sum():
    """Its variance is the sum of squares; of 400 draws the estimate has an error of 3.5%."""
    values = np.random.default_rng(0).lognormal(0, 1, 15_000)  # more than are weighted at a time
    found = totals.draw(wide(values), pd.Series("retail", wide(values).index))["all"]
    draws = found.year("m", 0)[1:]
    expected = np.sqrt((values**2).sum())
    assert draws.std() == pytest.approx(expected, rel=4 * 0.035)
    assert draws.mean() == pytest.approx(values.sum(), abs=4 * expected / 20)


def test_an_interval_holds_nine_tenths_of_the_draws_and_p_is_of_the_normal_distribution():
    draws = np.random.default_rng(1).normal(2, 1, 400)
    draws = 2 + (draws - draws.mean()) / draws.std(ddof=1)
    found = totals.describe(np.concatenate([[1.959964], draws]))
    assert found["p_value"] == pytest.approx(0.05, abs=1e-6)
    assert ((draws >= found["low"]) & (draws <= found["high"])).mean() == pytest.approx(0.9)


@pytest.mark.parametrize("lost", [1, 41])
def test_a_change_that_too_many_draws_do_not_have_has_no_interval(lost):
    changes = np.arange(totals.DRAWS + 1.0)
    changes[1 : 1 + lost] = np.nan
    assert np.isnan(totals.describe(changes)["p_value"]) == (lost > 40)
    changes[0] = np.nan
    assert np.isnan(totals.describe(changes)["low"])


def test_what_cannot_vary_has_not_changed():
    assert totals.describe(np.zeros(totals.DRAWS + 1))["p_value"] == 1


def test_false_finds_are_controlled_as_in_the_published_example():
    """Benjamini & Hochberg (1995), section 4.1: of 15 p values, the four smallest are finds."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p = pd.Series([*p, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0, np.nan])
    found = totals.find_beyond_chance(p.sample(frac=1, random_state=0))
    assert found.dtype == bool and sorted(found.index[found]) == [0, 1, 2, 3]
    assert not totals.find_beyond_chance(pd.Series([np.nan])).any()


@pytest.fixture(scope="module")
def stable():
    """Changes of a business that does not change, for each seed: year_on_year, sales_change."""
    found = [compare(stable_business.simulate(np.random.default_rng(seed))) for seed in SEEDS]
    return [pd.concat(each, keys=SEEDS) for each in zip(*found, strict=True)]


def compare(sums):
    years, nothing = stable_business.YEARS, stable_business.NO_FEEDBACK
    drawn = totals.draw(histories.join(sums, years, nothing), stable_business.types_of(sums))
    return figures.compare(drawn).loc["all"], decomposition.decompose(drawn).loc["all"]


@pytest.mark.slow
def test_a_stable_business_is_told_to_change_as_rarely_as_promised(stable):
    """Under no change, the share of tables with a find is 5%: as many at most as by chance."""
    for table in stable:
        finds = table["beyond_chance"].groupby(level=0).any().sum()
        assert finds <= binom.isf(0.0005, BUSINESSES, totals.FALSE_FINDS)


@pytest.mark.slow
def test_p_values_of_each_figure_are_below_a_tenth_in_a_tenth_of_stable_businesses(stable):
    low, high = binom.interval(0.999, BUSINESSES, 0.1)
    for table in stable:
        counts = (table["p_value"] < 0.1).groupby(level=1).sum()
        assert len(counts) in (8, 3) and counts.between(low, high).all(), counts


@pytest.mark.slow
def test_intervals_of_stable_businesses_hold_no_change_nine_times_in_ten(stable):
    low, high = binom.interval(0.999, BUSINESSES, 0.9)
    for table in stable:
        holds = ((table["low"] <= 0) & (table["high"] >= 0)).groupby(level=1).sum()
        assert holds.between(low, high).all(), holds


def test_planted_changes_are_found_and_put_down_to_the_right_factor():
    rng = np.random.default_rng(7)
    sums = stable_business.simulate(rng, arrivals_per_year=800, last_year=1.5)
    compared, change = compare(sums)
    assert compared["beyond_chance"]["n_orders"] and change["beyond_chance"]["orders_per_customer"]
    assert not change["beyond_chance"]["value_per_order"]
    sums = stable_business.simulate(rng, arrivals_per_year=800, last_value=1.3)
    compared, change = compare(sums)
    assert compared["beyond_chance"][["net_sales", "value_per_order"]].all()
    assert not compared["beyond_chance"][["n_active", "n_orders", "return_share"]].any()
    row = change.loc["value_per_order"]
    assert row["beyond_chance"] and row["value"] / row["before"] == pytest.approx(1.3, abs=0.08)


def test_a_region_of_4000_customers_takes_less_than_a_third_of_a_second():
    sums = stable_business.simulate(np.random.default_rng(3), arrivals_per_year=1450)
    assert 3_500 < sums["customer_id"].nunique() < 4_500
    years, nothing = stable_business.YEARS, stable_business.NO_FEEDBACK
    table, types = histories.join(sums, years, nothing), stable_business.types_of(sums)
    needed = []
    for _ in range(3):
        start = time.process_time()
        totals.draw(table, types)
        needed.append(time.process_time() - start)
    assert min(needed) < 0.3
