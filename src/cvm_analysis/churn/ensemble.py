"""The mean of the forecasts of silence, on the scale of log odds.

Forecasts err in different directions: Cox's model knows only straight and bent effects, trees know
nothing beyond what they have seen, the value model knows purchases alone.

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
    unseen: pd.DataFrame = field(repr=False)  # of the training rows, as `cross_fitted` gives it

    def p_no_purchase(self, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
        """The mean of those that tell anything of a row.

        Empty where none does, or where one of these cannot tell the horizon.
        """
        return _mean([part.p_no_purchase(rows, days) for part in self.parts])


def fit(parts: Sequence[Any], rows: Rows, days: Sequence[int]) -> Mean:
    """Combine forecasts; rows : those they learned from, days : horizons to be set right."""
    return Mean(parts, _mean([cross_fitted(part, rows, days) for part in parts]))


def cross_fitted(model: Any, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
    """Forecasts of the training rows, by trees that had not seen them where it is made of trees."""
    told = getattr(model, "unseen", None)
    return model.p_no_purchase(rows, days) if told is None else told


def _mean(told: Sequence[pd.DataFrame]) -> pd.DataFrame:
    odds = np.array([logit(each.to_numpy(float)) for each in told])
    tells = ~np.isnan(odds).all(axis=2, keepdims=True)
    n = tells.sum(axis=0)
    total = np.where(tells, odds, 0.0).sum(axis=0)
    mean = np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)
    return pd.DataFrame(expit(mean), told[0].index, told[0].columns)
