"""A forecast of silence set right by what came of it before: one level, one slope, and the season.

logit p' = level + slope x logit p + season(landmark), learned from all landmarks and horizons whose
outcome is known (Cox, 1958: `evaluation`). One slope for all horizons keeps the forecast falling
with the horizon. The season is a wave of a year and one of half a year, drawn to nought.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from cvm_analysis.arrays import Array
from cvm_analysis.churn.evaluation import logit, regression

YEAR = 365.25  # days
_SEASONS = 2.0  # years
_WAVES = (1, 2)  # in a year
_DRAWN = 0.004  # weight, per row, that draws the waves to nought


@dataclass(frozen=True)
class Recalibration:
    """What sets a forecast right; `fit` makes one. The default changes nothing."""

    level: float = 0.0
    slope: float = 1.0
    season: tuple[float, ...] = (0.0,) * (2 * len(_WAVES))

    def apply(self, p_no_purchase: pd.DataFrame, day: pd.Series) -> pd.DataFrame:
        """Set forecasts right; empty ones stay empty.

        p_no_purchase : one row per customer, columns p_no_purchase_<h>d
        day : the landmark of each row
        """
        shift = self.level + _waves(day) @ np.array(self.season)
        odds = shift[:, None] + self.slope * logit(p_no_purchase.to_numpy(float))
        return pd.DataFrame(expit(odds), p_no_purchase.index, p_no_purchase.columns)


def fit(
    p_no_purchase: pd.DataFrame, silent: pd.DataFrame, day: pd.Series, years: float = 0.0
) -> Recalibration:
    """Learn from forecasts and what came of them.

    Parameters
    ----------
    p_no_purchase : one row per customer and landmark, columns p_no_purchase_<h>d
    silent : the same rows and columns; 1 or 0, empty where it is not known
    day : the landmark of each row
    years : of records there were; with fewer than two no season is learned, or one odd spring would
        pass for every spring

    Returns
    -------
    A Recalibration; one that changes nothing where there is too little to learn from: nobody or
    everybody was silent, all forecasts are equal, or a higher forecast did not mean more silence.
    """
    known = silent.notna().to_numpy() & p_no_purchase.notna().to_numpy()
    row, column = np.nonzero(known)
    p, came = p_no_purchase.to_numpy(float)[row, column], silent.to_numpy(float)[row, column]
    if len(np.unique(came)) < 2 or len(np.unique(p)) < 2:
        return Recalibration()
    x = np.column_stack([np.ones(len(p)), logit(p)])
    if years >= _SEASONS:
        x = np.column_stack([x, _waves(day)[row]])
    found = regression(x, came, _DRAWN)
    if found is None or found[0][1] <= 0:
        return Recalibration()
    level, slope, *waves = map(float, found[0])
    return Recalibration(level, slope, tuple(waves) or Recalibration.season)


def _waves(day: pd.Series) -> Array:
    """Cosine and sine of the time of the year, one row per row of `day`."""
    since = (pd.to_datetime(day) - pd.Timestamp(2000, 1, 1)).dt.days.to_numpy(float)
    angles = 2 * np.pi * np.multiply.outer(since / YEAR, np.array(_WAVES))
    return np.column_stack([np.cos(angles), np.sin(angles)])
