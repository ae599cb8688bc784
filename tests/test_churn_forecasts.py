"""Forecasts of silence: learned from the past, chosen on one part of it, reported on another."""

import datetime as dt
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from cvm_analysis.churn import forecasts, learning, risk_drivers
from cvm_analysis.churn.learning import Snapshot
from cvm_analysis.customers import as_of, purchase_days
from cvm_analysis.minimum_data import NEEDS
from cvm_analysis.report import churn as churn_tables
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import check
from cvm_analysis.texts import languages, words

FIRST, LAST, HORIZON = dt.date(2022, 1, 1), dt.date(2024, 12, 31), 180
NAMES = [f"p_no_purchase_{days}d" for days in forecasts.DAYS]


def invented(n=400, seed=3):
    """Purchases of customers who each keep their own pace until they leave."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        day, pace = rng.integers(0, 700), rng.gamma(2, 30) + 5
        leaves = day + rng.exponential(700)
        while day < min(leaves, 1095):
            rows.append((f"c{i:03d}", FIRST + dt.timedelta(days=int(day)), rng.integers(5, 90)))
            day += 1 + rng.exponential(pace)
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    return table.assign(ordered_at=pd.to_datetime(table["ordered_at"]), region="east")


def known(log, day):
    table = ibis.memtable(log).cast({"amount": "decimal(18, 4)"})
    return as_of(table, day).to_pandas().set_index("customer_id")


class Past:
    """A log with what was known at every landmark of its plan."""

    def __init__(self, log, as_of=LAST, horizon=HORIZON, first=FIRST):
        self.plan = forecasts.plan(as_of, first, horizon)
        self.days = purchase_days(ibis.memtable(log), as_of).to_pandas()
        self.known = [self.at(log, day) for day in self.plan.days]

    @staticmethod
    def at(log, day):
        customers = known(log, day)
        own = np.exp(-customers["n_purchase_days"] * 7 / customers["T"].clip(lower=1) / 7)
        value = pd.DataFrame({name: own ** (k + 1) for k, name in enumerate(NAMES)})
        return Snapshot(day, customers, value)

    def run(self):
        return forecasts.run(self.plan, self.known, self.days)

    def today(self):
        """What is learned for today, without the trials."""
        day, horizons = self.plan.days[-1], self.plan.horizons
        return forecasts.Backtest([], [], learning.learn(self.known, self.days, day, horizons))


@pytest.fixture(scope="module")
def log():
    return invented()


@pytest.fixture(scope="module")
def past(log):
    return Past(log)


@pytest.fixture(scope="module")
def tried(past):
    return past.run()


def test_a_plan_of_three_years():
    plan = forecasts.plan(LAST, FIRST, HORIZON)
    back = [(LAST - day).days for day in plan.days]
    assert back == [910, 820, 730, 635, 545, 455, 365, 270, 180, 90, 0]
    assert {(LAST - day).days: h for day, h in plan.report.items()} == {
        90: [90],
        180: [180],
        365: [365],
    }
    assert plan.notes == []


@pytest.mark.parametrize("horizon", [30, 90, 180, 365, 400])
@pytest.mark.parametrize("years", [0.3, 0.6, 1, 1.5, 2, 2.3, 3, 5])
def test_nothing_is_learned_from_or_chosen_by_what_is_reported(years, horizon):
    first = LAST - dt.timedelta(days=int(365 * years))
    plan = forecasts.plan(LAST, first, horizon)
    opens = min(plan.report, default=LAST)
    for day, horizons in plan.choose.items():
        assert all(day + dt.timedelta(days=each) <= opens for each in horizons)
    for day, horizons in (plan.choose | plan.report).items():
        for each in horizons:
            taught = [one for one in plan.days if one + dt.timedelta(days=each) <= day]
            assert taught
            assert day + dt.timedelta(days=each) <= LAST
    assert plan.days == sorted(set(plan.days))
    assert plan.days[-1] == LAST
    assert min(plan.days) >= first


def test_a_short_history_leaves_out_first_the_choice_then_the_trial():
    found = [
        [note.code for note in forecasts.plan(LAST, LAST - dt.timedelta(days=days), 90).notes]
        for days in (361, 360, 271, 270, 20)
    ]
    choice, trial = ["no_churn_choice_short_history"], ["no_churn_trial_short_history"]
    assert found == [[], choice, choice, trial, trial]
    need = NEEDS["churn_history"][0].at_least
    note = forecasts.plan(LAST, LAST - dt.timedelta(days=270), 90).notes[0]
    assert (note.have, note.need) == pytest.approx((270 / 7, need + 180 / 7))


def test_a_region_too_small_to_test_on_leaves_that_to_the_company():
    plan = forecasts.plan(LAST, FIRST, HORIZON)
    small = forecasts.leave_to_company(plan, 499, "mean")
    assert (small.choose, small.report, small.days) == ({}, {}, plan.days)
    (note,) = small.notes
    assert note[1:4] == ("churn_tested_in_company", 499, 500)
    assert forecasts.leave_to_company(plan, 500, "mean") == plan
    assert forecasts.leave_to_company(plan, 499, None) == plan, "nobody else has tested it"
    short = forecasts.plan(LAST, LAST - dt.timedelta(days=270), HORIZON)
    assert short.notes and forecasts.leave_to_company(short, 499, "mean") == short


def test_without_trials_the_forecast_of_today_is_the_same(past, tried):
    small = forecasts.leave_to_company(past.plan, 499, "mean")
    found = forecasts.run(small, past.known, past.days)
    assert (found.earlier, found.last) == ([], [])
    assert forecasts.report(found.last, "mean").empty
    ours, theirs = (
        forecasts.forecast(each, past.known[-1], "mean", None, HORIZON)[0]
        for each in (found, tried)
    )
    pd.testing.assert_frame_equal(ours, theirs)


def test_silence_is_counted_from_the_purchases_after_the_landmark(log, tried):
    for trial in [*tried.earlier, *tried.last]:
        end = trial.day + dt.timedelta(days=trial.horizon_days)
        later = log[(log["ordered_at"].dt.date > trial.day) & (log["ordered_at"].dt.date <= end)]
        came = set(later["customer_id"])
        assert trial.inactive.tolist() == [int(who not in came) for who in trial.inactive.index]
        assert set(trial.p_no_purchase) <= set(forecasts.ORDER)
    assert set(tried.last[0].p_no_purchase) == set(forecasts.ORDER)


def test_what_came_after_a_trial_began_moves_no_forecast_of_it(log, past, tried):
    """All later purchases gone: each trial's forecasts stay; outcomes do not."""
    first = min(past.plan.choose)
    days = past.days[pd.to_datetime(past.days["day"]) <= pd.Timestamp(first)]
    before = [each for each in past.known if each.day <= first]
    learned = learning.learn(before, days, first, past.plan.horizons)
    trial = next(each for each in tried.earlier if each.day == first)
    for code in trial.p_no_purchase:
        p = learned.forecast(code, before[-1], [trial.horizon_days]).iloc[:, 0]
        pd.testing.assert_series_equal(p, trial.p_no_purchase[code], check_names=False)


def test_a_forecast_beats_a_coin_and_every_model_is_reported(tried):
    scores = forecasts.report(tried.last, "cox")
    auc = scores[scores["metric"] == "auc"]
    assert (auc["value"] > 0.7).all()
    assert scores[scores["is_chosen"]]["model"].unique().tolist() == ["cox"]
    assert set(auc["horizon_days"]) == {90, 180, 365}
    assert not scores.duplicated(["part", "model", "metric", "horizon_days"]).any()


@pytest.mark.parametrize("better", ["recency", "boosted", "value_model", "cox"])
def test_one_alone_is_taken_where_it_was_clearly_better(better):
    inactive = pd.Series([0, 1] * 50, [f"c{i}" for i in range(100)])
    p = pd.DataFrame({"mean": 0.5, better: 0.1 + inactive * 0.8}, inactive.index)
    trial = forecasts.Trial(FIRST, 90, p, inactive)
    assert forecasts.choose([trial]) == better
    assert forecasts.choose([trial], company="value_model") == better
    same = forecasts.Trial(FIRST, 90, p.assign(**{better: 0.5001}), inactive)
    assert forecasts.choose([same]) == "mean"


def test_without_a_trial_the_default_or_the_companys_choice_is_kept():
    assert forecasts.choose([]) == "mean"
    assert forecasts.choose([], company="boosted") == "boosted"
    assert forecasts.report([], "cox").empty
    nothing = forecasts.calibration([], "cox", 90)
    assert nothing.empty
    check("risk_calibration", nothing)


def test_tenths_of_the_chosen_forecast(tried):
    table = forecasts.calibration(tried.last, "boosted", 180)
    assert table["n"].sum() == len(tried.last[1].inactive)
    assert forecasts.calibration(tried.last, "boosted", 77).empty


@pytest.mark.parametrize("code", forecasts.ORDER)
def test_the_risk_is_the_silence_of_the_horizon_and_falls_with_time(past, tried, code):
    table, notes = forecasts.forecast(tried, past.known[-1], code, 200, HORIZON)
    assert list(table) == ["model", "lapsed", *NAMES, "churn_risk"]
    assert set(table["model"]) == {code}
    assert (table["churn_risk"] == table["p_no_purchase_180d"]).all()
    assert (table["p_no_purchase_90d"] >= table["p_no_purchase_180d"]).all()
    assert (table["p_no_purchase_180d"] >= table["p_no_purchase_365d"]).all()
    assert table[NAMES].gt(0).all(axis=None)
    assert notes == []
    silence = past.known[-1].customers["days_since_last"]
    assert (table["lapsed"] == (silence >= 200)).all()


def test_a_horizon_of_its_own_is_the_risk(log):
    past = Past(log, horizon=120)
    table, _ = forecasts.forecast(past.today(), past.known[-1], "cox", None, 120)
    assert (table["churn_risk"] <= table["p_no_purchase_90d"]).all()
    assert (table["churn_risk"] >= table["p_no_purchase_180d"]).all()
    assert table["lapsed"].isna().all()


def test_neither_the_order_of_the_rows_nor_the_ids_count(log, past, tried):
    other = log.assign(customer_id="x" + log["customer_id"].str[::-1]).sample(
        frac=1, random_state=5
    )
    again = Past(other)
    now = again.today()
    for code in forecasts.ORDER:
        table, _ = forecasts.forecast(tried, past.known[-1], code, 200, HORIZON)
        same, _ = forecasts.forecast(now, again.known[-1], code, 200, HORIZON)
        same = same.set_axis(same.index.str[1:].str[::-1]).loc[table.index]
        pd.testing.assert_frame_equal(table[NAMES], same[NAMES], atol=1e-6, check_names=False)


def test_too_few_customers_fall_back_on_recency_and_say_so(log):
    past = Past(log[log["customer_id"] < "c040"])
    past.known = [replace(each, value=None) for each in past.known]
    tried = past.run()
    assert list(tried.today.models) == ["recency"]
    assert tried.today.cox is None
    assert tried.today.hazards.empty
    assert tried.today.notes[0].code == "recency_few_buyers"
    table, _ = forecasts.forecast(tried, past.known[-1], "cox", None, HORIZON)
    assert set(table["model"]) == {"recency"}
    assert table["churn_risk"].between(0, 1).all()


def test_the_default_is_the_mean_of_the_three_models_and_not_of_recency(past, tried):
    """Cox's and trees recalibrated together, the purchase model as it is; of log odds."""
    today, learned = past.known[-1], tried.today
    assert set(learned.models) == set(forecasts.ORDER)
    asked = [90, 365]
    rows = learning._rows([today], [learned.features(today)])
    two = [learned.models[code].p_no_purchase(rows, asked) for code in ("cox", "boosted")]
    joint = pd.DataFrame(
        expit(np.mean([logit(p) for p in two], axis=0)), rows.day.index, NAMES[::2]
    )
    right = learned.recalibrations["mean"].apply(joint, rows.day)
    odds = (2 * logit(right.to_numpy()) + logit(today.value[NAMES[::2]].to_numpy())) / 3
    assert learned.forecast("mean", today, asked).to_numpy() == pytest.approx(expit(odds))


def test_where_the_value_model_says_nothing_today_the_mean_is_of_the_others(past, tried):
    """For all customers, or for some: those who are told by all three keep their risk."""
    today, codes = past.known[-1], ("mean", "cox")
    whole = tried.today.forecast("mean", today, [90])
    some = replace(today, value=today.value.iloc[5:])
    found = tried.today.forecast("mean", some, [90])
    pd.testing.assert_frame_equal(found.iloc[5:], whole.iloc[5:])
    none = tried.today.forecast("mean", replace(today, value=None), [90])
    pd.testing.assert_frame_equal(found.iloc[:5], none.iloc[:5])
    assert (none != whole).all(axis=None)
    for code in codes:
        table, notes = forecasts.forecast(tried, replace(today, value=None), code, None, HORIZON)
        assert set(table["model"]) == {code} and notes == []
        assert table["churn_risk"].between(0, 1).all()


def test_one_model_alone_has_no_mean(past):
    """Too few customers for Cox's and for trees: what remains is the model of purchases."""
    few = [
        replace(each, customers=each.customers[each.customers.index < "c045"])
        for each in past.known
    ]
    learned = learning.learn(few, past.days, LAST, past.plan.horizons)
    assert set(learned.models) == {"value_model", "recency"}
    assert forecasts.find_available(forecasts.Backtest([], [], learned), "mean") == "value_model"


def test_a_few_customers_of_a_landmark_do_not_set_the_risk_of_all(past):
    """27 buyers of the first day, or 2 in a hundred of those to forecast: nothing is learned."""
    first, today = past.known[0], past.known[-1]
    few = replace(first, customers=first.customers.head(27), value=first.value.head(27))
    learned = learning.learn([few, today], past.days, LAST, past.plan.horizons)
    assert list(learned.models) == ["value_model"] and learned.hazards.empty
    assert [(each.code, each.have) for each in learned.notes] == [
        ("landmark_few_buyers", 27),
    ]
    p = learned.forecast("value_model", today, forecasts.DAYS)
    pd.testing.assert_frame_equal(p, today.value, check_names=False, check_like=True)
    alone = [replace(few, value=None), replace(today, value=None)]
    assert learning.learn(alone, past.days, LAST, past.plan.horizons).models == {}
    many = replace(today, customers=pd.concat([today.customers] * 6))
    learned = learning.learn([replace(few, customers=first.customers.head(35)), many],
                             past.days, LAST, past.plan.horizons)  # fmt: skip
    assert [each.code for each in learned.notes] == ["landmark_small_share"]
    tenth = replace(first, customers=first.customers.head(35), share=0.1)
    learned = learning.learn([tenth, many], past.days, LAST, past.plan.horizons)
    assert "landmark_small_share" not in {each.code for each in learned.notes}


def test_a_horizon_that_the_chosen_model_does_not_reach_is_that_of_another(log):
    """Cox's forecasts as far as outcomes go; beyond, the model of purchases; never rising."""
    first = LAST - dt.timedelta(days=300)
    short = log[log["ordered_at"] >= pd.Timestamp(first)]
    past = Past(short, horizon=90, first=first)
    table, notes = forecasts.forecast(past.today(), past.known[-1], "cox", None, 90)
    assert notes == [] and table[NAMES].notna().all(axis=None)
    assert (table[NAMES].diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)
    assert (table["p_no_purchase_365d"] <= past.known[-1].value["p_no_purchase_365d"] + 1e-9).all()


def test_where_nobody_had_bought_there_is_no_risk(log):
    past = Past(log)
    past.known = [
        replace(each, customers=each.customers.head(0)) for each in past.known[:-1]
    ] + past.known[-1:]
    tried = past.run()
    assert tried.earlier == tried.last == []
    table, _ = forecasts.forecast(tried, past.known[-1], "cox", None, HORIZON)
    assert set(table["model"]) == {"value_model"}  # it needs no landmark
    past.known[-1] = replace(past.known[-1], value=None)
    table, _ = forecasts.forecast(past.run(), past.known[-1], "cox", None, HORIZON)
    assert set(table["model"]) == {"none"}
    assert table["churn_risk"].isna().all()


def test_nobody_came_back(log):
    """All purchases on the first day of each customer, none for the last three years."""
    log = log.drop_duplicates("customer_id").assign(ordered_at=pd.Timestamp(FIRST))
    past = Past(log)
    past.known = [replace(each, value=None) for each in past.known]
    table, _ = forecasts.forecast(past.today(), past.known[-1], "cox", None, HORIZON)
    assert (table["churn_risk"] > 0.99).all()


def test_everybody_came_back():
    """Everybody buys every fortnight to the end."""
    days = pd.date_range(FIRST, LAST, freq="14D")
    rows = [(f"c{i}", day + pd.Timedelta(i % 14, "D"), 10 + i) for i in range(60) for day in days]
    log = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    log = log[log["ordered_at"] <= pd.Timestamp(LAST)].assign(region="east")
    past = Past(log)
    table, _ = forecasts.forecast(past.today(), past.known[-1], "recency", None, HORIZON)
    assert (table["churn_risk"] < 0.01).all()


def test_a_horizon_beyond_the_history_is_empty_and_said(log):
    first = LAST - dt.timedelta(days=300)
    short = log[log["ordered_at"] >= pd.Timestamp(first)]
    past = Past(short, horizon=90, first=first)
    past.known = [replace(each, value=None) for each in past.known]
    table, notes = forecasts.forecast(past.today(), past.known[-1], "cox", None, 90)
    assert table["p_no_purchase_90d"].notna().all()
    assert table["p_no_purchase_365d"].isna().all()
    assert [note.code for note in notes] == ["horizon_beyond_history"]
    for language in languages():
        said = words(language)("notes.horizon_beyond_history", have="180", need="365")
        assert "365" in said


def test_customers_are_drawn_alike_at_all_landmarks_and_about_as_many_as_asked(past):
    past = [each for each in past.known if len(each.customers)]
    some = learning.sample_rows(past, max_rows=1_000)
    n = sum(len(each.customers) for each in some)
    assert n == pytest.approx(1_000, rel=0.2)
    last = set(some[-1].customers.index)
    for each, all_then in zip(some, past, strict=True):
        assert set(each.customers.index) == set(all_then.customers.index) & last
    assert learning.sample_rows(past, max_rows=10**9) == past


def test_regions_have_baselines_of_their_own(log):
    """One region buys on, the other stops: the forecast knows which is which."""
    south = invented(seed=4).assign(region="south")
    south["customer_id"] = "s" + south["customer_id"]
    rare = south.groupby("customer_id").cumcount() % 4 == 0
    past = Past(pd.concat([log, south[rare]]))
    tried = past.today()
    assert tried.today.models["cox"].by_group
    assert tried.today.models["boosted"].groups == ["east", "south"]
    group = past.known[-1].customers["region"]
    for code in ("cox", "boosted"):
        risk = forecasts.forecast(tried, past.known[-1], code, None, HORIZON)[0]["churn_risk"]
        assert risk[group == "south"].mean() > risk[group == "east"].mean()
        moved = past.known[-1].customers.assign(region="south")
        there = forecasts.forecast(
            tried, Snapshot(LAST, moved, past.known[-1].value), code, None, HORIZON
        )
        assert (there[0]["churn_risk"] - risk)[group == "east"].abs().max() > 0.005


def test_silence_is_not_known_before_the_horizon_has_passed(past):
    then = past.known[-2]
    found = learning.no_purchase(then, past.days, LAST, [60, 90, 91])
    assert found.iloc[:, :2].notna().all(axis=None)
    assert found["p_no_purchase_91d"].isna().all()
    assert (found["p_no_purchase_60d"] >= found["p_no_purchase_90d"]).all()
    last = past.days[pd.to_datetime(past.days["day"]) > pd.Timestamp(then.day)]["customer_id"]
    assert set(found.index[found["p_no_purchase_90d"] == 0]) == set(last) & set(found.index)


def test_a_feature_nobody_had_at_some_landmark_is_not_learned_from(past):
    """Answers that begin in mid-history would tell early landmarks from late ones, not people."""
    rng = np.random.default_rng(1)
    asked = [
        replace(each, customers=each.customers.assign(nps=rng.integers(0, 11, len(each.customers))))
        for each in past.known
    ]
    day, horizons = past.plan.days[-1], [HORIZON]
    assert "nps" in learning.learn(asked, past.days, day, horizons).feature_names
    late = [replace(past.known[0], customers=asked[0].customers.assign(nps=np.nan)), *asked[1:]]
    assert "nps" not in learning.learn(late, past.days, day, horizons).feature_names


def test_what_was_known_on_several_days_is_gathered_and_found_again():
    days = [dt.date(2025, 1, 1), dt.date(2025, 4, 1)]
    tables = [pd.DataFrame(index=list("ab")), pd.DataFrame(index=list("abc"))]
    gathered = learning.gather(days, tables, [tables[0], tables[1]], ["early", "late"])
    assert [each.grade for each in gathered] == ["early", "late"]
    with pytest.raises(ValueError, match="shorter"):
        learning.gather(days, tables[:1], tables, ["early", "late"])


def monthly(n=60, months=36):
    """Customers with one invoice on the last day of each month and no gap, from some month on."""
    ends = pd.date_range("2022-01-31", periods=months, freq="ME")
    starts = np.where(np.arange(n) % 3, np.arange(n) % 20, 0)
    rows = [
        (f"c{i:03}", day, 100.0 + i % 7) for i, start in enumerate(starts) for day in ends[start:]
    ]
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"]).assign(region="east")


def test_customers_who_all_pay_monthly_give_no_ratio_and_the_report_can_be_written():
    """Days without an order are the same for all: no ratio of theirs can be told."""
    past = Past(monthly())
    learned = past.today().today
    assert learned.cox is None or "diverged" in learned.cox.dropped.values()
    assert (np.log(learned.hazards["hazard_ratio"]).abs() < np.log(1000)).all()
    table = risk_drivers.hazards_table(buyers=learned.cox)
    table = table.set_index(["event", "position"])
    for language in languages():
        said = churn_tables.hazard_ratios(Writer(language, "EUR"), table, "buyers").html
        assert len(said) > 0
