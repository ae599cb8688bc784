"""The test of proportional hazards: every published value, and what fails it."""

import numpy as np
import pandas as pd
import published
import pytest
from published import r_survival

from cvm_analysis.survival import cox, estimates, kaplan_meier, proportional_hazards_test


def estimate(dataset, name):
    model = r_survival.model(dataset, name)
    _, found, _ = cox._fit_linear(model.features, model.outcome, None, model.strata, 1)
    return found


def fading(n=4000, seed=0, late=0.0):
    """`x` doubles the hazard in the first ten days, and acts by `late` after them."""
    rng = np.random.default_rng(seed)
    features = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n)})
    early = rng.exponential(20 * np.exp(-0.7 * features["x"] - 0.3 * features["z"]))
    later = 10 + rng.exponential(20 * np.exp(-late * features["x"] - 0.3 * features["z"]))
    times = np.where(early <= 10, early, later)
    outcome = pd.DataFrame({"duration": np.ceil(np.minimum(times, 40)), "event": times <= 40})
    return features, outcome.astype(float)


@pytest.mark.parametrize(("dataset", "name"), r_survival.NAMES)
def test_every_value_is_that_of_r(dataset, name):
    """cox.zph of survival 3.5-3 (`km`); a factor of several columns is one term."""
    found = estimate(dataset, name)
    printed = published.read("cox_zph", dataset=dataset, model=name, transform="km")
    printed = printed.set_index("term")
    term_features = found.term_features.str.replace("transplant1", "transplant")
    term_features = term_features.where(~term_features.str.startswith("celltype"), "celltype")
    tested = proportional_hazards_test.test(found.sets, term_features, found.observed)
    assert list(tested.index[:-1]) == list(printed.index[:-1])
    assert tested["chisq"].to_numpy() == pytest.approx(printed["chisq"].to_numpy(), rel=1e-7)
    assert tested["df"].tolist() == printed["df"].tolist()
    assert tested["p"].to_numpy() == pytest.approx(printed["p"].to_numpy(), rel=1e-7)


def test_the_test_is_a_model_with_coefficients_that_change():
    """One Newton step from the maximum in start-stop rows cut at every event: the definition."""
    found = estimate("lung", "age_sex_phecog_efron")
    rows = found.observed.assign(**(found.rows - found.rows.mean()))
    times = np.unique(rows["duration"][rows["event"] == 1])
    cut = rows.merge(pd.DataFrame({"end": times}), how="cross")
    cut = cut[cut["end"] <= cut["duration"]]
    cut = cut.assign(event=cut["event"] * (cut["end"] == cut["duration"]), duration=cut["end"])
    cut["entry"] = cut["end"].map(dict(zip(times, [-np.inf, *times[:-1]], strict=True)))
    names = list(found.rows)
    curve = kaplan_meier.product_limit(found.observed.drop(columns="entry"))["survival"]
    g = cut["end"].map(dict(zip(times, 1 - np.append(1.0, curve)[:-1], strict=True)))
    table = cut[names].assign(**{f"{k}*g": cut[k] * g for k in names})
    steps = table - table.mean()
    sets = proportional_hazards_test.risk_sets.build(
        steps.to_numpy(), cut[names].to_numpy() @ found.coef, cut.reset_index(drop=True)
    )
    chisq, _ = proportional_hazards_test.risk_sets.score_statistic(
        *proportional_hazards_test.risk_sets.total(sets), np.arange(3, 6)
    )
    tested = proportional_hazards_test.test(found.sets, found.term_features, found.observed)
    assert tested.loc["all", "chisq"] == pytest.approx(chisq, rel=1e-8)


def test_a_fading_feature_fails_and_a_steady_one_does_not():
    model = cox.fit_plain(*fading())
    assert model.not_proportional == ("x",)
    tested = model.proportional
    assert tested.loc["x", "p"] < 1e-6 < 0.01 < tested.loc["z", "p"]
    assert -1.2 < tested.loc["x", "drift"] < -0.3  # from 0.7 to 0, per standard deviation
    assert cox.fit_plain(*fading(late=0.7)).not_proportional == ()


def test_a_small_drift_is_none_however_many_rows():
    model = cox.fit_plain(*fading(40_000, late=0.6))
    assert model.proportional.loc["x", "p"] < 1e-3
    assert model.not_proportional == ()


@pytest.mark.slow
def test_features_pass_19_times_in_20_where_hazards_are_proportional():
    failed = [
        (cox.fit_plain(*fading(300, seed, late=0.7)).proportional["p"] < 0.05).to_numpy()
        for seed in range(30)
    ]
    share = np.mean([one[:-1] for one in failed])
    assert share < 0.13  # of 60 tests: .05 and 2.8 standard errors


def test_cut_points_are_the_values_themselves_if_few_else_thirds():
    assert proportional_hazards_test.cut_points(pd.Series([1.0, 0, 0, 1])) == (1.0,)
    assert proportional_hazards_test.cut_points(pd.Series([3.0, 1, 2, 3])) == (2.0, 3.0)
    assert proportional_hazards_test.cut_points(pd.Series(np.arange(10.0))) == (3.0, 6.0)
    heavy = pd.Series([0.0] * 50 + list(range(1, 50)))
    (one,) = proportional_hazards_test.cut_points(heavy)  # the lowest third is all at 0
    assert 0 < one < 49
    assert proportional_hazards_test.cut_points(pd.Series([7.0])) == ()


def test_the_order_of_rows_changes_nothing():
    features, outcome = fading(500)
    _, one, _ = cox._fit_linear(features, outcome, None, None, 10)
    turned = features.sample(frac=1, random_state=1).index
    _, other, _ = cox._fit_linear(features.loc[turned], outcome.loc[turned], None, None, 10)
    pd.testing.assert_frame_equal(one.tested, other.tested)
    assert estimates.estimate(one.rows, one.observed, {}).tested.equals(one.tested)
