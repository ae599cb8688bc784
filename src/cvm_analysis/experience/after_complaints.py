"""Who left after a complaint, against customers who were alike on that day and had not complained.

Alike: on the day of the complaint in the same class of recency, pace and value. Classes have a
fixed width on a logarithmic scale, so that within one no customer is far from another, in the tails
either. For each complaint, customers are drawn who had bought and had not complained by that day;
those of a class count by the number of its complaints (exact matching: Stuart, 2010, Statistical
Science 25, 1-21). What is left is a difference, not an effect: who complains may differ in more.

Errors are clustered by customer: one may complain several times, and be drawn on several days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.experience.complaints import split
from cvm_analysis.experience.surveys import LEVEL
from cvm_analysis.tables import TABLES

LEAST_MATCHED = 20  # complaints, for a difference
N_ROWS = 100_000  # customers and days that are drawn, about
WIDTHS = {"recency": 1.5, "pace": 1.5, "value": 2.0}  # of a class: its upper end / its lower end
_PRIOR_WEEKS = 26.0  # of the pace, as in `drivers`
_YEAR = 365  # days, of the value
_BIG = 10**6  # more than any day number
_TABLE = TABLES["after_complaints"]


def compare(
    cases: pd.DataFrame,
    daily_margin: pd.DataFrame,
    as_of: dt.date,
    horizon_days: int,
    groups: Sequence[str],
    kinds: pd.Series | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare who left after complaints with others like them: table `after_complaints`.

    Parameters
    ----------
    cases : one row per complaint (`complaints.cases`), with the columns `groups`
    daily_margin : one row per customer and day: customer_id, day, amount, purchases (0: a return)
    horizon_days : who buys nothing for so long after the day has left; only complaints whose
        horizon has passed by as_of count
    kinds : kind of each customer, by customer_id, such as type and region: others are of the same
        kind. Who has none is in no comparison. None: all are of one kind
    seed : of the draw; same seed, same table
    """
    history = _History(daily_margin)
    kind = np.zeros(len(history.names), dtype=np.intp)
    if kinds is not None:
        kind = pd.factorize(kinds.reindex(history.names))[0].astype(np.intp)
    due = cases[cases["at"] + pd.Timedelta(days=horizon_days) <= pd.Timestamp(as_of)]
    due = due.reset_index(drop=True)
    rows = _observe(due, history, kind, horizon_days, np.random.default_rng(seed))
    found = [
        {"group": group, "level": level} | _difference(rows[rows["case"].isin(part.index)])
        for group, level, part in split(due, groups)
    ]
    return pd.DataFrame(found, columns=list(_TABLE.columns))


class _History:
    """The purchases of all customers, for questions about many customers and days at once."""

    def __init__(self, daily_margin: pd.DataFrame) -> None:
        code, names = pd.factorize(daily_margin["customer_id"], sort=True)
        day = _day_number(daily_margin["day"])
        self.names = pd.Index(names)
        self._lines = _sorted(code, day, daily_margin["amount"].to_numpy(float))
        bought = daily_margin["purchases"].to_numpy() > 0
        self._purchases = _sorted(code[bought], day[bought], np.ones(int(bought.sum())))

    def observe(self, code: Ints, day: Ints, horizon_days: int) -> pd.DataFrame:
        """Recency (days), pace (a week), value (a year) on a day; left: no purchase within horizon.

        One row for each customer code and day; recency is empty before the first purchase.
        """
        keys, total = self._purchases
        place, first = (
            np.searchsorted(keys, code * _BIG + day, "right"),
            np.searchsorted(keys, code * _BIG),
        )
        bought = place > first
        last = np.where(bought, keys[np.maximum(place - 1, 0)] % _BIG, day)
        start = np.where(bought, keys[np.minimum(first, len(keys) - 1)] % _BIG, day)
        later = np.searchsorted(keys, code * _BIG + day + horizon_days, "right")
        lines, amounts = self._lines
        upto = amounts[np.searchsorted(lines, code * _BIG + day, "right")]
        before = amounts[np.searchsorted(lines, code * _BIG + day - _YEAR, "right")]
        return pd.DataFrame(
            {
                "recency": np.where(bought, day - last, np.nan),
                "pace": (total[place] - total[first]) / ((day - start) / 7 + _PRIOR_WEEKS),
                "value": upto - before,
                "left": (later == place).astype(float),
            }
        )


def _sorted(code: Ints, day: Ints, amount: Array) -> tuple[Ints, Array]:
    """Keys of customer and day in order, and the sum of the amounts before each of them."""
    key = code.astype(np.intp) * _BIG + day
    order = np.argsort(key, kind="stable")
    return key[order], np.concatenate([[0.0], np.cumsum(amount[order])])


def _day_number(days: pd.Series) -> Ints:
    found: Ints = (
        (pd.to_datetime(days, cache=False) - pd.Timestamp("1990-01-01")).dt.days
    ).to_numpy(np.intp)
    return found


def _observe(
    cases: pd.DataFrame,
    history: _History,
    kind: Ints,
    horizon_days: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Observe complaints and, for each, others drawn who had not complained by that day.

    kind : of each customer of the history, as a code; -1: none

    One row each: case (index of the complaint), complained (bool), customer (code), class, left.
    """
    own = history.names.get_indexer(cases["customer_id"])
    at = np.flatnonzero((own >= 0) & (kind[own] >= 0))
    if not len(at):
        return pd.DataFrame(columns=["case", "complained", "customer", "class", "left"])
    own, day = own[at], _day_number(cases["at"])
    first = np.full(len(history.names), _BIG)
    np.minimum.at(first, own, day[at])
    size = int(np.clip(N_ROWS // len(at), 1, len(history.names)))
    drawn, case = _draw(kind, np.repeat(own, size), rng), np.repeat(at, size)
    free = first[drawn] > day[case]
    rows = pd.DataFrame(
        {
            "case": np.concatenate([at, case[free]]),
            "complained": np.arange(len(at) + int(free.sum())) < len(at),
            "customer": np.concatenate([own, drawn[free]]),
        }
    )
    rows = rows.join(history.observe(rows["customer"].to_numpy(), day[rows["case"]], horizon_days))
    rows = rows[rows["recency"].notna()].reset_index(drop=True)
    return rows.assign(**{"class": _classes(rows, kind[rows["customer"]])})


def _draw(kind: Ints, customers: Ints, rng: np.random.Generator) -> Ints:
    """Draw one customer of the same kind for each of `customers`."""
    by_kind = np.argsort(kind, kind="stable")
    start = np.searchsorted(kind[by_kind], np.arange(kind.max() + 1))
    size = np.bincount(kind[kind >= 0])
    own = kind[customers]
    found: Ints = by_kind[start[own] + (rng.random(len(own)) * size[own]).astype(np.intp)]
    return found


def _classes(rows: pd.DataFrame, kind: Ints) -> pd.Series:
    """The class of each row: its kind, and equal steps of log recency, log pace and log value."""
    positive = rows.loc[rows["value"] > 0, "value"]
    least = float(positive.median()) / 8 if len(positive) else 1.0
    scaled = {
        "recency": 7.0 + rows["recency"],  # within a week all are alike
        "pace": rows["pace"],
        "value": rows["value"].clip(lower=least),
    }
    found = pd.Series(kind, rows.index)
    for name, values in scaled.items():
        step = np.floor(np.log(values) / np.log(WIDTHS[name])).astype(int)
        found = found * 1000 + (step + 500)
    return found


def _difference(rows: pd.DataFrame) -> dict[str, Any]:
    """Compare complaints with the others of their class, weighted by the number of complaints."""
    n_complaints = int(rows["complained"].sum())
    complained = rows["complained"].astype(bool)
    one, other = rows[complained], rows[~complained]
    n_one, n_other = one.groupby("class").size(), other.groupby("class").size()
    matched = n_one.index.intersection(n_other.index)
    one, other = one[one["class"].isin(matched)], other[other["class"].isin(matched)]
    found: dict[str, Any] = {
        "n_complaints": n_complaints,
        "n_matched": len(one),
        "n_others": len(other),
    }
    if len(one) < LEAST_MATCHED:
        return found
    expected = other.groupby("class")["left"].mean()
    own, others = one["left"].mean(), one["class"].map(expected).mean()
    weight = (n_one / n_other).reindex(matched) / len(one)
    moved_one = (one["left"] - one["class"].map(expected) - (own - others)) / len(one)
    moved_other = -other["class"].map(weight) * (other["left"] - other["class"].map(expected))
    customers = pd.concat([one["customer"], other["customer"]])
    moved = pd.concat([moved_one, moved_other]).groupby(customers).sum()
    half = float(stats.norm.ppf((1 + LEVEL) / 2)) * float(np.sqrt((moved**2).sum()))
    found |= {"left_share": own, "left_share_others": others, "left_difference": own - others}
    if half == 0:
        return found  # nobody left, or all did
    return found | {"low": own - others - half, "high": own - others + half}
