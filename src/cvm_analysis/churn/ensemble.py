"""The mean of several forecasts of no purchase, on the scale of log odds.

Sources: Clemen (1989), "Combining Forecasts: A Review and Annotated Bibliography", International
Journal of Forecasting 5(4), 559-583, for equal weights; Satopaa et al. (2014), "Combining Multiple
Probability Predictions Using a Simple Logit Model", the same 30(2), 344-356, for log odds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from cvm_analysis.churn.challengers import Rows
from cvm_analysis.churn.evaluation import logit


@dataclass(frozen=True)
class Mean:
    """Several learned forecasts with equal weights; `fit` makes one.

    They are recalibrated together. The purchase model learns from no landmark, and so tells of its
    level what they cannot: it joins them afterwards, uncalibrated (`add_member`).
    """

    parts: Sequence[Any]
    out_of_fold: pd.DataFrame = field(repr=False)  # forecasts of the training rows

    def p_no_purchase(self, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
        """Average the parts that forecast a row at the horizon; empty where none does."""
        return average([part.p_no_purchase(rows, days) for part in self.parts])


def fit(parts: Sequence[Any], rows: Rows, days: Sequence[int]) -> Mean:
    """Combine forecasts; rows : their training rows, days : horizons to be recalibrated."""
    return Mean(parts, average([cross_fitted(part, rows, days) for part in parts]))


def add_member(mean: Mean, recalibrated: pd.DataFrame, member: pd.DataFrame) -> pd.DataFrame:
    """Average the recalibrated forecast of `mean` with one more member of equal weight."""
    return average([recalibrated, member], [len(mean.parts), 1])


def cross_fitted(model: Any, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
    """Forecast the training rows, out of fold where the model keeps such forecasts."""
    out_of_fold = getattr(model, "out_of_fold", None)
    return model.p_no_purchase(rows, days) if out_of_fold is None else out_of_fold


def average(
    forecasts: Sequence[pd.DataFrame], weights: Sequence[float] | None = None
) -> pd.DataFrame:
    """Average forecasts of the same rows and horizons, of as many as there are for each.

    weights : of each forecast; None: all the same
    """
    odds = np.array([logit(each.to_numpy(float)) for each in forecasts])
    given = np.ones(len(odds)) if weights is None else np.asarray(weights, dtype=float)
    weight = np.where(np.isnan(odds), 0.0, given[:, None, None])
    n = weight.sum(axis=0)
    total = (np.nan_to_num(odds) * weight).sum(axis=0)
    mean = np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)
    return pd.DataFrame(expit(mean), forecasts[0].index, forecasts[0].columns)
