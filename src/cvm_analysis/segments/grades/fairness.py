"""Do grades differ by region, gender or age?

The rule is the four-fifths rule [1]: a group whose share with the best grade is below 0.8 of the
largest group's share needs a review. The ratio of two shares has an interval [2], and the verdict
is that of the interval. A low ratio shows that grades differ, not why.

The reference is the group with the largest share, so other groups look worse than they are: among
many groups one is ahead by chance. Intervals are not adjusted for multiple comparisons.

Sources: [1] Uniform Guidelines on Employee Selection Procedures (1978), 29 CFR 1607.4(D). [2] Katz,
Baptista, Azen & Pike (1978), "Obtaining Confidence Intervals for the Risk Ratio in Cohort Studies",
Biometrics 34, 469-474.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError
from cvm_analysis.segments.grades.grade import NOT_GRADED

FOUR_FIFTHS = 0.8
OTHER, UNKNOWN = "other", "unknown"
BELOW, UNCLEAR, FINE, REFERENCE = "below", "unclear", "fine", "reference"


def compare_groups(
    grades: pd.Series,
    groups: pd.Series,
    order: Sequence[str],
    min_group: int = 5,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare groups by their mix of grades and their share with the best grade.

    grades : one code per customer; `not_graded` is counted, and in no share
    groups : one code per customer, the same index; missing is `unknown`. Its name, such as
        gender, is that of the result's index
    order : the grades, best first
    min_group : groups with fewer graded customers are pooled into `other`, which is left out if it
        is still smaller
    level : of the intervals

    Returns
    -------
    One row per group, the largest share with the best grade first, `other` and `unknown` last.
        n_customers : graded; n_not_graded : in no share
        share_<grade> : one column per grade, in [0, 1], adding up to 1
        best_share : share with the best grade
        ratio : to the largest best_share among groups with a name (not `other` or `unknown`,
            unless there are no others); 1 for that group; empty if nobody has the best grade
        low, high : interval of the ratio by [2], empty for the reference; where one of the four
            counts is 0, half a customer is added to each, and the interval is widened to hold the
            ratio
        verdict : `below` (all of the interval below 0.8), `unclear` (0.8 within it, or no
            ratio), `fine` (all of it above 0.8), `reference`

    Raises InputError: other customers in `groups`, or a grade that is not in `order`
    """
    pooled = _pooled(grades, groups, order, min_group)
    counts = pd.crosstab(pooled, grades.reindex(pooled.index)).rename_axis(
        index=groups.name, columns=None
    )
    graded = counts.reindex(columns=list(order), fill_value=0)
    n = graded.sum(axis=1)
    table = pd.DataFrame({"n_customers": n, "n_not_graded": counts.sum(axis=1) - n})
    table = table.join(graded.div(n, axis=0).add_prefix("share_"))
    table["best_share"] = graded[order[0]] / n
    return _ordered(_compared(table, graded[order[0]], level))


def compare_regions(
    grades: pd.DataFrame, region: pd.Series, orders: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Compare regions by their grades by score, one customer type at a time.

    grades : table `grades`; region : of each customer; orders : customer type -> its grades, best
    first

    Returns
    -------
    One row per customer type and region, indexed by both; columns of `compare_groups` but the
    shares of each grade. A type with only one region has no rows.
    """
    columns = ["n_customers", "n_not_graded", "best_share", "ratio", "low", "high", "verdict"]
    found = {}
    for kind, order in orders.items():
        of_type = grades.loc[grades["customer_type"] == kind, "score_grade"]
        table = compare_groups(of_type, region.reindex(of_type.index), order)
        found[kind] = table[columns].iloc[: len(table) if len(table) > 1 else 0]
    if not found:
        pairs = pd.MultiIndex.from_arrays([[], []], names=["customer_type", "region"])
        return pd.DataFrame(index=pairs, columns=columns)
    return pd.concat(found, names=["customer_type", "region"])


def groups(customers: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """One row per customer: region, gender and age band; `unknown` where not recorded.

    customers : columns of table `customers`; columns that a business does not record may be absent
    """
    recorded = customers.reindex(columns=["region", "gender", "birth_date"])
    age = age_bands(pd.to_datetime(recorded["birth_date"]), as_of)
    return recorded[["region", "gender"]].replace("", None).fillna(UNKNOWN).assign(age=age)


def age_bands(
    birth_date: pd.Series, as_of: dt.date, edges: Sequence[int] = (30, 45, 60)
) -> pd.Series:
    """Name each customer's age band by full years on a day.

    Returns
    -------
    Codes on the same index: `under_30`, `30_44`, `45_59`, `60_plus`; `unknown` without a readable
    date of birth or if it is after `as_of`.

    Raises InputError: edges that are not whole years, above 0 and rising
    """
    if not edges or any(b != int(b) or a >= b for a, b in pairwise([0, *edges])):
        raise InputError(f"age bands: edges {tuple(edges)} must be whole years, rising, above 0")
    born = pd.to_datetime(birth_date, errors="coerce")
    day = pd.Timestamp(as_of)
    later = (born.dt.month * 100 + born.dt.day) > (day.month * 100 + day.day)
    age = day.year - born.dt.year - later
    inner = [f"{a}_{b - 1}" for a, b in pairwise(edges)]
    names = np.array([f"under_{edges[0]}", *inner, f"{edges[-1]}_plus"], dtype=object)
    band = np.searchsorted(np.asarray(edges), age.fillna(0).to_numpy(), side="right")
    valid = (age >= 0) & born.notna()
    return pd.Series(names[band], index=birth_date.index, name="age_band").where(valid, UNKNOWN)


def _pooled(
    grades: pd.Series, groups: pd.Series, order: Sequence[str], min_group: int
) -> pd.Series:
    """Each customer's group, small ones pooled, without those whose pool is too small."""
    unmatched = len(grades.index.symmetric_difference(groups.index))
    if unmatched or not (grades.index.is_unique and groups.index.is_unique):
        raise InputError(
            "fairness: grades and groups must be of the same customers, each once; "
            f"{unmatched:,} are in one of them only"
        )
    if wrong := sorted(set(grades.astype(str)) - {*order, NOT_GRADED}):
        raise InputError(
            f"fairness: {', '.join(wrong)} are no grades; there are {', '.join(order)}"
        )
    codes = groups.astype(object).where(groups.notna(), UNKNOWN).astype(str)
    graded = grades.reindex(codes.index) != NOT_GRADED
    codes = codes.mask(_small(codes, graded, min_group), OTHER)
    return codes[~_small(codes, graded, min_group)]


def _small(codes: pd.Series, graded: pd.Series, min_group: int) -> pd.Series:
    return graded.groupby(codes).transform("sum") < min_group


def _compared(table: pd.DataFrame, best: pd.Series, level: float) -> pd.DataFrame:
    """Add ratio, low, high and verdict."""
    n = table["n_customers"]
    if table.empty:
        return table.assign(ratio=np.nan, low=np.nan, high=np.nan, verdict="")
    named = table.drop(index=[OTHER, UNKNOWN], errors="ignore")
    sized = (table if named.empty else named).sort_index()
    reference = sized.sort_values(["best_share", "n_customers"], kind="stable").index[-1]
    share = table["best_share"]
    ratio = share / share[reference] if share[reference] > 0 else share * np.nan
    ends = [_katz(*row, best[reference], n[reference], level) for row in zip(best, n, strict=True)]
    low, high = np.array(ends).T
    low, high = np.minimum(low, ratio), np.maximum(high, ratio)
    is_reference = (table.index == reference) & ratio.notna()
    found = table.assign(ratio=ratio, low=low, high=high)
    found.loc[is_reference | ratio.isna(), ["low", "high"]] = np.nan
    codes = [is_reference, found["high"] < FOUR_FIFTHS, found["low"] > FOUR_FIFTHS]
    return found.assign(verdict=np.select(codes, [REFERENCE, BELOW, FINE], UNCLEAR))


def _katz(a: float, n: float, b: float, m: float, level: float) -> tuple[float, float]:
    """Interval of (a / n) / (b / m) by [2], with half a customer added where a count is 0."""
    from scipy.special import ndtri

    if not (0 < a < n and 0 < b < m):
        a, n, b, m = a + 0.5, n + 1, b + 0.5, m + 1
    ratio = (a / n) / (b / m)
    width = ndtri(1 - (1 - level) / 2) * np.sqrt(1 / a - 1 / n + 1 / b - 1 / m)
    return ratio * np.exp(-width), ratio * np.exp(width)


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    by_share = table.sort_index().sort_values("best_share", ascending=False, kind="stable")
    last = [code for code in (OTHER, UNKNOWN) if code in table.index]
    return by_share.loc[[*by_share.index.drop(last), *last]]
