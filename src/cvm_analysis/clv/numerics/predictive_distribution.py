"""Predictive distribution of the number of purchases: median, P(none), and log score.

Use the mean for money and the median for counts: it has the least absolute error. The model's
probabilities of 0, 1, 2, ... purchases come from its `purchase_probabilities`; only as many are
computed for each customer as needed.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.errors import InputError

_MOST = 2**20  # probabilities of one customer
_CHUNK = 2**21  # doubles held at a time
_LEAST = 1e-300  # a probability below this counts as this; its log is -691


def is_known(model: Any) -> bool:
    """Whether the model has a predictive distribution, not a mean alone."""
    return hasattr(model, "purchase_probabilities")


def median(model: Any, h: pd.DataFrame, horizon: float) -> pd.Series:
    """The predictive median of the purchases in the `horizon` weeks after T, for each row of h.

    The smallest number that is not exceeded with probability 1/2 or more; below 2 x mean + 1 by
    Markov's inequality.

    InputError : impossible histories or horizon, or a forecast of 500,000 purchases or more
    """
    expected = model.expected_purchases(h, horizon).to_numpy(float)
    found = np.zeros(len(h), int)
    for rows, most in _batches(np.floor(2 * expected) + 1):
        probabilities = model.purchase_probabilities(h.iloc[rows], horizon, most)
        found[rows] = (probabilities.cumsum(axis=1) < 0.5).sum(axis=1)
    return pd.Series(found, h.index, name="median_purchases")


def p_no_purchase(model: Any, h: pd.DataFrame, horizon: float) -> pd.Series:
    """Probability of no purchase in the `horizon` weeks after T, for each row of h."""
    probabilities = model.purchase_probabilities(h, horizon, 1)
    return pd.Series(probabilities[:, 0], h.index, name="p_no_purchase")


def log_score(model: Any, h: pd.DataFrame, horizon: float, actual: pd.Series) -> pd.Series:
    """Natural log of the probability that the model gave to the outcome; the higher, the better.

    Probabilities below 1e-300 count as 1e-300, so that one outlier does not dominate the mean.

    Parameters
    ----------
    h : one row per customer: x, t_x, T (weeks)
    actual : purchases in the `horizon` weeks after T, same index

    Raises
    ------
    InputError : impossible histories or horizon; other customers, or no whole numbers, in `actual`
    """
    outcome = _checked(h, actual)
    cases = h[["x", "t_x", "T"]].assign(outcome=outcome)
    row, each = np.arange(len(h)), cases
    if not getattr(model, "by_customer", False):
        row = cases.groupby(list(cases), sort=False).ngroup().to_numpy()
        each = cases.drop_duplicates()
    count = each["outcome"].to_numpy(int)
    found = np.zeros(len(each))
    for rows, most in _batches(count + 1.0):
        probabilities = model.purchase_probabilities(each.iloc[rows], horizon, most)
        found[rows] = probabilities[np.arange(len(rows)), count[rows]]
    return pd.Series(np.log(np.maximum(found, _LEAST))[row], h.index, name="log_score")


def _batches(needed: Array) -> Iterator[tuple[Ints, int]]:
    """Rows that need about as many probabilities (up to a factor of 2), and how many to take."""
    if (needed > _MOST).any():
        raise InputError(
            f"{(needed > _MOST).sum():,} of {len(needed):,} rows need the probabilities of more "
            f"than {_MOST:,} purchases; take a shorter horizon or check the weeks of the histories"
        )
    size = 2 ** np.ceil(np.log2(needed)).astype(int)
    for most in np.unique(size):
        rows = np.flatnonzero(size == most)
        at_a_time = max(1, _CHUNK // int(most))
        for start in range(0, len(rows), at_a_time):
            yield rows[start : start + at_a_time], int(most)


def _checked(h: pd.DataFrame, actual: pd.Series) -> Ints:
    """The actual purchases as whole numbers, in the order of h."""
    if not (h.index.is_unique and actual.index.is_unique and len(h) == len(actual)):
        raise InputError(f"{len(h):,} histories, but {len(actual):,} outcomes, or ids that repeat")
    counts = actual.reindex(h.index).to_numpy(float)
    wrong = ~((counts >= 0) & (counts == np.floor(counts)) & np.isfinite(counts))
    if wrong.any():
        raise InputError(
            f"actual purchases are missing or no whole numbers for {wrong.sum():,} of "
            f"{len(h):,} customers (the first: {h.index[wrong.argmax()]})"
        )
    return counts.astype(np.int64)
