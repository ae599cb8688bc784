"""The forecasts of one type of customer, made from the data known on a day (an origin).

Corrections of the default model, the dispersion of naive forecasts and the weights of the pool come
from the origin before, whose outcome is known by this day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import pandas as pd

from cvm_analysis.backtest.trials import Trial
from cvm_analysis.clv import (
    NAIVE,
    challengers,
    covariate_forecast,
    forecasts,
    histories,
    naive,
    nbd,
    partial_pooling,
    pool,
    seasons,
)
from cvm_analysis.clv.dispersed import Dispersed
from cvm_analysis.clv.numerics import dispersion, predictive_distribution
from cvm_analysis.clv.partial_pooling import PriorData
from cvm_analysis.minimum_data import Note, shortfalls

POOL = pool.Pool.code

_YEAR = dt.timedelta(weeks=52)


class Origin(NamedTuple):
    """The forecasts made on a day, and the customers they were made for."""

    date: dt.date
    customers: pd.DataFrame
    models: dict[str, Any]  # code -> fitted model; `pool` among them where it has weights
    weights: dict[str, float]  # of the pool; empty without one
    notes: list[Note]
    prior: PriorData | None


class Records(NamedTuple):
    """What is known of one type of customer on a day."""

    date: dt.date
    customers: pd.DataFrame  # columns of table `customers`
    days: pd.DataFrame  # customer_id, day with a purchase; later days do not count
    first_day: dt.date  # of the records
    others: pd.DataFrame | None = None  # histories of the same type in other regions
    company: Mapping[str, float] | None = None  # the company's weights, as of this day
    wanted: frozenset[str] | None = None  # fitted models and corrections to try; None: all
    is_past: bool = False
    covariates: tuple[str, ...] = ()  # columns of the customers: attributes to try


def fit(records: Records, weeks: int, before: Origin | None, trial: Trial | None) -> Origin:
    """Fit all forecasts to the data known on a day.

    weeks : length of a trial period
    before, trial : the origin one period earlier, and how its forecasts came out; None: the first
    """
    buyers = forecasts.with_purchase(records.customers)
    recent = naive.count_last_period(_known(records), buyers.index, records.date, weeks)
    buyers = buyers.assign(recent=recent.rates * weeks)
    prior = _prior_data(buyers, records, before, trial, weeks)
    models, notes = forecasts.fit(buyers, prior, _resolution(records), records.wanted)
    if records.first_day <= records.date - dt.timedelta(weeks=weeks):
        models["last_period"] = recent
    if records.covariates and not prior and _is_wanted(records, covariate_forecast.CODE):
        tried = buyers, records.covariates, _resolution(records)
        model, left_out = covariate_forecast.fit(*tried)
        models, notes = models | model, [*notes, *left_out]
    if before and trial is not None and len(trial.actual):
        models = _with_dispersion(models, before, trial, weeks)
        if _is_wanted(records, "rescaled", "boosted"):
            models |= _challengers(models, buyers, before, trial, weeks)
        if _is_wanted(records, seasons.Seasonal.code):
            models |= _seasonal(models, records, before, trial, weeks)
    weights = weigh(trial, models, records.company)
    if weights:
        models[POOL] = pool.mix(models, weights)
    elif not records.company:
        notes += shortfalls("pool", buyers=len(buyers))
    return Origin(records.date, buyers, models, weights, notes, prior)


def weigh(
    trial: Trial | None, models: Mapping[str, Any], company: Mapping[str, float] | None
) -> dict[str, float]:
    """The weights of the pool by the last trial; empty where there is none.

    Without the company's weights the trial needs 500 customers and a score of the default model. A
    company that uses a single forecast lends no weights. A forecast that the company pools and that
    has no score here keeps the company's weight; one without a distribution has none.
    """
    scores = (
        pd.DataFrame() if trial is None else trial.log_score.drop(columns=POOL, errors="ignore")
    )
    known = scores[[c for c in scores if c in models]].dropna(axis=1)
    if company:
        usable = {c for c, model in models.items() if predictive_distribution.is_known(model)}
        lent = {code: w for code, w in company.items() if code in usable}
        if len(company) < 2 or not lent:
            return {}
        new = {c: w / sum(lent.values()) for c, w in lent.items() if c not in known}
        fitted = pool.fit_weights(known, company) if len(known.columns) else {}
        return {c: w * (1 - sum(new.values())) for c, w in fitted.items()} | new
    default = next((code for code in forecasts.FITTED if code in models), None)
    if default not in known or shortfalls("pool", buyers=len(known)):
        return {}
    return pool.fit_weights(known)


def _is_wanted(records: Records, *codes: str) -> bool:
    return records.wanted is None or not records.wanted.isdisjoint(codes)


def _challengers(
    models: Mapping[str, Any], buyers: pd.DataFrame, before: Origin, trial: Trial, weeks: int
) -> dict[str, Any]:
    """The corrections of the best model that both origins have."""
    default = _default(models, before)
    if not default:
        return {}
    then = challengers.Origin(before.customers, before.models[default])
    now = challengers.Origin(buyers, models[default])
    return dict(challengers.fit(then, now, trial.actual, weeks))


def _seasonal(
    models: Mapping[str, Any], records: Records, before: Origin, trial: Trial, weeks: int
) -> dict[str, Any]:
    """The best model that both origins have, with the season of the period ahead."""
    default = _default(models, before)
    if not default or not forecasts.FITTED[default].is_from_first_purchase:
        return {}
    known = forecasts.keep_modelled_days(_known(records), records.customers)
    rest = trial.mean[default], trial.actual, weeks
    model = seasons.fit(models[default], known, records.date, *rest)
    return {model.code: model} if model else {}


def _default(models: Mapping[str, Any], before: Origin) -> str | None:
    """The best fitted model that both origins have."""
    return next((c for c in forecasts.FITTED if c in before.models and c in models), None)


def _with_dispersion(
    models: dict[str, Any], before: Origin, trial: Trial, weeks: int
) -> dict[str, Any]:
    """The models, naive forecasts with the dispersion of their last trial."""
    found = dict(models)
    for code in NAIVE:
        if code in models and code in before.models:
            mean = before.models[code]
            mean = mean.forecast if isinstance(mean, Dispersed) else mean
            expected = forecasts.expected_purchases(mean, before.customers, weeks)
            scatter = dispersion.fit(expected, trial.actual)
            found[code] = Dispersed(models[code], scatter, weeks)
    return found


def _prior_data(
    buyers: pd.DataFrame, records: Records, before: Origin | None, trial: Trial | None, weeks: int
) -> PriorData | None:
    """The prior data of a small region, with the kappa that was best one period earlier.

    With too few customers to choose by, kappa is the default.
    """
    few = shortfalls("own_histories", buyers=len(buyers))
    if records.others is None or not few or buyers.empty:
        return None
    others, _ = histories.distinct(forecasts.with_purchase(records.others), "week")
    if others.empty:
        return None
    default = PriorData(others, min(partial_pooling.DEFAULT_KAPPA, float(others["n"].sum())))
    if before is None or before.prior is None or trial is None:
        return default
    if shortfalls("purchase_model", buyers=len(before.customers)):
        return default
    own, _ = histories.distinct(before.customers)

    def score(model: Any) -> pd.Series:
        return predictive_distribution.log_score(model, before.customers, weeks, trial.actual)

    kappa = partial_pooling.fit(nbd, own, before.prior.others, score=score).kappa
    return PriorData(others, kappa)


def _resolution(records: Records) -> Literal["day", "week"]:
    """Rounding to weeks is faster, and harmless for past origins with a year of records."""
    long = records.date - records.first_day >= _YEAR
    return "week" if records.is_past and long else "day"


def _known(records: Records) -> pd.DataFrame:
    day = pd.to_datetime(records.days["day"])
    return records.days[day <= pd.Timestamp(records.date)]
