"""Weibull's accelerated failure time model: R's fit, planted truths, and poor data."""

import numpy as np
import pandas as pd
import published
import pytest
from lifelines.datasets import load_waltons

from cvm_analysis.errors import FitError, InputError
from cvm_analysis.survival import weibull_aft


@pytest.fixture(scope="module")
def model(rossi):
    return weibull_aft.fit(*rossi)


def simulated(n=4000, seed=1, late=0.0):
    """Weibull times of shape 1.5; `yes` shortens them to 0.6, `score` stretches by a fifth a step.

    late : a share is seen only from day 100 on.
    """
    rng = np.random.default_rng(seed)
    features = pd.DataFrame({"yes": rng.integers(0, 2, n) * 1.0, "score": rng.normal(50, 2, n)})
    scale = 300 * 0.6 ** features["yes"] * 1.2 ** (features["score"] - 50)
    life, watched = scale * rng.weibull(1.5, n), rng.uniform(100, 500, n)
    table = pd.DataFrame({"duration": np.minimum(life, watched), "event": (life < watched) * 1})
    entry = np.where(rng.random(n) < late, 100.0, 0.0)
    table = table.assign(entry=entry) if late else table
    seen = table["duration"] > entry
    return features[seen], table[seen]


def test_rossi_is_fitted_as_by_r(model):
    """R 4.2.2, survreg, dist = "weibull"; its scale is 1 / shape."""
    printed = published.read("weibull_aft", dist="weibull").set_index("term")
    found = model.times.join(printed[["estimate", "se"]])
    assert found["coef"].to_numpy() == pytest.approx(found["estimate"].to_numpy(), abs=5e-6)
    assert found["std_error"].to_numpy() == pytest.approx(found["se"].to_numpy(), rel=1e-5)
    assert model.intercept == pytest.approx(printed.loc["(Intercept)", "estimate"], abs=5e-6)
    assert 1 / model.shape == pytest.approx(printed["scale"].iloc[0], abs=1e-6)
    assert model.log_likelihood == pytest.approx(printed["loglik"].iloc[0], abs=1e-7)
    assert model.aic == pytest.approx(printed["AIC"].iloc[0], abs=1e-7)


def test_rossi_is_near_the_printed_fit_of_flexsurv(model):
    """R's flexsurv, as lifelines' tests print it (to 1e-3); AIC of lifelines."""
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    coef = [0.27230591, 0.04072758, -0.22480808, 0.10664712, 0.31095531, 0.05883352, -0.06580211]
    error = [0.13796834, 0.01599442, 0.22015347, 0.15154541, 0.27326405, 0.1396368, 0.02093981]
    assert model.times.loc[names, "coef"].to_numpy() == pytest.approx(coef, rel=2e-3)
    assert model.times.loc[names, "std_error"].to_numpy() == pytest.approx(error, rel=1e-3)
    assert model.aic == pytest.approx(1377.833, abs=5e-4)
    assert np.log(model.shape) == pytest.approx(0.339119, abs=2e-5)
    assert (model.n, model.events, model.max_duration) == (432, 114, 52)


def test_without_features_the_times_alone_are_fitted(rossi, model):
    """Waltons: lifelines' documentation; Rossi without features: R; and the test of all seven."""
    flies = load_waltons()
    outcome = flies[["T", "E"]].set_axis(["duration", "event"], axis=1)
    found = weibull_aft.fit(flies[[]], outcome)
    assert found.scale(flies[[]].head(1)).tolist() == pytest.approx([55.73], abs=5e-3)
    assert (found.shape, found.log_likelihood) == pytest.approx((3.45, -672.062), abs=6e-4)
    bare = weibull_aft.fit(rossi[0][[]], rossi[1])
    assert bare.intercept == pytest.approx(4.81767410754492, abs=2e-6)
    assert bare.log_likelihood == pytest.approx(-696.624396947786, abs=1e-7)
    assert 2 * (model.log_likelihood - bare.log_likelihood) == pytest.approx(33.42, abs=5e-3)


def test_ratios_and_intervals_follow_from_the_coefficients(model, rossi):
    table = model.times
    assert table["time_ratio"].to_numpy() == pytest.approx(np.exp(table["coef"]))
    for bound, side in (("low", -1), ("high", 1)):
        expected = np.exp(table["coef"] + side * 1.959964 * table["std_error"])
        assert table[bound].to_numpy() == pytest.approx(expected, rel=1e-6)
    strength = (table["coef"] * rossi[0].std()[table.index]).abs()
    assert strength.is_monotonic_decreasing


@pytest.mark.parametrize("late", [0.0, 0.7])
def test_planted_ratios_lie_in_their_intervals(late):
    """With late entry, too: without it the long-lived would make the times too long."""
    features, outcome = simulated(late=late)
    found = weibull_aft.fit(features, outcome)
    for name, ratio in (("yes", 0.6), ("score", 1.2)):
        assert found.times.loc[name, "low"] < ratio < found.times.loc[name, "high"]
    middle = pd.DataFrame({"yes": [0.0], "score": [50.0]})
    assert found.scale(middle)[0] == pytest.approx(300, rel=0.03)
    assert found.shape == pytest.approx(1.5, rel=0.05)
    if late:
        blind = weibull_aft.fit(features, outcome.drop(columns="entry"))
        assert blind.scale(middle)[0] > 315


def test_median_and_survival_belong_together(model, rossi):
    people = rossi[0].head(4)
    half = model.median(people)
    at_half = [model.survival(people.loc[[i]], [half[i]]).iloc[0, 0] for i in people.index]
    assert at_half == pytest.approx([0.5] * 4)
    curve = model.survival(people, [0, 10, 50, 500])
    assert (curve[0] == 1).all()
    assert (curve.diff(axis=1).iloc[:, 1:] < 0).all(axis=None)
    for name, ratio in model.times["time_ratio"].items():
        longer = model.median(people.assign(**{name: people[name] + 1}))
        assert (longer / half).tolist() == pytest.approx([ratio] * 4)


def test_survival_is_conditional_on_having_lasted(model, rossi):
    people = rossi[0].head(3)
    plain = model.survival(people, [10, 20, 30])
    tenure = pd.Series([10.0, 20.0, 0.0], people.index)
    after = model.survival(people, [10], after=tenure)[10]
    assert after[0] == pytest.approx(plain.loc[0, 20] / plain.loc[0, 10])
    assert after[1] == pytest.approx(plain.loc[1, 30] / plain.loc[1, 20])
    assert after[2] == pytest.approx(plain.loc[2, 10])
    assert after[1] < model.survival(people, [10]).loc[1, 10]  # shape 1.4: the pace grows with age


def test_weeks_or_days_change_the_scale_only(rossi, model):
    features, outcome = rossi
    days = weibull_aft.fit(features, outcome.assign(duration=7 * outcome["duration"]))
    names = model.times.index
    assert days.times.loc[names, "coef"].to_numpy() == pytest.approx(
        model.times["coef"].to_numpy(), abs=5e-5
    )
    assert days.shape == pytest.approx(model.shape, rel=1e-4)
    people = features.head(2)
    found = days.median(people).to_numpy()
    assert found == pytest.approx(7 * model.median(people).to_numpy(), rel=1e-4)


def test_order_of_rows_and_names_of_features_do_not_matter(rossi, model):
    features, outcome = rossi
    names = dict(
        zip(features, ["duration", "event", "entry", "Intercept", "a b", "x0", "W"], strict=True)
    )
    shuffled = features.sample(frac=1, random_state=1)
    other = weibull_aft.fit(shuffled.rename(columns=names), outcome.loc[shuffled.index])
    found = other.times.loc[[names[name] for name in model.times.index], "coef"].to_numpy()
    assert found == pytest.approx(model.times["coef"].to_numpy(), abs=2e-5)


def test_a_customer_may_have_several_rows(rossi, model):
    features, outcome = rossi
    ids = pd.Index(np.arange(432) // 2)
    found = weibull_aft.fit(features.set_axis(ids), outcome.set_axis(ids))
    assert found.log_likelihood == pytest.approx(model.log_likelihood, abs=1e-9)


def test_rows_of_no_time_yet_say_nothing_and_events_at_none_count_as_half_a_day():
    features, outcome = simulated(600)
    plain = weibull_aft.fit(features, outcome)
    new = pd.DataFrame({"duration": 0.0, "event": 0}, index=range(9000, 9050))
    more = pd.DataFrame({"yes": 1.0, "score": 50.0}, index=new.index)
    found = weibull_aft.fit(pd.concat([features, more]), pd.concat([outcome, new]))
    pd.testing.assert_frame_equal(found.times, plain.times)
    assert found.n == plain.n
    whole = outcome.assign(duration=np.floor(outcome["duration"] / 20))
    assert (whole["duration"][whole["event"] == 1] == 0).any()
    halved = whole.assign(duration=whole["duration"].replace(0, 0.5))
    pd.testing.assert_frame_equal(
        weibull_aft.fit(features, whole).times, weibull_aft.fit(features, halved).times
    )


@pytest.mark.parametrize(
    ("poor", "said"),
    [
        (lambda f, o: (f, o.assign(event=0)), "0 events among 600 rows"),
        (lambda f, o: (f, o.assign(event=(np.arange(600) < 3) * 1)), "3 events among 600 rows"),
        (lambda f, o: (f, o.assign(duration=9.0)), "cannot identify the shape"),
        (lambda f, o: (f.head(0), o.head(0)), "0 events among 0 rows"),
        (lambda f, o: (f.assign(same=1.0), o), "same do not vary"),
        (lambda f, o: (f.assign(twice=2 * f["yes"] + 1), o), "follow from the others"),
        (
            lambda f, o: (
                f.assign(never=(np.arange(600) < 99) * 1.0),
                o.assign(event=(np.arange(600) >= 99) * o["event"]),
            ),
            "any effect fits of never",
        ),
        (
            lambda f, o: (f, o.assign(duration=o["duration"].where(o["event"] == 0, 500.0))),
            "grows without end",
        ),
    ],
)
def test_poor_data_have_no_model_but_one_message(poor, said):
    with pytest.raises(FitError, match=said) as caught:
        weibull_aft.fit(*poor(*simulated(600)))
    assert "\n" not in str(caught.value)


def test_impossible_rows_are_refused(model, rossi):
    features, outcome = simulated(300)
    with pytest.raises(InputError, match="empty or infinite values in yes"):
        weibull_aft.fit(features.assign(yes=np.nan), outcome)
    with pytest.raises(InputError, match="300 of 300 outcomes"):
        weibull_aft.fit(features, outcome.assign(duration=-1))
    with pytest.raises(InputError, match="fitted with age; the data lack it"):
        model.median(rossi[0].drop(columns="age"))
