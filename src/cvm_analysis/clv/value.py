"""What each customer is worth from here on: purchases x spend x margin, discounted to today.

Drop-out is inside the expected purchases; a value is never multiplied by a risk of leaving again.
"""

from typing import Protocol

import numpy as np
import pandas as pd

from cvm_analysis.clv import discounting, histories
from cvm_analysis.errors import InputError


class Purchases(Protocol):
    """What a model of purchases offers; BG/NBD and NBD do."""

    @property
    def code(self) -> str:
        """Its name in tables."""
        ...

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Probability of not having dropped out."""
        ...

    def pace(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week as long as the customer stays."""
        ...

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases in the weeks after T."""
        ...

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """The same, discounted to T."""
        ...


class Spend(Protocol):
    """What a model of spend offers; Gamma-Gamma does."""

    def expected_spend(self, x_m: pd.DataFrame) -> pd.Series:
        """Expected spend per purchase of each customer."""
        ...


def of(
    customers: pd.DataFrame,
    model: Purchases,
    spend: Spend,
    horizon_weeks: float,
    annual_discount_rate: float,
    margin: float | pd.Series,
) -> pd.DataFrame:
    """The value of every modelled customer over a horizon.

    Parameters
    ----------
    customers : one row per customer, indexed by customer_id: x, t_x, T (weeks),
        spend_repeat_mean (money, empty without repeat purchases); who never bought is left out
    horizon_weeks : how far ahead
    annual_discount_rate : 0.10 is ten percent a year
    margin : share of spend that is earned, one for all or one per customer_id

    Returns
    -------
    One row per modelled customer, indexed by customer_id.
        model : code of the model
        p_alive : in [0, 1]; empty where the model has no drop-out
        orders_12m : expected purchases (days with one) within the horizon, not discounted
        value_12m : margin expected within the horizon, in the money of spend_repeat_mean,
            discounted continuously from the day of each purchase to the last day of T
        value_12m_if_retained : the same if the customer, where still one, never left: P(alive) x
            margin at their pace
        value_at_risk : the difference of the two; what never losing the customer would bring
        lost_value : (1 - P(alive)) x margin at their pace; what those already gone would have
            brought. Without drop-out in the model nothing is at risk or lost.

    Raises
    ------
    InputError : impossible histories, a rate of -1 or less, or customers without a margin
    """
    h, key = histories.distinct(customers)
    rate = weekly_rate(annual_discount_rate)
    alive = model.p_alive(h)
    purchases = model.discounted_purchases(h, rate, horizon_weeks)
    staying = model.pace(h) * discounting.annuity(rate, horizon_weeks)
    retained = (alive.fillna(1) * staying).clip(lower=purchases)
    money = spend.expected_spend(customers.loc[key.index]) * _margins(margin, key.index)
    worth = pd.DataFrame(
        {
            "value_12m": purchases,
            "value_12m_if_retained": retained,
            "value_at_risk": retained - purchases,
            "lost_value": (1 - alive.fillna(1)) * staying,
        }
    )
    table = pd.DataFrame(
        {
            "model": model.code,
            "p_alive": alive,
            "orders_12m": model.expected_purchases(h, horizon_weeks),
        }
    )
    by_customer = worth.loc[key].set_axis(key.index).mul(money, axis=0)
    return table.loc[key].set_axis(key.index).join(by_customer)


def margin_share(customers: pd.DataFrame, otherwise: float) -> float:
    """The share of spend that is earned, over all customers whose costs are known.

    customers : one row per customer: spend_total and margin_total (empty where a cost is unknown)
    otherwise : where no cost is known, or these customers earned nothing
    """
    if "margin_total" not in customers:
        return otherwise
    known = customers[customers["margin_total"].notna()]
    spend, margin = known["spend_total"].sum(), known["margin_total"].sum()
    return float(margin / spend) if margin > 0 and spend > 0 else otherwise


def weekly_rate(annual: float) -> float:
    """The continuous rate per week that equals an annual one: ln(1 + annual) x 7 / 365.25.

    Raises
    ------
    InputError : a rate of -1 or less
    """
    if not annual > -1:
        raise InputError(f"the annual discount rate is {annual}; 0.10 is ten percent a year")
    return float(np.log1p(annual)) * 7 / 365.25


def _margins(margin: float | pd.Series, customer_ids: pd.Index) -> float | pd.Series:
    """The margin, by customer where it is given by customer."""
    if not isinstance(margin, pd.Series):
        return margin
    found = margin.reindex(customer_ids)
    if found.isna().any():
        raise InputError(
            f"{found.isna().sum():,} of {len(found):,} customers have no margin (the first: "
            f"{found.index[found.isna()][0]}); fill them with the mean margin"
        )
    return found
