"""Classes of customers, each by one idea: how often, how much, where in their life."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from cvm_analysis.segments import scores

PROSPECT = "prospect"
LEVELS = ("low", "mid", "high")
HALF_AND_FIFTH = ((1, 2), (4, 5))  # share strictly worse from which a customer is mid, high


def thresholds(
    values: pd.Series, high: float | Literal["auto"], mid: float | Literal["auto"]
) -> dict[str, float]:
    """Settle from which value a customer is mid or high; `auto`: the best half, the best fifth.

    NaN says that ties let nobody reach the level.
    """
    derived = scores.cut_points(values, HALF_AND_FIFTH)
    asked = (mid, high)
    settled = [d if a == "auto" else float(a) for a, d in zip(asked, derived, strict=True)]
    return dict(zip(("mid", "high"), settled, strict=True))


def level(values: pd.Series, bought: pd.Series, limits: dict[str, float]) -> pd.Series:
    """Class every customer high, mid or low by a value; `prospect` for who never bought."""
    reached = scores.score(values, [limits["mid"], limits["high"]]) - 1
    named = pd.Series(np.array(LEVELS, dtype=object)[reached], index=values.index)
    return named.where(bought, PROSPECT)


def everyone(customers: pd.DataFrame, scores: pd.DataFrame, **classes: pd.Series) -> pd.DataFrame:
    """Put scores and classes of the retail customers together; columns of table `segments`.

    customers : all, with customer_type. Project customers and dealers buy rarely and in lumps:
        they are not classed by that, and carry their type in every class.
    """
    table = pd.DataFrame(classes).reindex(customers.index)
    table = table.apply(lambda codes: codes.fillna(customers["customer_type"]))
    return scores.astype("Int64").reindex(customers.index).join(table)


def cross(rows: pd.Series, columns: pd.Series) -> pd.DataFrame:
    """Count customers per pair of levels: one row per level of `rows`, the highest first."""
    order = [*reversed(LEVELS), PROSPECT]
    counted = pd.crosstab(rows, columns)
    return counted.reindex(
        index=[level for level in order if level in counted.index],
        columns=[level for level in order if level in counted.columns],
    )


def usual_gap(customers: pd.DataFrame) -> float:
    """Median of the customers' own median gaps, in days; NaN if nobody bought on two days."""
    return float(customers["gap_median_days"].median())


def life_cycle(
    customers: pd.DataFrame,
    company_gap: float,
    new_days: int = 90,
    growing_weeks: float = 52,
    declining_gaps: float = 2,
    lost_gaps: float = 4,
) -> pd.Series:
    """Class each customer by life cycle, against their own rhythm.

    Parameters
    ----------
    customers : one row per customer, columns of table `customers`
    company_gap : days; the usual gap for who has none of their own (one purchase day)
    new_days : who bought first within so many days is new
    growing_weeks : who has been a customer for less, and keeps buying, is growing
    declining_gaps, lost_gaps : silence, in usual gaps, above which a customer is declining, lost

    Returns
    -------
    One code per customer. The first that fits: `returns_only` and `prospect` never bought;
    `lost`; `new`; `declining`; `returned` had a last gap as long as a lost customer's silence;
    `growing`; `mature`.
    """
    silence, own = customers["days_since_last"], customers["gap_median_days"]
    usual = own.fillna(company_gap).clip(lower=1)
    never = customers["n_orders"] == 0
    conditions = {
        "returns_only": never & (customers["spend_total"] < 0),
        PROSPECT: never,
        "lost": silence > lost_gaps * usual.clip(lower=new_days / lost_gaps),
        "new": customers["T"] * 7 <= new_days,
        "declining": silence > declining_gaps * usual,
        "returned": customers["gap_last_days"] > lost_gaps * usual,
        "growing": customers["T"] < growing_weeks,
    }
    codes = np.select(
        [each.fillna(False).to_numpy(bool) for each in conditions.values()],
        list(conditions),
        default="mature",
    )
    return pd.Series(codes, index=customers.index, name="life_cycle", dtype=object)
