"""Recalibration of a forecast on earlier outcomes: intercept, slope and season.

logit p' = level + slope x logit p + season(landmark), fitted to all landmarks and horizons with a
known outcome (Cox, 1958: `evaluation`). One slope for all horizons keeps the forecast falling with
the horizon. The season is an annual and a half-annual wave, shrunk towards zero.
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
_SHRINKAGE = 0.004  # of the waves; ridge penalty per row


@dataclass(frozen=True)
class Recalibration:
    """Coefficients of a recalibration; `fit` makes one. The default changes nothing."""

    level: float = 0.0
    slope: float = 1.0
    season: tuple[float, ...] = (0.0,) * (2 * len(_WAVES))

    def apply(self, p_no_purchase: pd.DataFrame, day: pd.Series) -> pd.DataFrame:
        """Recalibrate forecasts; empty ones stay empty.

        p_no_purchase : one row per customer, columns p_no_purchase_<h>d
        day : the landmark of each row
        """
        shift = self.level + _waves(day) @ np.array(self.season)
        odds = shift[:, None] + self.slope * logit(p_no_purchase.to_numpy(float))
        return pd.DataFrame(expit(odds), p_no_purchase.index, p_no_purchase.columns)


def fit(
    p_no_purchase: pd.DataFrame, inactive: pd.DataFrame, day: pd.Series, years: float = 0.0
) -> Recalibration:
    """Fit to forecasts and their outcomes.

    Parameters
    ----------
    p_no_purchase : one row per customer and landmark, columns p_no_purchase_<h>d
    inactive : the same rows and columns; 1 or 0, empty where unknown
    day : the landmark of each row
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
    x = np.column_stack([np.ones(len(p)), logit(p)])
    if years >= _MIN_YEARS:
        x = np.column_stack([x, _waves(day)[row]])
    found = regression(x, outcome, _SHRINKAGE)
    if found is None or found[0][1] <= 0:
        return Recalibration()
    level, slope, *waves = map(float, found[0])
    return Recalibration(level, slope, tuple(waves) or Recalibration.season)


def _waves(day: pd.Series) -> Array:
    """Cosine and sine of the time of year, one row per row of `day`."""
    since = (pd.to_datetime(day) - pd.Timestamp(2000, 1, 1)).dt.days.to_numpy(float)
    angles = 2 * np.pi * np.multiply.outer(since / YEAR, np.array(_WAVES))
    return np.column_stack([np.cos(angles), np.sin(angles)])
