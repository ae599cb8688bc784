"""Backtest of contract forecasts, on contracts that were running on an earlier day.

The forecasts use what was known on that day. The outcome is how long each contract ran on from
there, so no row is observed late.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import pandas as pd

from cvm_analysis.churn import contracts
from cvm_analysis.churn.contracts import Study
from cvm_analysis.survival import ipcw_metrics

COX, WEIBULL, ALIKE = "cox", "weibull", "alike"  # alike: tenure alone (Kaplan-Meier)
PART = "contracts"
_STEPS = 12  # of the time between the landmark and today, at which forecasts are scored


class Trial(NamedTuple):
    """Forecasts of an earlier day and their outcome; all empty without contracts to score."""

    survival: dict[str, pd.DataFrame]  # model -> P(still running), a column per number of days
    outcome: pd.DataFrame  # one row per contract running on that day: duration since then, event
    scores: pd.DataFrame  # model, metric, value; see `ipcw_metrics.score`


def trial(
    table: pd.DataFrame, landmark: dt.date, as_of: dt.date, first_day: dt.date | None = None
) -> Trial:
    """Fit the models as of the landmark, forecast the ends that followed, and score them.

    Parameters
    ----------
    table : one row per contract, as for `contracts.study`
    landmark : the day of the forecasts
    as_of : the last day that counts, far enough after the landmark for contracts to end
    first_day : as for `contracts.durations`

    Returns
    -------
    A Trial of cox and weibull, where they could be fitted, and alike. Contracts that one of these
    cannot forecast are left out of all.
    """
    recorded = first_day is None or landmark >= first_day
    known = table[(pd.to_datetime(table["started_on"]) <= pd.Timestamp(landmark)) & recorded]
    past = contracts.study(known, landmark, first_day if recorded else None)
    outcome = _outcome(known, past.spans, landmark, as_of)
    window = (as_of - landmark).days
    days = sorted({window * step // _STEPS for step in range(1, _STEPS)} - {0})
    survival = _forecasts(past, known, outcome.index, days)
    complete = pd.concat(survival, axis=1).dropna().index if survival else outcome.index[:0]
    outcome = outcome.loc[complete]
    days = [day for day in days if day < outcome["duration"].max()]
    if not days or not outcome["event"].any():
        return Trial({}, outcome, pd.DataFrame(columns=["model", "metric", "value"]))
    survival = {name: p.loc[complete, days] for name, p in survival.items()}
    return Trial(survival, outcome, ipcw_metrics.score(survival, outcome, outcome))


def backtest_rows(trial: Trial, horizon_days: int) -> pd.DataFrame:
    """Return the scores as rows of table `backtest`, part contracts; Cox's model is chosen."""
    return trial.scores.assign(
        part=PART, horizon_days=horizon_days, is_chosen=trial.scores["model"] == COX
    )


def _outcome(
    known: pd.DataFrame, spans: pd.DataFrame, landmark: dt.date, as_of: dt.date
) -> pd.DataFrame:
    """How long each contract running on the landmark went on from there, up to `as_of`."""
    end = pd.to_datetime(known.loc[spans.index[spans["event"] == 0], "ended_on"])
    ended = end <= pd.Timestamp(as_of)
    lasted = (end.where(ended, pd.Timestamp(as_of)) - pd.Timestamp(landmark)).dt.days
    return pd.DataFrame({"duration": lasted, "event": ended.astype(int)})


def _forecasts(
    past: Study, known: pd.DataFrame, running: pd.Index, days: list[int]
) -> dict[str, pd.DataFrame]:
    """The probability of running so many days more, by model, the preferred first."""
    if not days or not past.spans["event"].any():
        return {}
    features, tenure = contracts.features(known).loc[running], past.spans.loc[running, "duration"]
    ends = contracts.p_end_without_model(past.spans, tenure, days)
    models = {COX: past.cox, WEIBULL: past.aft}
    found = {
        name: model.survival(features, days, tenure) for name, model in models.items() if model
    }
    return found | {ALIKE: (1 - ends).set_axis(days, axis=1)}
