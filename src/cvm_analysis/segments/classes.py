"""Classes of customers by frequency, amount and life cycle, and tables of two schemes.

A scheme gives every customer one level. Customers whose levels contradict each other are listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.minimum_data import Note
from cvm_analysis.segments import scores
from cvm_analysis.typed import settings

PART = "segments"
PROSPECT = "prospect"
INACTIVE = "inactive"  # no purchase in the period of the frequency and amount classes
ACTIVE, OVERDUE, LAPSED = "active", "overdue", "lapsed"  # see `activity`
LEVELS = ("mid", "high")  # above low
HALF_AND_FIFTH = ((1, 2), (4, 5))  # share strictly worse for mid and for high
ORDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(  # the levels of each scheme, best first
    {
        "frequency": ("high", "mid", "low", INACTIVE, PROSPECT),
        "amount": ("high", "mid", "low", INACTIVE, PROSPECT),
        "loyalty": ("loyal", "potentially_loyal", "not_loyal", PROSPECT),
        "life_cycle": (
            *("mature", "growing", "returned", "new", "declining", "lost", "returns_only"),
            PROSPECT,
        ),
    }
)
CONTRADICTIONS = (  # good by purchases in the period, lost or not loyal by rhythm
    (("amount", "high"), ("life_cycle", "lost")),
    (("amount", "high"), ("loyalty", "not_loyal")),
    (("loyalty", "loyal"), ("life_cycle", "declining")),
)
Threshold = float | Literal["auto"]
Level = tuple[str, str]  # scheme, level


@settings
class Levels:
    """The least value of the levels high and mid; `auto`: the best 20% and 50%."""

    high: Threshold = "auto"
    mid: Threshold = "auto"


@settings
class LifeCycle:
    """Thresholds of the life-cycle classes.

    new_days : a customer who first bought within so many days is new
    growing_weeks : a customer for less than this, who bought again, is growing
    declining_gaps, lost_gaps : time since the last purchase, in usual gaps, above which a customer
        is declining, lost
    """

    new_days: Annotated[int, Field(gt=0)] = 90
    growing_weeks: Annotated[float, Field(gt=0)] = 52
    declining_gaps: Annotated[float, Field(gt=0)] = 2
    lost_gaps: Annotated[float, Field(gt=0)] = 4


USUAL_LIFE = LifeCycle()


def thresholds(
    values: pd.Series, high: Threshold, mid: Threshold, names: tuple[str, str] = LEVELS
) -> dict[str, float]:
    """Find the least value of mid and of high; `auto`: the best half and the best fifth.

    values : one per customer who bought, larger is better
    names : of the two levels, the worse first

    Returns
    -------
    level -> least value, the worse level first; NaN where ties make the level impossible.

    Raises
    ------
    ConfigError : the higher level begins below the lower one
    InputError : a value is empty or infinite
    """
    scores.check_finite(values.to_frame(values.name or "value"))
    if high != "auto" and mid != "auto" and float(high) < float(mid):
        raise ConfigError(f"{names[1]} begins at {high:g}, below {names[0]} ({mid:g}); swap them")
    derived = scores.cut_points(values, HALF_AND_FIFTH)
    least = [d if a == "auto" else float(a) for a, d in zip((mid, high), derived, strict=True)]
    return dict(zip(names, least, strict=True))


def assign_level(
    values: pd.Series, bought: pd.Series, thresholds: Mapping[str, float], lowest: str = "low"
) -> pd.Series:
    """Assign the best level each customer's value reaches; `prospect` if they never bought.

    values, bought : one per customer; thresholds : level -> least value, as `thresholds` makes
        them; lowest : the level below all of these
    """
    least = np.array(list(thresholds.values()), dtype=float)[::-1]
    names = np.array([lowest, *thresholds], dtype=object)
    reached = scores.score(values, np.fmin.accumulate(least)[::-1].tolist()) - 1
    return pd.Series(np.where(bought, names[reached], PROSPECT), index=values.index, dtype=object)


def segment_table(
    customers: pd.DataFrame, scores: pd.DataFrame, **classes: pd.Series
) -> pd.DataFrame:
    """Make table `classes`: the scores and classes of all customers.

    customers : all, with n_orders, net_sales and customer_type, which is the class in each scheme
        that a customer is not part of: RFM and life cycle are of retail customers. Project
        customers buy in bursts and come back after years, so that the days since their last
        purchase do not show who is lost. Who neither bought nor returned is a prospect, of
        whatever type
    """
    table = pd.DataFrame(classes).reindex(customers.index)
    is_prospect = (customers["n_orders"] == 0) & (customers["net_sales"] >= 0)
    otherwise = customers["customer_type"].mask(is_prospect, PROSPECT)
    table = table.apply(lambda codes: codes.fillna(otherwise))
    table = scores.astype("Int64").reindex(customers.index).join(table)
    table.insert(0, "customer_type", customers["customer_type"])
    return table


def crosstab(rows: pd.Series, columns: pd.Series, amounts: pd.Series | None = None) -> pd.DataFrame:
    """Count customers per pair of levels of two schemes, or add up their amounts.

    rows, columns : one level per customer; their names are the schemes
    amounts : one per customer, in the config's currency; None: customers are counted

    Returns
    -------
    One row per level of `rows` and one column per level of `columns`, the best first.
    """
    pairs = [rows.to_numpy(), columns.reindex(rows.index).to_numpy()]
    counted = pd.Series(1, rows.index) if amounts is None else amounts.reindex(rows.index)
    table = counted.reset_index(drop=True).groupby(pairs).sum().unstack(fill_value=0)
    return table.reindex(
        index=pd.Index(best_first(table.index, rows.name), name=rows.name),
        columns=pd.Index(best_first(table.columns, columns.name), name=columns.name),
    )


def best_first(levels: Iterable[str], scheme: object = None) -> list[str]:
    """Order levels of a scheme from best to worst, unknown ones last by code.

    For a scheme that ORDERS lacks, the one that shares the most levels is used.
    """
    found = set(levels)
    nearest = max(ORDERS.values(), key=lambda order: len(found.intersection(order)))
    order = ORDERS.get(scheme, nearest) if isinstance(scheme, str) else nearest
    return [each for each in order if each in found] + sorted(found.difference(order))


def disagreements(
    classes: pd.DataFrame, pairs: Sequence[tuple[Level, Level]], net_sales: pd.Series
) -> pd.DataFrame:
    """List the customers with a good level in one scheme and a bad one in another.

    classes : one row per customer, indexed by customer_id, one column per scheme
    pairs : the good level and the bad one: (("amount", "high"), ("loyalty", "not_loyal"))
    net_sales : one amount per customer

    Returns
    -------
    One row per customer and pair, the largest net sales first: customer_id, good, good_level, bad,
    bad_level, net_sales.

    Raises InputError: a scheme that is no column of `classes`
    """
    schemes = {scheme for pair in pairs for scheme, _ in pair}
    if unknown := sorted(schemes - set(classes)):
        raise InputError(f"no scheme {', '.join(unknown)}; there are {', '.join(classes)}")
    columns = ["customer_id", "good", "good_level", "bad", "bad_level", "net_sales"]
    found = [
        net_sales.rename("net_sales")
        .reindex(classes.index[(classes[good] == best) & (classes[bad] == worst)])
        .rename_axis("customer_id")
        .reset_index()
        .assign(good=good, good_level=best, bad=bad, bad_level=worst)
        for (good, best), (bad, worst) in pairs
    ]
    table = pd.concat(found) if found else pd.DataFrame(columns=columns)
    order = ["net_sales", "customer_id", "good", "bad"]
    return table.sort_values(order, ascending=[False, True, True, True], ignore_index=True)[columns]


def usual_gap(customers: pd.DataFrame) -> float:
    """Median of the customers' median gaps, in days; NaN if none bought on two days."""
    return float(customers["gap_median_days"].dropna().median())


def gap_notes(company_gap: float) -> list[Note]:
    """Note that inactivity cannot be judged where no customer has a gap between purchases."""
    return [Note(PART, "no_usual_gap")] if np.isnan(company_gap) else []


def activity(
    customers: pd.DataFrame, company_gap: float, thresholds: LifeCycle = USUAL_LIFE
) -> pd.Series:
    """Compare the days since each customer's last purchase with their usual gap.

    The usual gap of a customer is the median of their own; with a single gap, the longer of it and
    the company's; with none, the company's. It is at least new_days / lost_gaps, so that a few
    purchases in one week make no customer lapse in the next month.

    customers : one row per customer, columns of table `customers`
    company_gap : days; NaN if no customer bought on two days

    Returns
    -------
    One code per customer: `lapsed` after more than lost_gaps usual gaps, `overdue` after more than
    declining_gaps, else `active`; None if they never bought, or no gap is known.

    Raises InputError: days_since_last is empty or infinite for a customer who bought
    """
    never = (customers["n_orders"] == 0).to_numpy(bool)
    scores.check_finite(customers.loc[~never, ["days_since_last"]])
    inactive = customers["days_since_last"].to_numpy(float, na_value=np.nan)
    usual, _ = _usual_gaps(customers, company_gap, thresholds)
    states = {
        LAPSED: inactive > thresholds.lost_gaps * usual,
        OVERDUE: inactive > thresholds.declining_gaps * usual,
        ACTIVE: inactive <= thresholds.declining_gaps * usual,
    }
    codes = np.array([*states, None], dtype=object)
    first = np.select([~never & each for each in states.values()], range(3), default=3)
    return pd.Series(codes[first], index=customers.index, name="activity", dtype=object)


def life_cycle(
    customers: pd.DataFrame, company_gap: float, thresholds: LifeCycle = USUAL_LIFE
) -> pd.Series:
    """Class each customer by life cycle, relative to their own purchase gaps; see `activity`.

    customers : one row per customer, columns of table `customers`
    company_gap : days; NaN (no customer bought on two days): all are new

    Returns
    -------
    One code per customer. The first that fits: `returns_only` and `prospect` never bought;
    `lost`; `declining`, unless they first bought within new_days; `new` first bought within
    new_days, or bought once; `returned` had a last gap that counted as lost by the gaps before it;
    `growing`; `mature`.

    Raises InputError: days_since_last or T is empty or infinite for a customer who bought
    """
    never = (customers["n_orders"] == 0).to_numpy(bool)
    scores.check_finite(customers.loc[~never, ["days_since_last", "T"]])
    weeks, last_gap, x = (
        customers[column].to_numpy(float, na_value=np.nan) for column in ("T", "gap_last_days", "x")
    )
    state = activity(customers, company_gap, thresholds).to_numpy()
    _, before = _usual_gaps(customers, company_gap, thresholds)
    is_young = weeks * 7 <= thresholds.new_days
    conditions = {
        "returns_only": never & (customers["net_sales"] < 0).to_numpy(bool),
        PROSPECT: never,
        "lost": state == LAPSED,
        "declining": (state == OVERDUE) & ~is_young,
        "new": is_young | (x == 0),
        "returned": last_gap > thresholds.lost_gaps * before,
        "growing": weeks < thresholds.growing_weeks,
    }
    codes = np.array([*conditions, "mature"], dtype=object)
    first = np.select(list(conditions.values()), range(len(conditions)), default=len(conditions))
    return pd.Series(codes[first], index=customers.index, name="life_cycle", dtype=object)


def _usual_gaps(
    customers: pd.DataFrame, company_gap: float, thresholds: LifeCycle
) -> tuple[np.ndarray, np.ndarray]:
    """Usual gap of each customer in days: over all gaps, and before the last; see `activity`."""
    x, own, last = (
        customers[column].to_numpy(float, na_value=np.nan)
        for column in ("x", "gap_median_days", "gap_last_days")
    )
    usual = np.where(x > 1, own, np.fmax(own, company_gap))
    before = np.select([x > 2, x == 2], [own, 2 * own - last], company_gap)
    least = thresholds.new_days / thresholds.lost_gaps
    return np.maximum(usual, least), np.maximum(before, least)
