"""Cox's model: the published fits, planted truths, and what happens with poor data."""

import numpy as np
import pandas as pd
import published
import pytest
from lifelines.datasets import load_lymphoma
from lifelines.exceptions import ConvergenceWarning
from published import r_survival
from scipy import stats

from cvm_analysis.errors import FitError, InputError
from cvm_analysis.survival import cox


@pytest.fixture(scope="module")
def model(rossi):
    return cox.fit(*rossi)


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


def of_r(dataset, name):
    given = r_survival.model(dataset, name)
    return cox.fit_plain(given.features, given.outcome, strata=given.strata, events_per_feature=5)


@pytest.mark.parametrize(("dataset", "name"), r_survival.NAMES)
def test_every_coefficient_is_that_of_r(dataset, name):
    printed = published.read("cox_coefficients", dataset=dataset, model=name).set_index("term")
    table = of_r(dataset, name).hazards.loc[printed.index]
    pairs = {"coef": "coef", "std_error": "se", "hazard_ratio": "exp_coef"}
    for ours, theirs in pairs.items():
        assert table[ours].to_numpy() == pytest.approx(printed[theirs].to_numpy(), rel=1e-9)
    z = (table["coef"] / table["std_error"]).to_numpy()
    assert z == pytest.approx(printed["z"].to_numpy(), rel=1e-9)
    assert 2 * stats.norm.sf(np.abs(z)) == pytest.approx(printed["p"].to_numpy(), rel=1e-7)
    for ours, theirs in {"low": "ci_low", "high": "ci_high"}.items():
        assert np.log(table[ours]).to_numpy() == pytest.approx(printed[theirs].to_numpy())


@pytest.mark.parametrize(("dataset", "name"), r_survival.NAMES)
def test_every_summary_is_that_of_r(dataset, name):
    model = of_r(dataset, name)
    printed = published.read("cox_summary", dataset=dataset, model=name).iloc[0]
    assert (model.n, model.events, len(model.hazards)) == (
        printed["n"],
        printed["events"],
        printed["df"],
    )
    assert model.log_likelihood == pytest.approx(printed["loglik"], rel=1e-12)
    assert 2 * len(model.hazards) - 2 * model.log_likelihood == pytest.approx(printed["AIC"])


def event_by_event(features, outcome):
    """Each event with all then at risk as a stratum: without ties, so that the fit is Breslow's.

    Breslow's likelihood is a product over events, tied or not, each against all at risk.
    """
    entry = outcome.get("entry", pd.Series(0, outcome.index))
    parts = []
    for row in outcome.index[outcome["event"] == 1]:
        at = outcome.at[row, "duration"]
        there = outcome.index[(entry < at) & (at <= outcome["duration"])]
        parts.append(pd.DataFrame({"row": there, "of": row, "event": (there == row).astype(int)}))
    risk_sets = pd.concat(parts, ignore_index=True)
    rows = features.loc[risk_sets["row"]].reset_index(drop=True)
    ends = risk_sets[["event"]].assign(duration=1.0)
    return cox.fit_plain(rows, ends, strata=risk_sets["of"].astype(str), events_per_feature=5)


@pytest.mark.parametrize(("dataset", "name"), r_survival.BRESLOW)
def test_event_by_event_the_fit_is_that_of_breslow(dataset, name):
    printed = published.read("cox_coefficients", dataset=dataset, model=name).set_index("term")
    given = r_survival.model(dataset, name)
    model = event_by_event(given.features[list(printed.index)], given.outcome)
    found = model.hazards.loc[printed.index]
    assert found["coef"].to_numpy() == pytest.approx(printed["coef"].to_numpy(), abs=3e-7)
    assert found["std_error"].to_numpy() == pytest.approx(printed["se"].to_numpy(), rel=1e-7)
    loglik = published.read("cox_summary", dataset=dataset, model=name)["loglik"].iloc[0]
    assert model.log_likelihood == pytest.approx(loglik, rel=1e-9)


def test_the_veterans_of_scikit_survivals_guide():
    """The guide to scikit-survival, which fits Breslow's way, prints six decimals."""
    data = r_survival.data("veteran")
    cells = {c: (data["celltype"] == c).astype(float) for c in ("large", "smallcell", "squamous")}
    features = data[["age"]].assign(**cells).join(data[["karno", "diagtime"]])
    features = features.assign(prior=data["prior"] / 10, test=data["trt"] - 1)
    outcome = data[["time", "status"]].set_axis(["duration", "event"], axis=1)
    coef = event_by_event(features, outcome).hazards.loc[list(features), "coef"]
    printed = [-0.008549, -0.788672, -0.331813, -1.188299, -0.032622, -0.000092, 0.072327, 0.289936]
    assert coef.to_numpy() == pytest.approx(printed, abs=6e-7)


def test_predicted_survival_of_rossi_is_that_of_r(model, rossi):
    printed = published.read("cox_predicted").set_index("time")
    people = rossi[0].iloc[[int(name.removeprefix("row")) - 1 for name in printed]]
    found = model.survival(people, list(printed.index))
    assert found.to_numpy() == pytest.approx(printed.T.to_numpy(), rel=1e-9)


def test_rossi_is_fitted_as_in_r_survival_and_needs_no_change(model):
    """R survival, Efron ties; lifelines' test_estimation.py prints the same."""
    coef, errors = model.hazards["coef"], model.hazards["std_error"]
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    printed = [-0.3794222, -0.0574377, 0.3138998, -0.1497957, -0.4337039, -0.0848711, 0.0914971]
    assert coef[names].to_numpy() == pytest.approx(printed, abs=6e-8)
    printed = [0.19138, 0.02200, 0.30799, 0.21222, 0.38187, 0.19576, 0.02865]
    assert errors[names].to_numpy() == pytest.approx(printed, abs=6e-6)
    printed = [-1.983, -2.611, 1.019, -0.706, -1.136, -0.434, 3.194]
    assert (coef / errors)[names].to_numpy() == pytest.approx(printed, abs=6e-4)
    assert model.log_likelihood == pytest.approx(-658.7477, abs=6e-5)
    assert (model.n, model.events, model.max_duration, model.dropped) == (432, 114, 52, {})
    assert (model.nonlinear, model.stratified, model.not_proportional) == ({}, {}, ())
    assert model.proportional.loc["age", "p"] == pytest.approx(0.0145, abs=6e-5)
    assert model.hazards.loc["age", "proportional_p"] == model.proportional.loc["age", "p"]


def test_rossi_by_race_is_that_printed(rossi):
    features, outcome = rossi
    found = cox.fit_plain(features.drop(columns="race"), outcome, strata=features["race"]).hazards
    names = ["fin", "age", "wexp", "mar", "paro", "prio"]
    printed = [-0.3788, -0.0576, -0.1427, -0.4388, -0.0858, 0.0922]
    assert found.loc[names, "coef"].to_numpy() == pytest.approx(printed, abs=6e-5)


def test_lymphoma_is_the_score_test_of_its_groups():
    """Without ties in deaths the score test of one group is the log-rank, 6.70971 as printed."""
    data = load_lymphoma()
    outcome = data[["Time", "Censor"]].set_axis(["duration", "event"], axis=1)
    found = cox.fit_plain(data[["Stage_group"]].rename(columns=str), outcome)
    assert (found.n, found.events) == (80, 54)
    wald = (found.hazards["coef"] / found.hazards["std_error"]).item() ** 2
    assert wald == pytest.approx(6.70971, rel=0.1)


def test_late_entry_finds_the_planted_ratio_where_forgetting_it_does_not():
    """Rows are kept only if they last until watched; the long-lived ones are so all `yes` lack."""
    features, outcome = simulated(3000, 4)
    rng = np.random.default_rng(0)
    entry = np.where(features["yes"] == 1, rng.uniform(0, 150, len(features)), 0.0)
    lasted = outcome["duration"] > entry
    features, outcome, entry = features[lasted], outcome[lasted], entry[lasted]
    features, outcome = features.reset_index(drop=True), outcome.reset_index(drop=True)
    outcome["duration"] = np.ceil(outcome["duration"])
    found = cox.fit(features, outcome.assign(entry=entry))
    assert found.hazards.loc["yes", "low"] < 2 < found.hazards.loc["yes", "high"]
    forgotten = cox.fit_plain(features, outcome).hazards
    assert forgotten.loc["yes", "high"] < 1.9
    true = np.exp(-60 * np.exp(-5 + features @ [np.log(2), -0.5]))
    assert (found.survival(features, [60])[60] - true).abs().mean() < 0.02


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
    found = cox.fit(*simulated()).hazards
    assert found.loc["yes", "low"] < 2 < found.loc["yes", "high"]
    assert found.loc["score", "low"] < np.exp(-0.5) < found.loc["score", "high"]


def test_probabilities_of_silence_are_those_planted_and_fall():
    features, outcome = simulated()
    p = cox.fit(features, outcome).survival(features, [30, 90, 180])
    assert list(p) == [30, 90, 180]
    assert p.index.equals(features.index)
    assert p.stack().between(0, 1).all()
    assert (p.diff(axis=1).iloc[:, 1:] < 0).all(axis=None)
    true = np.exp(-90 * np.exp(-5 + features @ [np.log(2), -0.5]))
    assert (p[90] - true).abs().max() < 0.06


def test_nothing_is_said_beyond_what_was_observed(model, rossi):
    p = model.survival(rossi[0], [52, 53])
    assert p[52].notna().all()
    assert p[53].isna().all()


def test_survival_after_a_start_is_conditional(model, rossi):
    people = rossi[0].head(3)
    plain = model.survival(people, [10, 20, 30])
    after = model.survival(people, [10, 20], after=pd.Series([10, 20, 40.0], people.index))
    assert after.loc[0, 20] == pytest.approx(plain.loc[0, 30] / plain.loc[0, 10])
    assert after.loc[1, 10] == pytest.approx(plain.loc[1, 30] / plain.loc[1, 20])
    assert after.loc[2].notna().tolist() == [True, False]  # 40 + 20 weeks were never watched


def test_survival_steps_where_events_were(model, rossi):
    """The first arrest is in week 1; before it all are still free."""
    found = model.survival(rossi[0].head(3), [0, 0.5, 1, 1.5])
    assert (found[[0, 0.5]] == 1).all(axis=None)
    assert (found[1] < 1).all()
    assert found[1].equals(found[1.5].rename(1))


def test_strata_have_survivals_of_their_own():
    features, outcome = simulated()
    region = pd.Series(np.where(features.index % 2, "east", "west"), features.index)
    outcome = outcome.assign(event=outcome["event"] * (region == "east"))
    outcome.loc[outcome.index[region == "west"][:200], "event"] = 1
    model = cox.fit(features, outcome, strata=region)
    p = model.survival(features, [90], strata=region).iloc[:, 0]
    assert p[region == "east"].mean() < p[region == "west"].mean() - 0.15
    new = model.survival(features.head(2), [90], strata=pd.Series(["north", "east"], [0, 1]))
    assert new.notna().all(axis=None)
    assert new.iloc[1, 0] == p[1]
    together = model.survival(features, [90]).iloc[:, 0]
    unknown = model.survival(features, [90], strata=pd.Series("north", features.index)).iloc[:, 0]
    assert together.equals(unknown)
    with pytest.raises(InputError, match="give the stratum of each"):
        model.survival(features, [90], strata=region.head(3))


def test_contributions_add_up_to_the_log_hazard():
    features, outcome = simulated()
    model = cox.fit(features, outcome)
    parts = model.contributions(features)
    assert list(parts) == ["yes", "score"]
    total = model.contributions(model.means.to_frame().T)
    assert total.to_numpy() == pytest.approx(0)
    ratio = np.log(model.survival(features, [60])[60]) / np.log(
        model.survival(model.means.to_frame().T, [60])[60].item()
    )
    assert parts.sum(axis=1).to_numpy() == pytest.approx(np.log(ratio).to_numpy())


def test_effect_is_the_ratio_against_the_mean():
    features, outcome = simulated()
    model = cox.fit(features, outcome)
    found = model.effect("yes", [0, 1])
    assert found[1.0] / found[0.0] == pytest.approx(model.hazards.loc["yes", "hazard_ratio"])
    assert model.effect("score", [model.means["score"]]).item() == pytest.approx(1)
    with pytest.raises(InputError, match="no feature age; it has yes, score"):
        model.effect("age", [1])


def test_the_order_of_rows_changes_nothing():
    features, outcome = simulated(600)
    shuffled = features.sample(frac=1, random_state=3).index
    one = cox.fit(features, outcome)
    other = cox.fit(features.loc[shuffled], outcome.loc[shuffled])
    pd.testing.assert_frame_equal(one.hazards, other.hazards)
    pd.testing.assert_frame_equal(
        one.survival(features, [90]),
        other.survival(features.loc[shuffled], [90]).loc[features.index],
    )


def test_rows_of_several_landmarks_may_share_an_index():
    features, outcome = simulated(1000)
    once = cox.fit(features, outcome, pd.Series(features.index % 500, features.index))
    names = pd.Index(features.index % 500)
    again = cox.fit(features.set_axis(names), outcome.set_axis(names), pd.Series(names, names))
    pd.testing.assert_frame_equal(once.hazards, again.hazards)
    strata = pd.Series(np.where(features["yes"] == 1, "a", "b"), names)
    apart = cox.fit(features[["score"]].set_axis(names), outcome.set_axis(names), strata=strata)
    found = apart.survival(features.set_axis(names), [30], pd.Series(5.0, names), strata)
    assert found.notna().all(axis=None)


def test_the_unit_of_a_feature_does_not_matter():
    features, outcome = simulated()
    one = cox.fit(features, outcome)
    cents = cox.fit(features * [1, 1e6] + [0, 1e7], outcome)
    pd.testing.assert_frame_equal(
        one.survival(features, [90]), cents.survival(features * [1, 1e6] + [0, 1e7], [90])
    )
    assert cents.hazards["coef"].to_numpy() == pytest.approx(
        (one.hazards["coef"] / pd.Series({"yes": 1, "score": 1e6})[one.hazards.index]).to_numpy()
    )


def test_useless_features_are_dropped_with_their_reason():
    features, outcome = simulated()
    never = (outcome["event"] == 0) & (features["score"] > 6)
    poor = features.assign(
        same=1.0, twice=2 * features["yes"] + 1, both=features.sum(axis=1), never=never * 1.0
    )
    model = cox.fit(poor, outcome)
    expected = {"same": "constant", "twice": "collinear", "both": "collinear", "never": "one_sided"}
    assert model.dropped == expected
    pd.testing.assert_frame_equal(model.hazards, cox.fit(features, outcome).hazards)


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
        model = cox.fit(features, outcome)
    assert model.dropped == {"key": "unidentified"}
    assert list(model.hazards.index) == ["score"]


def test_few_events_carry_few_features():
    features, outcome = simulated(200)
    outcome.loc[outcome.index[outcome["event"] == 1][15:], "event"] = 0
    model = cox.fit(features, outcome)
    assert model.events == 15
    assert model.dropped == {"score": "few_events"}
    outcome["event"] = 0
    with pytest.raises(FitError, match="0 events among 200 rows; one feature needs 10"):
        cox.fit(features, outcome)


def test_everyone_an_event_is_a_model_like_any():
    features, outcome = simulated(1000)
    found = cox.fit(features, outcome.assign(event=1))
    assert found.events == 1000
    assert found.survival(features, [180])[180].max() < 0.6


def test_days_of_no_length_are_events_like_any():
    """A contract that ended on its first day was at risk on it."""
    features, outcome = simulated(1000)
    zero = outcome.assign(duration=np.floor(outcome["duration"] / 30))
    late = zero.assign(entry=0.0)
    one, other = cox.fit(features, zero), cox.fit(features, late)
    pd.testing.assert_frame_equal(one.hazards, other.hazards)
    assert (one.survival(features, [0])[0] < 1).all()


def test_events_all_at_one_time_tell_nothing():
    features, outcome = simulated(400)
    model = cox.fit(features, outcome.assign(duration=7.0, event=1))
    assert (model.hazards["low"] < 1).all()
    assert (model.hazards["high"] > 1).all()


def test_a_stratum_without_events_has_the_hazard_of_all():
    features, outcome = simulated()
    region = pd.Series(np.where(features.index < 300, "quiet", "east"), features.index)
    outcome.loc[region == "quiet", "event"] = 0
    model = cox.fit(features, outcome, strata=region)
    p = model.survival(features, [90], strata=region).iloc[:, 0]
    assert p.between(0, 1, inclusive="neither").all()


def test_one_customer_is_too_few():
    features, outcome = simulated()
    with pytest.raises(FitError, match="among 1 rows"):
        cox.fit(features.head(1), outcome.head(1))


def test_no_feature_left_is_an_error():
    features, outcome = simulated(300)
    with pytest.raises(FitError, match=r"no feature is left .*yes: constant"):
        cox.fit(features[["yes"]] * 0, outcome)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda f, o: (f.mask(f["yes"] == 1), o), "empty or infinite values in yes, score"),
        (lambda f, o: (f, o.assign(duration=-o["duration"])), "300 of 300 outcomes"),
        (lambda f, o: (f, o.iloc[::-1]), "in their order"),
        (lambda f, o: (f, o.assign(event=2)), "no event of 0 or 1"),
        (lambda f, o: (f, o.assign(entry=o["duration"] + 1)), "300 of 300 outcomes"),
        (lambda f, o: (f, o, f["yes"].head(3)), "customers: 0 of 3 rows have none"),
        (lambda f, o: (f, o, f["yes"].where(f["yes"] > 0)), "customers: 1"),
        (lambda f, o: (f, o, None, f["yes"].where(f["yes"] > 0)), "strata: 1"),
    ],
)
def test_impossible_rows_are_refused(broken, said):
    with pytest.raises(InputError, match=said):
        cox.fit(*broken(*simulated(300)))


def test_other_features_are_refused_by_name(model, rossi):
    with pytest.raises(InputError, match=r"fitted with age; the data lack it"):
        model.survival(rossi[0].drop(columns=["age"]), [10])
