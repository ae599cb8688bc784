"""Past totals: what the forecasts of earlier days expected of all customers, and what came."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from cvm_analysis.backtest.by_type import Tried
from cvm_analysis.clv import forecasts, naive, totals
from cvm_analysis.clv.common_error import LEAST, PastError


class Made(NamedTuple):
    """The forecast in use on a past day for one type of customer."""

    date: dt.date
    customers: pd.DataFrame
    model: Any


def forecasts_made(types: Mapping[str, Tried]) -> dict[dt.date, list[Made]]:
    """The forecasts of all types by past day, the oldest first; none without customers.

    types : customer_type -> its forecasts
    """
    found: dict[dt.date, list[Made]] = {}
    for tried in types.values():
        for origin, code in list(zip(tried.origins, tried.chosen, strict=True))[:-1]:
            if len(origin.customers):
                made = Made(origin.date, origin.customers, origin.models[code])
                found.setdefault(origin.date, []).append(made)
    return dict(sorted(found.items()))


def measure(
    types: Mapping[str, Tried], days: pd.DataFrame, today: dt.date, horizon_weeks: float
) -> list[PastError]:
    """Measure the errors of past totals of purchases, over periods that do not overlap.

    The periods are as long as the horizon; if none has passed since the oldest origin, as long as
    the time since the latest one. A period in which nobody bought counts as half a purchase.

    Parameters
    ----------
    types : customer_type -> its forecasts
    days : customer_id, day with a purchase, up to today
    """
    made = forecasts_made(types)
    if not made:
        return []
    span = dt.timedelta(weeks=horizon_weeks)
    if min(made) + span > today:
        span = today - max(made)
    found, latest_end = [], today
    for date in sorted(made, reverse=True):
        if date + span <= latest_end:
            found.append(_error(made[date], days, date, span))
            latest_end = date
    return found[::-1]


def actual_total(made: Sequence[Made], days: pd.DataFrame, until: dt.date) -> float:
    """Purchases of the customers of a past day from then on until another day."""
    return sum(
        float(naive.purchases_between(days, each.customers.index, each.date, until).sum())
        for each in made
    )


def _error(
    made: Sequence[Made], days: pd.DataFrame, date: dt.date, span: dt.timedelta
) -> PastError:
    """The error of one period; the types' totals vary independently."""
    weeks, until = span.days / 7, date + span
    total, variance = 0.0, 0.0
    for each in made:
        expected = forecasts.expected_purchases(each.model, each.customers, weeks)
        rows = each.customers.loc[expected.index]
        relative = totals.total_variance(rows, each.model, weeks, expected)
        total += float(expected.sum())
        variance += relative * float(expected.sum()) ** 2
    actual = actual_total(made, days, until)
    error = math.log(max(actual, LEAST) / max(total, LEAST))
    return PastError(until.isoformat(), error, variance / max(total, LEAST) ** 2)
