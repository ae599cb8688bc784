"""A forecast set right: against scikit-learn, and planted levels and waves."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from cvm_analysis.churn import evaluation, recalibration

NAMES = ["p_no_purchase_90d", "p_no_purchase_180d"]


def made(level=0.3, slope=0.8, wave=0.0, years=1, n=4000, seed=1):
    """Forecasts at landmarks a quarter apart whose odds were off as told, and what came."""
    rng = np.random.default_rng(seed)
    day = pd.to_datetime("2022-01-01") + pd.to_timedelta(90 * np.arange(int(4 * years)), "D")
    day = pd.Series(np.repeat(day, n))
    logits = rng.normal(0.5, 1.2, len(day))[:, None] + [0.4, 0.0]
    angle = 2 * np.pi * (day - pd.Timestamp(2000, 1, 1)).dt.days / 365.25
    truth = level + slope * logits + wave * np.cos(angle.to_numpy())[:, None]
    came = (rng.random(truth.shape) < 1 / (1 + np.exp(-truth))).astype(float)
    return (
        pd.DataFrame(1 / (1 + np.exp(-logits)), columns=NAMES),
        pd.DataFrame(came, columns=NAMES),
        day,
    )


def test_the_slope_is_that_of_a_logistic_regression_with_a_level_per_landmark():
    p, came, day = made(years=2)
    came.iloc[::3, 1] = np.nan
    found = recalibration.fit(p, came, day)
    known = came.notna().to_numpy()
    row = np.nonzero(known)[0]
    x = evaluation.logit(p.to_numpy()[known])[:, None]
    own = pd.get_dummies(day.to_numpy()[row]).to_numpy(float)
    told = LogisticRegression(C=1e6, fit_intercept=False, tol=1e-10, max_iter=1000).fit(
        np.hstack([x, own]), came.to_numpy()[known]
    )
    assert found.slope == pytest.approx(told.coef_[0, 0], abs=1e-4)
    assert found.centre == pytest.approx(x.mean())
    assert found.season == (0, 0, 0, 0)


def test_many_landmarks_that_agree_are_believed_and_one_alone_only_half():
    """One landmark: the level's prior and the landmark's own error have the same variance."""
    level, slope = 0.3, 0.8
    p, came, day = made(level, slope, years=6)
    mean = evaluation.logit(p.to_numpy()).mean()
    error = level + (slope - 1) * mean
    many = recalibration.fit(p, came, day)
    assert many.level == pytest.approx(error, abs=0.03)
    one = day == day.iloc[0]
    alone = recalibration.fit(p[one], came[one], day[one])
    right = level + (slope - 1) * evaluation.logit(p[one].to_numpy()).mean()
    assert alone.level == pytest.approx(right / 2, abs=0.04)


def test_more_customers_at_one_landmark_are_not_more_landmarks():
    few = recalibration.fit(*made(n=1_000, years=0.25)).level
    many = recalibration.fit(*made(n=50_000, years=0.25)).level
    assert many == pytest.approx(few, abs=0.06)


def test_landmarks_that_disagree_are_believed_less():
    def learned(sizes):
        p, came, day = made(level=0.0, slope=1.0, n=6_000, years=1.5, seed=4)
        shift = day.map(dict(zip(sorted(day.unique()), sizes, strict=True))).to_numpy()
        odds = evaluation.logit(p.to_numpy()) + shift[:, None]
        rng = np.random.default_rng(9)
        came = pd.DataFrame((rng.random(odds.shape) < 1 / (1 + np.exp(-odds))) * 1.0, columns=NAMES)
        return recalibration.fit(p, came, day).level

    alike, apart = learned([0.5] * 6), learned([2.0, -1.0] * 3)
    assert 0.4 < alike < 0.5 and 0 < apart < alike - 0.1


def test_a_recalibrated_forecast_keeps_its_order():
    p, came, day = made()
    right = recalibration.fit(p, came, day).apply(p, day)
    assert (right[NAMES[0]] > right[NAMES[1]]).all()


def test_a_wave_of_a_year_is_learned_from_two_years_and_not_from_one():
    wave = recalibration.fit(*made(wave=0.4, years=6), years=2.0).season
    assert 0.2 < wave[0] < 0.4  # shrunk
    assert np.abs(wave[1:]) == pytest.approx(0, abs=0.05)
    assert recalibration.fit(*made(wave=0.4, years=3), years=1.9).season == (0, 0, 0, 0)


def test_without_a_season_next_to_none_is_found():
    assert np.abs(recalibration.fit(*made(years=3), years=3).season).max() < 0.03


def test_the_order_of_the_rows_does_not_count():
    p, came, day = made(n=300, years=3)
    other = np.random.default_rng(5).permutation(len(p))
    found = recalibration.fit(p.iloc[other], came.iloc[other], day.iloc[other], 3)
    same = recalibration.fit(p, came, day, 3)
    assert (found.level, found.slope, found.centre, *found.season) == pytest.approx(
        (same.level, same.slope, same.centre, *same.season), abs=1e-9
    )


@pytest.mark.parametrize("case", ["all", "none", "equal", "unknown", "backwards", "apart", "empty"])
def test_where_nothing_can_be_learned_nothing_is_changed(case):
    p, came, day = made(n=50)
    if case == "all":
        came[:] = 1.0
    if case == "none":
        came[:] = 0.0
    if case == "equal":
        p[:] = 0.4
    if case == "unknown":
        came[:] = np.nan
    if case == "backwards":
        came = (p < 0.5).astype(float).where(np.random.default_rng(2).random(p.shape) < 0.9, 1.0)
    if case == "apart":
        came = (p > 0.5).astype(float)
    if case == "empty":
        p, came, day = p.head(0), came.head(0), day.head(0)
    found = recalibration.fit(p, came, day, 3)
    assert found == recalibration.Recalibration()
    pd.testing.assert_frame_equal(found.apply(p, day), p)


def test_an_empty_forecast_stays_empty():
    p, came, day = made(n=50)
    p.iloc[3, 1] = np.nan
    right = recalibration.fit(p, came, day).apply(p, day)
    assert right.isna().to_numpy().nonzero() == (np.array([3]), np.array([1]))
