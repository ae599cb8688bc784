"""Cox's model: the published fit, planted truths, and what happens with poor data."""

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_rossi
from lifelines.exceptions import ConvergenceWarning

from cvm_analysis.churn import survival
from cvm_analysis.errors import FitError, InputError


@pytest.fixture(scope="module")
def rossi():
    """432 men released from prison, arrested again within 52 weeks or not (Rossi et al. 1980)."""
    data = load_rossi()
    outcome = data[["week", "arrest"]].set_axis(["duration", "event"], axis=1)
    return data.drop(columns=["week", "arrest"]), outcome


@pytest.fixture(scope="module")
def model(rossi):
    return survival.fit(*rossi)


def simulated(n=3000, seed=1, beta=(0.6931472, -0.5)):
    """Exponential times with two planted effects, half a year watched."""
    rng = np.random.default_rng(seed)
    features = pd.DataFrame({"yes": rng.integers(0, 2, n), "score": rng.normal(3, 2, n)})
    rate = np.exp(-5 + features @ beta)
    times = rng.exponential(1 / rate)
    outcome = pd.DataFrame(
        {"duration": np.minimum(times, 180), "event": (times <= 180).astype(int)}
    )
    return features.astype(float), outcome


def test_rossi_is_fitted_as_in_r_survival(model):
    """R survival, Efron ties; lifelines' test_estimation.py prints the same."""
    coef, errors = model.hazards["coef"], model.hazards["std_error"]
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    printed = [-0.3794222, -0.0574377, 0.3138998, -0.1497957, -0.4337039, -0.0848711, 0.0914971]
    assert coef[names].to_numpy() == pytest.approx(printed, abs=6e-8)
    printed = [0.19138, 0.02200, 0.30799, 0.21222, 0.38187, 0.19576, 0.02865]
    assert errors[names].to_numpy() == pytest.approx(printed, abs=6e-6)
    assert model.log_likelihood == pytest.approx(-658.7477, abs=6e-5)
    assert model.concordance == pytest.approx(0.6403, abs=6e-5)
    assert (model.n, model.events, model.observed, model.dropped) == (432, 114, 52, {})


def test_ratios_and_intervals_follow_from_the_coefficients(model, rossi):
    table = model.hazards
    assert table["hazard_ratio"].to_numpy() == pytest.approx(np.exp(table["coef"]))
    assert table["low"].to_numpy() == pytest.approx(
        np.exp(table["coef"] - 1.959964 * table["std_error"])
    )
    assert table["high"].to_numpy() == pytest.approx(
        np.exp(table["coef"] + 1.959964 * table["std_error"])
    )
    ages = rossi[0]["age"].std()
    assert table.loc["age", "hazard_ratio_sd"] == pytest.approx(np.exp(-0.0574377 * ages), abs=1e-6)
    assert list(table.index[:2]) == ["age", "prio"]  # z -2.6 and 3.2, by standard deviations


def test_planted_ratios_lie_in_their_intervals():
    found = survival.fit(*simulated()).hazards
    assert found.loc["yes", "low"] < 2 < found.loc["yes", "high"]
    assert found.loc["score", "low"] < np.exp(-0.5) < found.loc["score", "high"]


def test_probabilities_of_silence_are_those_planted_and_fall():
    features, outcome = simulated()
    p = survival.fit(features, outcome).p_silent(features, [30, 90, 180])
    assert list(p) == ["p_silent_30d", "p_silent_90d", "p_silent_180d"]
    assert p.index.equals(features.index)
    assert p.stack().between(0, 1).all()
    assert (p.diff(axis=1).iloc[:, 1:] < 0).all(axis=None)
    true = np.exp(-90 * np.exp(-5 + features @ [np.log(2), -0.5]))
    assert (p["p_silent_90d"] - true).abs().max() < 0.06


def test_nothing_is_said_beyond_what_was_observed(model, rossi):
    p = model.p_silent(rossi[0], [52, 53])
    assert p["p_silent_52d"].notna().all()
    assert p["p_silent_53d"].isna().all()


def test_survival_after_a_start_is_conditional(model, rossi):
    people = rossi[0].head(3)
    plain = model.survival(people, [10, 20, 30])
    after = model.survival(people, [10, 20], after=pd.Series([10, 20, 40.0], people.index))
    assert after.loc[0, 20] == pytest.approx(plain.loc[0, 30] / plain.loc[0, 10])
    assert after.loc[1, 10] == pytest.approx(plain.loc[1, 30] / plain.loc[1, 20])
    assert after.loc[2].notna().tolist() == [True, False]  # 40 + 20 weeks were never watched


def test_survival_steps_where_events_were(model, rossi):
    """The first arrest is in week 1; before it all are still free."""
    people = rossi[0].head(3)
    found = model.survival(people, [0, 0.5, 1, 20])
    assert (found[[0, 0.5]] == 1).all(axis=None)
    theirs = model.fitter.predict_survival_function(people, times=[1, 20]).T
    assert found[[1, 20]].to_numpy() == pytest.approx(theirs.to_numpy())


def test_the_order_of_rows_changes_nothing():
    features, outcome = simulated(600)
    shuffled = features.sample(frac=1, random_state=3).index
    one = survival.fit(features, outcome)
    other = survival.fit(features.loc[shuffled], outcome.loc[shuffled])
    pd.testing.assert_frame_equal(one.hazards, other.hazards)
    pd.testing.assert_frame_equal(
        one.p_silent(features, [90]),
        other.p_silent(features.loc[shuffled], [90]).loc[features.index],
    )
    assert one.reasons(features).equals(other.reasons(features.loc[shuffled]).loc[features.index])


def test_reasons_name_what_raises_or_lowers_the_risk_of_silence():
    features, outcome = simulated()  # `yes` doubles the rate of buying, `score` lowers it
    model = survival.fit(features, outcome)
    people = pd.DataFrame({"yes": [0.0, 1.0, 0.0], "score": [9.0, 3.1, 3.0]}, index=list("abc"))
    people.loc["d"] = model.means
    reasons = model.reasons(people)
    assert list(reasons) == ["reason_1", "reason_2", "reason_3"]
    assert reasons.loc["a"].tolist() == ["score+", "yes+", None]
    assert reasons.loc["b", "reason_1"] == "yes-"
    assert reasons.loc["c", "reason_1"] == "yes+"
    assert reasons.loc["d"].isna().all()
    assert model.reasons(people, n=1).shape == (4, 1)


def test_useless_features_are_dropped_with_their_reason():
    features, outcome = simulated()
    never = (outcome["event"] == 0) & (features["score"] > 6)
    poor = features.assign(
        same=1.0, twice=2 * features["yes"] + 1, both=features.sum(axis=1), never=never * 1.0
    )
    model = survival.fit(poor, outcome)
    expected = {"same": "constant", "twice": "collinear", "both": "collinear", "never": "one_sided"}
    assert model.dropped == expected
    pd.testing.assert_frame_equal(model.hazards, survival.fit(features, outcome).hazards)


def test_a_feature_that_the_data_do_not_tell_is_dropped():
    """Separation: nobody without `key` bought again but one, who was the last to be watched."""
    n = 60
    features = pd.DataFrame({"score": np.tile([0.0, 1.0, 2.0], 20), "key": 1.0})
    features.loc[40:, "key"] = 0.0
    features.loc[59, "key"] = 0.5
    duration = pd.Series(np.arange(1.0, n + 1))
    outcome = pd.DataFrame({"duration": duration, "event": (duration <= 40).astype(int)})
    outcome.loc[59, "event"] = 1
    with pytest.warns(ConvergenceWarning):
        model = survival.fit(features, outcome)
    assert model.dropped == {"key": "not_told"}
    assert list(model.hazards.index) == ["score"]


def test_few_events_carry_few_features():
    features, outcome = simulated(200)
    outcome.loc[outcome.index[outcome["event"] == 1][15:], "event"] = 0
    model = survival.fit(features, outcome)
    assert model.events == 15
    assert model.dropped == {"score": "few_events"}
    outcome["event"] = 0
    with pytest.raises(FitError, match="0 events among 200 rows; one feature needs 10"):
        survival.fit(features, outcome)


def test_one_customer_is_too_few():
    features, outcome = simulated()
    with pytest.raises(FitError, match="among 1 rows"):
        survival.fit(features.head(1), outcome.head(1))


def test_no_feature_left_is_an_error():
    features, outcome = simulated(300)
    with pytest.raises(FitError, match=r"no feature is left .*yes: constant"):
        survival.fit(features[["yes"]] * 0, outcome)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda f, o: (f.mask(f["yes"] == 1), o), "empty or infinite values in yes, score"),
        (lambda f, o: (f, o.assign(duration=-o["duration"])), "300 of 300 outcomes"),
        (lambda f, o: (f, o.iloc[::-1]), "in their order"),
        (lambda f, o: (f, o.assign(event=2)), "no event of 0 or 1"),
    ],
)
def test_impossible_rows_are_refused(broken, said):
    with pytest.raises(InputError, match=said):
        survival.fit(*broken(*simulated(300)))


def test_other_features_are_refused_by_name(model, rossi):
    with pytest.raises(InputError, match=r"fitted with age; the data lack it"):
        model.p_silent(rossi[0].drop(columns=["age"]), [10])


def test_what_the_data_do_not_tell_is_no_reason():
    rng = np.random.default_rng(1)
    features = pd.DataFrame({"told": rng.normal(size=600), "noise": rng.normal(size=600)})
    duration = rng.exponential(np.exp(-0.8 * features["told"]))
    model = survival.fit(features, pd.DataFrame({"duration": duration, "event": 1}))
    assert model.hazards.loc["noise", "low"] < 1 < model.hazards.loc["noise", "high"]
    reasons = model.reasons(features)
    assert set(reasons["reason_1"].dropna()) == {"told+", "told-"}
    assert reasons["reason_2"].isna().all()
