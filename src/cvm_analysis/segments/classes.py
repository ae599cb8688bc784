"""Classes of customers, each by one idea: how often, how much, where in their life.

A scheme gives every customer one level; two schemes can be crossed, and where they contradict each
other is a list of customers to look at.
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
LEVELS = ("mid", "high")  # above low
HALF_AND_FIFTH = ((1, 2), (4, 5))  # share strictly worse from which a customer is mid, high
ORDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(  # the levels of each scheme, best first
    {
        "frequency": ("high", "mid", "low", PROSPECT),
        "amount": ("high", "mid", "low", PROSPECT),
        "loyalty": ("loyal", "potentially_loyal", "not_loyal", PROSPECT),
        "life_cycle": (
            "mature",
            "growing",
            "returned",
            "new",
            "declining",
            "lost",
            "returns_only",
            PROSPECT,
        ),
    }
)
CONTRADICTIONS = (  # good by what they did so far, lost or unattached by how they do it now
    (("amount", "high"), ("life_cycle", "lost")),
    (("amount", "high"), ("loyalty", "not_loyal")),
    (("loyalty", "loyal"), ("life_cycle", "declining")),
)
Limit = float | Literal["auto"]
Level = tuple[str, str]  # scheme, level


@settings
class Levels:
    """From which value a customer is high or mid; `auto`: the best 20 and 50 percent."""

    high: Limit = "auto"
    mid: Limit = "auto"


@settings
class LifeCycle:
    """Limits of the life-cycle classes.

    new_days : who bought first within so many days is new
    growing_weeks : who has been a customer for less, and came back, is growing
    declining_gaps, lost_gaps : silence, in usual gaps, above which a customer is declining, lost
    """

    new_days: Annotated[int, Field(gt=0)] = 90
    growing_weeks: Annotated[float, Field(gt=0)] = 52
    declining_gaps: Annotated[float, Field(gt=0)] = 2
    lost_gaps: Annotated[float, Field(gt=0)] = 4


USUAL_LIFE = LifeCycle()


def thresholds(
    values: pd.Series, high: Limit, mid: Limit, names: tuple[str, str] = LEVELS
) -> dict[str, float]:
    """Settle from which value a customer is mid or high; `auto`: the best half, the best fifth.

    Parameters
    ----------
    values : one per customer who bought, larger is better
    names : what the two levels are called, the worse first

    Returns
    -------
    level -> least value, the worse level first; NaN says that ties let nobody reach it.

    Raises
    ------
    ConfigError : the higher level is asked to begin below the lower one
    InputError : a value is empty or infinite
    """
    scores.check_finite(values.to_frame(values.name or "value"))
    if high != "auto" and mid != "auto" and float(high) < float(mid):
        raise ConfigError(f"{names[1]} begins at {high:g}, below {names[0]} ({mid:g}); swap them")
    derived = scores.cut_points(values, HALF_AND_FIFTH)
    settled = [d if a == "auto" else float(a) for a, d in zip((mid, high), derived, strict=True)]
    return dict(zip(names, settled, strict=True))


def assign_level(
    values: pd.Series, bought: pd.Series, limits: Mapping[str, float], lowest: str = "low"
) -> pd.Series:
    """Give every customer the best level their value reaches; `prospect` for who never bought.

    Parameters
    ----------
    values, bought : one per customer; whether they ever bought
    limits : level -> least value, the worst level first, as from `thresholds`
    lowest : the level of who reaches none
    """
    least = np.array(list(limits.values()), dtype=float)[::-1]
    names = np.array([lowest, *limits], dtype=object)
    reached = scores.score(values, np.fmin.accumulate(least)[::-1].tolist()) - 1
    return pd.Series(np.where(bought, names[reached], PROSPECT), index=values.index, dtype=object)


def segment_table(
    customers: pd.DataFrame, scores: pd.DataFrame, **classes: pd.Series
) -> pd.DataFrame:
    """Put scores and classes of the retail customers together: table `classes`.

    customers : all, with customer_type. Project customers and dealers buy rarely and in lumps:
        they are not classed by that, and carry their type in every class.
    """
    table = pd.DataFrame(classes).reindex(customers.index)
    table = table.apply(lambda codes: codes.fillna(customers["customer_type"]))
    table = scores.astype("Int64").reindex(customers.index).join(table)
    table.insert(0, "customer_type", customers["customer_type"])
    return table


def crosstab(
    rows: pd.Series,
    columns: pd.Series,
    money: pd.Series | None = None,
    orders: Mapping[str, Sequence[str]] = ORDERS,
) -> pd.DataFrame:
    """Count customers per pair of levels of two schemes, or add up their money.

    Parameters
    ----------
    rows, columns : one level per customer; their names say which schemes they are
    money : one amount per customer, in the config's currency; None: customers are counted
    orders : scheme -> its levels, best first

    Returns
    -------
    One row per level of `rows` and one column per level of `columns`, the best first.
    """
    pairs = [rows.to_numpy(), columns.reindex(rows.index).to_numpy()]
    amounts = pd.Series(1, rows.index) if money is None else money.reindex(rows.index)
    table = amounts.reset_index(drop=True).groupby(pairs).sum().unstack(fill_value=0)
    return table.reindex(
        index=pd.Index(best_first(table.index, rows.name, orders), name=rows.name),
        columns=pd.Index(best_first(table.columns, columns.name, orders), name=columns.name),
    )


def best_first(
    levels: Iterable[str], scheme: object = None, orders: Mapping[str, Sequence[str]] = ORDERS
) -> list[str]:
    """Order levels of a scheme from the best to the worst; unknown ones, by their code, last.

    A scheme that `orders` does not name is taken for the one that knows most of its levels.
    """
    found = set(levels)
    known = max(orders.values(), key=lambda order: len(found.intersection(order)), default=())
    order = orders[scheme] if isinstance(scheme, str) and scheme in orders else known
    return [each for each in order if each in found] + sorted(found.difference(order))


def disagreements(
    classes: pd.DataFrame, pairs: Sequence[tuple[Level, Level]], money: pd.Series
) -> pd.DataFrame:
    """List the customers who are good by one scheme and bad by another.

    Parameters
    ----------
    classes : one row per customer, indexed by customer_id, one column per scheme
    pairs : the good level and the bad one: (("amount", "high"), ("loyalty", "not_loyal"))
    money : one amount per customer

    Returns
    -------
    One row per customer and pair, the most money first: customer_id, good, good_level, bad,
    bad_level, and the money under its own name.

    Raises
    ------
    InputError : a scheme that is no column of `classes`
    """
    named = {scheme for pair in pairs for scheme, _ in pair}
    if unknown := sorted(named - set(classes)):
        raise InputError(f"no scheme {', '.join(unknown)}; there are {', '.join(classes)}")
    amounts = money.rename(money.name or "money")
    found = [
        amounts.reindex(classes.index[(classes[good] == best) & (classes[bad] == worst)])
        .rename_axis("customer_id")
        .reset_index()
        .assign(good=good, good_level=best, bad=bad, bad_level=worst)
        for (good, best), (bad, worst) in pairs
    ]
    columns = ["customer_id", "good", "good_level", "bad", "bad_level", str(amounts.name)]
    table = pd.concat(found) if found else pd.DataFrame(columns=columns)
    order = [columns[-1], "customer_id", "good", "bad"]
    return table.sort_values(order, ascending=[False, True, True, True], ignore_index=True)[columns]


def usual_gap(customers: pd.DataFrame) -> float:
    """Median of the customers' own median gaps, in days; NaN if nobody bought on two days."""
    return float(customers["gap_median_days"].dropna().median())


def gap_notes(company_gap: float) -> list[Note]:
    """Note that no silence can be judged, if nobody has a gap between purchases to judge it by."""
    return [Note(PART, "no_usual_gap")] if np.isnan(company_gap) else []


def life_cycle(
    customers: pd.DataFrame, company_gap: float, limits: LifeCycle = USUAL_LIFE
) -> pd.Series:
    """Class each customer by life cycle, against their own rhythm.

    The usual gap of a customer is the median of their own; with a single gap, the longer of it and
    the company's; with none, the company's. It counts as new_days / lost_gaps at least, so that a
    few purchases in one week make nobody lost in the next month.

    Parameters
    ----------
    customers : one row per customer, columns of table `customers`
    company_gap : days; the company's usual gap. NaN, because nobody bought on two days: no silence
        can be judged, and all are new

    Returns
    -------
    One code per customer. The first that fits: `returns_only` and `prospect` never bought;
    `lost`; `declining`, unless they first bought within new_days; `new` bought first within
    new_days, or has not come back yet; `returned` had a last gap that, by the gaps before it, was
    a lost customer's silence; `growing`; `mature`.

    Raises
    ------
    InputError : days_since_last or T is empty or infinite for a customer who bought
    """
    never = (customers["n_orders"] == 0).to_numpy(bool)
    scores.check_finite(customers.loc[~never, ["days_since_last", "T"]])
    silence, weeks, last_gap, x = (
        customers[column].to_numpy(float, na_value=np.nan)
        for column in ("days_since_last", "T", "gap_last_days", "x")
    )
    usual, before = _rhythms(customers, company_gap, least=limits.new_days / limits.lost_gaps)
    is_young = weeks * 7 <= limits.new_days
    conditions = {
        "returns_only": never & (customers["net_sales"] < 0).to_numpy(bool),
        PROSPECT: never,
        "lost": silence > limits.lost_gaps * usual,
        "declining": (silence > limits.declining_gaps * usual) & ~is_young,
        "new": is_young | (x == 0),
        "returned": last_gap > limits.lost_gaps * before,
        "growing": weeks < limits.growing_weeks,
    }
    codes = np.array([*conditions, "mature"], dtype=object)
    first = np.select(list(conditions.values()), range(len(conditions)), default=len(conditions))
    return pd.Series(codes[first], index=customers.index, name="life_cycle", dtype=object)


def _rhythms(
    customers: pd.DataFrame, company_gap: float, least: float
) -> tuple[np.ndarray, np.ndarray]:
    """Usual gap of each customer in days, `least` or more: over all gaps, and before the last."""
    x, own, last = (
        customers[column].to_numpy(float, na_value=np.nan)
        for column in ("x", "gap_median_days", "gap_last_days")
    )
    usual = np.where(x > 1, own, np.fmax(own, company_gap))
    before = np.select([x > 2, x == 2], [own, 2 * own - last], company_gap)
    return np.maximum(usual, least), np.maximum(before, least)
