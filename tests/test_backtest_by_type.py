"""One call chooses, forecasts and scores: on real logs, and where there is hardly anything."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis import backtest
from cvm_analysis.backtest import by_type, origins, purchases, trials
from cvm_analysis.clv import naive
from cvm_analysis.clv.forecasts import expected_purchases
from cvm_analysis.errors import InputError
from cvm_analysis.tables import check

DAY = dt.date(2025, 12, 31)


@pytest.fixture(scope="module")
def cdnow_found(cdnow_log):
    log = cdnow_log.rename(columns={"date": "day", "dollars": "amount"})
    return backtest.run(log, "1997-09-30", 39)


def measured(found):
    """RMSE, log score, MAE of the medians, over the horizon."""
    return found.holdout.set_index("metric")["value"][["rmse", "log_score", "mae"]].tolist()


# Accuracy: the figures of the best forecasts that experiments on these logs found


def test_cdnow_is_forecast_as_well_as_by_a_pool_chosen_with_hindsight(cdnow_found):
    rmse, log_score, mae = measured(cdnow_found)
    assert rmse <= 1.606 and log_score >= -0.970 and mae <= 0.663
    assert len(cdnow_found.forecasts) == 2349


def test_online_retail_likewise(online_retail):
    rmse, log_score, mae = measured(backtest.run(online_retail, "2011-06-30", 23))
    assert rmse <= 2.09 and log_score >= -1.705 and mae <= 1.31


def test_apparel_likewise(apparel_log):
    log = apparel_log.rename(columns={"date": "day"})
    rmse, log_score, mae = measured(backtest.run(log, "2006-12-31", 207))
    assert rmse <= 3.32 and log_score >= -1.467 and mae <= 1.74


# What the call returns


def test_forecasts_are_those_of_the_model_in_use(cdnow_found):
    tried = cdnow_found.types["retail"]
    table, model = cdnow_found.forecasts, cdnow_found.models["retail"]
    assert model is tried.model and set(table["model"]) == {model.code} == {"pool"}
    people = tried.origins[-1].customers
    expected = model.expected_purchases(people, 39)
    assert table["expected_purchases"].to_numpy() == pytest.approx(expected.to_numpy())
    none = model.purchase_probabilities(people, 39, 1)[:, 0]
    assert table["p_no_purchase"].to_numpy() == pytest.approx(none)


def test_the_last_period_is_scored_by_what_was_chosen_before_it(cdnow_found):
    tried = cdnow_found.types["retail"]
    assert [str(origin.date) for origin in tried.origins] == [
        "1997-04-01", "1997-07-01", "1997-09-30",
    ]  # fmt: skip
    table = cdnow_found.scores()
    check("backtest", table)
    used = table[table["is_chosen"] & (table["metric"] == "log_score")]
    assert used["model"].tolist() == [tried.chosen[-2]]
    assert used["value"].iloc[0] == tried.last.log_score[tried.chosen[-2]].mean()
    assert tried.origins[-2].weights != tried.origins[-1].weights


def test_earlier_days_may_have_a_sample_of_the_customers(cdnow_log, cdnow_found):
    log = cdnow_log.rename(columns={"date": "day", "dollars": "amount"})
    days = purchases.by_day(log)
    half = {"earlier": lambda day: purchases.customers(days, day).iloc[::2]}
    found = backtest.run(log, "1997-09-30", 39, **half)
    then, now = found.types["retail"].origins, cdnow_found.types["retail"].origins
    sizes = [len(each.customers) for each in now]
    assert [len(each.customers) for each in then] == [-(-n // 2) for n in sizes[:-1]] + sizes[-1:]
    actual = cdnow_found.types["retail"].last.actual
    assert found.types["retail"].last.actual.equals(actual.iloc[::2])
    assert found.forecasts.index.equals(cdnow_found.forecasts.index)


def test_nothing_after_the_day_changes_the_choice(cdnow_log, cdnow_found):
    log = cdnow_log.rename(columns={"date": "day", "dollars": "amount"})
    known = backtest.run(log[log["day"] <= "1997-09-30"], "1997-09-30", 39)
    assert known.weights == cdnow_found.weights and known.holdout.empty
    pd.testing.assert_frame_equal(known.forecasts, cdnow_found.forecasts)


# Hardly any repeat purchases


def drawn(n, repeats, seed=0):
    """Customers first seen over three years, of whom `repeats` come back once within a year."""
    rng = np.random.default_rng(seed)
    first = np.sort(rng.integers(0, 1270, n))
    again = rng.choice(n, repeats, replace=False)
    later = np.minimum(first[again] + rng.integers(5, 365, repeats), 1275)
    day = pd.Timestamp("2022-01-01") + pd.to_timedelta(np.concatenate([first, later]), "D")
    ids = np.concatenate([np.arange(n), again])
    return pd.DataFrame({"customer_id": [f"c{i:03}" for i in ids], "day": day})


def test_a_day_before_the_first_purchase_is_refused():
    log = pd.DataFrame({"customer_id": ["c"], "day": ["2025-03-01"]})
    with pytest.raises(InputError, match="nobody had bought by 2025-02-28; choose a later day"):
        backtest.run(log, "2025-02-28", 52)


def test_if_nobody_ever_came_back_nobody_is_expected():
    found = backtest.run(drawn(600, 0), "2025-06-30", 26)
    assert found.forecasts["expected_purchases"].sum() < 3
    assert [note.code for note in found.notes] == ["own_rate_few_repeat_buyers"]


def test_few_repeats_are_not_multiplied():
    """One in fourteen came back, about six in half a year."""
    found = backtest.run(drawn(606, 43), "2025-06-30", 26)
    assert 3 <= found.forecasts["expected_purchases"].sum() <= 9


# Choice


def origin(models, weights=None):
    return origins.Origin(DAY, pd.DataFrame(), dict.fromkeys(models), weights or {}, [], None)


def trial(**scores):
    empty = pd.DataFrame()
    return trials.Trial(empty, empty, pd.DataFrame(scores), pd.Series(), pd.Series())


BASE = np.random.default_rng(0).normal(-1, 1, 400)


def test_a_model_that_fits_today_is_not_dropped_for_want_of_an_old_score():
    now = origin(["pareto_nbd", "own_rate"])
    assert by_type.choose(now, [trial(own_rate=BASE)]) == "pareto_nbd"
    assert by_type.choose(now, []) == "pareto_nbd"
    assert by_type.choose(origin(["nbd", "own_rate"]), [trial(own_rate=BASE)]) == "nbd"


def test_a_naive_forecast_wins_where_it_is_clearly_better():
    now = origin(["pareto_nbd", "last_period"])
    assert by_type.choose(now, [trial(pareto_nbd=BASE, last_period=BASE + 0.5)]) == "last_period"
    close = trial(pareto_nbd=BASE, last_period=BASE + np.tile([0.5, -0.49], 200))
    assert by_type.choose(now, [close]) == "pareto_nbd"


def test_the_pool_is_replaced_only_by_a_clearly_better_forecast():
    now = origin(["pareto_nbd", "nbd", "pool"])
    assert by_type.choose(now, [trial(pareto_nbd=BASE, nbd=BASE, pool=BASE)]) == "pool"
    assert by_type.choose(now, [trial(pareto_nbd=BASE, nbd=BASE + 1, pool=BASE)]) == "nbd"


def test_a_region_starts_from_the_single_forecast_of_the_company():
    now = origin(["pareto_nbd", "last_period"])
    equal = [trial(pareto_nbd=BASE, last_period=BASE)]
    assert by_type.choose(now, equal, {"last_period": 1.0}) == "last_period"
    assert by_type.choose(now, equal) == "pareto_nbd"


# Types and regions


@pytest.fixture(scope="module")
def two_types(cdnow_log):
    """CDNOW's first 700 customers, of whom 60 are dealers."""
    log = cdnow_log.rename(columns={"date": "day", "dollars": "amount"})
    log = log[log["customer_id"] <= "0700"]
    return log.assign(customer_type=np.where(log["customer_id"] <= "0060", "dealer", "retail"))


@pytest.fixture(scope="module")
def company(two_types):
    return backtest.run(two_types, "1998-06-30", 26)


def test_each_type_has_a_forecast_of_its_own(company, two_types):
    assert list(company.models) == ["retail", "dealer"]
    by_customer = two_types.groupby("customer_id")["customer_type"].last()
    kinds = company.forecasts["customer_type"]
    assert kinds.eq(by_customer.reindex(kinds.index)).all() and len(kinds) > 690
    assert company.forecasts["expected_purchases"].notna().all()
    assert set(company.scores()["part"]) == {"value", "value_dealer"}
    assert company.models["dealer"].code != "pool", "60 customers give wild weights"


def test_a_region_shrinks_to_the_weights_of_the_company(company, two_types):
    own = two_types[two_types["customer_id"] <= "0200"]
    region = backtest.run(own, "1998-06-30", 26, company=company.weights)
    assert set(region.models) == {"retail", "dealer"}
    theirs, ours = (each.types["retail"].origins[-1].weights for each in (company, region))
    used = {code for code, w in theirs.items() if w > 0.05}
    assert used <= set(ours)
    assert all(ours[code] == pytest.approx(theirs[code], abs=0.25) for code in used)


def test_a_small_region_tries_the_choice_of_the_company_on_the_last_period_alone(two_types):
    """Nothing is chosen here, so today's forecasts are those of a run that tries all periods."""
    single = {"pareto_nbd": 1.0}
    whole = backtest.run(two_types, "1998-06-30", 26)
    dates = whole.weights["retail"]
    company = {kind: dict.fromkeys(dates, single) for kind in ("retail", "dealer")}
    small = two_types[two_types["customer_id"] <= "0503"]
    found = backtest.run(small, "1998-06-30", 26, company=company)
    assert {kind: len(tried.trials) for kind, tried in found.types.items()} == {
        "retail": 1,
        "dealer": 1,
    }
    (note,) = [each for each in found.notes if each.code == "company_choice_few_buyers"]
    assert (note.have, note.need) == (499, 500)
    alone = backtest.run(small, "1998-06-30", 26)
    assert len(alone.types["retail"].trials) == len(dates) - 1 > 1
    here = found.forecasts["expected_purchases"]
    today = alone.types["retail"].origins[-1]
    expected = expected_purchases(today.models["pareto_nbd"], today.customers, 26)
    pd.testing.assert_series_equal(here.reindex(expected.index), expected, check_names=False)
    short = backtest.run(small, "1997-04-30", 26, company=company)
    assert [note.code for note in short.notes][:1] == ["one_past_period"], "all there is was tried"
    larger = two_types[two_types["customer_id"] <= "0504"]
    assert len(backtest.run(larger, "1998-06-30", 26, company=company).types["retail"].trials) > 1


def test_one_period_is_cross_fitted_and_said(two_types):
    """30 weeks of records: the only origin has 4 weeks or more before it, a second has not."""
    found = backtest.run(two_types, "1997-04-30", 26)
    tried = found.types["retail"]
    assert len(tried.trials) == 1 and "one_past_period" in {note.code for note in found.notes}
    assert "pool" in tried.last.log_score and tried.last.log_score["pool"].notna().all()
    assert isinstance(tried.origins[-1].models["own_rate"].forecast, naive.OwnRate)


def test_others_are_read_for_the_days_on_which_a_type_of_today_had_few_customers():
    def customers(**sizes):
        return {kind: pd.DataFrame(index=range(n)) for kind, n in sizes.items()}

    today = ["retail", "dealer"]
    assert by_type._needs_others(customers(retail=5000, dealer=999), today)
    assert not by_type._needs_others(customers(retail=5000, dealer=1000), today)
    assert not by_type._needs_others(customers(retail=5000), today), "no dealer to model"
    assert not by_type._needs_others(customers(retail=5000, project=3), today), "none today"
