"""What customers were worth on a past day, by what was known then: to try lists of the past."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.clv import forecasts, no_purchase_probability, value


def expected_margin(
    customers: pd.DataFrame,
    code: str,
    horizon_weeks: float,
    annual_rate: float,
    assumed_margin: float,
) -> pd.DataFrame:
    """Fit the model to what was known on a day, and value the customers of that day by it.

    Parameters
    ----------
    customers : one row per customer as of the day, columns of table `customers`; only those that
        `forecasts.with_purchase` keeps count
    code : the forecast in use; see `no_purchase_probability.fit` for what takes its place
    horizon_weeks, annual_rate : as for `value.estimate`
    assumed_margin : share of net spend, where costs are not known

    Returns
    -------
    One row per customer modelled; columns of `value.estimate`. No row where no model can be fitted.
    """
    buyers = forecasts.with_purchase(customers)
    model = no_purchase_probability.fit(buyers, code) if len(buyers) else None
    if model is None:
        return pd.DataFrame(columns=["expected_margin_if_retained", "margin_at_stake"], dtype=float)
    spend, _ = forecasts.fit_spend(buyers)
    margin, returned = value.margin_share(buyers, assumed_margin), value.return_share(buyers)
    return value.estimate(buyers, model, spend, horizon_weeks, annual_rate, margin, returned)
