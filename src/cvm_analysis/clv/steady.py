"""What forecasts have in common in which nobody leaves: customers go on at their pace."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cvm_analysis.clv import discounting


class Steady:
    """A forecast that is known by each customer's `pace`."""

    def pace(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week of each row of h."""
        raise NotImplementedError

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Empty for every row of h: who knows no drop-out has nothing to say about it."""
        return pd.Series(np.nan, h.index, name="p_alive")

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases in the `horizon` weeks after T, for each row of h."""
        return (self.pace(h) * horizon).rename("expected_purchases")

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """Expected purchases after T, discounted to T at a continuous `rate` per week.

        Within `horizon` weeks, or for ever. For ever needs a rate above 0 (InputError).
        """
        return (self.pace(h) * discounting.annuity(rate, horizon)).rename("discounted_purchases")
