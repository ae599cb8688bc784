"""Choose, forecast and score: the forecast of each type of customer as of a day.

Every type of customer has its own forecasts, tried on its own past. From 500 customers on, the pool
of all forecasts is used; below that the default model. Either is replaced by a forecast with a
clearly better log score in the past periods (`choice.choose_by_score`), which may be a naive one.
The choice of today uses all past periods. What is reported of the last one was chosen by the
periods before it; if it is the only one, the weights of the pool are cross-fitted over customers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.backtest import choice, holdout, origins, purchases, trials
from cvm_analysis.backtest.origins import POOL, Origin, Records
from cvm_analysis.backtest.trials import Trial
from cvm_analysis.clv import forecasts, naive, pool
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.errors import InputError, nearest
from cvm_analysis.minimum_data import Note, shortfalls

Weights = Mapping[str, float]  # code of a forecast -> its share; a single one has 1

_SIMPLE = ("pareto_nbd", "nbd")


@dataclass(frozen=True)
class Tried:
    """The forecasts of one type of customer: at past origins, and today."""

    origins: list[Origin]  # the oldest first; the last is today
    trials: list[Trial]  # one for each past origin
    chosen: list[str]  # code of the forecast chosen at each origin, by the trials before it

    @property
    def model(self) -> Any:
        """The forecast to use today."""
        return self.origins[-1].models[self.chosen[-1]]

    @property
    def last(self) -> Trial:
        """The last past period."""
        return self.trials[-1] if self.trials else trials.no_trial()

    @property
    def chosen_before(self) -> str:
        """The forecast chosen before the last past period; of a single period, today's."""
        return self.chosen[-2] if len(self.trials) > 1 else self.chosen[-1]

    def weights(self) -> dict[str, dict[str, float]]:
        """Day of each origin (ISO) -> weights of the forecast chosen then."""
        return {
            origin.date.isoformat(): origin.weights if code == POOL else {code: 1.0}
            for origin, code in zip(self.origins, self.chosen, strict=True)
        }

    def notes(self) -> list[Note]:
        """What was left out, as far as it concerns the forecast in use."""
        members = getattr(self.model, "members", (self.model,))
        return forecasts.select_notes(self.origins[-1].notes, {one.code for one in members})


@dataclass(frozen=True)
class Backtest:
    """The forecasts of all types as of a day; `run` makes one.

    Everything is by customer_type, the type with most customers first.
    """

    types: dict[str, Tried]
    weeks: int  # length of a past period
    horizon_weeks: float
    forecasts: pd.DataFrame
    """One row per customer: customer_type, model (code), expected_purchases (mean within the
    horizon), median_purchases, p_no_purchase (both empty if the model has no distribution)."""
    holdout: pd.DataFrame
    """Scores of these forecasts on the horizon (see `holdout.score`), one row per type and metric:
    customer_type, model, metric, value. Empty if the purchases end before the horizon."""
    few_data: list[Note]

    @property
    def models(self) -> dict[str, Any]:
        """customer_type -> the fitted forecast in use, a pool or a single one."""
        return {kind: tried.model for kind, tried in self.types.items()}

    @property
    def notes(self) -> list[Note]:
        """What was left out or replaced, of which type where there are several."""
        several = len(self.types) > 1
        each = [
            note._replace(customer_type=kind if several else None)
            for kind, tried in self.types.items()
            for note in tried.notes()
        ]
        return list(dict.fromkeys([*self.few_data, *each]))

    @property
    def weights(self) -> dict[str, dict[str, dict[str, float]]]:
        """customer_type -> day of each origin -> weights; the company's go to its regions."""
        return {kind: tried.weights() for kind, tried in self.types.items()}

    def scores(self) -> pd.DataFrame:
        """Scores of the last past period: rows of table `backtest`.

        The part is `value` for the type with most customers, `value_<customer_type>` for others.
        """
        tables = [
            trials.report(tried.last, tried.chosen_before, self.weeks, self.part(kind))
            for kind, tried in self.types.items()
        ]
        return pd.concat([each for each in tables if len(each)] or tables[:1])

    def part(self, kind: str) -> str:
        """The part of table `backtest` with the scores of a type."""
        return forecasts.PART if kind == next(iter(self.types)) else f"{forecasts.PART}_{kind}"


def run(
    log: pd.DataFrame,
    as_of: dt.date | str,
    horizon_weeks: float,
    *,
    first_day: dt.date | None = None,
    customers: Callable[[dt.date], pd.DataFrame] | None = None,
    earlier: Callable[[dt.date], pd.DataFrame] | None = None,
    others: Callable[[dt.date], pd.DataFrame] | None = None,
    company: Mapping[str, Mapping[str, Weights]] | None = None,
    covariates: Sequence[str] = (),
) -> Backtest:
    """Choose the forecast of each type of customer as of a day, forecast, and score.

    Parameters
    ----------
    log : purchase days or transactions, see `purchases.by_day`. Purchases after as_of take no part
        in the forecasts; they score them if they reach the end of the horizon
    as_of : the last day that is known
    horizon_weeks : how far ahead to forecast
    first_day : of the records; None: the first purchase
    customers : a day -> the customers known then, columns of table `customers`; None: made from log
    earlier : the same for days before as_of: of very many customers a sample is enough to choose by
        and to score; None: as customers
    others : a day -> the customers of other regions (customer_type, x, t_x, T in weeks), the prior
        data of types with few customers; None: no prior data
    company : weights of all regions together, as `Backtest.weights`; a region shrinks to them, and
        one of fewer than 500 customers tries its forecasts on the last past period alone
    covariates : columns of `customers`, attributes fixed when a customer came; a model with them
        is tried too (`clv.covariate_forecast`)

    Raises
    ------
    InputError : a column is missing, or nobody had bought by as_of
    """
    today = dt.date.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    days = purchases.by_day(log)
    known = days[days["day"] <= pd.Timestamp(today)]
    if known.empty:
        raise InputError(f"nobody had bought by {today}; choose a later day")
    start = first_day or known["day"].min().date()
    weeks = forecasts.trial_weeks((today - start).days / 7, horizon_weeks)
    dates, notes = forecasts.origins(today, start, weeks)
    few = shortfalls("own_choice", buyers=known["customer_id"].nunique())
    if company and few and len(dates) > 2:
        dates, notes = dates[-2:], [*notes, *few]
    table = customers or (lambda day: purchases.customers(days, day))
    tables = [*map(earlier or table, dates[:-1]), table(dates[-1])]
    then = [forecasts.split_by_type(_with_columns(each, covariates)) for each in tables]
    both = zip(dates, then, strict=True)
    elsewhere = [_elsewhere(*each, then[-1], others) for each in both]
    types = {}
    for kind, buyers in then[-1].items():
        own = known[known["customer_id"].isin(buyers.index)]
        lent = (company or {}).get(kind, {})
        wanted = _wanted(len(buyers), lent.values())
        records = [
            Records(date, each.get(kind, buyers.iloc[:0]), own, start, rest.get(kind),
                    lent.get(date.isoformat()), wanted, date < today, tuple(covariates))
            for date, each, rest in zip(dates, then, elsewhere, strict=True)
        ]  # fmt: skip
        types[kind] = try_type(records, weeks)
    ahead = [_forecast(kind, tried, horizon_weeks) for kind, tried in types.items()]
    scores = [_score(kind, tried, days, horizon_weeks) for kind, tried in types.items()]
    return Backtest(types, weeks, horizon_weeks, pd.concat(ahead), pd.concat(scores), notes)


def try_type(records: Sequence[Records], weeks: int) -> Tried:
    """Fit and choose the forecasts of one type at each origin, the last of which is today.

    records : by day, the oldest first
    """
    found: list[Origin] = []
    tried: list[Trial] = []
    chosen: list[str] = []
    for number, each in enumerate(records):
        before, trial = (found[-1], tried[-1]) if found else (None, None)
        now = origins.fit(each, weeks, before, trial)
        found.append(now)
        chosen.append(choose(now, tried, each.company))
        if each.is_past:
            is_last = number == len(records) - 2
            after = trials.try_forecasts(
                now.models, now.customers, each.days, each.date, weeks, medians=is_last
            )
            lent = records[number + 1].company
            tried.append(after if POOL in now.models else _cross_fit(after, now, weeks, lent))
    return Tried(found, tried, chosen)


def choose(now: Origin, earlier: Sequence[Trial], company: Weights | None = None) -> str:
    """Choose among the forecasts of an origin by the trials before it.

    The start is the pool; without one the single forecast of the company, else the best model that
    could be fitted. A start without a score in any trial stays, since nothing speaks against it.
    """
    single = list(company) if company and len(company) == 1 else []
    start = next(code for code in (POOL, *single, *forecasts.ORDER) if code in now.models)
    scores = [trial.log_score for trial in earlier if trial.log_score.notna().any(axis=None)]
    table = pd.concat(scores) if scores else pd.DataFrame()
    table = table[[code for code in table if code in now.models]]
    if start not in table or table[start].isna().all():
        return start
    return choice.choose_by_score(table, start, forecasts.ORDER)


def _with_columns(customers: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The customers; InputError if they lack one of these columns."""
    if missing := [name for name in names if name not in customers]:
        hint = nearest(missing[0], map(str, customers))
        raise InputError(f"covariates: customers have no column '{missing[0]}'{hint}")
    return customers


def _elsewhere(
    day: dt.date,
    then: Mapping[str, pd.DataFrame],
    today: Iterable[str],
    others: Callable[[dt.date], pd.DataFrame] | None,
) -> dict[str, pd.DataFrame]:
    """The customers of other regions on a day by type, where they are needed."""
    return forecasts.split_by_type(others(day)) if others and _needs_others(then, today) else {}


def _needs_others(then: Mapping[str, pd.DataFrame], today: Iterable[str]) -> bool:
    """Whether some type of today had so few customers then that others' histories are prior data.

    Those of a company with millions of customers are not read without need.
    """
    sizes = [len(then[kind]) for kind in today if kind in then]
    return any(shortfalls("own_histories", buyers=n) for n in sizes if n)


def _wanted(n_buyers: int, company: Iterable[Weights]) -> frozenset[str] | None:
    """The models and corrections to try for a type, beside naive forecasts; None: all.

    A region tries what the company uses. Without the company's weights, a type with too few
    customers for a pool tries the default and the model without drop-out.
    """
    used = {code for weights in company for code, share in weights.items() if share >= pool.LEAST}
    if used:
        return frozenset({*used, *_SIMPLE})
    return frozenset(_SIMPLE) if shortfalls("pool", buyers=n_buyers) else None


def _cross_fit(trial: Trial, origin: Origin, weeks: int, company: Weights | None) -> Trial:
    """Add the pool to the first trial: each half of the customers with the weights of the other.

    Nothing is added where the trial gives no weights (see `origins.weigh`).
    """
    if not origins.weigh(trial, origin.models, company):
        return trial
    ids = trial.actual.index.sort_values()
    halves = [ids[start::2] for start in (0, 1)]
    found = []
    for own, other in zip(halves, reversed(halves), strict=True):
        weights = pool.fit_weights(trial.log_score.loc[other], company)
        rows = origin.customers.loc[own], weeks, trial.actual.loc[own]
        found.append(trials.forecast(pool.mix(origin.models, weights), *rows))
    mean, median, log_score = (
        table.assign(**{POOL: pd.concat([half[part] for half in found])})
        for part, table in enumerate((trial.mean, trial.median, trial.log_score))
    )
    return trial._replace(mean=mean, median=median, log_score=log_score)


def _forecast(kind: str, tried: Tried, horizon_weeks: float) -> pd.DataFrame:
    """One row per customer of a type; the columns of `Backtest.forecasts`."""
    buyers, model = tried.origins[-1].customers, tried.model
    mean, median, _ = trials.forecast(model, buyers, horizon_weeks)
    table = pd.DataFrame({"customer_type": kind, "model": model.code, "expected_purchases": mean})
    table["median_purchases"] = median.astype(float)
    table["p_no_purchase"] = np.nan
    if predictive_distribution.is_known(model):
        h, key = forecasts.model_rows(model, buyers)
        none = predictive_distribution.p_no_purchase(model, h, horizon_weeks)
        table["p_no_purchase"] = none.loc[key].set_axis(key.index)
    return table


def _score(kind: str, tried: Tried, days: pd.DataFrame, horizon_weeks: float) -> pd.DataFrame:
    """The columns of `Backtest.holdout` of a type; no row if the purchases end too early."""
    now = tried.origins[-1]
    end = now.date + dt.timedelta(weeks=horizon_weeks)
    if days["day"].max() < pd.Timestamp(end):
        return pd.DataFrame(columns=["customer_type", "model", "metric", "value"])
    actual = naive.purchases_between(days, now.customers.index, now.date, end)
    parts = trials.forecast(tried.model, now.customers, horizon_weeks, actual)
    mean, median, log_score = (each.to_frame(tried.model.code) for each in parts)
    table = holdout.score(mean, median, log_score, actual)
    table.insert(0, "customer_type", kind)
    return table
