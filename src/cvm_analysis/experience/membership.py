"""Levels of a membership, what is missing to the next one; members against comparable others."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Days, Ints
from cvm_analysis.experience import comparison
from cvm_analysis.experience.comparison import Difference, Histories
from cvm_analysis.typed import settings

MOST_DAYS = 200  # of joining that are compared, spread over all of them
_MOST_ROWS = 1_000_000  # customers and days at a time
_MEASURES = {"from_points": "points", "from_net_sales": "net_sales"}


@settings
class Level:
    """A level of membership: from how many points earned, or net sales, of the last year."""

    code: str
    from_points: float | None = None
    from_net_sales: float | None = None
    en: str | None = None
    zh: str | None = None

    @property
    def measure(self) -> str:
        """What the level counts: points, net_sales, or empty if not exactly one is given."""
        given = [name for name in _MEASURES if getattr(self, name) is not None]
        return _MEASURES[given[0]] if len(given) == 1 else ""

    @property
    def start(self) -> float:
        """The least points or net sales of the level."""
        return float(self.from_points if self.from_points is not None else self.from_net_sales or 0)


def check_levels(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """Raise ValueError unless the levels count one measure, each more than the one before."""
    wrong = [each.code for each in levels if not each.measure]
    if wrong:
        raise ValueError(f"level {wrong[0]} needs from_points or from_net_sales, one of them")
    if len({each.measure for each in levels}) > 1:
        raise ValueError("all levels need from_points, or all of them from_net_sales")
    starts = [each.start for each in levels]
    if any(low >= high for low, high in itertools.pairwise(starts)):
        raise ValueError("each level needs more than the one before; put the lowest first")
    if len({each.code for each in levels}) < len(levels):
        raise ValueError("two levels have the same code")
    return levels


def find_levels(figures: pd.DataFrame, levels: Sequence[Level]) -> pd.DataFrame:
    """Find each customer's level and what is missing to the next one.

    Parameters
    ----------
    figures : one row per member; points (earned in the last year) and net_sales (of the last year),
        of which the levels count one
    levels : lowest first

    Returns
    -------
    Same index; level (code; empty below the lowest), next_level (empty at the top),
    points_to_level and net_sales_to_level: what is missing to it (empty at the top, and in the
    measure that the levels do not count).
    """
    found = pd.DataFrame(index=figures.index, columns=["level", "next_level"], dtype=object)
    found = found.assign(points_to_level=np.nan, net_sales_to_level=np.nan)
    if not levels:
        return found
    measure = levels[0].measure
    have = figures[measure].fillna(0.0).astype(float)
    starts = np.array([each.start for each in levels])
    place = np.searchsorted(starts, have, side="right")
    codes = np.array([None, *(each.code for each in levels), None], dtype=object)
    missing = np.append(starts, np.nan)[place] - have
    return found.assign(
        level=codes[place], next_level=codes[place + 1], **{f"{measure}_to_level": missing}
    )


def near_next_level(
    membership: pd.DataFrame, levels: Sequence[Level], share: float = 0.1
) -> pd.DataFrame:
    """Count the customers who are close to the next level.

    Parameters
    ----------
    membership : one row per customer: next_level, points_to_level, net_sales_to_level
    levels : lowest first
    share : of what a level needs, that may be missing to it at most

    Returns
    -------
    One row per level that anybody is close to, the highest first, indexed by its code: n_customers.
    """
    close = pd.Series(False, membership.index)
    for level in levels:
        missing = membership.get(f"{level.measure}_to_level")
        if missing is not None:
            is_next = membership["next_level"] == level.code
            close |= is_next & (missing.astype(float) <= share * level.start)
    counted = membership.loc[close].groupby("next_level").size()
    order = [level.code for level in reversed(levels) if level.code in counted]
    return counted.reindex(order).astype(int).rename_axis("next_level").to_frame("n_customers")


def earned_within(movements: pd.DataFrame, as_of: dt.date, days: int) -> pd.Series:
    """Points each customer earned in the last `days` days, those taken back deducted.

    movements : as `points.movements` returns them; the result is indexed by customer_id
    """
    counts = movements["kind"].isin(["earn", "adjust"])
    recent = movements["at"] > pd.Timestamp(as_of) - pd.Timedelta(days=days)
    owner = movements["customer_id"]
    return movements["points"].where(counts & recent, 0.0).groupby(owner).sum()


def compare_members(
    purchases: pd.DataFrame, joined: pd.Series, as_of: dt.date, window_days: int
) -> Difference | None:
    """Compare the net sales of members after joining with those of comparable non-members.

    Parameters
    ----------
    purchases : one row per customer and day with a purchase by as_of: customer_id, day, amount (net
        sales), of members and others
    joined : day of joining, indexed by customer_id; of members only
    window_days : net sales of so many days after the day of joining are compared

    Returns
    -------
    Each member against customers who on a day of that month had bought as recently, as often and
    for as much, and were no members yet. Some of these join later, which makes the difference
    smaller; leaving them out would look into the future, since only who goes on buying joins later.
    Members who had never bought, or whose window is not over, are left out. None if too few can be
    compared.
    """
    joined = pd.to_datetime(joined)
    known = comparison.histories(purchases)
    last = pd.Timestamp(as_of) - pd.Timedelta(days=window_days)
    compared = joined[(joined <= last) & joined.index.isin(known.names)]
    days = np.sort(compared.unique())
    days = days[np.unique(np.linspace(0, len(days) - 1, min(len(days), MOST_DAYS)).astype(int))]
    joins = joined.reindex(known.names).to_numpy()  # by number
    code = np.flatnonzero(np.isin(joins, days))
    code = code[np.argsort(joins[code], kind="stable")]
    members = _with_cells(known, code, joins[code], window_days)
    wanted = members["cell"].unique()
    others = [members.head(0)]
    for some in np.array_split(days, max(1, len(days) * len(joins) // _MOST_ROWS)):
        day, free = np.nonzero(np.isnat(joins) | (joins > some[:, None]))
        rows = _with_cells(known, free, some[day], window_days)
        others.append(rows[rows["cell"].isin(wanted)])
    return comparison.difference(members, pd.concat(others))


def _with_cells(known: Histories, code: Ints, days: Days, window_days: int) -> pd.DataFrame:
    """Customers who had bought, each on a day: customer_id, outcome, cell (of that month)."""
    index = pd.DatetimeIndex(days)
    state = known.state(code, index, window_days)
    month = (12 * index.year + index.month).to_numpy()
    cell = month * comparison.N_CELLS + comparison.cells(state)
    found = state[["customer_id", "outcome"]].assign(cell=cell)
    return found[state["recency"] >= 0]
