"""Recalibration of a forecast on earlier outcomes: slope, level and season.

logit p' = m + slope x (logit p - m) + level + season(landmark), with m the mean of logit p (Cox,
1958: `evaluation`). The slope is fitted to all customers of all landmarks. What a landmark teaches
about the level it teaches once, however many customers it has: they share its season and its luck.
So level and season are fitted to one error per landmark, and shrunk towards zero as far as the
landmarks disagree with each other (a random effect of the landmark). One slope and one level for
all horizons keep the forecast falling with the horizon. The season is an annual and a half-annual
wave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from cvm_analysis.arrays import Array
from cvm_analysis.churn.evaluation import logit, regression

YEAR = 365.25  # days
_MIN_YEARS = 2.0  # of records, to fit a season
_WAVES = (1, 2)  # per year
_LEVEL_SD, _WAVE_SD = 0.25, 0.15  # expected size of level and waves, in log odds
_LANDMARK_SD, _LANDMARKS = 0.25, 4.0  # expected size of a landmark's own error; its weight
_RIDGE = 1e-9  # per row, on the landmarks
_ROUNDS = 20  # variance between landmarks and level, in turn


@dataclass(frozen=True)
class Recalibration:
    """Coefficients of a recalibration; `fit` makes one. The default changes nothing."""

    level: float = 0.0
    slope: float = 1.0
    season: tuple[float, ...] = (0.0,) * (2 * len(_WAVES))
    centre: float = 0.0  # mean log odds of the forecast

    def apply(self, p_no_purchase: pd.DataFrame, day: pd.Series) -> pd.DataFrame:
        """Recalibrate forecasts; empty ones stay empty.

        p_no_purchase : one row per customer, columns p_no_purchase_<h>d
        day : the landmark of each row, a datetime
        """
        shift = self.centre + self.level + _waves(day) @ np.array(self.season)
        odds = shift[:, None] + self.slope * (logit(p_no_purchase.to_numpy(float)) - self.centre)
        return pd.DataFrame(expit(odds), p_no_purchase.index, p_no_purchase.columns)


def fit(
    p_no_purchase: pd.DataFrame, inactive: pd.DataFrame, day: pd.Series, years: float = 0.0
) -> Recalibration:
    """Fit to forecasts and their outcomes.

    Parameters
    ----------
    p_no_purchase : one row per customer and landmark, columns p_no_purchase_<h>d
    inactive : the same rows and columns; 1 or 0, empty where unknown
    day : the landmark of each row, a datetime
    years : length of the records; below two no season is fitted, or one odd spring would count
        as the rule

    Returns
    -------
    The default Recalibration where all outcomes or all forecasts are equal, there is no maximum, or
    the slope is not positive.
    """
    known = inactive.notna().to_numpy() & p_no_purchase.notna().to_numpy()
    row, column = np.nonzero(known)
    p, outcome = p_no_purchase.to_numpy(float)[row, column], inactive.to_numpy(float)[row, column]
    if len(np.unique(outcome)) < 2 or len(np.unique(p)) < 2:
        return Recalibration()
    landmark, days = pd.factorize(day.to_numpy()[row], sort=True)
    centre = float(logit(p).mean())
    found = regression(_by_landmark(logit(p) - centre, landmark), outcome, _RIDGE)
    if found is None or found[0][1] <= 0:
        return Recalibration()
    coefficients, information = found
    errors = coefficients[0] - centre + np.concatenate([[0.0], coefficients[2:]])
    variance = 1 / _information_by_landmark(information)
    level, *season = _shrink(errors, variance, pd.Series(days), years)
    season = season or [0.0] * (2 * len(_WAVES))
    return Recalibration(level, float(coefficients[1]), tuple(season), centre)


def _by_landmark(x: Array, landmark: Array) -> Array:
    """Columns of ones, x, and an indicator of each landmark but the first."""
    others = landmark[:, None] == np.arange(1, landmark.max() + 1)
    return np.column_stack([np.ones(len(x)), x, others.astype(float)])


def _information_by_landmark(information: Array) -> Array:
    """Information on the level of each landmark, the first of which has no indicator."""
    others = np.diag(information)[2:]
    return np.maximum(np.concatenate([[information[0, 0] - others.sum()], others]), 1e-9)


def _shrink(errors: Array, variance: Array, days: pd.Series, years: float) -> list[float]:
    """Level, and season if the records are long enough, from the error of each landmark.

    Bayesian regression with normal priors. The variance between landmarks starts from a prior that
    counts as _LANDMARKS landmarks, since one or two cannot tell it.
    """
    waves = _waves(days) if years >= _MIN_YEARS else np.empty((len(errors), 0))
    x: Array = np.column_stack([np.ones(len(errors)), waves])
    precision = np.diag([_LEVEL_SD**-2] + [_WAVE_SD**-2] * (x.shape[1] - 1))
    prior = _LANDMARKS * _LANDMARK_SD**2
    between = _LANDMARK_SD**2
    found: Array = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        weighted: Array = x / (between + variance)[:, None]
        found = np.asarray(
            np.linalg.solve(weighted.T @ x + precision, weighted.T @ errors), dtype=float
        )
        own = np.maximum((errors - x @ found) ** 2 - variance, 0.0).sum()
        between = (prior + own) / (_LANDMARKS + len(errors))
    return [float(each) for each in found]


def _waves(day: pd.Series) -> Array:
    """Cosine and sine of the time of year, one row per row of `day`."""
    since = (day - pd.Timestamp(2000, 1, 1)).dt.days.to_numpy(float)
    angles = 2 * np.pi * np.multiply.outer(since / YEAR, np.array(_WAVES))
    return np.column_stack([np.cos(angles), np.sin(angles)])
