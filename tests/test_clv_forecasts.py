"""The models a forecast may rest on: those that the data can carry, and the rest is named."""

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import bg_nbd, forecasts, gamma_gamma, histories, naive, pool
from cvm_analysis.errors import FitError
from cvm_analysis.minimum_data import Note
from cvm_analysis.texts import languages, words

END = dt.date(2025, 12, 31)


def codes(notes):
    return [note.code for note in notes]


def customers(log, day):
    """The customers as of a day, by pandas alone; columns as far as forecasts look at them."""
    days = log[log["date"] <= pd.Timestamp(day)].groupby(["customer_id", "date"])["dollars"].sum()
    days = days.reset_index()
    found = days.groupby("customer_id")["date"].agg(n_purchase_days="size", first="min", last="max")
    later = days[days["date"] > days["customer_id"].map(found["first"])]
    found["spend_per_repeat_day"] = later.groupby("customer_id")["dollars"].mean()
    found["gross_sales"] = days.groupby("customer_id")["dollars"].sum()
    return found.assign(
        customer_type="retail",
        n_orders=found["n_purchase_days"],
        x=found["n_purchase_days"] - 1.0,
        t_x=(found["last"] - found["first"]).dt.days / 7,
        T=(pd.Timestamp(day) - found["first"]).dt.days / 7,
    )


@pytest.fixture(scope="module")
def people(cdnow_log):
    return customers(cdnow_log, "1997-09-30")


# Days to forecast from


def test_there_are_three_earlier_origins_a_period_apart():
    dates, notes = forecasts.origins(END, dt.date(2022, 1, 1), 26)
    assert notes == [] and len(dates) == 4
    assert {(b - a).days for a, b in itertools.pairwise(dates)} == {26 * 7}
    assert dates[-2:] == [dt.date(2025, 7, 2), END]


@pytest.mark.parametrize(
    ("weeks_of_data", "n_dates", "said"),
    [
        (82, 4, []),
        (81, 3, []),
        (56, 3, []),
        (55, 2, ["one_past_period"]),
        (30, 2, ["one_past_period"]),
        (29, 1, ["no_holdout_short_history"]),
        (1, 1, ["no_holdout_short_history"]),
    ],
)
def test_an_origin_needs_four_weeks_before_it(weeks_of_data, n_dates, said):
    first = END - dt.timedelta(weeks=weeks_of_data)
    dates, notes = forecasts.origins(END, first, 26)
    assert len(dates) == n_dates and dates[-1] == END and codes(notes) == said


@pytest.mark.parametrize(
    ("records", "horizon", "weeks"),
    [
        (30.1, 23, 11),  # a third
        (39, 39, 13),
        (104, 207, 52),  # not below a quarter of the horizon
        (17, 52, 13),
        (156, 52, 26),  # not above half of it
        (10, 1, 1),
    ],
)
def test_a_period_is_a_third_of_the_records_between_a_quarter_and_half_of_the_horizon(
    records, horizon, weeks
):
    assert forecasts.trial_weeks(records, horizon) == weeks


# Types


def test_every_type_with_a_purchase_is_modelled_the_largest_first():
    people = pd.DataFrame(
        {"customer_type": ["dealer", "retail", "retail", "project"], "x": [3.0, 0.0, 1.0, np.nan]},
        index=list("abcd"),
    )
    found = forecasts.split_by_type(people)
    assert {kind: list(table.index) for kind, table in found.items()} == {
        "retail": ["b", "c"],
        "dealer": ["a"],
    }
    assert list(found) == ["retail", "dealer"]


def test_each_type_has_its_own_spend_and_notes_name_the_type(people):
    some = people.assign(customer_type=np.where(people["x"] > 6, "dealer", "retail"))
    some.loc[some.index[:5], "customer_type"] = "project"
    spends, notes = forecasts.fit_spends(some)
    assert set(spends) == {"retail", "dealer", "project"}
    assert isinstance(spends["project"], naive.OwnMean)
    assert [note.customer_type for note in notes if note.code.startswith("own_mean")] == ["project"]
    assert {note.customer_type for note in forecasts.fit_spends(people)[1]} <= {None}


# What is fitted


def test_enough_data_are_fitted_by_every_model_the_best_first(people):
    models, notes = forecasts.fit(people)
    fitted = ["pareto_nbd", "mbg_nbd", "bg_nbd", "nbd", "zero_truncated_nbd"]
    assert list(models) == [*fitted, "own_rate", "recency_rule"]
    assert codes(notes) == [f"{c}_{models[c].reason}" for c in fitted if models[c].reason]
    # Fader, Hardie & Lee (2005), table 2: r .243, alpha 4.414, a .793, b 2.426; r .553, alpha
    # 10.578, s .606, beta 11.669
    assert models["bg_nbd"].params == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=0.0006)
    assert models["pareto_nbd"].params == pytest.approx((0.553, 10.578, 0.606, 11.669), abs=0.003)


def test_customers_without_purchase_or_not_retail_are_left_out(people):
    others = people.head(500).assign(customer_type="dealer", x=50.0, t_x=30.0, T=39.0)
    prospects = people.head(300).assign(n_orders=0, x=np.nan, t_x=np.nan, T=np.nan)
    more = pd.concat(
        [people, others.rename(index="d{}".format), prospects.rename(index="p{}".format)]
    )
    assert len(forecasts.with_purchase(more)) == 2_357
    models, _ = forecasts.fit(more)
    alone, _ = forecasts.fit(people)
    assert {c: models[c].params for c in forecasts.FITTED} == {
        c: alone[c].params for c in forecasts.FITTED
    }
    assert models["recency_rule"] == alone["recency_rule"]
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
def test_too_few_are_not_fitted_and_a_note_says_so(people, n_buyers, n_repeat, said):
    repeat = people[people["x"] > 0].head(n_repeat)
    some = pd.concat([repeat, people[people["x"] == 0].head(n_buyers - n_repeat)])
    models, notes = forecasts.fit(some)
    assert codes(notes)[: len(said)] == said
    if said:
        assert list(models) == ["own_rate", "recency_rule"] and len(notes) == len(said)
        assert notes[0].have == (n_buyers if "buyers" in said[0][-10:-6] else notes[0].have)
    else:
        assert set(models) & {"nbd", "bg_nbd"}


def test_drop_out_that_is_not_in_the_data_is_not_used():
    """All last purchases are later than a constant rate makes likely: no drop-out."""
    rng = np.random.default_rng(7)
    x = rng.poisson(rng.gamma(2.0, 1 / 10, 3_000) * 52).astype(float)
    t_x = np.round(x / (x + 0.5) * 52 * 7) / 7  # the last of x even times: x / (x + 1)
    people = pd.DataFrame({"x": x, "t_x": t_x, "T": 52.0, "n_orders": 1, "customer_type": "retail"})
    models, notes = forecasts.fit(people)
    assert list(models) == ["nbd", "zero_truncated_nbd", "own_rate", "recency_rule"]
    dying = ("pareto_nbd", "mbg_nbd", "bg_nbd")
    assert codes(notes)[:3] == [f"{code}_no_drop_out_found" for code in dying]


def test_a_model_that_cannot_be_fitted_is_named_and_the_next_takes_over(people, monkeypatch):
    def fails(*_):
        raise FitError("no")

    first = {"pareto_nbd": forecasts.FITTED["pareto_nbd"]._replace(fit=fails)}
    monkeypatch.setattr(forecasts, "FITTED", {**forecasts.FITTED, **first})
    models, notes = forecasts.fit(people)
    assert "pareto_nbd" not in models and Note("value", "pareto_nbd_not_fitted") in notes
    assert next(iter(models)) == "mbg_nbd"
    none = {code: record._replace(fit=fails) for code, record in forecasts.FITTED.items()}
    monkeypatch.setattr(forecasts, "FITTED", none)
    models, notes = forecasts.fit(people)
    assert list(models) == ["own_rate", "recency_rule"]
    assert codes(notes) == [f"{code}_not_fitted" for code in forecasts.FITTED]
    monkeypatch.setattr(gamma_gamma, "fit", fails)
    spend, notes = forecasts.fit_spend(people)
    assert isinstance(spend, naive.OwnMean) and codes(notes) == ["gamma_gamma_not_fitted"]


def test_spend_is_fitted_to_repeat_purchases(people):
    spend, notes = forecasts.fit_spend(people)
    # Fader & Hardie (2013), note 025: p 6.25, q 3.74, gamma 15.44; the one customer in 946 whose
    # repeat purchases were free is left out here
    assert spend.params == pytest.approx((6.25, 3.74, 15.44), abs=0.02) and notes == []


def test_too_few_repeat_buyers_have_their_own_mean_spend(people):
    few = pd.concat([people[people["x"] > 0].head(29), people[people["x"] == 0]])
    spend, notes = forecasts.fit_spend(few)
    assert notes == [Note("spend_model", "own_mean_few_repeat_buyers", 29.0, 30.0)]
    assert spend.population_mean == pytest.approx(
        few["gross_sales"].sum() / few["n_purchase_days"].sum()
    )


def test_only_wanted_models_are_fitted(people):
    models, _ = forecasts.fit(people.iloc[::4], wanted=["nbd", "boosted"])
    assert list(models) == ["nbd", "own_rate", "recency_rule"]


def test_rounding_to_weeks_hardly_moves_a_fit_and_keeps_the_window_whole(people):
    exact, rounded = (forecasts.fit(people, resolution=r)[0] for r in ("day", "week"))
    totals = [m["pareto_nbd"].expected_purchases(people, 39).sum() for m in (exact, rounded)]
    assert totals[1] == pytest.approx(totals[0], rel=0.02)
    assert rounded["zero_truncated_nbd"].params == exact["zero_truncated_nbd"].params


def test_the_leading_model_of_a_pool_is_the_fitted_one_with_most_weight(people):
    models, _ = forecasts.fit(people.iloc[::4], wanted=["pareto_nbd", "nbd"])
    mixed = pool.Pool((models["own_rate"], models["nbd"], models["pareto_nbd"]), (0.5, 0.3, 0.2))
    assert forecasts.leading_model(mixed) is models["nbd"]
    assert forecasts.leading_model(models["own_rate"]) is models["own_rate"]


def test_a_model_of_histories_is_asked_once_for_each_and_one_of_customers_for_every_one(people):
    h, key = forecasts.model_rows(naive.OwnRate(), people)
    assert len(h) < len(people) and h["n"].sum() == len(people)
    by_customer = naive.LastPeriod(people["x"] / 26)
    rows, own = forecasts.model_rows(
        by_customer, people.assign(x=people["x"].where(people["x"] < 9))
    )
    bought = people[people["x"] < 9]
    assert list(rows.index) == list(bought.index) == list(own) and list(own.index) == list(own)
    found = by_customer.expected_purchases(rows, 26).loc[own]
    assert found.to_numpy() == pytest.approx(bought["x"].to_numpy())
    assert naive.OwnRate().purchase_rate(h).loc[key].to_numpy() == pytest.approx(
        (people["x"] / people["T"]).loc[key.index].to_numpy()
    )


def test_labels_of_numbers():
    assert forecasts.label_repeats(pd.Series([0.0, 2.0, 3.0, 40.0]), 3).tolist() == [
        "0",
        "2",
        "3+",
        "3+",
    ]


def test_calibration_counts_every_customer_once(cdnow):
    h, _ = histories.distinct(cdnow)
    table = forecasts.calibration(bg_nbd.fit(h), cdnow)
    assert list(table.index) == ["0", "1", "2", "3", "4", "5", "6", "7+"]
    assert table["actual"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]  # BTYD walkthrough
    assert table["expected"].sum() == pytest.approx(2357)
    assert ((table["expected"] / table["actual"] - 1).abs() < 0.25).all()


def test_a_forecast_without_probabilities_has_no_calibration(cdnow):
    assert forecasts.calibration(naive.OwnRate(), cdnow).empty


def test_purchase_rates_are_fitted_with_repeat_purchases():
    paces = pd.DataFrame({"x": [0, 1, 2, 5, 9], "t_x": [0, 5, 9, 40, 50.0], "T": 52.0})
    model, notes = forecasts.fit_purchase_rates(paces)
    assert not notes and model.params.r > 0
    assert forecasts.fit_purchase_rates(paces.assign(x=0, t_x=0.0))[0] is None
    (note,) = forecasts.fit_purchase_rates(paces.iloc[:0])[1]
    assert note.code == "no_expected_moves"


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("code", forecasts.ORDER)
def test_every_forecast_has_a_name_and_whatever_may_be_wrong_with_it_a_text(language, code):
    say = words(language)
    assert say(f"models.{code}") != code
    if code in forecasts.FITTED:
        reasons = ["not_fitted", "parameters_diverged"]
        reasons += ["no_drop_out_found"] * (not code.endswith("d_nbd") and code != "nbd")
        assert all(len(say(f"notes.{code}_{reason}")) > 10 for reason in reasons)


def test_notes_are_on_the_default_and_the_forecast_in_use():
    codes = ["pareto_nbd_not_fitted", "mbg_nbd_not_fitted", "nbd_not_fitted", "own_rate_few_buyers"]
    notes = [Note("value", code) for code in codes]
    assert forecasts.select_notes(notes, ["nbd"]) == [notes[0], notes[2], notes[3]]
    assert forecasts.select_notes(notes, ["boosted"]) == [notes[0], notes[3]]


def test_purchase_days_of_modelled_customers_are_kept():
    days = pd.DataFrame({"customer_id": list("abca"), "day": [1, 2, 3, 4]})
    kept = forecasts.keep_modelled_days(days, pd.DataFrame(index=["a", "c"]))
    assert kept["day"].tolist() == [1, 3, 4]
