"""Margin as a share of spend: of each customer, by credibility, towards that of their type.

A customer's own margin is known where their costs are; the less they spent, the more it is chance.
Source: Bühlmann & Straub (1970), "Glaubwürdigkeit für Schadensätze", Mitteilungen der Vereinigung
schweizerischer Versicherungsmathematiker 70, 111-133. With spend w_ij and margin share m_ij of
customer i in period j (the last 365 days, and before), w_i and m_i of both together,

    credibility  Z_i = w_i / (w_i + s^2 / a),
    share        Z_i m_i + (1 - Z_i) M,

s^2 the variance within customers of a spend of 1, a that between customers. M is chosen so that the
shares times past spend reproduce the known margin of the type.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.minimum_data import Note


class _Known(NamedTuple):
    """Net spend and margin of customers whose costs are known."""

    spend: pd.Series
    margin: pd.Series


def estimate(customers: pd.DataFrame, otherwise: float) -> pd.Series:
    """The margin of each customer as a share of net spend; it may be negative.

    Parameters
    ----------
    customers : one row per customer: customer_type, net_sales, and, where costs are recorded,
        margin_total (empty where a cost is unknown), net_sales_365d, margin_365d
    otherwise : the share where no cost of any customer is known

    Returns
    -------
    One value per customer. A customer without known costs has the share M of their type; a type
    without known costs, that of all customers together.
    """
    shares = pd.Series(share_of_all(customers, otherwise), customers.index, name="margin_share")
    if "margin_total" in customers:
        for _, rows in customers.groupby("customer_type"):
            shares.loc[rows.index] = _of_type(rows, float(shares.loc[rows.index[0]]))
    return shares


def share_of_all(customers: pd.DataFrame, otherwise: float) -> float:
    """The margin as a share of spend, over all customers with known costs; it may be < 0.

    otherwise : the share if no cost is known or these customers' net spend is not above 0
    """
    if "margin_total" not in customers:
        return otherwise
    known = _known(customers)
    spend = known.spend.sum()
    return float(known.margin.sum() / spend) if spend > 0 else otherwise


def return_share(customers: pd.DataFrame) -> float:
    """The share of all customers' spend that was returned, in [0, 1].

    customers : one row per customer: gross_sales and net_sales (net of returns)
    """
    gross, net = float(customers["gross_sales"].sum()), float(customers["net_sales"].sum())
    return min(max(1 - net / gross, 0.0), 1.0) if gross > 0 else 0.0


def notes(customers: pd.DataFrame, shares: pd.Series) -> list[Note]:
    """`negative_margin`, with the margin of all spend in percent, or nothing.

    shares : of `estimate`
    """
    spend = customers["net_sales"].astype(float)
    margin = (spend * shares).sum() / spend.sum() if spend.sum() > 0 else shares.mean()
    return [Note("value", "negative_margin", float(round(100 * margin)))] if margin < 0 else []


def _of_type(customers: pd.DataFrame, otherwise: float) -> pd.Series:
    """The share of each customer of one type."""
    known = _known(customers)
    if not known.spend.sum() > 0:
        return pd.Series(otherwise, customers.index)
    credibility = _credibility(customers, known)
    rest = (1 - credibility) * known.spend
    own = credibility * known.margin / known.spend.where(known.spend > 0, 1.0)
    collective = known.margin.sum() / known.spend.sum()
    if rest.sum() > 0:
        collective = ((1 - credibility) * known.margin).sum() / rest.sum()
    shares = own + (1 - credibility) * collective
    return shares.reindex(customers.index).fillna(collective)


def _credibility(customers: pd.DataFrame, known: _Known) -> pd.Series:
    """Z of each customer with known costs; 0 without spend, or where variances are not known.

    The estimators of Bühlmann & Straub need customers with spend in both periods for s^2.
    """
    bought = known.spend > 0
    none = pd.Series(0.0, known.spend.index)
    if "margin_365d" not in customers or bought.sum() < 2:
        return none
    within = _variance_within(customers.loc[known.spend.index], known)
    w, total = known.spend[bought], known.spend[bought].sum()
    m = known.margin[bought] / w
    spread = (w * (m - (w * m).sum() / total) ** 2).sum() - (len(w) - 1) * within
    between = spread / (total - (w**2).sum() / total)
    if not (np.isfinite(between) and between > 0):
        return none
    return none.where(~bought, known.spend / (known.spend + within / between))


def _variance_within(customers: pd.DataFrame, known: _Known) -> float:
    """s^2 from customers with spend in both periods; NaN without any."""
    last = customers[["net_sales_365d", "margin_365d"]].astype(float)
    spend = np.stack([last["net_sales_365d"], known.spend - last["net_sales_365d"]])
    margin = np.stack([last["margin_365d"], known.margin - last["margin_365d"]])
    both = (spend > 0).all(axis=0)
    if not both.any():
        return np.nan
    spend, margin = spend[:, both], margin[:, both]
    mean = margin.sum(axis=0) / spend.sum(axis=0)
    return float((spend * (margin / spend - mean) ** 2).sum() / both.sum())


def _known(customers: pd.DataFrame) -> _Known:
    rows = customers[customers["margin_total"].notna()]
    return _Known(rows["net_sales"].astype(float), rows["margin_total"].astype(float))
