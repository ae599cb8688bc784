"""Who moved from which class to which between two days, and how much of it means anything.

Three things move customers: they changed, the limits between classes changed (`threshold_effect`),
or chance: who was at the top partly by luck is expected lower next time (`with_expected`, with
`unchanged`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError

NOT_YET, NONE = "not_yet", "none"
FELL, ROSE, STAYED, OTHER = "fell", "rose", "stayed", "other"
PAIR = ["before", "after"]
TWO_SIDED = 1.96  # standard errors that hold 95 %


def count(
    before: pd.Series, after: pd.Series, money: pd.Series | None, order: Sequence[str]
) -> pd.DataFrame:
    """Count the customers, and their money, who went from each class to each.

    Parameters
    ----------
    before, after : class of each customer at the earlier and the later day, indexed by customer_id
    money : one amount a customer, in the config's currency; who is not in it counts as nought
    order : classes that rank, best first; others (`not_graded`, `prospect`) do not

    Returns
    -------
    One row for each pair of classes in `order`, with or without customers, and of those beside
    them that occur; in that order. The rows add up to all customers of both days.
    before : class at the earlier day; `not_yet` if the customer had none
    after : class at the later day; `none` if the customer has none
    move : fell, rose, stayed, or other where one of the two does not rank
    n_customers; money : NaN if not given
    """
    rows = _pairs(before, after)
    rows["money"] = np.nan if money is None else money.reindex(rows.index).fillna(0.0).astype(float)
    froms, tos = (_levels(rows[side], order) for side in PAIR)
    pairs = pd.MultiIndex.from_product([froms, tos], names=PAIR)
    grouped = rows.groupby(PAIR)
    table = pd.DataFrame({"n_customers": grouped.size().reindex(pairs, fill_value=0)})
    table["money"] = (
        np.nan if money is None else grouped["money"].sum().reindex(pairs, fill_value=0.0)
    )
    table = table.reset_index()
    table.insert(2, "move", _move(table["before"], table["after"], order))
    return table


def downgrades(
    before: pd.Series, after: pd.Series, order: Sequence[str], money: pd.Series, n: int
) -> pd.DataFrame:
    """List the `n` customers with the most money among those who fell.

    Parameters
    ----------
    before, after, order, money : as for `count`

    Returns
    -------
    One row per customer, indexed by customer_id: before, after, steps (classes fallen), money; most
    money first, then most steps (then by customer_id, so that a tie has one order).
    """
    rows = _pairs(before, after)
    fell = rows[_move(rows["before"], rows["after"], order) == FELL]
    rank = {level: place for place, level in enumerate(order)}
    steps = fell["after"].map(rank).astype(int) - fell["before"].map(rank).astype(int)
    given = money.reindex(fell.index).fillna(0.0).astype(float)
    found = fell.assign(steps=steps, money=given).sort_index()
    return found.sort_values(["money", "steps"], ascending=False, kind="stable").head(n)


def threshold_effect(
    by_earlier: pd.Series, by_later: pd.Series, order: Sequence[str]
) -> pd.DataFrame:
    """Count customers whose class differs only because the limits between classes have moved.

    Parameters
    ----------
    by_earlier, by_later : class of each customer at the later day, by the limits of the earlier and
        of the later day
    order : as for `count`

    Returns
    -------
    One row per pair of classes that differ and have customers: before (by the earlier limits),
    after (by the later), move, n_customers, share (of all customers).

    Raises
    ------
    InputError : the two are not the same customers
    """
    apart = len(by_earlier.index.symmetric_difference(by_later.index))
    if apart:
        raise InputError(
            f"recut: {apart:,} customers have a class by only one of the limits; class the same "
            "customers by both"
        )
    table = count(by_earlier, by_later, None, order)
    moved = table[(table["before"] != table["after"]) & (table["n_customers"] > 0)]
    moved = moved.assign(share=moved["n_customers"] / len(by_later))
    return moved.drop(columns="money").reset_index(drop=True)


def mean_counts(matrices: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Average matrices of the same customers; a pair that one of them lacks is nought there.

    Parameters
    ----------
    matrices : as `count` makes them, of several draws of what might have happened

    Raises
    ------
    InputError : there are none
    """
    if not matrices:
        raise InputError("mean_matrix: no matrices to average; draw at least one")
    sums = pd.concat(matrices).groupby([*PAIR, "move"], sort=False)[["n_customers", "money"]]
    return (sums.sum(min_count=1) / len(matrices)).reset_index()


def with_expected(observed: pd.DataFrame, expected: pd.DataFrame) -> pd.DataFrame:
    """Put the moves that happened beside those expected of customers who did not change.

    Parameters
    ----------
    observed : as `count` makes it
    expected : as `mean_counts` makes it, of the same customers

    Returns
    -------
    One row per pair of classes in either: before, after, move, n_customers, expected, difference
    (customers more than expected).
    """
    key = [*PAIR, "move"]
    happened = observed.set_index(key)["n_customers"]
    both = pd.DataFrame({"n_customers": happened})
    both = both.reindex(happened.index.union(expected.set_index(key).index, sort=False))
    both["expected"] = expected.set_index(key)["n_customers"]
    both = both.fillna(0.0).astype({"n_customers": int})
    return both.assign(difference=both["n_customers"] - both["expected"]).reset_index()


def compare_downgrades(compared: pd.DataFrame) -> pd.DataFrame:
    """Say of each class which share of its customers fell, and which was expected to.

    Parameters
    ----------
    compared : as `with_expected` makes it

    Returns
    -------
    One row per class that ranks, has customers, and is not the last: indexed by before
    n_customers : in it at the earlier day
    fell : share that fell, in [0, 1]
    expected : share expected to fall had nobody changed; empty where nothing is expected
    low, high : where chance alone leaves the share that fell in 95 of 100 cases, if the expected
        share were known: 1.96 binomial standard errors around it, which is at least as wide as it
        need be where customers of a class differ
    """
    ranked = compared[compared["move"] != OTHER]
    columns = {"n_customers": "fell", "expected": "expected"}
    fell = ranked[ranked["move"] == FELL].groupby("before", sort=False)[[*columns]].sum(min_count=1)
    every = compared.groupby("before", sort=False)[[*columns]].sum(min_count=1).loc[fell.index]
    shares = (fell / every).rename(columns=columns)
    table = pd.concat([every[["n_customers"]], shares], axis=1)[every["n_customers"] > 0]
    wide = TWO_SIDED * np.sqrt(table["expected"] * (1 - table["expected"]) / table["n_customers"])
    low, high = ((table["expected"] + sign * wide).clip(0, 1) for sign in (-1, 1))
    return table.assign(low=low, high=high)


def _pairs(before: pd.Series, after: pd.Series) -> pd.DataFrame:
    """Each customer of either day: class before and after."""
    both = pd.DataFrame({"before": before.astype(object), "after": after.astype(object)})
    return both.fillna({"before": NOT_YET, "after": NONE}).rename_axis("customer_id")


def _levels(found: pd.Series, order: Sequence[str]) -> list[str]:
    """The classes in order; then those that do not rank but occur, `not_yet` and `none` last."""
    last = [NOT_YET, NONE]
    others = set(found) - set(order)
    return [*order, *sorted(others - set(last)), *(each for each in last if each in others)]


def _move(before: pd.Series, after: pd.Series, order: Sequence[str]) -> pd.Series:
    rank = {level: place for place, level in enumerate(order)}
    down = (after.map(rank) - before.map(rank)).astype(float)
    codes = np.select([down > 0, down < 0, down == 0], [FELL, ROSE, STAYED], OTHER)
    return pd.Series(codes, index=before.index, dtype=object)
