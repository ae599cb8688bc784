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


def test_level_and_slope_are_those_of_a_logistic_regression():
    p, came, day = made()
    came.iloc[::3, 1] = np.nan
    found = recalibration.fit(p, came, day)
    known = came.notna().to_numpy()
    x = evaluation.logit(p.to_numpy()[known])[:, None]
    told = LogisticRegression(C=np.inf, tol=1e-10).fit(x, came.to_numpy()[known])
    assert found.level == pytest.approx(told.intercept_[0], abs=1e-5)
    assert found.slope == pytest.approx(told.coef_[0, 0], abs=1e-5)
    assert found.season == (0, 0, 0, 0)


def test_what_it_sets_right_is_calibrated():
    p, came, day = made()
    right = recalibration.fit(p, came, day).apply(p, day)
    (level, slope), _ = evaluation.recalibration(right.to_numpy().ravel(), came.to_numpy().ravel())
    assert (level, slope) == pytest.approx((0, 1), abs=1e-6)
    assert (right[NAMES[0]] > right[NAMES[1]]).all()


def test_a_wave_of_a_year_is_learned_from_two_years_and_not_from_one():
    wave = recalibration.fit(*made(wave=0.4, years=3), years=2.0).season
    assert wave[0] == pytest.approx(0.4, abs=0.05)
    assert np.abs(wave[1:]) == pytest.approx(0, abs=0.05)
    assert recalibration.fit(*made(wave=0.4, years=3), years=1.9).season == (0, 0, 0, 0)


def test_without_a_season_next_to_none_is_found():
    assert np.abs(recalibration.fit(*made(years=3), years=3).season).max() < 0.03


def test_the_order_of_the_rows_does_not_count():
    p, came, day = made(n=300, years=3)
    other = np.random.default_rng(5).permutation(len(p))
    found = recalibration.fit(p.iloc[other], came.iloc[other], day.iloc[other], 3)
    same = recalibration.fit(p, came, day, 3)
    assert (found.level, found.slope, *found.season) == pytest.approx(
        (same.level, same.slope, *same.season), abs=1e-9
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
