"""Where deliveries come late: the share of late ones by region and place, with what chance allows.

A customer who buys often has several deliveries, and those of one order come late together, so
errors are clustered by customer: the share is a ratio of two sums over customers (Cochran, 1977,
"Sampling Techniques", 3rd ed., chapter 6). Levels of a group are many comparisons: their p values
are corrected together (Benjamini & Hochberg, 1995, JRSS B 57, 289-300).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from cvm_analysis.experience.surveys import ALL, LEAST_CUSTOMERS
from cvm_analysis.tables import TABLES

_Z = float(special.ndtri(0.975))  # 95 % interval
_TABLE = TABLES["late_deliveries"]


def shares(deliveries: pd.DataFrame, groups: Sequence[str], period_days: int) -> pd.DataFrame:
    """Compute the share of late deliveries of each level, beside all other levels of its group.

    Parameters
    ----------
    deliveries : one row per customer with a delivery due: n_due, n_late (order lines), and a column
        with the customer's level for each of `groups`; empty: in none
    groups : such as region, city
    period_days : length of the period in which they were due

    Returns
    -------
    Table `late_deliveries`. Levels with fewer than ten customers have neither interval nor
    comparison.
    """
    found = [_describe(deliveries, ALL, ALL)] if len(deliveries) else []
    for group in groups:
        levels = [
            _describe(rows, group, str(level)) | _compare(rows, deliveries)
            for level, rows in deliveries.groupby(group, sort=True)
        ]
        found += _correct(levels)
    table = pd.DataFrame(found, columns=list(_TABLE.columns))
    return table.assign(period_days=period_days)


def _describe(rows: pd.DataFrame, group: str, level: str) -> dict[str, object]:
    share, se = _estimate(rows)
    return {
        "group": group,
        "level": level,
        "n_customers": len(rows),
        "n_due": int(rows["n_due"].sum()),
        "n_late": int(rows["n_late"].sum()),
        "late_share": share,
        "low": max(share - _Z * se, 0.0) if np.isfinite(se) else np.nan,
        "high": min(share + _Z * se, 1.0) if np.isfinite(se) else np.nan,
        "p_value": np.nan,
        "q_value": np.nan,
    }


def _estimate(rows: pd.DataFrame) -> tuple[float, float]:
    """The share of late lines and its standard error; no error of too few customers."""
    due, late = rows["n_due"].to_numpy(float), rows["n_late"].to_numpy(float)
    n, share = len(rows), float(late.sum() / due.sum())
    if n < LEAST_CUSTOMERS:
        return share, np.nan
    residuals = late - share * due
    return share, float(np.sqrt(n / (n - 1) * (residuals**2).sum()) / due.sum())


def _compare(rows: pd.DataFrame, everybody: pd.DataFrame) -> dict[str, float]:
    """The p value of no difference to all other customers; empty: too few of either."""
    others = everybody.drop(index=rows.index)
    if min(len(rows), len(others)) < LEAST_CUSTOMERS:
        return {}
    (share, se), (rest, se_rest) = _estimate(rows), _estimate(others)
    error = np.hypot(se, se_rest)
    if not error > 0:
        return {}
    return {"p_value": float(2 * special.ndtr(-abs(share - rest) / error))}


def _correct(levels: list[dict[str, object]]) -> list[dict[str, object]]:
    """Add the q values of the levels that were compared."""
    from scipy.stats import false_discovery_control  # slow to load; settings import `surveys`

    p = pd.Series([each["p_value"] for each in levels], dtype=float)
    known = p.dropna()
    if known.empty:
        return levels
    q = pd.Series(false_discovery_control(known), known.index).reindex(p.index)
    return [each | {"q_value": value} for each, value in zip(levels, q, strict=True)]
