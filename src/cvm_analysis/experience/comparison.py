"""Customers with something in common against comparable others: a difference, not an effect.

Comparable are customers of the same cell: the same day (or month), recency, pace and value then
(coarsened exact matching: Iacus, King & Porro, 2012, "Causal Inference without Balance Checking",
Political Analysis 20(1), 1-24). What is not in the records may still differ, and who joins or is
referred is not drawn at random, so nothing here is called an effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cvm_analysis.arrays import Array, Ints

LEAST_OTHERS = 2  # in a cell
LEAST_CUSTOMERS = 20  # with comparable others, for a difference
YEAR = 365  # days in which pace and value are counted
RECENCY = (0, 30, 91, 182, 365)  # days since the last purchase: last of each class
PACE = (0, 1, 2, 4)  # purchase days within a year: last of each class
LEVEL = 0.95
N_CELLS = 2**13  # 8 classes of recency, 8 of pace, 64 of value, old or new


class Difference(NamedTuple):
    """Mean outcome per customer, against that of comparable others, and its interval of 95 %.

    n : customers compared; n_alone : without comparable others, left out
    """

    n: int
    n_alone: int
    mean: float
    mean_others: float
    difference: float
    low: float
    high: float


def difference(customers: pd.DataFrame, others: pd.DataFrame) -> Difference | None:
    """Compare each customer with the mean of the others in the same cell.

    customers, others : customer_id, cell (any code), outcome; a customer may stand in both, and
        several times: the interval is clustered by customer

    None if fewer than LEAST_CUSTOMERS customers have LEAST_OTHERS others.
    """
    by_cell = others.groupby("cell")["outcome"].agg(["mean", "size"])
    by_cell = by_cell[by_cell["size"] >= LEAST_OTHERS]
    matched = customers[customers["cell"].isin(by_cell.index)]
    n = len(matched)
    if matched["customer_id"].nunique() < LEAST_CUSTOMERS:
        return None
    expected = matched["cell"].map(by_cell["mean"])
    gap = matched["outcome"] - expected
    found = float(gap.mean())
    weight = matched["cell"].value_counts() / n
    used = others[others["cell"].isin(weight.index)]
    size = used["cell"].map(by_cell["size"])
    rest = used["outcome"] - used["cell"].map(by_cell["mean"])
    share = used["cell"].map(weight) / size * np.sqrt(size / (size - 1))
    influence = pd.concat(
        [
            pd.Series(((gap - found) / n).to_numpy(), matched["customer_id"]),
            pd.Series((-share * rest).to_numpy(), used["customer_id"]),
        ]
    )
    error = float(np.sqrt((influence.groupby(level=0).sum() ** 2).sum()))
    half = float(ndtri((1 + LEVEL) / 2)) * error
    return Difference(
        n=n,
        n_alone=len(customers) - n,
        mean=float(matched["outcome"].mean()),
        mean_others=float(expected.mean()),
        difference=found,
        low=found - half,
        high=found + half,
    )


@dataclass(frozen=True)
class Histories:
    """Purchases of customers, from which their state on any day is read; see `histories`."""

    names: pd.Index  # customer_id
    key: Ints  # customer's number and day, in order
    amount: Array  # running sum of `purchases.amount`
    first_day: pd.Timestamp
    span: int  # days that a customer's keys cover

    def state(
        self, code: Ints, day: pd.Timestamp | pd.DatetimeIndex, window_days: int
    ) -> pd.DataFrame:
        """What each customer (by number) was like at the end of a day, or each of an own day.

        recency (days; -1: never bought), pace (purchase days within a year), value (net sales
        within a year), is_old (bought more than a year ago, too), outcome (net sales in the
        `window_days` after the day)
        """
        at = np.asarray((day - self.first_day).days)
        start = np.searchsorted(self.key, code * self.span)
        now = self._place(code, at)
        year, later = self._place(code, at - YEAR), self._place(code, at + window_days)
        has = now > start
        last = self.key[np.maximum(now - 1, 0)] - code * self.span - 1
        total = np.concatenate([[0.0], self.amount])
        return pd.DataFrame(
            {
                "customer_id": self.names.to_numpy()[code],
                "recency": np.where(has, at - last, -1),
                "pace": now - year,
                "value": total[now] - total[year],
                "is_old": year > start,
                "outcome": total[later] - total[now],
            }
        )

    def _place(self, code: Ints, day: Ints) -> Ints:
        within = np.clip(day + 1, 0, self.span - 1)
        return np.searchsorted(self.key, code * self.span + within, side="right")


def histories(purchases: pd.DataFrame) -> Histories:
    """Index the purchases of customers; one row per customer and day: customer_id, day, amount."""
    code, names = pd.factorize(purchases["customer_id"], sort=True)
    days = pd.to_datetime(purchases["day"], cache=False)
    first = days.min()
    number = (days - first).dt.days.to_numpy()
    span = int(number.max()) + 3
    key = code * span + number + 1
    order = np.argsort(key, kind="stable")
    amount = np.cumsum(purchases["amount"].to_numpy(float)[order])
    return Histories(pd.Index(names), key[order], amount, first, span)


def cells(state: pd.DataFrame) -> Ints:
    """Number the class of recency, pace and value of each row of `Histories.state`, old or new.

    Value is in classes of which each is twice the one before, so that no currency matters. Numbers
    are below N_CELLS.
    """
    recency = np.searchsorted(RECENCY, state["recency"])
    pace = np.searchsorted(PACE, state["pace"])
    value = np.log2(state["value"].clip(lower=1.0)).astype(np.intp).to_numpy()
    found: Ints = ((recency * 8 + pace) * 64 + value) * 2 + state["is_old"].to_numpy()
    return found
