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
    """Several forecasts with equal weights; `fit` makes one."""

    parts: Sequence[Any]
    out_of_fold: pd.DataFrame = field(repr=False)  # forecasts of the training rows

    def p_no_purchase(self, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
        """Average the parts that forecast a row at some horizon.

        Empty where no part does, or where one of these lacks the horizon.
        """
        return _mean([part.p_no_purchase(rows, days) for part in self.parts])


def fit(parts: Sequence[Any], rows: Rows, days: Sequence[int]) -> Mean:
    """Combine forecasts; rows : their training rows, days : horizons to be recalibrated."""
    return Mean(parts, _mean([cross_fitted(part, rows, days) for part in parts]))


def cross_fitted(model: Any, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
    """Forecast the training rows, out of fold where the model keeps such forecasts."""
    out_of_fold = getattr(model, "out_of_fold", None)
    return model.p_no_purchase(rows, days) if out_of_fold is None else out_of_fold


def _mean(forecasts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    odds = np.array([logit(each.to_numpy(float)) for each in forecasts])
    present = ~np.isnan(odds).all(axis=2, keepdims=True)
    n = present.sum(axis=0)
    total = np.where(present, odds, 0.0).sum(axis=0)
    mean = np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)
    return pd.DataFrame(expit(mean), forecasts[0].index, forecasts[0].columns)
