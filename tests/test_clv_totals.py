"""Totals: simulated ones hold what comes, regions add up draw by draw."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from test_clv_intervals import CODE, fitted, in_days, people, worth
from test_clv_numerics_simulation import HORIZON, lives

from cvm_analysis.clv import common_error, naive, totals, value
from cvm_analysis.clv.common_error import PastError
from cvm_analysis.errors import InputError
from cvm_analysis.tables import check

__all__ = ["fitted", "people", "worth"]  # fixtures
LARGE = [PastError("2024-12-31", 0.4, 0.0), PastError("2025-12-31", -0.3, 0.0)]


@pytest.fixture(scope="module")
def by(people):
    return pd.Series(np.where(people["x"] > 0, "more", "once"), people.index)


def forecast(people, worth, fitted, by, region="all", errors=((), ()), **more):
    return totals.draw(people, worth, *fitted, HORIZON, by, region, errors, **more)


@pytest.fixture(scope="module")
def drawn(people, worth, fitted, by):
    return forecast(people, worth, fitted, by)


def certain(draws):
    """The same draws without a common error."""
    return draws.assign(company_error=0.0, region_error=0.0)


@pytest.mark.slow
def test_without_a_common_error_totals_lie_between_their_limits_four_times_in_five(fitted):
    """The truth of 40 groups of 100 other customers, forecast by the model of the first."""
    held = []
    for seed in range(2):
        rows = lives(CODE, 2000, 100 + seed)
        rows = in_days(rows).assign(customer_type="retail", gross_sales=1.0, net_sales=1.0)
        by = pd.Series(np.arange(2000) % 20, rows.index).astype(str)
        table = value.estimate_by_type(rows, *fitted, HORIZON, 0.0, 1.0)
        draws = certain(forecast(rows, table, fitted, by))
        found = totals.estimate(draws, table, by).drop("all")
        came, brought = (rows[name].groupby(by).sum() for name in ("came", "brought"))
        held += [*came.between(found["expected_orders_low"], found["expected_orders_high"])]
        held += [*brought.between(found["expected_margin_low"], found["expected_margin_high"])]
    assert np.mean(held) == pytest.approx(0.8, abs=0.12)


def test_the_table_has_every_segment_and_all_with_the_sums_of_customers(drawn, worth, by):
    part = by.copy()
    part.iloc[0] = None  # in no segment
    found = totals.estimate(drawn, worth, part)
    assert found.index.tolist() == ["more", "once", "all"]
    assert found.loc["all", "n_customers"] == len(worth) - 1
    for name in ("expected_orders", "expected_margin"):
        assert found.loc["all", name] == pytest.approx(worth[name].iloc[1:].sum())
        assert found[name].between(found[f"{name}_low"], found[f"{name}_high"]).all()
    assert (found["n_past_periods"] == 0).all()
    check("value_totals", found.reset_index())
    check("value_draws", drawn.reset_index())


def test_draws_are_around_the_sums_of_customers(drawn, worth, by):
    for name, column in (("purchases", "expected_orders"), ("margin", "expected_margin")):
        means = drawn[name].groupby("segment").mean()
        assert means.to_numpy() == pytest.approx(worth[column].groupby(by).sum(), rel=0.03)


def test_a_prior_alone_widens_a_large_total(people, worth, fitted):
    everyone = pd.Series("any", people.index)
    draws = forecast(people, worth, fitted, everyone, draws=2000)
    found = totals.estimate(draws, worth, everyone).loc["all"]
    spread = np.log(found["expected_orders_high"] / found["expected_orders_low"]) / 2
    assert spread == pytest.approx(0.119 * student.ppf(0.9, 4), rel=0.1)
    narrow = totals.estimate(certain(draws), worth, everyone).loc["all"]
    width = found["expected_orders_high"] - found["expected_orders_low"]
    assert narrow["expected_orders_high"] - narrow["expected_orders_low"] < 0.4 * width


def test_a_company_is_the_sum_of_its_regions_draw_by_draw(people, worth, fitted, by):
    """Two regions of one size: where errors are their own, the limits of the sum are nearer."""
    half = np.arange(len(people)) % 2 == 0
    regions = [
        forecast(people[rows], worth[rows], fitted, by, name, ([], LARGE))
        for name, rows in (("east", half), ("west", ~half))
    ]
    company = totals.estimate(pd.concat(regions), worth, by)
    each = [
        totals.estimate(one, worth[rows], by)
        for one, rows in zip(regions, (half, ~half), strict=True)
    ]
    assert company.loc["all", "expected_margin"] == pytest.approx(
        sum(one.loc["all", "expected_margin"] for one in each)
    )
    width = company["expected_margin_high"] - company["expected_margin_low"]
    apart = sum(one["expected_margin_high"] - one["expected_margin_low"] for one in each)
    assert width["all"] < 0.9 * apart["all"]
    assert (company["n_past_periods"] == 2).all()

    factors = np.exp(pd.concat(regions)[["company_error", "region_error"]].sum(axis=1))
    by_hand = (pd.concat(regions)["margin"] * factors).groupby("draw").sum()
    ends = company.loc["all", ["expected_margin_low", "expected_margin_high"]]
    assert ends.to_numpy() == pytest.approx(np.quantile(by_hand, [0.1, 0.9]))


def test_errors_in_common_do_not_even_out(people, worth, fitted, by):
    half = np.arange(len(people)) % 2 == 0
    regions = [
        forecast(people[rows], worth[rows], fitted, by, name, (LARGE, LARGE))
        for name, rows in (("east", half), ("west", ~half))
    ]
    wide = totals.estimate(pd.concat(regions), worth, by).loc["all"]
    spread = np.log(wide["expected_orders_high"] / wide["expected_orders_low"]) / 2
    assert spread == pytest.approx(common_error.fit(LARGE).scale * student.ppf(0.9, 6), rel=0.1)


def test_order_and_other_groups_do_not_matter(people, worth, fitted, by, drawn):
    order = people.sample(frac=1, random_state=3).index
    new = {old: f"new {i}" for i, old in enumerate(order)}
    renamed, mixed = people.loc[order].rename(index=new), worth.sample(frac=1, random_state=4)
    again = forecast(renamed, mixed.rename(index=new), fitted, by.rename(index=new))
    pd.testing.assert_frame_equal(again, drawn, rtol=1e-12)
    one = forecast(people, worth, fitted, by.where(by == "more"))
    pd.testing.assert_frame_equal(one, drawn.xs("more", level="segment", drop_level=False))


def test_a_factor_scales_draws_as_it_scales_values(people, worth, fitted, by, drawn):
    scaled = forecast(people, value.scale(worth, 1.5), fitted, by, factor=1.5)
    for name in ("purchases", "margin"):
        assert scaled[name].to_numpy() == pytest.approx(1.5 * drawn[name].to_numpy())


def test_a_forecast_that_is_only_a_mean_counts_as_poisson(people, worth, fitted, by):
    own = {"retail": naive.OwnRate()}, {"retail": naive.OwnMean(1.0)}
    everything = people.assign(gross_sales=1.0, net_sales=1.0)
    table = value.estimate_by_type(everything, *own, HORIZON, 0, 1)
    draws = forecast(people, table, own, by)["purchases"].groupby("segment")
    mean = table["expected_orders"].groupby(by).sum()
    assert draws.mean().to_numpy() == pytest.approx(mean.to_numpy(), rel=0.02)
    assert draws.var()["more"] == pytest.approx(mean["more"], rel=0.2)


def test_the_models_own_variance_of_a_log_total(people, worth, fitted):
    """Of Poisson numbers with a mean of 400 in all: 1 / 400."""
    few = people.head(100)
    expected = pd.Series(4.0, few.index)
    found = totals.total_variance(few, naive.OwnRate(), HORIZON, expected)
    assert found == pytest.approx(1 / 400, rel=0.35)
    model = fitted[0]["retail"]
    total = model.expected_purchases(few, HORIZON)
    assert totals.total_variance(few, model, HORIZON, total) > 1 / total.sum()


def test_nobody_has_no_range(people, worth, fitted, by):
    draws = forecast(people, worth.head(0), fitted, by)
    found = totals.estimate(draws, worth.head(0), by)
    assert found.index.tolist() == ["all"] and found["n_customers"].tolist() == [0]
    assert found["expected_margin_low"].isna().all()


def test_too_few_draws_are_refused(people, worth, fitted, by):
    with pytest.raises(InputError):
        forecast(people, worth, fitted, by, draws=10)
