"""Which indicators, as of a past day, predicted the margin that followed?

Used to choose indicators and weights: one that does not predict the next period deserves little
weight. It compares two tables, of a past day and of what followed, so nothing can look ahead.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cvm_analysis.backtest.choice import captured_share
from cvm_analysis.errors import InputError
from cvm_analysis.minimum_data import Note, shortfalls

PART = "screening"
BEST_FIFTH = 0.2
COLUMNS = ["n_customers", "correlation", "low", "high", "best_fifth_share"]


def margin_since(then: pd.DataFrame, now: pd.DataFrame) -> pd.Series:
    """Margin of each customer since a past day; net sales where a cost is not known.

    then, now : one row per customer as of two days, columns of table `customers`
    """
    column = "margin_total" if "margin_total" in now and "margin_total" in then else "net_sales"
    if now[column].reindex(then.index).isna().any() or then[column].isna().any():
        column = "net_sales"
    return now[column].reindex(then.index) - then[column]


def rank_indicators(
    then: pd.DataFrame,
    later: pd.Series,
    better: Mapping[str, str] | None = None,
    seed: int = 0,
    resamples: int = 200,
) -> pd.DataFrame:
    """Rank indicators by how well they predicted the margin that followed.

    then : one row per customer, indexed by customer_id; one column per indicator, as of a past day:
        values, or points
    later : margin of each of these customers after that day, 0 if they bought nothing; customers
        with an empty one are left out
    better : column -> high (default) or low: which values the scorecard counts as good; those of
        `low` are negated, so that positive means "as the scorecard assumes"

    Returns
    -------
    One row per column, the strongest correlation first. Infinite values count as missing. With too
    few customers who have a value all figures are empty; with equal values the correlation is.
        n_customers : with a value and a margin
        correlation : Spearman's rank correlation, -1 to 1; low, high : 95% bootstrap interval
        best_fifth_share : share of the margin from the best fifth of customers by the indicator;
            0.2 is no better than chance, and above 1 is possible where others made losses. Of equal
            values at the edge each counts in part. Empty if the total margin is not above 0

    Raises
    ------
    InputError : customers listed twice, without a margin, or a direction other than high and low
    """
    signed = _signed(then, later, better or {})
    margin = _finite(later.reindex(then.index))
    rows = {
        str(column): _row(values[values.notna() & margin.notna()], margin, seed, resamples)
        for column, values in signed.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS).rename_axis("indicator")
    table = table.astype({"n_customers": int}).sort_index()
    strength = table["correlation"].abs().sort_values(ascending=False, kind="stable")
    return table.loc[strength.index]


def notes(ranked: pd.DataFrame) -> list[Note]:
    """Note an indicator with values of too few customers."""
    return [] if ranked.empty else shortfalls(PART, customers=int(ranked["n_customers"].min()))


def _signed(then: pd.DataFrame, later: pd.Series, better: Mapping[str, str]) -> pd.DataFrame:
    absent = len(then.index.difference(later.index))
    unknown = sorted({*better.values()} - {"high", "low"})
    wrong = [
        *(["customers are listed twice"] * (not then.index.is_unique or not later.index.is_unique)),
        *([f"{absent:,} of {len(then):,} have no later margin; give 0 where none"] * (absent > 0)),
        *(f"better: '{each}' is neither high nor low" for each in unknown),
    ]
    if wrong:
        raise InputError("predictive power: " + "; ".join(wrong))
    sign = {column: -1.0 if better.get(str(column)) == "low" else 1.0 for column in then}
    return pd.DataFrame({c: _finite(then[c]) * sign[c] for c in then}, index=then.index)


def _finite(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values).astype(float)
    return numbers.where(np.isfinite(numbers))


def _row(values: pd.Series, margin: pd.Series, seed: int, resamples: int) -> dict[str, float]:
    """The figures of one indicator; rows are sorted by value, so that ids do not matter."""
    x, y = values.to_numpy(), margin.reindex(values.index).to_numpy()
    if shortfalls(PART, customers=len(x)):
        return {"n_customers": len(x)}
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    low, high = _interval(x, y, seed, resamples)
    return {
        "n_customers": len(x),
        "correlation": _rank_correlation(_codes(x), _codes(y), np.ones(len(x))),
        "low": low,
        "high": high,
        "best_fifth_share": captured_share(pd.Series(x), pd.Series(y), BEST_FIFTH),
    }


def _interval(x: np.ndarray, y: np.ndarray, seed: int, resamples: int) -> tuple[float, float]:
    """The middle 95% of the correlation over bootstrap samples of the customers."""
    if x[0] == x[-1] or (y == y[0]).all():
        return np.nan, np.nan
    rng, n = np.random.default_rng(seed), len(x)
    x_codes, y_codes = _codes(x), _codes(y)
    found = [
        _rank_correlation(x_codes, y_codes, np.bincount(rng.integers(0, n, n), minlength=n))
        for _ in range(resamples)
    ]
    low, high = np.nanquantile(found, [0.025, 0.975])
    return float(low), float(high)


def _codes(values: np.ndarray) -> np.ndarray:
    """Each value's place among the distinct ones: 0, 1, 2, ..."""
    return np.unique(values, return_inverse=True)[1]


def _rank_correlation(x: np.ndarray, y: np.ndarray, times: np.ndarray) -> float:
    """Spearman's correlation of values given as codes, each customer counted so many times.

    Equal values share the mean of their ranks, also among customers who were drawn twice.
    """
    a, b = _centred(x, times), _centred(y, times)
    spread = np.sqrt((times * a * a).sum() * (times * b * b).sum())
    return float((times * a * b).sum() / spread) if spread > 0 else np.nan


def _centred(codes: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Mid-ranks less their mean, which is half of the customers drawn."""
    drawn = np.bincount(codes, weights=times)
    return (np.cumsum(drawn) - drawn / 2 - drawn.sum() / 2)[codes]
