"""Purchase histories: the input of the models, and how many customers share each.

x repeat purchases (a purchase is a day with one), t_x weeks from the first to the last, T weeks
from the first to the day the counting ends. A week is 7 days.
"""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Bools
from cvm_analysis.errors import InputError


class Arrays(NamedTuple):
    """The columns of a table of histories, as floats."""

    x: Array
    t_x: Array
    T: Array
    n: Array


def distinct(
    customers: pd.DataFrame, resolution: Literal["day", "week"] = "day"
) -> tuple[pd.DataFrame, pd.Series]:
    """The distinct purchase histories, and the one of each customer.

    Parameters
    ----------
    customers : one row per customer, indexed by customer_id
        x : repeat purchases, empty without a purchase; those rows are left out
        t_x, T : weeks, whole days (two printed decimals are enough)
        n_orders (optional) : rows with 0 are left out
    resolution : "day" for scoring; "week" rounds t_x and T to the nearest week, for fitting only;
        a T below half a week stays in days, so that nobody was observed for no time

    Returns
    -------
    h : one row per distinct history, sorted; x (int), t_x, T (weeks), n (int, customers who share
        it). Its index is 0, 1, 2, ...
    key : the row of h of each modelled customer, indexed by customer_id:
        `model.p_alive(h).loc[key]` has one value per customer.

    Raises
    ------
    InputError : x, t_x or T impossible (see `arrays`), times that are not whole days, or t_x = 0
        with x above 0: purchases on one day are one
    """
    _complete(customers)
    bought = customers["x"].notna()
    if "n_orders" in customers:
        bought &= customers["n_orders"] > 0
    buyers = customers.loc[bought, ["x", "t_x", "T"]].astype(float)
    x, t_x, T, _ = arrays(buyers)
    days = np.column_stack([t_x, T]) * 7
    off: Bools = np.any(np.abs(days - days.round()) > 0.1, axis=1)
    if off.any():
        raise InputError(
            f"t_x or T of {off.sum():,} of {len(days):,} customers is not a whole number of days "
            f"(the first: {buyers.index[off.argmax()]}); give both in weeks = days / 7"
        )
    at_once = (x > 0) & (days[:, 0].round() == 0)
    if at_once.any():
        raise InputError(
            f"t_x is 0 with repeat purchases for {at_once.sum():,} of {len(days):,} customers "
            f"(the first: {buyers.index[at_once.argmax()]}); x counts later days with a purchase, "
            "not orders"
        )
    unit = {"day": 1, "week": 7}[resolution]
    whole = (days.round() / unit).round() * unit
    whole[:, 1] = np.where(whole[:, 1] > 0, whole[:, 1], days[:, 1].round())
    columns = [each.astype(int) for each in (x, *whole.T)]
    sizes = [column.max(initial=0) + 1 for column in columns]
    code, key, n = np.unique(
        np.ravel_multi_index(columns, sizes), return_inverse=True, return_counts=True
    )
    repeats, last, observed = np.unravel_index(code, sizes)
    h = pd.DataFrame({"x": repeats, "t_x": last / 7, "T": observed / 7, "n": n})
    return h, pd.Series(key, buyers.index, name="history")


def arrays(h: pd.DataFrame) -> Arrays:
    """The columns x, t_x, T and n (1 where absent) of a table with one row per history.

    InputError : a column is missing, or a row is impossible: x not a whole number of 0 or more,
        not 0 <= t_x <= T, t_x above 0 with x = 0, T = 0 with x above 0, n not above 0 (it may be
        a fraction)
    """
    _complete(h)
    x, t_x, T = (h[name].to_numpy(float) for name in ("x", "t_x", "T"))
    n = h["n"].to_numpy(float) if "n" in h else np.ones(len(h))
    wrong = {
        "x is not a whole number of 0 or more": ~((x >= 0) & (x == np.floor(x)) & np.isfinite(x)),
        "not 0 <= t_x <= T": ~((t_x >= 0) & (t_x <= T) & np.isfinite(T)),
        "t_x above 0 without a repeat purchase": (x == 0) & (t_x > 0),
        "T is 0 with repeat purchases, which are on later days": (x > 0) & (T == 0),
        "n is not above 0": ~((n > 0) & np.isfinite(n)),
    }
    found = [
        f"{what} in {bad.sum():,} of {len(bad):,} rows (the first: {h.index[bad.argmax()]})"
        for what, bad in wrong.items()
        if bad.any()
    ]
    if found:
        raise InputError("not purchase histories: " + "; ".join(found))
    return Arrays(x, t_x, T, n)


def timed(h: pd.DataFrame) -> Arrays:
    """As `arrays`, for models that learn from times: InputError also if all repeats have t_x 0."""
    data = arrays(h)
    repeats = data.x > 0
    if repeats.any() and not data.t_x[repeats].any():
        raise InputError(
            f"t_x is 0 for all {repeats.sum():,} histories with repeat purchases; it is the time "
            "from the first to the last purchase, in weeks"
        )
    return data


def _complete(h: pd.DataFrame) -> None:
    """Refuse a table without the columns of a history, with advice for users of lifetimes."""
    missing = [name for name in ("x", "t_x", "T") if name not in h]
    if not missing:
        return
    lifetimes, advice = {"frequency": "x", "recency": "t_x"}, ""
    if lifetimes.keys() <= set(h):
        advice = (
            ". frequency and recency are what the package lifetimes calls x and t_x: rename them, "
            f"h.rename(columns={lifetimes}), and give t_x and T in weeks (its days / 7)"
        )
    raise InputError(
        f"histories need the columns x, t_x and T; missing: {', '.join(missing)}{advice}"
    )


def count_at_least(x: Array, n: Array) -> Array:
    """Numbers of customers with at least 1, 2, ... max(x) repeat purchases."""
    at = np.bincount(x.astype(int), weights=n)
    return at[::-1].cumsum()[::-1][1:]
