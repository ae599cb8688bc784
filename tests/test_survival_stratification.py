"""Features made into strata, and strata given."""

import numpy as np
import pandas as pd
import pytest
from test_survival_proportional_hazards_test import fading

from cvm_analysis.errors import InputError
from cvm_analysis.survival import cox, stratification


def levels(n=4000, seed=0):
    """`yes` buys three times as fast in the first ten days and half as fast after; z is steady."""
    rng = np.random.default_rng(seed)
    features = pd.DataFrame({"yes": rng.integers(0, 2, n) * 1.0, "z": rng.normal(size=n)})
    steady = np.exp(-0.4 * features["z"])
    early = rng.exponential(30 * steady * np.where(features["yes"] == 1, 1 / 3, 1))
    later = 10 + rng.exponential(30 * steady * np.where(features["yes"] == 1, 2, 1))
    times = np.where(early <= 10, early, later)
    outcome = pd.DataFrame({"duration": np.minimum(times, 50), "event": times <= 50})
    return features, outcome.astype(float)


def test_a_feature_of_two_values_becomes_two_strata():
    features, outcome = levels()
    model, plain = cox.fit(features, outcome), cox.fit_plain(features, outcome)
    assert model.stratified == {"yes": (1.0,)}
    assert model.not_proportional == ()
    assert plain.not_proportional == ("yes",)
    assert set(model.hazards.index) == {"yes", "z"}
    same = model.hazards.loc["yes"].drop("proportional_p")
    pd.testing.assert_series_equal(same, plain.hazards.loc["yes"].drop("proportional_p"))
    assert model.hazards.loc["yes", "proportional_p"] == plain.proportional.loc["yes", "p"]
    assert model.hazards.loc["z", "low"] < np.exp(0.4) < model.hazards.loc["z", "high"]


def test_forecasts_follow_the_strata_where_the_plain_model_is_off():
    features, outcome = levels()
    model, plain = cox.fit(features, outcome), cox.fit_plain(features, outcome)
    yes = features["yes"] == 1
    for day in (5, 10, 30):
        actual = (outcome["duration"][yes] > day).mean()
        found = model.survival(features[yes], [day]).iloc[:, 0].mean()
        assert found == pytest.approx(actual, abs=0.01)
    off = plain.survival(features[yes], [10]).iloc[:, 0].mean()
    assert abs(off - (outcome["duration"][yes] > 10).mean()) > 0.03


def test_contributions_still_tell_of_a_feature_made_into_strata():
    features, outcome = levels()
    model, plain = cox.fit(features, outcome), cox.fit_plain(features, outcome)
    found, known = model.contributions(features), plain.contributions(features)
    assert list(found) == list(known) == ["yes", "z"]
    pd.testing.assert_series_equal(found["yes"], known["yes"])


def test_a_feature_of_many_values_is_cut_into_thirds_and_stays():
    features, outcome = fading()
    model = cox.fit(features, outcome)
    low, high = model.stratified["x"]
    assert (features["x"] < low).mean() == pytest.approx(1 / 3, abs=0.001)
    assert (features["x"] < high).mean() == pytest.approx(2 / 3, abs=0.001)
    assert {"x", "z"} == set(model.hazards.index)
    assert (model.terms["coef"] != 0).all()


def test_nothing_is_cut_where_a_group_would_have_too_few_events():
    features, outcome = levels(400)
    assert cox.fit(features, outcome, events_per_feature=10).stratified != {}
    poor = cox.fit(features, outcome, events_per_feature=60)
    assert poor.stratified == {}
    assert poor.not_proportional == ("yes",)


def test_the_only_feature_stays_in_the_model():
    features, outcome = levels()
    model = cox.fit(features[["yes"]], outcome)
    assert model.stratified == {}
    assert model.not_proportional == ("yes",)


def test_the_code_of_a_row():
    groups = stratification.Groups(pd.Index(["east", "west"]), {"x": (1.0, 2.0)})
    rows = pd.DataFrame({"x": [0.5, 1.0, 3.0, 1.5, 0.0]})
    code = groups.code(rows, pd.Series(["east", "east", "west", "west", "north"]))
    assert code.tolist() == [0, 1, 5, 4, -1]
    assert stratification.Groups(None, {}).code(rows, None) is None
    with pytest.raises(InputError, match="give the stratum of each of the 5 rows"):
        groups.code(rows, pd.Series(["east"]))
    assert groups.code(rows, None).tolist() == [-1] * 5
