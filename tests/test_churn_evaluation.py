"""Scores of probabilities: against scikit-learn, by hand, and on forecasts known to be right."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

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
    p, silent = right
    scores = evaluation.score({"m": p.sample(frac=1, random_state=2)}, silent)
    assert list(scores) == ["model", "metric", "value"]
    value = found(scores)
    assert value["auc"] == pytest.approx(metrics.roc_auc_score(silent, p))
    assert value["brier"] == pytest.approx(metrics.brier_score_loss(silent, p))
    assert value["log_loss"] == pytest.approx(metrics.log_loss(silent, p))
    assert (value["n_customers"], value["n_silent"]) == (20_000, silent.sum())


def test_scores_by_hand():
    """Pairs of silent and not: (.8, .3) and (.4, .3) right, (.8, .5) right, (.4, .5) wrong."""
    p = pd.Series({"a": 0.8, "b": 0.4, "c": 0.3, "d": 0.5})
    value = found(evaluation.score({"m": p}, pd.Series({"a": 1, "b": 1, "c": 0, "d": 0})))
    assert value["auc"] == 0.75
    assert value["brier"] == pytest.approx((0.04 + 0.36 + 0.09 + 0.25) / 4)
    assert value["log_loss"] == pytest.approx(-np.log(0.8 * 0.4 * 0.7 * 0.5) / 4)


def test_right_probabilities_are_calibrated_and_extreme_ones_are_not(right):
    p, silent = right
    logit = np.log(p / (1 - p))
    extreme = 1 / (1 + np.exp(-(2 * logit + 1)))
    scores = evaluation.score({"m": p, "extreme": extreme}, silent)
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
    p, silent = right
    table = evaluation.calibration(p, silent)
    assert list(table) == ["bin", "n", "predicted", "actual", "low", "high"]
    assert table["n"].sum() == len(p)
    assert table["bin"].tolist() == list(range(1, 11))
    assert table["predicted"].is_monotonic_increasing
    assert table["actual"].between(table["low"], table["high"]).sum() >= 9
    lowest = p.isin([value for value in p.unique() if (p <= value).mean() <= 0.1])
    assert table.loc[0, "actual"] == silent[lowest].mean()


def test_equal_customers_share_a_group():
    p = pd.Series([0.1] * 7 + [0.9] * 3)
    table = evaluation.calibration(p, pd.Series([0] * 6 + [1] * 4))
    assert table["n"].tolist() == [7, 3]
    assert table["actual"].tolist() == pytest.approx([1 / 7, 1])
    reach = 1.96 * np.sqrt(0.09 / 7)
    assert table.loc[0, "high"] == pytest.approx(0.1 + reach)
    assert table.loc[0, "low"] == 0


def test_ten_different_customers_are_ten_groups():
    p = pd.Series(np.arange(1, 11) / 11)
    assert evaluation.calibration(p, p.round().astype(int))["n"].tolist() == [1] * 10


def test_the_recency_rule_takes_the_share_of_its_tenth():
    days = pd.Series(np.repeat([10, 400], 50))
    silent = pd.Series([0] * 40 + [1] * 10 + [1] * 50)
    p = evaluation.recency_rule(days, silent, pd.Series([5, 10, 400, 4000], list("abcd")))
    near, far = (10 + 0.6) / 51, (50 + 0.6) / 51
    assert p.to_dict() == pytest.approx({"a": near, "b": near, "c": far, "d": far}, abs=1e-12)
    assert p.name == "recency"


def test_silence_within_the_horizon():
    outcome = pd.DataFrame({"duration": [90, 91, 120, 90], "event": [1, 1, 0, 0]})
    assert evaluation.silent(outcome, 90).tolist() == [0, 1, 1, 1]
    with pytest.raises(InputError, match="1 of 4 customers were watched for less than 100"):
        evaluation.silent(outcome, 100)


@pytest.mark.parametrize(
    ("p", "silent", "said"),
    [
        ({"a": 0.5}, {"a": 1, "b": 0}, "m: 1 customers are only in"),
        ({"a": 0.5, "b": 1.2}, {"a": 1, "b": 0}, "m: 1 of 2 are not in"),
        ({"a": 0.5, "b": np.nan}, {"a": 1, "b": 0}, "m: 1 of 2 are not in"),
        ({"a": 0.5}, {"a": np.nan}, "outcomes are empty"),
    ],
)
def test_what_cannot_be_scored_is_refused(p, silent, said):
    with pytest.raises(InputError, match=said):
        evaluation.score({"m": pd.Series(p)}, pd.Series(silent))
