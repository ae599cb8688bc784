"""Transitions between classes from one day to another, and how many are expected by chance.

A transition has one of three causes: the customer changed, the thresholds between classes changed
(`threshold_effect`), or chance: some customers at the top by luck are expected to be lower next
time (`with_expected`, with `expected_by_chance`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError

NOT_YET, NONE = "not_yet", "none"
FELL, ROSE, STAYED, OTHER = "fell", "rose", "stayed", "other"
PAIR = ["before", "after"]
TWO_SIDED = 1.96  # standard errors that cover 95%


def count(
    before: pd.Series, after: pd.Series, net_sales: pd.Series | None, order: Sequence[str]
) -> pd.DataFrame:
    """Count the customers, and their net sales, of each transition between two classes.

    before, after : class of each customer on the earlier and the later day, by customer_id
    net_sales : one amount per customer, in the config's currency; a missing one counts as zero
    order : classes that rank, best first; others (`not_graded`, `prospect`) do not

    Returns
    -------
    One row for each pair of classes in `order`, with or without customers, and for each other pair
    that occurs; in that order. The rows add up to all customers of both days.
    before : class on the earlier day; `not_yet` if the customer had none
    after : class on the later day; `none` if the customer has none
    move : fell, rose, stayed, or other where one of the two does not rank
    n_customers; net_sales : NaN if not given
    """
    rows = _pairs(before, after)
    levels = [_levels(rows[side], order) for side in PAIR]
    table = pd.MultiIndex.from_product(levels, names=PAIR).to_frame(index=False)
    places = [
        pd.Index(each).get_indexer(rows[side]) for side, each in zip(PAIR, levels, strict=True)
    ]
    pair = places[0] * len(levels[1]) + places[1]
    table["move"] = _move(table["before"], table["after"], order)
    table["n_customers"] = np.bincount(pair, minlength=len(table))
    table["net_sales"] = np.nan
    if net_sales is not None:
        amounts = net_sales.astype(float).reindex(rows.index).fillna(0.0)
        table["net_sales"] = amounts.groupby(pair).sum().reindex(table.index, fill_value=0.0)
    return table


def downgrades(
    before: pd.Series, after: pd.Series, order: Sequence[str], net_sales: pd.Series
) -> pd.DataFrame:
    """List the customers who were downgraded, the largest net sales first.

    before, after, order, net_sales : as for `count`

    Returns
    -------
    One row per customer, indexed by customer_id: before, after, steps (classes down), net_sales;
    equal net sales by most steps, then by customer_id.
    """
    rows = _pairs(before, after)
    down = rows[_move(rows["before"], rows["after"], order) == FELL]
    rank = {level: place for place, level in enumerate(order)}
    steps = down["after"].map(rank).astype(int) - down["before"].map(rank).astype(int)
    amounts = net_sales.reindex(down.index).fillna(0.0).astype(float)
    found = down.assign(steps=steps, net_sales=amounts).sort_index()
    return found.sort_values(["net_sales", "steps"], ascending=False, kind="stable")


def threshold_effect(
    by_earlier: pd.Series, by_later: pd.Series, order: Sequence[str]
) -> pd.DataFrame:
    """Count customers whose class differs only because the thresholds between classes changed.

    by_earlier, by_later : class of each customer on the later day, by the thresholds of the earlier
        and of the later day
    order : as for `count`

    Returns
    -------
    One row per pair of classes that differ and have customers: before (by the earlier thresholds),
    after (by the later), move, n_customers, share (of all customers).

    Raises InputError: the two are not the same customers
    """
    unmatched = len(by_earlier.index.symmetric_difference(by_later.index))
    if unmatched:
        raise InputError(
            f"threshold effect: {unmatched:,} customers have a class by only one of the "
            "thresholds; class the same customers by both"
        )
    table = count(by_earlier, by_later, None, order).drop(columns="net_sales")
    changed = table[(table["before"] != table["after"]) & (table["n_customers"] > 0)]
    return changed.assign(share=changed["n_customers"] / len(by_later)).reset_index(drop=True)


def mean_counts(matrices: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Average matrices that `count` made of several draws; a pair that one lacks is zero there.

    Raises InputError: there are none
    """
    if not matrices:
        raise InputError("mean_counts: no matrices to average; draw at least one")
    sums = pd.concat(matrices).groupby([*PAIR, "move"], sort=False)[["n_customers", "net_sales"]]
    return (sums.sum(min_count=1) / len(matrices)).reset_index()


def with_expected(observed: pd.DataFrame, expected: pd.DataFrame) -> pd.DataFrame:
    """Add the counts expected by chance to the observed ones.

    observed : as `count` makes it; expected : as `mean_counts`, of the same customers

    Returns
    -------
    One row per pair of classes in either: before, after, move, n_customers, expected, difference
    (customers more than expected).
    """
    key = [*PAIR, "move"]
    happened, chance = observed.set_index(key), expected.set_index(key)["n_customers"]
    both = happened[["n_customers"]].reindex(happened.index.union(chance.index, sort=False))
    both = both.assign(expected=chance).fillna(0.0).astype({"n_customers": int})
    return both.assign(difference=both["n_customers"] - both["expected"]).reset_index()


def compare_downgrades(compared: pd.DataFrame) -> pd.DataFrame:
    """Compare the share of customers downgraded from each class with the share expected by chance.

    compared : as `with_expected` makes it

    Returns
    -------
    One row per class that ranks, has customers, and is not the last: indexed by before
    n_customers : in it on the earlier day
    fell, expected : share downgraded, and share expected by chance, in [0, 1]; expected is empty
        without an expectation
    low, high : range of the share in 95 of 100 cases by chance alone, given the expected share:
        1.96 binomial standard errors; conservative where customers of a class differ
    """
    return _compare(compared, FELL)


def compare_upgrades(compared: pd.DataFrame) -> pd.DataFrame:
    """Compare the share of customers who moved up; as `compare_downgrades`, with column rose."""
    return _compare(compared, ROSE)


def _compare(compared: pd.DataFrame, move: str) -> pd.DataFrame:
    columns = {"n_customers": move, "expected": "expected"}
    moves = compared[compared["move"] == move]
    moved = moves.groupby("before", sort=False)[[*columns]].sum(min_count=1)
    every = compared.groupby("before", sort=False)[[*columns]].sum(min_count=1).loc[moved.index]
    shares = (moved / every).rename(columns=columns)
    table = pd.concat([every[["n_customers"]], shares], axis=1)[every["n_customers"] > 0]
    wide = TWO_SIDED * np.sqrt(table["expected"] * (1 - table["expected"]) / table["n_customers"])
    low, high = ((table["expected"] + sign * wide).clip(0, 1) for sign in (-1, 1))
    return table.assign(low=low, high=high)


def _pairs(before: pd.Series, after: pd.Series) -> pd.DataFrame:
    """One row per customer of either day: class before and after."""
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
