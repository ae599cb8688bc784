"""Value: weeks stay weeks, money is discounted once, nobody is lost."""

import numpy as np
import pandas as pd
import pytest
from lifetimes.datasets import load_cdnow_summary_data_with_monetary_value

from cvm_analysis.clv import bg_nbd, gamma_gamma, histories, nbd, value
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.errors import InputError
from cvm_analysis.tables import check


@pytest.fixture(scope="module")
def models(cdnow):
    h, _ = histories.distinct(cdnow)
    return bg_nbd.fit(h), gamma_gamma.fit(cdnow)


def test_one_year_of_cdnow_with_weeks_as_weeks():
    """Twelve months of 4.345 weeks at 1 % a month: 71,509.90 in all, 36.2785 for customer 1.

    lifetimes 0.11.3 with freq="W" on its own summary table. Its quickstart prints 140.10 for
    customer 1, with 30 weeks to the month. It discounts at the end of each month; so does the first
    half of this test. `value.estimate` discounts each purchase from its day, on average half a
    month less: the same total is about half a percent higher.
    """
    summary = load_cdnow_summary_data_with_monetary_value()
    customers = pd.DataFrame(
        {
            "x": summary["frequency"],
            "t_x": summary["recency"],
            "T": summary["T"],
            "spend_per_repeat_day": summary["monetary_value"].where(summary["frequency"] > 0),
        }
    )
    h, key = histories.distinct(customers)
    model, spend = bg_nbd.fit(h), gamma_gamma.fit(customers)
    until = [model.expected_purchases(h, 4.345 * month) for month in range(13)]
    months = sum((until[i] - until[i - 1]) / 1.01**i for i in range(1, 13))
    by_month = months.loc[key].set_axis(key.index) * spend.expected_spend(customers)
    assert by_month.sum() == pytest.approx(71_509.90, rel=1e-4)
    assert by_month.iloc[0] == pytest.approx(36.2785, rel=1e-3)
    assert by_month.iloc[5] == pytest.approx(283.5236, rel=1e-3)

    year = 12 * 4.345
    annual = np.exp(12 * np.log(1.01) / year * 365.25 / 7) - 1
    ours = value.estimate(customers, model, spend, year, annual, margin=1.0)["expected_margin"]
    assert ours.sum() / by_month.sum() == pytest.approx(1.01**0.5, abs=0.0005)
    assert ours.iloc[0] == pytest.approx(36.46, abs=0.05)


def test_without_discount_value_is_orders_times_spend_times_margin(cdnow, models):
    model, spend = models
    table = value.estimate(cdnow, model, spend, 52, 0.0, 0.35)
    money = table["expected_orders"] * spend.expected_spend(cdnow) * 0.35
    assert table["expected_margin"].to_numpy() == pytest.approx(money.to_numpy(), rel=1e-12)
    assert table.index.equals(cdnow.index)
    assert list(table)[:3] == ["model", "p_alive", "expected_orders"]
    assert (table["model"] == "bg_nbd").all()
    expected = model.expected_purchases(cdnow, 52)
    assert table["expected_orders"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9)


def test_a_discount_takes_about_half_a_years_interest(cdnow, models):
    plain = value.estimate(cdnow, *models, 52, 0.0, 1.0)
    discounted = value.estimate(cdnow, *models, 52, 0.10, 1.0)
    assert discounted["expected_orders"].equals(plain["expected_orders"])
    kept = discounted["expected_margin"] / plain["expected_margin"]
    assert kept.between(1 / 1.10, 1).all()
    assert discounted["expected_margin"].sum() / plain["expected_margin"].sum() == pytest.approx(
        1.1**-0.5, abs=0.01
    )


def test_a_margin_by_customer(cdnow, models):
    margins = pd.Series(np.linspace(0.1, 0.6, len(cdnow)), cdnow.index)
    full = value.estimate(cdnow, *models, 52, 0.1, 1.0)["expected_margin"]
    each = value.estimate(cdnow, *models, 52, 0.1, margins[::-1])["expected_margin"]
    pd.testing.assert_series_equal(each, full * margins, check_names=False)
    with pytest.raises(InputError, match="1 of 2,357 customers have no margin"):
        value.estimate(cdnow, *models, 52, 0.1, margins[1:])


def test_customers_without_purchase_have_no_row(cdnow, models):
    prospect = pd.DataFrame({"x": [np.nan]}, index=["prospect"])
    table = value.estimate(pd.concat([cdnow, prospect]), *models, 52, 0.1, 1.0)
    assert table.index.equals(cdnow.index)


def test_a_model_without_drop_out_leaves_p_alive_empty(cdnow, models):
    table = value.estimate(cdnow, nbd.fit(cdnow), models[1], 52, 0.1, 1.0)
    assert (table["model"] == "nbd").all()
    assert table["p_alive"].isna().all()
    assert (table["expected_margin"] > 0).all()


def test_a_year_of_weekly_rates_is_the_annual_rate():
    weeks_a_year = 365.25 / 7
    assert np.exp(value.weekly_rate(0.10) * weeks_a_year) == pytest.approx(1.10, rel=1e-12)
    with pytest.raises(InputError, match=r"0\.10 is ten percent"):
        value.weekly_rate(-1.0)


def test_value_at_risk_is_what_never_leaving_would_add(cdnow, models):
    """P(alive) x (rate x discounted weeks - purchases given alive), by a plain sum over weeks."""
    model, spend = models
    few = cdnow.head(40)
    table = value.estimate(few, model, spend, 52, 0.10, 0.35)
    rate = value.weekly_rate(0.10)
    r, alpha, _, _ = model.params
    days = np.arange(0.5, 364) / 7
    weeks = np.exp(-rate * days).sum() / 7
    staying = (r + few["x"]) / (alpha + few["T"]) * weeks * spend.expected_spend(few) * 0.35
    retained = model.p_alive(few) * staying
    assert table["expected_margin_if_retained"].to_numpy() == pytest.approx(
        retained.to_numpy(), rel=1e-6
    )
    risk = retained - table["expected_margin"]
    assert table["margin_at_stake"].to_numpy() == pytest.approx(risk.to_numpy(), rel=1e-4, abs=1e-6)
    lost = (1 - model.p_alive(few)) * staying
    assert table["churned_value"].to_numpy() == pytest.approx(lost.to_numpy(), rel=1e-6)


def test_value_at_risk_is_never_negative_nor_above_the_value_if_retained(cdnow, models):
    table = value.estimate(cdnow, *models, 52, 0.10, 1.0)
    assert (table["margin_at_stake"] >= 0).all()
    assert (table["margin_at_stake"] <= table["expected_margin_if_retained"]).all()
    assert table["margin_at_stake"].sum() > 0


def test_without_drop_out_nothing_is_at_risk(cdnow, models):
    table = value.estimate(cdnow, nbd.fit(histories.distinct(cdnow)[0]), models[1], 52, 0.10, 1.0)
    assert table["expected_margin_if_retained"].to_numpy() == pytest.approx(
        table["expected_margin"].to_numpy()
    )
    assert table["margin_at_stake"].abs().max() < 1e-9
    assert (table["churned_value"] == 0).all()


def test_the_median_is_a_whole_number_at_most_twice_the_mean_and_one(cdnow, models):
    table = value.estimate(cdnow, *models, 52, 0.1, 1.0)
    median = table["expected_orders_median"]
    expected = predictive_distribution.median(models[0], cdnow, 52)
    assert median.tolist() == expected.tolist()
    assert (median <= 2 * table["expected_orders"] + 1).all()
    assert median.sum() < table["expected_orders"].sum()


def test_a_forecast_without_probabilities_has_no_median(cdnow, models):
    class Plain:
        code = "plain"

        def __init__(self, model):
            self.p_alive, self.purchase_rate = model.p_alive, model.purchase_rate
            self.expected_purchases = model.expected_purchases
            self.discounted_purchases = model.discounted_purchases

    table = value.estimate(cdnow, Plain(models[0]), models[1], 52, 0.1, 1.0)
    assert table["expected_orders_median"].isna().all()
    assert (table["expected_margin"] > 0).all()


def test_value_for_ever_is_the_limit_of_long_horizons(cdnow, models):
    few = cdnow.iloc[::20]
    for model in (models[0], nbd.fit(cdnow)):
        table = value.estimate(few, model, models[1], 52, 0.10, 0.5)
        long = value.estimate(few, model, models[1], 52 * 300, 0.10, 0.5)["expected_margin"]
        assert table["value_residual"].to_numpy() == pytest.approx(long.to_numpy(), rel=1e-6)
        assert (table["value_residual"] > table["expected_margin"]).all()


def test_without_discount_for_ever_has_no_value(cdnow, models):
    assert value.estimate(cdnow, *models, 52, 0.0, 1.0)["value_residual"].isna().all()


def test_returns_are_taken_off_everybody_by_one_share(cdnow, models):
    full = value.estimate(cdnow, *models, 52, 0.1, 0.4)
    less = value.estimate(cdnow, *models, 52, 0.1, 0.4, return_share=0.25)
    for name in (
        "expected_margin",
        "expected_margin_if_retained",
        "margin_at_stake",
        "value_residual",
    ):
        assert less[name].to_numpy() == pytest.approx(0.75 * full[name].to_numpy())
    assert less["expected_orders"].equals(full["expected_orders"])


def test_types_are_valued_by_their_own_models_and_returns(cdnow, models):
    kinds = np.where(np.arange(len(cdnow)) % 3, "retail", "dealer")
    people = cdnow.assign(customer_type=kinds, gross_sales=100.0, net_sales=np.where(
        kinds == "dealer", 50.0, 100.0))  # fmt: skip
    people.iloc[0, people.columns.get_loc("x")] = np.nan
    other = nbd.fit(histories.distinct(cdnow)[0]), models[1]
    by_type = {"retail": models[0], "dealer": other[0]}
    table = value.estimate_by_type(people, by_type, dict.fromkeys(by_type, models[1]), 52, 0.1, 0.4)
    bought = people.iloc[1:]
    assert table.index.equals(bought.index)
    dealers = bought[bought["customer_type"] == "dealer"]
    alone = value.estimate(dealers, *other, 52, 0.1, 0.4, return_share=0.5)
    pd.testing.assert_frame_equal(table.loc[dealers.index], alone)
    only = {"retail": models[0]}, {"retail": models[1]}
    retail = value.estimate_by_type(people, *only, 52, 0.1, 0.4)
    pd.testing.assert_frame_equal(retail, table[bought["customer_type"] == "retail"])


def test_a_factor_scales_what_adds_up_and_nothing_else(cdnow, models):
    table = value.estimate(cdnow, *models, 52, 0.1, 0.4)
    twice = value.scale(table, 2)
    for name in table.select_dtypes(float):
        times = 2 if name in value.SCALED else 1
        assert twice[name].to_numpy() == pytest.approx(times * table[name].to_numpy())
    kept = {"model", "p_alive", "expected_orders_median", "spend_is_individual"}
    assert kept == set(table) - set(value.SCALED)


def test_spend_is_marked_as_ones_own(cdnow, models):
    table = value.estimate(cdnow, *models, 52, 0.1, 1.0)
    assert table["spend_is_individual"].tolist() == (cdnow["x"] > 0).tolist()
    check("value", table.reset_index(names="customer_id"))


@pytest.fixture
def grouped():
    ids = list("abcd")
    worth = pd.DataFrame(
        {"expected_margin": [1.0, 2, 3, 4], "value_residual": [10.0, 20, 30, 40]}, ids
    )
    customers = pd.DataFrame(
        {
            "net_sales": [100.0, 200, 300, 400],
            "margin_total": [50.0, np.nan, 90, 80],
            "channel": ["web", "shop", "web", None],
            "first_order": pd.to_datetime(["2024-01-01", "2024-03-31", "2024-04-01", None]),
        },
        ids,
    )
    return worth, customers


def test_value_by_channel(grouped):
    table = value.sum_by_group(*grouped, "channel", 0.3)
    assert table.index.tolist() == ["shop", "web"]
    assert table.loc["web"].to_dict() == {
        "n_customers": 2, "margin_so_far": 140, "expected_margin": 4, "value_residual": 40,
        "margin_so_far_mean": 70, "expected_margin_mean": 2, "value_residual_mean": 20,
    }  # fmt: skip
    assert table.loc["shop", "margin_so_far"] == pytest.approx(60)  # 200 at 30 %


def test_value_by_quarter_of_the_first_purchase(grouped):
    worth, customers = grouped
    table = value.sum_by_group(worth, customers, value.acquisition_quarter(customers), 0.3)
    assert table["n_customers"].to_dict() == {"2024Q1": 2, "2024Q2": 1}
    assert table["expected_margin"].to_dict() == {"2024Q1": 3, "2024Q2": 3}
    mixed = value.sum_by_group(worth[::-1], customers, value.acquisition_quarter(customers), 0.3)
    pd.testing.assert_frame_equal(mixed, table)


def test_the_channel_customers_were_won_through_may_not_be_recorded(grouped):
    customers = grouped[1]
    assert value.channel(customers).equals(customers["channel"])
    assert value.channel(customers.drop(columns="channel")).isna().all()
