"""Who will stay silent: forecasts tried on a past they had not seen, some days to choose by.

The question is the same for every forecast: no purchase in the h days after a landmark. Each trial
learns from several earlier landmarks, watched until the day of the trial, and is set right by what
came of them (`recalibration`). The choice rests on outcomes that were known by the first day
reported; the last outcome of each horizon is reported and used for nothing else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.backtest import choice
from cvm_analysis.churn import challengers, evaluation, lapse, learning
from cvm_analysis.churn.learning import Learned, Snapshot
from cvm_analysis.minimum_data import Note, shortfalls

PART = "churn"
DAYS = (90, 180, 365)
ORDER = (
    "mean",
    "cox",
    "value_model",
    "boosted",
    "recency",
)  # the most preferred, the default, first
NONE = "none"
MOST = 12  # landmarks before today: three years
_QUARTER, _YEAR = 90, 365  # days
_CHOICES = 2  # trials to choose by, at most


class Plan(NamedTuple):
    """The days that forecasts are learned from and tried on; `plan` makes one."""

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
    silent: pd.Series  # 1 or 0


class Tried(NamedTuple):
    """What the past says, and what has been learned for today."""

    earlier: list[Trial]  # to choose by, the earliest first
    last: list[Trial]  # to report, one per horizon
    today: Learned


def plan(as_of: dt.date, first_day: dt.date, horizon_days: int) -> Plan:
    """Choose the landmarks: each quarter, the same days in every year, as far back as is of use.

    A landmark is of use if a quarter, and the headline horizon, had been on record before it: who
    was watched for less says little. A trial needs one whose outcome was known on its day.

    horizon_days : the config's headline horizon; the others are DAYS
    """
    horizons = sorted({*DAYS, horizon_days})
    back = {_YEAR * (k // 4) + _QUARTER * (k % 4) for k in range(1, MOST + 1)} | {horizon_days}
    days = [as_of - dt.timedelta(days=each) for each in sorted(back, reverse=True)]
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
    return Plan([*used, as_of], horizons, dict(list(choose.items())[-_CHOICES:]), report, notes)


def run(plan: Plan, known: Sequence[Snapshot], purchase_days: pd.DataFrame) -> Tried:
    """Learn and try at every day of a plan, and learn for today.

    Parameters
    ----------
    known : what was known on each of `plan.days`, in their order
    purchase_days : customer_id, day with a purchase, up to today
    """
    purchase_days = purchase_days.assign(day=pd.to_datetime(purchase_days["day"]))
    earlier, last = [], []
    for day in sorted({*plan.choose, *plan.report}):
        learned = learning.learn(known, purchase_days, day, plan.horizons)
        now = next(each for each in known if each.day == day)
        earlier += _trials(learned, now, purchase_days, plan.choose.get(day, []))
        last += _trials(learned, now, purchase_days, plan.report.get(day, []))
    today = learning.learn(known, purchase_days, plan.days[-1], plan.horizons)
    return Tried(earlier, sorted(last, key=lambda trial: trial.horizon_days), today)


def choose(earlier: Sequence[Trial], company: str | None = None) -> str:
    """Choose the forecast by its mean log score over all earlier trials and horizons.

    The mean of the forecasts (`combined`) is kept unless one alone gave clearly more probability to
    what came: more than two standard errors, all rows of a customer being one draw.

    company : what was chosen for all regions together; it is then the default of this one
    """
    start = company or ORDER[0]
    scores = [
        trial.p_no_purchase.apply(evaluation.log_score, silent=trial.silent)
        for trial in earlier
        if len(trial.p_no_purchase.columns)
    ]
    return choice.choose_by_score(pd.concat(scores), start, ORDER) if scores else start


def usable(tried: Tried, chosen: str) -> str:
    """The chosen forecast if it could be made today, else the next of ORDER, or none."""
    return next((code for code in (chosen, *ORDER) if code in tried.today.models), NONE)


def report(last: Sequence[Trial], chosen: str) -> pd.DataFrame:
    """Score the last trials; columns of table `backtest`, no row where there was none."""
    found = [
        evaluation.score(dict(trial.p_no_purchase.items()), trial.silent).assign(
            horizon_days=trial.horizon_days
        )
        for trial in last
        if len(trial.p_no_purchase.columns)
    ]
    empty = pd.DataFrame(columns=["model", "metric", "value", "horizon_days"])
    table = pd.concat(found, ignore_index=True) if found else empty
    return table.assign(part=PART, is_chosen=table["model"] == chosen)


def find_trial(last: Sequence[Trial], chosen: str, horizon_days: int) -> Trial | None:
    """The trial of a forecast at a horizon; None where it was not tried."""
    tried = [each for each in last if each.horizon_days == horizon_days]
    return next((each for each in tried if chosen in each.p_no_purchase), None)


def customers_at(trial: Trial | None, known: Sequence[Snapshot]) -> pd.DataFrame:
    """The customers as known on the day of a trial, one row each; no row without a trial."""
    if trial is None:
        return known[-1].customers.iloc[:0]
    return next(each.customers for each in known if each.day == trial.day)


def calibration(last: Sequence[Trial], chosen: str, horizon_days: int) -> pd.DataFrame:
    """Predicted and actual share silent in tenths of risk; see `evaluation.calibration`.

    No row where the chosen forecast was not tried at this horizon.
    """
    found = find_trial(last, chosen, horizon_days)
    return (
        evaluation.calibration(found.p_no_purchase[chosen], found.silent)
        if found
        else pd.DataFrame()
    )


def forecast(
    tried: Tried,
    today: Snapshot,
    chosen: str,
    bound_days: int | None,
    horizon_days: int,
) -> tuple[pd.DataFrame, list[Note]]:
    """Forecast the silence of today's customers.

    Parameters
    ----------
    today : who is modelled, as known today
    chosen : of `choose`; where it cannot be made, the next of ORDER takes its place
    bound_days : silence from which a customer counts as lapsed; None: not known

    Returns
    -------
    One row per customer; columns of table `churn` without reasons (`risk_drivers.describe` gives
    them). The probabilities fall with the horizon; one longer than anything seen is empty, with a
    note.
    """
    code, horizons = usable(tried, chosen), sorted({*DAYS, horizon_days})
    wanted = challengers.column_names(horizons)
    table = pd.DataFrame(np.nan, today.customers.index, wanted)
    if code != NONE:
        table = tried.today.forecast(code, today, horizons)[wanted]
    told = table.cummin(axis=1).where(table.notna())
    told["churn_risk"] = told[f"p_no_purchase_{horizon_days}d"]
    silence = today.customers["days_since_last"]
    lapsed = lapse.is_lapsed(silence, bound_days) if bound_days else pd.Series(pd.NA, silence.index)
    told.insert(0, "model", code)
    told.insert(1, "lapsed", lapsed.astype("boolean"))
    kept = ["model", "lapsed", *challengers.column_names(DAYS), "churn_risk"]
    return told[kept], _untold(table, code)


def _trials(
    learned: Learned, now: Snapshot, purchase_days: pd.DataFrame, horizons: Sequence[int]
) -> list[Trial]:
    """Forecast each horizon by every model that can tell it; nobody to forecast: no trial."""
    if not horizons or now.customers.empty:
        return []
    told: Mapping[str, pd.DataFrame] = {
        code: learned.forecast(code, now, horizons) for code in learned.models
    }
    trials = []
    for each in horizons:
        end = now.day + dt.timedelta(days=each)
        silent = learning.no_purchase(now, purchase_days, end, [each]).iloc[:, 0].astype(int)
        name = challengers.column_names([each])[0]
        table: dict[str, Any] = {code: p[name] for code, p in told.items() if p[name].notna().all()}
        trials.append(Trial(now.day, each, pd.DataFrame(table, silent.index), silent))
    return trials


def _untold(table: pd.DataFrame, code: str) -> list[Note]:
    """A note on the shortest horizon that the forecast cannot tell, beside the longest it can."""
    told = [challengers.horizon(name) for name in table if table[name].notna().any()]
    rest = [challengers.horizon(name) for name in table if table[name].isna().all()]
    if code == NONE or table.empty or not rest:
        return []
    return [Note(PART, "horizon_beyond_history", float(max(told, default=0)), float(min(rest)))]


def _enough(day: dt.date, first_day: dt.date, horizon_days: int) -> bool:
    days = (day - first_day).days
    return days >= horizon_days and not shortfalls("churn_history", weeks=days / 7)


def _known(used: Sequence[dt.date], day: dt.date, horizon_days: int) -> bool:
    """Whether a landmark of use had its outcome known on this day."""
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
    """What a short history leaves out: the trial of the headline horizon, or the choice."""
    have = max((as_of - first_day).days / 7, 0.0)
    need = max(horizon_days, 13 * 7) / 7
    if not any(horizon_days in each for each in report.values()):
        return [Note(PART, "no_churn_trial_short_history", have, need + 2 * horizon_days / 7)]
    if not choose:
        shortest = min(DAYS[0], horizon_days) / 7
        return [Note(PART, "no_churn_choice_short_history", have, need + 3 * shortest)]
    return []
