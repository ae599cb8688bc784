"""A forecast of means with the dispersion its earlier forecasts had: a predictive distribution.

Naive forecasts and the corrections of the default model (`challengers`) are means only. With a
dispersion they are scored, pooled and simulated like the fitted models. A mean of exactly 0 becomes
what customers with such a forecast bought on average; that mean is the one scored and used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv import discounting
from cvm_analysis.clv.numerics.dispersion import Dispersion
from cvm_analysis.clv.purchase_model import Generator


@dataclass(frozen=True)
class Dispersed:
    """A forecast of means and its dispersion, learned from a period of `weeks`."""

    forecast: Any
    dispersion: Dispersion
    weeks: float

    @property
    def code(self) -> str:
        """The code of the forecast."""
        return str(self.forecast.code)

    @property
    def by_customer(self) -> bool:
        """Whether the rows of h are customers, by customer_id."""
        return getattr(self.forecast, "by_customer", False)

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """As the forecast."""
        return self.forecast.p_alive(h)

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week of each row of h while alive."""
        return self._replace_zero(self.forecast.purchase_rate(h), 1.0)

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases in the `horizon` weeks after T, for each row of h."""
        return self._replace_zero(self.forecast.expected_purchases(h, horizon), horizon)

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """As `purchase_model.DropOut.discounted_purchases`."""
        weeks = discounting.annuity(rate, horizon)
        return self._replace_zero(self.forecast.discounted_purchases(h, rate, horizon), weeks)

    def purchase_probabilities(self, h: pd.DataFrame, horizon: float, most: int) -> Array:
        """One row per row of h: P(0, ..., most - 1, `most` or more purchases after T)."""
        mean, periods = self._mean_of_period(h, horizon)
        return self.dispersion.probabilities(mean, periods, most)

    def draw(self, h: pd.DataFrame, horizon: float, draws: int, rng: Generator) -> Array:
        """Draw purchases in the `horizon` weeks after T: rows as in h, one column per draw."""
        mean, periods = self._mean_of_period(h, horizon)
        return self.dispersion.draw(mean, periods, draws, rng)

    def _mean_of_period(self, h: pd.DataFrame, horizon: float) -> tuple[Array, float]:
        """Mean purchases in a period, at the pace of the horizon, and its length in periods."""
        periods = discounting.longest(0.0, horizon) / self.weeks
        if periods == 0:
            return np.zeros(len(h)), 0.0
        return self.forecast.expected_purchases(h, horizon).to_numpy(float) / periods, periods

    def _replace_zero(self, mean: pd.Series, weeks: float) -> pd.Series:
        """The means of so many weeks, and what customers with a mean of 0 buy in these."""
        return mean.where(mean > 0, self.dispersion.mean_if_zero * weeks / self.weeks)
