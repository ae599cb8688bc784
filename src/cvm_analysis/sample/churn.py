"""When retail customers drop out: sooner after a complaint or a late delivery.

The hazard of dropping out is the region's, times a fixed ratio from the day of a customer's first
complaint on, times another from the day of their first late delivery on [1]. Nothing else makes
one customer of a region leave sooner than another. Orders are drawn first as if nobody ever left;
those after the drop-out then never happen, nor does what would have followed from them.

Source: [1] Cox (1972), "Regression Models and Life-Tables", Journal of the Royal Statistical
Society B 34(2), 187-220.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.sample import deliveries, feedback, retail
from cvm_analysis.sample.business import N_DAYS, Region
from cvm_analysis.sample.draws import stream

HAZARD_RATIOS = {"complaint": 2.5, "late": 1.8}  # from the day of the first one on


class Lives(NamedTuple):
    """What one region's retail customers did, as `live` returns it."""

    people: pd.DataFrame
    orders: pd.DataFrame
    complaints: pd.DataFrame


def live(people: pd.DataFrame, region: Region, seed: int) -> Lives:
    """Draw orders, deliveries, complaints and drop-out of one region's customers.

    Returns
    -------
    people : as given, of this region, and
        first_late, first_complaint : days; infinite if never. They may follow the drop-out, for
            the last order of a customer is still delivered and may still be complained of
        left_at : day of drop-out, also after AS_OF
    orders : one row per order, columns as `retail.orders` and `deliveries.promised`
    complaints : as `feedback.complaints`, about these orders
    """
    people = people[people["region"] == region.key].reset_index(drop=True)
    orders = retail.orders(people, region, seed)
    orders = deliveries.promised(orders, region.late, stream(seed, "deliveries", region.key))
    complaints = feedback.complaints(orders, stream(seed, "complaints", region.key))
    people = _with_events(people, orders, complaints)
    patience = stream(seed, "leaving", region.key).exponential(size=len(people))
    people["left_at"] = left_at(people, region.drop_out, patience)
    ends = people.set_index("customer_id")["left_at"]
    orders = orders[orders["at"] < orders["customer_id"].map(ends)]
    complaints = complaints[complaints["order"].isin(orders.index)].reset_index(drop=True)
    people = _with_events(people, orders, complaints)
    return Lives(people, retail.numbered(orders, region), complaints)


def _with_events(
    people: pd.DataFrame, orders: pd.DataFrame, complaints: pd.DataFrame
) -> pd.DataFrame:
    late = orders[orders["is_late"]].groupby("customer_id")["delivered"].min()
    complained = complaints.groupby("customer_id")["at"].min()
    return people.assign(
        first_late=people["customer_id"].map(late).fillna(np.inf),
        first_complaint=people["customer_id"].map(complained).fillna(np.inf),
    )


def left_at(people: pd.DataFrame, drop_out: float, patience: np.ndarray) -> np.ndarray:
    """Day on which the cumulative hazard since the first purchase reaches each one's patience.

    Parameters
    ----------
    people : first_at, first_late, first_complaint : days; the latter two infinite if never
    drop_out : hazard per week before any event
    patience : standard exponential draws
    """
    first = people["first_at"].to_numpy()
    event = people[["first_late", "first_complaint"]].to_numpy().clip(max=2 * N_DAYS)
    ratio = np.array([HAZARD_RATIOS["late"], HAZARD_RATIOS["complaint"]])
    order = np.argsort(event, axis=1)
    early, second = np.take_along_axis(event, order, axis=1).T
    hazard = drop_out / 7
    raised, highest = hazard * ratio[order[:, 0]], hazard * ratio.prod()
    by_early = hazard * (early - first)
    by_second = by_early + raised * (second - early)
    return np.select(
        [patience < by_early, patience < by_second],
        [first + patience / hazard, early + (patience - by_early) / raised],
        second + (patience - by_second) / highest,
    )
