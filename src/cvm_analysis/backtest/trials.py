"""Forecasts tried on a past they had not seen: some origins to choose by, the last one to report.

At each origin everything is fitted to what was known that day and forecasts the next period. The
default is replaced only by a forecast that gave clearly more probability to what came at the
earlier origins (`choice.choose_by_score`). The last period is reported and used for nothing else;
the models of today are then fitted to all the data.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.backtest import choice, holdout
from cvm_analysis.clv import NAIVE, challengers, forecasts, histories, naive, nbd, partial_pooling
from cvm_analysis.clv.numerics import dispersion, predictive_distribution
from cvm_analysis.minimum_data import Note, shortfalls
from cvm_analysis.tables import TABLES

DEFAULT = next(iter(forecasts.FITTED))


class Trial(NamedTuple):
    """Forecasts made at an origin, and what happened: one row per customer known then.

    Frames have one column per forecast, by code.
    """

    mean: pd.DataFrame  # purchase days expected in the period
    median: pd.DataFrame  # predictive median, whole numbers; of naive forecasts the rounded mean
    log_score: pd.DataFrame  # log of the probability of what came; empty where no scatter is known
    actual: pd.Series  # purchase days that came
    repeats: pd.Series  # repeat purchases before


class Tried(NamedTuple):
    """What the past says and what today's data say."""

    earlier: list[Trial]  # to choose by, the oldest first
    last: Trial  # to report
    models: dict[str, Any]  # fitted to all the data: code -> model
    notes: list[Note]  # of fitting them
    origins: list[Origin]  # where all this was fitted; the last is today


class Origin(NamedTuple):
    """The models fitted to what was known on a day, and the customers they were fitted to."""

    date: dt.date
    customers: pd.DataFrame
    models: dict[str, Any]
    notes: list[Note]
    lent: partial_pooling.PriorData | None


def run(
    dates: Sequence[dt.date],
    known: Sequence[pd.DataFrame],
    days: pd.DataFrame,
    weeks: int,
    others: Sequence[pd.DataFrame] = (),
) -> Tried:
    """Fit at every origin, try all but the last, and keep the models of the last, today's.

    Parameters
    ----------
    dates : of `forecasts.origins`, `weeks` apart, the last is today
    known : customers as of each date, columns of table `customers`; only `modelled` ones count
    days : customer_id, day with a purchase, up to the last date
    weeks : length of a period
    others : customers elsewhere as of each date: customer_type, x, t_x, T (weeks). A region with
        few customers borrows their histories (`pooled`). Empty: nobody lends
    """
    origins: list[Origin] = []
    elsewhere = others or [None] * len(dates)
    for date, customers, lending in zip(dates, known, elsewhere, strict=True):
        before = origins[-1] if origins else None
        origins.append(fit_origin(date, customers, days, weeks, before, lending))
    tried = [
        _trial(origin, days, date, weeks)
        for origin, date in zip(origins[:-1], dates[:-1], strict=True)
    ]
    last = tried[-1] if tried else _nothing()
    return Tried(tried[:-1], last, origins[-1].models, origins[-1].notes, origins)


def fit_origin(
    date: dt.date,
    customers: pd.DataFrame,
    days: pd.DataFrame,
    weeks: int,
    before: Origin | None,
    others: pd.DataFrame | None = None,
) -> Origin:
    """Fit everything to what was known on a day; challengers need the origin `before` that day."""
    buyers = forecasts.with_purchase(customers)
    recent = naive.last_period(days, buyers.index, date, weeks)
    buyers = buyers.assign(recent=recent.paces * weeks)
    lent = _lent(buyers, others, before, days, date, weeks)
    fitted, notes = forecasts.fit(buyers, lent)
    models = fitted | _naive(fitted, recent, days, date, weeks)
    shared = [code for code in forecasts.FITTED if before and code in before.models]
    default = next((code for code in shared if code in models), None)
    if before and default:
        then = challengers.Origin(before.customers, before.models[default])
        came = naive.purchases_between(
            days, then.customers.index, date - dt.timedelta(weeks=weeks), date
        )
        now = challengers.Origin(buyers, models[default])
        models |= challengers.fit(then, now, came, weeks)
    return Origin(date, buyers, models, notes, lent)


def choose(trials: Sequence[Trial], default: str = DEFAULT, company: str | None = None) -> str:
    """Choose the forecast by the mean log score at the earlier origins.

    Parameters
    ----------
    trials : the earlier ones; the last is for the report
    default : kept unless another was clearly better (two standard errors of paired differences)
    company : what was chosen for all regions together; it is then the default of this one, which
        departs from it only on its own evidence
    """
    start = company or default
    scores = [trial.log_score for trial in trials if trial.log_score.notna().any(axis=None)]
    return choice.choose_by_score(pd.concat(scores), start, forecasts.ORDER) if scores else start


def report(trial: Trial, chosen: str, weeks: float) -> pd.DataFrame:
    """Score a trial; columns of table `backtest` (see `holdout.score`), no row if nobody was
    there."""
    if trial.actual.empty:
        return pd.DataFrame(columns=list(TABLES["backtest"].columns))
    scores = holdout.score(trial.mean, trial.median, trial.log_score, trial.actual)
    return scores.assign(
        part=forecasts.PART, horizon_days=round(weeks * 7), is_chosen=scores["model"] == chosen
    )


def errors(
    origins: Sequence[Origin], days: pd.DataFrame, code: str, horizon_weeks: float
) -> list[float]:
    """How far totals were off before: log(actual / forecast) of the horizon after every origin.

    An origin with less than the horizon after it is left out. Where that would be all of them, the
    period from one origin to the next takes the horizon's place.

    Parameters
    ----------
    origins : of `run`, the oldest first; the last is today
    days : customer_id, day with a purchase, up to today
    code : of the forecast
    """
    if len(origins) < 2:
        return []
    today, span = origins[-1].date, dt.timedelta(weeks=horizon_weeks)
    if origins[0].date + span > today:
        span = today - origins[-2].date
    found = []
    for origin in origins[:-1]:
        if code in origin.models and origin.date + span <= today and len(origin.customers):
            h, key = forecasts.rows(origin.models[code], origin.customers)
            ahead = origin.models[code].expected_purchases(h, span.days / 7)
            expected = float(ahead.loc[key].sum())
            came = naive.purchases_between(days, key.index, origin.date, origin.date + span).sum()
            found += [math.log(came / expected)] if came > 0 and expected > 0 else []
    return found


def by_repeats(trial: Trial, chosen: str, most: int = 7) -> pd.DataFrame:
    """Mean purchases per customer, actual and forecast, per number of repeat purchases before.

    One row per label `0`, `1`, ..., `7+`; columns actual, the chosen forecast, the default, and the
    naive ones.
    """
    shown = dict.fromkeys([chosen, DEFAULT, *NAIVE])
    table = trial.mean[[code for code in shown if code in trial.mean]]
    table.insert(0, "actual", trial.actual)
    return table.groupby(forecasts.labels(trial.repeats, most)).mean()


def deciles(trial: Trial, chosen: str) -> pd.DataFrame:
    """Mean purchases per customer, actual and forecast, per tenth of customers by the forecast.

    One row per tenth, 1 the lowest; n_customers, actual, expected. Customers with equal forecasts
    are in one tenth, so a tenth may be larger or absent. No row for a forecast that was not tried.
    """
    if chosen not in trial.mean or trial.actual.empty:
        return pd.DataFrame(columns=["n_customers", "actual", "expected"])
    expected = trial.mean[chosen]
    lower = (expected.rank(method="min") - 1) / len(expected)
    table = pd.DataFrame({"actual": trial.actual, "expected": expected})
    groups = table.groupby((1 + np.floor(10 * lower + 1e-9)).astype(int).rename("decile"))
    found = groups.mean()
    found.insert(0, "n_customers", groups.size())
    return found


def _lent(
    buyers: pd.DataFrame,
    others: pd.DataFrame | None,
    before: Origin | None,
    days: pd.DataFrame,
    date: dt.date,
    weeks: int,
) -> partial_pooling.PriorData | None:
    """What a small region borrows: as much as would have served it best one period earlier.

    Too few customers cannot tell how much that is and borrow the usual number.
    """
    few = shortfalls("own_histories", buyers=len(buyers))
    if others is None or not few or buyers.empty:
        return None
    lending, _ = histories.distinct(forecasts.with_purchase(others), "week")
    if lending.empty:
        return None
    if not before or not before.lent or shortfalls("purchase_model", buyers=len(before.customers)):
        return partial_pooling.PriorData(
            lending, min(partial_pooling.USUAL, float(lending["n"].sum()))
        )
    then, start = before.customers, date - dt.timedelta(weeks=weeks)
    came = naive.purchases_between(days, then.index, start, date)
    own, _ = histories.distinct(then)
    found = partial_pooling.fit(
        nbd,
        own,
        before.lent.others,
        score=lambda model: predictive_distribution.log_score(model, then, weeks, came),
    )
    return partial_pooling.PriorData(lending, found.kappa)


def _naive(
    fitted: dict[str, Any],
    recent: naive.LastPeriod,
    days: pd.DataFrame,
    date: dt.date,
    weeks: int,
) -> dict[str, Any]:
    """The naive forecasts with the scatter they had one period before, where there was one.

    The last period takes part only where the records cover all of it.
    """
    ids, then = recent.paces.index, date - dt.timedelta(weeks=weeks)
    first = pd.to_datetime(days["day"]).min()
    models = {code: fitted[code] for code in NAIVE if code in fitted}
    if first <= pd.Timestamp(then):
        models["last_period"] = recent
    h = _histories(days, ids, then)
    if shortfalls("purchase_model", buyers=len(h)):
        return models
    came = naive.purchases_between(days, h.index, then, date)
    before: dict[str, Any] = {"own_rate": naive.OwnRate(), "recency_rule": naive.recency_rule(h)}
    if first <= pd.Timestamp(then - dt.timedelta(weeks=weeks)):
        before["last_period"] = naive.last_period(days, h.index, then, weeks)
    return models | {
        code: replace(models[code], spread=dispersion.fit(model.expected_purchases(h, weeks), came))
        for code, model in before.items()
        if code in models
    }


def _histories(days: pd.DataFrame, ids: pd.Index, date: dt.date) -> pd.DataFrame:
    """What was known of these customers on a day: x, t_x, T (weeks), without who had not bought."""
    day = pd.to_datetime(days["day"])
    seen = (day <= pd.Timestamp(date)) & days["customer_id"].isin(ids)
    found = day[seen].groupby(days.loc[seen, "customer_id"]).agg(["size", "min", "max"])
    return pd.DataFrame(
        {
            "x": found["size"] - 1.0,
            "t_x": (found["max"] - found["min"]).dt.days / 7,
            "T": (pd.Timestamp(date) - found["min"]).dt.days / 7,
        }
    )


def _trial(origin: Origin, days: pd.DataFrame, date: dt.date, weeks: int) -> Trial:
    """Forecast the period after an origin and look what came."""
    buyers = origin.customers
    if buyers.empty:
        return _nothing()
    actual = naive.purchases_between(days, buyers.index, date, date + dt.timedelta(weeks=weeks))
    told = {code: _told(model, buyers, weeks, actual) for code, model in origin.models.items()}
    mean, median, scores = (
        pd.DataFrame({code: one[i] for code, one in told.items()}) for i in range(3)
    )
    return Trial(mean, median, scores, actual, buyers["x"])


def _told(
    model: Any, buyers: pd.DataFrame, weeks: int, actual: pd.Series
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Mean, median and log score of each customer's purchases."""
    h, key = forecasts.rows(model, buyers)
    mean = model.expected_purchases(h, weeks).loc[key].set_axis(key.index)
    if hasattr(model, "purchase_probabilities"):
        median = predictive_distribution.median(model, h, weeks).loc[key].set_axis(key.index)
        return mean, median, predictive_distribution.log_score(model, buyers, weeks, actual)
    rounded = np.floor(mean + 0.5).astype(int)
    median = rounded if model.code in NAIVE else model.spread.median(mean)
    scores = model.spread.log_score(mean, actual) if model.spread else mean * np.nan
    return mean, median, scores


def _nothing() -> Trial:
    none = pd.Series(dtype=float)
    return Trial(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), none, none)
