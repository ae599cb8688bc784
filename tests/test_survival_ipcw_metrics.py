"""Scores under censoring: printed and by hand, by pairs, and equal to the plain ones without it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter, datasets
from sklearn import metrics

from cvm_analysis.errors import InputError
from cvm_analysis.survival import ipcw_metrics


def outcomes(durations, events, names=None):
    return pd.DataFrame({"duration": durations, "event": events}, index=names)


@pytest.fixture
def six():
    """Six contracts; b, d and f were running when last seen."""
    return outcomes([1, 2, 3, 3, 5, 6], [1, 0, 1, 0, 1, 0], list("abcdef"))


def column(values, time):
    return pd.DataFrame({time: values}, dtype=float)


def drawn(seed=5, n=400, censoring=True):
    """Contracts in whole months and a forecast that is right; many are lost sight of early."""
    rng = np.random.default_rng(seed)
    rate = rng.choice([0.02, 0.05, 0.1], n)
    end = np.ceil(rng.exponential(1 / rate))
    lost = rng.integers(1, 60, n) if censoring else np.full(n, np.inf)
    names = rng.permutation(n)
    months = np.arange(3, 31, 3)
    survival = pd.DataFrame(np.exp(-np.outer(rate, months)), names, months)
    return survival, outcomes(np.minimum(end, lost), (end <= lost).astype(int), names)


# Printed


def test_brier_of_the_german_breast_cancer_study():
    """scikit-survival prints 0.20881843 at 5 years and 0.1816 from 1 to 5 years, Efron ties."""
    rows = datasets.load_gbsg2().assign(tgrade=lambda table: table["tgrade"].str.len())
    for name in ("horTh", "menostat"):
        rows[name] = rows[name].factorize(sort=True)[0]
    outcome = rows[["time", "cens"]].set_axis(["duration", "event"], axis=1)
    closely = {"precision": 1e-12, "r_precision": 1e-14}
    model = CoxPHFitter().fit(rows, "time", "cens", fit_options=closely)
    days = np.arange(365, 1826)
    steps = model.baseline_cumulative_hazard_.iloc[:, 0]
    met = steps.to_numpy()[np.searchsorted(steps.index, days, side="right") - 1]
    survival = np.exp(-np.outer(model.predict_partial_hazard(rows), met))
    found = ipcw_metrics.brier(pd.DataFrame(survival, rows.index, days), outcome, outcome)
    assert found[1825] == pytest.approx(0.20881843, abs=6e-9)
    assert ipcw_metrics.integrated_brier(found) == pytest.approx(0.1816, abs=5e-5)


# By hand


def test_auc_by_hand(six):
    """After 4, a and c had ended, e and f lasted. G(1) = 1 and G(3) = 4/5 x 2/3: at 3, c ends
    before d is lost. a is right twice (weight 1); c wrong once and equal once (weight 15/8)."""
    risk = column({"a": 0.9, "b": 0, "c": 0.4, "d": 1, "e": 0.5, "f": 0.4}, 4)
    found = ipcw_metrics.auc(risk, six, six)
    assert found.to_dict() == pytest.approx({4: (1 + 15 / 8 / 4) / (1 + 15 / 8)}, abs=1e-12)
    assert (found.name, found.index.name) == ("auc", "time")


def test_brier_by_hand(six):
    """b and d were lost sight of before 4; e and f weigh 1 / G(4) = 15/8."""
    survival = column({"a": 0.2, "b": 0.3, "c": 0.5, "d": 0.1, "e": 0.6, "f": 0.9}, 4)
    found = ipcw_metrics.brier(survival, six, six)
    by_hand = (0.2**2 + 15 / 8 * (0.5**2 + 0.4**2 + 0.1**2)) / 6
    assert found.to_dict() == pytest.approx({4: by_hand}, abs=1e-12)


def test_censoring_is_that_of_the_training(six):
    """Two of six are lost at 1; at 2 one ends, then one of three is lost: G(3) = G(4) = G(2)."""
    training = outcomes([1, 1, 2, 2, 5, 6], [0, 0, 1, 0, 1, 1])
    survival = column({"a": 0.2, "b": 0, "c": 0.5, "d": 0, "e": 0.6, "f": 0.9}, 4)
    at_1, at_3 = 4 / 6, 4 / 6 * 2 / 3
    by_hand = (0.2**2 / at_1 + (0.5**2 + 0.4**2 + 0.1**2) / at_3) / 6
    assert ipcw_metrics.brier(survival, six, training)[4] == pytest.approx(by_hand, abs=1e-12)


def test_means_by_hand(six):
    """Kaplan-Meier falls by 1/6 until 1 and by 5/6 x 1/4 = 5/24 until 4."""
    auc = pd.Series({1: 0.9, 4: 0.6})
    mean = (0.9 / 6 + 0.6 * 5 / 24) / (1 / 6 + 5 / 24)
    assert ipcw_metrics.mean_auc(auc, six) == pytest.approx(mean, abs=1e-12)
    brier = pd.Series({1: 0.1, 4: 0.2, 5: 0.4})
    assert ipcw_metrics.integrated_brier(brier) == pytest.approx((3 * 0.15 + 0.3) / 4, abs=1e-12)


def test_of_one_time_the_mean_is_its_own_score(six):
    assert ipcw_metrics.mean_auc(pd.Series({4: 0.6}), six) == pytest.approx(0.6)
    assert ipcw_metrics.integrated_brier(pd.Series({4: 0.2})) == 0.2


# Truths


def test_without_censoring_they_are_the_plain_scores():
    survival, outcome = drawn(censoring=False)
    shuffled = survival.sample(frac=1, random_state=3)
    auc = ipcw_metrics.auc(-shuffled, outcome, outcome)
    brier = ipcw_metrics.brier(shuffled, outcome, outcome)
    for month in survival:
        ended = outcome["duration"] <= month
        plain = metrics.roc_auc_score(ended, -survival[month].loc[outcome.index])
        assert auc[month] == pytest.approx(plain, abs=1e-12)
        error = (survival[month].loc[outcome.index] - ~ended) ** 2
        assert brier[month] == pytest.approx(error.mean(), abs=1e-12)


@pytest.mark.parametrize("censoring", [True, False])
def test_who_knows_the_end_scores_1_and_0(censoring):
    survival, outcome = drawn(censoring=censoring)
    lasted = np.greater.outer(outcome["duration"].to_numpy(), survival.columns.to_numpy())
    known = pd.DataFrame(lasted.astype(float), outcome.index, survival.columns)
    scores = ipcw_metrics.score({"known": known}, outcome, outcome).set_index("metric")["value"]
    assert scores["mean_auc"] == pytest.approx(1, abs=1e-12)
    assert scores["integrated_brier"] == 0
    assert ipcw_metrics.auc(1 - known, outcome, outcome).tolist() == pytest.approx([1] * 10)


def test_who_knows_nothing_scores_a_half():
    survival, outcome = drawn()
    guess = survival * 0 + 0.5
    table = ipcw_metrics.score_by_time({"guess": guess}, outcome, outcome)
    assert table["auc"].tolist() == [0.5] * len(table)


def test_the_weights_take_the_censoring_out():
    """The same contracts, watched to the end and lost sight of: the scores agree, and those of
    the contracts whose outcome is known do not."""
    n = 20_000
    survival, whole = drawn(n=n, censoring=False)
    lost = pd.Series(np.random.default_rng(8).integers(1, 40, n), whole.index)
    seen = whole.assign(
        duration=whole["duration"].clip(upper=lost), event=(whole["duration"] <= lost).astype(int)
    )
    for score, p in ((ipcw_metrics.auc, -survival), (ipcw_metrics.brier, survival)):
        assert score(p, seen, seen).to_numpy() == pytest.approx(
            score(p, whole, whole).to_numpy(), abs=0.012
        )
    known = seen[(seen["event"] == 1) | (seen["duration"] > 24)]
    kept = ipcw_metrics.brier(survival.loc[known.index, [24]], known, known.assign(event=1))[24]
    assert abs(kept - ipcw_metrics.brier(survival, whole, whole)[24]) > 0.02


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_auc_is_the_weighted_share_of_right_pairs(data):
    """Pair by pair, with the censoring's Kaplan-Meier multiplied out row by row."""
    row = st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3))
    rows = data.draw(st.lists(row, min_size=2, max_size=12))
    duration, event, risk = (np.array(each) for each in zip(*rows, strict=True))
    assume(duration.max() > 0)
    at = data.draw(st.integers(0, int(duration.max()) - 1))

    def watched(t):
        share = 1.0
        for u in range(t + 1):
            lost = ((duration == u) & ~event).sum()
            left = (duration > u).sum() + lost
            share *= 1 - lost / left if left else 1
        return share

    right = total = 0.0
    for i, j in np.ndindex(len(rows), len(rows)):
        if event[i] and duration[i] <= at < duration[j]:
            weight = 1 / watched(duration[i])
            right += weight * ((risk[i] > risk[j]) + (risk[i] == risk[j]) / 2)
            total += weight
    outcome = outcomes(duration, event.astype(int))
    found = ipcw_metrics.auc(column(risk, at), outcome, outcome)[at]
    assert found == pytest.approx(right / total if total else np.nan, abs=1e-12, nan_ok=True)


def test_only_the_order_of_risks_counts_and_not_that_of_rows_or_times():
    survival, outcome = drawn()
    auc = ipcw_metrics.auc(1 - survival, outcome, outcome)
    assert ipcw_metrics.auc(-np.log(survival), outcome, outcome).equals(auc)
    shuffled = outcome.sample(frac=1, random_state=1)
    backwards = ipcw_metrics.score({"m": survival[survival.columns[::-1]]}, shuffled, shuffled)
    scores = ipcw_metrics.score({"m": survival}, outcome, outcome)
    assert backwards["value"].tolist() == pytest.approx(scores["value"].tolist(), abs=1e-12)


# Tables


def test_one_row_per_model_and_metric():
    survival, outcome = drawn()
    models = {"cox": survival, "alike": survival * 0 + survival.mean()}
    table = ipcw_metrics.score_by_time(models, outcome, outcome)
    assert list(table) == ["model", "time", "auc", "brier"]
    assert table["time"].tolist() == 2 * list(survival)
    scores = ipcw_metrics.score(models, outcome, outcome)
    assert list(scores) == ["model", "metric", "value"]
    wide = scores.pivot(index="metric", columns="model", values="value")
    assert wide.loc["n_contracts"].tolist() == [400, 400]
    assert wide.loc["n_ended"].tolist() == [outcome["event"].sum()] * 2
    assert wide.loc["mean_auc", "alike"] == 0.5
    assert wide.loc["integrated_brier", "cox"] < wide.loc["integrated_brier", "alike"]
    assert wide.loc["mean_auc", "cox"] > 0.65


def test_before_the_first_end_there_is_no_auc_and_it_does_not_count(six):
    late = six.assign(duration=six["duration"] + 10)
    risk = pd.DataFrame({5: range(6), 14: range(6)}, late.index)
    auc = ipcw_metrics.auc(risk, late, late)
    assert np.isnan(auc[5])
    assert ipcw_metrics.mean_auc(auc, late) == auc[14]
    assert np.isnan(ipcw_metrics.mean_auc(auc.loc[[5]], late))


# What cannot be scored


@pytest.mark.parametrize("time", [-1, 6, 40])
@pytest.mark.parametrize("score", [ipcw_metrics.auc, ipcw_metrics.brier])
def test_a_time_outside_what_was_watched(six, score, time):
    forecast = pd.DataFrame({4: 0.5, time: 0.5}, six.index)
    training = outcomes([*six["duration"], 20], [*six["event"], 0])
    with pytest.raises(InputError, match=rf"1 of 2 times \({time}\) are outside.*below 6, the"):
        score(forecast, six, training)


@pytest.mark.parametrize(("events", "accepted"), [([1, 1, 0], 2), ([1, 0, 1], 3)])
def test_a_time_at_which_the_training_was_no_longer_watched(six, events, accepted):
    """Whoever is last of the training at 3 and lost sight of then leaves nobody to weigh by."""
    training = outcomes([1, 2, 3], events)
    forecast = pd.DataFrame({1: 0.5, accepted: 0.5}, six.index)
    assert ipcw_metrics.auc(forecast, six, training).tolist() == [0.5, 0.5]
    for beyond in {accepted + 1, 4}:
        with pytest.raises(InputError, match=rf"\({beyond}\) are outside.*and 3, of the training"):
            ipcw_metrics.auc(forecast.set_axis([1, beyond], axis=1), six, training)


def test_all_that_is_wrong_is_said_at_once(six):
    forecast = column({"a": 0.1, "b": np.nan, "x": 0.3}, 7)
    late = six.assign(entry=[0, 0, 2, 1, 0, 0])
    with pytest.raises(InputError) as raised:
        ipcw_metrics.auc(forecast, late, six)
    for part in (
        "2 of 6 rows of the outcome",
        "5 rows are only",
        "1 of 3 forecasts",
        r"1 of 1 times",
    ):
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p, o: (p + 1, o), "6 of 6 forecasts of survival are not in"),
        (lambda p, o: (p.iloc[:, :0], o), "0 of 0 forecasts are empty"),
        (lambda p, o: (pd.concat([p, p.head(1)]), o), "0 rows are only .* or some are twice"),
        (lambda p, o: (p.head(0), o.head(0)), "the outcome has no rows"),
        (lambda p, o: (p, o.assign(event=2)), "6 of 6 outcomes have no duration"),
    ],
)
def test_what_is_no_forecast_of_these_rows(six, change, said):
    forecast, outcome = change(column(six["duration"] / 10, 4), six)
    with pytest.raises(InputError, match=said):
        ipcw_metrics.brier(forecast, outcome, six)


def test_risks_that_differ_in_the_last_digit_are_ties():
    risk = np.array([0.3, 0.1 + 0.2, 1e-300 / 3, 0.0, -2.5e7, np.nextafter(-2.5e7, 0)])
    rounded = ipcw_metrics.round_ties(risk)
    assert rounded[0] == rounded[1] and rounded[4] == rounded[5]
    assert rounded == pytest.approx(risk, rel=1e-11)
    assert ipcw_metrics.round_ties(np.array([0.3, 0.3 + 1e-10]))[0] != 0.3 + 1e-10


def test_noise_in_the_last_digit_does_not_move_the_auc():
    rng = np.random.default_rng(0)
    risk = pd.DataFrame({1.0: rng.integers(1, 4, 200) / 10})
    outcome = pd.DataFrame({"duration": rng.uniform(0.2, 2, 200), "event": 1})
    noisy = risk * (1 + 1e-16 * rng.integers(-2, 3, (200, 1)))
    noisy = noisy.where(noisy != risk, np.nextafter(risk, 1))
    assert (noisy != risk).all(axis=None)
    found = [ipcw_metrics.auc(each, outcome, outcome)[1.0] for each in (risk, noisy)]
    assert found[0] == found[1]
