"""The factor of a company's total: where its own model forecast it better than its regions' sum.

Each region has a forecast of its own, and the company's total is their sum. At past days the models
are fitted to each region as well, and both totals are compared with what came. Where the company's
own was better by more than two standard errors of the paired differences, one factor, company /
sum of regions as of today, scales every customer in every region. Else it is 1.

Histories are rounded to weeks, which is fast (but for a window of records, whose first day counts).
Naive forecasts have no fit that a region could repeat.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from cvm_analysis.backtest.by_type import Tried
from cvm_analysis.backtest.past_totals import Made, actual_total, forecasts_made
from cvm_analysis.clv import forecasts, histories
from cvm_analysis.clv.common_error import LEAST
from cvm_analysis.errors import FitError
from cvm_analysis.minimum_data import Note, shortfalls


@dataclass(frozen=True)
class CompanyFactor:
    """The factor, and the past totals it rests on; `find` makes one."""

    value: float
    scores: pd.DataFrame
    """One row per past period: date (its first day), actual, company, regions (purchases)."""

    def notes(self, used: float) -> list[Note]:
        """`company_factor` in percent if one is used; or that too few periods could tell.

        used : the factor in use, in a region the company's
        """
        if used != 1:
            return [Note(forecasts.PART, "company_factor", float(round(100 * used)))]
        return shortfalls("company_factor", periods=len(self.scores)) if len(self.scores) else []


def find(
    types: Mapping[str, Tried], days: pd.DataFrame, today: dt.date, horizon_weeks: float
) -> CompanyFactor:
    """Find the factor of a company; 1 with a single region.

    Parameters
    ----------
    types : customer_type -> its forecasts; their origins' customers have a column region
    days : customer_id, day with a purchase, up to today
    """
    made = forecasts_made(types)
    now = [
        Made(today, tried.origins[-1].customers, tried.origins[-1].models[tried.chosen[-1]])
        for tried in types.values()
    ]
    scores = pd.DataFrame(columns=["date", "actual", "company", "regions"])
    if not made or pd.concat([each.customers["region"] for each in now]).nunique() < 2:
        return CompanyFactor(1.0, scores)
    ends = [*list(made)[1:], today]
    for (date, each), end in zip(made.items(), ends, strict=True):
        weeks = (end - date).days / 7
        company = sum(_total(one.model, one.customers, weeks) for one in each)
        row = date, actual_total(each, days, end), company, sum_of_regions(each, weeks)
        scores.loc[len(scores)] = row
    if not is_company_better(scores):
        return CompanyFactor(1.0, scores)
    company = sum(
        _total(refit(each.model, each.customers), each.customers, horizon_weeks) for each in now
    )
    return CompanyFactor(company / sum_of_regions(now, horizon_weeks), scores)


def is_company_better(scores: pd.DataFrame) -> bool:
    """Whether the company's own totals were better by more than two standard errors.

    The loss is the square of log(actual / forecast). scores : as `CompanyFactor.scores`
    """
    if shortfalls("company_factor", periods=len(scores)):
        return False
    totals = scores[["actual", "company", "regions"]].astype(float).clip(lower=LEAST)
    loss = np.log(totals[["company", "regions"]].rdiv(totals["actual"], axis=0)) ** 2
    gain = loss["regions"] - loss["company"]
    error = gain.std() / math.sqrt(len(gain))
    return bool(gain.mean() > 2 * error and gain.mean() > 0)


def sum_of_regions(made: list[Made], weeks: float) -> float:
    """The sum of the totals that the regions' own fits expect."""
    return sum(
        _total(refit(each.model, rows), rows, weeks)
        for each in made
        for _, rows in each.customers.groupby("region")
    )


def _total(model: Any, customers: pd.DataFrame, weeks: float) -> float:
    return float(forecasts.expected_purchases(model, customers, weeks).sum())


def refit(model: Any, customers: pd.DataFrame) -> Any:
    """Fit the same model, or each member of the same pool, to these customers' histories.

    The model itself where they are too few, where it cannot be fitted, and where it has no fit (it
    forecasts each customer alone).
    """
    if hasattr(model, "members"):
        return replace(model, members=tuple(refit(each, customers) for each in model.members))
    repeat_buyers = int((customers["x"] > 0).sum())
    few = shortfalls("purchase_model", buyers=len(customers), repeat_buyers=repeat_buyers)
    if few or model.code not in forecasts.FITTED:
        return model
    record = forecasts.FITTED[model.code]
    resolution: Literal["week", "day"] = "week" if record.is_from_first_purchase else "day"
    try:
        return record.fit(histories.distinct(customers, resolution)[0])
    except FitError:
        return model
