"""Points of a loyalty programme as a ledger: what was earned, used, expired, and what is left.

Points are used up first in, first out. Where no movement of the file says `expire` and the config
has `points: {expire_after_days: ...}`, points expire by this rule at the end of that day after they
were earned; files that record it are taken as they are. Points used before they were earned make
the balance negative, and what is earned next pays for them.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from cvm_analysis.arrays import Bools, Ints
from cvm_analysis.typed import settings

_UNIT = 10_000  # points are whole numbers of this part, so that balances are exact
_DAY = pd.Timedelta(days=1)


@settings
class Points:
    """What a point is worth, and until when it can be used."""

    value: Annotated[float, Field(gt=0)] | None = None  # of one point, in the config's currency
    expire_after_days: Annotated[int, Field(gt=0)] | None = None  # from being earned; None: no rule
    expiring_days: Annotated[int, Field(gt=0)] = (
        30  # points that expire within so many days are about to
    )


def movements(points: pd.DataFrame, as_of: dt.date, expire_after_days: int | None) -> pd.DataFrame:
    """Order the movements by as_of in time and give each its sign.

    Parameters
    ----------
    points : the raw table: customer_id, at, kind (earn, redeem, expire, adjust), points
    as_of : last day that counts
    expire_after_days : rule that makes points expire, where the table never says so; None: none

    Returns
    -------
    One row per movement, by customer and in order of time (of a day what adds points, what uses
    them, what expires): customer_id, at, kind, points (signed). Points earned below zero, taken
    back because of a return, are of kind adjust.
    """
    rows = points[["customer_id", "at", "kind"]].reset_index(drop=True)
    rows = rows.assign(at=pd.to_datetime(rows["at"], cache=False), units=_units(points["points"]))
    is_use = rows["kind"].isin(["redeem", "expire"])
    rows["units"] = rows["units"].where(~is_use, -rows["units"].abs())
    rows["kind"] = rows["kind"].mask((rows["kind"] == "earn") & (rows["units"] < 0), "adjust")
    records_expiry = bool((rows["kind"] == "expire").any())
    rows = _in_order(rows[rows["at"] <= pd.Timestamp(as_of)])
    if expire_after_days is not None and not records_expiry:
        rows = _in_order(pd.concat([rows, _expired(rows, as_of, expire_after_days)]))
    return rows.assign(points=rows["units"] / _UNIT).drop(columns="units")


def _units(points: pd.Series) -> pd.Series:
    whole = np.rint(points.astype(float).to_numpy() * _UNIT).astype(np.int64)
    return pd.Series(whole, range(len(points)))


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    turn = np.where(rows["units"] > 0, 0, np.where(rows["kind"] == "expire", 2, 1))
    ordered = rows.assign(turn=turn).sort_values(["customer_id", "at", "turn"], kind="stable")
    return ordered.drop(columns="turn").reset_index(drop=True)


def _expired(rows: pd.DataFrame, as_of: dt.date, days: int) -> pd.DataFrame:
    """Movements of points that expire by rule.

    By the end of a day at least the points earned `days` before or earlier are gone. What of them
    was not used expires: the running maximum of points earned so long ago less points used.
    """
    added = rows[rows["units"] > 0]
    due = pd.DataFrame(
        {
            "customer_id": added["customer_id"],
            "at": added["at"] + days * _DAY,
            "units": added.groupby("customer_id")["units"].cumsum(),
            "is_due": True,
        }
    )
    used = rows.loc[rows["units"] < 0, ["customer_id", "at", "units"]].assign(is_due=False)
    both = pd.concat([used, due[due["at"] <= pd.Timestamp(as_of)]], ignore_index=True)
    both = both.sort_values(["customer_id", "at", "is_due"], kind="stable", ignore_index=True)
    by_customer = both["customer_id"]
    used_so_far = -both["units"].where(~both["is_due"], 0).groupby(by_customer).cumsum()
    left = (both["units"] - used_so_far).where(both["is_due"], 0).clip(lower=0)
    gone = left.groupby(by_customer).cummax()
    more = gone.groupby(by_customer).diff().fillna(gone).astype(np.int64)
    found = both.loc[more > 0, ["customer_id", "at"]]
    return found.assign(kind="expire", units=-more[more > 0])


def match(movements: pd.DataFrame) -> pd.DataFrame:
    """Match what was used with what was added, first in, first out.

    movements : as `movements` returns

    Returns
    -------
    One row per part of an addition with one fate, in order: customer_id, points, earned_on,
    ended_on (empty: still there), ended_by (redeem, expire, adjust; empty). Points that were used
    before they were earned end on the day they were earned.
    """
    code, names = pd.factorize(movements["customer_id"])
    units = _units(movements["points"]).to_numpy()
    at = movements["at"].to_numpy()
    adds, uses = units > 0, units < 0
    lots = _line(code[adds], units[adds], len(names))
    ends = _line(code[uses], -units[uses], len(names))
    start = np.concatenate([[0], np.cumsum(np.maximum(lots.totals, ends.totals))])
    lot_end, use_end = lots.ends(start), ends.ends(start)
    breaks = np.unique(np.concatenate([start, lot_end, use_end, start[:-1] + lots.totals]))
    begin, size = breaks[:-1], np.diff(breaks)
    lot, has_lot = _find(lot_end, begin, start, lots)
    use, has_use = _find(use_end, begin, start, ends)
    lot, use, size, has_use = lot[has_lot], use[has_lot], size[has_lot], has_use[has_lot]
    earned = at[adds][lot] if len(lot) else at[:0]
    ended = np.full(len(lot), np.datetime64("NaT", "ns"))
    by = np.full(len(lot), None, dtype=object)
    ended[has_use] = at[uses][use[has_use]]
    by[has_use] = movements["kind"].to_numpy(object)[uses][use[has_use]]
    return pd.DataFrame(
        {
            "customer_id": names.to_numpy()[code[adds][lot]],
            "points": size / _UNIT,
            "earned_on": earned,
            "ended_on": np.maximum(ended, earned),
            "ended_by": by,
        }
    )


class _Line(NamedTuple):
    """Amounts of customers laid end to end, in their order."""

    code: Ints  # number of the customer
    units: Ints
    totals: Ints  # by customer

    def ends(self, start: Ints) -> Ints:
        """Where each amount ends, if those of each customer begin at `start`."""
        before = np.concatenate([[0], np.cumsum(self.totals)])[self.code]
        return np.cumsum(self.units) - before + start[self.code]


def _line(code: Ints, units: Ints, n_customers: int) -> _Line:
    return _Line(code, units, np.bincount(code, units, n_customers).astype(np.int64))


def _find(end: Ints, begin: Ints, start: Ints, line: _Line) -> tuple[Ints, Bools]:
    """The amount that covers each part, and whether one of the same customer does."""
    place = np.searchsorted(end, begin, side="right")
    owner = np.searchsorted(start, begin, side="right") - 1
    inside = np.minimum(place, max(len(end) - 1, 0))
    covered = (place < len(end)) & (len(end) > 0)
    if len(end):
        covered &= line.code[inside] == owner
    return inside, covered


def totals(
    movements: pd.DataFrame,
    parts: pd.DataFrame,
    as_of: dt.date,
    expire_after_days: int | None,
    expiring_days: int,
) -> pd.DataFrame:
    """Sum up each customer's points.

    Parameters
    ----------
    movements, parts : as `movements` and `match` return them
    expire_after_days : the rule, None if there is none
    expiring_days : points that expire within so many days after as_of are about to expire

    Returns
    -------
    One row per customer with points, indexed by customer_id: points_earned, points_redeemed,
    points_expired (0 or more), points_adjusted (signed), points_balance (negative: used before
    they were earned), last_earned_on, points_expiring and expires_on (the next day on which points
    expire; both empty without the rule).
    """
    found = _by_kind(movements).add_prefix("points_")
    units = _units(movements["points"]).groupby(movements["customer_id"].to_numpy()).sum()
    earned = movements[movements["kind"] == "earn"].groupby("customer_id")["at"].max()
    found = found.assign(points_balance=units / _UNIT, last_earned_on=earned)
    if expire_after_days is None:
        return found.assign(points_expiring=np.nan, expires_on=pd.NaT)
    still = parts[parts["ended_on"].isna()]
    due = still["earned_on"] + expire_after_days * _DAY
    soon = still["points"].where(due <= pd.Timestamp(as_of) + expiring_days * _DAY, 0.0)
    owner = still["customer_id"]
    expiring = soon.groupby(owner).sum().reindex(found.index, fill_value=0.0)
    return found.assign(points_expiring=expiring, expires_on=due.groupby(owner).min())


def _by_kind(movements: pd.DataFrame) -> pd.DataFrame:
    """Sums by customer and kind: earned, redeemed, expired (0 or more), adjusted (signed)."""
    names = {"earn": "earned", "redeem": "redeemed", "expire": "expired", "adjust": "adjusted"}
    rows = movements.assign(
        kind=movements["kind"].map(names), units=_units(movements["points"]).to_numpy()
    )
    wide = rows.pivot_table("units", "customer_id", "kind", aggfunc="sum", fill_value=0)
    wide = wide.reindex(columns=list(names.values()), fill_value=0).rename_axis(columns=None)
    wide[["redeemed", "expired"]] *= -1
    return wide / _UNIT
