"""Backtest of purchase forecasts from several past dates (rolling origins).

At each origin every model is fitted to the data known on that day and forecasts the next period.
The earlier trials choose the forecast: the default is replaced only by one with a clearly better
log score (`choice.choose_by_score`). The last trial is for the report only. The models in use are
fitted to all data up to today.
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
from cvm_analysis.clv.partial_pooling import PriorData
from cvm_analysis.minimum_data import Note, shortfalls
from cvm_analysis.tables import TABLES

DEFAULT = next(iter(forecasts.FITTED))


class Trial(NamedTuple):
    """Forecasts from an origin and the outcome: one row per customer modelled then.

    Frames have one column per forecast, by code.
    """

    mean: pd.DataFrame  # purchase days expected in the period
    median: pd.DataFrame  # predictive median, whole numbers; of naive forecasts the rounded mean
    log_score: pd.DataFrame  # log probability of the outcome; empty without a distribution
    actual: pd.Series  # purchase days in the period
    repeats: pd.Series  # repeat purchases before


class Origin(NamedTuple):
    """The models fitted to the data known on a day, and the customers they were fitted to."""

    date: dt.date
    customers: pd.DataFrame
    models: dict[str, Any]
    notes: list[Note]
    prior: PriorData | None


class Backtest(NamedTuple):
    """The trials, and the models of today."""

    earlier: list[Trial]  # to choose by, the oldest first
    last: Trial  # to report
    models: dict[str, Any]  # fitted to all data: code -> model
    notes: list[Note]  # on those fits
    origins: list[Origin]  # the last is today


def run(
    dates: Sequence[dt.date],
    customers: Sequence[pd.DataFrame],
    days: pd.DataFrame,
    weeks: int,
    others: Sequence[pd.DataFrame | None] = (),
) -> Backtest:
    """Fit the models at every origin; compare all forecasts but the last with the outcome.

    Parameters
    ----------
    dates : from `forecasts.origins`, `weeks` apart, the last is today
    customers : as of each date, columns of table `customers`; only `with_purchase` ones count
    days : customer_id, day with a purchase, up to the last date
    weeks : length of a period
    others : customers of other regions as of each date: customer_type, x, t_x, T (weeks). They are
        the prior data of a region with few customers (`partial_pooling`). Empty: no prior data
    """
    origins: list[Origin] = []
    others = others or [None] * len(dates)
    for date, known, elsewhere in zip(dates, customers, others, strict=True):
        before = origins[-1] if origins else None
        origins.append(fit_origin(date, known, days, weeks, before, elsewhere))
    trials = [_trial(origin, days, weeks) for origin in origins[:-1]]
    last = trials[-1] if trials else _no_trial()
    return Backtest(trials[:-1], last, origins[-1].models, origins[-1].notes, origins)


def fit_origin(
    date: dt.date,
    customers: pd.DataFrame,
    days: pd.DataFrame,
    weeks: int,
    before: Origin | None,
    others: pd.DataFrame | None = None,
) -> Origin:
    """Fit all models to the data known on a day; challengers need the origin `before` it."""
    buyers = forecasts.with_purchase(customers)
    recent = naive.count_last_period(days, buyers.index, date, weeks)
    buyers = buyers.assign(recent=recent.rates * weeks)
    prior = _prior_data(buyers, others, before, days, date, weeks)
    fitted, notes = forecasts.fit(buyers, prior)
    models = fitted | _naive_models(fitted, recent, days, date, weeks)
    shared = [code for code in forecasts.FITTED if before and code in before.models]
    default = next((code for code in shared if code in models), None)
    if before and default:
        then = challengers.Origin(before.customers, before.models[default])
        start = date - dt.timedelta(weeks=weeks)
        actual = naive.purchases_between(days, then.customers.index, start, date)
        now = challengers.Origin(buyers, models[default])
        models |= challengers.fit(then, now, actual, weeks)
    return Origin(date, buyers, models, notes, prior)


def choose(trials: Sequence[Trial], default: str = DEFAULT, company: str | None = None) -> str:
    """Choose the forecast by the mean log score at the earlier origins.

    Parameters
    ----------
    trials : the earlier ones
    default : kept unless another is clearly better (two standard errors of paired differences)
    company : the choice for all regions together; it replaces the default of this region
    """
    start = company or default
    scores = [trial.log_score for trial in trials if trial.log_score.notna().any(axis=None)]
    return choice.choose_by_score(pd.concat(scores), start, forecasts.ORDER) if scores else start


def report(trial: Trial, chosen: str, weeks: float) -> pd.DataFrame:
    """Score a trial: rows of table `backtest` (see `holdout.score`); none without customers."""
    if trial.actual.empty:
        return pd.DataFrame(columns=list(TABLES["backtest"].columns))
    scores = holdout.score(trial.mean, trial.median, trial.log_score, trial.actual)
    return scores.assign(
        part=forecasts.PART, horizon_days=round(weeks * 7), is_chosen=scores["model"] == chosen
    )


def past_errors(
    origins: Sequence[Origin], days: pd.DataFrame, code: str, horizon_weeks: float
) -> list[float]:
    """Errors of past totals: log(actual / forecast) of the horizon after each origin.

    Origins with less than the horizon after them are left out. If none has it, the period from one
    origin to the next replaces the horizon.

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
            h, key = forecasts.model_rows(origin.models[code], origin.customers)
            purchases = origin.models[code].expected_purchases(h, span.days / 7)
            expected = float(purchases.loc[key].sum())
            end = origin.date + span
            actual = naive.purchases_between(days, key.index, origin.date, end).sum()
            found += [math.log(actual / expected)] if actual > 0 and expected > 0 else []
    return found


def compare_by_repeats(trial: Trial, chosen: str, most: int = 7) -> pd.DataFrame:
    """Mean purchases per customer, actual and forecast, by number of earlier repeat purchases.

    One row per label `0`, `1`, ..., `7+`; columns actual, the chosen forecast, the default, and the
    naive ones.
    """
    shown = dict.fromkeys([chosen, DEFAULT, *NAIVE])
    table = trial.mean[[code for code in shown if code in trial.mean]]
    table.insert(0, "actual", trial.actual)
    return table.groupby(forecasts.label_repeats(trial.repeats, most)).mean()


def deciles(trial: Trial, chosen: str) -> pd.DataFrame:
    """Mean purchases per customer, actual and forecast, by decile of the forecast.

    One row per decile, 1 the lowest; n_customers, actual, expected. Customers with equal forecasts
    share a decile, so deciles may be larger or absent. No row if the trial has no such forecast.
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


def _prior_data(
    buyers: pd.DataFrame,
    others: pd.DataFrame | None,
    before: Origin | None,
    days: pd.DataFrame,
    date: dt.date,
    weeks: int,
) -> PriorData | None:
    """The prior data of a small region, with the kappa that was best one period earlier.

    With too few customers to choose by, kappa is the default.
    """
    few = shortfalls("own_histories", buyers=len(buyers))
    if others is None or not few or buyers.empty:
        return None
    h_others, _ = histories.distinct(forecasts.with_purchase(others), "week")
    if h_others.empty:
        return None
    if not before or not before.prior or shortfalls("purchase_model", buyers=len(before.customers)):
        return PriorData(h_others, min(partial_pooling.DEFAULT_KAPPA, float(h_others["n"].sum())))
    then, start = before.customers, date - dt.timedelta(weeks=weeks)
    actual = naive.purchases_between(days, then.index, start, date)
    own, _ = histories.distinct(then)

    def score(model: Any) -> pd.Series:
        return predictive_distribution.log_score(model, then, weeks, actual)

    kappa = partial_pooling.fit(nbd, own, before.prior.others, score=score).kappa
    return PriorData(h_others, kappa)


def _naive_models(
    fitted: dict[str, Any], recent: naive.LastPeriod, days: pd.DataFrame, date: dt.date, weeks: int
) -> dict[str, Any]:
    """The naive forecasts, with the dispersion they had one period earlier where it is known.

    The last period takes part only if the records cover all of it.
    """
    ids, then = recent.rates.index, date - dt.timedelta(weeks=weeks)
    first = pd.to_datetime(days["day"]).min()
    models = {code: fitted[code] for code in NAIVE if code in fitted}
    if first <= pd.Timestamp(then):
        models["last_period"] = recent
    h = _histories(days, ids, then)
    if shortfalls("purchase_model", buyers=len(h)):
        return models
    actual = naive.purchases_between(days, h.index, then, date)
    before: dict[str, Any] = {"own_rate": naive.OwnRate()}
    before["recency_rule"] = naive.fit_recency_rule(h)
    if first <= pd.Timestamp(then - dt.timedelta(weeks=weeks)):
        before["last_period"] = naive.count_last_period(days, h.index, then, weeks)
    for code, model in before.items():
        if code in models:
            scatter = dispersion.fit(model.expected_purchases(h, weeks), actual)
            models[code] = replace(models[code], dispersion=scatter)
    return models


def _histories(days: pd.DataFrame, ids: pd.Index, date: dt.date) -> pd.DataFrame:
    """Histories of these customers as of a day: x, t_x, T (weeks), without those yet to buy."""
    day = pd.to_datetime(days["day"])
    rows = (day <= pd.Timestamp(date)) & days["customer_id"].isin(ids)
    found = day[rows].groupby(days.loc[rows, "customer_id"]).agg(["size", "min", "max"])
    t_x = (found["max"] - found["min"]).dt.days / 7
    T = (pd.Timestamp(date) - found["min"]).dt.days / 7
    return pd.DataFrame({"x": found["size"] - 1.0, "t_x": t_x, "T": T})


def _trial(origin: Origin, days: pd.DataFrame, weeks: int) -> Trial:
    """Forecast the period after an origin and add the outcome."""
    buyers, end = origin.customers, origin.date + dt.timedelta(weeks=weeks)
    if buyers.empty:
        return _no_trial()
    actual = naive.purchases_between(days, buyers.index, origin.date, end)
    found = {code: _forecast(each, buyers, weeks, actual) for code, each in origin.models.items()}
    mean, median, log_score = (pd.DataFrame({c: f[i] for c, f in found.items()}) for i in range(3))
    return Trial(mean, median, log_score, actual, buyers["x"])


def _forecast(
    model: Any, buyers: pd.DataFrame, weeks: int, actual: pd.Series
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Mean, median and log score of each customer's purchases."""
    h, key = forecasts.model_rows(model, buyers)
    mean = model.expected_purchases(h, weeks).loc[key].set_axis(key.index)
    if hasattr(model, "purchase_probabilities"):
        median = predictive_distribution.median(model, h, weeks).loc[key].set_axis(key.index)
        return mean, median, predictive_distribution.log_score(model, buyers, weeks, actual)
    rounded = np.floor(mean + 0.5).astype(int)
    median = rounded if model.code in NAIVE else model.dispersion.median(mean)
    scores = model.dispersion.log_score(mean, actual) if model.dispersion else mean * np.nan
    return mean, median, scores


def _no_trial() -> Trial:
    none = pd.Series(dtype=float)
    return Trial(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), none, none)
