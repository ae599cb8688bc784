"""Scores of probabilities: against scikit-learn, by hand, and on forecasts known to be right."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from cvm_analysis.churn import evaluation
from cvm_analysis.errors import InputError


@pytest.fixture
def right():
    """Probabilities that are right, with ties, and what happened."""
    rng = np.random.default_rng(11)
    p = pd.Series(rng.beta(2, 1, 20_000).round(2).clip(0.01, 0.99))
    return p, pd.Series((rng.random(len(p)) < p).astype(int))


def found(scores, model="m"):
    return scores[scores["model"] == model].set_index("metric")["value"]


def test_scores_are_those_of_scikit_learn(right):
    p, inactive = right
    scores = evaluation.score({"m": p.sample(frac=1, random_state=2)}, inactive)
    assert list(scores) == ["model", "metric", "value"]
    value = found(scores)
    assert value["auc"] == pytest.approx(metrics.roc_auc_score(inactive, p))
    assert value["brier"] == pytest.approx(metrics.brier_score_loss(inactive, p))
    assert value["log_loss"] == pytest.approx(metrics.log_loss(inactive, p))
    assert (value["n_customers"], value["n_inactive"]) == (20_000, inactive.sum())


def test_scores_by_hand():
    """Pairs of inactive and not: (.8, .3) and (.4, .3) right, (.8, .5) right, (.4, .5) wrong."""
    p = pd.Series({"a": 0.8, "b": 0.4, "c": 0.3, "d": 0.5})
    value = found(evaluation.score({"m": p}, pd.Series({"a": 1, "b": 1, "c": 0, "d": 0})))
    assert value["auc"] == 0.75
    assert value["brier"] == pytest.approx((0.04 + 0.36 + 0.09 + 0.25) / 4)
    assert value["log_loss"] == pytest.approx(-np.log(0.8 * 0.4 * 0.7 * 0.5) / 4)


def test_right_probabilities_are_calibrated_and_extreme_ones_are_not(right):
    p, inactive = right
    logit = np.log(p / (1 - p))
    extreme = 1 / (1 + np.exp(-(2 * logit + 1)))
    scores = evaluation.score({"m": p, "extreme": extreme}, inactive)
    value = found(scores)
    assert value["calibration_slope"] == pytest.approx(1, abs=0.04)
    assert value["calibration_intercept"] == pytest.approx(0, abs=0.05)
    twice = found(scores, "extreme")
    assert twice["calibration_slope"] == pytest.approx(value["calibration_slope"] / 2, rel=1e-4)
    assert twice["calibration_intercept"] == pytest.approx(
        value["calibration_intercept"] - value["calibration_slope"] / 2, abs=1e-4
    )


def test_where_nothing_varies_the_scores_are_empty_not_wrong():
    p = pd.Series([0.2, 0.7])
    value = found(evaluation.score({"m": p}, pd.Series([1, 1])))
    assert value[["auc", "calibration_slope", "calibration_intercept"]].isna().all()
    value = found(evaluation.score({"m": pd.Series([0.5, 0.5])}, pd.Series([1, 0])))
    assert value["auc"] == 0.5
    assert np.isnan(value["calibration_slope"])
    sure = found(evaluation.score({"m": pd.Series([1.0, 0.0])}, pd.Series([0, 1])))
    assert np.isfinite(sure["log_loss"])


def test_calibration_by_group(right):
    p, inactive = right
    table = evaluation.calibration(p, inactive)
    assert list(table) == ["bin", "n", "predicted", "actual", "low", "high"]
    assert table["n"].sum() == len(p)
    assert table["bin"].tolist() == list(range(1, 11))
    assert table["predicted"].is_monotonic_increasing
    assert table["actual"].between(table["low"], table["high"]).sum() >= 9
    lowest = p.isin([value for value in p.unique() if (p <= value).mean() <= 0.1])
    assert table.loc[0, "actual"] == inactive[lowest].mean()


def test_equal_customers_share_a_group():
    p = pd.Series([0.1] * 7 + [0.9] * 3)
    table = evaluation.calibration(p, pd.Series([0] * 6 + [1] * 4))
    assert table["n"].tolist() == [7, 3]
    assert table["actual"].tolist() == pytest.approx([1 / 7, 1])
    reach = 1.959964 * np.sqrt(0.09 / 7)
    assert table.loc[0, "high"] == pytest.approx(0.1 + reach)
    assert table.loc[0, "low"] == 0


def test_ten_different_customers_are_ten_groups():
    p = pd.Series(np.arange(1, 11) / 11)
    assert evaluation.calibration(p, p.round().astype(int))["n"].tolist() == [1] * 10


def test_slope_and_intercept_are_those_of_scikit_learn(right):
    p, inactive = right
    (at, slope), _ = evaluation.recalibration(p.to_numpy() ** 2, inactive.to_numpy(float))
    x = evaluation.logit(p.to_numpy() ** 2)[:, None]
    told = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x, inactive)
    assert (at, slope) == pytest.approx((told.intercept_[0], told.coef_[0, 0]), abs=1e-5)


@pytest.mark.slow
def test_intervals_hold_the_truth_nineteen_times_in_twenty():
    """Right forecasts, 400 times: each holds 1 and 0 in 95 %, within three standard errors."""
    rng, held = np.random.default_rng(8), {"slope": 0, "intercept": 0}
    for _ in range(400):
        p = pd.Series(rng.beta(2, 2, 300))
        value = found(evaluation.score({"m": p}, pd.Series((rng.random(300) < p).astype(int))))
        for name, truth in (("slope", 1), ("intercept", 0)):
            low, high = (value[f"calibration_{name}_{end}"] for end in ("low", "high"))
            held[name] += low <= truth <= high
    assert all(0.917 <= n / 400 <= 0.983 for n in held.values())


def test_lift_by_hand():
    """Of 20, 4 inactive: the two at the highest risk are both inactive, so 1 against .2."""
    p = pd.Series(np.arange(20) / 20)
    inactive = pd.Series([0] * 16 + [1] * 4)
    assert evaluation.lift(p, inactive) == pytest.approx(5)
    assert evaluation.lift(p, inactive[::-1].reset_index(drop=True)) == 0
    assert np.isnan(evaluation.lift(p, 0 * inactive))


def test_customers_at_equal_risk_each_count_in_part():
    """Five share the edge, one place is left for them, three of the five are inactive."""
    p = pd.Series([0.9] + [0.5] * 5 + [0.1] * 14)
    inactive = pd.Series([1] + [1, 1, 1, 0, 0] + [0] * 14)
    assert evaluation.lift(p, inactive) == pytest.approx((1 + 3 / 5) / 2 / (4 / 20))
    assert evaluation.lift(p * 0 + 0.3, inactive) == pytest.approx(1)


def test_the_log_score_is_that_of_what_happened():
    score = evaluation.log_score(pd.Series([0.8, 0.8, 1.0]), pd.Series([1, 0, 0]))
    assert score.tolist() == pytest.approx([np.log(0.8), np.log(0.2), np.log(1e-9)])


def test_forecasts_that_part_the_outcomes_have_no_slope():
    p, inactive = pd.Series([0.1, 0.2, 0.8, 0.9]), pd.Series([0, 0, 1, 1])
    value = found(evaluation.score({"m": p}, inactive))
    assert value.filter(like="calibration").isna().all()
    assert value["auc"] == 1


@pytest.mark.parametrize(
    ("p", "inactive", "said"),
    [
        ({"a": 0.5}, {"a": 1, "b": 0}, "m: 1 customers are only in"),
        ({"a": 0.5, "b": 1.2}, {"a": 1, "b": 0}, "m: 1 of 2 are not in"),
        ({"a": 0.5, "b": np.nan}, {"a": 1, "b": 0}, "m: 1 of 2 are empty"),
        ({"a": 0.5}, {"a": np.nan}, "the outcome is empty"),
        ({"a": 0.5}, {"a": 2}, "the outcome is empty"),
    ],
)
def test_what_cannot_be_scored_is_refused(p, inactive, said):
    with pytest.raises(InputError, match=said):
        evaluation.score({"m": pd.Series(p)}, pd.Series(inactive))
