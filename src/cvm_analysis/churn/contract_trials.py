"""How good forecasts of the end of contracts were, on contracts whose end nobody knew yet.

What was known on an earlier day makes the forecasts; what happened to the contracts running on that
day tries them. How long they go on from there is the outcome, so nothing is watched late.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import pandas as pd

from cvm_analysis.churn import contracts
from cvm_analysis.churn.contracts import Study
from cvm_analysis.survival import ipcw_metrics

COX, WEIBULL, ALIKE = "cox", "weibull", "alike"  # all alike but for how long they have lasted
PART = "contracts"
_STEPS = 12  # of the time between the forecasts and today, at which they are scored
_SCORES = ["model", "metric", "value"]


class Trial(NamedTuple):
    """Forecasts of an earlier day and what came of them; without contracts to try all is empty."""

    survival: dict[str, pd.DataFrame]  # model -> P(still running), a column per number of days
    outcome: pd.DataFrame  # one row per contract running on that day: duration since then, event
    scores: pd.DataFrame  # model, metric, value; see `censored.score`


def trial(
    table: pd.DataFrame, landmark: dt.date, as_of: dt.date, first_day: dt.date | None = None
) -> Trial:
    """Learn what was known on the landmark, foretell the ends that followed, and score.

    Parameters
    ----------
    table : one row per contract, as for `contracts.study`
    landmark : the day of the forecasts; from then on `as_of` must leave time for contracts to end
    first_day : as for `contracts.durations`

    Returns
    -------
    A Trial of cox and weibull, where they could be fitted, and of alike: Kaplan-Meier, which knows
    nothing but how long a contract has lasted. A contract that has lasted too long for one of them
    to foretell is left out of all.
    """
    watched = first_day is None or landmark >= first_day
    known = table[(pd.to_datetime(table["started_on"]) <= pd.Timestamp(landmark)) & watched]
    past = contracts.study(known, landmark, first_day if watched else None)
    outcome = _outcome(known, past.spans, landmark, as_of)
    window = (as_of - landmark).days
    days = sorted({window * step // _STEPS for step in range(1, _STEPS)} - {0})
    survival = _forecasts(past, known, outcome.index, days)
    foretold = pd.concat(survival, axis=1).dropna().index if survival else outcome.index[:0]
    outcome = outcome.loc[foretold]
    seen = [day for day in days if day < outcome["duration"].max()]
    if not seen or not outcome["event"].any():
        return Trial({}, outcome, pd.DataFrame(columns=_SCORES))
    survival = {name: p.loc[foretold, seen] for name, p in survival.items()}
    return Trial(survival, outcome, ipcw_metrics.score(survival, outcome, outcome))


def backtest_rows(trial: Trial, horizon_days: int) -> pd.DataFrame:
    """The scores as rows of table `backtest`, part contracts; Cox's model is the one in use."""
    return trial.scores.assign(
        part=PART, horizon_days=horizon_days, is_chosen=trial.scores["model"] == COX
    )


def _outcome(
    known: pd.DataFrame, spans: pd.DataFrame, landmark: dt.date, as_of: dt.date
) -> pd.DataFrame:
    """How long what was running on the landmark went on from there, as known by `as_of`."""
    end = pd.to_datetime(known.loc[spans.index[spans["event"] == 0], "ended_on"])
    ended = end <= pd.Timestamp(as_of)
    lasted = (end.where(ended, pd.Timestamp(as_of)) - pd.Timestamp(landmark)).dt.days
    return pd.DataFrame({"duration": lasted, "event": ended.astype(int)})


def _forecasts(
    past: Study, known: pd.DataFrame, running: pd.Index, days: list[int]
) -> dict[str, pd.DataFrame]:
    """The probability of lasting so many days more, by each model there is."""
    if not days or not past.spans["event"].any():
        return {}
    features, tenure = contracts.features(known).loc[running], past.spans.loc[running, "duration"]
    found = {
        ALIKE: (1 - contracts.p_end_without_model(past.spans, tenure, days)).set_axis(days, axis=1)
    }
    if past.aft:
        found = {WEIBULL: past.aft.survival(features, days, tenure), **found}
    if past.cox:
        found = {COX: past.cox.survival(features, days, tenure), **found}
    return found
