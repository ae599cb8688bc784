"""What needs no fitting: every customer goes on as before. It takes over where there is too little.

Each answers the same calls as the fitted models, so whoever uses one need not know which it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from cvm_analysis.clv import discounting, histories


@dataclass(frozen=True)
class OwnRate:
    """Purchases at the customer's own past pace, x / T a week; none where none was repeated."""

    code: ClassVar[str] = "own_rate"

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Empty: this forecast knows no drop-out."""
        return pd.Series(np.nan, index=h.index, name="p_alive")

    def pace(self, h: pd.DataFrame) -> pd.Series:
        """Past repeat purchases per week, x / T, of each row of h."""
        x, _, T, _ = histories.arrays(h)
        rate = np.divide(x, T, out=np.zeros_like(x), where=T > 0)
        return pd.Series(rate, index=h.index, name="pace")

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expect x / T x horizon purchases; horizon in weeks, one value per row of h."""
        return (self.pace(h) * horizon).rename("expected_purchases")

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """The same, each purchase discounted from its day; without horizon, for ever."""
        weeks = discounting.annuity(rate, horizon)
        return (self.pace(h) * weeks).rename("discounted_purchases")


@dataclass(frozen=True)
class OwnMean:
    """Spend at the customer's own mean of repeat purchases; who has none gets the others' mean."""

    population_mean: float  # per purchase day, in the config's currency

    def expected_spend(self, x_m: pd.DataFrame) -> pd.Series:
        """Expected spend per purchase day, one value per row."""
        return x_m["spend_repeat_mean"].fillna(self.population_mean).rename("expected_spend")


def own_mean(customers: pd.DataFrame) -> OwnMean:
    """Take the mean gross spend per purchase day of all customers together."""
    days = customers["n_days"].sum()
    return OwnMean(float(customers["spend_gross"].sum() / days) if days else 0.0)
