"""The mean of the forecasts of silence, on the scale of log odds.

Forecasts err in different directions: Cox's model knows only straight and bent effects, trees know
nothing beyond what they have seen, the value model knows purchases alone. Their mean is seldom the
sharpest, but its level is off by less than theirs.

Source: Bates & Granger (1969), "The Combination of Forecasts", Operational Research Quarterly
20(4), 451-468.
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
    """Several forecasts with equal weights; `mean` makes one."""

    parts: Sequence[Any]
    unseen: pd.DataFrame = field(repr=False)  # of the training rows, as `unseen` gives it

    def p_silent(self, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
        """The mean of all; empty where one of them says nothing."""
        return _mean([part.p_silent(rows, days) for part in self.parts])


def mean(parts: Sequence[Any], rows: Rows, days: Sequence[int]) -> Mean:
    """Combine forecasts; rows : those they learned from, days : horizons to be set right."""
    return Mean(parts, _mean([unseen(part, rows, days) for part in parts]))


def unseen(model: Any, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
    """Forecasts of the training rows, by trees that had not seen them where it is made of trees."""
    told = getattr(model, "unseen", None)
    return model.p_silent(rows, days) if told is None else told


def _mean(told: Sequence[pd.DataFrame]) -> pd.DataFrame:
    odds = np.mean([logit(each.to_numpy(float)) for each in told], axis=0)
    return pd.DataFrame(expit(odds), told[0].index, told[0].columns)
