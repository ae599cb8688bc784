"""Dropout of retail customers: earlier after a complaint or a late delivery.

The hazard is the region's, times a fixed ratio from a customer's first complaint on, times another
from their first late delivery on [1], and depends on nothing else. Orders are drawn first as if
all customers stayed; those after the dropout, with their complaints, are then removed.

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
    """Retail customers of a region with their orders and complaints; see `live`."""

    customers: pd.DataFrame
    orders: pd.DataFrame
    complaints: pd.DataFrame


def live(customers: pd.DataFrame, region: Region, seed: int) -> Lives:
    """Draw orders, deliveries, complaints and drop-out of one region's customers.

    Adds to customers first_late and first_complaint (days, infinite if never; after the dropout if
    they concern the last order) and left_at (day of dropout, also after AS_OF). Orders have the
    columns of `retail.orders` and `deliveries.add_deliveries`; complaints those of
    `feedback.complaints`, and order_id.
    """
    customers = customers[customers["region"] == region.key].reset_index(drop=True)
    orders = retail.orders(customers, region, seed)
    orders = deliveries.add_deliveries(orders, region.late, stream(seed, "deliveries", region.key))
    complaints = feedback.complaints(orders, stream(seed, "complaints", region.key))
    customers = _with_events(customers, orders, complaints)
    patience = stream(seed, "leaving", region.key).exponential(size=len(customers))
    customers["left_at"] = left_at(customers, region.drop_out, patience)
    ends = customers.set_index("customer_id")["left_at"]
    orders = orders[orders["at"] < orders["customer_id"].map(ends)]
    complaints = complaints[complaints["order"].isin(orders.index)].reset_index(drop=True)
    customers = _with_events(customers, orders, complaints)
    numbered = retail.add_order_ids(orders, region)
    ids = pd.Series(numbered["order_id"].to_numpy(), orders.index)
    complaints["order_id"] = ids.loc[complaints["order"]].to_numpy()
    return Lives(customers, numbered, complaints)


def _with_events(
    customers: pd.DataFrame, orders: pd.DataFrame, complaints: pd.DataFrame
) -> pd.DataFrame:
    late = orders[orders["is_late"]].groupby("customer_id")["delivered"].min()
    complained = complaints.groupby("customer_id")["at"].min()
    return customers.assign(
        first_late=customers["customer_id"].map(late).fillna(np.inf),
        first_complaint=customers["customer_id"].map(complained).fillna(np.inf),
    )


def left_at(customers: pd.DataFrame, drop_out: float, patience: np.ndarray) -> np.ndarray:
    """Day on which each customer's cumulative hazard since the first purchase reaches `patience`.

    drop_out : hazard per week before any event
    patience : standard exponential draws
    """
    first = customers["first_at"].to_numpy()
    event = customers[["first_late", "first_complaint"]].to_numpy().clip(max=2 * N_DAYS)
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
