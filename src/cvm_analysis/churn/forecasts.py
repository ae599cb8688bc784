"""Forecasts of no purchase, tested on the past: some days to choose by, later ones to report.

Every forecast predicts no purchase within h days after a landmark. Each trial learns from earlier
landmarks, observed until the day of the trial, and is recalibrated on their outcomes. The choice
uses outcomes known by the first day reported; the last outcome of each horizon is only reported.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis import processes, tables
from cvm_analysis.backtest import choice
from cvm_analysis.churn import challengers, evaluation, lapse, learning
from cvm_analysis.churn.learning import Learned, Snapshot
from cvm_analysis.minimum_data import Note, shortfalls

PART = "churn"
DAYS = (90, 180, 365)
ORDER = ("mean", "cox", "value_model", "boosted", "recency")  # preference; the first is the default
NONE = "none"
MAX_LANDMARKS = 12  # before today: three years
_QUARTER, _YEAR = 90, 365  # days
_MAX_CHOICES = 2  # trials to choose by


class Plan(NamedTuple):
    """The landmarks and the trials; `plan` makes one."""

    days: list[dt.date]  # all landmarks, the earliest first; the last is today
    horizons: list[int]  # days ahead, ascending
    choose: dict[dt.date, list[int]]  # day of a trial to choose by -> horizons
    report: dict[dt.date, list[int]]  # day of a trial to report -> horizons
    notes: list[Note]


class Trial(NamedTuple):
    """Forecasts of one horizon made at a landmark, and what happened: one row per customer."""

    day: dt.date
    horizon_days: int
    p_no_purchase: pd.DataFrame  # one column per model; those that could not be made are absent
    inactive: pd.Series  # 1 or 0


class Backtest(NamedTuple):
    """Trials on the past, and the forecasts fitted today; `run` makes one."""

    earlier: list[Trial]  # to choose by, the earliest first
    last: list[Trial]  # to report, one per horizon
    today: Learned


def plan(as_of: dt.date, first_day: dt.date, horizon_days: int) -> Plan:
    """Choose the landmarks: each quarter, the same days in every year, three years back.

    A landmark needs a quarter, and the headline horizon, on record before it. A trial needs one
    whose outcome was known on its day.

    horizon_days : the config's headline horizon; the others are DAYS
    """
    horizons = sorted({*DAYS, horizon_days})
    back = {_YEAR * (k // 4) + _QUARTER * (k % 4) for k in range(1, MAX_LANDMARKS + 1)}
    days = [as_of - dt.timedelta(days=d) for d in sorted({*back, horizon_days}, reverse=True)]
    used = [day for day in days if _enough(day, first_day, horizon_days)]
    report: dict[dt.date, list[int]] = {}
    for each in horizons:
        day = as_of - dt.timedelta(days=each)
        if _known(used, day, each):
            report.setdefault(day, []).append(each)
    first = min(report, default=as_of)
    choose = {
        day: ends
        for day in used
        if (ends := [h for h in horizons if _ends(day, h) <= first and _known(used, day, h)])
    }
    notes = _notes(as_of, first_day, horizon_days, report, choose)
    used = used or [max(as_of - dt.timedelta(days=horizon_days), first_day)]
    return Plan([*used, as_of], horizons, dict(list(choose.items())[-_MAX_CHOICES:]), report, notes)


def leave_to_company(plan: Plan, n_buyers: int, company: str | None) -> Plan:
    """Leave out the trials of a region with too few customers to test a forecast on.

    A test needs 100 customers who stay away and 100 who come back: Vergouwe, Steyerberg, Eijkemans
    and Habbema (2005), Journal of Clinical Epidemiology 58(5), 475-483. In a quarter about a fifth
    of a retailer's customers come back, so it takes 500; the company has tested its forecast.

    A plan without a trial to report stays, with its note on the short history.

    n_buyers : of the region today
    company : the choice for all regions together; None: there is none, and nothing is left out
    """
    too_few = shortfalls("churn_test", buyers=n_buyers) if company and plan.report else []
    return plan._replace(choose={}, report={}, notes=too_few) if too_few else plan


def run(plan: Plan, known: Sequence[Snapshot], purchase_days: pd.DataFrame) -> Backtest:
    """Fit and test the forecasts at every trial of a plan, and fit them today.

    known : a Snapshot for each of `plan.days`, in their order
    purchase_days : customer_id, day with a purchase, up to today
    """
    tested = set().union(*(each.customers.index for each in known[:-1]))
    purchase_days = purchase_days[purchase_days["customer_id"].isin(tested)]
    purchase_days = purchase_days.assign(day=pd.to_datetime(purchase_days["day"]))
    of_day = {each.day: each for each in known}

    def learn(day: dt.date) -> tuple[list[Trial], list[Trial], Learned | None]:
        learned = learning.learn(known, purchase_days, day, plan.horizons)
        if day == plan.days[-1]:
            return [], [], learned
        choose, report = (
            _trials(learned, of_day[day], purchase_days, wanted.get(day, []))
            for wanted in (plan.choose, plan.report)
        )
        return choose, report, None

    days = sorted({*plan.choose, *plan.report, plan.days[-1]}, reverse=True)  # the longest first
    earlier, last, learned = zip(*reversed(processes.run_each(learn, days)), strict=True)
    reported = sorted(chain(*last), key=lambda trial: trial.horizon_days)
    return Backtest([*chain(*earlier)], reported, learned[-1])


def choose(earlier: Sequence[Trial], company: str | None = None) -> str:
    """Choose the forecast by its mean log score over all earlier trials and horizons.

    The default stays unless another is better by more than two standard errors, clustered by
    customer.

    company : the choice for all regions together; it is then the default of this one
    """
    start = company or ORDER[0]
    scores = [
        trial.p_no_purchase.apply(evaluation.log_score, inactive=trial.inactive)
        for trial in earlier
        if len(trial.p_no_purchase.columns)
    ]
    return choice.choose_by_score(pd.concat(scores), start, ORDER) if scores else start


def find_available(backtest: Backtest, chosen: str) -> str:
    """Return the chosen forecast if it could be fitted today, else the next of ORDER, or none."""
    return next((code for code in (chosen, *ORDER) if code in backtest.today.models), NONE)


def report(last: Sequence[Trial], chosen: str) -> pd.DataFrame:
    """Score the last trials: rows of table `backtest`, none without trials."""
    found = [
        evaluation.score(dict(trial.p_no_purchase.items()), trial.inactive).assign(
            horizon_days=trial.horizon_days
        )
        for trial in last
        if len(trial.p_no_purchase.columns)
    ]
    empty = pd.DataFrame(columns=["model", "metric", "value", "horizon_days"])
    table = pd.concat(found, ignore_index=True) if found else empty
    return table.assign(part=PART, is_chosen=table["model"] == chosen)


def find_trial(last: Sequence[Trial], chosen: str, horizon_days: int) -> Trial | None:
    """Find the trial of a forecast at a horizon; None without one."""
    return next(
        (t for t in last if t.horizon_days == horizon_days and chosen in t.p_no_purchase), None
    )


def calibration(last: Sequence[Trial], chosen: str, horizon_days: int) -> pd.DataFrame:
    """Compare predicted and actual inactive share: table `risk_calibration`; empty: no trial."""
    trial = find_trial(last, chosen, horizon_days)
    if trial is None:
        return tables.empty("risk_calibration")
    return evaluation.calibration(trial.p_no_purchase[chosen], trial.inactive)


def forecast(
    backtest: Backtest, today: Snapshot, chosen: str, threshold_days: int | None, horizon_days: int
) -> tuple[pd.DataFrame, list[Note]]:
    """Forecast no purchase of today's customers.

    Parameters
    ----------
    today : the customers as known today
    chosen : as `choose` returns; the next of ORDER replaces a forecast that could not be fitted,
        and fills in horizons and customers that it does not reach
    threshold_days : of a lapse; None: not known

    Returns
    -------
    One row per customer: model, lapsed, p_no_purchase_<days>d and churn_risk of table `churn`.
    Probabilities fall with the horizon; one beyond the longest outcome is empty, with a note.
    """
    code, horizons = find_available(backtest, chosen), sorted({*DAYS, horizon_days})
    wanted = challengers.column_names(horizons)
    table = pd.DataFrame(np.nan, today.customers.index, wanted)
    for each in dict.fromkeys([code, *ORDER]):
        if each in backtest.today.models and table.isna().any(axis=None):
            table = table.fillna(backtest.today.forecast(each, today, horizons))
    p = table.cummin(axis=1)
    days = today.customers["days_since_last"]
    lapsed = (
        lapse.is_lapsed(days, threshold_days) if threshold_days else pd.Series(pd.NA, days.index)
    )
    found = p[challengers.column_names(DAYS)].assign(churn_risk=p[f"p_no_purchase_{horizon_days}d"])
    found.insert(0, "model", code)
    found.insert(1, "lapsed", lapsed.astype("boolean"))
    return found, _missing_horizons(table, code)


def _trials(
    learned: Learned, now: Snapshot, purchase_days: pd.DataFrame, horizons: Sequence[int]
) -> list[Trial]:
    """Test every model that forecasts a horizon for all customers; no trial without customers."""
    if not horizons or now.customers.empty:
        return []
    forecasts: Mapping[str, pd.DataFrame] = {
        code: learned.forecast(code, now, horizons) for code in learned.models
    }
    trials = []
    for each in horizons:
        end = now.day + dt.timedelta(days=each)
        inactive = learning.no_purchase(now, purchase_days, end, [each]).iloc[:, 0].astype(int)
        name = challengers.column_names([each])[0]
        complete: dict[str, Any] = {
            k: p[name] for k, p in forecasts.items() if p[name].notna().all()
        }
        trials.append(Trial(now.day, each, pd.DataFrame(complete, inactive.index), inactive))
    return trials


def _missing_horizons(table: pd.DataFrame, code: str) -> list[Note]:
    """A note with the longest horizon forecast and the shortest that is not."""
    present = [challengers.horizon(name) for name in table if table[name].notna().any()]
    missing = [challengers.horizon(name) for name in table if table[name].isna().all()]
    if code == NONE or table.empty or not missing:
        return []
    have, need = float(max(present, default=0)), float(min(missing))
    return [Note(PART, "horizon_beyond_history", have, need)]


def _enough(day: dt.date, first_day: dt.date, horizon_days: int) -> bool:
    days = (day - first_day).days
    return days >= horizon_days and not shortfalls("churn_history", weeks=days / 7)


def _known(used: Sequence[dt.date], day: dt.date, horizon_days: int) -> bool:
    """Whether the outcome of a landmark was known on this day."""
    return day in used and any(_ends(each, horizon_days) <= day for each in used)


def _ends(day: dt.date, horizon_days: int) -> dt.date:
    return day + dt.timedelta(days=horizon_days)


def _notes(
    as_of: dt.date,
    first_day: dt.date,
    horizon_days: int,
    report: Mapping[dt.date, list[int]],
    choose: Mapping[dt.date, list[int]],
) -> list[Note]:
    """A note where the history is too short for the headline trial, or for the choice."""
    have = max((as_of - first_day).days / 7, 0.0)
    need = max(horizon_days, 13 * 7) / 7
    if not any(horizon_days in each for each in report.values()):
        return [Note(PART, "no_churn_trial_short_history", have, need + 2 * horizon_days / 7)]
    if not choose:
        shortest = min(DAYS[0], horizon_days) / 7
        return [Note(PART, "no_churn_choice_short_history", have, need + 3 * shortest)]
    return []
