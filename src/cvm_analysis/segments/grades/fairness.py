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
from cvm_analysis.segments.small_cells import OTHER, UNKNOWN, hide, pool

FOUR_FIFTHS = 0.8
BELOW, UNCLEAR, FINE, REFERENCE = "below", "unclear", "fine", "reference"


def compare_groups(
    grades: pd.Series,
    groups: pd.Series,
    order: Sequence[str],
    min_group: int = 5,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare groups of people by their share with the best grade, and hide small counts.

    grades : one code per customer; `not_graded` is in no share
    groups : one code per customer, the same index; missing is `unknown`. Its name, such as
        gender, is that of the result's index
    order : the grades, best first
    min_group : groups with fewer graded customers are pooled, see `small_cells.pool`
    level : of the intervals

    Returns
    -------
    One row per group, the largest share with the best grade first, `other` and `unknown` last.
        n_customers : graded
        best_share : share with the best grade; empty, with ratio, low and high, where fewer than
            min_group customers have it, or do not have it, as `small_cells.hide` says
        ratio : to the largest best_share among groups with a name (not `other` or `unknown`,
            unless there are no others); 1 for that group; empty if nobody has the best grade
        low, high : interval of the ratio by [2], empty for the reference; where one of the four
            counts is 0, half a customer is added to each, and the interval is widened to hold the
            ratio
        verdict : `below` (all of the interval below 0.8), `unclear` (0.8 within it, or no
            ratio), `fine` (all of it above 0.8), `reference`; of hidden shares as well

    Raises InputError: other customers in `groups`, or a grade that is not in `order`
    """
    counts = _count(grades, groups, order, min_group)
    table = _compared(counts, level)
    rest = counts["n_customers"] - counts["n_best"]
    is_hidden = hide(counts["n_best"], min_group) | hide(rest, min_group)
    ratios = ["ratio", "low", "high"]
    if (table.loc[is_hidden, "verdict"] == REFERENCE).any():  # it would follow from any ratio
        table[ratios] = np.nan
    table.loc[is_hidden, ["best_share", *ratios]] = np.nan
    return table


def compare_regions(
    grades: pd.DataFrame,
    region: pd.Series,
    orders: Mapping[str, Sequence[str]],
    min_group: int = 5,
) -> pd.DataFrame:
    """Compare regions by their grades by score, one customer type at a time.

    grades : table `grades`; region : of each customer; orders : customer type -> its grades, best
    first

    Returns
    -------
    One row per customer type and region, indexed by both; columns of `compare_groups`, none empty
    because it is small: a region is no attribute of people. A type with only one region has no
    rows.
    """
    columns = ["n_customers", "best_share", "ratio", "low", "high", "verdict"]
    found = {}
    for kind, order in orders.items():
        of_type = grades.loc[grades["customer_type"] == kind, "score_grade"]
        counts = _count(of_type, region.reindex(of_type.index), order, min_group)
        found[kind] = _compared(counts if len(counts) > 1 else counts.iloc[:0])
    if not found:
        pairs = pd.MultiIndex.from_arrays([[], []], names=["customer_type", "region"])
        return pd.DataFrame(index=pairs, columns=columns)
    return pd.concat(found, names=["customer_type", "region"])


def groups(customers: pd.DataFrame, as_of: dt.date, is_hidden: bool = False) -> pd.DataFrame:
    """One row per customer: region, gender and age band; `unknown` where not recorded.

    customers : columns of table `customers`; columns that a business does not record may be absent
    is_hidden : gender and age are all `unknown`, as those of a region too small to show groups
    """
    shown = customers[["region"]] if is_hidden else customers
    recorded = shown.reindex(columns=["region", "gender", "birth_date"])
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


def _count(
    grades: pd.Series, groups: pd.Series, order: Sequence[str], min_group: int
) -> pd.DataFrame:
    """One row per group, small ones pooled: n_customers (graded), n_best; none below min_group."""
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
    graded = grades[grades != NOT_GRADED].astype(str)
    pooled = pool(codes.reindex(graded.index), min_group).rename(groups.name)
    found = (graded == order[0]).groupby(pooled).agg(n_customers="size", n_best="sum")
    return found[found["n_customers"] >= min_group]


def _compared(counts: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Table of `compare_groups` from the counts of groups, nothing hidden."""
    n, best = counts["n_customers"], counts["n_best"]
    table = pd.DataFrame({"n_customers": n, "best_share": best / n})
    if table.empty:
        return table.assign(ratio=np.nan, low=np.nan, high=np.nan, verdict="")
    share = table["best_share"]
    named = table.drop(index=[OTHER, UNKNOWN], errors="ignore")
    sized = (table if named.empty else named).sort_index()
    reference = sized.sort_values(["best_share", "n_customers"], kind="stable").index[-1]
    ratio = share / share[reference] if share[reference] > 0 else share * np.nan
    ends = [_katz(*row, best[reference], n[reference], level) for row in zip(best, n, strict=True)]
    low, high = np.array(ends).T
    low, high = np.minimum(low, ratio), np.maximum(high, ratio)
    is_reference = (table.index == reference) & ratio.notna()
    found = table.assign(ratio=ratio, low=low, high=high)
    found.loc[is_reference | ratio.isna(), ["low", "high"]] = np.nan
    codes = [is_reference, found["high"] < FOUR_FIFTHS, found["low"] > FOUR_FIFTHS]
    return _ordered(found.assign(verdict=np.select(codes, [REFERENCE, BELOW, FINE], UNCLEAR)))


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
