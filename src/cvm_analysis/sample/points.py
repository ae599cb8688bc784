"""Points of the loyalty programme of retail customers: one for every 10 CNY, gone after a year.

A member who uses points at all uses everything held, at random times (a Poisson process from the
day of joining) whose rate is the member's own and depends on nothing else. So every point has the
same chance of not being used within its days, whoever earned it and when: the planted breakage,

    NEVER + (1 - NEVER) (1 + (LIFE + 1) / SCALE)^-SHAPE

by the Laplace transform of the Gamma distribution; points live on LIFE + 1 days, the first and the
last included. The file does not say what expired: the rule in the config does.
"""

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import N_DAYS
from cvm_analysis.sample.draws import dates, stream

JOIN = (0.45, 0.15)  # probability of joining at the first order, at each later one
CNY_PER_POINT = 10.0
NEVER = 0.30  # share of members who never use points
SHAPE, SCALE = 1.2, 300.0  # of the others' rate per day: Gamma(SHAPE, rate SCALE)
LIFE = 365  # days after being earned on which points can still be used
GOODWILL = 0.04  # share of members with points added once, by hand
GOODWILL_POINTS = (50, 200)


def breakage() -> float:
    """The planted share of points that is never used."""
    return NEVER + (1 - NEVER) * (1 + (LIFE + 1) / SCALE) ** -SHAPE


def movements(orders: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Draw who is a member, and all movements of points by AS_OF.

    orders : of retail customers: customer_id, at (day), cents, order_id

    Returns
    -------
    One row per movement, in order of day and customer: customer_id, at (date), kind (earn, adjust,
    redeem), points (whole, 1 or more), order_id (empty but for earn).
    """
    rng = stream(seed, "points")
    ordered = orders.sort_values(["customer_id", "at"], kind="stable", ignore_index=True)
    found = []
    for customer_id, own in ordered.groupby("customer_id", sort=True):
        chance = np.where(np.arange(len(own)) == 0, *JOIN)
        joins = np.flatnonzero(rng.random(len(own)) < chance)
        if len(joins):
            found += _member(customer_id, own.iloc[joins[0] :], rng)
    rows = pd.DataFrame(found, columns=["customer_id", "day", "kind", "points", "order_id"])
    rows = rows.sort_values(["day", "customer_id"], kind="stable", ignore_index=True)
    return rows.assign(at=dates(rows["day"])).drop(columns="day")


def _member(customer_id: str, orders: pd.DataFrame, rng: np.random.Generator) -> list[tuple]:
    """Movements of a member; orders : from that of joining on."""
    rate = 0.0 if rng.random() < NEVER else rng.gamma(SHAPE, 1 / SCALE)
    days = np.floor(orders["at"].to_numpy()).astype(int)
    earned = np.maximum(orders["cents"].to_numpy() // int(100 * CNY_PER_POINT), 1)
    joined, span = days[0], N_DAYS - days[0]
    used = np.unique(joined + np.floor(span * rng.random(rng.poisson(rate * span))).astype(int))
    gift_day, gift = joined + int(span * rng.random()), int(rng.integers(*GOODWILL_POINTS))
    added = [
        (int(day), "earn", int(points), order)
        for day, points, order in zip(days, earned, orders["order_id"], strict=True)
    ]
    if rng.random() < GOODWILL:
        added.append((gift_day, "adjust", gift, ""))
    rows = [(customer_id, *each) for each in added]
    return rows + [
        (customer_id, int(day), "redeem", held, "")
        for day, held in _uses(used, [(day, points) for day, _kind, points, _order in added])
    ]


def _uses(days: np.ndarray, added: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Days of use with points held, and how many: all that were added since and still live."""
    found, since = [], -1
    for day in days:
        held = sum(points for at, points in added if since < at <= day and day - at <= LIFE)
        if held:
            found.append((day, held))
        since = day
    return found


def truth() -> dict[str, object]:
    """The content of truth.json on points; see `folder.make`."""
    return {
        "joining": {"at_first_order": JOIN[0], "at_each_later_order": JOIN[1]},
        "difference_of_members": 0.0,
        "cny_per_point": CNY_PER_POINT,
        "expire_after_days": LIFE,
        "never_used_by": NEVER,
        "rate_of_use_per_day": {"shape": SHAPE, "scale": SCALE},
        "breakage": round(breakage(), 6),
    }
