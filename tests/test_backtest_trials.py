"""Earlier trials choose, the last one is reported; each uses only the data of its origin."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.backtest import choice, trials
from cvm_analysis.clv import NAIVE, forecasts, naive, partial_pooling
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import check

WEEKS = 12
LAST = dt.date(1998, 6, 30)


def customers(log, day):
    """The customers as of a day, by pandas alone; columns as far as forecasts look at them."""
    known = log[log["day"] <= pd.Timestamp(day)]
    days = known.groupby(["customer_id", "day"])["amount"].sum().reset_index()
    found = days.groupby("customer_id")["day"].agg(n_purchase_days="size", first="min", last="max")
    later = days[days["day"] > days["customer_id"].map(found["first"])]
    found["spend_per_repeat_day"] = later.groupby("customer_id")["amount"].mean()
    found["net_sales"] = days.groupby("customer_id")["amount"].sum()
    found["gross_sales"] = found["net_sales"]
    return found.assign(
        customer_type="retail",
        n_orders=found["n_purchase_days"],
        x=found["n_purchase_days"] - 1.0,
        t_x=(found["last"] - found["first"]).dt.days / 7,
        T=(pd.Timestamp(day) - found["first"]).dt.days / 7,
    )


def run(log, last, weeks):
    days = log[["customer_id", "day"]].drop_duplicates()
    dates, _ = forecasts.origins(last, log["day"].min().date(), weeks)
    return dates, trials.run(dates, [customers(log, date) for date in dates], days, weeks)


@pytest.fixture(scope="module")
def log(cdnow_log):
    named = cdnow_log.rename(columns={"date": "day", "dollars": "amount"})
    return named[["customer_id", "day", "amount"]]


@pytest.fixture(scope="module")
def cdnow_run(log):
    return run(log, LAST, WEEKS)


@pytest.fixture(scope="module")
def tried(cdnow_run):
    return cdnow_run[1]


@pytest.fixture(scope="module")
def small(log):
    """A region of 60 customers, its dates and customers, and those of everybody else."""
    ids = pd.Series(log["customer_id"].unique()).sample(60, random_state=1)
    own = log[log["customer_id"].isin(ids)]
    dates, _ = forecasts.origins(LAST, log["day"].min().date(), WEEKS)
    known, others = (
        [customers(part, date) for date in dates] for part in (own, log.drop(own.index))
    )
    return dates, known, own[["customer_id", "day"]].drop_duplicates(), others


def of(scores, index=None):
    """A trial that has log scores alone."""
    table = pd.DataFrame(scores, index=index)
    return trials.Trial(pd.DataFrame(), pd.DataFrame(), table, pd.Series(), pd.Series())


# What is known at an origin


def test_a_small_region_uses_prior_data_and_notes_its_own_share(small):
    dates, known, days, others = small
    tried = trials.run(dates, known, days, WEEKS, others)
    note = next(note for note in tried.notes if note.code == "borrowed_histories")
    assert note.need in partial_pooling.KAPPAS
    assert note.have == pytest.approx(100 * 60 / (60 + note.need))
    model = tried.models["pareto_nbd"]
    assert model.n_customers == pytest.approx(60 + note.need)


def test_a_region_that_is_not_small_keeps_to_itself(small):
    dates, _, days, others = small
    more = [table.head(1000) for table in others]
    tried = trials.run(dates[-1:], more[-1:], days, WEEKS, others[-1:])
    assert "borrowed_histories" not in {note.code for note in tried.notes}
    assert tried.models["nbd"].n_customers == 1000


def test_three_origins_to_choose_by_and_one_to_report(cdnow_run, log):
    dates, tried = cdnow_run
    assert len(dates) == 5 and len(tried.earlier) == 3
    for date, one in zip(dates[:-1], [*tried.earlier, tried.last], strict=True):
        day, end = pd.Timestamp(date), pd.Timestamp(date) + pd.Timedelta(weeks=WEEKS)
        days = log[["customer_id", "day"]].drop_duplicates()
        came = days[(days["day"] > day) & (days["day"] <= end)].groupby("customer_id").size()
        assert set(one.actual.index) == set(log.loc[log["day"] <= day, "customer_id"])
        assert one.actual.to_dict() == came.reindex(one.actual.index, fill_value=0).to_dict()
        assert (one.mean.index == one.actual.index).all()


def test_forecasts_do_not_depend_on_what_comes_after_the_origin(cdnow_run, log):
    """Everything after the first day of the last period is doubled or gone: only outcomes move."""
    dates, tried = cdnow_run
    start = pd.Timestamp(dates[-2])
    other = log[(log["day"] <= start) | (log["customer_id"].str[-1] < "5")]
    _, again = run(other, LAST, WEEKS)
    pd.testing.assert_frame_equal(again.last.mean, tried.last.mean)
    assert again.last.actual.sum() < 0.7 * tried.last.actual.sum()
    for one, same in zip(tried.earlier, again.earlier, strict=True):
        pd.testing.assert_frame_equal(one.log_score, same.log_score)


def test_all_forecasts_are_tried_but_challengers_at_the_first_origin(tried):
    first, *others = [*tried.earlier, tried.last]
    assert not {"rescaled", "boosted"} & set(first.mean)
    assert set(first.mean) == {*forecasts.ORDER}
    for one in others:
        assert set(one.mean) == {*forecasts.ORDER, "rescaled", "boosted"}
        assert one.log_score.notna().all(axis=None)


def test_means_medians_and_scores_are_those_of_the_models(cdnow_run, log):
    dates, tried = cdnow_run
    people = customers(log, dates[-2])
    model = forecasts.fit(people)[0]["pareto_nbd"]
    last = tried.last
    mean = model.expected_purchases(people, WEEKS)
    assert last.mean["pareto_nbd"].to_numpy() == pytest.approx(mean[last.mean.index].to_numpy())
    score = predictive_distribution.log_score(model, people, WEEKS, last.actual)
    assert last.log_score["pareto_nbd"].mean() == pytest.approx(score.mean())
    assert (
        last.median["pareto_nbd"].sum()
        == predictive_distribution.median(model, people, WEEKS).sum()
    )
    rounded = np.floor(last.mean["own_rate"] + 0.5)
    assert (last.median["own_rate"] == rounded).all()


def test_last_period_is_the_purchases_of_the_period_before(tried):
    before, last = tried.earlier[-1], tried.last
    known = before.actual.index
    assert (last.mean["last_period"][known] == before.actual).all()


def test_a_rule_has_no_score_without_a_dispersion(log):
    """The records begin 28 weeks before the first origin: no two whole periods of 25 weeks."""
    _, tried = run(log, LAST, 25)
    (first,) = tried.earlier
    assert first.log_score["last_period"].isna().all() and "last_period" in first.mean
    assert tried.last.log_score["last_period"].notna().all()


# Who is chosen


def test_the_default_is_replaced_only_on_clear_evidence():
    rng = np.random.default_rng(0)
    base = rng.normal(-1, 1, 400)
    trial = of({"pareto_nbd": base, "nbd": base + rng.normal(0.02, 1, 400), "boosted": base + 0.5})
    assert trials.choose([trial]) == "boosted"
    assert trials.choose([of(trial.log_score.drop(columns="boosted"))]) == "pareto_nbd"


def test_a_naive_forecast_may_win():
    rng = np.random.default_rng(0)
    base = rng.normal(-1, 1, 400)
    trial = of({"pareto_nbd": base, "last_period": base + rng.normal(0.5, 1, 400)})
    assert trials.choose([trial, trial]) == "last_period"


def test_a_region_departs_from_the_company_only_on_its_own_evidence():
    rng = np.random.default_rng(0)
    base = rng.normal(-1, 1, 100)
    trial = of({"pareto_nbd": base, "mbg_nbd": base + rng.normal(0.0, 1, 100)})
    assert trials.choose([trial], company="mbg_nbd") == "mbg_nbd"
    assert trials.choose([trial]) == "pareto_nbd"
    clear = of({"pareto_nbd": base + 1 + 0.1 * rng.normal(size=100), "mbg_nbd": base})
    assert trials.choose([clear], company="mbg_nbd") == "pareto_nbd"


def test_without_an_earlier_trial_the_default_stays():
    assert trials.choose([]) == "pareto_nbd"
    assert trials.choose([], company="nbd") == "nbd"
    assert trials.choose([of({})]) == "pareto_nbd"


def test_where_the_default_was_not_fitted_the_next_in_order_stands_in():
    assert trials.choose([of({"nbd": [-1.0, -1.2], "own_rate": [-1.0, -1.1]})]) == "nbd"


# What the report shows


def test_the_report_is_a_table_of_trust(tried):
    table = trials.report(tried.last, "nbd", WEEKS)
    check("backtest", table)
    assert set(table["horizon_days"]) == {84} and set(table["part"]) == {"value"}
    assert set(table.loc[table["is_chosen"], "model"]) == {"nbd"}
    assert set(table["metric"]) == {
        "n_customers", "actual_total", "forecast_total", "log_score", "rmse", "poisson_deviance",
        "bias_total", "mae", "correlation", "top_decile",
    }  # fmt: skip
    scores = table[table["metric"] == "log_score"].set_index("model")["value"]
    assert scores["pareto_nbd"] == pytest.approx(tried.last.log_score["pareto_nbd"].mean())


@pytest.mark.parametrize("case", ["one date", "nobody then"])
def test_without_a_trial_the_report_says_nothing_and_still_appears(log, case):
    dates = [LAST - dt.timedelta(weeks=WEEKS), LAST]
    known = [customers(log, date).head(0 if date < LAST else 500) for date in dates]
    start = 1 if case == "one date" else 0
    days = log[["customer_id", "day"]].drop_duplicates()
    tried = trials.run(dates[start:], known[start:], days, WEEKS)
    table = trials.report(tried.last, "bg_nbd", WEEKS)
    check("backtest", table)
    assert table.empty and "pareto_nbd" in tried.models and tried.earlier == []
    assert (
        trials.compare_by_repeats(tried.last, "nbd").empty
        and trials.deciles(tried.last, "nbd").empty
    )
    keys = ["part", "horizon_days", "model", "metric"]
    html = Writer("en", "EUR").backtest(table.set_index(keys))
    assert html is not None


def test_means_by_repeats_are_those_of_the_customers_with_as_many(tried):
    table = trials.compare_by_repeats(tried.last, "boosted")
    assert list(table.index) == ["0", "1", "2", "3", "4", "5", "6", "7+"]
    assert list(table) == ["actual", "boosted", "pareto_nbd", *NAIVE]
    often = tried.last.repeats >= 7
    assert table.loc["7+", "actual"] == pytest.approx(tried.last.actual[often].mean())
    assert table.loc["7+", "boosted"] == pytest.approx(tried.last.mean["boosted"][often].mean())
    assert len(trials.compare_by_repeats(tried.last, "pareto_nbd").columns) == 5


def test_tenths_hold_every_customer_once_and_equal_forecasts_together(tried):
    table = trials.deciles(tried.last, "pareto_nbd")
    assert table["n_customers"].sum() == len(tried.last.actual)
    assert table["expected"].is_monotonic_increasing
    total = (table["actual"] * table["n_customers"]).sum()
    assert total == pytest.approx(tried.last.actual.sum())
    few = trials.deciles(tried.last, "last_period")  # 9 in 10 had bought nothing
    assert few.loc[1, "expected"] == 0 and few.loc[1, "n_customers"] > len(tried.last.actual) / 2
    ten = trials.Trial(pd.DataFrame({"m": range(10)}), *[pd.DataFrame()] * 2,
                       pd.Series(range(10)), pd.Series(range(10)))  # fmt: skip
    assert trials.deciles(ten, "m")["actual"].tolist() == list(range(10))
    assert trials.deciles(ten, "boosted").empty


# Online Retail


@pytest.mark.parametrize("region", ["all", "United Kingdom"])
def test_the_chosen_forecast_is_not_worse_than_the_same_as_last_period(online_retail, region):
    """By log score, squared error of the mean and absolute error of the median, two paired s.e.

    No other country has 300 customers.
    """
    retail = online_retail.rename(columns={"country": "region"})
    inside = retail["region"] == "United Kingdom"
    log = retail[inside] if region == "United Kingdom" else retail
    _, tried = run(log, dt.date(2011, 12, 9), 13)
    chosen, last = trials.choose(tried.earlier), tried.last
    chosen = chosen if chosen in last.mean else forecasts.select_model(dict(last.mean), chosen).name
    assert len(last.actual) >= 300 and len(tried.earlier) == 1
    errors = {
        "squared": (last.mean.sub(last.actual, axis=0)) ** 2,
        "absolute": last.median.sub(last.actual, axis=0).abs(),
        "log": -last.log_score,
    }
    for name, lost in errors.items():
        worse, error = choice.paired_difference(lost[chosen] - lost["last_period"])
        assert worse <= 2 * error, (name, chosen, worse, error)


def test_a_customer_unknown_at_the_origin_is_not_forecast(tried, log):
    late = set(log["customer_id"]) - set(customers(log, dt.date(1997, 3, 1)).index)
    assert late and isinstance(tried.models["last_period"], naive.LastPeriod)
    assert set(tried.models["last_period"].rates.index) == set(log["customer_id"])
