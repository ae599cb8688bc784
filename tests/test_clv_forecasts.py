"""Which forecast is used: by the data there are, and never by the period it is reported on."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import bg_nbd, forecasts, gamma_gamma, histories, naive, nbd
from cvm_analysis.errors import FitError
from cvm_analysis.least_data import Note
from cvm_analysis.report.manager import Manager
from cvm_analysis.tables import check

END = dt.date(2025, 12, 31)


def codes(notes):
    return [note.code for note in notes]


def customers(log, day):
    """The customers as of a day, by pandas alone; columns as far as forecasts look at them."""
    days = log[log["date"] <= pd.Timestamp(day)].groupby(["customer_id", "date"])["dollars"].sum()
    days = days.reset_index()
    found = days.groupby("customer_id")["date"].agg(n_days="size", first="min", last="max")
    later = days[days["date"] > days["customer_id"].map(found["first"])]
    found["spend_repeat_mean"] = later.groupby("customer_id")["dollars"].mean()
    found["spend_gross"] = days.groupby("customer_id")["dollars"].sum()
    return found.assign(
        customer_type="retail",
        n_orders=found["n_days"],
        x=found["n_days"] - 1.0,
        t_x=(found["last"] - found["first"]).dt.days / 7,
        T=(pd.Timestamp(day) - found["first"]).dt.days / 7,
    )


@pytest.fixture(scope="module")
def people(cdnow_log):
    return customers(cdnow_log, "1997-09-30")


@pytest.fixture(scope="module")
def past(cdnow_log):
    """CDNOW as of three days 26 weeks apart."""
    last = pd.Timestamp("1998-06-30")
    return [customers(cdnow_log, last - pd.Timedelta(weeks=26 * k)) for k in (2, 1, 0)]


def nobody(people):
    return people.head(0)


# Days to forecast from


def test_there_are_two_earlier_origins_a_horizon_apart():
    dates, notes = forecasts.origins(END, dt.date(2023, 1, 1), 26)
    assert dates == [dt.date(2025, 1, 1), dt.date(2025, 7, 2), END] and notes == []
    assert (dates[2] - dates[1]).days == (dates[1] - dates[0]).days == 26 * 7


@pytest.mark.parametrize(
    ("weeks_of_data", "n_dates", "said"),
    [
        (78, 3, []),
        (77, 2, ["no_choice_short_history"]),
        (52, 2, ["no_choice_short_history"]),
        (51, 1, ["no_choice_short_history", "no_holdout_short_history"]),
        (1, 1, ["no_choice_short_history", "no_holdout_short_history"]),
    ],
)
def test_an_origin_with_too_little_before_it_is_left_out(weeks_of_data, n_dates, said):
    first = END - dt.timedelta(weeks=weeks_of_data)
    dates, notes = forecasts.origins(END, first, 26)
    assert len(dates) == n_dates and dates[-1] == END and codes(notes) == said


# What is fitted


def test_enough_data_are_fitted_by_every_model_the_best_first(people):
    models, notes = forecasts.fit(people)
    assert list(models) == ["bg_nbd", "nbd", "own_rate"] and notes == []
    # Fader, Hardie & Lee (2005): r .243, alpha 4.414, a .793, b 2.426
    assert models["bg_nbd"].params == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=0.0006)


def test_who_never_bought_and_who_is_no_retail_customer_is_left_out(people):
    others = people.head(500).assign(customer_type="dealer", x=50.0, t_x=30.0, T=39.0)
    prospects = people.head(300).assign(n_orders=0, x=np.nan, t_x=np.nan, T=np.nan)
    more = pd.concat(
        [people, others.rename(index="d{}".format), prospects.rename(index="p{}".format)]
    )
    assert len(forecasts.modelled(more)) == 2_357
    models, _ = forecasts.fit(more)
    alone, _ = forecasts.fit(people)
    assert models["bg_nbd"].params == alone["bg_nbd"].params
    assert forecasts.fit_spend(more)[0].params == forecasts.fit_spend(people)[0].params


@pytest.mark.parametrize(
    ("n_buyers", "n_repeat", "said"),
    [
        (50, 30, []),
        (49, 30, ["own_rate_few_buyers"]),
        (50, 29, ["own_rate_few_repeat_buyers"]),
        (4, 1, ["own_rate_few_buyers", "own_rate_few_repeat_buyers"]),
        (0, 0, ["own_rate_few_buyers", "own_rate_few_repeat_buyers"]),
    ],
)
def test_too_few_are_not_fitted_and_the_reader_is_told(people, n_buyers, n_repeat, said):
    repeat = people[people["x"] > 0].head(n_repeat)
    some = pd.concat([repeat, people[people["x"] == 0].head(n_buyers - n_repeat)])
    models, notes = forecasts.fit(some)
    assert codes(notes)[: len(said)] == said
    if said:
        assert list(models) == ["own_rate"] and len(notes) == len(said)
        assert notes[0].have == (n_buyers if "buyers" in said[0][-10:-6] else notes[0].have)
    else:
        assert set(models) & {"nbd", "bg_nbd"}


def test_drop_out_that_is_not_in_the_data_is_not_used():
    """Everybody's last purchase is later than a steady pace makes likely: nobody has left."""
    rng = np.random.default_rng(7)
    x = rng.poisson(rng.gamma(2.0, 1 / 10, 3_000) * 52).astype(float)
    t_x = np.round(x / (x + 0.5) * 52 * 7) / 7  # the last of x even times: x / (x + 1)
    people = pd.DataFrame({"x": x, "t_x": t_x, "T": 52.0, "n_orders": 1, "customer_type": "retail"})
    models, notes = forecasts.fit(people)
    assert list(models) == ["nbd", "own_rate"]
    assert len(notes) == 1 and notes[0].code.startswith("bg_nbd_")
    assert forecasts.best(models, "bg_nbd").code == "nbd"


def test_a_model_that_cannot_be_fitted_is_named_and_the_next_takes_over(people, monkeypatch):
    def fails(*_):
        raise FitError("no")

    monkeypatch.setattr(bg_nbd, "fit", fails)
    models, notes = forecasts.fit(people)
    assert list(models) == ["nbd", "own_rate"] and notes == [Note("value", "bg_nbd_not_fitted")]
    monkeypatch.setattr(nbd, "fit", fails)
    assert list(forecasts.fit(people)[0]) == ["own_rate"]
    monkeypatch.setattr(gamma_gamma, "fit", fails)
    spend, notes = forecasts.fit_spend(people)
    assert isinstance(spend, naive.OwnMean) and codes(notes) == ["gamma_gamma_not_fitted"]


def test_spend_is_fitted_to_repeat_purchases(people):
    spend, notes = forecasts.fit_spend(people)
    # Fader & Hardie (2013), note 025: p 6.25, q 3.74, gamma 15.44; the one customer in 946 whose
    # repeat purchases were free is left out here
    assert spend.params == pytest.approx((6.25, 3.74, 15.44), abs=0.02) and notes == []


def test_too_few_repeat_buyers_are_worth_their_own_mean(people):
    few = pd.concat([people[people["x"] > 0].head(29), people[people["x"] == 0]])
    spend, notes = forecasts.fit_spend(few)
    assert notes == [Note("spend_model", "own_mean_few_repeat_buyers", 29.0, 30.0)]
    assert spend.population_mean == pytest.approx(few["spend_gross"].sum() / few["n_days"].sum())


# Tried on a past it had not seen


def test_a_trial_forecasts_who_was_known_and_counts_what_came(past, cdnow_log):
    tried = forecasts.trial(past[1], past[2], 26)
    assert list(tried.actual.index) == list(past[1].index)
    after = cdnow_log[cdnow_log["date"] > pd.Timestamp("1998-06-30") - pd.Timedelta(weeks=26)]
    after = after[after["date"] <= "1998-06-30"].drop_duplicates(["customer_id", "date"])
    assert tried.actual.sum() == len(after[after["customer_id"].isin(past[1].index)])
    assert (tried.repeats == past[1]["x"]).all()
    own = past[1]["x"] / past[1]["T"] * 26
    pd.testing.assert_series_equal(tried.forecasts["own_rate"], own, check_names=False)


def test_a_trial_knows_nothing_of_what_came(past):
    changed = past[2].assign(n_days=past[2]["n_days"] * 3, x=99.0, T=1.0)
    one, two = (forecasts.trial(past[1], later, 26) for later in (past[2], changed))
    for code, forecast in one.forecasts.items():
        pd.testing.assert_series_equal(forecast, two.forecasts[code])
    assert two.actual.sum() > one.actual.sum()


def test_the_choice_does_not_see_the_period_that_is_reported(past):
    assert forecasts.choose(past, 26) == forecasts.choose([*past[:2], past[2].assign(n_days=0)], 26)


def test_a_rival_is_chosen_only_if_it_was_clearly_better(past, monkeypatch):
    assert forecasts.choose(past, 26) == "bg_nbd"
    happened = past[1]["n_days"].reindex(past[0].index) - past[0]["n_days"]

    def told(self, h, horizon):  # a naive forecast that knew: each history's mean of what came
        known = past[0].assign(came=happened).groupby(["x", "t_x", "T"])["came"].mean()
        keys = zip(h["x"].astype(float), h["t_x"].round(6), h["T"].round(6), strict=True)
        rounded = {(x, round(t, 6), round(T, 6)): v for (x, t, T), v in known.items()}
        return pd.Series([rounded[key] for key in keys], h.index)

    monkeypatch.setattr(naive.OwnRate, "expected_purchases", told)
    assert forecasts.choose(past, 26) == "own_rate"


def test_without_a_past_the_default_is_kept(past):
    assert forecasts.choose(past[1:], 26) == "bg_nbd"
    assert forecasts.choose(past[2:], 26) == "bg_nbd"
    assert forecasts.choose([nobody(past[0]), *past[1:]], 26) == "bg_nbd"
    dealers = past[0].assign(customer_type="dealer")
    assert forecasts.choose([dealers, *past[1:]], 26) == "bg_nbd"


@pytest.mark.parametrize(
    ("chosen", "there", "used"),
    [
        ("bg_nbd", ["bg_nbd", "nbd", "own_rate"], "bg_nbd"),
        ("own_rate", ["bg_nbd", "nbd", "own_rate"], "own_rate"),
        ("bg_nbd", ["nbd", "own_rate"], "nbd"),
        ("nbd", ["bg_nbd", "own_rate"], "bg_nbd"),
        ("bg_nbd", ["own_rate"], "own_rate"),
    ],
)
def test_the_chosen_forecast_is_used_where_it_could_be_fitted(chosen, there, used):
    assert forecasts.best({code: code for code in there}, chosen) == used


# What the report shows


def test_the_report_of_a_trial_is_a_table_of_trust(past):
    tried = forecasts.last_trial(past, 26)
    table = forecasts.report(tried, "nbd", 26)
    check("trust", table)
    assert set(table["horizon_days"]) == {182} and set(table["part"]) == {"value"}
    assert set(table.loc[table["is_chosen"], "model"]) == {"nbd"}
    n = table[table["metric"] == "n_customers"]["value"]
    assert (n == len(past[1])).all()


def test_the_last_period_is_the_one_that_is_reported(past):
    one = forecasts.last_trial(past, 26)
    pd.testing.assert_series_equal(one.actual, forecasts.trial(past[1], past[2], 26).actual)


@pytest.mark.parametrize("case", ["one date", "nobody then"])
def test_without_a_trial_the_report_says_nothing_and_still_appears(past, case):
    dates = past[2:] if case == "one date" else [nobody(past[1]), past[2]]
    tried = forecasts.last_trial(dates, 26)
    table = forecasts.report(tried, "bg_nbd", 26)
    check("trust", table)
    assert table.empty and forecasts.by_repeats(tried).empty
    html = Manager("en", "EUR").trust(table.set_index(["part", "model", "metric"]))
    assert html is not None


def test_means_by_repeats_are_those_of_the_customers_with_as_many(past):
    tried = forecasts.trial(past[1], past[2], 26)
    table = forecasts.by_repeats(tried)
    assert list(table.index) == ["0", "1", "2", "3", "4", "5", "6", "7+"]
    often = past[1]["x"] >= 7
    assert table.loc["7+", "actual"] == pytest.approx(tried.actual[often].mean())
    assert table.loc["7+", "nbd"] == pytest.approx(tried.forecasts["nbd"][often].mean())
    sizes = forecasts.labels(tried.repeats, 7).value_counts().reindex(table.index)
    assert (table["actual"] * sizes).sum() == pytest.approx(tried.actual.sum())


def test_labels_of_numbers():
    assert forecasts.labels(pd.Series([0.0, 2.0, 3.0, 40.0]), 3).tolist() == ["0", "2", "3+", "3+"]


def test_calibration_counts_every_customer_once(cdnow):
    h, _ = histories.distinct(cdnow)
    table = forecasts.calibration(bg_nbd.fit(h), cdnow)
    assert list(table.index) == ["0", "1", "2", "3", "4", "5", "6", "7+"]
    assert table["actual"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]  # BTYD walkthrough
    assert table["expected"].sum() == pytest.approx(2357)
    assert ((table["expected"] / table["actual"] - 1).abs() < 0.25).all()


def test_a_forecast_without_probabilities_has_no_calibration(cdnow):
    assert forecasts.calibration(naive.OwnRate(), cdnow).empty


def test_paces_are_fitted_where_somebody_came_back():
    paces = pd.DataFrame({"x": [0, 1, 2, 5, 9], "t_x": [0, 5, 9, 40, 50.0], "T": 52.0})
    model, notes = forecasts.fit_pace(paces)
    assert not notes and model.params.r > 0
    assert forecasts.fit_pace(paces.assign(x=0, t_x=0.0))[0] is None
    (note,) = forecasts.fit_pace(paces.iloc[:0])[1]
    assert note.code == "no_expected_moves"
